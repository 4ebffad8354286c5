//! What a plan does to the accounts of the licence tree, and how it was proved that what is granted adds up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounting::FigureChange;
use crate::licence::Event;

/// What happens to the accounts. Applying a plan keeps exactly these events, all of them or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bookkeeping {
    /// What was known when it was made.
    pub proof: Proof,
    /// What happens, in an order in which each step is lawful.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// What that changes, for everybody whom it touches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FigureChange>,
}

impl Bookkeeping {
    /// Whether a tenant's account begins with this plan; none: no ledger was read that would know.
    pub fn begins(&self, tenant: &str) -> Option<bool> {
        let of = |event: &Event| matches!(event, Event::Created { organization, .. } if organization == tenant);
        matches!(self.proof, Proof::Ledger { .. }).then(|| self.events.iter().any(of))
    }
}

/// Which proof was made that what is granted adds up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub enum Proof {
    /// From the manifests alone: what was redeemed and used is not known.
    Manifests,
    /// Against a ledger, with all that was redeemed and used.
    Ledger {
        /// Where it is.
        ledger: String,
        /// Its last entry, as `NUMBER:DIGEST`.
        head: String,
    },
}
