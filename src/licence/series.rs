//! Consumption over time: what an organization used, with and without those below it, and what its limit was, at every
//! instant. All of it is a fold over the events; licences that end on the way end at their instant.

use std::collections::BTreeMap;

use serde::Serialize;

use super::accounts::{Accounts, Unlawful};
use super::{Amount, Event, Time};

/// A value from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When it came about.
    pub at: Time,
    /// What it is from then on.
    pub value: Amount,
}

/// A value over time: the instants at which it changed. Before the first it is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Steps(Vec<Point>);

/// A value over an interval, from its first instant to the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    /// The first instant.
    pub from: Time,
    /// The first instant after it.
    pub to: Time,
    /// The sum of the value over all seconds; divided by their number, the mean.
    #[serde(skip)]
    pub sum: i128,
    /// The least that it was.
    pub min: Amount,
    /// The most that it was.
    pub max: Amount,
    /// What it was at the end.
    pub last: Amount,
    /// By how much that is more than right before the beginning.
    pub change: Amount,
}

impl Bar {
    /// The time-weighted mean, with three decimals.
    pub fn mean(&self) -> String {
        let thousandths = rounded(self.sum * 1_000, i128::from(self.to - self.from).max(1));
        let sign = if thousandths < 0 { "-" } else { "" };
        format!("{sign}{}.{:03}", thousandths.abs() / 1_000, thousandths.abs() % 1_000)
    }
}

/// A quotient, rounded to the nearest whole number, halves away from 0.
pub(super) fn rounded(numerator: i128, denominator: i128) -> i128 {
    let half = denominator / 2;
    if numerator < 0 { (numerator - half) / denominator } else { (numerator + half) / denominator }
}

impl Steps {
    /// The same of instants in order, of which some may not change it.
    pub fn of(points: impl IntoIterator<Item = Point>) -> Self {
        let mut steps = Self::default();
        points.into_iter().for_each(|point| steps.note(point.at, point.value));
        steps
    }

    /// Of an instant that was noted before, what is noted last counts.
    fn note(&mut self, at: Time, value: Amount) {
        if self.0.last().is_some_and(|last| last.at == at) {
            self.0.pop();
        }
        if self.0.last().map_or(0, |last| last.value) != value {
            self.0.push(Point { at, value });
        }
    }

    /// When it was first something.
    pub fn first(&self) -> Option<Time> {
        self.0.first().map(|point| point.at)
    }

    /// The value at an instant.
    pub fn at(&self, at: Time) -> Amount {
        let after = self.0.partition_point(|point| point.at <= at);
        after.checked_sub(1).map_or(0, |index| self.0[index].value)
    }

    /// The changes of an interval, its end left out.
    pub fn changes(&self, from: Time, to: Time) -> &[Point] {
        let [first, last] = [from, to].map(|at| self.0.partition_point(|point| point.at < at));
        &self.0[first..last.max(first)]
    }

    /// The value over an interval, which must not be empty.
    pub fn bar(&self, from: Time, to: Time) -> Bar {
        let mut bar = Bar { from, to, sum: 0, min: Amount::MAX, max: Amount::MIN, last: 0, change: 0 };
        let (mut since, mut value) = (from, self.at(from));
        let mut holds = |until: Time, since: Time, value: Amount| {
            bar.sum += i128::from(value) * i128::from(until - since);
            (bar.min, bar.max, bar.last) = (bar.min.min(value), bar.max.max(value), value);
        };
        for point in self.changes(from + 1, to) {
            holds(point.at, since, value);
            (since, value) = (point.at, point.value);
        }
        holds(to, since, value);
        bar.change = bar.last - self.at(from - 1);
        bar
    }
}

/// What an organization had of one resource over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Consumed {
    /// U: what it used itself.
    pub own: Steps,
    /// E*: what it used with all below it, as the tree was at each instant.
    pub all: Steps,
    /// A: what it had allocated.
    pub allocated: Steps,
    /// L: what there was.
    pub limit: Steps,
}

/// Follows one organization through a ledger.
#[derive(Debug)]
pub struct History {
    organization: String,
    accounts: Accounts,
    consumed: BTreeMap<String, Consumed>,
}

impl History {
    /// Begins before everything.
    pub fn of(organization: &str) -> Self {
        Self { organization: organization.to_owned(), accounts: Accounts::default(), consumed: BTreeMap::new() }
    }

    /// Takes what happened at a time, which is not earlier than what was taken before.
    ///
    /// # Errors
    ///
    /// It can't have happened.
    pub fn take(&mut self, at: Time, events: &[Event]) -> Result<(), Unlawful> {
        self.pass(at);
        events.iter().try_for_each(|event| self.accounts.replay(at, event))
    }

    /// By resource, what there was until an instant, and the accounts then.
    pub fn until(mut self, at: Time) -> (BTreeMap<String, Consumed>, Accounts) {
        self.pass(at);
        self.note();
        (self.consumed, self.accounts)
    }

    /// Lets time pass, from one end of a licence to the next.
    fn pass(&mut self, at: Time) {
        if at <= self.accounts.now() {
            return;
        }
        self.note();
        while let Some(end) = self.accounts.next_end().filter(|end| *end <= at) {
            self.accounts.advance(end);
            self.note();
        }
        self.accounts.advance(at);
    }

    /// What it is now.
    fn note(&mut self) {
        let now = self.accounts.now();
        for resource in self.accounts.resources.ids() {
            let name = self.accounts.resources.name(resource);
            let figures = self.accounts.figures(&self.organization, name);
            if figures.is_err() && !self.consumed.contains_key(name) {
                continue;
            }
            // A deleted one has nothing any more.
            let figures = figures.unwrap_or_default();
            let consumed = self.consumed.entry(name.to_owned()).or_default();
            consumed.own.note(now, figures.used);
            consumed.all.note(now, figures.consumed);
            consumed.allocated.note(now, figures.allocated);
            consumed.limit.note(now, figures.limit);
        }
    }
}
