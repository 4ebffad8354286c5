//! Watermarks: what tells a later run that a realm is as it was when it was last compared whole, without reading it.
//!
//! A realm whose comparison had nothing to tell gets one. It holds as long as the same is wanted of the realm, no admin
//! event has come, what changes without an admin event is as it was, and the comparison is not too long ago. A watermark
//! that does not hold, for whatever reason, costs a full comparison and nothing else.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::TenantPlan;
use crate::expand::Desired;
use crate::state::applied::hex;
use crate::state::kind::{LEASE, RETIRED};
use crate::state::secret::Secrets;
use crate::state::{Kind, RealmState};

/// How many of the newest admin events of a realm are looked at.
pub const EVENTS: usize = 5;

/// Most hours for which the watermark of a realm without any admin event holds: an emptied list looks the same.
pub const HOURS_WITHOUT_EVENTS: u16 = 6;

/// What of a realm's own document is held against it: changes of these leave no admin event, or it is no longer the same
/// realm, or it keeps no events any more.
const UNLOGGED: [&str; 5] = ["adminEventsEnabled", "attributes", "clientPolicies", "clientProfiles", "id"];

/// What was wanted and seen of a realm when it was compared whole, with nothing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// Digest of what was wanted of it ([`wanted`]).
    pub wanted: String,
    /// Version of the server, whose upgrades change realms.
    pub server: String,
    /// What was seen.
    pub seen: Seen,
    /// When it was, in seconds since 1970.
    pub at: i64,
}

/// What is seen of a realm without comparing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Ids of its newest admin events, newest first.
    pub events: Vec<String>,
    /// Digest of what changes without an event ([`unlogged`]).
    pub unlogged: String,
}

impl Watermark {
    /// Whether a realm is still what was compared: `wanted` is the digest of what is wanted now, `now` in seconds since 1970,
    /// `hours` for how many a comparison is good.
    pub fn holds(&self, wanted: &str, server: &str, seen: &Seen, now: i64, hours: u16) -> bool {
        // Events that expire go from the other end.
        let no_newer =
            self.seen.events.starts_with(&seen.events) && seen.events.is_empty() == self.seen.events.is_empty();
        let hours = if seen.events.is_empty() { hours.min(HOURS_WITHOUT_EVENTS) } else { hours };
        let recent = (0..i64::from(hours) * 3600).contains(&(now - self.at));
        recent && no_newer && self.wanted == wanted && self.server == server && self.seen.unlogged == seen.unlogged
    }
}

/// The ids of a realm's newest admin events, as the Admin API lists them. None where they tell nothing: they have no ids, or
/// somebody holds the realm's lease, who may leave it behind without another event.
pub fn event_ids(events: &Value) -> Option<Vec<String>> {
    let events = events.as_array()?;
    let lease = format!("roles/{LEASE}");
    let of_lease = events.iter().find(|event| event["resourcePath"] == lease.as_str());
    if of_lease.is_some_and(|event| event["operationType"] != "DELETE") {
        return None;
    }
    events.iter().map(|event| event["id"].as_str().map(str::to_owned)).collect()
}

/// Digest of what of a realm changes without an admin event, by its own document or its export, which say the same of it.
/// None where the realm keeps no admin events.
pub fn unlogged(document: &Value) -> Option<String> {
    let of = |name: &str| json!([name, document.get(name)]);
    (document["adminEventsEnabled"] == true).then(|| digest(UNLOGGED.map(of).as_slice()))
}

/// Digest of what is wanted of a tenant's realm. `basis` is all else that a comparison depends on.
pub fn wanted(desired: &Desired, secrets: &Secrets, basis: &str) -> String {
    let objects = desired.state.objects.iter().map(|(id, object)| (id, &object.fields)).collect::<Vec<_>>();
    let secrets = desired.secrets.iter().map(|(reference, _)| (reference, secrets.fingerprint(reference)));
    digest(&(basis, objects, secrets.collect::<Vec<_>>()))
}

/// Whether the comparison of a realm had nothing to tell, and time alone changes nothing of that.
pub fn is_silent(plan: &TenantPlan, observed: &RealmState) -> bool {
    let waits = observed.of_kind(Kind::Flow).any(|(id, _)| id.key.starts_with(RETIRED));
    plan.is_empty()
        && !plan.has_foreign()
        && plan.tampering.is_empty()
        && plan.rights.is_empty()
        && plan.quarantined.is_none()
        && plan.opened.is_empty()
        && !waits
}

/// SHA-256 of a value's JSON, which is never there as a whole.
fn digest(value: &(impl Serialize + ?Sized)) -> String {
    let mut hashing = Hashing(Sha256::new());
    match serde_json::to_writer(io::BufWriter::with_capacity(4096, &mut hashing), value) {
        Ok(()) => hex(&hashing.0.finalize()),
        Err(_) => String::new(),
    }
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
