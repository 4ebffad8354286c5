//! Progress on standard error: a bar with rate and time left on a terminal, a line every few seconds elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Seconds between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Counts tenants that are finished.
pub(super) struct Progress {
    bar: ProgressBar,
    lines: bool,
    what: &'static str,
    last: Mutex<Instant>,
    started: Instant,
}

impl Progress {
    pub(super) fn new(what: &'static str, total: usize, shown: bool) -> Self {
        let plain = std::env::var_os("CI").is_some() || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !plain;
        let target =
            if shown && terminal { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let template = "{msg} [{bar:30}] {pos}/{len}  {rate}  {eta} left";
        let rate = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1}/s", state.per_sec());
        };
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", rate)
                .progress_chars("=> "),
        );
        bar.set_message(what);
        Self { bar, lines: shown && !terminal, what, last: Mutex::new(Instant::now()), started: Instant::now() }
    }

    /// One more is finished.
    pub(super) fn step(&self) {
        self.bar.inc(1);
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.lines && last.elapsed() >= EVERY {
            *last = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
            let _ = writeln!(anstream::stderr(), "{} {done}/{total}  {rate:.1}/s", self.what);
        }
    }

    /// Says something above the bar.
    pub(super) fn note(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
