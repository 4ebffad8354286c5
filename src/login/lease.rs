//! Concurrent seats: leases that sessions take from a tenant's pool, extend with each refresh, and give back at their end.
//!
//! One that is not extended lapses, so that what a crash leaves behind is free again in a minute or two.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens where all seats are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// Nobody else gets one.
    #[default]
    Deny,
    /// Whoever has had one for longest loses it.
    EvictOldest,
    /// Some more get one, by a share of what is licensed.
    Overage,
}

/// Who takes a seat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// A user, however many sessions they have.
    #[default]
    User,
    /// Each session.
    Session,
}

/// What a product's seats are taken by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// What happens where all are taken.
    pub overflow: Overflow,
    /// By how many percent more may be taken than are licensed, with [`Overflow::Overage`].
    pub overage: u32,
    /// Who takes one.
    pub per: Per,
}

/// One session's hold on a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What the session is found by.
    pub session: Vec<u8>,
    /// Its user.
    pub subject: String,
    /// When the seat was taken, in the order of takings.
    pub taken: u64,
    /// When it lapses.
    pub until: u64,
    /// Whether it was ended for somebody else's sake. Such a session gets none again; another login does.
    pub evicted: bool,
}

/// What comes of asking for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// The session has one.
    Taken {
        /// Leases that end for it, by their sessions.
        evicted: Vec<Vec<u8>>,
        /// Whether it is beyond what is licensed.
        beyond: bool,
    },
    /// There is none.
    Refused,
    /// The session lost its seat to another one.
    Evicted,
}

impl Terms {
    /// How many seats can be taken where so many are licensed.
    pub fn most(&self, licensed: u64) -> u64 {
        match self.overflow {
            Overflow::Overage => licensed.saturating_add(licensed.saturating_mul(self.overage.into()) / 100),
            Overflow::Deny | Overflow::EvictOldest => licensed,
        }
    }

    /// What comes of `session`, of `subject`, asking for a seat of a pool in which these leases are. Who has one keeps it, as
    /// long as there are as many.
    pub fn take(&self, leases: &[Lease], licensed: u64, session: &[u8], subject: &str, now: u64) -> Taking {
        if leases.iter().any(|lease| lease.evicted && lease.session == session) {
            return Taking::Evicted;
        }
        let mut holders: Vec<(u64, &str, Vec<&[u8]>)> = Vec::new();
        let mut live: Vec<&Lease> = leases.iter().filter(|lease| !lease.evicted && lease.until > now).collect();
        live.sort_by_key(|lease| lease.taken);
        for lease in live {
            match holders.iter_mut().find(|(_, holder, _)| self.per == Per::User && *holder == lease.subject) {
                Some((.., sessions)) => sessions.push(&lease.session),
                None => holders.push((lease.taken, &lease.subject, vec![&lease.session])),
            }
        }
        let is_own = |(_, holder, sessions): &(u64, &str, Vec<&[u8]>)| match self.per {
            Per::User => *holder == subject,
            Per::Session => sessions.contains(&session),
        };
        let most = usize::try_from(self.most(licensed)).unwrap_or(usize::MAX);
        let own = holders.iter().position(is_own);
        // Who comes after those that there are seats for lost one when there became fewer.
        let place = own.unwrap_or(holders.len());
        if place < most {
            let beyond = u64::try_from(place).is_ok_and(|place| place >= licensed);
            return Taking::Taken { evicted: Vec::new(), beyond };
        }
        if self.overflow != Overflow::EvictOldest || most == 0 {
            return Taking::Refused;
        }
        let others = holders.iter().filter(|holder| !is_own(holder));
        let surplus = holders.len() - usize::from(own.is_some()) + 1 - most;
        let evicted = others.take(surplus).flat_map(|(.., sessions)| sessions.iter().map(|session| session.to_vec()));
        Taking::Taken { evicted: evicted.collect(), beyond: false }
    }
}
