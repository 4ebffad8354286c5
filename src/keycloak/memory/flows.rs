//! Authentication flows, flat as the server keeps them: flows and configurations by id, steps within their flow.

use serde_json::{Map, Value, json};

use super::{Realm, Refusal};
use crate::state::{Kind, ObjectId};

fn missing(what: &str) -> Refusal {
    (404, format!("Could not find {what}"))
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Realm {
    /// Takes in a flow of a birth with everything below it, and gives its id.
    pub(super) fn take_flow(&mut self, flow: &Value, top: bool, built_in: bool) -> String {
        let id = flow["id"].as_str().map_or_else(new_id, str::to_owned);
        let mut steps = Vec::new();
        for step in flow["executions"].as_array().into_iter().flatten() {
            let mut own = json!({"id": new_id(), "requirement": step["requirement"]});
            if step["authenticator"].is_string() {
                own["authenticator"] = step["authenticator"].clone();
            }
            if step["flow"].is_object() {
                own["flowId"] = self.take_flow(&step["flow"], false, built_in).into();
            }
            if step["config"].is_object() {
                let config = new_id();
                let document =
                    json!({"id": config, "alias": step["config"]["alias"], "config": step["config"]["values"]});
                self.configs.insert(config.clone(), document);
                own["authenticationConfig"] = config.into();
            }
            steps.push(own);
        }
        let document = json!({
            "id": id, "alias": flow["alias"], "description": flow["description"], "topLevel": top, "builtIn": built_in,
            "providerId": flow["providerId"].as_str().unwrap_or("basic-flow"), "steps": steps,
        });
        self.flows.insert(id.clone(), document);
        id
    }

    /// Flows and configurations as an export lists them.
    pub(super) fn export_flows(&self, export: &mut Value) {
        let flows = self.flows.values().map(|flow| {
            let mut document = without_steps(flow);
            let steps = (1..).zip(flow["steps"].as_array().into_iter().flatten()).map(|(at, step)| {
                let mut own =
                    json!({"requirement": step["requirement"], "priority": at * 10, "authenticatorFlow": false});
                if step["authenticator"].is_string() {
                    own["authenticator"] = step["authenticator"].clone();
                }
                if let Some(inner) = step["flowId"].as_str() {
                    own["authenticatorFlow"] = true.into();
                    own["flowAlias"] = self.flows[inner]["alias"].clone();
                }
                if let Some(config) = step["authenticationConfig"].as_str() {
                    own["authenticatorConfig"] = self.configs[config]["alias"].clone();
                }
                own
            });
            document["authenticationExecutions"] = steps.collect();
            document
        });
        export["authenticationFlows"] = flows.collect();
        export["authenticatorConfig"] = self.configs.values().cloned().collect();
    }

    /// The id of a top-level flow.
    pub(super) fn flow_id(&self, alias: &str) -> Option<String> {
        let found = self.flows.values().find(|flow| flow["alias"] == alias && flow["topLevel"] == true);
        Some(found?["id"].as_str()?.to_owned())
    }

    pub(super) fn get_flows(&self, segments: &[&str]) -> Result<Value, Refusal> {
        match segments {
            ["flows"] => Ok(self.flows.values().filter(|flow| flow["topLevel"] == true).map(without_steps).collect()),
            ["flows", alias, "executions"] => {
                let id = self.flow_id(alias).ok_or_else(|| missing("flow"))?;
                let mut list = Vec::new();
                self.flatten(&id, 0, &mut list);
                Ok(list.into())
            }
            ["flows", id] => self.flows.get(*id).map(without_steps).ok_or_else(|| missing("flow")),
            ["config", id] => self.configs.get(*id).cloned().ok_or_else(|| missing("configuration")),
            ["required-actions", alias] => {
                self.objects.get(&ObjectId::new(Kind::RequiredAction, *alias)).cloned().ok_or_else(|| missing("action"))
            }
            _ => Err(missing("path")),
        }
    }

    pub(super) fn post_flows(&mut self, segments: &[&str], body: &Value) -> Result<Option<String>, Refusal> {
        match segments {
            ["flows"] => {
                if self.flows.values().any(|flow| flow["alias"] == body["alias"]) {
                    return Err((409, "Flow already exists".into()));
                }
                Ok(Some(self.take_flow(body, body["topLevel"] == true, false)))
            }
            ["flows", parent, "executions", "flow"] => {
                let holds = |flow: &&Value| flow["alias"] == *parent;
                let parent = self.flows.values().find(holds).and_then(|flow| Some(flow["id"].as_str()?.to_owned()));
                let parent = parent.ok_or((400, "Parent flow doesn't exist".to_owned()))?;
                if self.flows.values().any(|flow| flow["alias"] == body["alias"]) {
                    return Err((409, "Flow already exists".into()));
                }
                let inner =
                    json!({"alias": body["alias"], "description": body["description"], "providerId": body["type"]});
                let inner = self.take_flow(&inner, false, false);
                let mut step = json!({"id": new_id(), "requirement": "DISABLED", "flowId": inner});
                if body["provider"].as_str().is_some_and(|provider| !provider.is_empty()) {
                    step["authenticator"] = body["provider"].clone();
                }
                self.flows.entry(parent).or_default()["steps"]
                    .as_array_mut()
                    .into_iter()
                    .for_each(|steps| steps.push(step.clone()));
                Ok(Some(inner))
            }
            ["executions"] => {
                let id = new_id();
                let mut step = json!({"id": id, "requirement": body["requirement"]});
                step["authenticator"] = body["authenticator"].clone();
                let parent = body["parentFlow"].as_str().unwrap_or_default();
                let flow = self.flows.get_mut(parent).ok_or((400, "Parent flow doesn't exist".to_owned()))?;
                flow["steps"].as_array_mut().into_iter().for_each(|steps| steps.push(step.clone()));
                Ok(Some(id))
            }
            ["executions", id, "config"] => {
                let config = new_id();
                self.step(id)?["authenticationConfig"] = config.clone().into();
                let document = json!({"id": config, "alias": body["alias"], "config": body["config"]});
                self.configs.insert(config.clone(), document);
                Ok(Some(config))
            }
            ["register-required-action"] => {
                let provider = body["providerId"].as_str().unwrap_or_default();
                let action = json!({"alias": provider, "providerId": provider, "name": body["name"], "enabled": true, "defaultAction": false});
                self.insert(ObjectId::new(Kind::RequiredAction, provider), action)?;
                Ok(None)
            }
            _ => Err(missing("path")),
        }
    }

    pub(super) fn put_flows(&mut self, segments: &[&str], body: &Value) -> Result<(), Refusal> {
        match segments {
            ["flows", id] => {
                let taken = self.flows.values().any(|flow| flow["alias"] == body["alias"] && flow["id"] != *id);
                let flow = self.flows.get_mut(*id).ok_or_else(|| missing("flow"))?;
                if taken {
                    return Err((409, "Flow alias name already exists".into()));
                }
                let (old, new) = (flow["alias"].clone(), body["alias"].clone());
                flow["alias"] = new.clone();
                flow["description"] = body["description"].clone();
                self.follow(&old, &new);
                Ok(())
            }
            ["flows", _, "executions"] => {
                self.step(body["id"].as_str().unwrap_or_default())?["requirement"] = body["requirement"].clone();
                Ok(())
            }
            ["config", id] => {
                let config = self.configs.get_mut(*id).ok_or_else(|| missing("configuration"))?;
                *config = json!({"id": *id, "alias": body["alias"], "config": body["config"]});
                Ok(())
            }
            ["required-actions", alias] => {
                let action = self.document(&ObjectId::new(Kind::RequiredAction, *alias))?;
                *action = body.clone();
                for (field, value) in [("alias", json!(alias)), ("providerId", json!(alias))] {
                    action[field] = value;
                }
                for field in ["enabled", "defaultAction"] {
                    if action[field].is_null() {
                        action[field] = false.into();
                    }
                }
                Ok(())
            }
            _ => Err(missing("path")),
        }
    }

    pub(super) fn delete_flows(&mut self, segments: &[&str]) -> Result<(), Refusal> {
        match segments {
            ["flows", id] => {
                let flow = self.flows.get(*id).ok_or_else(|| missing("flow"))?.clone();
                if self.is_bound(&flow) || flow["builtIn"] == true {
                    return Err((500, "unknown_error".into()));
                }
                self.drop_flow(id);
                Ok(())
            }
            ["required-actions", alias] => {
                let id = ObjectId::new(Kind::RequiredAction, *alias);
                self.objects.remove(&id).map(|_| ()).ok_or_else(|| missing("action"))
            }
            _ => Err(missing("path")),
        }
    }

    /// Bindings are by id on the server, so what shows an alias shows the new one.
    fn follow(&mut self, old: &Value, new: &Value) {
        let top = self.top.as_object_mut().into_iter().flatten();
        top.filter(|(field, value)| Kind::Realm.binds_flow(field) && *value == old)
            .for_each(|(_, value)| *value = new.clone());
        for (id, document) in self.objects.iter_mut().filter(|(id, _)| id.kind == Kind::IdentityProvider) {
            let fields = document.as_object_mut().into_iter().flatten();
            fields
                .filter(|(field, value)| id.kind.binds_flow(field) && *value == old)
                .for_each(|(_, value)| *value = new.clone());
        }
    }

    fn is_bound(&self, flow: &Value) -> bool {
        let shows = |document: &Map<String, Value>, kind: Kind| {
            document.iter().any(|(field, value)| kind.binds_flow(field) && *value == flow["alias"])
        };
        let overrides = |document: &Value| {
            let flows = document["authenticationFlowBindingOverrides"].as_object().into_iter().flatten();
            flows.into_iter().any(|(_, bound)| *bound == flow["id"])
        };
        self.top.as_object().is_some_and(|top| shows(top, Kind::Realm))
            || self.objects.iter().any(|(id, document)| {
                overrides(document)
                    || document.as_object().is_some_and(|map| id.kind == Kind::IdentityProvider && shows(map, id.kind))
            })
    }

    fn drop_flow(&mut self, id: &str) {
        let Some(flow) = self.flows.remove(id) else { return };
        for step in flow["steps"].as_array().into_iter().flatten() {
            self.configs.remove(step["authenticationConfig"].as_str().unwrap_or_default());
            self.drop_flow(step["flowId"].as_str().unwrap_or_default());
        }
    }

    fn step(&mut self, id: &str) -> Result<&mut Value, Refusal> {
        let steps = self.flows.values_mut().flat_map(|flow| flow["steps"].as_array_mut().into_iter().flatten());
        steps.into_iter().find(|step| step["id"] == id).ok_or_else(|| missing("execution"))
    }

    fn flatten(&self, flow: &str, level: u32, list: &mut Vec<Value>) {
        for step in self.flows[flow]["steps"].as_array().into_iter().flatten() {
            let mut shown = step.clone();
            shown["level"] = level.into();
            shown["providerId"] = step["authenticator"].clone();
            let inner = step["flowId"].as_str();
            if let Some(inner) = inner {
                shown["authenticationFlow"] = true.into();
                shown["displayName"] = self.flows[inner]["alias"].clone();
            }
            list.push(shown);
            inner.into_iter().for_each(|inner| self.flatten(inner, level + 1, list));
        }
    }
}

fn without_steps(flow: &Value) -> Value {
    let mut document = flow.clone();
    document.as_object_mut().into_iter().for_each(|map| {
        map.remove("steps");
    });
    document
}
