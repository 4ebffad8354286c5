//! Tokens for one audience, exchanged by the broker at a real Keycloak: what a realm gives, and what it refuses.

use realmwright::expand::{BROKER, audience_scope};
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};

use crate::broker::{Serving, free_port, log_in, platform};
use crate::server::{live, runtime};
use crate::support::browser::Browser;
use crate::tenants::{Site, on_server};

const PASSWORD: &str = "Correct-Horse-9";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A network with a broker, whose tenant has somebody with a seat and somebody with a role and no seat.
fn site(name: &str, port: u16) -> Site {
    let site = Site::new(name);
    site.write(
        "platform.yaml",
        &platform(&format!("    broker: {{url: 'http://127.0.0.1:{port}', audiences: [assistant, insights]}}\n")),
    );
    let guest = "users:\n      - {username: guest, email: guest@clinic.example, firstName: G, lastName: H, password: 'file:user.password', roles: [assistant/reviewer]}\n";
    site.edit("users:\n", guest);
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a payload");
    let part = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).expect("base64");
    serde_json::from_slice(&part).expect("JSON")
}

async fn user(serving: &Serving, realm: &str, name: &str) -> Browser {
    let mut browser = Browser::new();
    let (landed, page) = log_in(&mut browser, &format!("{}/t/{realm}", serving.url), name, PASSWORD).await;
    assert!(landed.starts_with(&serving.url), "{landed}: {}", page.body);
    browser
}

/// What the broker answers to who wants a token for this audience.
async fn wants(serving: &Serving, browser: &mut Browser, audience: &str) -> (u16, Value) {
    let headers = [("origin", serving.url.as_str()), ("x-csrf", "1")];
    let form = Some(format!("audience={audience}"));
    let answer = browser.send("POST", &format!("{}/token", serving.url), &headers, form).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
}

fn broker_key() -> OperatorKey {
    OperatorKey::from_pem(&live().pem).expect("a key").for_broker().expect("derived")
}

fn assertion(realm: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    broker_key().assertion(BROKER, &format!("{}/realms/{realm}", live().url), now).expect("signed")
}

/// What a realm's token endpoint says to an exchange of a token.
async fn exchanges(realm: &str, token: &str, change: &[(&str, &str)]) -> (u16, Value) {
    let assertion = assertion(realm);
    let mut form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", BROKER),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
        ("subject_token", token),
        ("subject_token_type", ACCESS),
        ("requested_token_type", ACCESS),
    ];
    form.retain(|(name, _)| !change.iter().any(|(changed, _)| changed == name));
    form.extend(change.iter().filter(|(_, value)| !value.is_empty()));
    let url = format!("{}/realms/{realm}/protocol/openid-connect/token", live().url);
    let answer = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[test]
fn attack_39_up_scoping_at_a_real_realm() {
    let port = free_port();
    let site = site("brx", port);
    let serving = Serving::start(&site, port);
    let (clinic, north) = (site.clinic.clone(), site.north.clone());
    let token = runtime().block_on(async {
        let mut demo = user(&serving, &clinic, "demo").await;
        let (status, said) = wants(&serving, &mut demo, "assistant").await;
        assert_eq!(status, 200, "{said}");
        let token = said["access_token"].as_str().expect("a token").to_owned();
        let told = claims(&token);
        assert_eq!((&told["aud"], &told["azp"]), (&json!("assistant"), &json!(BROKER)), "{told}");
        assert_eq!(told["resource_access"], json!({"assistant": {"roles": ["seat"]}}), "{told}");
        let bearer = format!("Bearer {token}");
        let shown = async |audience: &str| {
            let url = format!("{}/auth?audience={audience}", serving.url);
            Browser::new().send("GET", &url, &[("authorization", &bearer)], None).await.status
        };
        assert_eq!((shown("assistant").await, shown("insights").await), (200, 401));

        // Not licensed here, not an audience at all, and of who has a role of it and no seat.
        for audience in ["insights", "account", "realm-management"] {
            assert_eq!(wants(&serving, &mut demo, audience).await, (400, json!({"error": "invalid_target"})));
        }
        let mut guest = user(&serving, &clinic, "guest").await;
        assert_eq!(wants(&serving, &mut guest, "assistant").await, (400, json!({"error": "invalid_target"})));

        // Keycloak itself, asked with the broker's key.
        let scope = audience_scope("assistant");
        let (status, said) = exchanges(&clinic, &token, &[("audience", "assistant"), ("scope", &scope)]).await;
        assert_eq!(status, 200, "{said}");
        for audience in ["account", "realm-management", "realmwright", "insights"] {
            let (status, said) = exchanges(&clinic, &token, &[("audience", audience), ("scope", &scope)]).await;
            assert_eq!(status, 400, "{audience}: {said}");
        }
        let (status, said) = exchanges(&north, &token, &[]).await;
        assert_eq!(status, 400, "another branch: {said}");
        let used = assertion(&clinic);
        let again = [("audience", "assistant"), ("scope", &*scope), ("client_assertion", &*used)];
        assert_eq!(exchanges(&clinic, &token, &again).await.0, 200);
        assert_ne!(exchanges(&clinic, &token, &again).await.0, 200, "an assertion is good once");
        let own = [("client_id", "assistant"), ("client_assertion", ""), ("client_assertion_type", "")];
        assert_ne!(exchanges(&clinic, &token, &own).await.0, 200, "the product's client exchanges nothing");
        token
    });

    // The seat is taken away: the next token is not given, whatever the session has.
    let clinic_of = clinic.clone();
    on_server(async |api| {
        let users = api.get(&clinic_of, "users?username=demo&exact=true").await.expect("answered").expect("a list");
        let clients = api.get(&clinic_of, "clients?clientId=assistant").await.expect("answered").expect("a list");
        let path = format!(
            "users/{}/role-mappings/clients/{}",
            users[0]["id"].as_str().expect("an id"),
            clients[0]["id"].as_str().expect("an id")
        );
        let roles = api.get(&clinic_of, &path).await.expect("answered").expect("roles");
        api.delete(&clinic_of, &path, Some(&roles)).await.expect("taken");
    });
    runtime().block_on(async {
        let mut demo = user(&serving, &clinic, "demo").await;
        assert_eq!(wants(&serving, &mut demo, "assistant").await.0, 400);
        let scope = audience_scope("assistant");
        assert_eq!(exchanges(&clinic, &token, &[("audience", "assistant"), ("scope", &scope)]).await.0, 400);
        // No login but by a request that was pushed.
        let url = format!(
            "{}/realms/{clinic}/protocol/openid-connect/auth?client_id={BROKER}&response_type=code&scope=openid&redirect_uri={}",
            live().url,
            format!("{}/t/{clinic}/callback", serving.url).replace(':', "%3A").replace('/', "%2F"),
        );
        let answer = Browser::new().get(&url).await;
        let told = answer.header("location").unwrap_or_default();
        assert!(answer.status >= 400 || told.contains("error="), "{}: {told}", answer.status);
    });
    assert!(!serving.stop().contains("eyJ"));
    site.remove();
}
