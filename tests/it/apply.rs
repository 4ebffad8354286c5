//! Applying under faults: stale plans, failures, and kills at every write.

use std::sync::atomic::AtomicBool;

use realmwright::apply::{OnStale, TenantOutcome, apply};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::process;
use realmwright::keycloak::term::Term;
use realmwright::keycloak::{Fault, ReadRealms, WriteRealms};
use realmwright::plan::Plan;
use realmwright::state::secret::Secrets;
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::plan::{applied, client, id, world};
use crate::support::{World, carry_out, manner};

/// A change that touches most kinds: a second product, other roles, scopes and settings, one licence gone.
pub fn much_changed() -> World {
    let licence = "{product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}";
    let over = "        realm:
          accessTokenLifespan: 90
          clientScopes:
            - {name: extra, protocol: openid-connect, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-sub-mapper, config: {access.token.claim: true}}]}
          clients:
            - {clientId: worker, publicClient: false, serviceAccountsEnabled: true, defaultClientScopes: [extra]}
          roles: {realm: [{name: nurse}, {name: head-nurse, composites: {realm: [nurse], client: {insights: [seat]}}}]}
          users:
            - {username: boss@clinic.example, realmRoles: [head-nurse]}
            - {username: service-account-worker, realmRoles: [nurse]}
          identityProviders:
            - {alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c}}
        licences:
";
    world()
        .edit("tenants.yaml", licence, "{product: insights, type: std, serial: I-1, seats: 2, validUntil: 2027-12-31}")
        .edit("tenants.yaml", "        licences:\n", over)
}

/// The same without gates for seats: flows that change with the products take many writes, and are killed in `kinds`.
pub fn without_gates(world: World) -> World {
    let none = "browserFlow: browser, directGrantFlow: direct grant, resetCredentialsFlow: reset credentials, \
                authenticationFlows: [], authenticatorConfig: []";
    let template = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: organization\nextends: base\n";
    world.with("organization.yaml", format!("{template}realm: {{{none}}}\n"))
}

/// Everything that a server holds, without the ids that it makes up.
pub async fn contents(api: &MemoryKeycloak) -> Value {
    let mut all = json!({});
    for realm in api.realms() {
        let mut export = api.export(&realm).await.expect("readable").expect("there");
        export["ordinary"] = api.get(&realm, "users").await.expect("readable").expect("there");
        for user in export["ordinary"].as_array_mut().into_iter().flatten() {
            user["roles"] =
                api.get(&realm, &format!("users/{}/role-mappings", id(user))).await.expect("readable").expect("there");
        }
        all[&realm] = canonical(export);
    }
    all
}

fn canonical(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, value)| key != "id" && !value.is_null() && *value != json!([]) && *value != json!({}))
            .map(|(key, value)| (key, canonical(value)))
            .collect(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(canonical).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        other => other,
    }
}

#[tokio::test]
async fn killed_at_any_write_the_next_run_finishes_the_work() {
    let undisturbed = MemoryKeycloak::new();
    without_gates(world()).apply(&undisturbed).await;
    without_gates(much_changed()).apply(&undisturbed).await;
    let end = contents(&undisturbed).await;
    for lost in [false, true] {
        for good in 0.. {
            let api = MemoryKeycloak::new();
            without_gates(world()).apply(&api).await;
            let plan = without_gates(much_changed()).plan(&api).await;
            let failing = Cut::at_write(&api, good, lost);
            let outcome = carry_out(&failing, &plan).await;
            without_gates(much_changed()).apply(&api).await;
            assert_eq!(contents(&api).await, end, "killed after {good} writes, answer lost: {lost}");
            if outcome.count(|o| matches!(o, TenantOutcome::Changed(_))) == 1 {
                assert!(good > 15, "only {good} writes were needed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_birth_whose_answer_was_lost_is_not_made_twice() {
    let api = MemoryKeycloak::new();
    let plan = world().plan(&api).await;
    let outcome = carry_out(&Cut::at_write(&api, 0, true), &plan).await;
    assert_eq!(outcome.count(|o| matches!(o, TenantOutcome::Failed { .. })), 3);
    let outcome = carry_out(&api, &plan).await;
    let made = outcome.count(|o| *o == TenantOutcome::Born);
    assert_eq!((made, outcome.count(|o| *o == TenantOutcome::Unchanged)), (2, 1));
    assert!(world().plan(&api).await.is_empty());
}

#[tokio::test]
async fn a_realm_of_somebody_else_is_not_taken() {
    let api = MemoryKeycloak::new();
    let plan = world().plan(&api).await;
    api.create_realm(&json!({"realm": "clinic", "enabled": true})).await.expect("created");
    let outcome = carry_out(&api, &plan).await;
    let clinic = outcome.tenants.iter().find(|(tenant, _)| tenant == "clinic").expect("clinic");
    assert!(matches!(clinic.1, TenantOutcome::Stale(_)), "{clinic:?}");
}

#[tokio::test]
async fn a_plan_is_refused_where_its_realm_has_moved_and_nothing_is_written_there() {
    let (api, world) = applied().await;
    let plan = world
        .edit("tenants.yaml", "label: Clinic", "label: Other")
        .edit("tenants.yaml", "label: North", "label: Nord")
        .plan(&api)
        .await;
    let mut realm = api.get("clinic", "").await.expect("readable").expect("there");
    realm["displayName"] = "By hand".into();
    api.put("clinic", "", Some(&realm)).await.expect("written");
    api.forget_requests();
    let outcome = carry_out(&api, &plan).await;
    let ways: Vec<String> = outcome.tenants.iter().map(|(tenant, outcome)| format!("{tenant}: {outcome:?}")).collect();
    insta::assert_snapshot!(ways.join("\n"), @r#"
    north: Changed(1)
    clinic: Stale([Refused { object: ObjectId { kind: Realm, key: "" }, reason: Changed(["displayName"]) }])
    "#);
    assert!(api.requests().iter().all(|sent| !sent.writes || !sent.path.starts_with("clinic")));
}

#[tokio::test]
async fn a_plan_survives_being_saved() {
    let api = MemoryKeycloak::new();
    let plan = world().plan(&api).await;
    let text = serde_json::to_string(&plan).expect("serialisable");
    let read: Plan = serde_json::from_str(&text).expect("readable");
    assert_eq!(read, plan);
    carry_out(&api, &read).await;
    assert!(world().plan(&api).await.is_empty());
}

#[tokio::test]
async fn a_stopped_run_says_what_it_did_not_start() {
    let api = MemoryKeycloak::new();
    let plan = world().plan(&api).await;
    let stop = AtomicBool::new(true);
    let outcome = apply(&api, &plan, &Secrets::default(), manner(2, OnStale::Object), &stop, |_, _| {}).await;
    assert_eq!(outcome.count(|o| *o == TenantOutcome::NotStarted), 3);
    assert!(api.realms().is_empty());
}

#[tokio::test]
async fn a_secret_is_sent_when_it_changes_and_stands_nowhere() {
    let secrets = |value: &str, print: &str| {
        let mut secrets = Secrets::default();
        secrets.insert("env:IDP".into(), value.to_owned().into(), print.into());
        secrets
    };
    let template = "
apiVersion: realmwright/v1
kind: RealmTemplate
name: sso
extends: organization
parameters: {idpSecret: {type: secret}}
realm:
  identityProviders:
    - {alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c, clientSecret: $(parameters.idpSecret)}}
";
    let world = world().with("sso.yaml", template).edit(
        "tenants.yaml",
        "        label: Clinic\n",
        "        label: Clinic\n        template: sso\n        parameters: {idpSecret: env:IDP}\n",
    );
    let api = MemoryKeycloak::new();
    let desired = world.expand().expect("sound");
    let plan = |api: &MemoryKeycloak, secrets: &Secrets| {
        let export = futures_util::FutureExt::now_or_never(api.export("clinic")).expect("at once").expect("readable");
        let observed = export.map(|export| realmwright::state::arrange(&export));
        let clinic = desired.iter().find(|tenant| tenant.name == "clinic").expect("clinic");
        let mut plan = realmwright::plan::plan_tenant(clinic, observed.as_ref(), secrets);
        // Users are not read here.
        plan.changes.retain(|change| change.object.kind != realmwright::state::Kind::User);
        Plan::new(crate::support::header(), vec![plan])
    };
    let first = secrets("canary-one", "print-1");
    let birth = plan(&api, &first);
    apply(&api, &birth, &first, manner(1, OnStale::Object), &AtomicBool::new(false), |_, _| {}).await;
    assert!(plan(&api, &first).is_empty());
    let second = secrets("canary-two", "print-2");
    let change = plan(&api, &second);
    assert_eq!(change.tenants[0].changes[0].fields[0].path, "config.clientSecret");
    apply(&api, &change, &second, manner(1, OnStale::Object), &AtomicBool::new(false), |_, _| {}).await;
    assert!(plan(&api, &second).is_empty());
    for text in [serde_json::to_string(&birth), serde_json::to_string(&change)] {
        assert!(!text.expect("serialisable").contains("canary"));
    }
    assert!(!api.export("clinic").await.expect("readable").expect("there").to_string().contains("canary"));
    assert_eq!(client(&api, "clinic", "assistant").await["clientId"], "assistant");
}

#[tokio::test]
async fn a_service_account_is_declared_together_with_its_switch() {
    let (api, world) = applied().await;
    let with = |client: &str, users: &str| {
        let realm = format!(
            "        realm: {{clients: [{{clientId: worker, publicClient: false, {client}}}], {users}}}\n        licences:\n"
        );
        world.clone().edit("tenants.yaml", "        licences:\n", &realm)
    };
    with("serviceAccountsEnabled: false", "roles: {realm: [{name: nurse}]}").apply(&api).await;
    let users = "roles: {realm: [{name: nurse}]}, users: [{username: service-account-worker, realmRoles: [nurse]}]";
    with("serviceAccountsEnabled: true", users).apply(&api).await;
}

#[tokio::test]
async fn two_runs_never_write_to_a_realm_at_the_same_time() {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let api = MemoryKeycloak::new();
    without_gates(world()).apply(&api).await;
    let plan = without_gates(much_changed()).plan(&api).await;
    let other = Term { holder: process::name(), until: now() + 60 };
    api.post("clinic", "roles", &other.role()).await.expect("made");
    assert!(without_gates(world()).plan(&api).await.is_empty(), "a lease is nobody's role");
    let outcome = carry_out(&api, &plan).await;
    let (_, outcome) = &outcome.tenants[0];
    let TenantOutcome::Failed { error, done: 0, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.fault, Fault::Held { holder: other.holder });

    // Over, it is taken by whoever comes; so is one that says more than any lease may.
    for until in [now() - 61, now() + 10_000] {
        let role = Term { holder: process::name(), until }.role();
        api.put("clinic", "roles/realmwright.lease", Some(&role)).await.expect("written");
        let plan = without_gates(world()).plan(&api).await;
        let named: Vec<String> =
            plan.tenants.iter().flat_map(|tenant| &tenant.changes).map(|c| c.object.to_string()).collect();
        assert_eq!(named, ["role/realmwright.lease"]);
        without_gates(world()).apply(&api).await;
        assert!(api.get("clinic", "roles/realmwright.lease").await.expect("answered").is_none());
        api.post("clinic", "roles", &role).await.expect("made");
    }
}

#[test]
fn a_process_that_was_killed_is_gone_before_anybody_waits_for_it() {
    let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it runs");
    let name = process::name().replace(&format!("/{}/", std::process::id()), &format!("/{}/", child.id()));
    assert!(!process::is_gone(&name) && !process::is_gone("elsewhere/1/x"));
    child.kill().expect("it can be killed");
    let ended = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        process::is_gone(&name)
    });
    child.wait().expect("it ended");
    assert!(ended && process::is_gone(&name));
}
