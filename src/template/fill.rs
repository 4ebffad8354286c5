//! Putting values into a template.
//!
//! - `$(path)` in a text is replaced by the value at that path of the scope. Where it is the whole text, the value keeps
//!   its type (a list stays a list). `$(path?)` leaves the entry out when there is no such value. `$$(` is a literal `$(`.
//! - `$each(item in path)` as a key repeats what is below it for each item of a list, into the mapping or list around it.
//! - `$if(path)` as a key keeps what is below it when the value is there and is not false or empty.

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::manifest::node::{Data, Key, Node};
use crate::state::sealed::SEAL;
use crate::state::secret::SECRET;

/// The values that a template can name; the innermost is the last.
#[derive(Clone, Copy)]
struct Scope<'a> {
    name: &'a str,
    value: &'a Node,
    outer: Option<&'a Scope<'a>>,
    places: Places,
}

/// Which place a filled value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Places {
    /// A value that is a whole text has the place where it was given; a text around it that of the template.
    #[default]
    Mixed,
    /// That where it was given, also inside a text: the first one's.
    Given,
    /// That of the template.
    Template,
}

/// The filled tree. Faults are added to `found`; their nodes are left out.
pub fn fill(template: &Node, values: &Node, found: &mut Vec<Diagnostic>) -> Node {
    fill_with(template, values, Places::Mixed, found)
}

/// The filled tree, its values having other places; else like [`fill`].
pub fn fill_with(template: &Node, values: &Node, places: Places, found: &mut Vec<Diagnostic>) -> Node {
    let root = Scope { name: "", value: values, outer: None, places };
    node(template, &root, found).unwrap_or(Node { data: Data::Map(Vec::new()), span: template.span })
}

enum Directive<'a> {
    Each { item: &'a str, path: &'a str },
    If { path: &'a str },
}

fn directive(key: &str) -> Option<Result<Directive<'_>, ()>> {
    let body = key.strip_prefix('$')?.strip_suffix(')')?;
    Some(if let Some(path) = body.strip_prefix("if(") {
        Ok(Directive::If { path: path.trim() })
    } else if let Some(rest) = body.strip_prefix("each(") {
        rest.split_once(" in ").map(|(item, path)| Directive::Each { item: item.trim(), path: path.trim() }).ok_or(())
    } else if body.starts_with('(') {
        return None;
    } else {
        Err(())
    })
}

fn node(template: &Node, scope: &Scope<'_>, found: &mut Vec<Diagnostic>) -> Option<Node> {
    let data = match &template.data {
        Data::Scalar(Value::String(text)) if text.contains("$(") => {
            return self::text(text, template.span, scope, found);
        }
        Data::Scalar(value) => Data::Scalar(value.clone()),
        Data::List(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                match item.entries() {
                    [(key, body)] if directive(&key.text).is_some() => {
                        repeat(key, body, scope, found, &mut |node| match node.data {
                            Data::List(items) => filled.extend(items),
                            _ => filled.push(node),
                        });
                    }
                    _ => filled.extend(node(item, scope, found)),
                }
            }
            Data::List(filled)
        }
        Data::Map(entries) => {
            let mut filled: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                if directive(&key.text).is_some() {
                    repeat(key, value, scope, found, &mut |node| {
                        if let Data::Map(entries) = node.data {
                            entries.into_iter().for_each(|(key, value)| put(&mut filled, key, value));
                        }
                    });
                } else if key.text == SECRET {
                    found.push(
                        Diagnostic::error("plain-reference", key.span, format!("`{SECRET}` can't be written by hand"))
                            .hint("declare a parameter of type `secret`"),
                    );
                } else if key.text == SEAL {
                    found.push(
                        Diagnostic::error("plain-reference", key.span, format!("`{SEAL}` can't be written by hand"))
                            .hint("what a tenant is entitled to follows from its licences and grants"),
                    );
                } else if let Some(value) = node(value, scope, found)
                    && let Some(key) = fill_key(key, scope, found)
                {
                    put(&mut filled, key, value);
                }
            }
            Data::Map(filled)
        }
    };
    Some(Node { data, span: template.span })
}

fn put(entries: &mut Vec<(Key, Node)>, key: Key, value: Node) {
    match entries.iter_mut().find(|(k, _)| k.text == key.text) {
        Some(entry) => entry.1 = value,
        None => entries.push((key, value)),
    }
}

fn fill_key(key: &Key, scope: &Scope<'_>, found: &mut Vec<Diagnostic>) -> Option<Key> {
    if !key.text.contains("$(") {
        return Some(key.clone());
    }
    let filled = text(&key.text, key.span, scope, found)?;
    let text = match filled.data {
        Data::Scalar(Value::String(text)) => text,
        Data::Scalar(value) => value.to_string(),
        _ => {
            found.push(Diagnostic::error("template", key.span, "a key can't be a list or a mapping"));
            return None;
        }
    };
    Some(Key { text, span: key.span })
}

fn repeat(key: &Key, body: &Node, scope: &Scope<'_>, found: &mut Vec<Diagnostic>, give: &mut dyn FnMut(Node)) {
    match directive(&key.text) {
        Some(Ok(Directive::If { path })) => {
            if look_up(path, scope).is_ok_and(truthy) {
                node(body, scope, found).into_iter().for_each(give);
            }
        }
        Some(Ok(Directive::Each { item, path })) => match look_up(path, scope) {
            Ok(list) => {
                for value in list.items() {
                    let inner = Scope { name: item, value, outer: Some(scope), places: scope.places };
                    node(body, &inner, found).into_iter().for_each(&mut *give);
                }
            }
            Err(known) => found.push(unknown(path, key.span, &known)),
        },
        _ => {
            found.push(
                Diagnostic::error("template", key.span, format!("`{}` is not a directive", key.text))
                    .hint("the directives are `$each(item in list)` and `$if(value)`"),
            );
        }
    }
}

fn truthy(node: &Node) -> bool {
    match &node.data {
        Data::Scalar(value) => !matches!(value, Value::Null | Value::Bool(false)) && value != "",
        Data::List(items) => !items.is_empty(),
        Data::Map(entries) => !entries.is_empty(),
    }
}

/// The value at a dotted path, or the names that could have stood where it failed.
fn look_up<'a>(path: &str, scope: &Scope<'a>) -> Result<&'a Node, Vec<String>> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut known = Vec::new();
    let mut at = Some(scope);
    while let Some(scope) = at {
        let start =
            if scope.outer.is_some() { (scope.name == first).then_some(scope.value) } else { scope.value.get(first) };
        if let Some(start) = start {
            return rest.split('.').filter(|step| !step.is_empty()).try_fold(start, |node, step| {
                node.get(step).ok_or_else(|| node.entries().iter().map(|(key, _)| key.text.clone()).collect())
            });
        }
        if scope.outer.is_some() {
            known.push(scope.name.to_owned());
        } else {
            known.extend(scope.value.entries().iter().map(|(key, _)| key.text.clone()));
        }
        at = scope.outer;
    }
    Err(known)
}

fn unknown(path: &str, span: Span, known: &[String]) -> Diagnostic {
    let last = path.rsplit('.').next().unwrap_or(path);
    let hint = did_you_mean(last, known.iter().map(String::as_str))
        .unwrap_or_else(|| format!("there are {}; `$({path}?)` leaves the entry out", known.join(", ")));
    Diagnostic::error("unknown-reference", span, format!("there is no value `{path}`")).hint(hint)
}

fn text(template: &str, span: Span, scope: &Scope<'_>, found: &mut Vec<Diagnostic>) -> Option<Node> {
    let whole = template.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')).filter(|path| !path.contains("$("));
    if let Some(path) = whole {
        let (path, optional) = path.strip_suffix('?').map_or((path, false), |path| (path, true));
        return match look_up(path.trim(), scope) {
            Ok(value) if scope.places == Places::Template => Some(Node::from_value(&value.to_value(), span)),
            Ok(value) => Some(value.clone()),
            Err(_) if optional => None,
            Err(known) => {
                found.push(unknown(path, span, &known));
                None
            }
        };
    }
    let mut filled = String::new();
    let mut given: Option<Span> = None;
    let mut rest = template;
    while let Some(at) = rest.find("$(") {
        if rest[..at].ends_with('$') {
            filled.push_str(&rest[..at - 1]);
            filled.push_str("$(");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(&rest[..at]);
        let Some(end) = rest[at..].find(')') else {
            found.push(Diagnostic::error("template", span, "a `$(` is never closed"));
            return None;
        };
        let path = &rest[at + 2..at + end];
        rest = &rest[at + end + 1..];
        let (path, optional) = path.strip_suffix('?').map_or((path, false), |path| (path, true));
        let value = look_up(path.trim(), scope);
        given = given.or(value.as_ref().ok().map(|value| value.span));
        match value.map(|value| &value.data) {
            Ok(Data::Scalar(Value::String(value))) => filled.push_str(value),
            Ok(Data::Scalar(value)) => filled.push_str(&value.to_string()),
            Ok(_) => {
                found.push(
                    Diagnostic::error(
                        "template",
                        span,
                        format!("`{path}` is a list, a mapping or a secret and can't stand inside a text"),
                    )
                    .hint("let the reference be the whole value"),
                );
                return None;
            }
            Err(_) if optional => {}
            Err(known) => {
                found.push(unknown(path, span, &known));
                return None;
            }
        }
    }
    filled.push_str(rest);
    let span = given.filter(|_| scope.places == Places::Given).unwrap_or(span);
    Some(Node::scalar(filled, span))
}
