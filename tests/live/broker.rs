//! The token broker, in front of a real Keycloak.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use realmwright::expand::BROKER;
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::observer::pair;
use crate::server::{connect, live, runtime};
use crate::support::browser::{Answer, Browser};
use crate::tenants::{Site, on_server};

pub fn platform(broker: &str) -> String {
    crate::support::PLATFORM.replace("{test: {}}", &format!("\n  test:\n{broker}"))
}

/// What the token endpoint says to a code that it never gave, asked by the broker's client with this key.
async fn asks(realm: &str, key: &OperatorKey) -> String {
    let issuer = format!("{}/realms/{realm}", live().url);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let assertion = key.assertion(BROKER, &issuer, now).expect("signed");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "never-given"),
        ("redirect_uri", "http://localhost:9000/"),
        ("client_id", BROKER),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    let request = reqwest::Client::new().post(format!("{issuer}/protocol/openid-connect/token")).form(&form);
    let answer: serde_json::Value = request.send().await.expect("sent").json().await.expect("JSON");
    answer["error"].as_str().expect("an error").to_owned()
}

#[test]
fn realms_get_a_client_that_takes_the_brokers_key_and_no_other() {
    let site = Site::new("brk");
    site.apply();
    site.write("platform.yaml", &platform("    broker: {url: 'http://localhost:9000'}\n"));
    assert!(site.apply().contains(&format!("client/{BROKER}")), "a realm that is there gets it by an ordinary change");
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let operator = OperatorKey::from_pem(&live().pem).expect("a key");
    let key = operator.for_broker().expect("derived");
    assert_eq!(runtime().block_on(asks(&site.clinic, &key)), "invalid_grant", "it is known, and its code is not");
    assert_eq!(runtime().block_on(asks(&site.clinic, &operator)), "invalid_client");

    // An observer, who can't derive it, takes what was applied.
    let (observer, public) = pair();
    let block = |public: &str| public.lines().map(|line| format!("        {line}\n")).collect::<String>();
    let both = format!("    broker: {{url: 'http://localhost:9000'}}\n    observerKey: |\n{}", block(&public));
    site.write("platform.yaml", &platform(&both));
    site.apply();
    site.write("observer.pem", observer.expose_secret());
    site.expect(0, &["plan", "--detailed-exitcode", "--observer-key", "observer.pem"]);

    // One of its own; and realms that are born with it.
    let (own, public) = pair();
    let with_key = format!("    broker:\n      url: http://localhost:9000\n      key: |\n{}", block(&public));
    site.write("platform.yaml", &platform(&with_key));
    let second = site.clinic.clone() + "-two";
    site.edit("organizations:\n", &format!("organizations:\n  - name: {second}\n"));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let own = OperatorKey::from_pem(&own).expect("a key");
    for realm in [&site.clinic, &second] {
        assert_eq!(runtime().block_on(asks(realm, &own)), "invalid_grant", "{realm}");
        assert_eq!(runtime().block_on(asks(realm, &key)), "invalid_client", "{realm}");
    }
    on_server(async |api| api.delete(&second, "", None).await.expect("removed"));
    site.remove();
}

/// The program at work, on ports that were free.
pub struct Serving {
    child: Child,
    pub url: String,
    operations: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Serving {
    pub fn start(site: &Site, port: u16) -> Self {
        Self::with(site, port, &[])
    }

    /// The same with further options.
    pub fn with(site: &Site, port: u16, options: &[&str]) -> Self {
        let url = format!("http://127.0.0.1:{port}");
        let operations = format!("127.0.0.1:{}", free_port());
        let mut child = Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--operations", &operations])
            .args(options)
            .current_dir(site.dir.path())
            .env("REALMWRIGHT_SERVER", &live().url)
            .env("REALMWRIGHT_OPERATOR_KEY", &live().key_file)
            .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (kept, lines) = (log.clone(), BufReader::new(child.stderr.take().expect("a pipe")).lines());
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        let serving = Self { child, url, operations: format!("http://{operations}"), log };
        serving.wait(|log| log.iter().any(|line| line.starts_with("serving ")));
        serving
    }

    /// Waits until the log is so.
    pub fn wait(&self, is_so: impl Fn(&[String]) -> bool) {
        for _ in 0..200 {
            if is_so(&self.log.lock().unwrap()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{:?}", self.log.lock().unwrap());
    }

    /// Waits until it has said that this happened.
    pub fn says(&self, event: &str) {
        let event = format!(r#""event":"{event}""#);
        self.wait(|log| log.iter().any(|line| line.contains(&event)));
    }

    /// Stops it as an operator would, and gives what it said.
    pub fn stop(mut self) -> String {
        Command::new("kill").arg(self.child.id().to_string()).status().expect("told");
        assert!(self.child.wait().expect("it ends").success());
        self.wait(|log| log.last().is_some_and(|line| line == "stopped"));
        self.log.lock().unwrap().join("\n")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Goes where it is sent until somebody shows a page.
pub async fn follow(browser: &mut Browser, url: &str) -> (String, Answer) {
    let mut url = url::Url::parse(url).expect("a URL");
    for _ in 0..10 {
        let answer = browser.get(url.as_str()).await;
        let Some(next) = answer.header("location") else { return (url.into(), answer) };
        url = url.join(&next).expect("a URL");
    }
    panic!("sent around: {url}");
}

/// Fills in the login form of a realm, and goes on until somebody shows a page.
pub async fn log_in(browser: &mut Browser, entry: &str, user: &str, password: &str) -> (String, Answer) {
    let (_, form) = follow(browser, entry).await;
    let action = form.body.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    let action = action.unwrap_or_else(|| panic!("no form: {}", form.body)).0.replace("&amp;", "&");
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("username", user), ("password", password)])
        .finish();
    let answer = browser.send("POST", &action, &[], Some(body)).await;
    match answer.header("location") {
        Some(next) => follow(browser, &next).await,
        None => (action, answer),
    }
}

async fn is_in(browser: &mut Browser, serving: &Serving) -> bool {
    browser.get(&format!("{}/auth", serving.url)).await.status == 200
}

#[test]
fn users_log_in_at_their_tenant_and_out_again() {
    const PASSWORD: &str = "Correct-Horse-9";
    let site = Site::new("brl");
    let port = free_port();
    site.write("platform.yaml", &platform(&format!("    broker: {{url: 'http://127.0.0.1:{port}'}}\n")));
    site.edit("    label: Clinic\n", "    label: Clinic\n    realm: {accessTokenLifespan: 4}\n");
    site.apply();
    let serving = Serving::start(&site, port);
    let entry = format!("{}/t/{}?back=/reports", serving.url, site.clinic);
    let in_realm = async |work: &str, body: Value| {
        let api = connect().await;
        let users = api.get(&site.clinic, "users?username=demo&exact=true").await.expect("answered").expect("a list");
        let path = format!("users/{}", users[0]["id"].as_str().expect("an id"));
        match work {
            "logout" => drop(api.post(&site.clinic, &format!("{path}/logout"), &body).await.expect("logged out")),
            _ => {
                let mut user = users[0].clone();
                user["enabled"] = body;
                api.put(&site.clinic, &path, Some(&user)).await.expect("written");
            }
        }
    };
    runtime().block_on(async {
        let mut browser = Browser::new();
        assert!(!is_in(&mut browser, &serving).await);
        let place = async |tenant: &str| Browser::new().get(&format!("{}/t/{tenant}/login.json", serving.url)).await;
        let (known, unknown) = (place(&site.clinic).await, place("nobody").await);
        assert_eq!((known.status, &known.body), (404, &unknown.body), "terminals are not let in");
        let (wrong, answer) = log_in(&mut browser.clone(), &entry, "demo", "wrong").await;
        assert!(wrong.starts_with(&live().url) && answer.status == 200, "{wrong}");
        let (landed, _) = log_in(&mut browser, &entry, "demo", PASSWORD).await;
        assert_eq!(landed, format!("{}/reports", serving.url));

        // Applications are told who it is, at this tenant and no other.
        let seen = browser.get(&format!("{}/auth?tenant={}", serving.url, site.clinic)).await;
        assert_eq!(seen.status, 200);
        let issuer = format!("{}/realms/{}", live().url, site.clinic);
        for (name, value) in [
            ("x-auth-tenant", site.clinic.as_str()),
            ("x-auth-issuer", &issuer),
            ("x-auth-user", "demo"),
            ("x-auth-name", "D E"),
            ("x-auth-email", "demo@clinic.example"),
            ("x-auth-seats", "assistant"),
        ] {
            assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
        }
        assert!(seen.header("x-auth-subject").is_some_and(|subject| subject.len() == 36));
        assert_eq!(browser.get(&format!("{}/auth?tenant={}", serving.url, site.north)).await.status, 401);
        let (elsewhere, form) = follow(&mut browser.clone(), &format!("{}/t/{}", serving.url, site.north)).await;
        assert!(elsewhere.starts_with(&format!("{}/realms/{}/", live().url, site.north)), "{elsewhere}");
        assert!(form.body.contains("name=\"password\""), "another realm knows nobody yet");

        // Tokens are got anew when they end.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(is_in(&mut browser, &serving).await);
        serving.says("refreshed");

        // A seat that is taken away is seen when they do.
        for (product, status) in [("assistant", 200), ("insights", 403)] {
            assert_eq!(browser.get(&format!("{}/auth?seat={product}", serving.url)).await.status, status);
        }
        let api = connect().await;
        let read = async |path: &str| api.get(&site.clinic, path).await.expect("readable").expect("there");
        let user = read("users?username=demo&exact=true").await[0]["id"].clone();
        let client = read("clients?clientId=assistant").await[0]["id"].clone();
        let client = client.as_str().expect("an id");
        let role = read(&format!("clients/{client}/roles/seat")).await;
        let path = format!("users/{}/role-mappings/clients/{client}", user.as_str().expect("an id"));
        api.delete(&site.clinic, &path, Some(&json!([role]))).await.expect("taken");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(browser.get(&format!("{}/auth?seat=assistant", serving.url)).await.status, 403);
        assert!(is_in(&mut browser, &serving).await);

        // Out, here and at the realm.
        let mut copy = browser.clone();
        let origin = [("origin", serving.url.as_str())];
        let sent = browser.send("POST", &format!("{}/logout", serving.url), &origin, None).await.location();
        let (landed, page) = follow(&mut browser, &sent).await;
        assert!(landed.starts_with(&format!("{}/t/{}/signed-out", serving.url, site.clinic)), "{landed}");
        assert_eq!(page.status, 200);
        assert!(!is_in(&mut copy, &serving).await);
        let (form, page) = follow(&mut browser, &entry).await;
        assert!(
            form.starts_with(&live().url) && page.body.contains("name=\"password\""),
            "the realm asks again: {form}"
        );

        // Because the realm says so.
        let (landed, _) = log_in(&mut browser, &entry, "demo", PASSWORD).await;
        assert_eq!(landed, format!("{}/reports", serving.url));
        in_realm("logout", json!({})).await;
        serving.wait(|log| log.iter().any(|line| line.contains(r#""sessions":1"#)));
        assert!(!is_in(&mut browser, &serving).await);

        // Because the user was disabled.
        let mut browser = Browser::new();
        log_in(&mut browser, &entry, "demo", PASSWORD).await;
        assert!(is_in(&mut browser, &serving).await);
        in_realm("enabled", json!(false)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!is_in(&mut browser, &serving).await);
        serving.says("refresh_refused");

        let mut operator = Browser::new();
        assert_eq!(operator.get(&format!("{}/readyz", serving.operations)).await.status, 200);
        let numbers = operator.get(&format!("{}/metrics", serving.operations)).await.body;
        assert!(numbers.contains("realmwright_broker_sessions 0"), "{numbers}");
    });
    let said = serving.stop();
    for secret in ["demo", "clinic.example", "eyJ", PASSWORD] {
        let found = said.replace(&site.clinic, "CLINIC").contains(secret);
        assert!(!found, "{secret} is in the log:\n{said}");
    }
    site.remove();
}
