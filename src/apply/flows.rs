//! Changing authentication flows without harm to logins in progress.
//!
//! A login that is under way stands at a step of the flow that it began with, and fails when that is gone. So a
//! changed flow is built aside, everything that was bound to the old one is bound to it, the old one steps back under
//! another name, and a later run removes it once no login can be in it any more (`keycloak::observe` decides that).
//! Whatever the point at which a run is killed, the next one finds either flow bound, and finishes.

use serde_json::{Value, json};

use super::realm;
use super::writer::{Writer, base, reveal};
use crate::keycloak::listing::{list, pages};
use crate::keycloak::{Fault, KeycloakError, WriteRealms, endpoint, segment};
use crate::state::kind::RETIRED;
use crate::state::{Kind, ObjectId};

/// What a flow is called while it is built.
const NEXT: &str = "next ";

/// True for a flow that stepped back and waits to be removed.
pub(super) fn is_retired(alias: &str) -> bool {
    alias.starts_with(RETIRED)
}

impl<K: WriteRealms> Writer<'_, K> {
    /// Makes a flow what `wanted` says.
    pub(super) async fn replace_flow(&mut self, id: &ObjectId, wanted: &Value) -> Result<(), KeycloakError> {
        let wanted = reveal(self.secrets, wanted, "POST", "authentication/flows")?;
        let alias = id.key.as_str();
        let found = self.flows().await?;
        let current = found.iter().find(|flow| flow["alias"] == alias).cloned();
        if let Some(current) = current.as_ref().filter(|flow| flow["builtIn"] == true) {
            return self.adjust_flow(alias, current, &wanted).await;
        }
        // One that a killed run left behind may be bound already: it steps back like the old one.
        let aside = format!("{NEXT}{alias}");
        let mut old = Vec::new();
        if let Some(left) = found.iter().find(|flow| flow["alias"] == aside.as_str()) {
            old.push((left["id"].clone(), self.step_back(left).await?));
        }
        old.extend(current.as_ref().map(|flow| (flow["id"].clone(), alias.to_owned())));
        let prefix = if current.is_some() { NEXT } else { "" };
        let new = self.build(&wanted, prefix).await?;
        self.ids.insert(id.clone(), new.clone());
        if !old.is_empty() {
            self.rebind(&old, &format!("{prefix}{alias}"), &new).await?;
        }
        let Some(current) = current else { return Ok(()) };
        self.step_back(&current).await?;
        self.rename(&aside, &new, &|name| name.strip_prefix(NEXT).unwrap_or(name).to_owned()).await
    }

    /// A flow that is no longer declared steps back, too.
    pub(super) async fn retire_flow(&mut self, id: &ObjectId) -> Result<(), KeycloakError> {
        match self.flows().await?.into_iter().find(|flow| flow["alias"] == id.key.as_str()) {
            Some(flow) => self.step_back(&flow).await.map(|_| ()),
            None => Ok(()),
        }
    }

    async fn flows(&self) -> Result<Vec<Value>, KeycloakError> {
        list(self.api, self.realm, "authentication/flows").await
    }

    /// Gives a flow the name under which it waits to be removed.
    async fn step_back(&mut self, flow: &Value) -> Result<String, KeycloakError> {
        let prefix = format!("{RETIRED}{} ", jiff::Timestamp::now().as_millisecond());
        let (alias, own) = (flow["alias"].as_str().unwrap_or_default(), flow["id"].as_str().unwrap_or_default());
        self.rename(alias, own, &|name| format!("{prefix}{name}")).await?;
        Ok(format!("{prefix}{alias}"))
    }

    /// Builds a flow and everything below it, all names with a prefix. Gives its id.
    async fn build(&mut self, flow: &Value, prefix: &str) -> Result<String, KeycloakError> {
        let alias = format!("{prefix}{}", flow["alias"].as_str().unwrap_or_default());
        let body = json!({
            "alias": alias, "description": flow["description"], "topLevel": true, "builtIn": false,
            "providerId": flow["providerId"].as_str().unwrap_or("basic-flow"),
        });
        let own = self.api.post(self.realm, &endpoint::collection(Kind::Flow, ""), &body).await?.unwrap_or_default();
        self.build_steps(flow, &own, prefix).await?;
        // A sub-flow is made with its step, so that a killed run leaves none behind; what it requires is set then.
        let mut wanted = Vec::new();
        flatten(&flow["executions"], &mut wanted);
        for (mut step, wanted) in self.steps(&alias).await?.into_iter().zip(wanted) {
            if step["requirement"] != wanted["requirement"] {
                step["requirement"] = wanted["requirement"].clone();
                let path = format!("authentication/flows/{}/executions", segment(&alias));
                self.api.put(self.realm, &path, Some(&step)).await?;
            }
        }
        Ok(own)
    }

    async fn build_steps(&mut self, flow: &Value, own: &str, prefix: &str) -> Result<(), KeycloakError> {
        let name = |value: &Value| format!("{prefix}{}", value.as_str().unwrap_or_default());
        for (at, step) in (1..).zip(flow["executions"].as_array().into_iter().flatten()) {
            let inner = &step["flow"];
            if inner.is_object() {
                let body = json!({
                    "alias": name(&inner["alias"]), "description": inner["description"], "priority": at * 10,
                    "type": inner["providerId"].as_str().unwrap_or("basic-flow"),
                    "provider": step["authenticator"].as_str().unwrap_or_default(),
                });
                let path = format!("authentication/flows/{}/executions/flow", segment(&name(&flow["alias"])));
                let made = self.api.post(self.realm, &path, &body).await?.unwrap_or_default();
                Box::pin(self.build_steps(inner, &made, prefix)).await?;
                continue;
            }
            let body = json!({
                "parentFlow": own, "requirement": step["requirement"], "priority": at * 10,
                "authenticator": step["authenticator"],
            });
            let made = self.api.post(self.realm, "authentication/executions", &body).await?.unwrap_or_default();
            if step["config"].is_object() {
                let config = json!({"alias": name(&step["config"]["alias"]), "config": step["config"]["values"]});
                self.api.post(self.realm, &format!("authentication/executions/{made}/config"), &config).await?;
            }
        }
        Ok(())
    }

    /// Whatever used one of the old flows, given by id and alias, uses the new one: the realm, clients, providers.
    async fn rebind(&mut self, old: &[(Value, String)], alias: &str, new: &str) -> Result<(), KeycloakError> {
        let was_bound = |value: &Value| old.iter().any(|(_, alias)| value == alias);
        let mut document = realm::read(self.api, self.realm).await?;
        let fields = document.as_object_mut().into_iter().flatten();
        let bound = fields.filter(|(field, value)| Kind::Realm.binds_flow(field) && was_bound(value));
        if bound.map(|(_, flow)| *flow = alias.into()).count() > 0 {
            realm::write(self.api, self.realm, document, false).await?;
        }
        for client in &pages(self.api, self.realm, "clients").await? {
            let overrides = client["authenticationFlowBindingOverrides"].as_object().into_iter().flatten();
            let changed: serde_json::Map<String, Value> = overrides
                .filter(|(_, flow)| old.iter().any(|(id, _)| id == *flow))
                .map(|(how, _)| (how.clone(), new.into()))
                .collect();
            if !changed.is_empty() {
                let id = ObjectId::new(Kind::Client, client["clientId"].as_str().unwrap_or_default());
                // A listing leaves out some of what PUT needs.
                let mut body = base(&id, self.observed.get(&id).map_or(client, |found| &found.raw));
                body["authenticationFlowBindingOverrides"] = changed.into();
                let path = endpoint::item(Kind::Client, "", client["id"].as_str().unwrap_or_default());
                self.api.put(self.realm, &path, Some(&body)).await?;
            }
        }
        for provider in &list(self.api, self.realm, "identity-provider/instances").await? {
            let mut body = provider.clone();
            let fields = ["firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias"];
            fields
                .into_iter()
                .filter(|field| was_bound(&provider[*field]))
                .for_each(|field| body[field] = alias.into());
            if body != *provider {
                let path = endpoint::item(Kind::IdentityProvider, "", provider["alias"].as_str().unwrap_or_default());
                self.api.put(self.realm, &path, Some(&body)).await?;
            }
        }
        Ok(())
    }

    /// Renames a flow with everything below it. Its own name comes last, so that one that was cut short is found again.
    async fn rename(&self, alias: &str, own: &str, new: &(dyn Fn(&str) -> String + Sync)) -> Result<(), KeycloakError> {
        for step in self.steps(alias).await? {
            if let Some(config) = step["authenticationConfig"].as_str() {
                let path = format!("authentication/config/{config}");
                if let Some(mut found) = self.api.get(self.realm, &path).await? {
                    let renamed = new(found["alias"].as_str().unwrap_or_default());
                    found["alias"] = renamed.into();
                    self.api.put(self.realm, &path, Some(&found)).await?;
                }
            }
            if let Some(inner) = step["flowId"].as_str() {
                self.rename_one(inner, new).await?;
            }
        }
        self.rename_one(own, new).await
    }

    async fn rename_one(&self, own: &str, new: &(dyn Fn(&str) -> String + Sync)) -> Result<(), KeycloakError> {
        let path = endpoint::item(Kind::Flow, "", own);
        let Some(mut flow) = self.api.get(self.realm, &path).await? else { return Ok(()) };
        let renamed = new(flow["alias"].as_str().unwrap_or_default());
        if flow["alias"] == renamed.as_str() {
            return Ok(());
        }
        flow["alias"] = renamed.into();
        self.api.put(self.realm, &path, Some(&flow)).await
    }

    /// The steps of a flow and of those below it, in order, with their ids.
    async fn steps(&self, alias: &str) -> Result<Vec<Value>, KeycloakError> {
        let path = format!("authentication/flows/{}/executions", segment(alias));
        list(self.api, self.realm, &path).await
    }

    /// Built-in flows keep their steps; requirements and configurations of those can change.
    async fn adjust_flow(&mut self, alias: &str, current: &Value, wanted: &Value) -> Result<(), KeycloakError> {
        let mut flat = Vec::new();
        flatten(&wanted["executions"], &mut flat);
        let steps = self.steps(alias).await?;
        let same = steps.len() == flat.len()
            && steps.iter().zip(&flat).all(|(step, wanted)| {
                let flow = step["authenticationFlow"] == true;
                if flow {
                    step["displayName"] == wanted["flow"]["alias"]
                } else {
                    step["providerId"] == wanted["authenticator"]
                }
            });
        if !same {
            let message =
                format!("the steps of the built-in flow `{alias}` can't be changed; declare a flow of another name");
            let fault = Fault::Status { status: 400, message };
            return Err(KeycloakError {
                method: "PUT",
                path: format!("authentication/flows/{}", current["id"]),
                fault,
            });
        }
        for (mut step, wanted) in steps.into_iter().zip(flat) {
            if step["requirement"] != wanted["requirement"] {
                step["requirement"] = wanted["requirement"].clone();
                let path = format!("authentication/flows/{}/executions", segment(alias));
                self.api.put(self.realm, &path, Some(&step)).await?;
            }
            let Some(config) = wanted.get("config") else { continue };
            let body = json!({"alias": config["alias"], "config": config["values"]});
            match step["authenticationConfig"].as_str() {
                Some(own) => {
                    let mut body = body;
                    body["id"] = own.into();
                    self.api.put(self.realm, &format!("authentication/config/{own}"), Some(&body)).await?;
                }
                None => {
                    let own = step["id"].as_str().unwrap_or_default();
                    self.api.post(self.realm, &format!("authentication/executions/{own}/config"), &body).await?;
                }
            }
        }
        Ok(())
    }
}

fn flatten(executions: &Value, flat: &mut Vec<Value>) {
    for step in executions.as_array().into_iter().flatten() {
        flat.push(step.clone());
        flatten(&step["flow"]["executions"], flat);
    }
}
