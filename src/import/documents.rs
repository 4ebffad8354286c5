//! The files: a platform, its distributors, the tenants, and the template that they share.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::extract::Extracted;
use super::infer::{Inferred, Tenant};
use super::{Flat, Options, Placement, yaml};
use crate::diagnostic::Diagnostic;
use crate::manifest::document::API_VERSION;
use crate::manifest::{Source, Tier, schema};
use crate::state::arrange::compose;
use crate::state::kind::Class;
use crate::state::{Kind, ObjectId, document, written};

/// Name of the template.
pub const TEMPLATE: &str = "imported";

/// Objects as a part of a representation. `literal`: texts are taken as they are, not filled.
pub fn representation(flat: &Flat, literal: bool) -> Value {
    let text = |id: &ObjectId, path: &str, value: &Value| match id.kind.class_of_path(path) {
        Class::Texts => shown(value),
        _ => value.clone(),
    };
    let documents = flat.iter().map(|(id, fields)| {
        let fields: BTreeMap<String, Value> =
            fields.iter().map(|(path, value)| (path.clone(), text(id, path, value))).collect();
        (id, document(id.kind, &fields))
    });
    let mut top = json!({});
    let mut items = Vec::new();
    for (id, document) in documents {
        if id.kind == Kind::Realm { top = document } else { items.push((id, document)) }
    }
    let whole = written(compose(top, items.into_iter()));
    if literal { escaped(&whole) } else { whole }
}

/// A text that is a number or a truth value, as such.
fn shown(value: &Value) -> Value {
    match value.as_str() {
        Some("true") => true.into(),
        Some("false") => false.into(),
        Some(text) => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => number.into(),
            _ => value.clone(),
        },
        None => value.clone(),
    }
}

fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => super::substitute::escape(text).into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (super::substitute::escape(key), escaped(value))).collect(),
        other => other.clone(),
    }
}

/// All files. An error: the tree can't be written so.
pub fn write(
    realms: &[Extracted],
    inferred: &Inferred,
    placement: &Placement,
    options: &Options,
) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let mut files = Vec::new();
    if options.with_platform {
        files.push(platform(options));
        let schema = serde_json::to_string_pretty(&schema::published()).unwrap_or_default();
        files.push(Source { name: SCHEMA.into(), text: schema + "\n" });
    }
    files.push(template(inferred, realms.len()));
    let names: BTreeSet<&str> = realms.iter().map(|realm| realm.name.as_str()).collect();
    let mut above = BTreeSet::new();
    for (realm, tenant) in realms.iter().zip(&inferred.tenants) {
        let root = placement.root(&realm.name);
        above.extend((!names.contains(root.as_str())).then(|| root.clone()));
        files.push(self::tenant(realm, tenant, placement, &root));
    }
    for name in above {
        files.push(source(
            &format!("{0}/{0}.yaml", file_name(&name)),
            "The organizations below are in this directory. It has no realm of its own.",
            json!({"kind": "Distributor", "name": name, "withoutRealm": true}),
        ));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

const SCHEMA: &str = "manifest.schema.json";

fn source(name: &str, comment: &str, document: Value) -> Source {
    let up = "../".repeat(name.matches('/').count());
    let mut map = document.as_object().cloned().unwrap_or_default();
    map.insert("apiVersion".into(), API_VERSION.into());
    let comment = if comment.is_empty() { String::new() } else { format!("# {comment}\n") };
    let text = format!("# yaml-language-server: $schema={up}{SCHEMA}\n{comment}{}", yaml::document(&map));
    Source { name: name.to_owned(), text }
}

fn platform(options: &Options) -> Source {
    let server = options.server.as_ref().map_or_else(|| json!({}), |server| json!({ "server": server }));
    source(
        "platform.yaml",
        "",
        json!({"kind": "Platform", "name": options.platform, "environments": {(options.environment.clone()): server}}),
    )
}

/// What all realms have, and, by parameters, what most have.
fn template(inferred: &Inferred, realms: usize) -> Source {
    let mut realm = representation(&inferred.template, false);
    let mut parameters = Map::new();
    for (name, flat) in &inferred.optional {
        let about: Vec<String> = flat.keys().map(ToString::to_string).collect();
        let description = format!("Whether there is {}", about.join(", "));
        parameters.insert(name.clone(), json!({"type": "boolean", "default": true, "description": description}));
        unite(&mut realm, conditional(representation(flat, false), name));
    }
    let about = if realms == 1 {
        "What Keycloak would leave out of a new realm"
    } else {
        "What the imported realms have in common"
    };
    let mut document = json!({"kind": "RealmTemplate", "name": TEMPLATE, "description": about, "realm": realm});
    if !parameters.is_empty() {
        document["parameters"] = parameters.into();
    }
    source(&format!("realm-templates/{TEMPLATE}.yaml"), "", document)
}

/// Lists whose items are there only where the parameter says so.
fn conditional(value: Value, parameter: &str) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, conditional(value, parameter))).collect(),
        Value::Array(items) => json!([{ (format!("$if(parameters.{parameter})")): items }]),
        other => other,
    }
}

fn unite(into: &mut Value, other: Value) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => {
            for (key, value) in other {
                match into.get_mut(&key) {
                    Some(slot) => unite(slot, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(other)) => into.extend(other),
        _ => {}
    }
}

fn tenant(realm: &Extracted, tenant: &Tenant, placement: &Placement, root: &str) -> Source {
    let place = placement.of(&realm.name);
    let kind = match place.tier {
        Tier::Distributor => "Distributor",
        Tier::Reseller => "Reseller",
        Tier::Organization => "Organization",
    };
    let mut document = json!({"kind": kind, "name": realm.name, "template": TEMPLATE});
    if let Some(parent) = &place.parent {
        document["parent"] = parent.as_str().into();
    }
    let mut own = tenant.realm.clone();
    let said = place.label.filter(|label| Some(label) != realm.label.as_ref());
    if let (Some(label), Some(top), Some(name)) = (&said, own.get_mut(&ObjectId::realm()), &realm.label) {
        // The list gives another label: the display name stays what it is.
        let _ = label;
        top.insert("displayName".into(), super::substitute::escape(name).into());
    }
    if let Some(label) = said.or_else(|| realm.label.clone()) {
        document["label"] = label.into();
    }
    if !tenant.without.is_empty() {
        document["parameters"] = tenant.without.iter().map(|name| (name.clone(), Value::Bool(false))).collect();
    }
    let realm_part = representation(&own, false);
    if realm_part.as_object().is_some_and(|map| !map.is_empty()) {
        document["realm"] = realm_part;
    }
    source(&format!("{}/{}.yaml", file_name(root), file_name(&realm.name)), "", document)
}

/// A name as a file's: what no file system minds.
fn file_name(name: &str) -> String {
    let clean: String =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
    if clean.starts_with('.') { format!("_{clean}") } else { clean }
}
