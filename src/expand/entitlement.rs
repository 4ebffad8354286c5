//! The entitlement of each tenant, put into what its realm should be: as an attribute, and as a claim of each product.

use std::collections::BTreeMap;

use serde_json::json;

use super::Desired;
use crate::accounting::{declared, prove, terms};
use crate::diagnostic::Diagnostic;
use crate::licence::{Accounts, Basis, Entitlement, LicenceTerms, Standing, Time};
use crate::manifest::ManifestSet;
use crate::manifest::resolve::{Network, Tenant};
use crate::seal::TrustedKeys;
use crate::state::secret::Secrets;
use crate::state::{Kind, ObjectId, RealmState, applied, arrange, sealed};

/// Where the figures of entitlements come from.
#[derive(Debug)]
pub enum Figures {
    /// A ledger, as it will be once the plan is kept in it.
    Ledger(Accounts),
    /// The accounts as they would be from the manifests alone.
    Manifests(Accounts),
    /// The licences of the manifests: the platform counts nothing.
    Licences,
}

impl Figures {
    /// What follows from the manifests, at a time.
    pub fn of_manifests(network: &Network, now: Time) -> Self {
        match declared(network, &mut Vec::new()) {
            Some(declared) => Self::Manifests(prove(&declared, now, &mut Vec::new())),
            None => Self::Licences,
        }
    }

    fn accounts(&self) -> Option<&Accounts> {
        match self {
            Self::Ledger(accounts) | Self::Manifests(accounts) => Some(accounts),
            Self::Licences => None,
        }
    }
}

/// Puts the entitlements into what realms should be, to be signed with the key of that thumbprint.
pub fn project(desired: &mut [Desired], network: &Network, figures: &Figures, key: &str) {
    let tenants: BTreeMap<&str, &Tenant> =
        network.tenants.iter().map(|tenant| (tenant.name.as_str(), tenant)).collect();
    let mut held = figures.accounts().map(held).unwrap_or_default();
    for desired in desired {
        if let Some(tenant) = tenants.get(desired.name.as_str()) {
            let held = held.remove(&tenant.name).unwrap_or_default();
            put(&mut desired.state, tenant, &entitlement(network, tenant, figures, held), key);
        }
    }
}

/// The keys that the platform names for it must be some.
pub(super) fn check(set: &ManifestSet, network: &Network, found: &mut Vec<Diagnostic>) {
    let Some(Err(error)) = network.trusted_keys.as_deref().map(TrustedKeys::from_pem) else { return };
    let at = set.platform_node.nearest(&format!("/environments/{}/trustedKeys", network.environment)).span;
    let hint = "write `openssl genpkey -algorithm ed25519 -out signing.pem`, and put here what `openssl pkey -in signing.pem \
                -pubout` prints";
    found.push(Diagnostic::error("wrong-key", at, format!("`trustedKeys`: {error}")).hint(hint));
}

fn put(state: &mut RealmState, tenant: &Tenant, entitlement: &Entitlement, key: &str) {
    let (id, path) = sealed::of_realm();
    if let Some(realm) = state.objects.get_mut(&id) {
        realm.fields.insert(path, sealed::node(key, entitlement));
    }
    for product in tenant.products() {
        let client = state.get(&ObjectId::new(Kind::Client, product));
        let protocol = client.map(|client| client.fields.get("protocol").and_then(|protocol| protocol.as_str()));
        if !matches!(protocol, Some(None | Some("openid-connect"))) {
            continue;
        }
        let mapper = arrange(&json!({"clients": [{"clientId": product, "protocolMappers": [{
            "name": sealed::MAPPER,
            "protocol": "openid-connect",
            "protocolMapper": "oidc-hardcoded-claim-mapper",
            "config": {
                "claim.name": sealed::CLAIM,
                "jsonType.label": "String",
                "access.token.claim": "true",
                "id.token.claim": "false",
                "userinfo.token.claim": "false",
                "introspection.token.claim": "true",
            },
        }]}]}));
        let (id, path) = sealed::of_product(product);
        if let Some(mut object) = mapper.objects.get(&id).cloned() {
            object.fields.insert(path, sealed::node(key, &entitlement.of_product(product)));
            state.objects.insert(id, object);
        }
    }
}

/// What a tenant is entitled to, of whose licences the accounts have those.
fn entitlement(network: &Network, tenant: &Tenant, figures: &Figures, held: Vec<LicenceTerms>) -> Entitlement {
    let accounts = figures.accounts();
    let account = accounts.and_then(|accounts| accounts.account(&tenant.name).ok());
    let mut licences = match accounts {
        Some(_) => held,
        None => tenant.settings.licences.iter().filter_map(terms).collect(),
    };
    // Who sold it to whom is nobody's business in the realm.
    licences.iter_mut().for_each(|terms| (terms.dealer, terms.recipient) = (None, None));
    licences.sort_by(|a, b| a.serial.cmp(&b.serial));
    let mut limits = BTreeMap::new();
    match &account {
        Some(account) => limits.extend(account.limits.iter().map(|(name, limit)| ((*name).to_owned(), *limit))),
        None => {
            for (resource, amount) in licences.iter().flat_map(|terms| &terms.quantities) {
                *limits.entry(resource.clone()).or_default() += amount;
            }
        }
    }
    Entitlement {
        sub: tenant.name.clone(),
        environment: network.environment.clone(),
        product: None,
        proof: if matches!(figures, Figures::Ledger(_)) { Basis::Ledger } else { Basis::Manifests },
        own_licences: account.is_none_or(|account| account.own_licences),
        licences,
        limits,
    }
}

/// The licences that count, by who holds them.
fn held(accounts: &Accounts) -> BTreeMap<String, Vec<LicenceTerms>> {
    let mut held: BTreeMap<String, Vec<LicenceTerms>> = BTreeMap::new();
    for view in accounts.licence_views().filter(|view| view.standing == Standing::Redeemed) {
        if let Some(holder) = view.holder {
            held.entry(holder).or_default().push(LicenceTerms { expiry: view.expires, ..view.terms });
        }
    }
    held
}

/// A run that has read no ledger does not know better than what was made from one: what is authentic, is this realm's, and
/// is what was last applied, stays.
pub fn keep(desired: &mut Desired, observed: &RealmState) {
    let last = observed.applied();
    for (id, object) in &mut desired.state.objects {
        for (path, value) in object.fields.iter_mut().filter(|(path, _)| sealed::is_place(id, path)) {
            let Some(found) = observed.get(id).and_then(|found| found.fields.get(path)) else { continue };
            let kept = |statement: &Entitlement| {
                statement.proof == Basis::Ledger
                    && statement.sub == desired.name
                    && statement.environment == desired.environment
                    && last.field(id, path) == Some(applied::hash(found, &Secrets::default()).as_str())
            };
            if sealed::statement(found).is_some_and(|(_, statement)| kept(&statement)) {
                *value = found.clone();
            }
        }
    }
}
