//! Executing a plan: tenants in parallel, each realm by one writer, each change as the plan says or not at all.
//!
//! Before anything is written to a realm, what its changes rely on is read again; an object that has moved is refused,
//! with what depends on it. The marker is written last and says only what was done, so that a run that is killed
//! anywhere is finished by running it again.

mod begin;
mod check;
mod flows;
mod lease;
mod links;
mod parts;
mod people;
mod policies;
pub mod quarantine;
mod realm;
mod writer;

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;

use crate::keycloak::fleet::in_turn;
use crate::keycloak::observe::{Users, planned_users};
use crate::keycloak::{Birth, Fault, KeycloakError, WriteRealms, observe};
use crate::plan::diff::diff;
use crate::plan::order::order;
use crate::plan::{Change, Plan, TenantPlan};
use crate::state::applied::{MARKER, digest};
use crate::state::kind::LEASE;
use crate::state::secret::Secrets;
use crate::state::{Applied, Kind, ObjectId, RealmState};
use check::Checked;
pub use check::{Moved, Refused};
pub use lease::Holder;
use lease::Leased;
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
    /// Its realm was as the plan makes it already: nothing was written.
    Unchanged,
    /// Some of its objects have moved since the plan was made: those were refused, the rest was done.
    Partly {
        /// Changes made.
        done: usize,
        /// What was refused.
        refused: Vec<Refused>,
    },
    /// Its realm is not what the plan was made from: these objects have moved. Nothing was written.
    Stale(Vec<Refused>),
    /// A request failed.
    Failed {
        /// The object whose change failed, if it was one.
        object: Option<ObjectId>,
        /// Why.
        error: KeycloakError,
        /// Changes made before.
        done: usize,
        /// Objects that were refused because they have moved.
        refused: Vec<Refused>,
    },
    /// A guard refuses the plan, and nobody waived it. Nothing was written.
    Refused,
    /// The run was stopped before its turn.
    NotStarted,
}

/// How much is refused where something has moved since the plan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStale {
    /// The object, and what depends on it.
    #[default]
    Object,
    /// Its realm.
    Realm,
    /// Everything: all realms are checked before anything is written anywhere.
    Run,
}

impl Outcome {
    /// How many tenants ended in a way.
    pub fn count(&self, way: impl Fn(&TenantOutcome) -> bool) -> usize {
        self.tenants.iter().filter(|(_, outcome)| way(outcome)).count()
    }
}

/// How a plan is executed.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Realms to work on at a time.
    pub parallelism: usize,
    /// How much is refused where something has moved.
    pub on_stale: OnStale,
    /// Whether the plan is saved, and may be applied again after a run that was killed: each realm is told that it has
    /// begun, before anything is made there.
    pub saved: bool,
    /// Who writes, as the leases of realms say.
    pub holder: Holder,
}

/// Executes a plan. `finished` is told of each tenant with the time that it took;
/// `stop` ends the run after the realms under way.
pub async fn apply(
    api: &impl WriteRealms,
    plan: &Plan,
    secrets: &Secrets,
    manner: Manner,
    stop: &AtomicBool,
    finished: impl Fn(&TenantPlan, &TenantOutcome),
) -> Outcome {
    let finished = &finished;
    let (parallelism, on_stale) = (manner.parallelism, manner.on_stale);
    let refused = plan.refused().next().is_some();
    if on_stale == OnStale::Run && !refused {
        let moved = each(api, plan, parallelism, async |tenant| rehearse(api, tenant).await).await;
        if moved.iter().any(|(_, outcome)| *outcome != TenantOutcome::NotStarted) {
            let tenants = plan.tenants.iter().filter(|tenant| !tenant.is_empty());
            tenants.zip(&moved).for_each(|(tenant, (_, outcome))| finished(tenant, outcome));
            return Outcome { tenants: moved };
        }
    }
    let tenants = each(api, plan, parallelism, async |tenant| {
        let outcome = if refused {
            TenantOutcome::Refused
        } else if stop.load(Ordering::Relaxed) {
            TenantOutcome::NotStarted
        } else {
            apply_tenant(api, tenant, secrets, &manner).await
        };
        finished(tenant, &outcome);
        outcome
    });
    Outcome { tenants: tenants.await }
}

/// Does something for each tenant that has something to do; what came of it in the order of the plan.
async fn each(
    api: &impl WriteRealms,
    plan: &Plan,
    parallelism: usize,
    work: impl AsyncFn(&TenantPlan) -> TenantOutcome,
) -> Vec<(String, TenantOutcome)> {
    let work = &work;
    let tenants = plan.tenants.iter().filter(|tenant| !tenant.is_empty()).enumerate();
    let runs = in_turn(
        api,
        tenants,
        |(_, tenant)| &tenant.tenant,
        parallelism,
        |(place, tenant)| async move { (place, tenant.tenant.clone(), work(tenant).await) },
    );
    let mut all: Vec<_> = runs.collect().await;
    all.sort_unstable_by_key(|(place, ..)| *place);
    all.into_iter().map(|(_, tenant, outcome)| (tenant, outcome)).collect()
}

/// What would be refused: `NotStarted` when nothing would.
async fn rehearse(api: &impl WriteRealms, plan: &TenantPlan) -> TenantOutcome {
    match found(api, plan).await {
        Ok(None) if plan.is_birth() => TenantOutcome::NotStarted,
        Ok(Some(found)) if plan.is_birth() && is_born(plan, found.marker()) => TenantOutcome::NotStarted,
        Ok(Some(found)) if !plan.is_birth() => match check::check(plan, &found).refused {
            refused if refused.is_empty() => TenantOutcome::NotStarted,
            refused => TenantOutcome::Stale(refused),
        },
        Ok(_) => TenantOutcome::Stale(vec![of_realm(plan)]),
        Err(KeycloakError { fault: Fault::Refused { .. }, .. }) if plan.is_birth() => {
            TenantOutcome::Stale(vec![of_realm(plan)])
        }
        Err(error) => failed(error),
    }
}

async fn apply_tenant(api: &impl WriteRealms, plan: &TenantPlan, secrets: &Secrets, manner: &Manner) -> TenantOutcome {
    if plan.is_birth() {
        return match give_birth(api, plan, secrets).await {
            Ok(born @ (TenantOutcome::Born | TenantOutcome::Unchanged)) => after_birth(api, plan, secrets, born).await,
            Ok(other) => other,
            Err(error) => failed(error),
        };
    }
    if manner.saved
        && let Err(outcome) = look(api, plan, manner, false).await
    {
        // Nothing is written where there is nothing to write.
        return outcome;
    }
    let names = [Some(plan.tenant.as_str()), plan.other_name()];
    for name in names.into_iter().flatten() {
        match Leased::take(api, name, &manner.holder).await {
            Ok(Some(leased)) => {
                let outcome = change(&leased, plan, secrets, manner).await;
                leased.release(&names).await;
                let was_left = plan.changes.iter().any(|change| change.object == lease());
                return if was_left && outcome == TenantOutcome::Unchanged {
                    TenantOutcome::Changed(1)
                } else {
                    outcome
                };
            }
            Ok(None) => {}
            Err(error) => return failed(error),
        }
    }
    TenantOutcome::Stale(vec![of_realm(plan)])
}

/// What somebody left who was killed while writing; whoever takes the lease removes it.
fn lease() -> ObjectId {
    ObjectId::new(Kind::RealmRole, LEASE)
}

/// A realm as it is now, and what of its plan still holds; or what came of it, as nothing is to be written. Where its lease
/// is held, one that was left there is gone.
async fn look(
    api: &impl WriteRealms,
    plan: &TenantPlan,
    manner: &Manner,
    held: bool,
) -> Result<(RealmState, Checked), TenantOutcome> {
    let mut observed = match found(api, plan).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return Err(TenantOutcome::Stale(vec![of_realm(plan)])),
        Err(error) => return Err(failed(error)),
    };
    if plan.is_unknown() {
        return Err(TenantOutcome::Stale(vec![Refused { object: ObjectId::realm(), reason: Moved::Readable }]));
    }
    if held {
        observed.objects.remove(&lease());
    }
    let checked = check::check(plan, &observed);
    let other_name = observed.name().filter(|name| *name != plan.tenant);
    let lost = other_name.is_some() && plan.other_name() != other_name;
    if !checked.refused.is_empty() && (checked.good == 0 || lost || manner.on_stale != OnStale::Object) {
        return Err(TenantOutcome::Stale(checked.refused));
    }
    let nothing = checked.plan.changes.is_empty() && checked.plan.record.is_none() && checked.refused.is_empty();
    if nothing && other_name.is_none() && observed.get(&lease()).is_none() {
        return Err(TenantOutcome::Unchanged);
    }
    Ok((observed, checked))
}

/// Changes a realm that nobody else writes to.
async fn change(api: &impl WriteRealms, planned: &TenantPlan, secrets: &Secrets, manner: &Manner) -> TenantOutcome {
    let (observed, Checked { plan, good, refused }) = match look(api, planned, manner, true).await {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    let begins = (manner.saved && !check::has_begun(planned, &observed)).then(|| check::begun(planned));
    if let Some(other) = observed.name().filter(|name| *name != plan.tenant)
        && let Err(error) = realm::rename(api, other, &plan.tenant).await
    {
        return failed(error);
    }
    if plan.changes.is_empty() && plan.record.is_none() && refused.is_empty() {
        return TenantOutcome::Unchanged;
    }
    let (plan, observed) = match begin::begin(api, plan, observed, secrets, begins).await {
        Ok(begun) => begun,
        Err(error) => {
            return TenantOutcome::Failed { object: Some(ObjectId::realm()), error, done: 0, refused };
        }
    };
    let mut writer = Writer::new(api, &plan.tenant, &observed, secrets);
    match writer.write(&plan).await {
        Ok(()) if refused.is_empty() => TenantOutcome::Changed(good),
        Ok(()) => TenantOutcome::Partly { done: good, refused },
        Err((object, error)) => TenantOutcome::Failed { object, error, done: writer.done, refused },
    }
}

/// The realm of a plan as it is now; under the name that somebody gave it, where the plan takes that back.
async fn found(api: &impl WriteRealms, plan: &TenantPlan) -> Result<Option<RealmState>, KeycloakError> {
    let users = planned_users(plan);
    match (observe(api, &plan.tenant, &users).await?, plan.other_name()) {
        (None, Some(other)) => observe(api, other, &users).await,
        (found, _) => Ok(found),
    }
}

fn failed(error: KeycloakError) -> TenantOutcome {
    TenantOutcome::Failed { object: None, error, done: 0, refused: Vec::new() }
}

/// The realm itself is not as the plan has it: there, or not there.
fn of_realm(plan: &TenantPlan) -> Refused {
    let reason = if plan.is_birth() { Moved::Exists } else { Moved::Gone };
    Refused { object: ObjectId::realm(), reason }
}

/// Creates the realm, unless there is one of that name.
async fn give_birth(
    api: &impl WriteRealms,
    plan: &TenantPlan,
    secrets: &Secrets,
) -> Result<TenantOutcome, KeycloakError> {
    let other = TenantOutcome::Stale(vec![of_realm(plan)]);
    let Some(body) = plan.changes.first().and_then(|change| change.body.as_ref()) else { return Ok(other) };
    let revealed = writer::reveal(secrets, &body.document(), "POST", "/admin/realms")?;
    let ours = match api.create_realm(&revealed).await? {
        Birth::Born => return Ok(TenantOutcome::Born),
        Birth::Lost => TenantOutcome::Born,
        Birth::Existed => TenantOutcome::Unchanged,
    };
    let found = observe(api, &plan.tenant, &Users::default()).await?;
    Ok(if found.is_some_and(|found| is_born(plan, found.marker())) { ours } else { other })
}

/// A birth whose answer was lost may have been sent twice: a realm is ours if it carries this very marker, or the one that
/// follows it.
fn is_born(plan: &TenantPlan, marker: Option<&str>) -> bool {
    let body = plan.changes.first().map(Change::document).unwrap_or_default();
    let first = body["attributes"][MARKER].as_str();
    marker.is_some() && (first == marker || plan.record.as_deref() == marker)
}

/// Writes what no birth can bring. Keycloak made it with the realm: what it is by now, the plan could not know.
async fn after_birth(
    api: &impl WriteRealms,
    plan: &TenantPlan,
    secrets: &Secrets,
    born: TenantOutcome,
) -> TenantOutcome {
    let Some((_, later)) = plan.changes.split_first().filter(|(_, later)| !later.is_empty()) else { return born };
    let observed = match observe(api, &plan.tenant, &Users::default()).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return TenantOutcome::Stale(vec![of_realm(plan)]),
        Err(error) => return failed(error),
    };
    let ours = |id: &ObjectId| later.iter().any(|change| change.object == *id);
    let objects = plan.born().into_owned().objects.into_iter().filter(|(id, _)| ours(id)).collect();
    let difference = diff(&RealmState { objects, ..RealmState::default() }, &observed, &Applied::default(), secrets);
    let rest = TenantPlan {
        changes: order(difference.changes),
        record: plan.record.clone().filter(|record| observed.marker() != Some(record)),
        recorded: observed.marker().map(digest),
        ..plan.clone()
    };
    if rest.changes.is_empty() && rest.record.is_none() {
        return born;
    }
    let mut writer = Writer::new(api, &plan.tenant, &observed, secrets);
    match writer.write(&rest).await {
        Ok(()) if born == TenantOutcome::Unchanged => TenantOutcome::Changed(writer.done),
        Ok(()) => TenantOutcome::Born,
        Err((object, error)) => TenantOutcome::Failed { object, error, done: writer.done + 1, refused: Vec::new() },
    }
}
