//! The program against a real server: what its users do, and what they rely on.

use std::path::Path;
use std::process::{Command, Output};

use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{connect, live, runtime, unique};

/// A network of its own on the shared server: a manifest directory, and the names of its tenants.
pub struct Site {
    pub dir: TempDir,
    pub clinic: String,
    pub north: String,
}

impl Site {
    pub fn new(name: &str) -> Self {
        let (north, clinic) = (unique(&format!("{name}-n")), unique(&format!("{name}-c")));
        let dir = tempfile::tempdir().expect("a directory");
        let site = Self { dir, clinic, north };
        site.write("platform.yaml", crate::support::PLATFORM);
        site.write("north/user.password", "Correct-Horse-9\n");
        site.write("north/north.yaml", &site.tenants());
        site
    }

    pub fn tenants(&self) -> String {
        format!(
            "apiVersion: realmwright/v1\nkind: Distributor\nname: {}\nlabel: North\norganizations:\n  - name: {}\n    label: Clinic\n    \
             admin: {{email: boss@clinic.example, firstName: Bea, lastName: Boss}}\n    \
             users:\n      - {{username: demo, email: demo@clinic.example, firstName: D, lastName: E, password: 'file:user.password', roles: [assistant/seat]}}\n    \
             licences:\n      - {{product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31, autoRenew: true}}\n",
            self.north, self.clinic
        )
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    pub fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.dir.path().join("north/north.yaml")).expect("a file");
        assert!(text.contains(from), "{from:?} is not in the manifest");
        self.write("north/north.yaml", &text.replace(from, to));
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        run(self.dir.path(), arguments)
    }

    /// What a command says on both outputs. CLINIC and NORTH stand for the tenants, in the line and in what it says.
    pub fn told(&self, code: i32, line: &str) -> String {
        let line = line.replace("CLINIC", &self.clinic).replace("NORTH", &self.north);
        let output = self.run(&line.split(' ').collect::<Vec<_>>());
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_eq!(output.status.code(), Some(code), "{line}\n{text}");
        text.replace(&self.clinic, "CLINIC").replace(&self.north, "NORTH")
    }

    /// Runs a command that must end so, and gives what it printed.
    pub fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        out.into_owned()
    }

    pub fn apply(&self) -> String {
        self.expect(0, &["apply", "--yes"])
    }

    /// The removal of both realms, at the end of a test that went well.
    pub fn remove(self) {
        runtime().block_on(async {
            let api = connect().await;
            for realm in [&self.clinic, &self.north] {
                api.delete(realm, "", None).await.expect("the realm can be removed");
            }
        });
    }
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    let live = live();
    Command::new(env!("CARGO_BIN_EXE_realmwright"))
        .args(arguments)
        .current_dir(dir)
        .env("REALMWRIGHT_SERVER", &live.url)
        .env("REALMWRIGHT_OPERATOR_KEY", &live.key_file)
        .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
        .output()
        .expect("the program runs")
}

pub fn on_server<T>(work: impl AsyncFnOnce(&realmwright::keycloak::http::Server) -> T) -> T {
    runtime().block_on(async { work(&connect().await).await })
}

pub fn export(realm: &str) -> Value {
    on_server(async |api| api.export(realm).await.expect("readable").expect("there"))
}

pub fn client(realm: &str, id: &str) -> Value {
    let export = export(realm);
    let clients = export["clients"].as_array().expect("clients").clone();
    clients.into_iter().find(|client| client["clientId"] == id).unwrap_or_default()
}

pub fn put_client(realm: &str, id: &str, change: &Value) {
    let own = client(realm, id)["id"].as_str().expect("an id").to_owned();
    on_server(async |api| api.put(realm, &format!("clients/{own}"), Some(change)).await.expect("written"));
}

/// What the access token says that the user `demo` gets from the client of the product.
pub fn demo_claims(realm: &str) -> Value {
    let token = demo_token(realm);
    let claims = token.split('.').nth(1).expect("a payload");
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).expect("base64");
    serde_json::from_slice(&claims).expect("JSON")
}

/// The keys of a realm, as it publishes them.
pub fn published_keys(realm: &str) -> String {
    let url = format!("{}/realms/{realm}/protocol/openid-connect/certs", live().url);
    runtime()
        .block_on(async { reqwest::Client::new().get(url).send().await.expect("answered").text().await.expect("text") })
}

/// An access token of the demo user.
pub fn demo_token(realm: &str) -> String {
    let url = format!("{}/realms/{realm}/protocol/openid-connect/token", live().url);
    let form = [
        ("grant_type", "password"),
        ("client_id", "assistant"),
        ("username", "demo"),
        ("password", "Correct-Horse-9"),
        ("scope", "openid"),
    ];
    let answer: Value = runtime().block_on(async {
        reqwest::Client::new().post(url).form(&form).send().await.expect("answered").json().await.expect("JSON")
    });
    answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
}

pub fn admin_events(realm: &str) -> usize {
    let events =
        on_server(async |api| api.get(realm, "admin-events?max=1000").await.expect("readable").expect("there"));
    events.as_array().expect("a list").len()
}

#[test]
fn a_second_apply_writes_nothing_and_leaves_no_admin_event() {
    let site = Site::new("idem");
    assert!(site.apply().contains("2 realms created"));
    let before = (admin_events(&site.clinic), admin_events(&site.north));
    assert!(site.apply().contains("Nothing to do: 2 realms are as the manifests say."));
    assert_eq!((admin_events(&site.clinic), admin_events(&site.north)), before);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.expect(0, &["drift"]);
    site.remove();
}

#[test]
fn a_realm_has_what_its_manifest_says() {
    let site = Site::new("born");
    site.apply();
    let realm = export(&site.clinic);
    assert_eq!(realm["displayName"], "Clinic");
    assert_eq!(
        (&realm["bruteForceProtected"], &realm["sslRequired"], &realm["eventsEnabled"]),
        (&json!(true), &json!("external"), &json!(true))
    );
    for (key, value) in [
        ("product", "assistant"),
        ("type", "pro"),
        ("serial", "A-1"),
        ("seats", "5"),
        ("validUntil", "2027-12-31"),
        ("autoRenew", "true"),
    ] {
        assert_eq!(realm["attributes"][format!("licence.A-1.{key}")], value);
    }
    let roles: Vec<&str> =
        realm["roles"]["realm"].as_array().expect("roles").iter().filter_map(|role| role["name"].as_str()).collect();
    for role in ["tenant-admin", "licence-manager", "member"] {
        assert!(roles.contains(&role), "{roles:?}");
    }
    let keys = realm["components"]["org.keycloak.keys.KeyProvider"].as_array().expect("keys");
    assert!(keys.iter().all(|key| !key["providerId"].as_str().unwrap_or_default().contains("rsa")), "{keys:?}");
    let admin = on_server(async |api| {
        api.get(&site.clinic, "roles/tenant-admin/users").await.expect("readable").expect("there")
    });
    assert_eq!((&admin[0]["username"], &admin[0]["emailVerified"]), (&json!("boss@clinic.example"), &json!(false)));
    let id = admin[0]["id"].as_str().expect("an id");
    let credentials = on_server(async |api| {
        api.get(&site.clinic, &format!("users/{id}/credentials")).await.expect("readable").expect("there")
    });
    assert_eq!(credentials, json!([]), "an invited user has no password");
    site.remove();
}

#[test]
fn a_declared_user_can_log_in_and_has_the_seat() {
    let site = Site::new("login");
    site.apply();
    // Direct grants are off in the shipped templates; this test turns them on for one client.
    put_client(&site.clinic, "assistant", &json!({"clientId": "assistant", "directAccessGrantsEnabled": true}));
    let claims = demo_claims(&site.clinic);
    assert_eq!(claims["resource_access"]["assistant"]["roles"], json!(["seat"]));
    assert_eq!((&claims["email"], claims["sub"].is_string()), (&json!("demo@clinic.example"), true));
    site.expect(2, &["drift"]);
    site.apply();
    site.remove();
}

#[test]
fn a_client_changed_by_hand_is_drift_and_is_repaired() {
    let site = Site::new("drift");
    site.apply();
    put_client(
        &site.clinic,
        "assistant",
        &json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"]}),
    );
    let drift = site.expect(2, &["drift"]);
    for word in
        [site.clinic.as_str(), "client/assistant", "redirectUris", "evil.example", "changed outside Realmwright"]
    {
        assert!(drift.contains(word), "{word} is not in\n{drift}");
    }
    site.expect(2, &["plan", "--detailed-exitcode"]);
    site.apply();
    assert_eq!(client(&site.clinic, "assistant")["redirectUris"], json!(["https://assistant.example/*"]));
    site.expect(0, &["drift"]);
    site.remove();
}

#[test]
fn a_part_is_applied_recorded_and_explained_as_a_part() {
    let site = Site::new("part");
    let missing = site.expect(64, &["plan", "--select", "nobody"]);
    assert!(missing.is_empty());
    let plan = site.expect(0, &["apply", "--yes", "--select", &site.clinic]);
    assert!(plan.contains("1 realm to create") && plan.contains("Left out: 1 tenant"), "{plan}");
    site.apply();
    let evil = json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"]});
    put_client(&site.clinic, "assistant", &evil);
    on_server(async |api| {
        let mut realm = api.get(&site.clinic, "").await.expect("readable").expect("there");
        realm["displayName"] = "By hand".into();
        api.put(&site.clinic, "", Some(&realm)).await.expect("written");
    });
    let explained = site.expect(0, &["explain", &format!("{}/client/assistant#redirectUris", site.clinic)]);
    assert!(explained.contains("of the platform") && explained.contains("changed outside Realmwright"), "{explained}");
    site.expect(0, &["apply", "--yes", "--select", &format!("{}/client/assistant", site.clinic)]);
    assert_eq!(client(&site.clinic, "assistant")["redirectUris"], json!(["https://assistant.example/*"]));
    assert_eq!(export(&site.clinic)["displayName"], "By hand", "it was not selected");
    let rest = site.expect(2, &["drift"]);
    assert!(rest.contains("displayName") && !rest.contains("redirectUris"), "{rest}");
    site.apply();
    site.expect(0, &["drift"]);
    site.remove();
}

#[test]
fn what_is_foreign_stays_and_is_listed() {
    let site = Site::new("foreign");
    site.apply();
    on_server(async |api| {
        api.post(&site.clinic, "clients", &json!({"clientId": "legacy"})).await.expect("created");
        api.post(&site.clinic, "roles", &json!({"name": "nurse"})).await.expect("created");
        api.post(&site.clinic, "users", &json!({"username": "somebody", "enabled": true})).await.expect("created");
    });
    site.expect(0, &["drift"]);
    let before = admin_events(&site.clinic);
    let said = site.apply();
    assert!(
        said.contains("foreign client/legacy") && said.contains("foreign role/nurse") && said.contains("Nothing to do"),
        "{said}"
    );
    assert_eq!(admin_events(&site.clinic), before);
    put_client(&site.clinic, "legacy", &json!({"clientId": "legacy", "name": "Changed"}));
    site.expect(0, &["drift"]);
    assert_eq!(client(&site.clinic, "legacy")["name"], "Changed");
    site.remove();
}

#[test]
fn what_leaves_the_manifest_is_pruned() {
    let site = Site::new("prune");
    let over = "    label: Clinic\n    realm:\n      roles: {realm: [{name: nurse}]}\n      clients: [{clientId: kiosk, publicClient: true, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-sub-mapper, config: {access.token.claim: true}}]}]\n";
    site.edit("    label: Clinic\n", over);
    site.apply();
    assert_eq!(client(&site.clinic, "kiosk")["publicClient"], true);
    site.edit(over, "    label: Clinic\n");
    let said = site.apply();
    assert!(said.contains("- delete  role/nurse") && said.contains("- delete  client/kiosk"), "{said}");
    let realm = export(&site.clinic);
    assert!(realm["roles"]["realm"].as_array().expect("roles").iter().all(|role| role["name"] != "nurse"));
    assert_eq!(client(&site.clinic, "kiosk"), Value::Null);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn a_licence_changes_and_the_servers_own_attributes_stay() {
    let site = Site::new("licence");
    site.apply();
    let attributes = |realm: &Value| realm["attributes"].as_object().expect("attributes").clone();
    let before = attributes(&export(&site.clinic));
    site.edit("seats: 5", "seats: 7");
    let said = site.apply();
    assert!(said.contains("attributes.licence.A-1.seats  \"5\" → \"7\""), "{said}");
    let after = attributes(&export(&site.clinic));
    let changed: Vec<&String> =
        before.iter().filter(|(key, value)| after.get(*key) != Some(value)).map(|(key, _)| key).collect();
    assert_eq!(changed, ["licence.A-1.seats", "realmwright.applied"]);
    assert_eq!(after["cibaExpiresIn"], "120");
    site.remove();
}

#[test]
fn every_kind_is_created_changed_and_deleted() {
    let site = Site::new("kinds");
    site.apply();
    let over = |n: u32, uri: &str| {
        format!(
            "    label: Clinic\n    realm:\n      accessTokenLifespan: {n}\n      clientScopes:\n        - {{name: extra, protocol: openid-connect, description: 'd{n}', attributes: {{a: '{n}'}}, \
             protocolMappers: [{{name: aud, protocol: openid-connect, protocolMapper: oidc-audience-mapper, config: {{included.custom.audience: 'x{n}', access.token.claim: true}}}}]}}\n      \
             components: {{org.keycloak.keys.KeyProvider: [{{name: es384, providerId: ecdsa-generated, config: {{priority: ['{n}'], ecdsaEllipticCurveKey: [P-384]}}}}]}}\n      \
             clients:\n        - {{clientId: worker, name: 'W{n}', publicClient: false, serviceAccountsEnabled: true, defaultClientScopes: [{uri}], attributes: {{k: '{n}'}}}}\n      \
             roles: {{realm: [{{name: nurse, description: 'd{n}'}}, {{name: head-nurse, composites: {{realm: [nurse], client: {{assistant: [seat]}}}}}}]}}\n      \
             users: [{{username: service-account-worker, realmRoles: [nurse]}}, {{username: boss@clinic.example, lastName: 'B{n}', realmRoles: [head-nurse]}}]\n      \
             identityProviders: [{{alias: corp, providerId: oidc, enabled: true, displayName: 'c{n}', config: {{authorizationUrl: 'https://id.example/a{n}', tokenUrl: https://id.example/t, clientId: c, clientSecret: $(parameters.none?)}}}}]\n      \
             defaultDefaultClientScopes: [basic, profile, email, roles, extra]\n"
        )
        .replace(", clientSecret: $(parameters.none?)", "")
    };
    site.edit("    label: Clinic\n", &over(61, "extra"));
    let created = site.apply();
    for object in [
        "client-scope/extra",
        "client-scope-mapper/extra/aud",
        "client/worker",
        "role/nurse",
        "identity-provider/corp",
        "KeyProvider/es384",
    ] {
        assert!(
            created.contains(&format!("+ create  {object}")) || created.contains(object),
            "{object} is not in\n{created}"
        );
    }
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.edit(&over(61, "extra"), &over(62, "basic"));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let realm = export(&site.clinic);
    assert_eq!((&client(&site.clinic, "worker")["name"], &realm["accessTokenLifespan"]), (&json!("W62"), &json!(62)));
    assert_eq!(realm["identityProviders"][0]["config"]["authorizationUrl"], "https://id.example/a62");
    site.edit(&over(62, "basic"), "    label: Clinic\n");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let realm = export(&site.clinic);
    assert!(realm["identityProviders"].as_array().is_none_or(Vec::is_empty));
    assert_eq!(client(&site.clinic, "worker"), Value::Null);
    site.remove();
}

#[test]
fn names_may_hold_slashes_and_other_signs() {
    let site = Site::new("names");
    site.apply();
    let over = "    label: Clinic\n    realm:\n      clients: [{clientId: 'https://pacs.example/a b?c#d%2F', publicClient: true, protocolMappers: [{name: 'm/1', protocol: openid-connect, protocolMapper: oidc-sub-mapper, config: {access.token.claim: true}}]}]\n      roles:\n        realm: [{name: 'ward 3/night & day', description: x, composites: {client: {'https://pacs.example/a b?c#d%2F': ['read/all']}}}]\n        client: {'https://pacs.example/a b?c#d%2F': [{name: 'read/all'}]}\n      users: [{username: boss@clinic.example, realmRoles: ['ward 3/night & day'], clientRoles: {'https://pacs.example/a b?c#d%2F': ['read/all']}}]\n";
    site.edit("    label: Clinic\n", over);
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.edit("description: x", "description: y");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.edit(&over.replace("description: x", "description: y"), "    label: Clinic\n");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    assert_eq!(client(&site.clinic, "https://pacs.example/a b?c#d%2F"), Value::Null);
    site.remove();
}

#[test]
fn a_tenant_changes_its_template_its_admin_and_a_product() {
    let site = Site::new("switch");
    site.edit("email: boss@clinic.example", "email: Boss@Clinic.example");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.write("platform.yaml", &crate::support::PLATFORM.replace("label: Assistant", "label: New Assistant"));
    site.edit("{email: Boss@Clinic.example", "{username: chief, email: Boss@Clinic.example");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    assert_eq!(client(&site.clinic, "assistant")["webOrigins"], json!([]));
    site.write("bare.yaml", "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: bare\nrealm: {enabled: true}\n");
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: bare\n");
    // Most of the realm goes, and the seat that a user holds.
    let events = admin_events(&site.clinic);
    let said = site.expect(3, &["plan", "-o", "bare.json"]);
    for refused in ["[realm-deletions]", "[licence-below-use]", "assistant would have 0 seats instead of 5, and 1 user"]
    {
        assert!(said.contains(refused), "{refused} is not in\n{said}");
    }
    site.expect(3, &["apply", "--yes"]);
    site.expect(3, &["apply", "bare.json", "--waive", "realm-deletions"]);
    assert_eq!(admin_events(&site.clinic), events, "nothing was written");
    let one = format!("realm-deletions@{}", site.clinic);
    site.expect(0, &["apply", "bare.json", "--waive", &one, "--waive", "licence-below-use"]);
    site.expect(0, &["plan", "--detailed-exitcode"]);
    assert_eq!(client(&site.clinic, "assistant"), Value::Null);
    site.edit("    template: bare\n", "");
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn a_realm_of_another_environment_is_refused() {
    let site = Site::new("stage");
    site.apply();
    let two = crate::support::PLATFORM.replace("{test: {}}", "{test: {}, other: {}}");
    site.write("platform.yaml", &two);
    site.expect(0, &["plan", "--detailed-exitcode", "-e", "test"]);
    let output = site.run(&["apply", "--yes", "-e", "other"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(3) && said.contains("belongs to the environment `test`, not `other`"),
        "{said}"
    );
    site.remove();
}

#[test]
fn a_saved_plan_is_executed_and_refused_when_stale() {
    let site = Site::new("saved");
    site.expect(0, &["plan", "-o", "birth.json"]);
    assert!(site.expect(0, &["apply", "birth.json"]).contains("2 realms created"));
    site.edit("label: Clinic", "label: Other Clinic");
    site.expect(0, &["plan", "-o", "label.json"]);
    let own = site.clinic.clone();
    on_server(async |api| {
        let mut realm = api.get(&own, "").await.expect("readable").expect("there");
        realm["displayName"] = "By hand".into();
        api.put(&own, "", Some(&realm)).await.expect("written");
    });
    let events = admin_events(&site.clinic);
    site.expect(4, &["apply", "label.json"]);
    assert_eq!(admin_events(&site.clinic), events);
    assert_eq!(export(&site.clinic)["displayName"], "By hand");
    let text = std::fs::read_to_string(site.dir.path().join("birth.json")).expect("a file");
    assert!(!text.contains("Correct-Horse-9"), "a plan carries no secret");
    site.remove();
}

#[test]
fn what_a_saved_plan_creates_must_not_be_there() {
    let site = Site::new("absent");
    site.apply();
    site.edit(
        "    label: Clinic\n",
        "    label: Clinic\n    realm: {roles: {realm: [{name: nurse}, {name: porter}]}}\n",
    );
    site.expect(0, &["plan", "-o", "roles.json"]);
    let own = site.clinic.clone();
    on_server(async |api| {
        let by_hand = json!({"name": "nurse", "description": "by hand", "attributes": {"evil": ["1"]}});
        api.post(&own, "roles", &by_hand).await.expect("made");
    });
    let events = admin_events(&own);
    let output = site.run(&["apply", "roles.json", "--on-stale", "realm"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(4) && said.contains("role/nurse is there already"), "{said}");
    assert_eq!(admin_events(&own), events);
    let output = site.run(&["apply", "roles.json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(5) && said.contains("role/nurse is there already"), "{said}");
    let roles = export(&own)["roles"]["realm"].clone();
    let of = |name: &str| roles.as_array().into_iter().flatten().find(|role| role["name"] == name).cloned();
    assert!(of("nurse").expect("there")["description"] == "by hand" && of("porter").is_some(), "{roles}");
    assert_eq!(export(&own)["attributes"]["realmwright.begun"], Value::Null);
    // Applied again, what it made itself is its own, and what it did not is not.
    assert_eq!(site.run(&["apply", "roles.json"]).status.code(), Some(5));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn another_key_and_a_foreign_realm_are_refused_and_nothing_is_written() {
    let site = Site::new("key");
    site.apply();
    let other = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let events = admin_events(&site.clinic);
    site.write("other.pem", secrecy::ExposeSecret::expose_secret(&other));
    let output = site.run(&["plan", "-k", "other.pem"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&site.clinic) && said.contains("operator key is not the one that it trusts"), "{said}");
    assert!(output.stdout.is_empty(), "no plan is printed");
    assert_eq!(admin_events(&site.clinic), events);
    site.remove();
}

#[test]
fn a_run_leaves_no_lane_behind_and_sweeps_those_of_a_killed_one() {
    let site = Site::new("lanes");
    // A lane whose process is gone, as a killed run leaves it.
    let lanes = |api: &realmwright::keycloak::http::Server| {
        let listing = format!("{}/admin/realms/master/clients?clientId=realmwright-lane-&search=true", live().url);
        let _ = api;
        let token = admin_token();
        let found: Value = runtime().block_on(async {
            reqwest::Client::new()
                .get(listing)
                .bearer_auth(token)
                .send()
                .await
                .expect("answered")
                .json()
                .await
                .expect("JSON")
        });
        found
            .as_array()
            .expect("a list")
            .iter()
            .map(|client| client["clientId"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    let api = runtime().block_on(connect());
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    let name = format!("realmwright-lane-{}", uuid::Uuid::now_v7().simple());
    let orphan = json!({"clientId": name, "description": format!("Creates realms for the run {}-{namespace}/999999999", boot.trim())});
    let made = format!("{}/admin/realms/master/clients", live().url);
    let token = admin_token();
    let status = runtime().block_on(async {
        reqwest::Client::new().post(made).bearer_auth(token).json(&orphan).send().await.expect("answered").status()
    });
    assert_eq!(status.as_u16(), 201);
    let output = site.run(&["apply", "--yes", "--verbose"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!lanes(&api).contains(&name), "the orphan is swept");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let made = log.lines().filter(|line| line.ends_with("POST /admin/realms/master/clients")).count();
    let removed = log.lines().filter(|line| line.contains("204 DELETE /admin/realms/master/clients/")).count();
    // Another test's run may have swept the orphan already.
    assert!(made == 1 && (1..=2).contains(&removed), "{log}");
    assert!(!log.lines().any(|line| line.ends_with("GET /admin/realms")), "the list of all realms is never asked for");
    site.remove();
}

#[test]
fn a_realm_with_a_frontend_url_of_its_own_is_still_managed() {
    let site = Site::new("front");
    site.apply();
    let own = site.clinic.clone();
    on_server(async |api| {
        let mut realm = api.get(&own, "").await.expect("readable").expect("there");
        realm["attributes"]["frontendUrl"] = "https://login.clinic.example".into();
        api.put(&own, "", Some(&realm)).await.expect("written");
    });
    site.expect(0, &["drift"]);
    site.edit("seats: 5", "seats: 9");
    site.apply();
    let realm = export(&site.clinic);
    assert_eq!(realm["attributes"]["frontendUrl"], "https://login.clinic.example");
    site.remove();
}

pub fn admin_token() -> String {
    let url = format!("{}/realms/master/protocol/openid-connect/token", live().url);
    let (user, password) = &live().admin;
    let form = [("grant_type", "password"), ("client_id", "admin-cli"), ("username", user), ("password", password)];
    let answer: Value = runtime().block_on(async {
        reqwest::Client::new().post(url).form(&form).send().await.expect("answered").json().await.expect("JSON")
    });
    answer["access_token"].as_str().expect("a token").to_owned()
}

#[test]
fn bootstrapping_again_changes_nothing_and_keeps_the_key() {
    let live = live();
    let dir = tempfile::tempdir().expect("a directory");
    let bootstrap = |key: &Path, password: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(["bootstrap", "--server", &live.url, "--admin-user", &live.admin.0])
            .current_dir(dir.path())
            .env("REALMWRIGHT_OPERATOR_KEY", key)
            .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
            .env("REALMWRIGHT_ADMIN_PASSWORD", password)
            .output()
            .expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = bootstrap(&live.key_file, &live.admin.1);
    assert!(code == Some(0) && said.contains("was prepared before"), "{said}");
    let (code, said) = bootstrap(&live.key_file, "wrong");
    assert!(code == Some(1) && said.contains("Invalid user credentials"), "{said}");
    let new = dir.path().join("new.pem");
    let (code, said) = bootstrap(&new, &live.admin.1);
    assert!(code == Some(1) && said.contains("prepared with another operator key"), "{said}");
    assert!(!new.exists(), "a key that nothing knows is not left behind");
    let (code, _) = bootstrap(&live.key_file, &live.admin.1);
    assert_eq!(code, Some(0), "the first key is still good");
}

#[test]
fn programs_are_told_what_happens() {
    let site = Site::new("told");
    let schema = serde_json::from_str(&site.expect(0, &["schema", "events"])).expect("JSON");
    let schema = jsonschema::draft202012::new(&schema).expect("a schema");
    let told = |code: i32, arguments: &[&str]| -> Vec<Value> {
        let text = site.expect(code, arguments);
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        events.iter().for_each(|event| assert!(schema.is_valid(event), "{event}"));
        events
    };
    let brief = |events: &[Value]| -> Vec<String> {
        let word = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let mut all: Vec<String> = events
            .iter()
            .map(|event| format!("{} {} {}", word(event, "event"), word(event, "tenant"), word(event, "outcome")))
            .map(|line| line.replace(&site.clinic, "CLINIC").replace(&site.north, "NORTH").trim_end().to_owned())
            .collect();
        all.sort();
        all
    };
    let events = told(0, &["apply", "--yes", "--json"]);
    let all = ["applied CLINIC created", "applied NORTH created", "ended", "planned", "read CLINIC", "read NORTH"];
    assert_eq!(brief(&events), all);
    let ended = events.last().expect("one");
    assert_eq!((&ended["exit"], &ended["tenants"]["created"]), (&json!(0), &json!(2)));
    let born = events.iter().find(|event| event["outcome"] == "created").expect("one");
    assert_eq!(born["slowest"]["path"], "/admin/realms");
    assert_eq!(brief(&told(0, &["plan", "--json"])), ["ended", "planned", "read CLINIC", "read NORTH"]);
    let place = crate::import::Admin::new();
    place.send(reqwest::Method::PUT, &format!("/{}", site.clinic), &json!({"displayName": "By hand"}));
    assert_eq!(told(2, &["drift", "--json"]).last().expect("one")["exit"], 2);
    site.remove();
}
