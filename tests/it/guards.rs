//! What guards refuse, and what waives it.

use std::fmt::Write;

use realmwright::apply::TenantOutcome;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::Users;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe};
use realmwright::manifest::guards::Limits;
use realmwright::plan::guard::{GUARDS, Waiver};
use realmwright::plan::{Plan, render};
use serde_json::json;

use crate::plan::{applied, client, id, world};
use crate::support::{World, carry_out};

const LICENCES: &str =
    "        licences:\n          - {product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}\n";

/// The refusals as they are shown, one after the other.
fn refusals(plan: &Plan) -> String {
    let text = render::text::plan(plan);
    let lines = text.lines().skip_while(|line| !line.starts_with("! ") && !line.starts_with("  waived"));
    lines.collect::<Vec<_>>().join("\n")
}

fn waivers(texts: &[&str]) -> Vec<Waiver> {
    texts.iter().map(|text| text.parse().expect("a waiver")).collect()
}

/// A clinic with many roles of its own: named `r0` and so on.
fn with_roles(roles: usize) -> World {
    let mut realm = String::from("        realm:\n          roles:\n            realm:\n");
    (0..roles).for_each(|role| {
        let _ = writeln!(realm, "              - {{name: r{role}}}");
    });
    if roles == 0 {
        realm = String::new();
    }
    world().edit("tenants.yaml", "        licences:\n", &format!("{realm}        licences:\n"))
}

#[tokio::test]
async fn many_deletions_in_one_realm_are_refused_and_waived_by_name() {
    let api = MemoryKeycloak::new();
    with_roles(40).apply(&api).await;
    let mut plan = with_roles(0).guarded(&api).await;
    insta::assert_snapshot!(refusals(&plan), @r"
    ! refused  [realm-deletions] clinic: 40 of 86 objects would be deleted (46 %); at most 30 % and 25 pass
        if that is meant: --waive realm-deletions@clinic

    Plan: 0 realms to create, 1 to change (40 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
    plan.waive(&waivers(&["realm-updates", "realm-deletions@north"]));
    let outcome = carry_out(&api, &plan).await;
    assert!(outcome.tenants.iter().all(|(_, outcome)| *outcome == TenantOutcome::Refused), "{outcome:?}");
    plan.waive(&waivers(&["realm-deletions@clinic"]));
    insta::assert_snapshot!(refusals(&plan), @r"
      waived   [realm-deletions] clinic: 40 of 86 objects would be deleted (46 %); at most 30 % and 25 pass

    Plan: 0 realms to create, 1 to change (40 to delete), 2 unchanged.
    ");
    let outcome = carry_out(&api, &plan).await;
    assert_eq!(outcome.count(|outcome| matches!(outcome, TenantOutcome::Changed(_))), 1);
    assert!(with_roles(0).guarded(&api).await.is_empty());
}

#[tokio::test]
async fn counts_are_added_up_over_a_branch_and_a_run() {
    let api = MemoryKeycloak::new();
    with_roles(6).apply(&api).await;
    let six = json!({
        "realm": {"deletions": {"share": 100, "number": 6}},
        "distributor": {"deletions": {"share": 5, "number": 5}},
        "run": {"deletions": {"share": 100, "number": 5}, "updates": {"share": 0}},
    });
    let world = with_roles(0).edit("tenants.yaml", "seats: 5", "seats: 6");
    let plan = world.limited(&api, &Limits::from(&six)).await;
    insta::assert_snapshot!(refusals(&plan), @r"
    ! refused  [distributor-deletions] north: 6 of 122 objects would be deleted (4 %); at most 5 pass
        if that is meant: --waive distributor-deletions@north
    ! refused  [run-deletions] the run: 6 of 122 objects would be deleted (4 %); at most 5 pass
        if that is meant: --waive run-deletions
    ! refused  [run-updates] the run: 1 of 122 objects would be updated (0 %); at most 0 % pass
        if that is meant: --waive run-updates

    Plan: 0 realms to create, 1 to change (1 to update, 6 to delete), 2 unchanged. 3 guards refuse it: nothing can be applied.
    ");
    insta::assert_snapshot!(render::markdown::plan(&plan).lines().take(8).collect::<Vec<_>>().join("\n"), @r"
    ### Realmwright: plan for `test`, **refused**

    > **Refused: nothing of this is applied.** What is meant all the same is waived by its name.
    >
    > - `distributor-deletions`: `north: 6 of 122 objects would be deleted (4 %); at most 5 pass`; waived by `--waive distributor-deletions@north`
    > - `run-deletions`: `the run: 6 of 122 objects would be deleted (4 %); at most 5 pass`; waived by `--waive run-deletions`
    > - `run-updates`: `the run: 1 of 122 objects would be updated (0 %); at most 0 % pass`; waived by `--waive run-updates`
    ");
    let few = json!({"run": {"updates": {"share": 0, "from": 1000}}});
    assert_eq!(world.limited(&api, &Limits::from(&few)).await.refusals, []);
}

#[tokio::test]
async fn what_is_protected_is_not_deleted_until_an_apply_took_the_protection_away() {
    let api = MemoryKeycloak::new();
    let protecting = |world: World| {
        world.edit("tenants.yaml", "        label: Clinic\n", "        label: Clinic\n        protected: [role/r*]\n")
    };
    protecting(with_roles(2)).apply(&api).await;
    insta::assert_snapshot!(refusals(&protecting(with_roles(1)).guarded(&api).await), @r"
    ! refused  [protected] clinic: role/r1 would be deleted and is protected
        if that is meant: --waive protected@clinic

    Plan: 0 realms to create, 1 to change (1 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
    insta::assert_snapshot!(refusals(&with_roles(1).guarded(&api).await), @r"
    ! refused  [protected] clinic: role/r1 would be deleted and is protected until this plan is applied
        if that is meant: --waive protected@clinic

    Plan: 0 realms to create, 1 to change (1 to update, 1 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
    with_roles(2).apply(&api).await;
    assert_eq!(with_roles(1).guarded(&api).await.refusals, []);
}

#[tokio::test]
async fn protection_of_the_platform_and_of_all_reaches_every_realm() {
    let api = MemoryKeycloak::new();
    let platform = format!("{}protected: [client/*]\n", crate::support::PLATFORM);
    let world = world().with("platform.yaml", platform);
    world.apply(&api).await;
    let without = world.clone().edit("tenants.yaml", LICENCES, "        licences: []\n");
    insta::assert_snapshot!(refusals(&without.guarded(&api).await), @r"
    ! refused  [protected] clinic: client/assistant would be deleted and is protected
        if that is meant: --waive protected@clinic

    Plan: 0 realms to create, 1 to change (1 to update, 10 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
    let all =
        without.edit("tenants.yaml", "        label: Clinic\n", "        label: Clinic\n        protected: true\n");
    insta::assert_snapshot!(refusals(&all.guarded(&api).await), @r"
    ! refused  [protected] clinic: flow/after identity provider, flow/direct grant login, flow/login, flow/reset and login, client-scope/seat-assistant, client/assistant, client-role/assistant/reviewer, client-role/assistant/seat, localization/de, localization/en would be deleted and are protected
        if that is meant: --waive protected@clinic

    Plan: 0 realms to create, 1 to change (1 to update, 10 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
}

#[tokio::test]
async fn a_licence_is_not_cut_below_use() {
    let (api, world) = applied().await;
    let assistant = client(&api, "clinic", "assistant").await;
    let path = format!("clients/{}/roles/seat", id(&assistant));
    let seat = api.get("clinic", &path).await.expect("readable").expect("there");
    for user in 0..3 {
        let user = json!({"username": format!("u{user}"), "enabled": true});
        let user = api.post("clinic", "users", &user).await.expect("created").expect("an id");
        let roles = format!("users/{user}/role-mappings/clients/{}", id(&assistant));
        api.post("clinic", &roles, &json!([{"id": seat["id"], "name": "seat"}])).await.expect("granted");
    }
    api.forget_requests();
    let fewer = |seats: u32| world.clone().edit("tenants.yaml", "seats: 5", &format!("seats: {seats}"));
    assert_eq!(fewer(9).guarded(&api).await.refusals, []);
    assert!(!api.requests().iter().any(|sent| sent.path.contains("seat")), "nobody is counted where nothing shrinks");
    assert_eq!(fewer(3).guarded(&api).await.refusals, []);
    insta::assert_snapshot!(refusals(&fewer(2).guarded(&api).await), @r"
    ! refused  [licence-below-use] clinic: assistant would have 2 seats instead of 5, and 3 users hold one; 1 too many
        if that is meant: --waive licence-below-use@clinic

    Plan: 0 realms to create, 1 to change (1 to update), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
    let none = world.clone().edit("tenants.yaml", LICENCES, "        licences: []\n");
    insta::assert_snapshot!(refusals(&none.guarded(&api).await), @r"
    ! refused  [licence-below-use] clinic: assistant would have 0 seats instead of 5, and 3 users hold one; 3 too many
        if that is meant: --waive licence-below-use@clinic

    Plan: 0 realms to create, 1 to change (1 to update, 10 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
    let split = "        licences:\n          - {product: assistant, type: pro, serial: A-2, seats: 5, validUntil: 2027-12-31}\n";
    let other = world.edit("tenants.yaml", LICENCES, split);
    assert_eq!(other.guarded(&api).await.refusals, [], "a licence that takes the place of another is no cut");
}

#[tokio::test]
async fn a_seat_that_a_role_contains_is_used_by_who_has_that_role() {
    let api = MemoryKeycloak::new();
    let over = "        realm:\n          roles: {realm: [{name: nurse, composites: {client: {assistant: [seat]}}}]}\n        users: [{username: anna, roles: [nurse]}]\n        licences:\n";
    let world = world().edit("tenants.yaml", "        licences:\n", over);
    world.apply(&api).await;
    assert_eq!(world.clone().edit("tenants.yaml", "seats: 5", "seats: 1").guarded(&api).await.refusals, []);
    let none = world.edit("tenants.yaml", "          - {product: assistant", "          - {product: insights").edit(
        "tenants.yaml",
        "assistant: [seat]",
        "insights: [seat]",
    );
    insta::assert_snapshot!(refusals(&none.guarded(&api).await), @r"
    ! refused  [licence-below-use] clinic: assistant would have 0 seats instead of 5, and 1 user holds one; 1 too many
        if that is meant: --waive licence-below-use@clinic

    Plan: 0 realms to create, 1 to change (3 to create, 5 to update, 4 to delete), 2 unchanged. 1 guard refuses it: nothing can be applied.
    ");
}

#[tokio::test]
async fn a_seat_that_a_group_has_is_used_by_its_members_and_those_below() {
    let api = MemoryKeycloak::new();
    let over = "        realm:
          groups:
            - {name: wards/in, clientRoles: {assistant: [seat]}, subGroups: [{name: night}]}
            - {name: office}
          users:
            - {username: anna, enabled: true, groups: [/wards%2Fin]}
            - {username: bert, enabled: true, groups: [/wards%2Fin/night]}
            - {username: carl, enabled: true, groups: [/office]}
        licences:
";
    let world = world().edit("tenants.yaml", "        licences:\n", over);
    world.apply(&api).await;
    let state = observe(&api, "clinic", &Users::from(["carl".to_owned()])).await.expect("readable").expect("there");
    let of =
        |address: &str| state.get(&address.parse().expect("an address")).and_then(|it| it.id.clone()).expect("an id");
    let path = format!("users/{}/groups/{}", of("user/carl"), of("group/wards%2Fin/night"));
    api.put("clinic", &path, None).await.expect("joined");
    let one = world.edit("tenants.yaml", "seats: 5", "seats: 2");
    insta::assert_snapshot!(refusals(&one.guarded(&api).await), @r"
    ! refused  [licence-below-use] clinic: assistant would have 2 seats instead of 5, and 3 users hold one; 1 too many
        if that is meant: --waive licence-below-use@clinic

    Plan: 0 realms to create, 1 to change (1 to update), 2 unchanged. 1 right that nobody declared is left alone: clinic/user/carl has /wards%2Fin/night. 1 guard refuses it: nothing can be applied.
    ");
}

#[test]
fn names_are_stable_and_waivers_are_checked() {
    let names: Vec<&str> = GUARDS.iter().map(|guard| guard.name).collect();
    insta::assert_snapshot!(names.join(" "), @"realm-deletions realm-updates distributor-deletions distributor-updates run-deletions run-updates protected licence-below-use protected-tenant not-quarantined retention still-declared other-environment other-server full-server master");
    for wrong in ["realm-deletion", "nothing", "master", "retention@"] {
        assert!(wrong.parse::<Waiver>().is_err(), "{wrong}");
    }
    insta::assert_snapshot!("realm-deletion".parse::<Waiver>().expect_err("wrong"), @"there is no guard `realm-deletion`; did you mean `realm-deletions`?");
    insta::assert_snapshot!("not-quarantined".parse::<Waiver>().expect_err("never"), @"the guard `not-quarantined` can't be waived; `realmwright destroy TENANT` comes first");
    assert_eq!("retention@clinic".parse::<Waiver>().expect("good").to_string(), "retention@clinic");
}

#[tokio::test]
async fn a_saved_plan_keeps_its_refusals_and_what_was_waived() {
    let api = MemoryKeycloak::new();
    with_roles(40).apply(&api).await;
    let mut plan = with_roles(0).guarded(&api).await;
    plan.waive(&waivers(&["realm-deletions", "run-deletions"]));
    let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).expect("serialisable")).expect("readable");
    assert_eq!(read, plan);
    assert_eq!(read.refused().count(), plan.refused().count());
    assert!(!read.refusals.is_empty());
    let mut forged = serde_json::to_value(&plan).expect("serialisable");
    forged["refusals"] = json!([{"guard": "master", "place": "master", "message": "", "waived": true}]);
    let forged: Plan = serde_json::from_value(forged).expect("readable");
    assert_eq!(forged.refused().count(), 1, "what can't be waived is not waived by saying so");
}

#[test]
fn a_pattern_of_a_kind_that_does_not_exist_is_an_error() {
    let platform = format!("{}protected: [role/*, clint/assistant]\n", crate::support::PLATFORM);
    let own = "        label: Clinic\n        protected: [idp/x, '*', realm]\n";
    let world = world().with("platform.yaml", platform).edit("tenants.yaml", "        label: Clinic\n", own);
    insta::assert_snapshot!(world.findings(), @r"
    [unknown-kind] tenants.yaml:10:21 `idp` is not a kind of object (the kinds are user-profile, flow, required-action, component, sub-component, client-scope, client-scope-mapper, client, client-mapper, client-role, role, identity-provider, identity-provider-mapper, group, organization, client-profiles, client-policies, localization, user, authorization, realm)
    [unknown-kind] platform.yaml:8:21 `clint` is not a kind of object (did you mean `client`?)
    ");
}
