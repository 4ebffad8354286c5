//! What a manifest leaves out is as Keycloak makes it, also where a birth declares something beside it.

use realmwright::keycloak::ReadRealms;
use serde_json::{Value, json};

use crate::server::live;
use crate::tenants::{Site, on_server};

const POLICY: &str = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";

/// A site whose clinic has a template of its own.
fn site(name: &str, realm: &Value) -> Site {
    let site = Site::new(name);
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "own", "extends": "organization", "realm": realm});
    site.write("own.yaml", &template.to_string());
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: own\n");
    site
}

#[test]
fn nobody_registers_clients_in_a_realm_that_declares_one_policy_of_registration() {
    let declared = json!({"name": "Max Clients Limit", "subType": "anonymous", "providerId": "max-clients",
        "config": {"max-clients": ["7"]}});
    let site = site("policy", &json!({"components": {POLICY: [declared]}}));
    site.apply();
    let url = format!("{}/realms/{}/clients-registrations/openid-connect", live().url, site.clinic);
    let (policies, status) = on_server(async |api| {
        let export = api.export(&site.clinic).await.expect("readable").expect("there");
        let client = reqwest::Client::new();
        let body = json!({"client_name": "stranger", "redirect_uris": ["https://stranger.example/cb"]});
        let answer = client.post(url).json(&body).send().await.expect("an answer");
        (export["components"][POLICY].as_array().expect("policies").clone(), answer.status().as_u16())
    });
    assert_eq!(status, 403);
    let of = |sub: &str| policies.iter().filter(|policy| policy["subType"] == sub).count();
    assert!(of("anonymous") >= 5 && of("authenticated") >= 2, "{policies:?}");
    let limits: Vec<&Value> = policies.iter().filter(|policy| policy["providerId"] == "max-clients").collect();
    assert_eq!((limits.len(), &limits[0]["config"]["max-clients"]), (1, &json!(["7"])));
    site.expect(0, &["plan"]);
    site.remove();
}

#[test]
fn what_a_birth_takes_together_is_whole() {
    let declared = json!({"userProfile": {"unmanagedAttributePolicy": "ADMIN_EDIT"}, "otpPolicyDigits": 8});
    let site = site("whole", &declared);
    site.apply();
    on_server(async |api| {
        let profile = api.get(&site.clinic, "users/profile").await.expect("readable").expect("there");
        let names: Vec<&str> =
            profile["attributes"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(names, ["username", "email", "firstName", "lastName"]);
        let users = api.get(&site.clinic, "users?username=demo").await.expect("readable").expect("there");
        assert_eq!((&users[0]["firstName"], &users[0]["lastName"]), (&json!("D"), &json!("E")));
        let export = api.export(&site.clinic).await.expect("readable").expect("there");
        let otp = |field: &str| export[format!("otpPolicy{field}")].clone();
        let found = [otp("Type"), otp("Digits"), otp("Algorithm"), otp("Period")];
        assert_eq!(found, [json!("totp"), json!(8), json!("HmacSHA1"), json!(30)]);
    });
    site.expect(0, &["plan"]);
    site.remove();
}
