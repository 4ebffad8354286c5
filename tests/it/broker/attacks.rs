//! Attacks on a login, each named after its row of the threat table. What is refused leaves no session behind, and one
//! event that says why.

use realmwright::expand::BROKER;
use serde_json::{Value, json};

use super::hostile::now;
use super::stage::{SESSION, Stage};
use crate::support::browser::Browser;

/// A query with one parameter changed, or taken out.
fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let mut url = url::Url::parse(url).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).extend_pairs(value.map(|value| (name, value)));
    url.into()
}

fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).expect("a URL");
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).expect("there")
}

#[tokio::test]
async fn attack_01_mix_up() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{}/t/acme", stage.url)).await;
    let other = stage.hostile.issuer("beta");
    assert_eq!(
        stage.refuses(&mut browser, &with(&back, "iss", Some(&other))).await,
        "login_refused issuer_mismatch acme"
    );
    assert_eq!(stage.hostile.asked("acme/token"), 0, "the code goes nowhere");
}

#[tokio::test]
async fn attack_02_issuer_stripped() {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| twists.answer = Some(Box::new(|answer| answer.retain(|(name, _)| name != "iss"))));
    assert_eq!(stage.refuses_login().await, "login_refused issuer_mismatch acme");
    assert_eq!(stage.hostile.asked("acme/token"), 0);
}

#[tokio::test]
async fn attack_03_state_at_another_tenants_callback() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{}/t/acme", stage.url)).await.replace("/t/acme/", "/t/beta/");
    let back = with(&back, "iss", Some(&stage.hostile.issuer("beta")));
    assert_eq!(stage.refuses(&mut browser, &back).await, "login_refused other_tenant beta");
}

#[tokio::test]
async fn attack_04_parameters_twice() {
    let stage = Stage::new().await;
    for name in ["code", "state", "iss"] {
        let mut browser = Browser::new();
        let back = stage.begun(&mut browser, &format!("{}/t/acme", stage.url)).await;
        let twice = format!("{back}&{name}={}", parameter(&back, name));
        assert_eq!(stage.refuses(&mut browser, &twice).await, "login_refused parameters acme", "{name}");
    }
}

#[tokio::test]
async fn attack_05_login_csrf() {
    let stage = Stage::new().await;
    let mut attacker = Browser::new();
    let back = stage.begun(&mut attacker, &format!("{}/t/acme", stage.url)).await;
    let mut victim = Browser::new();
    assert_eq!(stage.refuses(&mut victim, &back).await, "login_refused state acme", "another browser's");
    let missing = with(&back, "state", None);
    assert_eq!(stage.refuses(&mut attacker, &missing).await, "login_refused state acme");
    let forged = parameter(&back, "state").chars().rev().collect::<String>();
    assert_eq!(stage.refuses(&mut attacker, &with(&back, "state", Some(&forged))).await, "login_refused state acme");
    // One that finds the right cookie, and is not its state.
    let state = parameter(&back, "state");
    let near = format!("{}{}", &state[..42], if state.ends_with('A') { 'B' } else { 'A' });
    assert_eq!(stage.refuses(&mut attacker, &with(&back, "state", Some(&near))).await, "login_refused state acme");
    assert_eq!(stage.hostile.asked("acme/token"), 0);
}

#[tokio::test]
async fn attack_06_callback_replayed() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{}/t/acme", stage.url)).await;
    let mut copy = browser.clone();
    assert_eq!(browser.get(&back).await.status, 303);
    let tokens = stage.hostile.asked("acme/token");
    assert_eq!(stage.refuses(&mut copy, &back).await, "login_refused replayed acme", "with the cookie of before");
    assert!(copy.cookie("__Host-Http-login-").is_none(), "which is taken from it");
    assert_eq!(stage.hostile.asked("acme/token"), tokens);
}

#[test]
fn attack_06_an_answer_that_comes_late() {
    use realmwright::login::fault::Fault;
    use realmwright::login::pending::{Answer, LIFETIME, Pending};
    use realmwright::login::rules::LEEWAY;
    let at = 1_000_000;
    let text = |text: &str| text.to_owned();
    let pending =
        Pending { tenant: text("t"), state: text("s"), nonce: text("n"), verifier: text("v"), back: text("/"), at };
    let answer = Answer::of("state=s&code=c&iss=i").expect("an answer");
    let brought = |now: u64| pending.accepts(&answer, "t", "i", true, now);
    assert_eq!([brought(at), brought(at + LIFETIME), brought(at - LEEWAY)], [Ok(()); 3]);
    assert_eq!(brought(at + LIFETIME + 1), Err(Fault::Late), "ten minutes, and not a second more");
    assert_eq!(brought(at - LEEWAY - 1), Err(Fault::Late), "the clock went back");
}

#[tokio::test]
async fn attack_07_pkce_stripped() {
    let stage = Stage::new().await;
    let sent = Browser::new().get(&format!("{}/t/acme", stage.url)).await.location();
    let asked = stage.hostile.pushed(&sent);
    assert_eq!((asked["code_challenge_method"].as_str(), asked["code_challenge"].len()), ("S256", 43));
    for methods in [json!(["plain"]), json!([]), Value::Null] {
        let stage = Stage::new().await;
        stage.hostile.twist(|twists| {
            twists.metadata = Some(Box::new(move |said| match &methods {
                Value::Null => drop(said.as_object_mut().expect("a map").remove("code_challenge_methods_supported")),
                methods => said["code_challenge_methods_supported"] = methods.clone(),
            }))
        });
        let answer = Browser::new().get(&format!("{}/t/acme", stage.url)).await;
        assert_eq!((answer.status, answer.cookies().len()), (502, 0));
        assert_eq!(stage.last(), "login_refused no_pkce acme");
    }
}

#[tokio::test]
async fn attack_08_code_injection() {
    let stage = Stage::new().await;
    let (mut victim, mut attacker) = (Browser::new(), Browser::new());
    let stolen = parameter(&stage.begun(&mut victim, &format!("{}/t/acme", stage.url)).await, "code");
    let back = stage.begun(&mut attacker, &format!("{}/t/acme", stage.url)).await;
    assert_eq!(stage.refuses(&mut attacker, &with(&back, "code", Some(&stolen))).await, "login_refused code acme");
}

/// What a twist of the claims is refused for.
async fn claims(stage: &Stage, change: impl Fn(&mut Value) + Send + 'static) -> String {
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(change)));
    let refused = stage.refuses_login().await;
    stage.hostile.behave();
    refused.strip_prefix("login_refused ").and_then(|rest| rest.strip_suffix(" acme")).unwrap_or(&refused).to_owned()
}

#[tokio::test]
async fn attack_08_access_token_replaced() {
    let stage = Stage::new().await;
    assert_eq!(claims(&stage, |claims| claims["at_hash"] = "ungWv48Bz-pBQUDeXa4iIw".into()).await, "access_token");
    let without = |claims: &mut Value| drop(claims.as_object_mut().expect("a map").remove("at_hash"));
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(without)));
    assert_eq!(stage.login(&mut Browser::new(), "acme").await.status, 303, "it need not be said");
}

#[tokio::test]
async fn attack_09_nonce() {
    let stage = Stage::new().await;
    let without = |claims: &mut Value| drop(claims.as_object_mut().expect("a map").remove("nonce"));
    assert_eq!(claims(&stage, without).await, "nonce");
    for wrong in [json!(""), json!("another")] {
        assert_eq!(claims(&stage, move |claims| claims["nonce"] = wrong.clone()).await, "nonce");
    }
}

#[tokio::test]
async fn attack_10_algorithm() {
    let stage = Stage::new().await;
    for (alg, reason) in [("none", "algorithm"), ("HS256", "algorithm"), ("RS256", "algorithm"), ("es256", "algorithm")]
    {
        stage.hostile.twist(|twists| twists.header = Some(Box::new(move |header| header["alg"] = alg.into())));
        let refused = stage.refuses_login().await;
        assert!(
            refused == format!("login_refused {reason} acme") || refused == "login_refused malformed acme",
            "{alg}: {refused}"
        );
    }
    // The public key as the secret of an HMAC, which is what HS256 would make of it.
    let public = stage.hostile.public("acme").to_string();
    stage.hostile.twist(|twists| {
        twists.header = Some(Box::new(|header| header["alg"] = "HS256".into()));
        twists.token = Some(Box::new(move |token| {
            let (signed, _) = token.rsplit_once('.').expect("a signature");
            let key = jsonwebtoken::EncodingKey::from_secret(public.as_bytes());
            let mac = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256);
            *token = format!("{signed}.{}", mac.expect("signed"));
        }));
    });
    assert_eq!(stage.refuses_login().await, "login_refused algorithm acme");
}

#[tokio::test]
async fn attack_11_signature() {
    let stage = Stage::new().await;
    type Change = Box<dyn Fn(&mut String) + Send>;
    let spoilt: [Change; 3] = [
        Box::new(|token| {
            let end = token.len() - 10;
            let other = if token.as_bytes()[end] == b'A' { "B" } else { "A" };
            token.replace_range(end..=end, other);
        }),
        Box::new(|token| token.truncate(token.rfind('.').expect("a point") + 1)),
        Box::new(|token| {
            let parts: Vec<&str> = token.split('.').collect();
            *token = format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86));
        }),
    ];
    for change in spoilt {
        stage.hostile.twist(|twists| twists.token = Some(change));
        assert_eq!(stage.refuses_login().await, "login_refused signature acme");
    }
}

#[tokio::test]
async fn attack_12_claims() {
    let stage = Stage::new().await;
    let other = stage.hostile.issuer("beta");
    let cases: Vec<(&'static str, Value, &str)> = vec![
        ("iss", json!(other), "issuer"),
        ("iss", Value::Null, "issuer"),
        ("aud", json!("another"), "audience"),
        ("aud", json!([]), "audience"),
        ("aud", Value::Null, "malformed"),
        ("azp", json!("another"), "audience"),
        ("exp", json!(now() - 60), "time"),
        ("exp", Value::Null, "time"),
        ("iat", Value::Null, "time"),
        ("iat", json!(now() - 3600), "time"),
        ("iat", json!(now() + 3600), "time"),
        ("nbf", json!(now() + 60), "time"),
        ("sub", Value::Null, "subject"),
        ("sub", json!(""), "subject"),
        ("sub", json!("s".repeat(256)), "subject"),
        ("exp", json!("tomorrow"), "malformed"),
    ];
    for (name, value, reason) in cases {
        let (shown, wrong) = (value.clone(), value);
        let refused = claims(&stage, move |claims| claims[name] = wrong.clone()).await;
        // What is not there at all may already be no token to the one who reads it first.
        assert!(refused == reason || (shown.is_null() && refused == "malformed"), "{name} {shown}: {refused}");
    }
    let second = |claims: &mut Value| {
        claims["aud"] = json!([BROKER, "another"]);
        claims.as_object_mut().expect("a map").remove("azp");
    };
    assert_eq!(claims(&stage, second).await, "audience", "several, and none of them named");
}

#[tokio::test]
async fn attack_13_another_kind_of_token() {
    let stage = Stage::new().await;
    for kind in ["Bearer", "Refresh", "Logout"] {
        assert_eq!(claims(&stage, move |claims| claims["typ"] = kind.into()).await, "kind", "{kind}");
    }
    let event =
        |claims: &mut Value| claims["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(claims(&stage, event).await, "kind");
    for kind in ["at+jwt", "logout+jwt"] {
        stage.hostile.twist(|twists| twists.header = Some(Box::new(move |header| header["typ"] = kind.into())));
        let refused = stage.refuses_login().await;
        assert!(["login_refused kind acme", "login_refused malformed acme"].contains(&refused.as_str()), "{refused}");
    }
}

#[tokio::test]
async fn attack_14_keys_in_the_header() {
    let stage = Stage::new().await;
    let other = stage.hostile.public("beta");
    for (name, value) in
        [("jku", json!("http://127.0.0.1:1/keys")), ("x5u", json!("http://127.0.0.1:1/c")), ("jwk", other)]
    {
        stage.hostile.twist(|twists| twists.header = Some(Box::new(move |header| header[name] = value.clone())));
        let refused = stage.refuses_login().await;
        assert!(["login_refused header acme", "login_refused malformed acme"].contains(&refused.as_str()), "{refused}");
    }
    // No name of a key, and two that it could be.
    let second = stage.hostile.public("gamma");
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| {
        twists.header = Some(Box::new(|header| drop(header.as_object_mut().expect("a map").remove("kid"))));
        twists.keys = Some(Box::new(move |keys| keys["keys"].as_array_mut().expect("keys").push(second.clone())));
    });
    assert_eq!(stage.refuses_login().await, "login_refused unknown_key acme");
}

#[tokio::test]
async fn attack_15_flood_of_unknown_keys() {
    let stage = Stage::new().await;
    stage.user("acme").await;
    let fetched = stage.hostile.asked("acme/certs");
    for turn in 0..5 {
        stage.hostile.twist(|twists| {
            twists.header = Some(Box::new(move |header| header["kid"] = format!("unknown-{turn}").into()));
        });
        assert_eq!(stage.refuses_login().await, "login_refused unknown_key acme");
    }
    assert!(stage.hostile.asked("acme/certs") <= fetched + 1, "{}", stage.hostile.asked("acme/certs"));
}

#[tokio::test]
async fn attack_16_the_same_key_name_at_two_issuers() {
    let stage = Stage::new().await;
    let name = |twists: &mut super::hostile::Twists| {
        twists.keys = Some(Box::new(|keys| keys["keys"][0]["kid"] = "one".into()));
        twists.header = Some(Box::new(|header| header["kid"] = "one".into()));
    };
    stage.hostile.twist(name);
    stage.user("beta").await;
    stage.user("acme").await;
    // Signed by beta, said to be of acme.
    let (hostile, header) = (stage.hostile.clone(), json!({"alg": "ES256", "kid": "one"}));
    let mut claims = stage.hostile.logout_claims("acme");
    claims["sid"] = "acme-sid".into();
    let forged = hostile.sign("beta", &header, &claims);
    let body = format!("logout_token={forged}");
    let answer =
        Browser::new().send("POST", &format!("{}/t/acme/backchannel-logout", stage.url), &[], Some(body)).await;
    assert_eq!((answer.status, stage.last().as_str()), (400, "logout_refused signature acme"));
}

#[tokio::test]
async fn attack_17_removed_key() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let (header, claims) = (stage.hostile.header("acme"), stage.hostile.logout_claims("acme"));
    let before = stage.hostile.sign("acme", &header, &claims);
    stage.hostile.rotate("acme");
    let mut other = stage.user("acme").await;
    let url = format!("{}/t/acme/backchannel-logout", stage.url);
    let answer = Browser::new().send("POST", &url, &[], Some(format!("logout_token={before}"))).await;
    assert_eq!((answer.status, stage.last().as_str()), (400, "logout_refused unknown_key acme"));
    assert!(stage.is_in(&mut browser).await && stage.is_in(&mut other).await);
}

#[tokio::test]
async fn attack_18_unregistered_issuer() {
    let stage = Stage::new().await;
    let rogue = super::hostile::Hostile::start().await;
    let token = rogue.sign("acme", &rogue.header("acme"), &rogue.logout_claims("acme"));
    let url = format!("{}/t/acme/backchannel-logout", stage.url);
    let answer = Browser::new().send("POST", &url, &[], Some(format!("logout_token={token}"))).await;
    assert_eq!(answer.status, 400);
    let shown = [("authorization", &*format!("Bearer {token}"))];
    let url = format!("{}/auth?audience=assistant", stage.url);
    assert_eq!(Browser::new().send("GET", &url, &shown, None).await.status, 401);
    assert_eq!(rogue.asked("acme/discovery") + rogue.asked("acme/certs"), 0, "it is not asked");
}

#[tokio::test]
async fn attack_19_discovery_that_leads_elsewhere() {
    let elsewhere = super::hostile::Hostile::start().await;
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
        "revocation_endpoint",
        "issuer",
        "redirect",
    ] {
        let (stage, other) = (Stage::new().await, elsewhere.issuer("acme"));
        let value = match name {
            "issuer" => other.clone(),
            "redirect" => format!("{other}/.well-known/openid-configuration"),
            _ => format!("{other}/certs"),
        };
        stage.hostile.twist(|twists| twists.metadata = Some(Box::new(move |said| said[name] = value.clone().into())));
        let answer = Browser::new().get(&format!("{}/t/acme", stage.url)).await;
        assert_eq!((answer.status, stage.last().as_str()), (502, "login_refused provider acme"), "{name}");
    }
    assert_eq!(elsewhere.asked("acme/discovery") + elsewhere.asked("acme/certs"), 0, "nobody else is asked");
}

#[tokio::test]
async fn attack_20_names_that_are_tricks() {
    let stage = Stage::new().await;
    let nobody = Browser::new().get(&format!("{}/t/nobody", stage.url)).await;
    assert_eq!(nobody.status, 404);
    for name in ["ACME", "%61cme", "acme%00", "acme.", "acme%2F..%2Fbeta", "xn--acme", "master", "acme%20", "acme;x"] {
        let answer = Browser::new().get(&format!("{}/t/{name}", stage.url)).await;
        assert!(answer.status == 404 && answer.body == nobody.body, "{name}: {}", answer.status);
    }
    assert_eq!(stage.hostile.asked("acme/discovery") + stage.hostile.asked("master/discovery"), 0);
    assert!(stage.events().is_empty());
}

#[tokio::test]
async fn attack_21_session_at_another_tenants_host() {
    let stage = Stage::with_hosts().await;
    let (acme, beta) =
        (format!("http://acme.localhost:{}", stage.port), format!("http://beta.localhost:{}", stage.port));
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{acme}/t/acme")).await;
    browser.get(&back).await;
    let stolen = browser.cookie(SESSION).expect("a session");
    assert_eq!(browser.get(&format!("{acme}/auth")).await.status, 200);
    browser.cookies.insert((format!("beta.localhost:{}", stage.port), SESSION.into()), stolen);
    assert_eq!(browser.get(&format!("{beta}/auth")).await.status, 401);
    assert_eq!(browser.get(&format!("{beta}/session")).await.status, 401);
    for path in ["/t/acme", "/t/acme/signed-out", "/t/acme/callback?state=x&code=y"] {
        assert_eq!(browser.get(&format!("{beta}{path}")).await.status, 404, "{path}");
    }
    // An access token of one tenant at the host of the other.
    let claims = stage.hostile.access_claims("acme", "assistant");
    let token = format!("Bearer {}", stage.hostile.sign("acme", &stage.hostile.header("acme"), &claims));
    for (host, status) in [(&acme, 200), (&beta, 401)] {
        let url = format!("{host}/auth?audience=assistant");
        let answer = Browser::new().send("GET", &url, &[("authorization", &token)], None).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn attack_22_open_redirect() {
    let origin = url::Url::parse("https://acme.app.example").expect("a URL");
    let tricks = [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "http:evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/ /evil.example",
        "/%5cevil.example",
        "/%255cevil.example",
        "/%25255cevil.example",
        "/%00evil.example",
        "/%7fevil.example",
        "/%2Fevil.example",
        "/./evil.example/..//x",
        "/.//evil.example",
        "/..//evil.example",
        "///evil.example",
        "/a//evil.example",
        "javascript:alert(1)",
        "",
        "evil.example",
        "/%0d%0aSet-Cookie:x=y",
        "/\r\nx",
        "https://acme.app.example@evil.example",
        "https://acme.app.example.evil.example",
        "/\u{ff0f}evil.example",
        "/%e2%80%8b/evil.example\u{2028}",
        "/%2e%2e/%2e%2e//evil.example",
        "/?x=//evil.example",
        "/%3f/%252e%252e/evil.example",
        "/a/..?x=1",
    ];
    for trick in tricks {
        assert_eq!(realmwright::login::target::target(trick, &origin), None, "{trick:?}");
    }
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{}/t/acme?back=%2F%2Fevil.example", stage.url)).await;
    assert_eq!(browser.get(&back).await.location(), "/");
}

#[tokio::test]
async fn attack_23_session_fixation() {
    let stage = Stage::new().await;
    let mut attacker = stage.user("acme").await;
    let given = attacker.cookie(SESSION).expect("a session");
    let mut victim = Browser::new();
    let place = (format!("localhost:{}", stage.port), SESSION.to_owned());
    victim.cookies.insert(place, given.clone());
    assert_eq!(stage.login(&mut victim, "beta").await.status, 303);
    assert_ne!(victim.cookie(SESSION), Some(given), "a login has a name of its own");
    assert!(!stage.is_in(&mut attacker).await, "and ends what the browser was given");
    // A cookie of a sibling host beside the own one: neither is believed.
    let own = victim.cookie(SESSION).expect("a session");
    let both = format!("{SESSION}={own}; {SESSION}=tossed");
    let answer = Browser::new().send("GET", &format!("{}/auth", stage.url), &[("cookie", &both)], None).await;
    assert_eq!(answer.status, 401);
    let cookies = stage.login(&mut Browser::new(), "acme").await.cookies();
    for cookie in cookies.iter().filter(|cookie| !cookie.contains("Max-Age=0")) {
        assert!(
            cookie.starts_with("__Host-Http-") && cookie.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"),
            "{cookie}"
        );
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn attack_24_cookies_that_were_tampered_with() {
    let stage = Stage::new().await;
    let browser = stage.user("acme").await;
    let good = browser.cookie(SESSION).expect("a session");
    let long = "A".repeat(10_000);
    for wrong in [&good[1..], &format!("{good}A"), "", "..", long.as_str()] {
        let cookie = format!("{SESSION}={wrong}");
        let answer = Browser::new().send("GET", &format!("{}/auth", stage.url), &[("cookie", &cookie)], None).await;
        assert!(matches!(answer.status, 401 | 431 | 400), "{}", answer.status);
    }
    // A pending login, one letter of it changed, or under another name.
    let mut begun = Browser::new();
    let back = stage.begun(&mut begun, &format!("{}/t/acme", stage.url)).await;
    let (place, sealed) =
        begun.cookies.iter().next().map(|(place, value)| (place.clone(), value.clone())).expect("a cookie");
    for at in [0, 20, sealed.len() - 2] {
        let other = if sealed.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut changed = sealed.clone();
        changed.replace_range(at..=at, other);
        let mut browser = begun.clone();
        browser.cookies.insert(place.clone(), changed);
        assert_eq!(stage.refuses(&mut browser, &back).await, "login_refused state acme");
    }
}

#[tokio::test]
async fn attack_25_session_asked_by_another_site() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let url = format!("{}/session", stage.url);
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null")],
    ] {
        assert_eq!(browser.send("GET", &url, headers, None).await.status, 403, "{headers:?}");
    }
    assert_eq!(browser.send("GET", &url, &[("sec-fetch-site", "same-origin")], None).await.status, 200);
}

#[tokio::test]
async fn attack_26_forced_logout() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let url = format!("{}/logout", stage.url);
    assert_eq!(browser.get(&url).await.status, 405);
    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", stage.url.as_str()), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        assert_eq!(browser.send("POST", &url, headers, None).await.status, 403, "{headers:?}");
    }
    assert!(stage.is_in(&mut browser).await);
    assert_eq!(
        browser.send("POST", &url, &[("sec-fetch-site", "same-origin"), ("origin", "null")], None).await.status,
        303
    );
    assert!(!stage.is_in(&mut browser).await);
}

#[tokio::test]
async fn attack_27_logout_token() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let (header, good) = (stage.hostile.header("acme"), stage.hostile.logout_claims("acme"));
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let (other, claim) = (stage.hostile.issuer("beta"), |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    });
    let nobody = {
        let mut claims = claim("sid", Value::Null);
        claims["sub"] = Value::Null;
        claims
    };
    let cases = [
        (header.clone(), claim("iss", json!(other)), "issuer"),
        (header.clone(), claim("iss", Value::Null), "issuer"),
        (header.clone(), claim("aud", json!("another")), "audience"),
        (header.clone(), claim("events", Value::Null), "kind"),
        (header.clone(), claim("events", json!({"another": {}})), "kind"),
        (header.clone(), claim("events", json!({event: "x"})), "kind"),
        (header.clone(), claim("nonce", json!("x")), "kind"),
        (header.clone(), nobody, "subject"),
        (header.clone(), claim("iat", json!(now() - 3600)), "time"),
        (header.clone(), claim("iat", Value::Null), "time"),
        (header.clone(), claim("exp", json!(now() - 60)), "time"),
        (header.clone(), claim("jti", Value::Null), "malformed"),
        (json!({"alg": "none"}), good.clone(), "unknown_key"),
        (json!({"alg": "HS256", "kid": header["kid"]}), good.clone(), "algorithm"),
        (json!({"alg": "ES256", "kid": header["kid"], "typ": "at+jwt"}), good.clone(), "header"),
    ];
    let url = format!("{}/t/acme/backchannel-logout", stage.url);
    for (header, claims, reason) in cases {
        let token = stage.hostile.sign("acme", &header, &claims);
        let answer = Browser::new().send("POST", &url, &[], Some(format!("logout_token={token}"))).await;
        assert_eq!((answer.status, stage.last()), (400, format!("logout_refused {reason} acme")), "{claims}");
        assert!(stage.is_in(&mut browser).await, "{claims}");
    }
    let token = stage.hostile.sign("acme", &header, &good);
    let body = || Some(format!("logout_token={token}"));
    assert_eq!(Browser::new().send("POST", &url, &[], body()).await.status, 200);
    let mut again = stage.user("acme").await;
    assert_eq!(Browser::new().send("POST", &url, &[], body()).await.status, 400, "shown before");
    assert!(stage.is_in(&mut again).await);
}

#[tokio::test]
async fn attack_28_a_good_logout_token_needs_no_cookie() {
    let stage = Stage::new().await;
    let (mut one, mut other) = (stage.user("acme").await, stage.user("beta").await);
    let send = async |claims: Value| {
        let token = stage.hostile.sign("acme", &stage.hostile.header("acme"), &claims);
        let url = format!("{}/t/acme/backchannel-logout", stage.url);
        Browser::new().send("POST", &url, &[], Some(format!("logout_token={token}"))).await.status
    };
    assert_eq!(send(stage.hostile.logout_claims("acme")).await, 200);
    assert!(!stage.is_in(&mut one).await && stage.is_in(&mut other).await);
    // One that names the user alone ends all of theirs.
    let (mut one, mut two) = (stage.user("acme").await, stage.user("acme").await);
    let mut claims = stage.hostile.logout_claims("acme");
    claims["sid"] = Value::Null;
    assert_eq!(send(claims).await, 200);
    assert!(!stage.is_in(&mut one).await && !stage.is_in(&mut two).await && stage.is_in(&mut other).await);
}

#[tokio::test]
async fn attack_29_forwarded_host_spoofed() {
    let hosts = async |proxies: &[&str]| {
        let stage = Stage::with(Default::default(), true, proxies).await;
        let forwarded = format!("acme.localhost:{}", stage.port);
        let url = format!("{}/t", stage.url);
        let answer = Browser::new().send("GET", &url, &[("x-forwarded-host", &forwarded)], None).await;
        (answer.status, answer.header("location"))
    };
    assert_eq!(hosts(&[]).await, (200, None), "anybody may say it; the page of the host that was asked comes");
    assert_eq!(hosts(&["10.0.0.0/8"]).await, (200, None));
    let (status, to) = hosts(&["127.0.0.0/8"]).await;
    assert!(status == 303 && to.is_some_and(|to| to.contains("acme.localhost")));
    // A client's beside the proxy's: neither is believed.
    let stage = Stage::with(Default::default(), true, &["127.0.0.0/8"]).await;
    let [acme, beta] = ["acme", "beta"].map(|name| format!("{name}.localhost:{}", stage.port));
    let twice = [("x-forwarded-host", acme.as_str()), ("x-forwarded-host", beta.as_str())];
    assert_eq!(Browser::new().send("GET", &format!("{}/t", stage.url), &twice, None).await.status, 421);
}

#[tokio::test]
async fn attack_29_forwarded_address_spoofed() {
    for (proxies, login) in [(&[][..], "/t"), (&["127.0.0.1/32"], "/t?back=%2Fadmin")] {
        let stage = Stage::with(Default::default(), false, proxies).await;
        let url = format!("{}/auth", stage.url);
        let answer = Browser::new().send("GET", &url, &[("x-forwarded-uri", "/admin")], None).await;
        assert_eq!((answer.status, answer.header("x-auth-login").as_deref()), (401, Some(login)));
        let away = [("x-forwarded-uri", "//evil.example"), ("accept", "text/html")];
        let sent = Browser::new().send("GET", &format!("{url}?else=login"), &away, None).await;
        assert_eq!((sent.status, sent.location().as_str()), (303, "/t"));
    }
}

#[tokio::test]
async fn attack_30_identity_headers_sent_along() {
    let stage = Stage::new().await;
    let variants = ["x-auth-user", "X_Auth_User", "x-auth-tenant", "x_auth_subject", "x-forwarded-user", "remote-user"];
    for name in variants {
        let headers = [(name, "root"), ("connection", "x-auth-user, x-auth-subject")];
        let answer = Browser::new().send("GET", &format!("{}/auth", stage.url), &headers, None).await;
        assert_eq!(answer.status, 401, "{name}");
        let mut browser = stage.user("acme").await;
        let answer = browser.send("GET", &format!("{}/auth", stage.url), &headers, None).await;
        assert_eq!(answer.header("x-auth-user").as_deref(), Some("jo"));
        assert!(answer.headers.values().all(|value| value != "root"), "{:?}", answer.headers);
    }
    // What is not known is said to be nothing, so that a proxy overwrites what a client sent.
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(|claims| claims["email_verified"] = false.into())));
    let mut browser = stage.user("acme").await;
    assert_eq!(stage.auth(&mut browser).await.header("x-auth-email").as_deref(), Some(""));
}

#[tokio::test]
async fn attack_31_no_way_around() {
    let stage = Stage::new().await;
    for (path, agent) in
        [("auth", "kube-probe/1.30"), ("auth?/healthz", "GoogleHC/1.0"), ("auth?skip=/public#/static/", "x")]
    {
        let answer = Browser::new().send("GET", &format!("{}/{path}", stage.url), &[("user-agent", agent)], None).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert_eq!(Browser::new().get(&format!("{}/healthz", stage.url)).await.status, 404);
}

#[tokio::test]
async fn attack_32_malleable_addresses() {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| {
        twists.claims = Some(Box::new(|claims| {
            claims["email"] = "boss@victim.example".into();
            claims["email_verified"] = false.into();
            claims["preferred_username"] = "x\r\nx-auth-subject: root".into();
        }));
    });
    let mut browser = stage.user("acme").await;
    let seen = stage.auth(&mut browser).await;
    assert_eq!(seen.header("x-auth-email").as_deref(), Some(""), "nobody proved it");
    assert_eq!(seen.header("x-auth-subject").as_deref(), Some("acme-user"));
    assert_eq!(seen.header("x-auth-user").as_deref(), Some("x%0D%0Ax-auth-subject: root"));
}

#[tokio::test]
async fn attack_35_refresh_tokens() {
    let stage = Stage::new().await;
    stage.hostile.access_tokens_last(1);
    let browser = stage.user("acme").await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    let tokens = stage.hostile.asked("acme/token");
    stage.hostile.access_tokens_last(300);
    let asking = (0..20).map(|_| {
        let mut browser = browser.clone();
        let stage = &stage;
        async move { stage.is_in(&mut browser).await }
    });
    let all = futures_util::future::join_all(asking).await;
    assert!(all.iter().all(|is_in| *is_in), "{all:?}");
    assert_eq!(stage.hostile.asked("acme/token"), tokens + 1, "the token is shown once, however many ask");
    // An answer about somebody else ends it.
    for (name, value) in [("sub", json!("another")), ("iss", json!(stage.hostile.issuer("beta"))), ("aud", json!("x"))]
    {
        stage.hostile.behave();
        stage.hostile.access_tokens_last(1);
        let mut browser = stage.user("acme").await;
        stage.hostile.twist(|twists| twists.claims = Some(Box::new(move |claims| claims[name] = value.clone())));
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        assert!(!stage.is_in(&mut browser).await, "{name}");
        assert_eq!(stage.last(), "refresh_refused acme");
        assert!(!stage.is_in(&mut browser).await);
    }
}

#[tokio::test]
async fn attack_35_who_asked_goes_away() {
    let stage = Stage::new().await;
    stage.hostile.access_tokens_last(1);
    let mut browser = stage.user("acme").await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    stage.hostile.access_tokens_last(300);
    let tokens = stage.hostile.asked("acme/token");
    // The realm takes 50 ms for a refresh; this one does not wait.
    let mut hasty = browser.clone();
    let gone = tokio::time::timeout(std::time::Duration::from_millis(25), stage.auth(&mut hasty)).await;
    assert!(gone.is_err() && stage.hostile.asked("acme/token") == tokens + 1, "it has asked the realm");
    drop(hasty);
    assert!(stage.is_in(&mut browser).await, "the new tokens came all the same");
    assert_eq!(stage.hostile.asked("acme/token"), tokens + 1);
}

#[tokio::test]
async fn attack_36_a_change_at_the_realm_is_seen_at_the_next_refresh() {
    let limits = realmwright::login::session::Limits { refresh: 1, ..Default::default() };
    let stage = Stage::with(limits, false, &[]).await;
    let mut browser = stage.user("acme").await;
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(|claims| claims["name"] = "Jo Maier".into())));
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(stage.auth(&mut browser).await.header("x-auth-name").as_deref(), Some("Jo Maier"));
    stage.hostile.twist(|twists| twists.refreshed = Some(Box::new(|tokens| *tokens = Value::Null)));
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(!stage.is_in(&mut browser).await, "the user was disabled");
}

/// A seat that is taken away during a session: who still has the session does not get in where the seat is asked for.
#[tokio::test]
async fn attack_36_a_seat_taken_away_is_seen_at_the_next_refresh() {
    let limits = realmwright::login::session::Limits { refresh: 1, ..Default::default() };
    let stage = Stage::with(limits, false, &[]).await;
    let mut browser = stage.user("acme").await;
    let mut auth = async |query: &str, accept: &str| {
        browser.send("GET", &format!("{}/auth{query}", stage.url), &[("accept", accept)], None).await
    };
    let seen = auth("?seat=assistant", "*/*").await;
    assert_eq!((seen.status, seen.header("x-auth-seats").as_deref()), (200, Some("assistant")));
    for without in ["?seat=insights", "?seat=", "?seat=assistant&seat=assistant", "?seat=Assistant", "?seat=assistant,"]
    {
        let refused = auth(without, "*/*").await;
        assert_eq!((refused.status, refused.header("x-auth-subject")), (403, None), "{without}");
    }
    assert_eq!(auth("?seat=assistant&tenant=beta", "*/*").await.status, 401, "the other tenant's login is elsewhere");
    stage.hostile.twist(|twists| {
        twists.claims = Some(Box::new(|claims| claims["resource_access"]["assistant"]["roles"] = json!(["reviewer"])));
    });
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(auth("?seat=assistant", "*/*").await.status, 403);
    let page = auth("?seat=assistant&else=login", "text/html").await;
    assert!(page.status == 403 && page.body.contains("You have no seat here"), "{} {}", page.status, page.body);
    let still = auth("", "*/*").await;
    assert_eq!((still.status, still.header("x-auth-seats").as_deref()), (200, Some("")));
}

/// What `/auth` says to an access token with these claims changed.
async fn shown(stage: &Stage, query: &str, header: &Value, change: impl FnOnce(&mut Value)) -> u16 {
    let mut claims = json!({
        "iss": stage.hostile.issuer("acme"), "aud": ["assistant", "account"], "azp": "worker", "typ": "Bearer",
        "sub": "acme-worker", "iat": now(), "exp": now() + 60, "preferred_username": "worker",
    });
    change(&mut claims);
    let token = format!("Bearer {}", stage.hostile.sign("acme", header, &claims));
    let url = format!("{}/auth{query}", stage.url);
    Browser::new().send("GET", &url, &[("authorization", &token)], None).await.status
}

/// What comes of a good token that is shown with these headers.
pub async fn shown_at(stage: &Stage, from: &[(&str, &str)]) -> u16 {
    let claims = json!({
        "iss": stage.hostile.issuer("acme"), "aud": "assistant", "typ": "Bearer",
        "sub": "acme-worker", "iat": now(), "exp": now() + 60,
    });
    let token = format!("Bearer {}", stage.hostile.sign("acme", &stage.hostile.header("acme"), &claims));
    let headers: Vec<(&str, &str)> = from.iter().copied().chain([("authorization", token.as_str())]).collect();
    Browser::new().send("GET", &format!("{}/auth?audience=assistant", stage.url), &headers, None).await.status
}

#[tokio::test]
async fn attack_38_audience_confusion() {
    let stage = Stage::new().await;
    let header = stage.hostile.header("acme");
    let other = stage.hostile.issuer("beta");
    assert_eq!(shown(&stage, "?audience=assistant", &header, |_| {}).await, 200);
    assert_eq!(shown(&stage, "?audience=assistant&tenant=acme", &header, |_| {}).await, 200);
    assert_eq!(shown(&stage, "", &header, |_| {}).await, 401, "who names no audience takes none");
    assert_eq!(shown(&stage, "?audience=insights", &header, |_| {}).await, 401);
    let seated = |claims: &mut Value| claims["resource_access"] = json!({"assistant": {"roles": ["seat"]}});
    assert_eq!(shown(&stage, "?audience=assistant&seat=assistant", &header, seated).await, 200);
    assert_eq!(shown(&stage, "?audience=assistant&seat=assistant", &header, |_| {}).await, 403, "a seat is asked for");
    let elsewhere = |claims: &mut Value| claims["resource_access"] = json!({"insights": {"roles": ["seat"]}});
    assert_eq!(shown(&stage, "?audience=assistant&seat=assistant", &header, elsewhere).await, 403);
    assert_eq!(shown(&stage, "?audience=assistant&tenant=beta", &header, |_| {}).await, 401);
    let at_jwt = json!({"alg": "ES256", "typ": "at+jwt", "kid": header["kid"]});
    assert_eq!(shown(&stage, "?audience=assistant", &at_jwt, |claims| claims["typ"] = Value::Null).await, 200);
    for (name, value) in [
        ("iss", json!(other)),
        ("iss", json!("http://127.0.0.1:1/realms/acme")),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}})),
        ("exp", json!(now() - 60)),
        ("exp", Value::Null),
        ("nbf", json!(now() + 60)),
        ("iat", json!(now() + 60)),
        ("sub", Value::Null),
        ("aud", json!(BROKER)),
    ] {
        let shown = shown(&stage, "?audience=assistant", &header, |claims| claims[name] = value.clone()).await;
        assert_eq!(shown, 401, "{name} {value}");
    }
    // A bad token is not made good by a cookie beside it.
    let mut browser = stage.user("acme").await;
    let url = format!("{}/auth?audience=assistant", stage.url);
    assert_eq!(browser.send("GET", &url, &[("authorization", "Bearer x.y.z")], None).await.status, 401);
}

#[tokio::test]
async fn attack_42_what_a_realm_says_is_not_shown() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{}/t/acme", stage.url)).await;
    let back = with(&with(&back, "code", None), "error", Some("access_denied"));
    let back = with(&back, "error_description", Some("<script>alert(1)</script>\ncall 0900"));
    let answer = browser.get(&back).await;
    assert_eq!((answer.status, stage.last().as_str()), (400, "login_refused denied acme"));
    assert!(!answer.body.contains("alert") && !answer.body.contains("0900"), "{}", answer.body);
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("x-frame-options").as_deref(), Some("DENY"));
}

#[tokio::test]
async fn attack_43_secrets_in_caches_and_referrers() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let begun = browser.get(&format!("{}/t/acme", stage.url)).await;
    let back = browser.get(&begun.location()).await.location();
    let ended = browser.get(&back).await;
    for answer in [&begun, &ended, &stage.auth(&mut browser).await] {
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(answer.header("referrer-policy").as_deref(), Some("no-referrer"));
    }
    assert_eq!((begun.status, ended.status), (303, 303), "never 307, which would send a form again");
    assert!(!ended.location().contains("code"));
}

#[tokio::test]
async fn attack_48_answers_without_end() {
    let stage = Stage::new().await;
    let filler = "x".repeat(1 << 20);
    stage.hostile.twist(|twists| twists.metadata = Some(Box::new(move |said| said["filler"] = filler.clone().into())));
    let answer = Browser::new().get(&format!("{}/t/acme", stage.url)).await;
    assert_eq!((answer.status, stage.last().as_str()), (502, "login_refused provider acme"));
    let stage = Stage::new().await;
    let url = format!("{}/t/acme/backchannel-logout", stage.url);
    let answer = Browser::new().send("POST", &url, &[], Some(format!("logout_token={}", "x".repeat(1 << 20)))).await;
    assert_eq!((answer.status, stage.last().as_str()), (400, "logout_refused parameters acme"), "it is not read");
    let long = "x".repeat(1 << 16);
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(move |claims| claims["name"] = long.clone().into())));
    assert_eq!(stage.refuses_login().await, "login_refused malformed acme", "a token that is longer than any");
}

#[tokio::test]
async fn attack_49_another_host() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    for host in ["evil.example", "localhost", "127.0.0.1", ""] {
        let url = format!("{}/auth", stage.url);
        let port = stage.port;
        // reqwest sends the host that it is told.
        let place = (format!("localhost:{port}"), SESSION.to_owned());
        let cookie = format!("{SESSION}={}", browser.cookies[&place]);
        let client = reqwest::Client::new();
        let request = client.get(url.replace("localhost", "127.0.0.1")).header("host", host).header("cookie", cookie);
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), 421, "{host}");
    }
    assert!(stage.is_in(&mut browser).await);
}

#[test]
fn attack_50_the_edges_of_time() {
    use realmwright::login::rules::{LEEWAY, Parties, id_token};
    use realmwright::login::token::{Audience, Claims};
    let at = 1_000_000;
    let parties = Parties { issuer: "i", client: "c" };
    let good = Claims {
        iss: Some("i".into()),
        sub: Some("s".into()),
        aud: Audience::One("c".into()),
        nonce: Some("n".into()),
        iat: Some(at),
        exp: Some(at + 60),
        ..Claims::default()
    };
    let accepted = |claims: &Claims, now: u64| id_token(claims, parties, "n", now).is_ok();
    assert!(accepted(&good, at) && accepted(&good, at + 60), "its last second, and our clock may be ahead");
    assert!(accepted(&good, at + 60 + LEEWAY - 1) && !accepted(&good, at + 60 + LEEWAY));
    assert!(accepted(&good, at - LEEWAY) && !accepted(&good, at - LEEWAY - 1), "our clock may be behind");
    let never = Claims { exp: Some(u64::MAX), iat: Some(u64::MAX), ..good.clone() };
    assert!(!accepted(&never, at));
    let later = Claims { nbf: Some(at + LEEWAY + 1), ..good };
    assert!(!accepted(&later, at));
}
