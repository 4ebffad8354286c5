//! Executing a plan: tenants in parallel, each realm by one writer, each change as the plan says or not at all.
//!
//! Before anything is written to a realm, what its changes rely on is read again; a realm that has moved is refused
//! whole. The marker is written last, so that a run that is killed anywhere is finished by running it again.

mod links;
mod writer;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;

use crate::keycloak::observe::planned_users;
use crate::keycloak::{Birth, KeycloakError, WriteRealms, observe};
use crate::plan::diff::{relied_on, relied_on_whole};
use crate::plan::{Action, Change, Plan, TenantPlan};
use crate::state::applied::{self, MARKER};
use crate::state::secret::Secrets;
use crate::state::{ObjectId, Quarantine, RealmState};
use writer::Writer;

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What came of each tenant that had something to do, in the order of the plan.
    pub tenants: Vec<(String, TenantOutcome)>,
}

/// What came of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantOutcome {
    /// Its realm was born.
    Born,
    /// Its realm was changed; the number of changes.
    Changed(usize),
    /// Its realm is not what the plan was made from: these objects have moved. Nothing was written.
    Stale(Vec<ObjectId>),
    /// A request failed.
    Failed {
        /// The object whose change failed, if it was one.
        object: Option<ObjectId>,
        /// Why.
        error: KeycloakError,
        /// Changes made before.
        done: usize,
    },
    /// A guard refuses the plan, and nobody waived it. Nothing was written.
    Refused,
    /// The run was stopped before its turn.
    NotStarted,
}

impl Outcome {
    /// How many tenants ended in a way.
    pub fn count(&self, way: impl Fn(&TenantOutcome) -> bool) -> usize {
        self.tenants.iter().filter(|(_, outcome)| way(outcome)).count()
    }
}

/// Executes a plan, `parallelism` realms at a time. `finished` is told of each tenant with the time that it took;
/// `stop` ends the run after the realms under way.
pub async fn apply(
    api: &impl WriteRealms,
    plan: &Plan,
    secrets: &Secrets,
    parallelism: usize,
    stop: &AtomicBool,
    finished: impl Fn(&TenantPlan, &TenantOutcome),
) -> Outcome {
    let finished = &finished;
    let refused = plan.refused().next().is_some();
    let work = plan.tenants.iter().filter(|tenant| !tenant.is_empty());
    let runs = futures_util::stream::iter(work.map(|tenant| async move {
        let outcome = if refused {
            TenantOutcome::Refused
        } else if stop.load(Ordering::Relaxed) {
            TenantOutcome::NotStarted
        } else {
            apply_tenant(api, tenant, secrets).await
        };
        finished(tenant, &outcome);
        (tenant.tenant.clone(), outcome)
    }));
    let mut tenants: Vec<(String, TenantOutcome)> = runs.buffer_unordered(parallelism.max(1)).collect().await;
    let order: BTreeMap<&str, usize> =
        (0..).zip(&plan.tenants).map(|(at, tenant)| (tenant.tenant.as_str(), at)).collect();
    tenants.sort_by_key(|(tenant, _)| order.get(tenant.as_str()).copied());
    Outcome { tenants }
}

async fn apply_tenant(api: &impl WriteRealms, plan: &TenantPlan, secrets: &Secrets) -> TenantOutcome {
    let failed = |error| TenantOutcome::Failed { object: None, error, done: 0 };
    if plan.is_birth() {
        return match give_birth(api, plan, secrets).await {
            Ok(true) => TenantOutcome::Born,
            Ok(false) => TenantOutcome::Stale(vec![ObjectId::realm()]),
            Err(error) => failed(error),
        };
    }
    let observed = match observe(api, &plan.tenant, &planned_users(&plan.changes)).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return TenantOutcome::Stale(vec![ObjectId::realm()]),
        Err(error) => return failed(error),
    };
    let moved = moved(plan, &observed);
    if !moved.is_empty() {
        return TenantOutcome::Stale(moved);
    }
    let mut writer = Writer::new(api, &plan.tenant, &observed, secrets);
    match writer.write(plan).await {
        Ok(()) => TenantOutcome::Changed(plan.changes.len().max(1)),
        Err((object, error)) => TenantOutcome::Failed { object, error, done: writer.done },
    }
}

/// Creates the realm. `false`: another one of that name came first.
async fn give_birth(api: &impl WriteRealms, plan: &TenantPlan, secrets: &Secrets) -> Result<bool, KeycloakError> {
    let Some(body) = plan.changes.first().and_then(|change| change.body.as_ref()) else { return Ok(false) };
    let revealed = writer::reveal(secrets, body, "POST", "/admin/realms")?;
    if api.create_realm(&revealed).await? == Birth::Born {
        return Ok(true);
    }
    // A birth whose answer was lost may have been sent twice: it is ours if it carries this very marker.
    let found = observe(api, &plan.tenant, &planned_users(&[])).await?;
    let marker = body["attributes"][MARKER].as_str();
    Ok(found.is_some_and(|found| found.marker().is_some() && found.marker() == marker))
}

/// The objects that are no longer what the plan relies on.
fn moved(plan: &TenantPlan, observed: &RealmState) -> Vec<ObjectId> {
    let shut = Quarantine::of(observed).is_some();
    if shut || observed.marker().map(applied::digest) != plan.recorded {
        return vec![ObjectId::realm()];
    }
    let holds = |change: &Change| match (change.action, observed.get(&change.object)) {
        (Action::Create, found) => found.is_none(),
        (Action::Forget, found) => found.is_none() || change.object.kind.is_permanent(&change.object.key),
        (Action::Adopt, found) => found.is_some(),
        (Action::Update, Some(found)) => {
            change.relies_on.as_ref() == Some(&relied_on(found, change.fields.iter().map(|field| field.path.as_str())))
        }
        (Action::Delete, Some(found)) => change.relies_on.as_ref() == Some(&relied_on_whole(&change.object, found)),
        (Action::Update | Action::Delete, None) => false,
    };
    plan.changes.iter().filter(|change| !holds(change)).map(|change| change.object.clone()).collect()
}
