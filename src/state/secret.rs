//! Secrets: a reference in manifests and plans, a fingerprint in markers, the value only in a type that can't be printed.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::sealed::{self, as_sealed};
use crate::seal::SigningKey;

/// The key that marks a reference to a secret in a document.
pub const SECRET: &str = "$secret";

/// The node that stands for a secret: `{"$secret": "env:NAME"}`.
pub fn reference(text: &str) -> Value {
    json!({ SECRET: text })
}

/// The reference that a value is, if it is one.
pub fn as_reference(value: &Value) -> Option<&str> {
    value.as_object().filter(|object| object.len() == 1)?.get(SECRET)?.as_str()
}

/// The reference that a value is; also that of a list of just this one, as the configuration of a component has it.
pub fn sole_reference(value: &Value) -> Option<&str> {
    as_reference(sole(value))
}

/// True for a reference into Keycloak's own vault, `${vault.KEY}`: no secret, and shown as it is.
pub fn is_in_vault(value: &Value) -> bool {
    let key = sole(value).as_str().and_then(|text| text.strip_prefix("${vault.")?.strip_suffix('}'));
    key.is_some_and(|key| !key.is_empty() && !key.contains('}'))
}

fn sole(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([one]) => one,
        _ => value,
    }
}

/// Values of secrets by their reference, and the keyed fingerprint of each. Never printed, never serialised.
#[derive(Debug, Default)]
pub struct Secrets {
    values: BTreeMap<String, (Option<SecretString>, String)>,
    unread: bool,
    /// What signs sealed values.
    signing: Option<SigningKey>,
}

impl Secrets {
    /// Secrets of which none was read, so that none can be compared: whoever may only look has no need of them.
    pub fn unread() -> Self {
        Self { unread: true, ..Self::default() }
    }

    /// True when none was read on purpose.
    pub fn are_unread(&self) -> bool {
        self.unread
    }

    /// Of some references, what is compared alone: nothing can be revealed with it.
    #[must_use]
    pub fn fingerprints_of<'a>(&self, references: impl IntoIterator<Item = &'a String>) -> Self {
        let known = references.into_iter().filter_map(|reference| {
            let fingerprint = self.fingerprint(reference)?.to_owned();
            Some((reference.clone(), (None, fingerprint)))
        });
        Self { values: known.collect(), unread: self.unread, signing: None }
    }

    /// Adds the key that sealed values are signed with.
    pub fn sign_with(&mut self, key: SigningKey) {
        self.signing = Some(key);
    }

    /// Adds a secret that was read; `fingerprint` is a keyed hash of its value.
    pub fn insert(&mut self, reference: String, value: SecretString, fingerprint: String) {
        self.values.insert(reference, (Some(value), fingerprint));
    }

    /// The secrets that were read, for masking them.
    pub fn values(&self) -> impl Iterator<Item = SecretString> {
        self.values.values().filter_map(|(value, _)| value.clone())
    }

    /// True when this reference was read.
    pub fn contains(&self, reference: &str) -> bool {
        self.values.contains_key(reference)
    }

    /// The keyed fingerprint of a secret that was read.
    pub fn fingerprint(&self, reference: &str) -> Option<&str> {
        self.values.get(reference).map(|(_, fingerprint)| fingerprint.as_str())
    }

    /// The document with every reference replaced by the fingerprint of its value.
    pub fn fingerprinted(&self, document: &Value) -> Value {
        if let Some(reference) = as_reference(document) {
            return json!({ SECRET: self.fingerprint(reference) });
        }
        match document {
            Value::Array(items) => items.iter().map(|item| self.fingerprinted(item)).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), self.fingerprinted(value))).collect(),
            scalar => scalar.clone(),
        }
    }

    /// The document with every reference replaced by its value, and what is sealed signed, for the body of a request; or
    /// the reference that was not read.
    pub fn reveal(&self, document: &Value) -> Result<Value, String> {
        if let Some(reference) = as_reference(document) {
            return match self.values.get(reference) {
                Some((Some(value), _)) => Ok(value.expose_secret().into()),
                _ => Err(reference.to_owned()),
            };
        }
        if as_sealed(document).is_some() {
            let signed = sealed::statement(document).and_then(|(key, statement)| {
                self.signing.as_ref().filter(|signing| signing.kid() == key)?.sign(&statement).ok()
            });
            return signed.map(Value::String).ok_or_else(|| "the signing key".to_owned());
        }
        Ok(match document {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.reveal(item)).collect::<Result<_, _>>()?),
            Value::Object(map) => Value::Object(
                map.iter().map(|(key, value)| Ok((key.clone(), self.reveal(value)?))).collect::<Result<_, String>>()?,
            ),
            scalar => scalar.clone(),
        })
    }
}

/// What Keycloak shows instead of a secret (`ComponentRepresentation.SECRET_VALUE`).
pub const MASK: &str = "**********";

/// True when Keycloak hides some of a value.
pub fn is_masked(value: &Value) -> bool {
    match value {
        Value::String(text) => text == MASK,
        Value::Array(items) => items.iter().any(is_masked),
        Value::Object(map) => map.values().any(is_masked),
        _ => false,
    }
}

/// True when all that Keycloak shows of a value is as it should be.
pub fn shown_equal(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (_, Value::String(text)) if text == MASK => true,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| shown_equal(a, b)),
        (Value::Object(a), Value::Object(b)) if as_reference(wanted).is_none() => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| shown_equal(a, b)))
        }
        (a, b) => a == b,
    }
}

/// True when a document holds a reference.
pub fn has_reference(document: &Value) -> bool {
    let mut found = Vec::new();
    references(document, &mut found);
    !found.is_empty()
}

/// Every reference in a document.
pub fn references(document: &Value, found: &mut Vec<String>) {
    if let Some(reference) = as_reference(document) {
        found.push(reference.to_owned());
        return;
    }
    match document {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(map) => map.values().for_each(|value| references(value, found)),
        _ => {}
    }
}
