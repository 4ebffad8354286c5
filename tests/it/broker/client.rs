//! The broker's client in each realm.

use realmwright::expand::{BROKER, Desired, TERMINAL, broker};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::declared_users;
use realmwright::keycloak::{ReadRealms, observe};
use realmwright::plan::drift::drift;
use realmwright::plan::{Plan, plan_tenant};
use realmwright::state::RealmState;
use realmwright::state::secret::Secrets;
use serde_json::json;

use crate::plan::{client, world};
use crate::support::{PLATFORM, World, header};

fn with(broker: &str) -> World {
    world().with("platform.yaml", PLATFORM.replace("{test: {}}", &format!("{{test: {{broker: {broker}}}}}")))
}

#[tokio::test]
async fn every_realm_gets_a_client_that_can_do_one_thing() {
    let api = MemoryKeycloak::new();
    with("{url: 'https://login.example.com', tenantUrl: 'https://*.app.example.com'}").apply(&api).await;
    let found = client(&api, "clinic", BROKER).await;
    assert_eq!(found["redirectUris"], json!(["https://clinic.app.example.com/t/clinic/callback"]));
    for grant in ["implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled", "fullScopeAllowed"] {
        assert_eq!(found[grant], false, "{grant}");
    }
    assert_eq!((&found["clientAuthenticatorType"], &found["publicClient"]), (&json!("client-jwt"), &json!(false)));
    let attributes = &found["attributes"];
    assert_eq!(attributes["pkce.code.challenge.method"], "S256");
    assert_eq!(attributes["backchannel.logout.url"], "https://clinic.app.example.com/t/clinic/backchannel-logout");
    let export = ReadRealms::export(&api, "clinic").await.expect("readable").expect("there");
    let clients = export["clients"].as_array().expect("clients");
    let mappers = &clients.iter().find(|client| client["clientId"] == BROKER).expect("there")["protocolMappers"];
    assert!(mappers.to_string().contains(r#""claim.name":"email_verified""#), "{mappers}");
    let elsewhere = client(&api, "north", BROKER).await;
    assert_eq!(elsewhere["redirectUris"], json!(["https://north.app.example.com/t/north/callback"]));
}

#[tokio::test]
async fn a_product_is_an_audience_for_who_has_a_seat_of_it() {
    let api = MemoryKeycloak::new();
    let own = with("{url: 'http://localhost:9000', audiences: [assistant, insights]}");
    own.apply(&api).await;
    let export = ReadRealms::export(&api, "clinic").await.expect("readable").expect("there");
    let found = client(&api, "clinic", BROKER).await;
    assert_eq!(found["attributes"]["standard.token.exchange.enabled"], "true");
    assert_eq!(found["attributes"]["require.pushed.authorization.requests"], "true");
    assert_eq!(found["optionalClientScopes"], json!(["realmwright-audience-assistant"]), "what is licensed here");
    let scopes = &export["clientScopeMappings"]["assistant"];
    let of = |field: &str, name: &str| {
        scopes.as_array().into_iter().flatten().find(|scope| scope[field] == name).map(|scope| scope["roles"].clone())
    };
    assert_eq!(of("clientScope", "realmwright-audience-assistant"), Some(json!(["seat"])), "{scopes}");
    assert_eq!(of("client", BROKER), Some(json!(["reviewer", "seat"])), "{scopes}");
    let elsewhere = client(&api, "north", BROKER).await;
    assert_eq!(elsewhere["attributes"]["standard.token.exchange.enabled"], "false");
    with("{url: 'http://localhost:9000'}").apply(&api).await;
    let export = ReadRealms::export(&api, "clinic").await.expect("readable").expect("there");
    assert!(!export.to_string().contains("realmwright-audience"));
    let scopes = &export["clientScopeMappings"]["assistant"];
    assert_eq!(*scopes, json!([{"client": BROKER, "roles": ["seat"]}]), "its ID tokens tell of seats all the same");
}

#[tokio::test]
async fn terminals_have_a_client_where_they_are_let_in() {
    let api = MemoryKeycloak::new();
    with("{url: 'http://localhost:9000', terminals: true, audiences: [assistant]}").apply(&api).await;
    let found = client(&api, "clinic", TERMINAL).await;
    assert_eq!((&found["publicClient"], &found["redirectUris"]), (&json!(true), &json!(["http://127.0.0.1/callback"])));
    for grant in ["implicitFlowEnabled", "directAccessGrantsEnabled", "serviceAccountsEnabled", "fullScopeAllowed"] {
        assert_eq!(found[grant], false, "{grant}");
    }
    for setting in ["oauth2.device.authorization.grant.enabled", "require.pushed.authorization.requests"] {
        assert_eq!(found["attributes"][setting], "true", "{setting}");
    }
    assert_eq!(found["attributes"]["pkce.code.challenge.method"], "S256");
    assert_eq!(found["optionalClientScopes"], json!(["realmwright-audience-assistant"]));
    with("{url: 'http://localhost:9000', audiences: [assistant]}").apply(&api).await;
    assert!(client(&api, "clinic", TERMINAL).await.is_null());
}

#[tokio::test]
async fn it_comes_and_goes_by_an_ordinary_change() {
    let api = MemoryKeycloak::new();
    world().apply(&api).await;
    with("{url: 'http://localhost:9000'}").apply(&api).await;
    let found = client(&api, "clinic", BROKER).await;
    assert_eq!(found["redirectUris"], json!(["http://localhost:9000/t/clinic/callback"]));
    world().apply(&api).await;
    assert!(client(&api, "clinic", BROKER).await.is_null());
}

#[test]
fn what_can_not_be_is_found() {
    let findings = |broker: &str| with(broker).findings();
    insta::assert_snapshot!(findings("{url: 'http://login.example.com'}"), @"[wrong-url] platform.yaml:4:37 `url` of the broker: plain http is for this machine alone: browsers keep the broker's cookies only where nobody listens (write it as https://login.example.com; with `tenantUrl`, as https://*.app.example.com)");
    insta::assert_snapshot!(findings("{url: 'https://login.example.com', tenantUrl: 'http://*.example.com'}"), @"[wrong-url] platform.yaml:4:77 `tenantUrl` of the broker: plain http is for this machine alone: browsers keep the broker's cookies only where nobody listens (write it as https://login.example.com; with `tenantUrl`, as https://*.app.example.com)");
    insta::assert_snapshot!(findings("{url: 'https://login.example.com', key: nonsense}"), @"[wrong-key] platform.yaml:4:71 the broker's key is not an EC P-256 public key in PEM (write `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out broker.pem`, and put here what `openssl pkey -in broker.pem -pubout` prints; or leave it out)");
    insta::assert_snapshot!(findings("{url: 'https://login.example.com', audiences: [assistent]}"), @"[unknown-product] platform.yaml:4:78 the platform has no product `assistent` (did you mean `assistant`?)");
    insta::assert_snapshot!(findings("{url: 'https://login.example.com/app'}"), @r#"[wrong-value] platform.yaml:4:37 `url` is "https://login.example.com/app", which its pattern does not allow (it must match ^https?://[^\s/?#@*]+$)"#);
}

#[test]
fn no_manifest_touches_it() {
    let over = "        realm: {clients: [{clientId: realmwright-broker, enabled: false}]}\n        licences:\n";
    let findings = world().edit("tenants.yaml", "        licences:\n", over).findings();
    assert!(findings.contains("[reserved-name]"), "{findings}");
    let over = "        realm: {clientScopes: [{name: realmwright-audience-assistant, protocol: openid-connect}]}\n        licences:\n";
    let findings = world().edit("tenants.yaml", "        licences:\n", over).findings();
    assert!(findings.contains("[reserved-name]"), "{findings}");
}

#[tokio::test]
async fn an_observer_takes_only_keys_for_right_that_were_applied() {
    let (api, own) = (MemoryKeycloak::new(), with("{url: 'http://localhost:9000'}"));
    World { jwks: r#"{"keys":["right"]}"#.into(), ..own.clone() }.apply(&api).await;
    let desired = World { jwks: String::new(), ..own }.expand().expect("sound");
    let clinic = desired.into_iter().find(|tenant| tenant.name == "clinic").expect("there");
    let observed = observe(&api, "clinic", &declared_users(&clinic.state)).await.expect("readable").expect("there");
    let differs = |observed: &RealmState| {
        let mut seen = clinic.clone();
        broker::trust_as_applied(&mut seen.state, observed);
        let of = |tenant: &Desired| plan_tenant(tenant, Some(observed), &Secrets::unread());
        let plan = Plan::new(header(), vec![of(&seen)]);
        let changes =
            drift(&plan).0.tenants[0].changes.iter().map(|change| change.object.to_string()).collect::<Vec<_>>();
        changes.contains(&format!("client/{BROKER}"))
    };
    assert!(!differs(&observed));
    let mut spoilt = observed.clone();
    let id = realmwright::state::ObjectId::new(realmwright::state::Kind::Client, BROKER);
    let slipped = spoilt.objects.get_mut(&id).expect("there");
    slipped.fields.insert("attributes.jwks.string".into(), r#"{"keys":["right","slipped in"]}"#.into());
    assert!(differs(&spoilt));
}
