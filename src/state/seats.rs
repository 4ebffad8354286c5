//! Who has a seat of a product: the role, what contains it, and the groups that have one of these.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Kind, Object, ObjectId, RealmState};

/// The role whose holders have a seat of a product; its client is named after the product.
pub use crate::login::identity::SEAT;

/// The seat role of a product.
pub fn seat(product: &str) -> ObjectId {
    ObjectId::within(Kind::ClientRole, product, SEAT)
}

/// The seat role of a product and all that contain it, as long as it is there.
pub fn giving(state: &RealmState, product: &str) -> BTreeSet<ObjectId> {
    let seat = seat(product);
    let mut found: BTreeSet<ObjectId> = state.get(&seat).map(|_| seat).into_iter().collect();
    loop {
        let roles = state.of_kind(Kind::RealmRole).chain(state.of_kind(Kind::ClientRole));
        let more: Vec<ObjectId> = roles
            .filter(|(id, _)| !found.contains(id))
            .filter(|(_, role)| found.iter().any(|inner| lists(role, ["composites.realm", "composites.client"], inner)))
            .map(|(id, _)| id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// The groups that have one of these roles, and those below them, which have it too.
pub fn having(state: &RealmState, roles: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
    let has = |group: &Object| roles.iter().any(|role| lists(group, ["realmRoles", "clientRoles"], role));
    let tops: Vec<&ObjectId> = state.of_kind(Kind::Group).filter(|(_, group)| has(group)).map(|(id, _)| id).collect();
    let groups = state.of_kind(Kind::Group).map(|(id, _)| id);
    groups.filter(|id| tops.iter().any(|top| id == top || id.is_within(top))).cloned().collect()
}

/// Whether an object refers to a role, in the field for roles of the realm or in the one for those of clients.
fn lists(object: &Object, [realm, client]: [&str; 2], role: &ObjectId) -> bool {
    let (owner, name) = role.owner_and_name();
    let path = if role.kind == Kind::RealmRole { realm.to_owned() } else { format!("{client}.{owner}") };
    object.fields.get(&path).and_then(Value::as_array).is_some_and(|list| list.iter().any(|item| item == name))
}
