//! A server that was there and went away, as one that is started anew does: it is waited for, and one asks for all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// How long a server that went away is waited for: a start with a large database takes half of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The longest pause between two looks at it.
const PAUSE: Duration = Duration::from_secs(2);

/// What is told of a server that went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence<'a> {
    /// It does not answer, for this reason, and is waited for this long at most.
    Begins(&'a str, Duration),
    /// It answers again, after this time.
    Ends(Duration),
    /// It did not answer for this long, and is not waited for any longer.
    Lasts(Duration),
}

/// Whether a server is there.
#[derive(Debug)]
pub(super) struct Presence {
    /// It has answered, and was not given up since. One that never did is not waited for: its address may be wrong.
    there: AtomicBool,
    /// When it was there again. Locked by the one who looks.
    back: Mutex<Option<Instant>>,
    pub(super) patience: Duration,
}

impl Presence {
    pub(super) fn new() -> Self {
        Self { there: AtomicBool::new(false), back: Mutex::default(), patience: PATIENCE }
    }

    /// It has answered.
    pub(super) fn note(&self) {
        self.there.store(true, Ordering::Relaxed);
    }

    /// Waits for the server, where it is away, until `look` finds it. Whether a request that began then and was not answered
    /// may be sent anew: `unsent`, it never reached anybody.
    pub(super) async fn returned<Look: Future<Output = Result<(), String>>>(
        &self,
        began: Instant,
        unsent: bool,
        look: impl Fn() -> Look,
        tell: impl Fn(Absence<'_>),
    ) -> bool {
        let mut back = self.back.lock().await;
        if back.is_some_and(|back| back > began) {
            return true;
        }
        if !self.there.load(Ordering::Relaxed) {
            return false;
        }
        let since = Instant::now();
        let (mut pause, mut away) = (Duration::from_millis(250), false);
        while let Err(reason) = look().await {
            if !away {
                tell(Absence::Begins(&reason, self.patience));
            }
            away = true;
            if since.elapsed() >= self.patience {
                self.there.store(false, Ordering::Relaxed);
                tell(Absence::Lasts(since.elapsed()));
                return false;
            }
            tokio::time::sleep(pause.min(self.patience.saturating_sub(since.elapsed()))).await;
            pause = (pause * 2).min(PAUSE);
        }
        if away {
            *back = Some(Instant::now());
            tell(Absence::Ends(since.elapsed()));
        }
        away || unsent
    }
}
