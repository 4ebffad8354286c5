//! The observer: who gets it, and what its plans say of themselves.

use realmwright::expand::{OBSERVER, VIEWS};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::plan::View;
use realmwright::plan::render::{markdown, text};
use serde_json::json;

use crate::plan::{client, world};

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
    assert_eq!(json!(roles), json!(VIEWS), "views, and nothing else");
    without.apply(&api).await;
    assert!(client(&api, "clinic", OBSERVER).await.is_null());
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
