//! Authentication flows of a template: what refers to what must be there, under names that are taken once.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::node::Node;

/// Fields of an execution (`AuthenticationExecutionExportRepresentation`).
const EXECUTION: [&str; 8] = [
    "authenticator",
    "authenticatorConfig",
    "authenticatorFlow",
    "autheticatorFlow",
    "flowAlias",
    "priority",
    "requirement",
    "userSetupAllowed",
];

const REQUIREMENTS: [&str; 4] = ["REQUIRED", "ALTERNATIVE", "CONDITIONAL", "DISABLED"];

/// Checks the flows and configurations of a filled realm, place by place.
pub(super) fn check(realm: &Node, found: &mut Vec<Diagnostic>) {
    let flows = realm.get("authenticationFlows").map(Node::items).unwrap_or_default();
    let configs = realm.get("authenticatorConfig").map(Node::items).unwrap_or_default();
    let names = |list: &[Node]| -> BTreeSet<String> {
        list.iter().filter_map(|item| item.get("alias")?.text().map(str::to_owned)).collect()
    };
    let (known_flows, known_configs) = (names(flows), names(configs));
    for step in flows.iter().flat_map(|flow| flow.get("authenticationExecutions").map(Node::items).unwrap_or_default())
    {
        for (key, _) in step.entries().iter().filter(|(key, _)| !EXECUTION.contains(&key.text.as_str())) {
            let message = format!("`{}` is not a field of an execution", key.text);
            found.push(
                Diagnostic::error("unknown-field", key.span, message).maybe_hint(did_you_mean(&key.text, EXECUTION)),
            );
        }
        for (field, what, known) in [
            ("flowAlias", "flow", &known_flows),
            ("authenticatorConfig", "authenticator configuration", &known_configs),
        ] {
            let Some(node) = step.get(field) else { continue };
            let name = node.text().unwrap_or_default();
            if !known.contains(name) {
                let message = format!("there is no {what} `{name}` in this realm");
                let hint = did_you_mean(name, known.iter().map(String::as_str));
                found.push(Diagnostic::error("unknown-object", node.span, message).maybe_hint(hint));
            }
        }
        if let Some(node) =
            step.get("requirement").filter(|node| !REQUIREMENTS.contains(&node.text().unwrap_or_default()))
        {
            let message = format!("a requirement is one of {}", REQUIREMENTS.join(", "));
            found.push(Diagnostic::error("wrong-value", node.span, message));
        }
    }
}
