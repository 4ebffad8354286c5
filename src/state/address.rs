//! Names of objects: printable, parseable, ordered.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::kind::{Kind, SERVICE_ACCOUNT_PREFIX, Section};
use super::permissions::{ADMIN_PERMISSIONS, referred};

/// The field of a user that says which accounts of identity providers are its own.
pub const FEDERATED_IDENTITIES: &str = "federatedIdentities";

/// The field of an organization that says who belongs to it.
pub const MEMBERS: &str = "members";

/// An object within its realm: its kind, and its key among those of the kind (`assistant/seat` for a client's role).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind.
    pub kind: Kind,
    /// Its key; empty for the realm itself.
    pub key: String,
}

impl ObjectId {
    /// The realm itself.
    pub fn realm() -> Self {
        Self { kind: Kind::Realm, key: String::new() }
    }

    /// An object of a kind.
    pub fn new(kind: Kind, key: impl Into<String>) -> Self {
        Self { kind, key: key.into() }
    }

    /// An object that belongs to another: a client's role, a scope's mapper. Client ids may be URLs, so a `/` of the owner
    /// is escaped.
    pub fn within(kind: Kind, owner: &str, name: &str) -> Self {
        Self { kind, key: format!("{}/{name}", owner.replace('%', "%25").replace('/', "%2F")) }
    }

    /// A group by the names on its way down. A name may hold a `/`, which Keycloak does not tell from the one between two
    /// names: in keys it is `%2F`.
    pub fn group<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(Kind::Group, names.into_iter().map(step).collect::<Vec<_>>().join("/"))
    }

    /// Its own name as Keycloak has it.
    pub fn name(&self) -> String {
        let (_, name) = self.owner_and_name();
        if self.kind == Kind::Group { unstep(name) } else { name.to_owned() }
    }

    /// The path of a group as Keycloak writes it.
    pub fn native_path(&self) -> String {
        self.key.split('/').map(|name| format!("/{}", unstep(name))).collect()
    }

    /// The owner, for the kinds of [`within`](Self::within) and of trees, else nothing; and the name.
    pub fn owner_and_name(&self) -> (String, &str) {
        if matches!(self.kind.spec().section, Section::Tree(..)) {
            let (parent, name) = self.key.rsplit_once('/').unwrap_or(("", &self.key));
            return (parent.to_owned(), name);
        }
        let parts = if self.kind.is_owned() { self.key.split_once('/') } else { None };
        let (owner, name) = parts.unwrap_or(("", &self.key));
        (owner.replace("%2F", "/").replace("%25", "%"), name)
    }

    /// The object that this one is part of. A component is told by its name alone, as its parts tell it.
    pub fn owner(&self) -> Option<Self> {
        let (owner, _) = self.owner_and_name();
        match (self.kind, self.kind.spec().section) {
            (_, Section::Within(kind, _) | Section::Owned(_, _, kind)) => Some(Self::new(kind, owner)),
            (kind, Section::Tree(..)) => (!owner.is_empty()).then(|| Self::new(kind, owner)),
            (Kind::ClientRole, _) => Some(Self::new(Kind::Client, owner)),
            (Kind::Authorization, _) => Some(Self::new(Kind::Client, &self.key)),
            (Kind::User, _) => Some(Self::new(Kind::Client, self.key.strip_prefix(SERVICE_ACCOUNT_PREFIX)?)),
            _ => None,
        }
    }

    /// True for a part of another object, or a part of its parts: Keycloak deletes it together with that.
    pub fn is_within(&self, other: &Self) -> bool {
        let is = |owner: &Self| match other.kind {
            Kind::Component => owner.kind == other.kind && owner.key == other.owner_and_name().1,
            _ => owner == other,
        };
        std::iter::successors(self.owner(), Self::owner).any(|owner| is(&owner))
    }

    /// True for the user of a client's service account, which Keycloak makes with the client.
    pub fn is_service_account(&self) -> bool {
        self.kind == Kind::User && self.key.starts_with(SERVICE_ACCOUNT_PREFIX)
    }

    /// The switch that it is there behind: that of which object, and its field. Where that is off, Keycloak takes no such
    /// object, and hides or drops one that is there.
    pub fn switch(&self) -> Option<(Self, &'static str)> {
        match self.kind {
            Kind::Organization => Some((Self::realm(), "organizationsEnabled")),
            Kind::Authorization if self.key == ADMIN_PERMISSIONS => Some((Self::realm(), "adminPermissionsEnabled")),
            Kind::Authorization => Some((self.owner()?, "authorizationServicesEnabled")),
            Kind::User => Some((self.owner()?, "serviceAccountsEnabled")),
            _ => None,
        }
    }

    /// What a reference by name is to, in the list at a path of an object of some kind; `None` where that list holds no
    /// references.
    pub fn of_reference(kind: Kind, path: &str, name: &str) -> Option<Self> {
        let by_role = matches!(kind, Kind::RealmRole | Kind::ClientRole | Kind::Client | Kind::ClientScope);
        let (field, rest) = path.split_once('.').unwrap_or((path, ""));
        let (group, client) = rest.split_once('.').unwrap_or((rest, ""));
        Some(match (field, group) {
            ("composites" | "scopeMappings", "realm") if by_role => Self::new(Kind::RealmRole, name),
            ("composites" | "scopeMappings", "client") if by_role => Self::within(Kind::ClientRole, client, name),
            ("realmRoles", _) if kind == Kind::Group => Self::new(Kind::RealmRole, name),
            ("clientRoles", _) if kind == Kind::Group => Self::within(Kind::ClientRole, rest, name),
            ("defaultGroups", _) if kind == Kind::Realm => Self::new(Kind::Group, name.trim_start_matches('/')),
            ("identityProviders", _) if kind == Kind::Organization => Self::new(Kind::IdentityProvider, name),
            (scopes, _) if scopes.ends_with("ClientScopes") => Self::new(Kind::ClientScope, name),
            _ => return None,
        })
    }

    /// The objects that a field of it refers to by name.
    pub fn targets(&self, path: &str, value: &Value) -> Vec<Self> {
        let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let listed = names.filter_map(|name| Self::of_reference(self.kind, path, name));
        let membership = Self::of_membership(self.kind, path);
        listed.chain(membership).chain(referred(self, path, Some(value))).collect()
    }

    /// What a membership names. A user's: a role, a group, or who vouches for it: `realmRoles.NAME`,
    /// `clientRoles.CLIENT/NAME`, `groups./PATH`, `federatedIdentities.PROVIDER`. An organization's: `members.USER`.
    pub fn of_membership(kind: Kind, path: &str) -> Option<Self> {
        let (field, name) = path.split_once('.')?;
        Some(match (kind, field) {
            (Kind::User, "groups") => Self::new(Kind::Group, name.trim_start_matches('/')),
            (Kind::User, "realmRoles") => Self::new(Kind::RealmRole, name),
            (Kind::User, "clientRoles") => Self::new(Kind::ClientRole, name),
            (Kind::User, FEDERATED_IDENTITIES) => Self::new(Kind::IdentityProvider, name),
            (Kind::Organization, MEMBERS) => Self::new(Kind::User, name),
            _ => return None,
        })
    }
}

/// The name of a group as one step of a key. Only what would be read as an escape is escaped besides the `/`, so that
/// most names with a `%` stay as they are.
pub(crate) fn step(name: &str) -> String {
    name.replace("%25", "%2525").replace("%2F", "%252F").replace('/', "%2F")
}

fn unstep(step: &str) -> String {
    step.replace("%2F", "/").replace("%25", "%")
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            kind if kind.is_single() => f.write_str(kind.name()),
            _ => write!(f, "{}/{}", self.kind.name(), self.key),
        }
    }
}

impl FromStr for ObjectId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, key) = text.split_once('/').unwrap_or((text, ""));
        let kind = Kind::from_name(kind).ok_or_else(|| format!("`{kind}` is not a kind of object"))?;
        Ok(Self { kind, key: key.to_owned() })
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ObjectId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Object".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "`kind/key`, e.g. `client/assistant`; `realm` for the realm itself"})
    }
}
