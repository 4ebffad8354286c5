//! Paths of the Admin API, relative to the realm. Pure.

use crate::state::Kind;

use super::segment;

/// Where objects of a kind are created; `owner` is the server's id of the object that they belong to, if they do.
pub fn collection(kind: Kind, owner: &str) -> String {
    match kind {
        Kind::Component => "components".into(),
        Kind::ClientScope => "client-scopes".into(),
        Kind::ScopeMapper => format!("client-scopes/{owner}/protocol-mappers/models"),
        Kind::Client => "clients".into(),
        Kind::ClientMapper => format!("clients/{owner}/protocol-mappers/models"),
        Kind::ClientRole => format!("clients/{owner}/roles"),
        Kind::RealmRole => "roles".into(),
        Kind::IdentityProvider => "identity-provider/instances".into(),
        Kind::User => "users".into(),
        Kind::Realm => String::new(),
    }
}

/// Where one object is read, written and deleted; `id` is the server's id, or the alias of an identity provider.
pub fn item(kind: Kind, owner: &str, id: &str) -> String {
    match kind {
        Kind::ClientRole | Kind::RealmRole => format!("roles-by-id/{id}"),
        Kind::Realm => String::new(),
        _ => format!("{}/{}", collection(kind, owner), segment(id)),
    }
}

/// Roles that a role contains.
pub fn composites(role: &str) -> String {
    format!("roles-by-id/{role}/composites")
}

/// Roles of the realm that a user has.
pub fn realm_roles(user: &str) -> String {
    format!("users/{user}/role-mappings/realm")
}

/// Roles of a client that a user has.
pub fn client_roles(user: &str, client: &str) -> String {
    format!("users/{user}/role-mappings/clients/{client}")
}

/// A scope of a client, by the field that lists it.
pub fn client_scope(client: &str, field: &str, scope: &str) -> String {
    let which = if field == "defaultClientScopes" { "default-client-scopes" } else { "optional-client-scopes" };
    format!("clients/{client}/{which}/{scope}")
}

/// A scope that new clients of the realm get, by the field that lists it.
pub fn realm_scope(field: &str, scope: &str) -> String {
    let which = if field == "defaultDefaultClientScopes" {
        "default-default-client-scopes"
    } else {
        "default-optional-client-scopes"
    };
    format!("{which}/{scope}")
}
