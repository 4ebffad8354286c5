//! Counting the users who hold a seat of a product: directly, through a group, or through a role that contains it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::listing::pages;
use super::{KeycloakError, ReadRealms, segment};
use crate::state::{Kind, Object, ObjectId, RealmState};

/// The role whose holders have a seat of a product; its client is named after the product.
pub const SEAT: &str = "seat";

/// How many users of a realm hold a seat of a product.
pub async fn in_use(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
) -> Result<u64, KeycloakError> {
    let mut holders = BTreeSet::new();
    let roles = giving(state, ObjectId::within(Kind::ClientRole, product, SEAT));
    for path in roles.iter().filter_map(|role| role_path(state, role)) {
        holders.extend(ids(api, realm, &format!("{path}/users")).await?);
    }
    for group in groups(state, &roles) {
        holders.extend(ids(api, realm, &format!("groups/{group}/members")).await?);
    }
    Ok(holders.len() as u64)
}

/// A role and all that contain it, as long as it is there.
fn giving(state: &RealmState, seat: ObjectId) -> BTreeSet<ObjectId> {
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

/// The ids of the groups that have one of these roles, and of those below them, which have it too.
fn groups(state: &RealmState, roles: &BTreeSet<ObjectId>) -> BTreeSet<String> {
    let having: Vec<&str> = state
        .of_kind(Kind::Group)
        .filter(|(_, group)| roles.iter().any(|role| lists(group, ["realmRoles", "clientRoles"], role)))
        .map(|(id, _)| id.key.as_str())
        .collect();
    let below = |key: &str| {
        having.iter().any(|top| key.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    state.of_kind(Kind::Group).filter(|(id, _)| below(&id.key)).filter_map(|(_, group)| group.id.clone()).collect()
}

/// Whether an object refers to a role, in the field for roles of the realm or in the one for those of clients.
fn lists(object: &Object, [realm, client]: [&str; 2], role: &ObjectId) -> bool {
    let (owner, name) = role.owner_and_name();
    let path = if role.kind == Kind::RealmRole { realm.to_owned() } else { format!("{client}.{owner}") };
    object.fields.get(&path).and_then(Value::as_array).is_some_and(|list| list.iter().any(|item| item == name))
}

fn role_path(state: &RealmState, role: &ObjectId) -> Option<String> {
    let (owner, name) = role.owner_and_name();
    if role.kind == Kind::RealmRole {
        return Some(format!("roles/{}", segment(name)));
    }
    let client = state.get(&ObjectId::new(Kind::Client, owner))?.id.as_deref()?;
    Some(format!("clients/{client}/roles/{}", segment(name)))
}

/// The ids of a listing, page by page.
async fn ids(api: &impl ReadRealms, realm: &str, path: &str) -> Result<Vec<String>, KeycloakError> {
    let items = pages(api, realm, path).await?;
    Ok(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect())
}
