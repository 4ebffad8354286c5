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
    let body = changes[0].body.as_ref().expect("a body").document();
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

const KEYS: &str = "org.keycloak.keys.KeyProvider";

fn names(list: &Value, key: &str) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().into_iter().flatten().filter_map(|one| Some(one[key].as_str()?.to_owned())).collect();
    names.sort();
    names
}

#[tokio::test]
async fn one_required_action_leaves_the_others() {
    let action = json!({"alias": "VERIFY_EMAIL", "name": "Verify Email", "providerId": "VERIFY_EMAIL", "enabled": true,
        "defaultAction": true});
    let world = world(&json!({"requiredActions": [action]}));
    let (_, export) = born(&world).await;
    let bare = realmwright::state::defaults::representation("one");
    assert_eq!(names(&export["requiredActions"], "alias"), names(&bare["requiredActions"], "alias"));
    let actions = export["requiredActions"].as_array().expect("a list");
    let declared = actions.iter().find(|action| action["alias"] == "VERIFY_EMAIL").expect("there");
    assert_eq!(declared["defaultAction"], true);
}

#[tokio::test]
async fn one_key_comes_beside_keycloaks_own_and_a_whole_list_alone() {
    let ec = json!({"name": "ec", "providerId": "ecdsa-generated", "config": {"ecdsaEllipticCurveKey": ["P-256"]}});
    let (_, export) = born(&world(&json!({"components": {KEYS: [ec]}}))).await;
    let own = ["aes-generated", "ec", "hmac-generated-hs512", "rsa-enc-generated", "rsa-generated"];
    assert_eq!(names(&export["components"][KEYS], "name"), own);
    let others = ["hmac", "aes"].map(|name| json!({"name": name, "providerId": format!("{name}-generated")}));
    let whole = [[ec.clone()].as_slice(), others.as_slice()].concat();
    let (_, export) = born(&world(&json!({"components": {KEYS: whole}}))).await;
    // What its tokens are signed with, by default, is not among them.
    assert_eq!(names(&export["components"][KEYS], "name").len(), 3 + 4);
    let realm = json!({"defaultSignatureAlgorithm": "ES256", "components": {KEYS: whole}});
    let (_, export) = born(&world(&realm)).await;
    assert_eq!(names(&export["components"][KEYS], "name"), ["aes", "ec", "hmac"]);
}

#[tokio::test]
async fn the_account_console_is_declared_without_the_client_account() {
    let (_, export) = born(&world(&json!({"clients": [{"clientId": "account-console", "name": "Me"}]}))).await;
    let clients = export["clients"].as_array().expect("a list");
    let console = clients.iter().find(|client| client["clientId"] == "account-console").expect("there");
    assert_eq!(console["name"], "Me");
    assert!(clients.iter().any(|client| client["clientId"] == "account"));
}

#[tokio::test]
async fn a_client_may_name_a_flow_that_keycloak_makes() {
    let overrides = json!({"browser": "browser", "direct_grant": "direct grant"});
    let app = json!({"clientId": "app", "authenticationFlowBindingOverrides": overrides});
    let world = world(&json!({"clients": [app]}));
    let plan = world.plan(&MemoryKeycloak::new()).await;
    let body = plan.tenants[0].changes[0].body.as_ref().expect("a body").document();
    assert_eq!(body["clients"][0].get("authenticationFlowBindingOverrides"), None, "{body}");
    let (_, export) = born(&world).await;
    let clients = export["clients"].as_array().expect("a list");
    let app = clients.iter().find(|client| client["clientId"] == "app").expect("there");
    assert_eq!(app["authenticationFlowBindingOverrides"].as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn mail_settings_need_an_address_to_send_from() {
    let told = |settings: Value| world(&json!({ "smtpServer": settings })).findings();
    assert_eq!(told(json!({"host": "mail.example", "from": "a@b.example"})), "");
    assert_eq!(told(json!({})), "");
    insta::assert_snapshot!(told(json!({"host": "mail.example"})), @"[missing-key] template.yaml:1:91 `smtpServer` needs the key `from`: Keycloak takes no mail settings without an address to send from (write `from: no-reply@…`, or take `smtpServer` out)");
    insta::assert_snapshot!(told(json!({"host": "mail.example", "from": "nobody"})), @"[wrong-type] template.yaml:1:99 `from` of `smtpServer` must be an e-mail address (write `from: no-reply@…`, or take `smtpServer` out)");
}
