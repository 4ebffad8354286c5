//! Edits that take several fields at once, and removals.

use serde_json::json;

use super::Edit::{Delete, Post, Remove, Set};
use super::{Round, WORKER};

pub(super) fn more() -> Round {
    vec![
        (
            Set("", "/smtpServer", json!({})),
            &["realm smtpServer.from", "realm smtpServer.host", "realm smtpServer.port"],
        ),
        (Set("", "/internationalizationEnabled", json!(false)), &["realm internationalizationEnabled"]),
        (Set("", "/resetPasswordAllowed", json!(false)), &["realm resetPasswordAllowed"]),
        (
            Post("authentication/flows/door forms/executions/execution", json!({"provider": "auth-otp-form"})),
            &["flow/door executions"],
        ),
        (
            Post(
                "authentication/flows/after corp/executions/execution",
                json!({"provider": "deny-access-authenticator"}),
            ),
            &["flow/after corp executions"],
        ),
        (
            Set(WORKER, "/authenticationFlowBindingOverrides/browser", json!("")),
            &["client/worker authenticationFlowBindingOverrides.browser"],
        ),
        (
            Remove("clients/{clientId=worker}/scope-mappings/realm", json!([{"$": "roles/nurse"}])),
            &["client/worker scopeMappings.realm"],
        ),
        (
            Set("clients/{clientId=assistant}", "/standardFlowEnabled", json!(false)),
            &["client/assistant standardFlowEnabled"],
        ),
        (
            Set("client-scopes/{name=extra}", "/protocol", json!("saml")),
            &["client-scope/extra protocol", "client/security-admin-console defaultClientScopes"],
        ),
        (
            Set("clients/{clientId=worker}/authz/resource-server", "/allowRemoteResourceManagement", json!(false)),
            &["authorization/worker allowRemoteResourceManagement"],
        ),
        (
            Delete("clients/{clientId=worker}/authz/resource-server/policy/{name=read files}"),
            &["authorization/worker policies"],
        ),
        (
            Post("roles/doctor/composites", json!([{"$": "clients/{clientId=worker}/roles/run"}])),
            &["role/doctor composites.client.worker"],
        ),
        (
            Set("groups/{name=wards}", "/name", json!("halls")),
            &[
                "group/wards created",
                "group/wards/night created",
                "foreign group/halls",
                "foreign group/halls/night",
                "foreign group/halls/legacy",
                "realm defaultGroups",
                "user/boss@clinic.example groups./wards",
                "authorization/admin-permissions policies",
            ],
        ),
        (
            Set("organizations/{alias=ward}", "/enabled", json!(false)),
            &["organization/ward enabled", "identity-provider/corp enabled"],
        ),
        (
            Set("users/profile", "/attributes", json!({"$": "users/profile|/attributes|-badge"})),
            &["user-profile attributes"],
        ),
        (Set("client-policies/policies", "/policies", json!([])), &["client-policies policies"]),
        (
            Delete("identity-provider/instances/corp/mappers/{name=nurse}"),
            &["identity-provider-mapper/corp/nurse created"],
        ),
        (
            Delete("components/{components?parent={components|name=directory|id}|name=username|id}"),
            &["sub-component/directory/username created"],
        ),
        (
            Delete("clients/{clientId=https://sp.example/saml}/protocol-mappers/models/{name=roles}"),
            &["client-mapper/https:%2F%2Fsp.example%2Fsaml/roles created"],
        ),
        (Delete("localization/en"), &["localization/en created"]),
        (
            Delete("authentication/required-actions/TERMS_AND_CONDITIONS"),
            &["required-action/TERMS_AND_CONDITIONS created"],
        ),
        (
            Delete("roles/nurse"),
            &[
                "role/nurse created",
                "user/boss@clinic.example realmRoles.nurse",
                "group/in%2Fout realmRoles",
                "client-scope/extra scopeMappings.realm",
                "role/doctor composites.realm",
                "authorization/worker policies",
            ],
        ),
    ]
}

pub(super) fn removed() -> Round {
    vec![
        (Delete(WORKER), &["client/worker created", "client-role/worker/run created", "authorization/worker created"]),
        (
            Delete("clients/{clientId=https://sp.example/saml}"),
            &["client/https://sp.example/saml created", "client-mapper/https:%2F%2Fsp.example%2Fsaml/roles created"],
        ),
        (
            Delete("client-scopes/{name=extra}"),
            &["client-scope/extra created", "client/security-admin-console defaultClientScopes"],
        ),
        (Delete("organizations/{alias=ward}"), &["organization/ward created"]),
        (
            Delete("identity-provider/instances/corp"),
            &["identity-provider/corp created", "identity-provider-mapper/corp/nurse created"],
        ),
        (Set("", "/browserFlow", json!("browser")), &["realm browserFlow"]),
        (Delete("authentication/flows/{alias=door}"), &["flow/door created"]),
        (
            Delete("components/{name=directory}"),
            &[
                "component/org.keycloak.storage.UserStorageProvider/directory created",
                "sub-component/directory/username created",
            ],
        ),
        (Delete("users/{username=boss@clinic.example}"), &["user/boss@clinic.example created"]),
        (
            Delete("groups/{groups/{name=wards}/children|name=night|id}"),
            &["group/wards/night created", "realm defaultGroups", "authorization/admin-permissions policies"],
        ),
        (Delete("roles/doctor"), &["role/doctor created"]),
    ]
}

/// Switches and rules: what is behind one goes with it, what one forbids can't be written until it is put back.
pub(super) fn switches() -> Round {
    vec![
        (
            Set(WORKER, "/authorizationServicesEnabled", json!(false)),
            &["client/worker authorizationServicesEnabled", "authorization/worker created"],
        ),
        (Set(WORKER, "/bearerOnly", json!(true)), &["client/worker bearerOnly"]),
        (Set(WORKER, "/serviceAccountsEnabled", json!(false)), &["client/worker serviceAccountsEnabled"]),
        (Set("", "/adminPermissionsEnabled", json!(false)), &["realm adminPermissionsEnabled"]),
        (Set("organizations/{alias=ward}", "/description", json!("hidden")), &[]),
        (
            Set("", "/organizationsEnabled", json!(false)),
            &["realm organizationsEnabled", "organization/ward created", "identity-provider/corp enabled"],
        ),
        (Set("", "/passwordPolicy", json!("length(99)")), &["realm passwordPolicy"]),
        (Set("", "/registrationEmailAsUsername", json!(true)), &[]),
        (
            Set("users/{email=demo@clinic.example}", "/firstName", json!("Eve")),
            &["user/demo firstName", "user/demo username"],
        ),
        (Set("", "/registrationEmailAsUsername", json!(false)), &[]),
        (Set("", "/loginWithEmailAllowed", json!(false)), &["realm loginWithEmailAllowed"]),
        (Set("", "/duplicateEmailsAllowed", json!(true)), &["realm duplicateEmailsAllowed"]),
        (
            Delete("users/{username=boss@clinic.example}"),
            &["user/boss@clinic.example created", "authorization/admin-permissions policies"],
        ),
        (
            Delete("clients/{clientId=assistant}"),
            &[
                "client/assistant created",
                "client-role/assistant/reviewer created",
                "client-role/assistant/seat created",
                "user/demo clientRoles.assistant/seat",
            ],
        ),
        (
            Set(
                "client-policies/policies",
                "/policies",
                json!([{"name": "nothing", "enabled": true, "conditions": [{"condition": "client-updater-context", "configuration": {"update-client-source": ["ByAuthenticatedUser"]}}], "profiles": ["strict"]}]),
            ),
            &["client-policies policies"],
        ),
    ]
}

/// What is gone, and what was changed of what it needs to come back as it was.
pub(super) fn crossed() -> Round {
    vec![
        (Set("organizations/{alias=ward}", "/enabled", json!(false)), &["organization/ward enabled"]),
        (
            Delete("identity-provider/instances/corp"),
            &[
                "identity-provider/corp created",
                "identity-provider-mapper/corp/nurse created",
                "organization/ward identityProviders",
                "user/boss@clinic.example federatedIdentities.corp",
            ],
        ),
        (Set("client-scopes/{name=roles}", "/protocol", json!("saml")), &["client-scope/roles protocol"]),
        (
            Delete("clients/{clientId=assistant}"),
            &[
                "client/assistant created",
                "client-role/assistant/reviewer created",
                "client-role/assistant/seat created",
                "user/demo clientRoles.assistant/seat",
                "client/account defaultClientScopes",
                "client/account-console defaultClientScopes",
            ],
        ),
        (Delete("authentication/required-actions/UPDATE_PASSWORD"), &["required-action/UPDATE_PASSWORD created"]),
    ]
}

/// Components that share a name, which Keycloak allows: the new one is foreign, with all that is in it, and the one that
/// was there is still the one that is managed. `#` stands for an id.
pub(super) fn twins() -> Round {
    vec![
        (
            Post(
                "components",
                json!({"name": "username", "providerId": "user-attribute-ldap-mapper", "providerType": "org.keycloak.storage.ldap.mappers.LDAPStorageMapper", "parentId": {"$": "{components|name=directory|id}"}, "config": {"ldap.attribute": ["sn"], "user.model.attribute": ["lastName"]}}),
            ),
            &["foreign sub-component/directory/username#"],
        ),
        (
            Post(
                "components",
                json!({"name": "below", "providerId": "user-attribute-ldap-mapper", "providerType": "org.keycloak.storage.ldap.mappers.LDAPStorageMapper", "parentId": {"$": "{components|name=legacy|id}"}, "config": {"ldap.attribute": ["sn"], "user.model.attribute": ["lastName"]}}),
            ),
            &["foreign sub-component/legacy/below"],
        ),
        (
            Post(
                "components",
                json!({"name": "directory", "providerId": "ldap", "providerType": "org.keycloak.storage.UserStorageProvider", "config": {"enabled": ["false"], "vendor": ["other"], "connectionUrl": ["ldap://evil.example"], "usersDn": ["ou=u1"], "authType": ["none"], "editMode": ["UNSYNCED"], "usernameLDAPAttribute": ["uid"], "rdnLDAPAttribute": ["uid"], "uuidLDAPAttribute": ["entryUUID"], "userObjectClasses": ["inetOrgPerson"]}}),
            ),
            &[
                "foreign component/org.keycloak.storage.UserStorageProvider/directory#",
                "foreign sub-component/directory#/Kerberos principal attribute mapper",
                "foreign sub-component/directory#/creation date",
                "foreign sub-component/directory#/email",
                "foreign sub-component/directory#/first name",
                "foreign sub-component/directory#/last name",
                "foreign sub-component/directory#/modify date",
                "foreign sub-component/directory#/username",
            ],
        ),
        (
            Post(
                "components",
                json!({"name": "Max Clients Limit", "subType": "anonymous", "providerId": "max-clients", "providerType": "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy", "config": {"max-clients": ["100000"]}}),
            ),
            &[
                "foreign component/org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Max Clients Limit:anonymous#",
            ],
        ),
        (
            Post(
                "components",
                json!({"name": "fallback-HS384", "providerId": "hmac-generated", "providerType": "org.keycloak.keys.KeyProvider", "config": {"algorithm": ["HS384"], "priority": ["500"]}}),
            ),
            &["foreign component/org.keycloak.keys.KeyProvider/fallback-HS384"],
        ),
    ]
}

/// What Keycloak puts into every realm and nobody declares: its removal is named, and not undone.
pub(super) fn own() -> Round {
    vec![
        (
            Delete("components/{name=Trusted Hosts}"),
            &[
                "missing component/org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy/Trusted Hosts:anonymous",
            ],
        ),
        (Delete("clients/{clientId=broker}/roles/read-token"), &["missing client-role/broker/read-token"]),
        (
            Delete("clients/{clientId=security-admin-console}/protocol-mappers/models/{name=locale}"),
            &["missing client-mapper/security-admin-console/locale"],
        ),
        (Delete("authentication/required-actions/webauthn-register"), &["missing required-action/webauthn-register"]),
    ]
}
