//! The steps of `examples/ci`, as the pipelines run them.

use std::path::Path;
use std::process::{Command, Output};

use secrecy::ExposeSecret;
use serde_json::json;

use crate::observer::{pair, platform};
use crate::server::live;
use crate::tenants::{Site, admin_events, export, put_client};

/// Runs a step with a key and nothing else from here.
fn step(site: &Site, name: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_realmwright")).parent().expect("a directory");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/steps").join(name))
        .current_dir(site.dir.path())
        .env_clear()
        .env("PATH", path)
        .env("REALMWRIGHT_SERVER", &live().url)
        .envs(variables.iter().copied())
        .output()
        .expect("the step runs")
}

fn ended(output: &Output, code: i32) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
}

fn git(site: &Site, arguments: &[&str]) {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let status = Command::new("git").arg("-C").arg(site.dir.path()).args(identity).args(arguments).status();
    assert!(status.expect("git runs").success(), "{arguments:?}");
}

#[test]
fn a_change_is_reviewed_applied_and_watched() {
    let (pem, public) = pair();
    let site = Site::new("ci");
    site.write("platform.yaml", &platform(&public));
    site.write(".gitignore", "*.pem\nrealmwright-out\n");
    git(&site, &["init", "-q"]);
    git(&site, &["add", "."]);
    git(&site, &["commit", "-qm", "base"]);
    let operator = live().pem.expose_secret();
    let observer = pem.expose_secret();
    let written = |name: &str| std::fs::read_to_string(site.dir.path().join("realmwright-out").join(name));

    // Merged: the plan is kept, and applied as it is.
    ended(&step(&site, "apply", &[("REALMWRIGHT_OPERATOR_KEY_PEM", operator)]), 0);
    assert!(written("plan.json").expect("a plan").contains("formatVersion"));

    // A pull request: the comment says what will happen, and nothing is written, even with the operator key around.
    git(&site, &["switch", "-qc", "work"]);
    site.edit("label: Clinic", "label: New Clinic");
    let events = admin_events(&site.clinic);
    let review = [
        ("REALMWRIGHT_OBSERVER_KEY_PEM", observer),
        ("REALMWRIGHT_OPERATOR_KEY_PEM", operator),
        ("BASE", "main"),
        ("AUTHOR_SCOPE", "north"),
    ];
    ended(&step(&site, "review", &review), 0);
    let report = written("report.md").expect("a report");
    assert!(report.starts_with("<!-- realmwright -->\n### Realmwright: plan for `test`"), "{report}");
    assert!(report.contains("New Clinic") && report.contains("Seen by the observer"), "{report}");
    assert_eq!(admin_events(&site.clinic), events, "nothing was written");
    // Its key opens nothing that writes.
    let misused = step(&site, "apply", &[("REALMWRIGHT_OPERATOR_KEY_PEM", observer)]);
    assert_ne!(misused.status.code(), Some(0));
    assert_eq!((admin_events(&site.clinic), &export(&site.clinic)["displayName"]), (events, &json!("Clinic")));

    // Without a key, as from a fork: checked, not planned.
    ended(&step(&site, "review", &review[2..]), 0);
    assert!(written("report.md").expect("a report").contains("checked, not planned"));

    // What the author may not do is refused, with findings for code scanning.
    site.write("README.md", "not mine\n");
    ended(&step(&site, "review", &review), 3);
    assert!(written("findings.sarif").expect("findings").contains("outside-scope"));
    std::fs::remove_file(site.dir.path().join("README.md")).expect("removed");

    // On a schedule: nothing, and then what somebody changed.
    ended(&step(&site, "apply", &[("REALMWRIGHT_OPERATOR_KEY_PEM", operator)]), 0);
    ended(&step(&site, "drift", &[("REALMWRIGHT_OBSERVER_KEY_PEM", observer)]), 0);
    put_client(&site.clinic, "assistant", &json!({"clientId": "assistant", "name": "By hand"}));
    ended(&step(&site, "drift", &[("REALMWRIGHT_OBSERVER_KEY_PEM", observer)]), 2);
    assert!(written("drift.md").expect("a report").contains("By hand"));
    site.remove();
}

#[test]
fn both_pipelines_call_these_steps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect("a file");
    let github = text("examples/ci/github.yml") + &text("action.yml");
    for step in std::fs::read_dir(root.join("examples/ci/steps")).expect("steps") {
        let call = format!("examples/ci/steps/{}", step.expect("a step").file_name().to_string_lossy());
        assert!(github.contains(&call) && text("examples/ci/gitlab.yml").contains(&call), "{call}");
    }
}
