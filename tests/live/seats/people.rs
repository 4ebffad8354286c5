//! People with browsers, in a realm that takes another one as its identity provider.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;

use crate::server::{connect, live};
use crate::support::browser::Browser;
use crate::tenants::Site;

/// Where both clients send users back to; nobody is there.
pub const CALLBACK: &str = "https://assistant.example/cb";
pub const VERIFIER: &str = "of-forty-three-characters-or-more-as-rfc-7636-has-it";
const PASSWORD: &str = "Correct-Horse-9";

pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

/// A network in which the clinic takes the realm of its distributor as identity provider, and has a second client.
pub fn site(name: &str, smtp: u16) -> Site {
    let site = Site::new(name);
    let (url, north, clinic) = (&live().url, &site.north, &site.clinic);
    let at = |realm: &str, path: &str| format!("{url}/realms/{realm}/protocol/openid-connect/{path}");
    let user = |name: &str, domain: &str, roles: &str| {
        format!(
            "{{username: {name}, email: {name}@{domain}.example, firstName: F, lastName: L, password: 'file:user.password'{roles}}}"
        )
    };
    let partner = json!({"clients": [{"clientId": "partner", "publicClient": false, "clientAuthenticatorType": "client-jwt",
        "redirectUris": [format!("{url}/realms/{clinic}/broker/north/endpoint")],
        "attributes": {"use.jwks.url": "true", "jwks.url": at(clinic, "certs"), "token.endpoint.auth.signing.alg": "ES256"}}]});
    let provider = json!({"alias": "north", "providerId": "oidc", "enabled": true, "trustEmail": true, "config": {
        "issuer": format!("{url}/realms/{north}"), "authorizationUrl": at(north, "auth"), "tokenUrl": at(north, "token"),
        "jwksUrl": at(north, "certs"), "useJwksUrl": "true", "validateSignature": "true", "clientId": "partner",
        "clientAuthMethod": "private_key_jwt", "clientAssertionSigningAlg": "ES256", "pkceEnabled": "true", "pkceMethod": "S256",
        "defaultScope": "openid profile email", "syncMode": "FORCE"}});
    // Keycloak takes a refusal for a wrong password, and two within a second lock a user out.
    let own = json!({"identityProviders": [provider], "bruteForceProtected": false,
        "smtpServer": {"host": "127.0.0.1", "port": smtp.to_string(), "from": "realm@clinic.example"},
        "clients": [{"clientId": "portal", "publicClient": true, "redirectUris": [CALLBACK],
            "defaultClientScopes": ["basic", "profile", "email", "roles"]}]});
    site.write(
        "north/north.yaml",
        &format!(
            "apiVersion: realmwright/v1\nkind: Distributor\nname: {north}\nrealm: {partner}\nusers: [{}]\norganizations:\n  - name: {clinic}\n    \
             realm: {own}\n    users: [{}, {}, {}]\n    licences:\n      - {{product: assistant, type: pro, serial: A-1, seats: 3, validUntil: 2999-12-31}}\n",
            user("guest", "north", ""),
            user("demo", "clinic", ", roles: [assistant/seat]"),
            user("bare", "clinic", ""),
            user("late", "clinic", ""),
        ),
    );
    site
}

/// Where somebody wants to go.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub realm: &'a str,
    pub client: &'a str,
    pub redirect: &'a str,
    pub scopes: &'a str,
    pub more: &'a str,
}

pub fn entry<'a>(realm: &'a str, client: &'a str) -> Entry<'a> {
    Entry { realm, client, redirect: CALLBACK, scopes: "openid", more: "" }
}

impl Entry<'_> {
    pub fn url(&self) -> String {
        let query = Serializer::new(String::new())
            .extend_pairs([("client_id", self.client), ("redirect_uri", self.redirect), ("response_type", "code")])
            .extend_pairs([("code_challenge_method", "S256"), ("code_challenge", &challenge())])
            .finish();
        let path = format!("realms/{}/protocol/openid-connect/auth", self.realm);
        format!("{}/{path}?{query}&scope={}{}", live().url, self.scopes, self.more)
    }
}

/// Where somebody ended up.
pub enum Outcome {
    /// At the client, with a code.
    Code(String),
    /// At the client, with an error.
    Error(String),
    /// At a page of the realm.
    Page(u16, String),
}

impl fmt::Debug for Outcome {
    /// Of a page, what can be read on it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(_) => f.write_str("a code"),
            Self::Error(error) => write!(f, "the error {error}"),
            Self::Page(status, page) => {
                let body = page.split_once("<body").map_or(page.as_str(), |(_, body)| body);
                let texts = body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
                let words: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
                write!(f, "{status} {}", words.join(" "))
            }
        }
    }
}

impl Outcome {
    pub fn page(&self) -> &str {
        match self {
            Self::Page(_, page) => page,
            other => panic!("no page but {other:?}"),
        }
    }
}

/// Somebody with a password and a browser of their own.
pub struct Person {
    pub name: String,
    pub password: &'static str,
    pub browser: Browser,
}

impl Person {
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), password: PASSWORD, browser: Browser::new() }
    }

    pub async fn enters(&mut self, realm: &str, client: &str) -> Outcome {
        self.enters_by(&entry(realm, client)).await
    }

    /// Goes there, and logs in where asked to.
    pub async fn enters_by(&mut self, entry: &Entry<'_>) -> Outcome {
        let form = go(&mut self.browser, &entry.url(), entry.redirect).await;
        let fields = [("username", self.name.as_str()), ("password", self.password)];
        fill_in(&mut self.browser, form.page(), &fields, entry.redirect).await
    }

    /// The same where there may be nothing to log in with.
    pub async fn tries(&mut self, entry: &Entry<'_>) -> Outcome {
        match go(&mut self.browser, &entry.url(), entry.redirect).await {
            Outcome::Page(_, page) if page.contains("name=\"password\"") => self.gives_the_password(&page).await,
            other => other,
        }
    }

    pub async fn gives_the_password(&mut self, page: &str) -> Outcome {
        let fields = [("username", self.name.as_str()), ("password", self.password)];
        fill_in(&mut self.browser, page, &fields, CALLBACK).await
    }
}

/// Goes where it is sent, until that is the client or somebody shows a page.
pub async fn go(browser: &mut Browser, url: &str, client: &str) -> Outcome {
    let mut url = url::Url::parse(url).expect("a URL");
    for _ in 0..15 {
        let answer = browser.get(url.as_str()).await;
        let Some(next) = answer.header("location") else { return Outcome::Page(answer.status, answer.body) };
        url = url.join(&next).expect("a URL");
        if let Some(outcome) = at_client(&url, client) {
            return outcome;
        }
    }
    panic!("sent around: {url}");
}

fn at_client(url: &url::Url, client: &str) -> Option<Outcome> {
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let there = url.as_str().starts_with(client);
    let outcome = || value("code").map(Outcome::Code).or_else(|| value("error").map(Outcome::Error));
    there.then(outcome).flatten()
}

/// Sends the form of a page, and goes on from there.
pub async fn fill_in(browser: &mut Browser, page: &str, fields: &[(&str, &str)], client: &str) -> Outcome {
    let action = page.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    let action = action.unwrap_or_else(|| panic!("no form: {page}")).0.replace("&amp;", "&");
    let action = url::Url::parse(&live().url).and_then(|base| base.join(&action)).expect("a URL");
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let answer = browser.send("POST", action.as_str(), &[], Some(body)).await;
    let Some(next) = answer.header("location") else { return Outcome::Page(answer.status, answer.body) };
    let next = action.join(&next).expect("a URL");
    match at_client(&next, client) {
        Some(outcome) => outcome,
        None => go(browser, next.as_str(), client).await,
    }
}

/// The link of a page that leads to a path.
pub fn link(page: &str, path: &str) -> String {
    let mut links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let found = links.find(|link| link.contains(path)).unwrap_or_else(|| panic!("no link to {path}: {page}"));
    let base = url::Url::parse(&live().url).expect("a URL");
    base.join(&found.replace("&amp;", "&")).expect("a URL").into()
}

/// What a realm's token endpoint answers.
pub async fn token(realm: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/realms/{realm}/protocol/openid-connect/token", live().url);
    let answer = reqwest::Client::new().post(url).form(form).send().await.expect("answered");
    // A flow that refuses answers with a page, whoever asks.
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// The tokens that a client gets for a user who logs in.
pub async fn tokens_at(realm: &str, user: &str, client: &str) -> Value {
    tokens_of(realm, user, client, "openid").await
}

/// The same of these scopes.
pub async fn tokens_of(realm: &str, user: &str, client: &str, scopes: &str) -> Value {
    let mut person = Person::new(user);
    if user == "demo" {
        person.password = "Another-Horse-10";
    }
    let outcome = person.enters_by(&Entry { scopes, ..entry(realm, client) }).await;
    let Outcome::Code(code) = outcome else { panic!("no code but {outcome:?}") };
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(realm, &form).await.1
}

pub async fn users_id(realm: &str, user: &str) -> String {
    let users = connect().await.get(realm, &format!("users?username={user}&exact=true")).await;
    let users = users.expect("readable").expect("there");
    users[0]["id"].as_str().unwrap_or_else(|| panic!("no {user}: {users}")).to_owned()
}

/// Lets the product's client have offline tokens, which the shipped template does not.
pub async fn allow_offline_tokens(realm: &str) {
    let api = connect().await;
    let clients = api.get(realm, "clients?clientId=assistant").await.expect("readable").expect("there");
    let scopes = api.get(realm, "client-scopes").await.expect("readable").expect("there");
    let scope = scopes.as_array().expect("a list").iter().find(|scope| scope["name"] == "offline_access");
    let ids = [&clients[0]["id"], &scope.expect("there")["id"]].map(|id| id.as_str().expect("an id"));
    let path = format!("clients/{}/optional-client-scopes/{}", ids[0], ids[1]);
    api.put(realm, &path, None).await.expect("allowed");
}

/// What an administrator of the server shows.
pub async fn administrator() -> String {
    let (name, password) = &live().admin;
    let form = [("grant_type", "password"), ("client_id", "admin-cli"), ("username", name), ("password", password)];
    let (_, answer) = token("master", &form).await;
    format!("Bearer {}", answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")))
}

/// Switches a realm, which its own provisioner can't switch on again.
pub async fn enable(realm: &str, on: bool) {
    let request = reqwest::Client::new().put(format!("{}/admin/realms/{realm}", live().url));
    let request = request.header("authorization", administrator().await).json(&json!({"enabled": on}));
    assert_eq!(request.send().await.expect("answered").status(), 204);
}
