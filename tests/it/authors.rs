//! Who changed a realm by hand, by its admin events.

use realmwright::expand::PROVISIONER;
use realmwright::keycloak::authors::name;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::declared_users;
use realmwright::keycloak::{KeycloakError, ReadRealms, WriteRealms, observe};
use realmwright::plan::authors::events;
use realmwright::plan::render::{markdown, text};
use realmwright::plan::{Plan, plan_tenant};
use realmwright::state::secret::Secrets;
use realmwright::state::{Kind, ObjectId, State};
use serde_json::{Value, json};

use crate::plan::{applied, client, id};
use crate::support::header;

/// A server whose events are these, and that knows one administrator of master.
struct Told<'a> {
    inner: &'a MemoryKeycloak,
    events: Value,
}

impl ReadRealms for Told<'_> {
    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        self.inner.export(realm).await
    }

    async fn admin_events(&self, _: &str, _: usize) -> Result<Option<Value>, KeycloakError> {
        Ok(Some(self.events.clone()))
    }

    async fn master(&self, _realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        Ok(match path {
            "users/1" => Some(json!({"username": "anna\u{202e}`|<b>"})),
            "clients/2" => Some(json!({"clientId": "security-admin-console"})),
            _ => None,
        })
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        self.inner.get(realm, path).await
    }
}

fn event(path: &str, user: &str, client: &str) -> Value {
    json!({
        "id": "e", "time": 1_796_000_000_000_i64, "operationType": "UPDATE", "resourceType": "CLIENT", "resourcePath": path,
        "authDetails": {"realmId": "master", "userId": user, "clientId": client, "ipAddress": "10.1.2.3"},
    })
}

/// The clinic's plan after its client was changed by hand, and these events.
async fn drifted(list: impl FnOnce(&str, &str) -> Value) -> Plan {
    let (api, world) = applied().await;
    let assistant = client(&api, "clinic", "assistant").await;
    let (assistant, tool) = (id(&assistant), client(&api, "clinic", PROVISIONER).await);
    let body = json!({"redirectUris": ["https://evil.example/*"]});
    api.put("clinic", &format!("clients/{assistant}"), Some(&body)).await.expect("written");
    let told = Told { events: list(assistant, id(&tool)), inner: &api };
    let desired = world.expand().expect("sound").into_iter().find(|tenant| tenant.name == "clinic").expect("there");
    let users = declared_users(&desired.state);
    let observed = observe(&told, "clinic", &users).await.expect("readable").expect("there");
    let mut plan = Plan::new(header(), vec![plan_tenant(&desired, Some(&observed), &Secrets::default())]);
    name(&told, &mut plan, &State::from([("clinic".to_owned(), observed)]), 1).await;
    plan
}

#[tokio::test]
async fn who_changed_an_object_is_named() {
    let plan = drifted(|assistant, _| {
        json!([event("roles/other", "9", "9"), event(&format!("clients/{assistant}"), "1", "2")])
    })
    .await;
    let text = text::plan(&plan);
    let line = "by anna\u{fffd}`|<b> of master, from 10.1.2.3, 2026-11-30 00:53 UTC, with security-admin-console";
    assert!(text.lines().any(|shown| shown.trim() == line), "{text}");
    assert!(!text.contains("nobody is on record"), "{text}");
    let page = markdown::plan(&plan);
    assert!(page.contains("Who changed it") && !page.contains('\u{202e}'), "{page}");
}

#[tokio::test]
async fn what_nobody_knows_is_shown_as_it_is() {
    let plan = drifted(|assistant, _| json!([event(&format!("clients/{assistant}"), "77", "78")])).await;
    let text = text::plan(&plan);
    assert!(text.contains("by 77, from 10.1.2.3, 2026-11-30 00:53 UTC, with 78\n"), "{text}");
}

#[tokio::test]
async fn where_no_event_tells_of_it_nobody_is_named() {
    // What was done before the tool wrote the client last is over.
    for list in [false, true] {
        let plan = drifted(|assistant, tool| {
            let path = format!("clients/{assistant}");
            if list { json!([event(&path, "3", tool), event(&path, "1", "2")]) } else { json!([]) }
        });
        let text = text::plan(&plan.await);
        assert!(text.contains("nobody is on record for client/assistant (no admin event tells of it"), "{text}");
    }
}

#[tokio::test]
async fn nobody_is_looked_for_where_nothing_was_done_by_hand() {
    let (api, world) = applied().await;
    let mut plan = world.edit("tenants.yaml", "label: Clinic", "label: Other").plan(&api).await;
    assert!(!plan.is_empty());
    api.forget_requests();
    name(&api, &mut plan, &State::new(), 1).await;
    assert!(api.requests().is_empty() && plan.tenants.iter().all(|tenant| tenant.authors.is_none()));
}

#[tokio::test]
async fn events_belong_to_the_object_that_they_are_about() {
    let (api, world) = applied().await;
    let desired = world.expand().expect("sound");
    let clinic = desired.iter().find(|tenant| tenant.name == "clinic").expect("there");
    let users = declared_users(&clinic.state);
    let observed = observe(&api, "clinic", &users).await.expect("readable").expect("there");
    let of = |kind: Kind, key: &str| {
        observed.get(&ObjectId::new(kind, key)).and_then(|found| found.id.clone()).expect("an id")
    };
    let assistant = of(Kind::Client, "assistant");
    let user = of(Kind::User, "boss@clinic.example");
    let tells = |path: &str, object: &str| {
        let list = [event(path, "1", "2")];
        !events(&list, &object.parse().expect("an address"), &observed).is_empty()
    };
    for (path, object) in [
        ("", "realm"),
        ("events/config", "realm"),
        ("users/profile", "user-profile"),
        (&format!("clients/{assistant}"), "client/assistant"),
        (&format!("clients/{assistant}/default-client-scopes/x"), "client/assistant"),
        (&format!("clients/{assistant}/roles/seat"), "client-role/assistant/seat"),
        ("roles/member/composites", "role/member"),
        (&format!("users/{user}/role-mappings/realm"), "user/boss@clinic.example"),
    ] {
        assert!(tells(path, object), "{path} {object}");
        for other in ["realm", "user-profile", "client/assistant", "client-role/assistant/seat", "role/member"] {
            assert!(other == object || !tells(path, other), "{path} {other}");
        }
    }
}
