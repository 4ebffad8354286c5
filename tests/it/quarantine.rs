//! Shutting a tenant off, opening it again, and what plans make of it.

use realmwright::apply::TenantOutcome;
use realmwright::apply::quarantine::{quarantine, restore};
use realmwright::keycloak::backup::{backup, rebirth};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{Birth, ReadRealms, WriteRealms, observe};
use realmwright::plan::Refusal;
use realmwright::plan::drift::drift;
use realmwright::plan::guard::Ending;
use realmwright::plan::render;
use realmwright::state::{Protection, Quarantine, arrange};
use serde_json::{Value, json};

use crate::apply::contents;
use crate::cut::Cut;
use crate::plan::{client, world};
use crate::support::{World, carry_out, changes};

fn with_provider() -> World {
    let over = "        realm:
          smtpServer: {host: mail.example, from: a@mail.example, user: u}
          browserFlow: browser # without a gate, anybody may register
          registrationAllowed: true
          identityProviders:
            - {alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c}}
            - {alias: off, providerId: oidc, enabled: false, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c}}
        licences:
";
    world().edit("tenants.yaml", "        licences:\n", over)
}

async fn clinic() -> (MemoryKeycloak, World) {
    let api = MemoryKeycloak::new();
    let world = with_provider();
    world.apply(&api).await;
    api.post("clinic", "clients", &json!({"clientId": "closed", "enabled": false})).await.expect("created");
    api.post("clinic", "clients-initial-access", &json!({"count": 9})).await.expect("created");
    (api, world)
}

fn record() -> Quarantine {
    Quarantine {
        by: "anna".into(),
        since: "2026-01-01T00:00:00Z".into(),
        until: "2026-01-31T00:00:00Z".into(),
        ..Quarantine::default()
    }
}

/// What of a realm is open.
async fn open(api: &impl ReadRealms) -> Vec<String> {
    let export = api.export("clinic").await.expect("readable").expect("there");
    let of = |list: &Value, key: &str| -> Vec<String> {
        let open = |item: &&Value| item["enabled"] == true && item["bearerOnly"] != true;
        let items = list.as_array().into_iter().flatten().filter(open);
        items.map(|item| item[key].as_str().expect("a name").to_owned()).collect()
    };
    let doors = ["registrationAllowed", "resetPasswordAllowed"];
    let settings = doors.into_iter().filter(|field| export[*field] == true).map(str::to_owned);
    let tokens = api.get("clinic", "clients-initial-access").await.expect("readable").expect("there");
    let tokens = tokens.as_array().into_iter().flatten().map(|_| "a token".to_owned());
    let (clients, providers) = (of(&export["clients"], "clientId"), of(&export["identityProviders"], "alias"));
    [clients, providers, settings.collect(), tokens.collect()].concat()
}

#[tokio::test]
async fn everything_is_shut_but_the_provisioner_and_opens_as_it_was() {
    let (api, world) = clinic().await;
    insta::assert_snapshot!(open(&api).await.join(" "), @"account account-console admin-cli assistant realmwright-provisioner security-admin-console corp registrationAllowed resetPasswordAllowed a token");
    let before = contents(&api).await;
    let (kept, shut) = quarantine(&api, "clinic", record()).await.expect("done");
    assert_eq!(open(&api).await, ["realmwright-provisioner"]);
    insta::assert_snapshot!(kept.to_text(), @r#"{"by":"anna","since":"2026-01-01T00:00:00Z","until":"2026-01-31T00:00:00Z","complete":true,"clients":["account","account-console","admin-cli","assistant","security-admin-console"],"identityProviders":["corp"],"settings":["registrationAllowed","resetPasswordAllowed"]}"#);
    assert_eq!(shut, 8, "the token aside");
    assert_eq!(
        quarantine(&api, "clinic", record()).await.expect("done"),
        (kept.clone(), 0),
        "a second time is nothing"
    );
    assert_eq!(restore(&api, "clinic").await.expect("done"), Some(kept));
    assert_eq!(restore(&api, "clinic").await.expect("done"), None);
    let mut after = contents(&api).await;
    after["clinic"]["notBefore"] = before["clinic"]["notBefore"].clone();
    if after["clinic"]["notBefore"].is_null() {
        after["clinic"].as_object_mut().expect("an object").remove("notBefore");
    }
    assert_eq!(after, before);
    assert!(world.guarded(&api).await.is_empty());
}

#[tokio::test]
async fn plans_leave_it_alone_and_say_so() {
    let (api, world) = clinic().await;
    let world = world.edit("tenants.yaml", "seats: 5", "seats: 6");
    let early = world.guarded(&api).await;
    quarantine(&api, "clinic", record()).await.expect("done");
    let plan = world.guarded(&api).await;
    insta::assert_snapshot!(changes(&plan), @r"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
              in quarantine, kept until 2026-01-31T00:00:00Z at least  (left alone)
    ");
    insta::assert_snapshot!(render::text::plan(&plan).lines().last().expect("a line"), @"Nothing to do: 2 realms are as the manifests say. 1 realm in quarantine is left alone.");
    assert!(plan.is_empty() && drift(&plan).0.is_empty());
    api.forget_requests();
    let outcome = carry_out(&api, &early).await;
    assert_eq!(outcome.count(|outcome| matches!(outcome, TenantOutcome::Stale(_))), 1, "{outcome:?}");
    assert!(!api.requests().iter().any(|sent| sent.writes));
    restore(&api, "clinic").await.expect("done");
    world.apply(&api).await;
}

#[tokio::test]
async fn what_somebody_opened_is_named_with_the_way_back() {
    let (api, world) = clinic().await;
    quarantine(&api, "clinic", record()).await.expect("done");
    let assistant = client(&api, "clinic", "assistant").await;
    let path = format!("clients/{}", assistant["id"].as_str().expect("an id"));
    api.put("clinic", &path, Some(&json!({"clientId": "assistant", "enabled": true}))).await.expect("written");
    let corp = api.get("clinic", "identity-provider/instances/corp").await.expect("readable").expect("there");
    let corp = [corp, json!({"enabled": true})].into_iter().flat_map(|it| it.as_object().cloned().expect("an object"));
    api.put("clinic", "identity-provider/instances/corp", Some(&corp.collect())).await.expect("written");
    let mut realm = api.get("clinic", "").await.expect("readable").expect("there");
    realm["registrationAllowed"] = true.into();
    api.put("clinic", "", Some(&realm)).await.expect("written");
    let plan = world.guarded(&api).await;
    insta::assert_snapshot!(changes(&plan), @r"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
              in quarantine, kept until 2026-01-31T00:00:00Z at least  (left alone)
            ! opened  client/assistant, identity-provider/corp, realm#registrationAllowed
                `realmwright destroy clinic` shuts it again; `realmwright restore clinic` ends its quarantine
    ");
    insta::assert_snapshot!(render::text::plan(&plan).lines().last().expect("a line"), @"Nothing to do: 2 realms are as the manifests say. 1 realm in quarantine is left alone. 1 of them was opened by hand: people can get in.");
    assert!(plan.is_empty(), "nothing of it is applied");
    let (drifted, waiting) = drift(&plan);
    let report = render::markdown::drift(&drifted, waiting);
    insta::assert_snapshot!(report.rsplit_once("<sub>").expect("an end").0, @r"
    ### Realmwright: drift in `test`

    - **in quarantine, and opened by hand:** `clinic`: `client/assistant, identity-provider/corp, realm#registrationAllowed`; `realmwright destroy clinic` shuts it again, `realmwright restore clinic` ends its quarantine

    Drift, in realms in quarantine alone; 2 realms are as last applied. 1 realm in quarantine is left alone. 1 of them was opened by hand: people can get in.

    In quarantine, left alone: `clinic`
    ");
    quarantine(&api, "clinic", record()).await.expect("done");
    assert_eq!(world.guarded(&api).await.opened().count(), 0);
    // A record that nothing wrote keeps nobody out.
    restore(&api, "clinic").await.expect("done");
    let mut realm = api.get("clinic", "").await.expect("readable").expect("there");
    realm["attributes"]["realmwright.quarantine"] = "x".into();
    api.put("clinic", "", Some(&realm)).await.expect("written");
    assert_eq!(world.guarded(&api).await.opened().count(), 1);
}

#[tokio::test]
async fn what_somebody_opened_meanwhile_is_shut_again_and_remembered() {
    let (api, _) = clinic().await;
    quarantine(&api, "clinic", record()).await.expect("done");
    api.post("clinic", "clients", &json!({"clientId": "late", "enabled": true})).await.expect("created");
    let later = Quarantine { since: "2026-02-02T00:00:00Z".into(), ..record() };
    let (kept, shut) = quarantine(&api, "clinic", later).await.expect("done");
    assert_eq!((shut, kept.since.as_str()), (1, "2026-01-01T00:00:00Z"));
    assert_eq!(open(&api).await, ["realmwright-provisioner"]);
    restore(&api, "clinic").await.expect("done");
    assert_eq!(client(&api, "clinic", "late").await["enabled"], true);
    assert_eq!(client(&api, "clinic", "closed").await["enabled"], false);
}

#[tokio::test]
async fn killed_at_any_write_the_same_command_finishes() {
    let (calm, _) = clinic().await;
    quarantine(&calm, "clinic", record()).await.expect("done");
    let shut = contents(&calm).await;
    restore(&calm, "clinic").await.expect("done");
    let opened = contents(&calm).await;
    for lost in [false, true] {
        for good in 0.. {
            let (api, _) = clinic().await;
            let failing = Cut::at_write(&api, good, lost);
            let once = quarantine(&failing, "clinic", record()).await.is_ok();
            quarantine(&api, "clinic", record()).await.expect("done");
            assert_eq!(contents(&api).await, shut, "killed after {good} writes, answer lost: {lost}");
            let failing = Cut::at_write(&api, good, lost);
            let twice = restore(&failing, "clinic").await.is_ok();
            restore(&api, "clinic").await.expect("done");
            assert_eq!(contents(&api).await, opened, "killed after {good} writes, answer lost: {lost}");
            if once && twice {
                assert!(good > 9, "only {good} writes were needed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_export_makes_the_realm_again_also_from_quarantine() {
    let (api, world) = clinic().await;
    api.post("clinic", "users", &json!({"username": "carl", "enabled": true, "email": "carl@clinic.example"}))
        .await
        .expect("created");
    let whole = backup(&api, "clinic").await.expect("readable").expect("there");
    assert!(!whole.to_string().contains("**********"));
    quarantine(&api, "clinic", record()).await.expect("done");
    let later = backup(&api, "clinic").await.expect("readable").expect("there");
    let users = |export: &Value| -> Vec<String> {
        let users = export["users"].as_array().expect("a list").iter();
        let mut users: Vec<String> = users.map(|user| format!("{} {}", user["username"], user["realmRoles"])).collect();
        users.sort();
        users
    };
    insta::assert_snapshot!(users(&later).join("\n"), @r#"
    "boss@clinic.example" ["default-roles-clinic","tenant-admin"]
    "carl" ["default-roles-clinic"]
    "service-account-realmwright-provisioner" null
    "#);
    let fields = |export: &Value| {
        let state = arrange(export);
        let objects = state.objects.into_iter();
        objects.map(|(id, object)| (id, object.into_inner().fields)).collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(fields(&later), fields(&whole));
    api.delete("clinic", "", None).await.expect("deleted");
    assert_eq!(api.create_realm(&rebirth(&whole)).await.expect("accepted"), Birth::Born);
    let again = world.guarded(&api).await;
    assert!(again.is_empty(), "{}", render::text::plan(&again));
    let carl = api.get("clinic", "users?exact=true&username=carl").await.expect("readable").expect("there");
    assert_eq!(carl[0]["email"], "carl@clinic.example");
}

#[tokio::test]
async fn each_step_of_an_end_is_refused_until_its_time() {
    let (api, world) = clinic().await;
    let desired = world.expand().expect("sound");
    let clinic = desired.iter().find(|tenant| tenant.name == "clinic").expect("there");
    let said = async |protected: &[&str], declared: bool, now: &str| {
        let realm = observe(&api, "clinic", &Default::default()).await.expect("readable").expect("there");
        let protection = Protection::new(protected.iter().map(|pattern| (*pattern).to_owned())).and(&clinic.protection);
        let ending = Ending { tenant: "clinic", realm: &realm, protection: &protection, declared, now };
        let line = |refusal: &Refusal| format!("  [{}] {} ({})\n", refusal.guard, refusal.message, refusal.way_out());
        let list = |refusals: Vec<Refusal>| refusals.iter().map(line).collect::<String>();
        format!("quarantine:\n{}deletion:\n{}", list(ending.quarantine()), list(ending.deletion()))
    };
    insta::assert_snapshot!(said(&[], true, "2026-01-02T00:00:00Z").await, @r"
    quarantine:
    deletion:
      [still-declared] the manifests still declare it (take it out of the manifests first, or the next apply makes it again)
      [not-quarantined] it is not in quarantine (`realmwright destroy TENANT` comes first)
    ");
    insta::assert_snapshot!(said(&["*"], true, "2026-01-02T00:00:00Z").await, @r"
    quarantine:
      [protected-tenant] the tenant is protected (take `protected` away in the manifest and apply that first)
    deletion:
      [protected-tenant] the tenant is protected (take `protected` away in the manifest and apply that first)
      [still-declared] the manifests still declare it (take it out of the manifests first, or the next apply makes it again)
      [not-quarantined] it is not in quarantine (`realmwright destroy TENANT` comes first)
    ");
    let failing = Cut::at_write(&api, 3, false);
    quarantine(&failing, "clinic", record()).await.expect_err("killed");
    insta::assert_snapshot!(said(&[], false, "2026-06-02T00:00:00Z").await, @r"
    quarantine:
    deletion:
      [not-quarantined] its quarantine was begun and not finished (`realmwright destroy TENANT` comes first)
    ");
    quarantine(&api, "clinic", record()).await.expect("done");
    insta::assert_snapshot!(said(&["role/tenant-admin"], false, "2026-01-30T23:59:59Z").await, @r"
    quarantine:
    deletion:
      [protected] role/tenant-admin is protected and would go with the realm (if that is meant: --waive protected@clinic)
      [retention] it is in quarantine since 2026-01-01T00:00:00Z, kept until 2026-01-31T00:00:00Z (if that is meant: --waive retention@clinic)
    ");
    insta::assert_snapshot!(said(&[], false, "2026-01-31T00:00:01Z").await, @r"
    quarantine:
    deletion:
    ");
}
