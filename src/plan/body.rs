//! What an object is made with.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::Change;
use super::birth::Newborn;
use crate::state::{RealmState, Shared, arrange};

/// The document that an object is made with, in Keycloak's shape. In JSON it is that document.
#[derive(Debug, Clone)]
pub enum Body {
    /// As it is.
    Document(Value),
    /// A realm that is born. Its document is large and put together when it is asked for; until then thousands of them
    /// share what they have in common.
    Realm(Shared<Newborn>),
}

impl Body {
    /// The document.
    pub fn document(&self) -> Cow<'_, Value> {
        match self {
            Self::Document(document) => Cow::Borrowed(document),
            Self::Realm(newborn) => Cow::Owned(newborn.document()),
        }
    }

    /// Shows every value in it, or larger ones around them.
    pub fn visit<'a>(&'a self, mut see: impl FnMut(&'a Value)) {
        match self {
            Self::Document(document) => see(document),
            Self::Realm(newborn) => {
                let objects = newborn.desired().objects.values();
                objects.flat_map(|object| object.fields.values()).for_each(see);
            }
        }
    }

    /// What is in it, if it is that of a realm.
    pub fn state(&self) -> Cow<'_, RealmState> {
        match self {
            Self::Document(document) => Cow::Owned(arrange(document)),
            Self::Realm(newborn) => Cow::Borrowed(newborn.desired()),
        }
    }
}

impl Change {
    /// What its object is made with; nothing where it is not made.
    pub fn document(&self) -> Cow<'_, Value> {
        self.body.as_ref().map(Body::document).unwrap_or_default()
    }
}

impl From<Value> for Body {
    fn from(document: Value) -> Self {
        Self::Document(document)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Realm(one), Self::Realm(another)) if one.is(another) => true,
            _ => self.document() == other.document(),
        }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::Document)
    }
}

impl JsonSchema for Body {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Value::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}
