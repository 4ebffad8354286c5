//! Fine-grained admin permissions: what is refused, what is found, and that nobody gets in on the way.

use realmwright::import::report::Reason;
use realmwright::import::{Options, Placement, Realm, import};
use realmwright::keycloak::backup::{backup, rebirth};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::representation;
use realmwright::keycloak::{Birth, ReadRealms, WriteRealms};
use serde_json::{Value, json};

use crate::support::{World, carry_out, changes};

fn world(policies: &Value) -> World {
    let realm = json!({
        "adminPermissionsEnabled": true,
        "clients": [{"clientId": "admin-permissions", "authorizationSettings": {"policies": policies}}],
        "roles": {"realm": [{"name": "helpdesk"}, {"name": "night/shift"}]},
        "groups": [{"name": "wards", "subGroups": [{"name": "night"}]}],
    });
    let template =
        json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "bare", "realm": realm}).to_string();
    let tenant = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\ntemplate: bare\n";
    World::new(r#"{"keys":[]}"#).with("template.yaml", template).with("tenant.yaml", tenant)
}

fn who(name: &str, role: &str) -> Value {
    json!({"name": name, "type": "role", "config": {"roles": [{"id": role}]}})
}

fn permission(name: &str, of_type: &str, resources: &[&str], policies: &[&str]) -> Value {
    let scope = if of_type == "Roles" { "map-role" } else { "view" };
    json!({"name": name, "type": "scope", "config": {"defaultResourceType": of_type, "resources": resources, "scopes": [scope], "applyPolicies": policies}})
}

async fn settings(api: &MemoryKeycloak) -> (String, Value) {
    let export = api.export("north").await.expect("readable").expect("there");
    let clients = export["clients"].as_array().expect("clients");
    let own = clients.iter().find(|client| client["clientId"] == "admin-permissions").expect("there").clone();
    (
        format!("clients/{}/authz/resource-server", own["id"].as_str().expect("an id")),
        own["authorizationSettings"].clone(),
    )
}

#[test]
fn what_keycloak_would_misread_is_refused() {
    let policies = json!([
        who("a", "helpdesk"),
        who("a", "helpdesk"),
        who("b", "nobody"),
        {"name": "c", "type": "user", "config": {"users": ["anna"]}},
        permission("d", "Users", &["anna"], &["a"]),
        permission("e", "Groups", &["wards"], &["a"]),
        permission("f", "Groups", &["Groups", "/wards"], &["a"]),
        permission("g", "Groups", &[], &["a"]),
        permission("h", "Group", &["Groups"], &["a"]),
        permission("i", "Roles", &["helpdesk"], &["zz"]),
        {"name": "j", "type": "scope", "decisionStrategy": "AFFIRMATIVE", "config": {"defaultResourceType": "Users", "resources": ["Users"], "scopes": ["map-role"]}},
        {"name": "k", "type": "resource", "config": {"resources": ["Users"]}},
    ]);
    let findings: Vec<String> = world(&policies)
        .findings()
        .lines()
        .map(|line| {
            let (code, rest) = line.split_once("] ").expect("a code");
            let message =
                if rest.starts_with("template.yaml") { rest.split_once(' ').expect("a place").1 } else { rest };
            format!("{code}] {message}")
        })
        .collect();
    insta::assert_snapshot!(findings.join("\n"), @r#"
    [wrong-name] each policy needs a `name` of its own
    [wrong-value] `wards` is not the path of a group (begin it with a `/`)
    [wrong-value] an admin permission must name what it is for in `resources` (`[Groups]` for all of them, or only names)
    [wrong-value] an admin permission must name what it is for in `resources` (`[Groups]` for all of them, or only names)
    [wrong-value] `defaultResourceType` must say what an admin permission is for (one of Users, Groups, Clients, Roles, Organizations)
    [unknown-object] there is no policy `zz` beside it
    [wrong-value] `map-role` is nothing that can be allowed for Users (one of manage, view, impersonate, map-roles, manage-group-membership, reset-password)
    [wrong-value] every policy of an admin permission must agree (say `UNANIMOUS`, or put an `aggregate` policy in between)
    [wrong-value] admin permissions are of the type `scope` (say `type: scope`, and what it is for)
    [unknown-object] tenant.yaml:3:7 north/authorization/admin-permissions refers to the role `nobody`, which the realm does not have
    [unknown-object] tenant.yaml:3:7 north/authorization/admin-permissions refers to the user `anna`, who is not declared (declare the user, or name a role or a group: anybody may take the name of a user who is not declared)
    "#);
    let switched_off =
        world(&json!([who("a", "helpdesk")])).edit("template.yaml", r#""adminPermissionsEnabled":true,"#, "");
    insta::assert_snapshot!(switched_off.findings(), @r#"
    [not-switched-on] template.yaml:1:114 admin permissions are declared, and not switched on (add `adminPermissionsEnabled: true` to the realm)
    "#);
    let whole = world(&json!([])).edit(
        "template.yaml",
        r#""clientId":"admin-permissions""#,
        r#""enabled":false,"clientId":"admin-permissions""#,
    );
    insta::assert_snapshot!(whole.findings(), @r#"
    [not-managed] template.yaml:1:171 `enabled` of the client `admin-permissions` is Keycloak's own (only `policies` of its `authorizationSettings` can be declared)
    "#);
}

#[tokio::test]
async fn what_was_given_by_hand_is_found_and_taken_back() {
    let api = MemoryKeycloak::new();
    let policies = json!([
        who("desk", "helpdesk"),
        permission("see night", "Groups", &["/wards/night"], &["desk"]),
        permission("give", "Roles", &["helpdesk", "night%2Fshift", "realm-management/view-users"], &["desk"]),
    ]);
    world(&policies).apply(&api).await;
    let (base, before) = settings(&api).await;
    let door = json!({"name": "door", "type": "scope", "logic": "POSITIVE", "decisionStrategy": "UNANIMOUS", "config": {
        "defaultResourceType": "Groups", "resources": "[\"Groups\"]", "scopes": "[\"manage\"]", "applyPolicies": "[\"desk\"]"}});
    api.post("north", &format!("{base}/policy"), &door).await.expect("made");
    let wider = json!({"name": "see night", "type": "scope", "logic": "POSITIVE", "decisionStrategy": "UNANIMOUS", "config": {
        "defaultResourceType": "Groups", "resources": "[\"Groups\"]", "scopes": "[\"view\"]", "applyPolicies": "[\"desk\"]"}});
    api.put("north", &format!("{base}/policy/see night"), Some(&wider)).await.expect("written");
    insta::assert_snapshot!(changes(&world(&policies).plan(&api).await), @r#"
    north (distributor)
        ~ update  authorization/admin-permissions
            policies  (changed outside Realmwright)
              - [door]  {"config":{"applyPolicies":["desk"],"defaultResourceType":"Groups","resources":["Groups"],"scopes":[… (140 characters)
              - [see night].config.resources  "Groups"
              + [see night].config.resources  "/wards/night"
    "#);
    world(&policies).apply(&api).await;
    let sorted = |settings: Value| {
        let mut list: Vec<String> =
            settings["policies"].as_array().expect("a list").iter().map(Value::to_string).collect();
        list.sort();
        list
    };
    assert_eq!(sorted(settings(&api).await.1), sorted(before));
    let nothing = world(&json!([]));
    nothing.apply(&api).await;
    assert_eq!(settings(&api).await.1["policies"], json!([]));
}

#[tokio::test]
async fn a_permission_goes_before_the_policies_that_it_asks_for() {
    let api = MemoryKeycloak::new();
    let both = json!({"name": "both", "type": "aggregate", "config": {"applyPolicies": ["desk", "night"]}});
    let group = json!({"name": "night", "type": "group", "config": {"groups": [{"path": "/wards/night"}]}});
    let see = permission("see", "Users", &["Users"], &["both"]);
    world(&json!([who("desk", "helpdesk"), group, both, see])).apply(&api).await;
    api.forget_requests();
    // Of another type now: Keycloak would keep the old one.
    let night = json!({"name": "night", "type": "time", "config": {"hour": 22, "hourEnd": 23}});
    world(&json!([who("desk", "helpdesk"), night, both, see])).apply(&api).await;
    let writes = api.requests().into_iter().filter(|sent| sent.writes && sent.path.contains("/policy"));
    let writes: Vec<String> = writes
        .map(|sent| format!("{} {}", sent.method, sent.path.rsplit("/policy").next().unwrap_or_default()))
        .collect();
    assert_eq!(writes, ["DELETE /see", "DELETE /both", "DELETE /night", "POST ", "POST ", "POST "]);
    world(&json!([who("desk", "helpdesk")])).apply(&api).await;
}

#[tokio::test]
async fn a_permission_waits_for_what_it_is_for() {
    let api = MemoryKeycloak::new();
    let old = json!([]);
    world(&old).apply(&api).await;
    let wanted = world(&json!([who("desk", "helpdesk"), permission("see", "Groups", &["/ward 2"], &["desk"])])).edit(
        "template.yaml",
        r#""groups":["#,
        r#""groups":[{"name":"ward 2","description":"planned"},"#,
    );
    let plan = wanted.plan(&api).await;
    api.post("north", "groups", &json!({"name": "ward 2", "description": "by hand"})).await.expect("made");
    let outcome = carry_out(&api, &plan).await;
    let text = format!("{:?}", outcome.tenants[0].1);
    assert!(text.contains("Exists") && text.contains("Needs"), "{text}");
    assert_eq!(settings(&api).await.1["policies"], json!([]));
    wanted.apply(&api).await;
}

#[tokio::test]
async fn they_come_back_with_a_realm_that_is_made_again() {
    let api = MemoryKeycloak::new();
    let of_ward = permission("run", "Organizations", &["ward"], &["desk"]);
    let wanted =
        world(&json!([who("desk", "helpdesk"), permission("see", "Groups", &["/wards/night"], &["desk"]), of_ward]))
            .edit(
                "template.yaml",
                r#""groups":["#,
                r#""organizationsEnabled":true,"organizations":[{"name":"Ward","alias":"ward"}],"groups":["#,
            );
    wanted.apply(&api).await;
    let whole = backup(&api, "north").await.expect("readable").expect("there");
    api.delete("north", "", None).await.expect("gone");
    assert_eq!(api.create_realm(&rebirth(&whole)).await.expect("accepted"), Birth::Born);
    assert_eq!(settings(&api).await.1["policies"].as_array().map(Vec::len), Some(2));
    let plan = changes(&wanted.plan(&api).await);
    assert!(plan.contains("[run]") && !plan.contains("[see]"), "no birth takes the one for an organization:\n{plan}");
    wanted.apply(&api).await;
}

#[tokio::test]
async fn import_tells_of_users_who_are_not_declared() {
    let api = MemoryKeycloak::new();
    world(&json!([who("desk", "helpdesk")])).apply(&api).await;
    let anna = api.post("north", "users", &json!({"username": "anna"})).await.expect("made").expect("an id");
    let (base, _) = settings(&api).await;
    let see = json!({"name": "see", "type": "scope", "logic": "POSITIVE", "decisionStrategy": "UNANIMOUS", "config": {
        "defaultResourceType": "Users", "resources": json!([anna]).to_string(), "scopes": "[\"view\"]", "applyPolicies": "[\"desk\"]"}});
    api.post("north", &format!("{base}/policy"), &see).await.expect("made");
    let drift = changes(&world(&json!([who("desk", "helpdesk")])).plan(&api).await);
    assert!(drift.contains("anna"), "a plan names whom it is about:\n{drift}");
    let found = representation(&api, "north").await.expect("readable").expect("there");
    let options = Options { platform: "test".into(), environment: "test".into(), server: None, with_platform: true };
    let realm = Realm { representation: found, live: true };
    let imported = import(&[realm], &Placement::below("imported"), &options).expect("it can be written");
    let told: Vec<String> = imported
        .findings
        .iter()
        .filter(|finding| finding.reason == Reason::NotExpressed && finding.object.starts_with("authorization"))
        .map(|finding| format!("{}: {}", finding.object, finding.why))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    authorization/admin-permissions: north/authorization/admin-permissions refers to the user `anna`, who is not declared
    "#);
    assert!(imported.files.iter().all(|file| !file.text.contains("anna") && !file.text.contains("policies")));
}

#[tokio::test]
async fn a_policy_means_a_group_with_a_slash_in_its_name() {
    let api = MemoryKeycloak::new();
    let with_group = |policies: Value| {
        let group = r#"{"name":"in/out"},{"name":"wards""#;
        world(&policies).edit("template.yaml", r#"{"name":"wards""#, group)
    };
    with_group(json!([who("desk", "helpdesk")])).apply(&api).await;
    let ours = json!({"name": "ours", "type": "group", "config": {"groups": [{"path": "/in%2Fout"}]}});
    let see = permission("see", "Groups", &["/in%2Fout"], &["ours"]);
    with_group(json!([who("desk", "helpdesk"), ours, see])).apply(&api).await;
    let policies = settings(&api).await.1["policies"].clone();
    let found = policies.as_array().expect("policies").iter().find(|policy| policy["name"] == "ours").cloned();
    assert_eq!(found.expect("there")["config"]["groups"], r#"[{"path":"/in/out"}]"#);
}
