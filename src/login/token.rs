//! Signed tokens: opened with the keys of one realm, or not at all.
//!
//! One way for ID tokens, logout tokens and access tokens alike. What a token's header offers in the way of keys is
//! never looked at, and a key verifies the one algorithm that it is for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::fault::Fault;

/// No token of Keycloak's is as long as this.
const LONGEST: usize = 64 * 1024;

/// Fewest bits of an RSA key (RFC 7518 §3.3).
const RSA_BITS: usize = 2048;

/// The keys of one realm. A new set replaces the old one whole.
#[derive(Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Keys {
    /// Reads a JSON Web Key Set. Keys that sign nothing that is accepted here are left out.
    pub fn of(jwks: &Value) -> Self {
        let keys = jwks["keys"].as_array().into_iter().flatten();
        Self(keys.filter_map(|key| Key::of(serde_json::from_value(key.clone()).ok()?)).collect())
    }

    /// Whether one of them has this name.
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// The one that a header means. Without a name there must be one of this algorithm alone.
    fn meant(&self, header: &Header) -> Result<&Key, Fault> {
        let mut named = self.0.iter().filter(|key| match &header.kid {
            Some(kid) => key.kid.as_ref() == Some(kid),
            None => algorithm_name(key.algorithm) == header.alg,
        });
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Fault::UnknownKey),
        }
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let algorithm = match (&jwk.algorithm, jwk.common.key_algorithm) {
            (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES256))
                if key.curve == EllipticCurve::P256 =>
            {
                Algorithm::ES256
            }
            (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES384))
                if key.curve == EllipticCurve::P384 =>
            {
                Algorithm::ES384
            }
            (AlgorithmParameters::RSA(key), named) if bits(&key.n) >= RSA_BITS => match named {
                None | Some(KeyAlgorithm::RS256) => Algorithm::RS256,
                Some(KeyAlgorithm::RS384) => Algorithm::RS384,
                Some(KeyAlgorithm::RS512) => Algorithm::RS512,
                Some(KeyAlgorithm::PS256) => Algorithm::PS256,
                Some(KeyAlgorithm::PS384) => Algorithm::PS384,
                Some(KeyAlgorithm::PS512) => Algorithm::PS512,
                Some(_) => return None,
            },
            _ => return None,
        };
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { kid: jwk.common.key_id, algorithm, key })
    }
}

fn bits(modulus: &str) -> usize {
    URL_SAFE_NO_PAD.decode(modulus).map_or(0, |bytes| bytes.iter().skip_while(|byte| **byte == 0).count() * 8)
}

fn algorithm_name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}

/// What stands before a token. What is not named here is what offers keys, or asks to be understood.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    kid: Option<String>,
    pub(super) typ: Option<String>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// What offers keys, or asks for what is not understood.
const NEVER: [&str; 7] = ["jku", "jwk", "x5u", "x5c", "crit", "zip", "b64"];

/// What a token says, as far as it is looked at. A claim that is there twice makes it none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// Kind of the token, as its header says.
    #[serde(skip)]
    pub header_type: Option<String>,
    /// The algorithm that it is signed with.
    #[serde(skip)]
    pub algorithm: String,
    /// Issuer.
    pub iss: Option<String>,
    /// Subject.
    pub sub: Option<String>,
    /// Audience.
    pub aud: Audience,
    /// Who it was issued to.
    pub azp: Option<String>,
    /// End.
    pub exp: Option<u64>,
    /// When it was issued.
    pub iat: Option<u64>,
    /// Begin.
    pub nbf: Option<u64>,
    /// The login that it belongs to.
    pub nonce: Option<String>,
    /// What the access token that came with it hashes to.
    pub at_hash: Option<String>,
    /// The session at the realm.
    pub sid: Option<String>,
    /// Its own name.
    pub jti: Option<String>,
    /// Kind of the token, as Keycloak says.
    pub typ: Option<String>,
    /// What a logout token is about.
    pub events: Option<Map<String, Value>>,
    /// The key or certificate that it is bound to (RFC 7800).
    pub cnf: Option<Value>,
    /// Roles of the realm.
    pub realm_access: Option<Value>,
    /// Roles of its clients.
    pub resource_access: Map<String, Value>,
    /// Login name.
    pub preferred_username: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Whether it is known to be the user's.
    pub email_verified: bool,
}

/// Whom a token is for.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Audience {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// The name of the key that a token says it is signed with; believed for nothing but to look whether that key is known.
pub fn kid(token: &str) -> Option<String> {
    header(token.split('.').next()?).ok()?.kid
}

/// The issuer that a token says it is of; believed for nothing but to look whether that one is known.
pub fn issuer(token: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claims>(&payload).ok()?.iss
}

fn header(part: &str) -> Result<Header, Fault> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)?).map_err(|_| Fault::Malformed)
}

/// Header and payload of a token that nobody has verified yet.
pub(super) fn parts(token: &str) -> Result<(Header, Vec<u8>), Fault> {
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let [head, payload, _] = parts[..] else { return Err(Fault::Malformed) };
    if token.len() > LONGEST {
        return Err(Fault::Malformed);
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Fault::Malformed)?;
    Ok((header(head)?, payload))
}

/// Whether the key that a token's header means signed it.
pub(super) fn verified(token: &str, header: &Header, keys: &Keys) -> Result<(), Fault> {
    let Key { algorithm, key, .. } = keys.meant(header)?;
    if header.alg != algorithm_name(*algorithm) {
        return Err(Fault::Algorithm);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Malformed)?;
    match crypto::verify(signature, signed.as_bytes(), key, *algorithm) {
        Ok(true) => Ok(()),
        _ => Err(Fault::Signature),
    }
}

/// What a token says, if one of the keys signed it.
pub fn open(token: &str, keys: &Keys) -> Result<Claims, Fault> {
    let (header, payload) = parts(token)?;
    if header.rest.keys().any(|key| NEVER.contains(&key.as_str())) {
        return Err(Fault::Header);
    }
    verified(token, &header, keys)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| Fault::Malformed)?;
    Ok(Claims { header_type: header.typ, algorithm: header.alg, ..claims })
}
