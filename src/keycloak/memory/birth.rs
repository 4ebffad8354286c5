//! What Keycloak makes of the body of a realm's birth (`RealmManager.importRealm`).

use serde_json::{Map, Value, json};

use super::{Realm, Refusal};
use crate::state::permissions::ADMIN_PERMISSIONS;
use crate::state::{Kind, ObjectId, arrange, defaults};

/// The realm that a body gives, or why the server refuses it: then nothing is left behind.
pub(super) fn born(body: &Value) -> Result<Realm, Refusal> {
    let name =
        body["realm"].as_str().filter(|name| !name.is_empty()).ok_or((400, "Realm name cannot be empty".to_owned()))?;
    let mail = body["smtpServer"].as_object().is_some_and(|settings| !settings.is_empty());
    if mail && !body["smtpServer"]["from"].as_str().is_some_and(|from| from.contains('@')) {
        return Err((400, "Invalid sender address".into()));
    }
    let state = arrange(body);
    let mut realm = Realm { top: top(name, body), ..Realm::default() };
    let own_scopes = body["clientScopes"].is_array();
    for client in Kind::Client.spec().built_in.iter().filter(|client| **client != ADMIN_PERMISSIONS) {
        let brought = client.starts_with("account") && state.get(&ObjectId::new(Kind::Client, "account")).is_some();
        if !brought {
            let scopes = if own_scopes { json!([]) } else { json!(["basic", "profile", "email", "roles"]) };
            let bearer = matches!(*client, "broker" | "realm-management");
            let document = json!({
                "clientId": client, "bearerOnly": bearer, "defaultClientScopes": scopes, "optionalClientScopes": [],
            });
            built_in(&mut realm, ObjectId::new(Kind::Client, *client), with_defaults(document));
        }
    }
    built_in(&mut realm, ObjectId::new(Kind::ClientScope, "offline_access"), json!({"name": "offline_access"}));
    // Scopes and clients come before the roles, and roles before the users that have them.
    for flow in ["browser", "direct grant", "reset credentials", "first broker login"] {
        if state.get(&ObjectId::new(Kind::Flow, flow)).is_none() {
            realm.take_flow(&json!({"alias": flow, "executions": []}), true, true);
        }
    }
    for (id, flow) in state.of_kind(Kind::Flow) {
        realm.take_flow(&flow.raw, true, Kind::Flow.is_built_in(&id.key));
    }
    let brings = |id: &ObjectId| match id.kind {
        // Of a type of components, a body that has one has all.
        Kind::Component => state.of_kind(id.kind).any(|(own, _)| own.owner_and_name().0 == id.owner_and_name().0),
        Kind::RequiredAction => state.of_kind(id.kind).next().is_some(),
        Kind::ClientScope | Kind::ScopeMapper => own_scopes,
        Kind::ClientRole | Kind::ClientMapper => id.owner().is_some_and(|client| state.get(&client).is_some()),
        kind => kind != Kind::RealmRole || id.key == "uma_authorization" || id.key.starts_with("default-roles-"),
    };
    for (id, object) in arrange(&defaults::representation(name)).objects.into_iter().filter(|(id, _)| !brings(id)) {
        built_in(&mut realm, id, object.into_inner().raw);
    }
    for (id, object) in &state.objects {
        let permissions = id.kind == Kind::Authorization && id.key == ADMIN_PERMISSIONS;
        if !permissions && !matches!(id.kind, Kind::Realm | Kind::Flow) {
            let mut document = object.raw.clone();
            if id.kind == Kind::Client {
                document = client(&realm, document);
                if id.key == "account-console" && state.get(&ObjectId::new(Kind::Client, "account")).is_none() {
                    return Err((409, "Duplicate resource error".into()));
                }
                let flows = document.get_mut("authenticationFlowBindingOverrides").and_then(Value::as_object_mut);
                for (_, flow) in flows.into_iter().flatten() {
                    // By ids, and those of Keycloak's own flows nobody knows yet.
                    let alias = flow.as_str().unwrap_or_default();
                    let brought = state.get(&ObjectId::new(Kind::Flow, alias)).is_some() || alias.is_empty();
                    let known = realm.flow_id(alias).filter(|_| brought);
                    *flow = known.ok_or((500, "unknown_error".to_owned()))?.into();
                }
            }
            for path in document["groups"].as_array_mut().into_iter().flatten().filter(|_| id.kind == Kind::User) {
                *path = ObjectId::new(Kind::Group, path.as_str().unwrap_or_default().trim_start_matches('/'))
                    .native_path()
                    .into();
            }
            if let Some(email) = document["email"].as_str().map(str::to_lowercase) {
                document["email"] = email.into();
            }
            realm.objects.remove(id);
            realm.insert(id.clone(), document)?;
        }
    }
    for (id, _) in state.of_kind(Kind::Client) {
        if realm.objects[id]["serviceAccountsEnabled"] == true {
            realm.service_account(&id.key);
        }
    }
    default_role(&mut realm, name, body);
    check_roles(&realm)?;
    built_in(&mut realm, ObjectId::new(Kind::RealmRole, "uma_authorization"), json!({"name": "uma_authorization"}));
    check_urls(&realm)?;
    realm.admin_permissions();
    let mut clients = body["clients"].as_array().into_iter().flatten();
    if let Some(own) = clients.find(|client| client["clientId"] == ADMIN_PERMISSIONS) {
        realm.take_permissions(&own["authorizationSettings"]["policies"])?;
    }
    Ok(realm)
}

fn built_in(realm: &mut Realm, id: ObjectId, document: Value) {
    if !realm.objects.contains_key(&id) {
        let _ = realm.insert(id, document);
    }
}

fn top(name: &str, body: &Value) -> Value {
    let mut top = json!({
        "id": uuid::Uuid::new_v4().to_string(),
        "realm": name,
        "enabled": false,
        "sslRequired": "external",
        "oauth2DeviceCodeLifespan": 600,
        "oauth2DevicePollingInterval": 5,
        "defaultDefaultClientScopes": ["basic", "profile", "email", "roles"],
        "defaultOptionalClientScopes": [],
        "browserFlow": "browser", "directGrantFlow": "direct grant", "resetCredentialsFlow": "reset credentials",
        "firstBrokerLoginFlow": "first broker login",
    });
    let own = arrange(body).realm().map(|realm| realm.raw.clone()).unwrap_or_default();
    if let (Some(top), Value::Object(own)) = (top.as_object_mut(), own) {
        top.extend(own);
        if !top.contains_key("otpPolicyType") {
            top.retain(|field, _| !field.starts_with("otpPolicy"));
            top.extend([("otpPolicyType".into(), json!("totp")), ("otpPolicyDigits".into(), json!(6))]);
        }
        if body["clientScopes"].is_array() {
            top.insert("defaultDefaultClientScopes".into(), body["defaultDefaultClientScopes"].clone());
            top.insert("defaultOptionalClientScopes".into(), json!(["offline_access"]));
        }
    }
    if body["defaultGroups"].is_array() {
        top["defaultGroups"] = body["defaultGroups"].clone();
    }
    let attributes = &mut top["attributes"];
    if !attributes.is_object() {
        *attributes = Value::Object(Map::new());
    }
    for (key, value) in [("cibaExpiresIn", "120"), ("oauth2DeviceCodeLifespan", "600"), ("parRequestUriLifespan", "60")]
    {
        if attributes[key].is_null() {
            attributes[key] = value.into();
        }
    }
    top
}

/// A client as it is after creation: defaults where the body says nothing, the realm's scopes among them.
pub(super) fn client(realm: &Realm, mut document: Value) -> Value {
    for (field, from) in
        [("defaultClientScopes", "defaultDefaultClientScopes"), ("optionalClientScopes", "defaultOptionalClientScopes")]
    {
        if document["defaultClientScopes"].is_null() || (field != "defaultClientScopes" && document[field].is_null()) {
            document[field] = realm.top[from].clone();
        }
    }
    with_defaults(document)
}

pub(super) fn with_defaults(mut document: Value) -> Value {
    let defaults = json!({
        "enabled": true, "protocol": "openid-connect", "publicClient": false, "bearerOnly": false, "standardFlowEnabled": true,
        "implicitFlowEnabled": false, "directAccessGrantsEnabled": false, "serviceAccountsEnabled": false,
        "frontchannelLogout": false, "fullScopeAllowed": true, "redirectUris": [], "webOrigins": [],
        "clientAuthenticatorType": "client-secret",
    });
    if let (Value::Object(defaults), Some(map)) = (defaults, document.as_object_mut()) {
        for (field, value) in defaults {
            map.entry(field).or_insert(value);
        }
    }
    document["attributes"]["realm_client"] = "false".into();
    document
}

/// `defaultRole` names the default role; without it one is made, under another name if the body's roles take the usual.
fn default_role(realm: &mut Realm, name: &str, body: &Value) {
    let named = body["defaultRole"]["name"].as_str().map(str::to_owned);
    let usual = format!("default-roles-{name}");
    let taken = realm.objects.contains_key(&ObjectId::new(Kind::RealmRole, &usual));
    let role = named.unwrap_or(if taken { format!("{usual}-1") } else { usual });
    realm.top["defaultRole"] = json!({ "name": role });
    let id = ObjectId::new(Kind::RealmRole, &role);
    if !realm.objects.contains_key(&id) {
        built_in(
            realm,
            id.clone(),
            json!({"name": role, "composites": {"realm": ["offline_access", "uma_authorization"]}}),
        );
    }
    // Its description comes from `defaultRole`, its composites from `roles`.
    if let Some(document) = realm.objects.get_mut(&id).and_then(Value::as_object_mut) {
        document.remove("description");
        if let Some(description) = body["defaultRole"]["description"].as_str() {
            document.insert("description".into(), description.into());
        }
    }
}

/// A role that does not exist yet makes the whole birth fail.
fn check_roles(realm: &Realm) -> Result<(), Refusal> {
    let missing = |id: ObjectId| !realm.objects.contains_key(&id);
    for (role, document) in realm.objects.iter().filter(|(id, _)| matches!(id.kind, Kind::RealmRole | Kind::ClientRole))
    {
        let names = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let realm_roles = names(&document["composites"]["realm"]);
        let in_realm = realm_roles.iter().filter_map(Value::as_str).map(|name| ObjectId::new(Kind::RealmRole, name));
        let clients = document["composites"]["client"].as_object().cloned().unwrap_or_default();
        let in_clients = clients.iter().flat_map(|(client, list)| {
            let list = names(list);
            list.into_iter()
                .filter_map(|name| Some(ObjectId::within(Kind::ClientRole, client, name.as_str()?)))
                .collect::<Vec<_>>()
        });
        let late = |id: &ObjectId| {
            id.key == "uma_authorization" && role.key == realm.default_role() && !role_was_given(document)
        };
        if in_realm.chain(in_clients).any(|id| missing(id.clone()) && !late(&id)) {
            return Err((500, "unknown_error".into()));
        }
    }
    Ok(())
}

/// True unless the default role is the one that the server made itself.
fn role_was_given(document: &Value) -> bool {
    document["composites"]["realm"] != json!(["offline_access", "uma_authorization"])
}

/// Plain http to elsewhere is refused without a reason, unless the realm does without TLS.
fn check_urls(realm: &Realm) -> Result<(), Refusal> {
    let lax = realm.top["sslRequired"] == "none";
    let insecure = |document: &Value| {
        ["authorizationUrl", "tokenUrl", "userInfoUrl", "jwksUrl", "logoutUrl"].iter().any(|name| {
            let url = document["config"][*name].as_str().unwrap_or_default();
            url.starts_with("http://") && !url.starts_with("http://localhost") && !url.starts_with("http://127.0.0.1")
        })
    };
    let mut providers = realm.objects.iter().filter(|(id, _)| id.kind == Kind::IdentityProvider);
    if !lax && providers.any(|(_, document)| insecure(document)) {
        return Err((500, "unknown_error".into()));
    }
    Ok(())
}
