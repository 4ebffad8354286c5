//! Between the shape of Keycloak's RealmRepresentation and a regular one, in which each kind's objects stand in one
//! place and whole. [`arrange`](super::arrange()) takes only regular documents apart; a birth is sent in Keycloak's.
//!
//! One file for each thing that Keycloak scatters or wraps; what is done to a document by one is undone by the same.

pub(crate) mod authorization;
mod components;
mod flows;
mod groups;
mod people;
mod policies;
mod scope_mappings;

pub(crate) use components::TWIN;
use serde_json::{Map, Value};

/// A representation in its regular shape.
pub(crate) fn regular(representation: &Value) -> Value {
    let mut document = representation.clone();
    if let Some(map) = document.as_object_mut() {
        components::gather(map);
        flows::gather(map);
        scope_mappings::gather(map);
        authorization::gather(map);
        policies::gather(map);
        people::gather(map);
        groups::gather(map);
    }
    document
}

/// A regular document in Keycloak's shape.
pub(crate) fn native(mut document: Value) -> Value {
    if let Some(map) = document.as_object_mut() {
        groups::scatter(map);
        people::scatter(map);
        policies::scatter(map);
        authorization::scatter(map);
        scope_mappings::scatter(map);
        flows::scatter(map);
        components::scatter(map);
    }
    document
}

/// A regular document as people write it: flows and scope mappings stay whole, which reads better than Keycloak's shape.
pub(crate) fn written(mut document: Value) -> Value {
    if let Some(map) = document.as_object_mut() {
        people::scatter(map);
        policies::scatter(map);
    }
    document
}

/// The objects of a list of a document.
fn objects<'a>(map: &'a mut Map<String, Value>, list: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// The text of a field.
fn text<'a>(map: &'a Map<String, Value>, field: &str) -> &'a str {
    map.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Removes the fields that say nothing: null, and what `nothing` names as such.
fn prune(map: &mut Map<String, Value>, nothing: &[(&str, Value)]) {
    map.retain(|field, value| !value.is_null() && !nothing.iter().any(|(name, empty)| name == field && empty == value));
}

/// Sorts a list of objects by a field.
fn sort_by(list: &mut [Value], field: &str) {
    list.sort_by_cached_key(|item| item.get(field).and_then(Value::as_str).unwrap_or_default().to_owned());
}
