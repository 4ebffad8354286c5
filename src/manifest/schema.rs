//! JSON Schema of the document types, and the check of nodes against it that finds every error at once.

use std::sync::OnceLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::{Value, json};

use super::document::{
    Distributor, NestedOrganization, NestedReseller, Organization, Platform, RealmTemplate, Reseller,
};
use super::node::Node;
use crate::diagnostic::{Diagnostic, did_you_mean};

/// The kinds of documents, in the order of the reference.
pub const KINDS: [&str; 5] = ["Platform", "Distributor", "Reseller", "Organization", "RealmTemplate"];

/// What a node may be checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A document of the kind with this index in [`KINDS`].
    Document(usize),
    /// A reseller of a CSV file.
    CsvReseller,
    /// An organization of a CSV file.
    CsvOrganization,
}

/// The JSON Schema (draft 2020-12) of one kind of document.
pub fn of_kind(kind: &str) -> Option<Value> {
    Some(match kind {
        "Platform" => schema::<Platform>(),
        "Distributor" => schema::<Distributor>(),
        "Reseller" => schema::<Reseller>(),
        "Organization" => schema::<Organization>(),
        "RealmTemplate" => schema::<RealmTemplate>(),
        _ => return None,
    })
}

/// The published schema: a document of any kind, chosen by `kind`.
pub fn published() -> Value {
    let mut definitions = serde_json::Map::new();
    let mut choices = Vec::new();
    for kind in KINDS {
        let Some(mut schema) = of_kind(kind) else { continue };
        let Some(object) = schema.as_object_mut() else { continue };
        if let Some(Value::Object(inner)) = object.remove("$defs") {
            definitions.extend(inner);
        }
        object.remove("$schema");
        definitions.insert(kind.to_owned(), schema);
        choices.push(json!({
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": format!("#/$defs/{kind}")},
        }));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Realmwright manifest",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"kind": {"enum": KINDS}},
        "allOf": choices,
        "$defs": definitions,
    })
}

/// The schema of any type, without `null` (it is refused everywhere).
pub fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().with_transform(WithoutNull).into_generator().into_root_schema_for::<T>().to_value()
}

#[derive(Debug, Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|t| t != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                object.insert("type".into(), only);
            }
        }
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type") != Some(&json!("null")));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                object.remove("anyOf");
                object.extend(only);
            }
        }
        object
            .remove("default")
            .filter(|default| !default.is_null())
            .map(|default| object.insert("default".into(), default));
    }
}

struct Compiled {
    schema: Value,
    validator: Validator,
}

/// Finds everything in `node` that its shape does not allow: unknown keys, missing ones, wrong types and values.
pub(crate) fn check(shape: Shape, node: &Node, what: &str) -> Vec<Diagnostic> {
    let Some(compiled) = compiled(shape) else {
        return vec![Diagnostic::error(
            "schema",
            node.span,
            "the built-in schema of this kind is broken; please report it",
        )];
    };
    let value = node.to_value();
    if compiled.validator.is_valid(&value) {
        return Vec::new();
    }
    compiled.validator.iter_errors(&value).flat_map(|error| explain(&compiled.schema, node, what, &error)).collect()
}

fn compiled(shape: Shape) -> Option<&'static Compiled> {
    static CELLS: [OnceLock<Option<Compiled>>; 7] = [const { OnceLock::new() }; 7];
    let (index, make): (usize, fn() -> Value) = match shape {
        Shape::Document(0) => (0, schema::<Platform>),
        Shape::Document(1) => (1, schema::<Distributor>),
        Shape::Document(2) => (2, schema::<Reseller>),
        Shape::Document(3) => (3, schema::<Organization>),
        Shape::Document(_) => (4, schema::<RealmTemplate>),
        Shape::CsvReseller => (5, schema::<NestedReseller>),
        Shape::CsvOrganization => (6, schema::<NestedOrganization>),
    };
    CELLS[index]
        .get_or_init(|| {
            let schema = make();
            let validator = jsonschema::draft202012::new(&schema).ok()?;
            Some(Compiled { schema, validator })
        })
        .as_ref()
}

fn explain(schema: &Value, root: &Node, what: &str, error: &ValidationError<'_>) -> Vec<Diagnostic> {
    let pointer = error.instance_path().as_str();
    let node = root.nearest(pointer);
    let name = pointer.rsplit('/').find(|step| !step.is_empty() && step.parse::<usize>().is_err());
    let subject = name.map_or_else(|| format!("this {what}"), |name| format!("`{name}`"));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let known = known_keys(schema, error.evaluation_path().as_str());
            unexpected.iter().map(|key| unknown_key(node, key, &subject, &known)).collect()
        }
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let hint = known_keys(schema, error.evaluation_path().as_str());
            let misspelt = node.entries().iter().find(|(key, _)| {
                !hint.iter().any(|known| known == &key.text) && did_you_mean(&key.text, [property]).is_some()
            });
            if misspelt.is_some() {
                return Vec::new();
            }
            vec![Diagnostic::error("missing-key", node.span, format!("{subject} needs the key `{property}`"))]
        }
        ValidationErrorKind::Type { .. } if node.to_value().is_null() => {
            vec![
                Diagnostic::error("null", node.span, format!("{subject} is null"))
                    .hint("leave the key out to leave it alone, or write an empty list to want none"),
            ]
        }
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(t) => t.to_string(),
                TypeKind::Multiple(types) => types.iter().map(|t| t.to_string()).collect::<Vec<_>>().join(" or "),
            };
            let message = format!("{subject} must be {}, not {}", article(&wanted), describe(&node.to_value()));
            vec![Diagnostic::error("wrong-type", node.span, message)]
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let written = node.text().unwrap_or_default();
            let message = format!("{subject} must be one of {}", options.join(", "));
            vec![
                Diagnostic::error("wrong-value", node.span, message)
                    .maybe_hint(did_you_mean(written, options.iter().copied())),
            ]
        }
        ValidationErrorKind::Constant { expected_value } => {
            vec![Diagnostic::error("wrong-value", node.span, format!("{subject} must be {expected_value}"))]
        }
        ValidationErrorKind::Pattern { pattern } => {
            let message = format!("{subject} is {}, which its pattern does not allow", node.to_value());
            vec![Diagnostic::error("wrong-value", node.span, message).hint(pattern_hint(pattern))]
        }
        ValidationErrorKind::PropertyNames { error } => {
            let key = error.instance().as_str().unwrap_or_default().to_owned();
            vec![
                Diagnostic::error("wrong-name", node.key_span(&key), format!("`{key}` can't be a name here"))
                    .hint("use lower case letters, digits, `-` and `_`, at most 63"),
            ]
        }
        _ => vec![Diagnostic::error("wrong-value", node.span, format!("{subject}: {error}"))],
    }
}

fn unknown_key(node: &Node, key: &str, subject: &str, known: &[String]) -> Diagnostic {
    let place = if subject.starts_with("this ") { subject.to_owned() } else { format!("an entry of {subject}") };
    let hint = did_you_mean(key, known.iter().map(String::as_str))
        .unwrap_or_else(|| format!("its keys are {}", known.join(", ")));
    Diagnostic::error("unknown-key", node.key_span(key), format!("`{key}` is not a key of {place}")).hint(hint)
}

fn pattern_hint(pattern: &str) -> String {
    match pattern {
        r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$" => {
            "use lower case letters, digits, `-` and `_`, at most 63, beginning and ending with a letter or digit"
                .into()
        }
        realm if realm.contains(":/?#@") => {
            "use lower case letters, digits, `-` and `_`; Keycloak forbids `/`, `:`, `?`, `#`, `&` and the like".into()
        }
        r"^[^\s@]+@[^\s@]+$" => "write an e-mail address".into(),
        r"^[^\sA-Z]{1,255}$" => "login names are lower case and without spaces".into(),
        r"^https?://[^\s?#]+$" => "write an absolute URL, e.g. https://id.example.com".into(),
        r"^#[0-9a-fA-F]{6}$" => "write a colour as `#rrggbb`".into(),
        super::brand::HTTPS => "write an address over https, without user, commas, quotes or `#`".into(),
        super::login::DOMAIN => "write what stands behind the @ of an e-mail address, in lower case".into(),
        super::guards::ADDRESS => {
            "write an object as `kind/name`, e.g. `client/assistant` or `role/*`, or `realm`".into()
        }
        r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$" => {
            "secrets are given by reference only: `env:NAME` or `file:PATH`".into()
        }
        other => format!("it must match {other}"),
    }
}

/// The keys that the object schema at the place of an error declares.
fn known_keys(schema: &Value, evaluation_path: &str) -> Vec<String> {
    let mut at = schema;
    let steps: Vec<&str> = evaluation_path.split('/').skip(1).collect();
    for step in steps.iter().take(steps.len().saturating_sub(1)) {
        at = match *step {
            "$ref" => {
                let target = at.get("$ref").and_then(Value::as_str).unwrap_or("#");
                schema.pointer(target.trim_start_matches('#')).unwrap_or(schema)
            }
            step => {
                let step = step.replace("~1", "/").replace("~0", "~");
                match (at.get(&step), step.parse::<usize>().ok().and_then(|index| at.get(index))) {
                    (Some(next), _) | (None, Some(next)) => next,
                    (None, None) => return Vec::new(),
                }
            }
        };
    }
    at.get("properties").and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

fn article(kind: &str) -> String {
    match kind {
        "array" => "a list".into(),
        "object" => "a mapping".into(),
        "string" => "a text".into(),
        "integer" => "a whole number".into(),
        "boolean" => "true or false".into(),
        other => format!("a {other}"),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a mapping".into(),
        scalar => scalar.to_string(),
    }
}
