//! Secrets stand nowhere: not in plans, markers, outcomes, errors, nor in what --debug-http shows.

use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use realmwright::apply::{OnStale, TenantOutcome, apply};
use realmwright::keycloak::ReadRealms;
use realmwright::keycloak::WriteRealms;
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::mask::{MASK, Mask};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::plan::drift::drift;
use realmwright::plan::{Cause, Plan, plan_tenant, render};
use realmwright::state::secret::Secrets;
use realmwright::state::{Applied, Kind};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::plan::{client, id};
use crate::support::{World, header, manner};

/// Every place where a manifest may put a secret: the name of its parameter, and what refers to it.
fn places() -> Value {
    json!({
        "enabled": true,
        "smtpServer": {"host": "mail.example", "from": "a@mail.example", "auth": "true", "user": "u", "password": "$(parameters.smtp)"},
        "clients": [{"clientId": "worker", "publicClient": false, "secret": "$(parameters.client)", "attributes": {"saml.signing.private.key": "$(parameters.saml)"}}],
        "identityProviders": [{"alias": "corp", "providerId": "oidc", "enabled": true, "config": {
            "authorizationUrl": "https://id.example/a", "tokenUrl": "https://id.example/t", "authorizationUrl": "https://id.example/a", "clientId": "c", "clientSecret": "$(parameters.idp)"}}],
        "components": {
            "org.keycloak.storage.UserStorageProvider": [{"name": "directory", "providerId": "ldap", "config": {"enabled": "false", "bindCredential": "$(parameters.bind)"}}],
            "org.keycloak.keys.KeyProvider": [{"name": "own", "providerId": "rsa", "config": {"privateKey": ["$(parameters.key)"], "priority": ["7"]}}],
        },
        "authenticationFlows": [{"alias": "door", "providerId": "basic-flow", "topLevel": true, "authenticationExecutions": [
            {"authenticator": "registration-recaptcha-action", "requirement": "REQUIRED", "authenticatorConfig": "captcha"}]}],
        "authenticatorConfig": [{"alias": "captcha", "config": {"site.key": "public", "secret.key": "$(parameters.captcha)"}}],
        "users": [{"username": "demo", "enabled": true, "credentials": [{"type": "password", "value": "$(parameters.user)"}]}],
    })
}

const NAMES: [&str; 8] = ["smtp", "client", "idp", "user", "bind", "key", "saml", "captcha"];

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
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
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
        let failing = Cut::at_write(&api, good, false);
        let outcome = apply(&failing, &birth, secrets, manner(2, OnStale::Object), &never, |_, _| {}).await;
        seen.push(format!("{outcome:?}"));
    }
    let rotated = plan(&api, 91, &second).await;
    let changed: Vec<&str> =
        rotated.tenants[0].changes.iter().flat_map(|c| &c.fields).map(|f| f.path.as_str()).collect();
    let expected = [
        "config.privateKey",
        "config.bindCredential",
        "executions",
        "attributes.saml.signing.private.key",
        "secret",
        "config.clientSecret",
        "accessTokenLifespan",
        "smtpServer.password",
    ];
    assert_eq!(changed, expected);
    seen.extend(forms(&rotated));
    for good in [0, 1, 2, 3, 4, 5, 99] {
        let failing = Cut::at_write(&api, good, false);
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
    fn attack_47_no_form_of_a_plan_marker_or_outcome_has_a_secret(canary in "CANARY[A-Za-z0-9\"\\\\/+ ]{6,30}") {
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

#[tokio::test]
async fn a_secret_that_keycloak_shows_is_compared_and_never_shown() {
    let api = MemoryKeycloak::new();
    let secrets = secrets("CANARY");
    let birth = plan(&api, 90, &secrets).await;
    write(&api, &birth, &secrets).await;
    assert!(plan(&api, 90, &secrets).await.is_empty());
    let worker = client(&api, "north", "worker").await;
    let by_hand = json!({"clientId": "worker", "attributes": {"saml.signing.private.key": "PLANTED"}});
    api.put("north", &format!("clients/{}", id(&worker)), Some(&by_hand)).await.expect("written");
    let drifted = plan(&api, 90, &secrets).await;
    let fields = &drifted.tenants[0].changes[0].fields;
    assert_eq!((fields[0].path.as_str(), fields[0].cause), ("attributes.saml.signing.private.key", Cause::Drift));
    for text in forms(&drifted).into_iter().chain([render::markdown::drift(&drift(&drifted).0, 0)]) {
        assert!(!text.contains("PLANTED") && !text.contains("CANARY"), "{text}");
    }
    write(&api, &drifted, &secrets).await;
    assert!(plan(&api, 90, &secrets).await.is_empty());
}

/// A setting of an authenticator that is a secret: a new value is written, and no plan shows either.
#[tokio::test]
async fn a_secret_of_an_authenticator_is_written_and_never_shown() {
    let api = MemoryKeycloak::new();
    let mut new = secrets("CANARY");
    write(&api, &plan(&api, 90, &new).await, &new).await;
    assert!(plan(&api, 90, &new).await.is_empty());
    new.insert("env:captcha".into(), SecretString::from("CANARY-new".to_owned()), "another".into());
    let changed = plan(&api, 90, &new).await;
    let objects: Vec<String> = changed.tenants[0].changes.iter().map(|change| change.object.to_string()).collect();
    assert_eq!(objects, ["flow/door"]);
    for text in forms(&changed) {
        assert!(!text.contains("CANARY"), "{text}");
    }
    write(&api, &changed, &new).await;
    assert!(plan(&api, 90, &new).await.is_empty());
}

#[test]
fn a_secret_in_a_mapping_of_any_names_is_not_written_out() {
    let names = ["saml.signing.private.key", "saml.encryption.private.key", "client.secret.rotated", "someApiKey"];
    for name in names {
        let with = |value: &str| {
            let more =
                json!({"attributes": {name: value}, "clients": [{"clientId": "w", "attributes": {name: value}}]});
            with_component(KEYS, json!({}), more).findings()
        };
        assert_eq!(with("plain").matches("[plain-secret]").count(), 2, "{name}");
        assert_eq!(with("$(parameters.s)"), "", "{name}");
    }
    let settings =
        json!({"authenticatorConfig": [{"alias": "captcha", "config": {"secret.key": "plain", "action": "x"}}]});
    let findings = with_component(KEYS, json!({}), settings).findings();
    assert_eq!(findings.matches("[plain-secret]").count(), 1, "{findings}");
    let step = |values: Value| json!({"authenticationFlows": [{"alias": "door", "executions": [{"authenticator": "x", "requirement": "REQUIRED", "config": {"alias": "c", "values": values}}]}]});
    for (values, rule) in
        [(json!({"secret.key": "plain"}), "[plain-secret]"), (json!({"site.key": "$(parameters.s)"}), "[open-secret]")]
    {
        let findings = with_component(KEYS, json!({}), step(values)).findings();
        assert!(
            findings.matches(rule).count() == 1 && findings.lines().filter(|line| line.starts_with('[')).count() == 1,
            "{findings}"
        );
    }
    assert_eq!(with_component(KEYS, json!({}), step(json!({"secret.key": "$(parameters.s)"}))).findings(), "");
    let settings = json!({"attributes": {"client.secret.creation.time": "1", "use.secret": "true"}, "localizationTexts": {"en": {"password": "Password"}}});
    assert_eq!(with_component(KEYS, json!({}), settings).findings(), "");
}

/// A template with one place for a value.
fn with_component(kind: &str, config: Value, more: Value) -> World {
    let mut realm = json!({"components": {kind: [{"name": "one", "providerId": "x", "config": config}]}});
    realm.as_object_mut().expect("a mapping").extend(more.as_object().expect("a mapping").clone());
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "any", "parameters": {"s": {"type": "secret"}}, "realm": realm});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": "north", "template": "any", "parameters": {"s": "env:S"}});
    World::new("{}").with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string())
}

const LDAP: &str = "org.keycloak.storage.UserStorageProvider";
const KEYS: &str = "org.keycloak.keys.KeyProvider";

#[test]
fn a_component_takes_a_secret_as_one_text_or_a_list_of_one() {
    for name in ["bindCredential", "privateKey", "keystorePassword", "keyPassword", "secret"] {
        for value in [json!("$(parameters.s)"), json!(["$(parameters.s)"])] {
            let world = with_component(KEYS, json!({name: value}), json!({}));
            assert_eq!(world.findings(), "", "{name}");
            let desired = world.expand().expect("sound");
            let found = desired[0].state.of_kind(Kind::Component).next().expect("a component").1;
            let field = found.fields.get(&format!("config.{name}"));
            assert_eq!(field, Some(&json!([{"$secret": "env:S"}])), "{name}");
        }
        for value in [json!("plain"), json!(["plain"]), json!(["$(parameters.s)", "plain"])] {
            let findings = with_component(KEYS, json!({name: value}), json!({})).findings();
            assert!(findings.contains("[plain-secret]"), "{name}: {findings}");
        }
    }
}

#[test]
fn a_reference_into_keycloaks_vault_is_written_out_only_where_keycloak_looks_it_up() {
    let more = |secret: &str| {
        json!({
            "smtpServer": {"host": "mail.example", "from": "a@mail.example", "auth": "true", "user": "u", "password": secret},
            "identityProviders": [{"alias": "corp", "providerId": "oidc", "config": {"authorizationUrl": "https://id.example/a", "tokenUrl": "https://id.example/t", "clientId": "c", "clientSecret": secret}}],
        })
    };
    for good in ["${vault.x}", "${vault.$(tenant.name)_x}"] {
        for value in [json!(good), json!([good])] {
            assert_eq!(with_component(LDAP, json!({"bindCredential": value}), more(good)).findings(), "");
        }
    }
    for bad in ["${vault.}", "x${vault.x}", "${vault.x}y", "${env.X}", "$$(vault.x)"] {
        let findings = with_component(LDAP, json!({"bindCredential": bad}), more(bad)).findings();
        assert_eq!(findings.matches("[plain-secret]").count(), 3, "{bad}: {findings}");
    }
    let elsewhere = json!({"clients": [{"clientId": "w", "secret": "${vault.x}"}]});
    let findings = with_component(KEYS, json!({"privateKey": ["${vault.x}"]}), elsewhere).findings();
    assert_eq!(findings.matches("[plain-secret]").count(), 2, "{findings}");
}

/// The plan for a realm with an identity provider of this secret and token URL.
async fn provider(api: &MemoryKeycloak, secret: &str, url: &str, secrets: &Secrets) -> Plan {
    let provider = json!({"identityProviders": [{"alias": "corp", "providerId": "oidc", "config": {"authorizationUrl": "https://id.example/a", "tokenUrl": url, "clientId": "c", "clientSecret": secret}}]});
    let desired = with_component(LDAP, json!({"vendor": "other"}), provider).expand().expect("sound");
    let observed = realmwright::keycloak::observe(api, "north", &Default::default()).await.expect("readable");
    Plan::new(header(), vec![plan_tenant(&desired[0], observed.as_ref(), secrets)])
}

async fn write(api: &MemoryKeycloak, plan: &Plan, secrets: &Secrets) {
    let outcome = apply(api, plan, secrets, manner(2, OnStale::Object), &AtomicBool::new(false), |_, _| {}).await;
    assert!(
        outcome.tenants.iter().all(|(_, outcome)| matches!(outcome, TenantOutcome::Born | TenantOutcome::Changed(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_update_of_an_identity_provider_brings_its_secret_along() {
    let (api, mut secrets) = (MemoryKeycloak::new(), Secrets::default());
    secrets.insert("env:S".into(), SecretString::from("CANARY-s".to_owned()), "print".into());
    let declared = "$(parameters.s)";
    write(&api, &provider(&api, declared, "https://id.example/t", &secrets).await, &secrets).await;
    let plan = provider(&api, declared, "https://id.example/other", &secrets).await;
    let change = &plan.tenants[0].changes[0];
    assert_eq!(change.fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>(), ["config.tokenUrl"]);
    assert_eq!(json!(change.along), json!({"config.clientSecret": {"$secret": "env:S"}}));
    assert!(forms(&plan).iter().all(|form| !form.contains("CANARY")));
    let (none, never) = (Secrets::default(), AtomicBool::new(false));
    let unreadable = apply(&api, &plan, &none, manner(2, OnStale::Object), &never, |_, _| {}).await;
    assert!(format!("{:?}", unreadable).contains("env:S"), "it is written, not left to the mask");
    write(&api, &plan, &secrets).await;
    assert!(provider(&api, declared, "https://id.example/other", &secrets).await.is_empty());
    // Who reads no secrets brings none.
    let unread = provider(&api, declared, "https://id.example/t", &Secrets::unread()).await;
    assert!(unread.tenants[0].changes.iter().all(|change| change.along.is_empty()));
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
        "saml.signing.private.key",
        "saml.encryption.private.key",
        "someApiKey",
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
