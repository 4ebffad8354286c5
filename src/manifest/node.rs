//! A parsed tree in which every key and value still knows where it was written.
//!
//! Manifests, CSV rows and templates all become nodes; merging and filling keep the places, so that a
//! check on the finished realm can still point at the line that somebody has to change.

use serde_json::Value;

use crate::diagnostic::Span;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What was written.
    pub data: Data,
    /// Where.
    pub span: Span,
}

/// The shapes of a [`Node`].
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`, bool, number or string.
    Scalar(Value),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The key itself.
    pub text: String,
    /// Where.
    pub span: Span,
}

impl Node {
    /// A scalar at a place.
    pub fn scalar(value: impl Into<Value>, span: Span) -> Self {
        Self { data: Data::Scalar(value.into()), span }
    }

    /// A tree whose every part has one and the same place.
    pub fn from_value(value: &Value, span: Span) -> Self {
        let data = match value {
            Value::Array(items) => Data::List(items.iter().map(|item| Self::from_value(item, span)).collect()),
            Value::Object(map) => Data::Map(
                map.iter()
                    .map(|(text, value)| (Key { text: text.clone(), span }, Self::from_value(value, span)))
                    .collect(),
            ),
            scalar => Data::Scalar(scalar.clone()),
        };
        Self { data, span }
    }

    /// The tree without its places.
    pub fn to_value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Data::Map(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.text.clone(), node.to_value())).collect())
            }
        }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// The text, if this is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The entries, if this is a mapping; none otherwise.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items, if this is a sequence; none otherwise.
    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The node at a JSON pointer (RFC 6901), or the deepest one on the way to it.
    pub fn nearest(&self, pointer: &str) -> &Node {
        let mut node = self;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match &node.data {
                Data::Map(_) => node.get(&step),
                Data::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                Data::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// The place of a key of this mapping, or the place of the mapping itself.
    pub fn key_span(&self, key: &str) -> Span {
        self.entries().iter().find(|(k, _)| k.text == key).map_or(self.span, |(k, _)| k.span)
    }
}
