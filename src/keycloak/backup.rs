//! Everything that can be read of a realm, users included, as one document from which it can be made again.
//!
//! What Keycloak does not give is not in it: passwords and other credentials, secrets, private keys, sessions, events,
//! consents. Masked values are left out, so that nobody takes the mask for a secret.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::listing::pages;
use super::{KeycloakError, ReadRealms, segment};
use crate::state::Quarantine;
use crate::state::applied::{Applied, MARKER};
use crate::state::arrange::name_default_role;
use crate::state::permissions::without_organizations;
use crate::state::quarantine::QUARANTINE;
use crate::state::secret::MASK;

/// The realm as it is; of one in quarantine, as it was before. `None`: there is no such realm.
pub async fn backup(api: &impl ReadRealms, realm: &str) -> Result<Option<Value>, KeycloakError> {
    let Some(mut document) = api.export(realm).await? else { return Ok(None) };
    let mut users = Users::default();
    for user in pages(api, realm, "users?briefRepresentation=false").await? {
        users.add(user);
    }
    memberships(api, realm, &document, &mut users).await?;
    if document["identityProviders"].as_array().is_some_and(|list| !list.is_empty()) {
        for (id, user) in &mut users.by_id {
            let links = api.get(realm, &format!("users/{id}/federated-identity")).await?.unwrap_or_default();
            user["federatedIdentities"] = links;
        }
    }
    if document["organizationsEnabled"] == true {
        document["organizations"] = organizations(api, realm).await?;
    }
    let list = document["users"].as_array().cloned().unwrap_or_default();
    let known = |user: &Value| list.iter().any(|other| other["username"] == user["username"]);
    let new: Vec<Value> = users.by_id.into_values().filter(|user| !known(user)).collect();
    document["users"] = list.iter().cloned().chain(new).collect();
    unmask(&mut document);
    reopen(&mut document);
    Ok(Some(document))
}

/// Users by their id.
#[derive(Default)]
struct Users {
    by_id: BTreeMap<String, Value>,
}

impl Users {
    fn add(&mut self, mut user: Value) {
        let Some(id) = user["id"].as_str().map(str::to_owned) else { return };
        user.as_object_mut().into_iter().for_each(|map| {
            map.remove("access");
        });
        user["realmRoles"] = json!([]);
        user["clientRoles"] = json!({});
        user["groups"] = json!([]);
        self.by_id.insert(id, user);
    }

    /// Notes something of every user of a listing, in the list at a path of theirs.
    fn note(&mut self, members: &[Value], path: &[&str], what: &str) {
        for id in members.iter().filter_map(|member| member["id"].as_str()) {
            let Some(user) = self.by_id.get_mut(id) else { continue };
            let slot = path.iter().fold(user, |slot, step| &mut slot[*step]);
            match slot.as_array_mut() {
                Some(list) => list.push(what.into()),
                None => *slot = json!([what]),
            }
        }
    }
}

/// Roles and groups of users, by listing the members of each: this costs by the roles, not by the users.
async fn memberships(
    api: &impl ReadRealms,
    realm: &str,
    document: &Value,
    users: &mut Users,
) -> Result<(), KeycloakError> {
    let names = |list: &Value| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
    };
    for role in names(&document["roles"]["realm"]) {
        let members = pages(api, realm, &format!("roles/{}/users", segment(&role))).await?;
        users.note(&members, &["realmRoles"], &role);
    }
    for client in document["clients"].as_array().into_iter().flatten() {
        let (Some(id), Some(name)) = (client["id"].as_str(), client["clientId"].as_str()) else { continue };
        for role in names(&document["roles"]["client"][name]) {
            let members = pages(api, realm, &format!("clients/{id}/roles/{}/users", segment(&role))).await?;
            users.note(&members, &["clientRoles", name], &role);
        }
    }
    let mut groups: Vec<&Value> = document["groups"].as_array().into_iter().flatten().collect();
    while let Some(group) = groups.pop() {
        groups.extend(group["subGroups"].as_array().into_iter().flatten());
        let (Some(id), Some(path)) = (group["id"].as_str(), group["path"].as_str()) else { continue };
        let members = pages(api, realm, &format!("groups/{id}/members")).await?;
        users.note(&members, &["groups"], path);
    }
    Ok(())
}

async fn organizations(api: &impl ReadRealms, realm: &str) -> Result<Value, KeycloakError> {
    let mut all = Vec::new();
    for mut organization in pages(api, realm, "organizations?briefRepresentation=false").await? {
        let id = organization["id"].as_str().unwrap_or_default().to_owned();
        let members = pages(api, realm, &format!("organizations/{id}/members")).await?;
        let member = |user: &Value| json!({"username": user["username"], "membershipType": user["membershipType"]});
        organization["members"] = members.iter().map(member).collect();
        all.push(organization);
    }
    Ok(all.into())
}

/// Leaves out what is only a mask.
fn unmask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let masked = |value: &Value| {
                value == MASK || value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(|v| v == MASK))
            };
            map.retain(|_, value| !masked(value));
            map.values_mut().for_each(unmask);
        }
        Value::Array(items) => items.iter_mut().for_each(unmask),
        _ => {}
    }
}

/// The document of a realm in quarantine as it was before.
fn reopen(document: &mut Value) {
    let record = document["attributes"].as_object_mut().and_then(|attributes| attributes.remove(QUARANTINE));
    let Some(record) = record.as_ref().and_then(Value::as_str).and_then(Quarantine::parse) else { return };
    let open = |list: &mut Value, key: &str, named: &std::collections::BTreeSet<String>| {
        for item in list.as_array_mut().into_iter().flatten() {
            if item[key].as_str().is_some_and(|name| named.contains(name)) {
                item["enabled"] = true.into();
            }
        }
    };
    open(&mut document["clients"], "clientId", &record.clients);
    open(&mut document["identityProviders"], "alias", &record.identity_providers);
    for field in &record.settings {
        document[field] = true.into();
    }
}

/// The body that makes the realm again. Its marker forgets the secrets, which the document has not: the next apply
/// writes them, and the admin permissions for organizations, which no birth takes.
pub fn rebirth(document: &Value) -> Value {
    let mut body = document.clone();
    let marker = body["attributes"][MARKER].as_str().map(|text| Applied::parse(text).without_secrets().to_text());
    if let (Some(marker), Some(attributes)) = (marker, body["attributes"].as_object_mut()) {
        attributes.insert(MARKER.into(), marker.into());
    }
    body.as_object_mut().into_iter().for_each(|map: &mut Map<String, Value>| {
        map.remove("id");
        map.remove("notBefore");
    });
    without_organizations(&mut body);
    name_default_role(&mut body);
    body
}
