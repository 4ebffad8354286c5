//! Accounts of identity providers that are a user's own, by their providers; members of organizations, by their names.

use serde_json::{Map, Value, json};

use super::{objects, prune};
use crate::state::address::{FEDERATED_IDENTITIES, MEMBERS};

pub(super) fn gather(document: &mut Map<String, Value>) {
    for user in objects(document, "users") {
        let Some(Value::Array(list)) = user.get_mut(FEDERATED_IDENTITIES).map(Value::take) else { continue };
        let mut accounts = Map::new();
        for mut account in list {
            let Some(map) = account.as_object_mut() else { continue };
            if let Some(Value::String(provider)) = map.remove("identityProvider") {
                prune(map, &[("userName", json!(""))]);
                map.values_mut().filter(|value| value.is_number()).for_each(|value| *value = value.to_string().into());
                accounts.insert(provider, account);
            }
        }
        user.insert(FEDERATED_IDENTITIES.into(), accounts.into());
    }
    for organization in objects(document, "organizations") {
        for member in organization.get_mut(MEMBERS).and_then(Value::as_array_mut).into_iter().flatten() {
            // An export has whole users here.
            let name = member.as_str().or(member["username"].as_str()).map(str::to_lowercase);
            *member = name.into();
        }
    }
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    for user in objects(document, "users") {
        let Some(Value::Object(accounts)) = user.get_mut(FEDERATED_IDENTITIES).map(Value::take) else { continue };
        let listed = accounts.into_iter().map(|(provider, mut account)| {
            account["identityProvider"] = provider.into();
            account
        });
        let listed: Vec<Value> = listed.collect();
        user.insert(FEDERATED_IDENTITIES.into(), listed.into());
    }
    for organization in objects(document, "organizations") {
        for member in organization.get_mut(MEMBERS).and_then(Value::as_array_mut).into_iter().flatten() {
            if member.is_string() {
                *member = json!({ "username": member.take() });
            }
        }
    }
}
