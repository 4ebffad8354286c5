//! Groups, flows, required actions, texts, organizations, authorization: what is relied on of each.

use realmwright::keycloak::WriteRealms;
use serde_json::{Value, json};

use super::{body, born, client_id, export, named, scopes};
use realmwright::keycloak::Birth;

async fn read(api: &impl WriteRealms, realm: &str, path: &str) -> Value {
    api.get(realm, path).await.expect("readable").expect("there")
}

async fn post(api: &impl WriteRealms, realm: &str, path: &str, body: Value) -> String {
    api.post(realm, path, &body).await.expect("created").unwrap_or_default()
}

pub async fn posted_groups_have_no_roles(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"roles": {"realm": [{"name": "nurse"}]}})).await;
    let ward =
        post(api, realm, "groups", json!({"name": "ward", "realmRoles": ["nurse"], "attributes": {"a": ["1"]}})).await;
    post(api, realm, &format!("groups/{ward}/children"), json!({"name": "night"})).await;
    let group = named(&export(api, realm).await["groups"], "name", "ward").clone();
    assert_eq!(group["realmRoles"].as_array().map_or(0, Vec::len), 0);
    assert_eq!((&group["attributes"]["a"], &group["subGroups"][0]["name"]), (&json!(["1"]), &json!("night")));
}

pub async fn put_group_clears_the_description_and_keeps_attributes(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"groups": [{"name": "ward", "description": "d", "attributes": {"a": ["1"]}}]})).await;
    let group = named(&export(api, realm).await["groups"], "name", "ward").clone();
    let path = format!("groups/{}", group["id"].as_str().expect("an id"));
    api.put(realm, &path, Some(&json!({"name": "ward"}))).await.expect("written");
    let group = named(&export(api, realm).await["groups"], "name", "ward").clone();
    assert_eq!((&group["description"], &group["attributes"]["a"]), (&Value::Null, &json!(["1"])));
}

fn flows() -> Value {
    json!([{"alias": "door", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "authenticationExecutions": [
        {"authenticator": "auth-cookie", "requirement": "ALTERNATIVE", "priority": 10},
    ]}])
}

pub async fn bindings_follow_a_renamed_flow(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"authenticationFlows": flows(), "browserFlow": "door"})).await;
    let found = read(api, realm, "authentication/flows").await;
    let mut door = named(&found, "alias", "door").clone();
    let path = format!("authentication/flows/{}", door["id"].as_str().expect("an id"));
    door["alias"] = "gate".into();
    api.put(realm, &path, Some(&door)).await.expect("written");
    assert_eq!(read(api, realm, "").await["browserFlow"], "gate");
    assert_eq!(api.delete(realm, &path, None).await.expect_err("it is in use").status(), Some(500));
}

/// Flows of a birth are bound by name, those that it brings and Keycloak's own; settings of steps are texts.
pub async fn a_birth_binds_flows_by_name(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let gate = json!([
        {"alias": "door", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "authenticationExecutions": [
            {"authenticator": "allow-access-authenticator", "requirement": "REQUIRED", "priority": 10},
            {"flowAlias": "gate", "authenticatorFlow": true, "requirement": "CONDITIONAL", "priority": 20}]},
        {"alias": "gate", "providerId": "basic-flow", "topLevel": false, "builtIn": false, "authenticationExecutions": [
            {"authenticator": "conditional-user-role", "requirement": "REQUIRED", "priority": 10, "authenticatorConfig": "stranger"},
            {"authenticator": "deny-access-authenticator", "requirement": "REQUIRED", "priority": 20}]},
    ]);
    let provider = json!([{"alias": "corp", "providerId": "oidc", "postBrokerLoginFlowAlias": "door",
        "config": {"authorizationUrl": "https://corp.example/a", "tokenUrl": "https://corp.example/t", "clientId": "c"}}]);
    let body = json!({"authenticationFlows": gate, "browserFlow": "door", "directGrantFlow": "direct grant",
        "resetCredentialsFlow": "reset credentials", "identityProviders": provider,
        "authenticatorConfig": [{"alias": "stranger", "config": {"condUserRole": "app.seat", "negate": true}}]});
    born(api, jwks, realm, body).await;
    let found = export(api, realm).await;
    let bound = ["browserFlow", "directGrantFlow", "resetCredentialsFlow"].map(|field| found[field].clone());
    assert_eq!(bound, [json!("door"), json!("direct grant"), json!("reset credentials")]);
    assert_eq!(named(&found["identityProviders"], "alias", "corp")["postBrokerLoginFlowAlias"], "door");
    let settings = &named(&found["authenticatorConfig"], "alias", "stranger")["config"];
    assert_eq!(*settings, json!({"condUserRole": "app.seat", "negate": "true"}));
}

pub async fn a_sub_flow_is_made_with_its_step(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"authenticationFlows": flows()})).await;
    let body = json!({"alias": "door forms", "type": "basic-flow", "description": "d", "provider": "", "requirement": "REQUIRED", "priority": 20});
    post(api, realm, "authentication/flows/door/executions/flow", body).await;
    let steps = read(api, realm, "authentication/flows/door/executions").await;
    assert_eq!((&steps[1]["displayName"], &steps[1]["requirement"]), (&json!("door forms"), &json!("DISABLED")));
    let mut step = steps[1].clone();
    step["requirement"] = "ALTERNATIVE".into();
    api.put(realm, "authentication/flows/door/executions", Some(&step)).await.expect("written");
    assert_eq!(read(api, realm, "authentication/flows/door/executions").await[1]["requirement"], "ALTERNATIVE");
}

pub async fn put_required_action_replaces(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let path = "authentication/required-actions/UPDATE_PASSWORD";
    api.put(realm, path, Some(&json!({"alias": "UPDATE_PASSWORD", "name": "New"}))).await.expect("written");
    let action = read(api, realm, path).await;
    assert_eq!((&action["name"], &action["enabled"]), (&json!("New"), &json!(false)));
}

pub async fn texts_of_a_locale_are_added_to(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"localizationTexts": {"de": {"a": "1", "b": "2"}}})).await;
    post(api, realm, "localization/de", json!({"b": "3"})).await;
    assert_eq!(export(api, realm).await["localizationTexts"], json!({"de": {"a": "1", "b": "3"}}));
    api.delete(realm, "localization/de/a", None).await.expect("removed");
    assert_eq!(export(api, realm).await["localizationTexts"], json!({"de": {"b": "3"}}));
}

pub async fn organizations_need_their_switch(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"organizationsEnabled": false})).await;
    let body =
        json!({"name": "Ward", "alias": "ward", "domains": [{"name": "ward.example"}], "attributes": {"a": ["1"]}});
    api.post(realm, "organizations", &body).await.expect_err("it is switched off");
    let mut top = read(api, realm, "").await;
    top["organizationsEnabled"] = true.into();
    api.put(realm, "", Some(&top)).await.expect("written");
    let id = post(api, realm, "organizations", body).await;
    let change = json!({"name": "Other", "alias": "ward", "domains": [{"name": "ward.example"}]});
    api.put(realm, &format!("organizations/{id}"), Some(&change)).await.expect("written");
    let now = read(api, realm, "organizations?briefRepresentation=false").await;
    assert_eq!((&now[0]["name"], &now[0]["attributes"]["a"]), (&json!("Other"), &json!(["1"])), "attributes stay");
    assert_eq!(export(api, realm).await["organizations"], Value::Null, "no export has them");
}

pub async fn births_bring_members_and_accounts_and_each_is_written_once(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let provider = json!({"alias": "corp", "providerId": "oidc", "enabled": true, "config": {
        "clientId": "x", "authorizationUrl": "https://corp.example/a", "tokenUrl": "https://corp.example/t"}});
    let own = json!({"identityProvider": "corp", "userId": "7", "userName": "jo7"});
    let parts = json!({
        "organizationsEnabled": true,
        "identityProviders": [provider],
        "users": [{"username": "jo", "enabled": true, "federatedIdentities": [own]}, {"username": "ann", "enabled": true}],
        "organizations": [{"name": "Ward", "alias": "ward", "enabled": true, "domains": [{"name": "ward.example"}], "members": [{"username": "jo", "membershipType": "MANAGED"}]}],
    });
    born(api, jwks, realm, parts).await;
    let user = async |name: &str| {
        let found = read(api, realm, &format!("users?exact=true&username={name}")).await;
        assert_eq!(found[0]["federatedIdentities"], Value::Null, "no listing has them");
        found[0]["id"].as_str().expect("an id").to_owned()
    };
    let (jo, ann) = (user("jo").await, user("ann").await);
    let accounts = async |user: &str| read(api, realm, &format!("users/{user}/federated-identity")).await;
    assert_eq!(accounts(&jo).await, json!([own]));
    let path = format!("users/{ann}/federated-identity/corp");
    post(api, realm, &path, json!({"userId": "8"})).await;
    assert_eq!(api.post(realm, &path, &json!({"userId": "9"})).await.expect_err("it has one").status(), Some(409));
    assert_eq!(accounts(&ann).await[0]["userId"], "8");
    api.delete(realm, &path, None).await.expect("removed");
    assert_eq!(accounts(&ann).await, json!([]));

    let organizations = async |user: &str| {
        let found = read(api, realm, &format!("organizations/members/{user}/organizations")).await;
        found.as_array().into_iter().flatten().map(|one| one["alias"].clone()).collect::<Value>()
    };
    assert_eq!((organizations(&jo).await, organizations(&ann).await), (json!(["ward"]), json!([])));
    let listed = read(api, realm, "organizations?briefRepresentation=false").await;
    assert_eq!(listed[0]["members"], Value::Null, "no listing has them");
    let members = format!("organizations/{}/members", listed[0]["id"].as_str().expect("an id"));
    let type_of = async |user: &str| read(api, realm, &format!("{members}/{user}")).await["membershipType"].clone();
    assert_eq!(type_of(&jo).await, "UNMANAGED", "whatever a body says");
    post(api, realm, &members, json!(ann)).await;
    assert_eq!(api.post(realm, &members, &json!(ann)).await.expect_err("she is one").status(), Some(409));
    assert_eq!(type_of(&ann).await, "UNMANAGED");
    api.delete(realm, &format!("{members}/{ann}"), None).await.expect("removed");
    assert_eq!((organizations(&ann).await, user("ann").await), (json!([]), ann), "the user stays");
}

pub async fn put_user_with_attributes_clears_names_that_it_omits(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let profile = json!({"unmanagedAttributePolicy": "ENABLED", "attributes": [{"name": "username"}, {"name": "email"}, {"name": "firstName"}, {"name": "lastName"}]});
    born(api, jwks, realm, json!({ "userProfile": profile })).await;
    let id =
        post(api, realm, "users", json!({"username": "anna", "firstName": "Anna", "email": "anna@x.example"})).await;
    let change = json!({"username": "anna", "attributes": {"badge": ["1"]}});
    api.put(realm, &format!("users/{id}"), Some(&change)).await.expect("written");
    let user = read(api, realm, &format!("users/{id}")).await;
    assert_eq!((&user["firstName"], &user["email"]), (&Value::Null, &Value::Null));
    assert_eq!(user["attributes"]["badge"], json!(["1"]));
}

pub async fn put_provider_mapper_replaces(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let provider = json!({"alias": "corp", "providerId": "oidc", "config": {"authorizationUrl": "https://i.example/a", "tokenUrl": "https://i.example/t", "clientId": "c"}});
    let mapper = json!({"name": "m", "identityProviderAlias": "corp", "identityProviderMapper": "oidc-hardcoded-role-idp-mapper", "config": {"role": "offline_access", "syncMode": "INHERIT"}});
    born(api, jwks, realm, json!({"identityProviders": [provider], "identityProviderMappers": [mapper]})).await;
    let mut found = named(&export(api, realm).await["identityProviderMappers"], "name", "m").clone();
    found["config"] = json!({"role": "uma_authorization"});
    let path = format!("identity-provider/instances/corp/mappers/{}", found["id"].as_str().expect("an id"));
    api.put(realm, &path, Some(&found)).await.expect("written");
    let found = named(&export(api, realm).await["identityProviderMappers"], "name", "m").clone();
    assert_eq!(found["config"], json!({"role": "uma_authorization"}));
}

fn policy(name: &str, of_type: &str, config: &Value) -> Value {
    let texts =
        config.as_object().into_iter().flatten().map(|(field, value)| {
            (field.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned).into())
        });
    let config: serde_json::Map<String, Value> = texts.collect();
    json!({"name": name, "type": of_type, "logic": "POSITIVE", "decisionStrategy": "UNANIMOUS", "config": config})
}

pub async fn policies_are_written_by_name_and_replaced(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let client = json!({"clientId": "app", "publicClient": false, "serviceAccountsEnabled": true, "authorizationServicesEnabled": true});
    born(api, jwks, realm, json!({"clients": [client], "roles": {"realm": [{"name": "nurse"}, {"name": "doctor"}]}}))
        .await;
    let base = format!("clients/{}/authz/resource-server/policy", client_id(api, realm, "app").await);
    let role = |name: &str| json!({"roles": [{"id": name, "required": true}]});
    post(api, realm, &base, policy("who", "role", &role("nurse"))).await;
    let found = read(api, realm, &format!("{base}?first=0&max=500")).await;
    let path = format!("{base}/{}", named(&found, "name", "who")["id"].as_str().expect("an id"));
    api.put(realm, &path, Some(&policy("who", "time", &role("doctor")))).await.expect("written");
    let settings = named(&export(api, realm).await["clients"], "clientId", "app")["authorizationSettings"].clone();
    let who = named(&settings["policies"], "name", "who");
    let roles: Value = serde_json::from_str(who["config"]["roles"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        (&roles, &who["type"]),
        (&json!([{"id": "doctor", "required": true}]), &json!("role")),
        "its type stays"
    );
}

fn admin_permissions(export: &Value) -> Value {
    named(&export["clients"], "clientId", "admin-permissions")["authorizationSettings"].clone()
}

/// A realm with admin permissions switched on: the path of their policies, and the id of the group `wards`.
async fn permitted(api: &impl WriteRealms, jwks: &str, realm: &str) -> (String, String) {
    let content = json!({
        "adminPermissionsEnabled": true, "roles": {"realm": [{"name": "nurse"}]}, "groups": [{"name": "wards"}, {"name": "beds"}],
    });
    let export = born(api, jwks, realm, content).await;
    let base = format!("clients/{}/authz/resource-server", client_id(api, realm, "admin-permissions").await);
    post(api, realm, &format!("{base}/policy"), policy("who", "role", &json!({"roles": [{"id": "nurse"}]}))).await;
    (base, named(&export["groups"], "name", "wards")["id"].as_str().expect("an id").to_owned())
}

fn for_groups(name: &str, groups: &[&str]) -> Value {
    let config =
        json!({"defaultResourceType": "Groups", "resources": groups, "scopes": ["view"], "applyPolicies": ["who"]});
    policy(name, "scope", &config)
}

fn resources(settings: &Value, name: &str) -> Value {
    let text = named(&settings["policies"], "name", name)["config"]["resources"].as_str().unwrap_or("[]").to_owned();
    let mut list: Vec<String> = serde_json::from_str(&text).expect("JSON");
    list.sort();
    json!(list)
}

pub async fn admin_permissions_are_all_that_can_be_changed_of_their_client(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let (base, wards) = permitted(api, jwks, realm).await;
    let settings = json!({"policyEnforcementMode": "DISABLED", "decisionStrategy": "UNANIMOUS"});
    assert_eq!(api.put(realm, &base, Some(&settings)).await.expect_err("refused").status(), Some(400));
    for (part, body) in [("scope", json!({"name": "x"})), ("resource", json!({"name": "x"})), ("import", settings)] {
        let refused = api.post(realm, &format!("{base}/{part}"), &body).await.expect_err("refused");
        assert_eq!(refused.status(), Some(400), "{part}");
    }
    let body = policy("old", "resource", &json!({"resources": ["Groups"]}));
    assert_eq!(api.post(realm, &format!("{base}/policy"), &body).await.expect_err("refused").status(), Some(400));
    post(api, realm, &format!("{base}/policy"), for_groups("see", &[&wards])).await;
    let settings = admin_permissions(&export(api, realm).await);
    assert_eq!(resources(&settings, "see"), json!([wards]), "they are for ids");
    assert_eq!(named(&settings["policies"], "name", "see")["config"]["applyPolicies"], "[\"who\"]");
}

pub async fn an_admin_permission_for_everything_stays_so_when_it_is_changed(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let (base, wards) = permitted(api, jwks, realm).await;
    post(api, realm, &format!("{base}/policy"), for_groups("see", &["Groups"])).await;
    let found = read(api, realm, &format!("{base}/policy?first=0&max=500")).await;
    let path =
        format!("{base}/policy/{}", named(&found, "name", "see")["id"].as_str().expect("an id").replace(' ', "%20"));
    api.put(realm, &path, Some(&for_groups("see", &[&wards]))).await.expect("written");
    let now = resources(&admin_permissions(&export(api, realm).await), "see");
    assert!(now.as_array().expect("a list").contains(&json!("Groups")), "so it is made anew: {now}");
}

pub async fn what_is_deleted_leaves_admin_permissions(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let (base, wards) = permitted(api, jwks, realm).await;
    let beds = named(&export(api, realm).await["groups"], "name", "beds")["id"].as_str().expect("an id").to_owned();
    post(api, realm, &format!("{base}/policy"), for_groups("one", &[&wards])).await;
    post(api, realm, &format!("{base}/policy"), for_groups("both", &[&wards, &beds])).await;
    api.delete(realm, &format!("groups/{wards}"), None).await.expect("gone");
    let settings = admin_permissions(&export(api, realm).await);
    assert_eq!(resources(&settings, "both"), json!([beds]));
    let names: Vec<&Value> =
        settings["policies"].as_array().expect("a list").iter().map(|policy| &policy["name"]).collect();
    assert!(!names.contains(&&json!("one")), "{names:?}");
}

pub async fn a_birth_that_brings_a_client_of_keycloaks_own_gets_another(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let mut body = body(realm, &json!({"enabled": true, "clientScopes": scopes()}), jwks);
    body["clients"].as_array_mut().expect("clients").push(json!({"clientId": "admin-cli"}));
    assert_eq!(api.create_realm(&body).await.expect("accepted"), Birth::Born);
    let own = named(&export(api, realm).await["clients"], "clientId", "admin-cli").clone();
    assert_eq!(own["publicClient"], false, "Keycloak's own is a public one");
}

pub async fn clients_of_keycloaks_own_take_changes(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"roles": {"client": {"broker": [{"name": "look"}]}}})).await;
    let mapper = json!({"name": "site", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "x"}});
    for client in ["admin-cli", "broker", "security-admin-console"] {
        let path = format!("clients/{}", client_id(api, realm, client).await);
        let change = json!({"clientId": client, "description": "ours", "webOrigins": []});
        api.put(realm, &path, Some(&change)).await.expect("written");
        post(api, realm, &format!("{path}/protocol-mappers/models"), mapper.clone()).await;
        post(api, realm, &format!("{path}/roles"), json!({"name": "own"})).await;
        let found = named(&export(api, realm).await["clients"], "clientId", client).clone();
        assert_eq!((&found["description"], &found["enabled"]), (&json!("ours"), &json!(true)), "{client}");
        named(&found["protocolMappers"], "name", "site");
    }
    named(&export(api, realm).await["roles"]["client"]["broker"], "name", "look");
}

pub async fn a_birth_that_brings_a_policy_of_client_registration_gets_no_other(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    const TYPE: &str = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";
    let mut body = body(realm, &json!({"clientScopes": scopes()}), jwks);
    let config = json!({"max-clients": ["500"]});
    let policy =
        json!({"name": "Max Clients Limit", "subType": "anonymous", "providerId": "max-clients", "config": config});
    body["components"][TYPE] = json!([policy]);
    api.create_realm(&body).await.expect("the birth is accepted");
    let names = |export: &Value| -> Vec<String> {
        let list = export["components"][TYPE].as_array().expect("policies");
        list.iter().map(|policy| policy["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&export(api, realm).await), ["Max Clients Limit"]);
    api.delete(realm, "", None).await.expect("it goes");
    body["components"] = json!({});
    api.create_realm(&body).await.expect("the birth is accepted");
    let made = names(&export(api, realm).await);
    assert!(made.iter().any(|name| name == "Consent Required"), "{made:?}");
}

pub async fn a_birth_without_its_type_drops_settings_of_one_time_passwords(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let mut body = body(realm, &json!({"clientScopes": scopes()}), jwks);
    body["otpPolicyDigits"] = 8.into();
    api.create_realm(&body).await.expect("the birth is accepted");
    let found = export(api, realm).await;
    assert_eq!((&found["otpPolicyType"], &found["otpPolicyDigits"]), (&json!("totp"), &json!(6)));
}
