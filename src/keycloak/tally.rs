//! What each realm cost: how many requests, how long, and which of them took longest.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The requests about one realm.
#[derive(Debug, Clone)]
pub struct Tally {
    /// How many were sent, tokens and repeats included.
    pub requests: u32,
    /// How many of them were repeats.
    pub repeats: u32,
    /// From the first one since its turn to the last answer.
    pub took: Duration,
    /// The one that took longest: method, path, and how long.
    pub slowest: (&'static str, String, Duration),
    began: Instant,
}

/// Tallies by realm.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<HashMap<String, Tally>>);

impl Tallies {
    /// A request about a realm, begun then, has ended now.
    pub(super) fn note(&self, realm: &str, (method, path): (&'static str, &str), began: Instant, repeated: bool) {
        let took = began.elapsed();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Tally { requests: 0, repeats: 0, took, slowest: (method, path.to_owned(), took), began };
        let tally = all.entry(realm.to_owned()).or_insert_with(new);
        tally.requests += 1;
        tally.repeats += u32::from(repeated);
        tally.took = tally.began.elapsed();
        if took > tally.slowest.2 {
            tally.slowest = (method, path.to_owned(), took);
        }
    }

    /// From now on a realm is worked on: what was asked about it before counts, and not how long ago that was.
    pub(super) fn restart(&self, realm: &str) {
        if let Some(tally) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(realm) {
            tally.began = Instant::now();
        }
    }

    /// What a realm has cost since it was last asked.
    pub(super) fn take(&self, realm: &str) -> Option<Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(realm)
    }
}
