//! The key that licence files and import tokens are signed with, and those that are believed.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::cli::exit::{Hinted, UsageError};
use crate::cli::{files, secrets};
use crate::seal::{KeyError, SigningKey, TrustedKeys};

/// The key to sign with.
#[derive(Debug, Args)]
pub(in crate::cli) struct Signing {
    /// File with the key that signs licence files and import tokens: an Ed25519 private key in PEM
    #[arg(long, env = "REALMWRIGHT_SIGNING_KEY", value_name = "FILE")]
    signing_key: Option<PathBuf>,
}

/// The keys that are believed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Trusted {
    /// File with the public keys whose licence files and import tokens are believed, in PEM, one after the other
    #[arg(long, env = "REALMWRIGHT_TRUSTED_KEYS", value_name = "FILE")]
    trusted_keys: Option<PathBuf>,
}

/// Environment variable that may hold the signing key itself.
pub(in crate::cli) const KEY_VARIABLE: &str = "REALMWRIGHT_SIGNING_KEY_PEM";

impl Signing {
    /// The key.
    pub(in crate::cli) fn read(&self) -> anyhow::Result<SigningKey> {
        let (pem, from): (SecretString, _) = match (&self.signing_key, secrets::variable(KEY_VARIABLE)) {
            (Some(path), _) => (files::named(path)?.into(), path.display().to_string()),
            (None, Some(pem)) => (pem, KEY_VARIABLE.to_owned()),
            (None, None) => {
                let hint = "give --signing-key FILE, or set REALMWRIGHT_SIGNING_KEY or REALMWRIGHT_SIGNING_KEY_PEM; \
                            `openssl genpkey -algorithm ed25519 -out FILE` makes one";
                return Err(UsageError { message: "no signing key is given".into(), hint: Some(hint.into()) }.into());
            }
        };
        SigningKey::from_pem(&pem).map_err(|error| unusable(&error, &from))
    }
}

impl Trusted {
    /// The keys.
    pub(in crate::cli) fn read(&self) -> anyhow::Result<TrustedKeys> {
        let Some(path) = &self.trusted_keys else {
            let hint = "give --trusted-keys FILE, or set REALMWRIGHT_TRUSTED_KEYS; `openssl pkey -pubout -in KEY` \
                        prints the public half of a signing key";
            return Err(UsageError { message: "no trusted keys are given".into(), hint: Some(hint.into()) }.into());
        };
        TrustedKeys::from_pem(&files::named(path)?).map_err(|error| unusable(&error, &path.display().to_string()))
    }
}

fn unusable(error: &KeyError, from: &str) -> anyhow::Error {
    let hint = match error {
        KeyError::NotPublic => "`openssl pkey -pubout -in KEY` prints the public half of a signing key",
        KeyError::NotPrivate | KeyError::Unusable => "`openssl genpkey -algorithm ed25519 -out FILE` makes one",
    };
    Hinted { message: format!("{from}: {error}"), hint: hint.into() }.into()
}
