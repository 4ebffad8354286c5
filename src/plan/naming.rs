//! What a run that was killed while it gave a user its name back leaves open: names of users can be edited, by the users
//! themselves too. Where no manifest says whether they may, nothing else would shut that again.

use serde_json::Value;

use super::{Action, Cause, Change, FieldChange, diff};
use crate::state::applied::NAMING;
use crate::state::{Applied, ObjectId, RealmState};

/// The switch by which Keycloak lets names of users be edited.
const SWITCH: &str = "editUsernameAllowed";

/// Shuts it in a realm that carries the note of such a run, and takes the note away.
pub(super) fn shut(changes: &mut Vec<Change>, desired: &RealmState, observed: &RealmState, applied: &Applied) {
    let note = format!("attributes.{NAMING}");
    let id = ObjectId::realm();
    let Some(found) = observed.get(&id).filter(|found| found.fields.contains_key(&note)) else { return };
    let declared = desired.get(&id).is_some_and(|wanted| wanted.fields.contains_key(SWITCH));
    let open = found.fields.get(SWITCH).filter(|open| **open == true && !declared);
    let field = |path: &str, before: &Value, after| FieldChange {
        path: path.to_owned(),
        before: Some(before.clone()),
        after,
        cause: Cause::Drift,
    };
    let switch = open.map(|open| field(SWITCH, open, Some(false.into())));
    let fields = switch.into_iter().chain(found.fields.get(&note).map(|value| field(&note, value, None)));
    let at = changes.iter().position(|change| change.object == id).unwrap_or_else(|| {
        let recorded = applied.digest_of(&id);
        changes.push(Change { recorded, ..diff::change(&id, Action::Update, Cause::Drift) });
        changes.len() - 1
    });
    let change = &mut changes[at];
    change.action = Action::Update;
    change.fields.extend(fields);
    change.relies_on = Some(diff::relied_on(found, change.fields.iter().map(|field| field.path.as_str())));
}
