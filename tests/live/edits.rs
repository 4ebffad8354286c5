//! Edits by hand through the Admin API, of every kind: `drift` names each of them, `apply` undoes it.

mod make;
mod random;
mod rounds;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::make::make;
pub use self::make::named;
use self::rounds::{crossed, more, own, removed, switches, twins};
use crate::kinds::{WAIVED, born, declare};
use crate::support::full::content;
use crate::tenants::{Site, on_server};

/// One request. In paths, `{key=value}` stands for the id of that entry of the list before it, `{list|key=value|field}`
/// for a field of an entry of another list; in bodies, `{"$": path}` for what is read there.
enum Edit {
    /// A value at a pointer of what is read is replaced, and the whole written back.
    Set(&'static str, &'static str, Value),
    /// The same for one entry of a list, which is written back alone to the list's path: list, key, value.
    Entry(&'static str, &'static str, &'static str, &'static str, Value),
    Post(&'static str, Value),
    Put(&'static str),
    Delete(&'static str),
    Remove(&'static str, Value),
}
use Edit::{Delete, Entry, Post, Put, Remove, Set};

/// Edits, and what they are found as: `object field`, `object created` for what was removed, `foreign object`.
type Round = Vec<(Edit, &'static [&'static str])>;

const WORKER: &str = "clients/{clientId=worker}";

fn foreign() -> Round {
    let execution = json!({"provider": "allow-access-authenticator"});
    vec![
        (Post("roles", json!({"name": "legacy"})), &["foreign role/legacy"]),
        (Post("clients/{clientId=worker}/roles", json!({"name": "legacy"})), &["foreign client-role/worker/legacy"]),
        (Post("clients", json!({"clientId": "legacy"})), &["foreign client/legacy"]),
        (
            Post("client-scopes", json!({"name": "legacy", "protocol": "openid-connect"})),
            &["foreign client-scope/legacy"],
        ),
        (
            Post(
                "clients/{clientId=worker}/protocol-mappers/models",
                json!({"name": "legacy", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "x"}}),
            ),
            &["foreign client-mapper/worker/legacy"],
        ),
        (
            Post(
                "client-scopes/{name=extra}/protocol-mappers/models",
                json!({"name": "legacy", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "x"}}),
            ),
            &["foreign client-scope-mapper/extra/legacy"],
        ),
        (Post("clients/{clientId=broker}/roles", json!({"name": "legacy"})), &["foreign client-role/broker/legacy"]),
        (Post("groups", json!({"name": "legacy"})), &["foreign group/legacy"]),
        (Post("groups/{name=wards}/children", json!({"name": "legacy"})), &["foreign group/wards/legacy"]),
        (
            Post(
                "authentication/flows",
                json!({"alias": "legacy", "providerId": "basic-flow", "topLevel": true, "builtIn": false}),
            ),
            &["foreign flow/legacy"],
        ),
        (Post("authentication/flows/legacy/executions/execution", execution), &[]),
        (
            Post(
                "identity-provider/instances",
                json!({"alias": "legacy", "providerId": "oidc", "config": {"authorizationUrl": "https://a.example", "tokenUrl": "https://b.example", "clientId": "c"}}),
            ),
            &["foreign identity-provider/legacy"],
        ),
        (
            Post(
                "identity-provider/instances/corp/mappers",
                json!({"name": "legacy", "identityProviderAlias": "corp", "identityProviderMapper": "oidc-hardcoded-role-idp-mapper", "config": {"role": "doctor"}}),
            ),
            &["foreign identity-provider-mapper/corp/legacy"],
        ),
        (
            Post(
                "components",
                json!({"name": "legacy", "providerId": "hmac-generated", "providerType": "org.keycloak.keys.KeyProvider", "config": {"algorithm": ["HS256"]}}),
            ),
            &["foreign component/org.keycloak.keys.KeyProvider/legacy"],
        ),
        (
            Post(
                "components",
                json!({"name": "legacy", "providerId": "user-attribute-ldap-mapper", "providerType": "org.keycloak.storage.ldap.mappers.LDAPStorageMapper", "parentId": {"$": "{components|name=directory|id}"}, "config": {"ldap.attribute": ["sn"], "user.model.attribute": ["lastName"]}}),
            ),
            &["foreign sub-component/directory/legacy"],
        ),
        (
            Post(
                "organizations",
                json!({"name": "Legacy", "alias": "legacy", "domains": [{"name": "legacy.example"}]}),
            ),
            &["foreign organization/legacy"],
        ),
        (Post("localization/fr", json!({"greeting": "Salut"})), &["foreign localization/fr"]),
        // People, and what they are given, are the tenant's own affair.
        (Post("users", json!({"username": "visitor", "email": "visitor@clinic.example"})), &[]),
        (Put("users/{username=boss@clinic.example}/groups/{groups|name=legacy|id}"), &[]),
    ]
}

fn fields() -> Round {
    vec![
        // The realm.
        (Set("", "/displayName", json!("Hacked")), &["realm displayName"]),
        (Set("", "/accessTokenLifespan", json!(86400)), &["realm accessTokenLifespan"]),
        (Set("", "/otpPolicyDigits", json!(8)), &["realm otpPolicyDigits"]),
        (Set("", "/bruteForceProtected", json!(false)), &["realm bruteForceProtected"]),
        (Set("", "/sslRequired", json!("none")), &["realm sslRequired"]),
        (Set("", "/smtpServer/host", json!("evil.example")), &["realm smtpServer.host"]),
        (
            Set("", "/browserSecurityHeaders/xFrameOptions", json!("ALLOWALL")),
            &["realm browserSecurityHeaders.xFrameOptions"],
        ),
        (Set("", "/webAuthnPolicyRpEntityName", json!("x")), &["realm webAuthnPolicyRpEntityName"]),
        (
            Set("", "/webAuthnPolicyPasswordlessUserVerificationRequirement", json!("discouraged")),
            &["realm webAuthnPolicyPasswordlessUserVerificationRequirement"],
        ),
        (Set("events/config", "/enabledEventTypes", json!(["LOGIN"])), &["realm enabledEventTypes"]),
        (Set("events/config", "/eventsEnabled", json!(false)), &["realm eventsEnabled"]),
        (Set("", "/supportedLocales", json!(["en", "de", "fr"])), &["realm supportedLocales"]),
        (Set("", "/loginTheme", json!("base")), &["realm loginTheme"]),
        (Set("", "/browserFlow", json!("browser")), &["realm browserFlow"]),
        (Set("", "/passwordPolicy", json!("length(1)")), &["realm passwordPolicy"]),
        (Set("", "/attributes/licence.A-1.seats", json!("500")), &["realm attributes.licence.A-1.seats"]),
        (Delete("default-groups/{groups/{name=wards}/children|name=night|id}"), &["realm defaultGroups"]),
        (Put("default-groups/{groups|name=wards|id}"), &["realm defaultGroups"]),
        // Profile, actions, texts.
        (
            Set("users/profile", "/unmanagedAttributePolicy", json!("ADMIN_EDIT")),
            &["user-profile unmanagedAttributePolicy"],
        ),
        (Set("users/profile", "/attributes/4/displayName", json!("x")), &["user-profile attributes"]),
        (Set("users/profile", "/groups/0/displayHeader", json!("x")), &["user-profile groups"]),
        (
            Set("authentication/required-actions/TERMS_AND_CONDITIONS", "/enabled", json!(false)),
            &["required-action/TERMS_AND_CONDITIONS enabled"],
        ),
        (
            Set("authentication/required-actions/TERMS_AND_CONDITIONS", "/defaultAction", json!(true)),
            &["required-action/TERMS_AND_CONDITIONS defaultAction"],
        ),
        (
            Set("authentication/required-actions/UPDATE_PASSWORD", "/config/max_auth_age", json!("9")),
            &["required-action/UPDATE_PASSWORD config.max_auth_age"],
        ),
        (Post("localization/de", json!({"greeting": "Tag"})), &["localization/de texts.greeting"]),
        (Delete("localization/de/only1"), &["localization/de texts.only1"]),
        // Flows.
        (
            Entry(
                "authentication/flows/door/executions",
                "providerId",
                "auth-cookie",
                "/requirement",
                json!("DISABLED"),
            ),
            &["flow/door executions"],
        ),
        (
            Set(
                "authentication/config/{authentication/flows/door/executions|providerId=identity-provider-redirector|authenticationConfig}",
                "/config/defaultProvider",
                json!("evil"),
            ),
            &["flow/door executions"],
        ),
        (Set("authentication/flows/{alias=door}", "/description", json!("x")), &["flow/door description"]),
        // Components.
        (
            Set("components/{name=directory}", "/config/connectionUrl", json!(["ldap://evil.example"])),
            &["component/org.keycloak.storage.UserStorageProvider/directory config.connectionUrl"],
        ),
        (
            Set(
                "components/{components?parent={components|name=directory|id}|name=username|id}",
                "/config/ldap.attribute",
                json!(["cn"]),
            ),
            &["sub-component/directory/username config.ldap.attribute"],
        ),
        // Scopes and clients.
        (Set("client-scopes/{name=extra}", "/description", json!("x")), &["client-scope/extra description"]),
        (
            Post("client-scopes/{name=extra}/scope-mappings/realm", json!([{"$": "roles/doctor"}])),
            &["client-scope/extra scopeMappings.realm"],
        ),
        (
            Remove(
                "client-scopes/{name=extra}/scope-mappings/clients/{clients|clientId=worker|id}",
                json!([{"$": "clients/{clientId=worker}/roles/run"}]),
            ),
            &["client-scope/extra scopeMappings.client.worker"],
        ),
        (Set(WORKER, "/fullScopeAllowed", json!(true)), &["client/worker fullScopeAllowed"]),
        (
            Set(
                WORKER,
                "/authenticationFlowBindingOverrides/browser",
                json!({"$": "{authentication/flows|alias=browser|id}"}),
            ),
            &["client/worker authenticationFlowBindingOverrides.browser"],
        ),
        (
            Post("clients/{clientId=worker}/scope-mappings/realm", json!([{"$": "roles/doctor"}])),
            &["client/worker scopeMappings.realm"],
        ),
        (
            Set("clients/{clientId=assistant}", "/redirectUris", json!(["https://evil.example/*"])),
            &["client/assistant redirectUris"],
        ),
        (
            Set("clients/{clientId=assistant}", "/attributes/pkce.code.challenge.method", json!("plain")),
            &["client/assistant attributes.pkce.code.challenge.method"],
        ),
        (Set("clients/{clientId=assistant}", "/webOrigins", json!(["*"])), &["client/assistant webOrigins"]),
        (
            Set("clients/{clientId=assistant}", "/directAccessGrantsEnabled", json!(true)),
            &["client/assistant directAccessGrantsEnabled"],
        ),
        (
            Set("clients/{clientId=https://sp.example/saml}", "/attributes/saml_name_id_format", json!("email")),
            &["client/https://sp.example/saml attributes.saml_name_id_format"],
        ),
        (
            Set("clients/{clientId=https://sp.example/saml}", "/attributes/saml.assertion.signature", json!("false")),
            &["client/https://sp.example/saml attributes.saml.assertion.signature"],
        ),
        (
            Set(
                "clients/{clientId=https://sp.example/saml}/protocol-mappers/models/{name=roles}",
                "/config/attribute.name",
                json!("x"),
            ),
            &["client-mapper/https:%2F%2Fsp.example%2Fsaml/roles config.attribute.name"],
        ),
        // Clients of Keycloak's own.
        (
            Set("clients/{clientId=admin-cli}", "/directAccessGrantsEnabled", json!(true)),
            &["client/admin-cli directAccessGrantsEnabled"],
        ),
        (
            Set("clients/{clientId=security-admin-console}", "/webOrigins", json!(["*"])),
            &["client/security-admin-console webOrigins"],
        ),
        (
            Set(
                "clients/{clientId=security-admin-console}/protocol-mappers/models/{name=audience}",
                "/config/claim.value",
                json!("evil"),
            ),
            &["client-mapper/security-admin-console/audience config.claim.value"],
        ),
        // Authorization.
        (
            Set("clients/{clientId=worker}/authz/resource-server", "/policyEnforcementMode", json!("DISABLED")),
            &["authorization/worker policyEnforcementMode"],
        ),
        (
            Set("clients/{clientId=worker}/authz/resource-server", "/decisionStrategy", json!("AFFIRMATIVE")),
            &["authorization/worker decisionStrategy"],
        ),
        (
            Set(
                "clients/{clientId=worker}/authz/resource-server/policy/role/{clients/{clientId=worker}/authz/resource-server/policy|name=nurses|id}",
                "/logic",
                json!("NEGATIVE"),
            ),
            &["authorization/worker policies"],
        ),
        (
            Post("clients/{clientId=worker}/authz/resource-server/scope", json!({"name": "erase"})),
            &["authorization/worker scopes"],
        ),
        (
            Post(
                "clients/{clientId=worker}/authz/resource-server/resource",
                json!({"name": "more", "uris": ["/more"]}),
            ),
            &["authorization/worker resources"],
        ),
        // Admin permissions: one for less becomes one for all, somebody else may, a door of one's own.
        (
            Post(
                "clients/{clientId=admin-permissions}/authz/resource-server/policy",
                json!({"name": "own door", "type": "scope", "logic": "POSITIVE", "decisionStrategy": "UNANIMOUS", "config": {"defaultResourceType": "Users", "resources": "[\"Users\"]", "scopes": "[\"manage\"]", "applyPolicies": "[\"helpdesk\"]"}}),
            ),
            &["authorization/admin-permissions policies"],
        ),
        (
            Set(
                "clients/{clientId=admin-permissions}/authz/resource-server/policy/role/{clients/{clientId=admin-permissions}/authz/resource-server/policy|name=helpdesk|id}",
                "/roles/0/id",
                json!({"$": "{roles|name=nurse|id}"}),
            ),
            &["authorization/admin-permissions policies"],
        ),
        (
            Delete(
                "clients/{clientId=admin-permissions}/authz/resource-server/policy/{clients/{clientId=admin-permissions}/authz/resource-server/policy|name=give roles|id}",
            ),
            &["authorization/admin-permissions policies"],
        ),
        // Roles and groups.
        // Nobody declared one, so this is not managed.
        (Set("roles/nurse", "/description", json!("x")), &["foreign role/nurse description"]),
        (Remove("roles/doctor/composites", json!([{"$": "roles/nurse"}])), &["role/doctor composites.realm"]),
        (Set("groups/{name=wards}", "/attributes/site", json!(["9"])), &["group/wards attributes.site"]),
        (Post("groups/{name=wards}/role-mappings/realm", json!([{"$": "roles/doctor"}])), &["group/wards realmRoles"]),
        (
            Remove(
                "groups/{groups/{name=wards}/children|name=night|id}/role-mappings/clients/{clients|clientId=worker|id}",
                json!([{"$": "clients/{clientId=worker}/roles/run"}]),
            ),
            &["group/wards/night clientRoles.worker"],
        ),
        (
            Set("groups/{groups/{name=wards}/children|name=night|id}", "/description", json!("x")),
            &["group/wards/night description"],
        ),
        // Identity providers and organizations.
        (
            Set("identity-provider/instances/corp", "/config/authorizationUrl", json!("https://evil.example")),
            &["identity-provider/corp config.authorizationUrl"],
        ),
        (
            Set("identity-provider/instances/corp", "/postBrokerLoginFlowAlias", json!("")),
            &["identity-provider/corp postBrokerLoginFlowAlias"],
        ),
        (Set("identity-provider/instances/corp", "/enabled", json!(false)), &["identity-provider/corp enabled"]),
        (
            Set("identity-provider/instances/corp/mappers/{name=nurse}", "/config/role", json!("doctor")),
            &["identity-provider-mapper/corp/nurse config.role"],
        ),
        (
            Set("organizations/{alias=ward}", "/domains", json!([{"name": "evil.example"}])),
            &["organization/ward domains"],
        ),
        (Set("organizations/{alias=ward}", "/name", json!("Other")), &["organization/ward name"]),
        (Set("organizations/{alias=ward}", "/description", json!("x")), &["organization/ward description"]),
        (Set("organizations/{alias=ward}", "/attributes/floor", json!(["9"])), &["organization/ward attributes.floor"]),
        (Delete("organizations/{alias=ward}/identity-providers/corp"), &["organization/ward identityProviders"]),
        (
            Delete("organizations/{alias=ward}/members/{users|username=boss@clinic.example|id}"),
            &["organization/ward members.boss@clinic.example"],
        ),
        // Client policies, users.
        (
            Delete("users/{username=boss@clinic.example}/federated-identity/corp"),
            &["user/boss@clinic.example federatedIdentities.corp"],
        ),
        (Set("client-policies/policies", "/policies/0/enabled", json!(false)), &["client-policies policies"]),
        (Set("client-policies/profiles", "/profiles/0/executors", json!([])), &["client-profiles profiles"]),
        (
            Set("users/{username=boss@clinic.example}", "/attributes/badge", json!(["9"])),
            &["user/boss@clinic.example attributes.badge"],
        ),
        (
            Set("users/{username=boss@clinic.example}", "/firstName", json!("Eve")),
            &["user/boss@clinic.example firstName"],
        ),
        (Set("users/{username=boss@clinic.example}", "/enabled", json!(false)), &["user/boss@clinic.example enabled"]),
        (
            Delete("users/{username=boss@clinic.example}/groups/{groups|name=wards|id}"),
            &["user/boss@clinic.example groups./wards"],
        ),
        (
            Remove("users/{username=boss@clinic.example}/role-mappings/realm", json!([{"$": "roles/nurse"}])),
            &["user/boss@clinic.example realmRoles.nurse"],
        ),
    ]
}

#[test]
fn edits_by_hand_are_named_and_undone() {
    let site = Site::new("edits");
    declare(&site, &content(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    born(&site);
    let drift = || {
        let output = site.run(&["drift", "--format", "json"]);
        let plan: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), named(&plan, &site.clinic))
    };
    let mut wrong: Vec<String> = Vec::new();
    for (round, edits) in
        [foreign(), fields(), more(), removed(), switches(), crossed(), twins(), own()].iter().enumerate()
    {
        let (_, before) = drift();
        for (edit, _) in edits {
            let made = on_server(async |api| make(api, &site.clinic, edit).await);
            wrong.extend(made.err().map(|why| format!("round {round} not made: {why}")));
        }
        let (code, found) = drift();
        let expected: BTreeSet<String> =
            edits.iter().flat_map(|(_, names)| names.iter().map(ToString::to_string)).collect();
        let found: BTreeSet<String> = found.difference(&before).cloned().collect();
        wrong.extend(expected.difference(&found).map(|name| format!("round {round} not found: {name}")));
        wrong.extend(found.difference(&expected).map(|name| format!("round {round} not expected: {name}")));
        let differs = expected.iter().any(|name| !name.starts_with("foreign ") && !name.starts_with("missing "));
        if code != Some(if differs { 2 } else { 0 }) {
            wrong.push(format!("round {round}: drift ended with {code:?}"));
        }
        let output = site.run(&WAIVED);
        if output.status.code() != Some(0) {
            wrong.push(format!("round {round}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let again = site.run(&["plan", "--detailed-exitcode"]);
        if again.status.code() != Some(0) {
            wrong.push(format!("round {round}: not repaired\n{}", String::from_utf8_lossy(&again.stdout)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    site.remove();
}
