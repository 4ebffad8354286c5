//! What browsers keep for the broker and can't read or change, and the names of sessions.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::keycloak::key::{KeyError, OperatorKey};
use crate::login::fault::Fault;
use crate::login::session::Key;

/// The longest sealed text that is opened; browsers keep 4096 bytes of a cookie.
const LONGEST: usize = 4096;

/// The key that seals; the same for every broker with the same key, so that a login may end at another one.
pub(super) struct Seal(RandomizedNonceKey);

impl Seal {
    pub(super) fn new(key: &OperatorKey) -> Result<Self, KeyError> {
        let secret = key.derived_secret("realmwright broker seal")?;
        RandomizedNonceKey::new(&AES_256_GCM, &secret).map(Self).map_err(|_| KeyError::Crypto("used to seal"))
    }

    /// Seals something for the place of this name, e.g. a login for a cookie.
    pub(super) fn close(&self, name: &str, what: &impl Serialize) -> Option<String> {
        let mut text = serde_json::to_vec(what).ok()?;
        let nonce = self.0.seal_in_place_append_tag(Aad::from(name), &mut text).ok()?;
        let sealed = URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &text].concat());
        (sealed.len() <= LONGEST).then_some(sealed)
    }

    /// Opens what was sealed for the place of this name.
    pub(super) fn open<T: DeserializeOwned>(&self, name: &str, sealed: &str) -> Result<T, Fault> {
        let bytes =
            Some(sealed).filter(|text| text.len() <= LONGEST).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let bytes = bytes.ok_or(Fault::State)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(Fault::State)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Fault::State)?;
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(name), &mut text).map_err(|_| Fault::State)?;
        serde_json::from_slice(opened).map_err(|_| Fault::State)
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
