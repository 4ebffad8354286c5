//! On which server each tenant of a plan is, where the environment has several, and how full they are.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::guard::{FULL_SERVER, OTHER_SERVER, Refusal};
use super::{Plan, TenantPlan};
use crate::manifest::resolve::Network;

/// The servers of a plan. It is applied to these, and to no others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// Those that were reached, by name.
    pub servers: BTreeMap<String, Load>,
    /// The name of each tenant's server.
    pub tenants: BTreeMap<String, String>,
}

/// A server, and how many realms it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Load {
    /// Its identity: the issuer of its master realm.
    pub identity: String,
    /// How many realms it takes. Left out: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u64>,
    /// Tenants that are placed there, less those that are born by this plan.
    pub before: u64,
    /// The same with them.
    pub after: u64,
}

impl Load {
    /// How many are born there.
    pub fn births(&self) -> u64 {
        self.after - self.before
    }
}

impl Placement {
    /// Of a plan, with the identities of the servers that were reached; `placed` are all tenants of the environment, counted
    /// from manifests and records, which costs nothing however many there are.
    pub fn of(
        plan: &Plan,
        network: &Network,
        placed: &BTreeMap<String, String>,
        identities: &BTreeMap<String, String>,
    ) -> Self {
        let born: BTreeSet<&str> =
            plan.tenants.iter().filter(|tenant| tenant.is_birth()).map(|tenant| tenant.tenant.as_str()).collect();
        let load = |(name, identity): (&String, &String)| {
            let here = || placed.iter().filter(|(_, server)| *server == name);
            let (after, births) =
                (here().count() as u64, here().filter(|(tenant, _)| born.contains(tenant.as_str())).count() as u64);
            let capacity = network.servers.get(name).and_then(|terms| terms.room());
            (name.clone(), Load { identity: identity.clone(), capacity, before: after - births, after })
        };
        let of_tenant = |tenant: &TenantPlan| placed.get_key_value(&tenant.tenant);
        let tenants = plan.tenants.iter().filter_map(of_tenant).map(|(name, server)| (name.clone(), server.clone()));
        Self { servers: identities.iter().map(load).collect(), tenants: tenants.collect() }
    }

    /// Why it is refused: births beyond what servers take, and tenants whose realm is on another one, as `elsewhere` says by
    /// their names.
    pub fn refusals(&self, elsewhere: &BTreeMap<String, String>) -> Vec<Refusal> {
        let moved = elsewhere.iter().map(|(tenant, found)| {
            let placed = self.tenants.get(tenant).map_or("no server", String::as_str);
            let message = format!("it is placed on `{placed}`, and a realm of its name is on `{found}`");
            Refusal::new(OTHER_SERVER, Some(tenant), message)
        });
        let full = self.servers.iter().filter_map(|(name, load)| {
            let capacity = load.capacity.filter(|capacity| load.births() > 0 && load.after > *capacity)?;
            let (before, births) = (load.before, load.births());
            let message = format!("`{name}` takes {capacity} realms and has {before}; {births} would be born there");
            Some(Refusal::new(FULL_SERVER, None, message))
        });
        moved.chain(full).collect()
    }
}
