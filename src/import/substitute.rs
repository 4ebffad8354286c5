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

/// Resolves what files leave open, from `look_up`, else by the default: `$(env:NAME)` and `$(NAME:-default)` as
/// keycloak-config-cli reads them, `${NAME}` and `${NAME:default}` as `kc.sh` does. What stays open is left out, and told.
pub fn resolve(representation: &Value, look_up: &dyn Fn(&str) -> Option<String>, findings: &mut Vec<Finding>) -> Value {
    let named = representation["realm"].as_str().unwrap_or_default();
    let realm = text_of(named, ".realm", look_up, &mut |_, _, _| ()).unwrap_or_else(|| named.to_owned());
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
        Value::String(text) if text.contains("$(") || text.contains("${") => {
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
    let whole = filled != written && next(written).is_some_and(|open| open.before.is_empty() && open.after.is_empty());
    match filled.as_str() {
        "true" if whole => true.into(),
        "false" if whole => false.into(),
        text => match text.parse::<i64>() {
            Ok(number) if whole && number.to_string() == text => number.into(),
            _ => filled.into(),
        },
    }
}

/// A text around the first thing in it that may stand for something else.
struct Open<'a> {
    before: &'a str,
    /// With its brackets.
    whole: &'a str,
    inner: &'a str,
    after: &'a str,
}

fn next(text: &str) -> Option<Open<'_>> {
    let at = ["$(", "${"].iter().filter_map(|open| text.find(open)).min()?;
    let (open, close) = if text[at..].starts_with("$(") { ('(', ')') } else { ('{', '}') };
    let mut depth = 0;
    let end = text[at..].char_indices().find_map(|(to, c)| {
        depth += i32::from(c == open) - i32::from(c == close);
        (depth == 0 && c == close).then_some(at + to)
    })?;
    Some(Open { before: &text[..at], whole: &text[at..=end], inner: &text[at + 2..end], after: &text[end + 1..] })
}

/// What stands for a value: a source, a key, and what to take where there is none.
struct Variable<'a> {
    source: &'a str,
    key: &'a str,
    default: Option<&'a str>,
}

/// None: a text like any other, such as `${client_account}`, which Keycloak shows in the reader's language.
fn variable<'a>(open: &Open<'a>) -> Option<Variable<'a>> {
    let (name, default) = match open.inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (open.inner, None),
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let shell = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let (source, key, default) = match (name.split_once(':'), open.whole.starts_with("$(")) {
        (Some((source @ ("env" | "sys" | "javascript"), key)), _) | (Some((source, key)), true) => {
            (source, key, default)
        }
        (Some((name, fallback)), false) if name.chars().all(sound) => {
            ("env", name.strip_prefix("env.").unwrap_or(name), default.or(Some(fallback)))
        }
        (None, false) if name.starts_with("env.") => ("env", &name[4..], default),
        (None, _) if default.is_some() || shell(name) => ("", name, default),
        _ => return None,
    };
    Some(Variable { source, key, default })
}

/// Whether a place is a secret's: by its name, that of the list that it stands in, or as one of a user's credentials.
fn is_secret(place: &str) -> bool {
    let name = place.rsplit('.').find(|step| step.parse::<usize>().is_err());
    crate::state::secret_name::is_secret(name.unwrap_or_default()) || place.contains(".credentials.")
}

fn text_of(
    text: &str,
    place: &str,
    look_up: &dyn Fn(&str) -> Option<String>,
    told: &mut dyn FnMut(&str, String, Option<String>),
) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let secret = is_secret(place);
    while let Some(open) = next(rest) {
        out.push_str(open.before);
        rest = open.after;
        let Some(Variable { source, key, default }) = variable(&open) else {
            out.push_str(open.whole);
            continue;
        };
        let known = (matches!(source, "env" | "") && !secret).then(|| look_up(key)).flatten();
        let value = match (known, default.filter(|_| !secret)) {
            (Some(known), _) => known,
            (None, Some(default)) => text_of(default, place, look_up, told)?,
            // It names no source, so it may mean itself.
            (None, None) if source.is_empty() && !secret => {
                out.push_str(open.whole);
                continue;
            }
            (None, None) => {
                let hint = match (secret, source) {
                    (true, _) => format!("declare a parameter of type `secret`, and give it `env:{key}`"),
                    (_, "env") => format!("set {key} and import again, or write the value into the manifest"),
                    _ => "write the value into the file, or into the manifest".to_owned(),
                };
                let why = match source {
                    _ if secret => format!("`{}` stands for a secret; left out", open.whole),
                    "javascript" => "scripts in files are not run; left out".to_owned(),
                    _ => format!("`{}` has no value here; left out", open.whole),
                };
                told(place, why, Some(hint));
                return None;
            }
        };
        told(place, format!("`{}` is written out with its value of now", open.whole), None);
        out.push_str(&value);
    }
    out.push_str(rest);
    Some(out)
}
