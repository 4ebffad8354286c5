//! The kinds of objects, and the words in which the table of `specs.rs` says what is special about each.
//!
//! To add a kind, add a variant, its row in `specs.rs`, its field table in `tables.rs`, and its cases to the contract.

use serde_json::Value;

use super::permissions::ADMIN_PERMISSIONS;
use super::secret::is_in_vault;
use super::specs::SPECS;
use super::{Fields, ObjectId, built_in, secret_name, tables};

/// Keycloak names the user of a client's service account so.
pub const SERVICE_ACCOUNT_PREFIX: &str = "service-account-";

/// The type of the components that are a realm's keys.
pub const KEY_PROVIDER: &str = "org.keycloak.keys.KeyProvider";

/// The type of the components that say who may register clients.
const CLIENT_REGISTRATION_POLICY: &str = "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/";

/// What the names of flows begin with that were replaced and wait until no login can be in them; then the time at which
/// they were, in milliseconds since 1970, and their old names.
pub const RETIRED: &str = "retired ";

/// The role that a realm has while somebody writes to it. Its description says who, and until when.
pub const LEASE: &str = "realmwright.lease";

/// The kinds of objects that are managed, in the order in which they can be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What a user's attributes are. First, because Keycloak drops attributes of users that it does not know.
    UserProfile,
    /// An authentication flow with everything below it.
    Flow,
    /// A required action.
    RequiredAction,
    /// A component of the realm: key providers, user federation and the like.
    Component,
    /// A component of a component: a mapper of a user federation.
    SubComponent,
    /// A client scope.
    ClientScope,
    /// A protocol mapper of a client scope.
    ScopeMapper,
    /// A client.
    Client,
    /// A protocol mapper of a client.
    ClientMapper,
    /// A role of a client.
    ClientRole,
    /// A role of the realm.
    RealmRole,
    /// An identity provider.
    IdentityProvider,
    /// A mapper of an identity provider.
    IdentityProviderMapper,
    /// A group, by its path.
    Group,
    /// An organization inside the realm.
    Organization,
    /// The profiles of client policies.
    ClientProfiles,
    /// The client policies.
    ClientPolicies,
    /// The texts of one locale.
    Localization,
    /// A user that the manifests declare, or a client's service account.
    User,
    /// The authorization settings of a client: its resources, scopes, policies and permissions. They may name any of the
    /// others.
    Authorization,
    /// The realm itself: settings and attributes. Last, because its write also records what was applied.
    Realm,
}

/// How a field behaves. The diff knows none of this: normalization turns each class into plain fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Compared as it is.
    Plain,
    /// A text that the server keeps in lower case.
    Folded,
    /// A list whose order means nothing.
    Set,
    /// A value with a structure of its own, brought into its canonical form by `shape` and compared as a whole.
    Document,
    /// A mapping to texts; each entry is a field of its own.
    Texts,
    /// A mapping to lists of texts; each entry is a field of its own.
    Lists,
    /// References to other objects (a list of names, or names grouped in mappings), written through endpoints of their
    /// own. Each list is a field of its own; where any is declared, all are complete.
    Links,
    /// References of which others may add more: each single one is a field of its own.
    Memberships,
    /// Sent at creation, then left to others.
    Initial,
    /// Can't be read back; a change is noticed through its fingerprint in the marker.
    WriteOnly,
    /// Made by the server; ignored.
    Server,
    /// Objects of kinds of their own, or what such are made from.
    Nested,
    /// Says where the object stands: to whom it belongs, at which level. Part of its address rather than a field.
    Place,
    /// Part of Keycloak's representation that is not managed; refused in templates, ignored on the server.
    Unmanaged,
    /// Not managed either, and refused by PUT although it is read: left out of what is written back.
    ReadOnly,
}

impl Class {
    /// Whether a field is compared with what is found.
    pub fn is_readable(self) -> bool {
        self != Self::WriteOnly
    }

    /// Whether a field is left to others once its object is made.
    pub fn is_initial(self) -> bool {
        self == Self::Initial
    }

    /// Whether a field that was ours is removed when it is no longer declared. Others are left as they are.
    pub fn is_entry(self) -> bool {
        matches!(self, Self::Texts | Self::Lists | Self::Links | Self::Memberships)
    }

    /// Whether declaring one field of a group declares the whole group.
    pub fn is_complete(self) -> bool {
        self == Self::Links
    }

    /// Whether others may add fields of this class at any time, so that only the declared ones are read.
    pub fn is_shared(self) -> bool {
        self == Self::Memberships
    }
}

/// Where the objects of a kind stand in a RealmRepresentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The representation itself.
    Top,
    /// A list at the top: `clients`.
    List(&'static str),
    /// A mapping from a group to a list: `components`, or `roles.client`.
    Groups(&'static [&'static str]),
    /// A list inside a mapping: `roles.realm`.
    Inner(&'static [&'static str]),
    /// A list inside each object of another kind: its kind and the field.
    Within(Kind, &'static str),
    /// A list at the top whose entries name the object of another kind that they belong to: the list, the field, the kind.
    Owned(&'static str, &'static str, Kind),
    /// A mapping at the top from names to objects.
    Keyed(&'static str),
    /// A tree: a list at the top, and the field that holds the same below each entry.
    Tree(&'static str, &'static str),
    /// One object, which every realm has.
    Single(&'static str),
}

/// What a PUT of an object does to what its body leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is kept, also within mappings, of which null removes an entry: the body holds the changed fields.
    Merges,
    /// It is kept, but a mapping that is given is replaced: the body holds the changed fields, mappings whole.
    MergesTop,
    /// It is reset or removed: the body is the object as read, with the changed fields.
    Replaces,
}

/// What is special about a kind.
#[derive(Debug)]
pub struct Spec {
    /// The kind.
    pub kind: Kind,
    /// Its name in addresses, plans and messages.
    pub name: &'static str,
    /// Where its objects stand in a RealmRepresentation.
    pub section: Section,
    /// The field that names an object; it can't change.
    pub key: &'static str,
    /// What PUT does.
    pub put: Put,
    /// Fields that PUT resets, or fails without, where it merges: always sent, as read where they do not change.
    pub carried: &'static [&'static str],
    /// Its fields. One that is not listed does not exist.
    pub fields: &'static [(Class, &'static [&'static str])],
    /// Names of objects that Keycloak makes itself; not reported as foreign. A trailing `*` stands for any rest.
    pub built_in: &'static [&'static str],
}

/// What manifests may do with a client that is Keycloak's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// A birth may bring it whole, in place of Keycloak's.
    Brought,
    /// Its fields and mappers may be changed. A birth that brought it would get another client of that name, without what
    /// Keycloak gives its own; so it is changed once it is there.
    Changed,
    /// It is left as it is: realm-management, which the provisioner has its rights from and may not change (403 from 26.7
    /// on), and the one that has the admin permissions, which are all that can be changed of it.
    Kept,
}

impl Own {
    /// That of a client; none for others.
    pub fn of(client: &str) -> Option<Self> {
        let own = Kind::Client.is_built_in(client);
        own.then_some(match client {
            "account" | "account-console" => Self::Brought,
            "realm-management" | ADMIN_PERMISSIONS => Self::Kept,
            _ => Self::Changed,
        })
    }
}

impl Kind {
    /// Its row of the table.
    pub fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    /// Its name in addresses, plans and messages.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// One of it, in messages: `a client`, `an identity-provider`.
    pub fn one(self) -> String {
        let article = if self.name().starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        format!("{article} {}", self.name())
    }

    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SPECS.iter().map(|spec| spec.name)
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        SPECS.iter().find(|spec| spec.name == name).map(|spec| spec.kind)
    }

    /// The class of a top-level field, if the kind has such a field.
    pub fn class(self, field: &str) -> Option<Class> {
        self.spec().fields.iter().find(|(_, names)| names.contains(&field)).map(|(class, _)| *class)
    }

    /// The class of the field that a flat path belongs to.
    pub fn class_of_path(self, path: &str) -> Class {
        if tables::WRITE_ONLY_PATHS.contains(&(self, path)) || self.is_open_secret(path) {
            return Class::WriteOnly;
        }
        if self == Self::User && path.starts_with("realmRoles.default-roles-") {
            // To observe it would mean to list every user of the realm.
            return Class::Initial;
        }
        let field = path.split_once('.').map_or(path, |(field, _)| field);
        self.class(path).or_else(|| self.class(field)).unwrap_or(Class::Unmanaged)
    }

    /// True for a secret that Keycloak shows to whoever may read the object, in a mapping that takes any name: it is
    /// declared by a reference, and never shown here.
    pub fn is_open_secret(self, path: &str) -> bool {
        let field = path.split_once('.').and_then(|(field, _)| self.class(field));
        let open = self != Self::Localization && matches!(field, Some(Class::Texts | Class::Lists));
        open && !tables::WRITE_ONLY_PATHS.contains(&(self, path)) && secret_name::is_secret_path(path)
    }

    /// True when Keycloak shows this value of a field: the field can be read, or it refers to Keycloak's own vault.
    pub fn shows(self, path: &str, value: Option<&Value>) -> bool {
        self.class_of_path(path).is_readable() || self.is_vaulted(path, value)
    }

    /// True for a reference into Keycloak's own vault where Keycloak looks it up, or shows what it was given: written out,
    /// shown and compared.
    pub fn is_vaulted(self, path: &str, value: Option<&Value>) -> bool {
        let known = || tables::VAULT_PATHS.contains(&(self, path)) || self.is_open_secret(path);
        value.is_some_and(is_in_vault) && known()
    }

    /// True for a secret inside a mapping that is written as a whole: an update that leaves it alone would send the mask.
    pub fn is_written_along(self, path: &str) -> bool {
        path.contains('.') && !self.class_of_path(path).is_readable() && !self.is_open_secret(path)
    }

    /// True for the fields that name a flow which logins go through.
    pub fn binds_flow(self, path: &str) -> bool {
        match self {
            Self::Realm => path.ends_with("Flow") && !path.contains('.'),
            Self::Client => path.starts_with("authenticationFlowBindingOverrides."),
            Self::IdentityProvider => path.ends_with("BrokerLoginFlowAlias"),
            _ => false,
        }
    }

    /// Every field that a template may set, for suggestions.
    pub fn settable(self) -> impl Iterator<Item = &'static str> {
        let fields = self
            .spec()
            .fields
            .iter()
            .filter(|(class, _)| !matches!(class, Class::Server | Class::Unmanaged | Class::ReadOnly));
        fields.flat_map(|(_, names)| names.iter().copied())
    }

    /// True for objects that belong to another one, whose name is part of their key.
    pub fn is_owned(self) -> bool {
        matches!(self.spec().section, Section::Groups(_) | Section::Within(..) | Section::Owned(..))
    }

    /// True for the one object of its kind that every realm has: it is changed, never made or deleted.
    pub fn is_single(self) -> bool {
        matches!(self.spec().section, Section::Top | Section::Single(_))
    }

    /// True for what can't or must not be deleted, even if a manifest once declared it: what Keycloak makes itself, and the
    /// users of clients.
    pub fn is_permanent(self, key: &str) -> bool {
        match self {
            Self::Client
            | Self::ClientRole
            | Self::ClientMapper
            | Self::RealmRole
            | Self::Flow
            | Self::RequiredAction => self.is_built_in(key),
            Self::User => key.starts_with(SERVICE_ACCOUNT_PREFIX),
            // They go with their client, or stay as they are. Admin permissions give rights: they do not outlive their word.
            Self::Authorization => key != ADMIN_PERMISSIONS,
            // Without one of them, others could register clients.
            Self::Component => self.is_own_registration_policy(key),
            kind => kind.is_single(),
        }
    }

    /// True for what Keycloak makes together with the object that this one belongs to, if it made that.
    pub fn comes_with_owner(self, key: &str) -> bool {
        self == Self::ScopeMapper && built_in::MAPPERS_OF_BUILT_IN_SCOPES.contains(&key)
    }

    /// True for what no birth can bring, because Keycloak makes it with the realm: the provisioner writes it right after.
    pub fn is_born_later(self, key: &str) -> bool {
        let changed = |client: &str| Own::of(client) == Some(Own::Changed);
        match self {
            Self::Client => changed(key),
            Self::ClientMapper => changed(&ObjectId::new(self, key).owner_and_name().0),
            Self::Authorization => key == ADMIN_PERMISSIONS,
            // A birth that brought one would get none of the others: of policies, anybody could then register clients.
            Self::RequiredAction => true,
            Self::Component => key.starts_with(CLIENT_REGISTRATION_POLICY),
            _ => false,
        }
    }

    /// True for an object of a realm that Keycloak made itself, as far as its fields tell.
    pub fn is_made_by_keycloak(self, key: &str, fields: &Fields) -> bool {
        let texts = |path: &str| fields.get(path).map(|value| value.as_str().or_else(|| value[0].as_str()));
        // Any key may have such a name: Keycloak's own are generated, and never before one that is meant to be used.
        let own_key = || {
            texts("config.priority") == Some(Some("-100"))
                && texts("providerId").flatten().is_some_and(|provider| provider.ends_with("-generated"))
        };
        let is_key = self == Self::Component && key.starts_with(built_in::FALLBACK_KEYS);
        // A flow that stepped back says since when.
        let stepped_back = || key[RETIRED.len()..].split(' ').next().is_some_and(|at| at.parse::<i64>().is_ok());
        let is_retired = self == Self::Flow && key.starts_with(RETIRED);
        // It comes with the authorization settings of a client.
        let protects = self == Self::ClientRole && key.ends_with("/uma_protection");
        protects || self.is_built_in(key) && (!is_key || own_key()) && (!is_retired || stepped_back())
    }

    /// True for a policy of client registration that Keycloak makes itself.
    pub fn is_own_registration_policy(self, key: &str) -> bool {
        self == Self::Component && built_in::REGISTRATION_POLICIES.contains(&key)
    }

    /// True for what the older of the versions that are known do not put into a realm.
    pub fn is_newer(self, key: &str) -> bool {
        built_in::NEWER.contains(&(self, key))
    }

    /// True for what has the name of something that Keycloak makes itself in every realm.
    pub fn is_built_in(self, key: &str) -> bool {
        self.is_single()
            || self.is_own_registration_policy(key)
            || self.spec().built_in.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == *pattern,
            })
    }
}
