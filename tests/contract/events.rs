//! What a realm notes of writes to it.

use realmwright::keycloak::WriteRealms;
use realmwright::plan::watermark::unlogged;
use serde_json::{Value, json};

use super::{born, export, role};

/// A realm that keeps admin events.
async fn watched(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"adminEventsEnabled": true, "roles": {"realm": [{"name": "nurse"}]}})).await;
}

/// What the newest events are about, the newest first; each has an id.
async fn events(api: &impl WriteRealms, realm: &str) -> Vec<(String, String)> {
    let found = api.admin_events(realm, 5).await.expect("readable").expect("there");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = found.as_array().expect("a list");
    assert!(found.iter().all(|event| event["id"].is_string()));
    found.iter().map(|event| (text(&event["operationType"]), text(&event["resourcePath"]))).collect()
}

fn event(operation: &str, path: &str) -> (String, String) {
    (operation.into(), path.into())
}

async fn put(api: &impl WriteRealms, realm: &str, path: &str, body: Value) {
    api.put(realm, path, Some(&body)).await.expect("written");
}

pub async fn writes_leave_admin_events(api: &impl WriteRealms, jwks: &str, realm: &str) {
    watched(api, jwks, realm).await;
    assert_eq!(events(api, realm).await, []);
    api.post(realm, "roles", &json!({"name": "doctor"})).await.expect("made");
    let role = role(api, realm, "nurse").await;
    put(api, realm, "roles/nurse", json!({"name": "nurse", "description": "more"})).await;
    api.post(realm, "roles", &role).await.expect_err("it is there");
    api.delete(realm, "roles/doctor", None).await.expect("deleted");
    put(api, realm, "", json!({"displayName": "Other"})).await;
    let all = [
        event("UPDATE", ""),
        event("DELETE", "roles/doctor"),
        event("UPDATE", "roles/nurse"),
        event("CREATE", "roles/doctor"),
    ];
    assert_eq!(events(api, realm).await, all);
}

pub async fn some_writes_leave_no_admin_event(api: &impl WriteRealms, jwks: &str, realm: &str) {
    watched(api, jwks, realm).await;
    put(api, realm, "client-policies/profiles", json!({"profiles": [{"name": "lax", "executors": []}]})).await;
    api.post(realm, "localization/de", &json!({"welcome": "Servus"})).await.expect("written");
    assert_eq!(events(api, realm).await, []);
}

pub async fn switching_admin_events_off_is_the_last_of_them(api: &impl WriteRealms, jwks: &str, realm: &str) {
    watched(api, jwks, realm).await;
    put(api, realm, "", json!({"adminEventsEnabled": false})).await;
    assert_eq!(events(api, realm).await, [event("UPDATE", "")]);
    put(api, realm, "", json!({"displayName": "Unseen"})).await;
    assert_eq!(events(api, realm).await.len(), 1);
}

pub async fn cleared_admin_events_are_gone(api: &impl WriteRealms, jwks: &str, realm: &str) {
    watched(api, jwks, realm).await;
    put(api, realm, "", json!({"displayName": "Other"})).await;
    api.delete(realm, "admin-events", None).await.expect("cleared");
    assert_eq!(events(api, realm).await, []);
}

pub async fn a_realm_says_of_itself_what_its_export_says(api: &impl WriteRealms, jwks: &str, realm: &str) {
    watched(api, jwks, realm).await;
    put(api, realm, "client-policies/profiles", json!({"profiles": [{"name": "lax", "executors": []}]})).await;
    let own = api.get(realm, "").await.expect("readable").expect("there");
    assert!(unlogged(&own).is_some());
    assert_eq!(unlogged(&own), unlogged(&export(api, realm).await));
    put(api, realm, "client-policies/profiles", json!({"profiles": []})).await;
    let other = api.get(realm, "").await.expect("readable").expect("there");
    assert_ne!(unlogged(&own), unlogged(&other));
}
