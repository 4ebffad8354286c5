//! `examples/ci/steps/report`, against a forge's API; and what the pipelines give their jobs. `tests/live/pipelines.rs`
//! runs them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::forge::{Forge, Kind, PULL_REQUEST, TOKEN};

const KINDS: [Kind; 2] = [Kind::GitHub, Kind::GitLab];

/// Runs `report` with a text as its file.
async fn report(forge: &Forge, arguments: &[&str], text: &str) -> Output {
    with_token(forge, TOKEN, arguments, text).await
}

async fn with_token(forge: &Forge, token: &str, arguments: &[&str], text: &str) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("report.md");
    std::fs::write(&file, text).expect("written");
    let (before, after) = arguments.split_at(2);
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/steps/report"));
    command.args(before).arg(&file).args(after);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(forge.variables()).env("PULL_REQUEST", PULL_REQUEST).env("FORGE_TOKEN", token);
    tokio::task::spawn_blocking(move || command.output()).await.expect("ran").expect("bash, curl and jq are there")
}

fn ended(output: &Output) -> Option<i32> {
    assert!(output.stdout.is_empty(), "{output:?}");
    output.status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_comment_is_kept_and_those_of_others_are_left_alone() {
    for kind in KINDS {
        let forge = Forge::start(kind).await;
        // Somebody who writes what looks like ours can't have it taken for ours.
        forge.comment("mallory", "<!-- realmwright production -->\nnothing to see");
        for _ in 0..130 {
            forge.comment("alice", "a word \"id\": 5\n<!-- realmwright production -->");
        }
        let text = "### Überblick\n\n`\"quoted\" \\ $(id) \u{1}\ttab`\n";
        for text in [text, "second\n", "third\n"] {
            let output = report(&forge, &["comment", "production"], text).await;
            assert_eq!(ended(&output), Some(0), "{output:?}");
            let (comments, issues) = forge.all();
            assert_eq!((comments.len(), issues.len()), (132, 0));
            assert_eq!(comments[131].text, format!("<!-- realmwright production -->\n{text}"));
            assert!(comments[0].text.contains("nothing to see"));
        }
        // Another environment has a comment of its own.
        report(&forge, &["comment", "staging"], "other").await;
        assert_eq!(forge.all().0.len(), 133);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_issue_is_opened_kept_and_closed() {
    for kind in KINDS {
        let forge = Forge::start(kind).await;
        forge.issue("mallory", "Mine", "<!-- realmwright drift production -->");
        forge.issue(forge.me(), "Of another tool", "");
        let close = ["close", "drift production"];
        assert_eq!(ended(&report(&forge, &close, "in sync").await), Some(0));
        assert!(!forge.written.lock().expect("whole").requests.iter().any(|request| !request.starts_with("GET")));
        let open = ["issue", "drift production", "Realms were changed"];
        for text in ["first", "second"] {
            assert_eq!(ended(&report(&forge, &open, text).await), Some(0));
            let issues = forge.all().1;
            assert_eq!(issues.len(), 3);
            assert_eq!(
                (issues[2].title.as_str(), issues[2].text.as_str(), issues[2].open),
                ("Realms were changed", format!("<!-- realmwright drift production -->\n{text}").as_str(), true)
            );
        }
        assert_eq!(ended(&report(&forge, &close, "in sync").await), Some(0));
        let issue = forge.all().1.remove(2);
        assert!(!issue.open && issue.comments[0].ends_with("in sync"), "{issue:?}");
        // The next one is a new one.
        assert_eq!(ended(&report(&forge, &open, "again").await), Some(0));
        let issues = forge.all().1;
        assert!(issues.len() == 4 && !issues[2].open && issues[3].open && issues[0].open, "{issues:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_forge_refuses_ends_the_step_with_its_words_and_without_the_token() {
    for kind in KINDS {
        let forge = Forge::start(kind).await;
        for arguments in [&["comment", "production"][..], &["issue", "drift", "Title"]] {
            let output = with_token(&forge, "wrong", arguments, "text").await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(ended(&output) == Some(1) && said.contains("401") && said.contains("Bad credentials"), "{said}");
            assert_eq!(forge.all(), (Vec::new(), Vec::new()), "nothing was written");
            forge.written.lock().expect("whole").refusing = Some(403);
            let output = report(&forge, arguments, "text").await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(ended(&output) == Some(1) && said.contains("not accessible by integration"), "{said}");
            assert!(!said.contains(TOKEN), "{said}");
            forge.written.lock().expect("whole").refusing = None;
        }
    }
}

/// What each job may do and knows: the least that it needs.
#[test]
fn no_job_has_more_than_it_needs() {
    let yaml = |path: &str| -> Value {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file");
        serde_saphyr::from_str(&text).expect("YAML")
    };
    let github = yaml("examples/ci/github.yml");
    let events: Vec<&String> = github["on"].as_object().expect("events").keys().collect();
    assert_eq!(events, ["pull_request", "push", "schedule", "workflow_dispatch"], "never pull_request_target");
    assert_eq!(github["permissions"], json!({"contents": "read"}));
    let rights = |job: &str| github["jobs"][job]["permissions"].clone();
    assert_eq!(rights("review"), json!({"contents": "read", "pull-requests": "write", "security-events": "write"}));
    assert_eq!((rights("apply"), rights("drift")), (Value::Null, json!({"contents": "read", "issues": "write"})));
    let knows = |job: &Value, secret: &str| job.to_string().contains(secret);
    for (name, job) in github["jobs"].as_object().expect("jobs") {
        let applies = name == "apply";
        assert_eq!(
            (knows(job, "secrets.OPERATOR_KEY"), job["environment"] == "production"),
            (applies, applies),
            "{name}"
        );
        assert_eq!(knows(job, "secrets.OBSERVER_KEY"), !applies, "{name}");
        for checkout in job["steps"].as_array().expect("steps").iter().filter(|step| knows(step, "actions/checkout")) {
            assert_eq!(checkout["with"]["persist-credentials"], false, "{name}");
        }
    }
    assert!(!knows(&yaml("action.yml"), "secrets."));
    let jobs = &github["jobs"];
    assert_eq!(jobs["apply"]["concurrency"], json!({"group": "realmwright-apply", "cancel-in-progress": false}));
    assert_eq!(jobs["review"]["concurrency"]["cancel-in-progress"], true);
    let gitlab = yaml("examples/ci/gitlab.yml");
    for name in ["review", "apply", "drift"] {
        let (job, applies) = (&gitlab[name], name == "apply");
        assert_eq!((knows(job, "$OPERATOR_KEY"), job["environment"] == "production"), (applies, applies), "{name}");
        assert_eq!((knows(job, "OBSERVER_KEY:"), knows(job, "COMMENT_TOKEN:")), (!applies, !applies), "{name}");
    }
    assert_eq!(gitlab["apply"]["resource_group"], "production");
}
