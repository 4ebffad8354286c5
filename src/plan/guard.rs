//! Guards: rules that refuse a plan that would do much harm, each with a name. Pure.
//!
//! [`check()`] looks at a plan and at what it was made from; its refusals are part of the plan. One that is waived by its
//! name, for one place or everywhere, does not count; a plan with any other is not applied.

mod check;
mod end;
mod waiver;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{InUse, check, cuts};
pub use end::Ending;
pub use waiver::Waiver;

use super::Plan;
use crate::manifest::guards::{Counted, Scope};

/// A rule.
#[derive(Debug)]
pub struct Guard {
    /// Its name, which never changes.
    pub name: &'static str,
    /// What it refuses.
    pub refuses: &'static str,
    /// Whether it can be waived; else the way out.
    pub waivable: Result<(), &'static str>,
    /// What it counts, if it is a threshold.
    pub counts: Option<(Scope, Counted)>,
}

const fn threshold(name: &'static str, refuses: &'static str, scope: Scope, counted: Counted) -> Guard {
    Guard { name, refuses, waivable: Ok(()), counts: Some((scope, counted)) }
}

const fn rule(name: &'static str, refuses: &'static str, waivable: Result<(), &'static str>) -> Guard {
    Guard { name, refuses, waivable, counts: None }
}

/// Deletes or replaces an object that is protected.
pub const PROTECTED: &str = "protected";
/// Lowers licences below what is used.
pub const LICENCE_BELOW_USE: &str = "licence-below-use";
/// Quarantines or destroys a tenant that is protected.
pub const PROTECTED_TENANT: &str = "protected-tenant";
/// Destroys a tenant that was not in quarantine.
pub const NOT_QUARANTINED: &str = "not-quarantined";
/// Destroys a tenant too soon.
pub const RETENTION: &str = "retention";
/// Destroys a tenant that the manifests still have.
pub const STILL_DECLARED: &str = "still-declared";
/// Touches a realm of another environment.
pub const OTHER_ENVIRONMENT: &str = "other-environment";
/// Makes a realm that is on another server of the environment.
pub const OTHER_SERVER: &str = "other-server";
/// Makes more realms on a server than it takes.
pub const FULL_SERVER: &str = "full-server";
/// Touches the master realm.
pub const MASTER: &str = "master";

/// Every rule.
pub static GUARDS: [Guard; 16] = [
    threshold("realm-deletions", "deletes many objects of one realm", Scope::Realm, Counted::Deletions),
    threshold("realm-updates", "updates many objects of one realm", Scope::Realm, Counted::Updates),
    threshold(
        "distributor-deletions",
        "deletes many objects in one distributor's branch",
        Scope::Distributor,
        Counted::Deletions,
    ),
    threshold(
        "distributor-updates",
        "updates many objects in one distributor's branch",
        Scope::Distributor,
        Counted::Updates,
    ),
    threshold("run-deletions", "deletes many objects in one run", Scope::Run, Counted::Deletions),
    threshold("run-updates", "updates many objects in one run", Scope::Run, Counted::Updates),
    rule(
        PROTECTED,
        "deletes or replaces an object that is protected, or was when the realm was last applied; also with its realm",
        Ok(()),
    ),
    rule(LICENCE_BELOW_USE, "lowers the seats of a product below the number of users who hold one", Ok(())),
    rule(
        PROTECTED_TENANT,
        "quarantines or destroys a tenant that is protected",
        Err("take `protected` away in the manifest and apply that first"),
    ),
    rule(
        NOT_QUARANTINED,
        "destroys a tenant that is not in quarantine",
        Err("`realmwright destroy TENANT` comes first"),
    ),
    rule(RETENTION, "destroys a tenant before its time in quarantine is over", Ok(())),
    rule(
        STILL_DECLARED,
        "destroys a tenant that the manifests still declare",
        Err("take it out of the manifests first, or the next apply makes it again"),
    ),
    rule(
        OTHER_ENVIRONMENT,
        "touches a realm that the manifests of another environment made",
        Err("give the server and the environment that belong together"),
    ),
    rule(
        OTHER_SERVER,
        "makes a realm on a server although one of its name is on another server of the environment",
        Err("put `server` back as it was: a realm never moves by itself; docs/servers.md says how to move one by hand"),
    ),
    rule(
        FULL_SERVER,
        "makes more realms on a server than its `capacity` says that it takes",
        Err("raise its `capacity`, if it bears more, or give the new tenants another `server`"),
    ),
    rule(MASTER, "touches the master realm", Err("it is Keycloak's own")),
];

/// The guard of a name.
pub fn find(name: &str) -> Option<&'static Guard> {
    GUARDS.iter().find(|guard| guard.name == name)
}

/// Why a guard refuses a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// Name of the guard.
    pub guard: String,
    /// The tenant or distributor that it is about; left out: the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What would be done, with numbers.
    pub message: String,
    /// Whether it was waived.
    pub waived: bool,
}

impl Refusal {
    /// A refusal that nobody waived yet.
    pub fn new(guard: &str, place: Option<&str>, message: impl Into<String>) -> Self {
        Self { guard: guard.into(), place: place.map(str::to_owned), message: message.into(), waived: false }
    }

    /// What waives exactly this one, if anything can.
    pub fn waiver(&self) -> Option<Waiver> {
        find(&self.guard).filter(|guard| guard.waivable.is_ok())?;
        Some(Waiver { guard: self.guard.clone(), place: self.place.clone() })
    }

    /// The way out.
    pub fn way_out(&self) -> String {
        match (self.waiver(), find(&self.guard).map(|guard| guard.waivable)) {
            (Some(waiver), _) => format!("if that is meant: --waive {waiver}"),
            (None, Some(Err(way_out))) => way_out.into(),
            _ => "make a new plan".into(),
        }
    }
}

impl Plan {
    /// Waives what the waivers are for. Waivers are kept, so that a saved plan says what was waived.
    pub fn waive(&mut self, waivers: &[Waiver]) {
        for waiver in waivers {
            self.refusals.iter_mut().filter(|refusal| waiver.is_for(refusal)).for_each(|refusal| refusal.waived = true);
            if !self.waivers.contains(waiver) {
                self.waivers.push(waiver.clone());
            }
        }
    }

    /// The refusals that nobody waived; a plan that has any is not applied.
    pub fn refused(&self) -> impl Iterator<Item = &Refusal> {
        let waivable = |refusal: &Refusal| find(&refusal.guard).is_some_and(|guard| guard.waivable.is_ok());
        self.refusals.iter().filter(move |refusal| !refusal.waived || !waivable(refusal))
    }
}
