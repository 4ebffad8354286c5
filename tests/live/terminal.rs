//! Logins at a terminal, by the program and a real Keycloak.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use realmwright::expand::TERMINAL;
use serde_json::Value;

use crate::broker::{Serving, follow, free_port, platform};
use crate::server::{live, runtime};
use crate::support::browser::{Answer, Browser};
use crate::tenants::Site;

const PASSWORD: &str = "Correct-Horse-9";

/// Lets users of a network log in at terminals.
pub fn let_in(site: &Site, port: u16) {
    let broker = format!("    broker: {{url: 'http://127.0.0.1:{port}', terminals: true, audiences: [assistant]}}\n");
    site.write("platform.yaml", &platform(&broker));
    site.apply();
}

fn site(name: &str, port: u16) -> Site {
    let site = Site::new(name);
    site.edit("    label: Clinic\n", "    label: Clinic\n    realm: {accessTokenLifespan: 4}\n");
    let_in(&site, port);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site
}

/// `realmwright login` at work, and the lines that it says.
struct Asking {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Asking {
    fn start(site: &Site, serving: &Serving, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(["login", &site.clinic, "--broker", &serving.url, "--state-dir", "state"])
            .args(more)
            .current_dir(site.dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        Self { child, lines: Box::new(lines) }
    }

    /// The address that somebody is to open.
    fn page(&mut self) -> String {
        let line = self.lines.find(|line| line.starts_with("open in ")).expect("an address");
        line.rsplit_once(' ').expect("an address").1.to_owned()
    }

    fn ends(mut self, code: i32) -> String {
        let rest = self.lines.collect::<Vec<_>>().join("\n");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(code), "{rest}");
        rest
    }
}

/// Sends the form of a page with these fields and its hidden ones, and goes on.
async fn submit(browser: &mut Browser, page: &Answer, fields: &[(&str, &str)]) -> (String, Answer) {
    let action = page.body.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    let action = action.unwrap_or_else(|| panic!("no form: {}", page.body)).0.replace("&amp;", "&");
    let action = url::Url::parse(&live().url).expect("a URL").join(&action).expect("a URL");
    let hidden = page.body.split("<input type=\"hidden\"").skip(1).filter_map(|input| {
        let value = |name: &str| Some(input.split_once(&format!("{name}=\""))?.1.split_once('"')?.0.to_owned());
        Some((value("name")?, value("value")?))
    });
    let own = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(hidden.chain(own)).finish();
    let answer = browser.send("POST", action.as_str(), &[], Some(body)).await;
    match answer.header("location") {
        Some(next) => follow(browser, action.join(&next).expect("a URL").as_str()).await,
        None => (action.into(), answer),
    }
}

/// What somebody does in a browser who was told an address: logs in, and allows it where they are asked. Gives where that led,
/// and the page that asked.
async fn allow(page: &str, answer: &str) -> (String, Answer, String) {
    let mut browser = Browser::new();
    let (_, form) = follow(&mut browser, page).await;
    let (url, next) = submit(&mut browser, &form, &[("username", "demo"), ("password", PASSWORD)]).await;
    let asked = next.body.clone();
    match asked.contains("name=\"accept\"") {
        true => {
            let (url, last) = submit(&mut browser, &next, &[(answer, "Yes")]).await;
            (url, last, asked)
        }
        false => (url, next, asked),
    }
}

/// Logs the user `demo` in by a code.
pub fn logs_in(site: &Site, serving: &Serving, more: &[&str]) -> String {
    let mut asking = Asking::start(site, serving, more);
    let page = asking.page();
    let (_, _, asked) = runtime().block_on(allow(&page, "accept"));
    assert!(asked.contains("Realmwright at a terminal"), "the page names the client: {asked}");
    asking.ends(0)
}

#[test]
fn a_terminal_logs_in_and_out_at_a_real_realm() {
    let port = free_port();
    let site = site("trm", port);
    let serving = Serving::start(&site, port);
    assert!(logs_in(&site, &serving, &["--audience", "assistant"]).contains("as demo"));
    let who = site.expect(0, &["whoami", "--state-dir", "state"]);
    assert!(who.contains("user     demo") && who.contains("e-mail   demo@clinic.example"), "{who}");
    let json: Value =
        serde_json::from_str(&site.expect(0, &["whoami", "--state-dir", "state", "--format", "json"])).expect("JSON");
    assert_eq!((&json["tenant"], json.to_string().contains("eyJ")), (&Value::from(&*site.clinic), false), "no token");
    // Each call has them got anew, for they end in four seconds.
    let tokens = [(); 2].map(|()| site.expect(0, &["whoami", "--token", "--state-dir", "state"]));
    assert_ne!(tokens[0], tokens[1]);
    runtime().block_on(async {
        let bearer = format!("Bearer {}", tokens[1].trim());
        let url = format!("{}/auth?audience=assistant&tenant={}", serving.url, site.clinic);
        let seen = Browser::new().send("GET", &url, &[("authorization", &bearer)], None).await;
        assert_eq!((seen.status, seen.header("x-auth-tenant").as_deref()), (200, Some(site.clinic.as_str())));
    });
    let kept = std::fs::read_dir(site.dir.path().join("state")).expect("there");
    let kept = kept.map(|file| file.unwrap().path()).find(|path| path.extension().is_some_and(|e| e == "json"));
    let copy = std::fs::read_to_string(kept.as_ref().expect("a login")).expect("readable");
    site.expect(0, &["logout", &site.clinic, "--state-dir", "state"]);
    let nobody = site.run(&["whoami", "--state-dir", "state"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody is logged in"));
    // A copy of the file is worth nothing any more.
    let refresh = serde_json::from_str::<Value>(&copy).expect("JSON")["refresh"].as_str().expect("a token").to_owned();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let (status, said) = runtime().block_on(asks(&site.clinic, &form));
    assert_eq!((status, &said["error"]), (400, &Value::from("invalid_grant")));

    // By a browser on this machine.
    let mut asking = Asking::start(&site, &serving, &["--loopback"]);
    let page = asking.page();
    let (landed, last, _) = runtime().block_on(allow(&page, "accept"));
    assert!(landed.starts_with("http://127.0.0.1:") && landed.contains("/callback?"), "{landed}");
    assert_eq!(last.status, 200, "{}", last.body);
    asking.ends(0);
    site.expect(0, &["logout", "--state-dir", "state"]);

    // Somebody says no; somebody stops waiting.
    let mut asking = Asking::start(&site, &serving, &[]);
    let page = asking.page();
    runtime().block_on(allow(&page, "cancel"));
    assert!(asking.ends(1).contains("not allowed"));
    let mut asking = Asking::start(&site, &serving, &[]);
    asking.page();
    Command::new("kill").args(["-INT", &asking.child.id().to_string()]).status().expect("told");
    assert!(asking.ends(130).contains("nobody was logged in"));
    assert_eq!(site.run(&["whoami", "--state-dir", "state"]).status.code(), Some(1));
    let unknown = site.run(&["login", "nobody", "--broker", &serving.url, "--state-dir", "state"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(!serving.stop().contains("eyJ"));
    site.remove();
}

/// What a realm says to a terminal.
async fn asks(realm: &str, form: &[(&str, &str)]) -> (u16, Value) {
    told(&format!("{}/realms/{realm}/protocol/openid-connect/token", live().url), form).await
}

async fn told(url: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let form: Vec<(&str, &str)> = form.iter().copied().chain([("client_id", TERMINAL)]).collect();
    let answer = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[test]
fn attack_40_codes_at_a_real_realm() {
    let site = site("trx", free_port());
    let device = |realm: &str| format!("{}/realms/{realm}/protocol/openid-connect/auth/device", live().url);
    // The challenge of this verifier (RFC 7636, appendix B).
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let pkce = [("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("code_challenge_method", "S256")];
    runtime().block_on(async {
        let (status, said) = told(&device(&site.clinic), &[("scope", "openid")]).await;
        assert_eq!(status, 400, "a code that is tied to nobody: {said}");
        let (status, begun) = told(&device(&site.clinic), &pkce).await;
        assert_eq!(status, 200, "{begun}");
        let code = begun["device_code"].as_str().expect("a code");
        let poll = async |realm: &str, verifier: &str| {
            let grant = "urn:ietf:params:oauth:grant-type:device_code";
            let form = [("grant_type", grant), ("device_code", code), ("code_verifier", verifier)];
            asks(realm, &form).await.1["error"].as_str().unwrap_or("none").to_owned()
        };
        assert_eq!(poll(&site.clinic, verifier).await, "authorization_pending");
        assert_eq!(poll(&site.clinic, verifier).await, "slow_down", "asked too often");
        assert_eq!(poll(&site.north, verifier).await, "invalid_grant", "the code of another tenant");
        let page = begun["verification_uri_complete"].as_str().expect("an address");
        allow(page, "accept").await;
        tokio::time::sleep(std::time::Duration::from_secs(11)).await;
        assert_eq!(poll(&site.clinic, "another-verifier-another-verifier-another-v").await, "invalid_grant");
    });
    site.remove();
}
