//! What a manifest leaves out is as Keycloak makes it, also where a birth declares something beside it.

use realmwright::keycloak::ReadRealms;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::state::{Kind, ObjectId};
use serde_json::{Value, json};

use crate::support::World;

const POLICY: &str = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";

/// A network of one realm that has just this.
fn world(realm: &Value) -> World {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "bare", "realm": realm});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": "one", "template": "bare"});
    World::new(r#"{"keys":[]}"#).with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string())
}

async fn born(world: &World) -> (MemoryKeycloak, Value) {
    let api = MemoryKeycloak::new();
    world.apply(&api).await;
    let export = api.export("one").await.expect("readable").expect("there");
    assert!(world.plan(&api).await.is_empty(), "planning again is empty");
    (api, export)
}

#[tokio::test]
async fn a_policy_of_client_registration_is_written_right_after_the_birth() {
    let declared = json!({"name": "Trusted Hosts", "subType": "anonymous", "providerId": "trusted-hosts",
        "config": {"trusted-hosts": ["clinic.example"]}});
    let plan = world(&json!({"components": {POLICY: [declared]}})).plan(&MemoryKeycloak::new()).await;
    let changes = &plan.tenants[0].changes;
    let body = changes[0].body.as_ref().expect("a body");
    assert!(body["components"].get(POLICY).is_none(), "{body}");
    let id = ObjectId::within(Kind::Component, POLICY, "Trusted Hosts:anonymous");
    assert!(changes[1..].iter().any(|change| change.object == id), "{changes:?}");
    // Without Keycloak's own, others could register clients.
    assert!(Kind::Component.is_permanent(&id.key));
}

#[tokio::test]
async fn one_setting_of_one_time_passwords_brings_the_others() {
    let (_, export) = born(&world(&json!({"otpPolicyDigits": 8}))).await;
    let found = ["Type", "Digits", "Algorithm"].map(|field| export[format!("otpPolicy{field}")].clone());
    assert_eq!(found, [json!("totp"), json!(8), json!("HmacSHA1")]);
}

#[tokio::test]
async fn a_policy_of_unmanaged_attributes_keeps_the_attributes_of_users() {
    let world = world(&json!({"userProfile": {"unmanagedAttributePolicy": "ADMIN_EDIT"}}));
    let (api, _) = born(&world).await;
    let profile = api.get("one", "users/profile").await.expect("readable").expect("there");
    let attributes = profile["attributes"].as_array().expect("a list");
    let names: Vec<_> = attributes.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["username", "email", "firstName", "lastName"]);
}
