//! Realms that somebody changed so that they shut out their own provisioner: told apart, while the other tenants go on,
//! and named and mended with an administrator's login.

use reqwest::Method;
use serde_json::{Value, json};

use crate::edits::named;
use crate::import::{Admin, run};
use crate::tenants::Site;

const PROVISIONER: &str = "realmwright-provisioner";

/// Where the provisioner stands in its realm.
struct Place {
    admin: Admin,
    realm: String,
    client: String,
    account: String,
    management: String,
}

impl Place {
    fn find(realm: &str) -> Self {
        let admin = Admin::new();
        let id = |path: &str| {
            let found = admin.send(Method::GET, &format!("/{realm}/{path}"), &Value::Null).1;
            let one = found.get(0).unwrap_or(&found);
            one["id"].as_str().unwrap_or_else(|| panic!("{path}: {found}")).to_owned()
        };
        let client = id(&format!("clients?clientId={PROVISIONER}"));
        let account = id(&format!("clients/{client}/service-account-user"));
        let management = id("clients?clientId=realm-management");
        Self { admin, realm: realm.into(), client, account, management }
    }

    fn send(&self, method: Method, path: &str, body: &Value) {
        let (status, answer) = self.admin.send(method, &format!("/{}{path}", self.realm), body);
        assert!(status < 300, "{path}: {status} {answer}");
    }

    fn realm(&self, body: &Value) {
        self.send(Method::PUT, "", body);
    }

    fn client(&self, mut body: Value) {
        body["clientId"] = PROVISIONER.into();
        self.send(Method::PUT, &format!("/clients/{}", self.client), &body);
    }

    fn take_role(&self) {
        let path = format!("/{}/clients/{}/roles/realm-admin", self.realm, self.management);
        let role = self.admin.send(Method::GET, &path, &Value::Null).1;
        let path = format!("/users/{}/role-mappings/clients/{}", self.account, self.management);
        self.send(Method::DELETE, &path, &json!([role]));
    }
}

/// What is done by hand, what a run without an administrator says of it, and what one with an administrator finds.
struct Case(&'static str, fn(&Place), &'static str, &'static [&'static str]);

const CLIENT: &str = "does not accept the client `realmwright-provisioner`";

const CASES: [Case; 11] = [
    Case("disabled", |place| place.realm(&json!({"enabled": false})), "Realm not enabled", &["realm enabled"]),
    Case("https", |place| place.realm(&json!({"sslRequired": "all"})), "HTTPS required", &["realm sslRequired"]),
    Case(
        "client disabled",
        |place| place.client(json!({"enabled": false})),
        CLIENT,
        &["client/realmwright-provisioner enabled"],
    ),
    Case(
        "client deleted",
        |place| place.send(Method::DELETE, &format!("/clients/{}", place.client), &Value::Null),
        CLIENT,
        &["client/realmwright-provisioner created", "user/service-account-realmwright-provisioner created"],
    ),
    Case(
        "key removed",
        |place| place.client(json!({"attributes": {"jwks.string": null}})),
        CLIENT,
        &["client/realmwright-provisioner attributes.jwks.string"],
    ),
    Case(
        "key replaced",
        |place| place.client(json!({"attributes": {"jwks.string": "{\"keys\":[]}"}})),
        CLIENT,
        &["client/realmwright-provisioner attributes.jwks.string"],
    ),
    Case(
        "account off",
        |place| place.client(json!({"serviceAccountsEnabled": false})),
        CLIENT,
        &[
            "client/realmwright-provisioner serviceAccountsEnabled",
            "user/service-account-realmwright-provisioner created",
        ],
    ),
    Case(
        "other authenticator",
        |place| place.client(json!({"clientAuthenticatorType": "client-secret"})),
        CLIENT,
        &["client/realmwright-provisioner clientAuthenticatorType"],
    ),
    Case(
        "account disabled",
        |place| place.send(Method::PUT, &format!("/users/{}", place.account), &json!({"enabled": false})),
        CLIENT,
        &["user/service-account-realmwright-provisioner enabled"],
    ),
    Case(
        "account deleted",
        |place| place.send(Method::DELETE, &format!("/users/{}", place.account), &Value::Null),
        CLIENT,
        &["user/service-account-realmwright-provisioner created"],
    ),
    Case(
        "role taken",
        Place::take_role,
        "403",
        &["user/service-account-realmwright-provisioner clientRoles.realm-management/realm-admin"],
    ),
];

#[test]
fn realms_that_shut_out_their_provisioner_are_named_and_mended() {
    let site = Site::new("shut");
    site.apply();
    let mut wrong = Vec::new();
    let mut check = |good: bool, what: String| wrong.extend((!good).then_some(what));
    for Case(name, break_it, says, names) in CASES {
        break_it(&Place::find(&site.clinic));
        // A login of its own for each: it lasts a minute.
        Admin::new().send(Method::PUT, &format!("/{}", site.north), &json!({"displayName": "By hand"}));
        let drift = |administrator: bool| {
            let output = run(site.dir.path(), administrator, &["drift", "--format", "json"]);
            let plan: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            (output.status.code(), plan, String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (code, plan, said) = drift(false);
        let disabled = name == "disabled";
        check(code == Some(if disabled { 2 } else { 1 }), format!("{name}: drift ended with {code:?}\n{said}"));
        check(said.contains(says) && said.contains("--admin-user"), format!("{name}: {said}"));
        check(named(&plan, &site.north).contains("realm displayName"), format!("{name}: the other is not looked at"));
        let alone = named(&plan, &site.clinic);
        check(alone.contains("realm enabled") == disabled, format!("{name}: {alone:?}"));
        check(plan["summary"]["realmsUnread"] == 1, format!("{name}: {}", plan["summary"]));

        let output = run(site.dir.path(), false, &["apply", "--yes"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        check(output.status.code() == Some(5), format!("{name}: apply ended with {:?}\n{said}", output.status.code()));

        let (code, plan, said) = drift(true);
        check(code == Some(2), format!("{name}: drift of an administrator ended with {code:?}\n{said}"));
        let found: Vec<String> =
            named(&plan, &site.clinic).into_iter().filter(|found| !found.starts_with("foreign ")).collect();
        check(found == names, format!("{name}: found as {found:?}"));
        check(named(&plan, &site.north).is_empty(), format!("{name}: the other was not mended"));

        let output = run(site.dir.path(), true, &["apply", "--yes"]);
        check(output.status.success(), format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        let output = site.run(&["plan", "--detailed-exitcode"]);
        check(output.status.success(), format!("{name}: not mended\n{}", String::from_utf8_lossy(&output.stdout)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    site.remove();
}

#[test]
fn a_saved_plan_enables_a_disabled_realm_and_leaves_the_rest_to_the_next() {
    let site = Site::new("dark");
    site.apply();
    Place::find(&site.clinic).realm(&json!({"enabled": false, "displayName": "By hand"}));
    site.expect(0, &["plan", "--out", "plan.json"]);
    site.expect(1, &["apply", "plan.json"]);
    let output = run(site.dir.path(), true, &["apply", "plan.json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("plan again for what else differs"), "{said}");
    assert!(site.expect(2, &["drift"]).contains("displayName"));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn a_marker_that_was_removed_is_named_and_written_anew() {
    let site = Site::new("mark");
    site.apply();
    for spoil in [
        |attributes: &mut Value| attributes["realmwright.applied"] = "nonsense".into(),
        |attributes: &mut Value| {
            attributes.as_object_mut().into_iter().for_each(|map| drop(map.remove("realmwright.applied")));
        },
    ] {
        let place = Place::find(&site.clinic);
        let mut realm = place.admin.send(Method::GET, &format!("/{}", site.clinic), &Value::Null).1;
        spoil(&mut realm["attributes"]);
        place.realm(&json!({"attributes": realm["attributes"]}));
        let plan: Value = serde_json::from_str(&site.expect(2, &["drift", "--format", "json"])).expect("JSON");
        let found: Vec<String> = named(&plan, &site.clinic).into_iter().collect();
        assert_eq!(found, ["realm attributes.realmwright.applied"]);
        site.apply();
        site.expect(0, &["plan", "--detailed-exitcode"]);
    }
    site.remove();
}

#[test]
fn realms_that_were_renamed_or_deleted_are_named_and_come_back() {
    let site = Site::new("gone");
    site.apply();
    let place = Place::find(&site.clinic);
    place.realm(&json!({"realm": format!("{}-x", site.clinic), "displayName": "By hand"}));
    let drifted = |code: i32| -> Value {
        serde_json::from_str(&site.expect(code, &["drift", "--format", "json"])).expect("JSON")
    };
    let found: Vec<String> = named(&drifted(2), &site.clinic).into_iter().collect();
    // Keycloak itself writes the new name into the addresses of its account clients.
    let along = ["account baseUrl", "account redirectUris", "account-console baseUrl", "account-console redirectUris"];
    let along = along.map(|field| format!("client/{field}"));
    assert_eq!(found, [along.as_slice(), &["realm displayName".into(), "realm realm".into()]].concat());
    // A saved plan takes the name back too, and is found done when it is applied again.
    site.expect(0, &["plan", "--out", "plan.json"]);
    assert!(site.expect(0, &["apply", "plan.json"]).contains("1 changed"));
    assert!(site.expect(0, &["apply", "plan.json"]).contains("0 changed, 1 as planned before"));
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.expect(0, &["drift"]);

    place.send(Method::DELETE, "", &Value::Null);
    assert_eq!(named(&drifted(2), &site.clinic).into_iter().collect::<Vec<_>>(), ["realm created"]);
    let said = site.run(&["drift"]).stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("deleted outside Realmwright, or never applied:"), "{said}");
    site.apply();
    site.expect(0, &["drift"]);
    site.remove();
}

#[test]
fn a_realm_that_stays_shut_by_what_nobody_declares_is_not_in_sync() {
    let site = Site::new("bolt");
    site.apply();
    let place = Place::find(&site.clinic);
    // Far ahead: no token is young enough.
    place.realm(&json!({"notBefore": 2_000_000_000}));
    for administrator in [false, true] {
        let output = run(site.dir.path(), administrator, &["drift"]);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code() == Some(1) && said.contains("notBefore"), "{said}");
        assert!(!said.contains("No drift"), "{said}");
    }
    place.realm(&json!({"notBefore": 0}));
    site.expect(0, &["drift"]);
    site.remove();
}
