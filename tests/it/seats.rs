//! Named seats are given to users one by one, and never more of them than are licensed.

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe;
use realmwright::keycloak::seats::{self, Given, Holder};
use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::state::RealmState;
use serde_json::json;

use crate::plan::applied;

/// The realm `clinic` with so many users, and their ids.
async fn clinic(users: usize) -> (MemoryKeycloak, RealmState, Vec<String>) {
    let (api, _) = applied().await;
    let mut ids = Vec::new();
    for name in (0..users).map(|n| format!("u{n}")) {
        let body = json!({"username": name, "email": format!("{name}@clinic.example"), "enabled": true});
        ids.push(api.post("clinic", "users", &body).await.expect("made").expect("an id"));
    }
    let state = observe(&api, "clinic", &Default::default()).await.expect("readable").expect("there");
    (api, state, ids)
}

#[tokio::test]
async fn a_seat_is_given_once_and_taken_again() {
    let (api, state, ids) = clinic(3).await;
    let give = async |user: &str| seats::give(&api, "clinic", &state, "assistant", user, 2).await.expect("answered");
    assert_eq!(give(&ids[0]).await, Given::Now(1));
    assert_eq!(give(&ids[0]).await, Given::Before(1));
    assert_eq!(give(&ids[1]).await, Given::Now(2));
    assert_eq!(give(&ids[2]).await, Given::Full(2));
    let found = seats::holders(&api, "clinic", &state, "assistant").await.expect("readable");
    let holder = |name: &str| Holder { username: name.into(), direct: true };
    assert_eq!(found.into_values().collect::<std::collections::BTreeSet<_>>(), [holder("u0"), holder("u1")].into());
    let found = seats::user(&api, "clinic", "u2@clinic.example").await.expect("readable");
    assert_eq!(found, Some((ids[2].clone(), "u2".into())));
    assert_eq!(seats::user(&api, "clinic", "u").await.expect("readable"), None);
}

/// Who comes through a group or another role has a seat too, which is not there to be taken by itself.
#[tokio::test]
async fn seats_that_come_with_something_else_are_told_apart() {
    let (api, _, ids) = clinic(2).await;
    api.post("clinic", "roles", &json!({"name": "nurse"})).await.expect("made");
    let role = api.get("clinic", "roles/nurse").await.expect("readable").expect("there");
    let clients = api.get("clinic", "clients?clientId=assistant").await.expect("readable").expect("there");
    let path = format!("clients/{}/roles/seat", clients[0]["id"].as_str().expect("an id"));
    let seat = api.get("clinic", &path).await.expect("readable").expect("there");
    let path = format!("roles-by-id/{}/composites", role["id"].as_str().expect("an id"));
    api.post("clinic", &path, &json!([seat])).await.expect("composed");
    api.post("clinic", &format!("users/{}/role-mappings/realm", ids[0]), &json!([role])).await.expect("given");
    let state = observe(&api, "clinic", &Default::default()).await.expect("readable").expect("there");
    let found = seats::holders(&api, "clinic", &state, "assistant").await.expect("readable");
    assert_eq!(found.get(&ids[0]), Some(&Holder { username: "u0".into(), direct: false }));
    assert_eq!(seats::give(&api, "clinic", &state, "assistant", &ids[1], 1).await.expect("answered"), Given::Full(1));
}

/// However many give the last seats at once, no more keep one than there are.
#[tokio::test]
async fn the_last_seats_are_not_given_twice() {
    for licensed in 1..4 {
        let (api, state, ids) = clinic(6).await;
        let gives = ids.iter().map(|user| seats::give(&api, "clinic", &state, "assistant", user, licensed));
        let given = futures_util::future::join_all(gives).await;
        let kept = given.iter().filter(|given| matches!(given, Ok(Given::Now(_)))).count() as u64;
        let held = seats::in_use(&api, "clinic", &state, "assistant").await.expect("readable");
        assert_eq!(kept, held, "{given:?}");
        assert!(held <= licensed, "{held} of {licensed}: {given:?}");
    }
}
