//! What the tool relies on Keycloak to do. Each case runs against the in-memory Keycloak and against a real one, so
//! that the first never claims what the second does not do. `docs/keycloak.md` names the case for each rule.

mod events;
mod kinds;
mod least;
pub mod ledger;
mod restored;
pub mod sessions;
mod settings;

pub use events::*;
pub use kinds::*;
pub use least::*;
use realmwright::keycloak::{Birth, KeycloakError, WriteRealms};
pub use restored::*;
use serde_json::{Value, json};
pub use settings::*;

use crate::support::World;

/// Lists the cases; `$run!` makes a test of each.
#[macro_export]
macro_rules! contract_cases {
    ($run:ident) => {
        $run!(
            a_realm_is_born_once,
            a_missing_realm_is_none,
            the_provisioner_works_from_birth,
            own_scopes_suppress_the_built_in_ones,
            built_in_clients_get_no_scopes_beside_own_ones,
            users_of_a_birth_get_no_default_roles,
            posted_users_get_the_default_role_and_no_other,
            the_default_role_is_the_one_that_is_named,
            a_birth_with_an_unknown_role_leaves_nothing,
            a_birth_with_an_insecure_provider_leaves_nothing,
            put_realm_replaces_attributes,
            put_realm_keeps_what_it_omits,
            put_realm_resets_two_fields_that_it_omits,
            put_realm_ignores_nested_objects,
            a_realm_is_renamed_by_its_provisioner,
            put_realm_drops_a_mail_login_that_is_off,
            put_client_merges,
            put_client_removes_an_attribute_by_null,
            put_client_ignores_scopes,
            put_client_ends_authorization_services_that_it_omits,
            put_client_derives_web_origins_that_it_omits,
            put_client_keeps_front_channel_logout_that_it_carries,
            fields_that_are_unknown_are_refused,
            unknown_scopes_of_a_new_client_are_ignored,
            put_component_merges,
            addresses_are_kept_in_lower_case,
            put_client_scope_merges_and_ignores_mappers,
            put_mapper_replaces,
            put_role_clears_the_description_and_keeps_attributes,
            put_role_replaces_attributes_when_given,
            posted_roles_have_no_composites,
            a_role_is_made_once_and_found_by_its_name,
            composites_are_added_and_removed,
            a_service_account_comes_with_its_client,
            roles_of_users_are_seen_through_their_members,
            scopes_of_a_client_move_between_lists,
            scopes_of_the_realm_have_endpoints,
            components_are_written_without_what_is_below_them,
            identity_providers_keep_a_masked_secret,
            users_are_merged,
            the_export_leaves_out_ordinary_users,
            deleting_takes_what_belongs_along,
            deleting_twice_is_no_error,
            posted_groups_have_no_roles,
            put_group_clears_the_description_and_keeps_attributes,
            a_birth_binds_flows_by_name,
            bindings_follow_a_renamed_flow,
            a_sub_flow_is_made_with_its_step,
            put_required_action_replaces,
            texts_of_a_locale_are_added_to,
            organizations_need_their_switch,
            births_bring_members_and_accounts_and_each_is_written_once,
            put_user_with_attributes_clears_names_that_it_omits,
            put_provider_mapper_replaces,
            policies_are_written_by_name_and_replaced,
            admin_permissions_are_all_that_can_be_changed_of_their_client,
            an_admin_permission_for_everything_stays_so_when_it_is_changed,
            what_is_deleted_leaves_admin_permissions,
            a_realm_is_deleted_by_its_provisioner,
            a_birth_that_brings_a_policy_of_client_registration_gets_no_other,
            a_birth_without_its_type_drops_settings_of_one_time_passwords,
            a_birth_that_brings_a_client_of_keycloaks_own_gets_another,
            what_keycloak_put_in_comes_back_where_it_is_referred_to,
            clients_of_keycloaks_own_take_changes,
            built_in_clients_can_be_disabled_but_for_realm_management,
            logging_all_out_sets_not_before_and_the_provisioner_goes_on,
            initial_access_tokens_can_be_taken_away,
            listings_have_pages,
            members_of_a_group_are_not_those_below_it,
            a_switch_of_a_client_takes_what_is_behind_it,
            organizations_are_hidden_while_their_switch_is_off,
            an_address_that_is_a_name_is_shown_and_kept_with_the_next_write,
            names_of_users_change_only_where_they_may_be_edited,
            an_address_that_is_to_be_updated_is_not_written,
            objects_that_say_only_what_they_must_are_born_and_settle,
            objects_that_say_only_what_they_must_are_made_later_and_settle,
            writes_leave_admin_events,
            some_writes_leave_no_admin_event,
            switching_admin_events_off_is_the_last_of_them,
            cleared_admin_events_are_gone,
            a_realm_says_of_itself_what_its_export_says,
        );
    };
}

/// The body of a realm that has `content` beside the provisioner.
fn body(realm: &str, content: &Value, jwks: &str) -> Value {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "bare", "realm": content});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": realm, "template": "bare"});
    let world = World::new(jwks).with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string());
    let desired = world.expand().expect("the content is sound");
    let plan = realmwright::plan::plan_tenant(&desired[0], None, &Default::default());
    plan.changes[0].body.as_ref().expect("a birth has a body").document().into_owned()
}

/// Scopes that are small, so that births are quick.
fn scopes() -> Value {
    json!([{"name": "basic", "protocol": "openid-connect"}, {"name": "extra", "protocol": "openid-connect"}])
}

async fn born(api: &impl WriteRealms, jwks: &str, realm: &str, mut content: Value) -> Value {
    content["enabled"] = true.into();
    if content["clientScopes"].is_null() {
        content["clientScopes"] = scopes();
    }
    let body = body(realm, &content, jwks);
    assert_eq!(api.create_realm(&body).await.expect("the birth is accepted"), Birth::Born);
    api.export(realm).await.expect("the realm can be read").expect("the realm exists")
}

async fn export(api: &impl WriteRealms, realm: &str) -> Value {
    api.export(realm).await.expect("the realm can be read").expect("the realm exists")
}

fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let items = list.as_array().expect("a list");
    items.iter().find(|item| item[key] == name).unwrap_or_else(|| panic!("no {name} in {list}"))
}

fn sorted(list: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().into_iter().flatten().map(|v| v.as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

async fn version(api: &impl WriteRealms, realm: &str) -> String {
    export(api, realm).await["keycloakVersion"].as_str().expect("a version").to_owned()
}

async fn client_id(api: &impl WriteRealms, realm: &str, client: &str) -> String {
    let found = api.get(realm, &format!("clients?clientId={client}")).await.expect("readable").expect("there");
    found[0]["id"].as_str().expect("an id").to_owned()
}

async fn role(api: &impl WriteRealms, realm: &str, name: &str) -> Value {
    api.get(realm, &format!("roles/{name}")).await.expect("readable").expect("there")
}

pub async fn a_realm_is_born_once(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let again = body(realm, &json!({"enabled": true, "clientScopes": scopes()}), jwks);
    assert_eq!(api.create_realm(&again).await.expect("answered"), Birth::Existed);
}

pub async fn a_missing_realm_is_none(api: &impl WriteRealms, _: &str, realm: &str) {
    assert_eq!(api.export(realm).await.expect("answered"), None);
}

pub async fn the_provisioner_works_from_birth(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let export = born(api, jwks, realm, json!({"displayName": "One"})).await;
    assert_eq!(export["displayName"], "One");
    let account = named(&export["users"], "username", "service-account-realmwright-provisioner");
    assert_eq!(account["clientRoles"], json!({"realm-management": ["realm-admin"]}));
}

pub async fn own_scopes_suppress_the_built_in_ones(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let export = born(api, jwks, realm, json!({"defaultDefaultClientScopes": ["basic"]})).await;
    let mut names: Vec<&str> =
        export["clientScopes"].as_array().expect("scopes").iter().filter_map(|s| s["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["basic", "extra", "offline_access"]);
    assert_eq!(sorted(&export["defaultDefaultClientScopes"]), ["basic"]);
    assert_eq!(sorted(&export["defaultOptionalClientScopes"]), ["offline_access"]);
}

pub async fn built_in_clients_get_no_scopes_beside_own_ones(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let export =
        born(api, jwks, realm, json!({"defaultDefaultClientScopes": ["basic"], "clients": [{"clientId": "app"}]}))
            .await;
    assert_eq!(
        sorted(&named(&export["clients"], "clientId", "account-console")["defaultClientScopes"]),
        [] as [&str; 0]
    );
    assert_eq!(sorted(&named(&export["clients"], "clientId", "app")["defaultClientScopes"]), ["basic"]);
}

pub async fn users_of_a_birth_get_no_default_roles(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"users": [{"username": "anna", "enabled": true}]})).await;
    let members =
        api.get(realm, &format!("roles/default-roles-{realm}/users?first=0&max=100")).await.expect("readable");
    assert_eq!(members.expect("there").as_array().map(Vec::len), Some(0));
}

pub async fn posted_users_get_the_default_role_and_no_other(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"roles": {"realm": [{"name": "member"}]}})).await;
    let user = json!({"username": "berta", "enabled": true, "realmRoles": ["member"]});
    let id = api.post(realm, "users", &user).await.expect("created").expect("an id");
    let roles = api.get(realm, &format!("users/{id}/role-mappings")).await.expect("readable").expect("there");
    let names: Vec<&str> =
        roles["realmMappings"].as_array().expect("roles").iter().filter_map(|r| r["name"].as_str()).collect();
    assert_eq!(names, [format!("default-roles-{realm}")]);
}

pub async fn the_default_role_is_the_one_that_is_named(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let name = format!("default-roles-{realm}");
    let roles = json!({"realm": [
        {"name": "member"}, {"name": "uma_authorization"},
        {"name": name, "description": "what everyone gets", "composites": {"realm": ["member", "uma_authorization"]}},
    ]});
    let export = born(api, jwks, realm, json!({ "roles": roles })).await;
    assert_eq!(export["defaultRole"]["name"], name.as_str());
    let role = named(&export["roles"]["realm"], "name", &name);
    assert_eq!(role["description"], "what everyone gets");
    assert!(sorted(&role["composites"]["realm"]).contains(&"member".to_owned()));
}

pub async fn a_birth_with_an_unknown_role_leaves_nothing(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let mut wrong =
        body(realm, &json!({"enabled": true, "clientScopes": scopes(), "roles": {"realm": [{"name": "a"}]}}), jwks);
    wrong["roles"]["realm"][0]["composites"] = json!({"realm": ["nowhere"]});
    assert_eq!(api.create_realm(&wrong).await.expect_err("refused").status(), Some(500));
    assert_eq!(api.export(realm).await.expect("answered"), None);
}

pub async fn a_birth_with_an_insecure_provider_leaves_nothing(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let provider = |scheme: &str| {
        json!({"alias": "corp", "providerId": "oidc", "enabled": true,
               "config": {"authorizationUrl": format!("{scheme}://id.example/a"), "tokenUrl": "https://id.example/t", "clientId": "c"}})
    };
    let mut wrong = body(realm, &json!({"enabled": true, "clientScopes": scopes()}), jwks);
    wrong["identityProviders"] = json!([provider("http")]);
    assert_eq!(api.create_realm(&wrong).await.expect_err("refused").status(), Some(500));
    wrong["identityProviders"] = json!([provider("https")]);
    assert_eq!(api.create_realm(&wrong).await.expect("accepted"), Birth::Born);
}

pub async fn put_realm_replaces_attributes(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"attributes": {"mine": "1", "yours": "2"}})).await;
    api.put(realm, "", Some(&json!({"realm": realm, "attributes": {"mine": "3"}}))).await.expect("written");
    let attributes = export(api, realm).await["attributes"].clone();
    assert_eq!((&attributes["mine"], &attributes["yours"]), (&json!("3"), &Value::Null));
}

pub async fn put_realm_keeps_what_it_omits(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"displayName": "One", "accessTokenLifespan": 77, "attributes": {"mine": "1"}})).await;
    api.put(realm, "", Some(&json!({"realm": realm, "displayName": "Two"}))).await.expect("written");
    let now = export(api, realm).await;
    assert_eq!(
        (&now["displayName"], &now["accessTokenLifespan"], &now["attributes"]["mine"]),
        (&json!("Two"), &json!(77), &json!("1"))
    );
}

pub async fn a_realm_is_renamed_by_its_provisioner(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let other = format!("{realm}-x");
    api.put(realm, "", Some(&json!({"realm": other}))).await.expect("written");
    assert_eq!(api.export(realm).await.expect("answered"), None);
    let renamed = export(api, &other).await;
    assert_eq!(
        (&renamed["realm"], &renamed["defaultRole"]["name"]),
        (&json!(other), &json!(format!("default-roles-{realm}")))
    );
    api.put(&other, "", Some(&json!({"realm": realm}))).await.expect("written");
    assert_eq!(export(api, realm).await["realm"], realm);
}

pub async fn put_realm_resets_two_fields_that_it_omits(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"oauth2DeviceCodeLifespan": 300, "oauth2DevicePollingInterval": 9})).await;
    api.put(realm, "", Some(&json!({"realm": realm, "displayName": "Two"}))).await.expect("written");
    let now = export(api, realm).await;
    assert_eq!((&now["oauth2DeviceCodeLifespan"], &now["oauth2DevicePollingInterval"]), (&json!(600), &json!(5)));
}

pub async fn put_realm_ignores_nested_objects(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"defaultDefaultClientScopes": ["basic"]})).await;
    let change = json!({"realm": realm, "clients": [{"clientId": "new"}], "defaultDefaultClientScopes": ["extra"]});
    api.put(realm, "", Some(&change)).await.expect("written");
    let now = export(api, realm).await;
    assert!(now["clients"].as_array().expect("clients").iter().all(|client| client["clientId"] != "new"));
    assert_eq!(sorted(&now["defaultDefaultClientScopes"]), ["basic"]);
}

pub async fn put_realm_drops_a_mail_login_that_is_off(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let mail = json!({"host": "mail.example", "from": "a@mail.example", "user": "u"});
    born(api, jwks, realm, json!({ "smtpServer": mail })).await;
    api.put(realm, "", Some(&json!({"realm": realm, "displayName": "Two"}))).await.expect("written");
    let mut now = api.get(realm, "").await.expect("readable").expect("there");
    assert_eq!(now["smtpServer"]["user"], "u", "what is omitted stays");
    now["displayName"] = "Three".into();
    api.put(realm, "", Some(&now)).await.expect("written");
    let now = export(api, realm).await;
    assert_eq!((&now["smtpServer"]["host"], &now["smtpServer"]["user"]), (&json!("mail.example"), &Value::Null));
}

pub async fn put_client_merges(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let app = json!({"clientId": "app", "name": "App", "publicClient": true, "redirectUris": ["https://a.example/*"], "attributes": {"one": "1", "two": "2"}});
    born(api, jwks, realm, json!({ "clients": [app] })).await;
    let id = client_id(api, realm, "app").await;
    let change = json!({"clientId": "app", "name": "New", "attributes": {"two": "22"}});
    api.put(realm, &format!("clients/{id}"), Some(&change)).await.expect("written");
    let now = export(api, realm).await;
    let client = named(&now["clients"], "clientId", "app");
    assert_eq!(
        (&client["name"], &client["publicClient"], &client["redirectUris"]),
        (&json!("New"), &json!(true), &json!(["https://a.example/*"]))
    );
    assert_eq!((&client["attributes"]["one"], &client["attributes"]["two"]), (&json!("1"), &json!("22")));
}

pub async fn put_client_removes_an_attribute_by_null(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"clients": [{"clientId": "app", "attributes": {"one": "1", "two": "2"}}]})).await;
    let id = client_id(api, realm, "app").await;
    let change = json!({"clientId": "app", "attributes": {"one": null}});
    api.put(realm, &format!("clients/{id}"), Some(&change)).await.expect("written");
    let attributes = named(&export(api, realm).await["clients"], "clientId", "app")["attributes"].clone();
    assert_eq!((&attributes["one"], &attributes["two"]), (&Value::Null, &json!("2")));
}

pub async fn put_client_ignores_scopes(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(
        api,
        jwks,
        realm,
        json!({"clients": [{"clientId": "app", "defaultClientScopes": ["basic"], "optionalClientScopes": []}]}),
    )
    .await;
    let id = client_id(api, realm, "app").await;
    let change = json!({"clientId": "app", "defaultClientScopes": ["extra"]});
    api.put(realm, &format!("clients/{id}"), Some(&change)).await.expect("written");
    let now = export(api, realm).await;
    assert_eq!(sorted(&named(&now["clients"], "clientId", "app")["defaultClientScopes"]), ["basic"]);
}

pub async fn put_client_ends_authorization_services_that_it_omits(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let new = json!({"clientId": "app", "publicClient": false, "serviceAccountsEnabled": true, "authorizationServicesEnabled": true});
    let id = api.post(realm, "clients", &new).await.expect("created").expect("an id");
    let change = json!({"clientId": "app", "name": "a", "authorizationServicesEnabled": true});
    api.put(realm, &format!("clients/{id}"), Some(&change)).await.expect("written");
    assert_eq!(named(&export(api, realm).await["clients"], "clientId", "app")["authorizationServicesEnabled"], true);
    api.put(realm, &format!("clients/{id}"), Some(&json!({"clientId": "app", "name": "b"}))).await.expect("written");
    let now = export(api, realm).await;
    assert_eq!(named(&now["clients"], "clientId", "app")["authorizationServicesEnabled"], Value::Null);
}

pub async fn put_client_derives_web_origins_that_it_omits(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let app = json!({"clientId": "app", "redirectUris": ["https://a.example/*"], "webOrigins": []});
    born(api, jwks, realm, json!({ "clients": [app] })).await;
    let id = client_id(api, realm, "app").await;
    let origins = async || named(&export(api, realm).await["clients"], "clientId", "app")["webOrigins"].clone();
    let change = json!({"clientId": "app", "name": "a", "webOrigins": []});
    api.put(realm, &format!("clients/{id}"), Some(&change)).await.expect("written");
    assert_eq!(origins().await, json!([]));
    api.put(realm, &format!("clients/{id}"), Some(&json!({"clientId": "app", "name": "b"}))).await.expect("written");
    assert_eq!(origins().await, json!(["https://a.example"]));
}

/// 26.4 sets it anew when it is left out, 26.7 keeps it: with it in the body both do the same.
pub async fn put_client_keeps_front_channel_logout_that_it_carries(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let client = |name: &str, on: bool| json!({"clientId": name, "publicClient": true, "frontchannelLogout": on});
    born(api, jwks, realm, json!({"clients": [client("on", true), client("off", false)]})).await;
    for (name, on) in [("on", true), ("off", false)] {
        let id = client_id(api, realm, name).await;
        let change = json!({"clientId": name, "name": "changed", "frontchannelLogout": on});
        api.put(realm, &format!("clients/{id}"), Some(&change)).await.expect("written");
        let now = export(api, realm).await;
        let client = named(&now["clients"], "clientId", name);
        assert_eq!((&client["name"], &client["frontchannelLogout"]), (&json!("changed"), &json!(on)), "{name}");
    }
}

pub async fn fields_that_are_unknown_are_refused(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let unknown = json!({"clientId": "app", "isEnabled": true});
    let refused = api.post(realm, "clients", &unknown).await.expect_err("refused");
    assert!(refused.status() == Some(400) && refused.to_string().contains("Unrecognized field"), "{refused}");
    let refused = api.put(realm, "", Some(&json!({"realm": realm, "isEnabled": true}))).await.expect_err("refused");
    assert!(refused.status() == Some(400) && refused.to_string().contains("isEnabled"), "{refused}");
}

pub async fn unknown_scopes_of_a_new_client_are_ignored(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    api.post(realm, "client-scopes", &json!({"name": "other", "protocol": "saml"})).await.expect("created");
    let new = json!({"clientId": "app", "defaultClientScopes": ["nowhere", "other"], "optionalClientScopes": []});
    api.post(realm, "clients", &new).await.expect("created");
    let now = export(api, realm).await;
    let client = named(&now["clients"], "clientId", "app");
    assert!(sorted(&client["defaultClientScopes"]).is_empty(), "{client}");
}

pub async fn put_component_merges(api: &impl WriteRealms, jwks: &str, realm: &str) {
    const KEYS: &str = "org.keycloak.keys.KeyProvider";
    born(api, jwks, realm, json!({})).await;
    let config = json!({"priority": ["10"], "ecdsaEllipticCurveKey": ["P-256"], "active": ["true"]});
    let new = json!({"name": "es", "providerId": "ecdsa-generated", "providerType": KEYS, "config": config});
    let id = api.post(realm, "components", &new).await.expect("created").expect("an id");
    let change = json!({"name": "es", "providerId": "ecdsa-generated", "providerType": KEYS, "config": {"priority": ["20"], "active": null}});
    api.put(realm, &format!("components/{id}"), Some(&change)).await.expect("written");
    let config = named(&export(api, realm).await["components"][KEYS], "name", "es")["config"].clone();
    assert_eq!((&config["priority"], &config["active"]), (&json!(["20"]), &Value::Null));
    assert_eq!(config["ecdsaEllipticCurveKey"], json!(["P-256"]));
}

pub async fn addresses_are_kept_in_lower_case(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let content = json!({"users": [{"username": "anna", "email": "Anna@X.Example", "enabled": true}]});
    let mut with = body(realm, &json!({"enabled": true, "clientScopes": scopes()}), jwks);
    with["users"].as_array_mut().expect("users").push(content["users"][0].clone());
    assert_eq!(api.create_realm(&with).await.expect("accepted"), Birth::Born);
    let found = api.get(realm, "users?exact=true&username=anna").await.expect("readable").expect("there");
    assert_eq!(found[0]["email"], "anna@x.example");
}

pub async fn put_client_scope_merges_and_ignores_mappers(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let mapper = json!({"name": "sub", "protocol": "openid-connect", "protocolMapper": "oidc-sub-mapper", "config": {"access.token.claim": "true"}});
    let scope = json!({"name": "mine", "description": "d", "protocol": "openid-connect", "attributes": {"one": "1", "two": "2"}, "protocolMappers": [mapper]});
    let now = born(api, jwks, realm, json!({ "clientScopes": [scope] })).await;
    let id = named(&now["clientScopes"], "name", "mine")["id"].as_str().expect("an id").to_owned();
    let change = json!({"name": "mine", "protocol": "openid-connect", "attributes": {"one": null, "two": "22"}, "protocolMappers": []});
    api.put(realm, &format!("client-scopes/{id}"), Some(&change)).await.expect("written");
    let now = export(api, realm).await;
    let scope = named(&now["clientScopes"], "name", "mine");
    assert_eq!(
        (&scope["attributes"]["one"], &scope["attributes"]["two"], &scope["description"]),
        (&Value::Null, &json!("22"), &json!("d"))
    );
    assert_eq!(named(&scope["protocolMappers"], "name", "sub")["protocolMapper"], "oidc-sub-mapper");
}

pub async fn put_mapper_replaces(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let mapper = json!({"name": "aud", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
                        "config": {"access.token.claim": "true", "included.custom.audience": "x"}});
    let now = born(api, jwks, realm, json!({"clients": [{"clientId": "app", "protocolMappers": [mapper]}]})).await;
    let client = named(&now["clients"], "clientId", "app");
    let (id, mapper) = (client["id"].as_str().expect("an id"), &client["protocolMappers"][0]);
    let mut change = mapper.clone();
    change["config"] = json!({"included.custom.audience": "y"});
    let path = format!("clients/{id}/protocol-mappers/models/{}", mapper["id"].as_str().expect("an id"));
    api.put(realm, &path, Some(&change)).await.expect("written");
    let now = export(api, realm).await;
    let config = named(&now["clients"], "clientId", "app")["protocolMappers"][0]["config"].clone();
    assert_eq!((&config["included.custom.audience"], &config["access.token.claim"]), (&json!("y"), &Value::Null));
}

pub async fn put_role_clears_the_description_and_keeps_attributes(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let member = json!({"name": "member", "description": "d", "attributes": {"k": ["v"]}});
    born(api, jwks, realm, json!({"roles": {"realm": [member]}})).await;
    let id = role(api, realm, "member").await["id"].as_str().expect("an id").to_owned();
    api.put(realm, &format!("roles-by-id/{id}"), Some(&json!({"name": "member"}))).await.expect("written");
    let now = role(api, realm, "member").await;
    assert_eq!((&now["description"], &now["attributes"]), (&Value::Null, &json!({"k": ["v"]})));
}

pub async fn put_role_replaces_attributes_when_given(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let member = json!({"name": "member", "attributes": {"k": ["v"], "l": ["w"]}});
    born(api, jwks, realm, json!({"roles": {"realm": [member]}})).await;
    let id = role(api, realm, "member").await["id"].as_str().expect("an id").to_owned();
    let change = json!({"name": "member", "attributes": {"l": ["x"]}});
    api.put(realm, &format!("roles-by-id/{id}"), Some(&change)).await.expect("written");
    assert_eq!(role(api, realm, "member").await["attributes"], json!({"l": ["x"]}));
}

pub async fn posted_roles_have_no_composites(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"roles": {"realm": [{"name": "member"}]}})).await;
    let new = json!({"name": "boss", "composites": {"realm": ["member"]}});
    api.post(realm, "roles", &new).await.expect("created");
    let now = export(api, realm).await;
    assert_eq!(named(&now["roles"]["realm"], "name", "boss")["composites"], Value::Null);
}

/// Leases of realms are such roles (`apply/lease.rs`).
pub async fn a_role_is_made_once_and_found_by_its_name(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let lease = |until: &str| json!({"name": "realmwright.lease", "description": until});
    let (one, other) = (lease("one"), lease("other"));
    let both = futures_util::join!(api.post(realm, "roles", &one), api.post(realm, "roles", &other));
    let refused: Vec<_> = [both.0, both.1].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.iter().map(KeycloakError::status).collect::<Vec<_>>(), [Some(409)]);
    let path = "roles/realmwright.lease";
    api.put(realm, path, Some(&lease("longer"))).await.expect("written");
    assert_eq!(api.get(realm, path).await.expect("answered").expect("there")["description"], "longer");
    api.delete(realm, path, None).await.expect("deleted");
    assert!(api.get(realm, path).await.expect("answered").is_none());
    api.post(realm, "roles", &one).await.expect("made");
}

pub async fn composites_are_added_and_removed(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let roles = json!({"realm": [{"name": "boss"}, {"name": "member"}], "client": {"app": [{"name": "seat"}]}});
    let now = born(api, jwks, realm, json!({"clients": [{"clientId": "app"}], "roles": roles})).await;
    let seat = named(&now["roles"]["client"]["app"], "name", "seat");
    let (boss, member) = (role(api, realm, "boss").await, role(api, realm, "member").await);
    let path = format!("roles-by-id/{}/composites", boss["id"].as_str().expect("an id"));
    let both = json!([{"id": member["id"], "name": "member"}, {"id": seat["id"], "name": "seat"}]);
    api.post(realm, &path, &both).await.expect("added");
    let now = export(api, realm).await;
    assert_eq!(
        named(&now["roles"]["realm"], "name", "boss")["composites"],
        json!({"realm": ["member"], "client": {"app": ["seat"]}})
    );
    api.delete(realm, &path, Some(&json!([{"id": member["id"], "name": "member"}]))).await.expect("removed");
    let now = export(api, realm).await;
    assert_eq!(sorted(&named(&now["roles"]["realm"], "name", "boss")["composites"]["realm"]), [] as [&str; 0]);
}

pub async fn a_service_account_comes_with_its_client(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let new = json!({"clientId": "worker", "publicClient": false, "serviceAccountsEnabled": true});
    let id = api.post(realm, "clients", &new).await.expect("created").expect("an id");
    let user = api.get(realm, &format!("clients/{id}/service-account-user")).await.expect("readable").expect("there");
    assert_eq!(user["username"], "service-account-worker");
    // Or once it is switched on.
    let late = json!({"clientId": "late", "publicClient": false, "serviceAccountsEnabled": false});
    let id = api.post(realm, "clients", &late).await.expect("created").expect("an id");
    let on = json!({"clientId": "late", "serviceAccountsEnabled": true});
    api.put(realm, &format!("clients/{id}"), Some(&on)).await.expect("written");
    let user = api.get(realm, &format!("clients/{id}/service-account-user")).await.expect("readable").expect("there");
    assert_eq!(user["username"], "service-account-late");
}

pub async fn roles_of_users_are_seen_through_their_members(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let content = json!({
        "clients": [{"clientId": "app"}],
        "roles": {"realm": [{"name": "member"}], "client": {"app": [{"name": "seat"}]}},
        "users": [{"username": "anna", "enabled": true, "realmRoles": ["member"]}, {"username": "bert", "enabled": true}],
    });
    let now = born(api, jwks, realm, content).await;
    let members = api.get(realm, "roles/member/users?first=0&max=100").await.expect("readable").expect("there");
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    let anna = members[0]["id"].as_str().expect("an id").to_owned();
    let (app, seat) = (client_id(api, realm, "app").await, named(&now["roles"]["client"]["app"], "name", "seat"));
    let path = format!("users/{anna}/role-mappings/clients/{app}");
    api.post(realm, &path, &json!([{"id": seat["id"], "name": "seat"}])).await.expect("granted");
    let members = api
        .get(realm, &format!("clients/{app}/roles/seat/users?first=0&max=100"))
        .await
        .expect("readable")
        .expect("there");
    assert_eq!(members[0]["username"], "anna");
    let member = role(api, realm, "member").await;
    let path = format!("users/{anna}/role-mappings/realm");
    api.delete(realm, &path, Some(&json!([{"id": member["id"], "name": "member"}]))).await.expect("taken away");
    let members = api.get(realm, "roles/member/users?first=0&max=100").await.expect("readable").expect("there");
    assert_eq!(members, json!([]));
}

pub async fn scopes_of_a_client_move_between_lists(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let now = born(
        api,
        jwks,
        realm,
        json!({"clients": [{"clientId": "app", "defaultClientScopes": ["extra"], "optionalClientScopes": []}]}),
    )
    .await;
    let app = client_id(api, realm, "app").await;
    let extra = named(&now["clientScopes"], "name", "extra")["id"].as_str().expect("an id").to_owned();
    api.delete(realm, &format!("clients/{app}/default-client-scopes/{extra}"), None).await.expect("removed");
    api.put(realm, &format!("clients/{app}/optional-client-scopes/{extra}"), None).await.expect("added");
    let now = export(api, realm).await;
    let client = named(&now["clients"], "clientId", "app");
    assert_eq!(
        (sorted(&client["defaultClientScopes"]).len(), sorted(&client["optionalClientScopes"])),
        (0, vec!["extra".to_owned()])
    );
}

pub async fn scopes_of_the_realm_have_endpoints(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let now = born(api, jwks, realm, json!({"defaultDefaultClientScopes": ["basic"]})).await;
    let id = |name: &str| named(&now["clientScopes"], "name", name)["id"].as_str().expect("an id").to_owned();
    api.put(realm, &format!("default-default-client-scopes/{}", id("extra")), None).await.expect("added");
    api.delete(realm, &format!("default-default-client-scopes/{}", id("basic")), None).await.expect("removed");
    assert_eq!(sorted(&export(api, realm).await["defaultDefaultClientScopes"]), ["extra"]);
}

pub async fn components_are_written_without_what_is_below_them(api: &impl WriteRealms, jwks: &str, realm: &str) {
    const KEYS: &str = "org.keycloak.keys.KeyProvider";
    born(api, jwks, realm, json!({})).await;
    let new = json!({"name": "es", "providerId": "ecdsa-generated", "providerType": KEYS,
                     "config": {"priority": ["10"], "ecdsaEllipticCurveKey": ["P-256"]}});
    let id = api.post(realm, "components", &new).await.expect("created").expect("an id");
    let now = export(api, realm).await;
    let mut change = named(&now["components"][KEYS], "name", "es").clone();
    change["providerType"] = KEYS.into();
    change.as_object_mut().expect("an object").remove("subComponents");
    change["config"]["priority"] = json!(["20"]);
    api.put(realm, &format!("components/{id}"), Some(&change)).await.expect("written");
    let now = export(api, realm).await;
    let config = &named(&now["components"][KEYS], "name", "es")["config"];
    assert_eq!((&config["priority"], &config["ecdsaEllipticCurveKey"]), (&json!(["20"]), &json!(["P-256"])));
}

pub async fn identity_providers_keep_a_masked_secret(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    let new = json!({"alias": "corp", "providerId": "oidc", "enabled": true,
        "config": {"authorizationUrl": "https://id.example/a", "tokenUrl": "https://id.example/t", "clientId": "c", "clientSecret": "s3cret"}});
    api.post(realm, "identity-provider/instances", &new).await.expect("created");
    let mut provider = export(api, realm).await["identityProviders"][0].clone();
    assert_eq!(provider["config"]["clientSecret"], "**********");
    provider["displayName"] = "Corp".into();
    api.put(realm, "identity-provider/instances/corp", Some(&provider)).await.expect("written");
    let provider = export(api, realm).await["identityProviders"][0].clone();
    assert_eq!((&provider["displayName"], &provider["config"]["clientId"]), (&json!("Corp"), &json!("c")));
}

pub async fn users_are_merged(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let anna = json!({"username": "anna", "email": "anna@x.example", "firstName": "Anna", "lastName": "Berg", "enabled": true});
    born(api, jwks, realm, json!({ "users": [anna] })).await;
    let found = api.get(realm, "users?exact=true&username=anna").await.expect("readable").expect("there");
    let id = found[0]["id"].as_str().expect("an id").to_owned();
    api.put(realm, &format!("users/{id}"), Some(&json!({"lastName": "Lind"}))).await.expect("written");
    let now = api.get(realm, &format!("users/{id}")).await.expect("readable").expect("there");
    assert_eq!(
        (&now["firstName"], &now["lastName"], &now["email"]),
        (&json!("Anna"), &json!("Lind"), &json!("anna@x.example"))
    );
}

pub async fn the_export_leaves_out_ordinary_users(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let now = born(api, jwks, realm, json!({"users": [{"username": "anna", "enabled": true}]})).await;
    assert!(now["users"].as_array().expect("users").iter().all(|user| user["username"] != "anna"));
    let found = api.get(realm, "users?exact=true&username=anna").await.expect("readable").expect("there");
    assert_eq!(found[0]["username"], "anna");
}

pub async fn deleting_takes_what_belongs_along(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let content = json!({
        "clients": [{"clientId": "app", "publicClient": false, "serviceAccountsEnabled": true}],
        "roles": {"realm": [{"name": "member"}, {"name": "boss", "composites": {"realm": ["member"], "client": {"app": ["seat"]}}}], "client": {"app": [{"name": "seat"}]}},
    });
    born(api, jwks, realm, content).await;
    let app = client_id(api, realm, "app").await;
    api.delete(realm, &format!("clients/{app}"), None).await.expect("deleted");
    let member = role(api, realm, "member").await["id"].as_str().expect("an id").to_owned();
    api.delete(realm, &format!("roles-by-id/{member}"), None).await.expect("deleted");
    let now = export(api, realm).await;
    assert!(now["clients"].as_array().expect("clients").iter().all(|client| client["clientId"] != "app"));
    assert!(now["users"].as_array().expect("users").iter().all(|user| user["username"] != "service-account-app"));
    let boss = named(&now["roles"]["realm"], "name", "boss");
    assert!(sorted(&boss["composites"]["realm"]).is_empty() && sorted(&boss["composites"]["client"]["app"]).is_empty());
}

pub async fn deleting_twice_is_no_error(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({"clients": [{"clientId": "app"}]})).await;
    let app = client_id(api, realm, "app").await;
    for _ in 0..2 {
        api.delete(realm, &format!("clients/{app}"), None).await.expect("deleted");
    }
}

pub async fn a_realm_is_deleted_by_its_provisioner(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    api.delete(realm, "", None).await.expect("deleted");
    assert_eq!(api.export(realm).await.expect("answered"), None);
    api.delete(realm, "", None).await.expect("gone already");
}

pub async fn built_in_clients_can_be_disabled_but_for_realm_management(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    born(api, jwks, realm, json!({})).await;
    for client in ["account", "account-console", "admin-cli", "security-admin-console"] {
        let path = format!("clients/{}", client_id(api, realm, client).await);
        api.put(realm, &path, Some(&json!({"clientId": client, "enabled": false}))).await.expect("written");
        assert_eq!(api.get(realm, &path).await.expect("readable").expect("there")["enabled"], false);
    }
    let path = format!("clients/{}", client_id(api, realm, "realm-management").await);
    if version(api, realm).await.starts_with("26.4.") {
        // There it can; quarantine leaves that client alone on every version.
        return;
    }
    let change = json!({"clientId": "realm-management", "enabled": false});
    let error = api.put(realm, &path, Some(&change)).await.expect_err("its own provisioner can't");
    assert_eq!(error.status(), Some(403));
    assert_eq!(api.get(realm, &path).await.expect("readable").expect("there")["bearerOnly"], true);
}

pub async fn logging_all_out_sets_not_before_and_the_provisioner_goes_on(
    api: &impl WriteRealms,
    jwks: &str,
    realm: &str,
) {
    born(api, jwks, realm, json!({})).await;
    api.post(realm, "logout-all", &Value::Null).await.expect("done");
    let now = api.get(realm, "").await.expect("readable with a new token").expect("there");
    assert!(now["notBefore"].as_u64() > Some(1_000_000_000), "{}", now["notBefore"]);
}

pub async fn initial_access_tokens_can_be_taken_away(api: &impl WriteRealms, jwks: &str, realm: &str) {
    born(api, jwks, realm, json!({})).await;
    api.post(realm, "clients-initial-access", &json!({"count": 2, "expiration": 1000})).await.expect("made");
    api.post(realm, "logout-all", &Value::Null).await.expect("done");
    let list = api.get(realm, "clients-initial-access").await.expect("readable").expect("there");
    let id = list[0]["id"].as_str().expect("ending all sessions leaves it").to_owned();
    api.delete(realm, &format!("clients-initial-access/{id}"), None).await.expect("deleted");
    assert_eq!(api.get(realm, "clients-initial-access").await.expect("readable").expect("there"), json!([]));
}

pub async fn listings_have_pages(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let user = |name: &str| json!({"username": name, "enabled": true, "realmRoles": ["member"]});
    let content = json!({
        "roles": {"realm": [{"name": "member"}]},
        "users": [user("anna"), user("bert"), user("carl")],
    });
    born(api, jwks, realm, content).await;
    for listing in ["users", "roles/member/users"] {
        let mut names = Vec::new();
        for first in [0, 2, 4] {
            let path = format!("{listing}?briefRepresentation=false&first={first}&max=2");
            let page = api.get(realm, &path).await.expect("readable").expect("there");
            let users = page.as_array().expect("a list").iter();
            names.extend(users.map(|user| user["username"].as_str().expect("a name").to_owned()));
        }
        names.sort();
        assert_eq!(names, ["anna", "bert", "carl"], "{listing}");
    }
}

pub async fn members_of_a_group_are_not_those_below_it(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let user = |name: &str, group: &str| json!({"username": name, "enabled": true, "groups": [group]});
    let content = json!({
        "roles": {"realm": [{"name": "nurse"}]},
        "groups": [{"name": "wards", "realmRoles": ["nurse"], "subGroups": [{"name": "night"}]}],
        "users": [user("anna", "/wards"), user("bert", "/wards/night")],
    });
    let export = born(api, jwks, realm, content).await;
    let wards = named(&export["groups"], "name", "wards");
    assert_eq!(wards["realmRoles"], json!(["nurse"]));
    let members = async |group: &Value| {
        let path = format!("groups/{}/members?first=0&max=10", group["id"].as_str().expect("an id"));
        let found = api.get(realm, &path).await.expect("readable").expect("there");
        let users = found.as_array().expect("a list").iter();
        users.map(|user| user["username"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(members(wards).await, ["anna"]);
    assert_eq!(members(named(&wards["subGroups"], "name", "night")).await, ["bert"]);
    let direct = api.get(realm, "roles/nurse/users?first=0&max=10").await.expect("readable").expect("there");
    assert_eq!(direct, json!([]), "a role's members are those that have it directly");
}
