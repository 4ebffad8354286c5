//! The tenants of the manifests, as the broker knows them.

use std::collections::HashMap;

use anyhow::Context;
use url::Url;

use super::super::args::Target;
use super::super::exit::UsageError;
use super::super::session::{self, Wanted};
use crate::accounting;
use crate::broker::Served;
use crate::expand::Desired;
use crate::login::address::Addresses;
use crate::login::brand::Brand;
use crate::login::standing::{self, Networks};
use crate::login::tenant::{Directory, Tenant};
use crate::manifest::resolve::{self, Network};

/// Whom it serves, where, and for what.
pub(super) fn served(wanted: &Wanted, target: &Target) -> anyhow::Result<Served> {
    let broker = wanted.network.broker.as_ref();
    let audiences = broker.iter().flat_map(|broker| broker.audiences.iter().cloned()).collect();
    Ok(Served::new(of(wanted, target)?, audiences, broker.is_some_and(|broker| broker.terminals)))
}

fn of(wanted: &Wanted, target: &Target) -> anyhow::Result<Directory> {
    let environment = &wanted.network.environment;
    let Some(broker) = &wanted.network.broker else {
        let message = format!("the environment `{environment}` has no broker");
        let hint =
            format!("name it in the platform's manifest: `environments: {{{environment}: {{broker: {{url: …}}}}}}`");
        return Err(UsageError { message, hint: Some(hint) }.into());
    };
    let server = session::server_url(target, &wanted.network)?;
    let addresses = Addresses::new(&broker.url, broker.tenant_url.as_deref()).map_err(|(_, error)| error)?;
    let network = &wanted.network;
    let known: HashMap<&str, &resolve::Tenant> =
        network.tenants.iter().map(|tenant| (tenant.name.as_str(), tenant)).collect();
    let tenants = wanted.desired.iter().map(|desired| {
        let known = known.get(desired.name.as_str());
        let known = known.with_context(|| format!("`{}` is not in the environment", desired.name))?;
        tenant(network, known, desired, &server)
    });
    Ok(Directory::new(addresses, tenants.collect::<anyhow::Result<Vec<_>>>()?))
}

fn tenant(network: &Network, known: &resolve::Tenant, desired: &Desired, server: &str) -> anyhow::Result<Tenant> {
    Ok(Tenant {
        name: desired.name.clone(),
        label: desired.label.clone(),
        issuer: issuer(desired, server).context("an issuer can't be made")?.into(),
        brand: Brand::read(|key| known.brand.get(key)?.text()),
        domains: known.settings.login.domains.clone(),
        standing: accounting::standing(network, known),
        networks: match &known.settings.login.networks {
            Some(networks) => Networks::only(networks.iter().filter_map(|text| standing::network(text).ok())),
            None => Networks::default(),
        },
        pools: accounting::pools(network, known),
    })
}

/// The issuer of a tenant's realm: at its own address where it has one.
fn issuer(desired: &Desired, server: &str) -> Result<Url, url::ParseError> {
    let own = desired.state.realm().and_then(|realm| realm.fields.get("attributes.frontendUrl")?.as_str());
    let mut issuer = Url::parse(own.filter(|url| !url.is_empty()).unwrap_or(server).trim_end_matches('/'))?;
    issuer
        .path_segments_mut()
        .map_err(|()| url::ParseError::RelativeUrlWithCannotBeABaseBase)?
        .pop_if_empty()
        .push("realms")
        .push(&desired.name);
    Ok(issuer)
}
