//! The network that a request comes from, also behind proxies.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use super::{
    probe::{self, Arrived},
    state,
};
use crate::accounts::network::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Adds the client's [`Network`] to the extensions of the request.
pub async fn find(
    State(state): State<Arc<state::State>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer {
        let (peer, trusted) = (peer.ip(), &state.trusted_proxies);
        let network = Network::of(client(peer, request.headers(), trusted));
        if let Some(mark) = request.headers().get(probe::MARK) {
            state.probe.note(mark.as_bytes(), || {
                Arrived::new(peer, is_trusted(peer, trusted), network, request.headers())
            });
        }
        request.extensions_mut().insert(network);
    }
    next.run(request).await
}

/// The address that a request was sent from. `X-Forwarded-For` is read from the right for as long as the address is
/// that of a trusted proxy; whatever is further left could be forged (ASVS 4.1.3).
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut forwarded = lines.flat_map(|line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        let addresses = line.rsplit(',').map(|item| address(item.trim()));
        addresses.collect::<Vec<_>>()
    });
    let mut client = peer.to_canonical();
    while is_trusted(client, trusted) {
        match forwarded.next() {
            Some(Some(address)) => client = address.to_canonical(),
            Some(None) | None => break,
        }
    }
    client
}

/// Whether an address is that of a trusted proxy.
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// Reads an address. Some proxies append a port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.parse().ok();
    plain.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_say_counts() {
        let trusted = ["10.0.0.0/8", "2001:db8:f::/48"].map(|network| network.parse().unwrap());
        for (peer, forwarded, sender) in [
            ("192.0.2.7", &[][..], "192.0.2.7"),
            ("192.0.2.7", &["198.51.100.1"], "192.0.2.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1",
                &["1.1.1.1, 198.51.100.1, 10.2.3.4"],
                "198.51.100.1",
            ),
            ("2001:db8:f::1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", &["1.1.1.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), sender, "{peer} {forwarded:?}");
        }
    }
}
