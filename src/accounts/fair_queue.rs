//! A bounded queue that networks share fairly, so that no network can lock others out.
//!
//! A place is reserved first and filled with an item later. Networks are served round robin: first among the /48
//! networks and IPv4 addresses that wait, then among the /56 networks within, then among the /64 networks within. A
//! network alone may fill the queue. If the queue is full, a network that has fewer places evicts the last one of the
//! network that has the most.
//!
//! Everything is a scan of all places. That is fast enough: the queue is short, and each item stands for milliseconds
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

/// Items that wait for their turn, and places for those to come.
pub struct FairQueue<T> {
    capacity: usize,
    places: Vec<Place<T>>,
    /// The turn of each network that has a place. The lowest goes first.
    turns: HashMap<(Priority, Network), u64>,
    /// The number that the next arrival or turn gets.
    next: u64,
    /// How many times an item was taken while both priorities waited.
    contested: u64,
}

struct Place<T> {
    /// None until it is filled.
    item: Option<T>,
    arrival: Arrival,
}

/// The number of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceId(u64);

/// When and from where a place was reserved, which decides its turn.
#[derive(Clone, Copy)]
struct Arrival {
    networks: [Network; LEVELS],
    priority: Priority,
    id: PlaceId,
}

impl<T> FairQueue<T> {
    /// A queue of at most `capacity` places.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            places: Vec::with_capacity(capacity),
            turns: HashMap::new(),
            next: 0,
            contested: 0,
        }
    }

    /// How many places are reserved or filled.
    pub fn taken(&self) -> usize {
        self.places.len()
    }

    /// Whether this requester would get a place now.
    pub fn has_room(&self, requester: Requester) -> bool {
        self.places.len() < self.capacity || self.evicted_by(requester).is_some()
    }

    /// Reserves a place, at the cost of another one if need be. None if there is no room for this requester.
    pub fn reserve(&mut self, requester: Requester) -> Option<PlaceId> {
        if self.places.len() >= self.capacity {
            let evicted = self.evicted_by(requester)?;
            self.remove(evicted);
        }
        let arrival = self.arrival(requester);
        self.next += 1;
        for network in arrival.networks {
            // A network that has just come is behind all that wait, so leaving and coming back gains nothing.
            let turn = self.turns.entry((arrival.priority, network));
            turn.or_insert(self.next);
        }
        let item = None;
        self.places.push(Place { item, arrival });
        Some(arrival.id)
    }

    /// Fills a place. Drops the item if the place was evicted.
    pub fn fill(&mut self, id: PlaceId, item: T) {
        if let Some(position) = self.position(id) {
            self.places[position].item = Some(item);
        }
    }

    /// Gives back a place that was not filled.
    pub fn release(&mut self, id: PlaceId) {
        if let Some(position) = self.position(id)
            && self.places[position].item.is_none()
        {
            self.remove(position);
        }
    }

    /// Removes and returns the item whose turn it is.
    pub fn pop(&mut self) -> Option<T> {
        let priority = self.next_priority()?;
        let turn = |arrival: &Arrival| {
            let turns = arrival
                .networks
                .map(|network| self.turns[&(priority, network)]);
            (turns, arrival.id)
        };
        let places = self.places.iter().enumerate();
        let (position, arrival) = places
            .filter(|(_, place)| place.item.is_some() && place.arrival.priority == priority)
            .map(|(position, place)| (position, place.arrival))
            .min_by_key(|(_, arrival)| turn(arrival))?;
        // Its networks, the wide ones too, go to the end of the line.
        for network in arrival.networks {
            self.next += 1;
            self.turns.insert((priority, network), self.next);
        }
        self.remove(position)
    }

    /// In order of arrival, hence of their numbers.
    fn position(&self, id: PlaceId) -> Option<usize> {
        let position = self
            .places
            .binary_search_by_key(&id, |place| place.arrival.id);
        position.ok()
    }

    fn arrival(&self, requester: Requester) -> Arrival {
        Arrival {
            networks: requester.network.levels(),
            priority: requester.priority,
            id: PlaceId(self.next),
        }
    }

    fn next_priority(&mut self) -> Option<Priority> {
        let waits = |priority| {
            let mut filled = self.places.iter().filter(|place| place.item.is_some());
            filled.any(|place| place.arrival.priority == priority)
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

    /// Removes a place, and the turns of networks that have no more of them. Returns its item.
    fn remove(&mut self, position: usize) -> Option<T> {
        let Place { item, arrival } = self.places.remove(position);
        for (level, network) in arrival.networks.into_iter().enumerate() {
            let mut arrivals = self.places.iter().map(|place| place.arrival);
            let still_waits = arrivals.any(|other| {
                other.priority == arrival.priority && other.networks[level] == network
            });
            if !still_waits {
                self.turns.remove(&(arrival.priority, network));
            }
        }
        item
    }

    /// The place that a newcomer evicts from a full queue: the last one, of the lowest priority, of the network with
    /// the most places, the newcomer counted. None if that is the newcomer itself.
    fn evicted_by(&self, newcomer: Requester) -> Option<usize> {
        let arrivals = self.places.iter().map(|place| place.arrival);
        let arrivals: Vec<Arrival> = arrivals.chain([self.arrival(newcomer)]).collect();
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
            (counts, arrival.priority, arrival.id)
        };
        let last = (0..arrivals.len()).max_by_key(|position| excess(&arrivals[*position]));
        last.filter(|position| *position < self.places.len())
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

    impl<T> FairQueue<T> {
        /// Reserves a place and fills it, if there is room.
        fn push(&mut self, requester: Requester, item: T) -> bool {
            let place = self.reserve(requester);
            place.map(|place| self.fill(place, item)).is_some()
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
            assert!(queue.push(from("192.0.2.1"), n));
        }
        assert!(!queue.has_room(from("192.0.2.1")));
        assert!(!queue.push(from("192.0.2.1"), 4));
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
        assert!(queue.push(from("192.0.2.2"), 10));
        assert!(queue.push(from("192.0.2.2"), 20));
        assert!(!queue.has_room(from("192.0.2.2")));
        assert!(!queue.push(from("192.0.2.2"), 30));
        assert!(!queue.push(from("192.0.2.1"), 4));
        assert_eq!(drain(&mut queue), [0, 10, 1, 20]);
    }

    #[test]
    fn who_comes_last_is_refused_if_all_have_the_same() {
        let mut queue = FairQueue::new(2);
        queue.push(from("192.0.2.1"), 1);
        queue.push(from("192.0.2.2"), 2);
        assert!(!queue.has_room(from("192.0.2.3")));
        assert!(!queue.push(from("192.0.2.3"), 3));
        assert!(queue.has_room(known("192.0.2.3")));
        assert!(queue.push(known("192.0.2.3"), 3));
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
                assert!(queue.push(from(address), item));
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
        assert!(queue.push(from("192.0.2.1"), 10));
        assert!(queue.push(from("2001:db8:2::1"), 20));
        assert_eq!(drain(&mut queue), [0, 10, 20, 1]);
    }

    #[test]
    fn a_reserved_place_counts_and_waits_for_its_item() {
        let mut queue = FairQueue::new(2);
        let slow = queue.reserve(from("192.0.2.1")).unwrap();
        assert!(queue.push(from("192.0.2.2"), 2));
        assert!(!queue.has_room(from("192.0.2.3")));
        assert_eq!(queue.pop(), Some(2));
        assert_eq!(queue.pop(), None);
        queue.fill(slow, 1);
        queue.release(slow);
        assert_eq!(drain(&mut queue), [1]);
        assert!(queue.turns.is_empty());
    }

    #[test]
    fn a_place_given_back_or_evicted_takes_no_item() {
        let mut queue = FairQueue::new(2);
        let released = queue.reserve(from("192.0.2.1")).unwrap();
        queue.release(released);
        queue.fill(released, 1);
        let kept = queue.reserve(from("192.0.2.1")).unwrap();
        let evicted = queue.reserve(from("192.0.2.1")).unwrap();
        assert!(queue.push(from("192.0.2.2"), 10));
        queue.fill(evicted, 2);
        queue.fill(kept, 1);
        assert_eq!(drain(&mut queue), [1, 10]);
    }
}
