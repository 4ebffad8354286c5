//! What Keycloak puts into every realm and every new object: manifests need not say it, and what is otherwise is
//! somebody's.
//!
//! Recorded from a live server by `make defaults` (`tests/live/import.rs` checks that it is current).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{Fields, Kind, ObjectId, RealmState, arrange, fields_of};

/// Stands for the realm's name in what is recorded.
pub const NAME: &str = "$(tenant.name)";

/// Objects of a realm and those of their fields that are told apart.
pub type Flat = BTreeMap<ObjectId, Fields>;

/// How the versions begin that it is recorded of.
const VERSION: &str = "26.7.";

const RECORDED: &str = include_str!("defaults/26.7.json");

fn recorded() -> &'static Value {
    static VALUE: OnceLock<Value> = OnceLock::new();
    VALUE.get_or_init(|| serde_json::from_str(RECORDED).unwrap_or_default())
}

/// The objects of a bare realm of this name.
pub fn bare(realm: &str) -> Flat {
    let state = arrange(&named(&recorded()["realm"], realm));
    state.objects.into_iter().map(|(id, object)| (id, object.fields)).collect()
}

/// The representation of a bare realm of this name.
pub fn representation(realm: &str) -> Value {
    named(&recorded()["realm"], realm)
}

/// Whether it is recorded what this realm's server puts into it.
pub fn is_known(observed: &RealmState) -> bool {
    let version = observed.realm().and_then(|realm| realm.raw.get("keycloakVersion")?.as_str());
    version.is_some_and(|version| version.starts_with(VERSION))
}

/// Attributes that the server, or this program, keeps for itself.
pub const SERVERS: [&str; 7] = [
    "attributes.client.secret.creation.time",
    "attributes.client.secret.expiration.time",
    "attributes.client.secret.rotated.creation.time",
    "attributes.client.secret.rotated.expiration.time",
    "attributes.realm_client",
    "attributes.realmwright.applied",
    "attributes.realmwright.quarantine",
];

/// What a new object has that says nothing but its name; by its protocol where it has one.
pub fn new_object(id: &ObjectId, fields: &Fields) -> Fields {
    let protocol = fields.get("protocol").and_then(Value::as_str).unwrap_or_default();
    let new = &recorded()["new"];
    let document = match new.get(format!("{} {protocol}", id.kind.name())) {
        Some(document) => document,
        None => &new[id.kind.name()],
    };
    let mut fields = match id.kind {
        // It has a place of its own, and a regular form.
        Kind::UserProfile => arrange(&json!({"userProfile": document})).objects.remove(id).unwrap_or_default().fields,
        kind => fields_of(kind, document),
    };
    fields.remove(id.kind.spec().key);
    fields
}

/// Whether it is recorded what a new object of this kind has.
pub fn is_recorded(kind: Kind) -> bool {
    recorded()["new"].get(kind.name()).is_some()
}

/// True for what must be written even where it is the default: creation needs it, or gives it another meaning.
pub fn always(id: &ObjectId, path: &str) -> bool {
    let needed = [
        (Kind::Realm, "enabled"),
        (Kind::Component, "subType"),
        (Kind::IdentityProvider, "providerId"),
        (Kind::ClientScope, "protocol"),
    ];
    path == id.kind.spec().key || needed.contains(&(id.kind, path))
}

fn named(value: &Value, realm: &str) -> Value {
    match value {
        Value::String(text) if text.starts_with("default-roles-") => text.replace(NAME, &realm.to_lowercase()).into(),
        Value::String(text) => text.replace(NAME, &encoded(text, realm)).into(),
        Value::Array(items) => items.iter().map(|item| named(item, realm)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), named(value, realm))).collect(),
        other => other.clone(),
    }
}

/// The name as it stands in this text: in paths, Keycloak encodes it.
fn encoded(text: &str, realm: &str) -> String {
    if text.starts_with('/') {
        url::form_urlencoded::byte_serialize(realm.as_bytes()).collect::<String>()
    } else {
        realm.to_owned()
    }
}
