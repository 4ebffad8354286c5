//! A RealmRepresentation taken apart into objects, and put together again.

use serde_json::{Map, Value, json};

use super::address::step;
use super::kind::{Class, Kind, Section, Spec};
use super::normalize::{document, fields};
use super::shape::{TWIN, native, regular};
use super::specs::SPECS;
use super::{Object, ObjectId, RealmState};

/// The objects of a representation, as desired by a filled template or as read from Keycloak's partial export.
pub fn arrange(representation: &Value) -> RealmState {
    let representation = &regular(representation);
    let mut state = RealmState::default();
    for spec in &SPECS {
        match spec.section {
            Section::Top => {
                let object = object(spec, representation);
                state
                    .objects
                    .insert(ObjectId::realm(), Object { raw: without_nested(representation), ..object }.into());
            }
            Section::Single(name) => {
                let found = representation.get(name).filter(|found| found.is_object());
                state.objects.extend(found.map(|found| (ObjectId::new(spec.kind, ""), object(spec, found).into())));
            }
            Section::Keyed(name) => {
                for (key, item) in representation.get(name).and_then(Value::as_object).into_iter().flatten() {
                    state.objects.insert(ObjectId::new(spec.kind, key), object(spec, item).into());
                }
            }
            Section::Owned(list, field, _) => {
                for item in representation.get(list).and_then(Value::as_array).into_iter().flatten() {
                    let owner = item.get(field).and_then(Value::as_str).unwrap_or_default();
                    take(&mut state, spec, owner, Some(&json!([item])));
                }
            }
            Section::Tree(list, below) => tree(&mut state, spec, below, "", representation.get(list)),
            Section::List(name) => take(&mut state, spec, "", representation.get(name)),
            Section::Inner(path) => take(&mut state, spec, "", at(representation, path)),
            Section::Groups(path) => {
                for (group, list) in at(representation, path).and_then(Value::as_object).into_iter().flatten() {
                    take(&mut state, spec, group, Some(list));
                }
            }
            Section::Within(owner, field) => {
                let Section::List(owners) = owner.spec().section else { continue };
                for item in representation.get(owners).and_then(Value::as_array).into_iter().flatten() {
                    if let Some(name) = item.get(owner.spec().key).and_then(Value::as_str) {
                        take(&mut state, spec, name, item.get(field));
                    }
                }
            }
        }
    }
    state
}

/// The representation that has these objects: the body of a realm's birth.
pub fn assemble(state: &RealmState) -> Value {
    let top = state.realm().map_or_else(|| json!({}), |realm| document(Kind::Realm, &realm.fields));
    let items = state.objects.iter().map(|(id, object)| (id, document(id.kind, &object.fields)));
    let mut representation = native(compose(top, items));
    name_default_role(&mut representation);
    if let Some(map) = representation.as_object_mut() {
        // Where nothing is said of it, Keycloak makes a realm that refuses everybody, its provisioner too.
        map.entry("enabled").or_insert(Value::Bool(true));
    }
    representation
}

/// A realm's own document with those of its objects, owners first, each at its place: regular, as [`arrange`] takes it
/// apart.
pub(crate) fn compose<'a>(top: Value, items: impl Iterator<Item = (&'a ObjectId, Value)>) -> Value {
    let mut representation = top;
    for (id, item) in items {
        let (owner, _) = id.owner_and_name();
        match id.kind.spec().section {
            Section::Top => {}
            Section::Single(name) => representation[name] = item,
            Section::Keyed(name) => {
                if !representation[name].is_object() {
                    representation[name] = json!({});
                }
                representation[name][&id.key] = item;
            }
            Section::Owned(list, field, _) => {
                let mut item = item;
                item[field] = owner.into();
                push(&mut representation, &[list], item);
            }
            Section::Tree(list, below) => {
                // A parent comes before what is below it.
                let mut holder = &mut representation;
                let mut name = list;
                for below_it in owner.split('/').filter(|name| !name.is_empty()) {
                    let siblings = holder.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                    let Some(at) = siblings
                        .iter()
                        .position(|item| item[id.kind.spec().key].as_str().map(step).as_deref() == Some(below_it))
                    else {
                        break;
                    };
                    holder = &mut holder[name][at];
                    name = below;
                }
                push(holder, &[name], item);
            }
            Section::List(name) => push(&mut representation, &[name], item),
            Section::Inner(path) => push(&mut representation, path, item),
            Section::Groups(path) => push(&mut representation, &[path, &[&*owner]].concat(), item),
            Section::Within(kind, field) => {
                let Section::List(owners) = kind.spec().section else { continue };
                let owners = representation.get_mut(owners).and_then(Value::as_array_mut).into_iter().flatten();
                for holder in
                    owners.filter(|holder| holder.get(kind.spec().key).and_then(Value::as_str) == Some(&*owner))
                {
                    push(holder, &[field], item.clone());
                }
            }
        }
    }
    representation
}

/// Creation takes the default role's composites from `roles`, the rest from `defaultRole`, and only when that names
/// the role; else it makes a second one (`RealmManager.determineDefaultRoleName`).
pub(crate) fn name_default_role(representation: &mut Value) {
    let realm = representation.get("realm").and_then(Value::as_str).unwrap_or_default();
    let name = format!("default-roles-{}", realm.to_lowercase());
    let roles = at(representation, &["roles", "realm"]).and_then(Value::as_array).into_iter().flatten();
    let Some(mut role) = roles.into_iter().find(|role| role["name"] == name).cloned() else { return };
    if let Some(map) = role.as_object_mut() {
        map.remove("composites");
    }
    representation["defaultRole"] = role;
}

fn take(state: &mut RealmState, spec: &Spec, group: &str, list: Option<&Value>) {
    for item in list.and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = item.get(spec.key).and_then(Value::as_str) else { continue };
        let folded = name.to_lowercase();
        let name = if spec.kind == Kind::User { folded.as_str() } else { name };
        let mut id =
            if group.is_empty() { ObjectId::new(spec.kind, name) } else { ObjectId::within(spec.kind, group, name) };
        if let (Kind::Component, Some(sub_type)) = (spec.kind, item.get("subType").and_then(Value::as_str)) {
            id.key = format!("{}:{sub_type}", id.key);
        }
        if let Some(twin) = item.get(TWIN).and_then(Value::as_str) {
            id.key = format!("{}#{twin}", id.key);
        }
        put(state, id, object(spec, item));
    }
}

/// None hides behind another one of its key.
fn put(state: &mut RealmState, mut id: ObjectId, mut object: Object) {
    let key = id.key.clone();
    for other in 2.. {
        if !state.objects.contains_key(&id) {
            break;
        }
        let twin = object.id.clone().filter(|_| other == 2).unwrap_or_else(|| other.to_string());
        id.key = format!("{key}#{twin}");
        object.raw[TWIN] = twin.into();
    }
    state.objects.insert(id, object.into());
}

/// The objects of a tree, each named by its path.
fn tree(state: &mut RealmState, spec: &Spec, below: &str, parent: &str, list: Option<&Value>) {
    for item in list.and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = item.get(spec.key).and_then(Value::as_str).map(step) else { continue };
        let path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
        put(state, ObjectId::new(spec.kind, &path), object(spec, item));
        tree(state, spec, below, &path, item.get(below));
    }
}

/// An object from its document; whatever is nested in it is left to the kinds it belongs to.
pub(crate) fn object(spec: &Spec, item: &Value) -> Object {
    let id = item.get("id").and_then(Value::as_str).map(str::to_owned);
    Object { fields: fields(spec.kind, item), id, raw: without_objects(spec.kind, item), idle: false }
}

fn without_objects(kind: Kind, item: &Value) -> Value {
    let kept = item
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !matches!(kind.class(name), Some(Class::Nested | Class::ReadOnly)));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// The part of an export that GET realm gives too, hence what PUT realm takes.
fn without_nested(representation: &Value) -> Value {
    let mut raw = without_objects(Kind::Realm, representation);
    if let Some(map) = raw.as_object_mut() {
        map.retain(|name, _| {
            !matches!(Kind::Realm.class(name), Some(Class::Unmanaged | Class::Links | Class::Initial))
        });
    }
    raw
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| value.get(step))
}

fn push(into: &mut Value, path: &[&str], item: Value) {
    let mut slot = into;
    for (index, step) in path.iter().enumerate() {
        let Some(map) = slot.as_object_mut() else { return };
        let last = index + 1 == path.len();
        slot = map.entry(*step).or_insert_with(|| if last { json!([]) } else { json!({}) });
    }
    if let Some(list) = slot.as_array_mut() {
        list.push(item);
    }
}
