//! Import and adoption against a real server: by hand-made realms, by exports, by files of other tools.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Map, Value, json};

use crate::server::{live, runtime, unique};

/// An administrator of the server, for what the tool itself would never do.
pub struct Admin {
    server: String,
    token: String,
}

impl Admin {
    pub fn new() -> Self {
        Self::of(&live().url, &live().admin)
    }

    /// Of another server.
    pub fn of(server: &str, (user, password): &(String, String)) -> Self {
        let url = format!("{server}/realms/master/protocol/openid-connect/token");
        let form = [("grant_type", "password"), ("client_id", "admin-cli"), ("username", user), ("password", password)];
        let answer: Value = runtime().block_on(async {
            reqwest::Client::new().post(url).form(&form).send().await.expect("answered").json().await.expect("JSON")
        });
        Self { server: server.to_owned(), token: answer["access_token"].as_str().expect("a token").to_owned() }
    }

    pub fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/admin/realms{path}", self.server);
        runtime().block_on(async {
            let request = reqwest::Client::new().request(method, url).bearer_auth(&self.token);
            let request = if body.is_null() { request } else { request.json(body) };
            let answer = request.send().await.expect("answered");
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    fn make(&self, path: &str, body: &Value) {
        let (status, answer) = self.send(reqwest::Method::POST, path, body);
        assert!(status < 300, "{path}: {status} {answer}");
    }

    fn export(&self, realm: &str) -> Value {
        let path = format!("/{realm}/partial-export?exportClients=true&exportGroupsAndRoles=true");
        self.send(reqwest::Method::POST, &path, &Value::Null).1
    }

    fn remove(&self, realm: &str) {
        self.send(reqwest::Method::DELETE, &format!("/{realm}"), &Value::Null);
    }
}

pub fn run(dir: &Path, administrator: bool, arguments: &[&str]) -> Output {
    let live = live();
    let mut command = Command::new(env!("CARGO_BIN_EXE_realmwright"));
    command
        .args(arguments)
        .current_dir(dir)
        .env("REALMWRIGHT_SERVER", &live.url)
        .env("REALMWRIGHT_OPERATOR_KEY", &live.key_file)
        .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
        .env_remove("REALMWRIGHT_ADMIN_USER");
    if administrator {
        command.env("REALMWRIGHT_ADMIN_USER", &live.admin.0).env("REALMWRIGHT_ADMIN_PASSWORD", &live.admin.1);
    }
    command.output().expect("the program runs")
}

fn expect(dir: &Path, administrator: bool, code: i32, arguments: &[&str]) -> (String, String) {
    let output = run(dir, administrator, arguments);
    let said =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}\n{}", said.0, said.1);
    said
}

/// Imports realms, adopts them, and asserts that nothing else was done to them. The report.
fn adopt(realms: &[&str]) -> String {
    let admin = Admin::new();
    let dir = tempfile::tempdir().expect("a directory");
    let before: Vec<Value> = realms.iter().map(|realm| comparable(admin.export(realm))).collect();
    let arguments: Vec<&str> = ["import", "--out", "m"].iter().chain(realms).copied().collect();
    expect(dir.path(), true, 0, &arguments);
    let report = std::fs::read_to_string(dir.path().join("m/import-report.md")).expect("a report");
    let (plan, _) = expect(dir.path(), true, 0, &["plan", "m", "--format", "json"]);
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    for tenant in plan["tenants"].as_array().expect("tenants") {
        let changes: Vec<String> = tenant["changes"]
            .as_array()
            .expect("changes")
            .iter()
            .map(|c| format!("{} {}", c["action"], c["object"]))
            .collect();
        assert_eq!(changes, ["\"adopt\" \"realm\""], "{tenant:#}\n{report}");
        assert!(tenant["foreignFields"].is_null(), "{:#}", tenant["foreignFields"]);
    }
    expect(dir.path(), true, 0, &["apply", "m", "--yes"]);
    let (after, _) = expect(dir.path(), false, 0, &["plan", "m", "--detailed-exitcode"]);
    assert!(after.contains("Nothing to do") && !after.contains("foreign field"), "{after}");
    for (realm, before) in realms.iter().zip(before) {
        let mut moved = Vec::new();
        differences("", &before, &comparable(admin.export(realm)), &mut moved);
        assert!(moved.is_empty(), "adopting {realm} wrote more than the marker and the provisioner: {moved:#?}");
    }
    report
}

/// An export without what adopting writes, and without what moves by itself.
fn comparable(mut export: Value) -> Value {
    let provisioner = "realmwright-provisioner";
    // A PUT of the realm writes some of its settings as attributes too, with the values that they have anyway.
    let mirrored = |key: &str| key.ends_with("SessionIdleTimeout") || key.ends_with("SessionMaxLifespan");
    export["attributes"]
        .as_object_mut()
        .expect("attributes")
        .retain(|key, _| key != "realmwright.applied" && key != "scimApiEnabled" && !mirrored(key));
    let of_it =
        |item: &Value| [&item["clientId"], &item["serviceAccountClientId"]].iter().any(|text| **text == provisioner);
    for section in ["clients", "users"] {
        if let Some(items) = export[section].as_array_mut() {
            items.retain(|item| !of_it(item));
            if items.is_empty() {
                export.as_object_mut().expect("an object").remove(section);
            }
        }
    }
    export["roles"]["client"].as_object_mut().expect("roles").remove(provisioner);
    sorted(&export)
}

fn differences(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
                let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                differences(&format!("{path}/{key}"), &of(before), &of(after), found);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            before
                .iter()
                .zip(after)
                .for_each(|(before, after)| differences(&format!("{path}/-"), before, after, found));
        }
        _ if before == after => {}
        _ => found.push(format!("{path}: {before} -> {after}")),
    }
}

/// With every list in one order: the server gives them in any.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_realm_made_by_hand_is_adopted() {
    let admin = Admin::new();
    let realm = unique("Hand-Made");
    let at = |path: &str| format!("/{realm}/{path}");
    admin.make("", &json!({"realm": realm, "enabled": true, "displayName": "Made $(by) hand", "smtpServer": {"host": "mail.example", "from": "a@b.example", "auth": "true", "user": "u", "password": "planted-secret-1"}}));
    admin.make(
        &at("client-scopes"),
        &json!({"name": "extra", "protocol": "openid-connect", "attributes": {"consent.screen.text": "a: b # c"}}),
    );
    admin.make(&at("clients"), &json!({"clientId": "https://app.example/a b", "secret": "planted-secret-2", "redirectUris": ["https://app.example/*"], "serviceAccountsEnabled": true, "attributes": {"multi": "one\ntwo\n", "pkce.code.challenge.method": "S256"}}));
    admin.make(
        &at("clients"),
        &json!({"clientId": "saml", "protocol": "saml", "attributes": {"saml.assertion.signature": "true"}}),
    );
    for role in ["boss", "night shift", "true", "007"] {
        admin.make(&at("roles"), &json!({"name": role, "attributes": {"level": ["1", "2"]}}));
    }
    let (_, clerk) = admin.send(reqwest::Method::GET, &at("roles/true"), &Value::Null);
    admin.make(&at("roles/boss/composites"), &json!([clerk]));
    admin.make(&at("identity-provider/instances"), &json!({"alias": "google", "providerId": "google", "config": {"clientId": "x", "clientSecret": "planted-secret-3"}}));
    admin.make(&at("groups"), &json!({"name": "staff"}));
    let report = adopt(&[&realm]);
    for secret in ["planted-secret-1", "planted-secret-2", "planted-secret-3"] {
        assert!(!report.contains(secret));
    }
    for named in ["smtpServer.password", "config.clientSecret", "`secret`"] {
        assert!(report.contains(named), "{named} is not told:\n{report}");
    }
    admin.remove(&realm);
}

#[test]
fn without_a_login_the_way_out_is_told() {
    let admin = Admin::new();
    let realm = unique("stranger");
    admin.make("", &json!({"realm": realm, "enabled": true}));
    let dir = tempfile::tempdir().expect("a directory");
    let (_, said) = expect(dir.path(), false, 1, &["import", &realm, "--out", "m"]);
    assert!(said.contains("--admin-user") && said.contains("REALMWRIGHT_ADMIN_PASSWORD"), "{said}");
    admin.remove(&realm);
}

#[test]
fn an_export_of_a_realm_is_taken_back() {
    let admin = Admin::new();
    let (one, two) = (unique("Exported"), unique("exported"));
    admin.make("", &json!({"realm": one, "enabled": true, "clients": [{"clientId": "app", "redirectUris": ["/x"]}], "roles": {"realm": [{"name": "r"}]}, "defaultLocale": "de", "supportedLocales": ["de", "en"], "internationalizationEnabled": true}));
    let mut export = admin.export(&one);
    export["realm"] = two.as_str().into();
    let text = export.to_string().replace(&one, &two);
    let export: Value = serde_json::from_str(&text).expect("JSON");
    let mut born = export.clone();
    without_ids(&mut born);
    admin.make("", &born);
    adopt(&[&one, &two]);
    admin.remove(&one);
    admin.remove(&two);
}

fn without_ids(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !matches!(key.as_str(), "id" | "containerId" | "internalId" | "flowId"));
            map.values_mut().for_each(without_ids);
        }
        Value::Array(items) => items.iter_mut().for_each(without_ids),
        _ => {}
    }
}

#[test]
fn a_file_of_another_tool_becomes_a_realm() {
    let dir = tempfile::tempdir().expect("a directory");
    let realm = unique("shop");
    let text = include_str!("exports/shop.yaml").replace("realm: shop\n", &format!("realm: {realm}\n"));
    std::fs::write(dir.path().join("shop.yaml"), text).expect("a file");
    expect(dir.path(), false, 0, &["import", "--from-file", "shop.yaml", "--out", "m"]);
    let manifest = std::fs::read_to_string(dir.path().join(format!("m/imported/{realm}.yaml"))).expect("a manifest");
    assert!(!manifest.contains("planted-password-1") && manifest.contains("accessTokenLifespan: 240"), "{manifest}");
    let (done, _) = expect(dir.path(), false, 0, &["apply", "m", "--yes"]);
    assert!(done.contains("1 realm created"), "{done}");
    expect(dir.path(), false, 0, &["plan", "m", "--detailed-exitcode"]);
    let admin = Admin::new();
    let export = admin.export(&realm);
    let scopes = export["clientScopes"].as_array().expect("scopes");
    assert!(["orders", "profile"].iter().all(|name| scopes.iter().any(|scope| scope["name"] == *name)));
    admin.remove(&realm);
}

/// Every export of a directory: made by POST, imported, planned, adopted, planned again; then born from the file itself.
/// `REALMWRIGHT_EXPORTS=DIR cargo test --test live exports -- --nocapture` prints the figures of `docs/import.md`.
#[test]
fn exports_of_a_directory_are_adopted_and_born() {
    let Some(exports) = std::env::var_os("REALMWRIGHT_EXPORTS") else { return };
    let admin = Admin::new();
    let mut files: Vec<_> =
        std::fs::read_dir(exports).expect("a directory").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let (mut wrong, mut adopted, mut born, mut objects, mut left) = (Vec::new(), 0, 0, 0, 0);
    for file in &files {
        let text = std::fs::read_to_string(file).expect("readable");
        let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
        let realm = if let Value::Array(items) = value { items.first().cloned().unwrap_or_default() } else { value };
        let Some(name) = realm["realm"].as_str().filter(|name| *name != "master").map(str::to_owned) else { continue };
        let dir = tempfile::tempdir().expect("a directory");
        let nothing_else = |out: &str| {
            let plan = run(dir.path(), true, &["plan", out, "--format", "json"]);
            let plan: Value = serde_json::from_slice(&plan.stdout).unwrap_or_default();
            let changes = plan["tenants"][0]["changes"].as_array().cloned();
            changes.is_some_and(|changes| changes.iter().all(|change| change["action"] == "adopt"))
        };
        let settled = |out: &str| {
            run(dir.path(), true, &["apply", out, "--yes"]).status.success()
                && run(dir.path(), false, &["plan", out, "--detailed-exitcode"]).status.success()
        };
        let mut hold = |held: bool, what: &str| {
            if !held {
                wrong.push(format!("{}: {what}", file.display()));
            }
            usize::from(held)
        };
        admin.remove(&name);
        // Some files are refused by this Keycloak itself.
        if admin.send(reqwest::Method::POST, "", &realm).0 == 201 {
            let said = run(dir.path(), true, &["import", &name, "--out", "live", "--format", "json"]);
            let report: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
            let lost = report["findings"].as_array().into_iter().flatten().filter(|f| f["reason"] == "not-expressed");
            left += lost.count();
            objects += [&report["objects"], &report["builtIn"]].iter().filter_map(|n| n.as_u64()).sum::<u64>();
            adopted += hold(nothing_else("live") && settled("live"), "adopting it changes more");
            admin.remove(&name);
        }
        let path = file.to_string_lossy().into_owned();
        if run(dir.path(), false, &["import", "--from-file", &path, "--out", "file"]).status.success() {
            born += hold(settled("file"), "planning it again after its birth is not empty");
            admin.remove(&name);
        }
    }
    eprintln!("{} files: {adopted} adopted, {born} born; {objects} objects, {left} not expressed", files.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a bare realm and bare objects are like, as `src/state/defaults` keeps it. Written anew by `make defaults`.
#[test]
fn the_recorded_defaults_are_current() {
    let admin = Admin::new();
    let realm = unique("bare");
    admin.make("", &json!({"realm": realm, "enabled": true}));
    let bare = admin.export(&realm);
    for (path, body) in [
        ("clients", json!({"clientId": "probe"})),
        ("clients", json!({"clientId": "probe-saml", "protocol": "saml"})),
        ("client-scopes", json!({"name": "probe", "protocol": "openid-connect"})),
        ("client-scopes", json!({"name": "probe-saml", "protocol": "saml"})),
        ("roles", json!({"name": "probe"})),
        ("groups", json!({"name": "probe"})),
        ("identity-provider/instances", json!({"alias": "probe", "providerId": "oidc", "config": {}})),
    ] {
        admin.make(&format!("/{realm}/{path}"), &body);
    }
    let probed = admin.export(&realm);
    let (_, profile) = admin.send(reqwest::Method::GET, &format!("/{realm}/users/profile"), &Value::Null);
    let named = |list: &Value, key: &str, name: &str| {
        list.as_array().into_iter().flatten().find(|item| item[key] == name).cloned().expect("the probe")
    };
    let role = named(&probed["roles"]["realm"], "name", "probe");
    let recorded = json!({
        "realm": bare,
        "new": {
            "client": named(&probed["clients"], "clientId", "probe"),
            "client saml": named(&probed["clients"], "clientId", "probe-saml"),
            "client-scope": named(&probed["clientScopes"], "name", "probe"),
            "client-scope saml": named(&probed["clientScopes"], "name", "probe-saml"),
            "role": role,
            "client-role": role,
            "group": named(&probed["groups"], "name", "probe"),
            "identity-provider": named(&probed["identityProviders"], "alias", "probe"),
            "user-profile": profile,
        },
    });
    admin.remove(&realm);
    let version = bare["keycloakVersion"].as_str().expect("a version").to_owned();
    let recorded = recordable(&recorded, &realm);
    let (file, recorded) = match version.starts_with("26.7.") {
        true => ("26.7.json", recorded),
        false if version.starts_with("26.4.") => ("26.4.json", realmwright::state::defaults::difference(&recorded)),
        false => return,
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state/defaults").join(file);
    if std::env::var_os("UPDATE_DEFAULTS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&recorded).expect("JSON") + "\n").expect("written");
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("readable")).expect("JSON");
    assert_eq!(sorted(&recorded), sorted(&kept), "`make defaults` writes {} anew", path.display());
}

/// Without what differs from realm to realm.
fn recordable(value: &Value, realm: &str) -> Value {
    const DROPPED: [&str; 10] = [
        "id",
        "containerId",
        "internalId",
        "parentId",
        "secret",
        "keycloakVersion",
        "types",
        "notBefore",
        "client.secret.creation.time",
        "flowId",
    ];
    let generated = |key: &str| key.starts_with("saml.signing") || key.starts_with("saml.encryption");
    match value {
        Value::String(text) => text.replace(realm, "$(tenant.name)").into(),
        Value::Array(items) => items.iter().map(|item| recordable(item, realm)).collect(),
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !DROPPED.contains(&key.as_str()) && !generated(key));
            let kept: Map<String, Value> =
                kept.map(|(key, value)| (key.replace(realm, "$(tenant.name)"), recordable(value, realm))).collect();
            kept.into()
        }
        other => other.clone(),
    }
}
