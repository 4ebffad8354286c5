//! Access tokens of the tool's accounts: client credentials with `private_key_jwt`, kept until shortly before they end.
//! Requests that need one at the same time wait for the one that asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::error::{Fault, KeycloakError};
use super::key::ASSERTION_TYPE;
use super::wire::{Body, Failure, Repeat, Sending, Wire};

/// Tokens are renewed this long before they end.
const MARGIN: Duration = Duration::from_secs(10);

/// A service account: a client of a realm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Account {
    pub(super) realm: String,
    pub(super) client: String,
}

impl Account {
    /// Path of its token endpoint.
    pub(super) fn path(&self) -> String {
        format!("/realms/{}/protocol/openid-connect/token", super::segment(&self.realm))
    }
}

/// What a token endpoint answered.
pub(super) enum Answer {
    Token(SecretString, Duration),
    NoSuchRealm,
}

/// The token of one account. Whoever asks for a new one keeps it locked, so that nobody else does.
#[derive(Default)]
pub(super) struct Kept(Option<(SecretString, Instant)>);

impl Kept {
    /// The token, while it is good.
    pub(super) fn good(&self) -> Option<SecretString> {
        self.0.as_ref().filter(|(_, until)| Instant::now() < *until).map(|(token, _)| token.clone())
    }

    pub(super) fn keep(&mut self, token: SecretString, lifetime: Duration) {
        let until = Instant::now() + lifetime.saturating_sub(MARGIN).max(Duration::from_secs(1));
        self.0 = Some((token, until));
    }

    /// Forgets a token that was refused, unless another one has taken its place.
    pub(super) fn forget(&mut self, refused: &SecretString) {
        if self.0.as_ref().is_some_and(|(token, _)| token.expose_secret() == refused.expose_secret()) {
            self.0 = None;
        }
    }
}

/// Tokens by account.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<Account, Arc<tokio::sync::Mutex<Kept>>>>,
    /// Issuers of realms that have one of their own.
    issuers: Mutex<HashMap<String, String>>,
}

impl Tokens {
    /// The place of an account's token.
    pub(super) fn of(&self, account: &Account) -> Arc<tokio::sync::Mutex<Kept>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(account) {
            Some(place) => place.clone(),
            None => kept.entry(account.clone()).or_default().clone(),
        }
    }

    pub(super) fn issuer(&self, realm: &str) -> Option<String> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner).get(realm).cloned()
    }

    pub(super) fn keep_issuer(&self, realm: &str, issuer: &str) {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        issuers.insert(realm.to_owned(), issuer.to_owned());
    }
}

/// Logs an account in with an assertion (RFC 7523 §2.2).
pub(super) async fn login(wire: &Wire, account: &Account, assertion: &str) -> Result<Answer, KeycloakError> {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &account.client),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    // Sent again, the server would take the assertion for a replay: whoever calls makes another one.
    let path = account.path();
    let sending = Sending { method: Method::POST, path: &path, body: Body::Form(&form), repeat: Repeat::Unsafe };
    match wire.send(&sending, None).await {
        Ok(reply) => token(&reply.body).ok_or_else(|| {
            let fault = Fault::Broken { reason: "no access_token in it".into() };
            KeycloakError { method: "POST", path: path.clone(), fault }
        }),
        Err(Failure { error, clock_skew, .. }) => match error.fault {
            Fault::Status { status: 404, message } if message.contains("Realm does not exist") => {
                Ok(Answer::NoSuchRealm)
            }
            Fault::Status { status: 400 | 401, message } => {
                let (client, realm) = (account.client.clone(), account.realm.clone());
                Err(KeycloakError { fault: Fault::Refused { client, realm, message, clock_skew }, ..error })
            }
            fault => Err(KeycloakError { fault, ..error }),
        },
    }
}

/// The token in an answer (RFC 6749 §5.1).
pub(super) fn token(answer: &Value) -> Option<Answer> {
    let lifetime = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(0).min(86_400));
    Some(Answer::Token(answer["access_token"].as_str()?.to_owned().into(), lifetime))
}
