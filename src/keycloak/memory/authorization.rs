//! Authorization settings of clients, those of admin permissions among them, of which only the policies can be changed.

use serde_json::{Map, Value, json};

use super::birth::with_defaults;
use super::parts::missing;
use super::{Realm, Refusal};
use crate::state::permissions::{ADMIN_PERMISSIONS, TYPES, is_permission};
use crate::state::{Kind, ObjectId};

impl Realm {
    /// Makes the client that has admin permissions, where those are switched on.
    pub(super) fn admin_permissions(&mut self) {
        let client = ObjectId::new(Kind::Client, ADMIN_PERMISSIONS);
        if self.top["adminPermissionsEnabled"] != true || self.objects.contains_key(&client) {
            return;
        }
        let own = json!({
            "clientId": ADMIN_PERMISSIONS, "serviceAccountsEnabled": true, "authorizationServicesEnabled": true,
            "fullScopeAllowed": false, "defaultClientScopes": [], "optionalClientScopes": [],
        });
        let _ = self.insert(client, with_defaults(own));
        let named = |names: &[&str]| -> Value { names.iter().map(|name| json!({ "name": name })).collect() };
        let resources = TYPES.iter().map(|(name, scopes)| json!({"name": name, "type": name, "scopes": named(scopes)}));
        let scopes: std::collections::BTreeSet<&str> =
            TYPES.iter().flat_map(|(_, scopes)| scopes.iter().copied()).collect();
        let settings = json!({
            "allowRemoteResourceManagement": true, "policyEnforcementMode": "ENFORCING", "decisionStrategy": "UNANIMOUS",
            "resources": resources.collect::<Vec<_>>(), "scopes": named(&scopes.into_iter().collect::<Vec<_>>()), "policies": [],
        });
        self.objects.insert(ObjectId::new(Kind::Authorization, ADMIN_PERMISSIONS), settings);
    }

    /// The policies of a birth. Organizations are made later, so nothing can be for them yet.
    pub(super) fn take_permissions(&mut self, policies: &Value) -> Result<(), Refusal> {
        let early = |policy: &Value| policy["config"]["defaultResourceType"] == "Organizations";
        let Some(policies) = policies.as_array() else { return Ok(()) };
        if policies.iter().any(early) {
            return Err(not_supported());
        }
        if let Some(settings) = self.objects.get_mut(&ObjectId::new(Kind::Authorization, ADMIN_PERMISSIONS)) {
            settings["policies"] = policies.clone().into();
        }
        Ok(())
    }

    /// Takes an object that is gone out of the permissions that were for it; one that was for nothing else goes too.
    pub(super) fn forget_in_permissions(&mut self, gone: &str) {
        let settings = self.objects.get_mut(&ObjectId::new(Kind::Authorization, ADMIN_PERMISSIONS));
        let Some(policies) = settings.and_then(|settings| settings["policies"].as_array_mut()) else { return };
        policies.retain_mut(|policy| {
            let resources = resources(policy);
            if !is_permission(policy) || !resources.iter().any(|id| id == gone) {
                return true;
            }
            let rest: Vec<&String> = resources.iter().filter(|id| *id != gone).collect();
            policy["config"]["resources"] = json!(rest).to_string().into();
            !rest.is_empty()
        });
    }

    fn authorization(&mut self, client: &str) -> Result<&mut Value, Refusal> {
        let client = self.by_id(Kind::Client, client)?;
        if self.objects[&client]["authorizationServicesEnabled"] != true {
            return Err(missing("resource server"));
        }
        let usual = || json!({"allowRemoteResourceManagement": true, "policyEnforcementMode": "ENFORCING", "decisionStrategy": "UNANIMOUS"});
        Ok(self.objects.entry(ObjectId::new(Kind::Authorization, client.key)).or_insert_with(usual))
    }

    /// Parts are told by their names here, which stand for ids.
    pub(super) fn get_authorization(&self, client: &str, rest: &[&str]) -> Result<Value, Refusal> {
        let mut copy = self.clone();
        let settings = copy.authorization(client)?;
        match rest {
            [] => {
                let kept = settings.as_object().into_iter().flatten().filter(|(_, value)| !value.is_array());
                Ok(Value::Object(kept.map(|(field, value)| (field.clone(), value.clone())).collect::<Map<_, _>>()))
            }
            [list] => {
                let items = settings[plural(list)].as_array().cloned().unwrap_or_default();
                let named = |mut item: Value| {
                    item["id"] = item["name"].clone();
                    item
                };
                Ok(items.into_iter().map(named).collect())
            }
            _ => Err(missing("path")),
        }
    }

    pub(super) fn post_authorization(&mut self, client: &str, rest: &[&str], body: &Value) -> Result<(), Refusal> {
        let own = self.is_admin_permissions(client);
        let body = &self.with_groups(&if own { self.with_ids(body)? } else { body.clone() });
        let settings = self.authorization(client)?;
        match rest {
            ["policy"] if body["type"] == "resource" && own => return Err(not_supported()),
            ["import" | "scope" | "resource"] if own => return Err(not_supported()),
            ["import"] => return Err(missing("path")),
            [list] => upsert(&mut settings[plural(list)], body),
            _ => return Err(missing("path")),
        }
        Ok(())
    }

    pub(super) fn put_authorization(&mut self, client: &str, rest: &[&str], body: &Value) -> Result<(), Refusal> {
        let own = self.is_admin_permissions(client);
        let body = &self.with_groups(&if own { self.with_ids(body)? } else { body.clone() });
        let settings = self.authorization(client)?;
        match rest {
            [] | ["scope" | "resource", _] if own => return Err(not_supported()),
            [] => {
                for field in ["allowRemoteResourceManagement", "policyEnforcementMode", "decisionStrategy"] {
                    settings[field] = body[field].clone();
                }
            }
            ["policy", name] => {
                let found =
                    settings["policies"].as_array().into_iter().flatten().find(|policy| policy["name"] == *name);
                let found = found.cloned().ok_or_else(|| missing("policy"))?;
                upsert(&mut settings["policies"], &changed(&found, body, own));
            }
            [list, _] => upsert(&mut settings[plural(list)], body),
            _ => return Err(missing("path")),
        }
        Ok(())
    }

    /// A group policy as it is shown: groups by their paths, those without that Keycloak does not find.
    fn with_groups(&self, body: &Value) -> Value {
        let mut policy = body.clone();
        let list = policy["config"]["groups"].as_str().and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
        if let Some(mut list) = list {
            for group in &mut list {
                if let Some(found) = group["id"].as_str().and_then(|id| self.by_id(Kind::Group, id).ok()) {
                    *group = json!({ "path": found.native_path() });
                } else {
                    let path = group["path"].as_str().unwrap_or_default();
                    let known = self.objects.contains_key(&ObjectId::new(Kind::Group, path.trim_start_matches('/')));
                    *group = if known { group.take() } else { Value::Null };
                }
            }
            list.retain(|group| !group.is_null());
            policy["config"]["groups"] = Value::from(list).to_string().into();
        }
        policy
    }

    /// A policy that goes is taken out of those that ask for it.
    pub(super) fn delete_authorization(&mut self, client: &str, list: &str, name: &str) -> Result<(), Refusal> {
        let items = &mut self.authorization(client)?[plural(list)];
        for item in items.as_array_mut().into_iter().flatten() {
            let asked = item["config"]["applyPolicies"]
                .as_str()
                .and_then(|text| serde_json::from_str::<Vec<String>>(text).ok());
            if let Some(asked) = asked.filter(|asked| list == "policy" && asked.iter().any(|other| other == name)) {
                let rest: Vec<String> = asked.into_iter().filter(|other| other != name).collect();
                item["config"]["applyPolicies"] = json!(rest).to_string().into();
            }
        }
        items.as_array_mut().into_iter().for_each(|items| items.retain(|item| item["name"] != name));
        Ok(())
    }

    /// A permission with the ids of what it is for; clients and users may be named.
    fn with_ids(&self, body: &Value) -> Result<Value, Refusal> {
        let mut permission = body.clone();
        if !is_permission(body) || body["config"]["resources"].is_null() {
            return Ok(permission);
        }
        let ids: Result<Vec<Value>, Refusal> = resources(body)
            .into_iter()
            .map(|name| {
                let meant = |(id, document): &(&ObjectId, &Value)| {
                    document["id"] == name.as_str() || (matches!(id.kind, Kind::Client | Kind::User) && id.key == name)
                };
                let of_type = TYPES.iter().any(|(known, _)| *known == name).then(|| Value::from(name.as_str()));
                let found = || self.objects.iter().find(meant).map(|(_, document)| document["id"].clone());
                of_type.or_else(found).ok_or_else(not_supported)
            })
            .collect();
        permission["config"]["resources"] = json!(ids?).to_string().into();
        Ok(permission)
    }

    fn is_admin_permissions(&self, client: &str) -> bool {
        self.by_id(Kind::Client, client).is_ok_and(|client| client.key == ADMIN_PERMISSIONS)
    }
}

fn not_supported() -> Refusal {
    (400, "unknown_error".into())
}

fn resources(policy: &Value) -> Vec<String> {
    policy["config"]["resources"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// A policy after a PUT: its type stays, and an admin permission that was for everything of a type still is.
fn changed(found: &Value, body: &Value, own: bool) -> Value {
    let mut new = body.clone();
    new["type"] = found["type"].clone();
    if own && is_permission(found) {
        let mut now = resources(&new);
        let kept = resources(found).into_iter().filter(|id| TYPES.iter().any(|(name, _)| name == id));
        now.extend(kept.filter(|id| !now.contains(id)).collect::<Vec<_>>());
        new["config"]["resources"] = json!(now).to_string().into();
    }
    new
}

fn plural(part: &str) -> &'static str {
    match part {
        "resource" => "resources",
        "scope" => "scopes",
        _ => "policies",
    }
}

fn upsert(list: &mut Value, item: &Value) {
    if !list.is_array() {
        *list = json!([]);
    }
    let mut item = item.clone();
    item.as_object_mut().into_iter().for_each(|map| map.retain(|field, _| !matches!(field.as_str(), "id" | "_id")));
    let Some(list) = list.as_array_mut() else { return };
    match list.iter_mut().find(|other| other["name"] == item["name"]) {
        Some(other) => *other = item,
        None => list.push(item),
    }
}
