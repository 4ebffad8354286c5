//! Nothing is declared that the checks refuse or that a plan would change: each such thing is taken out, and told.
//!
//! What is checked is the real thing: the realm is expanded and, where it is live, planned against itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::extract::Extracted;
use super::{Finding, Realm, documents};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::expand::{Desired, PROVISIONER, Trusted, expand};
use crate::manifest::document::{Platform, RealmTemplate};
use crate::manifest::node::{Data, Key, Node};
use crate::manifest::resolve::resolve;
use crate::manifest::{Entry, ManifestSet, TemplateDocument, Tier};
use crate::plan::{Action, plan_tenant};
use crate::state::applied::MARKER;
use crate::state::sealed::ENTITLEMENT;
use crate::state::secret::Secrets;
use crate::state::specs::SPECS;
use crate::state::{Fields, ObjectId, RealmState, arrange};

/// More rounds than any realm needs; each takes something out.
const ROUNDS: usize = 200;

const TEMPLATE: &str = "empty";

const ENVIRONMENT: &str = "import";

/// Takes out of a realm what can't be declared as it is.
pub fn prove(realm: &Realm, one: &mut Extracted, findings: &mut Vec<Finding>) {
    for _ in 0..ROUNDS {
        let value = documents::representation(&one.wanted(), true);
        let mut places = Vec::new();
        let node = place(&value, "", &mut places);
        let mut found = Vec::new();
        let desired = expand_one(&one.name, node, &mut found);
        let errors: Vec<&Diagnostic> = found.iter().filter(|d| d.severity == Severity::Error).collect();
        if errors.is_empty() {
            match desired.filter(|_| realm.live) {
                Some(desired) if !settled(realm, one, &desired, findings) => continue,
                _ => return,
            }
        }
        let mut progress = false;
        for error in errors {
            progress |= take_out(one, &value, &places, error, findings);
        }
        if !progress {
            let why = found.iter().map(|d| d.message.clone()).next().unwrap_or_default();
            findings.push(Finding::not_expressed(&one.name, "realm", None, why, None));
            return;
        }
    }
}

/// The tree with a line of its own for each part: `places[line]` is its pointer.
fn place(value: &Value, pointer: &str, places: &mut Vec<String>) -> Node {
    places.push(pointer.to_owned());
    let span = Span { source: 0, line: u32::try_from(places.len()).unwrap_or(u32::MAX), column: 1 };
    let data = match value {
        Value::Array(items) => Data::List(
            items.iter().enumerate().map(|(at, item)| place(item, &format!("{pointer}/{at}"), places)).collect(),
        ),
        Value::Object(map) => Data::Map(
            map.iter()
                .map(|(text, value)| {
                    let node =
                        place(value, &format!("{pointer}/{}", text.replace('~', "~0").replace('/', "~1")), places);
                    (Key { text: text.clone(), span: node.span }, node)
                })
                .collect(),
        ),
        scalar => Data::Scalar(scalar.clone()),
    };
    Node { data, span }
}

/// What the realm would be by a manifest that says just this.
fn expand_one(name: &str, realm: Node, found: &mut Vec<Diagnostic>) -> Option<Desired> {
    let span = Span::default();
    let document = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": TEMPLATE});
    let typed: RealmTemplate = serde_json::from_value(document.clone()).ok()?;
    let template = TemplateDocument { typed, node: Node::from_value(&document, span), owner: None };
    let platform = json!({"apiVersion": "realmwright/v1", "kind": "Platform", "name": "import", "environments": {ENVIRONMENT: {}}});
    let typed: Platform = serde_json::from_value(platform.clone()).ok()?;
    let mut set = ManifestSet {
        platform: typed,
        platform_node: Node::from_value(&platform, span),
        templates: BTreeMap::from([(TEMPLATE.to_owned(), template)]),
        entries: Vec::new(),
    };
    let key = |text: &str| Key { text: text.into(), span };
    let entries = [("name", Node::scalar(name, span)), ("template", Node::scalar(TEMPLATE, span)), ("realm", realm)];
    let node = Node { data: Data::Map(entries.map(|(text, node)| (key(text), node)).into()), span };
    set.entries.push(Entry { tier: Tier::Distributor, name: name.to_owned(), parent: None, node });
    let network = resolve(&set, ENVIRONMENT, found);
    expand(&set, &[], &network, Trusted { operator: "{}", broker: "{}" }, found).pop()
}

/// True when planning the live realm against what is declared of it changes nothing. Else what would change is taken out.
fn settled(realm: &Realm, one: &mut Extracted, desired: &Desired, findings: &mut Vec<Finding>) -> bool {
    let mut representation = realm.representation.clone();
    if let Some(attributes) = representation["attributes"].as_object_mut() {
        [MARKER, ENTITLEMENT].into_iter().for_each(|own| drop(attributes.remove(own)));
    }
    let mut observed = arrange(&representation);
    for spec in SPECS.iter().filter(|spec| spec.kind.is_single()) {
        observed.objects.entry(ObjectId::new(spec.kind, "")).or_default();
    }
    let plan = plan_tenant(desired, Some(&observed), &Secrets::default());
    let mut settled = true;
    for change in plan.changes.iter().filter(|change| !change.object.key.contains(PROVISIONER)) {
        let why = "what Keycloak shows of it is not what it would take";
        match change.action {
            Action::Create if one.full.remove(&change.object).is_some() => {
                findings.push(Finding::not_expressed(&one.name, &change.object, None, why, None));
                settled = false;
            }
            Action::Update => {
                for field in &change.fields {
                    let Some(fields) = one.full.get_mut(&change.object) else { continue };
                    let group = field.path.split('.').next().unwrap_or_default().to_owned();
                    let before = fields.len();
                    match &field.after {
                        Some(_) => fields.retain(|path, _| *path != field.path),
                        // Where a part of a complete group is left out, all of it is.
                        None => fields.retain(|path, _| path.split('.').next() != Some(&group)),
                    }
                    if fields.len() < before {
                        findings.push(Finding::not_expressed(&one.name, &change.object, Some(&field.path), why, None));
                        settled = false;
                    }
                }
            }
            _ => {}
        }
    }
    settled
}

/// Takes out what an error is about; false if it is not known.
fn take_out(
    one: &mut Extracted,
    value: &Value,
    places: &[String],
    error: &Diagnostic,
    findings: &mut Vec<Finding>,
) -> bool {
    let line = error.span.map_or(0, |span| span.line) as usize;
    let before = arrange(value);
    let mut rest = value.clone();
    match line.checked_sub(1).and_then(|line| places.get(line)) {
        Some(pointer) => remove(&mut rest, pointer, error.code),
        None => return unknown_reference(one, &before, error, findings),
    }
    let after = arrange(&rest);
    let mut progress = false;
    for (id, object) in &before.objects {
        let own = unescaped(id);
        let Some(kept) = after.objects.get(id) else {
            progress |= one.full.remove(&own).is_some();
            one.whole.remove(&own);
            findings.push(finding(one, &own, None, error));
            continue;
        };
        for path in
            object.fields.iter().filter(|(path, value)| kept.fields.get(*path) != Some(value)).map(|(path, _)| path)
        {
            let path = path.replace("$$(", "$(");
            let Some(fields) = one.full.get_mut(&own) else { continue };
            progress |= fields.remove(&path).is_some();
            findings.push(finding(one, &own, Some(&path), error));
        }
    }
    progress
}

fn finding(one: &Extracted, id: &ObjectId, field: Option<&str>, error: &Diagnostic) -> Finding {
    Finding::not_expressed(&one.name, id, field, error.message.clone(), error.hint.clone())
}

fn unescaped(id: &ObjectId) -> ObjectId {
    ObjectId { kind: id.kind, key: id.key.replace("$$(", "$(") }
}

/// Removes what stands at a pointer; the whole object where its name is what is wrong.
fn remove(value: &mut Value, pointer: &str, code: &str) {
    let (mut outer, mut last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let names = ["clientId", "alias", "username", "name"];
    let in_a_list = outer.rsplit('/').next().is_some_and(|step| step.parse::<usize>().is_ok());
    let named = names.contains(&last) && matches!(code, "reserved-name" | "wrong-name" | "duplicate-object");
    if in_a_list && (named || (last == "providerId" && code == "not-managed")) {
        (outer, last) = outer.rsplit_once('/').unwrap_or(("", outer));
    }
    let last = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(outer) {
        Some(Value::Array(items)) => {
            if let Some(at) = last.parse::<usize>().ok().filter(|at| *at < items.len()) {
                items.remove(at);
            }
        }
        Some(Value::Object(map)) => {
            map.remove(&last);
        }
        _ => {}
    }
}

/// A reference to something that the realm does not have: the name is taken out of the object that refers to it.
fn unknown_reference(
    one: &mut Extracted,
    before: &RealmState,
    error: &Diagnostic,
    findings: &mut Vec<Finding>,
) -> bool {
    let words = |id: &ObjectId| format!("{}/{id} ", one.name);
    let mut ids: Vec<ObjectId> =
        before.objects.keys().map(unescaped).filter(|id| error.message.starts_with(&words(id))).collect();
    ids.sort_by_key(|id| id.key.len());
    let (Some(id), Some(name)) = (ids.pop(), error.message.split('`').nth(1)) else { return false };
    let last = name.rsplit('/').next().unwrap_or(name);
    let path = format!("/{name}");
    let meant = |item: &Value| [name, last, &path].iter().any(|text| item == text);
    let mut told = Vec::new();
    if let Some(fields) = one.full.get_mut(&id) {
        let mut kept = Fields::new();
        for (path, value) in std::mem::take(fields) {
            match value {
                Value::Array(items) if items.iter().any(meant) => {
                    let rest: Vec<Value> = items.into_iter().filter(|item| !meant(item)).collect();
                    told.push(path.clone());
                    kept.insert(path, rest.into());
                }
                Value::String(text) if text == name && id.kind.binds_flow(&path) => told.push(path),
                _ if path.ends_with(&format!(".{name}")) => told.push(path),
                other => {
                    kept.insert(path, other);
                }
            }
        }
        *fields = kept;
    }
    let finding = |one: &Extracted, path: Option<&str>| match one.masked.contains(name) {
        true => Finding::not_expressed(&one.name, &id, path, masked(name), None),
        false => finding(one, &id, path, error),
    };
    if told.is_empty() && id.kind != crate::state::Kind::Realm && one.full.remove(&id).is_some() {
        findings.push(finding(one, None));
        return true;
    }
    for path in &told {
        findings.push(finding(one, Some(path)));
    }
    !told.is_empty()
}

fn masked(flow: &str) -> String {
    format!("it names the flow `{flow}`, which is left alone, because Keycloak masks some of its settings")
}
