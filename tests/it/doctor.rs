//! What the doctor says of what it finds.

use std::time::Duration;

use realmwright::doctor::examine::{Known, examine};
use realmwright::doctor::facts::{Facts, How, Key, Tenant};
use realmwright::doctor::{Check, Report, Verdict, render};
use realmwright::keycloak::http::Server;
use realmwright::keycloak::inquiry::{Lanes, Rights};
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::{Fault, KeycloakError};
use serde_json::{Value, json};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, ResponseTemplate};

fn rights() -> Rights {
    let all = realmwright::keycloak::bootstrap::MASTER_ROLES;
    Rights {
        realm: vec!["create-realm".into()],
        master: all.iter().map(|role| (*role).to_owned()).collect(),
        token_bytes: 1_400,
        clock_skew: Some(0),
    }
}

fn export() -> Value {
    json!({
        "realm": "clinic", "keycloakVersion": "26.7.4", "adminEventsEnabled": true,
        "attributes": {"realmwright.applied": r#"{"v":1,"environment":"test","objects":{"realm":{}}}"#},
        "clients": [{"clientId": "realmwright-provisioner", "defaultClientScopes": []}],
        "users": [{"username": "service-account-realmwright-provisioner", "clientRoles": {"realm-management": ["realm-admin"]}}],
    })
}

/// A server on which all is well.
pub fn well() -> Facts {
    Facts {
        room: None,
        how: How { server: "https://id.example".into(), key_file: Some("operator.pem".into()) },
        environment: Some("test".into()),
        identity: Ok("https://id.example/realms/master".into()),
        key: Key { place: "operator.pem".into(), problem: None, mode: Some(0o600) },
        clock_skew: Some(0),
        slowest: Duration::from_millis(200),
        rights: Some(Ok(Some(rights()))),
        group: Some(Ok(Some(vec!["create-realm".into()]))),
        lanes: Some(Ok(Lanes::default())),
        realms: Some(Ok(2)),
        bootstrap_scope: Some(false),
        tenants: vec![tenant(export())],
        all: vec!["clinic".into(), "north".into()],
        cache_max: None,
        themes: Some(Ok(["keycloak".to_owned(), "realmwright".to_owned()].into())),
        chosen_themes: Default::default(),
    }
}

fn tenant(export: Value) -> Tenant {
    let issuer = Some("https://id.example/realms/clinic".into());
    Tenant { realm: "clinic".into(), export: Ok(Some(export)), issuer }
}

fn refused(realm: &str, message: &str) -> KeycloakError {
    let (client, realm) = ("x".into(), realm.to_owned());
    let fault = Fault::Refused { client, realm, message: message.into(), clock_skew: None };
    KeycloakError { method: "POST", path: "/token".into(), fault }
}

fn status(status: u16) -> KeycloakError {
    KeycloakError { method: "POST", path: "/x".into(), fault: Fault::Status { status, message: "no".into() } }
}

/// The one check of this name.
fn check(facts: &Facts, id: &str) -> Check {
    let report = Report::of(facts);
    let mut found = report.checks.into_iter().filter(|check| check.id == id);
    found.next().unwrap_or_else(|| panic!("no check {id}"))
}

/// How a check of changed facts ends, and its first mend.
fn after(change: impl FnOnce(&mut Facts), id: &str) -> (Verdict, String) {
    let mut facts = well();
    change(&mut facts);
    let check = check(&facts, id);
    (check.verdict, check.mends.first().cloned().unwrap_or_default())
}

/// A theme that is chosen by a manifest or a realm, and not there, is named with who chooses it.
#[test]
fn a_login_theme_that_the_server_lacks_is_named() {
    let mut facts = well();
    let said = |facts: &Facts| Report::of(facts).checks.into_iter().find(|check| check.id == "server.themes");
    assert_eq!(said(&facts), None, "no realm chooses one");
    let brand = |name: &str| (name.to_owned(), "realmwright".to_owned());
    facts.chosen_themes = ["north", "east", "west", "south"].map(brand).into();
    assert_eq!(said(&facts).map(|check| check.verdict), Some(Verdict::Ok));
    facts.themes = Some(Ok(["keycloak".to_owned()].into()));
    let mut export = export();
    export["loginTheme"] = "acme".into();
    facts.tenants = vec![tenant(export)];
    let check = said(&facts).expect("a check");
    assert_eq!(check.verdict, Verdict::Warn);
    insta::assert_snapshot!(check.says, @"the server lacks the login theme `acme`, which clinic chooses, and `realmwright`, which east, north, south and 1 more choose: users see Keycloak's own pages, and it logs an error for each");
    assert!(check.mends.iter().any(|mend| mend.contains("cp -R themes/realmwright")), "{:?}", check.mends);
    facts.themes = Some(Err(status(403)));
    assert_eq!(said(&facts).map(|check| check.verdict), Some(Verdict::Warn));
    facts.themes = None;
    assert_eq!(said(&facts), None, "it could not be asked");
}

#[test]
fn a_sound_server_has_one_thing_to_be_warned_of() {
    let report = Report::of(&well());
    assert!(report.passes());
    insta::assert_snapshot!(render::text(&report), @r#"
    https://id.example

    ok    server.reachable     a Keycloak answers; its master realm is https://id.example/realms/master
    ok    key.readable         operator.pem holds an EC P-256 key
    ok    key.mode             only its owner may read it (mode 0600)
    ok    clock.skew           the clock here and the server's agree
    ok    bootstrap.accepted   master accepts the client `realmwright` with this key
    ok    bootstrap.roles      it has the rights that it needs, and realms can be made
    ok    bootstrap.token      its token has 1400 bytes
    ok    lanes.group          members of `realmwright-lanes` may create realms
    ok    lanes.left           no lane is left over
    ok    server.version       Keycloak 26.7.4, which was tried
    ok    server.cache         2 realms with 1 clients each (as in the realms looked into) need about 16 entries of the realm cache; it holds 10000 (Keycloak's default, assumed: the server does not tell)
    ok    server.pace          the slowest answer took 0.2 s
    ok    realm.provisioner    clinic: the provisioner logs in and reads the realm
    ok    realm.roles          clinic: the provisioner has realm-admin
    ok    realm.marker         clinic: its marker can be read; objects in it: 1
    ok    realm.events         clinic: admin events are kept: who changed what can be told
    ok    realm.issuer         clinic: its issuer is https://id.example/realms/clinic
    warn  26.8.audience        from 26.8.2 on, the Admin API answers 401 to accounts without the client scope `kc-admin-api`; the upgrade makes it in every realm, and gives it to admin-cli and the console alone. Without it: `realmwright` of master, `realmwright-provisioner` of every realm that was looked into (clinic) (documented by Keycloak, not tried)
          mend: realmwright bootstrap --server https://id.example --operator-key operator.pem   # after the upgrade
          mend: for r in clinic north; do kcadm.sh update clients/$(kcadm.sh get clients -r $r -q clientId=realmwright-provisioner --fields id --format csv --noquotes)/default-client-scopes/$(kcadm.sh get client-scopes -r $r --fields id,name --format csv --noquotes | sed -n 's/,kc-admin-api$//p') -r $r -n -b '{}'; done   # after the upgrade, in every realm of the manifests
    ok    26.8.masked-secret   no identity provider that was looked at keeps a secret (documented by Keycloak, not tried)
    ok    26.8.rest            nothing relies on client secrets that view-clients shows (26.8.0), on mapper writes without manage-realm (26.8.2), or on the endpoints that generate keys (deprecated in 26.8.0) (documented by Keycloak, not tried)

    1 of 2 realms were looked into; --sample 0 takes all, --select TENANT a certain one

    kcadm.sh stands in Keycloak's bin directory, and needs a login:
      kcadm.sh config credentials --server https://id.example --realm master --user admin

    19 ok, 1 to be warned of, 0 failed.
    "#);
}

#[test]
fn a_realm_in_quarantine_must_be_shut() {
    let with = |record: Value, enabled: bool| {
        let mut export = export();
        export["attributes"]["realmwright.quarantine"] = record.to_string().into();
        export["clients"] = json!([{"clientId": "app", "enabled": enabled}]);
        let mut facts = well();
        facts.tenants = vec![tenant(export)];
        let check = check(&facts, "realm.quarantine");
        format!("{:?}: {} {:?}", check.verdict, check.says, check.mends)
    };
    let record = |complete: bool| json!({"by": "a", "since": "2026-01-01", "until": "2026-02-01", "complete": complete, "clients": [], "identityProviders": [], "settings": []});
    let said = [with(record(true), false), with(record(true), true), with(record(false), true)];
    insta::assert_snapshot!(said.join("\n"), @r#"
    Ok: it is in quarantine since 2026-01-01, kept until 2026-02-01, and shut []
    Fail: it is in quarantine since 2026-01-01, and was opened by hand: client/app ["realmwright destroy clinic   # shuts it again", "realmwright restore clinic   # ends its quarantine"]
    Warn: its quarantine was begun and not finished ["realmwright destroy clinic"]
    "#);
    assert!(Report::of(&well()).checks.iter().all(|check| check.id != "realm.quarantine"));
}

#[test]
fn every_mend_is_named() {
    let bootstrap = "realmwright bootstrap --server https://id.example --operator-key operator.pem";
    for (id, verdict, mend, change) in [
        (
            "server.reachable",
            Verdict::Fail,
            "give the base URL with the path",
            Box::new(|f: &mut Facts| f.identity = Err(status(404))) as Box<dyn FnOnce(&mut Facts)>,
        ),
        ("key.mode", Verdict::Warn, "chmod 600 operator.pem", Box::new(|f| f.key.mode = Some(0o644))),
        ("key.readable", Verdict::Fail, "give the file", Box::new(|f| f.key.problem = Some("gone".into()))),
        ("clock.skew", Verdict::Warn, "sudo timedatectl", Box::new(|f| f.clock_skew = Some(-20))),
        ("clock.skew", Verdict::Fail, "sudo timedatectl", Box::new(|f| f.clock_skew = Some(16))),
        (
            "clock.skew",
            Verdict::Fail,
            "sudo timedatectl",
            Box::new(|f| {
                f.clock_skew = None;
                f.rights = Some(Err(refused("master", "Token was issued in the future")));
            }),
        ),
        (
            "bootstrap.accepted",
            Verdict::Fail,
            bootstrap,
            Box::new(|f| f.rights = Some(Err(refused("master", "Invalid client")))),
        ),
        (
            "bootstrap.roles",
            Verdict::Fail,
            bootstrap,
            Box::new(|f| f.rights = Some(Ok(Some(Rights { realm: vec![], ..rights() })))),
        ),
        (
            "bootstrap.token",
            Verdict::Warn,
            "in the console",
            Box::new(|f| f.rights = Some(Ok(Some(Rights { token_bytes: 9_000, ..rights() })))),
        ),
        ("lanes.group", Verdict::Fail, bootstrap, Box::new(|f| f.group = Some(Ok(Some(vec![]))))),
        (
            "lanes.left",
            Verdict::Warn,
            "kcadm.sh delete clients/7 -r master",
            Box::new(|f| f.lanes = Some(Ok(Lanes { orphans: vec![("l".into(), "7".into())], in_use: 0 }))),
        ),
        (
            "server.cache",
            Verdict::Warn,
            "start the server with --cache-embedded-realms-max-count=30000",
            Box::new(|f| f.realms = Some(Ok(3_000))),
        ),
        ("server.pace", Verdict::Warn, "let the proxy in front wait", Box::new(|f| f.slowest = Duration::from_secs(9))),
        ("realm.marker", Verdict::Fail, "give the server of `prod`", Box::new(|f| f.environment = Some("prod".into()))),
        (
            "realm.events",
            Verdict::Warn,
            "kcadm.sh update events/config -r clinic",
            Box::new(|f| {
                let mut off = export();
                off["adminEventsEnabled"] = false.into();
                f.tenants = vec![tenant(off)];
            }),
        ),
        (
            "realm.roles",
            Verdict::Fail,
            "kcadm.sh add-roles -r clinic --uusername service-account-realmwright-provisioner --cclientid realm-management --rolename realm-admin",
            Box::new(|f| {
                let mut few = export();
                few["users"][0]["clientRoles"]["realm-management"] = json!(["manage-realm"]);
                f.tenants = vec![tenant(few)];
            }),
        ),
        (
            "realm.provisioner",
            Verdict::Fail,
            "give the key that the realm was made with",
            Box::new(|f| f.tenants[0].export = Err(refused("clinic", "Invalid client"))),
        ),
        (
            "realm.provisioner",
            Verdict::Warn,
            "kcadm.sh update realms/clinic -s enabled=true",
            Box::new(|f| {
                let fault = Fault::Status { status: 403, message: "Realm not enabled".into() };
                f.tenants[0].export = Err(KeycloakError { fault, ..status(403) });
            }),
        ),
        (
            "26.8.masked-secret",
            Verdict::Warn,
            "change the token URL and the secret in one apply",
            Box::new(|f| {
                let mut with = export();
                with["identityProviders"] = json!([{"alias": "corp", "config": {"clientSecret": "**********"}}]);
                f.tenants = vec![tenant(with)];
            }),
        ),
    ] {
        let (found, first) = after(change, id);
        assert!(found == verdict && first.starts_with(mend), "{id}: {found:?} {first}");
    }
}

#[test]
fn versions_are_told_apart() {
    let of = |version: &str| {
        let mut facts = well();
        let mut other = export();
        other["keycloakVersion"] = version.into();
        facts.tenants = vec![tenant(other)];
        check(&facts, "server.version")
    };
    let verdicts = ["26.4.7", "26.5.5", "26.4.16", "26.9.0", "nightly"].map(|version| of(version).verdict);
    assert_eq!(verdicts, [Verdict::Ok, Verdict::Warn, Verdict::Warn, Verdict::Warn, Verdict::Fail]);
    let mut unsupported = well();
    let Err(error) = realmwright::keycloak::version::check("26.7.1") else { panic!("it is refused") };
    unsupported.tenants[0].export = Err(error);
    let refused = check(&unsupported, "server.version");
    assert!(refused.verdict == Verdict::Fail && refused.says.contains("51554"), "{refused:?}");
}

#[test]
fn the_cache_is_reckoned_with_what_is_known() {
    let mut facts = well();
    facts.realms = Some(Ok(3_000));
    facts.cache_max = Some(40_000);
    let known = check(&facts, "server.cache");
    assert_eq!(known.verdict, Verdict::Ok);
    assert!(
        known.says.contains("24000 entries") && known.says.contains("as --cache-realms-max says"),
        "{}",
        known.says
    );
    facts.tenants.clear();
    assert!(check(&facts, "server.cache").says.contains("10 clients each (assumed)"));
}

/// A server whose clock is an hour behind says so in its `Date`; the doctor only reads.
#[tokio::test]
async fn the_clock_is_compared_and_nothing_is_written() {
    let server = crate::http::mock().await;
    let issuer = json!({"issuer": format!("{}/realms/master", server.uri())});
    let hour_ago = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(1)).expect("a time");
    let date = hour_ago.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Mock::given(method("GET"))
        .and(path_regex("openid-configuration$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(issuer).insert_header("Date", date.as_str()))
        .with_priority(1)
        .mount(&server)
        .await;
    let late = json!({"error": "invalid_client", "error_description": "Token was issued in the future"});
    Mock::given(method("POST"))
        .and(path_regex("/token$"))
        .respond_with(ResponseTemplate::new(400).set_body_json(late).insert_header("Date", date.as_str()))
        .with_priority(1)
        .mount(&server)
        .await;
    let key = OperatorKey::from_pem(&OperatorKey::generate().expect("a key")).expect("a key");
    let connected = Server::connect(&server.uri(), key, None).await;
    let facts = examine(Known { realms: vec!["clinic".into()], ..Known::default() }, Some(connected)).await;
    let skew = check(&facts, "clock.skew");
    assert!(skew.verdict == Verdict::Fail && skew.says.contains("the clock here is 360"), "{skew:?}");
    assert_eq!(check(&facts, "bootstrap.accepted").mends, ["set the clocks right: see clock.skew"]);
    let sent = server.received_requests().await.expect("recorded");
    assert!(sent.iter().all(|request| request.method.as_str() == "GET" || request.url.path().ends_with("/token")));
}

/// Before the rule is in force a plan gives the provisioner the scope, once the realm has it; then nothing shuts it out,
/// and no plan takes the scope away again. Without it, the realm can't be read.
#[tokio::test]
async fn the_provisioner_carries_the_scope_of_26_8_where_the_realm_has_it() {
    let tenant = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\n";
    let world = crate::support::World::new("{}").with("north.yaml", tenant);
    let api = realmwright::keycloak::memory::MemoryKeycloak::new();
    world.apply(&api).await;
    api.upgrade();
    let plan = crate::support::changes(&world.plan(&api).await);
    assert!(plan.contains("kc-admin-api") && !plan.contains("foreign"), "{plan}");
    world.apply(&api).await;
    api.enforce_rules_of_26_8();
    assert!(world.plan(&api).await.is_empty());
    let late = realmwright::keycloak::memory::MemoryKeycloak::new();
    world.apply(&late).await;
    late.upgrade();
    late.enforce_rules_of_26_8();
    let error = realmwright::keycloak::ReadRealms::export(&late, "north").await.expect_err("it is shut out");
    assert_eq!(error.status(), Some(401));
}
