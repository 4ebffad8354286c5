//! Where the values of a realm come from: which layer says each, where it was written, and through which template.
//!
//! Each layer is filled and taken apart by itself. For that, every scalar carries the number of its place through
//! [`arrange()`], as a mark that is taken off again; so this knows nothing of kinds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{chosen_template, values};
use crate::diagnostic::Span;
use crate::manifest::node::{Data, Key, Node};
use crate::manifest::resolve::{Network, Tenant};
use crate::manifest::{ManifestSet, Source};
use crate::state::{ObjectId, RealmState, arrange};
use crate::template::fill::{Places, fill_with};

/// Where one layer has a value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where it was written.
    pub written: Span,
    /// What stands there, in words.
    pub what: String,
    /// The template that puts it here, where that is another place.
    pub through: Option<(Span, String)>,
}

/// Origins of an object's fields, by path; the last one of a field holds, it stands above those before it.
pub type Origins = BTreeMap<ObjectId, BTreeMap<String, Vec<Origin>>>;

/// Where the values of a tenant's realm come from; objects that the tool adds itself have no origins.
pub fn origins(set: &ManifestSet, sources: &[Source], network: &Network, tenant: &Tenant) -> Origins {
    let mut found = Vec::new();
    let mut origins = Origins::new();
    let Some(template) = chosen_template(set, tenant, &mut found) else { return origins };
    let Some(values) = values(sources, network, tenant, &template, &mut found) else { return origins };
    let words = Words {
        set,
        sources,
        tenant,
        defaults: template.parameters.iter().map(|(key, _)| (key.span, key.text.as_str())).collect(),
    };
    for layer in template.layers.iter().chain(tenant.node.get("realm")) {
        let mut filled = |places| fill_with(layer, &values, places, &mut found);
        let (given, templated) = (filled(Places::Given), filled(Places::Template));
        let mut of_layer: BTreeMap<(ObjectId, String), Place> = BTreeMap::new();
        // Names tie objects together, so what depends on them is found only where they bear no mark.
        for names in [false, true] {
            let mut places = Vec::new();
            let state = arrange(&marked(&given, Some(&templated), names, &mut places));
            of_layer.extend(
                fields(&state)
                    .into_iter()
                    .filter_map(|(id, path, place)| Some(((id, path), places.get(place).copied()?))),
            );
        }
        for ((id, path), (written, template)) in of_layer {
            let through = template.filter(|template| *template != written).map(|span| (span, words.of(span)));
            let origin = Origin { written, what: words.of(written), through };
            origins.entry(id).or_default().entry(path).or_default().push(origin);
        }
    }
    origins
}

/// The place at which each field of a tenant's realm was written last.
pub fn places(
    set: &ManifestSet,
    sources: &[Source],
    network: &Network,
    tenant: &Tenant,
) -> BTreeMap<(ObjectId, String), Span> {
    let origins = origins(set, sources, network, tenant).into_iter();
    let fields =
        origins.flat_map(|(id, fields)| fields.into_iter().map(move |(path, from)| ((id.clone(), path), from)));
    fields.filter_map(|(field, from)| Some((field, from.last()?.written))).collect()
}

const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

type Place = (Span, Option<Span>);

/// Keys whose values name objects.
const NAMES: [&str; 8] =
    ["clientId", "alias", "name", "username", "client", "clientScope", "identityProviderAlias", "subType"];

/// The tree with the number of its place at the end of each scalar, as text. Without `names`, only texts that do not
/// name objects have one.
fn marked(given: &Node, templated: Option<&Node>, names: bool, places: &mut Vec<Place>) -> Value {
    let place = (given.span, templated.map(|node| node.span));
    let mut mark = |text: &str| {
        places.push(place);
        format!("{text}{OPEN}{}{CLOSE}", places.len() - 1)
    };
    match &given.data {
        Data::Scalar(Value::String(text)) => mark(text).into(),
        Data::Scalar(value) if names => mark(&value.to_string()).into(),
        Data::Scalar(value) => value.clone(),
        Data::List(items) if items.is_empty() => Value::Array(vec![mark("").into()]),
        Data::Map(entries) if entries.is_empty() => Value::Object([(mark(""), Value::from(""))].into_iter().collect()),
        Data::List(items) => {
            let other = |index: usize| templated.and_then(|node| node.items().get(index));
            let items = items.iter().enumerate();
            Value::Array(items.map(|(at, item)| marked(item, other(at), names, places)).collect())
        }
        Data::Map(entries) => {
            let other = |key: &str| templated.and_then(|node| node.get(key));
            let entry = |(key, value): &(Key, Node)| match &value.data {
                Data::Scalar(name) if !names && NAMES.contains(&key.text.as_str()) => (key.text.clone(), name.clone()),
                _ => (key.text.clone(), marked(value, other(&key.text), names, places)),
            };
            Value::Object(entries.iter().map(entry).collect())
        }
    }
}

/// Each object, each of its fields, and the number of the first place in its value or in its path.
fn fields(state: &RealmState) -> Vec<(ObjectId, String, usize)> {
    let mut found = Vec::new();
    for (id, object) in &state.objects {
        for (path, value) in &object.fields {
            let place = first(&value.to_string()).or_else(|| first(path));
            let id = ObjectId { kind: id.kind, key: plain(&id.key) };
            let path = plain(path).trim_end_matches('.').to_owned();
            found.extend(place.map(|place| (id, path, place)));
        }
    }
    found
}

/// The first number in a text, in which JSON may have escaped the marks.
fn first(text: &str) -> Option<usize> {
    let text = text.replace("\\u0001", "\u{1}").replace("\\u0002", "\u{2}");
    text.split(OPEN).nth(1)?.split(CLOSE).next()?.parse().ok()
}

/// A text without marks.
fn plain(text: &str) -> String {
    let mut parts = text.split(OPEN);
    let start = parts.next().unwrap_or_default().to_owned();
    parts.fold(start, |text, part| text + part.split_once(CLOSE).map_or("", |(_, rest)| rest))
}

/// Says what stands at a place.
struct Words<'a> {
    set: &'a ManifestSet,
    sources: &'a [Source],
    tenant: &'a Tenant,
    defaults: BTreeMap<Span, &'a str>,
}

impl Words<'_> {
    fn of(&self, span: Span) -> String {
        if let Some(template) = self.template(span) {
            return match self.defaults.get(&span) {
                Some(parameter) => format!("default of the parameter `{parameter}`, template `{template}`"),
                None => format!("template `{template}`"),
            };
        }
        if self.sources.get(span.source as usize).is_some_and(|source| source.name.ends_with(".csv")) {
            return format!("row of `{}`", self.tenant.name);
        }
        // Its own words, or those of an organization above it, from the nearest up.
        for name in std::iter::once(&self.tenant.name).chain(self.tenant.path.iter().rev()) {
            let entry = self.set.entries.iter().find(|entry| entry.name == *name);
            if let Some(path) = entry.and_then(|entry| path_of(&entry.node, span)) {
                return match path.strip_prefix("environments.").and_then(|rest| rest.split_once('.')) {
                    Some((environment, rest)) => format!("`{rest}` of `{name}` in {environment}"),
                    None => format!("`{path}` of `{name}`"),
                };
            }
        }
        match path_of(&self.set.platform_node, span) {
            Some(path) => format!("`{path}` of the platform"),
            None => "manifest".into(),
        }
    }

    /// The template in which a place is.
    fn template(&self, span: Span) -> Option<&str> {
        let mut here = self.set.templates.iter().filter(|(_, document)| document.node.span.source == span.source);
        Some(here.find(|(_, document)| path_of(&document.node, span).is_some())?.0)
    }
}

/// The path to what is written at a place, the deepest if several are.
fn path_of(node: &Node, span: Span) -> Option<String> {
    let join = |step: &str, rest: String| match rest.as_str() {
        "" => step.to_owned(),
        rest if rest.starts_with('[') => format!("{step}{rest}"),
        rest => format!("{step}.{rest}"),
    };
    let below = match &node.data {
        Data::Scalar(_) => None,
        Data::List(items) => {
            items.iter().enumerate().find_map(|(index, item)| Some(join(&format!("[{index}]"), path_of(item, span)?)))
        }
        Data::Map(entries) => entries.iter().find_map(|(key, value)| {
            let inner = path_of(value, span).or_else(|| (key.span == span).then(String::new))?;
            Some(join(&key.text, inner))
        }),
    };
    below.or_else(|| (node.span == span).then(String::new))
}
