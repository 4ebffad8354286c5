//! Authorization settings leave their clients and become objects of their own, in a canonical form: sorted by name,
//! without ids and defaults, and with the lists that Keycloak keeps as texts of JSON as lists.

use serde_json::{Map, Value, json};

use super::{objects, prune, sort_by, text};
use crate::state::permissions::{ADMIN_PERMISSIONS, by_name, names};

pub(super) fn gather(document: &mut Map<String, Value>) {
    let names = names(document);
    let mut found = match document.remove("authorizationSettings") {
        Some(Value::Object(by_client)) => by_client,
        _ => Map::new(),
    };
    for client in objects(document, "clients") {
        let settings = client.remove("authorizationSettings").filter(|settings| !settings.is_null());
        if let (Some(settings), Some(id)) = (settings, client.get("clientId").and_then(Value::as_str)) {
            found.insert(id.to_owned(), settings);
        }
    }
    // That client is nothing but its permissions: Keycloak makes it where they are switched on.
    if let Some(clients) = document.get_mut("clients").and_then(Value::as_array_mut) {
        clients.retain(|client| client["clientId"] != ADMIN_PERMISSIONS);
    }
    for (client, settings) in &mut found {
        canonical(settings);
        if client == ADMIN_PERMISSIONS {
            by_name(settings, &names);
            settings.as_object_mut().into_iter().flat_map(|map| objects(map, "policies")).for_each(sort_lists);
        }
    }
    if !found.is_empty() {
        document.insert("authorizationSettings".into(), found.into());
    }
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    let Some(Value::Object(mut all)) = document.remove("authorizationSettings") else { return };
    for client in objects(document, "clients") {
        if let Some(mut settings) = all.remove(text(client, "clientId")) {
            settings.as_object_mut().into_iter().flat_map(|map| objects(map, "policies")).for_each(wrap);
            client.insert("authorizationSettings".into(), settings);
        }
    }
}

fn canonical(settings: &mut Value) {
    let Some(settings) = settings.as_object_mut() else { return };
    for resource in objects(settings, "resources") {
        let nothing = [
            ("attributes", json!({})),
            ("uris", json!([])),
            ("scopes", json!([])),
            ("ownerManagedAccess", json!(false)),
        ];
        if let Some(Value::String(uri)) = resource.remove("uri") {
            resource.entry("uris").or_insert_with(|| json!([uri]));
        }
        for scope in resource.get_mut("scopes").and_then(Value::as_array_mut).into_iter().flatten() {
            match scope {
                // Keycloak also takes its name alone.
                Value::String(name) => *scope = json!({"name": name}),
                Value::Object(scope) => scope.retain(|field, _| field == "name"),
                _ => {}
            }
        }
        for value in
            resource.get_mut("attributes").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
        {
            if !value.is_array() {
                *value = json!([value]);
            }
        }
        resource.retain(|field, _| !matches!(field.as_str(), "_id" | "id" | "owner"));
        sort_list(resource, "scopes");
        if let Some(uris) = resource.get_mut("uris").and_then(Value::as_array_mut) {
            uris.sort_by_key(Value::to_string);
        }
        prune(resource, &nothing);
    }
    for scope in objects(settings, "scopes") {
        scope.retain(|field, _| !matches!(field.as_str(), "id" | "policies" | "resources"));
        prune(scope, &[]);
    }
    for policy in objects(settings, "policies") {
        unwrap(policy);
        policy.remove("id");
        let nothing = [
            ("logic", json!("POSITIVE")),
            ("decisionStrategy", json!("UNANIMOUS")),
            ("config", json!({})),
            ("description", json!("")),
        ];
        if let Some(config) = policy.get_mut("config").and_then(Value::as_object_mut) {
            // What a permission leaves out, Keycloak shows as an empty list or not at all.
            prune(config, &["resources", "scopes", "applyPolicies"].map(|list| (list, json!([]))));
        }
        prune(policy, &nothing);
    }
    for list in ["resources", "scopes", "policies"] {
        sort_list(settings, list);
    }
}

fn sort_list(map: &mut Map<String, Value>, list: &str) {
    map.get_mut(list).and_then(Value::as_array_mut).into_iter().for_each(|list| sort_by(list, "name"));
}

/// `"[\"a\",\"b\"]"` as a sorted list, anything else as a text.
fn unwrap(policy: &mut Map<String, Value>) {
    for value in policy.get_mut("config").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        if value.is_boolean() || value.is_number() {
            *value = value.to_string().into();
        }
        let list = value.as_str().filter(|text| text.starts_with('[')).and_then(|text| serde_json::from_str(text).ok());
        if let Some(mut list) = list.or_else(|| value.is_array().then(|| value.clone())) {
            if let Some(items) = list.as_array_mut() {
                let usual = [("required", json!(false)), ("extendChildren", json!(false))];
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| prune(item, &usual));
            }
            *value = list;
        }
    }
    sort_lists(policy);
}

fn sort_lists(policy: &mut Map<String, Value>) {
    for list in policy.get_mut("config").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        list.as_array_mut().into_iter().for_each(|items| items.sort_by_key(Value::to_string));
    }
}

/// The inverse: Keycloak takes texts only.
pub(crate) fn wrap(policy: &mut Map<String, Value>) {
    for value in policy.get_mut("config").and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        if !value.is_string() {
            *value = value.to_string().into();
        }
    }
}
