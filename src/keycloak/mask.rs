//! What requests and answers look like to people: every secret masked, by name, by shape and by value. Pure.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// What stands instead of a secret, as Keycloak has it.
pub use crate::state::secret::MASK;
use crate::state::secret_name::is_masked;

/// Shortest secret that is looked for by its value: shorter ones would mask ordinary words.
const SHORTEST: usize = 4;

/// Longest body that is shown whole, in characters.
const LONGEST: usize = 20_000;

/// Masks secrets.
#[derive(Debug, Default)]
pub struct Mask {
    known: Vec<SecretString>,
}

impl Mask {
    /// Masks also these, wherever they stand.
    pub fn knowing(known: impl IntoIterator<Item = SecretString>) -> Self {
        let mut known: Vec<SecretString> =
            known.into_iter().filter(|secret| secret.expose_secret().len() >= SHORTEST).collect();
        // A secret that contains another goes first.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self { known }
    }

    /// A text without the known secrets and without tokens.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.known {
            for form in forms(secret.expose_secret()) {
                text = text.replace(&form, MASK);
            }
        }
        without_tokens(&text)
    }

    /// A document on one line.
    pub fn json(&self, document: &Value) -> String {
        cut(self.document(document, false).to_string())
    }

    /// The body of a form.
    pub fn form(&self, form: &[(&str, &str)]) -> String {
        let shown = |(name, value): &(&str, &str)| {
            if is_masked(name) { format!("{name}={MASK}") } else { format!("{name}={}", self.text(value)) }
        };
        form.iter().map(shown).collect::<Vec<_>>().join("&")
    }

    /// The body of an answer. What is not JSON is not shown, because nothing is known of where its secrets stand.
    pub fn answer(&self, body: &str) -> Option<String> {
        if body.trim().is_empty() {
            return None;
        }
        Some(match serde_json::from_str::<Value>(body) {
            Ok(document) => self.json(&document),
            Err(_) => format!("({} bytes that are not JSON)", body.len()),
        })
    }

    fn document(&self, value: &Value, hidden: bool) -> Value {
        match value {
            Value::String(text) if text.is_empty() => value.clone(),
            Value::String(_) if hidden => MASK.into(),
            Value::String(text) => self.inner(text),
            Value::Array(items) => items.iter().map(|item| self.document(item, hidden)).collect(),
            Value::Object(map) => Value::Object(self.map(map, hidden)),
            Value::Number(_) if hidden => MASK.into(),
            other => other.clone(),
        }
    }

    fn map(&self, map: &Map<String, Value>, hidden: bool) -> Map<String, Value> {
        // Keycloak's CredentialRepresentation: the type says what the value is.
        let credential = map.get("type").and_then(Value::as_str).is_some_and(is_masked);
        let shown = map.iter().map(|(name, value)| {
            let secret = hidden || is_masked(name) || (credential && name == "value");
            // A number or a switch of such a name is a setting: `accessTokenLifespan`, `resetPasswordAllowed`.
            let setting = !hidden && matches!(value, Value::Number(_) | Value::Bool(_));
            (self.text(name), self.document(value, secret && !setting))
        });
        shown.collect()
    }

    /// A text that may itself be JSON, as some of Keycloak's attributes are.
    fn inner(&self, text: &str) -> Value {
        let nested = text.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str::<Value>(text).ok());
        match nested.flatten() {
            Some(document) => self.text(&self.document(&document, false).to_string()).into(),
            None => self.text(text).into(),
        }
    }
}

/// The forms in which a secret may stand in a text.
fn forms(secret: &str) -> [String; 3] {
    let json = Value::from(secret).to_string();
    let url = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [secret.to_owned(), json[1..json.len() - 1].to_owned(), url]
}

/// Masks JSON Web Tokens, wherever they stand: three parts, of which the first is a JSON object in Base64.
fn without_tokens(text: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("eyJ") {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c| !inside(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        out.push_str(before);
        out.push_str(if word.matches('.').count() >= 2 { MASK } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

fn cut(text: String) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text;
    }
    let kept: String = text.chars().take(LONGEST).collect();
    format!("{kept}… ({length} characters)")
}
