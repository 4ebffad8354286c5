//! What a run tells programs while it goes on (`--json`): one JSON object a line, in the order in which things happen.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::Exit;
use crate::apply::{Outcome, TenantOutcome};
use crate::keycloak::{KeycloakError, Tally};
use crate::plan::Plan;
use crate::state::RealmState;

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event<'a> {
    /// A tenant's realm was looked at.
    Read {
        /// The tenant.
        tenant: &'a str,
        /// Whether there is such a realm; none: that could not be found out.
        there: Option<bool>,
        /// Why not.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// When it was last compared whole (RFC 3339, UTC), where it was not read now because nothing has happened since.
        #[serde(skip_serializing_if = "Option::is_none")]
        unchanged_since: Option<&'a str>,
        /// What it took.
        #[serde(flatten)]
        cost: Cost,
    },
    /// The plan was made.
    Planned {
        /// It, as `plan --format json` prints it.
        plan: &'a Plan,
    },
    /// A tenant's realm was worked on.
    Applied {
        /// The tenant.
        tenant: &'a str,
        /// What came of it.
        outcome: Came,
        /// How many changes were made; a birth is one.
        changes: usize,
        /// Objects that were refused because they have moved since the plan was made, with the reason.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<String>,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// What it took.
        #[serde(flatten)]
        cost: Cost,
    },
    /// The run is over.
    Ended {
        /// The exit code.
        exit: u8,
        /// Tenants by what came of them; empty where nothing was to be applied.
        tenants: std::collections::BTreeMap<Came, usize>,
        /// Requests that were sent to apply the plan, those for tokens included.
        requests: u64,
        /// Milliseconds that it took to apply the plan.
        took_ms: u64,
    },
}

/// What a tenant took.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Requests, those for tokens included.
    requests: u32,
    /// How many of them were sent once more.
    repeats: u32,
    /// Milliseconds from the first request to the last answer.
    took_ms: u64,
    /// The request that took longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest: Option<Slowest>,
}

/// A request that took long.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Slowest {
    /// HTTP method.
    method: &'static str,
    /// Path and query.
    path: String,
    /// Milliseconds.
    took_ms: u64,
}

/// What came of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// Its realm was born.
    Created,
    /// Its realm was changed.
    Changed,
    /// Its realm was as planned already.
    Unchanged,
    /// Some of it was refused, the rest was done.
    Partly,
    /// It has moved since the plan was made: nothing was written.
    Stale,
    /// A request failed.
    Failed,
    /// A guard refused.
    Refused,
    /// The run was stopped before its turn.
    NotStarted,
}

impl From<Option<&Tally>> for Cost {
    fn from(tally: Option<&Tally>) -> Self {
        let Some(tally) = tally else { return Self::default() };
        let (method, path, took) = &tally.slowest;
        Self {
            requests: tally.requests,
            repeats: tally.repeats,
            took_ms: milliseconds(tally.took),
            slowest: Some(Slowest { method, path: path.clone(), took_ms: milliseconds(*took) }),
        }
    }
}

impl From<&TenantOutcome> for Came {
    fn from(outcome: &TenantOutcome) -> Self {
        match outcome {
            TenantOutcome::Born => Self::Created,
            TenantOutcome::Changed(_) => Self::Changed,
            TenantOutcome::Unchanged => Self::Unchanged,
            TenantOutcome::Partly { .. } => Self::Partly,
            TenantOutcome::Stale(_) => Self::Stale,
            TenantOutcome::Failed { .. } => Self::Failed,
            TenantOutcome::Refused => Self::Refused,
            TenantOutcome::NotStarted => Self::NotStarted,
        }
    }
}

impl<'a> Event<'a> {
    /// A realm was looked at.
    pub(super) fn read(
        tenant: &'a str,
        found: &'a Result<Option<RealmState>, KeycloakError>,
        tally: Option<&Tally>,
    ) -> Self {
        let realm = found.as_ref().ok().and_then(Option::as_ref);
        Self::Read {
            tenant,
            there: found.as_ref().ok().map(Option::is_some),
            error: found.as_ref().err().map(ToString::to_string),
            unchanged_since: realm.and_then(|realm| realm.unchanged_since.as_deref()),
            cost: tally.into(),
        }
    }

    /// A realm was worked on.
    pub(super) fn applied(tenant: &'a str, outcome: &TenantOutcome, tally: Option<&Tally>) -> Self {
        let (changes, refused, error) = match outcome {
            TenantOutcome::Born => (1, &[][..], None),
            TenantOutcome::Changed(done) => (*done, &[][..], None),
            TenantOutcome::Partly { done, refused } => (*done, &refused[..], None),
            TenantOutcome::Stale(refused) => (0, &refused[..], None),
            TenantOutcome::Failed { done, refused, error, .. } => (*done, &refused[..], Some(error.to_string())),
            TenantOutcome::Unchanged | TenantOutcome::Refused | TenantOutcome::NotStarted => (0, &[][..], None),
        };
        let refused = refused.iter().map(ToString::to_string).collect();
        Self::Applied { tenant, outcome: outcome.into(), changes, refused, error, cost: tally.into() }
    }

    /// The run is over, and nothing was to be applied.
    pub(super) fn over(exit: Exit) -> Self {
        Self::ended(exit, &Outcome::default(), 0, Duration::ZERO)
    }

    /// The run is over.
    pub(super) fn ended(exit: Exit, outcome: &Outcome, requests: u64, took: Duration) -> Self {
        let mut tenants = std::collections::BTreeMap::new();
        for (_, outcome) in &outcome.tenants {
            *tenants.entry(outcome.into()).or_default() += 1;
        }
        Self::Ended { exit: exit.code(), tenants, requests, took_ms: milliseconds(took) }
    }
}

fn milliseconds(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}
