//! Proxies in front of the broker: what they say counts, what anybody else says does not.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxies that are trusted.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// These networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Whether an address is one of theirs.
    pub fn trust(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&peer.to_canonical()))
    }

    /// The host that was asked for: what a trusted proxy says that it was, else what the request says. A header that is
    /// there twice says nothing.
    pub fn host<'a>(&self, peer: IpAddr, host: &[&'a str], forwarded: &[&'a str]) -> Option<&'a str> {
        // A proxy says nothing where it sends the header empty.
        let forwarded = if forwarded == [""] { &[] } else { forwarded };
        match (forwarded, host) {
            ([only], _) if self.trust(peer) => Some(only),
            ([], [only]) => Some(only),
            (_, [only]) if !self.trust(peer) => Some(only),
            _ => None,
        }
    }
}
