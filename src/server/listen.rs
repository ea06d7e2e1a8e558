//! Connections: accepted, bounded in time and number, and finished before the server stops.
//!
//! `axum::serve` sets no time limit on a client and no limit on their number, hence a loop of our own.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use ipnet::IpNet;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt;

use super::{
    patience::{Patience, Patient, Turn},
    peer::is_trusted,
};
use crate::accounts::limits::Network;

/// The most connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How many files the server wants to have open at once: connections, and some for stores, mail and log.
pub const FILES: u64 = MAX_CONNECTIONS as u64 + 512;
/// How long a slow client is waited for.
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(10),
    answer: Duration::from_secs(30),
};
/// How long a connection may lie idle between an answer and the next head, which has to be whole by then.
const IDLE_PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes hyper buffers of a request's head, which bounds the head to little more.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// How long requests in flight may take after the server was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait where no connection can be accepted, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until `stop`, then lets requests in flight finish; opens no more than `files`. Proxies may
/// take all connections.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    files: u64,
    proxies: Vec<IpNet>,
    stop: impl Future<Output = ()>,
) {
    let places = Places::new(connections(files), proxies);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, free) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some(place) = places.take(peer, free) {
            serve_one(stream, peer, place, router.clone(), &graceful);
        }
    }
    drop(listener);
    tracing::info!("stopping");
    if tokio::time::timeout(STOP_PATIENCE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were cut off");
    }
}

/// How many connections there may be at once where so many files may be open.
fn connections(files: u64) -> usize {
    let others = files / 9;
    usize::try_from(files - others).map_or(MAX_CONNECTIONS, |most| most.min(MAX_CONNECTIONS))
}

/// The places for connections.
struct Places {
    free: Arc<Semaphore>,
    /// The most from one network, so that no one takes all; more are closed.
    most_of_network: usize,
    /// Those it does not count for, since their clients come from many networks.
    proxies: Vec<IpNet>,
    taken: Arc<Mutex<HashMap<Network, usize>>>,
}

/// The place of one connection, free again when it is dropped.
struct Place {
    _share: Option<Share>,
    _free: Option<OwnedSemaphorePermit>,
}

/// One of those that a network has, given back when it is dropped.
struct Share {
    network: Network,
    taken: Arc<Mutex<HashMap<Network, usize>>>,
}

impl Places {
    fn new(most: usize, proxies: Vec<IpNet>) -> Self {
        Self {
            free: Arc::new(Semaphore::new(most)),
            most_of_network: most / 2,
            proxies,
            taken: Arc::default(),
        }
    }

    /// A place for this peer; none where its network has too many.
    fn take(&self, peer: SocketAddr, free: Option<OwnedSemaphorePermit>) -> Option<Place> {
        let share = match is_trusted(peer.ip(), &self.proxies) {
            true => None,
            false => Some(self.share(peer.ip())?),
        };
        Some(Place {
            _share: share,
            _free: free,
        })
    }

    fn share(&self, peer: IpAddr) -> Option<Share> {
        let network = Network::of(peer);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(network).or_default();
        if *count >= self.most_of_network {
            return None;
        }
        *count += 1;
        Some(Share {
            network,
            taken: self.taken.clone(),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Places,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    let place = places.free.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
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
    place: Place,
    router: Router,
    graceful: &GracefulShutdown,
) {
    let _ = stream.set_nodelay(true);
    let turn = Turn::default();
    let stream = Patient::new(stream, PATIENCE, turn.clone());
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
        .header_read_timeout(IDLE_PATIENCE)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let watched = graceful.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended early");
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

    #[test]
    fn one_network_gets_half_of_the_places_and_gives_them_back() {
        let places = Places::new(4, Vec::new());
        let take = |peer: &str| places.take(peer.parse().unwrap(), None);
        let first = take("192.0.2.1:1");
        let second = take("192.0.2.1:2");
        assert!(first.is_some() && second.is_some());
        assert!(take("192.0.2.1:3").is_none());
        assert!(take("192.0.2.2:1").is_some());
        drop(first);
        assert!(take("192.0.2.1:3").is_some());
    }

    #[test]
    fn a_trusted_proxy_gets_all_places_and_takes_none_from_its_neighbours() {
        let proxies = ["192.0.2.1/32", "2001:db8::1/128"].map(|proxy| proxy.parse().unwrap());
        let places = Places::new(4, proxies.to_vec());
        for proxy in ["192.0.2.1:1", "[::ffff:192.0.2.1]:1", "[2001:db8::1]:1"] {
            let taken = [(); 4].map(|()| places.take(proxy.parse().unwrap(), None));
            assert!(taken.iter().all(Option::is_some), "{proxy}");
            assert!(
                places
                    .take("[2001:db8::2]:1".parse().unwrap(), None)
                    .is_some()
            );
        }
    }
}
