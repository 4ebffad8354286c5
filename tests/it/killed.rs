//! Killed anywhere: a run that ends at any of its requests, reading ones too, or gets no answer to one, is finished by the
//! next run, and the realms are those of an undisturbed one.

use realmwright::apply::quarantine::{quarantine, restore};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::state::Quarantine;
use serde_json::Value;

use crate::apply::{contents, much_changed, without_gates};
use crate::cut::{Cut, End};
use crate::plan::world;
use crate::support::{World, carry_out};

const ENDS: [End; 2] = [End::Before, End::Lost];

/// A server with what a network says on it.
async fn server(world: Option<&World>) -> MemoryKeycloak {
    let api = MemoryKeycloak::new();
    if let Some(world) = world {
        world.apply(&api).await;
    }
    api
}

/// What a server holds, without the flows that others have replaced.
async fn lasting(api: &MemoryKeycloak) -> Value {
    let mut all = contents(api).await;
    for realm in all.as_object_mut().into_iter().flat_map(|realms| realms.values_mut()) {
        for list in ["authenticationFlows", "authenticatorConfig"] {
            let lasts = |item: &Value| !item["alias"].as_str().is_some_and(|alias| alias.starts_with("retired "));
            realm[list].as_array_mut().into_iter().for_each(|items| items.retain(lasts));
        }
    }
    all
}

/// Ends a run at each of its requests in each way, and finishes it; with a `step`, at one of so many, in each way at others.
/// `least`: how many requests a run has at least.
async fn killed_anywhere(from: Option<&World>, to: &World, least: usize, step: usize) {
    let calm = server(from).await;
    to.apply(&calm).await;
    let wanted = lasting(&calm).await;
    for (turn, end) in ENDS.into_iter().enumerate() {
        for at in (turn * step / ENDS.len()..).step_by(step) {
            let api = server(from).await;
            let plan = to.plan(&api).await;
            let cut = Cut::new(&api, at, end);
            carry_out(&cut, &plan).await;
            to.apply(&api).await;
            assert_eq!(lasting(&api).await, wanted, "{end:?} at request {at}");
            if !cut.came() {
                assert!(at >= least, "only {at} requests were needed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn births() {
    killed_anywhere(None, &world(), 3, 1).await;
}

#[tokio::test]
async fn changes() {
    killed_anywhere(Some(&without_gates(world())), &without_gates(much_changed()), 25, 1).await;
}

#[tokio::test]
async fn deletions() {
    killed_anywhere(Some(&without_gates(much_changed())), &without_gates(world()), 25, 1).await;
}

#[tokio::test]
async fn flows_that_are_exchanged() {
    // Two hundred requests and more, and slow ones.
    killed_anywhere(Some(&world()), &much_changed(), 100, 13).await;
}

#[tokio::test]
async fn quarantine_and_the_way_out_of_it() {
    let record = || Quarantine {
        by: "anna".into(),
        since: "2026-01-01T00:00:00Z".into(),
        until: "2026-01-31T00:00:00Z".into(),
        ..Quarantine::default()
    };
    let calm = server(Some(&world())).await;
    quarantine(&calm, "clinic", record()).await.expect("done");
    let shut = lasting(&calm).await;
    restore(&calm, "clinic").await.expect("done");
    let open = lasting(&calm).await;
    for end in ENDS {
        for at in 0.. {
            let api = server(Some(&world())).await;
            let shutting = Cut::new(&api, at, end);
            let _ = quarantine(&shutting, "clinic", record()).await;
            quarantine(&api, "clinic", record()).await.expect("done");
            assert_eq!(lasting(&api).await, shut, "{end:?} at request {at}");
            let opening = Cut::new(&api, at, end);
            let _ = restore(&opening, "clinic").await;
            restore(&api, "clinic").await.expect("done");
            assert_eq!(lasting(&api).await, open, "{end:?} at request {at}");
            assert!(world().plan(&api).await.is_empty());
            if !shutting.came() && !opening.came() {
                assert!(at >= 10, "only {at} requests were needed");
                break;
            }
        }
    }
}
