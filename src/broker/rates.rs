//! How often logins may be begun: from one address, and at one tenant.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::{IpNet, Ipv6Net};

use crate::login::proxy::Proxies;

/// How many a minute; that many may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// From one address; of IPv6, from one network of 64 bits, which is what one subscriber has.
    pub address: NonZeroU32,
    /// At one tenant.
    pub tenant: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        // A clinic whose users all come from one address begins its day.
        Self { address: NonZeroU32::MIN.saturating_add(599), tenant: NonZeroU32::MIN.saturating_add(5_999) }
    }
}

/// What is left of them.
pub(super) struct Limiter {
    /// None where it is not known where requests come from.
    addresses: Option<DefaultKeyedRateLimiter<IpNet>>,
    tenants: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limiter {
    pub(super) fn new(rates: Rates, proxies: &Proxies) -> Self {
        let addresses = || RateLimiter::keyed(Quota::per_minute(rates.address));
        Self {
            addresses: (!proxies.are_unknown()).then(addresses),
            tenants: RateLimiter::keyed(Quota::per_minute(rates.tenant)),
            clock: DefaultClock::default(),
        }
    }

    /// One more login; how long to wait where it is one too many.
    pub(super) fn begins(&self, address: IpAddr, tenant: &str) -> Result<(), Duration> {
        if let Some(addresses) = &self.addresses {
            let not_yet = addresses.check_key(&subscriber(address));
            not_yet.map_err(|until| until.wait_time_from(self.clock.now()))?;
        }
        let not_yet = self.tenants.check_key(&tenant.to_owned());
        not_yet.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets whoever has all of it left.
    pub(super) fn sweep(&self) {
        if let Some(addresses) = &self.addresses {
            addresses.retain_recent();
            addresses.shrink_to_fit();
        }
        self.tenants.retain_recent();
    }
}

/// Whose address it is.
fn subscriber(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address).into(),
        IpAddr::V6(address) => Ipv6Net::new(address, 64).map_or(IpAddr::V6(address).into(), |net| net.trunc().into()),
    }
}
