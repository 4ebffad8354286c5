//! The observer: who gets it, and what its plans say of themselves.

use realmwright::expand::{Desired, OBSERVER, VIEWS, provisioner};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe;
use realmwright::keycloak::observe::declared_users;
use realmwright::plan::drift::drift;
use realmwright::plan::render::{markdown, text};
use realmwright::plan::{Plan, View, plan_tenant};
use realmwright::state::RealmState;
use realmwright::state::secret::Secrets;
use serde_json::json;

use crate::plan::{client, world};
use crate::support::{World, header};

/// A public key as `openssl pkey -pubout` prints it.
const KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZWBUtdDZKBPWfJ8nUNZKd8lhLYhe
cg6SB4YSXxkrx9WcYJ0aXrZ0LzSyuTyHXrbjKnJF/sdpyY3G1DFHpVTfAw==
-----END PUBLIC KEY-----
";

fn platform(key: &str) -> String {
    let key: String = key.lines().map(|line| format!("      {line}\n")).collect();
    crate::support::PLATFORM.replace("{test: {}}", &format!("\n  test:\n    observerKey: |\n{key}"))
}

#[tokio::test]
async fn an_observer_comes_and_goes_by_an_ordinary_change() {
    let api = MemoryKeycloak::new();
    let without = world();
    without.apply(&api).await;
    let with = without.clone().with("platform.yaml", platform(KEY));
    with.apply(&api).await;
    let observer = client(&api, "clinic", OBSERVER).await;
    assert!(observer["attributes"]["jwks.string"].as_str().is_some_and(|jwks| jwks.contains("ZWBUtdDZKBPWfJ8n")));
    let export = realmwright::keycloak::ReadRealms::export(&api, "clinic").await.expect("readable").expect("there");
    let users = export["users"].as_array().expect("users");
    let user = users.iter().find(|user| user["serviceAccountClientId"] == OBSERVER).expect("its user");
    let mut roles = user["clientRoles"]["realm-management"].as_array().expect("roles").clone();
    roles.sort_by_key(ToString::to_string);
    let mut views = [VIEWS.as_slice(), &["view-organizations"]].concat();
    views.sort_unstable();
    assert_eq!(json!(roles), json!(views), "views, and nothing else");
    without.apply(&api).await;
    assert!(client(&api, "clinic", OBSERVER).await.is_null());
}

#[test]
fn keys_for_entitlements_that_are_none_are_found() {
    let platform = crate::support::PLATFORM.replace("{test: {}}", "{test: {trustedKeys: nonsense}}");
    insta::assert_snapshot!(world().with("platform.yaml", platform).findings(), @"[wrong-key] platform.yaml:4:36 `trustedKeys`: this is not a PEM file with Ed25519 public keys (write `openssl genpkey -algorithm ed25519 -out signing.pem`, and put here what `openssl pkey -in signing.pem -pubout` prints)");
}

#[test]
fn a_key_that_is_none_is_found() {
    for key in ["nonsense", &KEY.replace("MFkw", "MFkx")] {
        let findings = world().with("platform.yaml", platform(key)).findings();
        assert!(
            findings.starts_with("[wrong-key] platform.yaml:7:") && findings.contains("openssl pkey"),
            "{findings}"
        );
    }
}

#[test]
fn no_manifest_touches_the_observer() {
    let over = "        realm: {clients: [{clientId: realmwright-observer, enabled: false}]}\n        licences:\n";
    let findings = world().edit("tenants.yaml", "        licences:\n", over).findings();
    assert!(findings.contains("[reserved-name]"), "{findings}");
}

#[tokio::test]
async fn an_observers_plan_says_so() {
    let mut plan = world().plan(&MemoryKeycloak::new()).await;
    let note = "Seen by the observer, who may not write";
    assert!(!text::plan(&plan).contains(note));
    plan.header.view = View::Observer;
    assert!(text::plan(&plan).contains(note) && markdown::plan(&plan).contains(note));
}

#[tokio::test]
async fn an_observer_takes_only_keys_for_right_that_were_applied() {
    let (api, world) = (MemoryKeycloak::new(), World { jwks: r#"{"keys":["right"]}"#.into(), ..world() });
    world.apply(&api).await;
    // The observer does not know the operator's key.
    let desired = World { jwks: String::new(), ..world }.expand().expect("sound");
    let mut clinic = desired.into_iter().find(|tenant| tenant.name == "clinic").expect("there");
    let look =
        async || observe(&api, "clinic", &declared_users(&clinic.state)).await.expect("readable").expect("there");
    let mut observed = look().await;
    provisioner::trust_as_applied(&mut clinic.state, &observed);
    let differs = |tenant: &Desired, observed: &RealmState| {
        let plan = Plan::new(header(), vec![plan_tenant(tenant, Some(observed), &Secrets::unread())]);
        drift(&plan).0.tenants[0].changes.iter().map(|change| change.object.to_string()).collect::<Vec<_>>()
    };
    assert!(differs(&clinic, &observed).is_empty());
    provisioner::trust(&mut observed, r#"{"keys":["right","slipped in"]}"#);
    let mut again = clinic.clone();
    provisioner::trust(&mut again.state, "");
    provisioner::trust_as_applied(&mut again.state, &observed);
    assert_eq!(differs(&again, &observed), ["client/realmwright-provisioner"]);
}
