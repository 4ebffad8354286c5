//! Names of what Keycloak makes itself in every realm.

use super::kind::Kind;

/// The built-in flows, those of older versions included.
pub(super) const BUILT_IN_FLOWS: &[&str] = &[
    "browser",
    "direct grant",
    "registration",
    "reset credentials",
    "clients",
    "first broker login",
    "docker auth",
    "http challenge",
    "saml ecp",
    "retired *",
];

/// The required actions that Keycloak registers in a new realm (`DefaultRequiredActions`).
pub(super) const BUILT_IN_ACTIONS: &[&str] = &[
    "CONFIGURE_RECOVERY_AUTHN_CODES",
    "CONFIGURE_TOTP",
    "TERMS_AND_CONDITIONS",
    "UPDATE_EMAIL",
    "UPDATE_PASSWORD",
    "UPDATE_PROFILE",
    "VERIFY_EMAIL",
    "VERIFY_PROFILE",
    "delete_account",
    "delete_credential",
    "idp_link",
    "terms_and_conditions",
    "update_user_locale",
    "webauthn-register",
    "webauthn-register-passwordless",
];

/// Keycloak's own clients. What manifests may do with each says [`Own`](super::kind::Own).
pub(super) const BUILT_IN_CLIENTS: &[&str] = &[
    "account",
    "account-console",
    "admin-cli",
    "admin-permissions",
    "broker",
    "realm-management",
    "security-admin-console",
];

/// The mappers of those clients.
pub(super) const BUILT_IN_CLIENT_MAPPERS: &[&str] =
    &["account-console/audience resolve", "security-admin-console/locale"];

/// The roles of those clients (`AdminRoles`, `AccountRoles`).
pub(super) const BUILT_IN_CLIENT_ROLES: &[&str] = &[
    "account/delete-account",
    "account/manage-account",
    "account/manage-account-links",
    "account/manage-consent",
    "account/view-applications",
    "account/view-consent",
    "account/view-groups",
    "account/view-profile",
    // Where a birth brings that client, as when a realm is made again.
    "admin-permissions/uma_protection",
    "broker/read-token",
    "realm-management/create-client",
    "realm-management/impersonation",
    "realm-management/manage-authorization",
    "realm-management/manage-clients",
    "realm-management/manage-events",
    "realm-management/manage-identity-providers",
    "realm-management/manage-organizations",
    "realm-management/manage-realm",
    "realm-management/manage-users",
    "realm-management/query-clients",
    "realm-management/query-groups",
    "realm-management/query-organizations",
    "realm-management/query-realms",
    "realm-management/query-users",
    "realm-management/realm-admin",
    "realm-management/view-authorization",
    "realm-management/view-clients",
    "realm-management/view-events",
    "realm-management/view-identity-providers",
    "realm-management/view-organizations",
    "realm-management/view-realm",
    "realm-management/view-users",
];

pub(super) const BUILT_IN_SCOPES: &[&str] = &[
    "microprofile-jwt",
    "AuthnContextClassRef",
    "offline_access",
    "saml_organization",
    "service_account",
    "profile",
    "phone",
    "basic",
    "roles",
    "acr",
    "web-origins",
    "role_list",
    "address",
    "email",
    "organization",
    "kc-admin-api",
];

/// References that an upgrade of the server puts into realms that are there, by the field that holds them.
pub(super) const BROUGHT_BY_UPGRADES: &[(Kind, &str, &str)] =
    &[(Kind::Realm, "defaultDefaultClientScopes", "AuthnContextClassRef")];

/// What Keycloak puts into a new realm since 26.7 only: realms that are older may be without.
pub(super) const NEWER: &[(Kind, &str)] = &[
    (Kind::ClientRole, "realm-management/manage-organizations"),
    (Kind::ClientRole, "realm-management/query-organizations"),
    (Kind::ClientRole, "realm-management/view-organizations"),
    (Kind::ClientScope, "AuthnContextClassRef"),
    (Kind::ScopeMapper, "AuthnContextClassRef/AuthnContextClassRef"),
    (
        Kind::Component,
        "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Registration Web Origins:anonymous",
    ),
    (
        Kind::Component,
        "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Registration Web Origins:authenticated",
    ),
];

/// Mappers of built-in scopes that templates often bring themselves: Keycloak's own only where the scope is.
pub(super) const MAPPERS_OF_BUILT_IN_SCOPES: &[&str] = &[
    "basic/auth_time",
    "basic/sub",
    "email/email",
    "email/email verified",
    "profile/birthdate",
    "profile/family name",
    "profile/full name",
    "profile/gender",
    "profile/given name",
    "profile/locale",
    "profile/middle name",
    "profile/nickname",
    "profile/picture",
    "profile/profile",
    "profile/updated at",
    "profile/username",
    "profile/website",
    "profile/zoneinfo",
    "roles/audience resolve",
    "roles/client roles",
    "roles/realm roles",
];

pub(super) const BUILT_IN_SCOPE_MAPPERS: &[&str] = &[
    "AuthnContextClassRef/AuthnContextClassRef",
    "acr/acr loa level",
    "address/address",
    "kc-admin-api/*",
    "microprofile-jwt/groups",
    "microprofile-jwt/upn",
    "organization/organization",
    "phone/phone number",
    "phone/phone number verified",
    "role_list/role list",
    "saml_organization/organization",
    "service_account/Client Host",
    "service_account/Client ID",
    "service_account/Client IP Address",
    "web-origins/allowed web origins",
];

/// How the keys of keys begin that Keycloak makes when something needs one of an algorithm that the realm has none of.
pub(super) const FALLBACK_KEYS: &str = "org.keycloak.keys.KeyProvider/fallback-";

/// The components that Keycloak makes, beside those policies.
pub(super) const BUILT_IN_COMPONENTS: &[&str] = &[
    "org.keycloak.keys.KeyProvider/rsa-generated",
    "org.keycloak.keys.KeyProvider/rsa-enc-generated",
    "org.keycloak.keys.KeyProvider/hmac-generated-hs512",
    "org.keycloak.keys.KeyProvider/aes-generated",
    "org.keycloak.keys.KeyProvider/fallback-*",
];

/// The policies of client registration that Keycloak makes (`DefaultClientRegistrationPolicies`).
pub(super) const REGISTRATION_POLICIES: &[&str] = &[
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Client Scopes:anonymous",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Client Scopes:authenticated",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Protocol Mapper Types:anonymous",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Protocol Mapper Types:authenticated",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Registration Web Origins:anonymous",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Allowed Registration Web Origins:authenticated",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Consent Required:anonymous",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Full Scope Disabled:anonymous",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Max Clients Limit:anonymous",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Trusted Hosts:anonymous",
];
