//! Counting the users who hold a seat of a product: directly, through a group, or through a role that contains it.

use std::collections::BTreeSet;

use super::observe::list;
use super::{KeycloakError, ReadRealms, segment};
use crate::state::{Kind, ObjectId, RealmState};

/// The role whose holders have a seat of a product; its client is named after the product.
pub const SEAT: &str = "seat";

/// How many are asked for at a time.
const PAGE: usize = 500;

/// How many users of a realm hold a seat of a product.
pub async fn in_use(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
) -> Result<u64, KeycloakError> {
    let mut holders = BTreeSet::new();
    for role in giving(state, ObjectId::within(Kind::ClientRole, product, SEAT)) {
        let Some(path) = role_path(state, &role) else { continue };
        holders.extend(ids(api, realm, &format!("{path}/users")).await?);
        for group in ids(api, realm, &format!("{path}/groups")).await? {
            holders.extend(ids(api, realm, &format!("groups/{group}/members")).await?);
        }
    }
    Ok(holders.len() as u64)
}

/// A role and all that contain it, as long as it is there.
fn giving(state: &RealmState, seat: ObjectId) -> BTreeSet<ObjectId> {
    let mut found: BTreeSet<ObjectId> = state.get(&seat).map(|_| seat).into_iter().collect();
    loop {
        let more: Vec<ObjectId> = state
            .objects
            .iter()
            .filter(|(id, _)| matches!(id.kind, Kind::RealmRole | Kind::ClientRole) && !found.contains(id))
            .filter(|(_, role)| found.iter().any(|inner| contains(role, inner)))
            .map(|(id, _)| id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

fn contains(role: &crate::state::Object, inner: &ObjectId) -> bool {
    let (owner, name) = inner.owner_and_name();
    let path = match inner.kind {
        Kind::RealmRole => "composites.realm".to_owned(),
        _ => format!("composites.client.{owner}"),
    };
    role.fields.get(&path).and_then(|list| list.as_array()).is_some_and(|list| list.iter().any(|item| item == name))
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

/// A whole listing, page by page.
pub(super) async fn pages(
    api: &impl ReadRealms,
    realm: &str,
    path: &str,
) -> Result<Vec<serde_json::Value>, KeycloakError> {
    let mut all = Vec::new();
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = list(api, realm, &format!("{path}{sign}first={}&max={PAGE}", all.len())).await?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
