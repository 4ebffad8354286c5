//! Placements that manifests leave to the program: the ledger remembers where each tenant's realm is, and of a tenant that it does
//! not know yet, it is decided here, once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::TryStreamExt;

use super::{AT_A_TIME, Fleet, add};
use crate::cli::books;
use crate::cli::exit::{Hinted, Refused, UsageError};
use crate::cli::ledger::{Book, hinted};
use crate::keycloak::fleet::spread;
use crate::keycloak::{KeycloakError, ReadRealms};
use crate::ledger::Ledger;
use crate::manifest::resolve::Network;
use crate::manifest::servers::{choose, full};
use crate::plan::Refusal;
use crate::plan::guard::FULL_SERVER;

/// Places tenants where the ledger says that they are, as far as manifests do not say it. It is read only where some are left.
pub(in crate::cli) async fn recorded(network: &mut Network, dir: &Path, book: Option<&Book>) -> anyhow::Result<()> {
    if network.servers.is_empty() || network.tenants.iter().all(|tenant| tenant.server.is_some()) {
        return Ok(());
    }
    let given = book.map(Book::given).transpose()?.flatten();
    let location = match given {
        Some(given) => Some(given.clone()),
        None => books::of_platform(network.ledger.as_deref(), dir)?,
    };
    let Some(location) = location else { return Ok(()) };
    if location.is_absent() {
        return Ok(());
    }
    let ledger = Ledger::open(location.store(false)).await.map_err(hinted)?;
    let placed = ledger.accounts().placements();
    network.recorded = placed.map(|(name, server)| (name.to_owned(), server.to_owned())).collect();
    for tenant in network.tenants.iter_mut().filter(|tenant| tenant.server.is_none()) {
        let Some(server) = network.recorded.get(&tenant.name) else { continue };
        if !network.servers.contains_key(server) {
            let message = format!("`{}` is on the server `{server}`, which the environment no longer has", tenant.name);
            return Err(Hinted { message, hint: "put it back under `servers`".into() }.into());
        }
        tenant.server = Some(server.clone());
    }
    Ok(())
}

/// Decides where those of these tenants are that neither manifests nor the ledger place: on the server that has a realm of their
/// name, or else on the one with most room. `records`: it will be remembered; else nobody is placed anew.
pub(in crate::cli) async fn decide<S: ReadRealms>(
    network: &mut Network,
    tenants: &BTreeSet<String>,
    records: bool,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<()> {
    let open = network.tenants.iter().filter(|tenant| tenant.server.is_none() && tenants.contains(&tenant.name));
    let open: BTreeSet<String> = open.map(|tenant| tenant.name.clone()).collect();
    if network.servers.is_empty() || open.is_empty() {
        return Ok(());
    }
    let mut placed = find(network, &open, connect).await?;
    let new: BTreeSet<&str> = open.iter().map(String::as_str).filter(|name| !placed.contains_key(*name)).collect();
    if !records && !new.is_empty() {
        let names = new.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("where new tenants are is decided with the ledger, and none was read: {names}");
        return Err(
            UsageError { message, hint: Some("read the ledger, which the first `apply` makes where it is not there; or leave them out with --exclude".into()) }.into()
        );
    }
    let mut taken = network.placements();
    taken.extend(placed.clone());
    let chosen = choose(&network.servers, &taken, &new);
    if chosen.len() < new.len() {
        let left = new.len() - chosen.len();
        taken.extend(chosen);
        let message = format!("{left} new tenants find no room: {}", full(&network.servers, &taken));
        return Err(Refused(Refusal::new(FULL_SERVER, None, message)).into());
    }
    placed.extend(chosen);
    for tenant in network.tenants.iter_mut().filter(|tenant| tenant.server.is_none()) {
        tenant.server = placed.get(&tenant.name).cloned();
    }
    Ok(())
}

/// Asks every server for the realms of these tenants.
async fn find<S: ReadRealms>(
    network: &Network,
    tenants: &BTreeSet<String>,
    connect: impl AsyncFn(&str, &str) -> anyhow::Result<S>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut fleet = Fleet::of_several(network.servers.keys().cloned());
    for name in network.servers.keys() {
        add(&mut fleet, network, name, &connect).await?;
    }
    let asking = spread(
        &fleet,
        tenants,
        |tenant| tenant,
        AT_A_TIME,
        |tenant| {
            let fleet = &fleet;
            async move { Ok::<_, KeycloakError>((tenant.clone(), fleet.elsewhere(tenant).await?.map(str::to_owned))) }
        },
    );
    let found: Vec<(String, Option<String>)> = asking.try_collect().await?;
    Ok(found.into_iter().filter_map(|(tenant, server)| Some((tenant, server?))).collect())
}
