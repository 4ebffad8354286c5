//! What must never reach a manifest: secrets, masked or in plain.

use serde_json::Value;

use crate::state::kind::Class;
use crate::state::{Kind, ObjectId, secret_name};

/// What Keycloak shows in place of a secret.
pub(super) const MASK: &str = "**********";

/// Whether a field of an object is a secret.
pub(super) fn is_secret(id: &ObjectId, path: &str, value: &Value) -> bool {
    let name = path.split_once('.').map_or(path, |(_, rest)| rest);
    let switch = matches!(value, Value::Bool(_)) || value == "true" || value == "false";
    (id.kind.class_of_path(path) == Class::WriteOnly && !switch && !id.kind.is_vaulted(path, Some(value)))
        || (id.kind != Kind::Localization && secret_name::is_secret(name) && !switch && !is_reference(value))
        || masked(value)
        || within(value)
}

/// Whether a document has a secret somewhere inside.
fn within(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, value)| match value {
            Value::String(text) => {
                name != "credentials"
                    && secret_name::is_secret(name)
                    && text != "true"
                    && text != "false"
                    && !is_reference(value)
            }
            other => within(other),
        }),
        Value::Array(items) => items.iter().any(within),
        _ => false,
    }
}

/// A reference into Keycloak's own vault is no secret, and is shown.
fn is_reference(value: &Value) -> bool {
    let text = match value {
        Value::Array(items) if items.len() == 1 => items[0].as_str(),
        other => other.as_str(),
    };
    text.is_some_and(|text| text.starts_with("${vault."))
}

fn masked(value: &Value) -> bool {
    match value {
        Value::String(text) => text == MASK,
        Value::Array(items) => items.iter().any(masked),
        Value::Object(map) => map.values().any(masked),
        _ => false,
    }
}

/// What to do about a secret that is not written out.
pub(super) fn hint(id: &ObjectId, path: &str) -> String {
    let place = match (id.kind, path) {
        (Kind::Client, "secret") => "a new realm's server makes one".to_owned(),
        _ => "a new realm has none".to_owned(),
    };
    let credentials = id.kind == Kind::User && path == "credentials";
    if id.kind.class_of_path(path) != Class::WriteOnly && id.kind != Kind::Flow && !credentials {
        return format!(
            "{place}, and it can't be declared: Keycloak shows it to whoever may read the realm; set it by hand"
        );
    }
    let at = if id.kind == Kind::Flow { "among the settings of its step".to_owned() } else { format!("at `{path}`") };
    format!(
        "{place}; to give it, declare a parameter of type `secret` in the template, put it {at}, and let the tenant's `parameters` name `env:NAME` or `file:PATH`"
    )
}
