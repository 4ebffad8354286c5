//! Every kind of object: born, made one by one, changed and removed; and killed at each write on the way.

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{Birth, KeycloakError, ReadRealms, WriteRealms};
use realmwright::plan::render::markdown;
use serde_json::{Value, json};

use crate::cut::Cut;
use crate::support::full::content;
use crate::support::{World, carry_out, changes};

pub fn world(realm: &Value) -> World {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "full", "extends": "organization", "realm": realm});
    let tenant = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\ntemplate: full\nadmin: {email: boss@clinic.example}\n";
    World::new(r#"{"keys":[]}"#).with("full.yaml", template.to_string()).with("tenant.yaml", tenant)
}

async fn flows(api: &MemoryKeycloak) -> Vec<String> {
    let found = api.get("north", "authentication/flows").await.expect("readable").expect("there");
    found.as_array().expect("a list").iter().map(|flow| flow["alias"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn every_kind_is_made_one_by_one_changed_and_removed() {
    let api = MemoryKeycloak::new();
    for realm in [json!({}), content(1), content(2), json!({}), content(2), json!({})] {
        let plan = world(&realm).apply(&api).await;
        let again = world(&realm).plan(&api).await;
        assert_eq!(again.tenants[0].foreign, [], "what was ours is gone: {plan:?}");
    }
}

#[tokio::test]
async fn every_kind_is_born_and_changed() {
    let api = MemoryKeycloak::new();
    for realm in [content(1), content(2), content(1)] {
        world(&realm).apply(&api).await;
    }
}

#[tokio::test]
async fn a_changed_flow_is_built_aside_and_the_old_one_stays_for_logins_in_progress() {
    let api = MemoryKeycloak::new();
    world(&content(1)).apply(&api).await;
    let before = api.get("north", "authentication/flows/door/executions").await.expect("readable").expect("there");
    world(&content(2)).apply(&api).await;
    let names = flows(&api).await;
    let retired =
        names.iter().find(|name| name.starts_with("retired ") && name.ends_with(" door")).expect("the old flow");
    let path = format!("authentication/flows/{}/executions", retired.replace(' ', "%20"));
    let kept = api.get("north", &path).await.expect("readable").expect("there");
    let ids = |steps: &Value| -> Vec<Value> {
        steps.as_array().expect("steps").iter().map(|step| step["id"].clone()).collect()
    };
    assert_eq!(ids(&kept), ids(&before), "a login in progress finds its steps");
    assert_eq!(api.get("north", "").await.expect("readable").expect("there")["browserFlow"], "door");
}

/// A realm with an organization, an identity provider and two users; with what is said of members and of accounts.
fn people(members: Value, accounts: Value) -> Value {
    let provider =
        json!({"clientId": "x", "authorizationUrl": "https://corp.example/a", "tokenUrl": "https://corp.example/t"});
    json!({
        "organizationsEnabled": true,
        "identityProviders": [{"alias": "corp", "providerId": "oidc", "config": provider}],
        "users": [{"username": "ann", "federatedIdentities": accounts}, {"username": "jo"}],
        "organizations": [{"name": "Ward", "alias": "ward", "domains": [{"name": "ward.example"}], "members": members}],
    })
}

#[tokio::test]
async fn members_and_accounts_are_read_where_they_are_declared_and_put_back() {
    let api = MemoryKeycloak::new();
    let account = json!([{"identityProvider": "corp", "userId": 7}]);
    let declared = world(&people(json!(["Ann"]), account.clone()));
    declared.apply(&api).await;
    let id = async |name: &str| {
        let found = api.get("north", &format!("users?exact=true&username={name}")).await.expect("readable");
        found.expect("there")[0]["id"].as_str().expect("an id").to_owned()
    };
    let (ann, jo) = (id("ann").await, id("jo").await);
    let before = api.requests().len();
    declared.plan(&api).await;
    let asked: Vec<String> = api.requests()[before..].iter().map(|sent| sent.path.clone()).collect();
    let of = |part: &str| asked.iter().filter(|path| path.contains(part)).count();
    assert_eq!((of("federated-identity"), of("organizations/members")), (1, 1), "of ann alone: {asked:?}");

    let organizations = api.get("north", "organizations").await.expect("readable").expect("there");
    let members = format!("organizations/{}/members", organizations[0]["id"].as_str().expect("an id"));
    api.delete("north", &format!("{members}/{ann}"), None).await.expect("removed");
    api.delete("north", &format!("users/{ann}/federated-identity/corp"), None).await.expect("removed");
    for (user, account) in [(&ann, "evil"), (&jo, "not asked for")] {
        let body = json!({"userId": account});
        api.post("north", &format!("users/{user}/federated-identity/corp"), &body).await.expect("written");
    }
    insta::assert_snapshot!(changes(&declared.plan(&api).await), @r#"
    north (distributor)
        ~ update  organization/ward
            members.ann  (none) → true  (changed outside Realmwright)
        ~ update  user/ann
            federatedIdentities.corp  (changed outside Realmwright)
              ~ userId  "evil" → "7"
    "#);
    declared.apply(&api).await;

    let none = world(&people(json!([]), json!([])));
    insta::assert_snapshot!(changes(&none.plan(&api).await), @r#"
    north (distributor)
        ~ update  organization/ward
            members.ann  true → (none)
        ~ update  user/ann
            federatedIdentities.corp  {"userId":"7"} → (none)
    "#);
    none.apply(&api).await;
    let comment = markdown::plan(&declared.plan(&api).await);
    assert!(comment.contains("lets in an account of `identity-provider/corp`"), "{comment}");
    assert!(comment.contains("takes in `user/ann`"), "{comment}");
    assert_eq!(api.get("north", &format!("users/{ann}/federated-identity")).await.expect("readable"), Some(json!([])));
}

#[test]
fn members_and_accounts_that_can_not_be_are_refused() {
    let twice = json!([{"identityProvider": "corp", "userId": "7"}, {"identityProvider": "corp", "userId": "8"},
        {"identityProvider": "lost", "userId": "8"}, {"userId": "9", "name": "x"}]);
    let wrong = world(&people(json!(["nobody", {"name": "x"}]), twice));
    insta::assert_snapshot!(wrong.findings(), @r"
    [wrong-value] full.yaml:1:357 a member of an organization is a user's name
    [wrong-value] full.yaml:1:489 a user has two accounts of the provider `corp`; Keycloak takes one
    [wrong-value] full.yaml:1:571 an account needs `identityProvider` and `userId`, the user's id there
    [unknown-field] full.yaml:1:572 `name` is not a field of an account at an identity provider (it has identityProvider, userId, userName)
    [unknown-object] tenant.yaml:3:7 north/organization/ward refers to the user `nobody`, who is not declared (declare the user, or name a role or a group: anybody may take the name of a user who is not declared)
    [unknown-object] tenant.yaml:3:7 north/user/ann refers to the identity-provider `lost`, which the realm does not have
    ");
}

#[tokio::test]
async fn killed_at_any_write_the_next_run_finishes_every_kind() {
    for (from, to) in [(json!({}), content(1)), (content(1), content(2))] {
        for good in (0..).step_by(3) {
            let api = MemoryKeycloak::new();
            world(&from).apply(&api).await;
            let plan = world(&to).plan(&api).await;
            let failing = Cut::at_write(&api, good, good % 2 == 0);
            let outcome = carry_out(&failing, &plan).await;
            world(&to).apply(&api).await;
            let realm = api.get("north", "").await.expect("readable").expect("there");
            assert_eq!(realm["browserFlow"], "door", "killed after {good} writes");
            if outcome.count(|outcome| !matches!(outcome, realmwright::apply::TenantOutcome::Failed { .. })) == 1 {
                assert!(good > 20, "only {good} writes were needed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn mail_settings_that_do_not_change_are_not_sent_back() {
    let api = MemoryKeycloak::new();
    let mail = json!({"host": "mail.example", "from": "a@mail.example", "user": "u"});
    world(&json!({ "smtpServer": mail })).apply(&api).await;
    let sent = std::sync::Mutex::new(Vec::new());
    let watching = Watching { inner: &api, sent: &sent };
    let plan = world(&json!({"smtpServer": mail, "displayName": "New"})).plan(&api).await;
    carry_out(&watching, &plan).await;
    let sent = sent.into_inner().expect("unpoisoned");
    assert!(sent.iter().any(|body: &Value| body["displayName"] == "New" && body["smtpServer"].is_null()), "{sent:?}");
    assert_eq!(api.get("north", "").await.expect("readable").expect("there")["smtpServer"]["user"], "u");
}

/// A server whose PUTs of realms are noted.
struct Watching<'a> {
    inner: &'a MemoryKeycloak,
    sent: &'a std::sync::Mutex<Vec<Value>>,
}

impl ReadRealms for Watching<'_> {
    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        self.inner.export(realm).await
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        self.inner.get(realm, path).await
    }
}

impl WriteRealms for Watching<'_> {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        self.inner.create_realm(body).await
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        self.inner.post(realm, path, body).await
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        if path.is_empty() {
            self.sent.lock().expect("unpoisoned").extend(body.cloned());
        }
        self.inner.put(realm, path, body).await
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.inner.delete(realm, path, body).await
    }
}
