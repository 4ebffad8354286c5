//! Realms that move between a plan and its apply: just the moved objects are refused, and the marker stays true.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use realmwright::apply::{Manner, Moved, OnStale, Outcome, Refused, TenantOutcome, apply};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::planned_users;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe};
use realmwright::plan::{Action, Plan, TenantPlan};
use realmwright::state::secret::Secrets;
use realmwright::state::{Kind, ObjectId, RealmState};
use serde_json::{Value, json};

use crate::apply::{much_changed, without_gates};
use crate::cut::Cut;
use crate::plan::{applied, client, id, world};
use crate::support::{carry_out, manner};

/// What a person may do to the realm `clinic` by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edit {
    RenameRealm,
    ChangeLicence,
    ChangeClient,
    DeleteClient,
    AddRoleToClientThatLeaves,
    ChangeRoleThatLeaves,
    DeleteRoleThatLeaves,
    MakeRole,
    MakeSameRole,
    MakeScope,
    MakeClient,
    MakeProvider,
    MakeUser,
    ChangeUser,
    TakeRoleFromUser,
    ChangeComposite,
    LoseMarker,
    AnotherRun,
}

const EDITS: [Edit; 18] = [
    Edit::RenameRealm,
    Edit::ChangeLicence,
    Edit::ChangeClient,
    Edit::DeleteClient,
    Edit::AddRoleToClientThatLeaves,
    Edit::ChangeRoleThatLeaves,
    Edit::DeleteRoleThatLeaves,
    Edit::MakeRole,
    Edit::MakeSameRole,
    Edit::MakeScope,
    Edit::MakeClient,
    Edit::MakeProvider,
    Edit::MakeUser,
    Edit::ChangeUser,
    Edit::TakeRoleFromUser,
    Edit::ChangeComposite,
    Edit::LoseMarker,
    Edit::AnotherRun,
];

async fn edit(api: &MemoryKeycloak, edit: Edit) {
    let realm = async |change: fn(&mut Value)| {
        let mut realm = api.get("clinic", "").await.expect("readable").expect("there");
        change(&mut realm);
        api.put("clinic", "", Some(&realm)).await.expect("written");
    };
    let post = async |path: &str, body: Value| {
        let _ = api.post("clinic", path, &body).await;
    };
    let assistant = client(api, "clinic", "assistant").await;
    let role = async |name: &str| api.get("clinic", &format!("roles/{name}")).await.expect("readable");
    let boss = api.get("clinic", "users?exact=true&username=boss@clinic.example").await.expect("readable");
    let boss = boss.and_then(|list| list.get(0).cloned()).unwrap_or_default();
    match edit {
        Edit::RenameRealm => realm(|realm| realm["accessTokenLifespan"] = 77.into()).await,
        Edit::ChangeLicence => realm(|realm| realm["attributes"]["licence.A-1.seats"] = "99".into()).await,
        Edit::LoseMarker => realm(|realm| realm["attributes"]["realmwright.applied"] = "".into()).await,
        Edit::ChangeClient if assistant["id"].is_string() => {
            let body = json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"]});
            api.put("clinic", &format!("clients/{}", id(&assistant)), Some(&body)).await.expect("written");
        }
        Edit::DeleteClient if assistant["id"].is_string() => {
            api.delete("clinic", &format!("clients/{}", id(&assistant)), None).await.expect("gone");
        }
        Edit::AddRoleToClientThatLeaves if assistant["id"].is_string() => {
            post(&format!("clients/{}/roles", id(&assistant)), json!({"name": "own"})).await;
        }
        Edit::ChangeRoleThatLeaves | Edit::DeleteRoleThatLeaves if assistant["id"].is_string() => {
            let path = format!("clients/{}/roles/reviewer", id(&assistant));
            let Some(role) = api.get("clinic", &path).await.expect("readable") else { return };
            let path = format!("roles-by-id/{}", id(&role));
            if edit == Edit::DeleteRoleThatLeaves {
                api.delete("clinic", &path, None).await.expect("gone");
            } else {
                let body = json!({"name": "reviewer", "description": "by hand"});
                api.put("clinic", &path, Some(&body)).await.expect("written");
            }
        }
        Edit::MakeRole => post("roles", json!({"name": "nurse", "description": "by hand"})).await,
        Edit::MakeSameRole => post("roles", json!({"name": "nurse"})).await,
        Edit::MakeScope => post("client-scopes", json!({"name": "extra", "protocol": "saml"})).await,
        Edit::MakeClient => post("clients", json!({"clientId": "worker", "serviceAccountsEnabled": true})).await,
        Edit::MakeProvider => post("identity-provider/instances", json!({"alias": "corp", "providerId": "saml"})).await,
        Edit::MakeUser => post("users", json!({"username": "other@clinic.example", "enabled": true})).await,
        Edit::ChangeUser => {
            let body = json!({"username": boss["username"], "firstName": "Mallory"});
            api.put("clinic", &format!("users/{}", id(&boss)), Some(&body)).await.expect("written");
        }
        Edit::TakeRoleFromUser => {
            let admin = role("tenant-admin").await.expect("there");
            let path = format!("users/{}/role-mappings/realm", id(&boss));
            api.delete("clinic", &path, Some(&json!([admin]))).await.expect("gone");
        }
        Edit::ChangeComposite => {
            let (Some(admin), Some(other)) = (role("tenant-admin").await, role("member").await) else { return };
            post(&format!("roles-by-id/{}/composites", id(&admin)), json!([other])).await;
        }
        Edit::AnotherRun => {
            let other = world().edit("tenants.yaml", "label: Clinic", "label: Other");
            carry_out(api, &other.plan(api).await).await;
        }
        _ => {}
    }
}

async fn look(api: &MemoryKeycloak, plan: &TenantPlan) -> RealmState {
    observe(api, "clinic", &planned_users(plan)).await.expect("readable").expect("there")
}

fn clinic(plan: &Plan) -> &TenantPlan {
    plan.tenants.iter().find(|tenant| tenant.tenant == "clinic").expect("clinic")
}

fn objects(plan: &Plan) -> BTreeSet<ObjectId> {
    clinic(plan).changes.iter().map(|change| change.object.clone()).collect()
}

fn refused(outcome: &Outcome) -> Vec<Refused> {
    match &outcome.tenants.iter().find(|(tenant, _)| tenant == "clinic").expect("clinic").1 {
        TenantOutcome::Changed(_) | TenantOutcome::Unchanged => Vec::new(),
        TenantOutcome::Partly { refused, .. } | TenantOutcome::Stale(refused) => refused.clone(),
        other => panic!("{other:?}"),
    }
}

async fn carry_out_with(api: &impl WriteRealms, plan: &Plan, on_stale: OnStale) -> Outcome {
    apply(api, plan, &Secrets::default(), manner(4, on_stale), &AtomicBool::new(false), |_, _| {}).await
}

/// The fields of an object that count, so that what a server adds on its own does not.
fn fields(state: &RealmState, id: &ObjectId) -> Option<Value> {
    let fields = state.get(id)?.fields.iter().filter(|(path, _)| *path != "attributes.realmwright.applied");
    Some(fields.map(|(path, value)| (path.clone(), value.clone())).collect())
}

async fn every_object_is_done_or_untouched(edits: &BTreeSet<Edit>) {
    let (api, _) = applied().await;
    let changed = much_changed();
    let plan = changed.plan(&api).await;
    for one in edits {
        edit(&api, *one).await;
    }
    let fresh = changed.plan(&api).await;
    let before = look(&api, clinic(&plan)).await;
    let outcome = carry_out_with(&api, &plan, OnStale::Object).await;
    let refused: BTreeSet<ObjectId> = refused(&outcome).into_iter().map(|one| one.object).collect();
    let after = look(&api, clinic(&plan)).await;
    let desired = changed.expand().expect("sound").into_iter().find(|tenant| tenant.name == "clinic").expect("clinic");
    for change in &clinic(&plan).changes {
        let id = &change.object;
        if refused.contains(id) && id.is_service_account() && before.get(id).is_none() {
            // Keycloak makes it with its client; what else was planned of it is refused.
            let rights =
                after.get(id).into_iter().flat_map(|user| user.fields.keys().filter(|path| path.contains("Roles.")));
            assert_eq!(rights.count(), 0, "{edits:?}: {id} was refused and has roles");
            continue;
        }
        if refused.contains(id) {
            assert_eq!(fields(&after, id), fields(&before, id), "{edits:?}: {id} was refused and written");
            continue;
        }
        match change.action {
            Action::Delete | Action::Forget => assert!(after.get(id).is_none(), "{edits:?}: {id} is still there"),
            _ => {
                let found = &after.get(id).unwrap_or_else(|| panic!("{edits:?}: {id} is not there")).fields;
                for field in &change.fields {
                    let same = realmwright::state::same(found.get(&field.path), field.after.as_ref());
                    assert!(same, "{edits:?}: {id} {} is {:?}", field.path, found.get(&field.path));
                }
                let marker = after.applied();
                let wanted = realmwright::state::Applied::of(&desired.state, "test", &Secrets::default());
                assert_eq!(marker.fields(id), wanted.fields(id), "{edits:?}: {id} in the marker");
            }
        }
    }
    let again = objects(&changed.plan(&api).await);
    // Without its marker nobody knows what was owned, so nothing is removed.
    let known = edits.contains(&Edit::LoseMarker) || refused.is_subset(&again);
    assert!(known, "{edits:?}: refused {refused:?}, planned again {again:?}");
    let rest: BTreeSet<_> = again.difference(&refused).cloned().collect();
    let planned = &clinic(&plan).changes;
    let moved = clinic(&fresh).changes.iter().filter(|change| !planned.contains(change));
    let moved: BTreeSet<_> = moved.map(|change| change.object.clone()).collect();
    assert!(rest.is_subset(&moved), "{edits:?}: planned again {rest:?}, which nobody touched but {moved:?}");
    changed.apply(&api).await;
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn of_any_edits_each_object_is_done_as_planned_or_untouched(edits in prop::collection::btree_set(prop::sample::select(EDITS.to_vec()), 1..6)) {
        run(every_object_is_done_or_untouched(&edits));
    }
}

#[tokio::test]
async fn each_edit_alone_refuses_few_objects() {
    let mut lines = Vec::new();
    for one in EDITS.into_iter().filter(|one| *one != Edit::LoseMarker) {
        every_object_is_done_or_untouched(&BTreeSet::from([one])).await;
        let (api, _) = applied().await;
        let plan = much_changed().plan(&api).await;
        edit(&api, one).await;
        let refused = refused(&carry_out(&api, &plan).await);
        lines.push(format!("{one:?}"));
        lines.extend(refused.iter().map(|one| format!("  {one}")));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    RenameRealm
      realm was changed: accessTokenLifespan
    ChangeLicence
      realm was changed: attributes.licence.A-1.seats
    ChangeClient
      client/assistant was changed
      client-scope/seat-assistant can't go, because client/assistant depends on it and stays
    DeleteClient
    AddRoleToClientThatLeaves
      client/assistant can't go, because client-role/assistant/own depends on it and stays
      client-scope/seat-assistant can't go, because client/assistant depends on it and stays
    ChangeRoleThatLeaves
      client-role/assistant/reviewer was changed
      client/assistant can't go, because client-role/assistant/reviewer depends on it and stays
      client-scope/seat-assistant can't go, because client/assistant depends on it and stays
    DeleteRoleThatLeaves
    MakeRole
      role/head-nurse needs role/nurse, which is refused or not there
      role/nurse is there already: it was made outside this plan
      user/boss@clinic.example needs role/head-nurse, which is refused or not there
      user/service-account-worker needs role/nurse, which is refused or not there
    MakeSameRole
      role/head-nurse needs role/nurse, which is refused or not there
      role/nurse is there already: it was made outside this plan
      user/boss@clinic.example needs role/head-nurse, which is refused or not there
      user/service-account-worker needs role/nurse, which is refused or not there
    MakeScope
      client-scope/extra is there already: it was made outside this plan
      client-scope-mapper/extra/m needs client-scope/extra, which is refused or not there
      client/worker needs client-scope/extra, which is refused or not there
      user/service-account-worker needs client/worker, which is refused or not there
    MakeClient
      client/worker is there already: it was made outside this plan
      user/service-account-worker is there already: it was made outside this plan
    MakeProvider
      identity-provider/corp is there already: it was made outside this plan
    MakeUser
    ChangeUser
    TakeRoleFromUser
    ChangeComposite
    AnotherRun
      realm is recorded otherwise by now: another run was here
    ");
}

#[tokio::test]
async fn how_much_is_refused_is_a_choice() {
    for (on_stale, expected) in [
        (OnStale::Object, ["north Changed(1)", "clinic Partly"]),
        (OnStale::Realm, ["north Changed(1)", "clinic Stale"]),
        (OnStale::Run, ["north NotStarted", "clinic Stale"]),
    ] {
        let (api, _) = applied().await;
        let plan = much_changed().edit("tenants.yaml", "label: North", "label: Nord").plan(&api).await;
        edit(&api, Edit::MakeProvider).await;
        api.forget_requests();
        let outcome = carry_out_with(&api, &plan, on_stale).await;
        let ways = outcome.tenants.iter().map(|(tenant, outcome)| format!("{tenant} {outcome:?}"));
        for (way, expected) in ways.zip(expected) {
            assert!(way.starts_with(expected), "{on_stale:?}: {way}");
        }
        let wrote = |realm: &str| api.requests().iter().any(|sent| sent.writes && sent.path.starts_with(realm));
        assert_eq!(wrote("north"), on_stale != OnStale::Run);
        assert_eq!(wrote("clinic"), on_stale == OnStale::Object);
    }
}

#[tokio::test]
async fn a_run_is_checked_whole_before_realms_are_born() {
    let api = MemoryKeycloak::new();
    let plan = world().plan(&api).await;
    api.create_realm(&json!({"realm": "clinic", "enabled": true})).await.expect("created");
    let outcome = carry_out_with(&api, &plan, OnStale::Run).await;
    assert_eq!(refused(&outcome), [Refused { object: ObjectId::realm(), reason: Moved::Exists }]);
    assert_eq!(api.realms(), ["clinic"]);
}

#[tokio::test]
async fn a_saved_plan_that_was_killed_is_finished_by_applying_it_again() {
    for lost in [false, true] {
        for good in 0.. {
            let api = MemoryKeycloak::new();
            without_gates(world()).apply(&api).await;
            let plan = without_gates(much_changed()).plan(&api).await;
            let killed = carry_out(&Cut::at_write(&api, good, lost), &plan).await;
            let again = carry_out(&api, &plan).await;
            assert_eq!(refused(&again), [], "killed after {good} writes, answer lost: {lost}");
            assert!(
                without_gates(much_changed()).plan(&api).await.is_empty(),
                "killed after {good} writes, answer lost: {lost}"
            );
            if killed.count(|o| matches!(o, TenantOutcome::Changed(_))) == 1 {
                break;
            }
        }
    }
}

/// What a killed run of the plan made is its own; so the realm says for so long which plan is being applied to it.
#[tokio::test]
async fn a_realm_says_which_plan_makes_something_in_it_and_no_longer() {
    let (api, _) = applied().await;
    let begun = async || {
        api.get("clinic", "").await.expect("readable").expect("there")["attributes"]["realmwright.begun"].clone()
    };
    let plan = much_changed().plan(&api).await;
    carry_out(&Cut::at_write(&api, 3, false), &plan).await;
    assert!(begun().await.is_string());
    let other = much_changed().edit("tenants.yaml", "label: Clinic", "label: Other").plan(&api).await;
    carry_out(&api, &other).await;
    assert_eq!(begun().await, Value::Null);
    let (api, _) = applied().await;
    api.forget_requests();
    let unsaved = Manner { saved: false, ..manner(4, OnStale::Object) };
    let plan = much_changed().plan(&api).await;
    apply(&api, &plan, &Secrets::default(), unsaved, &AtomicBool::new(false), |_, _| {}).await;
    let written = api.requests().into_iter().filter(|sent| sent.writes && sent.path.trim_end_matches('/') == "clinic");
    assert_eq!(written.count(), 3, "the realm is written for each flow that it is bound to anew, and once at the end");
}

#[tokio::test]
async fn an_applied_plan_can_be_applied_again_and_writes_nothing() {
    let (api, _) = applied().await;
    let plan = much_changed().plan(&api).await;
    carry_out(&api, &plan).await;
    api.forget_requests();
    let again = carry_out(&api, &plan).await;
    assert_eq!(again.count(|outcome| *outcome == TenantOutcome::Unchanged), again.tenants.len());
    let written: Vec<_> = api.requests().into_iter().filter(|sent| sent.writes).collect();
    assert!(written.is_empty(), "{written:?}");
    assert!(look(&api, clinic(&plan)).await.of_kind(Kind::Client).any(|(id, _)| id.key == "worker"));
}
