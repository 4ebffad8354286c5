//! A real Keycloak: which account sends a request, with which token, and what its answers mean.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;

use super::administrator::Administrator;
use super::bootstrap::BOOTSTRAP;
use super::error::{DISCOVERY, Fault, KeycloakError};
use super::key::OperatorKey;
use super::lane::Lanes;
use super::observer::Observer;
use super::pace::Turn;
use super::tally::Tally;
use super::token::{Account, Answer, Tokens, login};
pub use super::trace::{Exchange, Missed, Told, Trace};
use super::wire::{ATTEMPTS, Body, Repeat, Reply, Sending, Tries, Wire, backoff};
use super::{Birth, EXPORT, ReadRealms, WriteRealms, segment, version};
use crate::expand::{OBSERVER, PROVISIONER};
use crate::seal::TrustedKeys;

/// A connection to one server.
pub struct Server {
    pub(super) wire: Wire,
    /// Issuer of the master realm; those of the others differ in the last segment.
    issuer: String,
    key: OperatorKey,
    /// The client that it is in realms of tenants.
    client: &'static str,
    tokens: Tokens,
    pub(super) lanes: Lanes,
    pub(super) administrator: Option<Administrator>,
    trusted: Option<TrustedKeys>,
}

impl Server {
    /// Reaches the server and learns who it is. `base` is its URL, with a path prefix if it has one.
    pub async fn connect(base: &str, key: OperatorKey, trace: Option<Trace>) -> Result<Self, KeycloakError> {
        let wire = Wire::new(base, trace)?;
        let issuer = issuer(&wire, "master").await?;
        Ok(Self {
            wire,
            issuer,
            key,
            client: PROVISIONER,
            tokens: Tokens::default(),
            lanes: Lanes::default(),
            administrator: None,
            trusted: None,
        })
    }

    /// The same as the observer of each realm, who may only read.
    pub async fn connect_to_look(
        base: &str,
        key: OperatorKey,
        trace: Option<Trace>,
    ) -> Result<Observer, KeycloakError> {
        let server = Self::connect(base, key, trace).await?;
        Ok(Observer::new(Self { client: OBSERVER, ..server }))
    }

    /// Lets an administrator step in for realms that refuse the provisioner, which is how they are adopted.
    #[must_use]
    pub fn with_administrator(mut self, user: String, password: SecretString) -> Self {
        self.administrator = Some(Administrator::new(user, password));
        self
    }

    /// Waits so long for the server when it was there and went away, instead of a minute.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.wire.presence.patience = patience;
        self
    }

    /// Believes what these keys signed.
    #[must_use]
    pub fn believing(self, trusted: Option<TrustedKeys>) -> Self {
        Self { trusted, ..self }
    }

    /// From now on, works on at most so many realms at a time; how many of them, it finds anew.
    pub fn at_most(&self, realms: u16) {
        self.wire.pace.begin(realms);
    }

    /// The operator's key.
    pub fn key(&self) -> &OperatorKey {
        &self.key
    }

    /// The issuer that a realm names.
    pub async fn issuer_of(&self, realm: &str) -> Result<String, KeycloakError> {
        issuer(&self.wire, realm).await
    }

    /// Seconds by which the clock here is ahead of the server's, as its last answer with a `Date` says.
    pub fn clock_skew(&self) -> Option<i64> {
        self.wire.clock_skew()
    }

    /// How many requests were sent, tokens included.
    pub fn requests(&self) -> u64 {
        self.wire.requests()
    }

    /// Removes lanes that killed runs left behind. To be called at the start of a run that writes.
    pub async fn sweep(&self) -> Result<(), KeycloakError> {
        self.lanes.sweep(self).await
    }

    /// Removes the lanes of this run. To be called at its end, however it ended.
    pub async fn finish(&self) -> Result<(), KeycloakError> {
        self.lanes.close(self).await
    }

    /// Makes sure that the server knows the operator key, before births are planned or begun.
    pub async fn can_create_realms(&self) -> Result<(), KeycloakError> {
        let account = Account { realm: "master".into(), client: BOOTSTRAP.into() };
        self.token(&account).await.map(|_| ())
    }

    /// A token of an account, kept or new; `None` when there is no such realm.
    pub(super) async fn token(&self, account: &Account) -> Result<Option<SecretString>, KeycloakError> {
        let kept = self.tokens.of(account);
        let mut kept = kept.lock().await;
        if let Some(token) = kept.good() {
            return Ok(Some(token));
        }
        let usual = format!("{}/{}", self.issuer.trim_end_matches("/master"), segment(&account.realm));
        let audience = self.tokens.issuer(&account.realm).unwrap_or_else(|| usual.clone());
        let answer = match self.log_in(account, &audience).await {
            Err(refused @ KeycloakError { fault: Fault::Refused { .. }, .. }) if audience == usual => {
                // A realm with a frontend URL of its own has an issuer of its own, which it alone can tell.
                match issuer(&self.wire, &account.realm).await {
                    Ok(own) if own != usual => {
                        self.tokens.keep_issuer(&account.realm, &own);
                        self.log_in(account, &own).await?
                    }
                    _ => return Err(refused),
                }
            }
            answer => answer?,
        };
        Ok(match answer {
            Answer::NoSuchRealm => None,
            Answer::Token(token, lifetime) => {
                kept.keep(token.clone(), lifetime);
                Some(token)
            }
        })
    }

    /// Logs in, and again with another assertion where there was no answer or none that can be used: the server takes each
    /// assertion once only.
    async fn log_in(&self, account: &Account, audience: &str) -> Result<Answer, KeycloakError> {
        let mut tries = Tries::new();
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let assertion = self.key.assertion(&account.client, audience, now.as_secs()).map_err(|error| {
                let fault = Fault::Broken { reason: error.to_string() };
                KeycloakError { method: "POST", path: account.path(), fault }
            })?;
            match login(&self.wire, account, &assertion).await {
                Err(error)
                    if !error.was_undone() && self.wire.again(&mut tries, &error.fault, Repeat::Safe, None).await => {}
                answer => return answer,
            }
        }
    }

    /// Sends a request as an account. `Ok(None)`: the realm or the object does not exist.
    pub(super) async fn call(&self, account: &Account, sending: &Sending<'_>) -> Result<Option<Reply>, KeycloakError> {
        let mut renewed = false;
        loop {
            let Some(token) = self.token(account).await? else { return Ok(None) };
            return match self.wire.send(sending, Some(&token)).await.map_err(|failure| failure.error) {
                // 401 means that it was not executed.
                Err(error) if error.status() == Some(401) && !renewed => {
                    self.tokens.of(account).lock().await.forget(&token);
                    renewed = true;
                    continue;
                }
                Err(error) if error.status() == Some(404) => Ok(None),
                Err(error) => Err(error),
                Ok(reply) => Ok(Some(reply)),
            };
        }
    }

    /// Sends a request to the master realm as an account of it.
    pub(super) async fn master(
        &self,
        client: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<(Option<String>, Value)>, KeycloakError> {
        let account = Account { realm: "master".into(), client: client.to_owned() };
        let repeat = if method == Method::POST { Repeat::Unsafe } else { Repeat::Safe };
        let path = format!("/admin/realms/{path}");
        let sending = Sending { method, path: &path, body: body.into(), repeat };
        Ok(self.call(&account, &sending).await?.map(|reply| (reply.location, reply.body)))
    }

    async fn in_realm(&self, realm: &str, sending: &Sending<'_>) -> Result<Option<Reply>, KeycloakError> {
        not_master(realm, sending.path)?;
        let account = Account { realm: realm.to_owned(), client: self.client.to_owned() };
        let Some(administrator) = &self.administrator else { return self.call(&account, sending).await };
        if administrator.stepped_in(realm).is_some() {
            return administrator.call(&self.wire, sending).await;
        }
        match self.call(&account, sending).await {
            Err(error) if administrator.steps_in(realm, &error) => administrator.call(&self.wire, sending).await,
            other => other,
        }
    }

    /// True for a realm in which an administrator had to step in.
    fn is_adopted(&self, realm: &str) -> bool {
        self.stepped_in(realm).is_some()
    }

    /// With what a realm refused its provisioner, where an administrator stepped in.
    pub fn stepped_in(&self, realm: &str) -> Option<KeycloakError> {
        self.administrator.as_ref()?.stepped_in(realm)
    }

    /// Sends a POST that makes something new each time to a realm, as its provisioner.
    pub(super) async fn post_in_realm(&self, realm: &str, path: &str) -> Result<Value, KeycloakError> {
        let sending = Sending { method: Method::POST, path, body: Body::Nothing, repeat: Repeat::Unsafe };
        self.in_realm(realm, &sending).await?.map(|reply| reply.body).ok_or_else(|| gone("POST", path))
    }

    /// Whether there is a realm of this name, whoever made it.
    async fn exists(&self, realm: &str) -> Result<bool, KeycloakError> {
        let account = Account { realm: realm.to_owned(), client: PROVISIONER.to_owned() };
        match self.token(&account).await {
            Ok(token) => Ok(token.is_some()),
            Err(KeycloakError { fault: Fault::Refused { .. }, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl ReadRealms for Server {
    async fn turn(&self, realm: &str) -> Turn {
        self.wire.turn(realm).await
    }

    fn identity(&self) -> &str {
        &self.issuer
    }

    fn limit(&self) -> Option<usize> {
        Some(self.wire.pace.limit())
    }

    fn tally(&self, realm: &str) -> Option<Tally> {
        self.wire.tally(realm)
    }

    fn believed(&self) -> Option<&TrustedKeys> {
        self.trusted.as_ref()
    }

    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        let path = realm_path(realm, EXPORT);
        // A POST that changes nothing.
        let sending = Sending { method: Method::POST, path: &path, body: Body::Nothing, repeat: Repeat::Safe };
        let Some(reply) = self.in_realm(realm, &sending).await? else { return Ok(None) };
        if !is_whole(realm, &reply.body, !self.is_adopted(realm)) {
            let reason =
                "the export is not whole: the realm, its clients, roles, scopes or components are missing".into();
            return Err(KeycloakError { method: "POST", path, fault: Fault::Broken { reason } });
        }
        if let Some(version) = reply.body["keycloakVersion"].as_str() {
            version::check(version)?;
        }
        Ok(Some(reply.body))
    }

    async fn admin_events(&self, realm: &str, most: usize) -> Result<Option<Value>, KeycloakError> {
        let path = format!("admin-events?max={most}");
        let account = Account { realm: realm.to_owned(), client: self.client.to_owned() };
        match self.get(realm, &path).await? {
            // Who has a token of the realm knows that it is there.
            None if self.tokens.of(&account).lock().await.good().is_some() => {
                Err(gone("GET", &realm_path(realm, &path)))
            }
            found => Ok(found),
        }
    }

    async fn master(&self, _realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        if self.client == PROVISIONER { self.ask(path).await } else { Ok(None) }
    }

    async fn version(&self, realm: &str) -> Result<Option<String>, KeycloakError> {
        let path = "/admin/serverinfo";
        let sending = Sending { method: Method::GET, path, body: Body::Nothing, repeat: Repeat::Safe };
        let info = self.in_realm(realm, &sending).await?.map(|reply| reply.body).unwrap_or_default();
        Ok(info["systemInfo"]["version"].as_str().map(str::to_owned))
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::GET, path: &path, body: Body::Nothing, repeat: Repeat::Safe };
        match self.in_realm(realm, &sending).await? {
            Some(Reply { body: Value::Null, .. }) => {
                Err(KeycloakError { method: "GET", path, fault: Fault::Broken { reason: "it is empty".into() } })
            }
            other => Ok(other.map(|reply| reply.body)),
        }
    }
}

/// True for the document of a realm that lacks nothing that every realm of the tool has.
pub(super) fn is_whole(realm: &str, document: &Value, made_here: bool) -> bool {
    let provisioner = |client: &Value| client["clientId"] == PROVISIONER;
    document["realm"] == realm
        && document["clients"].as_array().is_some_and(|clients| !made_here || clients.iter().any(provisioner))
        && document["roles"]["realm"].is_array()
        && document["clientScopes"].is_array()
        && document["components"].is_object()
}

impl WriteRealms for Server {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        let realm = body["realm"].as_str().unwrap_or_default();
        let path = "/admin/realms";
        not_master(realm, path)?;
        let mut attempt = 1;
        let mut lost = false;
        loop {
            let lane = self.lanes.take(self).await?;
            let account = Account { realm: "master".into(), client: lane };
            let sending = Sending { method: Method::POST, path, body: Body::Json(body), repeat: Repeat::Unsafe };
            let error = match self.call(&account, &sending).await {
                Ok(Some(reply)) if reply.status == 201 => return Ok(Birth::Born),
                Ok(_) => {
                    let reason = "the realm was neither created nor refused".into();
                    return Err(KeycloakError { method: "POST", path: path.into(), fault: Fault::Broken { reason } });
                }
                Err(error) => error,
            };
            if attempt >= ATTEMPTS {
                return Err(error);
            }
            match &error.fault {
                // The lane is gone: another run swept it. Nothing was done.
                Fault::Refused { .. } | Fault::Status { status: 401 | 403, .. } => {
                    self.lanes.drop_lane(&account.client).await.map_err(|()| error.clone())?;
                }
                Fault::Status { status: 500, .. } if attempt > 1 => return Err(error),
                // The answer was lost, or says that something is there twice, which need not be the realm: read, then decide.
                // A server that is being stopped says 500, whatever it did before.
                Fault::NoAnswer { unsent: false, .. } | Fault::Status { status: 409 | 500 | 502 | 504, .. } => {
                    if error.status() != Some(409) {
                        lost = true;
                        tokio::time::sleep(backoff(attempt)).await;
                    }
                    if self.exists(realm).await? {
                        return Ok(if lost { Birth::Lost } else { Birth::Existed });
                    }
                }
                _ => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        // To add a role that is there already changes nothing.
        let adds = path.ends_with("/composites") || path.contains("/role-mappings/");
        let repeat = if adds { Repeat::Safe } else { Repeat::Unsafe };
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::POST, path: &path, body: Body::Json(body), repeat };
        let reply = self.in_realm(realm, &sending).await?.ok_or_else(|| gone("POST", &path))?;
        Ok(reply.location.as_deref().and_then(|location| location.rsplit('/').next()).map(str::to_owned))
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::PUT, path: &path, body: body.into(), repeat: Repeat::Safe };
        self.in_realm(realm, &sending).await?.map(|_| ()).ok_or_else(|| gone("PUT", &path))
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::DELETE, path: &path, body: body.into(), repeat: Repeat::Safe };
        self.in_realm(realm, &sending).await.map(|_| ())
    }
}

/// The issuer that a realm names in its discovery document (OpenID Connect Discovery §4).
async fn issuer(wire: &Wire, realm: &str) -> Result<String, KeycloakError> {
    let realm = segment(realm);
    let path = format!("/realms/{realm}{DISCOVERY}");
    let sending = Sending { method: Method::GET, path: &path, body: Body::Nothing, repeat: Repeat::Unsafe };
    let discovery = wire.send(&sending, None).await.map_err(|failure| failure.error)?.body;
    let own = format!("/realms/{realm}");
    discovery["issuer"].as_str().filter(|issuer| issuer.ends_with(&own)).map(str::to_owned).ok_or_else(|| {
        let reason = format!("it names no issuer of the realm `{realm}`");
        KeycloakError { method: "GET", path: path.clone(), fault: Fault::Broken { reason } }
    })
}

fn realm_path(realm: &str, path: &str) -> String {
    let realm = segment(realm);
    if path.is_empty() { format!("/admin/realms/{realm}") } else { format!("/admin/realms/{realm}/{path}") }
}

/// Refuses Keycloak's own realm, and names that a path could be led astray by.
fn not_master(realm: &str, path: &str) -> Result<(), KeycloakError> {
    let astray = realm.is_empty()
        || matches!(realm, "." | "..")
        || realm.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%'));
    if !astray && !realm.eq_ignore_ascii_case("master") {
        return Ok(());
    }
    Err(KeycloakError { method: "", path: path.to_owned(), fault: Fault::NotATenant { realm: realm.to_owned() } })
}

fn gone(method: &'static str, path: &str) -> KeycloakError {
    let message = "it is not there any more".into();
    KeycloakError { method, path: path.to_owned(), fault: Fault::Status { status: 404, message } }
}
