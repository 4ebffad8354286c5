//! Secrets stand nowhere: not in plans, markers, outcomes, errors, nor in what --debug-http shows.

use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use realmwright::apply::{OnStale, apply};
use realmwright::keycloak::ReadRealms;
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::mask::{MASK, Mask};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::plan::{Plan, plan_tenant, render};
use realmwright::state::Applied;
use realmwright::state::secret::Secrets;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::apply::Failing;
use crate::support::{World, header, manner};

/// Every place where a manifest may put a secret: the name of its parameter, and what refers to it.
fn places() -> Value {
    json!({
        "enabled": true,
        "smtpServer": {"host": "mail.example", "from": "a@mail.example", "auth": "true", "user": "u", "password": "$(parameters.smtp)"},
        "clients": [{"clientId": "worker", "publicClient": false, "secret": "$(parameters.client)"}],
        "identityProviders": [{"alias": "corp", "providerId": "oidc", "enabled": true, "config": {
            "authorizationUrl": "https://id.example/a", "tokenUrl": "https://id.example/t", "authorizationUrl": "https://id.example/a", "clientId": "c", "clientSecret": "$(parameters.idp)"}}],
        "users": [{"username": "demo", "enabled": true, "credentials": [{"type": "password", "value": "$(parameters.user)"}]}],
    })
}

const NAMES: [&str; 4] = ["smtp", "client", "idp", "user"];

fn world(lifespan: u32) -> World {
    let parameters: Value = NAMES.iter().map(|name| ((*name).to_owned(), json!({"type": "secret"}))).collect();
    let values: Value = NAMES.iter().map(|name| ((*name).to_owned(), json!(format!("env:{name}")))).collect();
    let mut realm = places();
    realm["accessTokenLifespan"] = lifespan.into();
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "any", "parameters": parameters, "realm": realm});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": "north", "template": "any", "parameters": values});
    World::new("{}").with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string())
}

fn secrets(canary: &str) -> Secrets {
    let key = OperatorKey::from_pem(&OperatorKey::generate().expect("a key")).expect("a key");
    let mut secrets = Secrets::default();
    for name in NAMES {
        let value = SecretString::from(format!("{canary}-{name}"));
        let print = key.fingerprint(&value);
        secrets.insert(format!("env:{name}"), value, print);
    }
    secrets
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

async fn plan(api: &MemoryKeycloak, lifespan: u32, secrets: &Secrets) -> Plan {
    let desired = world(lifespan).expand().expect("sound");
    let mut plans = Vec::new();
    for tenant in &desired {
        let users = realmwright::keycloak::observe::declared_users(&tenant.state);
        let observed = realmwright::keycloak::observe(api, &tenant.name, &users).await.expect("readable");
        plans.push(plan_tenant(tenant, observed.as_ref(), secrets));
    }
    Plan::new(header(), plans)
}

/// Everything that a plan can become for people and machines.
fn forms(plan: &Plan) -> Vec<String> {
    let json = serde_json::to_string(plan).expect("serialisable");
    vec![json, format!("{plan:?}"), render::text::plan(plan), render::markdown::plan(plan)]
}

async fn nothing_shows(canary: &str) -> Vec<String> {
    let api = MemoryKeycloak::new();
    let (first, second) = (secrets(canary), secrets(&format!("{canary}2")));
    let mut seen = vec![format!("{first:?}")];
    let birth = plan(&api, 90, &first).await;
    seen.extend(forms(&birth));
    let never = AtomicBool::new(false);
    // Refused, unread, and executed.
    for (good, secrets) in [(0, &first), (0, &Secrets::default()), (99, &first)] {
        let failing = Failing::after(&api, good, false);
        let outcome = apply(&failing, &birth, secrets, manner(2, OnStale::Object), &never, |_, _| {}).await;
        seen.push(format!("{outcome:?}"));
    }
    let rotated = plan(&api, 91, &second).await;
    let changed: Vec<&str> =
        rotated.tenants[0].changes.iter().flat_map(|c| &c.fields).map(|f| f.path.as_str()).collect();
    assert_eq!(changed, ["secret", "config.clientSecret", "accessTokenLifespan", "smtpServer.password"]);
    seen.extend(forms(&rotated));
    for good in 0..4 {
        let failing = Failing::after(&api, good, false);
        let outcome = apply(&failing, &rotated, &second, manner(2, OnStale::Object), &never, |_, _| {}).await;
        seen.push(format!("{outcome:?}"));
    }
    assert!(plan(&api, 91, &second).await.is_empty());
    let export = api.export("north").await.expect("readable").expect("there");
    let marker = export["attributes"]["realmwright.applied"].as_str().expect("a marker").to_owned();
    seen.push(format!("{:?}", Applied::parse(&marker)));
    seen.push(marker);
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_form_of_a_plan_marker_or_outcome_has_a_secret(canary in "CANARY[A-Za-z0-9\"\\\\/+ ]{6,30}") {
        for text in run(nothing_shows(&canary)) {
            prop_assert!(!text.contains("CANARY"), "{}", text);
        }
    }

    #[test]
    fn masked_bodies_have_no_secret(canary in "CANARY[ -~]{6,30}", name in secret_name(), depth in 0..4usize, listed in any::<bool>()) {
        let mut body = if listed { json!({name.as_str(): [canary.as_str()]}) } else { json!({name.as_str(): canary.as_str()}) };
        for level in 0..depth {
            body = match level % 3 {
                0 => json!({"config": body}),
                1 => json!([body]),
                _ => json!({"attributes": {"nested": body.to_string()}}),
            };
        }
        let mask = Mask::default();
        prop_assert!(!mask.json(&body).contains("CANARY"));
        prop_assert!(!mask.answer(&body.to_string()).unwrap_or_default().contains("CANARY"));
        prop_assert!(!mask.form(&[(name.as_str(), canary.as_str())]).contains("CANARY"));
    }

    #[test]
    fn known_secrets_are_masked_wherever_they_stand(canary in "CANARY[ -~]{6,30}", around in "[ a-z]{0,8}") {
        let mask = Mask::knowing([SecretString::from(canary.clone())]);
        let text = format!("{around}{canary}{around}");
        let body = json!({"description": text, canary.as_str(): 1, "inner": json!({"x": [text]}).to_string()});
        let url: String = url::form_urlencoded::byte_serialize(canary.as_bytes()).collect();
        for shown in [mask.json(&body), mask.form(&[("scope", &text)]), mask.text(&text), mask.text(&format!("users?q={url}"))] {
            prop_assert!(!shown.contains("CANARY"), "{}", shown);
        }
    }
}

/// Names under which Keycloak, OAuth and this program write secrets.
fn secret_name() -> impl Strategy<Value = String> {
    let names = [
        "secret",
        "clientSecret",
        "client_secret",
        "password",
        "keyPassword",
        "keystorePassword",
        "bindCredential",
        "privateKey",
        "access_token",
        "refresh_token",
        "id_token",
        "subject_token",
        "client_assertion",
        "assertion",
        "registrationAccessToken",
        "authTokenClientSecret",
        "secretData",
        "credentialData",
        "Authorization",
        "kc.client.secret.rotated",
        "client.secret.rotated",
    ];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

#[test]
fn what_is_no_secret_is_shown() {
    let mask = Mask::default();
    let body = json!({
        "accessTokenLifespan": 90, "resetPasswordAllowed": true, "passwordPolicy": "length(12)", "tokenUrl": "https://id.example/t", "authorizationUrl": "https://id.example/a",
        "client_assertion_type": "jwt-bearer", "password": "", "type": "password", "value": "x", "clients": [{"clientId": "worker"}],
    });
    insta::assert_snapshot!(mask.json(&body), @r#"
    {"accessTokenLifespan":90,"authorizationUrl":"https://id.example/a","client_assertion_type":"jwt-bearer","clients":[{"clientId":"worker"}],"password":"","passwordPolicy":"length(12)","resetPasswordAllowed":true,"tokenUrl":"https://id.example/t","type":"password","value":"**********"}
    "#);
    assert_eq!(mask.answer("<html>CANARY</html>").as_deref(), Some("(19 bytes that are not JSON)"));
    assert_eq!(mask.text("at eyJhbGciOi.eyJzdWIi.c2ln, eyJ here"), format!("at {MASK}, eyJ here"));
}
