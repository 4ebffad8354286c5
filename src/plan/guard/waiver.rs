//! Waivers: `NAME`, or `NAME@TENANT` for one place only.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{GUARDS, Refusal, find};
use crate::diagnostic::did_you_mean;

/// Says that what a guard refuses is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Name of the guard.
    pub guard: String,
    /// The tenant or distributor that it is for; none: every place.
    pub place: Option<String>,
}

impl Waiver {
    /// Whether it waives a refusal.
    pub fn is_for(&self, refusal: &Refusal) -> bool {
        self.guard == refusal.guard && (self.place.is_none() || self.place == refusal.place)
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.guard)?;
        self.place.as_ref().map_or(Ok(()), |place| write!(f, "@{place}"))
    }
}

impl FromStr for Waiver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, place) = match text.split_once('@') {
            Some((_, "")) => return Err("a tenant must follow the `@`".into()),
            Some((name, place)) => (name, Some(place.to_owned())),
            None => (text, None),
        };
        match find(name) {
            Some(guard) => match guard.waivable {
                Ok(()) => Ok(Self { guard: name.to_owned(), place }),
                Err(way_out) => Err(format!("the guard `{name}` can't be waived; {way_out}")),
            },
            None => {
                let hint = did_you_mean(name, GUARDS.iter().map(|guard| guard.name))
                    .unwrap_or_else(|| "`realmwright guards` lists them".into());
                Err(format!("there is no guard `{name}`; {hint}"))
            }
        }
    }
}

impl Serialize for Waiver {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Waiver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Waiver {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Waiver".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "`guard`, or `guard@tenant`"})
    }
}
