//! Scope mappings stand at the top of a representation; they belong to the client or the client scope whose tokens
//! they let have the roles. Those whose owner is not in the document stay where they are.

use serde_json::{Map, Value, json};

use super::{objects, text};

/// The lists that may own scope mappings, with the field that names an owner in a mapping, and in its own document.
const OWNERS: [(&str, &str, &str); 2] = [("clients", "client", "clientId"), ("clientScopes", "clientScope", "name")];

pub(super) fn gather(document: &mut Map<String, Value>) {
    let mut mappings: Vec<(Option<String>, Value)> = Vec::new();
    for mapping in document.remove("scopeMappings").as_ref().and_then(Value::as_array).into_iter().flatten() {
        mappings.push((None, mapping.clone()));
    }
    for (client, list) in
        document.remove("clientScopeMappings").as_ref().and_then(Value::as_object).into_iter().flatten()
    {
        mappings.extend(list.as_array().into_iter().flatten().map(|mapping| (Some(client.clone()), mapping.clone())));
    }
    for (client, mapping) in mappings {
        let roles = mapping["roles"].clone();
        let owner = OWNERS.iter().find_map(|(list, field, key)| {
            let name = mapping.get(*field)?.as_str()?;
            Some((*list, objects(document, list).position(|owner| text(owner, key) == name)?))
        });
        let owner = owner.and_then(|(list, at)| objects(document, list).nth(at));
        match (owner, client) {
            (Some(owner), None) => add(&mut entry(owner, "scopeMappings")["realm"], &roles),
            (Some(owner), Some(client)) => add(&mut entry(owner, "scopeMappings")["client"][client], &roles),
            (None, None) => add(document.entry("scopeMappings").or_insert_with(|| json!([])), &json!([mapping])),
            (None, Some(client)) => add(&mut entry(document, "clientScopeMappings")[client], &json!([mapping])),
        }
    }
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    let mut found = Vec::new();
    for (list, field, key) in OWNERS {
        for owner in objects(document, list) {
            let name = text(owner, key).to_owned();
            found.extend(owner.remove("scopeMappings").map(|mappings| (field, name, mappings)));
        }
    }
    for (field, name, mappings) in found {
        if let Some(roles) = mappings.get("realm") {
            add(
                document.entry("scopeMappings").or_insert_with(|| json!([])),
                &json!([{ field: name, "roles": roles }]),
            );
        }
        for (client, roles) in mappings.get("client").and_then(Value::as_object).into_iter().flatten() {
            add(&mut entry(document, "clientScopeMappings")[client], &json!([{ field: name, "roles": roles }]));
        }
    }
}

fn entry<'a>(map: &'a mut Map<String, Value>, field: &str) -> &'a mut Value {
    map.entry(field).or_insert_with(|| json!({}))
}

fn add(list: &mut Value, items: &Value) {
    if !list.is_array() {
        *list = json!([]);
    }
    if let (Some(list), Some(items)) = (list.as_array_mut(), items.as_array()) {
        list.extend(items.iter().cloned());
    }
}
