//! Connections: accepted, bounded in time and number, and finished before the server stops.
//!
//! `axum::serve` sets no time limit on a client and no limit on their number, hence a loop of our own.
//!
//! # Layout
//! - [`slots`]: the connections that there may be, shared by networks; [`timeouts`]: how long each waits for its client

pub mod slots;
pub mod timeouts;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use self::{
    slots::{Slot, Slots},
    timeouts::{TimedStream, Timeouts, Turn},
};

/// The most connections at once; a further one ends another.
const MAX_CONNECTIONS: usize = 4096;
/// How many files the server wants to have open at once: connections, and some for stores, mail and log.
pub const FILES: u64 = MAX_CONNECTIONS as u64 + 512;
/// How long a slow client is waited for.
const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    answer: Duration::from_secs(30),
};
/// How long a connection may lie idle between an answer and the next head, which has to be whole by then.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes hyper buffers of a request's head, which bounds the head to little more.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long requests in flight may take after the server was told to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait if no connection can be accepted, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until `stop`, then lets requests in flight finish; opens no more than `files`. Connections of
/// `proxies` are not counted as those of one network.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    files: u64,
    proxies: Vec<IpNet>,
    stop: impl Future<Output = ()>,
) {
    let slots = Slots::new(connections(files), proxies);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let slot = slots.take(peer.ip());
        serve_one(stream, peer, slot, router.clone(), &graceful);
    }
    drop(listener);
    tracing::info!("stopping");
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were cut off");
    }
}

/// How many connections there may be at once if so many files may be open.
fn connections(files: u64) -> usize {
    let others = files / 9;
    usize::try_from(files - others).map_or(MAX_CONNECTIONS, |most| most.min(MAX_CONNECTIONS))
}

async fn accept(listener: &TcpListener, slots: &Slots) -> (TcpStream, SocketAddr) {
    slots.ready().await;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    mut slot: Slot,
    router: Router,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let turn = Turn::default();
    let stream = TimedStream::new(stream, TIMEOUTS, turn.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        turn.pass();
        let turn = turn.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request);
        async move {
            let answer = answer.await;
            turn.pass();
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            served = watched => {
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = slot.ended() => {
                tracing::debug!(client = %peer.ip(), "a connection was ended, its network has the most");
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        for (files, most) in [(FILES, 4096), (u64::MAX, 4096), (1024, 911), (256, 228)] {
            assert_eq!(connections(files), most);
        }
    }
}
