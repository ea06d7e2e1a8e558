//! A TCP proxy on a real socket, which can be told to misbehave.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

/// What the proxy does to connections, those that are open included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// Takes everything and passes on nothing, as a network that drops packets; what was held back is
    /// passed on afterwards.
    Silence,
    /// Every reply comes so much later.
    Delay(Duration),
    /// Replies come one byte at a time, with this pause between them.
    Trickle(Duration),
    /// Half of the next reply comes, then a reset.
    CutReply,
    /// Every connection is reset.
    Refuse,
}

/// A proxy before one server; it stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fault = watch::Sender::new(Fault::None);
        let faults = fault.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, server, faults.subscribe()));
            }
        });
        Self {
            address,
            fault,
            task,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection string of the MongoDB server behind it.
    pub fn uri(&self) -> String {
        format!("mongodb://{}", self.address)
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Faults = watch::Receiver<Fault>;

/// Passes on both ways until one side hangs up or a fault ends it; a fault ends it with a reset.
async fn relay(mut client: TcpStream, server: SocketAddr, mut faults: Faults) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return client.set_zero_linger().unwrap();
    };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let is_cut = tokio::select! {
        () = requests(from_client, to_server, faults.clone()) => false,
        is_cut = replies(from_server, to_client, faults.clone()) => is_cut,
        _ = faults.wait_for(|fault| *fault == Fault::Refuse) => true,
    };
    if is_cut {
        let _ = client.set_zero_linger();
    }
}

async fn requests(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut faults: Faults) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let _ = faults.wait_for(|fault| *fault != Fault::Silence).await;
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// Passes replies on; true where a fault cut one off.
async fn replies(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut faults: Faults) -> bool {
    let (queue, mut queued) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let now = faults.clone();
    let receive = async {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            let delay = match *now.borrow() {
                Fault::Delay(delay) => delay,
                _ => Duration::ZERO,
            };
            let _ = queue.send((Instant::now() + delay, bytes[..read].to_vec()));
        }
        // What is queued is still delivered.
        drop(queue);
        std::future::pending().await
    };
    let deliver = async {
        while let Some((due, bytes)) = queued.recv().await {
            sleep_until(due).await;
            let fault = faults.wait_for(|fault| *fault != Fault::Silence).await;
            let fault = fault.map_or(Fault::None, |fault| *fault);
            match fault {
                Fault::CutReply => {
                    let _ = to.write_all(&bytes[..bytes.len() / 2]).await;
                    return true;
                }
                Fault::Trickle(pause) => trickle(&mut to, &bytes, pause, &faults).await,
                _ if to.write_all(&bytes).await.is_err() => return false,
                _ => {}
            }
        }
        false
    };
    tokio::select! {
        is_cut = deliver => is_cut,
        never = receive => never,
    }
}

/// Passes on byte by byte, and the rest at once when the fault is over.
async fn trickle(to: &mut WriteHalf<'_>, bytes: &[u8], pause: Duration, faults: &Faults) {
    for (sent, byte) in bytes.iter().enumerate() {
        if !matches!(*faults.borrow(), Fault::Trickle(_)) {
            let _ = to.write_all(&bytes[sent..]).await;
            return;
        }
        if to.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(pause).await;
    }
}
