//! The part of a plan that is drift: what somebody changed in Keycloak although no manifest did. A realm that is not there
//! is part of it: nothing on the server tells whether it was deleted, or never made.

use serde_json::Value;

use super::{Action, Cause, Change, FieldChange, Plan};

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
    let mut drifted = Plan {
        part: plan.part.clone(),
        placement: plan.placement.clone(),
        ..Plan::new(plan.header.clone(), tenants.collect())
    };
    // What mends it is the whole plan, and is refused as that is.
    if !drifted.is_empty() {
        (drifted.refusals, drifted.waivers) = (plan.refusals.clone(), plan.waivers.clone());
    }
    (drifted, waiting)
}

fn is_drift(change: &mut Change) -> bool {
    let outside = |cause: Cause| matches!(cause, Cause::Drift | Cause::Both);
    change.fields.retain(|field| outside(field.cause));
    // What the manifest changes beside it does not count here.
    if let Some(cause) =
        change.fields.iter().map(|field| field.cause).reduce(|a, b| if a == b { a } else { Cause::Both })
    {
        change.cause = cause;
    }
    outside(change.cause) || !change.fields.is_empty()
}

/// What was done by hand: drift seen from the other side, from what the manifests say to what was found.
pub fn by_hand(drifted: &Plan) -> Plan {
    let tenants = drifted.tenants.iter().cloned().map(|mut tenant| {
        tenant.changes.iter_mut().for_each(turn);
        tenant
    });
    Plan {
        part: drifted.part.clone(),
        placement: drifted.placement.clone(),
        ..Plan::new(drifted.header.clone(), tenants.collect())
    }
}

fn turn(change: &mut Change) {
    change.action = match change.action {
        Action::Create => Action::Delete,
        Action::Delete => Action::Create,
        same => same,
    };
    change.cause = told(change.cause);
    change.body = None;
    for field in &mut change.fields {
        turn_field(change.object.kind, field);
    }
}

fn turn_field(kind: crate::state::Kind, field: &mut FieldChange) {
    field.cause = told(field.cause);
    std::mem::swap(&mut field.before, &mut field.after);
    // What can't be read is there all the same.
    if field.after.is_none() && !kind.class_of_path(&field.path).is_readable() {
        field.after = Some(Value::Object(Default::default()));
    }
}

/// That it was changed by hand goes without saying.
fn told(cause: Cause) -> Cause {
    if cause == Cause::Drift { Cause::Manifest } else { cause }
}
