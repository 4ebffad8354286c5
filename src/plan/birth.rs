//! The body of a realm's birth, and what is written right after it.

use serde_json::Value;

use super::{Action, Cause, Change, TenantPlan, diff, order};
use crate::state::{Applied, Kind, ObjectId, RealmState, applied, assemble, defaults, secret::Secrets};

/// How fields begin of which a birth takes all from its body where it finds one of them, and the defaults where it finds
/// none.
const TOGETHER: [(Kind, &[&str]); 3] = [
    (Kind::UserProfile, &["unmanagedAttributePolicy", "attributes", "groups"]),
    (Kind::Realm, &["accessCodeLifespanUserAction", "actionTokenGeneratedByUserLifespan"]),
    (Kind::Realm, &["otpPolicy"]),
];

/// A realm is born whole, its marker with it, in one request; but for what no birth can bring. That is written right
/// after, and the marker of the birth says nothing of it.
pub(super) fn birth(plan: &mut TenantPlan, desired: &RealmState, whole: &Applied) {
    let mut born = desired.clone();
    let later = born.objects.extract_if(.., |id, _| id.kind.is_born_later(&id.key)).collect();
    let marker = Applied::after(&Applied::default(), whole, |id| born.objects.contains_key(id)).to_text();
    complete(&mut born, &plan.tenant);
    let mut body = assemble(&born);
    if let Some(body) = body.as_object_mut() {
        let attributes = body.entry("attributes").or_insert_with(|| Value::Object(Default::default()));
        attributes[applied::MARKER] = marker.clone().into();
    }
    plan.changes.push(Change { body: Some(body), ..diff::change(&ObjectId::realm(), Action::Create, Cause::Manifest) });
    let later = RealmState { objects: later, ..RealmState::default() };
    if !later.objects.is_empty() {
        let made = diff::diff(&later, &RealmState::default(), &Applied::default(), &Secrets::default());
        plan.changes.extend(order::order(made.changes));
        plan.recorded = Some(applied::digest(&marker));
        plan.record = Some(whole.to_text());
    }
}

/// What is not declared is left as Keycloak makes it: beside a field that is, a birth must say so. The marker does not.
fn complete(born: &mut RealmState, realm: &str) {
    let bare = defaults::bare(realm);
    for (kind, starts) in TOGETHER {
        let is_one = |path: &str| starts.iter().any(|start| path.starts_with(start));
        let id = ObjectId::new(kind, "");
        let Some(object) = born.objects.get_mut(&id) else { continue };
        if !object.fields.keys().any(|path| is_one(path)) {
            continue;
        }
        let usual = bare.get(&id).cloned().unwrap_or_else(|| defaults::new_object(&id, &object.fields));
        for (path, value) in usual.into_iter().filter(|(path, _)| is_one(path)) {
            object.fields.entry(path).or_insert(value);
        }
    }
}
