//! Whether a tenant's users get in at all: not where it is suspended, or where no licence that it lives on is valid; and from
//! which networks.

use std::net::IpAddr;

use ipnet::IpNet;

/// A span of time, in seconds since 1970: its begin counts, its end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first second; none: there was none.
    pub from: Option<u64>,
    /// The first second after; none: it goes on by itself.
    pub until: Option<u64>,
}

impl Period {
    /// Whether a time is in it.
    pub fn has(&self, now: u64) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// Why nobody of a tenant gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shut {
    /// It is suspended.
    Suspended,
    /// Its licences have expired.
    Expired,
}

/// How a tenant stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is suspended.
    pub suspended: bool,
    /// When the licences that it lives on are valid; nothing: it needs none.
    pub licences: Vec<Period>,
}

impl Standing {
    /// Why nobody gets in at this time, if so.
    pub fn shut(&self, now: u64) -> Option<Shut> {
        match self.suspended {
            true => Some(Shut::Suspended),
            false if self.licences.is_empty() || self.licences.iter().any(|period| period.has(now)) => None,
            false => Some(Shut::Expired),
        }
    }
}

/// Networks that a tenant's users come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Option<Vec<IpNet>>);

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is neither an address nor a network")]
pub struct NoNetwork;

impl Networks {
    /// These alone.
    pub fn only(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(Some(networks.into_iter().collect()))
    }

    /// Whether an address is in one of them. An IPv4 address that is written as one of IPv6 is an IPv4 address.
    pub fn admit(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.as_ref().is_none_or(|networks| networks.iter().any(|network| network.contains(&address)))
    }
}

/// Reads an address or a network (RFC 4632, RFC 4291 §2.3), e.g. `203.0.113.0/24`.
pub fn network(text: &str) -> Result<IpNet, NoNetwork> {
    let one = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    one.or_else(|_| text.parse::<IpNet>()).map_err(|_| NoNetwork)
}
