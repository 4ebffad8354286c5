//! One environment's view of a manifest set: who exists there, and what is said of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::brand;
use super::document::{Broker, Product, Settings};
use super::guards::{Limits, Protected, limits};
use super::node::{Data, Key, Node};
use super::servers::ServerTerms;
use super::{Entry, ManifestSet, Tier, login, servers};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::licence::{Measure, ORGANIZATIONS};
use crate::template::merge::merge;

/// The tenants of one environment, parents before children.
#[derive(Debug, Clone)]
pub struct Network {
    /// Name of the environment.
    pub environment: String,
    /// Base URL of its server, when the manifests name one.
    pub server: Option<String>,
    /// Its servers by name, where it has several.
    pub servers: BTreeMap<String, ServerTerms>,
    /// The servers that the ledger has noted down, of all organizations that it has; empty where it was not asked.
    pub recorded: BTreeMap<String, String>,
    /// Where its ledger is, when the manifests name one.
    pub ledger: Option<String>,
    /// The public key of its observer, when it has one.
    pub observer_key: Option<String>,
    /// Its token broker, when it has one.
    pub broker: Option<Broker>,
    /// The public keys that entitlements are signed with, in PEM, when the manifests name some.
    pub trusted_keys: Option<String>,
    /// The platform's products as they are in this environment.
    pub products: BTreeMap<String, Product>,
    /// The same with places.
    pub product_nodes: BTreeMap<String, Node>,
    /// What the guards allow.
    pub limits: Limits,
    /// Addresses of what is protected in every realm.
    pub protected: Vec<String>,
    /// What is counted down the tree, by name.
    pub resources: BTreeMap<String, Measure>,
    /// The tenants, in tree order.
    pub tenants: Vec<Tenant>,
    /// The organizations that stand in the tree and have no realm.
    pub without_realm: Vec<Tenant>,
}

impl Network {
    /// The server of every realm of which it is known, by the tenant's name: what manifests say, and what the ledger noted down,
    /// also of tenants that no manifest has any more.
    pub fn placements(&self) -> BTreeMap<String, String> {
        let mut placed = self.recorded.clone();
        let of_tenant = |tenant: &Tenant| Some((tenant.name.clone(), tenant.server.clone()?));
        placed.extend(self.tenants.iter().filter_map(of_tenant));
        placed
    }

    /// Every organization, with a realm or without, by its name.
    pub fn organizations(&self) -> HashMap<&str, &Tenant> {
        let all = self.tenants.iter().chain(&self.without_realm);
        all.map(|tenant| (tenant.name.as_str(), tenant)).collect()
    }
}

/// An organization in one environment.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name, which is its realm's.
    pub name: String,
    /// Its tier.
    pub tier: Tier,
    /// The names above it, from the distributor down; empty for a distributor.
    pub path: Vec<String>,
    /// What it is like in this environment.
    pub settings: Settings,
    /// The same with places.
    pub node: Node,
    /// Its labels: those of the organization above it, with its own laid over them.
    pub labels: BTreeMap<String, String>,
    /// Its brand: that of the organization above it, with its own laid over it; a mapping, empty where there is none.
    pub brand: Node,
    /// Name of the server that it is placed on, where the environment has several.
    pub server: Option<String>,
    /// Where its name is written.
    pub span: Span,
}

impl Network {
    /// Whether a tenant has a product whose devices are clients of its realm.
    pub fn has_device_clients(&self, tenant: &Tenant) -> bool {
        let products = tenant.products().into_iter().filter_map(|product| self.products.get(product));
        products.into_iter().any(|product| product.device_clients == Some(true))
    }
}

impl Tenant {
    /// The name of the distributor whose branch it is in; its own if it is one.
    pub fn distributor(&self) -> &str {
        self.path.first().unwrap_or(&self.name)
    }

    /// What it is called on screen.
    pub fn label(&self) -> &str {
        self.settings.label.as_deref().unwrap_or(&self.name)
    }

    /// Names of the products that it holds a licence for, or is granted seats of; each once. What else is granted is no
    /// product.
    pub fn products(&self) -> BTreeSet<&str> {
        let licensed = self.settings.licences.iter().map(|licence| licence.product.as_str());
        let granted = self.settings.grants.iter().filter(|(_, amount)| **amount > 0);
        licensed.chain(granted.map(|(resource, _)| resource.as_str())).collect()
    }
}

/// The network of an environment, which must be one that the platform names.
pub fn resolve(set: &ManifestSet, environment: &str, found: &mut Vec<Diagnostic>) -> Network {
    let mut tenants: Vec<Tenant> = Vec::new();
    let mut without_realm: Vec<Tenant> = Vec::new();
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    // Where each that is here stands: whether in the list of those without a realm, and at which place of its list.
    let mut kept: HashMap<&str, (bool, usize)> = HashMap::new();
    for entry in &set.entries {
        let above = entry.parent.as_ref().and_then(|(parent, _)| places.get(parent.as_str()));
        let place = place(set, entry, above, environment, found);
        if place.here {
            let above = entry.parent.as_ref().and_then(|(parent, _)| kept.get(parent.as_str()));
            let above = above.and_then(|(bare, at)| if *bare { without_realm.get(*at) } else { tenants.get(*at) });
            let tenant = tenant(entry, place.path.clone(), above, environment, found);
            let bare = is_without_realm(entry);
            let list = if bare { &mut without_realm } else { &mut tenants };
            if let Some(tenant) = tenant {
                kept.insert(&entry.name, (bare, list.len()));
                list.push(tenant);
            }
        }
        places.insert(&entry.name, place);
    }
    check_serials(tenants.iter().chain(&without_realm), found);
    login::check_domains(&tenants, found);
    for (name, product) in &set.platform.products {
        for other in product.environments.keys().filter(|name| !set.platform.environments.contains_key(*name)) {
            let at = set.platform_node.nearest(&format!("/products/{name}/environments")).key_span(other);
            let hint = did_you_mean(other, set.platform.environments.keys().map(String::as_str));
            let message = format!("the platform has no environment `{other}`");
            found.push(Diagnostic::error("unknown-environment", at, message).maybe_hint(hint));
        }
    }
    let products =
        set.platform.products.iter().map(|(name, product)| (name.clone(), product_in(product, environment))).collect();
    for tenant in tenants.iter().chain(&without_realm) {
        check_licences(tenant, &products, found);
        login::check(tenant, found);
    }
    for (name, _) in set.platform.resources.iter().filter(|(_, measure)| **measure == Measure::Counter) {
        if name == ORGANIZATIONS || set.platform.products.contains_key(name) {
            let at = set.platform_node.nearest("/resources").key_span(name);
            let hint = "take it out: it is counted as a gauge by itself";
            found.push(Diagnostic::error("wrong-measure", at, format!("`{name}` is a gauge")).hint(hint));
        }
    }
    let stage = set.platform.environments.get(environment);
    let server = stage.and_then(|stage| stage.server.clone());
    let servers = stage.map(|stage| stage.servers.clone()).unwrap_or_default();
    let ledger = stage.and_then(|stage| stage.ledger.clone());
    let observer_key = stage.and_then(|stage| stage.observer_key.clone());
    let broker = stage.and_then(|stage| stage.broker.clone());
    let trusted_keys = stage.and_then(|stage| stage.trusted_keys.clone());
    let protected = set.platform.protected.as_ref().map(Protected::patterns).unwrap_or_default();
    let limits = limits(set, environment);
    let product_nodes = product_nodes(set, environment);
    login::check_seats(&products, &product_nodes, found);
    let environment = environment.to_owned();
    let resources = set.platform.resources.clone();
    let stage_node = set.platform_node.get("environments").and_then(|stages| stages.get(&environment));
    let mut network = Network {
        environment,
        server,
        servers,
        recorded: BTreeMap::new(),
        ledger,
        observer_key,
        broker,
        trusted_keys,
        products,
        product_nodes,
        limits,
        protected,
        resources,
        tenants,
        without_realm,
    };
    servers::place(&mut network, stage_node, found);
    network
}

/// True for an organization that only stands in the tree.
fn is_without_realm(entry: &Entry) -> bool {
    entry.node.get("withoutRealm").is_some_and(|node| node.to_value() == true)
}

/// What a child needs to know of the organization above it.
struct Place {
    path: Vec<String>,
    /// The environments where it exists.
    environments: BTreeSet<String>,
    here: bool,
}

fn place(
    set: &ManifestSet,
    entry: &Entry,
    above: Option<&Place>,
    environment: &str,
    found: &mut Vec<Diagnostic>,
) -> Place {
    let mut path = above.map(|above| above.path.clone()).unwrap_or_default();
    path.extend(entry.parent.as_ref().map(|(parent, _)| parent.clone()));
    let known = &set.platform.environments;
    let inherited = || above.map_or_else(|| known.keys().cloned().collect(), |above| above.environments.clone());
    let environments: BTreeSet<String> = match entry.node.get("environments") {
        None => inherited(),
        Some(node) => {
            for (key, _) in node.entries() {
                if !known.contains_key(&key.text) {
                    let hint = did_you_mean(&key.text, known.keys().map(String::as_str));
                    let message = format!("the platform has no environment `{}`", key.text);
                    found.push(Diagnostic::error("unknown-environment", key.span, message).maybe_hint(hint));
                } else if !inherited().contains(&key.text) {
                    let message = format!("`{}` is in {}, but the organization above it is not", entry.name, key.text);
                    let hint = "put the parent into that environment too, or take this one out";
                    found.push(Diagnostic::error("parent-not-in-environment", key.span, message).hint(hint));
                }
            }
            node.entries().iter().map(|(key, _)| key.text.clone()).collect()
        }
    };
    let here = environments.contains(environment);
    Place { path, environments, here }
}

fn tenant(
    entry: &Entry,
    path: Vec<String>,
    above: Option<&Tenant>,
    environment: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<Tenant> {
    const IDENTITY: [&str; 7] = ["apiVersion", "kind", "name", "parent", "environments", "csv", "withoutRealm"];
    let own: Vec<(Key, Node)> =
        entry.node.entries().iter().filter(|(key, _)| !IDENTITY.contains(&key.text.as_str())).cloned().collect();
    let mut node = Node { data: Data::Map(own), span: entry.node.span };
    if let Some(different) = entry.node.get("environments").and_then(|e| e.get(environment)) {
        node = merge(node, different.clone());
    }
    let settings: Settings = super::typed(&node, found)?;
    let mut labels = above.map(|above| above.labels.clone()).unwrap_or_default();
    labels.extend(settings.labels.clone());
    let brand = brand::of(above.map(|above| &above.brand), &node, entry.node.span);
    let (name, tier, span) = (entry.name.clone(), entry.tier, entry.span());
    Some(Tenant { name, tier, path, settings, node, labels, brand, server: None, span })
}

fn product_in(product: &Product, environment: &str) -> Product {
    let mut product = product.clone();
    if let Some(different) = product.environments.remove(environment) {
        product.redirect_uris = different.redirect_uris.or(product.redirect_uris);
        product.web_origins = different.web_origins.or(product.web_origins);
        product.base_url = different.base_url.or(product.base_url);
    }
    product
}

fn product_nodes(set: &ManifestSet, environment: &str) -> BTreeMap<String, Node> {
    let written = set.platform_node.get("products").map(Node::entries).unwrap_or_default();
    let here = |node: &Node| {
        let different = node.get("environments").and_then(|environments| environments.get(environment));
        different.map_or_else(|| node.clone(), |different| merge(node.clone(), different.clone()))
    };
    written.iter().map(|(key, node)| (key.text.clone(), here(node))).collect()
}

fn check_licences(tenant: &Tenant, products: &BTreeMap<String, Product>, found: &mut Vec<Diagnostic>) {
    for (index, licence) in tenant.settings.licences.iter().enumerate() {
        let at = |key: &str| tenant.node.nearest(&format!("/licences/{index}/{key}")).span;
        match products.get(&licence.product) {
            None => {
                let message = format!("the platform has no product `{}`", licence.product);
                let hint = did_you_mean(&licence.product, products.keys().map(String::as_str));
                found.push(Diagnostic::error("unknown-product", at("product"), message).maybe_hint(hint));
            }
            Some(Product { licence_types: Some(types), .. }) if !types.contains(&licence.licence_type) => {
                let message = format!("`{}` is not sold as `{}`", licence.product, licence.licence_type);
                let hint = format!("its types are {}", types.join(", "));
                found.push(Diagnostic::error("unknown-licence-type", at("type"), message).hint(hint));
            }
            Some(_) => {}
        }
        let date = |key: &str, text: &str, found: &mut Vec<Diagnostic>| match text.parse::<jiff::civil::Date>() {
            Ok(date) => Some(date),
            Err(_) => {
                let message = format!("`{text}` is not a day of the calendar");
                found.push(Diagnostic::error("wrong-date", at(key), message).hint("write it as 2026-12-31"));
                None
            }
        };
        let from = licence.valid_from.as_deref().and_then(|text| date("validFrom", text, found));
        let until = date("validUntil", &licence.valid_until, found);
        if let (Some(from), Some(until)) = (from, until)
            && from > until
        {
            let message = format!("the licence `{}` ends before it begins", licence.serial);
            found.push(Diagnostic::error("wrong-date", at("validUntil"), message));
        }
    }
}

fn check_serials<'a>(tenants: impl Iterator<Item = &'a Tenant>, found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for tenant in tenants {
        for (index, licence) in tenant.settings.licences.iter().enumerate() {
            if let Some(holder) = seen.insert(&licence.serial, &tenant.name) {
                let at = tenant.node.nearest(&format!("/licences/{index}/serial")).span;
                let message = format!("the serial `{}` is used twice", licence.serial);
                let hint = format!("`{holder}` holds it already; a serial is used once in the whole platform");
                found.push(Diagnostic::error("duplicate-serial", at, message).hint(hint));
            }
        }
    }
}
