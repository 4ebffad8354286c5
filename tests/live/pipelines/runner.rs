//! Runs the jobs of `examples/ci` as the forges would: reads the YAML, and takes every step as it stands there, with the
//! variables that a job has and no others. What it does not know of a pipeline's language it refuses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A working copy as a forge checks it out, and what the forge knows.
pub struct Runner<'a> {
    /// The repository of manifests, with the submodule `realmwright`.
    pub repository: &'a Path,
    /// What expressions and rules may name: `secrets.OBSERVER_KEY`, `$CI_COMMIT_BRANCH`. What is not named is unknown.
    pub context: BTreeMap<String, String>,
    /// The scope that the example leaves empty, for whoever copies it to fill in.
    pub author_scope: &'a str,
    /// What the forge puts into the environment of each job.
    pub variables: Vec<(String, String)>,
}

/// How a job went.
#[derive(Debug)]
pub struct Ended {
    pub passed: bool,
    pub log: String,
}

/// The repository that this program is built from.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).expect("a file");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The variables of a step or a job, as texts.
fn texts(map: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

impl Runner<'_> {
    /// Runs the one job of GitHub's workflow that its conditions let run.
    pub fn github(&self) -> Ended {
        let workflow = yaml("examples/ci/github.yml");
        let jobs = workflow["jobs"].as_object().expect("jobs").values();
        let run: Vec<&Value> = jobs.filter(|job| self.holds(job["if"].as_str().expect("a condition"), true)).collect();
        let [job] = run[..] else { panic!("{} jobs run", run.len()) };
        let mut ended = Ended { passed: true, log: String::new() };
        self.steps(&job["steps"], &self.context, &[], &mut ended);
        ended
    }

    fn steps(&self, steps: &Value, context: &BTreeMap<String, String>, more: &[(String, String)], ended: &mut Ended) {
        for step in steps.as_array().expect("steps") {
            let mut condition = step["if"].as_str().unwrap_or("success()").to_owned();
            if let Some((before, path, after)) = hashed(&condition) {
                let hash = if self.repository.join(path).is_file() { "'1'" } else { "''" };
                condition = format!("{before}{hash}{after}");
            }
            if !holds(&condition, context, ended.passed) {
                continue;
            }
            let expanded = |map: &Value| -> Vec<(String, String)> {
                texts(map).into_iter().map(|(name, value)| (name, expand(&value, context))).collect()
            };
            if let Some(script) = step["run"].as_str() {
                assert!(!script.contains("${{"), "values go into a script as variables: {script}");
                let variables = [more, &expanded(&step["env"])].concat();
                self.shell(&["--noprofile", "--norc", "-eo", "pipefail", "-c", script], &variables, ended);
                continue;
            }
            let mut with: BTreeMap<String, String> = expanded(&step["with"]).into_iter().collect();
            if let Some(scope) = with.get_mut("author-scope") {
                *scope = self.author_scope.into();
            }
            match step["uses"].as_str().expect("an action").split('@').next().expect("a name") {
                "actions/checkout" => assert_eq!(with["submodules"], "recursive"),
                "./realmwright" => self.action(with, more, ended),
                "github/codeql-action/upload-sarif" => {
                    let text = std::fs::read_to_string(self.repository.join(&with["sarif_file"])).expect("findings");
                    crate::support::sarif::check(&serde_json::from_str(&text).expect("JSON"));
                }
                "actions/upload-artifact" => assert!(self.repository.join(&with["path"]).is_file(), "{with:?}"),
                other => panic!("{other} is not known"),
            }
        }
    }

    /// The action at the root, as the composite that it is.
    fn action(&self, mut with: BTreeMap<String, String>, more: &[(String, String)], ended: &mut Ended) {
        let action = yaml("action.yml");
        let mut context = self.context.clone();
        context.retain(|name, _| !name.starts_with("secrets."));
        for (name, input) in action["inputs"].as_object().expect("inputs") {
            let given = with.remove(name);
            let value = given.unwrap_or_else(|| expand(input["default"].as_str().expect("a default"), &self.context));
            context.insert(format!("inputs.{name}"), value);
        }
        assert_eq!(with, BTreeMap::new(), "inputs that the action does not have");
        assert_eq!(action["runs"]["using"], "composite");
        let path = self.repository.join("realmwright").display().to_string();
        let more = [more, &[("GITHUB_ACTION_PATH".to_owned(), path)]].concat();
        self.steps(&action["runs"]["steps"], &context, &more, ended);
    }

    /// Runs the one job of GitLab's pipeline that its rules let run.
    pub fn gitlab(&self) -> Ended {
        let pipeline = yaml("examples/ci/gitlab.yml");
        let job = |name: &&String| !["default", "variables"].contains(&name.as_str());
        let rules = |name: &&String| {
            let rules = pipeline[name.as_str()]["rules"].as_array().expect("rules");
            rules.iter().any(|rule| self.holds(rule["if"].as_str().expect("a condition"), true))
        };
        let run: Vec<&String> = pipeline.as_object().expect("jobs").keys().filter(job).filter(rules).collect();
        let [name] = run[..] else { panic!("the jobs {run:?} run") };
        let job = &pipeline[name.as_str()];
        let mut variables = [texts(&pipeline["variables"]), texts(&job["variables"])].concat();
        variables
            .iter_mut()
            .filter(|(name, _)| name == "AUTHOR_SCOPE")
            .for_each(|(_, value)| *value = self.author_scope.into());
        assert!(variables.iter().all(|(_, value)| !value.contains('$')), "GitLab's versions expand these differently");
        let lines = [&pipeline["default"]["before_script"], &job["script"]];
        let lines = lines.iter().flat_map(|lines| lines.as_array().expect("lines"));
        let script = lines.map(|line| line.as_str().expect("a line")).collect::<Vec<_>>().join("\n");
        let mut ended = Ended { passed: true, log: String::new() };
        self.shell(&["-eo", "pipefail", "-c", &script], &variables, &mut ended);
        ended
    }

    fn holds(&self, condition: &str, passed: bool) -> bool {
        holds(condition, &self.context, passed)
    }

    fn shell(&self, arguments: &[&str], variables: &[(String, String)], ended: &mut Ended) {
        let tools = self.tools();
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("bash")
            .args(arguments)
            .current_dir(self.repository)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", path)
            .output()
            .expect("bash runs");
        ended.passed &= output.status.success();
        ended.log.push_str(&String::from_utf8_lossy(&output.stdout));
        ended.log.push_str(&String::from_utf8_lossy(&output.stderr));
    }

    /// A directory for the path that stands for what building takes minutes for: its `cargo` knows one call, which puts the
    /// program that these tests were built with where cargo would install it.
    fn tools(&self) -> PathBuf {
        let tools = self.repository.join(".git/tools");
        std::fs::create_dir_all(&tools).expect("a directory");
        let cargo = format!(
            "#!/bin/sh\n[ \"$1 $2 $4 $#\" = 'install --path --locked 4' ] && grep -q '^name = \"realmwright\"$' \"$3/Cargo.toml\" && ln -sf '{}' '{}/realmwright'\n",
            env!("CARGO_BIN_EXE_realmwright"),
            tools.display()
        );
        let file = tools.join("cargo");
        std::fs::write(&file, cargo).expect("a file");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
        tools
    }
}

/// A text with its expressions replaced.
fn expand(text: &str, context: &BTreeMap<String, String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, inside)) = rest.split_once("${{") {
        let (expression, after) = inside.split_once("}}").expect("an end");
        out.push_str(before);
        out.push_str(&value(expression.trim(), context));
        rest = after;
    }
    out + rest
}

/// What stands before, in and after `hashFiles('…')`.
fn hashed(condition: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = condition.split_once("hashFiles('")?;
    let (path, after) = rest.split_once("')")?;
    Some((before, path, after))
}

/// What a name or a text in quotes stands for.
fn value(operand: &str, context: &BTreeMap<String, String>) -> String {
    let quoted = ['\'', '"'].iter().find_map(|quote| operand.strip_prefix(*quote)?.strip_suffix(*quote));
    quoted
        .map(str::to_owned)
        .unwrap_or_else(|| context.get(operand).unwrap_or_else(|| panic!("nothing is known of {operand}")).clone())
}

/// Whether a condition holds: `||` binds weaker than `&&`, that weaker than comparisons.
fn holds(condition: &str, context: &BTreeMap<String, String>, passed: bool) -> bool {
    condition.split("||").any(|all| {
        all.split("&&").map(str::trim).all(|one| match (one, one.split_once(" == "), one.split_once(" != ")) {
            ("always()", ..) => true,
            ("success()", ..) => passed,
            (_, Some((left, right)), _) => value(left.trim(), context) == value(right.trim(), context),
            (_, _, Some((left, right))) => value(left.trim(), context) != value(right.trim(), context),
            _ => panic!("`{one}` is not known"),
        })
    })
}
