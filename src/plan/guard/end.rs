//! What stands between a tenant and its end: each step of `destroy` is refused where it should not be taken yet.

use super::{NOT_QUARANTINED, PROTECTED, PROTECTED_TENANT, RETENTION, Refusal, STILL_DECLARED};
use crate::state::{Protection, Quarantine, RealmState};

/// A tenant that is to be destroyed.
#[derive(Debug)]
pub struct Ending<'a> {
    /// Its name.
    pub tenant: &'a str,
    /// Its realm.
    pub realm: &'a RealmState,
    /// What protects it: the platform, its manifest if it has one, and what was last applied.
    pub protection: &'a Protection,
    /// Whether the manifests declare it.
    pub declared: bool,
    /// Now (RFC 3339, UTC).
    pub now: &'a str,
}

impl Ending<'_> {
    /// Why it must not be put into quarantine.
    pub fn quarantine(&self) -> Vec<Refusal> {
        let protected = self.protection.covers_tenant().is_some();
        protected.then(|| self.refuse(PROTECTED_TENANT, "the tenant is protected")).into_iter().collect()
    }

    /// Why its realm must not be deleted.
    pub fn deletion(&self) -> Vec<Refusal> {
        let mut refusals = self.quarantine();
        if refusals.is_empty() {
            refusals.extend(self.protected_objects());
        }
        if self.declared {
            refusals.push(self.refuse(STILL_DECLARED, "the manifests still declare it"));
        }
        refusals.extend(match Quarantine::of(self.realm) {
            None => Some(self.refuse(NOT_QUARANTINED, "it is not in quarantine")),
            Some(record) if !record.complete => {
                Some(self.refuse(NOT_QUARANTINED, "its quarantine was begun and not finished"))
            }
            Some(record) if record.until.as_str() > self.now => {
                let message = format!("it is in quarantine since {}, kept until {}", record.since, record.until);
                Some(self.refuse(RETENTION, &message))
            }
            Some(_) => None,
        });
        refusals
    }

    fn protected_objects(&self) -> Option<Refusal> {
        let objects = self.realm.objects.keys().filter(|id| self.protection.covers(id).is_some());
        let names: Vec<String> = objects.map(ToString::to_string).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let message = || format!("{} {verb} protected and would go with the realm", names.join(", "));
        (!names.is_empty()).then(|| self.refuse(PROTECTED, &message()))
    }

    fn refuse(&self, guard: &str, message: &str) -> Refusal {
        Refusal::new(guard, Some(self.tenant), message)
    }
}
