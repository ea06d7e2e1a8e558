//! The network of a client, by which requests are counted and shared.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A network: an IPv4 address, or the first 64, 56 or 48 bits of an IPv6 address.
///
/// Providers give a customer a /64, a /56 or a /48 (RFC 6177), and a server cannot tell which. So whatever is counted
/// or shared by network looks at all three [`Network::levels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// How many nested networks a client is counted in.
pub const LEVELS: usize = 3;

impl Network {
    /// The network of a request without a connection, as in tests.
    pub const UNKNOWN: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        bits: 32,
    };

    /// The narrowest network of a client's address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self {
                address: address.into(),
                bits: 32,
            },
            IpAddr::V6(address) => Self::of_bits(address, 64),
        }
    }

    /// The networks around this one, the widest first: /48, /56 and /64, or three times an IPv4 address.
    pub fn levels(self) -> [Self; LEVELS] {
        match self.address {
            IpAddr::V4(_) => [self; LEVELS],
            IpAddr::V6(address) => [48, 56, 64].map(|bits| Self::of_bits(address, bits)),
        }
    }

    /// The same without repetition, each with the factor of its limits: a wider network may do more, since several
    /// customers may share it.
    pub fn sizes(self) -> Vec<(Self, u32)> {
        match self.address {
            IpAddr::V4(_) => vec![(self, 1)],
            IpAddr::V6(_) => self.levels().into_iter().zip([4, 2, 1]).collect(),
        }
    }

    /// As much of it as is kept of a user: an IPv4 /24 or an IPv6 /48, enough to tell home from abroad.
    pub fn coarse(self) -> String {
        match self.address {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => Self::of_bits(address, 48).to_string(),
        }
    }

    fn of_bits(address: Ipv6Addr, bits: u8) -> Self {
        let mask = u128::MAX << (128 - u32::from(bits));
        Self {
            address: Ipv6Addr::from_bits(address.to_bits() & mask).into(),
            bits,
        }
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/{}", self.bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_is_in_three_networks_and_a_mapped_address_is_ipv4() {
        for (address, levels) in [
            ("192.0.2.7", ["192.0.2.7"; LEVELS]),
            ("::ffff:192.0.2.7", ["192.0.2.7"; LEVELS]),
            (
                "2001:db8:1:2345:3:4:5:6",
                [
                    "2001:db8:1::/48",
                    "2001:db8:1:2300::/56",
                    "2001:db8:1:2345::/64",
                ],
            ),
        ] {
            let network = Network::of(address.parse().unwrap());
            assert_eq!(network.levels().map(|level| level.to_string()), levels);
            assert_eq!(network, network.levels()[LEVELS - 1]);
        }
    }

    #[test]
    fn of_a_network_little_is_kept() {
        for (address, kept) in [
            ("192.0.2.7", "192.0.2.0/24"),
            ("2001:db8:1:2345:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(Network::of(address.parse().unwrap()).coarse(), kept);
        }
    }
}
