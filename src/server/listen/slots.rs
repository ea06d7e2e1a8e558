//! The connection limit, shared fairly by networks so that none can lock others out.
//!
//! A network alone may take all slots. Once all are taken, each further connection closes the oldest one of the network
//! that has the most: first among the /48 networks and IPv4 addresses, then among the /56 networks within, then among
//! the /64 networks within.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;
use tokio::sync::{Notify, oneshot};

use crate::accounts::network::{LEVELS, Network};
use crate::server::peer::is_trusted;

/// The slots for connections, as many as there may be at once.
#[derive(Clone)]
pub struct Slots(Arc<Shared>);

struct Shared {
    most: usize,
    /// Trusted proxies, whose connections are never closed, since their clients are in many networks.
    proxies: Vec<IpNet>,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    taken: usize,
    next: u64,
    /// The connections of each /48 network or IPv4 address, the oldest first.
    networks: HashMap<Network, BTreeMap<u64, Connection>>,
    /// How many connections each narrower network has.
    counts: HashMap<Network, usize>,
}

/// A connection that can be closed.
struct Connection {
    levels: [Network; LEVELS],
    /// Closes the connection when it is dropped.
    _open: oneshot::Sender<()>,
}

/// The slot of one connection. It is free again when this is dropped.
pub struct Slot {
    slots: Slots,
    /// Its network and number; none for a trusted proxy.
    counted: Option<(Network, u64)>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Slots {
    /// `most` slots. Connections of `proxies` are never closed.
    pub fn new(most: usize, proxies: Vec<IpNet>) -> Self {
        Self(Arc::new(Shared {
            most,
            proxies,
            state: Mutex::default(),
            freed: Notify::new(),
        }))
    }

    /// Waits until a slot is free or can be freed. It cannot if trusted proxies hold all of them.
    pub async fn ready(&self) {
        loop {
            let freed = self.0.freed.notified();
            if self.lock().has_room(self.0.most) {
                return;
            }
            freed.await;
        }
    }

    /// A slot for a connection of this peer. If none is free, closes a connection of the network that has the most.
    pub fn take(&self, peer: IpAddr) -> Slot {
        let mut state = self.lock();
        let (counted, ended) = match is_trusted(peer, &self.0.proxies) {
            true => (None, None),
            false => {
                let (counted, ended) = state.add(Network::of(peer).levels());
                (Some(counted), Some(ended))
            }
        };
        state.taken += 1;
        if state.taken > self.0.most {
            state.close_one();
        }
        Slot {
            slots: self.clone(),
            counted,
            ended,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Waits until the connection has to be closed for another. Never returns for a trusted proxy.
    pub async fn ended(&mut self) {
        match &mut self.ended {
            Some(ended) => drop(ended.await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        state.taken -= 1;
        if let Some((network, number)) = self.counted {
            state.remove(network, number);
        }
        drop(state);
        self.slots.0.freed.notify_one();
    }
}

impl State {
    /// Whether a slot is free or can be freed.
    fn has_room(&self, most: usize) -> bool {
        self.taken < most || !self.networks.is_empty()
    }

    fn add(&mut self, levels: [Network; LEVELS]) -> ((Network, u64), oneshot::Receiver<()>) {
        let (open, ended) = oneshot::channel();
        let [widest, narrower @ ..] = levels;
        let number = self.next;
        self.next += 1;
        let connection = Connection {
            levels,
            _open: open,
        };
        let connections = self.networks.entry(widest).or_default();
        connections.insert(number, connection);
        for network in narrower {
            *self.counts.entry(network).or_default() += 1;
        }
        ((widest, number), ended)
    }

    /// Removes a connection, which closes it. Does nothing if it was closed already.
    fn remove(&mut self, widest: Network, number: u64) {
        let Some(connections) = self.networks.get_mut(&widest) else {
            return;
        };
        let Some(connection) = connections.remove(&number) else {
            return;
        };
        if connections.is_empty() {
            self.networks.remove(&widest);
        }
        let [_, narrower @ ..] = connection.levels;
        for network in narrower {
            if let Some(count) = self.counts.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&network);
                }
            }
        }
    }

    /// Closes the oldest connection of the network with the most.
    fn close_one(&mut self) {
        let networks = self.networks.iter();
        let largest = networks.max_by_key(|(_, connections)| connections.len());
        let Some((widest, connections)) = largest else {
            return;
        };
        let count = |network: &Network| self.counts.get(network).copied().unwrap_or_default();
        let excess = |connection: &Connection| connection.levels.map(|network| count(&network));
        // An IPv4 address has no networks within.
        let first = connections.values().next();
        let is_one = first.is_some_and(|first| first.levels == [*widest; LEVELS]);
        let oldest = match is_one {
            true => connections.keys().next(),
            false => {
                let newest_first = connections.iter().rev();
                let most = newest_first.max_by_key(|(_, connection)| excess(connection));
                most.map(|(number, _)| number)
            }
        };
        if let Some(number) = oldest.copied() {
            let widest = *widest;
            self.remove(widest, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn take(slots: &Slots, peer: &str, most: usize) -> Vec<Slot> {
        let peer = peer.parse().unwrap();
        (0..most).map(|_| slots.take(peer)).collect()
    }

    /// Which of the connections go on.
    fn open(connections: &mut [Slot]) -> Vec<bool> {
        let connections = connections.iter_mut();
        connections
            .map(|slot| match &mut slot.ended {
                Some(ended) => ended.try_recv() == Err(TryRecvError::Empty),
                None => true,
            })
            .collect()
    }

    fn count(connections: &mut [Slot]) -> usize {
        open(connections).into_iter().filter(|open| *open).count()
    }

    #[test]
    fn a_network_alone_takes_all_and_then_its_own_oldest_ends() {
        let slots = Slots::new(3, Vec::new());
        let mut many = take(&slots, "192.0.2.1", 3);
        assert_eq!(open(&mut many), [true; 3]);
        many.extend(take(&slots, "192.0.2.1", 1));
        assert_eq!(open(&mut many), [false, true, true, true]);
        drop(many);
        let state = slots.lock();
        assert_eq!(
            (state.taken, state.networks.len(), state.counts.len()),
            (0, 0, 0)
        );
    }

    #[test]
    fn another_network_gets_its_share_from_the_oldest_of_the_largest() {
        let slots = Slots::new(10, Vec::new());
        let mut many = take(&slots, "192.0.2.1", 10);
        let mut others = take(&slots, "192.0.2.2", 4);
        assert_eq!(open(&mut many)[..5], [false, false, false, false, true]);
        assert_eq!(count(&mut others), 4);
        many.extend(take(&slots, "192.0.2.1", 50));
        assert_eq!((count(&mut many), count(&mut others)), (6, 4));
    }

    #[test]
    fn many_networks_keep_no_other_out() {
        let slots = Slots::new(100, Vec::new());
        let mut networks: Vec<_> = (0..50)
            .map(|n| take(&slots, &format!("192.0.2.{n}"), 100))
            .collect();
        let mut other = take(&slots, "198.51.100.1", 1);
        let counts: Vec<usize> = networks.iter_mut().map(|many| count(many)).collect();
        assert_eq!(count(&mut other), 1);
        assert!(
            counts.iter().all(|count| (1..=2).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_whole_48_has_the_share_of_one_and_shares_it_out() {
        let slots = Slots::new(12, Vec::new());
        let mut alone = take(&slots, "192.0.2.1", 6);
        let mut parts: Vec<_> = [
            "2001:db8:1:100::1",
            "2001:db8:1:200::1",
            "2001:db8:1:201::1",
        ]
        .map(|part| take(&slots, part, 6))
        .into();
        assert_eq!(count(&mut alone), 6);
        let counts: Vec<usize> = parts.iter_mut().map(|part| count(part)).collect();
        // Half for each /56, and of it half for each /64.
        assert_eq!(counts.iter().sum::<usize>(), 6);
        assert_eq!(counts[0], 3, "{counts:?}");
    }

    #[tokio::test]
    async fn a_trusted_proxy_may_take_all_and_is_never_cut_off() {
        let proxies = ["192.0.2.1/32", "2001:db8::1/128"].map(|proxy| proxy.parse().unwrap());
        for proxy in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"] {
            let slots = Slots::new(4, proxies.to_vec());
            let mut stranger = take(&slots, "2001:db8::2", 1);
            let mut taken = take(&slots, proxy, 4);
            assert_eq!((count(&mut taken), count(&mut stranger)), (4, 0), "{proxy}");
            drop(stranger);
            assert!(slots.ready().now_or_never().is_none());
            taken.pop();
            assert!(slots.ready().now_or_never().is_some());
        }
    }
}
