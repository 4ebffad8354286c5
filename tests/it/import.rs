//! Realms as manifests, offline: what is left out, what is told, and that the manifests plan nothing.

use realmwright::diagnostic::Severity;
use realmwright::expand::{Trusted, expand};
use realmwright::import::report::Reason;
use realmwright::import::{Imported, Options, Placement, Realm, import};
use realmwright::manifest::resolve::resolve;
use realmwright::manifest::{Loaded, load};
use realmwright::plan::{Action, plan_tenant};
use realmwright::state::secret::Secrets;
use realmwright::state::{arrange, assemble, defaults};
use realmwright::template::builtin;
use serde_json::{Value, json};

fn options() -> Options {
    Options { platform: "platform".into(), environment: "test".into(), server: None, with_platform: true }
}

fn imported(realms: &[Value], live: bool) -> Imported {
    let realms: Vec<Realm> = realms.iter().map(|one| Realm { representation: one.clone(), live }).collect();
    import(&realms, &Placement::below("imported"), &options()).expect("it can be written")
}

/// A realm as a server has it: a bare one, and this over it.
fn live(name: &str, over: Value) -> Value {
    let mut realm = defaults::representation(name);
    realm["keycloakVersion"] = "26.7.3".into();
    lay(&mut realm, over);
    realm
}

fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            over.into_iter().for_each(|(key, value)| lay(under.entry(key).or_insert(Value::Null), value));
        }
        (Value::Array(under), Value::Array(over)) => under.extend(over),
        (under, over) => *under = over,
    }
}

fn text<'a>(imported: &'a Imported, name: &str) -> &'a str {
    let file = imported.files.iter().find(|file| file.name == name);
    &file.unwrap_or_else(|| panic!("no {name} among {:?}", imported.files)).text
}

/// Every change but the adoption, and every foreign field, for each of these live realms.
fn planned(imported: &Imported, realms: &[Value]) -> Vec<String> {
    let sources = imported.files.iter().filter(|file| file.name.ends_with(".yaml")).cloned().collect();
    let Loaded { sources, set, mut diagnostics } = load(sources, builtin::sources());
    let set = set.expect("a platform");
    let network = resolve(&set, "test", &mut diagnostics);
    let desired = expand(&set, &sources, &network, Trusted { operator: "{}", broker: "{}" }, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    assert_eq!(desired.len(), realms.len());
    let mut changes = Vec::new();
    for tenant in &desired {
        let realm = realms.iter().find(|realm| realm["realm"] == tenant.name.as_str()).expect("one of them");
        let plan = plan_tenant(tenant, Some(&arrange(realm)), &Secrets::default());
        let (adopted, rest): (Vec<_>, Vec<_>) = plan.changes.iter().partition(|change| change.action == Action::Adopt);
        assert_eq!(adopted.len(), 1, "the realm itself");
        changes.extend(rest.iter().map(|change| format!("{} {:?}", change.object, change.fields)));
        changes.extend(plan.foreign_fields.iter().map(|(id, paths)| format!("foreign {id} {paths:?}")));
    }
    changes
}

#[test]
fn a_bare_realm_needs_no_word() {
    let realm = live("clinic", json!({"displayName": "Clinic"}));
    let result = imported(std::slice::from_ref(&realm), true);
    insta::assert_snapshot!(text(&result, "imported/clinic.yaml"), @r"
    # yaml-language-server: $schema=../manifest.schema.json
    apiVersion: realmwright/v1
    kind: Organization
    name: clinic
    parent: imported
    label: Clinic
    template: imported

    realm: {displayName: $(tenant.label), enabled: true}
    ");
    assert_eq!(result.findings, []);
    assert_eq!(planned(&result, &[realm]), Vec::<String>::new());
}

#[test]
fn what_differs_is_said_and_secrets_are_not() {
    let realm = live(
        "My Realm",
        json!({
            "accessTokenLifespan": 600,
            "attributes": {"note": "costs $(money)", "someApiKey": "hunter2"},
            "smtpServer": {"host": "mail.example", "from": "a@mail.example", "password": "**********"},
            "clients": [
                {"clientId": "https://app.example/x", "secret": "hunter2", "redirectUris": ["https://app.example/*"], "webOrigins": [],
                 "attributes": {"saml.signing.private.key": "hunter2", "client.secret.rotated.expiration.time": "1"},
                 "protocolMappers": [{"name": "m", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper", "config": {"access.token.claim": "true"}}]},
            ],
            "roles": {"realm": [{"name": "boss", "composites": {"realm": ["clerk"]}}, {"name": "clerk"}]},
            "codeSecret": "5e4b0a",
        }),
    );
    let result = imported(std::slice::from_ref(&realm), true);
    let written: String = result.files.iter().map(|file| file.text.as_str()).collect();
    assert!(!written.contains("hunter2") && !written.contains("******") && !written.contains("5e4b0a"));
    insta::assert_snapshot!(text(&result, "imported/My-Realm.yaml"), @r"
    # yaml-language-server: $schema=../manifest.schema.json
    apiVersion: realmwright/v1
    kind: Organization
    name: My Realm
    parent: imported
    template: imported

    realm:
      enabled: true
      accessTokenLifespan: 600
      attributes: {note: costs $$(money)}
      smtpServer: {from: a@mail.example, host: mail.example}
      clients:
        - clientId: https://app.example/x
          redirectUris: [https://app.example/*]
          webOrigins: []
          protocolMappers:
            - name: m
              protocol: openid-connect
              protocolMapper: oidc-audience-mapper
              config: {access.token.claim: true}
      roles:
        realm:
          - name: boss
            composites:
              realm: [clerk]
          - {name: clerk}
    ");
    let told: Vec<String> = result
        .findings
        .iter()
        .map(|f| format!("{:?} {} {}", f.reason, f.object, f.field.as_deref().unwrap_or("-")))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Secret client/https://app.example/x attributes.saml.signing.private.key
    Secret client/https://app.example/x secret
    Secret realm attributes.someApiKey
    NotExpressed realm codeSecret
    Secret realm smtpServer.password
    ");
    assert_eq!(planned(&result, &[realm]), Vec::<String>::new());
}

#[test]
fn realms_that_are_alike_share_a_template() {
    let realm = |at: usize| {
        let name = format!("clinic-{at:02}");
        let mut realm = live(
            &name,
            json!({
                "displayName": format!("Clinic {at}"),
                "accessTokenLifespan": if at == 7 { 900 } else { 600 },
                "clients": [{"clientId": format!("{name}-app"), "publicClient": true, "redirectUris": [format!("https://{name}.example/*")], "webOrigins": ["+"]}],
                "roles": {"realm": [{"name": "doctor"}, {"name": "nurse", "description": "Nurses of the ward"}]},
            }),
        );
        if at != 3 {
            lay(&mut realm, json!({"clients": [{"clientId": "reports", "serviceAccountsEnabled": true}]}));
        }
        realm
    };
    let realms: Vec<Value> = (0..20).map(realm).collect();
    let result = imported(&realms, true);
    assert_eq!(planned(&result, &realms), Vec::<String>::new());
    insta::assert_snapshot!(text(&result, "realm-templates/imported.yaml"), @r"
    # yaml-language-server: $schema=../manifest.schema.json
    apiVersion: realmwright/v1
    kind: RealmTemplate
    name: imported
    description: What the imported realms have in common

    parameters:
      client-reports: {description: Whether there is client/reports, type: boolean, default: true}

    realm:
      displayName: $(tenant.label)
      enabled: true
      accessTokenLifespan: 600
      clients:
        - clientId: $(tenant.name)-app
          publicClient: true
          redirectUris: [https://$(tenant.name).example/*]
          webOrigins: [+]
        - $if(parameters.client-reports):
            - {clientId: reports, serviceAccountsEnabled: true}
      roles:
        realm:
          - {name: doctor}
          - {name: nurse, description: Nurses of the ward}
    ");
    insta::assert_snapshot!(text(&result, "imported/clinic-03.yaml"), @r"
    # yaml-language-server: $schema=../manifest.schema.json
    apiVersion: realmwright/v1
    kind: Organization
    name: clinic-03
    parent: imported
    label: Clinic 3
    template: imported

    parameters: {client-reports: false}
    ");
    let lines = |name: &str| text(&result, name).lines().count();
    assert!((0..20).filter(|at| ![3, 7].contains(at)).all(|at| lines(&format!("imported/clinic-{at:02}.yaml")) <= 8));
}

#[test]
fn a_list_says_who_stands_where() {
    let map =
        "realm,tier,parent,label\nnorth,distributor,,North GmbH\nsales,reseller,north,\nclinic,organization,sales,\n";
    let placement = Placement::below("imported").listed(map).expect("a list");
    let realms: Vec<Realm> = ["north", "sales", "clinic"]
        .iter()
        .map(|name| Realm { representation: live(name, json!({})), live: true })
        .collect();
    let result = import(&realms, &placement, &options()).expect("it can be written");
    let names: Vec<&str> = result.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "manifest.schema.json",
            "north/clinic.yaml",
            "north/north.yaml",
            "north/sales.yaml",
            "platform.yaml",
            "realm-templates/imported.yaml"
        ]
    );
    assert!(text(&result, "north/clinic.yaml").contains("kind: Organization\nname: clinic\nparent: sales\n"));
    assert!(text(&result, "north/north.yaml").contains("label: North GmbH\n"));
    let wrong = Placement::below("x").listed("realm,tear\n").expect_err("a column that is none");
    assert_eq!(wrong.hint, "did you mean `tier`?");
}

#[test]
fn a_file_of_another_tool_keeps_its_built_in_scopes_and_loses_its_variables() {
    let file = json!({
        "realm": "shop",
        "enabled": true,
        "clientScopes": [{"name": "orders", "protocol": "openid-connect"}],
        "clients": [{"clientId": "web", "secret": "$(env:WEB_SECRET)", "rootUrl": "$(env:WEB_URL)", "baseUrl": "$(env:BASE:-/start)",
                     "redirectUris": ["/*"], "defaultClientScopes": ["orders", "profile"]}],
        "groups": [{"name": "staff"}],
    });
    let mut findings = Vec::new();
    let look_up = |name: &str| (name == "WEB_SECRET").then(|| "planted".to_owned());
    let resolved = realmwright::import::substitute::resolve(&file, &look_up, &mut findings);
    assert_eq!(
        findings.iter().map(|f| f.field.as_deref().unwrap_or_default()).collect::<Vec<_>>(),
        ["clients.web.baseUrl", "clients.web.rootUrl", "clients.web.secret"]
    );
    let result = imported(&[resolved], false);
    let written: String = result.files.iter().map(|file| file.text.as_str()).collect();
    assert!(!written.contains("planted") && written.contains("baseUrl: /start"));
    assert!(
        text(&result, "realm-templates/imported.yaml").contains("- name: profile\n"),
        "the built-in scopes are kept"
    );
    assert!(result.findings.iter().all(|finding| finding.reason != Reason::Secret));
}

#[test]
fn what_stands_for_a_value_becomes_one_or_is_told() {
    let file = json!({
        "realm": "$(env:NAME:-shop)",
        "enabled": "$(ENABLED:-true)",
        "displayName": "${TITLE:The $(word) shop}",
        "accessTokenLifespan": "$(env:LIFE)",
        "loginTheme": "${env.THEME:plain}",
        "emailTheme": "$(HOST)",
        "attributes": {"a": "$${javascript: 1 + 1}", "b": "$(file:UTF-8:secret.txt)", "c": "${client_account}", "d": "$(money)"},
        "components": {"org.keycloak.storage.UserStorageProvider": [
            {"name": "ldap", "providerId": "ldap", "config": {"bindCredential": ["$(env:LIFE)"], "usersDn": ["ou=$(OU:-${env.DEEP:people}),dc=x"]}}]},
        "users": [{"username": "jo", "credentials": [{"type": "password", "value": "$(env:LIFE)"}]}],
    });
    let mut findings = Vec::new();
    let look_up = |name: &str| (name == "LIFE").then(|| "77".to_owned());
    let resolved = realmwright::import::substitute::resolve(&file, &look_up, &mut findings);
    insta::assert_snapshot!(resolved, @r#"
    {"accessTokenLifespan":77,"attributes":{"c":"${client_account}","d":"$(money)"},"components":{"org.keycloak.storage.UserStorageProvider":[{"config":{"bindCredential":[],"usersDn":["ou=people,dc=x"]},"name":"ldap","providerId":"ldap"}]},"displayName":"The $(word) shop","emailTheme":"$(HOST)","enabled":true,"loginTheme":"plain","realm":"shop","users":[{"credentials":[{"type":"password"}],"username":"jo"}]}
    "#);
    let told: Vec<String> = findings
        .iter()
        .map(|found| format!("{} {}: {}", found.realm, found.field.as_deref().unwrap_or("-"), found.why))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    shop accessTokenLifespan: `$(env:LIFE)` is written out with its value of now
    shop attributes.a: scripts in files are not run; left out
    shop attributes.b: `$(file:UTF-8:secret.txt)` has no value here; left out
    shop components.org.keycloak.storage.UserStorageProvider.ldap.config.bindCredential.0: `$(env:LIFE)` stands for a secret; left out
    shop components.org.keycloak.storage.UserStorageProvider.ldap.config.usersDn.0: `${env.DEEP:people}` is written out with its value of now
    shop components.org.keycloak.storage.UserStorageProvider.ldap.config.usersDn.0: `$(OU:-${env.DEEP:people})` is written out with its value of now
    shop displayName: `${TITLE:The $(word) shop}` is written out with its value of now
    shop enabled: `$(ENABLED:-true)` is written out with its value of now
    shop loginTheme: `${env.THEME:plain}` is written out with its value of now
    shop realm: `$(env:NAME:-shop)` is written out with its value of now
    shop users.jo.credentials.0.value: `$(env:LIFE)` stands for a secret; left out
    ");
}

#[test]
fn later_files_of_a_realm_add_and_win() {
    let mut known = json!({
        "realm": "shop", "enabled": true, "attributes": {"a": "1", "b": "1"}, "defaultGroups": ["/staff"],
        "clients": [{"clientId": "web", "redirectUris": ["/a", "/b"], "protocolMappers": [{"name": "m", "config": {"x": "1"}}]}],
        "roles": {"client": {"web": [{"name": "boss"}]}},
        "identityProviderMappers": [{"name": "m", "identityProviderAlias": "north", "config": {"x": "1"}}],
        "authenticationFlows": [{"alias": "door", "authenticationExecutions": [{"authenticator": "a"}, {"authenticator": "b"}]}],
        "userProfile": {"attributes": [{"name": "username"}, {"name": "shoeSize"}]},
    });
    let later = json!({
        "realm": "shop", "enabled": null, "attributes": {"b": "2", "c": "2"}, "defaultGroups": [],
        "clients": [{"clientId": "web", "redirectUris": ["/c"], "protocolMappers": [{"name": "n"}]}, {"clientId": "app"}],
        "roles": {"client": {"web": [{"name": "clerk"}]}},
        "identityProviderMappers": [{"name": "m", "identityProviderAlias": "south"}],
        "authenticationFlows": [{"alias": "door", "authenticationExecutions": [{"authenticator": "c"}]}],
        "userProfile": {"attributes": [{"name": "username"}]},
    });
    realmwright::import::united::unite(&mut known, later);
    assert_eq!(
        known,
        json!({
            "realm": "shop", "enabled": true, "attributes": {"a": "1", "b": "2", "c": "2"}, "defaultGroups": [],
            "clients": [{"clientId": "web", "redirectUris": ["/c"], "protocolMappers": [{"name": "m", "config": {"x": "1"}}, {"name": "n"}]}, {"clientId": "app"}],
            "roles": {"client": {"web": [{"name": "boss"}, {"name": "clerk"}]}},
            "identityProviderMappers": [
                {"name": "m", "identityProviderAlias": "north", "config": {"x": "1"}}, {"name": "m", "identityProviderAlias": "south"}],
            "authenticationFlows": [{"alias": "door", "authenticationExecutions": [{"authenticator": "c"}]}],
            "userProfile": {"attributes": [{"name": "username"}]},
        })
    );
}

#[test]
fn authorization_settings_are_read_as_keycloaks_import_reads_them() {
    let file = json!({
        "realm": "shop", "enabled": true, "registrationEmailAsUsername": true,
        "users": [{"username": "jo", "email": "Jo@shop.example", "enabled": true}],
        "roles": {"realm": [{"name": "boss"}]},
        "clients": [
            {"name": "it has no name", "authorizationSettings": {"policies": []}},
            {"clientId": "a", "bearerOnly": true, "publicClient": true, "authorizationSettings": {
                "scopes": [{"name": "view"}],
                "resources": [{"name": "r", "scopes": ["view"], "attributes": {"x": "y"}}],
                "policies": [{"name": "p", "type": "role", "config": {"roles": "[{\"id\":\"boss\"},{\"id\":\"nobody\"}]"}}],
            }},
        ],
    });
    let (born, told) = from_file(&file);
    let client = named(&born["clients"], "clientId", "a");
    assert_eq!(client["authorizationServicesEnabled"], true);
    assert_eq!(client["serviceAccountsEnabled"], true);
    assert_eq!((&client["publicClient"], &client["bearerOnly"]), (&json!(false), &json!(false)));
    let settings = &client["authorizationSettings"];
    assert_eq!(settings["resources"], json!([{"name": "r", "scopes": [{"name": "view"}], "attributes": {"x": ["y"]}}]));
    assert_eq!(named(&settings["policies"], "name", "p")["config"]["roles"], "[{\"id\":\"boss\"}]");
    named(&born["users"], "username", "jo@shop.example");
    assert_eq!(told, ["NotExpressed authorization/a policies.p", "NotExpressed client -"]);
}

#[test]
fn members_and_accounts_of_a_file_are_expressed() {
    let file = json!({
        "realm": "shop", "enabled": true, "organizationsEnabled": true,
        "clients": [{"clientId": "web", "redirectUris": ["/*"], "webOrigins": [""]}],
        "identityProviders": [{"alias": "corp", "providerId": "oidc", "config": {"clientId": "x", "authorizationUrl": "https://c.example/a", "tokenUrl": "https://c.example/t"}}],
        "users": [{"username": "jo", "enabled": true, "federatedIdentities": [
            {"identityProvider": "corp", "userId": "7", "userName": "jo7"}, {"identityProvider": "gone", "userId": "1"}]}, {"username": "ann", "enabled": true}],
        "organizations": [{"name": "Acme", "alias": "acme", "enabled": true, "domains": [{"name": "acme.example"}],
            "members": [{"username": "Jo", "membershipType": "UNMANAGED"}, {"username": "ann", "membershipType": "MANAGED"}, {"username": "nobody"}]}],
    });
    let (born, told) = from_file(&file);
    assert_eq!(
        named(&born["clients"], "clientId", "web").get("webOrigins"),
        Some(&json!([])),
        "an empty origin is none"
    );
    let accounts = &named(&born["users"], "username", "jo")["federatedIdentities"];
    assert_eq!(*accounts, json!([{"identityProvider": "corp", "userId": "7", "userName": "jo7"}]));
    assert_eq!(
        named(&born["organizations"], "alias", "acme")["members"],
        json!([{"username": "ann"}, {"username": "jo"}])
    );
    assert_eq!(
        told,
        ["NotExpressed organization/acme members.nobody", "NotExpressed user/jo federatedIdentities.gone",]
    );
}

#[test]
fn every_kind_is_expressed() {
    let mut content = crate::support::full::content(1);
    // A server has each of these once.
    content.as_object_mut().expect("a mapping").remove("requiredActions");
    let own = |client: &Value| {
        ["admin-cli", "broker", "security-admin-console"].iter().any(|name| client["clientId"] == *name)
    };
    content["clients"].as_array_mut().expect("clients").retain(|client| !own(client));
    let mut realm = live("clinic", content);
    // A flow that stepped back is on its way out.
    lay(
        &mut realm,
        json!({"authenticationFlows": [{"alias": "retired 1795557626484 door", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "authenticationExecutions": []}]}),
    );
    let result = imported(std::slice::from_ref(&realm), true);
    assert_eq!(planned(&result, &[realm]), [] as [String; 0]);
    let written = text(&result, "imported/clinic.yaml");
    assert!(written.contains("greeting: Hallo 1") && !written.contains("retired"), "{written}");
    let not_expressed: Vec<String> = result
        .findings
        .iter()
        .filter(|finding| finding.reason == Reason::NotExpressed)
        .map(|finding| format!("{finding:?}"))
        .collect();
    assert_eq!(not_expressed, [] as [String; 0]);
}

const KEYS: &str = "org.keycloak.keys.KeyProvider";

/// What a file became: every change that a plan makes of the realm that is born from it, and what is told.
fn from_file(file: &Value) -> (Value, Vec<String>) {
    let result = imported(std::slice::from_ref(file), false);
    let sources = result.files.iter().filter(|file| file.name.ends_with(".yaml")).cloned().collect();
    let Loaded { sources, set, mut diagnostics } = load(sources, builtin::sources());
    let set = set.expect("a platform");
    let network = resolve(&set, "test", &mut diagnostics);
    let desired = expand(&set, &sources, &network, Trusted { operator: "{}", broker: "{}" }, &mut diagnostics);
    assert!(diagnostics.iter().all(|found| found.severity != Severity::Error), "{diagnostics:#?}");
    let told =
        result.findings.iter().map(|f| format!("{:?} {} {}", f.reason, f.object, f.field.as_deref().unwrap_or("-")));
    (assemble(&desired[0].state), told.collect())
}

fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let items = list.as_array().expect("a list");
    items.iter().find(|item| item[key] == name).unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

#[test]
fn the_words_of_older_versions_are_understood() {
    let (born, told) = from_file(&json!({
        "realm": "Old", "enabled": true, "sslRequired": "ALL", "defaultRoles": ["user"],
        "privateKey": "planted", "codeSecret": "planted",
        "attributes": {"_browser_header.xFrameOptions": "DENY", "failureFactor": "7", "own": "kept"},
        "requiredActions": [{"alias": "terms_and_conditions", "name": "Terms", "providerId": "terms_and_conditions", "enabled": false}],
        "roles": {"realm": [{"name": "user"}], "application": {"shop": [{"name": "buyer"}]}},
        "applications": [{"name": "shop", "enabled": true, "redirectUris": ["/*"], "defaultRoles": ["buyer"], "useTemplateScope": false}],
        "oauthClients": [{"name": "third", "enabled": true, "directGrantsOnly": true}],
        "applicationScopeMappings": {"shop": [{"client": "third", "roles": ["buyer"]}]},
        "users": [{"username": "ann", "enabled": true, "applicationRoles": {"shop": ["buyer"]}}],
        "authenticationFlows": [
            {"alias": "door", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "authenticationExecutions": [
                {"authenticator": "auth-otp-form", "requirement": "OPTIONAL", "priority": 20}]}],
        "userFederationProviders": [{"displayName": "directory", "providerName": "ldap", "priority": 1, "config": {"vendor": "other"}}],
        "userFederationMappers": [{"name": "mail", "federationProviderDisplayName": "directory",
                                   "federationMapperType": "user-attribute-ldap-mapper", "config": {"ldap.attribute": "mail"}}],
    }));
    assert_eq!(told, ["Secret realm codeSecret", "Secret realm privateKey"]);
    assert_eq!((&born["sslRequired"], &born["failureFactor"]), (&json!("all"), &json!(7)));
    assert_eq!(born["browserSecurityHeaders"]["xFrameOptions"], "DENY");
    assert_eq!(born["attributes"]["own"], "kept");
    assert_eq!(named(&born["requiredActions"], "alias", "TERMS_AND_CONDITIONS")["name"], "Terms");
    let default = named(&born["roles"]["realm"], "name", "default-roles-old");
    assert_eq!(default["composites"]["realm"], json!(["offline_access", "uma_authorization", "user"]));
    assert_eq!(default["composites"]["client"]["shop"], json!(["buyer"]));
    assert_eq!(default["composites"]["client"]["account"], json!(["manage-account", "view-profile"]));
    let third = named(&born["clients"], "clientId", "third");
    assert_eq!((&third["consentRequired"], &third["directAccessGrantsEnabled"]), (&json!(true), &json!(true)));
    assert_eq!(born["clientScopeMappings"]["shop"], json!([{"client": "third", "roles": ["buyer"]}]));
    assert_eq!(named(&born["users"], "username", "ann")["clientRoles"]["shop"], json!(["buyer"]));
    let inner = named(&born["authenticationFlows"], "alias", "door - auth-otp-form - Conditional");
    assert_eq!(inner["authenticationExecutions"][0]["authenticator"], "conditional-user-configured");
    let directory = &born["components"]["org.keycloak.storage.UserStorageProvider"][0];
    assert_eq!(directory["config"]["vendor"], json!(["other"]));
    assert_eq!(
        directory["subComponents"]["org.keycloak.storage.ldap.mappers.LDAPStorageMapper"][0]["config"]["ldap.attribute"],
        json!(["mail"])
    );
}

#[test]
fn what_a_birth_needs_of_a_file_is_written_though_it_is_the_default() {
    let (born, told) = from_file(&json!({
        "realm": "new",
        "enabled": true,
        "clients": [
            {"clientId": "partner", "protocol": "saml", "defaultClientScopes": ["role_list", "email"]},
            {"clientId": "job", "serviceAccountsEnabled": true, "defaultClientScopes": ["email", "role_list"], "authorizationServicesEnabled": false},
        ],
        "identityProviders": [{"alias": "corp", "providerId": "oidc", "config": {}}],
        "groups": [{"name": "staff", "realmRoles": ["worker"]}],
        "users": [{"username": "ann", "enabled": true, "realmRoles": ["uma_authorization", "boss"], "attributes": {"phone": ["1"]}}],
    }));
    let client = |name| named(&born["clients"], "clientId", name);
    assert_eq!(
        (&client("partner")["protocol"], &client("partner")["defaultClientScopes"]),
        (&json!("saml"), &json!(["role_list"]))
    );
    assert_eq!(client("job")["defaultClientScopes"], json!(["email", "service_account"]));
    assert!(client("job").get("authorizationServicesEnabled").is_none());
    assert_eq!(born["identityProviders"][0]["providerId"], "oidc");
    for role in ["worker", "boss", "uma_authorization"] {
        named(&born["roles"]["realm"], "name", role);
    }
    assert_eq!(told, ["NotExpressed user/ann attributes.phone"]);
}

#[test]
fn what_a_server_would_not_show_of_a_file_is_told() {
    let (born, told) = from_file(&json!({
        "realm": "new", "enabled": true, "keycloakVersion": "13.0.0",
        "clientProfiles": {"profiles": [{"name": "fapi", "builtin": false, "executors": [{"secure-response-type": {}}]}]},
        "components": {"org.keycloak.storage.UserStorageProvider": [
            {"name": "directory", "providerId": "ldap", "config": {"vendor": ["other"], "baseDn": ["dc=x"]}}]},
        "identityProviders": [{"alias": "corp", "providerId": "oidc", "config": {"hideOnLoginPage": "true"}}],
        "clients": [{"clientId": "app", "publicClient": true, "authorizationServicesEnabled": true, "authorizationSettings": {}}],
        "authenticationFlows": [{"alias": "browser", "providerId": "basic-flow", "topLevel": true, "builtIn": true, "authenticationExecutions": [
            {"authenticator": "auth-cookie", "requirement": "ALTERNATIVE", "priority": 10}]}],
        "users": [{"username": "service-account-gone", "enabled": true, "realmRoles": ["offline_access"]}],
    }));
    assert_eq!(
        told,
        [
            "NotExpressed component/org.keycloak.storage.UserStorageProvider/directory config.baseDn",
            "NotExpressed realm clientProfiles",
            "NotExpressed user/service-account-gone -",
        ]
    );
    assert_eq!(born["identityProviders"][0]["hideOnLogin"], true);
    let app = named(&born["clients"], "clientId", "app");
    assert_eq!((&app["publicClient"], &app["serviceAccountsEnabled"]), (&json!(false), &json!(true)));
    let browser = named(&born["authenticationFlows"], "alias", "browser");
    assert_eq!(browser["authenticationExecutions"][1]["authenticator"], "identity-provider-redirector");
}

#[test]
fn an_import_from_an_older_version_gets_what_came_since() {
    let (born, told) = from_file(&json!({
        "realm": "old", "enabled": true, "keycloakVersion": "20.0.3",
        "clientScopes": [{"name": "email", "protocol": "openid-connect"}],
        "defaultDefaultClientScopes": ["email"],
        "clients": [{"clientId": "web", "redirectUris": ["/*"], "webOrigins": ["+"], "defaultClientScopes": ["email"]}],
        "users": [{"username": "ann", "enabled": true, "attributes": {"phone": ["1"]}}],
    }));
    assert_eq!(told, [] as [&str; 0]);
    let basic = named(&born["clientScopes"], "name", "basic");
    assert_eq!(
        (&basic["protocol"], basic["protocolMappers"].as_array().map(Vec::len)),
        (&json!("openid-connect"), Some(2))
    );
    assert_eq!(born["clientScopes"].as_array().map(Vec::len), Some(4), "with service_account and one for SAML");
    assert_eq!(named(&born["clients"], "clientId", "web")["defaultClientScopes"], Value::Null, "they are the realm's");
    assert_eq!(named(&born["users"], "username", "ann")["attributes"]["phone"], json!(["1"]));
}

#[test]
fn keys_and_scripts_are_not_brought() {
    let (born, told) = from_file(&json!({
        "realm": "new", "enabled": true,
        "components": {"org.keycloak.keys.KeyProvider": [
            {"name": "made", "providerId": "rsa-generated", "config": {"privateKey": ["planted"], "certificate": ["c"], "priority": ["100"], "keyUse": ["SIG"]}},
            {"name": "given", "providerId": "rsa", "config": {"privateKey": ["planted"], "certificate": ["c"]}},
        ]},
        "clients": [{"clientId": "app", "serviceAccountsEnabled": true, "authorizationServicesEnabled": true, "authorizationSettings": {
            "policies": [
                {"name": "script", "type": "js", "config": {"code": "$evaluation.grant();"}},
                {"name": "may", "type": "resource", "config": {"applyPolicies": "[\"script\"]"}},
            ]}}],
    }));
    let keys = born["components"]["org.keycloak.keys.KeyProvider"].as_array().expect("keys");
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0]["name"], &keys[0]["config"]), (&json!("made"), &json!({"priority": ["100"]})));
    let settings = &named(&born["clients"], "clientId", "app")["authorizationSettings"];
    assert_eq!(settings["policies"], json!([{"name": "may", "type": "resource"}]));
    assert_eq!(
        told,
        [
            "NotExpressed authorization/app policies.script",
            "NotExpressed component/org.keycloak.keys.KeyProvider/given -",
            "Secret component/org.keycloak.keys.KeyProvider/given config.privateKey",
            "Secret component/org.keycloak.keys.KeyProvider/made config.privateKey",
        ]
    );
}

#[test]
fn a_flow_whose_settings_are_masked_is_left_alone() {
    let flow = json!({"alias": "door", "providerId": "basic-flow", "topLevel": true, "builtIn": false, "authenticationExecutions": [
        {"authenticator": "of-somebody", "authenticatorConfig": "set", "requirement": "REQUIRED", "priority": 0}]});
    let config = json!([{"alias": "set", "config": {"userAttribute": "**********"}}]);
    let realm =
        live("clinic", json!({"authenticationFlows": [flow], "authenticatorConfig": config, "browserFlow": "door"}));
    let result = imported(std::slice::from_ref(&realm), true);
    assert_eq!(planned(&result, &[realm]), ["foreign realm [\"browserFlow\"]"], "what was told below");
    let told: Vec<String> = result.findings.iter().map(|f| f.object.clone()).collect();
    assert_eq!(told, ["flow/door", "realm"]);
    let why = "it names the flow `door`, which is left alone, because Keycloak masks some of its settings";
    assert_eq!(result.findings[1].why, why, "the realm does have the flow");
}

#[test]
fn a_default_role_with_one_more_role_is_expressed_whole() {
    let mut realm = live("clinic", json!({"roles": {"realm": [{"name": "user"}]}}));
    let roles = realm["roles"]["realm"].as_array_mut().expect("roles");
    let default = roles.iter_mut().find(|role| role["name"] == "default-roles-clinic").expect("the default role");
    default["composites"]["realm"].as_array_mut().expect("a list").push("user".into());
    let result = imported(std::slice::from_ref(&realm), true);
    assert_eq!(result.findings, []);
    assert_eq!(planned(&result, &[realm]), [] as [String; 0]);
    assert!(text(&result, "imported/clinic.yaml").contains("account: [manage-account, view-profile]"));
}

#[test]
fn realms_of_which_one_has_another_flow_are_told_whole() {
    let flow = |authenticator: &str| {
        json!([{"alias": "direct grant", "providerId": "basic-flow", "topLevel": true, "builtIn": true, "authenticationExecutions": [
            {"authenticator": authenticator, "requirement": "REQUIRED", "priority": 10}]}])
    };
    let one = |name: &str, over: Value| {
        let mut realm = live(name, json!({}));
        if let Some(flows) = over["authenticationFlows"].as_array() {
            let kept = realm["authenticationFlows"].as_array_mut().expect("flows");
            kept.retain(|known| flows.iter().all(|flow| flow["alias"] != known["alias"]));
        }
        lay(&mut realm, over);
        realm
    };
    let account = json!({"clients": [{"clientId": "account", "description": "ours"}]});
    let mut third = one("c", json!({}));
    let clients = third["clients"].as_array_mut().expect("clients");
    clients
        .iter_mut()
        .filter(|client| client["clientId"] == "account")
        .for_each(|client| lay(client, account["clients"][0].clone()));
    let realms = [one("a", json!({"authenticationFlows": flow("x")})), one("b", json!({})), third];
    let result = imported(&realms, true);
    assert_eq!(planned(&result, &realms), [] as [String; 0]);
}

#[test]
fn lists_that_a_birth_takes_whole_are_written_whole() {
    let mut file = defaults::representation("new");
    file["requiredActions"].as_array_mut().expect("actions")[0]["defaultAction"] = json!(true);
    lay(
        &mut file,
        json!({"clients": [
        {"clientId": "app", "defaultClientScopes": ["acr", "basic", "email", "profile", "roles", "web-origins"], "optionalClientScopes": ["phone"]}]}),
    );
    let (born, told) = from_file(&file);
    assert_eq!(told, [] as [&str; 0]);
    // They are written after the birth, which would otherwise get no others.
    assert_eq!(born["requiredActions"].as_array().map(Vec::len), Some(1));
    // A realm without one of Keycloak's own keys says all of its keys.
    let keys = |without: usize| {
        let mut file = defaults::representation("new");
        let keys = file["components"][KEYS].as_array_mut().expect("keys");
        keys.push(json!({"name": "ec", "providerId": "ecdsa-generated", "config": {"priority": ["200"]}}));
        keys.drain(..without);
        from_file(&file).0["components"][KEYS].as_array().map(Vec::len)
    };
    assert_eq!((keys(0), keys(1)), (Some(1), Some(4)));
    assert_eq!(named(&born["clients"], "clientId", "app")["defaultClientScopes"].as_array().map(Vec::len), Some(6));
    let mut file = defaults::representation("new");
    file["defaultOptionalClientScopes"] = json!(["phone"]);
    let (born, _) = from_file(&file);
    assert_eq!(born["defaultOptionalClientScopes"], json!(["phone"]));
    assert_eq!(born["clientScopes"].as_array().map(Vec::len), file["clientScopes"].as_array().map(Vec::len));
}

#[test]
fn what_was_changed_of_keycloaks_own_clients_is_expressed() {
    let mut realm = live("clinic", json!({"roles": {"client": {"broker": [{"name": "look"}]}}}));
    let clients = realm["clients"].as_array_mut().expect("clients");
    for client in clients {
        match client["clientId"].as_str().expect("a name") {
            "admin-cli" => client["directAccessGrantsEnabled"] = false.into(),
            "security-admin-console" => {
                client["webOrigins"] = json!(["+", "https://admin.example"]);
                let mapper = json!({"name": "site", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "x"}});
                client["protocolMappers"].as_array_mut().expect("mappers").push(mapper);
            }
            "realm-management" => client["description"] = "by hand".into(),
            _ => {}
        }
    }
    let result = imported(std::slice::from_ref(&realm), true);
    insta::assert_snapshot!(text(&result, "imported/clinic.yaml"), @r"
    # yaml-language-server: $schema=../manifest.schema.json
    apiVersion: realmwright/v1
    kind: Organization
    name: clinic
    parent: imported
    template: imported

    realm:
      enabled: true
      clients:
        - {clientId: admin-cli, directAccessGrantsEnabled: false}
        - clientId: security-admin-console
          webOrigins: [+, https://admin.example]
          protocolMappers:
            - name: site
              protocol: openid-connect
              protocolMapper: oidc-hardcoded-claim-mapper
              config: {claim.name: x}
      roles:
        client:
          broker:
            - {name: look}
    ");
    let told: Vec<String> =
        result.findings.iter().map(|finding| format!("{}: {}", finding.object, finding.why)).collect();
    insta::assert_snapshot!(told.join("\n"), @"client/realm-management: it belongs to Keycloak itself and can't be declared; it differs from what a new realm has in description");
    assert_eq!(planned(&result, &[realm]), ["foreign client/realm-management [\"description\"]"]);
}

/// What is signed of a realm's licences is the tool's, as its marker is: no manifest says it.
#[test]
fn what_is_signed_is_left_out() {
    let mapper = json!({"name": "realmwright-entitlement", "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper", "config": {"claim.name": "entitlement", "claim.value": "x.y.z"}});
    let signed = live(
        "signed",
        json!({"attributes": {"realmwright.entitlement": "x.y.z", "own": "1"},
            "clients": [{"clientId": "app", "protocol": "openid-connect", "protocolMappers": [mapper]}]}),
    );
    let realms = [signed];
    let imported = imported(&realms, true);
    let all: String = imported.files.iter().map(|file| file.text.as_str()).collect();
    assert!(all.contains("own") && all.contains("app") && !all.contains("entitlement"), "{all}");
}
