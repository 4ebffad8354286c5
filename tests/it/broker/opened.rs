//! `login --loopback` opens a browser where somebody sits at the terminal, and nowhere else. The terminal is that of `script`, the
//! browser is curl.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::stage::Stage;

/// Begins a login; its browser leaves a file, and follows where it is sent.
fn begins(stage: &Stage, dir: &Path, terminal: bool, more: &str, ci: &str) -> Child {
    let browser = dir.join("browser");
    let text = format!("#!/bin/sh\necho \"$1\" >>{}\ncurl -sL -o /dev/null \"$1\"\n", dir.join("opened").display());
    std::fs::write(&browser, text).expect("written");
    std::fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("set");
    let login = format!(
        "exec {} login acme --broker {} --state-dir {} --loopback {more}",
        env!("CARGO_BIN_EXE_realmwright"),
        stage.url,
        dir.join("state").display()
    );
    let mut command = match terminal {
        true => Command::new("script"),
        false => Command::new("sh"),
    };
    let talk = std::fs::File::create(dir.join("talk")).expect("made");
    let arguments: &[&str] = if terminal { &["-qefc", &login, "/dev/null"] } else { &["-c", &login] };
    let errors = talk.try_clone().expect("the same");
    command.args(arguments).stdin(Stdio::null()).stdout(talk).stderr(errors);
    command.env("BROWSER", &browser).env("CI", ci).env("SHELL", "/bin/sh").spawn().expect("started")
}

/// Waits until something is so, for twenty seconds.
async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never was");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_opens_where_somebody_sits_at_the_terminal() {
    let stage = Stage::new().await;
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = begins(&stage, dir.path(), true, "", "");
    let mut status = None;
    until(|| {
        status = child.try_wait().expect("asked");
        status.is_some()
    })
    .await;
    let talk = std::fs::read_to_string(dir.path().join("talk")).expect("readable");
    assert!(status.is_some_and(|status| status.success()) && talk.contains("logged in at acme as jo"), "{talk}");
    let opened = std::fs::read_to_string(dir.path().join("opened")).expect("opened");
    assert!(talk.contains(opened.trim()), "the address is printed too: {talk}");
    for (terminal, more, ci) in [(false, "", ""), (true, "--no-browser", ""), (true, "", "true")] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut child = begins(&stage, dir.path(), terminal, more, ci);
        let talk = || std::fs::read_to_string(dir.path().join("talk")).expect("readable");
        until(|| talk().contains("open in a browser on this machine: http")).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!dir.path().join("opened").exists(), "{terminal} {more} {ci}: {}", talk());
        child.kill().expect("ended");
        child.wait().expect("ended");
    }
}
