//! Paths of the Admin API, relative to the realm. Pure.

use crate::state::{Kind, ObjectId};

use super::segment;

/// Where objects of a kind are created; `owner` is the server's id of the object that they belong to, if they do.
pub fn collection(kind: Kind, owner: &str) -> String {
    match kind {
        Kind::UserProfile => "users/profile".into(),
        Kind::Flow => "authentication/flows".into(),
        Kind::RequiredAction => "authentication/register-required-action".into(),
        Kind::Component | Kind::SubComponent => "components".into(),
        Kind::ClientScope => "client-scopes".into(),
        Kind::ScopeMapper => format!("client-scopes/{owner}/protocol-mappers/models"),
        Kind::Client => "clients".into(),
        Kind::ClientMapper => format!("clients/{owner}/protocol-mappers/models"),
        Kind::ClientRole => format!("clients/{owner}/roles"),
        Kind::RealmRole => "roles".into(),
        Kind::Authorization => format!("clients/{owner}/authz/resource-server"),
        Kind::IdentityProvider => "identity-provider/instances".into(),
        Kind::IdentityProviderMapper => format!("identity-provider/instances/{}/mappers", segment(owner)),
        Kind::Group if owner.is_empty() => "groups".into(),
        Kind::Group => format!("groups/{owner}/children"),
        Kind::Organization => "organizations".into(),
        Kind::ClientProfiles => "client-policies/profiles".into(),
        Kind::ClientPolicies => "client-policies/policies".into(),
        Kind::Localization => "localization".into(),
        Kind::User => "users".into(),
        Kind::Realm => String::new(),
    }
}

/// Where one object is read, written and deleted; `id` is the server's id, or the name where objects have none.
pub fn item(kind: Kind, owner: &str, id: &str) -> String {
    match kind {
        Kind::ClientRole | Kind::RealmRole => format!("roles-by-id/{id}"),
        Kind::RequiredAction => format!("authentication/required-actions/{}", segment(id)),
        Kind::Group => format!("groups/{id}"),
        kind if kind.is_single() || kind == Kind::Authorization => collection(kind, owner),
        _ => format!("{}/{}", collection(kind, owner), segment(id)),
    }
}

/// How a reference is added and removed.
pub enum LinkPath {
    /// Roles are sent as a list of their ids and names, by POST and DELETE.
    Roles(String),
    /// PUT and DELETE without a body.
    One(String),
    /// POST of the alias or id as a JSON text, DELETE with it as a last segment.
    Named(String),
    /// The same for a member; one whose account belongs to the organization would be deleted with its membership.
    Member(String),
    /// POST of the account's id and name, DELETE without a body.
    Account(String),
}

/// Where the references of an object are written: `own` and `other` are the ids of the object and of what it refers
/// to, `field` the list that holds the reference, `client` the id of the client of a client's role.
pub fn link(kind: Kind, own: &str, field: &str, target: &ObjectId, other: &str, client: &str) -> LinkPath {
    let mapping = |holder: &str| {
        let whose = if client.is_empty() { "realm".to_owned() } else { format!("clients/{client}") };
        LinkPath::Roles(format!("{holder}/{whose}"))
    };
    match (kind, target.kind) {
        (Kind::User, Kind::IdentityProvider) => {
            LinkPath::Account(format!("{}/{}", federated_identities(own), segment(other)))
        }
        (Kind::User, Kind::Group) => LinkPath::One(format!("users/{own}/groups/{other}")),
        (Kind::User, _) => mapping(&format!("users/{own}/role-mappings")),
        (Kind::Group, _) => mapping(&format!("groups/{own}/role-mappings")),
        (Kind::Realm, Kind::Group) => LinkPath::One(format!("default-groups/{other}")),
        (Kind::Realm, _) => {
            let list = if field == "defaultDefaultClientScopes" { "default-default" } else { "default-optional" };
            LinkPath::One(format!("{list}-client-scopes/{other}"))
        }
        (Kind::Client, Kind::ClientScope) => {
            let list = if field == "defaultClientScopes" { "default" } else { "optional" };
            LinkPath::One(format!("clients/{own}/{list}-client-scopes/{other}"))
        }
        (Kind::Client | Kind::ClientScope, _) => mapping(&format!("{}/scope-mappings", item(kind, "", own))),
        (Kind::Organization, Kind::User) => LinkPath::Member(format!("organizations/{own}/members")),
        (Kind::Organization, _) => LinkPath::Named(format!("organizations/{own}/identity-providers")),
        _ => LinkPath::Roles(format!("roles-by-id/{own}/composites")),
    }
}

/// The scopes that a client's tokens always have.
pub fn client_scopes(client: &str) -> String {
    format!("clients/{client}/default-client-scopes")
}

/// The accounts of identity providers that are a user's own.
pub fn federated_identities(user: &str) -> String {
    format!("users/{user}/federated-identity")
}

/// The organizations that a user is in.
pub fn organizations_of(user: &str) -> String {
    format!("organizations/members/{user}/organizations")
}
