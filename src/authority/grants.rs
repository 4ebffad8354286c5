//! What only somebody above may write: what the vendor grants a distributor, however it is written.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Side, root};
use crate::diagnostic::{Diagnostic, Span};
use crate::expand::Desired;
use crate::manifest::Entry;
use crate::manifest::node::Node;
use crate::state::same;
use crate::state::sealed::{self, is_readable, term};

/// Keys of a distributor's document that the platform team writes, at the top and in each environment.
const GRANTED: [&str; 7] = ["licences", "grants", "ownLicences", "dealer", "allowFullPrivacy", "protected", "guards"];

/// Compares a distributor's own document.
pub(super) fn document(was: &Entry, is: &Entry, found: &mut Vec<Diagnostic>) {
    compare(&was.node, &is.node, &is.name, found);
    let environments = |entry: &Entry| {
        let node = entry.node.get("environments");
        node.map(|node| node.entries().iter().map(|(key, _)| key.text.clone()).collect::<BTreeSet<_>>())
    };
    let (before, after) = (environments(was), environments(is));
    if before != after {
        let said = |keys: Option<BTreeSet<String>>| match keys {
            Some(keys) => keys.into_iter().collect::<Vec<_>>().join(", "),
            None => "all".into(),
        };
        let message = format!(
            "the environments of the distributor `{}` change from {} to {}",
            is.name,
            said(before),
            said(after)
        );
        let hint = "the platform team decides where a distributor exists; put them back as they were";
        found.push(Diagnostic::error("granted", is.node.key_span("environments"), message).hint(hint));
    }
    for (key, different) in is.node.get("environments").map(Node::entries).unwrap_or_default() {
        let empty = Node { data: crate::manifest::node::Data::Map(Vec::new()), span: different.span };
        let before = was.node.get("environments").and_then(|node| node.get(&key.text)).unwrap_or(&empty);
        compare(before, different, &is.name, found);
    }
}

fn compare(was: &Node, is: &Node, name: &str, found: &mut Vec<Diagnostic>) {
    for key in GRANTED {
        let value = |node: &Node| node.get(key).map(Node::to_value);
        if value(was) != value(is) {
            let message = format!("`{key}` of the distributor `{name}` changes, which the vendor decides");
            let hint = "put it back as it was; resellers and organizations below may be given licences here";
            found.push(
                Diagnostic::error("granted", first_difference(was.get(key), is.get(key), is.key_span(key)), message)
                    .hint(hint),
            );
        }
    }
}

/// Where two nodes begin to differ.
fn first_difference(was: Option<&Node>, is: Option<&Node>, at: Span) -> Span {
    let (Some(was), Some(is)) = (was, is) else { return at };
    let inner = is.items().iter().zip(was.items().iter().map(Some).chain(std::iter::repeat(None)));
    for (item, other) in inner {
        if other.map(Node::to_value).as_ref() != Some(&item.to_value()) {
            return item.span;
        }
    }
    at
}

/// What is granted, as it stands in a realm: by field, its value.
fn granted(tenant: &Desired) -> Map<String, Value> {
    let fields = tenant.state.realm().into_iter().flat_map(|realm| &realm.fields);
    let granted = |path: &str| is_readable(path) || path.starts_with("attributes.tenant.");
    fields.filter(|(path, _)| granted(path)).map(|(path, value)| (path.clone(), value.clone())).collect()
}

/// Grants that come into a realm by another way than `licences`: a template, a parameter, a difference of the realm. Of
/// the distributors in `told`, it was said already that their grants change.
pub(super) fn realms(before: &Side<'_>, after: &Side<'_>, own: &[&str], told: &[&str], found: &mut Vec<Diagnostic>) {
    let was: BTreeMap<(&str, &str), Map<String, Value>> = before
        .desired
        .iter()
        .map(|tenant| ((tenant.name.as_str(), tenant.environment.as_str()), granted(tenant)))
        .collect();
    for tenant in after.desired.iter().filter(|tenant| own.contains(&root(tenant))) {
        let Some(entry) = after.entry(&tenant.name) else { continue };
        let is = granted(tenant);
        let key = (tenant.name.as_str(), tenant.environment.as_str());
        if own.contains(&tenant.name.as_str())
            && !told.contains(&tenant.name.as_str())
            && let Some(was) = was.get(&key)
            && let Some(path) = differing(was, &is)
        {
            let message = format!(
                "`{path}` of the realm of the distributor `{}` changes in {}, which the vendor decides",
                tenant.name, tenant.environment
            );
            let hint = "put back what changes it: a template, a parameter, or a difference of the realm";
            found.push(Diagnostic::error("granted", entry.span(), message).hint(hint));
        }
        let said = declared(tenant, entry);
        if let Some(path) =
            differing(&said, &is).filter(|_| was.get(&key).is_none_or(|was| differing(was, &is).is_some()))
        {
            let message = format!("`{path}` of the realm `{}` is not what its manifest's own keys give", tenant.name);
            let hint =
                "licences stand under `licences`, the tree under `parent`; take this out of the realm and the template";
            found.push(Diagnostic::error("granted-in-realm", entry.node.key_span("realm"), message).hint(hint));
        }
    }
}

/// The first field that has another value.
fn differing(was: &Map<String, Value>, is: &Map<String, Value>) -> Option<String> {
    let mut paths = was.keys().chain(is.keys());
    paths.find(|path| !same(was.get(*path), is.get(*path))).cloned()
}

/// What a realm's grants are by the keys of the manifest alone. A key that no template of ours writes is not judged.
fn declared(tenant: &Desired, entry: &Entry) -> Map<String, Value> {
    let mut said = granted(tenant);
    let here = entry.node.get("environments").and_then(|node| node.get(&tenant.environment));
    let written = |key: &str| here.and_then(|node| node.get(key)).or_else(|| entry.node.get(key));
    let (licences, grants) = (written("licences"), written("grants"));
    let licences: Vec<Value> = licences.map(Node::items).unwrap_or_default().iter().map(Node::to_value).collect();
    for (path, value) in &mut said {
        if let Some((serial, key)) = term(path) {
            let licence = licences.iter().find(|licence| licence["serial"] == serial);
            *value = match (licence, key) {
                (None, _) => Value::Null,
                (Some(licence), "autoRenew") => licence[key].as_bool().unwrap_or(false).into(),
                (Some(licence), "product" | "type" | "serial" | "seats" | "validFrom" | "validUntil") => {
                    licence[key].clone()
                }
                (Some(_), _) => continue,
            };
        }
        if let Some(resource) = sealed::granted(path) {
            *value = grants.and_then(|grants| grants.get(resource)).map(Node::to_value).unwrap_or_default();
        }
        match path.as_str() {
            "attributes.tenant.tier" => *value = tenant.tier.to_string().into(),
            "attributes.tenant.parent" => *value = tenant.path.last().cloned().into(),
            "attributes.tenant.distributor" => *value = root(tenant).into(),
            "attributes.tenant.environment" => *value = tenant.environment.as_str().into(),
            _ => {}
        }
    }
    said
}

/// Variables of the environment hold what the platform team put there, for itself too: which of them a realm may get is
/// its decision.
pub(super) fn variables(before: &Side<'_>, after: &Side<'_>, own: &[&str], found: &mut Vec<Diagnostic>) {
    let named = |side: &Side<'_>| -> BTreeSet<String> {
        let branch = side.desired.iter().filter(|tenant| own.contains(&root(tenant)));
        branch.flat_map(|tenant| tenant.secrets.iter().map(|(reference, _)| reference.clone())).collect()
    };
    let known = named(before);
    for (reference, span) in
        after.desired.iter().filter(|tenant| own.contains(&root(tenant))).flat_map(|tenant| &tenant.secrets)
    {
        if reference.starts_with("env:") && !known.contains(reference) {
            let message = format!("the secret `{reference}` is a variable that this distributor did not use before");
            let hint = "the platform team decides which variables a distributor's realms may hold; a file beside the manifest is yours";
            found.push(Diagnostic::error("new-variable", *span, message).hint(hint));
        }
    }
}
