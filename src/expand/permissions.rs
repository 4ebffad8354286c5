//! Admin permissions that Keycloak would refuse, or take for more than they say.

use std::collections::BTreeSet;

use super::check::{at, list};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::node::{Data, Node};
use crate::state::permissions::{ADMIN_PERMISSIONS, TYPES};

/// Checks the client that has them, and its settings, wherever those stand.
pub(super) fn check(realm: &Node, found: &mut Vec<Diagnostic>) {
    let mut all: Vec<&Node> = at(realm, &["authorizationSettings", ADMIN_PERMISSIONS]).into_iter().collect();
    let clients = list(realm.get("clients")).iter();
    for client in clients.filter(|client| client.get("clientId").and_then(Node::text) == Some(ADMIN_PERMISSIONS)) {
        all.extend(client.get("authorizationSettings"));
        self::client(client, found);
    }
    if let [_, second, ..] = all.as_slice() {
        let message = format!("the settings of `{ADMIN_PERMISSIONS}` are there twice");
        found.push(Diagnostic::error("duplicate-object", second.span, message).hint("keep those of one place"));
    }
    for settings in all {
        if realm.get("adminPermissionsEnabled").map(Node::to_value) != Some(true.into()) {
            let message = "admin permissions are declared, and not switched on";
            let hint = "add `adminPermissionsEnabled: true` to the realm";
            found.push(Diagnostic::error("not-switched-on", settings.span, message).hint(hint));
        }
        match settings.get("policies") {
            Some(policies) => self::policies(policies, found),
            None => {
                let message = "admin permissions need the key `policies`; the rest of their settings is Keycloak's own";
                let hint = "say `policies: []` where there should be none";
                found.push(Diagnostic::error("missing-key", settings.span, message).hint(hint));
            }
        }
    }
}

/// The client itself is Keycloak's; exports say that it has authorization services.
fn client(client: &Node, found: &mut Vec<Diagnostic>) {
    let hint = "only `policies` of its `authorizationSettings` can be declared";
    for (key, value) in client.entries() {
        let known = matches!(key.text.as_str(), "clientId" | "authorizationSettings")
            || (key.text == "authorizationServicesEnabled" && value.to_value() == true);
        if !known {
            let message = format!("`{}` of the client `{ADMIN_PERMISSIONS}` is Keycloak's own", key.text);
            found.push(Diagnostic::error("not-managed", value.span, message).hint(hint));
        }
    }
    if client.get("authorizationSettings").is_none() {
        let message = format!("of the client `{ADMIN_PERMISSIONS}` nothing is declared");
        found.push(Diagnostic::error("missing-key", client.span, message).hint(hint));
    }
}

fn policies(policies: &Node, found: &mut Vec<Diagnostic>) {
    let Data::List(items) = &policies.data else {
        found.push(Diagnostic::error("wrong-type", policies.span, "`policies` must be a list"));
        return;
    };
    let names: BTreeSet<&str> = items.iter().filter_map(|policy| policy.get("name")?.text()).collect();
    let mut seen = BTreeSet::new();
    for policy in items {
        let mut refuse = |node: &Node, code, message: String, hint: Option<String>| {
            found.push(Diagnostic::error(code, node.span, message).maybe_hint(hint));
        };
        let name = policy.get("name").and_then(Node::text).unwrap_or_default();
        if name.is_empty() || !seen.insert(name) {
            refuse(policy, "wrong-name", "each policy needs a `name` of its own".into(), None);
        }
        for other in texts(at(policy, &["config", "applyPolicies"])) {
            if !names.contains(other.1.as_str()) {
                let hint = did_you_mean(&other.1, names.iter().copied());
                refuse(other.0, "unknown-object", format!("there is no policy `{}` beside it", other.1), hint);
            }
        }
        match policy.get("type").and_then(Node::text).unwrap_or_default() {
            "" => refuse(policy, "missing-key", "a policy needs a `type`".into(), None),
            "resource" => {
                let node = policy.get("type").unwrap_or(policy);
                let message = "admin permissions are of the type `scope`".to_owned();
                refuse(node, "wrong-value", message, Some("say `type: scope`, and what it is for".into()));
            }
            "scope" => permission(policy, found),
            _ => {}
        }
    }
}

/// What a permission says: what it is for, and what it allows.
fn permission(policy: &Node, found: &mut Vec<Diagnostic>) {
    let mut refuse = |node: &Node, code, message: String, hint: String| {
        found.push(Diagnostic::error(code, node.span, message).hint(hint));
    };
    if let Some(strategy) = policy.get("decisionStrategy").filter(|strategy| strategy.text() != Some("UNANIMOUS")) {
        let message = "every policy of an admin permission must agree".to_owned();
        refuse(strategy, "wrong-value", message, "say `UNANIMOUS`, or put an `aggregate` policy in between".into());
    }
    let node = at(policy, &["config", "defaultResourceType"]).unwrap_or(policy);
    let known = TYPES.iter().find(|(of_type, _)| node.text() == Some(of_type));
    let Some((of_type, allowed)) = known else {
        let types: Vec<&str> = TYPES.iter().map(|(of_type, _)| *of_type).collect();
        let message = "`defaultResourceType` must say what an admin permission is for".to_owned();
        refuse(node, "wrong-value", message, format!("one of {}", types.join(", ")));
        return;
    };
    let scopes = texts(at(policy, &["config", "scopes"]));
    if scopes.is_empty() {
        refuse(
            policy,
            "missing-key",
            "an admin permission needs `scopes`".into(),
            format!("of {}", allowed.join(", ")),
        );
    }
    for (node, scope) in scopes.iter().filter(|(_, scope)| !allowed.contains(&scope.as_str())) {
        let message = format!("`{scope}` is nothing that can be allowed for {of_type}");
        refuse(node, "wrong-value", message, format!("one of {}", allowed.join(", ")));
    }
    let resources = texts(at(policy, &["config", "resources"]));
    let all = resources.iter().any(|(_, name)| name == of_type);
    if resources.is_empty() || (all && resources.len() > 1) {
        let message = "an admin permission must name what it is for in `resources`".to_owned();
        refuse(policy, "wrong-value", message, format!("`[{of_type}]` for all of them, or only names"));
    }
    for (node, group) in resources.iter().filter(|(_, name)| *of_type == "Groups" && name != of_type) {
        if !group.starts_with('/') {
            refuse(node, "wrong-value", format!("`{group}` is not the path of a group"), "begin it with a `/`".into());
        }
    }
}

/// The texts of a list, which may be written as one text of JSON, with their places.
fn texts(node: Option<&Node>) -> Vec<(&Node, String)> {
    let Some(node) = node else { return Vec::new() };
    match node.text().and_then(|text| serde_json::from_str::<Vec<String>>(text).ok()) {
        Some(texts) => texts.into_iter().map(|text| (node, text)).collect(),
        None => node.items().iter().map(|item| (item, item.text().unwrap_or_default().to_owned())).collect(),
    }
}
