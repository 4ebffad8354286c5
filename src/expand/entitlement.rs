//! The entitlement of each tenant, put into what its realm should be: as an attribute, and as a claim of each product.

use serde_json::json;

use super::Desired;
use crate::accounting::terms;
use crate::diagnostic::Diagnostic;
use crate::licence::{Accounts, Basis, Entitlement, LicenceTerms, Standing};
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

/// Puts the entitlements into what realms should be, to be signed with the key of that thumbprint.
pub fn project(desired: &mut [Desired], network: &Network, figures: &Figures, key: &str) {
    for tenant in &network.tenants {
        if let Some(desired) = desired.iter_mut().find(|desired| desired.name == tenant.name) {
            put(&mut desired.state, tenant, &entitlement(network, tenant, figures), key);
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

/// What a tenant is entitled to.
fn entitlement(network: &Network, tenant: &Tenant, figures: &Figures) -> Entitlement {
    let (proof, accounts) = match figures {
        Figures::Ledger(accounts) => (Basis::Ledger, Some(accounts)),
        Figures::Manifests(accounts) => (Basis::Manifests, Some(accounts)),
        Figures::Licences => (Basis::Manifests, None),
    };
    let account = accounts.and_then(|accounts| accounts.account(&tenant.name).ok());
    let mut licences: Vec<LicenceTerms> = match accounts {
        Some(accounts) => held(accounts, &tenant.name),
        None => tenant.settings.licences.iter().filter_map(terms).collect(),
    };
    // Who sold it to whom is nobody's business in the realm.
    licences.iter_mut().for_each(|terms| (terms.dealer, terms.recipient) = (None, None));
    licences.sort_by(|a, b| a.serial.cmp(&b.serial));
    let limits = match &account {
        Some(account) => account.limits.iter().map(|(name, limit)| ((*name).to_owned(), *limit)).collect(),
        None => licences.iter().flat_map(|terms| terms.quantities.clone()).fold(
            std::collections::BTreeMap::new(),
            |mut sums, (resource, amount)| {
                *sums.entry(resource).or_default() += amount;
                sums
            },
        ),
    };
    Entitlement {
        sub: tenant.name.clone(),
        environment: network.environment.clone(),
        product: None,
        proof,
        own_licences: account.is_none_or(|account| account.own_licences),
        licences,
        limits,
    }
}

/// The licences that count for an organization.
fn held(accounts: &Accounts, name: &str) -> Vec<LicenceTerms> {
    let counts = |view: &crate::licence::LicenceView| {
        view.holder.as_deref() == Some(name) && view.standing == Standing::Redeemed
    };
    let views = accounts.licence_views().filter(counts);
    views.map(|view| LicenceTerms { expiry: view.expires, ..view.terms }).collect()
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
