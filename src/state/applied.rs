//! The marker of a realm: what was last applied to it, so that comparison is three-way and pruning touches only what
//! was ours. It lives in one realm attribute and holds hashes, never values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::kind::{Class, Kind};
use super::secret::{Secrets, has_reference, sole_reference};
use super::{Fields, ObjectId, RealmState};

/// The realm attribute that holds the marker.
pub const MARKER: &str = "realmwright.applied";

/// The realm attribute that holds, while a saved plan is applied, which one: what is there by then of what it makes, it
/// made itself.
pub const BEGUN: &str = "realmwright.begun";

/// The realm attribute that is there while a user is given its name back, where names can't be edited otherwise.
pub const NAMING: &str = "realmwright.naming";

/// Hashes of what was last applied, by object and field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Version of the marker's form.
    #[serde(rename = "v", default)]
    version: u32,
    /// The environment whose manifests were applied.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    environment: String,
    /// The objects that are owned, and the hash of each field that was declared.
    #[serde(default)]
    objects: BTreeMap<ObjectId, BTreeMap<String, String>>,
}

impl Applied {
    /// What applying this state leaves behind.
    pub fn of(state: &RealmState, environment: &str, secrets: &Secrets) -> Self {
        let objects = state.objects.iter().map(|(id, object)| (id.clone(), hashes(id.kind, &object.fields, secrets)));
        Self { version: 1, environment: environment.to_owned(), objects: objects.collect() }
    }

    /// The same where secrets were not read: of those, what was recorded before.
    pub fn with_unread(mut self, desired: &RealmState, before: &Self) -> Self {
        for (id, object) in &desired.objects {
            let secret = object.fields.iter().filter(|(_, value)| has_reference(value));
            for (path, _) in secret {
                let Some(fields) = self.objects.get_mut(id) else { continue };
                if let (Some(hash), Some(known)) = (fields.get_mut(path), before.field(id, path)) {
                    known.clone_into(hash);
                }
            }
        }
        self
    }

    /// What a run leaves behind that did only a part: of the objects that are `done`, what was desired; of all others,
    /// what was recorded before. So a marker never says that something was applied which was not.
    pub fn after(before: &Self, desired: &Self, done: impl Fn(&ObjectId) -> bool) -> Self {
        let kept = before.objects.iter().filter(|(id, _)| !done(id));
        let made = desired.objects.iter().filter(|(id, _)| done(id));
        let objects = kept.chain(made).map(|(id, fields)| (id.clone(), fields.clone())).collect();
        Self { version: desired.version, environment: desired.environment.clone(), objects }
    }

    /// Digest of what is recorded of an object: `None` when it is not owned.
    pub fn digest_of(&self, id: &ObjectId) -> Option<String> {
        Some(digest(&serde_json::to_string(self.objects.get(id)?).unwrap_or_default()))
    }

    /// Reads a marker. One that can't be read counts as none: everything declared is then adopted, nothing pruned.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The marker's text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The environment whose manifests were applied; empty without a marker.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The same without the fields that can't be read back, which then count as never written.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        for (id, fields) in &mut self.objects {
            fields.retain(|path, _| id.kind.class_of_path(path).is_readable());
        }
        self
    }

    /// True when the realm carries no marker.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The objects that are owned.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectId> {
        self.objects.keys()
    }

    /// The declared fields of an owned object and their hashes.
    pub fn fields(&self, id: &ObjectId) -> Option<&BTreeMap<String, String>> {
        self.objects.get(id)
    }

    /// The hash of a field when it was last applied.
    pub fn field(&self, id: &ObjectId, path: &str) -> Option<&str> {
        self.objects.get(id)?.get(path).map(String::as_str)
    }
}

fn hashes(kind: Kind, fields: &Fields, secrets: &Secrets) -> BTreeMap<String, String> {
    let kept = fields.iter().filter(|(path, _)| kind.class_of_path(path) != Class::Initial);
    kept.map(|(path, value)| (path.clone(), hash(value, secrets))).collect()
}

/// A short hash of a value: 64 bits of SHA-256 over its canonical JSON. It tells change, it protects nothing: of a
/// secret, the keyed fingerprint is hashed, so that the marker says neither its value nor where it is kept.
pub fn hash(value: &Value, secrets: &Secrets) -> String {
    let text = match sole_reference(value) {
        Some(reference) => secrets.fingerprint(reference).unwrap_or_default().to_owned(),
        None => secrets.fingerprinted(value).to_string(),
    };
    hex(&Sha256::digest(text)[..8])
}

/// SHA-256 of a text, in full, as `sha256:…`.
pub fn digest(text: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(text)))
}

/// Bytes as lower-case digits, two each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
