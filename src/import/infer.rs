//! What realms have in common, and how each differs from it.
//!
//! A value is shared when all realms have its field and most of them this value; an object is shared when all realms
//! have it. The name of a realm inside its values is no difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Flat;
use super::extract::{Extracted, is_replaced, must, with_owners, with_their_groups};
use super::substitute::{escape, named, unnamed};
use crate::state::{Fields, Kind, ObjectId, defaults, same};

/// One template and what each realm has beside it, as templates write it.
#[derive(Debug, Clone, Default)]
pub struct Inferred {
    /// What is shared.
    pub template: Flat,
    /// Objects that most realms have, by the parameter that a tenant without it sets to false.
    pub optional: BTreeMap<String, Flat>,
    /// What each realm has beside.
    pub tenants: Vec<Tenant>,
}

/// What one realm has beside the template.
#[derive(Debug, Clone, Default)]
pub struct Tenant {
    /// Fields that differ.
    pub realm: Flat,
    /// Parameters that it sets to false.
    pub without: Vec<String>,
}

/// Realms with their names taken out.
struct View {
    full: Flat,
    base: Flat,
    wanted: Flat,
    whole: BTreeSet<ObjectId>,
}

/// Finds what is shared.
pub fn infer(realms: &[Extracted]) -> Inferred {
    let many = realms.len() > 1;
    let views: Vec<View> = realms.iter().map(|realm| view(realm, many)).collect();
    let mut inferred = Inferred { tenants: vec![Tenant::default(); realms.len()], ..Inferred::default() };
    let mut told: BTreeSet<&ObjectId> = views.iter().flat_map(|view| view.wanted.keys()).collect();
    if !many {
        told.retain(|id| views.iter().any(|view| view.whole.contains(*id)));
    }
    for id in &told {
        let having: Vec<usize> = (0..views.len()).filter(|at| views[*at].full.contains_key(*id)).collect();
        if having.len() == views.len() {
            let fields = shared(id, &views, &having);
            if !fields.is_empty() {
                inferred.template.insert((*id).clone(), fields);
            }
        }
    }
    options(&told, &views, &mut inferred);
    with_owners(&mut inferred.template);
    for (at, view) in views.iter().enumerate() {
        inferred.tenants[at].realm =
            unnamed_all(&rest(view, &inferred, &inferred.tenants[at].without), &realms[at].name, many);
    }
    inferred
}

fn view(realm: &Extracted, many: bool) -> View {
    let name = |flat: &Flat| -> Flat {
        let mut flat = named_all(flat, &realm.name, many);
        if let Some(top) = flat.get_mut(&ObjectId::realm())
            && top.get("displayName").is_some_and(|text| !same(Some(text), None))
        {
            top.insert("displayName".into(), "$(tenant.label)".into());
        }
        flat
    };
    let whole = realm.whole.iter().map(|id| named_id(id, &realm.name, many)).collect();
    View {
        full: name(&realm.full),
        base: named_all(&realm.base, &realm.name, many),
        wanted: name(&realm.wanted()),
        whole,
    }
}

/// The fields of an object that belong into the template.
fn shared(id: &ObjectId, views: &[View], having: &[usize]) -> Fields {
    let of = |at: usize| views[at].full.get(id);
    let paths: BTreeSet<&String> = having.iter().filter_map(|at| of(*at)).flat_map(Fields::keys).collect();
    let whole = having.iter().any(|at| views[*at].whole.contains(id));
    let first = having.first().and_then(|at| of(*at)).cloned().unwrap_or_default();
    let mut agreed = Fields::new();
    for path in paths {
        let values: Vec<&Value> = having.iter().filter_map(|at| of(*at)?.get(path)).collect();
        let value = (values.len() == having.len()).then(|| majority(&values)).flatten();
        agreed.extend(value.map(|value| (path.clone(), value.clone())));
    }
    let new = if whole { defaults::new_object(id, &first) } else { Fields::new() };
    let told_whole = whole || is_replaced(id.kind);
    let base = having.first().and_then(|at| views[*at].base.get(id)).filter(|_| !told_whole).unwrap_or(&new);
    let says = |path: &String, value: &Value| !same(base.get(path), Some(value)) || must(id, path, &first);
    let mut fields: Fields =
        agreed.iter().filter(|(path, value)| says(path, value)).map(|(p, v)| (p.clone(), v.clone())).collect();
    with_their_groups(id, &mut fields, &agreed);
    fields
}

/// The value that most have; none where no two of several agree.
fn majority<'a>(values: &[&'a Value]) -> Option<&'a Value> {
    let count = |value: &Value| values.iter().filter(|other| same(Some(other), Some(value))).count();
    let best = values.iter().copied().rev().max_by_key(|value| count(value))?;
    let enough = values.len() == 1 || count(best) * 2 > values.len() || (count(best) > 1 && values.len() > 3);
    enough.then_some(best)
}

/// Objects that most realms have, but not all: a parameter takes them out.
fn options(told: &BTreeSet<&ObjectId>, views: &[View], inferred: &mut Inferred) {
    if views.len() < 4 {
        return;
    }
    let mut groups: BTreeMap<Vec<usize>, Vec<&ObjectId>> = BTreeMap::new();
    for id in told {
        let having: Vec<usize> = (0..views.len()).filter(|at| views[*at].full.contains_key(*id)).collect();
        if having.len() < views.len() && having.len() * 2 > views.len() && id.kind != Kind::User {
            groups.entry(having).or_default().push(id);
        }
    }
    for (having, ids) in groups {
        let mut flat = Flat::new();
        for id in &ids {
            let fields = shared(id, views, &having);
            if fields.contains_key(id.kind.spec().key) {
                flat.insert((**id).clone(), fields);
            }
        }
        let Some(first) = ids.first().filter(|_| !flat.is_empty()) else { continue };
        let parameter = parameter_name(first, &inferred.optional);
        for at in (0..views.len()).filter(|at| !having.contains(at)) {
            inferred.tenants[at].without.push(parameter.clone());
        }
        inferred.optional.insert(parameter, flat);
    }
}

fn parameter_name(id: &ObjectId, taken: &BTreeMap<String, Flat>) -> String {
    let text = format!("{}-{}", id.kind.name(), id.key).to_lowercase();
    let clean: String =
        text.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect();
    let parts: Vec<&str> = clean.split('-').filter(|part| !part.is_empty()).collect();
    let base: String = parts.join("-").chars().take(50).collect();
    let base = base.trim_end_matches('-').to_owned();
    (1..)
        .map(|n| if n == 1 { base.clone() } else { format!("{base}-{n}") })
        .find(|name| !taken.contains_key(name))
        .unwrap_or(base)
}

/// What a realm has that the template does not say.
fn rest(view: &View, inferred: &Inferred, without: &[String]) -> Flat {
    let mut rest = Flat::new();
    let optional = |id: &ObjectId| {
        inferred.optional.iter().filter(|(name, _)| !without.contains(name)).find_map(|(_, flat)| flat.get(id))
    };
    for (id, fields) in &view.full {
        let told = view.wanted.get(id);
        let shared = inferred.template.get(id).or_else(|| optional(id));
        let mut own = Fields::new();
        for (path, value) in fields {
            let says = match shared.and_then(|shared| shared.get(path)) {
                Some(shared) => !same(Some(shared), Some(value)),
                // A template that is silent leaves the default, but for what takes the place of Keycloak's own.
                None => {
                    let whole = || shared.is_some() && is_replaced(id.kind);
                    told.map_or_else(whole, |told| told.contains_key(path)) && *path != id.kind.spec().key
                }
            };
            if says {
                own.insert(path.clone(), value.clone());
            }
        }
        let key = id.kind.spec().key;
        if let Some(name) = fields
            .get(key)
            .filter(|_| id.kind != Kind::Realm && (!own.is_empty() || (shared.is_none() && told.is_some())))
        {
            own.insert(key.to_owned(), name.clone());
        }
        if !own.is_empty() {
            rest.insert(id.clone(), own);
        }
    }
    with_owners(&mut rest);
    rest
}

fn named_id(id: &ObjectId, realm: &str, many: bool) -> ObjectId {
    ObjectId { kind: id.kind, key: named(&escape(&id.key), realm, many) }
}

fn named_all(flat: &Flat, realm: &str, many: bool) -> Flat {
    each(flat, &|text| named(&escape(text), realm, many))
}

fn unnamed_all(flat: &Flat, realm: &str, many: bool) -> Flat {
    if many { each(flat, &|text| unnamed(text, realm)) } else { flat.clone() }
}

fn each(flat: &Flat, change: &dyn Fn(&str) -> String) -> Flat {
    let fields = |fields: &Fields| fields.iter().map(|(path, value)| (change(path), texts(value, change))).collect();
    flat.iter().map(|(id, of)| (ObjectId { kind: id.kind, key: change(&id.key) }, fields(of))).collect()
}

fn texts(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(items) => items.iter().map(|item| texts(item, change)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (change(key), texts(value, change))).collect(),
        other => other.clone(),
    }
}
