//! The network of an environment as the accounts see it, and what in it can't be.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::licence::{Amount, LicenceTerms, Measure, ORGANIZATIONS, Policy, day};
use crate::manifest::document::Licence;
use crate::manifest::resolve::{Network, Tenant};

/// What manifests say of the accounts of one environment.
#[derive(Debug)]
pub struct Declared<'a> {
    /// The resources that are counted.
    pub resources: BTreeMap<&'a str, Measure>,
    /// The organizations, parents before children.
    pub organizations: Vec<Organization<'a>>,
}

/// An organization as manifests have it.
#[derive(Debug)]
pub struct Organization<'a> {
    /// Where it is declared.
    pub tenant: &'a Tenant,
    /// Whether it lives on licences of its own.
    pub own_licences: bool,
    /// What its parent grants it.
    pub grants: BTreeMap<String, Amount>,
    /// The licences that it holds.
    pub licences: Vec<LicenceTerms>,
}

impl Organization<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.tenant.name
    }

    /// The organization above it.
    pub fn parent(&self) -> Option<&str> {
        self.tenant.path.last().map(String::as_str)
    }
}

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days by which a licence that renews itself is extended, where it does not say how many.
const YEAR: u32 = 365;

/// Reads a network. `None`: the platform counts no resources.
pub fn declared<'a>(network: &'a Network, found: &mut Vec<Diagnostic>) -> Option<Declared<'a>> {
    let tenants = || network.tenants.iter().chain(&network.without_realm);
    if network.resources.is_empty() {
        tenants().for_each(|tenant| nothing_is_counted(tenant, found));
        return None;
    }
    let seats = network.products.keys().map(|product| (product.as_str(), Measure::Gauge));
    let resources = network.resources.iter().map(|(name, measure)| (name.as_str(), *measure)).chain(seats);
    let resources = resources.chain([(ORGANIZATIONS, Measure::Gauge)]).collect();
    let mut organizations: Vec<Organization<'_>> = tenants().map(organization).collect();
    organizations.sort_by_key(|organization| organization.tenant.path.len());
    let declared = Declared { resources, organizations };
    declared.organizations.iter().for_each(|organization| declared.check(organization, found));
    Some(declared)
}

fn nothing_is_counted(tenant: &Tenant, found: &mut Vec<Diagnostic>) {
    for key in ["grants", "dealer", "ownLicences", "allowFullPrivacy", "requireFullPrivacy"] {
        if tenant.node.get(key).is_some() {
            let message = format!("`{key}` is about resources, and the platform counts none");
            let hint = "list them under `resources` of the platform";
            found.push(Diagnostic::error("nothing-is-counted", tenant.node.key_span(key), message).hint(hint));
        }
    }
}

fn organization(tenant: &Tenant) -> Organization<'_> {
    let settings = &tenant.settings;
    let own_licences = settings.own_licences.unwrap_or(tenant.path.is_empty() || !settings.licences.is_empty());
    let grants = settings.grants.iter().map(|(resource, amount)| (resource.clone(), *amount)).collect();
    let licences = settings.licences.iter().filter_map(terms).collect();
    Organization { tenant, own_licences, grants, licences }
}

/// A licence as the ledger has it; none if its days are no days, which was said already.
pub fn terms(licence: &Licence) -> Option<LicenceTerms> {
    let mut quantities = licence.quantities.clone();
    *quantities.entry(licence.product.clone()).or_default() += Amount::from(licence.seats);
    Some(LicenceTerms {
        serial: licence.serial.clone(),
        dealer: licence.dealer.clone(),
        recipient: None,
        product: licence.product.clone(),
        licence_type: licence.licence_type.clone(),
        quantities,
        valid_from: match &licence.valid_from {
            Some(text) => Some(day::beginning(text)?),
            None => None,
        },
        expiry: day::end(&licence.valid_until)?,
        renewal: licence.auto_renew.then(|| i64::from(licence.renewal_days.unwrap_or(YEAR)) * DAY),
        on_expiry: Policy::default(),
    })
}

impl Declared<'_> {
    /// An organization by its name.
    pub fn organization(&self, name: &str) -> Option<&Organization<'_>> {
        self.organizations.iter().find(|organization| organization.name() == name)
    }

    fn check(&self, organization: &Organization<'_>, found: &mut Vec<Diagnostic>) {
        let (node, name) = (&organization.tenant.node, organization.name());
        let mut refuse = |code, at, message: String, hint: String| {
            found.push(Diagnostic::error(code, at, message).hint(hint));
        };
        let (own, parent) = (organization.own_licences, organization.parent());
        if parent.is_none() && !own {
            let message = format!("`{name}` has no parent whose resources it could live on");
            let hint = "take `ownLicences` out; a distributor lives on its own licences".into();
            refuse("root-on-parents-resources", node.key_span("ownLicences"), message, hint);
        }
        if own && !organization.grants.is_empty() {
            let message = format!("`{name}` lives on its own licences; nothing is granted to it");
            let hint = "take `grants` out, or its licences".into();
            refuse("granted-on-own-licences", node.key_span("grants"), message, hint);
        }
        if !own && !organization.licences.is_empty() {
            let message = format!("`{name}` lives on its parent's resources, and can't hold licences");
            let hint = "take its licences out, or `ownLicences: false`".into();
            refuse("licence-on-parents-resources", node.key_span("licences"), message, hint);
        }
        let settings = &organization.tenant.settings;
        if settings.require_full_privacy == Some(true) && settings.allow_full_privacy == Some(false) {
            let message = format!("`{name}` requires full privacy, which is not allowed to it");
            let hint = "allow it with `allowFullPrivacy: true`, or take `requireFullPrivacy` out".into();
            refuse("privacy-not-allowed", node.key_span("requireFullPrivacy"), message, hint);
        }
        for (resource, at) in resources_named(organization) {
            if !self.resources.contains_key(resource) {
                let hint = did_you_mean(resource, self.resources.keys().copied());
                let known = self.resources.keys().copied().collect::<Vec<_>>().join(", ");
                let hint = hint.unwrap_or_else(|| format!("the platform counts {known}"));
                refuse("unknown-resource", at, format!("the platform counts no `{resource}`"), hint);
            }
        }
        for (index, licence) in organization.licences.iter().enumerate() {
            let Some(dealer) = &licence.dealer else { continue };
            let at = node.nearest(&format!("/licences/{index}/dealer")).span;
            match self.organization(dealer) {
                Some(dealer) if dealer.tenant.settings.dealer => {
                    if self.pool(dealer.name()) == self.pool(name) {
                        let message = format!("`{}` is in the pool of `{name}` itself", dealer.name());
                        let hint = "what it has can be granted; a licence has to come from outside".into();
                        refuse("own-issue", at, message, hint);
                    }
                }
                Some(_) => {
                    let hint =
                        format!("give `{dealer}` the key `dealer: true`, or take it out for one of the platform");
                    refuse("no-dealer", at, format!("`{dealer}` is no dealer"), hint);
                }
                None => {
                    let names = self.organizations.iter().map(Organization::name);
                    let hint =
                        did_you_mean(dealer, names).unwrap_or_else(|| "take it out for one of the platform".into());
                    refuse("no-dealer", at, format!("there is no organization `{dealer}` here"), hint);
                }
            }
        }
    }

    /// The organization whose licences an organization lives on.
    fn pool<'a>(&'a self, name: &'a str) -> &'a str {
        let mut at = name;
        let mut seen = BTreeSet::new();
        while let Some(organization) = self.organization(at).filter(|it| !it.own_licences && seen.insert(it.name())) {
            match organization.parent() {
                Some(parent) => at = parent,
                None => break,
            }
        }
        at
    }
}

/// The resources that an organization's grants and licences name, and where.
fn resources_named<'a>(organization: &'a Organization<'_>) -> Vec<(&'a str, crate::diagnostic::Span)> {
    let node = &organization.tenant.node;
    let mut named: Vec<_> =
        organization.grants.keys().map(|name| (name.as_str(), node.nearest("/grants").key_span(name))).collect();
    for (index, licence) in organization.tenant.settings.licences.iter().enumerate() {
        let quantities = node.nearest(&format!("/licences/{index}/quantities"));
        named.extend(licence.quantities.keys().map(|name| (name.as_str(), quantities.key_span(name))));
    }
    named
}
