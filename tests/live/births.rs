//! What a manifest leaves out is as Keycloak makes it, also where a birth declares something beside it.

use realmwright::keycloak::{ReadRealms, WriteRealms};
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

const KEYS: &str = "org.keycloak.keys.KeyProvider";

/// The names of what is in a list of a realm's export.
fn names(list: &Value, key: &str) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().into_iter().flatten().filter_map(|one| Some(one[key].as_str()?.to_owned())).collect();
    names.sort();
    names
}

/// The export of a realm that is born from this, after which planning again is empty.
fn born(name: &str, realm: &Value) -> Value {
    let site = site(name, realm);
    site.apply();
    let export = on_server(async |api| api.export(&site.clinic).await.expect("readable").expect("there"));
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
    export
}

#[test]
fn one_required_action_leaves_the_others() {
    let action = json!({"alias": "CONFIGURE_TOTP", "name": "Configure OTP", "providerId": "CONFIGURE_TOTP", "enabled": true,
        "defaultAction": true, "priority": 10});
    let bare = names(&born("actions-bare", &json!({}))["requiredActions"], "alias");
    let export = born("actions", &json!({"requiredActions": [action]}));
    assert!(bare.len() > 10, "{bare:?}");
    assert_eq!(names(&export["requiredActions"], "alias"), bare);
    let actions = export["requiredActions"].as_array().expect("a list");
    assert_eq!(actions.iter().filter(|action| action["defaultAction"] == true).count(), 1, "{actions:?}");
}

#[test]
fn one_key_comes_beside_keycloaks_own() {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "own", "realm": {"components": {KEYS:
        [{"name": "ec", "providerId": "ecdsa-generated", "config": {"priority": ["200"], "ecdsaEllipticCurveKey": ["P-256"]}}]}}});
    let site = Site::new("keys");
    site.write("own.yaml", &template.to_string());
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: own\n");
    site.apply();
    let export = on_server(async |api| api.export(&site.clinic).await.expect("readable").expect("there"));
    let own = ["aes-generated", "ec", "hmac-generated-hs512", "rsa-enc-generated", "rsa-generated"];
    assert_eq!(names(&export["components"][KEYS], "name"), own);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn the_account_console_alone_and_flows_that_keycloak_makes_can_be_declared() {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "own", "realm": {"clients": [
        {"clientId": "account-console", "name": "Me"},
        {"clientId": "app", "authenticationFlowBindingOverrides": {"browser": "browser"}}]}});
    let site = Site::new("own-clients");
    site.write("own.yaml", &template.to_string());
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: own\n");
    site.apply();
    let export = on_server(async |api| api.export(&site.clinic).await.expect("readable").expect("there"));
    let clients = export["clients"].as_array().expect("a list");
    let client = |name: &str| clients.iter().find(|client| client["clientId"] == name).expect("there");
    assert_eq!(client("account-console")["name"], "Me");
    assert_eq!(client("account-console")["protocolMappers"][0]["name"], "audience resolve");
    let flows = export["authenticationFlows"].as_array().expect("flows");
    let browser = flows.iter().find(|flow| flow["alias"] == "browser").expect("there");
    assert_eq!(client("app")["authenticationFlowBindingOverrides"]["browser"], browser["id"]);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn a_policy_of_registration_of_ones_own_comes_beside_keycloaks() {
    let own = |name: &str| json!({"name": name, "subType": "anonymous", "providerId": "client-disabled", "config": {}});
    let template = |policies: Value| {
        json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "own", "extends": "organization",
            "realm": {"components": {POLICY: policies}}})
    };
    let bare = names(&born("policies-bare", &json!({}))["components"][POLICY], "name");
    assert!(bare.len() >= 8, "{bare:?}");
    let and = |own: &[&str]| {
        let mut names: Vec<String> = bare.iter().cloned().chain(own.iter().map(ToString::to_string)).collect();
        names.sort();
        names
    };
    let site = site("own-policy", &json!({"components": {POLICY: [own("first")]}}));
    site.apply();
    let policies = || {
        let export = on_server(async |api| api.export(&site.clinic).await.expect("readable").expect("there"));
        names(&export["components"][POLICY], "name")
    };
    assert_eq!(policies(), and(&["first"]));
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.write("own.yaml", &template(json!([own("first"), own("second")])).to_string());
    site.apply();
    assert_eq!(policies(), and(&["first", "second"]));
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.write("own.yaml", &template(json!([own("second")])).to_string());
    site.apply();
    assert_eq!(policies(), and(&["second"]));
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn a_policy_may_mean_a_role_of_a_client_with_a_slash_in_its_name() {
    let id = "https://app.example/saml";
    let template = |names: &[&str]| {
        let roles: Vec<Value> =
            names.iter().map(|name| json!({"id": format!("{id}/{name}"), "required": false})).collect();
        let policy = json!({"name": "who", "type": "role", "config": {"roles": roles}});
        json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "own", "realm": {
            "clients": [{"clientId": id}, {"clientId": "api", "publicClient": false, "serviceAccountsEnabled": true,
                "authorizationServicesEnabled": true, "authorizationSettings": {"policies": [policy]}}],
            "roles": {"client": {id: [{"name": "viewer"}, {"name": "editor"}]}}}})
    };
    let site = Site::new("slash");
    site.write("own.yaml", &template(&["viewer"]).to_string());
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: own\n");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.write("own.yaml", &template(&["viewer", "editor"]).to_string());
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let export = on_server(async |api| api.export(&site.clinic).await.expect("readable").expect("there"));
    let clients = export["clients"].as_array().expect("a list");
    let api = clients.iter().find(|client| client["clientId"] == "api").expect("there");
    let policies = api["authorizationSettings"]["policies"].as_array().expect("policies");
    let roles = policies[0]["config"]["roles"].as_str().expect("a text");
    assert!(policies.len() == 1 && roles.contains("viewer") && roles.contains("editor"), "{policies:?}");
    site.remove();
}

#[test]
fn what_keycloak_made_and_somebody_removed_is_made_again_where_it_is_referred_to() {
    let declared = json!({
        "clients": [{"clientId": "app", "defaultClientScopes": ["basic", "phone"], "optionalClientScopes": ["address"]}],
        "roles": {"realm": [{"name": "staff", "composites": {"realm": ["offline_access"]}}]}
    });
    let site = Site::new("removed");
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "own", "realm": declared});
    site.write("own.yaml", &template.to_string());
    let clinic = "    label: Clinic\n    admin: {email: boss@clinic.example, firstName: Bea, lastName: Boss}\n";
    let text = format!(
        "apiVersion: realmwright/v1\nkind: Distributor\nname: {}\norganizations:\n  - name: {}\n{clinic}    template: own\n",
        site.north, site.clinic
    );
    site.write("north/north.yaml", &text);
    site.apply();
    let phone = async |api: &realmwright::keycloak::http::Server| {
        let scopes = api.get(&site.clinic, "client-scopes").await.expect("readable").expect("there");
        scopes.as_array().expect("a list").iter().find(|scope| scope["name"] == "phone").cloned()
    };
    let mappers = |scope: &Value| {
        let all = scope["protocolMappers"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<String> =
            all.iter().map(|one| one["name"].to_string() + &one["config"].to_string()).collect();
        names.sort();
        names
    };
    let before = on_server(async |api| {
        let scope = phone(api).await.expect("there");
        api.delete(&site.clinic, &format!("client-scopes/{}", scope["id"].as_str().expect("an id")), None)
            .await
            .expect("deleted");
        let role = api.get(&site.clinic, "roles/offline_access").await.expect("readable").expect("there");
        api.delete(&site.clinic, &format!("roles-by-id/{}", role["id"].as_str().expect("an id")), None)
            .await
            .expect("deleted");
        scope
    });
    let drift = site.expect(2, &["drift"]);
    for object in ["client-scope/phone", "role/offline_access"] {
        assert!(drift.contains(object), "{drift}");
    }
    site.apply();
    let after = on_server(phone).expect("made again");
    assert_eq!(mappers(&after), mappers(&before));
    // It is Keycloak's again, not somebody's; the realm's own lists, which nobody declared, stay as they were left.
    let planned = site.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(!planned.contains("foreign client-scope") && !planned.contains("foreign role/offline"), "{planned}");
    site.remove();
}
