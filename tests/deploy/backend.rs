//! A server that gives one answer to everything, and tells what it was asked.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it ends with the test.
pub struct Backend {
    pub address: SocketAddr,
    heads: Receiver<String>,
    stop: mpsc::Sender<()>,
}

impl Backend {
    pub fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heads) = mpsc::channel();
        let (stop, stopped) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.try_recv().is_ok() {
                    return;
                }
                let _ = tell.send(serve(&stream.unwrap(), answer));
            }
        });
        Self {
            address,
            heads,
            stop,
        }
    }

    /// The head of the next request.
    pub fn head(&self) -> String {
        self.heads.recv_timeout(PATIENCE).unwrap()
    }

    /// Refuses connections from now on.
    pub fn stop(&self) {
        self.stop.send(()).unwrap();
        drop(TcpStream::connect(self.address));
        while TcpStream::connect(self.address).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Answers one request, and closes the connection.
fn serve(mut stream: &TcpStream, answer: &str) -> String {
    let lines = BufReader::new(stream).lines();
    let lines = lines.map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let _ = stream.write_all(answer.as_bytes());
    head.join("\n")
}
