//! An administrator of master, for realms that were not made by Realmwright or were changed so that they shut out their
//! provisioner: used only where that is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::error::{Fault, KeycloakError};
use super::token::{Answer, token};
use super::wire::{Body, Repeat, Reply, Sending, Wire};

const LOGIN: &str = "/realms/master/protocol/openid-connect/token";

/// Tokens are renewed this long before they end.
const MARGIN: Duration = Duration::from_secs(10);

/// A login of master, and the realms that it had to be used for.
pub(super) struct Administrator {
    user: String,
    password: SecretString,
    token: Mutex<Option<(SecretString, Instant)>>,
    /// With what each of them refused its own account.
    realms: Mutex<BTreeMap<String, KeycloakError>>,
}

impl Administrator {
    pub(super) fn new(user: String, password: SecretString) -> Self {
        Self { user, password, token: Mutex::default(), realms: Mutex::default() }
    }

    /// With what a realm refused its own account, once an administrator was needed for it.
    pub(super) fn stepped_in(&self, realm: &str) -> Option<KeycloakError> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner).get(realm).cloned()
    }

    /// Whether it may step in after this error, for this realm from now on.
    pub(super) fn steps_in(&self, realm: &str, error: &KeycloakError) -> bool {
        let refused = error.shuts_out();
        if refused {
            self.realms.lock().unwrap_or_else(PoisonError::into_inner).insert(realm.to_owned(), error.clone());
        }
        refused
    }

    /// Sends a request. `Ok(None)`: the realm or the object does not exist.
    pub(super) async fn call(&self, wire: &Wire, sending: &Sending<'_>) -> Result<Option<Reply>, KeycloakError> {
        let mut renewed = false;
        loop {
            let token = self.token(wire).await?;
            return match wire.send(sending, Some(&token)).await.map_err(|failure| failure.error) {
                Err(error) if error.status() == Some(401) && !renewed => {
                    *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    renewed = true;
                    continue;
                }
                Err(error) if error.status() == Some(404) => Ok(None),
                other => other.map(Some),
            };
        }
    }

    async fn token(&self, wire: &Wire) -> Result<SecretString, KeycloakError> {
        let kept = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((token, _)) = kept.filter(|(_, until)| Instant::now() < *until) {
            return Ok(token);
        }
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", self.user.as_str()),
            ("password", self.password.expose_secret()),
        ];
        let sending = Sending { method: Method::POST, path: LOGIN, body: Body::Form(&form), repeat: Repeat::Safe };
        let reply = wire.send(&sending, None).await.map_err(|failure| failure.error)?;
        let Some(Answer::Token(token, lifetime)) = token(&reply.body) else {
            let fault = Fault::Broken { reason: "no access_token in it; is this a Keycloak?".into() };
            return Err(KeycloakError { method: "POST", path: LOGIN.into(), fault });
        };
        let until = Instant::now() + lifetime.saturating_sub(MARGIN).max(Duration::from_secs(1));
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.clone(), until));
        Ok(token)
    }
}
