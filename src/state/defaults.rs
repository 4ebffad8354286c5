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
const VERSIONS: [&str; 2] = ["26.7.", "26.4."];

const RECORDED: &str = include_str!("defaults/26.7.json");

/// What 26.4 makes otherwise: the fields of objects of a realm, and of new ones.
const OLDER: &str = include_str!("defaults/26.4.json");

fn recorded() -> &'static Value {
    static VALUE: OnceLock<Value> = OnceLock::new();
    VALUE.get_or_init(|| serde_json::from_str(RECORDED).unwrap_or_default())
}

/// The objects of a bare realm of this name.
pub fn bare(realm: &str) -> Flat {
    of_realm(&every_unnamed()[0], realm)
}

/// What is recorded, arranged once, with [`NAME`] in it.
fn every_unnamed() -> &'static [Flat; 2] {
    static VALUE: OnceLock<[Flat; 2]> = OnceLock::new();
    VALUE.get_or_init(|| {
        let objects = arrange(&recorded()["realm"]).objects.into_iter();
        let newest: Flat = objects.map(|(id, object)| (id, object.into_inner().fields)).collect();
        let mut old = newest.clone();
        for (id, changed) in older().get("realm").into_iter().flatten() {
            if let Ok(id) = id.parse() {
                old.entry(id).or_default().extend(changed.clone());
            }
        }
        [newest, old]
    })
}

fn of_realm(unnamed: &Flat, realm: &str) -> Flat {
    let objects = unnamed.iter().map(|(id, fields)| {
        let key = id.key.replace(NAME, &realm.to_lowercase());
        let fields = fields.iter().map(|(path, value)| (path.clone(), named(value, realm)));
        (ObjectId::new(id.kind, key), fields.collect())
    });
    objects.collect()
}

/// What a bare realm consists of, but for the role that has the realm's name in its own.
pub fn bare_ids() -> &'static [ObjectId] {
    static IDS: OnceLock<Vec<ObjectId>> = OnceLock::new();
    IDS.get_or_init(|| bare(NAME).into_keys().filter(|id| !id.key.contains("default-roles-")).collect())
}

/// Values of fields by the name of an object, or of what is new.
type Changed = BTreeMap<String, Fields>;

fn older() -> &'static BTreeMap<String, Changed> {
    static VALUE: OnceLock<BTreeMap<String, Changed>> = OnceLock::new();
    VALUE.get_or_init(|| serde_json::from_str(OLDER).unwrap_or_default())
}

/// The objects of a bare realm of this name, by each version that is recorded. A realm keeps what it was made with when
/// its server gets a newer version.
pub fn every_bare(realm: &str) -> Vec<Flat> {
    every_unnamed().iter().map(|unnamed| of_realm(unnamed, realm)).collect()
}

/// What a new object has that says nothing but its name, by each version that is recorded.
pub fn every_new_object(id: &ObjectId, fields: &Fields) -> Vec<Fields> {
    let newest = new_object(id, fields);
    let changed = older().get("new").and_then(|new| new.get(&new_name(id.kind, fields)));
    let old = newest.clone().into_iter().chain(changed.cloned().unwrap_or_default()).collect();
    vec![newest, old]
}

/// What a version makes otherwise than the newest: `of_it` is what was recorded of it.
pub fn difference(of_it: &Value) -> Value {
    let flat = |recorded: &Value| -> BTreeMap<String, Changed> {
        let objects = arrange(&recorded["realm"]).objects.into_iter();
        let realm = objects.map(|(id, object)| (id.to_string(), object.into_inner().fields)).collect();
        let new = recorded["new"].as_object().into_iter().flatten();
        let new = new.filter_map(|(name, document)| {
            let kind = Kind::from_name(name.split(' ').next().unwrap_or_default())?;
            Some((name.clone(), new_fields(kind, document)))
        });
        BTreeMap::from([("realm".to_owned(), realm), ("new".to_owned(), new.collect())])
    };
    let mut differing = flat(of_it);
    for (part, newest) in flat(recorded()) {
        let Some(part) = differing.get_mut(&part) else { continue };
        for (name, fields) in part.iter_mut() {
            fields.retain(|path, value| newest.get(name).and_then(|fields| fields.get(path)) != Some(value));
        }
        part.retain(|_, fields| !fields.is_empty());
    }
    json!(differing)
}

/// The representation of a bare realm of this name.
pub fn representation(realm: &str) -> Value {
    named(&recorded()["realm"], realm)
}

/// Whether it is recorded what this realm's server puts into it; of one that does not tell its version, that is taken for
/// granted.
pub fn is_known(observed: &RealmState) -> bool {
    let version = observed.realm().and_then(|realm| realm.raw.get("keycloakVersion")?.as_str());
    version.is_none_or(|version| VERSIONS.iter().any(|known| version.starts_with(known)))
}

/// Attributes that the server, or this program, keeps for itself.
pub const SERVERS: [&str; 9] = [
    "attributes.client.secret.creation.time",
    "attributes.client.secret.expiration.time",
    "attributes.client.secret.rotated.creation.time",
    "attributes.client.secret.rotated.expiration.time",
    "attributes.realm_client",
    "attributes.realmwright.applied",
    "attributes.realmwright.entitlement",
    "attributes.realmwright.naming",
    "attributes.realmwright.quarantine",
];

/// What a new object has that says nothing but its name; by its protocol where it has one.
pub fn new_object(id: &ObjectId, fields: &Fields) -> Fields {
    let mut fields = new_fields(id.kind, &recorded()["new"][new_name(id.kind, fields)]);
    fields.remove(id.kind.spec().key);
    fields
}

/// Under which name a new object is recorded.
fn new_name(kind: Kind, fields: &Fields) -> String {
    let protocol = fields.get("protocol").and_then(Value::as_str).unwrap_or_default();
    let own = format!("{} {protocol}", kind.name());
    if recorded()["new"].get(&own).is_some() { own } else { kind.name().to_owned() }
}

fn new_fields(kind: Kind, document: &Value) -> Fields {
    match kind {
        // It has a place of its own, and a regular form.
        Kind::UserProfile => {
            let mut state = arrange(&json!({"userProfile": document}));
            state.objects.remove(&ObjectId::new(kind, "")).unwrap_or_default().into_inner().fields
        }
        kind => fields_of(kind, document),
    }
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
        Value::String(text) if text.contains("default-roles-") => text.replace(NAME, &realm.to_lowercase()).into(),
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
