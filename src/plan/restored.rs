//! What Keycloak puts into every realm itself, somebody removed by hand, and what is declared refers to: it is made again,
//! as Keycloak had made it, and does not become ours. So is the rest of a client of Keycloak's own that manifests change.

use std::collections::BTreeSet;

use super::needs::needs;
use super::{Action, Cause, Change, TenantPlan, diff};
use crate::state::defaults::bare;
use crate::state::kind::Own;
use crate::state::{Kind, ObjectId, RealmState, document};

/// Kinds whose built-in objects an administrator can remove although others refer to them.
const REMOVABLE: [Kind; 4] = [Kind::ClientScope, Kind::Client, Kind::ClientRole, Kind::RealmRole];

/// Adds what the changes of a plan refer to, what that belongs to, and what is within that.
pub(super) fn add(plan: &mut TenantPlan, observed: &RealmState) {
    let created = |change: &&Change| change.action == Action::Create;
    let made: BTreeSet<ObjectId> = plan.changes.iter().filter(created).map(|change| change.object.clone()).collect();
    let is_there = |id: &ObjectId| observed.get(id).is_some() || made.contains(id);
    let removed = |id: &ObjectId| REMOVABLE.contains(&id.kind) && id.kind.is_built_in(&id.key) && !is_there(id);
    let mut whole: BTreeSet<ObjectId> = plan
        .changes
        .iter()
        .filter(|change| matches!(change.action, Action::Create | Action::Update))
        .flat_map(|change| needs(change, plan, observed))
        .flat_map(|id| id.owner().into_iter().chain([id]))
        .filter(removed)
        .collect();
    whole.extend(made.iter().filter(|id| is_changed_only(id)).cloned());
    if whole.is_empty() {
        return;
    }
    for (id, mut fields) in bare(&plan.tenant) {
        let within = || id.owner().is_some_and(|owner| whole.contains(&owner));
        if !(whole.contains(&id) || within() && !is_there(&id)) {
            continue;
        }
        if id.kind == Kind::Client {
            // It gets the scopes that this realm gives to clients: others may not be there.
            fields.retain(|path, _| !path.ends_with("ClientScopes"));
        }
        match plan.changes.iter_mut().find(|change| change.object == id && change.action == Action::Create) {
            Some(change) => {
                fields.extend(change.created());
                change.body = Some(document(id.kind, &fields).into());
            }
            None => {
                let body = Some(document(id.kind, &fields).into());
                plan.changes.push(Change { body, ..diff::change(&id, Action::Create, Cause::Drift) });
            }
        }
    }
}

/// Whether manifests only change it: what they leave out is Keycloak's.
fn is_changed_only(id: &ObjectId) -> bool {
    id.kind == Kind::Client && Own::of(&id.key) == Some(Own::Changed)
}
