//! Change one thing, look at the plan, apply it, and plan again.

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::plan::drift::drift;
use serde_json::{Value, json};

use crate::support::{World, changes};

const TENANTS: &str = "\
apiVersion: realmwright/v1
kind: Distributor
name: north
label: North
resellers:
  - name: east
    organizations:
      - name: clinic
        label: Clinic
        admin: {email: boss@clinic.example, firstName: Bea, lastName: Boss}
        licences:
          - {product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}
";

pub fn world() -> World {
    World::new(r#"{"keys":[]}"#).with("tenants.yaml", TENANTS)
}

/// A server on which the network was applied.
pub async fn applied() -> (MemoryKeycloak, World) {
    let api = MemoryKeycloak::new();
    let world = world();
    world.apply(&api).await;
    (api, world)
}

pub async fn client(api: &MemoryKeycloak, realm: &str, client: &str) -> Value {
    let found = api.get(realm, &format!("clients?clientId={client}")).await.expect("readable").expect("there");
    found[0].clone()
}

pub fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

#[tokio::test]
async fn births_are_one_line_a_tenant() {
    let plan = world().plan(&MemoryKeycloak::new()).await;
    insta::assert_snapshot!(changes(&plan), @r"
    + create  north (distributor)  North: a realm with 3 clients, 4 client scopes, 12 roles
      + create  east (reseller): a realm with 3 clients, 4 client scopes, 12 roles
        + create  clinic (organization)  Clinic: a realm with 4 clients, 5 client scopes, 14 roles, 1 licence, 1 user
    ");
    assert_eq!(plan.summary.realms_to_create, 3);
}

#[tokio::test]
async fn a_birth_is_one_request_and_a_second_run_writes_nothing() {
    let (api, world) = applied().await;
    let births: Vec<_> = api.requests().into_iter().filter(|sent| sent.writes).collect();
    assert!(births.iter().all(|sent| sent.method == "POST" && sent.path.is_empty()), "{births:?}");
    assert_eq!(births.len(), 3);
    api.forget_requests();
    world.apply(&api).await;
    assert_eq!(api.requests().into_iter().filter(|sent| sent.writes).count(), 0);
}

#[tokio::test]
async fn an_unchanged_realm_costs_three_requests() {
    let (api, world) = applied().await;
    api.forget_requests();
    world.plan(&api).await;
    let clinic: Vec<_> =
        api.requests().into_iter().filter(|sent| sent.path.starts_with("clinic/")).map(|sent| sent.path).collect();
    let [export, user, roles] = &clinic[..] else { panic!("{clinic:?}") };
    assert_eq!([export, user], ["clinic/partial-export", "clinic/users?exact=true&username=boss%40clinic.example"]);
    assert!(roles.starts_with("clinic/users/") && roles.ends_with("/role-mappings"), "{roles}");
}

#[tokio::test]
async fn a_change_by_hand_is_drift_and_is_repaired() {
    let (api, world) = applied().await;
    let assistant = client(&api, "clinic", "assistant").await;
    let change = json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"]});
    api.put("clinic", &format!("clients/{}", id(&assistant)), Some(&change)).await.expect("written");
    let plan = world.plan(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ~ update  client/assistant
                redirectUris  ["https://evil.example/*"] → ["https://assistant.example/*"]  (changed outside Realmwright)
                webOrigins  ["https://assistant.example"] → []  (changed outside Realmwright)
    "#);
    let (drifted, waiting) = drift(&plan);
    assert_eq!((drifted.summary.update, waiting), (1, 0));
    world.apply(&api).await;
    assert_eq!(client(&api, "clinic", "assistant").await["redirectUris"], json!(["https://assistant.example/*"]));
}

#[tokio::test]
async fn what_is_foreign_is_listed_and_left_alone() {
    let (api, world) = applied().await;
    api.post("clinic", "clients", &json!({"clientId": "legacy", "name": "Old"})).await.expect("created");
    api.post("clinic", "roles", &json!({"name": "nurse"})).await.expect("created");
    let plan = world.plan(&api).await;
    insta::assert_snapshot!(changes(&plan), @r"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
              foreign client/legacy  (left alone)
              foreign role/nurse  (left alone)
    ");
    assert!(plan.is_empty());
    api.forget_requests();
    world.apply(&api).await;
    assert_eq!(api.requests().into_iter().filter(|sent| sent.writes).count(), 0);
    assert_eq!(client(&api, "clinic", "legacy").await["name"], "Old");
}

#[tokio::test]
async fn a_group_with_a_slash_in_its_name_is_foreign_like_any_other() {
    let (api, world) = applied().await;
    let group = api.post("clinic", "groups", &json!({"name": "in/out"})).await.expect("created").expect("an id");
    api.post("clinic", &format!("groups/{group}/children"), &json!({"name": "50%2F"})).await.expect("created");
    insta::assert_snapshot!(changes(&world.plan(&api).await), @r"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
              foreign group/in%2Fout  (left alone)
              foreign group/in%2Fout/50%252F  (left alone)
    ");
}

#[tokio::test]
async fn rights_given_by_hand_to_declared_users_are_named() {
    let (api, world) = applied().await;
    let user =
        api.get("clinic", "users?exact=true&username=boss%40clinic.example").await.expect("readable").expect("there");
    let manager = api.get("clinic", "clients?clientId=realm-management").await.expect("readable").expect("there");
    let (user, manager) = (id(&user[0]).to_owned(), id(&manager[0]).to_owned());
    let role =
        api.get("clinic", &format!("clients/{manager}/roles/realm-admin")).await.expect("readable").expect("there");
    let path = format!("users/{user}/role-mappings/clients/{manager}");
    api.post("clinic", &path, &json!([role])).await.expect("given");
    let group = api.post("clinic", "groups", &json!({"name": "in/out"})).await.expect("created").expect("an id");
    api.put("clinic", &format!("users/{user}/groups/{group}"), None).await.expect("joined");
    let plan = world.plan(&api).await;
    assert!(plan.is_empty());
    let (drifted, _) = realmwright::plan::drift::drift(&plan);
    insta::assert_snapshot!(realmwright::plan::render::drift_summary(&drifted), @"No drift: nothing that is managed was changed outside Realmwright; 3 realms are as last applied. 1 foreign object is left alone. 2 rights that nobody declared are left alone: clinic/user/boss@clinic.example has realm-management/realm-admin, clinic/user/boss@clinic.example has /in%2Fout.");
    assert!(
        realmwright::plan::render::markdown::drift(&drifted, 0)
            .contains("`clinic/user/boss@clinic.example` has `realm-management/realm-admin`")
    );
}

#[tokio::test]
async fn an_attribute_of_others_survives_a_change_of_a_licence() {
    let (api, world) = applied().await;
    let mut realm = api.get("clinic", "").await.expect("readable").expect("there");
    realm["attributes"]["frontendUrl"] = "https://login.clinic.example".into();
    api.put("clinic", "", Some(&realm)).await.expect("written");
    let plan = world.edit("tenants.yaml", "seats: 5", "seats: 8").apply(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ~ update  realm
                attributes.licence.A-1.seats  "5" → "8"
    "#);
    let now = api.get("clinic", "").await.expect("readable").expect("there");
    assert_eq!(now["attributes"]["licence.A-1.seats"], "8");
    assert_eq!(now["attributes"]["frontendUrl"], "https://login.clinic.example");
    assert_eq!(now["attributes"]["cibaExpiresIn"], "120");
}

#[tokio::test]
async fn what_is_no_longer_declared_is_pruned() {
    let (api, world) = applied().await;
    let two = world.clone().edit("tenants.yaml", "        licences:\n", "        licences:\n          - {product: insights, type: std, serial: I-1, seats: 2, validUntil: 2027-12-31}\n");
    two.apply(&api).await;
    assert_eq!(client(&api, "clinic", "insights").await["clientId"], "insights");
    let plan = world.apply(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ~ update  flow/after identity provider
                executions
                  - {"flow":{"alias":"after identity provider seat of insights","executions":[{"authenticator":"conditio… (669 characters)
            ~ update  flow/direct grant login
                executions
                  - {"flow":{"alias":"direct grant login seat of insights","executions":[{"authenticator":"conditional-c… (649 characters)
            ~ update  flow/login
                executions
                  - {"flow":{"alias":"login seat of insights","executions":[{"authenticator":"conditional-client-scope",… (597 characters)
            - delete  client-role/insights/seat
            - delete  client/insights
            - delete  client-scope/seat-insights
            ~ update  realm
                attributes.licence.I-1.autoRenew  "false" → (none)
                attributes.licence.I-1.product  "insights" → (none)
                attributes.licence.I-1.seats  "2" → (none)
                attributes.licence.I-1.serial  "I-1" → (none)
                attributes.licence.I-1.type  "std" → (none)
                attributes.licence.I-1.validUntil  "2027-12-31" → (none)
    "#);
    let found = api.get("clinic", "clients?clientId=insights").await.expect("readable").expect("there");
    assert_eq!(found, json!([]));
}

#[tokio::test]
async fn what_was_removed_by_hand_is_made_again() {
    let (api, world) = applied().await;
    let role = api.get("clinic", "roles/licence-manager").await.expect("readable").expect("there");
    api.delete("clinic", &format!("roles-by-id/{}", id(&role)), None).await.expect("deleted");
    let user =
        api.get("clinic", "users?exact=true&username=boss@clinic.example").await.expect("readable").expect("there");
    api.delete("clinic", &format!("users/{}", id(&user[0])), None).await.expect("deleted");
    let plan = world.apply(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            + create  role/licence-manager  (removed outside Realmwright)
            + create  user/boss@clinic.example  (removed outside Realmwright)
            ~ update  role/tenant-admin
                composites.realm  ["member"] → ["licence-manager","member"]  (changed outside Realmwright)
    "#);
    let admins = api.get("clinic", "roles/tenant-admin/users?first=0&max=100").await.expect("readable").expect("there");
    assert_eq!(admins[0]["username"], "boss@clinic.example");
    assert_eq!(admins[0]["requiredActions"], json!(["VERIFY_EMAIL", "UPDATE_PASSWORD"]));
}

#[tokio::test]
async fn a_role_smuggled_into_a_composite_is_taken_out() {
    let (api, world) = applied().await;
    let export = api.export("clinic").await.expect("readable").expect("there");
    let member = export["roles"]["realm"]
        .as_array()
        .expect("roles")
        .iter()
        .find(|role| role["name"] == "member")
        .expect("member")
        .clone();
    let admin = &export["roles"]["client"]["realm-management"]
        .as_array()
        .expect("roles")
        .iter()
        .find(|r| r["name"] == "realm-admin")
        .expect("there")
        .clone();
    let path = format!(
        "roles-by-id/{}/composites",
        id(&export["roles"]["realm"]
            .as_array()
            .expect("roles")
            .iter()
            .find(|r| r["name"] == "tenant-admin")
            .expect("there")
            .clone())
    );
    let found = api.get("clinic", "roles/nurse").await.expect("answered");
    assert_eq!(found, None);
    api.post("clinic", "roles", &json!({"name": "nurse"})).await.expect("created");
    let nurse = api.get("clinic", "roles/nurse").await.expect("readable").expect("there");
    api.post(
        "clinic",
        &path,
        &json!([{"id": nurse["id"], "name": "nurse"}, {"id": admin["id"], "name": "realm-admin"}]),
    )
    .await
    .expect("added");
    let plan = world.apply(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ~ update  role/tenant-admin
                composites.realm  ["licence-manager","member","nurse"] → ["licence-manager","member"]  (changed outside Realmwright)
                composites.client.realm-management  ["realm-admin"] → (none)  (changed outside Realmwright)
              foreign role/nurse  (left alone)
    "#);
    assert_eq!(member["name"], "member");
}

#[tokio::test]
async fn a_role_that_others_give_the_admin_is_theirs() {
    let (api, world) = applied().await;
    let user =
        api.get("clinic", "users?exact=true&username=boss@clinic.example").await.expect("readable").expect("there");
    let manager = api.get("clinic", "roles/licence-manager").await.expect("readable").expect("there");
    let path = format!("users/{}/role-mappings/realm", id(&user[0]));
    api.post("clinic", &path, &json!([{"id": manager["id"], "name": "licence-manager"}])).await.expect("granted");
    assert!(world.plan(&api).await.is_empty());
}

#[tokio::test]
async fn mappers_scopes_and_keys_are_objects_of_their_own() {
    let (api, world) = applied().await;
    let over = "        realm:
          clientScopes:
            - name: basic
              protocolMappers:
                - {name: auth_time, config: {id.token.claim: false}}
            - name: extra
              protocol: openid-connect
          components:
            org.keycloak.keys.KeyProvider:
              - {name: es256, config: {priority: [\"200\"]}}
          clients:
            - {clientId: assistant, defaultClientScopes: [basic, roles, extra, seat-assistant]}
          defaultDefaultClientScopes: [basic, profile, email, roles, extra]
";
    let changed = world.edit("tenants.yaml", "        licences:\n", &format!("{over}        licences:\n"));
    let plan = changed.apply(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ~ update  component/org.keycloak.keys.KeyProvider/es256
                config.priority  ["100"] → ["200"]
            + create  client-scope/extra
            ~ update  client-scope-mapper/basic/auth_time
                config.id.token.claim  "true" → "false"
            ~ update  client/assistant
                defaultClientScopes  ["basic","email","profile","roles","seat-assistant"] → ["basic","extra","roles","seat-assistant"]
            ~ update  realm
                defaultDefaultClientScopes  ["basic","email","profile","roles"] → ["basic","email","extra","profile","roles"]
    "#);
}

#[tokio::test]
async fn the_causes_of_a_change_are_told_apart() {
    let (api, world) = applied().await;
    let mut realm = api.get("clinic", "").await.expect("readable").expect("there");
    realm["displayName"] = "By hand".into();
    realm["accessTokenLifespan"] = 60.into();
    api.put("clinic", "", Some(&realm)).await.expect("written");
    let world =
        world.edit("tenants.yaml", "label: Clinic", "label: New Clinic").edit("tenants.yaml", "seats: 5", "seats: 6");
    let plan = world.plan(&api).await;
    insta::assert_snapshot!(changes(&plan), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  New Clinic
            ~ update  realm
                accessTokenLifespan  60 → 300  (changed outside Realmwright)
                attributes.licence.A-1.seats  "5" → "6"
                displayName  "By hand" → "New Clinic"  (changed in the manifest and outside Realmwright)
    "#);
    let (drifted, waiting) = drift(&plan);
    insta::assert_snapshot!(changes(&drifted), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  New Clinic
            ~ update  realm
                accessTokenLifespan  60 → 300  (changed outside Realmwright)
                displayName  "By hand" → "New Clinic"  (changed in the manifest and outside Realmwright)
    "#);
    assert_eq!(waiting, 1);
    world.apply(&api).await;
}

#[tokio::test]
async fn a_realm_that_lost_its_marker_gets_it_again_and_nothing_else_is_said() {
    let (api, world) = applied().await;
    let mut realm = api.get("east", "").await.expect("readable").expect("there");
    realm["attributes"].as_object_mut().expect("attributes").remove("realmwright.applied");
    api.put("east", "", Some(&realm)).await.expect("written");
    let plan = world.apply(&api).await;
    let east = plan.tenants.iter().find(|tenant| tenant.tenant == "east").expect("east");
    let fields: Vec<&str> =
        east.changes.iter().flat_map(|change| &change.fields).map(|field| field.path.as_str()).collect();
    assert_eq!((fields, east.changes.len()), (vec!["attributes.realmwright.applied"], 1));
    assert_eq!((drift(&plan).0.summary.update, plan.summary.realms_to_change), (1, 1));
}

#[tokio::test]
async fn a_client_without_web_origins_keeps_none_when_something_else_changes() {
    let (api, world) = applied().await;
    let world = world.edit("platform.yaml", "label: Assistant", "label: New Assistant");
    world.apply(&api).await;
    assert_eq!(client(&api, "clinic", "assistant").await["webOrigins"], json!([]));
}

#[tokio::test]
async fn addresses_are_the_same_in_any_case_and_may_pass_to_another_user() {
    let (api, world) = applied().await;
    let world = world.edit("tenants.yaml", "boss@clinic.example", "Boss@Clinic.example");
    assert!(world.plan(&api).await.is_empty());
    let world = world.edit("tenants.yaml", "{email: Boss", "{username: chief, email: Boss");
    let plan = world.apply(&api).await;
    insta::assert_snapshot!(changes(&plan), @r"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            - delete  user/boss@clinic.example
            + create  user/chief
    ");
}

#[tokio::test]
async fn what_keycloak_made_is_kept_when_no_template_declares_it_any_more() {
    let (api, world) = applied().await;
    let bare = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: bare\nrealm: {enabled: true}\n";
    let world = world.with("bare.yaml", bare).edit(
        "tenants.yaml",
        "        label: Clinic\n",
        "        label: Clinic\n        template: bare\n",
    );
    let plan = world.apply(&api).await;
    let clinic = plan.tenants.iter().find(|tenant| tenant.tenant == "clinic").expect("clinic");
    let deleted: Vec<String> = clinic
        .changes
        .iter()
        .filter(|change| change.action == realmwright::plan::Action::Delete)
        .map(|change| change.object.to_string())
        .collect();
    assert!(deleted.contains(&"client/assistant".to_owned()), "{deleted:?}");
    assert!(
        deleted.iter().all(|object| !object.contains("default-roles") && !object.contains("account")),
        "{deleted:?}"
    );
}

#[tokio::test]
async fn a_marker_that_was_taken_away_is_drift() {
    let (api, world) = applied().await;
    let mut realm = api.get("east", "").await.expect("readable").expect("there");
    realm["attributes"].as_object_mut().expect("attributes").remove("realmwright.applied");
    api.put("east", "", Some(&realm)).await.expect("written");
    assert!(!drift(&world.plan(&api).await).0.is_empty());
}

#[tokio::test]
async fn a_default_scope_that_an_upgrade_brings_is_nobodys_edit() {
    let (api, world) = applied().await;
    let add = async |name: &str| {
        let scope = json!({"name": name, "protocol": "saml"});
        let id = api.post("clinic", "client-scopes", &scope).await.expect("created").expect("an id");
        api.put("clinic", &format!("default-default-client-scopes/{id}"), None).await.expect("written");
    };
    add("AuthnContextClassRef").await;
    assert!(world.plan(&api).await.is_empty());
    // The field is still ours: what somebody puts there beside is found, and a plan that changes it holds.
    add("sly").await;
    let plan = world.plan(&api).await;
    let (drifted, _) = drift(&plan);
    assert!(changes(&drifted).contains(r#""sly""#), "{}", changes(&drifted));
    world.apply(&api).await;
    add("late").await;
    let world = world.with(
        "templates/wide.yaml",
        "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: wide\nextends: organization\nrealm:\n  defaultDefaultClientScopes: [basic]\n",
    );
    let world =
        world.edit("tenants.yaml", "        label: Clinic\n", "        label: Clinic\n        template: wide\n");
    world.apply(&api).await;
}
