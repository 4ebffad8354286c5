//! Watching requests: for who wants to see them, and for who waits for a server that went away.

use std::time::{Duration, Instant};

use super::mask::Mask;
use super::presence::Absence;
use super::wire::{Body, Sending, name};

/// Watches the requests.
pub struct Trace {
    /// Masks the secrets of bodies; without it, bodies are not looked at.
    pub bodies: Option<Mask>,
    /// Told of every request.
    pub told: Option<Told>,
    /// Told when the server, at this address, does not answer any more and is waited for.
    pub away: Missed,
}

/// Who is told of requests.
pub type Told = Box<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// Who is told that the server at an address went away.
pub type Missed = Box<dyn Fn(&str, Absence<'_>) + Send + Sync>;

/// A request and its answer, as they may be shown.
pub struct Exchange<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The answer's status; none: no answer.
    pub status: Option<u16>,
    /// From the request to the end of the answer.
    pub took: Duration,
    /// The request's body.
    pub request: Option<String>,
    /// The answer's body.
    pub answer: Option<String>,
}

impl Trace {
    pub(super) fn tell(&self, sending: &Sending<'_>, status: Option<u16>, answer: &str, since: Instant) {
        let Some(told) = &self.told else { return };
        let path = self.bodies.as_ref().map_or_else(|| sending.path.to_owned(), |mask| mask.text(sending.path));
        let request = self.bodies.as_ref().and_then(|mask| match sending.body {
            Body::Nothing => None,
            Body::Json(body) => Some(mask.json(body)),
            Body::Form(form) => Some(mask.form(form)),
        });
        told(&Exchange {
            method: name(&sending.method),
            path: &path,
            status,
            took: since.elapsed(),
            request,
            answer: self.bodies.as_ref().and_then(|mask| mask.answer(answer)),
        });
    }
}
