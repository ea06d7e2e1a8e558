//! Accepts connections, with limits on their number and timeouts, and finishes requests before the server stops.
//!
//! `axum::serve` has neither a connection limit nor timeouts for slow clients, hence an accept loop of our own.
//!
//! # Layout
//! - [`slots`]: the connection limit, shared fairly by networks; [`timeouts`]: timeouts for slow clients

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
use super::metrics::connections::ConnectionMetrics;

/// The connection limit. Once it is reached, each further connection closes another.
const MAX_CONNECTIONS: usize = 4096;
/// How many open files the server needs: the connections, and some for store, mail and log.
pub const FILES: u64 = MAX_CONNECTIONS as u64 + 512;
/// The timeouts for slow clients.
const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    answer: Duration::from_secs(30),
};
/// How long a connection may be idle between a response and the complete headers of the next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes of request headers that hyper buffers, which limits headers to little more.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long requests in flight may take after the signal to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failed accept, for example if file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until `stop`, then lets requests in flight finish. At most `files` files may be open. Connections
/// of `proxies` are never closed for others.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    files: u64,
    proxies: Vec<IpNet>,
    metrics: ConnectionMetrics,
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
        let metrics = metrics.clone();
        serve_one(stream, peer, slot, router.clone(), metrics, &graceful);
    }
    drop(listener);
    tracing::info!("stopping, waiting for requests in flight");
    if tokio::time::timeout(STOP_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("shutdown timeout, requests in flight were cut off");
    }
}

/// The connection limit if so many files may be open.
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
                tracing::warn!(%error, "accept failed, will retry");
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
    metrics: ConnectionMetrics,
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
    metrics.open.inc();
    tokio::spawn(async move {
        tokio::select! {
            served = watched => {
                if let Err(error) = served {
                    tracing::debug!(%error, "connection closed with an error");
                }
            }
            () = slot.ended() => {
                metrics.evicted.inc();
                tracing::debug!(client = %peer.ip(), "connection limit reached, closed a connection of the largest network");
            }
        }
        metrics.open.dec();
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
