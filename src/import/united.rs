//! Several files of one realm as one: what comes later adds, and wins where both say something.

use serde_json::{Map, Value};

/// What a later file says anew, whole.
const WHOLE: [&str; 4] = ["authorizationSettings", "clientPolicies", "clientProfiles", "userProfile"];

/// The fields that name an object of a list, the first that it has.
const NAMES: [&str; 8] = ["clientId", "alias", "username", "name", "email", "client", "clientScope", "id"];

/// Adds what a later file says of a realm: mappings by their entries, lists of objects by their names. Any other list is
/// the later one's, as in keycloak-config-cli, which imports one file after the other.
pub fn unite(known: &mut Value, later: Value) {
    match (known, later) {
        (Value::Object(known), Value::Object(later)) => entries(known, later),
        (Value::Array(known), Value::Array(later)) if known.iter().chain(&later).all(|item| name(item).is_some()) => {
            for item in later {
                match known.iter().position(|other| name(other) == name(&item)) {
                    Some(at) => unite(&mut known[at], item),
                    None => known.push(item),
                }
            }
        }
        (known, later) => *known = later,
    }
}

fn entries(known: &mut Map<String, Value>, later: Map<String, Value>) {
    for (key, value) in later {
        match known.get_mut(&key) {
            // Nothing said is nothing changed.
            Some(_) if value.is_null() => {}
            Some(slot) if !WHOLE.contains(&key.as_str()) => unite(slot, value),
            _ => {
                known.insert(key, value);
            }
        }
    }
}

/// What an object is called, with the provider that a mapper belongs to.
fn name(item: &Value) -> Option<(&str, Option<&str>)> {
    let own = NAMES.iter().find_map(|key| item[*key].as_str())?;
    Some((own, item["identityProviderAlias"].as_str()))
}
