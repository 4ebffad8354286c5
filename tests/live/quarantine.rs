//! A tenant's end, step by step, against a real server: who gets in, and what comes back.

use std::collections::{BTreeMap, BTreeSet};

use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::state::arrange;
use serde_json::{Value, json};

use crate::server::{live, runtime};
use crate::tenants::{Site, client, export, on_server, put_client};

/// A client of the tenant's own with every grant, so that there is something to shut.
const APP: &str = "    realm:
      browserFlow: browser # without a gate, anybody may register
      registrationAllowed: true
      clients:
        - {clientId: app, publicClient: true, standardFlowEnabled: true, directAccessGrantsEnabled: true, redirectUris: ['https://app.example/*'], optionalClientScopes: [offline_access]}
      identityProviders:
        - {alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: 'https://id.example/a', tokenUrl: 'https://id.example/t', clientId: c}}
";

fn site(name: &str) -> Site {
    let site = Site::new(name);
    let text = site.tenants() + APP;
    site.write("north/north.yaml", &text);
    site.apply();
    site
}

async fn token(realm: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/realms/{realm}/protocol/openid-connect/token", live().url);
    let form: Vec<(&str, &str)> = [("client_id", "app")].into_iter().chain(form.iter().copied()).collect();
    let answer = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn status(realm: &str, path: &str) -> u16 {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    client.get(format!("{}/realms/{realm}/{path}", live().url)).send().await.expect("answered").status().as_u16()
}

fn password() -> [(&'static str, &'static str); 4] {
    [("grant_type", "password"), ("username", "demo"), ("password", "Correct-Horse-9"), ("scope", "openid")]
}

/// Every way in, and whether it leads in.
fn ways_in(realm: &str, tokens: &[(&'static str, String)], initial: &str) -> BTreeMap<String, bool> {
    runtime().block_on(async {
        let mut ways = BTreeMap::new();
        let auth = "protocol/openid-connect/auth?response_type=code&scope=openid";
        let console = format!("{}/realms/{realm}/account/", live().url);
        let pkce = "code_challenge=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx&code_challenge_method=S256";
        for (name, path) in [
            ("browser", format!("{auth}&client_id=app&redirect_uri=https://app.example/x")),
            ("account console", format!("{auth}&client_id=account-console&redirect_uri={console}&{pkce}")),
            ("account", "account/".into()),
            ("self-registration", "protocol/openid-connect/registrations?client_id=app&response_type=code&scope=openid&redirect_uri=https://app.example/x".into()),
            ("password reset", "login-actions/reset-credentials".into()),
        ] {
            ways.insert(name.to_owned(), status(realm, &path).await == 200);
        }
        ways.insert("password grant".into(), token(realm, &password()).await.0 == 200);
        for (name, refresh) in tokens {
            let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
            ways.insert((*name).to_owned(), token(realm, &form).await.0 == 200);
        }
        let made = reqwest::Client::new()
            .post(format!("{}/realms/{realm}/clients-registrations/default", live().url))
            .bearer_auth(initial)
            .json(&json!({"clientId": format!("made-{}", uuid::Uuid::new_v4()), "publicClient": true}))
            .send()
            .await
            .expect("answered");
        ways.insert("client registration".into(), made.status().as_u16() == 201);
        ways
    })
}

fn refresh(realm: &str, scope: &str) -> String {
    let form: Vec<_> = password().into_iter().filter(|(key, _)| *key != "scope").chain([("scope", scope)]).collect();
    let (status, answer) = runtime().block_on(token(realm, &form));
    assert_eq!(status, 200, "{answer}");
    answer["refresh_token"].as_str().expect("a token").to_owned()
}

/// A token with which clients register, as an administrator of the realm makes it.
fn initial_access(realm: &str) -> String {
    let url = format!("{}/admin/realms/{realm}/clients-initial-access", live().url);
    let admin = crate::tenants::admin_token();
    runtime().block_on(async {
        let request =
            reqwest::Client::new().post(url).bearer_auth(admin).json(&json!({"count": 9, "expiration": 3600}));
        let answer: Value = request.send().await.expect("answered").json().await.expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    })
}

#[test]
fn quarantine_shuts_every_way_in_and_restoring_opens_them_again() {
    let site = site("shut");
    let realm = site.clinic.clone();
    let initial = initial_access(&realm);
    let tokens =
        [("refresh token", refresh(&realm, "openid")), ("offline token", refresh(&realm, "openid offline_access"))];
    let before = ways_in(&realm, &tokens, &initial);
    assert!(before.values().all(|open| *open), "{before:?}");
    let tokens =
        [("refresh token", refresh(&realm, "openid")), ("offline token", refresh(&realm, "openid offline_access"))];
    // The first write of a realm adds attributes of the server's own.
    on_server(async |api| {
        let document = api.get(&realm, "").await.expect("readable").expect("there");
        api.put(&realm, "", Some(&document)).await.expect("written");
    });
    let was = snapshot(&realm);

    let said = site.expect(0, &["destroy", &realm, "--yes"]);
    assert!(said.contains("is in quarantine") && said.contains("all sessions are ended"), "{said}");
    let shut = ways_in(&realm, &tokens, &initial);
    assert!(shut.values().all(|open| !*open), "{shut:?}");
    let plan = site.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(plan.contains("in quarantine, kept until"), "{plan}");
    site.expect(0, &["drift"]);
    // Where PUT resets what it omits, as 26.4 does of this field, restoring could not know it.
    let logout = client(&realm, "app")["frontchannelLogout"].clone();
    put_client(&realm, "app", &json!({"clientId": "app", "enabled": true, "frontchannelLogout": logout}));
    for (code, arguments) in
        [(2, &["drift"][..]), (0, &["plan", "--detailed-exitcode"]), (2, &["drift", "--format", "markdown"])]
    {
        let said = site.expect(code, arguments);
        let way = format!("realmwright destroy {realm}");
        assert!(said.contains("client/app") && said.contains(&way) && said.contains("opened"), "{arguments:?}: {said}");
    }
    let output = site.run(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("was opened by hand: client/app"), "{said}");
    site.expect(0, &["destroy", &realm, "--yes"]);
    site.expect(0, &["drift"]);
    site.edit("label: Clinic", "label: Other");
    assert!(site.apply().contains("Nothing to do"));
    site.edit("label: Other", "label: Clinic");
    site.expect(0, &["destroy", &realm, "--yes"]);

    site.expect(0, &["restore", &realm, "--yes"]);
    let is = snapshot(&realm);
    assert_eq!(is.symmetric_difference(&was).collect::<Vec<_>>(), Vec::<&String>::new());
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let after = ways_in(&realm, &tokens, &initial);
    let closed: Vec<&str> = after.iter().filter(|(_, open)| !**open).map(|(name, _)| name.as_str()).collect();
    assert_eq!(closed, ["client registration", "offline token", "refresh token"]);
    site.remove();
}

/// Every field of every object, but for clients that registered themselves while the ways in were tried.
fn snapshot(realm: &str) -> BTreeSet<String> {
    let state = arrange(&export(realm));
    let objects = state.objects.iter().filter(|(id, _)| !id.key.starts_with("made-"));
    objects
        .flat_map(|(id, object)| object.fields.iter().map(move |(path, value)| format!("{id} {path} {value}")))
        .collect()
}

#[test]
fn a_realm_is_deleted_in_two_steps_and_made_again_from_its_export() {
    let site = site("end");
    let realm = site.clinic.clone();
    let last = ["destroy", realm.as_str(), "--final", "--yes", "--export", "last.json"];
    let refusals = |arguments: &[&str]| {
        let output = site.run(arguments);
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.split('[').skip(1).map(|part| part.split(']').next().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(refusals(&last), ["still-declared", "not-quarantined"]);
    site.expect(0, &["destroy", &realm, "--yes", "--export", "first.json"]);
    assert_eq!(refusals(&last), ["still-declared", "retention"]);
    let declared = std::fs::read_to_string(site.dir.path().join("north/north.yaml")).expect("a file");
    let gone = declared.split("organizations:").next().expect("a beginning").to_owned();
    site.write("north/north.yaml", &gone);
    assert_eq!(refusals(&last), ["retention"]);
    assert!(export(&realm)["realm"] == realm.as_str(), "it is still there");
    assert!(!site.dir.path().join("last.json").exists());
    let said = site.expect(0, &[&last[..], &["--waive", "retention"]].concat());
    assert!(said.contains("is deleted"), "{said}");
    on_server(async |api| {
        assert_eq!(api.export(&realm).await.expect("answered"), None);
    });
    let usage = |arguments: &[&str]| {
        let output = site.run(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let again = usage(&last);
    assert!(again.contains("if it was deleted before, nothing is left to do"), "{again}");
    let typo = usage(&["destroy", &format!("{}x", site.north), "--final", "--yes"]);
    assert!(typo.contains(&format!("did you mean `{}`", site.north)), "{typo}");
    let read = |name: &str| std::fs::read_to_string(site.dir.path().join(name)).expect("a file");
    for name in ["first.json", "last.json"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(site.dir.path().join(name)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(read(name).contains("demo@clinic.example") && !read(name).contains("**********"), "{name}");
    }

    site.write("north/north.yaml", &declared);
    site.expect(0, &["restore", &realm, "--from", "last.json", "--yes"]);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let app = client(&realm, "app");
    assert_eq!(app["enabled"], true);
    put_client(&realm, "app", &json!({"clientId": "app", "webOrigins": [], "name": "By hand"}));
    site.expect(1, &["restore", &realm, "--from", "last.json", "--yes"]);
    assert_eq!(client(&realm, "app")["name"], "By hand");
    site.remove();
}

#[test]
fn a_protected_tenant_is_neither_shut_nor_deleted() {
    let site = site("kept");
    let realm = site.clinic.clone();
    site.edit("    label: Clinic\n", "    label: Clinic\n    protected: true\n");
    site.apply();
    let events = crate::tenants::admin_events(&realm);
    for arguments in [&["destroy", realm.as_str(), "--yes"][..], &["destroy", &realm, "--yes", "--final"]] {
        let output = site.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && said.contains("[protected-tenant]"), "{said}");
    }
    // It is protected although no manifest says so any more, until an apply has taken that away.
    site.edit("    protected: true\n", "");
    let output = site.run(&["destroy", &realm, "--yes"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(crate::tenants::admin_events(&realm), events);
    site.apply();
    site.expect(0, &["destroy", &realm, "--yes"]);
    site.remove();
}
