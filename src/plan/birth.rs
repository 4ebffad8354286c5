//! A realm that is to be born: the body of its birth, and what is written right after it.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::{Action, Body, Cause, Change, TenantPlan, diff, order};
use crate::expand::Desired;
use crate::state::kind::KEY_PROVIDER;
use crate::state::permissions::is_ambiguous;
use crate::state::{
    Applied, Kind, Layered, Object, ObjectId, RealmState, Shared, applied, assemble, defaults, secret::Secrets,
};

/// How fields begin of which a birth takes all from its body where it finds one of them, and the defaults where it finds
/// none.
const TOGETHER: [(Kind, &[&str]); 3] = [
    (Kind::UserProfile, &["unmanagedAttributePolicy", "attributes", "groups"]),
    (Kind::Realm, &["accessCodeLifespanUserAction", "actionTokenGeneratedByUserLifespan"]),
    (Kind::Realm, &["otpPolicy"]),
];

/// A realm is born whole, its marker with it, in one request; but for what no birth can bring. That is written right
/// after, and the marker of the birth says nothing of it.
pub(super) fn birth(plan: &mut TenantPlan, desired: &Desired, secrets: &Secrets) {
    let newborn = Newborn {
        name: desired.name.clone(),
        environment: desired.environment.clone(),
        desired: desired.state.clone(),
        secrets: secrets.fingerprints_of(desired.secrets.iter().map(|(reference, _)| reference)),
    };
    let (born, later) = newborn.parts();
    if !later.objects.is_empty() {
        plan.recorded = Some(applied::digest(&newborn.marker(&born, &later)));
        plan.record = Some(newborn.whole().to_text());
    }
    let body = Some(Body::Realm(newborn.into()));
    plan.changes.push(Change { body, ..diff::change(&ObjectId::realm(), Action::Create, Cause::Manifest) });
    let made = diff::diff(&later, &RealmState::default(), &Applied::default(), &Secrets::default());
    plan.changes.extend(order::order(made.changes));
    // Mostly one, of thousands of tenants.
    plan.changes.shrink_to_fit();
}

/// What the document of a birth is put together from.
#[derive(Debug)]
pub struct Newborn {
    name: String,
    environment: String,
    desired: Shared<RealmState>,
    /// The fingerprints of its secrets, for its marker.
    secrets: Secrets,
}

impl Newborn {
    /// What its realm should be, what is written right after its birth included.
    pub fn desired(&self) -> &RealmState {
        &self.desired
    }

    /// The body of the one request.
    pub fn document(&self) -> Value {
        let (mut born, later) = self.parts();
        let marker = self.marker(&born, &later);
        complete(&mut born, &self.name);
        let mut body = assemble(&born);
        if let Some(body) = body.as_object_mut() {
            let attributes = body.entry("attributes").or_insert_with(|| Value::Object(Default::default()));
            attributes[applied::MARKER] = marker.into();
        }
        body
    }

    /// What a birth brings, and what is written after it.
    fn parts(&self) -> (RealmState, RealmState) {
        let mut born = RealmState::clone(&self.desired);
        let mut later: Layered<_, _> = born.objects.extract_if(.., |id, _| waits(&self.desired, id)).collect();
        later.extend(without_flows(&mut born));
        (born, RealmState { objects: later, ..RealmState::default() })
    }

    fn marker(&self, born: &RealmState, later: &RealmState) -> String {
        let at_once = |id: &ObjectId| born.objects.contains_key(id) && !later.objects.contains_key(id);
        Applied::after(&Applied::default(), &self.whole(), at_once).to_text()
    }

    /// What the marker says once all is written.
    fn whole(&self) -> Applied {
        Applied::of(&self.desired, &self.environment, &self.secrets)
    }
}

/// Whether an object is written once Keycloak has made it. A birth that brought the account console without the client
/// `account` would get that client's too, and fail.
fn waits(desired: &RealmState, id: &ObjectId) -> bool {
    let client = match id.kind {
        Kind::Client => id.key.clone(),
        Kind::ClientMapper => id.owner_and_name().0,
        _ => String::new(),
    };
    id.kind.is_born_later(&id.key)
        || (client == "account-console" && !desired.objects.contains_key(&ObjectId::new(Kind::Client, "account")))
        || (id.kind == Kind::Authorization && desired.get(id).is_some_and(needs_ids))
}

/// Whether a policy of these settings means a role that Keycloak finds by its id alone.
fn needs_ids(settings: &Object) -> bool {
    let policies = settings.fields.get("policies").and_then(Value::as_array).into_iter().flatten();
    let roles = policies.filter_map(|policy| policy["config"]["roles"].as_array()).flatten();
    roles.filter_map(|role| role["id"].as_str()).any(is_ambiguous)
}

/// Clients that name a flow which no birth can know the id of, since Keycloak makes it: they are born without, and written
/// again once it is there.
fn without_flows(born: &mut RealmState) -> Layered<ObjectId, Shared<Object>> {
    let brought: BTreeSet<String> = born.of_kind(Kind::Flow).map(|(id, _)| id.key.clone()).collect();
    let unknown = |path: &str, flow: &Value| {
        let alias = flow.as_str().filter(|alias| !alias.is_empty() && Kind::Client.binds_flow(path));
        alias.is_some_and(|alias| !brought.contains(alias))
    };
    let mut later = Layered::new();
    for (id, client) in born.objects.iter_mut().filter(|(id, _)| id.kind == Kind::Client) {
        let whole = client.clone();
        if client.fields.extract_if(.., |path, flow| unknown(path, flow)).count() > 0 {
            later.insert(id.clone(), whole);
        }
    }
    later
}

/// What is not declared is left as Keycloak makes it: beside what is, a birth must say so. The marker does not.
fn complete(born: &mut RealmState, realm: &str) {
    let bare = LazyCell::new(|| defaults::bare(realm));
    if born.of_kind(Kind::Component).any(|(id, _)| is_key(id)) && !has_every_key(born) {
        for (id, fields) in bare.iter().filter(|(id, _)| is_key(id)) {
            let own = || Object { fields: fields.clone(), ..Object::default() }.into();
            born.objects.entry(id.clone()).or_insert_with(own);
        }
    }
    for (kind, starts) in TOGETHER {
        let is_one = |path: &str| starts.iter().any(|start| path.starts_with(start));
        let id = ObjectId::new(kind, "");
        let Some(object) = born.objects.get_mut(&id) else { continue };
        if !object.fields.keys().any(|path| is_one(path)) {
            continue;
        }
        let usual = bare.get(&id).cloned().unwrap_or_else(|| defaults::new_object(&id, &object.fields));
        for (path, value) in usual.into_iter().filter(|(path, _)| is_one(path)) {
            object.fields.entry(path).or_insert(value);
        }
    }
}

fn is_key(id: &ObjectId) -> bool {
    id.kind == Kind::Component && id.owner_and_name().0 == KEY_PROVIDER
}

/// Whether keys are declared for all that a realm does: what its tokens are signed with, and the two that Keycloak keeps its
/// own secrets with. Then they are all that it shall have. Else they come beside Keycloak's own.
fn has_every_key(born: &RealmState) -> bool {
    let algorithm = born.realm().and_then(|realm| realm.fields.get("defaultSignatureAlgorithm")?.as_str());
    let signs = match algorithm.unwrap_or("RS256").get(..2) {
        Some("ES") => "ecdsa",
        Some("Ed") => "eddsa",
        Some("HS") => "hmac",
        _ => "rsa",
    };
    let providers = born.of_kind(Kind::Component).filter(|(id, _)| is_key(id));
    let providers: Vec<&str> = providers.filter_map(|(_, key)| key.fields.get("providerId")?.as_str()).collect();
    let has = |start: &str| providers.iter().any(|name| name.starts_with(start) && !name.contains("-enc"));
    [signs, "hmac", "aes"].iter().all(|start| has(start))
}
