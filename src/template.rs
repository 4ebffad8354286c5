//! Realm templates: what the realm of a tier contains, with typed parameters.
//!
//! Data, not text: a value lands in a node that was parsed before, so it can't change the shape around it.
//! [`fill`] puts values in, [`merge`] lays one tree over another, [`builtin`] is what ships with the program.

pub mod builtin;
pub mod fill;
pub mod merge;
mod scope;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::manifest::ManifestSet;
use crate::manifest::document::Parameter;
use crate::manifest::node::{Data, Key, Node};
pub use scope::scope;

/// A template with everything that it extends.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its parameters and where each is declared.
    pub parameters: Vec<(Key, Parameter)>,
    /// The realm in layers, not yet filled: the innermost first. Each is filled, then laid over those before it, so that
    /// a layer can change an object that another one makes for each of a list.
    pub layers: Vec<Node>,
}

impl Template {
    /// The realm with these values, and with what one tenant has different laid over it.
    pub fn fill(&self, over: Option<&Node>, values: &Node, found: &mut Vec<Diagnostic>) -> Node {
        let empty = Node { data: Data::Map(Vec::new()), span: values.span };
        self.layers.iter().chain(over).fold(empty, |realm, layer| merge::merge(realm, fill::fill(layer, values, found)))
    }
}

/// The template of a name for a tenant of a distributor's branch, or why there is none.
pub fn find(set: &ManifestSet, name: &str, asked: &Node, distributor: &str) -> Result<Template, Diagnostic> {
    let mut chain = Vec::new();
    let mut next = Some((name.to_owned(), asked.span));
    while let Some((name, at)) = next {
        let Some(document) = set.templates.get(&name) else {
            let hint = did_you_mean(&name, set.templates.keys().map(String::as_str)).unwrap_or_else(|| {
                format!("the templates are {}", set.templates.keys().cloned().collect::<Vec<_>>().join(", "))
            });
            return Err(Diagnostic::error("unknown-template", at, format!("there is no template `{name}`")).hint(hint));
        };
        if let Some(owner) = document.owner.as_ref().filter(|owner| *owner != distributor) {
            let message = format!("the template `{name}` belongs to the distributor `{owner}`");
            let hint = "templates for everybody stand outside the directories of distributors";
            return Err(Diagnostic::error("foreign-template", at, message).hint(hint));
        }
        if chain.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Diagnostic::error("cycle", at, format!("template `{name}` extends itself")));
        }
        next = document.typed.extends.clone().map(|base| (base, document.node.nearest("/extends").span));
        chain.push((name, document));
    }
    let mut parameters: Vec<(Key, Parameter)> = Vec::new();
    let mut layers = Vec::new();
    for (_, document) in chain.into_iter().rev() {
        for (key, _) in document.node.get("parameters").map(Node::entries).unwrap_or_default() {
            if let Some(parameter) = document.typed.parameters.get(&key.text) {
                parameters.retain(|(earlier, _)| earlier.text != key.text);
                parameters.push((key.clone(), parameter.clone()));
            }
        }
        layers.extend(document.node.get("realm").cloned());
    }
    Ok(Template { name: name.to_owned(), parameters, layers })
}
