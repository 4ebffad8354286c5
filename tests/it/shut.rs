//! Realms that could not be read: what is said of them, and what may be done. `tests/live/shut.rs` has the ways to get there.

use realmwright::apply::TenantOutcome;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::declared_users;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe};
use realmwright::plan::drift::drift;
use realmwright::plan::render::{markdown, text};
use realmwright::plan::{Plan, part, plan_tenant};
use realmwright::state::secret::Secrets;
use realmwright::state::{Fields, RealmState, State};
use serde_json::json;

use crate::plan::applied;
use crate::support::{World, carry_out, changes, header};

/// The plan where one realm could not be read.
async fn plan(api: &MemoryKeycloak, world: &World, realm: &str, why: &str, known: Fields) -> Plan {
    let desired = world.expand().expect("sound manifests");
    let mut state = State::new();
    for tenant in &desired {
        let found = observe(api, &tenant.name, &declared_users(&tenant.state)).await.expect("readable");
        state.insert(tenant.name.clone(), found.expect("there"));
    }
    state.insert(realm.into(), RealmState::unread(why.into(), known));
    part::plan(header(), &desired, &state, &Secrets::default(), None).expect("a plan")
}

#[tokio::test]
async fn of_a_disabled_realm_that_alone_is_planned_and_done() {
    let (api, world) = applied().await;
    let by_hand = json!({"realm": "clinic", "enabled": false, "displayName": "By hand"});
    api.put("clinic", "", Some(&by_hand)).await.expect("written");
    let known = [("enabled".to_owned(), json!(false))];
    let plan = plan(&api, &world, "clinic", "the realm is disabled", known.into()).await;
    insta::assert_snapshot!(text::plan(&plan), @r"
    test on memory

    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ! unread  the realm is disabled
            ~ update  realm
                enabled  false → true  (changed outside Realmwright)

    Plan: 0 realms to create, 1 to change (1 to update), 2 unchanged. 1 realm could not be read: what else differs there is not known.
    ");
    let (drifted, waiting) = drift(&plan);
    assert_eq!((drifted.summary.update, waiting), (1, 0));
    let page = markdown::plan(&plan);
    assert!(page.contains("- **not read:** `clinic`: `the realm is disabled`"), "{page}");

    let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).expect("JSON")).expect("a plan");
    assert_eq!(again, plan);
    let outcome = carry_out(&api, &plan).await;
    assert_eq!(outcome.tenants, [("clinic".to_owned(), TenantOutcome::Changed(1))]);
    insta::assert_snapshot!(changes(&world.plan(&api).await), @r#"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ~ update  realm
                displayName  "By hand" → "Clinic"  (changed outside Realmwright)
    "#);
    world.apply(&api).await;
}

#[tokio::test]
async fn a_realm_that_was_renamed_gets_its_name_again() {
    let (api, world) = applied().await;
    let by_hand = json!({"realm": "praxis", "displayName": "Praxis"});
    api.put("clinic", "", Some(&by_hand)).await.expect("written");
    let desired = world.expand().expect("sound manifests");
    let clinic = desired.iter().find(|tenant| tenant.name == "clinic").expect("declared");
    let found = observe(&api, "praxis", &declared_users(&clinic.state)).await.expect("readable");
    let plan = Plan::new(header(), vec![plan_tenant(clinic, found.as_ref(), &Secrets::default())]);
    insta::assert_snapshot!(changes(&plan), @r#"
    clinic (organization)  Clinic
        ~ update  realm
            displayName  "Praxis" → "Clinic"  (changed outside Realmwright)
            realm  "praxis" → "clinic"  (changed outside Realmwright)
    "#);
    assert_eq!(drift(&plan).0.summary.update, 1);
    let outcome = carry_out(&api, &plan).await;
    assert_eq!(outcome.tenants, [("clinic".to_owned(), TenantOutcome::Changed(1))]);
    assert_eq!(api.realms(), ["clinic", "east", "north"]);
    assert!(world.plan(&api).await.is_empty());
}

#[tokio::test]
async fn a_realm_of_which_nothing_is_known_is_never_taken_for_unchanged() {
    let (api, world) = applied().await;
    let plan = plan(&api, &world, "clinic", "it refuses its provisioner", Fields::new()).await;
    insta::assert_snapshot!(text::plan(&plan), @r"
    test on memory

    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            ! unread  it refuses its provisioner

    Plan: 0 realms to create, 0 to change, 2 unchanged. 1 realm could not be read: what else differs there is not known.
    ");
    assert!(!plan.is_empty());
    assert!(plan.tenants.iter().any(|tenant| tenant.tenant == "clinic" && tenant.is_unknown()));
    api.forget_requests();
    let outcome = carry_out(&api, &plan).await;
    assert_eq!(outcome.count(|outcome| matches!(outcome, TenantOutcome::Stale(_))), 1);
    assert!(api.requests().iter().all(|sent| !sent.writes));
    assert!(api.export("clinic").await.expect("readable").is_some());
}
