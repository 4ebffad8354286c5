//! The floor: a bare loop that sends the requests of a row, with the same bodies, by the same kind of lanes and tokens, as
//! many at a time as it is told, and does nothing else. It reads no answer but for what the next request needs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use realmwright::keycloak::key::{ASSERTION_TYPE, OperatorKey};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::report::Spell;

/// Births after which a lane is replaced: as the tool does it.
const BIRTHS: usize = 25;

pub struct Floor {
    http: reqwest::Client,
    base: String,
    key: OperatorKey,
    lane: Mutex<Lane>,
    requests: AtomicUsize,
}

/// How long a lane's token is used, of the minute that it lasts.
const TOKEN_LASTS: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Lane {
    name: String,
    token: String,
    /// When it was taken.
    taken: Option<Instant>,
    births: usize,
    /// The ids of all that were made.
    made: Vec<String>,
}

impl Floor {
    pub fn new(base: &str, key: OperatorKey) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, base: base.into(), key, lane: Mutex::default(), requests: AtomicUsize::new(0) }
    }

    /// Does something with each, so many at a time.
    pub async fn each<T>(&self, lanes: usize, over: &[T], work: impl AsyncFn(&Self, &T)) -> Spell {
        self.requests.store(0, Ordering::Relaxed);
        let began = Instant::now();
        let work = &work;
        let runs = over.iter().map(|one| async move {
            let began = Instant::now();
            work(self, one).await;
            began.elapsed()
        });
        let each: Vec<Duration> = futures_util::stream::iter(runs).buffer_unordered(lanes).collect().await;
        Spell { took: began.elapsed(), each, requests: self.requests.load(Ordering::Relaxed), ..Spell::default() }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Option<String>, Vec<u8>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let location =
            answer.headers().get("location").and_then(|at| Some(at.to_str().ok()?.rsplit('/').next()?.into()));
        (status, location, answer.bytes().await.unwrap().to_vec())
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> (Option<String>, Vec<u8>) {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let (status, location, answer) = self.send(request).await;
        assert!(status < 300, "{path}: {status} {}", String::from_utf8_lossy(&answer));
        (location, answer)
    }

    pub async fn token(&self, realm: &str, client: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let issuer = format!("{}/realms/{realm}", self.base);
        let assertion = self.key.assertion(client, &issuer, now).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        let request = self.http.post(format!("{issuer}/protocol/openid-connect/token")).form(&form);
        let (status, _, answer) = self.send(request).await;
        assert_eq!(status, 200, "{realm}: {}", String::from_utf8_lossy(&answer));
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["access_token"].as_str().unwrap().into()
    }

    /// The token of a lane for one birth.
    async fn lane(&self) -> String {
        let mut lane = self.lane.lock().await;
        if lane.births % BIRTHS == 0 {
            let bootstrap = self.token("master", "realmwright").await;
            let name = format!("realmwright-lane-{}", uuid::Uuid::now_v7().simple());
            let client = json!({
                "clientId": name, "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": false,
                "clientAuthenticatorType": "client-jwt", "fullScopeAllowed": true,
                "defaultClientScopes": [], "optionalClientScopes": [],
                "attributes": {
                    "use.jwks.string": "true", "jwks.string": self.key.jwks(), "token.endpoint.auth.signing.alg": "ES256",
                },
            });
            let (id, _) = self.call(Method::POST, "/admin/realms/master/clients", &bootstrap, Some(&client)).await;
            let id = id.unwrap();
            let path = format!("/admin/realms/master/clients/{id}/service-account-user");
            let user: Value = serde_json::from_slice(&self.call(Method::GET, &path, &bootstrap, None).await.1).unwrap();
            let path = "/admin/realms/master/groups?search=realmwright-lanes&exact=true";
            let groups: Value =
                serde_json::from_slice(&self.call(Method::GET, path, &bootstrap, None).await.1).unwrap();
            let (user, group) = (user["id"].as_str().unwrap(), groups[0]["id"].as_str().unwrap());
            let path = format!("/admin/realms/master/users/{user}/groups/{group}");
            self.call(Method::PUT, &path, &bootstrap, None).await;
            lane.made.push(id);
            (lane.name, lane.taken) = (name, None);
        }
        if lane.taken.is_none_or(|taken| taken.elapsed() > TOKEN_LASTS) {
            lane.token = self.token("master", &lane.name).await;
            lane.taken = Some(Instant::now());
        }
        lane.births += 1;
        lane.token.clone()
    }

    pub async fn birth(&self, body: &Value) {
        let token = self.lane().await;
        self.call(Method::POST, "/admin/realms", &token, Some(body)).await;
    }

    /// Removes the lanes, but for those that the tool took for leftovers and removed.
    pub async fn finish(&self) {
        let lane = std::mem::take(&mut *self.lane.lock().await);
        let bootstrap = self.token("master", "realmwright").await;
        for id in lane.made {
            let url = format!("{}/admin/realms/master/clients/{id}", self.base);
            let (status, ..) = self.send(self.http.delete(url).bearer_auth(&bootstrap)).await;
            assert!(matches!(status, 204 | 404), "{id}: {status}");
        }
    }
}

/// The path of a realm's own.
pub fn of(realm: &str, rest: &str) -> String {
    format!("/admin/realms/{realm}{rest}")
}
