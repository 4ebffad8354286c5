//! A real Keycloak over HTTP: time-outs, bounded retries, one renewal of a refused token, answers that must be whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::{Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::error::{Fault, KeycloakError, words};
use super::key::OperatorKey;
use super::lane::Lanes;
use super::token::{Account, Answer, Tokens};
use super::{Birth, EXPORT, ReadRealms, WriteRealms};
use crate::expand::PROVISIONER;

/// How often a request that may be repeated is sent at most.
const ATTEMPTS: u32 = 4;

/// How long one request may take. Births on a busy server take seconds, its own transactions end after 300.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Told of every request: method, path, status (none: no answer).
pub type Trace = Box<dyn Fn(&str, &str, Option<u16>) + Send + Sync>;

/// A connection to one server.
pub struct Server {
    http: reqwest::Client,
    base: String,
    /// Issuer of the master realm; those of the others differ in the last segment.
    issuer: String,
    key: Arc<OperatorKey>,
    tokens: Tokens,
    pub(super) lanes: Lanes,
    requests: AtomicU64,
    trace: Option<Trace>,
}

/// What a request may be repeated on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Reading, or writing what gives the same result twice.
    Safe,
    /// Creating: not after an answer was lost.
    Unsafe,
}

/// A request that is about to be sent.
struct Sending<'a> {
    method: Method,
    path: &'a str,
    body: Option<&'a Value>,
    repeat: Repeat,
}

/// A whole answer of success.
struct Reply {
    status: u16,
    location: Option<String>,
    body: Value,
}

impl Server {
    /// Reaches the server and learns who it is. `base` is its URL, with a path prefix if it has one.
    pub async fn connect(base: &str, key: OperatorKey, trace: Option<Trace>) -> Result<Self, KeycloakError> {
        let http = client()?;
        let base = base.trim_end_matches('/').to_owned();
        let mut server = Self {
            http,
            base,
            issuer: String::new(),
            key: Arc::new(key),
            tokens: Tokens::default(),
            lanes: Lanes::default(),
            requests: AtomicU64::new(0),
            trace,
        };
        let path = "/realms/master/.well-known/openid-configuration";
        let discovery = server.plain(path).await?;
        let Some(issuer) = discovery["issuer"].as_str().filter(|issuer| issuer.ends_with("/realms/master")) else {
            let reason = "it names no issuer of a master realm; is this a Keycloak?".into();
            return Err(KeycloakError { method: "GET", path: path.into(), fault: Fault::Broken { reason } });
        };
        server.issuer = issuer.to_owned();
        Ok(server)
    }

    /// The issuer of the master realm: who the server says it is.
    pub fn identity(&self) -> &str {
        &self.issuer
    }

    /// The operator's key.
    pub fn key(&self) -> &OperatorKey {
        &self.key
    }

    /// How many requests were sent, tokens included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Removes the lanes of this run. To be called at its end, however it ended.
    pub async fn finish(&self) -> Result<(), KeycloakError> {
        self.lanes.close(self).await
    }

    async fn plain(&self, path: &str) -> Result<Value, KeycloakError> {
        let sending = Sending { method: Method::GET, path, body: None, repeat: Repeat::Unsafe };
        Ok(self.send(&sending, None).await?.body)
    }

    /// A token of an account, kept or new; `None` when there is no such realm.
    async fn token(&self, account: &Account) -> Result<Option<SecretString>, KeycloakError> {
        if let Some(token) = self.tokens.get(account) {
            return Ok(Some(token));
        }
        let path = format!("/realms/{}/protocol/openid-connect/token", account.realm);
        let issuer = format!("{}/{}", self.issuer.trim_end_matches("/master"), account.realm);
        let fault = |fault| KeycloakError { method: "POST", path: path.clone(), fault };
        let mut attempt = 1;
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let assertion = self
                .key
                .assertion(&account.client, &issuer, now.as_secs())
                .map_err(|error| fault(Fault::Broken { reason: error.to_string() }))?;
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", &account.client),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &assertion),
            ];
            self.requests.fetch_add(1, Ordering::Relaxed);
            let answer = self.http.post(format!("{}{path}", self.base)).form(&form).send().await;
            self.tell("POST", &path, answer.as_ref().ok().map(|a| a.status().as_u16()));
            let retry = match &answer {
                Ok(answer) => busy(answer.status()),
                Err(error) => !error.is_connect(),
            };
            if retry && attempt < ATTEMPTS {
                wait(attempt, answer.ok().as_ref()).await;
                attempt += 1;
                continue;
            }
            let answer = answer.map_err(|error| fault(no_answer(&error)))?;
            let skew = clock_skew(&answer, now.as_secs());
            let status = answer.status().as_u16();
            let body = answer.text().await.map_err(|error| fault(no_answer(&error)))?;
            return match super::token::read(account, &path, status, &body, skew)? {
                Answer::NoSuchRealm => Ok(None),
                Answer::Token(token, lifetime) => {
                    let token = SecretString::from(token);
                    self.tokens.keep(account.clone(), token.clone(), lifetime);
                    Ok(Some(token))
                }
            };
        }
    }

    /// Sends a request as an account. `Ok(None)`: the realm or the object does not exist.
    async fn call(&self, account: &Account, sending: &Sending<'_>) -> Result<Option<Reply>, KeycloakError> {
        let mut renewed = false;
        loop {
            let Some(token) = self.token(account).await? else { return Ok(None) };
            return match self.send(sending, Some(&token)).await {
                // 401 means that it was not executed.
                Err(error) if error.status() == Some(401) && !renewed => {
                    self.tokens.forget(account);
                    renewed = true;
                    continue;
                }
                Err(error) if error.status() == Some(404) => Ok(None),
                Err(error) => Err(error),
                Ok(reply) => Ok(Some(reply)),
            };
        }
    }

    async fn send(&self, sending: &Sending<'_>, token: Option<&SecretString>) -> Result<Reply, KeycloakError> {
        let mut attempt = 1;
        loop {
            let result = self.once(sending, token).await;
            let Err((error, retry_after)) = result else { return result.map_err(|(error, _)| error) };
            let again = match &error.fault {
                Fault::NoAnswer { unsent, .. } => !unsent && sending.repeat == Repeat::Safe,
                Fault::Broken { .. } => sending.repeat == Repeat::Safe && attempt < 2,
                Fault::Status { status, .. } => {
                    // 429 and 503 say that nothing was done; of a gateway's 502 and 504 that is not known.
                    matches!(status, 429 | 503) || (matches!(status, 502 | 504) && sending.repeat == Repeat::Safe)
                }
                _ => false,
            };
            if !again || attempt >= ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(retry_after.unwrap_or_else(|| backoff(attempt))).await;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        sending: &Sending<'_>,
        token: Option<&SecretString>,
    ) -> Result<Reply, (KeycloakError, Option<Duration>)> {
        let method = name(&sending.method);
        let fault = |fault| KeycloakError { method, path: sending.path.to_owned(), fault };
        let mut request = self.http.request(sending.method.clone(), format!("{}{}", self.base, sending.path));
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = sending.body {
            request = request.json(body);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = request.send().await;
        self.tell(method, sending.path, answer.as_ref().ok().map(|a| a.status().as_u16()));
        let answer = answer.map_err(|error| (fault(no_answer(&error)), None))?;
        let status = answer.status();
        let retry_after = retry_after(&answer);
        let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.text().await.map_err(|error| (fault(no_answer(&error)), None))?;
        if !status.is_success() {
            return Err((fault(Fault::Status { status: status.as_u16(), message: words(&body) }), retry_after));
        }
        let body = if body.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&body).map_err(|error| (fault(broken(&body, &error)), None))?
        };
        Ok(Reply { status: status.as_u16(), location, body })
    }

    fn tell(&self, method: &str, path: &str, status: Option<u16>) {
        if let Some(trace) = &self.trace {
            trace(method, path, status);
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
        let sending = Sending { method, path: &path, body, repeat };
        Ok(self.call(&account, &sending).await?.map(|reply| (reply.location, reply.body)))
    }

    async fn in_realm(&self, realm: &str, sending: &Sending<'_>) -> Result<Option<Reply>, KeycloakError> {
        let account = Account { realm: realm.to_owned(), client: PROVISIONER.to_owned() };
        self.call(&account, sending).await
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
    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        let path = format!("/admin/realms/{realm}/{EXPORT}");
        // A POST that changes nothing.
        let sending = Sending { method: Method::POST, path: &path, body: None, repeat: Repeat::Safe };
        let Some(reply) = self.in_realm(realm, &sending).await? else { return Ok(None) };
        let whole =
            reply.body["realm"] == realm && reply.body["clients"].is_array() && reply.body["roles"]["realm"].is_array();
        if !whole {
            let reason = "the export lacks the realm, its clients or its roles".into();
            return Err(KeycloakError { method: "POST", path, fault: Fault::Broken { reason } });
        }
        Ok(Some(reply.body))
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::GET, path: &path, body: None, repeat: Repeat::Safe };
        match self.in_realm(realm, &sending).await? {
            Some(Reply { body: Value::Null, .. }) => {
                Err(KeycloakError { method: "GET", path, fault: Fault::Broken { reason: "it is empty".into() } })
            }
            other => Ok(other.map(|reply| reply.body)),
        }
    }
}

impl WriteRealms for Server {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        let realm = body["realm"].as_str().unwrap_or_default();
        let path = "/admin/realms";
        let mut attempt = 1;
        loop {
            let lane = self.lanes.take(self).await?;
            let account = Account { realm: "master".into(), client: lane };
            let sending = Sending { method: Method::POST, path, body: Some(body), repeat: Repeat::Unsafe };
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
                Fault::Refused { .. } => self.lanes.drop_lane(&account.client).await,
                Fault::Status { status: 401 | 403, .. } => self.lanes.drop_lane(&account.client).await,
                // The answer was lost, or says that something is there twice, which need not be the realm: read, then decide.
                Fault::NoAnswer { unsent: false, .. } | Fault::Status { status: 409 | 502 | 504, .. } => {
                    if error.status() != Some(409) {
                        tokio::time::sleep(backoff(attempt)).await;
                    }
                    match self.exists(realm).await? {
                        true if error.status() == Some(409) => return Ok(Birth::Existed),
                        true => return Ok(Birth::Born),
                        false => {}
                    }
                }
                _ => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::POST, path: &path, body: Some(body), repeat: Repeat::Unsafe };
        let reply = self.in_realm(realm, &sending).await?.ok_or_else(|| gone("POST", &path))?;
        Ok(reply.location.as_deref().and_then(|location| location.rsplit('/').next()).map(str::to_owned))
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::PUT, path: &path, body, repeat: Repeat::Safe };
        self.in_realm(realm, &sending).await?.map(|_| ()).ok_or_else(|| gone("PUT", &path))
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        let path = realm_path(realm, path);
        let sending = Sending { method: Method::DELETE, path: &path, body, repeat: Repeat::Safe };
        self.in_realm(realm, &sending).await.map(|_| ())
    }
}

/// The HTTP client that every request goes through.
pub(super) fn client() -> Result<reqwest::Client, KeycloakError> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("realmwright/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| KeycloakError { method: "GET", path: String::new(), fault: no_answer(&error) })
}

fn realm_path(realm: &str, path: &str) -> String {
    if path.is_empty() { format!("/admin/realms/{realm}") } else { format!("/admin/realms/{realm}/{path}") }
}

fn gone(method: &'static str, path: &str) -> KeycloakError {
    let message = "it is not there any more".into();
    KeycloakError { method, path: path.to_owned(), fault: Fault::Status { status: 404, message } }
}

fn name(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "GET",
    }
}

pub(super) fn no_answer(error: &reqwest::Error) -> Fault {
    let mut reason = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() {
        reason = format!("none within {} s", TIMEOUT.as_secs());
    }
    let reason = if reason.is_empty() { error.to_string() } else { reason };
    Fault::NoAnswer { reason, unsent: error.is_connect() || error.is_builder() }
}

fn broken(body: &str, error: &serde_json::Error) -> Fault {
    let reason = if body.trim_start().starts_with('<') {
        "it is HTML, not JSON; does a proxy stand in between?".to_owned()
    } else if error.is_eof() {
        format!("it breaks off after {} bytes", body.len())
    } else {
        format!("it is not JSON ({error})")
    };
    Fault::Broken { reason }
}

fn busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds: u64 = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(30)))
}

async fn wait(attempt: u32, answer: Option<&reqwest::Response>) {
    tokio::time::sleep(answer.and_then(retry_after).unwrap_or_else(|| backoff(attempt))).await;
}

/// 0.2, 0.4, 0.8 s, each up to half longer, so that parallel requests do not return together.
fn backoff(attempt: u32) -> Duration {
    let base = 200u64 << (attempt - 1).min(6);
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * base / 512;
    Duration::from_millis(base + spread)
}

/// How far the clock here is ahead of the server's, by its `Date` header.
fn clock_skew(answer: &reqwest::Response, now: u64) -> Option<i64> {
    let date = answer.headers().get(header::DATE)?.to_str().ok()?;
    let there = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
    Some(i64::try_from(now).ok()? - there)
}
