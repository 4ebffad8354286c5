//! The token broker under load, beside its floor: what a session check costs in times of a bare handler that answers the same
//! bytes, how many logins a core carries, what a hundred thousand sessions weigh, what a cold tenant costs its realm, and what
//! a thousand tenants weigh, cold, warm, and after each has other keys.
//!
//! `make bench` runs it. The broker is a process of its own with one thread for requests, whose processor time and memory are
//! read from `/proc`; the realms are a stub in this one. `BENCH_SESSIONS=10000` makes fewer sessions.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Json;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use realmwright::broker::{Broker, Place, Rates, SealKey, Served, Setup, router};
use realmwright::expand::BROKER;
use realmwright::keycloak::key::OperatorKey;
use realmwright::login::address::Addresses;
use realmwright::login::proxy::Proxies;
use realmwright::login::session::Limits;
use realmwright::login::tenant::{Directory, Tenant};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How many run at the same time.
const CLIENTS: usize = 8;
/// How long one measurement goes on.
const SPELL: Duration = Duration::from_secs(4);
/// How many tenants the broker serves.
const TENANTS: usize = 1000;
/// Clock ticks of `/proc` in a second.
const TICKS: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("broker") => child(&arguments[2], None),
        Some("bare") => child("", Some(&arguments[2])),
        _ => parent(),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

// The processes that are measured.

/// Serves the broker, or a handler that answers with these headers, on a thread of its own, and says where.
fn child(stub: &str, headers: Option<&str>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = match headers {
            Some(headers) => bare(headers),
            None => broker(stub, port).await,
        };
        println!("{port}");
        axum::serve(listener, service.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
}

fn bare(headers: &str) -> Router {
    let headers: Vec<(String, String)> = serde_json::from_str(headers).unwrap();
    let header =
        |(name, value): (String, String)| (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    let headers: HeaderMap = headers.into_iter().map(header).collect();
    Router::new().route("/auth", get(move || async move { headers.clone() }))
}

async fn broker(stub: &str, port: u16) -> Router {
    let tenant = |number: usize| {
        let name = format!("t{number}");
        Tenant { issuer: format!("{stub}/realms/{name}"), label: name.clone(), name, ..Tenant::default() }
    };
    let addresses = Addresses::new(&format!("http://localhost:{port}"), None).unwrap();
    let key = OperatorKey::from_pem(&OperatorKey::generate().unwrap()).unwrap();
    let setup = Setup {
        served: Served::new(Directory::new(addresses, (0..TENANTS).map(tenant)), BTreeSet::new(), false),
        proxies: Proxies::default(),
        limits: Limits { refresh: 36_000, ..Limits::default() },
        rates: Rates { tenant: u32::MAX.try_into().unwrap(), ..Rates::default() },
        dns: None,
        seals: vec![SealKey::derived(&key).unwrap()],
        key,
        place: Place::Own,
        log: Box::new(|_| {}),
    };
    router(Arc::new(Broker::new(setup).await.unwrap()))
}

/// A process that is measured.
struct Measured {
    process: Child,
    port: u16,
}

impl Measured {
    fn start(arguments: &[&str]) -> Self {
        let mut process =
            Command::new(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { process, port: line.trim().parse().unwrap() }
    }

    /// Seconds of processor time of all its threads.
    fn processor(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS
    }

    /// Megabytes that are resident.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

// The realms.

struct Stub {
    url: String,
    /// The keys of a realm before and after it gets other ones; realms share them by their number.
    keys: Vec<[Signer; 2]>,
    /// Which of the two is theirs now.
    rotated: AtomicUsize,
    discoveries: AtomicUsize,
    fetches: AtomicUsize,
}

/// A key of a realm.
struct Signer {
    key: OperatorKey,
    pem: EncodingKey,
}

impl Signer {
    fn new() -> Self {
        let pem = OperatorKey::generate().unwrap();
        Self {
            key: OperatorKey::from_pem(&pem).unwrap(),
            pem: EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).unwrap(),
        }
    }
}

impl Stub {
    /// The key of a realm now.
    fn signer(&self, realm: &str) -> &Signer {
        let number: usize = realm.trim_start_matches('t').parse().unwrap();
        &self.keys[number % TENANTS][self.rotated.load(Ordering::Relaxed)]
    }

    fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let stub = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            keys: (0..TENANTS).map(|_| [Signer::new(), Signer::new()]).collect(),
            rotated: AtomicUsize::default(),
            discoveries: AtomicUsize::default(),
            fetches: AtomicUsize::default(),
        });
        let own = stub.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let realm = "/realms/{realm}";
                let router = Router::new()
                    .route(&format!("{realm}/.well-known/openid-configuration"), get(discovery))
                    .route(&format!("{realm}/certs"), get(certs))
                    .route(&format!("{realm}/token"), post(token))
                    .with_state(own);
                axum::serve(listener, router).await.unwrap();
            });
        });
        stub
    }
}

async fn discovery(
    State(stub): State<Arc<Stub>>,
    axum::extract::Path(realm): axum::extract::Path<String>,
) -> Json<Value> {
    stub.discoveries.fetch_add(1, Ordering::Relaxed);
    let issuer = format!("{}/realms/{realm}", stub.url);
    // As long as Keycloak's.
    let algorithms = [
        "PS384", "RS384", "EdDSA", "ES384", "HS256", "HS512", "ES256", "RS256", "HS384", "ES512", "PS256", "PS512",
        "RS512",
    ];
    let ciphers = ["A256GCM", "A192GCM", "A128GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"];
    let wraps = ["ECDH-ES+A256KW", "ECDH-ES+A192KW", "ECDH-ES+A128KW", "RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "ECDH-ES"];
    let authentications =
        ["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt"];
    Json(json!({
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "registration_endpoint": format!("{issuer}/register"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "device_authorization_endpoint": format!("{issuer}/device"),
        "grant_types_supported": ["authorization_code", "client_credentials", "implicit", "password", "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:uma-ticket", "urn:openid:params:grant-type:ciba"],
        "response_modes_supported": ["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt"],
        "acr_values_supported": ["0", "1"],
        "scopes_supported": ["openid", "address", "phone", "profile", "email", "offline_access", "roles", "organization", "acr"],
        "claims_supported": ["aud", "sub", "iss", "auth_time", "name", "given_name", "family_name", "preferred_username", "email", "acr"],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "userinfo_signing_alg_values_supported": algorithms,
        "userinfo_encryption_alg_values_supported": wraps,
        "userinfo_encryption_enc_values_supported": ciphers,
        "id_token_encryption_alg_values_supported": wraps,
        "id_token_encryption_enc_values_supported": ciphers,
        "request_object_signing_alg_values_supported": algorithms,
        "request_object_encryption_alg_values_supported": wraps,
        "request_object_encryption_enc_values_supported": ciphers,
        "token_endpoint_auth_methods_supported": authentications,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/certs"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn certs(State(stub): State<Arc<Stub>>, axum::extract::Path(realm): axum::extract::Path<String>) -> Json<Value> {
    stub.fetches.fetch_add(1, Ordering::Relaxed);
    Json(serde_json::from_str(stub.signer(&realm).key.jwks()).unwrap())
}

/// Gives tokens of the length of Keycloak's for a code that is the nonce.
async fn token(
    State(stub): State<Arc<Stub>>,
    axum::extract::Path(realm): axum::extract::Path<String>,
    Form(form): Form<Vec<(String, String)>>,
) -> Json<Value> {
    let nonce = form.iter().find(|(name, _)| name == "code").map(|(_, code)| code.clone()).unwrap();
    let Signer { key, pem } = stub.signer(&realm);
    let jwks: Value = serde_json::from_str(key.jwks()).unwrap();
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": jwks["keys"][0]["kid"]});
    let claims = json!({
        "iss": format!("{}/realms/{realm}", stub.url), "aud": BROKER, "azp": BROKER, "typ": "ID", "sub": nonce,
        "iat": now(), "exp": now() + 300, "auth_time": now(), "jti": nonce, "nonce": nonce, "sid": nonce,
        "at_hash": URL_SAFE_NO_PAD.encode(&Sha256::digest("a".repeat(900))[..16]), "acr": "1", "preferred_username": "jo", "name": "Jo Doe",
        "email": "jo@example.org", "email_verified": true,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), pem, Algorithm::ES256).unwrap();
    Json(json!({
        "access_token": "a".repeat(900), "refresh_token": "r".repeat(800), "id_token": format!("{signed}.{signature}"),
        "token_type": "Bearer", "expires_in": 36_000,
    }))
}

// Those who ask.

/// A connection that is kept.
struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), host: format!("localhost:{port}") }
    }

    /// The status, and the headers of an answer.
    fn get(&mut self, path: &str, cookie: &str) -> (u16, Vec<(String, String)>) {
        let host = &self.host;
        let cookie = if cookie.is_empty() { String::new() } else { format!("cookie: {cookie}\r\n") };
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{cookie}\r\n");
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            let value = value.trim_start();
            if name == "content-length" {
                length = value.parse().unwrap();
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status, headers)
    }

    /// A whole login; gives the cookie of the session.
    fn login(&mut self, tenant: &str, stub: &Stub) -> String {
        let (status, begun) = self.get(&format!("/t/{tenant}"), "");
        assert_eq!(status, 303);
        let sent = url::Url::parse(header(&begun, "location")).unwrap();
        let asked = |name: &str| sent.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        let issuer: String =
            url::form_urlencoded::byte_serialize(format!("{}/realms/{tenant}", stub.url).as_bytes()).collect();
        let path = format!("/t/{tenant}/callback?code={}&state={}&iss={issuer}", asked("nonce"), asked("state"));
        let login = header(&begun, "set-cookie").split(';').next().unwrap().to_owned();
        let (status, ended) = self.get(&path, &login);
        assert_eq!(status, 303, "{ended:?}");
        let set = ended.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str());
        set.filter_map(|value| value.split(';').next()).find(|value| value.contains("session")).unwrap().to_owned()
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    &headers.iter().find(|(known, _)| known == name).unwrap().1
}

/// What came of a spell: how many a second, how many a second of processor time, and the 99th part in a hundred of the latencies.
struct Figures {
    rate: f64,
    per_core: f64,
    p99: Duration,
}

/// Has so many clients do something again and again.
fn spell(measured: &Measured, clients: usize, ask: impl Fn(&mut Connection) + Sync) -> Figures {
    let (began, before) = (Instant::now(), measured.processor());
    let latencies: Vec<Duration> = std::thread::scope(|scope| {
        let client = || {
            let mut connection = Connection::to(measured.port);
            let mut own = Vec::new();
            while began.elapsed() < SPELL {
                let at = Instant::now();
                ask(&mut connection);
                own.push(at.elapsed());
            }
            own
        };
        let all: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    let (took, used, count) = (began.elapsed(), measured.processor() - before, latencies.len() as f64);
    let mut sorted = latencies;
    sorted.sort();
    Figures { rate: count / took.as_secs_f64(), per_core: count / used, p99: sorted[sorted.len() * 99 / 100] }
}

fn parent() {
    let stub = Stub::start();
    let broker = Measured::start(&["broker", &stub.url]);
    let mut rows = Vec::new();

    // A cold tenant, with many at the same time.
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| Connection::to(broker.port).login("t0", &stub));
        }
    });
    let (discoveries, fetches) = (stub.discoveries.load(Ordering::Relaxed), stub.fetches.load(Ordering::Relaxed));
    println!("cold tenant, 64 logins at the same time   {discoveries} discovery, {fetches} fetch of keys");
    rows.push(json!({"row": "cold tenant", "logins": 64, "discoveries": discoveries, "key_fetches": fetches}));

    let cookie = Connection::to(broker.port).login("t0", &stub);
    let (status, headers) = Connection::to(broker.port).get("/auth", &cookie);
    assert_eq!(status, 200);
    let headers: Vec<_> = headers.into_iter().filter(|(name, _)| name != "date" && name != "content-length").collect();
    let bare = Measured::start(&["bare", &serde_json::to_string(&headers).unwrap()]);
    let ask = |connection: &mut Connection| assert_eq!(connection.get("/auth", &cookie).0, 200);
    let (mut own, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        own.push(spell(&broker, CLIENTS, ask));
        floor.push(spell(&bare, CLIENTS, ask));
    }
    let best = |all: &[Figures]| all.iter().map(|figures| figures.per_core).fold(0.0, f64::max);
    let (checks, answers) = (best(&own), best(&floor));
    println!(
        "session check   {:.0}/s, {checks:.0} to a second of one core; {:.2} times the cost of a bare handler ({answers:.0})",
        own[0].rate,
        answers / checks
    );
    rows.push(
        json!({"row": "session check", "per_core": checks, "floor_per_core": answers, "cost_ratio": answers / checks}),
    );
    let (quiet, quiet_floor) = (spell(&broker, 1, ask), spell(&bare, 1, ask));
    let added = quiet.p99.as_secs_f64() * 1e3 - quiet_floor.p99.as_secs_f64() * 1e3;
    println!(
        "session check, one at a time   p99 {:.2} ms, {added:.2} ms more than the bare handler",
        quiet.p99.as_secs_f64() * 1e3
    );
    rows.push(json!({"row": "added p99", "p99_ms": quiet.p99.as_secs_f64() * 1e3, "added_p99_ms": added}));

    let logins = spell(&broker, CLIENTS, |connection| drop(connection.login("t1", &stub)));
    println!("login   {:.0}/s, {:.0} to a second of one core", logins.rate, logins.per_core);
    rows.push(json!({"row": "login", "rate": logins.rate, "per_core": logins.per_core}));

    // In a process that has done nothing else.
    drop(broker);
    let broker = Measured::start(&["broker", &stub.url]);
    Connection::to(broker.port).login("t0", &stub);
    let (empty, wanted) =
        (broker.memory(), std::env::var("BENCH_SESSIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut connection = Connection::to(broker.port);
                while next.fetch_add(1, Ordering::Relaxed) < wanted {
                    connection.login("t0", &stub);
                }
            });
        }
    });
    let full = broker.memory();
    println!("{wanted} sessions   {full:.0} MB resident, {:.0} MB before the first", empty);
    rows.push(json!({"row": "memory", "sessions": wanted, "rss_mb": full, "empty_rss_mb": empty}));

    drop(broker);
    rows.extend(thousand(&stub));

    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&directory).unwrap();
    let mut text = String::new();
    writeln!(text, "{}", serde_json::to_string_pretty(&rows).unwrap()).unwrap();
    std::fs::write(directory.join("broker.json"), text).unwrap();
}

/// A broker that has done nothing else logs somebody in at each of a thousand tenants: the first, the next, and the first after
/// the tenant's realm has other keys.
fn thousand(stub: &Stub) -> Vec<Value> {
    let broker = Measured::start(&["broker", &stub.url]);
    let mut rows = Vec::new();
    let before = broker.memory();
    for (what, rotated) in [("cold", 0), ("warm", 0), ("after another key", 1)] {
        stub.rotated.store(rotated, Ordering::Relaxed);
        let fetched = stub.fetches.load(Ordering::Relaxed);
        let mut latencies: Vec<f64> = Vec::new();
        let mut connection = Connection::to(broker.port);
        for number in 0..TENANTS {
            let at = Instant::now();
            connection.login(&format!("t{number}"), stub);
            latencies.push(at.elapsed().as_secs_f64() * 1e3);
        }
        latencies.sort_by(f64::total_cmp);
        let (p50, p99) = (latencies[TENANTS / 2], latencies[TENANTS * 99 / 100]);
        let (fetches, memory) = (stub.fetches.load(Ordering::Relaxed) - fetched, broker.memory());
        println!(
            "{TENANTS} tenants, a login at each, {what}   p50 {p50:.1} ms, p99 {p99:.1} ms, {fetches} fetches of keys, {memory:.0} MB resident, {before:.0} MB before the first"
        );
        rows.push(json!({
            "row": format!("thousand tenants {what}"), "tenants": TENANTS, "p50_ms": p50, "p99_ms": p99, "key_fetches": fetches,
            "rss_mb": memory, "empty_rss_mb": before,
        }));
    }
    rows
}
