//! What is protected in a realm: patterns of addresses, remembered in an attribute of the realm, so that protection
//! outlives the manifest that asked for it until an apply takes it away.

use serde_json::Value;

use super::{ObjectId, RealmState};

/// The realm attribute that remembers the patterns.
pub const PROTECTED: &str = "realmwright.protected";

/// Patterns of addresses; `*` stands for any text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protection(Vec<String>);

impl Protection {
    /// Protection by patterns, each once.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        let mut patterns: Vec<String> = patterns.into_iter().collect();
        patterns.sort();
        patterns.dedup();
        Self(patterns)
    }

    /// What a realm's attribute remembers. One that can't be read protects everything.
    pub fn of(realm: &RealmState) -> Self {
        let attribute = realm.realm().and_then(|realm| realm.fields.get(&format!("attributes.{PROTECTED}")));
        match attribute.and_then(Value::as_str) {
            None | Some("") => Self::default(),
            Some(text) => Self(serde_json::from_str(text).unwrap_or_else(|_| vec!["*".into()])),
        }
    }

    /// The text of the attribute; none without protection.
    pub fn to_text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| Value::from(self.0.clone()).to_string())
    }

    /// This and another.
    pub fn and(&self, other: &Self) -> Self {
        Self::new(self.0.iter().chain(&other.0).cloned())
    }

    /// The pattern that protects an object, if one does.
    pub fn covers(&self, id: &ObjectId) -> Option<&str> {
        let address = id.to_string();
        self.0.iter().find(|pattern| matches(pattern, &address)).map(String::as_str)
    }

    /// The pattern that protects the realm itself, hence the tenant.
    pub fn covers_tenant(&self) -> Option<&str> {
        self.covers(&ObjectId::realm())
    }

    /// True when anything at all is protected.
    pub fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= end.len() && rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("*", "realm", true),
            ("realm", "realm", true),
            ("role/*", "role/nurse", true),
            ("role/*", "client-role/a/role/b", false),
            ("client/a*t", "client/assistant", true),
            ("client/a*t", "client/at", true),
            ("client/a*at", "client/at", false),
            ("*/assistant*", "client-role/assistant/seat", true),
            ("client/assistant", "client/assistant2", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
