//! What a realm carries signed: its entitlement, as an attribute, and for each product as a claim in its tokens.
//!
//! In states and plans such a value is what it says, with the key that signs it: `{"$seal": {"key": …, "statement": …}}`.
//! It is signed when it is written, and opened when it is read; what no trusted key signed stays the text that was found,
//! which is never what it should be. So whoever only plans needs no private key.

use serde_json::{Value, json};

use super::{Kind, ObjectId, RealmState};
use crate::licence::Entitlement;
use crate::seal::TrustedKeys;

/// The key that marks a sealed value in a document.
pub const SEAL: &str = "$seal";

/// The realm attribute that holds the entitlement.
pub const ENTITLEMENT: &str = "realmwright.entitlement";

/// Name of the mapper, in a product's client, that brings the entitlement into tokens.
pub const MAPPER: &str = "realmwright-entitlement";

/// The claim that it fills.
pub const CLAIM: &str = "entitlement";

/// The fields that hold what is sealed.
const ATTRIBUTE_PATH: &str = "attributes.realmwright.entitlement";
/// See [`ATTRIBUTE_PATH`].
const CLAIM_PATH: &str = "config.claim.value";

/// A sealed value: the key that signs it, by its thumbprint, and what it says.
pub fn node(key: &str, statement: &Entitlement) -> Value {
    json!({ SEAL: { "key": key, "statement": statement } })
}

/// The document that a sealed value is.
pub fn as_sealed(value: &Value) -> Option<&Value> {
    value.as_object().filter(|object| object.len() == 1)?.get(SEAL)
}

/// What a sealed value says, and the key that signs it.
pub fn statement(value: &Value) -> Option<(&str, Entitlement)> {
    let sealed = as_sealed(value)?;
    Some((sealed["key"].as_str()?, serde_json::from_value(sealed["statement"].clone()).ok()?))
}

/// The realm's field that holds what is sealed.
pub fn of_realm() -> (ObjectId, String) {
    (ObjectId::realm(), ATTRIBUTE_PATH.to_owned())
}

/// The mapper's field of a product that does.
pub fn of_product(product: &str) -> (ObjectId, String) {
    (ObjectId::within(Kind::ClientMapper, product, MAPPER), CLAIM_PATH.to_owned())
}

/// Whether a field holds what is sealed.
pub fn is_place(id: &ObjectId, path: &str) -> bool {
    match id.kind {
        Kind::Realm => path == ATTRIBUTE_PATH,
        Kind::ClientMapper => path == CLAIM_PATH && id.owner_and_name().1 == MAPPER,
        _ => false,
    }
}

/// Beginnings of the realm's fields that say the same to people: `attributes.licence.SERIAL.KEY`, and
/// `attributes.grant.RESOURCE`.
const LICENCE: &str = "attributes.licence.";
/// See [`LICENCE`].
const GRANT: &str = "attributes.grant.";

/// The licence and the key that a path of a realm's fields is about.
pub fn term(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(LICENCE)?.rsplit_once('.')
}

/// The resource that a path of a realm's fields grants.
pub fn granted(path: &str) -> Option<&str> {
    path.strip_prefix(GRANT)
}

/// Whether a path of a realm's fields says, to people, what somebody is entitled to.
pub fn is_readable(path: &str) -> bool {
    path.starts_with(LICENCE) || path.starts_with(GRANT)
}

/// Whether a field says what somebody is entitled to, signed or not. Nobody else has a say in these.
pub fn is_entitlement(id: &ObjectId, path: &str) -> bool {
    is_place(id, path) || id.kind == Kind::Realm && is_readable(path)
}

/// Opens what is sealed in a realm, as far as it can be believed.
pub fn open(state: &mut RealmState, keys: &TrustedKeys) {
    for (id, object) in &mut state.objects {
        for (_, value) in object.fields.iter_mut().filter(|(path, _)| is_place(id, path)) {
            let opened = value.as_str().and_then(|text| keys.open_with_key::<Entitlement>(text).ok());
            if let Some((key, statement)) = opened {
                *value = node(&key, &statement);
            }
        }
    }
}

/// Every sealed value in a document: the key that it is to be signed with.
pub fn keys<'a>(document: &'a Value, found: &mut Vec<&'a str>) {
    if let Some(sealed) = as_sealed(document) {
        found.extend(sealed["key"].as_str());
        return;
    }
    match document {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(map) => map.values().for_each(|value| keys(value, found)),
        _ => {}
    }
}
