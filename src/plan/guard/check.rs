//! What guards look at: counts, protection, seats.

use std::collections::{BTreeMap, BTreeSet};

use super::{GUARDS, LICENCE_BELOW_USE, MASTER, PROTECTED, Refusal};
use crate::expand::Desired;
use crate::manifest::guards::{Counted, Limit, Limits, Scope};
use crate::plan::{Action, Plan, TenantPlan, licence};
use crate::state::seats::SEAT;
use crate::state::secret::Secrets;
use crate::state::{Applied, Fields, Kind, ObjectId, Protection, RealmState, State, applied, sealed};

/// How many users hold a seat, by tenant and product.
pub type InUse = BTreeMap<(String, String), u64>;

/// Everything that a plan is refused for.
pub fn check(plan: &Plan, desired: &[Desired], observed: &State, in_use: &InUse, limits: &Limits) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let declared: BTreeMap<&str, &Desired> = desired.iter().map(|tenant| (tenant.name.as_str(), tenant)).collect();
    let mut counts = Vec::new();
    for tenant in &plan.tenants {
        if tenant.tenant.eq_ignore_ascii_case("master") {
            refusals.push(Refusal::new(MASTER, Some(&tenant.tenant), "the plan is about Keycloak's own realm"));
        }
        let Some(found) = observed.get(&tenant.tenant) else { continue };
        let wanted = declared.get(tenant.tenant.as_str()).copied();
        counts.push((tenant, managed(wanted, found)));
        refusals.extend(protected(tenant, wanted, found));
        refusals.extend(below_use(tenant, found, in_use));
    }
    for limit in &limits.thresholds {
        refusals.extend(exceeded(limit, &counts));
    }
    refusals
}

/// How many objects of a realm are managed and there.
fn managed(wanted: Option<&Desired>, found: &RealmState) -> usize {
    if found.is_as_declared() {
        // As it was compared: all that is wanted is there, and nothing else was applied.
        return wanted.map_or(0, |wanted| wanted.state.objects.len());
    }
    let applied = found.applied();
    let ours = |id: &&ObjectId| {
        applied.fields(id).is_some() || wanted.is_some_and(|wanted| wanted.state.objects.contains_key(*id))
    };
    found.objects.keys().filter(ours).count()
}

/// The places in which a threshold is passed.
fn exceeded(limit: &Limit, counts: &[(&TenantPlan, usize)]) -> Vec<Refusal> {
    let action = match limit.counted {
        Counted::Deletions => Action::Delete,
        Counted::Updates => Action::Update,
    };
    let mut places: BTreeMap<Option<&str>, (usize, usize)> = BTreeMap::new();
    for (tenant, objects) in counts {
        let place = match limit.scope {
            Scope::Realm => Some(tenant.tenant.as_str()),
            Scope::Distributor => Some(tenant.path.first().unwrap_or(&tenant.tenant).as_str()),
            Scope::Run => None,
        };
        let (changed, all) = places.entry(place).or_default();
        // What others put into a deleted object goes with it.
        let along = if action == Action::Delete { tenant.going().count() } else { 0 };
        *changed += tenant.changes.iter().filter(|change| change.action == action).count() + along;
        *all += objects + along;
    }
    let guard = GUARDS.iter().find(|guard| guard.counts == Some((limit.scope, limit.counted)));
    let name = guard.map_or("", |guard| guard.name);
    places
        .into_iter()
        .filter_map(|(place, (changed, all))| Some(Refusal::new(name, place, too_many(limit, changed, all)?)))
        .collect()
}

/// What is too much about `changed` of `all` objects.
fn too_many(limit: &Limit, changed: usize, all: usize) -> Option<String> {
    let number = limit.number.value.filter(|most| changed > *most as usize);
    let share = (all >= limit.from.value as usize && changed * 100 > all * limit.share.value as usize)
        .then_some(limit.share.value);
    let bound = match (share, number) {
        (Some(share), Some(number)) => format!("at most {share} % and {number} pass"),
        (Some(share), None) => format!("at most {share} % pass"),
        (None, Some(number)) => format!("at most {number} pass"),
        (None, None) => return None,
    };
    let what = match limit.counted {
        Counted::Deletions => "deleted",
        Counted::Updates => "updated",
    };
    let objects = if all == 1 { "object" } else { "objects" };
    Some(format!("{changed} of {all} {objects} would be {what} ({} %); {bound}", changed * 100 / all.max(1)))
}

/// Protected objects that would be deleted: protected by the manifest, or when the realm was last applied.
fn protected(tenant: &TenantPlan, wanted: Option<&Desired>, found: &RealmState) -> Option<Refusal> {
    let now = wanted.map(|wanted| wanted.protection.clone()).unwrap_or_default();
    let before = Protection::of(found);
    let both = now.and(&before);
    let deleted: BTreeSet<&ObjectId> =
        tenant.changes.iter().filter(|change| change.action == Action::Delete).map(|change| &change.object).collect();
    // What belongs to an object goes with it, whoever put it there.
    let along = found.objects.keys().filter(|id| deleted.iter().any(|owner| id.is_within(owner)));
    let all: BTreeSet<&ObjectId> = along.chain(deleted.iter().copied()).collect();
    let hits: Vec<&ObjectId> = all.into_iter().filter(|id| both.covers(id).is_some()).collect();
    if hits.is_empty() {
        return None;
    }
    let names: Vec<String> = hits.iter().map(ToString::to_string).collect();
    let verb = if hits.len() == 1 { "is" } else { "are" };
    let until = if hits.iter().all(|id| now.covers(id).is_none()) { " until this plan is applied" } else { "" };
    let message = format!("{} would be deleted and {verb} protected{until}", names.join(", "));
    Some(Refusal::new(PROTECTED, Some(&tenant.tenant), message))
}

/// Products whose seats would be fewer than the users that hold one.
fn below_use(tenant: &TenantPlan, found: &RealmState, in_use: &InUse) -> Vec<Refusal> {
    let refusal = |cut: Cut| {
        let used = *in_use.get(&(tenant.tenant.clone(), cut.product.clone()))?;
        let users = if used == 1 { "user holds" } else { "users hold" };
        let seats = if cut.after == 1 { "seat" } else { "seats" };
        let message = format!(
            "{} would have {} {seats} instead of {}, and {used} {users} one; {} too many",
            cut.product,
            cut.after,
            cut.before.map_or_else(|| "what was changed by hand".to_owned(), |before| before.to_string()),
            used.checked_sub(cut.after)?
        );
        (used > cut.after).then(|| Refusal::new(LICENCE_BELOW_USE, Some(&tenant.tenant), message))
    };
    cuts(tenant, found).into_iter().filter_map(refusal).collect()
}

/// A product whose seats become fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The product.
    pub product: String,
    /// Its seats as last applied; none where what says so was changed by hand.
    pub before: Option<u64>,
    /// Its seats then.
    pub after: u64,
}

/// The products that have fewer seats after a plan, or may have: of these, the holders have to be counted before it can be
/// judged. What the realm says is believed as far as it is what was last applied.
pub fn cuts(tenant: &TenantPlan, found: &RealmState) -> Vec<Cut> {
    let (last, next) = (found.applied(), tenant.record.as_deref().map(Applied::parse));
    let (Some(next), Some(now)) = (next, found.realm()) else { return Vec::new() };
    let (was, will) = (terms(&last), terms(&next));
    if was == will {
        return Vec::new();
    }
    let realm = tenant.changes.iter().find(|change| change.object == ObjectId::realm());
    let changed = |path: &str| realm?.fields.iter().find(|field| field.path == path)?.after.clone();
    let then =
        will.keys().filter_map(|path| Some((path.clone(), changed(path).or_else(|| now.fields.get(path).cloned())?)));
    let then: Fields = then.collect();
    let recorded = |path: &str| last.is_empty() || was.contains_key(path);
    let now: Fields = now
        .fields
        .iter()
        .filter(|(path, _)| recorded(path))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    let hash = |path: &str| now.get(path).map(|value| applied::hash(value, &Secrets::default()));
    let moved: BTreeSet<Option<&str>> = was
        .iter()
        .filter(|(path, last)| hash(path).as_ref() != Some(last))
        .map(|(path, _)| product(path, &then, &now))
        .collect();
    let (before, after) = (seats(&now), seats(&then));
    let mut products: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    if moved.contains(&None) {
        // Of whichever product it was: of one that has seats here.
        let roles = found.of_kind(Kind::ClientRole).map(|(id, _)| id.owner_and_name());
        products.extend(roles.filter(|(_, name)| *name == SEAT).map(|(product, _)| product));
    }
    let cut = |product: String| {
        let of = |seats: &BTreeMap<String, u64>| seats.get(&product).copied().unwrap_or_default();
        let unknown = moved.contains(&None) || moved.contains(&Some(product.as_str()));
        let (before, after) = ((!unknown).then_some(of(&before)), of(&after));
        Cut { product, before, after }
    };
    products.into_iter().map(cut).filter(|cut| cut.before.is_none_or(|before| cut.after < before)).collect()
}

/// What a marker has of licences and grants.
fn terms(applied: &Applied) -> BTreeMap<String, String> {
    let fields = applied.fields(&ObjectId::realm()).into_iter().flatten();
    let fields = fields.filter(|(path, _)| sealed::term(path).is_some() || sealed::granted(path).is_some());
    fields.map(|(path, hash)| (path.clone(), hash.clone())).collect()
}

/// The product that a licence or a grant is about, as far as it is known.
fn product<'a>(path: &'a str, then: &'a Fields, now: &'a Fields) -> Option<&'a str> {
    let Some((serial, _)) = sealed::term(path) else { return sealed::granted(path) };
    let field = format!("attributes.licence.{serial}.product");
    then.get(&field).or_else(|| now.get(&field))?.as_str()
}

/// The seats of each product, by the licences and the grants among a realm's attributes.
fn seats(fields: &Fields) -> BTreeMap<String, u64> {
    let mut seats = BTreeMap::new();
    for terms in licence::held(fields).values() {
        let Some(product) = terms.get("product") else { continue };
        let held = terms.get("seats").and_then(|seats| seats.parse::<u64>().ok());
        *seats.entry((*product).to_owned()).or_default() += held.unwrap_or(0);
    }
    for (path, value) in fields {
        let amount = value.as_str().and_then(|amount| amount.parse::<u64>().ok());
        if let (Some(resource), Some(amount)) = (sealed::granted(path), amount) {
            *seats.entry(resource.to_owned()).or_default() += amount;
        }
    }
    seats
}
