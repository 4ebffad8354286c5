//! A forge of one repository with one pull request, as far as `examples/ci/steps/report` asks it: comments and issues, in
//! the shapes of GitHub's and of GitLab's REST API, with their limits and refusals.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    GitLab,
}

/// The number of its one pull request.
pub const PULL_REQUEST: &str = "7";

/// The token that may write, and who it speaks as.
pub const TOKEN: &str = "forge-token-1";

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub author: String,
    pub title: String,
    pub text: String,
    pub open: bool,
    /// Under an issue; those of the pull request stand by themselves.
    pub comments: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Written {
    pub comments: Vec<Entry>,
    pub issues: Vec<Entry>,
    /// Method and path of each request.
    pub requests: Vec<String>,
    /// The status that every writing request gets, if not its own.
    pub refusing: Option<u16>,
}

pub struct Forge {
    pub kind: Kind,
    pub written: Arc<Mutex<Written>>,
    server: MockServer,
}

struct Answers {
    kind: Kind,
    written: Arc<Mutex<Written>>,
}

impl Forge {
    pub async fn start(kind: Kind) -> Self {
        let server = MockServer::start().await;
        let written = Arc::<Mutex<Written>>::default();
        let answers = Answers { kind, written: written.clone() };
        Mock::given(any()).respond_with(answers).mount(&server).await;
        Self { kind, written, server }
    }

    /// What the forge sets for every job.
    pub fn variables(&self) -> Vec<(String, String)> {
        let url = self.server.uri();
        let variables = match self.kind {
            Kind::GitHub => vec![
                ("GITHUB_ACTIONS", "true".into()),
                ("GITHUB_API_URL", url),
                ("GITHUB_REPOSITORY", "acme/realms".into()),
            ],
            Kind::GitLab => vec![
                ("GITLAB_CI", "true".into()),
                ("CI_API_V4_URL", format!("{url}/api/v4")),
                ("CI_PROJECT_ID", "42".into()),
            ],
        };
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Somebody's comment on the pull request.
    pub fn comment(&self, author: &str, text: &str) {
        self.written.lock().expect("not poisoned").comments.push(Entry::new(author, "", text));
    }

    /// Somebody's issue.
    pub fn issue(&self, author: &str, title: &str, text: &str) {
        self.written.lock().expect("not poisoned").issues.push(Entry::new(author, title, text));
    }

    /// Every comment on the pull request, and every issue.
    pub fn all(&self) -> (Vec<Entry>, Vec<Entry>) {
        let written = self.written.lock().expect("not poisoned");
        (written.comments.clone(), written.issues.clone())
    }

    /// Who the token speaks as.
    pub fn me(&self) -> &'static str {
        self.kind.me()
    }
}

impl Entry {
    fn new(author: &str, title: &str, text: &str) -> Self {
        let [author, title, text] = [author, title, text].map(str::to_owned);
        Self { author, title, text, open: true, comments: Vec::new() }
    }
}

impl Kind {
    fn me(self) -> &'static str {
        match self {
            Self::GitHub => "github-actions[bot]",
            Self::GitLab => "project_42_bot_1",
        }
    }

    /// An entry as the API shows it; `number` counts from 1.
    fn shown(self, number: usize, entry: &Entry, issue: bool) -> Value {
        let state = if entry.open { ["open", "opened"] } else { ["closed", "closed"] };
        let (user, milestone) = (json!({"login": entry.author, "id": 900}), json!({"number": 99, "iid": 99, "id": 99}));
        match (self, issue) {
            (Self::GitHub, false) => {
                json!({"url": "u", "id": 1000 + number, "user": user, "body": entry.text})
            }
            (Self::GitHub, true) => json!({
                "id": 5000 + number, "number": 100 + number, "title": entry.title, "user": user, "state": state[0],
                "milestone": milestone, "body": if entry.text.is_empty() { Value::Null } else { entry.text.as_str().into() },
            }),
            (Self::GitLab, false) => json!({
                "id": 1000 + number, "type": null, "body": entry.text, "author": {"id": 900, "username": entry.author},
            }),
            (Self::GitLab, true) => json!({
                "id": 5000 + number, "iid": 100 + number, "title": entry.title, "description": entry.text, "state": state[1],
                "milestone": milestone, "author": {"id": 900, "username": entry.author},
            }),
        }
    }

    /// The longest text that is taken.
    fn limit(self) -> usize {
        match self {
            Self::GitHub => 65_536,
            Self::GitLab => 1_000_000,
        }
    }
}

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut written = self.written.lock().expect("not poisoned");
        let method = request.method.as_str();
        let path = request.url.path();
        written.requests.push(format!("{method} {path}"));
        let said = |status: u16, words: &str| ResponseTemplate::new(status).set_body_json(json!({"message": words}));
        let token = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if token != format!("Bearer {TOKEN}") {
            return said(401, "Bad credentials");
        }
        if let Some(status) = written.refusing.filter(|_| method != "GET") {
            return said(status, "Resource not accessible by integration");
        }
        if path == "/api/v4/user" {
            return ResponseTemplate::new(200).set_body_json(json!({"id": 900, "username": self.kind.me()}));
        }
        let (root, edit) = match self.kind {
            Kind::GitHub => ("/repos/acme/realms/", "PATCH"),
            Kind::GitLab => ("/api/v4/projects/42/", "PUT"),
        };
        let parts: Vec<&str> = path.strip_prefix(root).unwrap_or_default().split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let field = |name: &str| body[name].as_str().map(str::to_owned);
        let text = field("body").or_else(|| field("description"));
        if text.as_ref().is_some_and(|text| text.chars().count() > self.kind.limit()) {
            return said(422, "Body is too long");
        }
        let query =
            |name: &str| request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let page = |all: Vec<Value>| {
            let number = |name, usual| query(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
            let (size, page): (usize, usize) = (number("per_page", 20).min(100), number("page", 1));
            let shown: Vec<Value> = all.into_iter().skip(size * (page - 1)).take(size).collect();
            ResponseTemplate::new(200).set_body_json(shown)
        };
        let index =
            |base: usize, text: &str| text.parse::<usize>().ok().and_then(|number| number.checked_sub(base + 1));
        let Written { comments, issues, .. } = &mut *written;
        let shown = |entry: &Entry, number, issue| {
            ResponseTemplate::new(200).set_body_json(self.kind.shown(number, entry, issue))
        };
        match (self.kind, method, parts.as_slice()) {
            (Kind::GitHub, "GET", ["issues", PULL_REQUEST, "comments"])
            | (Kind::GitLab, "GET", ["merge_requests", PULL_REQUEST, "notes"]) => {
                page((1..).zip(&*comments).map(|(number, entry)| self.kind.shown(number, entry, false)).collect())
            }
            (Kind::GitHub, "POST", ["issues", PULL_REQUEST, "comments"])
            | (Kind::GitLab, "POST", ["merge_requests", PULL_REQUEST, "notes"]) => {
                comments.push(Entry::new(self.kind.me(), "", &field("body").unwrap_or_default()));
                ResponseTemplate::new(201).set_body_json(json!({"id": 1000 + comments.len()}))
            }
            (Kind::GitHub, "PATCH", ["issues", "comments", id])
            | (Kind::GitLab, "PUT", ["merge_requests", PULL_REQUEST, "notes", id]) => {
                let Some(entry) = index(1000, id).and_then(|index| comments.get_mut(index)) else {
                    return said(404, "Not Found");
                };
                if entry.author != self.kind.me() {
                    return said(403, "Forbidden");
                }
                entry.text = field("body").unwrap_or_default();
                shown(entry, 1, false)
            }
            (_, "GET", ["issues"]) => {
                let open = matches!(query("state").as_deref(), Some("open" | "opened"));
                let all = (1..).zip(&*issues).filter(|(_, issue)| issue.open == open);
                let mut all: Vec<Value> = all.map(|(number, issue)| self.kind.shown(number, issue, true)).collect();
                // GitHub lists pull requests among issues.
                if self.kind == Kind::GitHub {
                    let text = issues.last().map(|issue| issue.text.clone());
                    all.insert(
                        0,
                        json!({"number": 7, "user": {"login": self.kind.me()}, "body": text, "pull_request": {}}),
                    );
                }
                page(all)
            }
            (_, "POST", ["issues"]) => {
                let Some(title) = field("title") else { return said(422, "title is missing") };
                issues.push(Entry::new(self.kind.me(), &title, &text.unwrap_or_default()));
                ResponseTemplate::new(201).set_body_json(json!({"number": 100 + issues.len()}))
            }
            (_, method, ["issues", number]) if method == edit => {
                let Some(issue) = index(100, number).and_then(|index| issues.get_mut(index)) else {
                    return said(404, "Not Found");
                };
                if let Some(text) = text {
                    issue.text = text;
                }
                if matches!(field("state").or(field("state_event")).as_deref(), Some("closed" | "close")) {
                    issue.open = false;
                }
                shown(issue, 1, true)
            }
            (Kind::GitHub, "POST", ["issues", number, "comments"])
            | (Kind::GitLab, "POST", ["issues", number, "notes"]) => {
                let Some(issue) = index(100, number).and_then(|index| issues.get_mut(index)) else {
                    return said(404, "Not Found");
                };
                issue.comments.push(field("body").unwrap_or_default());
                ResponseTemplate::new(201).set_body_json(json!({"id": 1}))
            }
            _ => said(404, "Not Found"),
        }
    }
}
