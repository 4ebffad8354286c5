//! The operator key: one EC P-256 key that every account of the tool authenticates with.
//!
//! `private_key_jwt` (OpenID Connect Core §9, RFC 7523): each token request carries a fresh assertion, signed with
//! ES256 and addressed to the issuer of the realm. Realms hold the public key; nothing is stored per realm.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The kind of assertion that `private_key_jwt` is (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds for which an assertion is valid.
const ASSERTION_LIFETIME: u64 = 60;

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a PEM file with a PKCS#8 private key.
    #[error("this is not a PEM file with an EC P-256 private key in PKCS#8 form")]
    NotAKey,
    /// The cryptographic library refused.
    #[error("the key could not be {0}")]
    Crypto(&'static str),
}

/// The operator's key pair. Its private part can't be printed.
#[derive(Clone)]
pub struct OperatorKey {
    signing: EncodingKey,
    kid: String,
    public: Value,
    jwks: String,
    fingerprints: hmac::Key,
    /// What the key of fingerprints is made of.
    seed: SecretString,
}

/// Names the block of a key file that keeps the fingerprints of secrets when one key follows another.
const SEED: &str = "REALMWRIGHT FINGERPRINT KEY";

/// What comes before the private number in a P-256 key that leaves its public half to be computed (RFC 5958, RFC 5915).
const PRIVATE_HEAD: [u8; 35] = [
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20,
];

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
}

impl OperatorKey {
    /// A new key, as the text of a PEM file.
    pub fn generate() -> Result<SecretString, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Crypto("made"))?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Crypto("written"))?;
        Ok(pem(der.as_ref()))
    }

    /// Reads the text of a PEM file, as `realmwright bootstrap` or `openssl genpkey -algorithm EC
    /// -pkeyopt ec_paramgen_curve:P-256` write it.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let text = pem.expose_secret();
        let body = block(text, "PRIVATE KEY").ok_or(KeyError::NotAKey)?;
        let der = STANDARD.decode(body.split_whitespace().collect::<String>()).map_err(|_| KeyError::NotAKey)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| KeyError::NotAKey)?;
        let point = pair.public_key().as_ref();
        let [0x04, coordinates @ ..] = point else { return Err(KeyError::NotAKey) };
        let (x, y) = coordinates.split_at_checked(32).ok_or(KeyError::NotAKey)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = thumbprint(&x, &y);
        let public = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y});
        let seed = match block(text, SEED) {
            Some(kept) => kept.split_whitespace().collect(),
            None => STANDARD.encode(Sha256::digest([b"realmwright fingerprint".as_slice(), &der].concat())),
        };
        let secret = STANDARD.decode(&seed).map_err(|_| KeyError::NotAKey)?;
        let private = format!("-----BEGIN PRIVATE KEY-----{body}-----END PRIVATE KEY-----\n");
        Ok(Self {
            signing: EncodingKey::from_ec_pem(private.as_bytes()).map_err(|_| KeyError::NotAKey)?,
            kid,
            jwks: json!({ "keys": [public] }).to_string(),
            public,
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            seed: seed.into(),
        })
    }

    /// A new key that follows this one, as the text of a PEM file. It keeps this one's fingerprints, so that no secret
    /// looks changed.
    pub fn successor(&self) -> Result<SecretString, KeyError> {
        let new = Self::generate()?;
        let (new, seed) = (new.expose_secret(), self.seed.expose_secret());
        Ok(format!("{new}-----BEGIN {SEED}-----\n{seed}\n-----END {SEED}-----\n").into())
    }

    /// The token broker's key, where it has none of its own.
    pub fn for_broker(&self) -> Result<Self, KeyError> {
        self.derived("realmwright broker")
    }

    /// A secret that follows from this key, and from those that succeed it; one for each label.
    pub fn derived_secret(&self, label: &str) -> Result<[u8; 32], KeyError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"realmwright derived key");
        let mut secret = [0; 32];
        let seed = salt.extract(self.seed.expose_secret().as_bytes());
        let filled = seed.expand(&[label.as_bytes()], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut secret));
        filled.map(|()| secret).map_err(|_| KeyError::Crypto("derived"))
    }

    /// Another key pair that follows from this one, and from those that succeed it and keep its fingerprints; one for each
    /// label. It tells nothing of this one.
    pub fn derived(&self, label: &str) -> Result<Self, KeyError> {
        // One number in four thousand million is no private key of this curve (SEC 1 §3.2.1); then the next one is taken.
        let mut pairs = (0..4).filter_map(|turn| {
            let scalar = self.derived_secret(&format!("{label} {turn}")).ok()?;
            let der = [PRIVATE_HEAD.as_slice(), &scalar].concat();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()
        });
        let pair = pairs.next().ok_or(KeyError::Crypto("derived"))?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Crypto("derived"))?;
        Self::from_pem(&pem(der.as_ref()))
    }

    /// True when both keys give the same fingerprints.
    pub fn has_fingerprints_of(&self, other: &Self) -> bool {
        self.seed.expose_secret() == other.seed.expose_secret()
    }

    /// The thumbprint that names the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half as a JSON Web Key (RFC 7517).
    pub(super) fn public(&self) -> Value {
        self.public.clone()
    }

    /// A statement signed with this key.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing).map_err(|_| KeyError::Crypto("used to sign"))
    }

    /// The public half as a JSON Web Key Set (RFC 7517), in one line.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// The keyed fingerprint of a secret: tells whether it changed, and nothing else.
    pub fn fingerprint(&self, secret: &SecretString) -> String {
        let tag = hmac::sign(&self.fingerprints, secret.expose_secret().as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16])
    }

    /// An assertion that `client` is who it says, for the realm whose issuer is `audience`; `now` in seconds.
    pub fn assertion(&self, client: &str, audience: &str, now: u64) -> Result<String, KeyError> {
        self.sign(&Assertion {
            iss: client,
            sub: client,
            aud: audience,
            jti: uuid::Uuid::new_v4().to_string(),
            iat: now,
            exp: now + ASSERTION_LIFETIME,
        })
    }
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperatorKey({})", self.kid)
    }
}

/// A PKCS#8 private key as the text of a PEM file.
fn pem(der: &[u8]) -> SecretString {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = (0..body.len()).step_by(64).map(|at| &body[at..(at + 64).min(body.len())]).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")).into()
}

/// The thumbprint of a public key, by its coordinates (RFC 7638).
pub(super) fn thumbprint(x: &str, y: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)))
}

/// What stands in a block of a PEM file.
fn block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {name}-----"))?;
    rest.split_once(&format!("-----END {name}-----")).map(|(body, _)| body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_is_the_same_each_time_and_of_those_that_succeed_it() {
        let key = OperatorKey::from_pem(&OperatorKey::generate().expect("good")).expect("good");
        let derived = key.derived("one").expect("good");
        assert_eq!(derived.jwks(), key.derived("one").expect("good").jwks());
        let successor = OperatorKey::from_pem(&key.successor().expect("good")).expect("good");
        assert_eq!(derived.jwks(), successor.derived("one").expect("good").jwks());
        let other = OperatorKey::from_pem(&OperatorKey::generate().expect("good")).expect("good");
        for different in
            [key.jwks(), key.derived("two").expect("good").jwks(), other.derived("one").expect("good").jwks()]
        {
            assert_ne!(derived.jwks(), different);
        }
    }
}
