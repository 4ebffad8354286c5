//! Who holds a seat of a product: directly, through a group, or through a role that contains it. Seats are given to single
//! users and taken from them (`users/{id}/role-mappings/clients/{client}`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::listing::{list, pages};
use super::{Fault, KeycloakError, ReadRealms, WriteRealms, segment};
use crate::state::seats::{giving, having, seat};
use crate::state::{Kind, ObjectId, RealmState};

/// Somebody who holds a seat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Holder {
    /// Login name.
    pub username: String,
    /// Whether it is theirs by itself. Otherwise it comes with a group or another role, and can't be taken by itself.
    pub direct: bool,
}

/// How many users of a realm hold a seat of a product.
///
/// # Errors
///
/// The realm can't be read.
pub async fn in_use(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
) -> Result<u64, KeycloakError> {
    Ok(holders(api, realm, state, product).await?.len() as u64)
}

/// The users of a realm who hold a seat of a product, by their ids.
///
/// # Errors
///
/// The realm can't be read.
pub async fn holders(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
) -> Result<BTreeMap<String, Holder>, KeycloakError> {
    let mut holders = BTreeMap::new();
    let (roles, own) = (giving(state, product), seat(product));
    let paths = roles.iter().filter_map(|role| Some((format!("{}/users", role_path(state, role)?), *role == own)));
    let groups = having(state, &roles);
    let groups =
        groups.iter().filter_map(|group| Some((format!("groups/{}/members", state.get(group)?.id.as_deref()?), false)));
    for (path, direct) in paths.chain(groups) {
        for user in pages(api, realm, &path).await? {
            let Some(id) = user["id"].as_str() else { continue };
            let username = user["username"].as_str().unwrap_or_default().to_owned();
            holders.entry(id.to_owned()).or_insert(Holder { username, direct: false }).direct |= direct;
        }
    }
    Ok(holders)
}

fn role_path(state: &RealmState, role: &ObjectId) -> Option<String> {
    let (owner, name) = role.owner_and_name();
    if role.kind == Kind::RealmRole {
        return Some(format!("roles/{}", segment(name)));
    }
    let client = state.get(&ObjectId::new(Kind::Client, owner))?.id.as_deref()?;
    Some(format!("clients/{client}/roles/{}", segment(name)))
}

/// The id and the login name of a user, who is named by that or by the whole e-mail address.
///
/// # Errors
///
/// The realm can't be read.
pub async fn user(api: &impl ReadRealms, realm: &str, name: &str) -> Result<Option<(String, String)>, KeycloakError> {
    for field in ["username", "email"] {
        let found = list(api, realm, &format!("users?{field}={}&exact=true", segment(name))).await?;
        let text = |user: &Value, field: &str| user[field].as_str().map(str::to_owned);
        if let [user] = found.as_slice() {
            return Ok(text(user, "id").zip(text(user, "username")));
        }
    }
    Ok(None)
}

/// What came of giving a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// The user has one now; so many are taken.
    Now(u64),
    /// The user had one.
    Before(u64),
    /// All are taken, or more than there are: so many.
    Full(u64),
    /// Others gave seats at the same moments, and there was one too many each time.
    Contended,
}

/// How often it is tried while others give seats at the same moments.
const TURNS: u32 = 5;

/// Gives a user a seat, unless so many are taken as are licensed. Keycloak has no lock: whoever finds one too many after
/// giving takes the own one back and tries again a moment later, so that two who give the last one at once never both keep
/// it.
///
/// # Errors
///
/// The realm can't be read or written.
pub async fn give(
    api: &impl WriteRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
    user: &str,
    licensed: u64,
) -> Result<Given, KeycloakError> {
    let (path, role) = mapping(realm, state, product, user)?;
    for turn in 0..TURNS {
        let holders = holders(api, realm, state, product).await?;
        let taken = holders.len() as u64;
        if holders.contains_key(user) {
            return Ok(Given::Before(taken));
        }
        if taken >= licensed {
            return Ok(Given::Full(taken));
        }
        api.post(realm, &path, &role).await?;
        let taken = in_use(api, realm, state, product).await?;
        if taken <= licensed {
            return Ok(Given::Now(taken));
        }
        api.delete(realm, &path, Some(&role)).await?;
        let moment = u64::from(uuid::Uuid::new_v4().as_bytes()[0]) << turn;
        tokio::time::sleep(Duration::from_millis(moment)).await;
    }
    Ok(Given::Contended)
}

/// Takes the seat that is a user's by itself, and ends the sessions that went on with it: a refresh would go on otherwise
/// (`POST users/{id}/logout`; of offline ones, `DELETE users/{id}/consents/{client}`).
///
/// # Errors
///
/// The realm can't be written.
pub async fn take(
    api: &impl WriteRealms,
    realm: &str,
    state: &RealmState,
    product: &str,
    user: &str,
) -> Result<(), KeycloakError> {
    let (path, role) = mapping(realm, state, product, user)?;
    api.delete(realm, &path, Some(&role)).await?;
    api.post(realm, &format!("users/{user}/logout"), &json!({})).await?;
    api.delete(realm, &format!("users/{user}/consents/{}", segment(product)), None).await
}

/// Where a user's roles of the product are, and the seat.
fn mapping(realm: &str, state: &RealmState, product: &str, user: &str) -> Result<(String, Value), KeycloakError> {
    let role = seat(product);
    let id = |id: &ObjectId| state.get(id).and_then(|object| object.id.clone());
    match id(&ObjectId::new(Kind::Client, product)).zip(id(&role)) {
        Some((client, id)) => {
            let path = format!("users/{user}/role-mappings/clients/{client}");
            Ok((path, json!([{"id": id, "name": role.owner_and_name().1}])))
        }
        None => {
            let fault = Fault::Status { status: 404, message: format!("the realm has no {role}") };
            Err(KeycloakError { method: "GET", path: format!("/admin/realms/{realm}"), fault })
        }
    }
}
