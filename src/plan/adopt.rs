//! Adopting a realm that was made elsewhere: the provisioner and the marker are written, and nothing else, unless the
//! manifest says otherwise than the realm.

use serde_json::json;

use super::{Action, Cause, Change, FieldChange, diff};
use crate::expand::{OBSERVER, PROVISIONER};
use crate::state::applied::MARKER;
use crate::state::kind::SERVICE_ACCOUNT_PREFIX;
use crate::state::{Kind, ObjectId, RealmState};

/// The changes of a realm that is adopted: that of the realm itself carries the provisioner as its body; of the rest,
/// only what writes something stays.
pub(super) fn realm(changes: Vec<Change>) -> Vec<Change> {
    let ours = |name: &str| name == PROVISIONER || name == OBSERVER;
    let mut body = json!({"clients": [], "users": []});
    let mut kept = Vec::new();
    for mut change in changes {
        let section = match change.object.kind {
            Kind::Client if ours(&change.object.key) => "clients",
            Kind::User if change.object.key.strip_prefix(SERVICE_ACCOUNT_PREFIX).is_some_and(ours) => "users",
            kind => {
                if change.action != Action::Adopt || kind == Kind::Realm {
                    adopted(&mut change);
                    kept.push(change);
                }
                continue;
            }
        };
        if let (Some(list), Some(document)) = (body[section].as_array_mut(), change.body) {
            list.push(document.document().into_owned());
        }
    }
    let own = kept.iter_mut().find(|change| change.object.kind == Kind::Realm);
    own.into_iter().for_each(|change| change.body = Some(body.clone().into()));
    kept
}

/// The changes of a realm that was born here and whose marker was removed or spoilt: of what is as declared, nothing is
/// said, and the marker is one more field that somebody changed.
pub(super) fn anew(mut changes: Vec<Change>, observed: &RealmState, marker: &str) -> Vec<Change> {
    changes.retain(|change| change.action != Action::Adopt || change.object.kind == Kind::Realm);
    let found = observed.realm();
    if let Some(realm) = changes.iter_mut().find(|change| change.object.kind == Kind::Realm) {
        let path = format!("attributes.{MARKER}");
        let before = found.and_then(|found| found.fields.get(&path).cloned());
        realm.fields.push(FieldChange { path, before, after: Some(marker.into()), cause: Cause::Drift });
        let paths = realm.fields.iter().map(|field| field.path.as_str());
        realm.relies_on = found.map(|found| diff::relied_on(found, paths));
        realm.action = Action::Update;
    }
    changes
}

/// Without a marker nobody knows whether a difference is one of the manifest or of the realm.
fn adopted(change: &mut Change) {
    if matches!(change.action, Action::Update | Action::Adopt) {
        change.cause = Cause::Adoption;
        change.fields.iter_mut().for_each(|field| field.cause = Cause::Adoption);
    }
}

/// The provisioner's objects in the change of a realm that is adopted, as changes of their own; none in others.
pub fn provisioner(change: &Change) -> Vec<Change> {
    if change.object.kind != Kind::Realm || change.action == Action::Create {
        return Vec::new();
    }
    let of = |kind: Kind, section: &str| {
        let body = change.document();
        let documents = body[section].as_array().cloned().unwrap_or_default();
        documents.into_iter().map(move |document| {
            let key = document[kind.spec().key].as_str().unwrap_or_default().to_owned();
            Change {
                body: Some(document.into()),
                ..diff::change(&ObjectId::new(kind, key), Action::Create, Cause::Adoption)
            }
        })
    };
    of(Kind::Client, "clients").chain(of(Kind::User, "users")).collect()
}
