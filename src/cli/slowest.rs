//! The tenants that a run waited for longest, and why.

use std::sync::{Mutex, PoisonError};

use crate::keycloak::Tally;

/// How many are told.
const TOLD: usize = 3;

/// Fewer tenants than these need no telling.
const MANY: usize = 10;

/// What each tenant took.
#[derive(Default)]
pub(super) struct Slowest(Mutex<Vec<(String, Tally)>>);

impl Slowest {
    /// A tenant is done.
    pub(super) fn note(&self, tenant: &str, tally: Tally) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((tenant.to_owned(), tally));
    }

    /// One line for each of the slowest; none where there were few.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MANY {
            return Vec::new();
        }
        all.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.took));
        all.iter().take(TOLD).map(|(tenant, tally)| line(tenant, tally)).collect()
    }
}

fn line(tenant: &str, tally: &Tally) -> String {
    let Tally { requests, repeats, took, slowest: (method, path, longest), .. } = tally;
    let requests = if *requests == 1 { "1 request".into() } else { format!("{requests} requests") };
    let repeats = if *repeats > 0 { format!(", {repeats} of them repeated") } else { String::new() };
    let (took, longest) = (took.as_secs_f64(), longest.as_secs_f64());
    format!("slow: {tenant}: {took:.1} s, {requests}{repeats}; the longest {longest:.1} s: {method} {path}")
}
