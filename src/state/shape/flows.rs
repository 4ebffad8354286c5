//! Authentication flows: a representation has them flat, with sub-flows and configurations in lists of their own that
//! refer to one another by alias. Here a flow is one object with everything below it, in order.
//!
//! A client's overrides name flows by id in a representation, and by alias here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{objects, text};
use crate::state::Kind;
use crate::state::applied::hex;
use crate::state::secret::{MASK, is_in_vault};
use crate::state::secret_name::is_secret_setting;

/// How deep flows may be nested; a guard against one that contains itself.
const DEPTH: usize = 16;

type ByAlias<'a> = BTreeMap<&'a str, &'a Map<String, Value>>;

pub(super) fn gather(document: &mut Map<String, Value>) {
    let flat = document.remove("authenticationFlows");
    let configs = document.remove("authenticatorConfig");
    let flows = by_alias(flat.as_ref());
    let configs = by_alias(configs.as_ref());
    let below: BTreeSet<&str> =
        flows.values().flat_map(|flow| executions(flow)).map(|step| text(step, "flowAlias")).collect();
    let is_top = |flow: &Map<String, Value>| match flow.get("topLevel").and_then(Value::as_bool) {
        Some(top) => top,
        None => !below.contains(text(flow, "alias")),
    };
    let list = flat.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let top: Vec<Value> = list
        .filter(|flow| is_top(flow))
        .map(|flow| {
            if flow.contains_key("executions") {
                return Value::Object(flow.clone());
            }
            let mut whole = flow.clone();
            whole.retain(|field, _| !matches!(field.as_str(), "authenticationExecutions" | "topLevel"));
            whole.insert("executions".into(), steps(flow, &flows, &configs, 0));
            Value::Object(whole)
        })
        .collect();
    let ids: BTreeMap<&str, &str> =
        flows.iter().map(|(alias, flow)| (text(flow, "id"), *alias)).filter(|(id, _)| !id.is_empty()).collect();
    overrides(document, |id| ids.get(id).map(|alias| (*alias).to_owned()));
    if flat.is_some() {
        document.insert("authenticationFlows".into(), top.into());
    }
}

/// The steps of a flow, each with its configuration or what is below it.
fn steps(flow: &Map<String, Value>, flows: &ByAlias<'_>, configs: &ByAlias<'_>, depth: usize) -> Value {
    let mut list: Vec<&Map<String, Value>> = executions(flow).collect();
    list.sort_by_key(|step| step.get("priority").and_then(Value::as_i64).unwrap_or(0));
    let step = |step: &Map<String, Value>| {
        let mut whole = json!({ "requirement": step.get("requirement").and_then(Value::as_str).unwrap_or("DISABLED") });
        if let Some(authenticator) = step.get("authenticator").filter(|value| !value.is_null()) {
            whole["authenticator"] = authenticator.clone();
        }
        let config = text(step, "authenticatorConfig");
        if !config.is_empty() {
            let values =
                configs.get(config).and_then(|config| config.get("config")).cloned().unwrap_or_else(|| json!({}));
            whole["config"] = json!({"alias": config, "values": hidden(values)});
        }
        let inner = text(step, "flowAlias");
        if !inner.is_empty() {
            let found = flows.get(inner).filter(|_| depth < DEPTH);
            let provider =
                found.map(|flow| text(flow, "providerId")).filter(|id| !id.is_empty()).unwrap_or("basic-flow");
            whole["flow"] = json!({"alias": inner, "providerId": provider});
            if let Some(description) =
                found.and_then(|flow| flow.get("description")).filter(|text| **text != json!("") && !text.is_null())
            {
                whole["flow"]["description"] = description.clone();
            }
            whole["flow"]["executions"] =
                found.map_or_else(|| json!([]), |flow| steps(flow, flows, configs, depth + 1));
        }
        whole
    };
    list.into_iter().map(step).collect()
}

/// The settings of a step, which are texts, without the secrets that Keycloak shows to whoever may read the realm.
fn hidden(mut values: Value) -> Value {
    for (name, value) in values.as_object_mut().into_iter().flatten() {
        if value.is_boolean() || value.is_number() {
            *value = value.to_string().into();
        }
        let text = value.as_str().is_some_and(|text| !matches!(text, "" | "true" | "false"));
        if text && is_secret_setting(name) && !is_in_vault(value) {
            *value = MASK.into();
        }
    }
    values
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    let mut wanted = BTreeSet::new();
    overrides(document, |alias| {
        wanted.insert(alias.to_owned());
        None
    });
    let realm = text(document, "realm").to_owned();
    let flow_id = |alias: &str| identifier(&realm, alias);
    let mut out = Flat::default();
    let Some(Value::Array(flows)) = document.remove("authenticationFlows") else { return };
    for flow in flows.iter().filter_map(Value::as_object) {
        let alias = text(flow, "alias");
        let built_in = Kind::Flow.is_built_in(alias);
        let id = wanted.contains(alias).then(|| flow_id(alias));
        out.flow(flow, true, built_in, id.as_deref());
    }
    let ids: BTreeSet<String> = flows.iter().filter_map(|flow| flow["alias"].as_str().map(str::to_owned)).collect();
    overrides(document, |alias| ids.contains(alias).then(|| flow_id(alias)));
    document.insert("authenticationFlows".into(), out.flows.into());
    document.insert("authenticatorConfig".into(), out.configs.into());
}

/// Flows and configurations as a representation lists them.
#[derive(Default)]
struct Flat {
    flows: Vec<Value>,
    configs: Vec<Value>,
}

impl Flat {
    fn flow(&mut self, flow: &Map<String, Value>, top: bool, built_in: bool, id: Option<&str>) {
        let mut own = flow.clone();
        own.retain(|field, _| field != "executions");
        own.insert("topLevel".into(), top.into());
        own.insert("builtIn".into(), built_in.into());
        if let Some(id) = id {
            own.insert("id".into(), id.into());
        }
        let mut list = Vec::new();
        for (at, step) in (1..).zip(flow.get("executions").and_then(Value::as_array).into_iter().flatten()) {
            let mut flat = json!({"requirement": step["requirement"], "priority": at * 10});
            if step["authenticator"].is_string() {
                flat["authenticator"] = step["authenticator"].clone();
            }
            if let Some(config) = step.get("config") {
                flat["authenticatorConfig"] = config["alias"].clone();
                self.configs.push(json!({"alias": config["alias"], "config": config["values"]}));
            }
            if let Some(inner) = step.get("flow").and_then(Value::as_object) {
                flat["authenticatorFlow"] = true.into();
                flat["flowAlias"] = inner.get("alias").cloned().unwrap_or_default();
                self.flow(inner, false, built_in, None);
            }
            list.push(flat);
        }
        own.insert("authenticationExecutions".into(), list.into());
        self.flows.push(own.into());
    }
}

/// The id of a new flow that a client refers to: it must be known before the birth.
fn identifier(realm: &str, alias: &str) -> String {
    let digest = Sha256::digest(format!("{realm}\0{alias}"));
    [0..4, 4..6, 6..8, 8..10, 10..16].map(|range| hex(&digest[range])).join("-")
}

fn overrides(document: &mut Map<String, Value>, mut replaced: impl FnMut(&str) -> Option<String>) {
    for client in objects(document, "clients") {
        let flows = client.get_mut("authenticationFlowBindingOverrides").and_then(Value::as_object_mut);
        for flow in flows.into_iter().flat_map(|map| map.values_mut()) {
            if let Some(new) = flow.as_str().and_then(&mut replaced) {
                *flow = new.into();
            }
        }
    }
}

fn by_alias(list: Option<&Value>) -> ByAlias<'_> {
    let items = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    items.map(|item| (text(item, "alias"), item)).collect()
}

fn executions(flow: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    flow.get("authenticationExecutions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
