//! What browsers keep for the broker and can't read or change, and the names of sessions.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::keycloak::key::{KeyError, OperatorKey};
use crate::login::fault::Fault;
use crate::login::session::Key;

/// The longest sealed text that is opened; browsers keep 4096 bytes of a cookie.
const LONGEST: usize = 4096;

/// The keys that seal; the same for every broker with the same keys, so that what one sealed another opens. The first seals,
/// the others open what was sealed before they were replaced.
pub(super) struct Seal(Vec<RandomizedNonceKey>);

/// A key that seals: 256 random bits.
pub struct SealKey(SecretBox<[u8; 32]>);

/// A text that is no such key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no key of 32 bytes in Base64")]
pub struct NoSealKey;

impl SealKey {
    /// The one that follows from the key that the broker authenticates with.
    pub fn derived(key: &OperatorKey) -> Result<Self, KeyError> {
        key.derived_secret("realmwright broker seal").map(|secret| Self(SecretBox::new(Box::new(secret))))
    }

    /// Reads 32 bytes in Base64, as `openssl rand -base64 32` writes them.
    pub fn read(text: &SecretString) -> Result<Self, NoSealKey> {
        let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| NoSealKey)?;
        let bytes = bytes.try_into().map_err(|_| NoSealKey)?;
        Ok(Self(SecretBox::new(Box::new(bytes))))
    }
}

impl Seal {
    pub(super) fn new(keys: &[SealKey]) -> Result<Self, KeyError> {
        let key = |key: &SealKey| {
            RandomizedNonceKey::new(&AES_256_GCM, key.0.expose_secret()).map_err(|_| KeyError::Crypto("used to seal"))
        };
        keys.iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// Seals something for the place of this name that a browser keeps, e.g. a login for a cookie.
    pub(super) fn close(&self, name: &str, what: &impl Serialize) -> Option<String> {
        self.keep(name, what).filter(|sealed| sealed.len() <= LONGEST)
    }

    /// Opens what was sealed for the place of this name.
    pub(super) fn open<T: DeserializeOwned>(&self, name: &str, sealed: &str) -> Result<T, Fault> {
        let sealed = Some(sealed).filter(|text| text.len() <= LONGEST);
        sealed.and_then(|sealed| self.kept(name, sealed)).ok_or(Fault::State)
    }

    /// Seals something that is kept here, however long it is.
    pub(super) fn keep(&self, name: &str, what: &impl Serialize) -> Option<String> {
        let mut text = serde_json::to_vec(what).ok()?;
        let nonce = self.0.first()?.seal_in_place_append_tag(Aad::from(name), &mut text).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &text].concat()))
    }

    /// Opens it.
    pub(super) fn kept<T: DeserializeOwned>(&self, name: &str, sealed: &str) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        self.0.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut text = sealed.to_vec();
            serde_json::from_slice(key.open_in_place(nonce, Aad::from(name), &mut text).ok()?).ok()
        })
    }
}

/// A name that nobody can guess: 256 random bits.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What something secret is found by.
pub(super) fn digest(text: &str) -> Key {
    Sha256::digest(text).into()
}
