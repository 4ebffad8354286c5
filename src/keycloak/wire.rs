//! Requests on the wire: time-outs, bounded repeats with growing pauses, answers that must be whole.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::error::{DISCOVERY, Fault, KeycloakError, words};
use super::pace::{Kind, Pace, Sign, Turn};
use super::presence::{Absence, Presence};
use super::segment;
use super::tally::{Tallies, Tally};
use super::trace::Trace;

/// How often a request that may be repeated is sent at most.
pub(super) const ATTEMPTS: u32 = 4;

/// How long one request may take. Births on a busy server take seconds, its own transactions end after 300.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How long a server that went away has for one look at it.
const LOOK: Duration = Duration::from_secs(10);

/// How often a request may be sent anew because its server was away.
const RETURNS: u32 = 4;

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    /// `application/x-www-form-urlencoded`, for token endpoints.
    Form(&'a [(&'a str, &'a str)]),
}

impl<'a> From<Option<&'a Value>> for Body<'a> {
    fn from(body: Option<&'a Value>) -> Self {
        body.map_or(Self::Nothing, Self::Json)
    }
}

/// What a request may be repeated on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Reading, or writing what gives the same result twice.
    Safe,
    /// Creating: not after an answer was lost.
    Unsafe,
}

/// A request that is about to be sent.
pub(super) struct Sending<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Body<'a>,
    pub(super) repeat: Repeat,
}

impl Sending<'_> {
    /// The realm that it is about, as it stands in paths.
    fn realm(&self) -> Option<String> {
        match (self.path, self.body) {
            ("/admin/realms", Body::Json(body)) => body["realm"].as_str().map(segment),
            (path, _) => {
                let rest = path.strip_prefix("/admin").unwrap_or(path).strip_prefix("/realms/")?;
                rest.split(['/', '?']).next().map(str::to_owned)
            }
        }
    }

    fn kind(&self) -> Kind {
        match (self.method.as_str(), self.path) {
            ("POST", "/admin/realms") => Kind::Birth,
            ("POST", path) if path.ends_with("/token") => Kind::Token,
            ("POST", path) if path.contains("/partial-export") => Kind::Export,
            ("GET", _) => Kind::Read,
            _ => Kind::Write,
        }
    }
}

/// What an answer tells of the server.
fn sign(answer: &Result<Reply, Failure>) -> Sign {
    match answer.as_ref().map_err(|failure| &failure.error.fault) {
        Err(Fault::NoAnswer { .. } | Fault::Status { status: 429 | 502..=504, .. }) => Sign::Busy,
        Err(Fault::Status { status: 409, .. }) => Sign::Conflict,
        _ => Sign::Good,
    }
}

/// A whole answer of success.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: Value,
}

/// What was tried of a request.
pub(super) struct Tries {
    /// Attempts since the server was there again.
    count: u32,
    began: Instant,
    returns: u32,
}

impl Tries {
    pub(super) fn new() -> Self {
        Self { count: 1, began: Instant::now(), returns: 0 }
    }

    fn is_first(&self) -> bool {
        self.count == 1 && self.returns == 0
    }
}

/// An answer that is no success, with what may be learnt from its headers.
pub(super) struct Failure {
    pub(super) error: KeycloakError,
    retry_after: Option<Duration>,
    /// Seconds by which the clock here is ahead of the server's.
    pub(super) clock_skew: Option<i64>,
}

/// One server's address, and the HTTP client for it.
pub(super) struct Wire {
    http: reqwest::Client,
    base: String,
    requests: AtomicU64,
    tallies: Tallies,
    /// How many realms are worked on at a time, and how often something may be repeated.
    pub(super) pace: Pace,
    pub(super) presence: Presence,
    skew: Mutex<Option<i64>>,
    trace: Option<Trace>,
}

impl Wire {
    pub(super) fn new(base: &str, trace: Option<Trace>) -> Result<Self, KeycloakError> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("realmwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| KeycloakError { method: "GET", path: String::new(), fault: no_answer(&error) })?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            requests: AtomicU64::new(0),
            tallies: Tallies::default(),
            pace: Pace::new(),
            presence: Presence::new(),
            skew: Mutex::new(None),
            trace,
        })
    }

    /// How many requests were sent.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Seconds by which the clock here is ahead of the server's, if an answer told.
    pub(super) fn clock_skew(&self) -> Option<i64> {
        *self.skew.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Sends a request, and again where that is safe and may help.
    pub(super) async fn send(&self, sending: &Sending<'_>, token: Option<&SecretString>) -> Result<Reply, Failure> {
        let mut tries = Tries::new();
        loop {
            let began = Instant::now();
            let answer = self.once(sending, token).await;
            self.note(sending, &answer, began, !tries.is_first());
            let failure = match answer {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            if !self.again(&mut tries, &failure.error.fault, sending.repeat, failure.retry_after).await {
                return Err(failure);
            }
        }
    }

    /// Whether a request that failed so is to be sent once more, now that a pause is over or the server is there again.
    pub(super) async fn again(
        &self,
        tries: &mut Tries,
        fault: &Fault,
        repeat: Repeat,
        pause: Option<Duration>,
    ) -> bool {
        if self.may_repeat(fault, repeat, tries.count) {
            tokio::time::sleep(pause.unwrap_or_else(|| backoff(tries.count))).await;
            tries.count += 1;
            return true;
        }
        let unsent = matches!(fault, Fault::NoAnswer { unsent: true, .. });
        let may_be_away = match fault {
            Fault::Status { status: 503, .. } => true,
            Fault::NoAnswer { .. } | Fault::Status { status: 502 | 504, .. } => unsent || repeat == Repeat::Safe,
            _ => false,
        };
        let tell = |absence: Absence<'_>| self.trace.iter().for_each(|trace| (trace.away)(&self.base, absence));
        if !may_be_away
            || tries.returns >= RETURNS
            || !self.presence.returned(tries.began, unsent, || self.look(), tell).await
        {
            return false;
        }
        *tries = Tries { returns: tries.returns + 1, ..Tries::new() };
        true
    }

    /// Whether the server answers; else why not. Any answer counts but those of gateways that have nobody behind them.
    async fn look(&self) -> Result<(), String> {
        let path = format!("/realms/master{DISCOVERY}");
        let sending = Sending { method: Method::GET, path: &path, body: Body::Nothing, repeat: Repeat::Unsafe };
        match tokio::time::timeout(LOOK, self.once(&sending, None)).await {
            Err(_) => Err(format!("nothing within {} s", LOOK.as_secs())),
            Ok(Err(Failure { error: KeycloakError { fault, .. }, .. })) => match fault {
                Fault::NoAnswer { reason, .. } => Err(reason),
                Fault::Status { status: status @ 502..=504, .. } => Err(format!("status {status}")),
                _ => Ok(()),
            },
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// Whether a request that failed so may be sent once more, and may be so by the budget for repeats.
    fn may_repeat(&self, fault: &Fault, repeat: Repeat, attempt: u32) -> bool {
        let safe = repeat == Repeat::Safe;
        let again = match fault {
            Fault::NoAnswer { unsent, .. } => !unsent && safe,
            Fault::Broken { .. } => safe && attempt < 2,
            Fault::Status { status, .. } => {
                // 429 and 503 say that nothing was done; of a gateway's 502 and 504 that is not known.
                // 500 is also what a transaction ends with that lost against another one.
                matches!(status, 429 | 503)
                    || (safe && matches!(status, 502 | 504))
                    || (safe && *status == 500 && attempt < 2)
            }
            _ => false,
        };
        again && attempt < ATTEMPTS && self.pace.may_repeat()
    }

    /// Keeps what a request says of the server and of its realm.
    fn note(&self, sending: &Sending<'_>, answer: &Result<Reply, Failure>, began: Instant, repeated: bool) {
        self.pace.tell(sending.kind(), sign(answer), began.elapsed());
        if let Some(realm) = sending.realm().filter(|realm| realm != "master") {
            self.tallies.note(&realm, (name(&sending.method), sending.path), began, repeated);
        }
    }

    /// Waits for a realm's turn.
    pub(super) async fn turn(&self, realm: &str) -> Turn {
        let turn = self.pace.turn().await;
        self.tallies.restart(&segment(realm));
        turn
    }

    /// What a realm has cost since it was last asked.
    pub(super) fn tally(&self, realm: &str) -> Option<Tally> {
        self.tallies.take(&segment(realm))
    }

    async fn once(&self, sending: &Sending<'_>, token: Option<&SecretString>) -> Result<Reply, Failure> {
        let method = name(&sending.method);
        let failed = |fault| Failure {
            error: KeycloakError { method, path: sending.path.to_owned(), fault },
            retry_after: None,
            clock_skew: None,
        };
        let mut request = self.http.request(sending.method.clone(), format!("{}{}", self.base, sending.path));
        if let Some(token) = token {
            request = request.bearer_auth(token.expose_secret());
        }
        request = match sending.body {
            Body::Nothing => request,
            Body::Json(body) => request.json(body),
            Body::Form(form) => request.form(form),
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let since = Instant::now();
        let tell =
            |status, answer: &str| self.trace.iter().for_each(|trace| trace.tell(sending, status, answer, since));
        let answer = request.send().await.inspect_err(|_| tell(None, ""));
        let unanswered = |error: &reqwest::Error| {
            let path = format!("{}{}", self.base, sending.path);
            let failure = failed(no_answer(error));
            Failure { error: KeycloakError { path, ..failure.error }, ..failure }
        };
        let answer = answer.map_err(|error| unanswered(&error))?;
        let status = answer.status();
        if !matches!(status.as_u16(), 502..=504) {
            self.presence.note();
        }
        let (retry_after, clock_skew) = (retry_after(&answer), clock_skew(&answer));
        if clock_skew.is_some() {
            *self.skew.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = clock_skew;
        }
        let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.text().await.inspect_err(|_| tell(Some(status.as_u16()), ""));
        let body = body.map_err(|error| unanswered(&error))?;
        tell(Some(status.as_u16()), &body);
        if !status.is_success() {
            let fault = Fault::Status { status: status.as_u16(), message: words(&body) };
            return Err(Failure { retry_after, clock_skew, ..failed(fault) });
        }
        let body = if body.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&body).map_err(|error| failed(broken(&body, &error)))?
        };
        Ok(Reply { status: status.as_u16(), location, body })
    }
}

pub(super) fn name(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "GET",
    }
}

fn no_answer(error: &reqwest::Error) -> Fault {
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

fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds: u64 = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(30)))
}

/// 0.2, 0.4, 0.8 s, each up to half longer, so that parallel requests do not return together.
pub(super) fn backoff(attempt: u32) -> Duration {
    let base = 200u64 << (attempt - 1).min(6);
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * base / 512;
    Duration::from_millis(base + spread)
}

/// How far the clock here is ahead of the server's, by its `Date` header.
fn clock_skew(answer: &reqwest::Response) -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = answer.headers().get(header::DATE)?.to_str().ok()?;
    let there = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_second();
    Some(i64::try_from(now.as_secs()).ok()? - there)
}
