//! Real requests against the in-memory Keycloak, of which any one can be disturbed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt};
use realmwright::apply::TenantOutcome;
use realmwright::keycloak::http::Server;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{Birth, KeycloakError, ReadRealms, WriteRealms};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::apply::{contents, much_changed, without_gates};
use crate::http::connect;
use crate::plan::world;
use crate::support::{World, carry_out};

/// What is done to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disturbance {
    /// 401; nothing was done.
    Expired,
    /// 503; nothing was done.
    Unavailable,
    /// It is done, and a gateway says 502.
    Lost,
    /// A page that somebody puts in between; nothing was done.
    Page,
    /// It is done, and the answer breaks off.
    Half,
}

/// The in-memory Keycloak as a server.
struct Served {
    api: Arc<MemoryKeycloak>,
    /// The accounts in master that make realms.
    lanes: Mutex<BTreeSet<String>>,
    requests: AtomicUsize,
    /// The number of the request that is disturbed, from 0 on.
    at: usize,
    how: Disturbance,
}

/// What a request came to: its status, and its body or the id of what it made.
type Answer = Result<(u16, Value), (u16, String)>;

fn done<T>(result: Result<T, KeycloakError>) -> Result<T, (u16, String)> {
    result.map_err(|error| (error.status().unwrap_or(500), error.to_string()))
}

impl Served {
    fn answer(&self, request: &Request) -> Answer {
        let segments: Vec<&str> = request.url.path().trim_start_matches('/').split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let there = |realm: &str| realm == "master" || self.api.realms().iter().any(|known| known == realm);
        let verb = request.method.as_str();
        match segments.as_slice() {
            ["realms", realm, ..] if !there(realm) => Err((404, "Realm does not exist".into())),
            ["realms", realm, ".well-known", _] => {
                let base = &request.url[..url::Position::BeforePath];
                Ok((200, json!({"issuer": format!("{base}/realms/{realm}")})))
            }
            ["realms", realm, "protocol", ..] => Ok((200, json!({"access_token": realm, "expires_in": 60}))),
            ["admin", "realms", "master", rest @ ..] => self.master(verb, rest, request, &body),
            ["admin", "realms"] => match done(now(self.api.create_realm(&body)))? {
                Birth::Born => Ok((201, Value::Null)),
                _ => Err((409, "Conflict detected. See logs for details".into())),
            },
            ["admin", "realms", realm, rest @ ..] => {
                let query = request.url.query().map_or_else(String::new, |query| format!("?{query}"));
                self.realm(verb, realm, &(rest.join("/") + &query), &body)
            }
            _ => Err((404, "nothing is here".into())),
        }
    }

    fn realm(&self, verb: &str, realm: &str, path: &str, body: &Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        match verb {
            "POST" if path.starts_with("partial-export") => match done(now(self.api.export(realm)))? {
                Some(mut export) => {
                    export["keycloakVersion"] = "26.7.3".into();
                    Ok((200, export))
                }
                None => Err((404, "Realm not found.".into())),
            },
            "GET" => match done(now(self.api.get(realm, path)))? {
                Some(found) => Ok((200, found)),
                None => Err((404, "it is not there".into())),
            },
            "POST" => Ok((201, done(now(self.api.post(realm, path, body.unwrap_or(&Value::Null))))?.into())),
            "PUT" => done(now(self.api.put(realm, path, body))).map(|()| (204, Value::Null)),
            _ => done(now(self.api.delete(realm, path, body))).map(|()| (204, Value::Null)),
        }
    }

    /// What lanes need of master.
    fn master(&self, verb: &str, path: &[&str], request: &Request, body: &Value) -> Answer {
        let mut lanes = self.lanes.lock().expect("not poisoned");
        match (verb, path) {
            ("GET", ["clients"]) => {
                let asked = request.url.query_pairs().find(|(key, _)| key == "clientId").expect("a client").1;
                let found = lanes.iter().filter(|lane| **lane == asked);
                Ok((200, found.map(|lane| json!({"id": lane, "clientId": lane})).collect()))
            }
            ("GET", ["groups"]) => Ok((200, json!([{"id": "g", "path": "/realmwright-lanes"}]))),
            ("GET", ["clients", .., "service-account-user"]) => Ok((200, json!({"id": "u"}))),
            ("POST", ["clients"]) => {
                let name = body["clientId"].as_str().expect("a name").to_owned();
                let fresh = lanes.insert(name.clone());
                if fresh { Ok((201, name.into())) } else { Err((409, "there is such a client".into())) }
            }
            ("DELETE", ["clients", lane]) => {
                lanes.remove(*lane);
                Ok((204, Value::Null))
            }
            _ => Ok((204, Value::Null)),
        }
    }
}

/// What the in-memory server does, it does at once.
fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("at once")
}

fn template(answer: Answer) -> (u16, Option<String>, Vec<u8>) {
    match answer {
        Ok((201, id)) => (201, id.as_str().map(|id| format!("/made/{id}")), Vec::new()),
        Ok((status, Value::Null)) => (status, None, Vec::new()),
        Ok((status, body)) => (status, None, body.to_string().into_bytes()),
        Err((status, message)) => (status, None, json!({"error": message}).to_string().into_bytes()),
    }
}

/// Shares what is served with the mock server.
struct Shared(Arc<Served>);

impl Respond for Shared {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let served = &self.0;
        let counts = !request.url.path().starts_with("/realms/") || request.method.as_str() == "POST";
        let hit = counts && served.requests.fetch_add(1, Ordering::SeqCst) == served.at;
        let how = Some(served.how).filter(|_| hit);
        match how {
            Some(Disturbance::Expired) if !request.url.path().starts_with("/realms/") => {
                return ResponseTemplate::new(401).set_body_json(json!({"error": "HTTP 401 Unauthorized"}));
            }
            Some(Disturbance::Unavailable) => return ResponseTemplate::new(503).insert_header("Retry-After", "0"),
            Some(Disturbance::Page) => {
                return ResponseTemplate::new(200).set_body_string("<html>Sign in to the network</html>");
            }
            _ => {}
        }
        let (status, location, mut body) = template(served.answer(request));
        match how {
            Some(Disturbance::Lost) => return ResponseTemplate::new(502),
            Some(Disturbance::Half) if status == 200 => body.truncate(body.len() / 2),
            _ => {}
        }
        let answer = ResponseTemplate::new(status).set_body_bytes(body);
        match location {
            Some(location) => answer.insert_header("Location", location),
            None => answer,
        }
    }
}

/// A server with what one network says on it, and another one to bring it to.
struct Trial {
    served: Arc<Served>,
    _mock: MockServer,
    server: Server,
}

impl Trial {
    async fn new(from: Option<&World>, at: usize, how: Disturbance) -> Self {
        let api = Arc::new(MemoryKeycloak::new());
        if let Some(world) = from {
            world.apply(api.as_ref()).await;
        }
        let (lanes, requests) = (Mutex::default(), AtomicUsize::new(0));
        let served = Arc::new(Served { api, lanes, requests, at, how });
        let mock = MockServer::start().await;
        Mock::given(any()).respond_with(Shared(served.clone())).mount(&mock).await;
        let server = connect(&mock).await;
        Self { served, _mock: mock, server }
    }

    fn api(&self) -> &MemoryKeycloak {
        &self.served.api
    }

    /// Plans and applies with real requests; whether all went well.
    async fn run(&self, to: &World) -> bool {
        let plan = to.plan(&self.server).await;
        let outcome = carry_out(&self.server, &plan).await;
        self.server.finish().await.expect("the lanes can be removed");
        assert!(self.served.lanes.lock().expect("not poisoned").is_empty(), "a lane is left");
        outcome.count(|one| matches!(one, TenantOutcome::Born | TenantOutcome::Changed(_))) == outcome.tenants.len()
    }
}

/// Has the token of each request of a run expired, and disturbs each request in one of the other ways; what the run did not
/// finish, the next one does. `least`: how many requests a run has at least.
async fn disturbed_anywhere(from: Option<&World>, to: &World, least: usize) {
    let calm = Trial::new(from, usize::MAX, Disturbance::Expired).await;
    assert!(calm.run(to).await);
    let (wanted, requests) = (contents(calm.api()).await, calm.served.requests.load(Ordering::SeqCst));
    assert!(requests >= least, "only {requests} requests were needed");
    let wanted = &wanted;
    let others = (0..requests).map(|at| (at, OTHERS[at % OTHERS.len()]));
    let trials = (0..requests).map(|at| (at, Disturbance::Expired)).chain(others);
    let trials = futures_util::stream::iter(trials).map(|(at, how)| async move {
        let trial = Trial::new(from, at, how).await;
        let well = trial.run(to).await;
        // What says that nothing was done is nothing that a run can't mend.
        assert!(well || !matches!(how, Disturbance::Expired | Disturbance::Unavailable), "{how:?} at request {at}");
        if !well {
            to.apply(trial.api()).await;
        }
        assert!(to.plan(trial.api()).await.is_empty(), "{how:?} at request {at}: planning again is not empty");
        assert_eq!(contents(trial.api()).await, *wanted, "{how:?} at request {at}");
    });
    trials.buffer_unordered(8).collect::<()>().await;
}

const OTHERS: [Disturbance; 4] = [Disturbance::Unavailable, Disturbance::Lost, Disturbance::Page, Disturbance::Half];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn births_of_which_any_request_is_disturbed() {
    disturbed_anywhere(None, &world(), 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_which_any_request_is_disturbed() {
    disturbed_anywhere(Some(&without_gates(world())), &without_gates(much_changed()), 40).await;
}
