//! A hostile provider: an OpenID provider with as many realms as anybody asks for, that can be told to misbehave in each
//! way. Left alone, it does what Keycloak does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use realmwright::expand::{BROKER, TERMINAL};
use realmwright::keycloak::key::OperatorKey;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Twist<T> = Option<Box<dyn Fn(&mut T) + Send>>;
type Raw = Box<dyn Fn(&str) -> Option<Response> + Send>;

/// What it does otherwise than a good one.
#[derive(Default)]
pub struct Twists {
    pub metadata: Twist<Value>,
    pub keys: Twist<Value>,
    /// Parameters of the answer that the browser takes back.
    pub answer: Twist<Vec<(String, String)>>,
    pub header: Twist<Value>,
    pub claims: Twist<Value>,
    /// The ID token when it is signed.
    pub token: Twist<String>,
    /// The answer to a code.
    pub given: Twist<Value>,
    /// The answer to a device that asks for a code.
    pub device: Twist<Value>,
    /// What a device that asks again is refused with, by how often it did.
    pub poll: Option<Box<dyn Fn(usize) -> Option<&'static str> + Send>>,
    /// The answer to a request that is pushed; a null is a refusal.
    pub pushed: Twist<Value>,
    /// What a token says that another was exchanged for.
    pub exchanged: Twist<Value>,
    /// The answer to an exchange; a null is a refusal.
    pub exchange: Twist<Value>,
    /// The answer to a refresh; a null is a refusal.
    pub refreshed: Twist<Value>,
    /// Whether its token endpoint is out of order.
    pub down: bool,
    /// What an endpoint answers in place of all else, by its name: `discovery`, `certs`, `par`, `token`.
    pub raw: Option<Raw>,
}

struct Granted {
    realm: String,
    client: String,
    nonce: String,
    challenge: String,
    redirect: String,
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, SecretString>,
    codes: BTreeMap<String, Granted>,
    /// Refresh tokens that are good, and the realm of each.
    refresh: BTreeMap<String, String>,
    /// The same of access tokens.
    access: BTreeMap<String, String>,
    /// What was pushed, by the name that it was given.
    pushed: BTreeMap<String, BTreeMap<String, String>>,
    /// What was pushed last.
    last_pushed: BTreeMap<String, String>,
    /// What the last exchange asked for.
    exchange: BTreeMap<String, String>,
    /// Codes of devices, and the challenge of each.
    devices: BTreeMap<String, (String, String)>,
    polls: Vec<Instant>,
    asked: BTreeMap<String, usize>,
    made: usize,
    twists: Twists,
    /// Seconds for which access tokens are good.
    lasts: u64,
}

#[derive(Clone)]
pub struct Hostile {
    pub url: String,
    known: Arc<Mutex<Known>>,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

impl Hostile {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let known = Known { lasts: 300, ..Known::default() };
        let own = Self { url, known: Arc::new(Mutex::new(known)) };
        let realm = "/realms/{realm}";
        let router = Router::new()
            .route(&format!("{realm}/.well-known/openid-configuration"), get(metadata))
            .route(&format!("{realm}/certs"), get(certs))
            .route(&format!("{realm}/auth"), get(authorize))
            .route(&format!("{realm}/par"), post(push))
            .route(&format!("{realm}/device"), post(device))
            .route(&format!("{realm}/revoke"), post(revoke))
            .route(&format!("{realm}/token"), post(token))
            .with_state(own.clone());
        tokio::spawn(
            async move { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await },
        );
        own
    }

    pub fn issuer(&self, realm: &str) -> String {
        format!("{}/realms/{realm}", self.url)
    }

    pub fn twist(&self, change: impl FnOnce(&mut Twists)) {
        change(&mut self.known.lock().unwrap().twists);
    }

    pub fn behave(&self) {
        self.known.lock().unwrap().twists = Twists::default();
    }

    /// What was pushed for the request of this address.
    pub fn pushed(&self, url: &str) -> BTreeMap<String, String> {
        let url = url::Url::parse(url).expect("a URL");
        let name = url.query_pairs().find(|(name, _)| name == "request_uri").expect("pushed").1.into_owned();
        self.known.lock().unwrap().pushed.get(&name).cloned().expect("known")
    }

    /// How often an endpoint was asked, e.g. `acme/token`.
    pub fn asked(&self, what: &str) -> usize {
        self.known.lock().unwrap().asked.get(what).copied().unwrap_or_default()
    }

    /// What was pushed last.
    pub fn last_pushed(&self) -> BTreeMap<String, String> {
        self.known.lock().unwrap().last_pushed.clone()
    }

    /// When devices asked.
    pub fn polls(&self) -> Vec<Instant> {
        self.known.lock().unwrap().polls.clone()
    }

    /// What the last exchange asked for.
    pub fn exchanged(&self) -> BTreeMap<String, String> {
        self.known.lock().unwrap().exchange.clone()
    }

    pub fn access_tokens_last(&self, seconds: u64) {
        self.known.lock().unwrap().lasts = seconds;
    }

    /// Another key in place of the realm's.
    pub fn rotate(&self, realm: &str) {
        self.known.lock().unwrap().keys.remove(realm);
    }

    /// Counts a request, and gives what it is answered with in place of all else.
    fn count(&self, realm: &str, what: &str) -> Option<Response> {
        let mut known = self.known.lock().unwrap();
        *known.asked.entry(format!("{realm}/{what}")).or_default() += 1;
        known.twists.raw.as_ref().and_then(|raw| raw(what))
    }

    fn pem(&self, realm: &str) -> SecretString {
        let mut known = self.known.lock().unwrap();
        known.keys.entry(realm.to_owned()).or_insert_with(|| OperatorKey::generate().expect("a key")).clone()
    }

    /// A realm's public key.
    pub fn public(&self, realm: &str) -> Value {
        let key = OperatorKey::from_pem(&self.pem(realm)).expect("a key");
        serde_json::from_str::<Value>(key.jwks()).expect("JSON")["keys"][0].clone()
    }

    /// A token with a realm's signature over whatever it says.
    pub fn sign(&self, realm: &str, header: &Value, claims: &Value) -> String {
        self.sign_text(realm, &header.to_string(), &claims.to_string())
    }

    /// The same over texts, which need not be JSON.
    pub fn sign_text(&self, realm: &str, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let key = EncodingKey::from_ec_pem(self.pem(realm).expose_secret().as_bytes()).expect("a key");
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::ES256).expect("signed");
        format!("{text}.{signature}")
    }

    pub fn header(&self, realm: &str) -> Value {
        json!({"alg": "ES256", "typ": "JWT", "kid": self.public(realm)["kid"]})
    }

    /// What a good logout token says.
    pub fn logout_claims(&self, realm: &str) -> Value {
        let made = {
            let mut known = self.known.lock().unwrap();
            known.made += 1;
            known.made
        };
        json!({
            "iss": self.issuer(realm), "aud": BROKER, "iat": now(), "exp": now() + 60, "jti": format!("logout-{made}"),
            "sub": format!("{realm}-user"), "sid": format!("{realm}-sid"), "typ": "Logout",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        })
    }

    fn id_claims(&self, realm: &str, client: &str, nonce: &str) -> Value {
        json!({
            "iss": self.issuer(realm), "aud": client, "azp": client, "iat": now(), "exp": now() + 300, "typ": "ID",
            "sub": format!("{realm}-user"), "sid": format!("{realm}-sid"), "nonce": nonce,
            "preferred_username": "jo", "name": "Jo Müller", "email": "jo@example.com", "email_verified": true,
            "resource_access": {"assistant": {"roles": ["reviewer", "seat"]}, "insights": {"roles": ["analyst"]}},
        })
    }

    fn tokens(&self, realm: &str, client: &str, nonce: &str) -> Value {
        let (mut header, mut claims) = (self.header(realm), self.id_claims(realm, client, nonce));
        let made = {
            let mut known = self.known.lock().unwrap();
            known.made += 1;
            known.made
        };
        let access = format!("access-{made}");
        claims["at_hash"] = URL_SAFE_NO_PAD.encode(&Sha256::digest(&access)[..16]).into();
        {
            let known = self.known.lock().unwrap();
            known.twists.header.iter().for_each(|twist| twist(&mut header));
            known.twists.claims.iter().for_each(|twist| twist(&mut claims));
        }
        let mut id = self.sign(realm, &header, &claims);
        let mut known = self.known.lock().unwrap();
        known.twists.token.iter().for_each(|twist| twist(&mut id));
        let refresh = format!("refresh-{made}");
        known.refresh.insert(refresh.clone(), realm.to_owned());
        known.access.insert(access.clone(), realm.to_owned());
        json!({
            "access_token": access, "token_type": "Bearer", "expires_in": known.lasts,
            "refresh_token": refresh, "id_token": id,
        })
    }

    /// What a token says for this audience alone.
    pub fn access_claims(&self, realm: &str, audience: &str) -> Value {
        let mut known = self.known.lock().unwrap();
        known.made += 1;
        json!({
            "iss": self.issuer(realm), "aud": audience, "azp": BROKER, "typ": "Bearer", "sub": format!("{realm}-user"),
            "iat": now(), "exp": now() + known.lasts, "jti": format!("access-{}", known.made),
            "resource_access": {audience: {"roles": ["seat"]}},
        })
    }

    fn exchange(&self, realm: &str, asked: &BTreeMap<String, String>) -> Value {
        self.known.lock().unwrap().exchange = asked.clone();
        let mut claims = self.access_claims(realm, asked.get("audience").map(String::as_str).unwrap_or_default());
        self.known.lock().unwrap().twists.exchanged.iter().for_each(|twist| twist(&mut claims));
        let mut answer = json!({
            "access_token": self.sign(realm, &self.header(realm), &claims), "token_type": "Bearer", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        });
        self.known.lock().unwrap().twists.exchange.iter().for_each(|twist| twist(&mut answer));
        answer
    }

    /// Whether a request is a terminal's, which proves nothing, or the broker's, with its assertion for this realm.
    fn is_client(&self, realm: &str, asked: &BTreeMap<String, String>) -> bool {
        let said = |name: &str| asked.get(name).cloned().unwrap_or_default();
        if said("client_id") == TERMINAL {
            return true;
        }
        let assertion = said("client_assertion");
        let claims = assertion.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
        claims["aud"] == self.issuer(realm) && claims["sub"] == BROKER && said("client_id") == BROKER
    }
}

fn refused(word: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": word}))).into_response()
}

async fn push(
    State(own): State<Hostile>,
    Path(realm): Path<String>,
    Form(asked): Form<BTreeMap<String, String>>,
) -> Response {
    if let Some(raw) = own.count(&realm, "par") {
        return raw;
    }
    if !own.is_client(&realm, &asked) || asked.contains_key("request_uri") {
        return refused("invalid_client");
    }
    let mut known = own.known.lock().unwrap();
    known.made += 1;
    let name = format!("urn:ietf:params:oauth:request_uri:{}", known.made);
    known.last_pushed = asked.clone();
    known.pushed.insert(name.clone(), asked);
    let mut answer = json!({"request_uri": name, "expires_in": 60});
    known.twists.pushed.iter().for_each(|twist| twist(&mut answer));
    match answer.is_null() {
        true => refused("invalid_request"),
        false => (StatusCode::CREATED, Json(answer)).into_response(),
    }
}

async fn metadata(State(own): State<Hostile>, Path(realm): Path<String>) -> Response {
    if let Some(raw) = own.count(&realm, "discovery") {
        return raw;
    }
    let issuer = own.issuer(&realm);
    let mut said = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "device_authorization_endpoint": format!("{issuer}/device"), "revocation_endpoint": format!("{issuer}/revoke"),
        "jwks_uri": format!("{issuer}/certs"), "end_session_endpoint": format!("{issuer}/logout"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    own.known.lock().unwrap().twists.metadata.iter().for_each(|twist| twist(&mut said));
    match said["redirect"].as_str() {
        Some(to) => Redirect::temporary(to).into_response(),
        None => Json(said).into_response(),
    }
}

async fn certs(State(own): State<Hostile>, Path(realm): Path<String>) -> Response {
    if let Some(raw) = own.count(&realm, "certs") {
        return raw;
    }
    let mut keys = json!({"keys": [own.public(&realm)]});
    own.known.lock().unwrap().twists.keys.iter().for_each(|twist| twist(&mut keys));
    Json(keys).into_response()
}

/// Whoever comes is logged in already.
async fn authorize(
    State(own): State<Hostile>,
    Path(realm): Path<String>,
    Query(mut asked): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(raw) = own.count(&realm, "auth") {
        return raw;
    }
    if let Some(name) = asked.remove("request_uri") {
        let Some(pushed) = own.known.lock().unwrap().pushed.remove(&name) else { return refused("invalid_request") };
        asked = pushed;
    }
    let said = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let known_client = [BROKER, TERMINAL].contains(&said("client_id").as_str());
    if said("code_challenge_method") != "S256" || !known_client || said("response_type") != "code" {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut known = own.known.lock().unwrap();
    known.made += 1;
    let code = format!("code-{}", known.made);
    let granted = Granted {
        realm: realm.clone(),
        client: said("client_id"),
        nonce: said("nonce"),
        challenge: said("code_challenge"),
        redirect: said("redirect_uri"),
    };
    known.codes.insert(code.clone(), granted);
    let mut answer: Vec<(String, String)> =
        vec![("state".into(), said("state")), ("iss".into(), own.issuer(&realm)), ("code".into(), code)];
    known.twists.answer.iter().for_each(|twist| twist(&mut answer));
    let mut back = url::Url::parse(&said("redirect_uri")).expect("a URL");
    back.query_pairs_mut().extend_pairs(answer);
    Redirect::to(back.as_str()).into_response()
}

async fn token(
    State(own): State<Hostile>,
    Path(realm): Path<String>,
    Form(asked): Form<BTreeMap<String, String>>,
) -> Response {
    if let Some(raw) = own.count(&realm, "token") {
        return raw;
    }
    let said = |name: &str| asked.get(name).cloned().unwrap_or_default();
    if own.known.lock().unwrap().twists.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if !own.is_client(&realm, &asked) {
        return refused("invalid_client");
    }
    if said("grant_type").ends_with(":token-exchange") {
        if own.known.lock().unwrap().access.get(&said("subject_token")) != Some(&realm) {
            return refused("invalid_token");
        }
        let answer = own.exchange(&realm, &asked);
        return if answer.is_null() { refused("invalid_request") } else { Json(answer).into_response() };
    }
    if said("grant_type").ends_with(":device_code") {
        return polled(&own, &realm, &said("device_code"), &said("code_verifier"));
    }
    if said("grant_type") == "refresh_token" {
        // Used up by being shown, as templates have it.
        if own.known.lock().unwrap().refresh.remove(&said("refresh_token")) != Some(realm.clone()) {
            return refused("invalid_grant");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let mut tokens = own.tokens(&realm, &said("client_id"), "");
        own.known.lock().unwrap().twists.refreshed.iter().for_each(|twist| twist(&mut tokens));
        return if tokens.is_null() { refused("invalid_grant") } else { Json(tokens).into_response() };
    }
    let Some(granted) = own.known.lock().unwrap().codes.remove(&said("code")) else { return refused("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(said("code_verifier")));
    if granted.realm != realm || granted.challenge != challenge || granted.redirect != said("redirect_uri") {
        return refused("invalid_grant");
    }
    if granted.client != said("client_id") {
        return refused("invalid_grant");
    }
    let mut tokens = own.tokens(&realm, &granted.client, &granted.nonce);
    own.known.lock().unwrap().twists.given.iter().for_each(|twist| twist(&mut tokens));
    Json(tokens).into_response()
}

/// A code for a device, which nobody has to allow.
async fn device(
    State(own): State<Hostile>,
    Path(realm): Path<String>,
    Form(asked): Form<BTreeMap<String, String>>,
) -> Response {
    let challenge = asked.get("code_challenge").cloned().unwrap_or_default();
    let page = format!("{}/device", own.issuer(&realm));
    let mut known = own.known.lock().unwrap();
    known.made += 1;
    let code = format!("device-{}", known.made);
    known.devices.insert(code.clone(), (realm, challenge));
    let mut answer = json!({
        "device_code": code, "user_code": "ABCD-EFGH", "verification_uri": page, "expires_in": 60, "interval": 1,
        "verification_uri_complete": format!("{page}?user_code=ABCD-EFGH"),
    });
    known.twists.device.iter().for_each(|twist| twist(&mut answer));
    Json(answer).into_response()
}

/// What a device gets that asks for tokens.
fn polled(own: &Hostile, realm: &str, code: &str, verifier: &str) -> Response {
    let (word, device) = {
        let mut known = own.known.lock().unwrap();
        let word = known.twists.poll.as_ref().and_then(|poll| poll(known.polls.len()));
        known.polls.push(Instant::now());
        (word, known.devices.get(code).cloned())
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    match (word, device) {
        (Some(word), _) => refused(word),
        (None, Some(device)) if device == (realm.to_owned(), challenge) => {
            Json(own.tokens(realm, TERMINAL, "")).into_response()
        }
        _ => refused("invalid_grant"),
    }
}

async fn revoke(State(own): State<Hostile>, Form(asked): Form<BTreeMap<String, String>>) -> StatusCode {
    own.known.lock().unwrap().refresh.remove(asked.get("token").map(String::as_str).unwrap_or_default());
    StatusCode::OK
}
