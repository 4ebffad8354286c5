//! The part of a plan that is drift: what somebody changed in Keycloak although no manifest did. A realm that is not there
//! is part of it: nothing on the server tells whether it was deleted, or never made.

use super::{Cause, Change, Plan};

/// The plan with only its drift, and how many tenants wait for something else: changes of manifests.
pub fn drift(plan: &Plan) -> (Plan, usize) {
    let mut waiting = 0;
    let tenants = plan.tenants.iter().map(|tenant| {
        let mut drifted = tenant.clone();
        if !tenant.is_birth() {
            drifted.changes.retain_mut(is_drift);
        }
        drifted.record = None;
        let same = drifted.changes == tenant.changes;
        waiting += usize::from(!same || (tenant.changes.is_empty() && tenant.record.is_some()));
        drifted
    });
    let tenants = tenants.collect();
    (Plan { part: plan.part.clone(), ..Plan::new(plan.header.clone(), tenants) }, waiting)
}

fn is_drift(change: &mut Change) -> bool {
    let outside = |cause: Cause| matches!(cause, Cause::Drift | Cause::Both);
    change.fields.retain(|field| outside(field.cause));
    outside(change.cause) || !change.fields.is_empty()
}
