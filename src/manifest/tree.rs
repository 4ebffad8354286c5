//! The tree of organizations as written: who stands below whom, and what is wrong with that.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::node::{Data, Node};
use super::{Source, place};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};

/// What an organization is in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The root of a branch.
    Distributor,
    /// Sells to organizations.
    Reseller,
    /// A customer, or a part of one.
    Organization,
}

impl Tier {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Distributor => "distributor",
            Self::Reseller => "reseller",
            Self::Organization => "organization",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An organization as written, without its children.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its tier.
    pub tier: Tier,
    /// Its name.
    pub name: String,
    /// The name of the organization above it and where that is said.
    pub parent: Option<(String, Span)>,
    /// What it says of itself.
    pub node: Node,
}

/// Keys of a member's node that hold children.
const CHILDREN: [(&str, Tier); 2] = [("resellers", Tier::Reseller), ("organizations", Tier::Organization)];

/// Takes a document of a tier apart into entries, parents before children.
pub(crate) fn gather(tier: Tier, parent: Option<(String, Span)>, mut node: Node, entries: &mut Vec<Entry>) {
    let mut children = Vec::new();
    if let Data::Map(map) = &mut node.data {
        map.retain_mut(|(key, value)| {
            let Some((_, tier)) = CHILDREN.iter().find(|(name, _)| *name == key.text) else { return true };
            if let Data::List(items) = &mut value.data {
                children.extend(items.drain(..).map(|item| (*tier, item)));
            }
            false
        });
    }
    let name = node.get("name").and_then(Node::text).unwrap_or_default().to_owned();
    let span = node.get("name").map_or(node.span, |name| name.span);
    entries.push(Entry { tier, name: name.clone(), parent, node });
    for (tier, child) in children {
        gather(tier, Some((name.clone(), span)), child, entries);
    }
}

impl Entry {
    /// Where its name is written.
    pub fn span(&self) -> Span {
        self.node.get("name").map_or(self.node.span, |name| name.span)
    }
}

/// Checks names and parents and returns the entries in tree order: a parent directly before its children, siblings
/// by tier and name, so that the order of files and keys never matters.
pub(crate) fn arrange(entries: Vec<Entry>, sources: &[Source], found: &mut Vec<Diagnostic>) -> Vec<Entry> {
    let mut by_name: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in entries {
        check_name(&entry, found);
        if let Some(first) = by_name.get(&entry.name) {
            let message = format!("two tenants are named `{}`", entry.name);
            let hint = format!(
                "the other one is the {} at {}; names are unique in the platform",
                first.tier,
                place(sources, first.span())
            );
            found.push(Diagnostic::error("duplicate-name", entry.span(), message).hint(hint));
            continue;
        }
        by_name.insert(entry.name.clone(), entry);
    }
    let mut children: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    for entry in by_name.values() {
        let Some((parent, span)) = &entry.parent else {
            children.entry(None).or_default().push(entry.name.clone());
            continue;
        };
        match by_name.get(parent) {
            None => {
                let hint = did_you_mean(parent, by_name.keys().map(String::as_str));
                let hint = hint.or_else(|| Some("declare it, or correct the name".into()));
                let message = format!("`{}` names a parent `{parent}` that no manifest declares", entry.name);
                found.push(Diagnostic::error("unknown-parent", *span, message).maybe_hint(hint));
            }
            Some(above) if above.tier > entry.tier => {
                let message = format!("a {} can't stand below the {} `{parent}`", entry.tier, above.tier);
                let hint = "organizations stand below organizations, resellers and distributors, resellers below resellers and distributors";
                found.push(Diagnostic::error("wrong-parent", *span, message).hint(hint));
            }
            Some(_) => {}
        }
        children.entry(Some(parent.clone())).or_default().push(entry.name.clone());
    }
    let mut ordered = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let push = |of: &Option<String>, open: &mut Vec<String>, by_name: &BTreeMap<String, Entry>| {
        let mut names = children.get(of).cloned().unwrap_or_default();
        names.sort_by_key(|name| (by_name.get(name).map(|e| e.tier), name.clone()));
        open.extend(names.into_iter().rev());
    };
    push(&None, &mut open, &by_name);
    while let Some(name) = open.pop() {
        push(&Some(name.clone()), &mut open, &by_name);
        ordered.extend(by_name.remove(&name));
    }
    report_cycles(&by_name, found);
    ordered
}

/// What is left has no way to a root: a cycle, or something below an unknown parent or a cycle.
fn report_cycles(left: &BTreeMap<String, Entry>, found: &mut Vec<Diagnostic>) {
    let mut told: Vec<&str> = Vec::new();
    for entry in left.values() {
        let mut path: Vec<&Entry> = Vec::new();
        let mut at = Some(entry);
        while let Some(current) = at {
            if let Some(start) = path.iter().position(|e| e.name == current.name) {
                let cycle: Vec<&str> = path[start..].iter().map(|e| e.name.as_str()).collect();
                if !cycle.iter().any(|name| told.contains(name)) {
                    let span = current.parent.as_ref().map_or(current.span(), |(_, span)| *span);
                    let message = format!("the parents go round in a circle: {} → {}", cycle.join(" → "), current.name);
                    found.push(
                        Diagnostic::error("cycle", span, message).hint("give one of them a parent outside the circle"),
                    );
                    told.extend(cycle);
                }
                break;
            }
            path.push(current);
            at = current.parent.as_ref().and_then(|(parent, _)| left.get(parent));
        }
    }
}

fn check_name(entry: &Entry, found: &mut Vec<Diagnostic>) {
    let name = entry.name.as_str();
    // Some databases know no case.
    if matches!(name.to_lowercase().as_str(), "master" | "admin") {
        let message = format!("`{name}` can't be the name of a tenant: it belongs to Keycloak itself");
        found.push(
            Diagnostic::error("reserved-name", entry.span(), message)
                .hint("choose another name; the label may be anything"),
        );
    } else if name.ends_with("-realm") {
        let message =
            format!("`{name}` is easily taken for one of the clients `<realm>-realm` of Keycloak's master realm");
        found.push(
            Diagnostic::warning("reserved-name", entry.span(), message)
                .hint("choose another name, unless the realm has it already; the label may be anything"),
        );
    }
}
