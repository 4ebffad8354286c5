//! The operator key: one EC P-256 key that every account of the tool authenticates with.
//!
//! `private_key_jwt` (OpenID Connect Core §9, RFC 7523): each token request carries a fresh assertion, signed with
//! ES256 and addressed to the issuer of the realm. Realms hold the public key; nothing is stored per realm.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

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
pub struct OperatorKey {
    signing: EncodingKey,
    kid: String,
    jwks: String,
    fingerprints: hmac::Key,
}

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
        let body = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = (0..body.len()).step_by(64).map(|at| &body[at..(at + 64).min(body.len())]).collect();
        Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")).into())
    }

    /// Reads the text of a PEM file, as `realmwright bootstrap` or `openssl genpkey -algorithm EC
    /// -pkeyopt ec_paramgen_curve:P-256` write it.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let text = pem.expose_secret();
        let body = text
            .split_once("-----BEGIN PRIVATE KEY-----")
            .and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"));
        let (body, _) = body.ok_or(KeyError::NotAKey)?;
        let der = STANDARD.decode(body.split_whitespace().collect::<String>()).map_err(|_| KeyError::NotAKey)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map_err(|_| KeyError::NotAKey)?;
        let point = pair.public_key().as_ref();
        let [0x04, coordinates @ ..] = point else { return Err(KeyError::NotAKey) };
        let (x, y) = coordinates.split_at_checked(32).ok_or(KeyError::NotAKey)?;
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // RFC 7638: the thumbprint names the key.
        let kid =
            URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)));
        let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y});
        let secret = Sha256::digest([b"realmwright fingerprint".as_slice(), &der].concat());
        Ok(Self {
            signing: EncodingKey::from_ec_pem(text.as_bytes()).map_err(|_| KeyError::NotAKey)?,
            kid,
            jwks: json!({ "keys": [key] }).to_string(),
            fingerprints: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        })
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
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        let claims = Assertion {
            iss: client,
            sub: client,
            aud: audience,
            jti: uuid::Uuid::new_v4().to_string(),
            iat: now,
            exp: now + ASSERTION_LIFETIME,
        };
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(|_| KeyError::Crypto("used to sign"))
    }
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperatorKey({})", self.kid)
    }
}
