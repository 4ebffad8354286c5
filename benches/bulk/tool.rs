//! The program as its users run it, measured from outside.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::report::Spell;

/// Clock ticks of `/proc` in a second.
const TICKS: f64 = 100.0;

pub struct Tool<'a> {
    pub dir: &'a Path,
    pub url: &'a str,
}

impl Tool<'_> {
    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_realmwright"));
        command.args(arguments).current_dir(self.dir).env("REALMWRIGHT_SERVER", self.url);
        command.env("REALMWRIGHT_CACHE_DIR", self.dir.join("cache"));
        command.env("REALMWRIGHT_OPERATOR_KEY", "operator.pem").env("REALMWRIGHT_ADMIN_PASSWORD", "admin");
        command
    }

    /// Runs a command that must end well, or with one of these codes.
    pub fn run(&self, arguments: &[impl AsRef<OsStr> + Debug], codes: &[i32]) {
        let output = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{arguments:?}: {said}");
    }

    /// Runs a command with `--json` that must end so, and takes what it tells of each realm.
    pub fn measure(&self, arguments: &[impl AsRef<OsStr> + Debug], event: &str, code: i32) -> Spell {
        let began = Instant::now();
        let mut command = self.command(arguments);
        command.args(["--json", "--no-progress"]).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn().unwrap();
        let (out, id, over) = (process.stdout.take().unwrap(), process.id(), AtomicBool::new(false));
        let mut spell = Spell::default();
        let memory = std::thread::scope(|scope| {
            let watch = scope.spawn(|| watch(id, &over));
            for line in BufReader::new(out).lines() {
                let told: Value = serde_json::from_str(&line.unwrap()).unwrap();
                if matches!(told["event"].as_str(), Some("read" | "applied")) {
                    spell.requests += usize::try_from(told["requests"].as_u64().unwrap()).unwrap();
                }
                if told["event"] == event {
                    spell.each.push(Duration::from_millis(told["tookMs"].as_u64().unwrap()));
                }
            }
            over.store(true, Ordering::Relaxed);
            watch.join().unwrap()
        });
        // Dead and not waited for yet, it still has its processor time.
        std::thread::sleep(Duration::from_millis(5));
        spell.processor = processor(id);
        let status = process.wait().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
        spell.took = began.elapsed();
        spell.memory_mb = memory;
        spell
    }

    /// Exports a tenant's realm, which is in quarantine, and deletes it. What it says of each request is counted.
    pub fn removal(&self, tenant: &str) -> Spell {
        self.run(&["destroy", tenant, "--yes", "--export", "quarantined.json"], &[0]);
        std::fs::remove_file(self.dir.join("quarantined.json")).unwrap();
        let mut command = self.command(&["destroy", tenant, "--final", "--yes", "--waive", "retention", "--verbose"]);
        let began = Instant::now();
        let output = command.args(["--export", "removed.json"]).output().unwrap();
        let took = began.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{tenant}: {said}");
        std::fs::remove_file(self.dir.join("removed.json")).unwrap();
        let request =
            |line: &&str| line.split(' ').nth(1).is_some_and(|word| ["GET", "POST", "PUT", "DELETE"].contains(&word));
        Spell { took, each: vec![took], requests: said.lines().filter(request).count(), ..Spell::default() }
    }
}

/// Of all threads of a process.
fn processor(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    Duration::from_secs_f64((fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS)
}

/// Megabytes of a process at the most.
fn watch(id: u32, over: &AtomicBool) -> f64 {
    let mut most: f64 = 0.0;
    while !over.load(Ordering::Relaxed) {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        most = most.max(kilobytes.unwrap_or(0.0) / 1024.0);
        std::thread::sleep(Duration::from_millis(5));
    }
    most
}
