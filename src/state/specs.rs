//! The table of kinds: one row each, in the order in which objects can be created.

use super::kind::{Kind, Put, Section, Spec};
use super::{built_in, tables};

/// What most rows say.
const USUAL: Spec = Spec {
    kind: Kind::Realm,
    name: "",
    section: Section::Top,
    key: "name",
    put: Put::Replaces,
    carried: &[],
    fields: &[],
    built_in: &[],
};

/// The table of kinds.
pub static SPECS: [Spec; 21] = [
    Spec {
        kind: Kind::UserProfile,
        name: "user-profile",
        section: Section::Single("userProfile"),
        put: Put::Replaces,
        fields: tables::USER_PROFILE,
        ..USUAL
    },
    Spec {
        kind: Kind::Flow,
        name: "flow",
        section: Section::List("authenticationFlows"),
        key: "alias",
        put: Put::Replaces,
        fields: tables::FLOW,
        built_in: built_in::BUILT_IN_FLOWS,
        ..USUAL
    },
    Spec {
        kind: Kind::RequiredAction,
        name: "required-action",
        section: Section::List("requiredActions"),
        key: "alias",
        put: Put::Replaces,
        fields: tables::REQUIRED_ACTION,
        built_in: built_in::BUILT_IN_ACTIONS,
        ..USUAL
    },
    Spec {
        kind: Kind::Component,
        name: "component",
        section: Section::Groups(&["components"]),
        key: "name",
        put: Put::Merges,
        carried: &["providerId"],
        fields: tables::COMPONENT,
        built_in: built_in::BUILT_IN_COMPONENTS,
    },
    Spec {
        kind: Kind::SubComponent,
        name: "sub-component",
        section: Section::Owned("subComponents", "parent", Kind::Component),
        put: Put::Merges,
        carried: &["providerId", "providerType", "parentId"],
        fields: tables::SUB_COMPONENT,
        ..USUAL
    },
    Spec {
        kind: Kind::ClientScope,
        name: "client-scope",
        section: Section::List("clientScopes"),
        key: "name",
        put: Put::Merges,
        fields: tables::CLIENT_SCOPE,
        built_in: built_in::BUILT_IN_SCOPES,
        ..USUAL
    },
    Spec {
        kind: Kind::ScopeMapper,
        name: "client-scope-mapper",
        section: Section::Within(Kind::ClientScope, "protocolMappers"),
        key: "name",
        put: Put::Replaces,
        fields: tables::MAPPER,
        built_in: built_in::BUILT_IN_SCOPE_MAPPERS,
        ..USUAL
    },
    Spec {
        kind: Kind::Client,
        name: "client",
        section: Section::List("clients"),
        key: "clientId",
        put: Put::Merges,
        carried: &["authorizationServicesEnabled", "frontchannelLogout", "webOrigins"],
        fields: tables::CLIENT,
        built_in: built_in::BUILT_IN_CLIENTS,
    },
    Spec {
        kind: Kind::ClientMapper,
        name: "client-mapper",
        section: Section::Within(Kind::Client, "protocolMappers"),
        key: "name",
        put: Put::Replaces,
        fields: tables::MAPPER,
        built_in: built_in::BUILT_IN_CLIENT_MAPPERS,
        ..USUAL
    },
    Spec {
        kind: Kind::ClientRole,
        name: "client-role",
        section: Section::Groups(&["roles", "client"]),
        key: "name",
        put: Put::Replaces,
        fields: tables::ROLE,
        built_in: built_in::BUILT_IN_CLIENT_ROLES,
        ..USUAL
    },
    Spec {
        kind: Kind::RealmRole,
        name: "role",
        section: Section::Inner(&["roles", "realm"]),
        key: "name",
        put: Put::Replaces,
        fields: tables::ROLE,
        built_in: &["default-roles-*", "offline_access", "uma_authorization"],
        ..USUAL
    },
    Spec {
        kind: Kind::IdentityProvider,
        name: "identity-provider",
        section: Section::List("identityProviders"),
        key: "alias",
        put: Put::Replaces,
        fields: tables::IDENTITY_PROVIDER,
        ..USUAL
    },
    Spec {
        kind: Kind::IdentityProviderMapper,
        name: "identity-provider-mapper",
        section: Section::Owned("identityProviderMappers", "identityProviderAlias", Kind::IdentityProvider),
        put: Put::Replaces,
        fields: tables::PROVIDER_MAPPER,
        ..USUAL
    },
    Spec {
        kind: Kind::Group,
        name: "group",
        section: Section::Tree("groups", "subGroups"),
        put: Put::Replaces,
        fields: tables::GROUP,
        ..USUAL
    },
    Spec {
        kind: Kind::Organization,
        name: "organization",
        section: Section::List("organizations"),
        key: "alias",
        put: Put::Replaces,
        fields: tables::ORGANIZATION,
        ..USUAL
    },
    Spec {
        kind: Kind::ClientProfiles,
        name: "client-profiles",
        section: Section::Single("clientProfiles"),
        put: Put::Replaces,
        fields: tables::CLIENT_PROFILES,
        ..USUAL
    },
    Spec {
        kind: Kind::ClientPolicies,
        name: "client-policies",
        section: Section::Single("clientPolicies"),
        put: Put::Replaces,
        fields: tables::CLIENT_POLICIES,
        ..USUAL
    },
    Spec {
        kind: Kind::Localization,
        name: "localization",
        section: Section::Keyed("localizationTexts"),
        put: Put::Merges,
        fields: tables::LOCALIZATION,
        ..USUAL
    },
    Spec {
        kind: Kind::User,
        name: "user",
        section: Section::List("users"),
        key: "username",
        put: Put::MergesTop,
        carried: &["email", "firstName", "lastName"],
        fields: tables::USER,
        // Users that nobody declared are the tenant's own affair.
        built_in: &["*"],
    },
    Spec {
        kind: Kind::Authorization,
        name: "authorization",
        section: Section::Keyed("authorizationSettings"),
        put: Put::Replaces,
        fields: tables::AUTHORIZATION,
        ..USUAL
    },
    Spec {
        kind: Kind::Realm,
        name: "realm",
        section: Section::Top,
        key: "realm",
        put: Put::Replaces,
        fields: tables::REALM,
        ..USUAL
    },
];
