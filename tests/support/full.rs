//! A realm with an object of every kind.

use serde_json::{Value, json};

/// A realm with an object of every kind; `n` changes each of them.
pub fn content(n: u32) -> Value {
    json!({
        "smtpServer": {"host": format!("mail{n}.example"), "from": "noreply@clinic.example", "port": "25"},
        "loginTheme": "keycloak.v2",
        "internationalizationEnabled": true,
        "supportedLocales": ["en", "de"],
        "defaultLocale": "en",
        "otpPolicyDigits": if n == 1 { 6 } else { 8 },
        "webAuthnPolicyRpEntityName": format!("Clinic {n}"),
        "webAuthnPolicyPasswordlessUserVerificationRequirement": "required",
        "browserSecurityHeaders": {"xFrameOptions": if n == 1 { "DENY" } else { "SAMEORIGIN" }},
        "enabledEventTypes": if n == 1 { json!(["LOGIN", "LOGOUT"]) } else { json!(["LOGIN"]) },
        "localizationTexts": {
            "de": {"greeting": format!("Hallo {n}"), (format!("only{n}")): "x"},
            "en": {"greeting": format!("Hello {n}")},
        },
        "organizationsEnabled": true,
        "adminPermissionsEnabled": true,
        "organizations": [{
            "name": format!("Ward {n}"), "alias": "ward", "enabled": true, "description": "d",
            "attributes": {"floor": [n.to_string()]}, "domains": [{"name": format!("ward{n}.example")}],
            "identityProviders": [{"alias": "corp"}],
            "members": if n == 1 { json!(["boss@clinic.example"]) } else { json!([]) },
        }],
        "userProfile": {
            "unmanagedAttributePolicy": if n == 1 { "ENABLED" } else { "ADMIN_EDIT" },
            "attributes": [
                {"name": "username", "permissions": {"view": ["admin", "user"], "edit": ["admin", "user"]}},
                {"name": "email", "validations": {"email": {}}, "permissions": {"view": ["admin", "user"], "edit": ["admin", "user"]}},
                {"name": "firstName", "permissions": {"view": ["admin", "user"], "edit": ["admin", "user"]}},
                {"name": "lastName", "permissions": {"view": ["admin", "user"], "edit": ["admin", "user"]}},
                {"name": "badge", "displayName": format!("Badge {n}"), "permissions": {"view": ["admin"], "edit": ["admin"]}},
            ],
            "groups": [{"name": "work", "displayHeader": format!("Work {n}")}],
        },
        "requiredActions": [
            {"alias": "TERMS_AND_CONDITIONS", "providerId": "TERMS_AND_CONDITIONS", "name": "Terms", "enabled": n == 1, "defaultAction": false, "priority": 20},
            {"alias": "UPDATE_PASSWORD", "providerId": "UPDATE_PASSWORD", "name": "Update Password", "enabled": true, "defaultAction": false, "priority": 30, "config": {"max_auth_age": format!("{n}00")}},
        ],
        "authenticationFlows": [
            {"alias": "door", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "description": "How people get in", "authenticationExecutions": [
                {"authenticator": "auth-cookie", "requirement": "ALTERNATIVE", "priority": 10},
                {"authenticator": "identity-provider-redirector", "requirement": "ALTERNATIVE", "priority": 20, "authenticatorConfig": "to corp"},
                {"requirement": "ALTERNATIVE", "priority": 30, "authenticatorFlow": true, "flowAlias": "door forms"},
            ]},
            {"alias": "door forms", "providerId": "basic-flow", "topLevel": false, "builtIn": false, "authenticationExecutions":
                if n == 1 { json!([{"authenticator": "auth-username-password-form", "requirement": "REQUIRED", "priority": 10}]) }
                else { json!([{"authenticator": "auth-username-form", "requirement": "REQUIRED", "priority": 10}, {"authenticator": "auth-password-form", "requirement": "REQUIRED", "priority": 20}]) }
            },
            {"alias": "after corp", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "authenticationExecutions": [
                {"authenticator": "allow-access-authenticator", "requirement": "REQUIRED", "priority": 10},
            ]},
        ],
        "authenticatorConfig": [{"alias": "to corp", "config": {"defaultProvider": format!("corp{n}")}}],
        "browserFlow": "door",
        "components": {
            "org.keycloak.storage.UserStorageProvider": [{
                "name": "directory", "providerId": "ldap",
                "config": {
                    "enabled": ["false"], "vendor": ["other"], "connectionUrl": ["ldap://127.0.0.1:1"], "usersDn": [format!("ou=u{n}")],
                    "authType": ["none"], "editMode": ["READ_ONLY"], "usernameLDAPAttribute": ["uid"], "rdnLDAPAttribute": ["uid"],
                    "uuidLDAPAttribute": ["entryUUID"], "userObjectClasses": ["inetOrgPerson"], "priority": ["0"],
                },
                "subComponents": {"org.keycloak.storage.ldap.mappers.LDAPStorageMapper": [{
                    "name": "username", "providerId": "user-attribute-ldap-mapper",
                    "config": {"ldap.attribute": ["uid"], "user.model.attribute": ["username"], "read.only": [(n == 1).to_string()], "is.mandatory.in.ldap": ["true"], "always.read.value.from.ldap": ["false"]},
                }]},
            }],
        },
        "clientScopes": [{"name": "extra", "protocol": "openid-connect", "description": format!("d{n}")}],
        "clients": [
            {"clientId": "worker", "publicClient": false, "serviceAccountsEnabled": true, "fullScopeAllowed": false, "authorizationServicesEnabled": true,
             "authenticationFlowBindingOverrides": {"browser": "door"},
             "authorizationSettings": {
                "allowRemoteResourceManagement": n == 1, "policyEnforcementMode": "ENFORCING", "decisionStrategy": "UNANIMOUS",
                "scopes": [{"name": "read"}, {"name": format!("write{n}")}],
                "resources": [{"name": "files", "type": format!("urn:f{n}"), "uris": ["/files/*"], "scopes": [{"name": "read"}, {"name": format!("write{n}")}]}],
                "policies": [
                    {"name": "nurses", "type": "role", "logic": if n == 1 { "POSITIVE" } else { "NEGATIVE" }, "decisionStrategy": "UNANIMOUS", "config": {"roles": "[{\"id\":\"nurse\",\"required\":true}]"}},
                    {"name": "read files", "type": "scope", "logic": "POSITIVE", "decisionStrategy": "UNANIMOUS", "config": {"resources": "[\"files\"]", "scopes": "[\"read\"]", "applyPolicies": "[\"nurses\"]"}},
                ],
             }},
            {"clientId": "admin-cli", "directAccessGrantsEnabled": n != 1, "attributes": {"access.token.lifespan": format!("{n}00")}},
            {"clientId": "broker", "description": format!("d{n}")},
            {"clientId": "security-admin-console", "webOrigins": ["+", format!("https://admin{n}.example")], "defaultClientScopes": ["extra"],
             "protocolMappers": [{"name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "site", "claim.value": n.to_string()}}]},
            {"clientId": "admin-permissions", "authorizationSettings": {"policies": permissions(n)}},
            {"clientId": "https://sp.example/saml", "protocol": "saml", "redirectUris": ["https://sp.example/*"], "attributes": {"saml.assertion.signature": "true", "saml_name_id_format": if n == 1 { "username" } else { "email" }},
             "protocolMappers": [{"name": "roles", "protocol": "saml", "protocolMapper": "saml-role-list-mapper", "config": {"attribute.name": format!("Role{n}"), "single": "true"}}]},
        ],
        "scopeMappings": [{"client": "worker", "roles": if n == 1 { json!(["nurse"]) } else { json!(["nurse", "doctor"]) }}, {"clientScope": "extra", "roles": ["nurse"]}],
        "clientScopeMappings": {"worker": [{"clientScope": "extra", "roles": ["run"]}]},
        "roles": {"realm": [{"name": "nurse"}, {"name": "doctor", "composites": {"realm": ["nurse"]}}], "client": {"worker": [{"name": "run"}], "broker": [{"name": "look", "description": format!("d{n}")}]}},
        "groups": [{"name": "wards", "attributes": {"site": [n.to_string()]}, "realmRoles": if n == 1 { json!(["nurse"]) } else { json!(["doctor"]) }, "subGroups": [
            {"name": "night", "description": format!("at night {n}"), "clientRoles": {"worker": ["run"]}},
        ]}, {"name": "in/out", "realmRoles": ["nurse"], "subGroups": [{"name": "a/b%", "description": format!("d{n}")}]}],
        "defaultGroups": ["/wards/night", "/in%2Fout"],
        "identityProviders": [{
            "alias": "corp", "providerId": "oidc", "enabled": true, "postBrokerLoginFlowAlias": "after corp",
            "config": {"authorizationUrl": format!("https://id.example/a{n}"), "tokenUrl": "https://id.example/t", "clientId": "c"},
        }],
        "identityProviderMappers": [{"name": "nurse", "identityProviderAlias": "corp", "identityProviderMapper": "oidc-hardcoded-role-idp-mapper", "config": {"role": if n == 1 { "nurse" } else { "doctor" }, "syncMode": "INHERIT"}}],
        "clientProfiles": {"profiles": [{"name": "strict", "description": format!("p{n}"), "executors": [{"executor": "reject-request", "configuration": {}}]}]},
        "clientPolicies": {"policies": [{"name": "no passwords", "enabled": true, "conditions": [{"condition": "grant-type", "configuration": {"grant_types": ["password"]}}], "profiles": if n == 1 { json!(["strict"]) } else { json!([]) }}]},
        "users": [{"username": "boss@clinic.example", "attributes": {"badge": [n.to_string()]}, "federatedIdentities": [{"identityProvider": "corp", "userId": n.to_string(), "userName": "boss"}], "groups": if n == 1 { json!(["/wards"]) } else { json!(["/wards/night", "/in%2Fout/a%2Fb%"]) }, "realmRoles": ["nurse"]}],
    })
}

/// Admin permissions for objects of every type that 26.4 has; with 2, one is for less than it was, and a policy is of
/// another type.
fn permissions(n: u32) -> Value {
    let first = n == 1;
    let permission = |name: &str, of_type: &str, resources: &[&str], scopes: &[&str], policies: &[&str]| json!({"name": name, "type": "scope", "config": {"defaultResourceType": of_type, "resources": resources, "scopes": scopes, "applyPolicies": policies}});
    let office = if first {
        json!({"name": "office", "type": "time", "config": {"hour": "8", "hourEnd": "17"}})
    } else {
        json!({"name": "office", "type": "client", "config": {"clients": ["worker"]}})
    };
    let mut policies = vec![
        json!({"name": "either", "type": "aggregate", "decisionStrategy": "AFFIRMATIVE", "config": {"applyPolicies": ["helpdesk", "night staff"]}}),
        json!({"name": "helpdesk", "type": "role", "config": {"roles": [{"id": if first { "doctor" } else { "worker/run" }, "required": true}]}}),
        json!({"name": "night staff", "type": "group", "description": format!("d{n}"), "config": {"groups": [{"path": "/wards/night", "extendChildren": first}]}}),
        json!({"name": "the boss", "type": "user", "config": {"users": ["boss@clinic.example"]}}),
        office,
        permission(
            "see people",
            "Users",
            &[if first { "Users" } else { "boss@clinic.example" }],
            &["view"],
            &["helpdesk"],
        ),
        permission(
            "run wards",
            "Groups",
            &["/wards/night"],
            if first { &["view-members"] } else { &["manage-members", "view-members"] },
            &["either", "office"],
        ),
        permission("give roles", "Roles", &["nurse", "worker/run"], &["map-role"], &["the boss"]),
    ];
    if first {
        policies.push(permission("see the worker", "Clients", &["worker"], &["view"], &["office"]));
    }
    policies.into()
}
