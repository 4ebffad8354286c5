//! The record of a quarantine: what was open before, who closed it and when, and until when the realm is kept. It lives
//! in an attribute of the realm, so that restoring needs nothing but the realm.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::RealmState;

/// The realm attribute that holds the record.
pub const QUARANTINE: &str = "realmwright.quarantine";

/// A tenant that is shut off, and what to open again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// Who did it.
    pub by: String,
    /// When (RFC 3339, UTC).
    pub since: String,
    /// Until when the realm is kept at least (RFC 3339, UTC).
    pub until: String,
    /// Whether all of it was done, the sessions ended included.
    pub complete: bool,
    /// Ids of the clients that were enabled.
    pub clients: BTreeSet<String>,
    /// Aliases of the identity providers that were enabled.
    pub identity_providers: BTreeSet<String>,
    /// Fields of the realm that were true.
    pub settings: BTreeSet<String>,
}

impl Quarantine {
    /// The record of a realm, if it is in quarantine. One that can't be read is a quarantine without a record.
    pub fn of(realm: &RealmState) -> Option<Self> {
        Self::parse(realm.realm()?.raw.get("attributes")?.get(QUARANTINE)?.as_str()?)
    }

    /// Reads the attribute.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| serde_json::from_str(text).unwrap_or_default())
    }

    /// The attribute's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
