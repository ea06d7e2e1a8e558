//! A bounded queue that networks share fairly, so that no network can lock others out.
//!
//! Networks are served round robin: first among the /48 networks and IPv4 addresses that wait, then among the /56
//! networks within, then among the /64 networks within. A network alone may fill the queue. If the queue is full, an
//! item of a network that has fewer waiting evicts the last item of the network that has the most.
//!
//! Everything is a scan of all items. That is fast enough: the queue is short, and each item stands for milliseconds
//! of hashing.

use std::{array, collections::HashMap};

use super::network::{LEVELS, Network};

/// How often items of high priority go first if others wait too: three times out of four, so that neither starves.
const HIGH_TURNS: u64 = 3;

/// The priority of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// It comes with the token of a known device, or with a live reset link.
    High,
    /// Any other request.
    Normal,
}

/// Where a request comes from, and its priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// Where it comes from.
    pub network: Network,
    /// Its priority.
    pub priority: Priority,
}

/// Items that wait for their turn.
pub struct FairQueue<T> {
    capacity: usize,
    waiting: Vec<Waiting<T>>,
    /// The turn of each network that has items waiting. The lowest goes first.
    turns: HashMap<(Priority, Network), u64>,
    /// The number that the next arrival or turn gets.
    next: u64,
    /// How many times an item was taken while both priorities waited.
    contested: u64,
}

struct Waiting<T> {
    item: T,
    arrival: Arrival,
}

/// When and from where an item came, which decides its turn.
#[derive(Clone, Copy)]
struct Arrival {
    networks: [Network; LEVELS],
    priority: Priority,
    number: u64,
}

impl<T> FairQueue<T> {
    /// A queue of at most `capacity` items.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            waiting: Vec::with_capacity(capacity),
            turns: HashMap::new(),
            next: 0,
            contested: 0,
        }
    }

    /// Whether an item of this requester would be taken now.
    pub fn has_room(&self, requester: Requester) -> bool {
        self.waiting.len() < self.capacity || self.evicted_by(requester).is_some()
    }

    /// Adds an item. Returns the item that it evicted, or the item itself if there is no room for it.
    pub fn push(&mut self, requester: Requester, item: T) -> Option<T> {
        let evicted = match self.waiting.len() < self.capacity {
            true => None,
            false => match self.evicted_by(requester) {
                Some(position) => Some(self.remove(position)),
                None => return Some(item),
            },
        };
        let arrival = self.arrival(requester);
        self.next += 1;
        for network in arrival.networks {
            // A network that has just come is behind all that wait, so leaving and coming back gains nothing.
            let turn = self.turns.entry((arrival.priority, network));
            turn.or_insert(self.next);
        }
        self.waiting.push(Waiting { item, arrival });
        evicted
    }

    /// Removes and returns the item whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let priority = self.next_priority()?;
        let turn = |arrival: &Arrival| {
            let turns = arrival
                .networks
                .map(|network| self.turns[&(priority, network)]);
            (turns, arrival.number)
        };
        let arrivals = self
            .waiting
            .iter()
            .map(|waiting| &waiting.arrival)
            .enumerate();
        let (position, arrival) = arrivals
            .filter(|(_, arrival)| arrival.priority == priority)
            .min_by_key(|(_, arrival)| turn(arrival))?;
        // Its networks, the wide ones too, go to the end of the line.
        for network in arrival.networks {
            self.next += 1;
            self.turns.insert((priority, network), self.next);
        }
        Some(self.remove(position))
    }

    fn arrival(&self, requester: Requester) -> Arrival {
        Arrival {
            networks: requester.network.levels(),
            priority: requester.priority,
            number: self.next,
        }
    }

    fn next_priority(&mut self) -> Option<Priority> {
        let waits = |priority| {
            let mut arrivals = self.waiting.iter().map(|waiting| waiting.arrival);
            arrivals.any(|arrival| arrival.priority == priority)
        };
        match (waits(Priority::High), waits(Priority::Normal)) {
            (true, true) => {
                self.contested += 1;
                match self.contested % (HIGH_TURNS + 1) {
                    0 => Some(Priority::Normal),
                    _ => Some(Priority::High),
                }
            }
            (true, false) => Some(Priority::High),
            (false, true) => Some(Priority::Normal),
            (false, false) => None,
        }
    }

    /// Removes an item, and the turns of networks that have no more items waiting.
    fn remove(&mut self, position: usize) -> T {
        let Waiting { item, arrival } = self.waiting.remove(position);
        for (level, network) in arrival.networks.into_iter().enumerate() {
            let mut arrivals = self.waiting.iter().map(|waiting| waiting.arrival);
            let still_waits = arrivals.any(|other| {
                other.priority == arrival.priority && other.networks[level] == network
            });
            if !still_waits {
                self.turns.remove(&(arrival.priority, network));
            }
        }
        item
    }

    /// The item that a newcomer evicts from a full queue: the last one, of the lowest priority, of the network with
    /// the most items, the newcomer counted. None if that is the newcomer itself.
    fn evicted_by(&self, newcomer: Requester) -> Option<usize> {
        let arrivals: Vec<Arrival> = self
            .waiting
            .iter()
            .map(|waiting| waiting.arrival)
            .chain([self.arrival(newcomer)])
            .collect();
        let mut counts = HashMap::new();
        for arrival in &arrivals {
            for key in arrival.networks.into_iter().enumerate() {
                *counts.entry(key).or_insert(0) += 1;
            }
        }
        // Compared from the widest network to the narrowest, then by priority, then by age.
        let excess = |arrival: &Arrival| {
            let counts: [usize; LEVELS] =
                array::from_fn(|level| counts[&(level, arrival.networks[level])]);
            (counts, arrival.priority, arrival.number)
        };
        let last = (0..arrivals.len()).max_by_key(|position| excess(&arrivals[*position]));
        last.filter(|position| *position < self.waiting.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Requester {
        Requester {
            network: Network::of(address.parse().unwrap()),
            priority: Priority::Normal,
        }
    }

    fn known(address: &str) -> Requester {
        Requester {
            priority: Priority::High,
            ..from(address)
        }
    }

    /// Takes everything out.
    fn drain<T>(queue: &mut FairQueue<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn a_network_alone_is_served_in_order_and_may_fill_the_queue() {
        let mut queue = FairQueue::new(4);
        for n in 0..4 {
            assert!(queue.has_room(from("192.0.2.1")));
            assert_eq!(queue.push(from("192.0.2.1"), n), None);
        }
        assert!(!queue.has_room(from("192.0.2.1")));
        assert_eq!(queue.push(from("192.0.2.1"), 4), Some(4));
        assert_eq!(drain(&mut queue), [0, 1, 2, 3]);
        assert!(queue.turns.is_empty());
    }

    #[test]
    fn networks_take_turns() {
        let mut queue = FairQueue::new(9);
        for n in 1..=5 {
            queue.push(from("192.0.2.1"), n);
        }
        for n in [10, 20] {
            queue.push(from("192.0.2.2"), n);
        }
        queue.push(from("192.0.2.3"), 100);
        assert_eq!(drain(&mut queue), [1, 10, 100, 2, 20, 3, 4, 5]);
    }

    #[test]
    fn who_waits_again_at_once_waits_behind_the_others() {
        let mut queue = FairQueue::new(9);
        queue.push(from("192.0.2.1"), 1);
        queue.push(from("192.0.2.2"), 10);
        queue.push(from("192.0.2.2"), 20);
        assert_eq!(queue.pop(), Some(1));
        queue.push(from("192.0.2.1"), 2);
        assert_eq!(drain(&mut queue), [10, 2, 20]);
    }

    #[test]
    fn a_full_queue_makes_room_at_the_cost_of_who_has_most() {
        let mut queue = FairQueue::new(4);
        for n in 0..4 {
            queue.push(from("192.0.2.1"), n);
        }
        assert!(queue.has_room(from("192.0.2.2")));
        assert_eq!(queue.push(from("192.0.2.2"), 10), Some(3));
        assert_eq!(queue.push(from("192.0.2.2"), 20), Some(2));
        assert!(!queue.has_room(from("192.0.2.2")));
        assert_eq!(queue.push(from("192.0.2.2"), 30), Some(30));
        assert_eq!(queue.push(from("192.0.2.1"), 4), Some(4));
        assert_eq!(drain(&mut queue), [0, 10, 1, 20]);
    }

    #[test]
    fn who_comes_last_is_refused_if_all_have_the_same() {
        let mut queue = FairQueue::new(2);
        queue.push(from("192.0.2.1"), 1);
        queue.push(from("192.0.2.2"), 2);
        assert!(!queue.has_room(from("192.0.2.3")));
        assert_eq!(queue.push(from("192.0.2.3"), 3), Some(3));
        assert!(queue.has_room(known("192.0.2.3")));
        assert_eq!(queue.push(known("192.0.2.3"), 3), Some(2));
        assert_eq!(drain(&mut queue), [3, 1]);
    }

    #[test]
    fn high_priority_has_three_turns_of_four() {
        let mut queue = FairQueue::new(16);
        for n in 1..=3 {
            queue.push(from("192.0.2.1"), n);
        }
        for n in 11..=17 {
            queue.push(known("192.0.2.2"), n);
        }
        assert_eq!(drain(&mut queue), [11, 12, 13, 1, 14, 15, 16, 2, 17, 3]);
    }

    #[test]
    fn ipv6_networks_are_shared_out_at_each_level() {
        let mut queue = FairQueue::new(16);
        // Two /64 of one /56, another /56 of the same /48, and another /48.
        for (address, items) in [
            ("2001:db8:1:100::1", [1, 2]),
            ("2001:db8:1:101::1", [11, 12]),
            ("2001:db8:1:200::1", [21, 22]),
            ("2001:db8:2:100::1", [31, 32]),
        ] {
            for item in items {
                assert_eq!(queue.push(from(address), item), None);
            }
        }
        assert_eq!(drain(&mut queue), [1, 31, 21, 32, 11, 22, 2, 12]);
    }

    #[test]
    fn a_whole_48_fills_no_more_than_its_share() {
        let mut queue = FairQueue::new(4);
        for n in 0..4 {
            queue.push(from(&format!("2001:db8:1:{n}00::1")), n);
        }
        assert!(!queue.has_room(from("2001:db8:1:900::1")));
        assert_eq!(queue.push(from("192.0.2.1"), 10), Some(3));
        assert_eq!(queue.push(from("2001:db8:2::1"), 20), Some(2));
        assert_eq!(drain(&mut queue), [0, 10, 20, 1]);
    }
}
