//! Plans for a part of a network.
//!
//! Tenants are chosen before anything is read. Objects of a tenant are chosen after the comparison, and the marker then
//! says of the others what it said before: nothing is recorded that was not done, so the next run finds it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::needs::without_which;
use super::select::{Chosen, Reach, SelectError};
use super::{Change, Header, Plan, TenantPlan, applied_after, plan_tenant};
use crate::diagnostic::did_you_mean;
use crate::expand::{Desired, fitted};
use crate::state::secret::Secrets;
use crate::state::{Applied, ObjectId, RealmState, State};

/// What a plan for a part leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// The selectors of what is planned; none: everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// The selectors of what is left out of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Tenants that are left out, and were not read.
    pub tenants: usize,
    /// Changes of the other tenants that are left out.
    pub changes: usize,
    /// Changes that were not selected and are made, because those that were can't be without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needed: Vec<Needed>,
}

/// A change that others of a part can't be made without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Needed {
    /// The tenant.
    pub tenant: String,
    /// The object that is changed.
    pub object: ObjectId,
    /// An object whose change needs that.
    pub by: ObjectId,
}

/// The plan of all of a network, or of what was chosen.
pub fn plan(
    header: Header,
    desired: &[Desired],
    state: &State,
    secrets: &Secrets,
    chosen: Option<&Chosen>,
) -> Result<Plan, SelectError> {
    let Some(chosen) = chosen else {
        let tenants = desired.iter().map(|tenant| plan_tenant(tenant, state.get(&tenant.name), secrets));
        return Ok(Plan::new(header, tenants.collect()));
    };
    let meant: Vec<&Desired> = desired.iter().filter(|tenant| chosen.has(&tenant.name)).collect();
    every_selector_matches(chosen, &meant, state)?;
    let (mut changes, mut needed) = (0, Vec::new());
    let mut tenants = Vec::with_capacity(meant.len());
    for tenant in meant {
        let observed = state.get(&tenant.name);
        let mut plan = plan_tenant(tenant, observed, secrets);
        let narrowed = narrow(&mut plan, tenant, observed, secrets, chosen)?;
        changes += narrowed.left_out;
        needed.extend(narrowed.needed);
        tenants.push(plan);
    }
    let (select, exclude) = chosen.texts.clone();
    let part = Part { select, exclude, tenants: chosen.left_out, changes, needed };
    Ok(Plan { part: Some(part), ..Plan::new(header, tenants) })
}

#[derive(Default)]
struct Narrowed {
    left_out: usize,
    needed: Vec<Needed>,
}

/// Takes what was not chosen out of a tenant's plan, but for what the rest can't do without.
fn narrow(
    plan: &mut TenantPlan,
    desired: &Desired,
    observed: Option<&RealmState>,
    secrets: &Secrets,
    chosen: &Chosen,
) -> Result<Narrowed, SelectError> {
    let Some(reach) = chosen.tenants.get(&plan.tenant).filter(|reach| !reach.is_whole() && !plan.is_empty()) else {
        return Ok(Narrowed::default());
    };
    let Some(observed) = observed else { return Err(SelectError::Unborn(plan.tenant.clone())) };
    let needed = needed(plan, observed, reach)?;
    let meant = |id: &ObjectId| reach.has(id) || needed.iter().any(|other| other.object == *id);
    let before = plan.changes.len();
    plan.changes.retain(|change| meant(&change.object));
    let going: Vec<ObjectId> = plan.going().map(|(id, _)| id.clone()).collect();
    plan.foreign.retain(|id| reach.has(id) || going.contains(id));
    plan.tampering.retain(|tampering| reach.has(&tampering.object));
    plan.missing.retain(|id| reach.has(id));
    plan.foreign_fields.retain(|id, _| reach.has(id));
    plan.rights.retain(|id, _| reach.has(id));
    if plan.unread.is_none() {
        let whole = applied_after(&fitted(desired, Some(observed)), observed, secrets);
        let marker = Applied::after(&observed.applied(), &whole, meant).to_text();
        plan.record = (observed.marker() != Some(marker.as_str())).then_some(marker);
    }
    Ok(Narrowed { left_out: before - plan.changes.len(), needed })
}

/// What was not chosen of a plan, and has to be done for what was. What was excluded is not done for that: then the plan
/// is not possible.
fn needed(plan: &TenantPlan, observed: &RealmState, reach: &Reach) -> Result<Vec<Needed>, SelectError> {
    let mut needed: Vec<Needed> = Vec::new();
    let mut open: Vec<&Change> = plan.changes.iter().filter(|change| reach.has(&change.object)).collect();
    while let Some(change) = open.pop() {
        for other in without_which(change, plan, observed) {
            let known = reach.has(&other.object) || needed.iter().any(|known| known.object == other.object);
            if known {
                continue;
            }
            let tenant = plan.tenant.clone();
            let one = Needed { tenant, object: other.object.clone(), by: change.object.clone() };
            if reach.excludes(&other.object) {
                return Err(SelectError::Excluded(one));
            }
            needed.push(one);
            open.push(other);
        }
    }
    needed.sort_by(|a, b| a.object.cmp(&b.object));
    Ok(needed)
}

/// A selector of objects must match one that is desired, is there, or was ours.
fn every_selector_matches(chosen: &Chosen, desired: &[&Desired], state: &State) -> Result<(), SelectError> {
    for (selector, objects, tenants) in &chosen.of_objects {
        let mut ids: BTreeSet<ObjectId> = BTreeSet::new();
        for tenant in desired.iter().filter(|tenant| tenants.contains(&tenant.name)) {
            ids.extend(tenant.state.objects.keys().cloned());
            if let Some(observed) = state.get(&tenant.name) {
                ids.extend(observed.objects.keys().cloned());
                ids.extend(observed.applied().objects().cloned());
            }
        }
        if !ids.iter().any(|id| objects.has(id)) {
            let known: Vec<String> = ids.iter().map(ObjectId::to_string).collect();
            let hint = did_you_mean(&objects.to_string(), known.iter().map(String::as_str));
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            return Err(SelectError::NoObject { selector: selector.clone(), hint });
        }
    }
    Ok(())
}
