//! The licences among the changes of a plan, as the shipped templates write them: `attributes.licence.SERIAL.KEY` of the
//! realm.

use std::collections::BTreeMap;

use serde_json::Value;

use super::review::Count;
use super::{Body, Cause, Change, FieldChange};
use crate::state::sealed::term;
use crate::state::{Fields, Kind};

/// What a change says of one licence: by key, what it was and what it becomes.
pub(super) type Terms<'a> = BTreeMap<&'a str, (Option<&'a Value>, Option<&'a Value>)>;

/// The licences that a change of a realm touches, by their serial. What was changed by hand and is put back is as it was.
pub(super) fn changed(fields: &[FieldChange]) -> BTreeMap<&str, Terms<'_>> {
    let mut licences: BTreeMap<&str, Terms<'_>> = BTreeMap::new();
    for field in fields.iter().filter(|field| field.cause != Cause::Drift) {
        if let Some((serial, key)) = term(&field.path) {
            licences.entry(serial).or_default().insert(key, (field.before.as_ref(), field.after.as_ref()));
        }
    }
    licences
}

/// The licences among a realm's fields, by their serial.
pub(super) fn held(fields: &Fields) -> BTreeMap<&str, BTreeMap<&str, &str>> {
    let mut licences: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (path, value) in fields {
        if let Some((serial, key)) = term(path) {
            licences.entry(serial).or_default().insert(key, value.as_str().unwrap_or_default());
        }
    }
    licences
}

/// How many licences a change creates, changes and ends.
pub(super) fn count(change: &Change) -> Count {
    let mut count = Count::default();
    if change.object.kind != Kind::Realm {
        return count;
    }
    if let Some(body) = &change.body {
        count.created = body.state().realm().map_or(0, |realm| held(&realm.fields).len());
    }
    for terms in changed(&change.fields).values() {
        match terms.get("serial") {
            Some((None, Some(_))) => count.created += 1,
            Some((Some(_), None)) => count.deleted += 1,
            _ => count.changed += 1,
        }
    }
    count
}

/// How many seats a change adds and takes away.
pub(super) fn seats(change: &Change) -> Count {
    let mut count = Count::default();
    if change.object.kind != Kind::Realm {
        return count;
    }
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if let Some(realm) = change.body.as_ref().map(Body::state).as_ref().and_then(|state| state.realm()) {
        count.created = held(&realm.fields).values().map(|terms| number(terms.get("seats").copied())).sum();
    }
    for (before, after) in changed(&change.fields).values().filter_map(|terms| terms.get("seats")) {
        let [before, after] = [before, after].map(|side| number(side.and_then(Value::as_str)));
        count.created += after.saturating_sub(before);
        count.deleted += before.saturating_sub(after);
    }
    count
}
