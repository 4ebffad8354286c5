//! What files of older versions say in other words, said as this version says it.
//!
//! Keycloak's own import does the same (`DefaultExportImportManager`), so nothing is lost by it. What neither knows is
//! left where it stands, and told by [`extract`](super::extract).

use serde_json::{Map, Value, json};

use super::Finding;
use super::report::Reason;
use crate::state::Kind;

type Document = Map<String, Value>;

/// The provider types that federation was before it became a component.
const FEDERATION: &str = "org.keycloak.storage.UserStorageProvider";
const LDAP_MAPPER: &str = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper";

/// A file's document in the words of this version.
pub(super) fn renewed(document: &Value, findings: &mut Vec<Finding>) -> Value {
    let mut document = document.clone();
    let Some(realm) = document.as_object_mut() else { return document };
    keys(realm, findings);
    applications(realm);
    social(realm);
    templates(realm);
    federation(realm);
    default_role(realm);
    default_roles(realm);
    actions(realm);
    optional_steps(realm);
    redirector(realm);
    providers(realm);
    previews(realm, findings);
    headers(realm);
    mirrored(realm);
    moved(realm, "messageBundles", "localizationTexts");
    usernames(realm);
    document
}

/// Where users are named by their addresses, an address takes the place of any other name.
fn usernames(realm: &mut Document) {
    if realm.get("registrationEmailAsUsername") != Some(&true.into()) {
        return;
    }
    for user in objects(realm, "users") {
        let address = text(user, "email").to_lowercase();
        if !address.is_empty() && !user.contains_key("serviceAccountClientId") {
            user.insert("username".into(), address.into());
        }
    }
}

/// What Keycloak keeps as attributes of a realm and shows as fields alone (`ModelToRepresentation`); all names that begin
/// so.
const MIRRORED: [&str; 24] = [
    "displayName",
    "displayNameHtml",
    "defaultSignatureAlgorithm",
    "bruteForceProtected",
    "permanentLockout",
    "maxTemporaryLockouts",
    "bruteForceStrategy",
    "maxFailureWaitSeconds",
    "waitIncrementSeconds",
    "quickLoginCheckMilliSeconds",
    "minimumQuickLoginWaitSeconds",
    "maxDeltaTimeSeconds",
    "failureFactor",
    "maxSecondaryAuthFailures",
    "actionTokenGeneratedByAdminLifespan",
    "actionTokenGeneratedByUserLifespan",
    "offlineSessionMaxLifespanEnabled",
    "offlineSessionMaxLifespan",
    "webAuthnPolicy",
    "client-policies.",
    "firstBrokerLoginFlowId",
    "organizationsEnabled",
    "verifiableCredentialsEnabled",
    "adminPermissions",
];

/// Attributes that are fields become those, where the file does not have them anyway.
fn mirrored(realm: &mut Document) {
    let Some(attributes) = realm.get_mut("attributes").and_then(Value::as_object_mut) else { return };
    let is = |name: &str| {
        MIRRORED.iter().any(|start| name.starts_with(start)) && !name.starts_with("actionTokenGeneratedByUserLifespan.")
    };
    let names: Vec<String> = attributes.keys().filter(|name| is(name)).cloned().collect();
    let found: Vec<(String, Value)> = names.iter().filter_map(|name| attributes.remove_entry(name)).collect();
    for (name, value) in found {
        if Kind::Realm.class(&name).is_some() {
            let typed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
            let typed = typed.filter(|typed: &Value| typed.is_boolean() || typed.is_number()).unwrap_or(value);
            realm.entry(name).or_insert(typed);
        }
    }
}

/// Security headers stood among the attributes too.
fn headers(realm: &mut Document) {
    let Some(attributes) = realm.get_mut("attributes").and_then(Value::as_object_mut) else { return };
    let old: Vec<String> = attributes.keys().filter(|key| key.starts_with("_browser_header")).cloned().collect();
    let old: Vec<(String, Value)> = old.into_iter().filter_map(|key| attributes.remove_entry(&key)).collect();
    if old.is_empty() {
        return;
    }
    let headers = realm.entry("browserSecurityHeaders").or_insert_with(|| json!({}));
    for (key, value) in old {
        if let (Some(headers), Some((_, name))) = (headers.as_object_mut(), key.split_once('.')) {
            headers.entry(name).or_insert(value);
        }
    }
}

/// The realm's key pair stands in no file that is written.
fn keys(realm: &mut Document, findings: &mut Vec<Finding>) {
    let name = text(realm, "realm").to_owned();
    for field in ["privateKey", "codeSecret"] {
        if realm.remove(field).is_some_and(|value| !value.is_null()) {
            findings.push(Finding {
                realm: name.clone(),
                object: "realm".into(),
                field: Some(field.into()),
                reason: Reason::Secret,
                why: "a secret is not written out".into(),
                hint: Some("a new realm makes keys of its own".into()),
            });
        }
    }
}

/// Clients were applications and OAuth clients once.
fn applications(realm: &mut Document) {
    for (list, consent) in [("applications", false), ("oauthClients", true)] {
        for mut client in taken(realm, list) {
            let Some(map) = client.as_object_mut() else { continue };
            if let Some(name) = map.remove("name") {
                map.entry("clientId").or_insert(name);
            }
            if consent {
                map.insert("consentRequired".into(), true.into());
                map.insert("fullScopeAllowed".into(), false.into());
            }
            push(realm, "clients", client);
        }
    }
    for client in objects(realm, "clients") {
        if let Some(Value::Bool(only)) = client.remove("directGrantsOnly") {
            client.insert("standardFlowEnabled".into(), (!only).into());
            client.insert("directAccessGrantsEnabled".into(), only.into());
        }
    }
    moved(realm, "applicationScopeMappings", "clientScopeMappings");
    objects(realm, "users").for_each(|user| moved(user, "applicationRoles", "clientRoles"));
    let Some(roles) = realm.get_mut("roles").and_then(Value::as_object_mut) else { return };
    moved(roles, "application", "client");
    let of_clients = roles.remove("client");
    let mut groups = of_clients.and_then(|value| value.as_object().cloned()).unwrap_or_default();
    let lists = groups.values_mut().chain(roles.get_mut("realm"));
    for role in lists.filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut) {
        if let Some(composites) = role.get_mut("composites").and_then(Value::as_object_mut) {
            moved(composites, "application", "client");
        }
    }
    if !groups.is_empty() {
        roles.insert("client".into(), groups.into());
    }
}

/// Identity providers were keys and secrets of social networks.
fn social(realm: &mut Document) {
    let on = realm.remove("social") == Some(true.into());
    let providers = realm.remove("socialProviders");
    let keys = providers.as_ref().and_then(Value::as_object).into_iter().flatten();
    let keys = keys.filter_map(|(name, key)| Some((name.strip_suffix(".key")?, key)));
    let found: Vec<Value> = keys
        .map(|(id, key)| json!({"alias": id, "providerId": id, "enabled": true, "config": {"clientId": key, "clientSecret": super::secrets::MASK}}))
        .collect();
    if on && !found.is_empty() && !realm.contains_key("identityProviders") {
        realm.insert("identityProviders".into(), found.into());
    }
}

/// Client scopes were templates, of which a client had one.
fn templates(realm: &mut Document) {
    let scope_name = |name: &Value| Value::from(name.as_str().unwrap_or_default().replace(' ', "_"));
    for template in taken(realm, "clientTemplates") {
        let Some(map) = template.as_object() else { continue };
        let kept = ["name", "protocol", "description", "attributes", "protocolMappers"];
        let kept = kept.iter().filter_map(|field| Some(((*field).to_owned(), map.get(*field)?.clone())));
        let mut scope: Document = kept.collect();
        scope.insert("name".into(), scope_name(&template["name"]));
        push(realm, "clientScopes", scope.into());
    }
    for client in objects(realm, "clients") {
        let template = client.remove("clientTemplate").filter(Value::is_string);
        for switch in ["useTemplateConfig", "useTemplateMappers", "useTemplateScope"] {
            client.remove(switch);
        }
        if let Some(template) = template {
            push(client, "defaultClientScopes", scope_name(&template));
        }
    }
    let renamed = |list: &mut Value| {
        for mapping in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(template) = mapping.remove("clientTemplate") {
                mapping.entry("clientScope").or_insert(scope_name(&template));
            }
        }
    };
    let of_clients = realm.get_mut("clientScopeMappings").and_then(Value::as_object_mut).into_iter().flatten();
    of_clients.for_each(|(_, list)| renamed(list));
    realm.get_mut("scopeMappings").into_iter().for_each(renamed);
}

/// User federation, and its mappers, are components.
fn federation(realm: &mut Document) {
    let lists = |config: Option<&Value>| -> Document {
        let entries = config.and_then(Value::as_object).into_iter().flatten();
        entries.filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), json!([value]))).collect()
    };
    let mappers = taken(realm, "userFederationMappers");
    for provider in taken(realm, "userFederationProviders") {
        let mut config = lists(provider.get("config"));
        for field in ["priority", "fullSyncPeriod", "changedSyncPeriod"] {
            if let Some(value) = provider.get(field) {
                config.entry(field).or_insert(json!([value.to_string()]));
            }
        }
        let name = provider.get("displayName").unwrap_or(&provider["providerName"]);
        let own = mappers.iter().filter(|mapper| mapper["federationProviderDisplayName"] == *name);
        let own: Vec<Value> = own
            .map(|mapper| {
                let config = lists(mapper.get("config"));
                json!({"name": mapper["name"], "providerId": mapper["federationMapperType"], "config": config})
            })
            .collect();
        let mut component = json!({"name": name, "providerId": provider["providerName"], "config": config});
        if !own.is_empty() {
            component["subComponents"] = json!({ LDAP_MAPPER: own });
        }
        let components = realm.entry("components").or_insert_with(|| json!({}));
        if let Some(components) = components.as_object_mut() {
            push(components, FEDERATION, component);
        }
    }
}

/// The default role is named after its realm here; a file may have it under another name.
fn default_role(realm: &mut Document) {
    let name = default_role_name(realm);
    let old = realm.get("defaultRole").and_then(|role| role["name"].as_str()).unwrap_or(&name).to_owned();
    if old == name || old.is_empty() {
        return;
    }
    let renamed = |value: &mut Value| {
        if *value == old.as_str() {
            *value = name.as_str().into();
        }
    };
    if let Some(roles) = realm.get_mut("roles").and_then(|roles| roles.get_mut("realm")).and_then(Value::as_array_mut) {
        roles.iter_mut().filter_map(|role| role.get_mut("name")).for_each(renamed);
    }
    for list in ["users", "groups"] {
        for owner in objects(realm, list) {
            let roles = owner.get_mut("realmRoles").and_then(Value::as_array_mut);
            roles.into_iter().flatten().for_each(renamed);
        }
    }
}

/// Default roles were lists of names, of the realm and of each client, before they became one role.
fn default_roles(realm: &mut Document) {
    let of_realm = taken(realm, "defaultRoles");
    let mut of_clients = Document::new();
    for client in objects(realm, "clients") {
        let id = text(client, "clientId").to_owned();
        let names = taken(client, "defaultRoles");
        if !names.is_empty() {
            of_clients.insert(id, names.into());
        }
    }
    if realm.contains_key("defaultRole") || (of_realm.is_empty() && of_clients.is_empty()) {
        return;
    }
    let name = default_role_name(realm);
    let roles = realm.entry("roles").or_insert_with(|| json!({}));
    let Some(roles) = roles.as_object_mut() else { return };
    if objects(roles, "realm").any(|role| text(role, "name") == name) {
        return;
    }
    let description = "${role_default-roles}";
    let composites = json!({"realm": of_realm, "client": of_clients});
    push(roles, "realm", json!({"name": name, "description": description, "composites": composites}));
}

/// The name of a realm's default role.
pub(super) fn default_role_name(realm: &Document) -> String {
    format!("default-roles-{}", text(realm, "realm").to_lowercase())
}

/// Required actions that were renamed.
fn actions(realm: &mut Document) {
    for action in objects(realm, "requiredActions") {
        if text(action, "alias") == "terms_and_conditions" {
            action.insert("alias".into(), "TERMS_AND_CONDITIONS".into());
            action.insert("providerId".into(), "TERMS_AND_CONDITIONS".into());
        }
        if text(action, "providerId") == "CONFIGURE_TOTP" && text(action, "name") == "Configure Totp" {
            action.insert("name".into(), "Configure OTP".into());
        }
    }
}

/// Keycloak puts the step that leads to a default identity provider into the flow `browser` of a realm that lacks it.
fn redirector(realm: &mut Document) {
    const STEP: &str = "identity-provider-redirector";
    for flow in objects(realm, "authenticationFlows").filter(|flow| text(flow, "alias") == "browser") {
        if !objects(flow, "authenticationExecutions").any(|step| text(step, "authenticator") == STEP) {
            push(
                flow,
                "authenticationExecutions",
                json!({"authenticator": STEP, "requirement": "ALTERNATIVE", "priority": 25}),
            );
        }
    }
}

/// Whether a provider is hidden on the login page was one of its settings.
fn providers(realm: &mut Document) {
    for provider in objects(realm, "identityProviders") {
        let config = provider.get_mut("config").and_then(Value::as_object_mut);
        if let Some(hidden) = config.and_then(|config| config.remove("hideOnLoginPage")) {
            let hidden = hidden == "true" || hidden == true;
            provider.entry("hideOnLogin").or_insert(hidden.into());
        }
    }
}

/// Client policies of the versions in which they were a preview (12 to 14) are not taken.
fn previews(realm: &mut Document, findings: &mut Vec<Finding>) {
    let name = text(realm, "realm").to_owned();
    for (field, list) in [("clientProfiles", "profiles"), ("clientPolicies", "policies")] {
        let Some(holder) = realm.get_mut(field).and_then(Value::as_object_mut) else { continue };
        if !objects(holder, list).any(|item| item.contains_key("builtin")) {
            continue;
        }
        realm.remove(field);
        let why = "it has the form of a preview (Keycloak 12 to 14), which this Keycloak does not take";
        findings.push(Finding::not_expressed(&name, "realm", Some(field), why, None));
    }
}

/// A step that was optional is one in a flow of its own, on the condition that its user has set it up.
fn optional_steps(realm: &mut Document) {
    let mut added = Vec::new();
    for flow in objects(realm, "authenticationFlows") {
        let (alias, built_in) = (text(flow, "alias").to_owned(), flow.get("builtIn").cloned().unwrap_or_default());
        for step in objects(flow, "authenticationExecutions").filter(|step| text(step, "requirement") == "OPTIONAL") {
            let what = text(step, "authenticator").to_owned();
            let inner = format!("{alias} - {what} - Conditional");
            let mut own = step.clone();
            own.insert("requirement".into(), "REQUIRED".into());
            own.insert("priority".into(), 20.into());
            let condition =
                json!({"authenticator": "conditional-user-configured", "requirement": "REQUIRED", "priority": 10});
            added.push(json!({
                "alias": inner,
                "description": format!("Flow to determine if the {what} authenticator should be used or not."),
                "providerId": "basic-flow",
                "topLevel": false,
                "builtIn": built_in,
                "authenticationExecutions": [condition, own],
            }));
            let priority = step.get("priority").cloned().unwrap_or_else(|| 0.into());
            *step = Document::from_iter([
                ("flowAlias".to_owned(), inner.into()),
                ("authenticatorFlow".to_owned(), true.into()),
                ("requirement".to_owned(), "CONDITIONAL".into()),
                ("priority".to_owned(), priority),
            ]);
        }
    }
    added.into_iter().for_each(|flow| push(realm, "authenticationFlows", flow));
}

fn text<'a>(map: &'a Document, field: &str) -> &'a str {
    map.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn taken(map: &mut Document, list: &str) -> Vec<Value> {
    match map.remove(list) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn objects<'a>(map: &'a mut Document, list: &str) -> impl Iterator<Item = &'a mut Document> {
    map.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn push(map: &mut Document, list: &str, item: Value) {
    if let Some(list) = map.entry(list).or_insert_with(|| json!([])).as_array_mut()
        && !list.contains(&item)
    {
        list.push(item);
    }
}

/// A field under its new name, where that does not stand there already.
fn moved(map: &mut Document, old: &str, new: &str) {
    if !map.contains_key(new)
        && let Some(value) = map.remove(old)
    {
        map.insert(new.to_owned(), value);
    }
}
