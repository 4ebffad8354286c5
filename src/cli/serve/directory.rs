//! The tenants of the manifests, as the broker knows them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use url::Url;

use super::super::args::Target;
use super::super::exit::UsageError;
use super::super::output::Printer;
use super::super::session;
use crate::accounting;
use crate::broker::Served;
use crate::expand::Desired;
use crate::login::address::Addresses;
use crate::login::brand::Brand;
use crate::login::standing::{self, Networks};
use crate::login::tenant::{Directory, Tenant};
use crate::manifest::resolve::{self, Network};

/// What the manifests say, as far as it is served.
pub(super) struct Manifests {
    pub(super) served: Served,
    /// The key of the broker that they name, as PEM.
    pub(super) key: Option<String>,
    /// Where they say that the ledger is.
    pub(super) ledger: Option<String>,
}

/// A tenant as far as its realm tells of it.
struct Realm {
    name: String,
    label: String,
    /// Where the realm is reached, if elsewhere than the server.
    address: Option<String>,
}

impl Realm {
    fn of(desired: Desired) -> Self {
        let address = desired.state.realm().and_then(|realm| realm.fields.get("attributes.frontendUrl")?.as_str());
        let address = address.filter(|url| !url.is_empty()).map(str::to_owned);
        Self { address, name: desired.name, label: desired.label }
    }
}

/// Reads the manifests of the environment that is meant.
pub(super) async fn read(printer: &Printer, dir: &Path, target: &Target) -> anyhow::Result<Manifests> {
    let (network, realms) = session::each(printer, dir, target, Realm::of).await?;
    let Some(broker) = &network.broker else {
        let environment = &network.environment;
        let message = format!("the environment `{environment}` has no broker");
        let hint =
            format!("name it in the platform's manifest: `environments: {{{environment}: {{broker: {{url: …}}}}}}`");
        return Err(UsageError { message, hint: Some(hint) }.into());
    };
    let addresses = Addresses::new(&broker.url, broker.tenant_url.as_deref()).map_err(|(_, error)| error)?;
    let all = network.organizations();
    // Who is placed nowhere yet has no realm.
    let placed = |realm: &Realm| {
        network.servers.is_empty() || all.get(realm.name.as_str()).is_some_and(|tenant| tenant.server.is_some())
    };
    let tenants = realms.into_iter().filter(placed).map(|realm| {
        let known = all.get(realm.name.as_str());
        let known = known.with_context(|| format!("`{}` is not in the environment", realm.name))?;
        let server = session::url_of(target, &network, &realm.name)?;
        tenant(&network, &all, known, realm, &server)
    });
    let directory = Directory::new(addresses, tenants.collect::<anyhow::Result<Vec<_>>>()?);
    let audiences = broker.audiences.iter().cloned().collect();
    Ok(Manifests {
        served: Served::new(directory, audiences, broker.terminals),
        key: broker.key.clone(),
        ledger: network.ledger.clone(),
    })
}

fn tenant(
    network: &Network,
    all: &HashMap<&str, &resolve::Tenant>,
    known: &resolve::Tenant,
    realm: Realm,
    server: &str,
) -> anyhow::Result<Tenant> {
    Ok(Tenant {
        issuer: issuer(&realm, server).context("an issuer can't be made")?.into(),
        brand: Brand::read(|key| known.brand.get(key)?.text()),
        domains: known.settings.login.domains.clone(),
        standing: accounting::standing(all, known),
        networks: match &known.settings.login.networks {
            Some(networks) => Networks::only(networks.iter().filter_map(|text| standing::network(text).ok())),
            None => Networks::default(),
        },
        pools: accounting::pools(network, known),
        name: realm.name,
        label: realm.label,
    })
}

/// The issuer of a tenant's realm: at its own address where it has one.
fn issuer(realm: &Realm, server: &str) -> Result<Url, url::ParseError> {
    let mut issuer = Url::parse(realm.address.as_deref().unwrap_or(server).trim_end_matches('/'))?;
    issuer
        .path_segments_mut()
        .map_err(|()| url::ParseError::RelativeUrlWithCannotBeABaseBase)?
        .pop_if_empty()
        .push("realms")
        .push(&realm.name);
    Ok(issuer)
}
