//! What the lease of a realm says: who writes to it, and until when.

use serde_json::{Value, json};

use crate::state::kind::LEASE;

/// Seconds for which a lease is taken: longer than one request may take.
pub const LASTS: u64 = 180;

/// Seconds by which clocks may differ: with more, no account could log in.
const SKEW: u64 = 60;

/// Seconds after which a lease that is not renewed is over for everybody.
pub const LONGEST: u64 = LASTS + SKEW + 10;

/// A term of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The holder's name, without spaces.
    pub holder: String,
    /// The second at which it ends, since 1970.
    pub until: u64,
}

impl Term {
    /// What a role says that is a lease; `None` for any other role of that name.
    pub fn of(role: &Value) -> Option<Self> {
        let (holder, until) = role["description"].as_str()?.split_once(" writes to this realm until ")?;
        Some(Self { holder: holder.to_owned(), until: until.parse().ok()? })
    }

    /// The role.
    pub fn role(&self) -> Value {
        json!({ "name": LEASE, "description": format!("{} writes to this realm until {}", self.holder, self.until) })
    }

    /// Whether it is over, whatever the clock of its holder says; so is one that is longer than any lease.
    pub fn is_over(&self, now: u64) -> bool {
        self.until + SKEW < now || self.until > now + LASTS + SKEW
    }
}
