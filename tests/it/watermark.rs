//! Watermarks: realms in which nothing happened are not read, and whatever happens in one is seen by the next run.

use std::collections::BTreeMap;

use realmwright::expand::Desired;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::declared_users;
use realmwright::keycloak::watermarks::{Kept, Moved, Watermarks, seal, unseal};
use realmwright::keycloak::{KeycloakError, ReadRealms, WriteRealms, observe};
use realmwright::plan::watermark::{self, HOURS_WITHOUT_EVENTS, Seen, Watermark};
use realmwright::plan::{Plan, plan_tenant};
use realmwright::state::secret::Secrets;
use realmwright::state::{RealmState, State};
use serde_json::{Value, json};

use crate::apply::{much_changed, without_gates};
use crate::cut::{Cut, End};
use crate::plan::{applied, client, id, world};
use crate::support::{World, carry_out, header};

/// When the runs are, in seconds since 1970.
const NOW: i64 = 1_800_000_000;
const HOUR: i64 = 3600;

/// A plan by what earlier runs left, and what it leaves.
async fn plan_at(world: &World, api: &impl ReadRealms, kept: &Kept, hours: u16, now: i64) -> (Plan, Moved) {
    let desired = world.expand().expect("sound manifests");
    let wanted =
        desired.iter().map(|tenant| (tenant.name.clone(), watermark::wanted(tenant, &Secrets::default(), "a basis")));
    let watermarks = Watermarks::new(kept.clone(), wanted.collect(), hours, now);
    let (mut tenants, mut state) = (Vec::new(), State::new());
    for tenant in &desired {
        let users = declared_users(&tenant.state);
        let observed = watermarks.observe(api, &tenant.name, &users).await.expect("the realm can be read");
        tenants.push(plan_tenant(tenant, observed.as_ref(), &Secrets::default()));
        state.extend(observed.map(|observed| (tenant.name.clone(), observed)));
    }
    let plan = Plan::new(header(), tenants);
    let moved = watermarks.moved(api, &plan, &state).await;
    (plan, moved)
}

/// What is kept once a run is over.
fn after(kept: &Kept, moved: Moved) -> Kept {
    let mut kept = kept.clone();
    for (tenant, watermark) in moved {
        match watermark {
            Some(watermark) => drop(kept.insert(tenant, watermark)),
            None => drop(kept.remove(&tenant)),
        }
    }
    kept
}

/// What a full comparison leaves.
async fn compared(world: &World, api: &impl ReadRealms) -> Kept {
    let (_, moved) = plan_at(world, api, &Kept::new(), 24, NOW).await;
    after(&Kept::new(), moved)
}

/// The tenants that a later run does not read.
async fn unread(world: &World, api: &impl ReadRealms, kept: &Kept, later: i64) -> Vec<String> {
    let (plan, _) = plan_at(world, api, kept, 24, NOW + later).await;
    plan.tenants.into_iter().filter(|tenant| tenant.unchanged_since.is_some()).map(|tenant| tenant.tenant).collect()
}

#[tokio::test]
async fn a_realm_in_which_nothing_happened_costs_two_requests() {
    let (api, world) = applied().await;
    let kept = compared(&world, &api).await;
    let realms = api.realms();
    assert_eq!(kept.keys().cloned().collect::<Vec<_>>(), realms);
    api.forget_requests();
    let (plan, moved) = plan_at(&world, &api, &kept, 24, NOW + HOUR).await;
    assert_eq!(api.requests().len(), 1 + 2 * realms.len(), "{:?}", api.requests());
    assert!(api.requests().iter().all(|sent| !sent.writes));
    assert!(plan.is_empty() && moved.is_empty());
    assert_eq!(plan.summary.realms_unchanged, realms.len());
    assert!(plan.tenants.iter().all(|tenant| tenant.unchanged_since.as_deref() == Some("2027-01-15T08:00:00Z")));
    let text = realmwright::plan::render::text::plan(&plan);
    assert!(text.contains("3 realms were not read: nothing happened there since"), "{text}");
}

#[tokio::test]
async fn a_realm_of_which_nothing_is_kept_has_the_same_plan() {
    let (api, world) = applied().await;
    let desired = &world.expand().expect("sound manifests")[0];
    let observed = observe(&api, &desired.name, &declared_users(&desired.state)).await.expect("readable");
    let observed = observed.expect("there");
    let plan = |observed: &RealmState| plan_tenant(desired, Some(observed), &Secrets::default());
    let whole = plan(&observed);
    assert!(watermark::is_silent(&whole, &observed), "{whole:?}");
    let silent = observed.clone().silent();
    assert!(silent.objects.is_empty() && silent.unlogged == observed.unlogged);
    assert_eq!(plan(&silent), whole);
}

#[tokio::test]
async fn whatever_is_done_by_hand_is_seen() {
    let client_of = async |api: &MemoryKeycloak| id(&client(api, "clinic", "assistant").await).to_owned();
    for edit in 0..9 {
        let (api, world) = applied().await;
        let kept = compared(&world, &api).await;
        let put = async |path: &str, body: Value| api.put("clinic", path, Some(&body)).await;
        let done: Result<(), KeycloakError> = match edit {
            0 => put("", json!({"accessTokenLifespan": 7})).await,
            1 => put(&format!("clients/{}", client_of(&api).await), json!({"enabled": false})).await,
            2 => api.delete("clinic", &format!("clients/{}", client_of(&api).await), None).await,
            3 => api.post("clinic", "roles", &json!({"name": "extra"})).await.map(drop),
            4 => put("client-policies/policies", json!({"policies": [{"name": "lax", "enabled": false}]})).await,
            5 => put("client-policies/profiles", json!({"profiles": [{"name": "lax"}]})).await,
            6 => api.delete("clinic", "roles/member", None).await,
            7 => put("", json!({"adminEventsEnabled": false})).await,
            _ => api.post("clinic", "users", &json!({"username": "eve"})).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("edit {edit}: {error}"));
        assert_eq!(unread(&world, &api, &kept, HOUR).await, ["north", "east"], "edit {edit}");
        let (plan, moved) = plan_at(&world, &api, &kept, 24, NOW + HOUR).await;
        let silent =
            plan.tenants.iter().find(|tenant| tenant.tenant == "clinic").is_some_and(|tenant| tenant.is_empty());
        assert!(silent || moved["clinic"].is_none(), "edit {edit}");
    }
}

#[tokio::test]
async fn what_leaves_no_event_is_seen_by_a_full_comparison() {
    let (api, world) = applied().await;
    let kept = compared(&world, &api).await;
    api.post("clinic", "localization/de", &json!({"welcome": "Servus"})).await.expect("written");
    assert!(unread(&world, &api, &kept, HOUR).await.contains(&"clinic".to_owned()));
    let full = plan_at(&world, &api, &kept, 0, NOW + HOUR).await.0;
    assert!(full.tenants.iter().all(|tenant| tenant.unchanged_since.is_none()));
    assert!(unread(&world, &api, &kept, 25 * HOUR).await.is_empty());
}

#[tokio::test]
async fn a_list_that_was_emptied_is_another_one() {
    let (api, world) = applied().await;
    api.put("clinic", "", Some(&json!({"accessTokenLifespan": 7}))).await.expect("written");
    world.apply(&api).await;
    let kept = compared(&world, &api).await;
    assert!(!kept["clinic"].seen.events.is_empty());
    api.delete("clinic", "admin-events", None).await.expect("emptied");
    assert_eq!(unread(&world, &api, &kept, HOUR).await, ["north", "east"]);
}

#[tokio::test]
async fn without_any_event_it_holds_for_a_shorter_time() {
    let (api, world) = applied().await;
    let kept = compared(&world, &api).await;
    assert!(kept["east"].seen.events.is_empty());
    let short = i64::from(HOURS_WITHOUT_EVENTS) * HOUR;
    assert_eq!(unread(&world, &api, &kept, short - 1).await.len(), 3);
    assert!(unread(&world, &api, &kept, short).await.is_empty());
    // Clocks that were put back make no comparison younger.
    assert!(unread(&world, &api, &kept, -1).await.is_empty());
}

#[tokio::test]
async fn what_is_wanted_otherwise_is_compared() {
    let (api, world) = applied().await;
    let kept = compared(&world, &api).await;
    let (plan, moved) = plan_at(&much_changed(), &api, &kept, 24, NOW + HOUR).await;
    let clinic = plan.tenants.iter().find(|tenant| tenant.tenant == "clinic").expect("planned");
    assert!(!clinic.is_empty() && clinic.unchanged_since.is_none());
    assert_eq!(moved["clinic"], None);
    // A change that was not applied, and taken back.
    assert_eq!(unread(&world, &api, &kept, HOUR).await.len(), 3);
}

#[tokio::test]
async fn nothing_is_kept_of_a_realm_that_keeps_no_events_or_has_something_to_tell() {
    let (api, world) = applied().await;
    api.put("east", "", Some(&json!({"adminEventsEnabled": false}))).await.expect("written");
    api.post("clinic", "roles", &json!({"name": "extra"})).await.expect("made");
    assert_eq!(compared(&world, &api).await.into_keys().collect::<Vec<_>>(), ["north"]);
    // Somebody is writing, and may be killed without another event.
    let lease = json!({"name": "realmwright.lease", "description": "somebody 99999999999"});
    api.post("north", "roles", &lease).await.expect("made");
    assert!(compared(&world, &api).await.is_empty());
}

#[tokio::test]
async fn a_realm_that_is_not_there_is_born() {
    let (kept, api) = (Kept::new(), MemoryKeycloak::new());
    let (plan, moved) = plan_at(&world(), &api, &kept, 24, NOW).await;
    assert_eq!(plan.summary.realms_to_create, 3);
    assert!(moved.values().all(Option::is_none));
    // Born anew under its name, it is another realm.
    let (api, world) = applied().await;
    let kept = compared(&world, &api).await;
    api.delete("east", "", None).await.expect("deleted");
    assert!(!unread(&world, &api, &kept, HOUR).await.contains(&"east".to_owned()));
    world.apply(&api).await;
    assert!(!unread(&world, &api, &kept, HOUR).await.contains(&"east".to_owned()));
}

/// Wherever an apply is killed, a watermark of the time before hides nothing: neither from who wants what was applied, nor
/// from who wants what was there before.
#[tokio::test]
async fn no_killed_run_is_hidden() {
    let (from, to) = (without_gates(world()), without_gates(much_changed()));
    for end in [End::Before, End::Lost] {
        for at in (0..).step_by(3) {
            let api = MemoryKeycloak::new();
            from.apply(&api).await;
            let kept = compared(&from, &api).await;
            let plan = to.plan(&api).await;
            let cut = Cut::new(&api, at, end);
            carry_out(&cut, &plan).await;
            for wanted in [&from, &to] {
                let (by_watermark, moved) = plan_at(wanted, &api, &kept, 24, NOW + HOUR).await;
                let (whole, _) = plan_at(wanted, &api, &kept, 0, NOW + HOUR).await;
                let work = |plan: &Plan| -> Vec<_> {
                    plan.tenants.iter().map(|tenant| (tenant.changes.clone(), tenant.record.clone())).collect()
                };
                assert_eq!(work(&by_watermark), work(&whole), "{end:?} at request {at}");
                let again = plan_at(wanted, &api, &after(&kept, moved), 24, NOW + HOUR).await.0;
                assert_eq!(work(&again), work(&whole), "{end:?} at request {at}, once more");
            }
            to.apply(&api).await;
            if !cut.came() {
                break;
            }
        }
    }
}

#[test]
fn a_watermark_holds_as_long_as_nothing_is_newer() {
    let seen =
        |events: &[&str]| Seen { events: events.iter().map(|id| (*id).to_owned()).collect(), unlogged: "same".into() };
    let known = Watermark { wanted: "w".into(), server: "26".into(), seen: seen(&["c", "b", "a"]), at: NOW };
    let holds = |events: &[&str]| known.holds("w", "26", &seen(events), NOW + HOUR, 24);
    assert!(holds(&["c", "b", "a"]));
    // The oldest expire first.
    assert!(holds(&["c", "b"]) && holds(&["c"]));
    for other in [&[][..], &["d", "c", "b"], &["b", "a"], &["c", "d", "b"], &["c", "b", "a", "d"]] {
        assert!(!holds(other), "{other:?}");
    }
    let same = seen(&["c"]);
    assert!(!known.holds("other", "26", &same, NOW, 24));
    assert!(!known.holds("w", "27", &same, NOW, 24));
    assert!(!known.holds("w", "26", &Seen { unlogged: "other".into(), ..same.clone() }, NOW, 24));
    assert!(!known.holds("w", "26", &same, NOW + 24 * HOUR, 24) && !known.holds("w", "26", &same, NOW, 0));
}

#[tokio::test]
async fn nobody_edits_the_file_without_the_key() {
    let (api, world) = applied().await;
    let kept = compared(&world, &api).await;
    let secret = [7; 32];
    let text = seal(&secret, "here", &kept);
    assert_eq!(unseal(&secret, "here", &text), Some(kept));
    assert_eq!(unseal(&secret, "there", &text), None);
    assert_eq!(unseal(&[8; 32], "here", &text), None);
    assert_eq!(unseal(&secret, "here", ""), None);
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let edited = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(unseal(&secret, "here", &edited), None, "byte {at}");
        assert_eq!(unseal(&secret, "here", &text[..at]), None, "{at} bytes of it");
    }
}

#[test]
fn the_digest_of_what_is_wanted_is_of_all_of_it() {
    let desired = world().expand().expect("sound");
    let of = |tenant: &Desired, basis: &str| watermark::wanted(tenant, &Secrets::default(), basis);
    let mut seen = BTreeMap::new();
    for tenant in &desired {
        for object in tenant.state.objects.keys() {
            let mut other = tenant.clone();
            other.state.objects.remove(object);
            assert!(seen.insert(of(&other, "a"), object.clone()).is_none(), "without {object}");
            let mut other = tenant.clone();
            other.state.objects.get_mut(object).expect("there").fields.insert("more".into(), true.into());
            assert!(seen.insert(of(&other, "a"), object.clone()).is_none(), "with more in {object}");
        }
        assert_eq!(of(tenant, "a"), of(tenant, "a"));
        assert_ne!(of(tenant, "a"), of(tenant, "b"));
    }
}
