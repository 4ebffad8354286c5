//! What Keycloak puts into every realm, nobody declares, and somebody removed.

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::{declared_users, observe};
use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::plan::drift::drift;
use realmwright::plan::{Plan, plan_tenant, render};
use realmwright::state::ObjectId;
use realmwright::state::secret::Secrets;
use serde_json::{Value, json};

use crate::kinds::world;
use crate::support::{World, changes, header};

/// Removes the object at a place in the realm's export; by the endpoint of its kind.
async fn remove(api: &MemoryKeycloak, endpoint: &str, list: &str, key: &str, name: &str) {
    let export = api.export("north").await.expect("readable").expect("there");
    let items = export.pointer(list).and_then(Value::as_array).expect("a list");
    let id = items.iter().find(|item| item[key] == name).expect("named")["id"].as_str().expect("an id");
    api.delete("north", &format!("{endpoint}/{id}"), None).await.expect("removed");
}

/// The plan as of a server of a version of which it is known what it puts into realms.
async fn plan(world: &World, api: &MemoryKeycloak) -> Plan {
    let desired = world.expand().expect("sound manifests").remove(0);
    let users = declared_users(&desired.state);
    let mut observed = observe(api, "north", &users).await.expect("readable").expect("there");
    let realm = observed.objects.get_mut(&ObjectId::realm()).expect("the realm");
    realm.raw["keycloakVersion"] = "26.7.3".into();
    let mut plan = plan_tenant(&desired, Some(&observed), &Secrets::default());
    // The server in memory has no defaults for most fields.
    plan.foreign_fields.clear();
    Plan::new(header(), vec![plan])
}

const POLICIES: &str = "/components/org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy";

#[tokio::test]
async fn what_others_took_from_keycloaks_own_is_named_and_nothing_is_done() {
    let api = MemoryKeycloak::new();
    let world = world(&json!({}));
    world.apply(&api).await;
    assert_eq!(plan(&world, &api).await.tenants[0].missing, [], "a new realm has everything");
    remove(&api, "components", POLICIES, "name", "Trusted Hosts").await;
    remove(&api, "roles-by-id", "/roles/client/broker", "name", "read-token").await;
    let plan = plan(&world, &api).await;
    assert!(plan.is_empty());
    insta::assert_snapshot!(changes(&plan), @"
    north (distributor)
        ! missing  component/org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Trusted Hosts:anonymous, client-role/broker/read-token  (Keycloak's own, removed by others)
    ");
    let (drifted, _) = drift(&plan);
    insta::assert_snapshot!(render::drift_summary(&drifted), @"No drift: nothing that is managed was changed outside Realmwright; 1 realm is as last applied. 2 objects of Keycloak's own are missing.");
    insta::assert_snapshot!(render::markdown::drift(&drifted, 0), @"
    ### Realmwright: no drift in `test`

    No drift: nothing that is managed was changed outside Realmwright; 1 realm is as last applied. 2 objects of Keycloak's own are missing.

    <details><summary>Keycloak's own objects that others removed, not made again</summary>

    - `north`: `component/org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Trusted Hosts:anonymous`, `client-role/broker/read-token`

    </details>

    <sub>Looked at 2026-01-01T00:00:00Z by Realmwright 0.0.0 from the manifests sha256:0, for memory.</sub>
    ");
}

#[tokio::test]
async fn what_manifests_bring_in_its_place_is_not_missed() {
    let api = MemoryKeycloak::new();
    let account = json!({"clientId": "account", "publicClient": true});
    let world =
        world(&json!({"clients": [account], "clientScopes": [{"name": "basic", "protocol": "openid-connect"}]}));
    world.apply(&api).await;
    assert_eq!(plan(&world, &api).await.tenants[0].missing, []);
}

/// What is made again because something refers to it is not told twice.
#[tokio::test]
async fn what_is_made_again_is_not_missed() {
    let api = MemoryKeycloak::new();
    let world = world(&json!({"roles": {"realm": [{"name": "nurse", "composites": {"realm": ["offline_access"]}}]}}));
    world.apply(&api).await;
    remove(&api, "roles-by-id", "/roles/realm", "name", "offline_access").await;
    let plan = plan(&world, &api).await;
    assert_eq!(plan.tenants[0].missing, []);
    let made: Vec<Value> = plan.tenants[0].changes.iter().map(|change| json!(change.object)).collect();
    assert!(made.contains(&json!("role/offline_access")), "{made:?}");
}
