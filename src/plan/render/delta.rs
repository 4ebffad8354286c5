//! What changes inside a field's value: lists by their entries, nested documents field by field.

use serde_json::Value;

use super::{WIDTH, clean, show};
use crate::plan::FieldChange;
use crate::state::Kind;
use crate::state::sealed::as_sealed;
use crate::state::secret::{as_reference, sole_reference};

/// Longest pair of values that is shown on one line.
const INLINE: usize = 100;

/// Most steps that are shown of one field.
const STEPS: usize = 20;

/// How deep documents are looked into.
const DEPTH: usize = 12;

/// Fields by which entries of a list are recognised.
const KEYS: [&str; 5] = ["name", "alias", "clientId", "username", "id"];

/// How the change of a field is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delta {
    /// Both values on one line.
    Whole(String, String),
    /// Entry by entry.
    Steps(Vec<Step>),
}

/// One entry that comes, goes or changes; or a note.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// `+`, `-`, `~`, or a blank for a note.
    pub(super) sign: char,
    /// Where in the value; empty for an entry of the value itself.
    pub(super) path: String,
    /// The entry, or both values.
    pub(super) texts: Vec<String>,
}

impl Step {
    fn new(sign: char, path: &str, texts: impl IntoIterator<Item = String>) -> Self {
        Self { sign, path: clean(path), texts: texts.into_iter().collect() }
    }

    fn note(text: String) -> Self {
        Self::new(' ', "", [text])
    }
}

/// The change of a field of an object of a kind. What can't be read back is never shown, whatever it is.
pub(super) fn delta(kind: Kind, field: &FieldChange) -> Delta {
    let (before, after) = (field.before.as_ref(), field.after.as_ref());
    if !kind.class_of_path(&field.path).is_readable() {
        let masked = |value: Option<&Value>| match value {
            Some(known) if sole_reference(known).is_none() && !kind.shows(&field.path, value) => "(secret)".into(),
            value => show(value),
        };
        let before = if kind.shows(&field.path, before) { show(before) } else { "(not shown)".into() };
        return Delta::Whole(before, masked(after));
    }
    let (from, to) = (before.map(opened), after.map(opened));
    let inside = [&from, &to].iter().any(|side| side.as_ref().is_some_and(is_document));
    let text = |value: Option<&Value>| value.map_or(0, |value| value.to_string().chars().count());
    let length = text(before) + text(after);
    let comparable = matches!(
        (&from, &to),
        (None | Some(Value::Array(_)), Some(Value::Array(_)))
            | (Some(Value::Array(_)), None)
            | (Some(Value::Object(_)), Some(Value::Object(_)))
    );
    if !comparable || (length <= INLINE && !(inside && from.is_some() && to.is_some())) {
        return Delta::Whole(show(before), show(after));
    }
    let mut steps = Vec::new();
    compare("", from.as_ref(), to.as_ref(), DEPTH, &mut steps);
    if steps.is_empty() {
        steps.push(Step::note("only the order changes".into()));
    }
    if steps.len() > STEPS {
        let more = steps.len() - STEPS;
        steps.truncate(STEPS);
        steps.push(Step::note(format!("and {more} more")));
    }
    Delta::Steps(steps)
}

/// Objects, and lists that hold some.
fn is_document(value: &Value) -> bool {
    match value {
        Value::Object(map) => as_reference(value).is_none() && as_sealed(value).is_none() && !map.is_empty(),
        Value::Array(items) => items.iter().any(|item| item.is_object() && as_reference(item).is_none()),
        _ => false,
    }
}

/// A text that holds a JSON document, as that document; a list of one such text likewise. Keycloak keeps user profiles so.
fn opened(value: &Value) -> Value {
    let parsed = |text: &str| {
        let document = text.trim_start().starts_with(['{', '[']);
        document.then(|| serde_json::from_str::<Value>(text).ok()).flatten()
    };
    match value {
        Value::String(text) => parsed(text).unwrap_or_else(|| value.clone()),
        Value::Array(items) if items.len() == 1 => {
            items[0].as_str().and_then(parsed).filter(Value::is_object).unwrap_or_else(|| value.clone())
        }
        _ => value.clone(),
    }
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, depth: usize, steps: &mut Vec<Step>) {
    match (before, after) {
        _ if before == after => {}
        (Some(Value::Object(from)), Some(Value::Object(to))) if depth > 0 => {
            let added = to.keys().filter(|key| !from.contains_key(*key));
            for key in from.keys().chain(added) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, from.get(key), to.get(key), depth - 1, steps);
            }
        }
        (None | Some(Value::Array(_)), None | Some(Value::Array(_))) if depth > 0 => {
            let items = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
            list(path, &items(before), &items(after), depth - 1, steps);
        }
        (None, Some(value)) => steps.push(Step::new('+', path, [show(Some(value))])),
        (Some(value), None) => steps.push(Step::new('-', path, [show(Some(value))])),
        (from, to) => steps.push(Step::new('~', path, [show(from), show(to)])),
    }
}

/// Entries that are recognised by a name are compared inside; others come and go whole.
fn list(path: &str, before: &[Value], after: &[Value], depth: usize, steps: &mut Vec<Step>) {
    let key = KEYS.into_iter().find(|key| {
        let named = |items: &[Value]| {
            let names: std::collections::BTreeSet<&str> = items.iter().filter_map(|item| item[*key].as_str()).collect();
            names.len() == items.len()
        };
        named(before) && named(after) && !(before.is_empty() && after.is_empty())
    });
    // One that is too long to be shown whole must be told by its name all the same.
    let at = |item: &Value| match key.and_then(|key| item[key].as_str()) {
        Some(name) if item.is_object() && item.to_string().chars().count() > WIDTH => format!("{path}[{name}]"),
        _ => path.to_owned(),
    };
    let mut left: Vec<Option<&Value>> = after.iter().map(Some).collect();
    for item in before {
        let same = |other: &&Value| match key {
            Some(key) => other[key] == item[key],
            None => *other == item,
        };
        match left.iter_mut().find(|other| other.as_ref().is_some_and(same)).and_then(Option::take) {
            Some(other) => {
                let name = key.and_then(|key| item[key].as_str()).unwrap_or_default();
                compare(&format!("{path}[{name}]"), Some(item), Some(other), depth, steps);
            }
            None => steps.push(Step::new('-', &at(item), [show(Some(item))])),
        }
    }
    steps.extend(left.into_iter().flatten().map(|item| Step::new('+', &at(item), [show(Some(item))])));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::Cause;

    fn shown(path: &str, before: Value, after: Value) -> Vec<String> {
        let some = |value: Value| Some(value).filter(|value| !value.is_null());
        let field = FieldChange { path: path.into(), before: some(before), after: some(after), cause: Cause::Manifest };
        match delta(Kind::Client, &field) {
            Delta::Whole(before, after) => vec![format!("{before} → {after}")],
            Delta::Steps(steps) => {
                steps.iter().map(|step| format!("{} {} {}", step.sign, step.path, step.texts.join(" → "))).collect()
            }
        }
    }

    #[test]
    fn a_long_list_is_shown_by_its_entries() {
        let uri = |n: usize| format!("https://application-{n}.example/*");
        let list = |all: std::ops::Range<usize>| all.map(uri).map(Value::from).collect::<Value>();
        assert_eq!(
            shown("redirectUris", list(0..5), list(1..6)),
            ["-  \"https://application-0.example/*\"", "+  \"https://application-5.example/*\""]
        );
        assert_eq!(shown("redirectUris", json!(["a"]), json!(["b"])), ["[\"a\"] → [\"b\"]"]);
        assert_eq!(shown("redirectUris", list(0..40), Value::Null).len(), STEPS + 1);
    }

    #[test]
    fn a_document_is_shown_field_by_field_also_inside_a_text() {
        let from = json!({"attributes": [{"name": "email", "required": {"roles": ["user"]}}, {"name": "ward"}]});
        let to = json!({"attributes": [{"name": "email", "required": {"roles": ["admin"]}}, {"name": "unit"}]});
        let expected = [
            "- attributes[email].required.roles \"user\"",
            "+ attributes[email].required.roles \"admin\"",
            "- attributes {\"name\":\"ward\"}",
            "+ attributes {\"name\":\"unit\"}",
        ];
        assert_eq!(shown("attributes.x", from.clone(), to.clone()), expected);
        assert_eq!(shown("attributes.x", json!([from.to_string()]), json!([to.to_string()])), expected);
    }

    #[test]
    fn what_cannot_be_read_back_is_not_shown() {
        assert_eq!(shown("secret", Value::Null, json!("hunter2")), ["(not shown) → (secret)"]);
        assert_eq!(shown("secret", Value::Null, json!({"$secret": "env:X"})), ["(not shown) → (secret env:X)"]);
    }
}
