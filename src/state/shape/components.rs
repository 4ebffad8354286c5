//! Components inside components become a list of their own that names its owners; the component that wraps the user
//! profile becomes the user profile.
//!
//! Keycloak lets components share a name. One of them is the one of that name; the others are told by their ids
//! (`directory#ID`), so that none hides behind another.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{objects, prune, text};
use crate::state::secret::Secrets;
use crate::state::{Applied, Kind, ObjectId, applied, defaults, fields_of};

/// The type of the component that wraps the user profile.
const PROFILE: &str = "org.keycloak.userprofile.UserProfileProvider";

/// Where it keeps the profile, as the text of a JSON document.
const CONFIG: &str = "kc.user.profile.config";

/// Where the id of an object stands that shares its key with another one.
pub(crate) const TWIN: &str = "twin";

pub(super) fn gather(document: &mut Map<String, Value>) {
    let marker = document.get("attributes").and_then(|attributes| attributes.get(applied::MARKER));
    let applied = marker.and_then(Value::as_str).map(Applied::parse).unwrap_or_default();
    let mut below = Vec::new();
    if let Some(groups) = document.get_mut("components").and_then(Value::as_object_mut) {
        let profile = profile(groups);
        for (kind, list) in groups.iter_mut() {
            tell_apart(list, Kind::Component, kind, &applied);
        }
        let mut parents = BTreeSet::new();
        for component in groups.values_mut().flat_map(|list| list.as_array_mut().into_iter().flatten()) {
            let Some(component) = component.as_object_mut() else { continue };
            let Some(parts) = component.remove("subComponents") else { continue };
            if parts.as_object().is_some_and(|parts| !parts.is_empty()) {
                // Owners of other types may have this name too.
                let own = label(component);
                let own = if parents.contains(&own) { format!("{own}#{}", text(component, "id")) } else { own };
                parents.insert(own.clone());
                parts_of(&own, &parts, &applied, &mut below);
            }
        }
        let profile = profile.and_then(|profile| serde_json::from_str::<Value>(&profile).ok());
        if let Some(profile) = profile {
            document.entry("userProfile").or_insert(profile);
        }
    }
    if !below.is_empty() {
        document.insert("subComponents".into(), below.into());
    }
    if let Some(profile) = document.get_mut("userProfile").and_then(Value::as_object_mut) {
        for attribute in objects(profile, "attributes") {
            prune(
                attribute,
                &[
                    ("multivalued", json!(false)),
                    ("annotations", json!({})),
                    ("validations", json!({})),
                    ("group", json!("")),
                ],
            );
        }
        objects(profile, "groups").for_each(|group| prune(group, &[("annotations", json!({}))]));
    }
}

/// Takes out the component that wraps the user profile, which is the first one of its type, and gives what it wraps.
fn profile(groups: &mut Map<String, Value>) -> Option<String> {
    let list = groups.get_mut(PROFILE)?.as_array_mut()?;
    let first = (!list.is_empty()).then(|| list.remove(0));
    if list.is_empty() {
        groups.remove(PROFILE);
    }
    first?.pointer(&format!("/config/{CONFIG}/0"))?.as_str().map(str::to_owned)
}

/// The parts of a component as entries of one list, those of parts too.
fn parts_of(parent: &str, parts: &Value, applied: &Applied, below: &mut Vec<Value>) {
    let mut own = Vec::new();
    for (kind, list) in parts.as_object().into_iter().flatten() {
        for part in list.as_array().into_iter().flatten() {
            let mut part = part.clone();
            part["parent"] = parent.into();
            part["providerType"] = kind.as_str().into();
            own.push(part);
        }
    }
    let mut own = Value::Array(own);
    tell_apart(&mut own, Kind::SubComponent, parent, applied);
    for mut part in own.as_array_mut().map(std::mem::take).unwrap_or_default() {
        let Some(map) = part.as_object_mut() else { continue };
        let (inner, name) = (map.remove("subComponents").unwrap_or_default(), label(map));
        below.push(part);
        parts_of(&format!("{parent}/{name}"), &inner, applied, below);
    }
}

/// What a component is called in the keys of its parts.
fn label(component: &Map<String, Value>) -> String {
    let name = text(component, "name");
    component.get(TWIN).and_then(Value::as_str).map_or_else(|| name.to_owned(), |twin| format!("{name}#{twin}"))
}

/// Marks all but one of those that have the same key; the one is that which is most like what was last applied, or
/// what Keycloak makes. One without a name gets its id as such.
fn tell_apart(list: &mut Value, kind: Kind, owner: &str, applied: &Applied) {
    let mut by_key: BTreeMap<ObjectId, Vec<&mut Map<String, Value>>> = BTreeMap::new();
    for component in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if text(component, "name").is_empty() && !text(component, "id").is_empty() {
            component.insert("name".into(), text(component, "id").into());
        }
        by_key.entry(key(kind, owner, component)).or_default().push(component);
    }
    for (id, mut same) in by_key.into_iter().filter(|(_, same)| same.len() > 1) {
        // What Keycloak makes is not in a marker.
        let usual = defaults::bare("").remove(&id).unwrap_or_default();
        let like = |component: &Map<String, Value>| {
            let fields = fields_of(kind, &Value::Object(component.clone()));
            let hash = |value| applied::hash(value, &Secrets::default());
            let ours = fields.iter().filter(|(path, value)| applied.field(&id, path) == Some(hash(value).as_str()));
            (ours.count(), fields.iter().filter(|(path, value)| usual.get(*path) == Some(value)).count())
        };
        same.sort_by_cached_key(|component| (std::cmp::Reverse(like(component)), text(component, "id").to_owned()));
        for (at, component) in (1..).zip(same).skip(1) {
            let own = text(component, "id");
            let twin = if own.is_empty() { format!("{at}") } else { own.to_owned() };
            component.insert(TWIN.into(), twin.into());
        }
    }
}

/// The key of a component. Its type and its name are not all: Keycloak has policies for strangers and for clients that
/// share both.
fn key(kind: Kind, owner: &str, component: &Map<String, Value>) -> ObjectId {
    let mut id = ObjectId::within(kind, owner, text(component, "name"));
    if let (Kind::Component, Some(sub_type)) = (kind, component.get("subType").and_then(Value::as_str)) {
        id.key = format!("{}:{sub_type}", id.key);
    }
    id
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    for sub in document.remove("subComponents").as_ref().and_then(Value::as_array).into_iter().flatten() {
        let (parent, kind) = (&sub["parent"], sub["providerType"].as_str().unwrap_or_default());
        let mut own = sub.clone();
        if let Some(own) = own.as_object_mut() {
            own.retain(|field, _| field != "parent" && field != "providerType" && field != TWIN);
        }
        let groups = document.get_mut("components").and_then(Value::as_object_mut).into_iter().flatten();
        let mut components = groups.flat_map(|(_, list)| list.as_array_mut().into_iter().flatten());
        if let Some(owner) = components.find(|component| component["name"] == *parent) {
            let list = &mut owner["subComponents"][kind];
            if !list.is_array() {
                *list = json!([]);
            }
            list.as_array_mut().into_iter().for_each(|list| list.push(own.clone()));
        }
    }
    if let Some(profile) = document.remove("userProfile") {
        let components = document.entry("components").or_insert_with(|| json!({}));
        components[PROFILE] =
            json!([{"providerId": "declarative-user-profile", "config": {CONFIG: [profile.to_string()]}}]);
    }
}
