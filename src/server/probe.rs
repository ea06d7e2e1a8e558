//! A request that an operator sends through the proxy, to see what arrives of it.
//!
//! Only the admin socket can have one expected, for a few seconds and by a random mark, and only there is told what
//! arrived: whoever else sends the header learns nothing.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

use crate::accounts::{network::Network, token::Token};

/// The header that has the mark.
pub const MARK: HeaderName = HeaderName::from_static("x-registry-probe");
/// How long a request is expected.
const LIFE: Duration = Duration::from_secs(20);

/// Room for one expected request.
#[derive(Default)]
pub struct Probe(Mutex<Option<Expected>>);

struct Expected {
    mark: Token,
    until: Instant,
    arrived: Option<Arrived>,
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Where the connection comes from.
    pub peer: IpAddr,
    /// Whether `TRUSTED_PROXIES` has that address.
    pub is_trusted: bool,
    /// The network for which the request counts.
    pub network: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Expected {
    fn is_for(&self, mark: &[u8], now: Instant) -> bool {
        now < self.until && self.mark.reveal().as_bytes() == mark
    }
}

impl Arrived {
    /// A request from `peer` that counts for `network`.
    pub fn new(peer: IpAddr, is_trusted: bool, network: Network, headers: &HeaderMap) -> Self {
        let headers = headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        });
        Self {
            peer,
            is_trusted,
            network: network.to_string(),
            headers: headers.collect(),
        }
    }
}

impl Probe {
    /// Expects a request with the mark that is returned, and no earlier one any more.
    pub fn expect(&self) -> String {
        let mark = Token::random();
        let text = mark.reveal();
        *self.lock() = Some(Expected {
            mark,
            until: Instant::now() + LIFE,
            arrived: None,
        });
        text
    }

    /// Notes the first request with the expected mark.
    pub fn note(&self, mark: &[u8], arrived: impl FnOnce() -> Arrived) {
        if let Some(expected) = &mut *self.lock()
            && expected.is_for(mark, Instant::now())
        {
            expected.arrived.get_or_insert_with(arrived);
        }
    }

    /// What arrived with this mark, and expects nothing any more.
    pub fn take(&self, mark: &str) -> Option<Arrived> {
        let mut expected = self.lock();
        let expected = expected.take_if(|expected| expected.mark.reveal() == mark);
        expected?.arrived
    }

    fn lock(&self) -> MutexGuard<'_, Option<Expected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(last: u8) -> Arrived {
        let peer = IpAddr::from([192, 0, 2, last]);
        Arrived::new(peer, false, Network::of(peer), &HeaderMap::new())
    }

    #[test]
    fn only_the_first_request_with_the_newest_mark_is_told_of_once() {
        let probe = Probe::default();
        probe.note(b"", || arrived(1));
        let older = probe.expect();
        let newer = probe.expect();
        assert_ne!(older, newer);
        probe.note(older.as_bytes(), || arrived(2));
        probe.note(b"", || arrived(3));
        probe.note(newer.as_bytes(), || arrived(4));
        probe.note(newer.as_bytes(), || arrived(5));
        assert_eq!(probe.take(&older), None);
        assert_eq!(probe.take(&newer), Some(arrived(4)));
        assert_eq!(probe.take(&newer), None);
    }

    #[test]
    fn a_request_is_expected_for_some_seconds_only() {
        let probe = Probe::default();
        let mark = probe.expect();
        let expected = probe.lock().take().unwrap();
        let last = expected.until - Duration::from_millis(1);
        assert!(expected.is_for(mark.as_bytes(), last));
        assert!(!expected.is_for(mark.as_bytes(), expected.until));
    }
}
