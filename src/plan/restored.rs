//! What Keycloak puts into every realm itself, somebody removed by hand, and what is declared refers to: it is made again,
//! as Keycloak had made it, and does not become ours.

use std::collections::BTreeSet;

use super::needs::needs;
use super::{Action, Cause, Change, TenantPlan, diff};
use crate::state::defaults::bare;
use crate::state::{Kind, ObjectId, RealmState, document};

/// Kinds whose built-in objects an administrator can remove although others refer to them.
const REMOVABLE: [Kind; 2] = [Kind::ClientScope, Kind::RealmRole];

/// Adds what the changes of a plan refer to, and what is within that.
pub(super) fn add(plan: &mut TenantPlan, observed: &RealmState) {
    let is_there = |id: &ObjectId, plan: &TenantPlan| {
        let made = |change: &Change| change.object == *id && change.action == Action::Create;
        observed.get(id).is_some() || plan.changes.iter().any(made)
    };
    let missing: BTreeSet<ObjectId> = plan
        .changes
        .iter()
        .filter(|change| matches!(change.action, Action::Create | Action::Update))
        .flat_map(|change| needs(change, plan, observed))
        .filter(|id| REMOVABLE.contains(&id.kind) && id.kind.is_built_in(&id.key) && !is_there(id, plan))
        .collect();
    if missing.is_empty() {
        return;
    }
    for (id, fields) in bare(&plan.tenant) {
        let within = || id.owner().is_some_and(|owner| missing.contains(&owner));
        if (missing.contains(&id) || within()) && !is_there(&id, plan) {
            let body = Some(document(id.kind, &fields));
            plan.changes.push(Change { body, ..diff::change(&id, Action::Create, Cause::Drift) });
        }
    }
}
