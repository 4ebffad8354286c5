//! Additive increase, multiplicative decrease (RFC 5681 §3.1 does the same to packets): a server that answers as fast as it
//! did gets one realm more at a time, one that slows down or says that it has too much gets fewer.

use std::collections::BTreeMap;
use std::time::Duration;

/// With how many realms at a time a run begins: few, so that the time of an answer is learnt while nobody queues.
const START: f64 = 3.0;

/// How many times as long as at best an answer may take before the server counts as slowed down.
const PATIENCE: f64 = 2.2;

/// Weight of the newest answer in the average of its kind.
const NEWEST: f64 = 0.2;

/// By how much the best time grows with each answer, so that what was true of an emptier server is forgotten.
const FORGET: f64 = 1.000_02;

/// Requests that take about as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Of an account: a signature is verified, another is made.
    Token,
    /// Of a whole realm.
    Export,
    /// Anything else that is read.
    Read,
    /// Anything that is written to a realm.
    Write,
    /// Of a realm.
    Birth,
}

/// What an answer tells of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It was done, or refused for a good reason.
    Good,
    /// Two requests got in each other's way (409).
    Conflict,
    /// It can't do more: 429, 502 to 504, or no answer at all.
    Busy,
}

/// How many realms are worked on at a time.
#[derive(Debug, Clone)]
pub struct Rate {
    limit: f64,
    most: f64,
    /// Doubled instead of increased by one, until the server slows down for the first time.
    starting: bool,
    /// Answers since the limit moved: it moves once for as many as it lets through.
    since: f64,
    times: BTreeMap<Kind, Times>,
}

/// Milliseconds of one kind.
#[derive(Debug, Clone, Copy)]
struct Times {
    best: f64,
    recent: f64,
}

impl Rate {
    /// At most so many.
    pub fn new(most: u16) -> Self {
        let most = f64::from(most.max(1));
        Self { limit: START.min(most), most, starting: true, since: 0.0, times: BTreeMap::new() }
    }

    /// How many realms may be worked on now, at least one.
    pub fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Takes an answer into account.
    pub fn tell(&mut self, kind: Kind, sign: Sign, took: Duration) {
        self.since += 1.0;
        let slow = sign == Sign::Good && self.is_slow(kind, took.as_secs_f64() * 1000.0);
        if self.since < self.limit.floor() && sign == Sign::Good {
            return;
        }
        match sign {
            Sign::Good if !slow => self.raise(),
            Sign::Good => self.lower(0.85),
            // Several answers of one crowd say the same: once is enough.
            _ if self.since < self.limit.floor() && !self.starting => {}
            Sign::Conflict => self.lower(0.85),
            Sign::Busy => self.lower(0.5),
        }
    }

    fn is_slow(&mut self, kind: Kind, took: f64) -> bool {
        let Some(times) = self.times.get_mut(&kind) else {
            self.times.insert(kind, Times { best: took, recent: took });
            // Its best time is not to be that of a crowd.
            (self.limit, self.starting, self.since) = (START.min(self.limit), true, 0.0);
            return false;
        };
        times.recent += (took - times.recent) * NEWEST;
        times.best = (times.best * FORGET).min(times.recent);
        times.recent > PATIENCE * times.best
    }

    fn raise(&mut self) {
        self.limit = (if self.starting { self.limit * 2.0 } else { self.limit + 1.0 }).min(self.most);
        self.since = 0.0;
    }

    fn lower(&mut self, factor: f64) {
        self.limit = (self.limit * factor).max(1.0);
        (self.starting, self.since) = (false, 0.0);
    }
}
