//! Names and variables inside values: the realm's name as a template writes it, and what files of other tools leave
//! open.

use serde_json::Value;

use super::Finding;
use super::report::Reason;

const TENANT: &str = "$(tenant.name)";

/// A text that a template takes as it is.
pub(super) fn escape(text: &str) -> String {
    text.replace("$(", "$$(")
}

/// The text with the realm's name, where it stands as a word of its own, as a reference.
pub(super) fn named(text: &str, realm: &str, many: bool) -> String {
    if !many || realm.is_empty() {
        return text.to_owned();
    }
    let part = |c: char| c.is_alphanumeric();
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(realm) {
        let end = at + realm.len();
        let before = rest[..at].chars().next_back().or(out.chars().next_back()).is_some_and(part);
        let after = rest[end..].chars().next().is_some_and(part);
        out.push_str(&rest[..at]);
        out.push_str(if before || after { realm } else { TENANT });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// The inverse of [`named`].
pub(super) fn unnamed(text: &str, realm: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(TENANT) {
        let literal = rest[..at].ends_with('$');
        out.push_str(&rest[..at]);
        out.push_str(if literal { TENANT } else { realm });
        rest = &rest[at + TENANT.len()..];
    }
    out.push_str(rest);
    out
}

/// Resolves what files of keycloak-config-cli leave open, `$(env:NAME)` and `$(env:NAME:-default)`: from `look_up`, else by its
/// default. What stays open is left out, and told.
pub fn resolve(representation: &Value, look_up: &dyn Fn(&str) -> Option<String>, findings: &mut Vec<Finding>) -> Value {
    let realm = representation["realm"].as_str().unwrap_or_default().to_owned();
    let mut told = |place: &str, why: String, hint: Option<String>| {
        let field = place.trim_start_matches('.').to_owned();
        findings.push(Finding {
            realm: realm.clone(),
            object: "realm".into(),
            field: Some(field),
            reason: Reason::Substitution,
            why,
            hint,
        });
    };
    walk(representation, "", look_up, &mut told).unwrap_or_default()
}

fn walk(
    value: &Value,
    place: &str,
    look_up: &dyn Fn(&str) -> Option<String>,
    told: &mut dyn FnMut(&str, String, Option<String>),
) -> Option<Value> {
    Some(match value {
        Value::String(text) if text.contains("$(") => {
            return text_of(text, place, look_up, told).map(|filled| typed(text, filled));
        }
        Value::Array(items) => {
            let name = |item: &Value, at: usize| {
                let keys = ["clientId", "alias", "username", "name"];
                keys.iter().find_map(|key| item[*key].as_str()).map_or_else(|| at.to_string(), str::to_owned)
            };
            items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| walk(item, &format!("{place}.{}", name(item, at)), look_up, told))
                .collect()
        }
        Value::Object(map) => map
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), walk(value, &format!("{place}.{key}"), look_up, told)?)))
            .collect(),
        other => other.clone(),
    })
}

/// A number or a truth value, where a variable is the whole text.
fn typed(written: &str, filled: String) -> Value {
    let whole = written.starts_with("$(") && written.find(')') == Some(written.len() - 1);
    match filled.as_str() {
        "true" if whole => true.into(),
        "false" if whole => false.into(),
        text => match text.parse::<i64>() {
            Ok(number) if whole && number.to_string() == text => number.into(),
            _ => filled.into(),
        },
    }
}

fn text_of(
    text: &str,
    place: &str,
    look_up: &dyn Fn(&str) -> Option<String>,
    told: &mut dyn FnMut(&str, String, Option<String>),
) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("$(") {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find(')') else { break };
        let inner = &rest[at + 2..at + end];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        let Some((source, key)) = name.split_once(':') else {
            // No variable of that tool: a text like any other.
            out.push_str(&rest[at..=at + end]);
            rest = &rest[at + end + 1..];
            continue;
        };
        let secret = crate::state::secret_name::is_secret(place.rsplit('.').next().unwrap_or_default());
        match (source == "env" && !secret)
            .then(|| look_up(key))
            .flatten()
            .or_else(|| default.map(str::to_owned).filter(|_| !secret))
        {
            Some(value) => {
                told(place, format!("`$({inner})` is written out with its value of now"), None);
                out.push_str(&value);
            }
            None => {
                let hint = match secret {
                    true => format!("declare a parameter of type `secret`, and give it `env:{key}`"),
                    false => format!("set {key} and import again, or write the value into the manifest"),
                };
                told(place, format!("`$({inner})` has no value here; left out"), Some(hint));
                return None;
            }
        }
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Some(out)
}
