//! Realms as manifests, offline: what is left out, what is told, and that the manifests plan nothing.

use realmwright::expand::expand;
use realmwright::import::report::Reason;
use realmwright::import::{Imported, Options, Placement, Realm, defaults, import};
use realmwright::manifest::resolve::resolve;
use realmwright::manifest::{Loaded, load};
use realmwright::plan::{Action, plan_tenant};
use realmwright::state::arrange;
use realmwright::state::secret::Secrets;
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

/// Every change but the adoption, for each of these live realms.
fn planned(imported: &Imported, realms: &[Value]) -> Vec<String> {
    let sources = imported.files.iter().filter(|file| file.name.ends_with(".yaml")).cloned().collect();
    let Loaded { sources, set, mut diagnostics } = load(sources, builtin::sources());
    let set = set.expect("a platform");
    let network = resolve(&set, "test", &mut diagnostics);
    let desired = expand(&set, &sources, &network, "{}", &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    assert_eq!(desired.len(), realms.len());
    let mut changes = Vec::new();
    for tenant in &desired {
        let realm = realms.iter().find(|realm| realm["realm"] == tenant.name.as_str()).expect("one of them");
        let plan = plan_tenant(tenant, Some(&arrange(realm)), &Secrets::default());
        let (adopted, rest): (Vec<_>, Vec<_>) = plan.changes.iter().partition(|change| change.action == Action::Adopt);
        assert_eq!(adopted.len(), 1, "the realm itself");
        changes.extend(rest.iter().map(|change| format!("{} {:?}", change.object, change.fields)));
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
            "attributes": {"note": "costs $(money)"},
            "smtpServer": {"host": "mail.example", "password": "**********"},
            "clients": [
                {"clientId": "https://app.example/x", "secret": "hunter2", "redirectUris": ["https://app.example/*"], "webOrigins": [],
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
      smtpServer: {host: mail.example}
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
    Secret client/https://app.example/x secret
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
fn every_kind_is_expressed() {
    let mut content = crate::support::full::content(1);
    // A server has each of these once.
    content.as_object_mut().expect("a mapping").remove("requiredActions");
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
