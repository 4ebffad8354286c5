//! What Keycloak puts into every realm, was removed by hand, and is referred to.

use realmwright::keycloak::WriteRealms;
use serde_json::{Value, json};

use super::{client_id, export, named};
use crate::support::World;

async fn roles(api: &impl WriteRealms, realm: &str, client: &str) -> Vec<String> {
    let export = export(api, realm).await;
    let roles = export["roles"]["client"][client].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = roles.iter().filter_map(|role| Some(role["name"].as_str()?.to_owned())).collect();
    names.sort();
    names
}

/// With scopes of the realm's own, which are those that a client gets.
pub async fn what_keycloak_put_in_comes_back_where_it_is_referred_to(api: &impl WriteRealms, jwks: &str, realm: &str) {
    let composites =
        json!({"client": {"account": ["view-profile"], "broker": ["read-token"]}, "realm": ["offline_access"]});
    let content = json!({
        "roles": {"realm": [{"name": "nurse", "composites": composites}]},
        "clients": [{"clientId": "security-admin-console", "name": "Console"}],
        "clientScopes": [{"name": "basic", "protocol": "openid-connect"}],
        "defaultDefaultClientScopes": ["basic"],
    });
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "one", "realm": content});
    let tenant = json!({"apiVersion": "realmwright/v1", "kind": "Distributor", "name": realm, "template": "one"});
    let world = World::new(jwks).with("template.yaml", template.to_string()).with("tenant.yaml", tenant.to_string());
    world.apply(api).await;
    let (account, broker) = (roles(api, realm, "account").await, roles(api, realm, "broker").await);
    assert!(account.len() > 5, "{account:?}");
    for client in ["account", "security-admin-console"] {
        let path = format!("clients/{}", client_id(api, realm, client).await);
        // Keycloak deletes none of these names.
        let refused = api.delete(realm, &path, None).await.expect_err("not by this name");
        assert_eq!(refused.status(), Some(400));
        let mut renamed = api.get(realm, &path).await.expect("readable").expect("there");
        renamed["clientId"] = format!("old-{client}").into();
        api.put(realm, &path, Some(&renamed)).await.expect("renamed");
        api.delete(realm, &path, None).await.expect("removed");
    }
    for role in [
        named(&export(api, realm).await["roles"]["client"]["broker"], "name", "read-token").clone(),
        named(&export(api, realm).await["roles"]["realm"], "name", "offline_access").clone(),
    ] {
        let path = format!("roles-by-id/{}", role["id"].as_str().expect("an id"));
        api.delete(realm, &path, None).await.expect("removed");
    }
    world.apply(api).await;
    assert_eq!((roles(api, realm, "account").await, roles(api, realm, "broker").await), (account, broker));
    let found = export(api, realm).await;
    let own = named(&found["clients"], "clientId", "account");
    assert_eq!(own["defaultClientScopes"], json!(["basic"]));
    assert_eq!(own["baseUrl"], format!("/realms/{realm}/account/"));
    let console = named(&found["clients"], "clientId", "security-admin-console");
    assert_eq!(console["name"], Value::from("Console"));
    named(&console["protocolMappers"], "name", "locale");
}
