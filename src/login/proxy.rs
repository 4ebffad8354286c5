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

    /// Whether there are none: then every request seems to come from the one in front, if there is one.
    pub fn are_unknown(&self) -> bool {
        self.0.is_empty()
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

    /// The address that a request comes from: who asked, or where that is a trusted proxy, the last one that it names and that is
    /// none (`X-Forwarded-For`). What else stands there was sent by somebody who is not trusted. None where a proxy says what
    /// can't be read.
    pub fn client(&self, peer: IpAddr, forwarded: &[&str]) -> Option<IpAddr> {
        let mut last = peer.to_canonical();
        for step in forwarded.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !self.trust(last) {
                break;
            }
            last = address(step.trim())?.to_canonical();
        }
        Some(last)
    }
}

/// An address as proxies write it: some add the port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_counts() {
        let proxies = Proxies::new(["10.0.0.0/8".parse().expect("a network")]);
        let of = |peer: &str, forwarded: &[&str]| {
            proxies.client(peer.parse().expect("an address"), forwarded).map(|address| address.to_string())
        };
        let is = |peer: &str, forwarded: &[&str], expected: &str| {
            assert_eq!(of(peer, forwarded).as_deref(), Some(expected), "{peer} {forwarded:?}");
        };
        is("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        is("10.0.0.1", &[], "10.0.0.1");
        is("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        is("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"], "198.51.100.7");
        is("10.0.0.1", &["203.0.113.9", "198.51.100.7:4711"], "198.51.100.7");
        is("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1");
        is("::ffff:10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
        assert_eq!(of("10.0.0.1", &["203.0.113.9, unknown"]), None);
        assert_eq!(of("10.0.0.1", &[""]), None);
    }
}
