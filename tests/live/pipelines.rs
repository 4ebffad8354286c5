//! The pipelines of `examples/ci` and the action, every step as it stands in the YAML: a change is reviewed, applied and
//! watched, on GitHub and on GitLab, with a real Keycloak and a forge that is not one.

mod runner;

use std::path::Path;
use std::process::Command;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::observer::{pair, platform};
use crate::server::{live, runtime};
use crate::support::forge::{Entry, Forge, Kind, PULL_REQUEST, TOKEN};
use crate::tenants::{Site, admin_events, export, put_client};
use runner::{Ended, Runner};

const KINDS: [Kind; 2] = [Kind::GitHub, Kind::GitLab];

/// What happens in a repository of manifests, and in whose name.
struct Project {
    site: Site,
    forge: Forge,
    observer: SecretString,
    author_scope: &'static str,
}

impl Project {
    fn new(kind: Kind) -> Self {
        let (observer, public) = pair();
        let site = Site::new("ci");
        let platform =
            platform(&public).replace("\n  test:\n", &format!("\n  production:\n    server: {}\n", live().url));
        // The manifests stand in a directory of the repository, this program beside them.
        for name in ["north/user.password", "north/north.yaml"] {
            let text = std::fs::read_to_string(site.dir.path().join(name)).expect("a file");
            site.write(&format!("manifests/{name}"), &text);
        }
        std::fs::remove_dir_all(site.dir.path().join("north")).expect("removed");
        std::fs::remove_file(site.dir.path().join("platform.yaml")).expect("removed");
        site.write("manifests/platform.yaml", &platform);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let submodule = site.dir.path().join("realmwright");
        for name in ["Cargo.toml", "action.yml", "examples/ci/steps"] {
            let to = submodule.join(name);
            std::fs::create_dir_all(to.parent().expect("a parent")).expect("a directory");
            let copied = Command::new("cp").arg("-r").arg(root.join(name)).arg(&to).status();
            assert!(copied.expect("cp runs").success());
        }
        let forge = runtime().block_on(Forge::start(kind));
        let project = Self { site, forge, observer, author_scope: "" };
        git(&submodule, &["init", "-q"]);
        git(&submodule, &["add", "."]);
        git(&submodule, &["commit", "-qm", "program"]);
        project.git(&["init", "-q"]);
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "base"]);
        project
    }

    fn git(&self, arguments: &[&str]) {
        git(self.site.dir.path(), arguments);
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.site.dir.path().join("manifests/north/north.yaml");
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{from:?} is not in {text}");
        std::fs::write(path, text.replace(from, to)).expect("written");
    }

    /// The job that an event starts, in a fresh checkout; `fork` and the waivers as the forge knows them.
    fn job(&self, event: &str, fork: bool, waive: &str) -> Ended {
        self.git(&["clean", "-qfdx"]);
        let key = |name: &str, pem: &SecretString| {
            let path = self.site.dir.path().join(".git").join(name);
            std::fs::write(&path, pem.expose_secret()).expect("written");
            path.display().to_string()
        };
        let mut variables = self.forge.variables();
        let mut known: Vec<(String, String)> = Vec::new();
        let mut know = |name: &str, value: &str| known.push((name.into(), value.into()));
        let base = "main";
        match self.forge.kind {
            Kind::GitHub => {
                variables.push(("GITHUB_STEP_SUMMARY".into(), self.summary().display().to_string()));
                let event = match event {
                    "merge" => "push",
                    "again" => "workflow_dispatch",
                    "review" => "pull_request",
                    other => other,
                };
                know("github.event_name", event);
                know("github.ref", if event == "pull_request" { "refs/pull/7/merge" } else { "refs/heads/main" });
                know("github.token", TOKEN);
                know("github.event.pull_request.base.sha", base);
                know("github.event.pull_request.number", PULL_REQUEST);
                let head = if fork { "mallory/realms" } else { "acme/realms" };
                know("github.event.pull_request.head.repo.full_name", head);
                know("inputs.waive", waive);
                // A fork's pull request gets no secrets; the operator key is in the environment of one job alone.
                know("secrets.OBSERVER_KEY", if fork { "" } else { self.observer.expose_secret() });
                if matches!(event, "push" | "workflow_dispatch") {
                    know("secrets.OPERATOR_KEY", live().pem.expose_secret());
                }
            }
            Kind::GitLab => {
                let source = match event {
                    "merge" => "push",
                    "again" => "web",
                    "review" => "merge_request_event",
                    other => other,
                };
                let branch = if source == "merge_request_event" { "" } else { "main" };
                for (name, value) in
                    [("$CI_PIPELINE_SOURCE", source), ("$CI_COMMIT_BRANCH", branch), ("$CI_DEFAULT_BRANCH", "main")]
                {
                    know(name, value);
                }
                let mut set = |name: &str, value: &str| variables.push((name.into(), value.into()));
                if branch.is_empty() {
                    set("CI_MERGE_REQUEST_IID", PULL_REQUEST);
                    set("CI_MERGE_REQUEST_PROJECT_ID", "42");
                    set("CI_MERGE_REQUEST_DIFF_BASE_SHA", base);
                } else {
                    // Protected.
                    set("OPERATOR_KEY", &key("operator.pem", &live().pem));
                }
                if !fork {
                    set("OBSERVER_KEY", &key("observer.pem", &self.observer));
                    set("COMMENT_TOKEN", TOKEN);
                }
                if !waive.is_empty() {
                    set("WAIVE", waive);
                }
            }
        }
        let runner = Runner {
            repository: self.site.dir.path(),
            context: known.into_iter().collect(),
            variables,
            author_scope: self.author_scope,
        };
        match self.forge.kind {
            Kind::GitHub => runner.github(),
            Kind::GitLab => runner.gitlab(),
        }
    }

    /// Where GitHub keeps the summary of a job.
    fn summary(&self) -> std::path::PathBuf {
        self.site.dir.path().join(".git/summary.md")
    }

    /// What a job that must end so left behind.
    fn expect(&self, event: &str, passes: bool) -> String {
        let ended = self.job(event, false, "");
        assert_eq!(ended.passed, passes, "{:?}, {event}: {}", self.forge.kind, ended.log);
        ended.log
    }

    /// The one comment on the pull request, without what makes it ours.
    fn comment(&self) -> String {
        let (comments, _) = self.forge.all();
        let [Entry { text, .. }] = &comments[..] else { panic!("{comments:?}") };
        text.strip_prefix("<!-- realmwright production -->\n").expect("our mark").to_owned()
    }

    fn events(&self) -> usize {
        admin_events(&self.site.clinic)
    }
}

pub fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").arg("-C").arg(dir).args(identity).args(arguments).output().expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_change_is_reviewed_applied_and_watched() {
    for kind in KINDS {
        let project = Project::new(kind);
        // Merged: the plan is kept, and applied as it is.
        project.expect("merge", true);
        let kept = std::fs::read_to_string(project.site.dir.path().join("realmwright-out/plan.json")).expect("a plan");
        assert!(kept.contains("formatVersion") && !kept.contains("\"view\""), "the provisioner's plan");
        assert_eq!(export(&project.site.clinic)["displayName"], "Clinic");

        // A pull request: the comment says what will happen, and nothing is written.
        project.git(&["switch", "-qc", "work"]);
        project.edit("label: Clinic", "label: New Clinic");
        project.git(&["commit", "-qam", "change"]);
        let events = project.events();
        project.expect("review", true);
        let comment = project.comment();
        assert!(comment.starts_with("### Realmwright: plan for `production`\n"), "{comment}");
        assert!(comment.contains("New Clinic") && comment.contains("Seen by the observer"), "{comment}");
        // The same comment, where more is pushed.
        project.edit("label: New Clinic", "label: Newer Clinic");
        project.git(&["commit", "-qam", "more"]);
        project.expect("review", true);
        assert!(project.comment().contains("Newer Clinic"));
        assert_eq!(project.events(), events, "nothing was written");

        // From a fork: checked, without a key, and without a token that may comment.
        let before = project.comment();
        let ended = project.job("review", true, "");
        assert!(ended.passed && ended.log.contains("checked, not planned"), "{}", ended.log);
        let summary = std::fs::read_to_string(project.summary()).unwrap_or_default();
        assert_eq!(summary.contains("checked, not planned"), kind == Kind::GitHub, "{summary}");
        assert_eq!((project.comment(), project.events()), (before, events));

        project.expect("merge", true);
        assert_eq!(export(&project.site.clinic)["displayName"], "Newer Clinic");

        // On a schedule: nothing, then what somebody changed, in one issue, until it is gone.
        project.expect("schedule", true);
        assert_eq!(project.forge.all().1, []);
        for name in ["By hand", "By hand again"] {
            put_client(&project.site.clinic, "assistant", &json!({"clientId": "assistant", "name": name}));
            project.expect("schedule", true);
            let (_, issues) = project.forge.all();
            let [issue] = &issues[..] else { panic!("{issues:?}") };
            assert_eq!(issue.title, "Realms were changed outside Realmwright (production)");
            assert!(issue.open && issue.text.contains(&format!("\"{name}\"")), "{issue:?}");
        }
        project.expect("merge", true);
        project.expect("schedule", true);
        let (_, issues) = project.forge.all();
        assert!(!issues[0].open && issues[0].comments.len() == 1, "{issues:?}");
        project.site.remove();
    }
}

#[test]
fn what_is_refused_or_wrong_is_said_in_the_comment_and_ends_the_job() {
    for kind in KINDS {
        let mut project = Project::new(kind);
        project.expect("merge", true);
        project.git(&["switch", "-qc", "work"]);
        let events = project.events();

        // Manifests that are wrong.
        project.edit("label: Clinic", "labbel: Clinic");
        project.expect("review", false);
        let comment = project.comment();
        assert!(comment.starts_with("### Realmwright: **failed**, 1 error in the manifests"), "{comment}");
        assert!(
            comment.contains("`manifests/north/north.yaml:7:5`") && comment.contains("did you mean `label`?"),
            "{comment}"
        );
        project.edit("labbel: Clinic", "label: Clinic");

        // What the author may not do, and a scope that is none.
        project.author_scope = "north";
        project.edit("label: Clinic", "label: Mine");
        project.expect("review", true);
        project.site.write("README.md", "not mine\n");
        project.git(&["add", "."]);
        project.git(&["commit", "-qm", "change"]);
        project.expect("review", false);
        let comment = project.comment();
        assert!(
            comment.starts_with("### Realmwright: **refused**, 1 change that the author may not make"),
            "{comment}"
        );
        assert!(comment.contains("[outside-scope] at `README.md:1:1`"), "{comment}");
        project.author_scope = "../..";
        project.expect("review", false);
        assert!(project.comment().starts_with("### Realmwright: **failed**"), "{}", project.comment());
        project.author_scope = "";

        // A plan that a guard refuses. Merged all the same, it is not applied, until somebody says that it is meant.
        let file = project.site.dir.path().join("manifests/platform.yaml");
        let text = std::fs::read_to_string(&file).expect("a file") + "guards: {run: {updates: {number: 0}}}\n";
        std::fs::write(&file, &text).expect("written");
        project.git(&["commit", "-qam", "guarded"]);
        project.expect("review", false);
        let comment = project.comment();
        let top = comment.lines().take(5).collect::<Vec<_>>().join("\n");
        assert!(top.contains("refused") && top.contains("`run-updates`"), "{comment}");
        assert!(project.expect("merge", false).contains("run-updates"));
        assert_eq!(project.events(), events, "nothing was written");
        let ended = project.job("again", false, "run-updates");
        assert!(ended.passed, "{}", ended.log);
        assert_eq!(export(&project.site.clinic)["displayName"], "Mine");

        // More than a comment may hold.
        let many: String = (0..700)
            .map(|n| format!("  - name: {}-{n}\n    label: {}\n", project.site.clinic, "Überall ".repeat(10)))
            .collect();
        project.edit("organizations:\n", &format!("organizations:\n{many}"));
        project.git(&["commit", "-qam", "many"]);
        project.expect("review", true);
        let comment = project.comment();
        let length = comment.chars().count();
        assert!(length > 40_000 && length < 65_400, "{length}");
        let top = comment.lines().take(4).collect::<Vec<_>>().join("\n");
        assert!(top.contains("> **This comment is not the whole of it:**"), "{top}");
        assert!(comment.contains("| realms | 700 | 0 | 0 |"), "{top}");
        project.git(&["reset", "-q", "--hard", "HEAD^"]);

        // A server that does not answer.
        std::fs::write(&file, text.replace(&live().url, "http://127.0.0.1:9")).expect("written");
        project.git(&["commit", "-qam", "moved"]);
        project.expect("review", false);
        assert!(project.comment().starts_with("### Realmwright: **failed**"), "{}", project.comment());
        assert!(!project.job("schedule", false, "").passed);

        // A forge that takes no comment: the job can't pass for one that was reviewed.
        std::fs::write(&file, text).expect("written");
        project.git(&["commit", "-qam", "back"]);
        project.forge.written.lock().expect("whole").refusing = Some(403);
        let log = project.expect("review", false);
        assert!(log.contains("Resource not accessible by integration") && !log.contains(TOKEN), "{log}");
        project.site.remove();
    }
}
