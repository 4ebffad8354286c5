//! The doors of a realm in quarantine: what somebody opened again by hand, and the way back.

use crate::expand::{OBSERVER, PROVISIONER};
use crate::state::{Kind, ObjectId, Quarantine, RealmState};

/// Fields of a realm that let people in without a client.
pub const SETTINGS: [&str; 2] = ["registrationAllowed", "resetPasswordAllowed"];

/// Clients that stay as they are: the provisioner must be able to go on, whatever happens, and the observer to look.
const KEPT: [&str; 3] = [PROVISIONER, OBSERVER, "realm-management"];

/// The clients and identity providers that somebody could log in through, and whether they are enabled. Clients that
/// only bear tokens let nobody in, and `realm-management`, one of those, can't be disabled by the provisioner.
pub fn doors(state: &RealmState) -> impl Iterator<Item = (&ObjectId, bool)> {
    let objects = state.of_kind(Kind::Client).chain(state.of_kind(Kind::IdentityProvider));
    objects
        .filter(|(id, object)| !KEPT.contains(&id.key.as_str()) && object.raw["bearerOnly"] != true)
        .map(|(id, object)| (id, object.raw["enabled"] == true))
}

/// What is open in a realm although it is in quarantine: clients, identity providers and settings, by their addresses.
pub fn opened(state: &RealmState) -> Vec<String> {
    // One that is under way has doors that are open still; a record that says nothing never shut any.
    if Quarantine::of(state).is_none_or(|record| !record.complete && !record.since.is_empty()) {
        return Vec::new();
    }
    let doors = doors(state).filter(|(_, enabled)| *enabled).map(|(id, _)| id.to_string());
    let is_on = |field: &&str| state.realm().is_some_and(|realm| realm.raw[*field] == true);
    doors.chain(SETTINGS.into_iter().filter(is_on).map(|field| format!("realm#{field}"))).collect()
}

/// The way back for one that was opened, in two commands: what shuts it again, and what ends its quarantine.
pub fn ways(tenant: &str) -> [String; 2] {
    [format!("realmwright destroy {tenant}"), format!("realmwright restore {tenant}")]
}
