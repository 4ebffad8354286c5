//! From what people wrote to what realms should be: templates filled for every tenant of an environment.
//!
//! Pure. It adds the one thing that no template can leave out, the provisioner.

pub mod broker;
mod check;
pub mod entitlement;
mod flows;
mod gates;
mod implied;
mod keys;
mod mail;
mod mould;
pub mod observer;
pub mod origin;
mod people;
mod permissions;
mod products;
pub mod provisioner;
mod terminal;
mod tls;

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::thread;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::manifest::guards::Protected;
use crate::manifest::node::{Data, Key, Node};
use crate::manifest::resolve::{Network, Tenant};
use crate::manifest::{ManifestSet, Source, Tier};
use crate::state::kind::Own;
use crate::state::protection::PROTECTED;
use crate::state::specs::SPECS;
use crate::state::{Kind, ObjectId, Protection, RealmState, Shared, arrange, secret};
use crate::template::{Template, find, scope};
use broker::Broker;
pub use broker::{BROKER, audience_scope};
use mould::{Moulds, Uncast};
pub use observer::{OBSERVER, VIEWS, key_set};
pub use provisioner::{ADMIN_API_SCOPE, PROVISIONER, fitted};
pub use terminal::TERMINAL;

/// Threads that a large network is expanded in; each makes moulds of its own.
const THREADS: usize = 4;

/// Fewer tenants are not worth a thread.
const SHARE: usize = 64;

/// The clients that the tool itself puts into realms.
pub const TOOLS: [&str; 4] = [PROVISIONER, OBSERVER, BROKER, TERMINAL];

/// Public key sets that realms trust and no manifest names; empty where the operator key is not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trusted<'a> {
    /// The operator's, which the provisioner authenticates with.
    pub operator: &'a str,
    /// The one that is derived from it for the broker.
    pub broker: &'a str,
}

/// A tenant and what its realm should be.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Its name, which is its realm's.
    pub name: String,
    /// Its tier.
    pub tier: Tier,
    /// The names above it, from the distributor down.
    pub path: Vec<String>,
    /// The environment that it is in.
    pub environment: String,
    /// What it is called on screen.
    pub label: String,
    /// What its realm should be.
    pub state: Shared<RealmState>,
    /// What in it is protected.
    pub protection: Protection,
    /// References to secrets, and where each is written.
    pub secrets: Vec<(String, Span)>,
}

/// What every tenant of a network should be.
pub fn expand(
    set: &ManifestSet,
    sources: &[Source],
    network: &Network,
    trusted: Trusted<'_>,
    found: &mut Vec<Diagnostic>,
) -> Vec<Desired> {
    each(set, sources, network, trusted, found, |desired| desired)
}

/// The same for who needs little of each: a realm is large, and there may be thousands. What was taken of each comes in the
/// order of the tenants, as does what was found; large networks are shared between threads.
pub fn each<T: Send>(
    set: &ManifestSet,
    sources: &[Source],
    network: &Network,
    trusted: Trusted<'_>,
    found: &mut Vec<Diagnostic>,
    take: impl Fn(Desired) -> T + Sync,
) -> Vec<T> {
    protection_names_kinds(set.platform_node.get("protected"), found);
    products_are_no_clients_of_keycloak(set, found);
    entitlement::check(set, network, found);
    let keys = Keys {
        provisioner: trusted.operator.to_owned(),
        observer: observer::jwks(set, network, found),
        broker: Broker::of(set, network, trusted.broker, found),
    };
    let expanded = |tenants: &[Tenant]| {
        let mut expander = Expander::new(set, sources, network, &keys);
        let mut found = Vec::new();
        let taken = tenants.iter().filter_map(|tenant| expander.tenant(tenant, &mut found)).map(&take);
        (taken.collect::<Vec<T>>(), found)
    };
    let threads = (network.tenants.len() / SHARE).clamp(1, THREADS);
    let shares = network.tenants.chunks(network.tenants.len().div_ceil(threads).max(1));
    let mut all = Vec::new();
    for (taken, more) in at_once(shares, expanded) {
        all.extend(taken);
        found.extend(more);
    }
    all
}

/// Does something with each share, each in a thread of its own, the last one in this.
fn at_once<S: Send, T: Send>(shares: impl Iterator<Item = S>, work: impl Fn(S) -> T + Sync) -> Vec<T> {
    let (mut shares, work) = (shares.collect::<Vec<_>>(), &work);
    let last = shares.pop();
    thread::scope(|scope| {
        let threads: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || work(share))).collect();
        let last = last.map(work);
        let ended = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ended.chain(last).collect()
    })
}

/// What the tool's own clients in a realm trust.
struct Keys {
    provisioner: String,
    observer: Option<String>,
    broker: Option<Broker>,
}

/// Expands the tenants of one network, one after the other.
struct Expander<'a> {
    set: &'a ManifestSet,
    sources: &'a [Source],
    network: &'a Network,
    keys: &'a Keys,
    /// By name and the distributor that asks.
    templates: HashMap<(String, String), Rc<Template>>,
    moulds: Moulds,
}

impl<'a> Expander<'a> {
    fn new(set: &'a ManifestSet, sources: &'a [Source], network: &'a Network, keys: &'a Keys) -> Self {
        Self { set, sources, network, keys, templates: HashMap::new(), moulds: Moulds::default() }
    }

    fn tenant(&mut self, tenant: &Tenant, found: &mut Vec<Diagnostic>) -> Option<Desired> {
        let template = self.template(tenant, found)?;
        let values = values(self.sources, self.network, tenant, &template, found)?;
        let Made { mut state, secrets } = self.made(&template, tenant, &values, found);
        self.keys.broker.iter().for_each(|broker| broker.add(&mut state, &tenant.name));
        if tenant.settings.suspended {
            shut(&mut state);
        }
        protection_names_kinds(tenant.node.get("protected"), found);
        let protection = protection(self.network, tenant);
        if let (Some(text), Some(realm)) = (protection.to_text(), state.objects.get_mut(&ObjectId::realm())) {
            realm.fields.insert(format!("attributes.{PROTECTED}"), text.into());
        }
        Some(Desired {
            name: tenant.name.clone(),
            tier: tenant.tier,
            path: tenant.path.clone(),
            environment: self.network.environment.clone(),
            label: tenant.label().to_owned(),
            state: state.into(),
            protection,
            secrets,
        })
    }

    fn template(&mut self, tenant: &Tenant, found: &mut Vec<Diagnostic>) -> Option<Rc<Template>> {
        let key = (template_name(tenant), tenant.distributor().to_owned());
        if let Some(template) = self.templates.get(&key) {
            return Some(Rc::clone(template));
        }
        let template = Rc::new(chosen_template(self.set, tenant, found)?);
        self.templates.insert(key, Rc::clone(&template));
        Some(template)
    }

    /// The realm that a template gives for these values: cast, where it can be.
    fn made(&mut self, template: &Template, tenant: &Tenant, values: &Node, found: &mut Vec<Diagnostic>) -> Made {
        let taken = mould::take(&template.name, values).filter(|_| tenant.node.get("realm").is_none());
        let cast = taken.as_ref().map(|taken| self.moulds.cast(taken));
        if let Some(Ok((state, references))) = cast {
            return Made { state, secrets: places_of(references, values) };
        }
        let sound = found.len();
        let made = make(self.keys, template, tenant, values, found);
        let places = || origin::places(self.set, self.sources, self.network, tenant);
        products::check(self.network, tenant, &made.state, places, found);
        if let (Some(taken), Some(Err(Uncast::New))) = (taken, cast) {
            let marked = if found.len() == sound { self.marked(template, tenant, values) } else { None };
            let references = made.secrets.iter().map(|(reference, _)| reference.clone()).collect();
            self.moulds.keep(taken, (&made.state, references), marked);
        }
        made
    }

    /// The realm with a mark for each text that is the tenant's own, if nothing is found in it.
    fn marked(&self, template: &Template, tenant: &Tenant, values: &Node) -> Option<RealmState> {
        let mut found = Vec::new();
        let values = mould::marked(values);
        let name = values.get("tenant")?.get("name")?.text()?.to_owned();
        let tenant = Tenant { name, ..tenant.clone() };
        let Made { state, .. } = make(self.keys, template, &tenant, &values, &mut found);
        products::check(self.network, &tenant, &state, BTreeMap::new, &mut found);
        found.is_empty().then_some(state)
    }
}

/// What of a realm follows from its template, its values, and the keys that every realm trusts.
struct Made {
    state: RealmState,
    secrets: Vec<(String, Span)>,
}

fn make(keys: &Keys, template: &Template, tenant: &Tenant, values: &Node, found: &mut Vec<Diagnostic>) -> Made {
    let mut realm = template.fill(tenant.node.get("realm"), values, found);
    check::check(&tenant.name, &realm, found);
    if let Data::Map(entries) = &mut realm.data {
        entries.retain(|(key, _)| key.text != "realm");
        let name = Key { text: "realm".into(), span: tenant.span };
        entries.push((name, Node::scalar(tenant.name.as_str(), tenant.span)));
    }
    let mut state = arrange(&realm.to_value());
    // What it was made from is of use only of what was read from a server.
    state.objects.values_mut().for_each(|object| object.raw = Value::Null);
    implied::add(&mut state);
    gates::add(&mut state);
    provisioner::add(&mut state, &keys.provisioner);
    keys.observer.iter().for_each(|jwks| observer::add(&mut state, jwks));
    check::references(&tenant.name, &state, tenant.span, found);
    let mut secrets = Vec::new();
    secret_places(&realm, &mut secrets);
    Made { state, secrets }
}

/// Lets nobody log in any more, but for the tool's own accounts.
fn shut(state: &mut RealmState) {
    let own = [PROVISIONER, OBSERVER];
    let clients = state.objects.iter_mut().filter(|(id, _)| id.kind == Kind::Client && !own.contains(&id.key.as_str()));
    clients.for_each(|(_, client)| drop(client.fields.insert("enabled".into(), false.into())));
}

/// A product's client would change Keycloak's own of that name.
fn products_are_no_clients_of_keycloak(set: &ManifestSet, found: &mut Vec<Diagnostic>) {
    let products = set.platform_node.get("products").map(Node::entries).unwrap_or_default();
    for (name, _) in products.iter().filter(|(name, _)| Own::of(&name.text).is_some()) {
        let message = format!("`{}` is the name of a client of Keycloak's own", name.text);
        found.push(Diagnostic::error("reserved-name", name.span, message).hint("name the product otherwise"));
    }
}

/// A pattern of a kind that does not exist would protect nothing.
fn protection_names_kinds(protected: Option<&Node>, found: &mut Vec<Diagnostic>) {
    for pattern in protected.map(Node::items).unwrap_or_default() {
        let kind = pattern.text().unwrap_or_default().split('/').next().unwrap_or_default();
        if kind != "*" && Kind::from_name(kind).is_none() {
            let message = format!("`{kind}` is not a kind of object");
            let names = SPECS.iter().map(|spec| spec.name);
            let hint = did_you_mean(kind, names.clone())
                .unwrap_or_else(|| format!("the kinds are {}", names.collect::<Vec<_>>().join(", ")));
            found.push(Diagnostic::error("unknown-kind", pattern.span, message).hint(hint));
        }
    }
}

/// The name of a tenant's template.
fn template_name(tenant: &Tenant) -> String {
    tenant.settings.template.clone().unwrap_or_else(|| tenant.tier.to_string())
}

/// The template of a tenant.
fn chosen_template(set: &ManifestSet, tenant: &Tenant, found: &mut Vec<Diagnostic>) -> Option<Template> {
    let chosen = template_name(tenant);
    let asked = tenant.node.get("template").cloned().unwrap_or_else(|| Node::scalar(chosen.as_str(), tenant.span));
    find(set, &chosen, &asked, tenant.distributor()).map_err(|diagnostic| found.push(diagnostic)).ok()
}

/// The values that it is filled with.
fn values(
    sources: &[Source],
    network: &Network,
    tenant: &Tenant,
    template: &Template,
    found: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let sound = found.len();
    let values = scope(network, tenant, template, sources, found);
    (found.len() == sound).then_some(values)
}

/// What is protected in a tenant's realm: by the platform and by itself.
pub fn protection(network: &Network, tenant: &Tenant) -> Protection {
    let own = tenant.settings.protected.as_ref().map(Protected::patterns).unwrap_or_default();
    Protection::new(network.protected.iter().cloned().chain(own))
}

/// References that were filled in, with the places of the values that they are from.
fn places_of(references: &[String], values: &Node) -> Vec<(String, Span)> {
    let mut given = Vec::new();
    if !references.is_empty() {
        secret_places(values, &mut given);
    }
    let place =
        |reference: &String| given.iter().find(|(given, _)| given == reference).map_or(values.span, |given| given.1);
    references.iter().map(|reference| (reference.clone(), place(reference))).collect()
}

fn secret_places(node: &Node, found: &mut Vec<(String, Span)>) {
    if let Some(Data::Scalar(Value::String(reference))) = node.get(secret::SECRET).map(|node| &node.data) {
        found.push((reference.clone(), node.span));
        return;
    }
    node.items().iter().for_each(|item| secret_places(item, found));
    node.entries().iter().for_each(|(_, value)| secret_places(value, found));
}
