//! Progress on standard error: a bar on a terminal, a line every few seconds elsewhere. Both say how many tenants are done, at
//! which rate, how long the rest will take, how many are worked on at a time, and how many failed.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Seconds between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Counts tenants that are finished.
pub(super) struct Progress {
    bar: ProgressBar,
    lines: bool,
    what: &'static str,
    failed: AtomicUsize,
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
        let template = "{prefix} [{bar:30}] {pos}/{len}  {rate}  {eta} left{msg}";
        let rate = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.1}/s", state.per_sec());
        };
        bar.set_style(
            ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", rate)
                .progress_chars("=> "),
        );
        bar.set_prefix(what);
        let (failed, last, started) = (AtomicUsize::new(0), Mutex::new(Instant::now()), Instant::now());
        Self { bar, lines: shown && !terminal, what, failed, last, started }
    }

    /// One more is finished, well or not, while so many are worked on at a time.
    pub(super) fn step(&self, limit: Option<usize>, well: bool) {
        self.bar.inc(1);
        let failed = self.failed.fetch_add(usize::from(!well), Ordering::Relaxed) + usize::from(!well);
        let at_a_time = limit.map_or(String::new(), |limit| format!("  {limit} at a time"));
        let failed = if failed > 0 { format!("  {failed} failed") } else { String::new() };
        let standing = at_a_time + &failed;
        self.bar.set_message(standing.clone());
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.lines && last.elapsed() >= EVERY {
            *last = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let rate = done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
            let left = (total.saturating_sub(done) as f64 / rate.max(0.001)).ceil();
            let what = self.what;
            let _ = writeln!(anstream::stderr(), "{what} {done}/{total}  {rate:.1}/s  {left} s left{standing}");
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
