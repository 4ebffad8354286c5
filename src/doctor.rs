//! What may go wrong on a server, found before anything is touched, with the exact mend of each.
//!
//! [`examine`] asks, and only reads; [`facts`] are its answers. All that follows is pure: [`server`], [`realm`] and
//! [`upgrade`] turn facts into checks, [`render`] shows them.

pub mod examine;
pub mod facts;
pub mod realm;
pub mod render;
pub mod server;
pub mod themes;
pub mod upgrade;

use serde::Serialize;

use facts::Facts;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works now, and may not later, or could not be told.
    Warn,
    /// Something will fail until it is mended.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its name: what is looked at, a dot, and what of it.
    pub id: &'static str,
    /// The realm that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, and what was assumed.
    pub says: String,
    /// What mends it: commands to run, or steps to take, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mends: Vec<String>,
    /// True for what Keycloak announces for a version that was not tried.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub documented_only: bool,
}

impl Check {
    /// A check that ended well.
    pub fn ok(id: &'static str, says: impl Into<String>) -> Self {
        Self { id, realm: None, verdict: Verdict::Ok, says: says.into(), mends: Vec::new(), documented_only: false }
    }

    /// A check that warns.
    pub fn warn(id: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, ..Self::ok(id, says) }
    }

    /// A check that failed.
    pub fn fail(id: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, ..Self::ok(id, says) }
    }

    /// The same with one more mend.
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mends.push(mend.into());
        self
    }

    /// The same, about a realm.
    pub fn of(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }
}

/// All checks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The server's URL.
    pub server: String,
    /// How many realms of Realmwright were looked into, of how many that the manifests name.
    pub looked_into: (usize, usize),
    /// The checks.
    pub checks: Vec<Check>,
    /// How `kcadm.sh`, which some mends use, is logged in.
    pub kcadm_login: String,
}

impl Report {
    /// Judges what was found.
    pub fn of(facts: &Facts) -> Self {
        let mut checks = server::checks(facts);
        checks.extend(facts.tenants.iter().flat_map(|tenant| realm::checks(tenant, facts)));
        checks.extend(upgrade::checks(facts));
        Self {
            server: facts.how.server.clone(),
            looked_into: (facts.tenants.len(), facts.all.len()),
            checks,
            kcadm_login: facts.how.kcadm_login(),
        }
    }

    /// How many checks ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }

    /// True when nothing failed.
    pub fn passes(&self) -> bool {
        self.count(Verdict::Fail) == 0
    }
}
