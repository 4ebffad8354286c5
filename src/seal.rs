//! Signed statements that travel on their own: licence files, import tokens, and what realms and tokens say of licences.
//!
//! Each is a JSON Web Signature in compact form (RFC 7515) with Ed25519 (`EdDSA`, RFC 8037) and no other algorithm. Its
//! header names what it is (`typ`), so that none passes for another, and the key by its thumbprint (RFC 7638). Keys follow
//! one another: several may be trusted at once. Whether a statement still holds is decided by the accounts, which know the
//! time and what was used.

mod access;

use std::collections::BTreeMap;
use std::fmt;

pub use access::{Entitled, RealmKeys, TokenRefusal};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::licence::{Distrust, Entitlement, LicenceTerms, Time};

/// Something that can be signed.
pub trait Statement: Serialize + DeserializeOwned {
    /// Its `typ`.
    const TYPE: &'static str;
}

/// A licence that can be checked and redeemed where it can't be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceFile {
    /// When it was written.
    pub iat: Time,
    /// What it says.
    pub licence: LicenceTerms,
}

impl Statement for LicenceFile {
    const TYPE: &'static str = "licence+jwt";
}

/// The right to move one device to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportToken {
    /// When it was issued.
    pub iat: Time,
    /// From when on it is dead.
    pub exp: Time,
    /// Its name, under which the accounts know it.
    pub jti: String,
    /// The organization that issued it, and takes the device.
    pub to: String,
}

impl Statement for Entitlement {
    const TYPE: &'static str = "entitlement+jwt";
}

impl Statement for ImportToken {
    const TYPE: &'static str = "import-token+jwt";
}

/// Why a key can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a private key.
    #[error("this is not a PEM file with an Ed25519 private key in PKCS#8 form")]
    NotPrivate,
    /// No public keys.
    #[error("this is not a PEM file with Ed25519 public keys")]
    NotPublic,
    /// The library refused.
    #[error("the key could not be used to sign")]
    Unusable,
}

/// The key that statements are signed with. Its private part can't be printed.
pub struct SigningKey {
    key: EncodingKey,
    kid: String,
}

impl SigningKey {
    /// Reads the text of a PEM file, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let block = pem::parse(pem.expose_secret()).map_err(|_| KeyError::NotPrivate)?;
        let pair = Ed25519KeyPair::from_pkcs8(block.contents()).map_err(|_| KeyError::NotPrivate)?;
        let kid = thumbprint(pair.public_key().as_ref());
        Ok(Self { key: EncodingKey::from_ed_der(block.contents()), kid })
    }

    /// The thumbprint that names it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs a statement.
    ///
    /// # Errors
    ///
    /// The library refuses.
    pub fn sign<S: Statement>(&self, statement: &S) -> Result<String, KeyError> {
        jsonwebtoken::encode(&header::<S>(&self.kid), statement, &self.key).map_err(|_| KeyError::Unusable)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The keys whose statements are believed.
#[derive(Debug)]
pub struct TrustedKeys {
    keys: BTreeMap<String, DecodingKey>,
    first: String,
}

/// What every Ed25519 public key begins with in its PEM block (RFC 8410).
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl TrustedKeys {
    /// Reads the text of a PEM file with one block for each key, as `openssl pkey -pubout` writes them.
    ///
    /// # Errors
    ///
    /// There is none, or something else among them.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = pem::parse_many(text).map_err(|_| KeyError::NotPublic)?;
        let key = |block: &pem::Pem| {
            let point = block.contents().strip_prefix(&PREFIX).filter(|point| point.len() == 32)?;
            (block.tag() == "PUBLIC KEY").then(|| (thumbprint(point), DecodingKey::from_ed_der(point)))
        };
        let keys: Option<Vec<_>> = blocks.iter().map(key).collect();
        let keys = keys.ok_or(KeyError::NotPublic)?;
        let first = keys.first().ok_or(KeyError::NotPublic)?.0.clone();
        Ok(Self { keys: keys.into_iter().collect(), first })
    }

    /// The thumbprint of the one that stands first.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// Reads a signed statement.
    ///
    /// # Errors
    ///
    /// It can't be believed.
    pub fn open<S: Statement>(&self, text: &str) -> Result<S, Distrust> {
        self.open_with_key(text).map(|(_, statement)| statement)
    }

    /// The same, with the thumbprint of the key that signed it.
    ///
    /// # Errors
    ///
    /// It can't be believed.
    pub fn open_with_key<S: Statement>(&self, text: &str) -> Result<(String, S), Distrust> {
        let text = text.trim();
        let said = jsonwebtoken::decode_header(text).map_err(|_| Distrust::Malformed)?;
        let kid = said.kid.clone().ok_or(Distrust::Malformed)?;
        let expected = header::<S>(&kid);
        if said.alg != expected.alg {
            return Err(Distrust::Algorithm);
        }
        if said.typ != expected.typ {
            return Err(Distrust::OtherType);
        }
        if said != expected {
            return Err(Distrust::Malformed);
        }
        let key = self.keys.get(&kid).ok_or(Distrust::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let opened = jsonwebtoken::decode::<S>(text, key, &validation);
        opened.map(|data| (kid, data.claims)).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => Distrust::Signature,
            _ => Distrust::Malformed,
        })
    }
}

/// What a text says of itself, whoever signed it: the thumbprint of a key, and a statement. Nothing of it is to be believed.
pub fn claimed<S: Statement>(text: &str) -> Option<(String, S)> {
    let header: Header = part(text.trim(), 0)?;
    Some((header.kid.filter(|_| header.typ.as_deref() == Some(S::TYPE))?, part(text.trim(), 1)?))
}

/// A part of a signed text, as JSON.
fn part<T: DeserializeOwned>(text: &str, index: usize) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.split('.').nth(index)?).ok()?).ok()
}

fn header<S: Statement>(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(S::TYPE.into());
    header.kid = Some(kid.into());
    header
}

fn thumbprint(point: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(point);
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}
