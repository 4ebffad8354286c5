//! What a reviewer asks of a plan: how much happens, what is dangerous about it, and what is one thing done to many
//! tenants. Values only; [`render`](super::render) shows them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::risk::{Risk, risks};
use super::{Action, Cause, Change, Plan, TenantPlan};
use crate::state::{Kind, ObjectId};

/// From so many tenants on, the same change is told once for all of them.
const MANY: usize = 3;

/// A plan as a reviewer looks at it.
#[derive(Debug, Default)]
pub struct Review {
    /// How many of each sort are created, changed and deleted; of realms that are born, what is always told.
    pub counts: Vec<Count>,
    /// What must not be missed, the gravest first.
    pub risks: Vec<Risk>,
    /// Changes that many tenants have alike, those of the most tenants first.
    pub shared: Vec<Shared>,
    /// The changes that remain, by tenant in the order of the plan. Births have none.
    pub own: Vec<Vec<Change>>,
}

/// How many objects of a sort are created, changed and deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// What is counted, in the plural.
    pub name: String,
    /// Created.
    pub created: usize,
    /// Changed.
    pub changed: usize,
    /// Deleted.
    pub deleted: usize,
}

/// What some tenants have alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared {
    /// Indices of the tenants in the plan.
    pub tenants: Vec<usize>,
    /// The changes, the tenant's own name in them replaced by [`TENANT`] where they differ in nothing else.
    pub changes: Vec<Change>,
}

/// Stands for each tenant's own name.
pub const TENANT: &str = "<tenant>";

/// Looks at a plan.
pub fn review(plan: &Plan) -> Review {
    look(plan, false)
}

/// Looks at what was done by hand.
pub fn review_by_hand(plan: &Plan) -> Review {
    look(plan, true)
}

fn look(plan: &Plan, by_hand: bool) -> Review {
    let mut own: Vec<Vec<Change>> = plan.tenants.iter().map(own_changes).collect();
    let mut shared = BTreeMap::new();
    collect(plan, &mut own, &mut shared, |_, change| key(change));
    collect(plan, &mut own, &mut shared, |tenant, change| key(&general(tenant, change)));
    let mut shared: Vec<Shared> = shared.into_iter().map(|(tenants, changes)| Shared { tenants, changes }).collect();
    for group in &mut shared {
        group.changes = super::order::order(joined(std::mem::take(&mut group.changes)));
    }
    let own = own.into_iter().map(joined).collect();
    shared.sort_by_key(|group| std::cmp::Reverse(group.tenants.len()));
    Review { counts: counts(plan), risks: risks(plan, by_hand), shared, own }
}

/// The changes of a tenant, each field by itself: what many have alike is told once, whatever else is changed beside it.
fn own_changes(tenant: &TenantPlan) -> Vec<Change> {
    if tenant.is_birth() {
        return Vec::new();
    }
    let split = |change: &Change| -> Vec<Change> {
        match change.fields.as_slice() {
            [] => vec![change.clone()],
            fields => fields
                .iter()
                .map(|field| Change { cause: field.cause, fields: vec![field.clone()], ..change.clone() })
                .collect(),
        }
    };
    tenant.changes.iter().flat_map(split).collect()
}

/// The fields of an object as one change again.
fn joined(changes: Vec<Change>) -> Vec<Change> {
    let mut joined: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        let same = |other: &&mut Change| other.object == change.object && other.action == change.action;
        match joined.iter_mut().find(same).filter(|other| !other.fields.is_empty()) {
            Some(other) => {
                other.cause = if other.cause == change.cause { other.cause } else { Cause::Both };
                other.fields.extend(change.fields);
            }
            None => joined.push(change),
        }
    }
    joined
}

/// Moves what many tenants have alike, by some measure, out of their own changes.
fn collect(
    plan: &Plan,
    own: &mut [Vec<Change>],
    shared: &mut BTreeMap<Vec<usize>, Vec<Change>>,
    measure: impl Fn(&TenantPlan, &Change) -> String,
) {
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut measured: Vec<Vec<String>> = Vec::with_capacity(own.len());
    for (index, (tenant, changes)) in plan.tenants.iter().zip(&*own).enumerate() {
        let measures: Vec<String> = changes.iter().map(|change| measure(tenant, change)).collect();
        for measure in &measures {
            alike.entry(measure.clone()).or_default().push(index);
        }
        measured.push(measures);
    }
    alike.retain(|_, tenants| tenants.len() >= MANY);
    for (index, ((tenant, changes), measures)) in plan.tenants.iter().zip(own).zip(measured).enumerate() {
        let mut measures = measures.into_iter();
        changes.retain(|change| {
            let measured = measures.next().unwrap_or_default();
            let Some(tenants) = alike.get(&measured) else { return true };
            if tenants.first() == Some(&index) {
                let told = if key(change) == measured { change.clone() } else { general(tenant, change) };
                shared.entry(tenants.clone()).or_default().push(told);
            }
            false
        });
    }
}

/// What makes two changes the same: all of it but what was found and recorded beside it.
fn key(change: &Change) -> String {
    let bare = Change { relies_on: None, recorded: None, along: Default::default(), ..change.clone() };
    serde_json::to_string(&bare).unwrap_or_default()
}

/// A change with the tenant's own name replaced.
fn general(tenant: &TenantPlan, change: &Change) -> Change {
    let replaced = |value: &Option<Value>| value.as_ref().map(|value| without_name(value, &tenant.tenant));
    let body = change.body.as_ref().map(|body| without_name(&body.document(), &tenant.tenant).into());
    let mut change = Change { relies_on: None, body, ..change.clone() };
    for field in &mut change.fields {
        (field.before, field.after) = (replaced(&field.before), replaced(&field.after));
    }
    change
}

fn without_name(value: &Value, name: &str) -> Value {
    match value {
        Value::String(text) => replace_word(text, name, TENANT).into(),
        Value::Array(items) => items.iter().map(|item| without_name(item, name)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), without_name(value, name))).collect(),
        scalar => scalar.clone(),
    }
}

/// Exchanges a name for another where it stands alone, not as a part of a longer one.
pub(super) fn replace_word(text: &str, name: &str, other: &str) -> String {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(name) {
        let end = at + name.len();
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let alone = !before.is_some_and(part_of_name) && !rest[end..].starts_with(part_of_name);
        out.push_str(&rest[..at]);
        out.push_str(if alone { other } else { name });
        rest = &rest[end..];
    }
    out + rest
}

/// The sorts that are always told, with the kinds that they are.
const SORTS: [(&str, &[Kind]); 3] =
    [("clients", &[Kind::Client]), ("roles", &[Kind::RealmRole, Kind::ClientRole]), ("users", &[Kind::User])];

fn counts(plan: &Plan) -> Vec<Count> {
    let mut kinds: BTreeMap<Kind, Count> = BTreeMap::new();
    let mut realms = Count { name: "realms".into(), ..Count::default() };
    let mut licences = Count { name: "licences".into(), ..Count::default() };
    let mut seats = Count { name: "seats".into(), ..Count::default() };
    for tenant in plan.tenants.iter().filter(|tenant| !tenant.is_empty()) {
        for change in &tenant.changes {
            licences.add(&super::licence::count(change));
            seats.add(&super::licence::seats(change));
        }
        if tenant.is_birth() {
            realms.created += 1;
            let told = |id: &&ObjectId| SORTS.iter().any(|(_, of)| of.contains(&id.kind)) && !id.is_service_account();
            for id in tenant.born().objects.keys().filter(told) {
                kinds.entry(id.kind).or_default().created += 1;
            }
            continue;
        }
        // Seen from what was done by hand, a realm may be gone.
        match tenant.changes.first().map(|change| (change.action, change.object.kind)) {
            Some((Action::Delete, Kind::Realm)) => realms.deleted += 1,
            _ => realms.changed += 1,
        }
        for (id, _) in tenant.going() {
            kinds.entry(id.kind).or_default().deleted += 1;
        }
        for change in tenant.changes.iter().filter(|change| change.object.kind != Kind::Realm) {
            let count = kinds.entry(change.object.kind).or_default();
            match change.action {
                Action::Create => count.created += 1,
                Action::Update => count.changed += 1,
                Action::Delete => count.deleted += 1,
                Action::Adopt | Action::Forget => {}
            }
        }
    }
    let mut counts = vec![realms, licences, seats];
    for (name, sorts) in SORTS {
        let mut count = Count { name: name.into(), ..Count::default() };
        sorts.iter().filter_map(|kind| kinds.remove(kind)).for_each(|found| count.add(&found));
        counts.push(count);
    }
    let others =
        kinds.into_iter().map(|(kind, count)| Count { name: format!("{}s", kind.name().replace('-', " ")), ..count });
    counts.extend(others.filter(|count| count.created + count.changed + count.deleted > 0));
    counts
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.created += other.created;
        self.changed += other.changed;
        self.deleted += other.deleted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_only_where_it_stands_alone() {
        assert_eq!(replace_word("/realms/anna/x?anna", "anna", TENANT), format!("/realms/{TENANT}/x?{TENANT}"));
        assert_eq!(replace_word("st-anna joanna annas anna", "anna", TENANT), format!("st-anna joanna annas {TENANT}"));
    }
}
