//! Field tables: every field of Keycloak's representations (26.x) and its class.
//!
//! Source of the names: `org.keycloak.representations.idm` of keycloak-core 26.7.3. Source of the classes:
//! `docs/keycloak.md`, each rule with the test that proves it.

use super::kind::{Class, Kind};

type Table = &'static [(Class, &'static [&'static str])];

/// Paths inside mappings whose values the server masks on read.
pub(super) const WRITE_ONLY_PATHS: &[(Kind, &str)] = &[
    (Kind::Realm, "smtpServer.password"),
    (Kind::Realm, "smtpServer.authTokenClientSecret"),
    (Kind::IdentityProvider, "config.clientSecret"),
    (Kind::Component, "config.bindCredential"),
    (Kind::Component, "config.privateKey"),
    (Kind::Component, "config.keystorePassword"),
    (Kind::Component, "config.keyPassword"),
    (Kind::Component, "config.secret"),
];

/// Those of them in which Keycloak looks up `${vault.KEY}`.
pub(super) const VAULT_PATHS: &[(Kind, &str)] = &[
    (Kind::Realm, "smtpServer.password"),
    (Kind::IdentityProvider, "config.clientSecret"),
    (Kind::Component, "config.bindCredential"),
];

pub(super) const REALM: Table = &[
    (Class::Folded, &["sslRequired"]),
    (
        Class::Plain,
        &[
            "realm",
            "displayName",
            "displayNameHtml",
            "defaultSignatureAlgorithm",
            "revokeRefreshToken",
            "refreshTokenMaxReuse",
            "accessTokenLifespan",
            "accessTokenLifespanForImplicitFlow",
            "ssoSessionIdleTimeout",
            "ssoSessionMaxLifespan",
            "ssoSessionIdleTimeoutRememberMe",
            "ssoSessionMaxLifespanRememberMe",
            "offlineSessionIdleTimeout",
            "offlineSessionMaxLifespanEnabled",
            "offlineSessionMaxLifespan",
            "clientSessionIdleTimeout",
            "clientSessionMaxLifespan",
            "clientOfflineSessionIdleTimeout",
            "clientOfflineSessionMaxLifespan",
            "accessCodeLifespan",
            "accessCodeLifespanUserAction",
            "accessCodeLifespanLogin",
            "actionTokenGeneratedByAdminLifespan",
            "actionTokenGeneratedByUserLifespan",
            "oauth2DeviceCodeLifespan",
            "oauth2DevicePollingInterval",
            "enabled",
            "registrationAllowed",
            "registrationEmailAsUsername",
            "rememberMe",
            "verifyEmail",
            "loginWithEmailAllowed",
            "duplicateEmailsAllowed",
            "resetPasswordAllowed",
            "editUsernameAllowed",
            "bruteForceProtected",
            "permanentLockout",
            "maxTemporaryLockouts",
            "bruteForceStrategy",
            "maxFailureWaitSeconds",
            "minimumQuickLoginWaitSeconds",
            "waitIncrementSeconds",
            "quickLoginCheckMilliSeconds",
            "maxDeltaTimeSeconds",
            "failureFactor",
            "maxSecondaryAuthFailures",
            "passwordPolicy",
            "otpPolicyType",
            "otpPolicyAlgorithm",
            "otpPolicyInitialCounter",
            "otpPolicyDigits",
            "otpPolicyLookAheadWindow",
            "otpPolicyPeriod",
            "otpPolicyCodeReusable",
            "webAuthnPolicyRpEntityName",
            "webAuthnPolicyRpId",
            "webAuthnPolicyAttestationConveyancePreference",
            "webAuthnPolicyAuthenticatorAttachment",
            "webAuthnPolicyRequireResidentKey",
            "webAuthnPolicyResidentKey",
            "webAuthnPolicyUserVerificationRequirement",
            "webAuthnPolicyCreateTimeout",
            "webAuthnPolicyAvoidSameAuthenticatorRegister",
            "webAuthnPolicyPasswordlessRpEntityName",
            "webAuthnPolicyPasswordlessRpId",
            "webAuthnPolicyPasswordlessAttestationConveyancePreference",
            "webAuthnPolicyPasswordlessAuthenticatorAttachment",
            "webAuthnPolicyPasswordlessRequireResidentKey",
            "webAuthnPolicyPasswordlessResidentKey",
            "webAuthnPolicyPasswordlessUserVerificationRequirement",
            "webAuthnPolicyPasswordlessCreateTimeout",
            "webAuthnPolicyPasswordlessAvoidSameAuthenticatorRegister",
            "webAuthnPolicyPasswordlessPasskeysEnabled",
            "loginTheme",
            "accountTheme",
            "adminTheme",
            "emailTheme",
            "eventsEnabled",
            "eventsExpiration",
            "adminEventsEnabled",
            "adminEventsDetailsEnabled",
            "internationalizationEnabled",
            "defaultLocale",
            "browserFlow",
            "registrationFlow",
            "directGrantFlow",
            "resetCredentialsFlow",
            "clientAuthenticationFlow",
            "dockerAuthenticationFlow",
            "firstBrokerLoginFlow",
            "userManagedAccessAllowed",
            "organizationsEnabled",
            "adminPermissionsEnabled",
            "verifiableCredentialsEnabled",
            "webAuthnPolicyPasswordlessMediation",
            "scimApiEnabled",
        ],
    ),
    (
        Class::Set,
        &[
            "eventsListeners",
            "enabledEventTypes",
            "supportedLocales",
            "webAuthnPolicySignatureAlgorithms",
            "webAuthnPolicyAcceptableAaguids",
            "webAuthnPolicyExtraOrigins",
            "webAuthnPolicyPasswordlessSignatureAlgorithms",
            "webAuthnPolicyPasswordlessAcceptableAaguids",
            "webAuthnPolicyPasswordlessExtraOrigins",
        ],
    ),
    (Class::Texts, &["attributes", "browserSecurityHeaders", "smtpServer"]),
    // Those whose client or scope is declared belong to it; the others are sent at birth.
    (Class::Initial, &["clientScopeMappings", "scopeMappings"]),
    (Class::Links, &["defaultDefaultClientScopes", "defaultOptionalClientScopes", "defaultGroups"]),
    (
        Class::Nested,
        &[
            "components",
            "subComponents",
            "userProfile",
            "authenticationFlows",
            "authenticatorConfig",
            "requiredActions",
            "clientScopes",
            "clients",
            "authorizationSettings",
            "roles",
            "groups",
            "identityProviders",
            "identityProviderMappers",
            "organizations",
            "clientProfiles",
            "clientPolicies",
            "localizationTexts",
            "users",
        ],
    ),
    (
        Class::Server,
        &[
            "id",
            "notBefore",
            "defaultRole",
            "keycloakVersion",
            "adminPermissionsClient",
            "requiredCredentials",
            "otpSupportedApplications",
            "publicKey",
            "certificate",
        ],
    ),
    (
        Class::Unmanaged,
        &[
            "federatedUsers",
            "defaultRoles",
            "protocolMappers",
            "userFederationProviders",
            "userFederationMappers",
            "privateKey",
            "codeSecret",
        ],
    ),
];

pub(super) const USER_PROFILE: Table =
    &[(Class::Plain, &["unmanagedAttributePolicy"]), (Class::Document, &["attributes", "groups"])];

pub(super) const FLOW: Table = &[
    (Class::Plain, &["alias", "description", "providerId"]),
    (Class::Document, &["executions"]),
    (Class::Nested, &["authenticationExecutions"]),
    (Class::Place, &["topLevel", "builtIn"]),
    (Class::Server, &["id"]),
];

pub(super) const REQUIRED_ACTION: Table = &[
    (Class::Plain, &["alias", "name", "providerId", "enabled", "defaultAction", "priority"]),
    (Class::Texts, &["config"]),
];

pub(super) const COMPONENT: Table = &[
    (Class::Plain, &["name", "providerId", "subType"]),
    (Class::Lists, &["config"]),
    (Class::Nested, &["subComponents"]),
    (Class::Server, &["id", "parentId", "providerType", "twin"]),
];

pub(super) const SUB_COMPONENT: Table = &[
    (Class::Plain, &["name", "providerId", "providerType", "subType"]),
    (Class::Lists, &["config"]),
    (Class::Nested, &["subComponents"]),
    (Class::Place, &["parent"]),
    (Class::Server, &["id", "parentId", "twin"]),
];

pub(super) const CLIENT_SCOPE: Table = &[
    (Class::Plain, &["name", "description", "protocol"]),
    (Class::Texts, &["attributes"]),
    (Class::Links, &["scopeMappings"]),
    (Class::Nested, &["protocolMappers"]),
    (Class::Server, &["id"]),
];

pub(super) const MAPPER: Table = &[
    (Class::Plain, &["name", "protocol", "protocolMapper"]),
    (Class::Texts, &["config"]),
    (Class::Server, &["id", "consentRequired", "consentText"]),
];

pub(super) const CLIENT: Table = &[
    (
        Class::Plain,
        &[
            "clientId",
            "name",
            "description",
            "type",
            "rootUrl",
            "adminUrl",
            "baseUrl",
            "surrogateAuthRequired",
            "enabled",
            "alwaysDisplayInConsole",
            "clientAuthenticatorType",
            "bearerOnly",
            "consentRequired",
            "standardFlowEnabled",
            "implicitFlowEnabled",
            "directAccessGrantsEnabled",
            "serviceAccountsEnabled",
            "publicClient",
            "frontchannelLogout",
            "protocol",
            "fullScopeAllowed",
            "nodeReRegistrationTimeout",
            "authorizationServicesEnabled",
        ],
    ),
    (Class::Set, &["redirectUris", "webOrigins"]),
    (Class::Texts, &["attributes", "authenticationFlowBindingOverrides"]),
    (Class::Links, &["defaultClientScopes", "optionalClientScopes", "scopeMappings"]),
    (Class::WriteOnly, &["secret"]),
    (Class::Nested, &["protocolMappers", "authorizationSettings"]),
    (Class::Server, &["id", "notBefore", "registrationAccessToken", "registeredNodes", "access", "origin"]),
    (Class::Unmanaged, &["defaultRoles"]),
];

pub(super) const ROLE: Table = &[
    (Class::Plain, &["name", "description"]),
    (Class::Lists, &["attributes"]),
    (Class::Links, &["composites"]),
    (Class::Server, &["id", "composite", "clientRole", "containerId", "scopeParamRequired"]),
];

pub(super) const IDENTITY_PROVIDER: Table = &[
    (
        Class::Plain,
        &[
            "alias",
            "displayName",
            "providerId",
            "enabled",
            "trustEmail",
            "storeToken",
            "addReadTokenRoleOnCreate",
            "authenticateByDefault",
            "linkOnly",
            "hideOnLogin",
            "firstBrokerLoginFlowAlias",
            "postBrokerLoginFlowAlias",
        ],
    ),
    (Class::Texts, &["config"]),
    (Class::Server, &["internalId", "updateProfileFirstLoginMode", "types"]),
    // An organization names its providers.
    (Class::ReadOnly, &["organizationId"]),
];

pub(super) const PROVIDER_MAPPER: Table = &[
    (Class::Plain, &["name", "identityProviderMapper"]),
    (Class::Texts, &["config"]),
    (Class::Place, &["identityProviderAlias"]),
    (Class::Server, &["id"]),
];

pub(super) const GROUP: Table = &[
    (Class::Plain, &["name", "description"]),
    (Class::Lists, &["attributes"]),
    (Class::Links, &["realmRoles", "clientRoles"]),
    (Class::Nested, &["subGroups"]),
    (Class::Server, &["id", "path", "parentId", "subGroupCount", "access"]),
];

pub(super) const AUTHORIZATION: Table = &[
    (Class::Plain, &["allowRemoteResourceManagement", "policyEnforcementMode", "decisionStrategy"]),
    (Class::Document, &["resources", "scopes", "policies"]),
    (Class::Server, &["id", "clientId", "name", "authorizationSchema"]),
];

pub(super) const ORGANIZATION: Table = &[
    (Class::Plain, &["name", "alias", "enabled", "description", "redirectUrl"]),
    (Class::Lists, &["attributes"]),
    (Class::Document, &["domains"]),
    (Class::Links, &["identityProviders"]),
    (Class::Memberships, &["members"]),
    (Class::Server, &["id"]),
    // They are the tenant's own affair.
    (Class::Unmanaged, &["groups"]),
];

pub(super) const CLIENT_PROFILES: Table = &[(Class::Document, &["profiles"]), (Class::Server, &["globalProfiles"])];

pub(super) const CLIENT_POLICIES: Table = &[(Class::Document, &["policies"]), (Class::Server, &["globalPolicies"])];

pub(super) const LOCALIZATION: Table = &[(Class::Texts, &["texts"])];

pub(super) const USER: Table = &[
    (Class::Folded, &["username", "email"]),
    (Class::Plain, &["firstName", "lastName", "enabled"]),
    (Class::Lists, &["attributes"]),
    (Class::Memberships, &["realmRoles", "clientRoles", "groups", "federatedIdentities"]),
    (Class::Initial, &["emailVerified", "requiredActions", "credentials", "serviceAccountClientId"]),
    (
        Class::Server,
        &[
            "id",
            "self",
            "origin",
            "createdTimestamp",
            "totp",
            "federationLink",
            "disableableCredentialTypes",
            "notBefore",
            "access",
            "userProfileMetadata",
        ],
    ),
    (Class::Unmanaged, &["clientConsents"]),
];
