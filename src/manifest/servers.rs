//! The Keycloak servers of an environment that has more than one, and on which of them each tenant is placed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Deserialize;

use super::node::Node;
use super::resolve::{Network, Tenant};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};

/// What is said of one of an environment's servers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ServerTerms {
    /// Its base URL, path prefix included, e.g. `https://eu-1.id.example.com`.
    #[schemars(regex(pattern = r"^https?://[^\s?#]+$"))]
    pub url: String,
    /// How many realms it takes. Omitted: any number.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub capacity: Option<u64>,
    /// `true`: it is the server of one tenant alone, which is placed there by its own `server`. Omitted: `false`.
    #[serde(default)]
    pub dedicated: bool,
}

impl ServerTerms {
    /// How many realms it takes; none where any number.
    pub fn room(&self) -> Option<u64> {
        if self.dedicated { Some(1) } else { self.capacity }
    }

    /// Its base URL, in the one way in which two of them can be compared.
    pub fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}

/// Where it is said on which server a tenant is, and on which.
struct Said<'a> {
    server: &'a str,
    at: Span,
}

/// Places the tenants of a network: each on the server that it names, or else on that of the nearest one above it that names
/// one; but for a dedicated server, which is not handed down.
pub(super) fn place(network: &mut Network, stage: Option<&Node>, found: &mut Vec<Diagnostic>) {
    terms(network, stage, found);
    let all = network.organizations();
    all.values().for_each(|tenant| unknown(network, tenant, found));
    let mut placed: BTreeMap<&str, Said<'_>> = BTreeMap::new();
    for tenant in network.tenants.iter().filter(|_| !network.servers.is_empty()) {
        match said(network, &all, tenant) {
            Some(said) => {
                placed.insert(&tenant.name, said);
            }
            // Left to the program, which notes it down.
            None if network.ledger.is_some() && !network.resources.is_empty() => {}
            None => {
                let names = network.servers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                let message = format!("nothing says on which server of `{}` `{}` is", network.environment, tenant.name);
                let hint = format!(
                    "give it, or one above it, `server` with one of {names}; with a `ledger` and `resources`, which remember \
                     it, the program places it where most room is"
                );
                found.push(Diagnostic::error("unplaced", tenant.span, message).hint(hint));
            }
        }
    }
    alone(network, &placed, found);
    let placed: BTreeMap<String, String> =
        placed.into_iter().map(|(tenant, said)| (tenant.to_owned(), said.server.to_owned())).collect();
    for tenant in &mut network.tenants {
        tenant.server = placed.get(&tenant.name).cloned();
    }
    overfull(network, stage, found);
}

/// What the environment says of its servers.
fn terms(network: &Network, stage: Option<&Node>, found: &mut Vec<Diagnostic>) {
    let Some(servers) = stage.and_then(|stage| stage.get("servers")) else { return };
    if let Some(one) = stage.and_then(|stage| stage.get("server")) {
        let message = format!("`{}` has `server` and `servers`", network.environment);
        let hint = "keep `server` where it has one, `servers` where it has several";
        found.push(Diagnostic::error("duplicate-server", one.span, message).hint(hint));
    }
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, terms) in &network.servers {
        if let Some(other) = seen.insert(terms.base(), name) {
            let at = servers.nearest(&format!("/{name}/url")).span;
            let message = format!("`{other}` and `{name}` are the same server");
            let hint = "take one of them out: each realm would be looked for twice there, and its room counted twice";
            found.push(Diagnostic::error("duplicate-server", at, message).hint(hint));
        }
    }
}

/// A name that no server of the environment has.
fn unknown(network: &Network, tenant: &Tenant, found: &mut Vec<Diagnostic>) {
    let Some(name) = tenant.settings.server.as_deref().filter(|name| !network.servers.contains_key(*name)) else {
        return;
    };
    let at = tenant.node.nearest("/server").span;
    let message = format!("`{}` has no server `{name}`", network.environment);
    let hint = match network.servers.is_empty() {
        true => Some(format!(
            "it has one server, which needs no name; where another environment has several, name one there: \
             `environments: {{NAME: {{server: {name}}}}}`"
        )),
        false => did_you_mean(name, network.servers.keys().map(String::as_str)),
    };
    found.push(Diagnostic::error("unknown-server", at, message).maybe_hint(hint));
}

/// What a tenant says, or the nearest one above it.
fn said<'a>(network: &Network, all: &HashMap<&str, &'a Tenant>, tenant: &Tenant) -> Option<Said<'a>> {
    let line = std::iter::once(&tenant.name).chain(tenant.path.iter().rev());
    line.filter_map(|name| all.get(name.as_str())).find_map(|one| {
        let server = one.settings.server.as_deref()?;
        let handed_down = !network.servers.get(server).is_some_and(|terms| terms.dedicated);
        (handed_down || one.name == tenant.name).then(|| Said { server, at: one.node.nearest("/server").span })
    })
}

/// A dedicated server has one tenant.
fn alone(network: &Network, placed: &BTreeMap<&str, Said<'_>>, found: &mut Vec<Diagnostic>) {
    for (server, _) in network.servers.iter().filter(|(_, terms)| terms.dedicated) {
        let here: Vec<_> = placed.iter().filter(|(_, said)| said.server == server).collect();
        for (tenant, said) in here.iter().filter(|_| here.len() > 1) {
            let others = here.iter().map(|(other, _)| *other).filter(|other| *other != *tenant);
            let others = others.map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", ");
            let message = format!("`{tenant}` is placed on `{server}`, which is dedicated; so is {others}");
            let hint = "a dedicated server is one tenant's alone: place the others elsewhere, or take `dedicated` out";
            found.push(Diagnostic::error("shared-server", said.at, message).hint(hint));
        }
    }
}

/// Places new tenants, each on the server with most room left that is not dedicated; of equals on the first by name. Who is
/// placed already stays where they are, and the order of the new ones is that of their names. Left out: who finds no room.
pub fn choose(
    servers: &BTreeMap<String, ServerTerms>,
    placed: &BTreeMap<String, String>,
    new: &BTreeSet<&str>,
) -> BTreeMap<String, String> {
    let mut room: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, terms) in servers.iter().filter(|(_, terms)| !terms.dedicated) {
        let here = placed.values().filter(|server| *server == name).count() as u64;
        room.insert(name, terms.capacity.unwrap_or(u64::MAX).saturating_sub(here));
    }
    let mut chosen = BTreeMap::new();
    for tenant in new.iter().filter(|tenant| !placed.contains_key(**tenant)) {
        // Of equals, `max_by_key` takes the last.
        let most = room.iter_mut().rev().max_by_key(|(_, left)| **left).filter(|(_, left)| **left > 0);
        if let Some((server, left)) = most {
            *left -= 1;
            chosen.insert((*tenant).to_owned(), (*server).to_owned());
        }
    }
    chosen
}

/// How full the servers are for which somebody may be chosen, in words.
pub fn full(servers: &BTreeMap<String, ServerTerms>, placed: &BTreeMap<String, String>) -> String {
    let open = servers.iter().filter(|(_, terms)| !terms.dedicated);
    let words = open.map(|(name, terms)| {
        let here = placed.values().filter(|server| *server == name).count();
        match terms.capacity {
            Some(capacity) => format!("`{name}` takes {capacity} and has {here}"),
            None => format!("`{name}` has {here}"),
        }
    });
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() { "every server is dedicated".into() } else { words }
}

/// More tenants than a server has room for. What is there stays there, so it only warns; births are refused by the plan.
fn overfull(network: &Network, stage: Option<&Node>, found: &mut Vec<Diagnostic>) {
    for (name, terms) in network.servers.iter().filter(|(_, terms)| !terms.dedicated) {
        let count = network.tenants.iter().filter(|tenant| tenant.server.as_deref() == Some(name)).count() as u64;
        if let Some(capacity) = terms.capacity.filter(|capacity| count > *capacity) {
            let at = stage.map(|stage| stage.nearest(&format!("/servers/{name}/capacity")).span).unwrap_or_default();
            let message = format!("{count} tenants are placed on `{name}`, which takes {capacity}");
            let hint = "raise its `capacity`, or place new tenants on another server; those that are there stay there";
            found.push(Diagnostic::warning("full-server", at, message).hint(hint));
        }
    }
}
