//! The servers of an environment, where it has several: which of them is meant, and reaching those that a run needs.

mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use futures_util::TryStreamExt;

use super::args::Target;
use super::exit::UsageError;
use super::session;
use crate::diagnostic::did_you_mean;
use crate::keycloak::fleet::spread;
use crate::keycloak::{Fleet, KeycloakError, ReadRealms};
use crate::manifest::resolve::Network;
use crate::manifest::servers::ServerTerms;
use crate::plan::select::{SelectError, Selection};
use crate::plan::{Placement, Plan};
pub(super) use recorded::{decide, recorded};

/// How many realms each server is asked for at a time, where it only has to say whether it has them.
const AT_A_TIME: usize = 16;

/// The one of the environment's servers that `--server` names, by its name or its URL; none where all are meant.
pub(super) fn named<'a>(target: &Target, network: &'a Network) -> anyhow::Result<Option<&'a str>> {
    let Some(given) = target.server.as_deref() else { return Ok(None) };
    let url = given.trim_end_matches('/');
    let found = network.servers.iter().find(|(name, terms)| *name == given || terms.base() == url);
    if let Some((name, _)) = found {
        return Ok(Some(name));
    }
    let names: Vec<&str> = network.servers.keys().map(String::as_str).collect();
    let message = format!("`{given}` is no server of the environment `{}`", network.environment);
    let hint = did_you_mean(given, names.iter().copied()).unwrap_or_else(|| format!("it has {}", names.join(", ")));
    Err(UsageError { message, hint: Some(hint) }.into())
}

/// What is selected, less the tenants that are not on the server that `--server` names.
pub(super) fn narrowed(selection: &Selection, target: &Target, network: &Network) -> anyhow::Result<Selection> {
    let mut narrowed = selection.clone();
    if network.servers.is_empty() {
        return Ok(narrowed);
    }
    let Some(server) = named(target, network)? else { return Ok(narrowed) };
    let selector =
        |name: &str| format!("server:{name}").parse().map_err(|error: SelectError| session::unselectable(error));
    let placed: BTreeSet<&str> = network.tenants.iter().filter_map(|tenant| tenant.server.as_deref()).collect();
    for other in placed.iter().filter(|other| **other != server) {
        narrowed.exclude.push(selector(other)?);
    }
    if narrowed.select.is_empty() {
        narrowed.select.push(selector(server)?);
    }
    Ok(narrowed)
}

/// The servers that are meant, each with its name, empty where there is but one, its URL, and its tenants: for what is done to
/// one server after the other.
pub(super) fn each(target: &Target, network: &Network) -> anyhow::Result<Vec<Site>> {
    if network.servers.is_empty() {
        let tenants = network.tenants.iter().map(|tenant| tenant.name.clone()).collect();
        return Ok(vec![Site { name: String::new(), url: session::server_url(target, network)?, tenants }]);
    }
    let named = named(target, network)?;
    let meant = network.servers.iter().filter(|(name, _)| named.is_none_or(|named| named == *name));
    let site = |(name, terms): (&String, &ServerTerms)| {
        let here = network.tenants.iter().filter(|tenant| tenant.server.as_ref() == Some(name));
        let tenants = here.map(|tenant| tenant.name.clone()).collect();
        Ok(Site { name: name.clone(), url: session::checked_url(terms.url.clone())?, tenants })
    };
    meant.map(site).collect()
}

/// One of the servers that are meant.
pub(super) struct Site {
    pub(super) name: String,
    pub(super) url: String,
    /// Names of the tenants that are placed there.
    pub(super) tenants: BTreeSet<String>,
}

/// Reaches the servers of these tenants. `connect` is told each one's name, empty where there is but one, and its URL.
pub(super) async fn reach<S>(
    target: &Target,
    network: &Network,
    tenants: impl IntoIterator<Item = &str>,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<Fleet<S>> {
    if network.servers.is_empty() {
        return Ok(Fleet::one(connect("", &session::server_url(target, network)?).await?));
    }
    named(target, network)?;
    let meant: BTreeSet<&str> = tenants.into_iter().collect();
    let of_tenants = network.tenants.iter().filter(|tenant| meant.contains(tenant.name.as_str()));
    let needed: BTreeSet<&str> = of_tenants.filter_map(|tenant| tenant.server.as_deref()).collect();
    let mut fleet = Fleet::of_several(network.servers.keys().cloned());
    for name in needed {
        add(&mut fleet, network, name, &connect).await?;
    }
    Ok(fleet)
}

/// Reaches the servers that were not needed before: all have to be asked before a realm is born on one of them.
pub(super) async fn reach_others<S>(
    fleet: &mut Fleet<S>,
    network: &Network,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<()> {
    for name in fleet.unasked().to_vec() {
        let why = "no realm is made before every server has said that it has none of that name";
        add(fleet, network, &name, &connect).await.context(why)?;
    }
    Ok(())
}

/// Finds out on which server the realm of a tenant is that no manifest places: on the one that `--server` or the ledger names, or
/// on the one that has it.
pub(super) async fn find<S: ReadRealms>(
    fleet: &mut Fleet<S>,
    target: &Target,
    network: &Network,
    tenant: &str,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<()> {
    if network.servers.is_empty() {
        return Ok(());
    }
    let declared = network.tenants.iter().find(|other| other.name == tenant).and_then(|other| other.server.as_deref());
    let placed = declared.or_else(|| network.recorded.get(tenant).map(String::as_str));
    let known = match (named(target, network)?, placed) {
        (Some(named), Some(placed)) if named != placed => {
            let message = format!("`{tenant}` is placed on `{placed}`, not `{named}`");
            return Err(UsageError { message, hint: Some("leave --server out".into()) }.into());
        }
        (named, placed) => named.or(placed),
    };
    if let Some(server) = known {
        if fleet.unasked().iter().any(|other| other == server) {
            add(fleet, network, server, &connect).await?;
        }
        fleet.place(tenant, server);
        return Ok(());
    }
    for name in fleet.unasked().to_vec() {
        let why = format!("nothing says on which server `{tenant}` is, so all are asked");
        add(fleet, network, &name, &connect).await.context(why)?;
    }
    if let Some(server) = fleet.elsewhere(tenant).await?.map(str::to_owned) {
        fleet.place(tenant, &server);
    }
    Ok(())
}

async fn add<S>(
    fleet: &mut Fleet<S>,
    network: &Network,
    name: &str,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<()> {
    let Some(terms) = network.servers.get(name) else { return Ok(()) };
    let url = session::checked_url(terms.url.clone())?;
    let server = connect(name, &url).await.with_context(|| format!("the server `{name}`"))?;
    fleet.add(name, server);
    for tenant in network.tenants.iter().filter(|tenant| tenant.server.as_deref() == Some(name)) {
        fleet.place(&tenant.name, name);
    }
    Ok(())
}

/// Reaches the servers that a saved plan names; `connect` is told each one's name and identity.
pub(super) async fn of_plan<S>(
    plan: &Plan,
    placement: &Placement,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<Fleet<S>> {
    let mut fleet = Fleet::of_several(placement.servers.keys().cloned());
    for (name, load) in &placement.servers {
        fleet.add(name, connect(name, &load.identity).await.with_context(|| format!("the server `{name}`"))?);
    }
    for tenant in &plan.tenants {
        let Some(server) = placement.tenants.get(&tenant.tenant) else { continue };
        std::iter::once(tenant.tenant.as_str()).chain(tenant.other_name()).for_each(|name| fleet.place(name, server));
    }
    Ok(fleet)
}

/// Where the tenants of a plan are, and why that is refused; nothing where there is one server. Asks the others for the realms
/// that are to be born.
pub(super) async fn place<S: ReadRealms>(
    fleet: &Fleet<S>,
    network: &Network,
    plan: &mut Plan,
) -> Result<(), KeycloakError> {
    if network.servers.is_empty() {
        return Ok(());
    }
    let births = plan.tenants.iter().filter(|tenant| tenant.is_birth()).map(|tenant| tenant.tenant.as_str());
    let asking = spread(
        fleet,
        births,
        |tenant| *tenant,
        AT_A_TIME,
        |tenant| async move { Ok::<_, KeycloakError>((tenant, fleet.elsewhere(tenant).await?)) },
    );
    let found: Vec<(&str, Option<&str>)> = asking.try_collect().await?;
    let elsewhere: BTreeMap<String, String> =
        found.into_iter().filter_map(|(tenant, server)| Some((tenant.to_owned(), server?.to_owned()))).collect();
    let identities = fleet.members().map(|(name, server)| (name.to_owned(), server.identity().to_owned())).collect();
    let placement = Placement::of(plan, network, &network.placements(), &identities);
    plan.refusals.extend(placement.refusals(&elsewhere));
    plan.placement = Some(placement);
    Ok(())
}
