//! What follows from what is declared: without it Keycloak would not take that.

use serde_json::Value;

use crate::state::{Kind, ObjectId, RealmState};

/// A client has authorization services only where it keeps a secret and logs people in: whatever makes it public or
/// bearer-only ends them without a word, and keeps them from coming back.
const OF_AUTHORIZATION: [&str; 2] = ["bearerOnly", "publicClient"];

/// Adds it.
pub(super) fn add(state: &mut RealmState) {
    for (_, client) in state.objects.iter_mut().filter(|(id, _)| id.kind == Kind::Client) {
        if client.fields.get("authorizationServicesEnabled") == Some(&Value::Bool(true)) {
            for field in OF_AUTHORIZATION {
                client.fields.entry(field.to_owned()).or_insert(Value::Bool(false));
            }
        }
    }
    for (id, protocol) in by_scopes(state) {
        if let Some(client) = state.objects.get_mut(&id) {
            client.fields.insert("protocol".to_owned(), protocol);
        }
    }
}

/// Clients that don't say which protocol they speak, and the one of the declared scopes that they have: no client takes a
/// scope of another one.
fn by_scopes(state: &RealmState) -> Vec<(ObjectId, Value)> {
    let speaks = |name: &Value| {
        let scope = state.get(&ObjectId::new(Kind::ClientScope, name.as_str()?))?;
        scope.fields.get("protocol").cloned()
    };
    let silent = state.of_kind(Kind::Client).filter(|(_, client)| !client.fields.contains_key("protocol"));
    let found = silent.filter_map(|(id, client)| {
        let lists = ["defaultClientScopes", "optionalClientScopes"].map(|list| client.fields.get(list)?.as_array());
        let mut protocols = lists.into_iter().flatten().flatten().filter_map(speaks);
        let first = protocols.next()?;
        protocols.all(|other| other == first).then(|| (id.clone(), first))
    });
    found.collect()
}
