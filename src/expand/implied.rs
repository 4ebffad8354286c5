//! What follows from what is declared: without it Keycloak would not take that.

use serde_json::Value;

use crate::state::{Kind, RealmState};

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
}
