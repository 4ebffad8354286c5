//! Repairs by one apply of what hides, drops or renames other objects, or stands in the way of writing them.

use realmwright::apply::TenantOutcome;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::kinds::world;
use crate::support::full::content;
use crate::support::{World, carry_out, changes};

async fn read(api: &MemoryKeycloak, path: &str) -> Value {
    api.get("north", path).await.expect("readable").unwrap_or_default()
}

/// Changes fields of what is at a path.
async fn edit(api: &MemoryKeycloak, path: &str, fields: &Value) {
    let mut body = read(api, path).await;
    fields.as_object().expect("fields").iter().for_each(|(field, value)| body[field] = value.clone());
    api.put("north", path, Some(&body)).await.expect("written");
}

async fn id(api: &MemoryKeycloak, query: &str) -> String {
    read(api, query).await[0]["id"].as_str().unwrap_or_else(|| panic!("no {query}")).to_owned()
}

#[tokio::test]
async fn what_is_behind_a_switch_comes_back_with_it() {
    let api = MemoryKeycloak::new();
    let declared = world(&content(1));
    declared.apply(&api).await;
    let worker = format!("clients/{}", id(&api, "clients?clientId=worker").await);
    let ward = id(&api, "organizations").await;
    let switches = [
        (&*worker, "authorizationServicesEnabled"),
        (&worker, "serviceAccountsEnabled"),
        ("", "organizationsEnabled"),
        ("", "adminPermissionsEnabled"),
    ];
    for (path, switch) in switches {
        edit(&api, path, &json!({ switch: false })).await;
        let plan = declared.apply(&api).await;
        assert!(changes(&plan).contains(switch), "{}", changes(&plan));
    }
    for (path, switch) in switches {
        edit(&api, path, &json!({ switch: false })).await;
    }
    // What changed before it was hidden.
    edit(&api, "", &json!({"organizationsEnabled": true})).await;
    edit(&api, &format!("organizations/{ward}"), &json!({"description": "by hand"})).await;
    edit(&api, "", &json!({"organizationsEnabled": false})).await;
    declared.apply(&api).await;
    assert_eq!(read(&api, "organizations").await[0]["description"], "d");
    assert_eq!(id(&api, "organizations").await, ward, "it is the same one");
}

/// A scope that was given another protocol, and lost a role that is gone too, is a scope again before a client that is gone
/// as well is made: no client takes one of another protocol.
#[tokio::test]
async fn a_new_client_takes_a_scope_that_is_mended_with_it() {
    let declared = world(&json!({
        "roles": {"realm": [{"name": "nurse"}]},
        "clientScopes": [{"name": "extra", "protocol": "openid-connect"}],
        "scopeMappings": [{"clientScope": "extra", "roles": ["nurse"]}],
        "clients": [{"clientId": "app", "publicClient": true, "defaultClientScopes": ["extra"]}],
    }));
    let api = MemoryKeycloak::new();
    declared.apply(&api).await;
    let client = format!("clients/{}", id(&api, "clients?clientId=app").await);
    let nurse = read(&api, "roles/nurse").await["id"].as_str().expect("an id").to_owned();
    for path in [client, format!("roles-by-id/{nurse}")] {
        api.delete("north", &path, None).await.expect("removed");
    }
    let scopes = read(&api, "client-scopes").await;
    let extra = scopes.as_array().expect("a list").iter().find(|scope| scope["name"] == "extra").expect("there");
    edit(&api, &format!("client-scopes/{}", extra["id"].as_str().expect("an id")), &json!({"protocol": "saml"})).await;
    declared.apply(&api).await;
    assert_eq!(read(&api, "clients?clientId=app").await[0]["defaultClientScopes"], json!(["extra"]));
}

/// A client speaks the protocol of its scopes, whoever made it speak another one.
#[tokio::test]
async fn a_client_of_another_protocol_is_mended_with_its_scopes() {
    let declared = world(&json!({
        "clientScopes": [{"name": "extra", "protocol": "openid-connect"}],
        "clients": [{"clientId": "app", "publicClient": true, "defaultClientScopes": ["extra"]}],
    }));
    let api = MemoryKeycloak::new();
    declared.apply(&api).await;
    let client = format!("clients/{}", id(&api, "clients?clientId=app").await);
    edit(&api, &client, &json!({"protocol": "saml"})).await;
    insta::assert_snapshot!(changes(&declared.plan(&api).await), @r#"
    north (distributor)
        ~ update  client/app
            protocol  "saml" → "openid-connect"  (changed outside Realmwright)
    "#);
    declared.apply(&api).await;
}

/// A tenant with a user who has a role, and one who has none.
fn people(mut realm: Value) -> World {
    let users = json!([
        {"username": "demo", "email": "demo@x.example", "firstName": "D", "lastName": "E", "realmRoles": ["nurse"]},
        {"username": "jo", "email": "jo@x.example"},
    ]);
    realm["roles"] = json!({"realm": [{"name": "nurse"}]});
    realm["users"] = users;
    world(&realm)
}

/// The same without the shipped templates, which say how users are named.
fn unsaid(mut realm: Value) -> World {
    realm["enabled"] = true.into();
    people(realm).edit("full.yaml", r#""extends":"organization","#, "").edit(
        "tenant.yaml",
        "admin: {email: boss@clinic.example}\n",
        "",
    )
}

#[tokio::test]
async fn users_that_keycloak_renames_get_their_names_back() {
    for declared in [json!({}), json!({"registrationEmailAsUsername": false})] {
        let api = MemoryKeycloak::new();
        let people = if declared == json!({}) { unsaid(json!({})) } else { people(declared.clone()) };
        people.apply(&api).await;
        let demo = id(&api, "users?exact=true&username=demo").await;
        let path = format!("users/{demo}");
        edit(&api, "", &json!({"registrationEmailAsUsername": true})).await;
        edit(&api, &path, &json!({"firstName": "X"})).await;
        let said = changes(&people.apply(&api).await);
        assert!(said.contains("firstName  \"X\" → \"D\""), "{said}");
        // Whoever was written to meanwhile has that name from then on.
        assert_eq!(said.contains("username  \"demo@x.example\" → \"demo\""), declared != json!({}), "{said}");
        edit(&api, "", &json!({"registrationEmailAsUsername": false})).await;
        if declared == json!({}) {
            insta::assert_snapshot!(changes(&people.apply(&api).await), @r#"
            north (distributor)
                ~ update  user/demo
                    username  "demo@x.example" → "demo"  (changed outside Realmwright)
            "#);
        }
        assert_eq!(read(&api, "users?exact=true&username=demo").await[0]["id"], demo.as_str());
        assert_eq!(read(&api, "").await["editUsernameAllowed"], false, "for that one request alone");
    }
}

/// Whoever leaves the manifests under another name than the declared one leaves the realm all the same.
#[tokio::test]
async fn a_renamed_user_who_is_no_longer_declared_is_deleted() {
    let api = MemoryKeycloak::new();
    people(json!({})).apply(&api).await;
    let demo = format!("users/{}", id(&api, "users?exact=true&username=demo").await);
    edit(&api, "", &json!({"registrationEmailAsUsername": true})).await;
    edit(&api, &demo, &json!({"firstName": "X"})).await;
    edit(&api, "", &json!({"registrationEmailAsUsername": false})).await;
    // Another one has a similar address, and none of the rights.
    api.post("north", "users", &json!({"username": "eve", "email": "demo@y.example"})).await.expect("made");
    let less = world(
        &json!({"roles": {"realm": [{"name": "nurse"}]}, "users": [{"username": "jo", "email": "jo@x.example"}]}),
    );
    insta::assert_snapshot!(changes(&less.plan(&api).await), @r"
    north (distributor)
        - delete  user/demo
    ");
    less.apply(&api).await;
    assert_eq!(api.get("north", &demo).await.expect("readable"), None);
    assert!(!read(&api, "users?exact=true&username=eve").await[0].is_null());
}

/// A realm of which no manifest says whether names may be edited: a run that ends anywhere leaves that as it was, or the
/// next one does.
#[tokio::test]
async fn a_run_that_ends_while_it_renames_a_user_leaves_names_shut() {
    let world = unsaid(json!({}));
    let mut left_open = 0;
    for good in 0..5 {
        let api = MemoryKeycloak::new();
        world.apply(&api).await;
        let path = format!("users/{}", id(&api, "users?exact=true&username=demo").await);
        edit(&api, "", &json!({"registrationEmailAsUsername": true})).await;
        edit(&api, &path, &json!({"firstName": "X"})).await;
        edit(&api, "", &json!({"registrationEmailAsUsername": false})).await;
        let plan = world.plan(&api).await;
        carry_out(&Cut::at_write(&api, good, false), &plan).await;
        left_open += usize::from(read(&api, "").await["editUsernameAllowed"] == true);
        world.apply(&api).await;
        let realm = read(&api, "").await;
        assert_ne!(realm["editUsernameAllowed"], true, "after {good} writes");
        assert!(realm["attributes"].get("realmwright.naming").is_none(), "after {good} writes");
        assert_eq!(read(&api, &path).await["username"], "demo", "after {good} writes");
    }
    assert!(left_open > 0, "no run ended in between");
}

#[tokio::test]
async fn who_took_an_address_is_not_taken_for_its_owner() {
    for (gone, address) in [("demo", "demo@x.example"), ("jo", "jo@x.example")] {
        let api = MemoryKeycloak::new();
        people(json!({})).apply(&api).await;
        let own = id(&api, &format!("users?exact=true&username={gone}")).await;
        api.delete("north", &format!("users/{own}"), None).await.expect("removed");
        api.post("north", "users", &json!({"username": "eve", "email": address})).await.expect("made");
        let plan = people(json!({})).plan(&api).await;
        let outcome = carry_out(&api, &plan).await;
        let TenantOutcome::Failed { error, .. } = &outcome.tenants[0].1 else { panic!("{outcome:?}") };
        assert_eq!(error.status(), Some(409));
        assert!(error.hint().expect("a way out").contains("has this address"), "{:?}", error.hint());
        assert_eq!(read(&api, "users?exact=true&username=eve").await[0]["email"], address, "she is left alone");
    }
}

#[tokio::test]
async fn who_is_to_update_an_address_gets_the_declared_one_and_is_still_to_update_it() {
    let api = MemoryKeycloak::new();
    let people = people(json!({}));
    people.apply(&api).await;
    let path = format!("users/{}", id(&api, "users?exact=true&username=demo").await);
    edit(&api, &path, &json!({"email": "other@x.example", "requiredActions": ["UPDATE_EMAIL"]})).await;
    people.apply(&api).await;
    let user = read(&api, &path).await;
    assert_eq!((&user["email"], &user["requiredActions"]), (&json!("demo@x.example"), &json!(["UPDATE_EMAIL"])));
}
