//! What a PUT does to a document, and other changes of documents that several paths share.

use serde_json::{Map, Value, json};

use super::Refusal;
use crate::state::Kind;
use crate::state::kind::Class;

/// A field that the representation does not have is refused by name.
pub(super) fn check_fields(kind: Kind, body: &Value) -> Result<(), Refusal> {
    match body.as_object().into_iter().flatten().find(|(field, _)| kind.class(field).is_none()) {
        Some((field, _)) => Err((400, format!("Invalid json representation. Unrecognized field \"{field}\""))),
        None => Ok(()),
    }
}

pub(super) fn without_composites(body: &Value) -> Value {
    let mut role = body.clone();
    if let Some(map) = role.as_object_mut() {
        map.remove("composites");
    }
    role
}

/// Users are listed without their roles.
pub(super) fn brief_user(user: &Value) -> Value {
    let mut user = user.clone();
    if let Some(map) = user.as_object_mut() {
        for hidden in ["realmRoles", "clientRoles", "credentials", "federatedIdentities"] {
            map.remove(hidden);
        }
    }
    user
}

pub(super) fn change(list: &mut Value, name: &str, add: bool) {
    drop_name(list, name);
    if add {
        if !list.is_array() {
            *list = json!([]);
        }
        list.as_array_mut().into_iter().for_each(|list| list.push(name.into()));
    }
}

pub(super) fn drop_name(list: &mut Value, name: &str) {
    list.as_array_mut().into_iter().for_each(|list| list.retain(|item| item != name));
}

/// PUT realm: what is omitted stays, but for the attributes, which are replaced, and two fields, which are reset. Of mail
/// settings that it has, a login that is switched off is dropped.
pub(super) fn put_realm(top: &mut Value, body: &Value) {
    let (Some(top), Some(body)) = (top.as_object_mut(), body.as_object()) else { return };
    top.insert("oauth2DeviceCodeLifespan".into(), json!(600));
    top.insert("oauth2DevicePollingInterval".into(), json!(5));
    for (field, value) in body {
        let ignored = !matches!(Kind::Realm.class(field), Some(Class::Plain | Class::Set | Class::Texts));
        if !ignored {
            top.insert(field.clone(), value.clone());
        }
    }
    let mail = top.get_mut("smtpServer").and_then(Value::as_object_mut).filter(|_| body.contains_key("smtpServer"));
    if let Some(mail) = mail.filter(|mail| mail.get("auth").is_none_or(|auth| auth != "true")) {
        mail.retain(|field, _| !matches!(field.as_str(), "user" | "password"));
    }
}

/// PUT that keeps what it is not told: entries of mappings one by one, null removes one.
pub(super) fn merge(document: &mut Value, body: &Value, kind: Kind) {
    let (Some(document), Some(body)) = (document.as_object_mut(), body.as_object()) else { return };
    if kind == Kind::Client {
        carry(document, body);
    }
    for (field, value) in body {
        match kind.class(field) {
            Some(Class::Texts | Class::Lists) if field == "attributes" && kind == Kind::User => {
                document.insert(field.clone(), value.clone());
            }
            Some(Class::Texts | Class::Lists) => {
                let slot = document.entry(field.clone()).or_insert_with(|| json!({}));
                let (Some(slot), Some(entries)) = (slot.as_object_mut(), value.as_object()) else { continue };
                for (key, value) in entries {
                    if value.is_null() || (kind == Kind::Client && value == "") {
                        slot.remove(key);
                    } else {
                        slot.insert(key.clone(), value.clone());
                    }
                }
            }
            Some(Class::Plain | Class::Folded | Class::Set | Class::WriteOnly | Class::Initial) if !value.is_null() => {
                document.insert(field.clone(), value.clone());
            }
            _ => {}
        }
    }
}

/// What PUT client resets when its body leaves it out: authorization services end, and web origins that are empty come
/// from the redirect URIs.
fn carry(document: &mut Map<String, Value>, body: &Map<String, Value>) {
    if body.get("authorizationServicesEnabled") != Some(&json!(true)) {
        document.remove("authorizationServicesEnabled");
        document.remove("authorizationSettings");
    }
    let none = document.get("webOrigins").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if none && !body.contains_key("webOrigins") {
        let uris = document.get("redirectUris").and_then(Value::as_array).into_iter().flatten();
        let origins = uris.filter_map(|uri| Some(url::Url::parse(uri.as_str()?).ok()?.origin().ascii_serialization()));
        let origins: Value = origins.map(Value::from).collect();
        document.insert("webOrigins".into(), origins);
    }
}
