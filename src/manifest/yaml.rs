//! YAML text to nodes. The only file that names the YAML crate.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error, MergeKeyPolicy, Spanned};

use super::node::{Data, Key, Node};
use crate::diagnostic::{Diagnostic, Span};

/// The documents of one YAML text, or why it can't be read.
///
/// YAML 1.2 booleans only; anchors and merge keys are allowed and bounded; `source` becomes part of every place.
pub(crate) fn parse(source: u32, text: &str) -> Result<Vec<Node>, Diagnostic> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    let documents: Vec<Spanned<Raw>> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| unreadable(source, &error))?;
    Ok(documents.into_iter().map(|document| place(source, document)).collect())
}

/// Keys that stand twice in one mapping, at any depth.
pub(crate) fn duplicate_keys(node: &Node, found: &mut Vec<Diagnostic>) {
    match &node.data {
        Data::Scalar(_) => {}
        Data::List(items) => items.iter().for_each(|item| duplicate_keys(item, found)),
        Data::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                if let Some((first, _)) = entries[..index].iter().find(|(earlier, _)| earlier.text == key.text) {
                    let message = format!("key `{}` stands twice in one mapping", key.text);
                    found.push(
                        Diagnostic::error("duplicate-key", key.span, message)
                            .hint(format!("it is first given in line {}; keep one of the two", first.span.line)),
                    );
                }
                duplicate_keys(value, found);
            }
        }
    }
}

fn unreadable(source: u32, error: &Error) -> Diagnostic {
    let said = error.without_snippet().to_string().replace('\n', " ");
    let at = error.location().map_or(Span { source, line: 1, column: 1 }, |at| span(source, at));
    if said.contains("budget breached") {
        let message = "this YAML is larger than a manifest may be once its anchors are written out";
        let hint = "split it into several files, take anchors out, or declare many organizations in a CSV list";
        return Diagnostic::error("yaml", at, message).hint(hint);
    }
    // The place is said by itself.
    let said = said.split(" at line ").next().unwrap_or(&said);
    let fault = Diagnostic::error("yaml", at, format!("this is not YAML that can be read: {said}"));
    if said.contains("tabs") { fault.hint("indent with spaces") } else { fault }
}

fn span(source: u32, at: serde_saphyr::Location) -> Span {
    Span {
        source,
        line: u32::try_from(at.line()).unwrap_or(u32::MAX).max(1),
        column: u32::try_from(at.column()).unwrap_or(u32::MAX).max(1),
    }
}

fn place(source: u32, raw: Spanned<Raw>) -> Node {
    let at = span(source, raw.referenced);
    let data = match raw.value {
        Raw::Scalar(value) => Data::Scalar(value),
        Raw::List(items) => Data::List(items.into_iter().map(|item| place(source, item)).collect()),
        Raw::Map(entries) => Data::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let key = Key { span: span(source, key.referenced), text: key.value };
                    (key, place(source, value))
                })
                .collect(),
        ),
    };
    Node { data, span: at }
}

enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
