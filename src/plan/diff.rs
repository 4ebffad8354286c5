//! Two states of a realm, compared three ways with what was last applied.
//!
//! Fields are flat and canonical on both sides, so this knows nothing of Keycloak: only declared fields are compared,
//! only what was ours is removed, and what is foreign is listed.

use serde_json::Value;

use super::{Action, Cause, Change, FieldChange};
use crate::state::device::is_device;
use crate::state::sealed::is_entitlement;
use crate::state::secret::{has_reference, is_masked, shown_equal, sole_reference};
use crate::state::secret_name::is_secret_path;
use crate::state::{Applied, Fields, Object, ObjectId, RealmState, applied, document, same, secret::Secrets};

/// What differs, and what was left alone.
#[derive(Debug, Default)]
pub struct Difference {
    /// The changes, in no particular order.
    pub changes: Vec<Change>,
    /// Objects that others put there.
    pub foreign: Vec<ObjectId>,
}

/// The changes that make `observed` what is desired.
pub fn diff(desired: &RealmState, observed: &RealmState, applied: &Applied, secrets: &Secrets) -> Difference {
    let mut difference = Difference::default();
    for (id, wanted) in &desired.objects {
        let change = match observed.get(id) {
            None => Some(create(id, wanted, applied)),
            Some(found) => update(id, &observed.shown(id, wanted, desired), found, applied, secrets),
        };
        difference.changes.extend(change);
    }
    for id in applied.objects().filter(|id| !desired.objects.contains_key(id)) {
        difference.changes.push(match observed.get(id) {
            Some(found) if !id.kind.is_permanent(&id.key) => delete(id, found),
            _ => change(id, Action::Forget, Cause::Manifest),
        });
    }
    for (id, found) in observed.objects.iter().filter(|(_, found)| found.idle && !applied.is_empty()) {
        difference.changes.push(delete(id, found));
    }
    for change in &mut difference.changes {
        change.recorded = applied.digest_of(&change.object);
        let name = observed.get(&change.object).and_then(|found| found.fields.get("username")?.as_str());
        change.found_as = name.filter(|name| *name != change.object.key).map(str::to_owned);
    }
    // What has nothing in it is nobody's.
    let something = |found: &Object| found.fields.values().any(|value| !same(Some(value), None));
    for (id, found) in observed.objects.iter().filter(|(_, found)| something(found)) {
        let ours = desired.objects.contains_key(id) || applied.fields(id).is_some();
        let own = |owner: ObjectId| desired.objects.contains_key(&owner) || applied.fields(&owner).is_some();
        let comes_along = || id.kind.comes_with_owner(&id.key) && !id.owner().is_some_and(own);
        if !ours
            && !is_device(id, &found.fields)
            && !id.kind.is_made_by_keycloak(&id.key, &found.fields)
            && !comes_along()
        {
            difference.foreign.push(id.clone());
        }
    }
    difference
}

/// Digest of the values that an object has at some paths: what a change relies on.
pub fn relied_on<'a>(found: &Object, paths: impl IntoIterator<Item = &'a str>) -> String {
    // Whoever has a plan could try out what a short secret is.
    let paths = paths.into_iter().filter(|path| !is_secret_path(path));
    let values: Fields = paths.filter_map(|path| Some((path.to_owned(), found.fields.get(path)?.clone()))).collect();
    applied::digest(&serde_json::to_string(&values).unwrap_or_default())
}

/// Digest of a whole object, but for memberships: of those, only the declared ones are read.
pub fn relied_on_whole(id: &ObjectId, found: &Object) -> String {
    let paths = found.fields.keys().filter(|path| !id.kind.class_of_path(path).is_shared());
    relied_on(found, paths.map(String::as_str))
}

pub(super) fn change(id: &ObjectId, action: Action, cause: Cause) -> Change {
    Change {
        object: id.clone(),
        action,
        cause,
        body: None,
        fields: Vec::new(),
        along: Fields::new(),
        found_as: None,
        relies_on: None,
        recorded: None,
    }
}

fn create(id: &ObjectId, wanted: &Object, applied: &Applied) -> Change {
    let cause = if applied.fields(id).is_some() { Cause::Drift } else { Cause::Manifest };
    Change { body: Some(document(id.kind, &wanted.fields).into()), ..change(id, Action::Create, cause) }
}

fn delete(id: &ObjectId, found: &Object) -> Change {
    let relies_on = Some(relied_on_whole(id, found));
    Change { relies_on, ..change(id, Action::Delete, Cause::Manifest) }
}

fn update(id: &ObjectId, wanted: &Object, found: &Object, applied: &Applied, secrets: &Secrets) -> Option<Change> {
    let mut fields = Vec::new();
    for (path, after) in &wanted.fields {
        fields.extend(field(id, path, after, found.fields.get(path), applied, secrets));
    }
    for path in applied.fields(id).into_iter().flat_map(|fields| fields.keys()) {
        fields.extend(removed(id, path, wanted, found));
    }
    for path in found.fields.keys().filter(|path| applied.field(id, path).is_none()) {
        fields.extend(too_much(id, path, wanted, found));
        // Nobody else has a say in what an organization is entitled to.
        if is_entitlement(id, path) {
            fields.extend(without(path, wanted, found, Cause::Drift));
        }
    }
    let owned = applied.fields(id).is_some();
    if fields.is_empty() {
        let paths = wanted.fields.keys().filter(|path| !id.kind.class_of_path(path).is_initial());
        let relies_on = Some(relied_on(found, paths.map(String::as_str)));
        return (!owned).then(|| Change { relies_on, ..change(id, Action::Adopt, adoption(applied)) });
    }
    let cause = fields.iter().map(|field| field.cause).reduce(|a, b| if a == b { a } else { Cause::Both });
    let relies_on = Some(relied_on(found, fields.iter().map(|field| field.path.as_str())));
    let along = along(id, wanted, &fields, secrets);
    Some(Change { fields, along, relies_on, ..change(id, Action::Update, cause.unwrap_or(Cause::Manifest)) })
}

/// The declared secrets that an update writes although they are as they were: it would send the mask in their place, and
/// Keycloak does not take that with everything else (a new token URL must come with its secret from 26.8.1 on).
fn along(id: &ObjectId, wanted: &Object, changed: &[FieldChange], secrets: &Secrets) -> Fields {
    let read = |value: &Value| sole_reference(value).is_some_and(|reference| secrets.contains(reference));
    let along = wanted.fields.iter().filter(|(path, value)| id.kind.is_written_along(path) && read(value));
    let along = along.filter(|(path, _)| changed.iter().all(|field| field.path != **path));
    along.map(|(path, value)| (path.clone(), value.clone())).collect()
}

fn field(
    id: &ObjectId,
    path: &str,
    after: &Value,
    before: Option<&Value>,
    applied: &Applied,
    secrets: &Secrets,
) -> Option<FieldChange> {
    if secrets.are_unread() && sole_reference(after).is_some() {
        return None;
    }
    if secrets.are_unread() && has_reference(after) && before.is_some_and(|before| shown_equal(after, before)) {
        return None;
    }
    let last = applied.field(id, path);
    let wanted = applied::hash(after, secrets);
    let class = id.kind.class_of_path(path);
    // What a realm says of its licences is never hidden: whoever writes a mask there changes it.
    let masked = before.filter(|before| is_masked(before) && !is_entitlement(id, path));
    let equal = match masked {
        _ if id.kind.is_vaulted(path, Some(after)) => same(Some(after), before),
        None if id.kind.is_open_secret(path) && before.is_some() && sole_reference(after).is_some() => {
            last == Some(wanted.as_str()) && secrets.reveal(after).is_ok_and(|after| same(Some(&after), before))
        }
        _ if !class.is_readable() => last == Some(wanted.as_str()) && !id.kind.is_vaulted(path, before),
        Some(before) => last == Some(wanted.as_str()) && shown_equal(after, before),
        // Keycloak leaves some of its switches out while they are off.
        None => same(Some(after), before) || (before.is_none() && *after == false),
    };
    if equal || class.is_initial() {
        return None;
    }
    let unreadable = !id.kind.shows(path, before) || masked.is_some();
    let moved = !unreadable && before.map(|value| applied::hash(value, secrets)).as_deref() != last;
    let cause = match last {
        None if applied.fields(id).is_none() => adoption(applied),
        None => Cause::Manifest,
        Some(last) if last == wanted => Cause::Drift,
        Some(_) if moved => Cause::Both,
        Some(_) => Cause::Manifest,
    };
    Some(FieldChange {
        path: path.to_owned(),
        before: before.filter(|_| !unreadable).cloned(),
        after: Some(after.clone()),
        cause,
    })
}

/// Every realm is born with its marker: where there is none, somebody took it away.
fn adoption(applied: &Applied) -> Cause {
    if applied.is_empty() { Cause::Drift } else { Cause::Adoption }
}

/// An entry of a mapping, a list of references or a membership that was ours and is no longer declared is removed; a
/// plain field is left as it is, because omitted means leave alone.
fn removed(id: &ObjectId, path: &str, wanted: &Object, found: &Object) -> Option<FieldChange> {
    let entry = id.kind.class_of_path(path).is_entry();
    entry.then(|| without(path, wanted, found, Cause::Manifest)).flatten()
}

/// References that nobody declared, in a field whose references are declared: a role smuggled into a composite.
fn too_much(id: &ObjectId, path: &str, wanted: &Object, found: &Object) -> Option<FieldChange> {
    is_declared_whole(id, path, wanted).then(|| without(path, wanted, found, Cause::Drift)).flatten()
}

/// Whether a field is one of several that are complete once one of them is declared, and one is.
pub(super) fn is_declared_whole(id: &ObjectId, path: &str, wanted: &Object) -> bool {
    let field = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
    id.kind.class_of_path(path).is_complete() && wanted.fields.keys().any(|other| field(other) == field(path))
}

fn without(path: &str, wanted: &Object, found: &Object, cause: Cause) -> Option<FieldChange> {
    let before = found.fields.get(path).filter(|before| !same(Some(before), None))?;
    let declared = wanted.fields.contains_key(path);
    (!declared).then(|| FieldChange { path: path.to_owned(), before: Some(before.clone()), after: None, cause })
}
