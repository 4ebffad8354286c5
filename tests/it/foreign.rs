//! Fields that nobody declared and somebody set: found where they differ from what Keycloak makes, and nowhere else.

use realmwright::plan::diff::diff;
use realmwright::plan::foreign;
use realmwright::state::secret::Secrets;
use realmwright::state::{Applied, RealmState, arrange, defaults};
use serde_json::{Value, json};

/// A bare realm with a client, a role and an identity provider as Keycloak makes them.
fn made() -> Value {
    let mut realm = defaults::representation("clinic");
    realm["keycloakVersion"] = "26.7.3".into();
    let mut client = named(&realm, "clients", "clientId", "admin-cli").clone();
    client["clientId"] = "portal".into();
    client["standardFlowEnabled"] = true.into();
    client["directAccessGrantsEnabled"] = false.into();
    client["publicClient"] = false.into();
    client["fullScopeAllowed"] = true.into();
    client["nodeReRegistrationTimeout"] = (-1).into();
    client["name"] = Value::Null;
    client["attributes"] = json!({"realm_client": "false"});
    realm["clients"].as_array_mut().expect("clients").push(client);
    realm["roles"]["realm"].as_array_mut().expect("roles").push(json!({"name": "nurse", "attributes": {}}));
    realm["identityProviders"] = json!([{
        "alias": "corp", "providerId": "oidc", "enabled": true, "trustEmail": false,
        "config": {"clientSecret": "**********"},
    }]);
    realm["components"]["org.keycloak.storage.UserStorageProvider"] =
        json!([{"name": "directory", "providerId": "ldap", "config": {"bindCredential": ["**********"]}}]);
    realm
}

fn desired() -> RealmState {
    arrange(&json!({
        "realm": "clinic",
        "enabled": true,
        "clients": [{"clientId": "portal"}],
        "roles": {"realm": [{"name": "nurse"}]},
        "identityProviders": [{"alias": "corp", "providerId": "oidc"}],
        "components": {"org.keycloak.storage.UserStorageProvider": [{"name": "directory", "providerId": "ldap"}]},
    }))
}

fn named<'a>(realm: &'a Value, list: &str, key: &str, name: &str) -> &'a Value {
    realm[list].as_array().into_iter().flatten().find(|item| item[key] == name).expect("there")
}

fn found(realm: &Value) -> Vec<String> {
    let fields = foreign::fields(&desired(), &arrange(realm), &Applied::default(), &[]);
    fields.iter().flat_map(|(id, paths)| paths.iter().map(move |path| format!("{id} {path}"))).collect()
}

#[test]
fn what_nobody_touched_is_not_foreign() {
    assert_eq!(found(&made()), [""; 0]);
}

/// Keycloak gives the origins of its redirect URIs to a client that says none.
#[test]
fn origins_that_keycloak_derives_are_not_foreign() {
    let with = |origins: Value| {
        let mut realm = made();
        let clients = realm["clients"].as_array_mut().expect("a list");
        let own = clients.iter_mut().find(|client| client["clientId"] == "portal").expect("declared");
        own["redirectUris"] = json!(["https://portal.example/*", "/relative"]);
        own["webOrigins"] = origins;
        found(&realm).into_iter().filter(|field| field.contains("webOrigins")).collect::<Vec<_>>()
    };
    assert_eq!(with(json!(["https://portal.example"])), [""; 0]);
    assert_eq!(with(json!(["https://portal.example", "*"])), ["client/portal webOrigins"]);
}

#[test]
fn of_another_server_nothing_is_said() {
    let mut realm = made();
    realm["sslRequired"] = "none".into();
    realm["keycloakVersion"] = "26.5.1".into();
    assert_eq!(found(&realm), [""; 0]);
}

#[test]
fn an_edit_of_what_nobody_declared_is_named() {
    let edits = [
        ("/passwordPolicy", json!("length(1)"), "realm passwordPolicy"),
        ("/sslRequired", json!("none"), "realm sslRequired"),
        ("/registrationAllowed", json!(true), "realm registrationAllowed"),
        ("/loginWithEmailAllowed", json!(false), "realm loginWithEmailAllowed"),
        ("/accessTokenLifespan", json!(86400), "realm accessTokenLifespan"),
        ("/loginTheme", json!("evil"), "realm loginTheme"),
        ("/otpPolicyDigits", json!(8), "realm otpPolicyDigits"),
        ("/webAuthnPolicyRpId", json!("evil.example"), "realm webAuthnPolicyRpId"),
        ("/browserSecurityHeaders/xFrameOptions", json!(""), "realm browserSecurityHeaders.xFrameOptions"),
        ("/attributes/frontendUrl", json!("https://evil.example"), "realm attributes.frontendUrl"),
        ("/smtpServer/host", json!("mail.evil.example"), "realm smtpServer.host"),
        ("/eventsListeners", json!([]), "realm eventsListeners"),
        ("/browserFlow", json!("registration"), "realm browserFlow"),
        ("/clientPolicies/policies", json!([{"name": "p", "enabled": true}]), "client-policies policies"),
        ("/requiredActions/0/enabled", json!("changed"), " enabled"),
        (
            "/clientScopes/{profile}/attributes/display.on.consent.screen",
            json!("no"),
            "client-scope/profile attributes.display.on.consent.screen",
        ),
        ("/clients/{portal}/directAccessGrantsEnabled", json!(true), "client/portal directAccessGrantsEnabled"),
        ("/clients/{portal}/implicitFlowEnabled", json!(true), "client/portal implicitFlowEnabled"),
        ("/clients/{portal}/fullScopeAllowed", json!(false), "client/portal fullScopeAllowed"),
        ("/clients/{portal}/redirectUris", json!(["*"]), "client/portal redirectUris"),
        ("/clients/{portal}/defaultClientScopes", json!(["address"]), "client/portal defaultClientScopes"),
        ("/clients/{broker}/enabled", json!(false), "client/broker enabled"),
        ("/roles/realm/{nurse}/description", json!("Nurse"), "role/nurse description"),
        ("/roles/realm/{nurse}/attributes", json!({"a": ["b"]}), "role/nurse attributes.a"),
        ("/roles/realm/{nurse}/composites", json!({"realm": ["offline_access"]}), "role/nurse composites.realm"),
        ("/identityProviders/0/trustEmail", json!(true), "identity-provider/corp trustEmail"),
        ("/identityProviders/0/enabled", json!(false), "identity-provider/corp enabled"),
        (
            "/identityProviders/0/config/validateSignature",
            json!("false"),
            "identity-provider/corp config.validateSignature",
        ),
        (
            "/components/org.keycloak.storage.UserStorageProvider/0/config/importEnabled",
            json!(["false"]),
            "component/org.keycloak.storage.UserStorageProvider/directory config.importEnabled",
        ),
        (
            "/components/org.keycloak.keys.KeyProvider/{rsa-generated}/config/priority",
            json!(["1"]),
            "component/org.keycloak.keys.KeyProvider/rsa-generated config.priority",
        ),
    ];
    for (pointer, value, expected) in edits {
        let mut realm = made();
        edit(&mut realm, pointer, value);
        let found = found(&realm);
        assert!(found.len() == 1 && found[0].ends_with(expected), "{pointer}: {found:?}");
    }
}

/// Sets the value at a path, in which `{name}` is the item of a list that has this name.
fn edit(realm: &mut Value, pointer: &str, value: Value) {
    let mut slot = realm;
    for step in pointer.split('/').skip(1) {
        slot = match step.strip_prefix('{').and_then(|step| step.strip_suffix('}')) {
            Some(name) => {
                let items = slot.as_array_mut().expect("a list");
                items.iter_mut().find(|item| item["name"] == name || item["clientId"] == name).expect("named")
            }
            None if slot.is_array() => &mut slot[step.parse::<usize>().expect("an index")],
            None => &mut slot[step],
        };
    }
    *slot = value;
}

/// Two user federations of one name: the one that is most like what was applied is managed, whichever Keycloak lists
/// first, and the other one is foreign, with what is in it.
#[test]
fn none_hides_behind_another_of_its_name() {
    let federation = |id: &str, url: &str| {
        json!({"id": id, "name": "directory", "providerId": "ldap", "config": {"connectionUrl": [url]},
            "subComponents": {"mapper": [{"id": format!("{id}-m"), "name": "m", "providerId": "x", "subComponents": {"mapper": [{"id": format!("{id}-b"), "name": "below"}]}}]}})
    };
    let (ours, theirs) = (federation("b", "ldap://ours"), federation("a", "ldap://theirs"));
    let mapper = |id: &str| json!({"id": id, "name": "m", "providerId": "y"});
    let with = |list: Value, marker: &str| json!({"realm": "clinic", "attributes": {"realmwright.applied": marker}, "components": {"org.keycloak.storage.UserStorageProvider": list}});
    let declared = json!({"name": "directory", "providerId": "ldap", "config": {"connectionUrl": ["ldap://ours"]}});
    let desired = arrange(&with(json!([declared]), ""));
    let marker = Applied::of(&desired, "test", &Secrets::default()).to_text();
    for list in [json!([ours, theirs]), json!([theirs, ours])] {
        let mut list = list;
        let own = list.as_array_mut().expect("a list").iter_mut().find(|item| item["id"] == "b").expect("ours");
        own["subComponents"]["mapper"].as_array_mut().expect("a list").extend([mapper("0"), mapper("1")]);
        let observed = arrange(&with(list, &marker));
        let foreign: Vec<String> = diff(&desired, &observed, &observed.applied(), &Secrets::default())
            .foreign
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            foreign,
            [
                "component/org.keycloak.storage.UserStorageProvider/directory#a",
                "sub-component/directory#a%2Fm/below",
                "sub-component/directory#a/m",
                "sub-component/directory%2Fm#b-m/below",
                "sub-component/directory/m",
                "sub-component/directory/m#1",
                "sub-component/directory/m#b-m",
            ]
        );
        let id = &"component/org.keycloak.storage.UserStorageProvider/directory".parse().expect("an address");
        assert_eq!(observed.get(id).expect("there").id.as_deref(), Some("b"));
    }
}

/// What Keycloak makes when it needs a key is its own; what has such a name and is meant to be used is not.
#[test]
fn a_key_is_not_hidden_by_its_name() {
    let key = |name: &str, provider: &str, priority: &str| json!({"name": name, "providerId": provider, "config": {"priority": [priority]}});
    let observed = arrange(&json!({"realm": "clinic", "components": {"org.keycloak.keys.KeyProvider": [
        key("fallback-RS256", "rsa-generated", "-100"),
        key("fallback-ES256", "ecdsa-generated", "100"),
        key("fallback-HS256", "rsa", "-100"),
    ]}}));
    let foreign = diff(&RealmState::default(), &observed, &Applied::default(), &Secrets::default()).foreign;
    let names: Vec<&str> = foreign.iter().map(|id| id.owner_and_name().1).collect();
    assert_eq!(names, ["fallback-ES256", "fallback-HS256"]);
}

/// Of what is declared and not recorded, every field that nobody declared is named; of a user, what others set.
#[test]
fn fields_of_what_keycloak_makes_none_of_are_named_too() {
    let desired = arrange(&json!({
        "realm": "clinic",
        "clients": [{"clientId": "portal", "protocolMappers": [{"name": "m", "protocolMapper": "oidc-sub-mapper"}]}],
        "organizations": [{"alias": "ward", "name": "Ward"}],
        "users": [{"username": "bea"}],
    }));
    let mut realm = json!({
        "realm": "clinic",
        "keycloakVersion": "26.4.7",
        "clients": [{"clientId": "portal", "protocolMappers": [{"name": "m", "protocolMapper": "oidc-sub-mapper"}]}],
        "organizations": [{"alias": "ward", "name": "Ward", "enabled": true}],
        "users": [{"username": "bea", "enabled": true, "firstName": "Bea", "attributes": {"locale": ["de"]}}],
    });
    let found = |realm: &Value| -> Vec<String> {
        let fields = foreign::fields(&desired, &arrange(realm), &Applied::default(), &[]);
        fields.iter().flat_map(|(id, paths)| paths.iter().map(move |path| format!("{id} {path}"))).collect()
    };
    assert_eq!(found(&realm), [""; 0]);
    realm["clients"][0]["protocolMappers"][0]["protocol"] = "openid-connect".into();
    realm["organizations"][0]["enabled"] = false.into();
    realm["organizations"][0]["domains"] = json!([{"name": "evil.example"}]);
    realm["users"][0]["enabled"] = false.into();
    realm["users"][0]["attributes"]["badge"] = json!(["7"]);
    let expected = [
        "client-mapper/portal/m protocol",
        "organization/ward domains",
        "organization/ward enabled",
        "user/bea attributes.badge",
        "user/bea enabled",
    ];
    assert_eq!(found(&realm), expected);
}

/// A client of Keycloak's own that is declared is changed, never brought: what others change of it is theirs.
#[test]
fn a_declared_client_of_keycloaks_own_is_held_against_its_own_defaults() {
    let mut realm = made();
    edit(&mut realm, "/clients/{admin-cli}/standardFlowEnabled", json!(true));
    let mut desired = desired();
    desired.objects.extend(
        arrange(&json!({"realm": "clinic", "clients": [{"clientId": "admin-cli", "name": "CLI"}]}))
            .objects
            .into_iter()
            .filter(|(id, _)| id.to_string() == "client/admin-cli"),
    );
    let fields = foreign::fields(&desired, &arrange(&realm), &Applied::default(), &[]);
    let id = &"client/admin-cli".parse().expect("an address");
    assert_eq!(fields.get(id).map(Vec::as_slice), Some(&["standardFlowEnabled".to_owned()][..]));
}

/// What a mapper of a manifest leaves out, Keycloak fills in after another claim of it; of its own mappers all is recorded.
#[test]
fn claims_that_keycloak_fills_in_are_told_from_edits() {
    let mut realm = made();
    let scopes = realm["clientScopes"].as_array_mut().expect("a list");
    let basic = scopes.iter_mut().find(|scope| scope["name"] == "basic").expect("there");
    let mappers = basic["protocolMappers"].as_array_mut().expect("a list");
    let mapper = mappers.iter_mut().find(|mapper| mapper["name"] == "auth_time").expect("there");
    mapper["config"]["id.token.claim"] = "false".into();
    mapper["config"]["userinfo.token.claim"] = "false".into();
    let id = &"client-scope-mapper/basic/auth_time".parse().expect("an address");
    let paths = |desired: &RealmState| {
        foreign::fields(desired, &arrange(&realm), &Applied::default(), &[]).remove(id).unwrap_or_default()
    };
    assert_eq!(paths(&desired()), ["config.id.token.claim", "config.userinfo.token.claim"]);
    let declared = json!({"realm": "clinic", "clientScopes": [{"name": "basic", "protocolMappers": [{"name": "auth_time", "config": {"id.token.claim": "false"}}]}]});
    assert_eq!(paths(&arrange(&declared)), [""; 0]);
}

/// A realm keeps what an older version made it with.
#[test]
fn what_an_older_version_makes_is_not_foreign() {
    let mut realm = made();
    realm["webAuthnPolicyPasswordlessRequireResidentKey"] = "Yes".into();
    realm["identityProviders"][0]["config"]["syncMode"] = "LEGACY".into();
    for version in ["26.4.7", "26.7.3"] {
        realm["keycloakVersion"] = version.into();
        assert_eq!(found(&realm), [""; 0], "{version}");
    }
    realm["webAuthnPolicyPasswordlessRequireResidentKey"] = "No".into();
    assert_eq!(found(&realm), ["realm webAuthnPolicyPasswordlessRequireResidentKey"]);
}

#[test]
fn what_is_recorded_is_the_same_for_every_name() {
    for name in ["clinic", "St Anna/Süd", "$(x)"] {
        let arranged = arrange(&defaults::representation(name)).objects.into_iter();
        let arranged: defaults::Flat = arranged.map(|(id, object)| (id, object.into_inner().fields)).collect();
        assert_eq!(defaults::bare(name), arranged, "{name}");
    }
}
