//! Tokens of one audience: got by exchange for an application in the browser, and shown bound to a key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use realmwright::keycloak::key::OperatorKey;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hostile::now;
use super::kept::{first, second, through};
use super::stage::{Scene, Stage};
use crate::support::browser::{Answer, Browser};

/// Asks for a token as the broker's own page would.
async fn exchange(stage: &Stage, browser: &mut Browser, form: &str) -> Answer {
    let headers = [("origin", stage.url.as_str()), ("x-csrf", "1")];
    browser.send("POST", &format!("{}/token", stage.url), &headers, Some(form.to_owned())).await
}

#[tokio::test]
async fn a_browser_application_gets_a_token_for_one_audience() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let answer = exchange(&stage, &mut browser, "audience=assistant").await;
    let said: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status, &said["token_type"]), (200, &json!("Bearer")), "{}", answer.body);
    assert!(said["expires_in"].as_u64().is_some_and(|lasts| (290..=300).contains(&lasts)));
    assert_eq!(stage.last(), "exchanged acme");
    let asked = stage.hostile.exchanged();
    assert_eq!((&*asked["audience"], &*asked["scope"]), ("assistant", "realmwright-audience-assistant"));
    let shown = [("authorization", &*format!("Bearer {}", said["access_token"].as_str().expect("a token")))];
    let url = |audience: &str| format!("{}/auth?audience={audience}", stage.url);
    assert_eq!(Browser::new().send("GET", &url("assistant"), &shown, None).await.status, 200);
    assert_eq!(Browser::new().send("GET", &url("insights"), &shown, None).await.status, 401);
    // What a realm gives beside it stays here.
    stage.hostile.twist(|twists| {
        twists.exchange = Some(Box::new(|answer| answer["refresh_token"] = "r".into()));
    });
    let answer = exchange(&stage, &mut browser, "audience=assistant").await;
    assert!(answer.status == 200 && !answer.body.contains("refresh"), "{}", answer.body);
}

#[tokio::test]
async fn attack_39_up_scoping() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let other = stage.hostile.issuer("beta");
    let cases: Vec<(&str, Value, &str)> = vec![
        ("aud", json!(["assistant", "insights"]), "audience"),
        ("aud", json!("insights"), "audience"),
        ("aud", Value::Null, "malformed"),
        ("azp", json!("assistant"), "audience"),
        ("iss", json!(other), "issuer"),
        ("sub", json!("another"), "subject"),
        ("typ", json!("ID"), "kind"),
        ("exp", json!(now() + 3600), "time"),
        ("jti", Value::Null, "malformed"),
        ("resource_access", json!({"realm-management": {"roles": ["realm-admin"]}}), "roles"),
        ("realm_access", json!({"roles": ["tenant-admin"]}), "roles"),
    ];
    for (name, value, reason) in cases {
        let told = format!("{name} {value}");
        stage.hostile.twist(|twists| twists.exchanged = Some(Box::new(move |claims| claims[name] = value.clone())));
        let answer = exchange(&stage, &mut browser, "audience=assistant").await;
        assert_eq!((answer.status, &*answer.body), (400, r#"{"error":"invalid_target"}"#), "{told}");
        assert_eq!(stage.last(), format!("exchange_refused {reason} acme"), "{told}");
    }
    stage.hostile.behave();
    for (name, value) in [("token_type", "DPoP"), ("token_type", "N_A"), ("issued_token_type", "urn:x:refresh_token")] {
        stage.hostile.twist(|twists| twists.exchange = Some(Box::new(move |answer| answer[name] = value.into())));
        assert_eq!(exchange(&stage, &mut browser, "audience=assistant").await.status, 400, "{name} {value}");
        assert_eq!(stage.last(), "exchange_refused kind acme");
    }
    let tokens = stage.hostile.asked("acme/token");
    for (form, word) in [
        ("audience=realm-management", "invalid_target"),
        ("audience=", "invalid_request"),
        ("", "invalid_request"),
        ("audience=assistant&audience=insights", "invalid_request"),
        ("audience=assistant&scope=realmwright-audience-insights", "invalid_request"),
        ("audience=assistant&subject_token=x", "invalid_request"),
    ] {
        let answer = exchange(&stage, &mut browser, form).await;
        assert_eq!((answer.status, answer.body), (400, format!(r#"{{"error":"{word}"}}"#)), "{form}");
    }
    assert_eq!(stage.hostile.asked("acme/token"), tokens, "the realm is asked nothing of this");
}

#[tokio::test]
async fn attack_39_cross_branch() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    // A token of another tenant's realm, with the right signature of that one, and with its name.
    let theirs = stage.hostile.access_claims("beta", "assistant");
    let token = stage.hostile.sign("beta", &stage.hostile.header("beta"), &theirs);
    stage.hostile.twist(|twists| {
        twists.exchange = Some(Box::new(move |answer| answer["access_token"] = token.clone().into()));
    });
    assert_eq!(exchange(&stage, &mut browser, "audience=assistant").await.status, 400);
    assert_eq!(stage.last(), "exchange_refused unknown_key acme");
}

#[tokio::test]
async fn attack_39_a_token_that_was_given_before() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    stage.hostile.twist(|twists| twists.exchanged = Some(Box::new(|claims| claims["jti"] = "the-same".into())));
    assert_eq!(exchange(&stage, &mut browser, "audience=assistant").await.status, 200);
    assert_eq!(exchange(&stage, &mut browser, "audience=assistant").await.status, 400);
    assert_eq!(stage.last(), "exchange_refused replayed acme");
}

#[tokio::test]
async fn attack_39_tokens_asked_by_another_site() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let url = format!("{}/token", stage.url);
    let own = ("origin", stage.url.as_str());
    let csrf = ("x-csrf", "1");
    let evil = ("origin", "https://evil.example");
    let sibling = ("sec-fetch-site", "same-site");
    for headers in [&[own][..], &[csrf], &[csrf, evil], &[csrf, own, sibling], &[csrf, ("origin", "null")]] {
        let answer = browser.send("POST", &url, headers, Some("audience=assistant".into())).await;
        assert_eq!((answer.status, stage.last().as_str()), (403, "exchange_refused cross_site"), "{headers:?}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(browser.send("GET", &url, &[own, csrf], None).await.status, 405);
    assert_eq!(exchange(&stage, &mut Browser::new(), "audience=assistant").await.status, 401);
}

/// A client that has tokens bound to its key.
struct Client {
    pem: SecretString,
    key: OperatorKey,
}

impl Client {
    fn new() -> Self {
        let pem = OperatorKey::generate().expect("a key");
        Self { key: OperatorKey::from_pem(&pem).expect("a key"), pem }
    }

    fn jwk(&self) -> Value {
        let mut jwk = serde_json::from_str::<Value>(self.key.jwks()).expect("JSON")["keys"][0].take();
        jwk.as_object_mut().expect("a map").retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        jwk
    }

    fn proof(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let key = jsonwebtoken::EncodingKey::from_ec_pem(self.pem.expose_secret().as_bytes()).expect("a key");
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, jsonwebtoken::Algorithm::ES256);
        format!("{text}.{}", signature.expect("signed"))
    }
}

/// What `/auth` says to a token that is bound to a client's key, with a proof that is changed.
struct Shown<'a> {
    stage: &'a Stage,
    client: &'a Client,
    token: String,
}

impl<'a> Shown<'a> {
    fn new(stage: &'a Stage, client: &'a Client, cnf: &Value) -> Self {
        let mut claims = stage.hostile.access_claims("acme", "assistant");
        claims["cnf"] = cnf.clone();
        claims["typ"] = "DPoP".into();
        let token = stage.hostile.sign("acme", &stage.hostile.header("acme"), &claims);
        Self { stage, client, token }
    }

    /// A good proof for this token and request.
    fn claims(&self, jti: &str) -> Value {
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&self.token));
        json!({"jti": jti, "htm": "GET", "htu": format!("{}/auth", self.stage.url), "iat": now(), "ath": hash})
    }

    async fn as_scheme(&self, scheme: &str, proofs: &[&str], more: &[(&str, &str)]) -> u16 {
        self.by(&mut Browser::new(), scheme, proofs, more).await
    }

    async fn by(&self, browser: &mut Browser, scheme: &str, proofs: &[&str], more: &[(&str, &str)]) -> u16 {
        let shown = format!("{scheme} {}", self.token);
        let mut headers = vec![("authorization", shown.as_str())];
        headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
        headers.extend(more);
        let url = format!("{}/auth?audience=assistant", self.stage.url);
        browser.send("GET", &url, &headers, None).await.status
    }

    async fn with(&self, header: &Value, claims: &Value) -> u16 {
        self.as_scheme("DPoP", &[&self.client.proof(header, claims)], &[]).await
    }
}

fn bound_to(client: &Client) -> Value {
    json!({"jkt": client.key.kid()})
}

fn dpop_header(client: &Client) -> Value {
    json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": client.jwk()})
}

#[tokio::test]
async fn attack_41_bound_tokens_shown_as_they_are() {
    let (stage, client) = (Stage::new().await, Client::new());
    for cnf in [bound_to(&client), json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}), json!({})] {
        let shown = Shown::new(&stage, &client, &cnf);
        assert_eq!(shown.as_scheme("Bearer", &[], &[]).await, 401, "{cnf}");
        let proof = client.proof(&dpop_header(&client), &shown.claims("1"));
        assert_eq!(shown.as_scheme("Bearer", &[&proof], &[]).await, 401, "{cnf}");
    }
    // A certificate can't be shown here, whatever comes beside it.
    let both = json!({"jkt": client.key.kid(), "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
    let shown = Shown::new(&stage, &client, &both);
    assert_eq!(shown.with(&dpop_header(&client), &shown.claims("2")).await, 401);
    let unbound = Shown::new(&stage, &client, &Value::Null);
    assert_eq!(unbound.with(&dpop_header(&client), &unbound.claims("3")).await, 401);
}

#[tokio::test]
async fn attack_41_proofs_that_are_not_right() {
    let (stage, client, other) = (Stage::new().await, Client::new(), Client::new());
    let shown = Shown::new(&stage, &client, &bound_to(&client));
    let header = dpop_header(&client);
    let good = client.proof(&header, &shown.claims("first"));
    assert_eq!(shown.as_scheme("DPoP", &[&good], &[]).await, 200);
    assert_eq!(shown.as_scheme("DPoP", &[&good], &[]).await, 401, "shown before");
    assert_eq!(shown.as_scheme("DPoP", &[], &[]).await, 401, "no proof");
    let twice = [client.proof(&header, &shown.claims("a")), client.proof(&header, &shown.claims("b"))];
    assert_eq!(shown.as_scheme("DPoP", &[&twice[0], &twice[1]], &[]).await, 401, "two proofs");
    for (name, value) in [
        ("htm", json!("POST")),
        ("htu", json!(format!("{}/session", stage.url))),
        ("htu", json!("https://evil.example/auth")),
        ("iat", json!(now() - 120)),
        ("iat", json!(now() + 60)),
        ("ath", json!(URL_SAFE_NO_PAD.encode(Sha256::digest("another")))),
        ("ath", Value::Null),
        ("jti", json!("")),
        ("jti", json!("j".repeat(300))),
        ("jti", Value::Null),
    ] {
        let mut claims = shown.claims("changed");
        claims[name] = value.clone();
        assert_eq!(shown.with(&header, &claims).await, 401, "{name} {value}");
    }
    let private = json!({"kty": "EC", "crv": "P-256", "x": client.jwk()["x"], "y": client.jwk()["y"], "d": "AA"});
    for (name, value) in [
        ("typ", json!("JWT")),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("jwk", other.jwk()),
        ("jwk", private),
        ("jwk", Value::Null),
        ("jku", json!("https://evil.example/keys")),
    ] {
        let mut header = header.clone();
        header[name] = value.clone();
        assert_eq!(shown.with(&header, &shown.claims("header")).await, 401, "{name} {value}");
    }
    // A good proof of a key, and not of the one that the token is bound to.
    let theirs = other.proof(&dpop_header(&other), &shown.claims("theirs"));
    assert_eq!(shown.as_scheme("DPoP", &[&theirs], &[]).await, 401);
    assert_eq!(shown.with(&header, &shown.claims("last")).await, 200, "the token is as good as it was");
}

#[tokio::test]
async fn attack_41_a_proof_shown_at_another_broker() {
    let dir = tempfile::tempdir().expect("a directory");
    let one = first(dir.path(), Scene::default()).await;
    let two = second(dir.path(), &one, Scene::default()).await;
    let client = Client::new();
    let shown = Shown::new(&one, &client, &bound_to(&client));
    let proof = client.proof(&dpop_header(&client), &shown.claims("once"));
    let mut there = through(&Browser::new(), &two);
    assert_eq!(shown.as_scheme("DPoP", &[&proof], &[]).await, 200);
    assert_eq!(shown.by(&mut there, "DPoP", &[&proof], &[]).await, 401, "shown before");
    let another = client.proof(&dpop_header(&client), &shown.claims("another"));
    assert_eq!(shown.by(&mut there, "DPoP", &[&another], &[]).await, 200);
}

#[tokio::test]
async fn attack_41_a_proof_for_another_request_behind_a_proxy() {
    let stage = Stage::with(Default::default(), false, &["127.0.0.1/32"]).await;
    let client = Client::new();
    let shown = Shown::new(&stage, &client, &bound_to(&client));
    let proof = |jti: &str, method: &str, path: &str| {
        let mut claims = shown.claims(jti);
        claims["htm"] = method.into();
        claims["htu"] = format!("{}{path}", stage.url).into();
        client.proof(&dpop_header(&client), &claims)
    };
    let asks = [("x-forwarded-uri", "/api/notes?x=1"), ("x-forwarded-method", "DELETE")];
    assert_eq!(shown.as_scheme("DPoP", &[&proof("1", "DELETE", "/api/notes")], &asks).await, 200);
    assert_eq!(shown.as_scheme("DPoP", &[&proof("2", "GET", "/api/notes")], &asks).await, 401);
    assert_eq!(shown.as_scheme("DPoP", &[&proof("3", "DELETE", "/api/others")], &asks).await, 401);
    assert_eq!(shown.as_scheme("DPoP", &[&proof("4", "GET", "/auth")], &asks).await, 401);
    assert_eq!(
        shown.as_scheme("DPoP", &[&proof("5", "DELETE", "/api/notes")], &asks[..1]).await,
        401,
        "no method told"
    );
}
