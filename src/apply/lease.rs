//! One writer to a realm: who changes it holds a lease there, so that two runs on two machines never interleave.
//!
//! Keycloak has no write that is carried out only if nothing has changed, but it makes no second role of one name. So the
//! lease is a role of the realm that exists while somebody writes; its description says who, and until when. A holder that
//! is gone leaves it to whoever comes once its time is over, or at once where it can be told to be gone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::Mutex;

use crate::keycloak::term::{LASTS, Term};
use crate::keycloak::{Birth, Fault, KeycloakError, ReadRealms, Tally, Turn, WriteRealms, segment};
use crate::seal::TrustedKeys;
use crate::state::kind::LEASE;

/// It is renewed before a write when fewer seconds are left: as many as one request may take.
const LEFT: u64 = 130;

/// How often one that was given back before it could be looked at is asked for again.
const TRIES: u32 = 3;

/// Who writes.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Its name, without spaces.
    pub name: String,
    /// Whether a holder of this name is known to be gone.
    pub is_gone: fn(&str) -> bool,
    /// How long somebody else's lease is waited for.
    pub patience: Duration,
}

/// A realm in which one may write, until the lease is given back.
pub(super) struct Leased<'a, A> {
    api: &'a A,
    realm: String,
    holder: &'a Holder,
    /// The second at which the lease ends.
    until: Mutex<u64>,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A term that begins now.
fn term(holder: &Holder) -> Term {
    Term { holder: holder.name.clone(), until: now() + LASTS }
}

impl<'a, A: WriteRealms> Leased<'a, A> {
    /// Takes the lease of a realm, and waits for it where somebody else has it. `None`: there is no such realm.
    pub(super) async fn take(api: &'a A, realm: &str, holder: &'a Holder) -> Result<Option<Self>, KeycloakError> {
        let patience = tokio::time::Instant::now() + holder.patience;
        let mut pause = Duration::from_millis(50);
        let mut tries = TRIES;
        loop {
            let own = term(holder);
            let taken = || Self { api, realm: realm.to_owned(), holder, until: Mutex::new(own.until) };
            let error = match api.post(realm, "roles", &own.role()).await {
                Ok(_) => return Ok(Some(taken())),
                Err(error) if error.status() == Some(404) => return Ok(None),
                Err(error) if error.status() == Some(409) || error.was_lost() => error,
                Err(error) => return Err(error),
            };
            let Some(found) = api.get(realm, &path()).await? else {
                // Given back meanwhile, or never arrived.
                tries -= 1;
                if tries == 0 {
                    return Err(error);
                }
                tokio::time::sleep(pause).await;
                continue;
            };
            let other = Term::of(&found);
            if other.as_ref() == Some(&own) {
                // The answer was lost.
                return Ok(Some(taken()));
            }
            let stays =
                |term: &Term| term.holder != holder.name && !term.is_over(now()) && !(holder.is_gone)(&term.holder);
            let Some(other) = other.filter(stays) else {
                // By its id: a lease that somebody took meanwhile has another one.
                let id = found["id"].as_str().unwrap_or_default();
                api.delete(realm, &format!("roles-by-id/{id}"), None).await?;
                continue;
            };
            if tokio::time::Instant::now() >= patience {
                let fault = Fault::Held { holder: other.holder };
                return Err(KeycloakError { method: "POST", path: format!("/admin/realms/{realm}/roles"), fault });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Gives it back, under whichever of its names the realm has now. What can't be given back ends by itself.
    pub(super) async fn release(self, names: &[Option<&str>]) {
        if now() < self.until.into_inner() {
            for name in names.iter().flatten() {
                let _ = self.api.delete(name, &path(), None).await;
            }
        }
    }

    /// Before a write: the lease is still held, and long enough.
    async fn hold(&self) -> Result<(), KeycloakError> {
        let mut until = self.until.lock().await;
        let now = now();
        if now + LEFT <= *until {
            return Ok(());
        }
        if now < *until {
            let term = term(self.holder);
            self.api.put(&self.realm, &path(), Some(&term.role())).await?;
            *until = term.until;
            return Ok(());
        }
        let fault = Fault::Lapsed;
        Err(KeycloakError { method: "PUT", path: format!("/admin/realms/{}/{}", self.realm, path()), fault })
    }
}

fn path() -> String {
    format!("roles/{}", segment(LEASE))
}

impl<A: WriteRealms> ReadRealms for Leased<'_, A> {
    async fn turn(&self, realm: &str) -> Turn {
        self.api.turn(realm).await
    }

    fn identity(&self) -> &str {
        self.api.identity()
    }

    fn number_of(&self, realm: &str) -> usize {
        self.api.number_of(realm)
    }

    fn limit(&self) -> Option<usize> {
        self.api.limit()
    }

    fn tally(&self, realm: &str) -> Option<Tally> {
        self.api.tally(realm)
    }

    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        self.api.export(realm).await
    }

    fn believed(&self) -> Option<&TrustedKeys> {
        self.api.believed()
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        self.api.get(realm, path).await
    }
}

impl<A: WriteRealms> WriteRealms for Leased<'_, A> {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        self.api.create_realm(body).await
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        self.hold().await?;
        self.api.post(realm, path, body).await
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.hold().await?;
        self.api.put(realm, path, body).await
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.hold().await?;
        self.api.delete(realm, path, body).await
    }
}
