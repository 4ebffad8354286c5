//! Every kind of object, made by a birth and made one by one, changed, and removed, against a real server.

use serde_json::{Value, json};

use crate::support::full::content;
use crate::tenants::{Site, export, on_server};
use realmwright::keycloak::ReadRealms;

/// Guards that stand in the way of changing nearly everything at once.
pub const WAIVED: [&str; 8] = [
    "apply",
    "--yes",
    "--waive=realm-updates",
    "--waive=realm-deletions",
    "--waive=distributor-updates",
    "--waive=distributor-deletions",
    "--waive=run-updates",
    "--waive=run-deletions",
];

pub fn declare(site: &Site, content: &Value) {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "full", "extends": "organization", "realm": content});
    site.write("full.yaml", &template.to_string().replace("$(", "$$("));
}

/// Applies the birth of a realm with everything in it.
pub fn born(site: &Site) {
    site.expect(0, &WAIVED);
    if export(&site.clinic)["keycloakVersion"].as_str().expect("a version").starts_with("26.4.") {
        // There a birth drops the descriptions of groups.
        assert!(site.expect(0, &WAIVED).contains("description"));
    }
    settled(site, "born");
}

pub fn settled(site: &Site, when: &str) {
    let output = site.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{when}: planning again is not empty\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    if when == "removed" {
        // What was declared once and is not any more is left as it is, and is nobody's now.
        return;
    }
    let plan: Value = serde_json::from_str(&site.expect(0, &["plan", "--format", "json"])).expect("JSON");
    for tenant in plan["tenants"].as_array().expect("tenants") {
        assert_eq!(tenant["foreignFields"], Value::Null, "{when}: fields that nobody set are foreign");
    }
}

#[test]
fn every_kind_is_made_one_by_one_changed_and_removed() {
    let site = Site::new("each");
    site.apply();
    declare(&site, &content(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    site.expect(0, &WAIVED);
    settled(&site, "made one by one");
    declare(&site, &content(2));
    site.expect(0, &WAIVED);
    settled(&site, "changed");
    let realm = export(&site.clinic);
    assert_eq!(realm["browserFlow"], "door");
    let flows: Vec<&str> = realm["authenticationFlows"]
        .as_array()
        .expect("flows")
        .iter()
        .filter_map(|flow| flow["alias"].as_str())
        .collect();
    assert!(flows.iter().any(|flow| flow.starts_with("retired ") && flow.ends_with(" door")), "{flows:?}");
    site.edit("    template: full\n", "");
    site.expect(0, &WAIVED);
    settled(&site, "removed");
    site.remove();
}

#[test]
fn every_kind_is_born_and_changed() {
    let site = Site::new("whole");
    declare(&site, &content(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    born(&site);
    let organizations =
        on_server(async |api| api.get(&site.clinic, "organizations").await.expect("readable").expect("there"));
    assert_eq!(organizations[0]["alias"], "ward");
    declare(&site, &content(2));
    site.expect(0, &WAIVED);
    settled(&site, "changed");
    site.remove();
}

/// A browser's memory of one server: cookies by name.
#[derive(Default)]
struct Browser {
    cookies: std::collections::BTreeMap<String, String>,
}

impl Browser {
    async fn send(&mut self, request: reqwest::RequestBuilder) -> (u16, String, String) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("Cookie", cookies.join("; ")).send().await.expect("answered");
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location =
            answer.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status().as_u16(), location, answer.text().await.expect("a body"))
    }
}

/// Where the form of a page is sent.
fn action(page: &str) -> String {
    let action = page.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
    action.unwrap_or_else(|| panic!("no form in\n{page}")).replace("&amp;", "&")
}

#[test]
fn a_login_in_progress_survives_a_change_of_its_flow() {
    let site = Site::new("swap");
    let realm = |n| {
        let whole = content(n);
        json!({"authenticationFlows": whole["authenticationFlows"], "authenticatorConfig": whole["authenticatorConfig"], "browserFlow": "door"})
    };
    declare(&site, &realm(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    site.expect(0, &WAIVED);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let mut browser = Browser::default();
    let base = &crate::server::live().url;
    let begin = format!(
        "{base}/realms/{}/protocol/openid-connect/auth?client_id=assistant&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fassistant.example%2F&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        site.clinic
    );
    let (_, _, page) = crate::server::runtime().block_on(browser.send(http.get(begin)));
    declare(&site, &realm(2));
    site.expect(0, &WAIVED);
    // The page that was open is taken; what the new flow asks beyond it is asked then.
    let form = [("username", "demo"), ("password", "Correct-Horse-9")];
    let (_, _, page) = crate::server::runtime().block_on(browser.send(http.post(action(&page)).form(&form)));
    assert!(page.contains("login-password.ftl"), "{page}");
    let (status, location, page) =
        crate::server::runtime().block_on(browser.send(http.post(action(&page)).form(&form)));
    assert!(
        status == 302 && location.starts_with("https://assistant.example/") && location.contains("code="),
        "{status} {location}\n{page}"
    );
    site.remove();
}
