//! What people write: a directory of YAML documents and CSV lists, as values with their places.
//!
//! [`load`] is pure: it gets texts and gives a [`ManifestSet`] or diagnostics, all of them at once. It must not
//! know Keycloak: what a realm looks like is for [`template`](crate::template) and [`expand`](crate::expand).

pub mod brand;
mod csv;
pub mod document;
pub mod format;
pub mod guards;
pub mod login;
pub mod node;
pub mod reference;
pub mod resolve;
pub mod schema;
pub mod servers;
mod tree;
pub(crate) mod yaml;

use std::collections::BTreeMap;

pub use csv::COLUMNS as CSV_COLUMNS;
use document::{Platform, RealmTemplate};
use node::Node;
use schema::{KINDS, Shape};
pub use tree::{Entry, Tier};

use crate::diagnostic::{Diagnostic, Span, did_you_mean, passable};

/// A named text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path, relative to the manifest directory, with `/` between the parts.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A template as written.
#[derive(Debug, Clone)]
pub struct TemplateDocument {
    /// The typed document.
    pub typed: RealmTemplate,
    /// The same with places.
    pub node: Node,
    /// The distributor in whose directory it stands; its tenants alone may use it. None: it is everybody's.
    pub owner: Option<String>,
}

/// Everything that a manifest directory says.
#[derive(Debug, Clone)]
pub struct ManifestSet {
    /// The platform.
    pub platform: Platform,
    /// The platform's node, for places.
    pub platform_node: Node,
    /// Templates by name; those of the directory hide shipped ones of the same name.
    pub templates: BTreeMap<String, TemplateDocument>,
    /// The organizations in tree order.
    pub entries: Vec<Entry>,
}

/// What loading gave.
#[derive(Debug)]
pub struct Loaded {
    /// The sources, in the order that places refer to; the shipped templates follow those that were passed in.
    pub sources: Vec<Source>,
    /// What is sound of the set, so that checks can go on and find the rest; nothing may be planned from it while there
    /// are errors. None without a platform.
    pub set: Option<ManifestSet>,
    /// All findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the sources of one manifest directory, with `shipped` templates beside them.
pub fn load(mut sources: Vec<Source>, shipped: impl IntoIterator<Item = Source>) -> Loaded {
    let own = sources.len();
    sources.extend(shipped);
    let mut found = Vec::new();
    let mut documents = Vec::new();
    let mut gathered = Gathered::default();
    for (index, source) in sources.iter().enumerate().filter(|(_, source)| !source.name.ends_with(".csv")) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        match yaml::parse(index, &source.text) {
            Ok(nodes) => {
                for node in nodes {
                    let document = document(node, &mut found);
                    gathered.incomplete |= document.is_none();
                    documents.extend(document);
                }
            }
            Err(diagnostic) => {
                gathered.incomplete = true;
                found.push(diagnostic);
            }
        }
    }
    for (kind, node) in documents {
        gathered.take(kind, node, &sources, own, &mut found);
    }
    let set = gathered.finish(&sources, own, &mut found);
    found.sort_by_key(|d| (d.span, d.code));
    found.dedup();
    Loaded { set, sources, diagnostics: found }
}

/// A place in words: file and line.
pub fn place(sources: &[Source], span: Span) -> String {
    format!("{}:{}", sources.get(span.source as usize).map_or("", |source| source.name.as_str()), span.line)
}

/// The documents of a YAML text that is no manifest, without their places.
pub fn parse_texts(text: &str) -> Result<Vec<serde_json::Value>, Diagnostic> {
    Ok(yaml::parse(0, text)?.iter().map(Node::to_value).collect())
}

/// The kind of a document, once its keys and types are right.
fn document(node: Node, found: &mut Vec<Diagnostic>) -> Option<(usize, Node)> {
    yaml::duplicate_keys(&node, found);
    let Some(kind) = node.get("kind") else {
        let hint = format!(
            "every document begins with `apiVersion: {}` and a `kind`: {}",
            document::API_VERSION,
            KINDS.join(", ")
        );
        found.push(Diagnostic::error("missing-key", node.span, "this document has no `kind`").hint(hint));
        return None;
    };
    let written = kind.text().unwrap_or_default();
    let Some(index) = KINDS.iter().position(|known| *known == written) else {
        let hint = did_you_mean(written, KINDS).unwrap_or_else(|| format!("the kinds are {}", KINDS.join(", ")));
        found.push(
            Diagnostic::error("unknown-kind", kind.span, format!("`{written}` is not a kind of manifest")).hint(hint),
        );
        return None;
    };
    let errors = schema::check(Shape::Document(index), &node, KINDS[index]);
    let good = passable(&errors);
    found.extend(errors);
    good.then_some((index, node))
}

#[derive(Default)]
struct Gathered {
    platforms: Vec<(Platform, Node)>,
    templates: BTreeMap<String, TemplateDocument>,
    entries: Vec<Entry>,
    /// Distributors and the source that each is written in.
    homes: Vec<(String, Span)>,
    /// Shipped templates that templates of the directory hide, and where those stand.
    hidden: Vec<(String, Span)>,
    /// The CSV lists that distributors name.
    lists: Vec<u32>,
    /// Some tenants could not be read, so who stands below whom is not known.
    incomplete: bool,
}

impl Gathered {
    fn take(&mut self, kind: usize, node: Node, sources: &[Source], own: usize, found: &mut Vec<Diagnostic>) {
        match KINDS[kind] {
            "Platform" => self.platforms.extend(typed(&node, found).map(|platform| (platform, node))),
            "RealmTemplate" => {
                let Some(template): Option<RealmTemplate> = typed(&node, found) else { return };
                let name = template.name.clone();
                let shipped = node.span.source as usize >= own;
                match self.templates.get(&name) {
                    Some(own) if shipped => self.hidden.push((name, own.node.span)),
                    Some(first) => {
                        let at = node.get("name").map_or(node.span, |name| name.span);
                        let hint = format!("the other one stands at {}", place(sources, first.node.span));
                        let message = format!("two templates are named `{name}`");
                        found.push(Diagnostic::error("duplicate-name", at, message).hint(hint));
                    }
                    None => {
                        self.templates.insert(name, TemplateDocument { typed: template, node, owner: None });
                    }
                }
            }
            tier => {
                let tier = match tier {
                    "Distributor" => Tier::Distributor,
                    "Reseller" => Tier::Reseller,
                    _ => Tier::Organization,
                };
                let parent = node.get("parent").and_then(|p| Some((p.text()?.to_owned(), p.span)));
                if tier == Tier::Distributor {
                    self.list(&node, sources, found);
                    let name = node.get("name").and_then(Node::text).unwrap_or_default().to_owned();
                    self.homes.push((name, node.get("name").map_or(node.span, |n| n.span)));
                }
                tree::gather(tier, parent, node, &mut self.entries);
            }
        }
    }

    /// The rows of the CSV list that a distributor names.
    fn list(&mut self, distributor: &Node, sources: &[Source], found: &mut Vec<Diagnostic>) {
        let Some(file) = distributor.get("csv") else { return };
        let name = distributor.get("name").and_then(Node::text).unwrap_or_default();
        let home = directory(&sources[distributor.span.source as usize].name);
        let path = [home, file.text().unwrap_or_default().trim_start_matches("./")].concat();
        let Some(index) = sources.iter().position(|source| source.name == path) else {
            let message = format!("there is no file `{path}`");
            found.push(
                Diagnostic::error("missing-file", file.span, message).hint("the path is relative to this manifest"),
            );
            return;
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.lists.push(index);
        for row in csv::rows(index, &sources[index as usize].text, found) {
            let (shape, what) = match row.tier {
                Tier::Reseller => (Shape::CsvReseller, "row"),
                _ => (Shape::CsvOrganization, "row"),
            };
            let faults = schema::check(shape, &row.node, what);
            if !faults.is_empty() {
                found.extend(faults);
                self.incomplete = true;
                continue;
            }
            let parent = row.parent.unwrap_or_else(|| (name.to_owned(), row.node.span));
            tree::gather(row.tier, Some(parent), row.node, &mut self.entries);
        }
    }

    fn finish(mut self, sources: &[Source], own: usize, found: &mut Vec<Diagnostic>) -> Option<ManifestSet> {
        for (_, node) in self.platforms.iter().skip(1) {
            let message = "a manifest directory has one Platform, this is a second one";
            let hint = format!(
                "the first stands at {}; take one of them out, or keep the other in a directory of its own",
                place(sources, self.platforms[0].1.span)
            );
            found.push(Diagnostic::error("duplicate-platform", node.span, message).hint(hint));
        }
        let before = found.len();
        let entries = tree::arrange(std::mem::take(&mut self.entries), sources, found);
        let kept = found.split_off(before).into_iter().filter(|d| !self.incomplete || d.code != "unknown-parent");
        found.extend(kept);
        check_homes(&self.homes, &entries, sources, found);
        for template in self.templates.values_mut() {
            template.owner = owner(&self.homes, template.node.span, sources).map(|(name, _)| name.clone());
        }
        for (name, span) in self.hidden.iter().filter(|(_, span)| owner(&self.homes, *span, sources).is_some()) {
            let message = format!("a distributor can't replace the shipped template `{name}`");
            let hint = "give it another name and let it extend the shipped one";
            found.push(Diagnostic::error("hidden-template", *span, message).hint(hint));
        }
        let lists = (0..).zip(sources).filter(|(_, source)| source.name.ends_with(".csv"));
        for (source, _) in lists.filter(|(index, _)| !self.lists.contains(index)) {
            let at = Span { source, line: 1, column: 1 };
            let hint = "name it as `csv:` of a Distributor, or take it out";
            found.push(Diagnostic::warning("unused-list", at, "no distributor names this list").hint(hint));
        }
        if self.platforms.is_empty() {
            if sources.iter().take(own).all(|source| source.name.ends_with(".csv")) {
                found.push(
                    Diagnostic::general("no-manifests", "there is no manifest here")
                        .hint("name a directory that holds *.yaml files"),
                );
            } else if passable(found) {
                found.push(
                    Diagnostic::general("no-platform", "no document of kind Platform was found")
                        .hint("add one that names the environments; see `realmwright schema` and docs/manifest.md"),
                );
            }
            return None;
        }
        let (platform, platform_node) = self.platforms.swap_remove(0);
        Some(ManifestSet { platform, platform_node, templates: self.templates, entries })
    }
}

/// One directory belongs to one distributor, so that review rights can follow paths.
fn check_homes(homes: &[(String, Span)], entries: &[Entry], sources: &[Source], found: &mut Vec<Diagnostic>) {
    let home_of = |span: Span| sources.get(span.source as usize).map_or("", |source| directory(&source.name));
    for (index, (name, span)) in homes.iter().enumerate() {
        if let Some((other, _)) = homes[..index].iter().find(|(_, earlier)| home_of(*earlier) == home_of(*span)) {
            let message = format!("the distributors `{other}` and `{name}` share a directory");
            found.push(
                Diagnostic::error("shared-directory", *span, message)
                    .hint("give each distributor a directory of its own, so that review rights can follow paths"),
            );
        }
    }
    let mut root_of: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in entries {
        let root = entry.parent.as_ref().and_then(|(parent, _)| root_of.get(parent.as_str()).copied());
        let root = root.unwrap_or(&entry.name);
        root_of.insert(&entry.name, root);
        if let Some((owner, span)) = owner(homes, entry.span(), sources).filter(|(owner, _)| owner != root) {
            let message =
                format!("`{}` belongs to the distributor `{root}`, but this directory to `{owner}`", entry.name);
            let hint = format!("move it out of {}", home_of(*span));
            found.push(Diagnostic::error("foreign-directory", entry.span(), message).hint(hint));
        }
    }
}

/// The distributor whose directory a place is in; none at the top, which is the platform's.
fn owner<'a>(homes: &'a [(String, Span)], at: Span, sources: &[Source]) -> Option<&'a (String, Span)> {
    let home_of = |span: Span| sources.get(span.source as usize).map_or("", |source| directory(&source.name));
    let around = homes.iter().filter(|(_, span)| !home_of(*span).is_empty() && home_of(at).starts_with(home_of(*span)));
    around.max_by_key(|(_, span)| home_of(*span).len())
}

/// The directory of a source's name, with its `/`, or nothing at the top.
pub(crate) fn directory(name: &str) -> &str {
    name.rfind('/').map_or("", |slash| &name[..=slash])
}

/// The typed form of a node that its schema has accepted.
fn typed<T: serde::de::DeserializeOwned>(node: &Node, found: &mut Vec<Diagnostic>) -> Option<T> {
    match serde_json::from_value(node.to_value()) {
        Ok(typed) => Some(typed),
        Err(error) => {
            found.push(Diagnostic::error("wrong-value", node.span, error.to_string()));
            None
        }
    }
}
