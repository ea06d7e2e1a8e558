//! A short queue that networks share fairly, so that nobody's use keeps others out.
//!
//! Networks take turns: of the /48 networks and IPv4 addresses that wait, then of the /56 networks within, then of
//! the /64 networks within. A network alone may fill the queue. Once it is full, whoever comes with fewer waiting
//! takes the place of the last item of the network that has the most waiting.

use std::{array, collections::HashMap};

use super::network::{LEVELS, Network};

/// How often items of high priority go first if others wait too: three turns of four, so that neither keeps the
/// other out.
const HIGH_TURNS: u64 = 3;

/// Which of two kinds of request an item is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Whoever sends it has shown a device that its owner has used, or a live reset link.
    High,
    /// Anyone else.
    Normal,
}

/// Whose request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requester {
    /// Where it comes from.
    pub network: Network,
    /// How urgent it is.
    pub priority: Priority,
}

/// Items that wait for their turn.
pub struct FairQueue<T> {
    capacity: usize,
    waiting: Vec<Waiting<T>>,
    /// When it is each network's turn, the lowest first; only of those that wait.
    turns: HashMap<(Priority, Network), u64>,
    /// The number of the next arrival or turn.
    next: u64,
    /// How many turns there were in which both priorities waited.
    contested: u64,
}

struct Waiting<T> {
    item: T,
    place: Place,
}

/// What decides an item's turn.
#[derive(Clone, Copy)]
struct Place {
    networks: [Network; LEVELS],
    priority: Priority,
    arrival: u64,
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
        self.waiting.len() < self.capacity || self.last_in_excess(requester).is_some()
    }

    /// Adds an item. What comes back has no place: an item that had to leave for it, or the item itself.
    pub fn push(&mut self, requester: Requester, item: T) -> Option<T> {
        let left = match self.waiting.len() < self.capacity {
            true => None,
            false => match self.last_in_excess(requester) {
                Some(position) => Some(self.remove(position)),
                None => return Some(item),
            },
        };
        let place = self.place(requester);
        self.next += 1;
        for network in place.networks {
            let turn = self.turns.entry((place.priority, network));
            turn.or_insert(self.next);
        }
        self.waiting.push(Waiting { item, place });
        left
    }

    /// Takes the item whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let priority = self.next_priority()?;
        let turn = |place: &Place| {
            let turns = place
                .networks
                .map(|network| self.turns[&(priority, network)]);
            (turns, place.arrival)
        };
        let places = self
            .waiting
            .iter()
            .map(|waiting| &waiting.place)
            .enumerate();
        let (position, place) = places
            .filter(|(_, place)| place.priority == priority)
            .min_by_key(|(_, place)| turn(place))?;
        for network in place.networks {
            self.next += 1;
            self.turns.insert((priority, network), self.next);
        }
        Some(self.remove(position))
    }

    fn place(&self, requester: Requester) -> Place {
        Place {
            networks: requester.network.levels(),
            priority: requester.priority,
            arrival: self.next,
        }
    }

    fn next_priority(&mut self) -> Option<Priority> {
        let waits = |priority| {
            let mut places = self.waiting.iter().map(|waiting| waiting.place);
            places.any(|place| place.priority == priority)
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

    /// Takes an item out, and forgets the turns of networks that wait no longer.
    fn remove(&mut self, position: usize) -> T {
        let Waiting { item, place } = self.waiting.remove(position);
        for (level, network) in place.networks.into_iter().enumerate() {
            let mut places = self.waiting.iter().map(|waiting| waiting.place);
            let still_waits = places
                .any(|other| other.priority == place.priority && other.networks[level] == network);
            if !still_waits {
                self.turns.remove(&(place.priority, network));
            }
        }
        item
    }

    /// The item that leaves a full queue for one of this requester: of the network with the most, that newcomer
    /// included, the last of low priority. None if that is the newcomer.
    fn last_in_excess(&self, newcomer: Requester) -> Option<usize> {
        let places: Vec<Place> = self
            .waiting
            .iter()
            .map(|waiting| waiting.place)
            .chain([self.place(newcomer)])
            .collect();
        let mut counts = HashMap::new();
        for place in &places {
            for key in place.networks.into_iter().enumerate() {
                *counts.entry(key).or_insert(0) += 1;
            }
        }
        let excess = |place: &Place| {
            let counts: [usize; LEVELS] =
                array::from_fn(|level| counts[&(level, place.networks[level])]);
            (counts, place.priority, place.arrival)
        };
        let last = (0..places.len()).max_by_key(|position| excess(&places[*position]));
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
