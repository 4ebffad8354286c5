//! How many realms are worked on at a time: as many as the server answers without slowing down, found while working.
//!
//! [`Rate`] decides by what the answers tell; here stand those who wait for their turn.

mod rate;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

pub use rate::{Kind, Rate, Sign};

/// Hands out turns.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Mutex<Turns>>);

#[derive(Debug)]
struct Turns {
    rate: Rate,
    taken: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
    /// Requests that may still be repeated, in tenths.
    repeats: u32,
}

/// One realm may be worked on, until this is dropped. By default nobody waits for it.
#[derive(Debug, Default)]
pub struct Turn(Option<Pace>);

/// What is left for repeats at the beginning, and at most: tenths of a request.
const REPEATS: u32 = 200;

impl Pace {
    pub(super) fn new() -> Self {
        let turns = Turns { rate: Rate::new(u16::MAX), taken: 0, waiting: VecDeque::new(), repeats: REPEATS };
        Self(Arc::new(Mutex::new(turns)))
    }

    /// Learns anew how many realms can be worked on at a time, at most so many: for work of another kind.
    pub(super) fn begin(&self, most: u16) {
        self.lock().rate = Rate::new(most);
        self.grant();
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more realm may be worked on.
    pub(super) async fn turn(&self) -> Turn {
        let (granted, turn) = oneshot::channel();
        self.lock().waiting.push_back(granted);
        self.grant();
        turn.await.unwrap_or_default()
    }

    /// Gives turns to those who have waited longest. Without the lock: a turn that nobody takes any more is dropped, and
    /// comes back.
    fn grant(&self) {
        loop {
            let mut turns = self.lock();
            if turns.taken >= turns.rate.limit() {
                return;
            }
            let Some(next) = turns.waiting.pop_front() else { return };
            turns.taken += 1;
            drop(turns);
            drop(next.send(Turn(Some(self.clone()))));
        }
    }

    /// A request was answered, or was not.
    pub(super) fn tell(&self, kind: Kind, sign: Sign, took: Duration) {
        let mut turns = self.lock();
        turns.rate.tell(kind, sign, took);
        if sign == Sign::Good {
            turns.repeats = (turns.repeats + 1).min(REPEATS);
        }
        drop(turns);
        self.grant();
    }

    /// Whether a request may be sent once more: repeats are for what fails now and then, one in ten at most. A server that
    /// fails all the time gets no more of them.
    pub(super) fn may_repeat(&self) -> bool {
        let mut turns = self.lock();
        let left = turns.repeats.checked_sub(10);
        turns.repeats = left.unwrap_or(turns.repeats);
        left.is_some()
    }

    /// How many realms are worked on at a time now.
    pub(super) fn limit(&self) -> usize {
        self.lock().rate.limit()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(pace) = self.0.take() {
            pace.lock().taken -= 1;
            pace.grant();
        }
    }
}
