//! Documents to flat fields in canonical form, and back. Equal meaning gives equal fields on both sides.

use serde_json::{Map, Value, json};

use super::address::FEDERATED_IDENTITIES;
use super::kind::{Class, Kind};
use super::sealed::as_sealed;
use super::secret::as_reference;
use super::{Fields, ObjectId};

/// The fields of one object's document. Objects that are nested in it have kinds of their own and are left out.
pub fn fields(kind: Kind, document: &Value) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in document.as_object().into_iter().flatten() {
        match kind.class(name) {
            None | Some(Class::Server | Class::Nested | Class::Place | Class::Unmanaged | Class::ReadOnly) => {}
            Some(Class::Plain | Class::Document | Class::Initial | Class::WriteOnly) => {
                put(&mut fields, name.clone(), value.clone())
            }
            Some(Class::Folded) => put(&mut fields, name.clone(), folded(value)),
            Some(Class::Set) => put(&mut fields, name.clone(), set(value)),
            Some(Class::Texts) => entries(&mut fields, name, value, text),
            // Of a component, the server gives the values of a setting in any order.
            Some(Class::Lists) if matches!(kind, Kind::Component | Kind::SubComponent) => {
                entries(&mut fields, name, value, |value| set(&list(value)));
            }
            Some(Class::Lists) => entries(&mut fields, name, value, list),
            Some(Class::Links) => links(&mut fields, name, value),
            Some(Class::Memberships) => memberships(&mut fields, name, value),
        }
    }
    fields
}

/// The document that has these fields: the inverse of taking it apart.
pub fn document<'a>(kind: Kind, fields: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Value {
    let mut document = Map::new();
    for (path, value) in fields {
        if kind.class(path).is_some() {
            document.insert(path.clone(), value.clone());
            continue;
        }
        let Some((field, rest)) = path.split_once('.') else { continue };
        match kind.class(field) {
            Some(Class::Memberships) => {
                let Some(role) = ObjectId::of_membership(kind, path) else { continue };
                let (owner, name) = role.owner_and_name();
                let (slot, name) = match role.kind {
                    Kind::IdentityProvider => {
                        inner(&mut document, field).insert(rest.to_owned(), value.clone());
                        continue;
                    }
                    Kind::Group => (document.entry(field).or_insert_with(|| json!([])), rest),
                    Kind::ClientRole => (inner(&mut document, field).entry(owner).or_insert_with(|| json!([])), name),
                    _ => (document.entry(field).or_insert_with(|| json!([])), name),
                };
                if let Some(list) = slot.as_array_mut() {
                    list.push(name.into());
                }
            }
            Some(Class::Links) => match rest.split_once('.') {
                Some((group, name)) => {
                    inner(inner(&mut document, field), group).insert(name.to_owned(), value.clone());
                }
                None => {
                    inner(&mut document, field).insert(rest.to_owned(), value.clone());
                }
            },
            _ => {
                inner(&mut document, field).insert(rest.to_owned(), value.clone());
            }
        }
    }
    Value::Object(document)
}

/// True when two field values mean the same: absent, null and empty are one, and so are `60` and `"60"`.
pub fn same(a: Option<&Value>, b: Option<&Value>) -> bool {
    let some =
        |value: Option<&Value>| value.filter(|v| !is_empty(v)).map(|v| if scalar(v) { text(v) } else { v.clone() });
    some(a) == some(b)
}

fn scalar(value: &Value) -> bool {
    value.is_number() || value.is_boolean()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn inner<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map.entry(key).or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    match slot {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

fn put(fields: &mut Fields, path: String, value: Value) {
    if !value.is_null() {
        fields.insert(path, value);
    }
}

fn folded(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| text.to_lowercase().into())
}

fn set(value: &Value) -> Value {
    let Some(items) = value.as_array() else { return value.clone() };
    // A text that is empty is nothing, and not kept.
    let mut items: Vec<Value> = items.iter().filter(|item| **item != "").cloned().collect();
    items.sort_by_key(Value::to_string);
    items.dedup();
    Value::Array(items)
}

fn text(value: &Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value.clone(),
        other if as_reference(other).is_some() || as_sealed(other).is_some() => other.clone(),
        other => other.to_string().into(),
    }
}

fn list(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Null => Value::Null,
        one => json!([text(one)]),
    }
}

fn entries(fields: &mut Fields, name: &str, value: &Value, canonical: fn(&Value) -> Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        put(fields, format!("{name}.{key}"), canonical(value));
    }
}

fn links(fields: &mut Fields, name: &str, value: &Value) {
    match value {
        // An empty mapping wants none: it stays, so that whatever is found is seen as too much.
        Value::Object(groups) if groups.is_empty() => put(fields, name.to_owned(), value.clone()),
        Value::Object(groups) => {
            groups.iter().for_each(|(group, value)| links(fields, &format!("{name}.{group}"), value))
        }
        list => put(fields, name.to_owned(), set(list)),
    }
}

fn memberships(fields: &mut Fields, name: &str, value: &Value) {
    let names = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    match value {
        // Of one provider, a user has one account: its id there, and its name.
        Value::Object(accounts) if name == FEDERATED_IDENTITIES => {
            fields.extend(accounts.iter().map(|(provider, account)| (format!("{name}.{provider}"), account.clone())));
        }
        Value::Object(owners) => {
            for (owner, list) in owners {
                let keys = names(list).into_iter().map(|item| ObjectId::within(Kind::ClientRole, owner, &item).key);
                fields.extend(keys.map(|key| (format!("{name}.{key}"), true.into())));
            }
        }
        list => fields.extend(names(list).into_iter().map(|item| (format!("{name}.{item}"), true.into()))),
    }
}
