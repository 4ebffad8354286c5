//! What the makers of keys take: a value that they do not know fails a birth with a 500 without a reason, or is taken and
//! makes no key.

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::manifest::node::Node;

/// Providers, the entries of their configuration, and the values that those may have (`serverinfo` of 26.7.3 and 26.4.7).
const CHOICES: &[(&str, &str, &[&str])] = &[
    ("aes-generated", "secretSize", &["16", "24", "32"]),
    ("hmac-generated", "secretSize", &["16", "24", "32", "64", "128", "256", "512"]),
    ("hmac-generated", "algorithm", &["HS256", "HS384", "HS512"]),
    ("rsa-generated", "keySize", &["1024", "2048", "3072", "4096"]),
    ("rsa-generated", "algorithm", &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
    ("rsa-enc-generated", "keySize", &["1024", "2048", "3072", "4096"]),
    ("rsa-enc-generated", "algorithm", &["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"]),
    ("ecdsa-generated", "ecdsaEllipticCurveKey", &["P-256", "P-384", "P-521"]),
    ("eddsa-generated", "eddsaEllipticCurveKey", &["Ed25519", "Ed448"]),
    ("ecdh-generated", "ecdhEllipticCurveKey", &["P-256", "P-384", "P-521"]),
    ("ecdh-generated", "ecdhAlgorithm", &["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"]),
];

/// Checks the configuration of one component.
pub(super) fn check(component: &Node, found: &mut Vec<Diagnostic>) {
    let provider = component.get("providerId").and_then(Node::text).unwrap_or_default();
    for (_, entry, choices) in CHOICES.iter().filter(|(maker, ..)| *maker == provider) {
        let Some(node) = component.get("config").and_then(|config| config.get(entry)) else { continue };
        let single = std::slice::from_ref(node);
        for value in if node.items().is_empty() { single } else { node.items() } {
            let text = match value.to_value() {
                Value::String(text) => text,
                other => other.to_string(),
            };
            if !choices.contains(&text.as_str()) {
                let message = format!("`{entry}` of the key provider `{provider}` can't be `{text}`");
                let hint = format!("it can be {}", choices.join(", "));
                found.push(Diagnostic::error("wrong-value", value.span, message).hint(hint));
            }
        }
    }
}
