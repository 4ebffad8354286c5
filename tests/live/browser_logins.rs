//! Logins in a real browser, from the first page to the last, against a real Keycloak.

use fantoccini::key::Key;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};

use crate::broker::{Serving, free_port};
use crate::browser::Chromium;
use crate::server::{live, runtime};
use crate::support::browser::{Answer, Browser};
use crate::support::dns::NameServer;
use crate::tenants::Site;

const PASSWORD: &str = "Correct-Horse-9";

/// A site with a broker, whose clinic has a domain.
fn site(name: &str, port: u16, hosts: bool) -> Site {
    let site = Site::new(name);
    let hosts = if hosts { format!(", tenantUrl: 'http://*.localhost:{port}'") } else { String::new() };
    let broker = format!("{{test: {{broker: {{url: 'http://localhost:{port}'{hosts}}}}}}}");
    site.write("platform.yaml", &crate::support::PLATFORM.replace("{test: {}}", &broker));
    let more = "    label: Clinic\n    login: {domains: [clinic.example]}\n    realm: {accessTokenLifespan: 4}\n";
    site.edit("    label: Clinic\n", more);
    site.apply();
    site
}

/// Proves the clinic's domain as its owner would, by what the program says.
fn proved(site: &Site, dns: &NameServer) {
    let told: Value = serde_json::from_str(&site.expect(0, &["domain", &site.clinic, "-f", "json"])).expect("JSON");
    let record = told[0]["record"].as_str().expect("a name").trim_end_matches('.');
    dns.set(record, told[0]["text"].as_str());
}

/// Fills in the realm's login form without a mouse: the first field has the focus.
async fn logs_in(chromium: &Chromium, site: &Site) {
    chromium.arrives(&format!("/realms/{}/", site.clinic)).await;
    chromium.types(&format!("demo{}{PASSWORD}{}", Key::Tab, Key::Enter)).await;
}

/// What the broker tells an application's proxy, or an application, of the browser: with the cookies that it sends to where it
/// is. The pages themselves may ask nobody (`default-src 'none'`).
async fn asked(chromium: &Chromium, path: &str) -> Answer {
    let at = url::Url::parse(&chromium.url().await).expect("an address");
    let mut proxy = Browser::new();
    for cookie in chromium.driver.get_all_cookies().await.expect("cookies") {
        proxy.cookies.insert((at.authority().to_owned(), cookie.name().to_owned()), cookie.value().to_owned());
    }
    proxy.get(at.join(path).expect("an address").as_str()).await
}

async fn auth(chromium: &Chromium, query: &str) -> u16 {
    asked(chromium, &format!("/auth{query}")).await.status
}

#[test]
fn each_way_leads_to_the_tenant_and_in() {
    let port = free_port();
    let site = site("bra", port, false);
    let dns = NameServer::start();
    proved(&site, &dns);
    let serving = Serving::with(&site, port, &["--resolver", &dns.address.to_string()]);
    serving.says("domain_proved");
    let start = format!("http://localhost:{port}/");
    runtime().block_on(async {
        let Some(chromium) = Chromium::start().await else { return };
        chromium.shows("en", "light", 1280, 800).await;
        // By the name, typed, and nothing but the keyboard.
        chromium.go(&start).await;
        chromium.keeps("choose").await;
        chromium.types(&format!("{}{}", site.clinic, Key::Enter)).await;
        logs_in(&chromium, &site).await;
        chromium.reads("You are signed in").await;
        chromium.reads("D E").await;
        chromium.keeps("home").await;
        let told = asked(&chromium, "/session").await.body;
        assert!(told.contains(&format!(r#""tenant":"{}""#, site.clinic)), "{told}");
        assert_eq!(auth(&chromium, "").await, 200);
        // Its cookie is none of the other tenant's.
        assert_eq!(auth(&chromium, &format!("?tenant={}", site.north)).await, 401);
        assert_eq!(chromium.script("return document.cookie").await, "", "no script gets at a cookie");

        // Out, here and at the realm; and what was chosen is remembered.
        chromium.types(&format!("{}{}", Key::Tab, Key::Enter)).await;
        chromium.reads("You are signed out").await;
        chromium.keeps("signed-out").await;
        assert_eq!(auth(&chromium, "").await, 401);
        chromium.go(&start).await;
        chromium.reads("Continue at Clinic").await;
        chromium.keeps("remembered").await;
        chromium.clicks("a.button").await;
        logs_in(&chromium, &site).await;
        chromium.reads("You are signed in").await;

        // The realm ends the session behind the browser's back.
        on_realm(&site, "logout").await;
        serving.wait(|log| log.iter().any(|line| line.contains(r#""sessions":1"#)));
        assert_eq!(auth(&chromium, "").await, 401);
        chromium.driver.refresh().await.expect("a page");
        chromium.reads("Continue at Clinic").await;

        // By an address of e-mail, which the realm's form has already.
        let Some(chromium) = Chromium::start().await else { return };
        chromium.go(&start).await;
        chromium.types(&format!("demo@clinic.example{}", Key::Enter)).await;
        chromium.arrives(&format!("/realms/{}/", site.clinic)).await;
        let typed = chromium.script("return document.querySelector('#username').value").await;
        assert_eq!(typed, "demo@clinic.example");
        chromium.clicks("#password").await;
        chromium.types(&format!("{PASSWORD}{}", Key::Enter)).await;
        chromium.reads("You are signed in").await;

        // By the address of its own, in another language; nobody has the domain of this one.
        let Some(chromium) = Chromium::start().await else { return };
        chromium.shows("de", "dark", 390, 800).await;
        chromium.go(&start).await;
        chromium.keeps("choose-de-dark-narrow").await;
        chromium.types(&format!("jo@elsewhere.example{}", Key::Enter)).await;
        chromium.reads("Hier ist nichts").await;
        chromium.keeps("nobody-de-dark-narrow").await;
        chromium.go(&format!("{start}t/{}", site.clinic)).await;
        chromium.arrives(&format!("/realms/{}/", site.clinic)).await;
        chromium.reads("Anmelden").await;
        logs_in(&chromium, &site).await;
        chromium.reads("Sie sind angemeldet").await;
        // Who is disabled is out within one refresh.
        on_realm(&site, "disable").await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        chromium.driver.refresh().await.expect("a page");
        chromium.reads("Weiter bei Clinic").await;
        serving.says("refresh_refused");
    });
    let said = serving.stop();
    assert!(!said.contains("clinic.example\",\"request") && !said.contains("demo@"), "{said}");
    site.remove();
}

/// Has the realm of the clinic do something to the user `demo`.
async fn on_realm(site: &Site, work: &str) {
    let api = crate::server::connect().await;
    let users = api.get(&site.clinic, "users?username=demo&exact=true").await.expect("answered").expect("a list");
    let path = format!("users/{}", users[0]["id"].as_str().expect("an id"));
    match work {
        "logout" => drop(api.post(&site.clinic, &format!("{path}/logout"), &json!({})).await.expect("logged out")),
        _ => {
            let mut user = users[0].clone();
            user["enabled"] = false.into();
            api.put(&site.clinic, &path, Some(&user)).await.expect("written");
        }
    }
}

#[test]
fn each_tenant_has_a_host_and_a_cookie_of_its_own() {
    let port = free_port();
    let site = site("brh", port, true);
    let serving = Serving::start(&site, port);
    let host = |tenant: &str| format!("http://{tenant}.localhost:{port}");
    runtime().block_on(async {
        let Some(chromium) = Chromium::start().await else { return };
        chromium.go(&host(&site.clinic)).await;
        logs_in(&chromium, &site).await;
        chromium.arrives(&host(&site.clinic)).await;
        chromium.reads("You are signed in").await;
        let session = chromium.driver.get_named_cookie("__Host-Http-session").await.expect("a cookie");
        assert!(session.http_only() == Some(true) && session.secure() == Some(true), "{session:?}");
        // The other tenant's host asks anew, and its realm knows nobody.
        chromium.go(&host(&site.north)).await;
        chromium.arrives(&format!("/realms/{}/", site.north)).await;
        // Carried there by hand, the cookie is worth nothing.
        chromium.go(&format!("{}/t/{}/signed-out", host(&site.north), site.north)).await;
        let cookie = json!({
            "name": session.name(), "value": session.value(), "url": host(&site.north), "path": "/", "secure": true,
            "httpOnly": true,
        });
        chromium.tells("Network.setCookie", cookie).await;
        assert_eq!(auth(&chromium, "").await, 401);
        chromium.go(&host(&site.clinic)).await;
        chromium.reads("You are signed in").await;
    });
    serving.stop();
    site.remove();
}

#[test]
fn who_has_no_seat_is_refused_and_who_loses_it_is_out() {
    let port = free_port();
    let site = site("brs", port, false);
    let without = "    users:\n      - {username: noone, email: noone@clinic.example, firstName: N, lastName: O, password: 'file:user.password'}\n";
    site.edit("    users:\n", without);
    site.apply();
    let serving = Serving::start(&site, port);
    let product = format!(
        "{}/realms/{}/protocol/openid-connect/auth?client_id=assistant&response_type=code&scope=openid\
         &redirect_uri=https://assistant.example/&code_challenge_method=S256&code_challenge={}",
        live().url,
        site.clinic,
        "A".repeat(43)
    );
    runtime().block_on(async {
        let Some(chromium) = Chromium::start().await else { return };
        for (language, text) in [("en", "You have no seat"), ("de", "Sie haben hier keinen Platz")] {
            chromium.driver.delete_all_cookies().await.expect("forgotten");
            chromium.shows(language, "light", 1280, 800).await;
            chromium.go(&product).await;
            chromium.types(&format!("noone{}{PASSWORD}{}", Key::Tab, Key::Enter)).await;
            chromium.reads(text).await;
            chromium.keeps(&format!("no-seat-{language}")).await;
        }
        // Through the broker, with a seat, which is then taken away.
        let Some(chromium) = Chromium::start().await else { return };
        chromium.go(&format!("http://localhost:{port}/t/{}", site.clinic)).await;
        logs_in(&chromium, &site).await;
        chromium.reads("You are signed in").await;
        tokio::task::block_in_place(|| site.expect(0, &["seat", "revoke", &site.clinic, "assistant", "demo"]));
        serving.wait(|log| log.iter().any(|line| line.contains(r#""sessions":1"#)));
        chromium.driver.refresh().await.expect("a page");
        chromium.reads("Continue at Clinic").await;
        assert_eq!(auth(&chromium, "").await, 401);
    });
    serving.stop();
    site.remove();
}
