//! What settings of a realm or a client do to other objects: behind which switches those are, and how users are named.

use realmwright::keycloak::WriteRealms;
use serde_json::{Value, json};

use super::{born, client_id, export, named};

async fn set(api: &impl WriteRealms, realm: &str, settings: &Value) {
    let mut now = api.get(realm, "").await.expect("readable").expect("there");
    settings.as_object().into_iter().flatten().for_each(|(field, value)| now[field] = value.clone());
    api.put(realm, "", Some(&now)).await.expect("written");
}

async fn users(api: &impl WriteRealms, realm: &str, query: &str) -> Vec<Value> {
    let found = api.get(realm, &format!("users?exact=true&{query}")).await.expect("readable").expect("there");
    found.as_array().cloned().unwrap_or_default()
}

pub async fn a_switch_of_a_client_takes_what_is_behind_it(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let client = json!({"clientId": "app", "publicClient": false, "serviceAccountsEnabled": true, "authorizationServicesEnabled": true,
        "authorizationSettings": {"scopes": [{"name": "read"}]}});
    born(api, jwks, realm, json!({"clients": [client]})).await;
    let path = format!("clients/{}", client_id(api, realm, "app").await);
    let scopes = format!("{path}/authz/resource-server/scope");
    assert_eq!(api.get(realm, &scopes).await.expect("readable").expect("there")[0]["name"], "read");
    for on in [false, true] {
        let change = json!({"clientId": "app", "authorizationServicesEnabled": on, "serviceAccountsEnabled": true});
        api.put(realm, &path, Some(&change)).await.expect("written");
    }
    assert_eq!(api.get(realm, &scopes).await.expect("readable"), Some(json!([])), "they are not kept");
    let off = json!({"clientId": "app", "authorizationServicesEnabled": false, "serviceAccountsEnabled": false});
    api.put(realm, &path, Some(&off)).await.expect("written");
    assert_eq!(api.get(realm, &scopes).await.expect("readable"), None);
    assert!(users(api, realm, "username=service-account-app").await.is_empty());
    let accounts = export(api, realm).await["users"].clone();
    assert!(accounts.as_array().into_iter().flatten().all(|user| user["username"] != "service-account-app"));
}

pub async fn organizations_are_hidden_while_their_switch_is_off(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let ward = json!({"name": "Ward", "alias": "ward", "domains": [{"name": "ward.example"}]});
    born(api, jwks, realm, json!({"organizationsEnabled": true})).await;
    api.post(realm, "organizations", &ward).await.expect("made");
    set(api, realm, &json!({"organizationsEnabled": false})).await;
    assert_eq!(api.get(realm, "organizations").await.expect("answered"), None);
    set(api, realm, &json!({"organizationsEnabled": true})).await;
    let found = api.get(realm, "organizations").await.expect("answered").expect("there");
    assert_eq!(named(&found, "alias", "ward")["name"], "Ward", "it was there all the time");
    assert_eq!(api.post(realm, "organizations", &ward).await.expect_err("refused").status(), Some(409));
}

pub async fn an_address_that_is_a_name_is_shown_and_kept_with_the_next_write(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    let demo =
        json!({"username": "demo", "email": "demo@x.example", "firstName": "D", "lastName": "E", "enabled": true});
    born(api, jwks, realm, json!({"users": [demo, {"username": "jo", "enabled": true}]})).await;
    let id = users(api, realm, "username=demo").await[0]["id"].as_str().expect("an id").to_owned();
    let name =
        async || api.get(realm, &format!("users/{id}")).await.expect("readable").expect("there")["username"].clone();
    set(api, realm, &json!({"registrationEmailAsUsername": true})).await;
    assert_eq!((name().await, users(api, realm, "username=demo").await.len()), (json!("demo@x.example"), 1));
    assert_eq!(users(api, realm, "username=jo").await[0]["username"], "jo", "who has no address keeps the name");
    set(api, realm, &json!({"registrationEmailAsUsername": false})).await;
    assert_eq!(name().await, "demo");
    set(api, realm, &json!({"registrationEmailAsUsername": true})).await;
    api.put(realm, &format!("users/{id}"), Some(&json!({"username": "demo", "firstName": "X"})))
        .await
        .expect("written");
    set(api, realm, &json!({"registrationEmailAsUsername": false})).await;
    assert_eq!((name().await, users(api, realm, "username=demo").await.len()), (json!("demo@x.example"), 0));
    assert_eq!(users(api, realm, "email=demo@x.example").await[0]["id"], id.as_str());
}

pub async fn names_of_users_change_only_where_they_may_be_edited(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let user = |name: &str| json!({"username": name, "email": format!("{name}@x.example"), "enabled": true});
    born(api, jwks, realm, json!({"users": [user("demo")]})).await;
    let path = format!("users/{}", users(api, realm, "username=demo").await[0]["id"].as_str().expect("an id"));
    let name = json!({"username": "other"});
    assert_eq!(api.put(realm, &path, Some(&name)).await.expect_err("refused").status(), Some(400));
    set(api, realm, &json!({"editUsernameAllowed": true})).await;
    api.put(realm, &path, Some(&name)).await.expect("written");
    let found = users(api, realm, "username=other").await;
    assert_eq!(found[0]["email"], "demo@x.example", "what is omitted stays");
    assert_eq!(api.post(realm, "users", &user("demo")).await.expect_err("the address is taken").status(), Some(409));
    set(api, realm, &json!({"duplicateEmailsAllowed": true, "loginWithEmailAllowed": false})).await;
    api.post(realm, "users", &user("demo")).await.expect("made");
    assert_eq!(users(api, realm, "email=demo@x.example").await.len(), 2);
}

pub async fn an_address_that_is_to_be_updated_is_not_written(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let anna =
        json!({"username": "anna", "email": "a@x.example", "enabled": true, "requiredActions": ["UPDATE_EMAIL"]});
    let path = format!("users/{}", api.post(realm, "users", &anna).await.expect("made").expect("an id"));
    let put = async |body: Value| {
        api.put(realm, &path, Some(&body)).await.expect("written");
        api.get(realm, &path).await.expect("readable").expect("there")["email"].clone()
    };
    assert_eq!(put(json!({"email": "b@x.example"})).await, "a@x.example", "without a word");
    assert_eq!(put(json!({"requiredActions": []})).await, "a@x.example");
    assert_eq!(put(json!({"email": "b@x.example"})).await, "b@x.example");
    assert_eq!(put(json!({"requiredActions": ["UPDATE_EMAIL"]})).await, "b@x.example");
}
