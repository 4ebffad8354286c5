//! Access tokens of the tool's accounts: client credentials with `private_key_jwt`, kept until shortly before they end.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::Value;

use super::error::{Fault, KeycloakError};

/// Tokens are renewed this long before they end.
const MARGIN: Duration = Duration::from_secs(10);

/// A service account: a client of a realm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Account {
    pub(super) realm: String,
    pub(super) client: String,
}

/// What a token endpoint answered.
pub(super) enum Answer {
    Token(String, Duration),
    NoSuchRealm,
}

/// Tokens by account.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<Account, (SecretString, Instant)>>,
}

impl Tokens {
    pub(super) fn get(&self, account: &Account) -> Option<SecretString> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.get(account).filter(|(_, until)| Instant::now() < *until).map(|(token, _)| token.clone())
    }

    pub(super) fn keep(&self, account: Account, token: SecretString, lifetime: Duration) {
        let until = Instant::now() + lifetime.saturating_sub(MARGIN).max(Duration::from_secs(1));
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.insert(account, (token, until));
    }

    pub(super) fn forget(&self, account: &Account) {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(account);
    }
}

/// Reads a token endpoint's answer (RFC 6749 §5). `skew` is how far the clock here is ahead of the server's.
pub(super) fn read(
    account: &Account,
    path: &str,
    status: u16,
    body: &str,
    skew: Option<i64>,
) -> Result<Answer, KeycloakError> {
    let fault = |fault| KeycloakError { method: "POST", path: path.to_owned(), fault };
    let message = super::error::words(body);
    match status {
        200 => {
            let answer: Value = serde_json::from_str(body).unwrap_or_default();
            let lifetime = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(0));
            match answer["access_token"].as_str() {
                Some(token) => Ok(Answer::Token(token.to_owned(), lifetime)),
                None => Err(fault(Fault::Broken { reason: "no access_token in it".into() })),
            }
        }
        404 if message.contains("Realm does not exist") => Ok(Answer::NoSuchRealm),
        400 | 401 => Err(fault(Fault::Refused {
            client: account.client.clone(),
            realm: account.realm.clone(),
            message,
            clock_skew: skew,
        })),
        _ => Err(fault(Fault::Status { status, message })),
    }
}
