//! Counting the users who hold a seat of a product: directly, through a group, or through a role that contains it.

use std::collections::BTreeSet;

use super::listing::pages;
use super::{KeycloakError, ReadRealms, segment};
use crate::state::seats::{giving, having};
use crate::state::{Kind, ObjectId, RealmState};

/// How many users of a realm hold a seat of a product.
pub async fn in_use(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
) -> Result<u64, KeycloakError> {
    let mut holders = BTreeSet::new();
    let roles = giving(state, product);
    for path in roles.iter().filter_map(|role| role_path(state, role)) {
        holders.extend(ids(api, realm, &format!("{path}/users")).await?);
    }
    for group in having(state, &roles).iter().filter_map(|group| state.get(group)?.id.as_deref()) {
        holders.extend(ids(api, realm, &format!("groups/{group}/members")).await?);
    }
    Ok(holders.len() as u64)
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
