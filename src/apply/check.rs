//! What a plan relies on, object by object: which of its changes hold, which are done already, which are refused.
//!
//! Pure. A change holds when its object is what the plan was made from, or on the way from there to what the plan makes
//! of it, as a killed run leaves it. What depends on a refused change is refused with it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::plan::diff::{relied_on, relied_on_whole};
use crate::plan::needs::{Link, flow, needs, opens, owner};
use crate::plan::{Action, Change, FieldChange, TenantPlan};
use crate::state::applied::BEGUN;
use crate::state::kind::Class;
use crate::state::{Applied, Kind, Object, ObjectId, Quarantine, RealmState, applied, same};

/// An object whose change was refused: it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The object.
    pub object: ObjectId,
    /// What has moved.
    pub reason: Moved,
}

/// What has moved since the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It was to be made, and is there already: somebody else made it.
    Exists,
    /// It is not there any more.
    Gone,
    /// It was changed; the fields, where that can be told.
    Changed(Vec<String>),
    /// The marker says something else of it: another run was here, or somebody changed the marker.
    Recorded,
    /// It could not be read when the plan was made: what differs in it was never planned.
    Readable,
    /// Its realm was put into quarantine.
    Quarantined,
    /// It needs an object that is not there, or that is refused itself.
    Needs(ObjectId),
    /// It was to be removed, and an object that stays depends on it.
    Keeps(ObjectId),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.object)?;
        match &self.reason {
            Moved::Exists => f.write_str("is there already: it was made outside this plan"),
            Moved::Gone => f.write_str("is not there any more"),
            Moved::Changed(fields) if fields.is_empty() => f.write_str("was changed"),
            Moved::Changed(fields) => write!(f, "was changed: {}", fields.join(", ")),
            Moved::Recorded => f.write_str("is recorded otherwise by now: another run was here"),
            Moved::Readable => f.write_str("could not be read when the plan was made, and was not compared"),
            Moved::Quarantined => f.write_str("is in a realm that was put into quarantine"),
            Moved::Needs(other) => write!(f, "needs {other}, which is refused or not there"),
            Moved::Keeps(other) => write!(f, "can't go, because {other} depends on it and stays"),
        }
    }
}

/// What may be done of a plan for one realm.
pub(super) struct Checked {
    /// The changes that are still to be made, and the marker that says what is applied then.
    pub(super) plan: TenantPlan,
    /// Changes that count as made, those among them that were made before.
    pub(super) good: usize,
    pub(super) refused: Vec<Refused>,
}

/// What a realm says while this plan is applied to it.
pub(super) fn begun(plan: &TenantPlan) -> String {
    applied::digest(&serde_json::to_string(&plan.changes).unwrap_or_default())
}

/// Whether a run of this very plan began to change the realm, and did not end.
pub(super) fn has_begun(plan: &TenantPlan, observed: &RealmState) -> bool {
    let said = observed.realm().and_then(|realm| realm.raw.get("attributes")?.get(BEGUN)?.as_str());
    said.is_some_and(|said| said == begun(plan))
}

/// Holds a plan against its realm as it is now.
pub(super) fn check(plan: &TenantPlan, observed: &RealmState) -> Checked {
    let before = observed.applied();
    let desired = plan.record.as_deref().map_or_else(|| before.clone(), Applied::parse);
    let now = observed.marker().map(applied::digest);
    let unmoved = now == plan.recorded;
    // Without the record of what is ours, or with that of another environment, nothing of the plan holds.
    let lost = before.is_empty() && !unmoved && plan.recorded.is_some();
    let lost = lost || (!before.is_empty() && before.environment() != desired.environment());
    let whole =
        if Quarantine::of(observed).is_some() { Some(Moved::Quarantined) } else { lost.then_some(Moved::Recorded) };
    let begun = has_begun(plan, observed);
    let mut verdicts: BTreeMap<&ObjectId, Result<Option<Change>, Moved>> = BTreeMap::new();
    for change in &plan.changes {
        let recorded = before.digest_of(&change.object);
        let other = recorded != change.recorded && recorded != desired.digest_of(&change.object);
        let found = observed.get(&change.object);
        let verdict = match &whole {
            Some(reason) => Err(reason.clone()),
            None if other => Err(Moved::Recorded),
            None => {
                let ours = begun || (recorded.is_some() && recorded == desired.digest_of(&change.object));
                holds(change, found, &desired, ours)
            }
        };
        verdicts.insert(&change.object, verdict);
    }
    refuse_dependants(plan, observed, &mut verdicts);
    let done = |id: &ObjectId| verdicts.get(id).map_or(unmoved && whole.is_none(), Result::is_ok);
    let marker = Applied::after(&before, &desired, done).to_text();
    let mut refused: Vec<Refused> = plan
        .changes
        .iter()
        .filter_map(|change| match &verdicts[&change.object] {
            Err(reason) => Some(Refused { object: change.object.clone(), reason: reason.clone() }),
            Ok(_) => None,
        })
        .collect();
    let good = plan.changes.len() - refused.len();
    if plan.changes.is_empty() && !unmoved && plan.record.as_deref() != observed.marker() {
        refused.push(Refused { object: ObjectId::realm(), reason: Moved::Recorded });
    }
    let changes = plan.changes.iter().filter_map(|change| verdicts[&change.object].clone().ok().flatten());
    let plan = TenantPlan {
        changes: changes.collect(),
        record: (plan.record.is_some() && observed.marker() != Some(marker.as_str())).then_some(marker),
        recorded: now,
        ..plan.clone()
    };
    Checked { plan, good, refused }
}

/// What is left to do of a change: nothing, when it is done already. What is to be made must not be there, unless a run of
/// this plan made it: then it is `ours`.
fn holds(change: &Change, found: Option<&Object>, desired: &Applied, ours: bool) -> Result<Option<Change>, Moved> {
    let id = &change.object;
    let still = |digest: String| change.relies_on.as_ref() == Some(&digest);
    match (change.action, found) {
        (Action::Create, None) | (Action::Forget, _) => Ok(Some(change.clone())),
        (Action::Create, Some(found)) if ours => created(change, found).ok_or(Moved::Exists),
        (Action::Create, Some(_)) => Err(Moved::Exists),
        (Action::Delete, None) => Ok(None),
        (Action::Update | Action::Adopt, None) => Err(Moved::Gone),
        (Action::Delete, Some(found)) if still(relied_on_whole(id, found)) => Ok(Some(change.clone())),
        (Action::Delete, Some(_)) => Err(Moved::Changed(Vec::new())),
        (Action::Update, Some(found)) => updated(change, found),
        (Action::Adopt, Some(found)) => {
            let paths = desired.fields(id).into_iter().flat_map(|fields| fields.keys());
            let same = still(relied_on(found, paths.map(String::as_str)));
            if same { Ok(Some(change.clone())) } else { Err(Moved::Changed(Vec::new())) }
        }
    }
}

/// An object that was to be made and is there as it was to be, but for references, which a killed run makes later.
/// One with secrets is not taken for ours, because they can't be compared.
fn created(change: &Change, found: &Object) -> Option<Option<Change>> {
    let kind = change.object.kind;
    let mut fields = Vec::new();
    for (path, wanted) in change.created() {
        let there = found.fields.get(&path);
        match kind.class_of_path(&path) {
            Class::Initial => {}
            Class::WriteOnly if !kind.is_vaulted(&path, Some(&wanted)) => return None,
            _ if same(Some(&wanted), there) => {}
            Class::Links | Class::Memberships if between(None, there, Some(&wanted)) => {
                fields.push(FieldChange { path, before: there.cloned(), after: Some(wanted), cause: change.cause });
            }
            _ => return None,
        }
    }
    let rest = Change { action: Action::Update, body: None, fields, ..change.clone() };
    Some((!rest.fields.is_empty()).then_some(rest))
}

fn updated(change: &Change, found: &Object) -> Result<Option<Change>, Moved> {
    let paths = change.fields.iter().map(|field| field.path.as_str());
    if change.relies_on.as_ref() == Some(&relied_on(found, paths)) {
        return Ok(Some(change.clone()));
    }
    let kind = change.object.kind;
    let mut rest = change.clone();
    let mut moved = Vec::new();
    rest.fields.retain_mut(|field| {
        let class = kind.class_of_path(&field.path);
        if !kind.shows(&field.path, field.after.as_ref()) {
            return true;
        }
        let there = found.fields.get(&field.path);
        if same(there, field.after.as_ref()) {
            return false;
        }
        let linked = class == Class::Links && between(field.before.as_ref(), there, field.after.as_ref());
        if !same(there, field.before.as_ref()) && !linked {
            moved.push(field.path.clone());
        }
        field.before = there.cloned();
        true
    });
    if moved.is_empty() { Ok((!rest.fields.is_empty()).then_some(rest)) } else { Err(Moved::Changed(moved)) }
}

/// True for a list of references that is on the way from one to the other.
fn between(before: Option<&Value>, there: Option<&Value>, after: Option<&Value>) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (before, there, after) = (list(before), list(there), list(after));
    there.iter().all(|item| before.contains(item) || after.contains(item))
        && before.iter().all(|item| there.contains(item) || !after.contains(item))
}

/// Refuses what depends on refused changes, until nothing more does.
fn refuse_dependants<'p>(
    plan: &'p TenantPlan,
    observed: &RealmState,
    verdicts: &mut BTreeMap<&'p ObjectId, Result<Option<Change>, Moved>>,
) {
    loop {
        let mut also = Vec::new();
        for change in plan.changes.iter().filter(|change| verdicts[&change.object].is_ok()) {
            let reason = match change.action {
                Action::Create | Action::Update => needs(change, plan, observed)
                    .into_iter()
                    .find(|other| !available(other, plan, observed, verdicts))
                    .or_else(|| closed(&change.object, plan, verdicts))
                    .map(Moved::Needs),
                Action::Delete => keeper(&change.object, plan, observed, verdicts).map(Moved::Keeps),
                Action::Adopt | Action::Forget => None,
            };
            also.extend(reason.map(|reason| (&change.object, reason)));
        }
        if also.is_empty() {
            return;
        }
        verdicts.extend(also.into_iter().map(|(id, reason)| (id, Err(reason))));
    }
}

type Verdicts<'p> = BTreeMap<&'p ObjectId, Result<Option<Change>, Moved>>;

/// True when an object is there, or will be, as the plan relies on it.
fn available(id: &ObjectId, plan: &TenantPlan, observed: &RealmState, verdicts: &Verdicts<'_>) -> bool {
    let made = plan.changes.iter().find(|change| change.object == *id && change.action == Action::Create);
    match made {
        Some(change) => verdicts[&change.object].is_ok(),
        None => observed.get(id).is_some() || id.kind == Kind::User || id.kind.is_built_in(&id.key),
    }
}

/// The object whose switch an object is behind, where turning that on is refused.
fn closed(id: &ObjectId, plan: &TenantPlan, verdicts: &Verdicts<'_>) -> Option<ObjectId> {
    let mut openers = plan.changes.iter().filter(|other| opens(other, id)).map(|other| &other.object);
    openers.find(|owner| verdicts[owner].is_err()).cloned()
}

/// An object that keeps another from being removed: one within it, or one that refers to it, and that stays.
fn keeper(id: &ObjectId, plan: &TenantPlan, observed: &RealmState, verdicts: &Verdicts<'_>) -> Option<ObjectId> {
    let goes = |other: &ObjectId| {
        let deleted = |change: &Change| change.object == *other && change.action == Action::Delete;
        plan.changes.iter().any(|change| deleted(change) && verdicts[other].is_ok())
    };
    let known = |other: &ObjectId, object: &Object| {
        plan.foreign.contains(other) || other.kind.is_made_by_keycloak(&other.key, &object.fields)
    };
    let within = |other: &ObjectId, object: &Object| {
        owner(other, plan, observed).as_ref() == Some(id) && !known(other, object) && !goes(other)
    };
    let refers = |other: &ObjectId, object: &Object| {
        let links = Link::of(other, object.fields.iter().map(|(path, value)| (path.as_str(), None, Some(value))));
        verdicts.get(other).is_some_and(Result::is_err)
            && (links.into_iter().filter_map(Link::added).any(|target| target == *id)
                || object.fields.iter().any(|(path, value)| flow(other.kind, path, Some(value)).as_ref() == Some(id)))
    };
    let goes_along = |other: &ObjectId| other.kind == Kind::Authorization || other.is_service_account();
    let mut objects = observed.objects.iter().filter(|(other, _)| !goes_along(other));
    objects.find(|(other, object)| within(other, object) || refers(other, object)).map(|(other, _)| other.clone())
}
