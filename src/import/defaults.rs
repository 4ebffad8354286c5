//! What Keycloak puts into every realm and every new object, so that manifests need not say it.
//!
//! Recorded from a live server by `make defaults` (`tests/live/import.rs` checks that it is current).

use std::sync::OnceLock;

use serde_json::Value;

use super::Flat;
use crate::state::{Fields, Kind, ObjectId, arrange};

/// Stands for the realm's name in what is recorded.
pub const NAME: &str = "$(tenant.name)";

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

/// What a new object has that says nothing but its name; by its protocol where it has one.
pub fn new_object(id: &ObjectId, fields: &Fields) -> Fields {
    let protocol = fields.get("protocol").and_then(Value::as_str).unwrap_or_default();
    let new = &recorded()["new"];
    let document = match new.get(format!("{} {protocol}", id.kind.name())) {
        Some(document) => document,
        None => &new[id.kind.name()],
    };
    let mut fields = crate::state::fields_of(id.kind, document);
    fields.remove(id.kind.spec().key);
    fields
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
