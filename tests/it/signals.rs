//! Signals that come before anything is written. Those that come while realms are written stand in `tests/live/faults.rs`.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use wiremock::MockServer;

use crate::cli::{PLATFORM, TENANT, command, dir};

/// Sends a signal to a run of the program while it reads the one realm; how the run ended.
fn stopped(arguments: &[&str], signal: &str) -> Output {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(crate::http::mock());
    runtime.block_on(crate::http::answer_exports_late(&server));
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let dir = dir(&[PLATFORM, TENANT, ("key.pem", key.expose_secret())]);
    let mut program = command(&dir, &[], arguments);
    program.args(["-k", "key.pem", "--server", &server.uri()]);
    let run = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let began = Instant::now();
    while !runtime.block_on(is_reading(&server)) {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is read");
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args([signal, &run.id().to_string()]).status().expect("kill can be run");
    assert!(sent.success(), "the run was over");
    run.wait_with_output().expect("the program ends")
}

async fn is_reading(server: &MockServer) -> bool {
    let requests = server.received_requests().await.expect("recorded");
    requests.iter().any(|request| request.url.path().ends_with("/partial-export"))
}

#[test]
fn a_signal_before_anything_is_written_ends_the_run_and_says_so() {
    for (arguments, signal) in [
        (&["plan"][..], "-INT"),
        (&["plan"], "-TERM"),
        (&["drift"], "-INT"),
        (&["apply", "--yes"], "-INT"),
        (&["apply", "--yes"], "-TERM"),
    ] {
        let output = stopped(arguments, signal);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{arguments:?} {signal}: {said}");
        assert!(said.contains("stopped; nothing was written"), "{arguments:?} {signal}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?} {signal}");
    }
}

#[test]
fn programs_are_told_that_a_run_was_stopped() {
    let output = stopped(&["apply", "--yes", "--json"], "-TERM");
    let events = String::from_utf8_lossy(&output.stdout);
    let last: serde_json::Value = serde_json::from_str(events.trim_end()).expect("one event");
    assert_eq!((&last["event"], &last["exit"]), (&"ended".into(), &130.into()), "{events}");
}
