//! The cases, in the order of the suite's plans.

use jsonwebtoken::Algorithm;
use realmwright::expand::BROKER;
use realmwright::login::session::Limits;
use serde_json::{Value, json};

use super::super::hostile::now;
use super::super::stage::{SESSION, Stage};
use super::{Rsa, accepts, claim, logout, refuses, spoilt};
use crate::support::browser::Browser;

cases! {
    oidcc_client_test: "does nothing wrong", "Believed" => accepts(|_| {});
    oidcc_client_test_nonce_invalid: "says another nonce", "Refused" =>
        refuses("nonce", claim("nonce", json!("another")));
    oidcc_client_test_nonce_unless_code_flow: "wants a nonce", "Sent with every request" => sends("nonce");
    oidcc_client_test_invalid_iss: "names another issuer in the token", "Refused" =>
        refuses("issuer", claim("iss", json!("https://another.example")));
    oidcc_client_test_invalid_aud: "names another client", "Refused" =>
        refuses("audience", claim("aud", json!("another")));
    oidcc_client_test_missing_aud: "names no client", "Refused" => refuses("audience", claim("aud", Value::Null));
    oidcc_client_test_missing_sub: "names nobody", "Refused" => refuses("malformed", claim("sub", Value::Null));
    oidcc_client_test_missing_iat: "does not say when it issued the token", "Refused" =>
        refuses("malformed", claim("iat", Value::Null));
    oidcc_client_test_kid_absent_single_jwks: "names no key, and has one", "Believed" => accepts(|twists| {
        twists.header = Some(Box::new(|header| drop(header.as_object_mut().expect("a map").remove("kid"))));
    });
    oidcc_client_test_kid_absent_multiple_jwks: "names no key, and has two", "Refused; the suite leaves it open" =>
        two_keys();
    oidcc_client_test_ignores_unparseable_key_in_jwks: "publishes keys that nobody can read beside its own", "Believed" =>
        accepts(|twists| {
            twists.keys = Some(Box::new(|keys| {
                let unusable = [
                    json!({"kty": "AKP", "alg": "ML-DSA-0", "kid": "a", "pub": "AAAA"}),
                    json!({"kty": "MADE-UP", "kid": "b", "use": "sig"}),
                ];
                keys["keys"].as_array_mut().expect("a list").extend(unusable);
            }));
        });
    oidcc_client_test_idtoken_sig_rs256: "signs with RS256", "Believed" =>
        accepts(Rsa::new().signs(Algorithm::RS256, |_| {}));
    oidcc_client_test_idtoken_sig_none: "does not sign", "Refused" => unsigned();
    oidcc_client_test_invalid_sig_rs256: "signs wrongly with RS256", "Refused" =>
        refuses("signature", Rsa::new().signs(Algorithm::RS256, spoilt));
    oidcc_client_test_invalid_sig_es256: "signs wrongly with ES256", "Refused" =>
        refuses("signature", |twists| twists.token = Some(Box::new(spoilt)));
    oidcc_client_test_invalid_sig_hs256: "signs with HS256", "Refused; so is a good signature of that kind" =>
        refuses("algorithm", |twists| twists.header = Some(Box::new(|header| header["alg"] = "HS256".into())));
    oidcc_client_test_aggregated_claims: "puts claims of others into the token", "Believed; those claims are not" =>
        others_claims(json!({"src": {"JWT": "e30.e30."}}));
    oidcc_client_test_distributed_claims: "says where others have claims", "Believed; nobody else is asked" =>
        others_claims(json!({"src": {"endpoint": "http://127.0.0.1:1/claims", "access_token": "t"}}));
    oidcc_client_test_discovery_openid_config: "says what it is", "Read once" => discovered("discovery");
    oidcc_client_test_discovery_jwks_uri_keys: "says where its keys are", "Fetched once" => discovered("certs");
    oidcc_client_test_discovery_issuer_mismatch: "names another issuer in its metadata", "Not used" => mismatch();
    oidcc_client_test_signing_key_rotation: "has another key at the next login", "Believed; its keys are fetched anew" =>
        rotated();
    oidcc_client_test_signing_key_rotation_just_before_signing: "has another key when it signs", "The same" =>
        rotated_just_before_signing();
    oidcc_client_test_refresh_token: "gives new tokens", "The session goes on" => refreshed("sub", None);
    oidcc_client_test_refresh_token_invalid_issuer: "gives new tokens of another issuer", "The session ends" =>
        refreshed("iss", Some("https://another.example"));
    oidcc_client_test_refresh_token_invalid_sub: "gives new tokens of another user", "The session ends" =>
        refreshed("sub", Some("another"));
    oidcc_client_test_3rd_party_init_login: "sends a browser to log in", "The tenant is that of the address, whatever issuer or page is named" =>
        begun_elsewhere();
    oidcc_client_test_rp_init_logout: "ends its session when it is asked to", "Sent there with the ID token" => signed_out();
    oidcc_client_test_rp_init_logout_no_state: "sends the browser back without a state", "A page that ends nothing" =>
        back_from_logout("");
    oidcc_client_test_rp_init_logout_other_state: "sends it back with another state", "The same" =>
        back_from_logout("?state=another");
    oidcc_client_test_rp_backchannel_rpinitlogout: "says that a session has ended", "It ends here" =>
        ends(&[], &[], (200, false));
    oidcc_client_test_rp_backchannel_rpinitlogout_alg_none: "does not sign that", "Refused" =>
        ends(&[("alg", json!("none"))], &[], (400, true));
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_alg: "signs with another algorithm", "Refused" =>
        ends(&[("alg", json!("RS256"))], &[], (400, true));
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_iss: "names another issuer", "Refused" =>
        ends(&[], &[("iss", json!("https://another.example"))], (400, true));
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_aud: "names another client", "Refused" =>
        ends(&[], &[("aud", json!("another"))], (400, true));
    oidcc_client_test_rp_backchannel_rpinitlogout_no_event: "names no event", "Refused" =>
        ends(&[], &[("events", Value::Null)], (400, true));
    oidcc_client_test_rp_backchannel_rpinitlogout_wrong_event: "names another event", "Refused" =>
        ends(&[], &[("events", json!({"another": {}}))], (400, true));
    oidcc_client_test_rp_backchannel_rpinitlogout_with_nonce: "says a nonce, as an ID token does", "Refused" =>
        ends(&[], &[("nonce", json!("n"))], (400, true));
    fapi2_security_profile_final_client_test_happy_path: "takes pushed requests", "PKCE, issuer and key are as the profile wants" =>
        as_fapi2_wants();
    fapi2_security_profile_final_client_test_discovery_issuer_mismatch: "names another issuer in its metadata", "Not used" =>
        mismatch();
    fapi2_security_profile_final_client_test_invalid_iss: "names another issuer in the token", "Refused" =>
        refuses("issuer", claim("iss", json!("https://another.example")));
    fapi2_security_profile_final_client_test_invalid_aud: "names another client", "Refused" =>
        refuses("audience", claim("aud", json!("another")));
    fapi2_security_profile_final_client_test_invalid_secondary_aud: "names another client beside this one", "Refused" =>
        refuses("audience", claim("aud", json!([BROKER, "another"])));
    fapi2_security_profile_final_client_test_valid_aud_as_array: "names the client in a list", "Believed" =>
        accepts(claim("aud", json!([BROKER])));
    fapi2_security_profile_final_client_test_invalid_null_alg: "does not sign", "Refused" => unsigned();
    fapi2_security_profile_final_client_test_invalid_alternate_alg: "signs with an algorithm that its key is not for", "Refused" =>
        refuses("algorithm", Rsa::new().signs(Algorithm::PS256, |_| {}));
    fapi2_security_profile_final_client_test_invalid_expired_exp: "gives a token that has ended", "Refused" =>
        refuses("time", claim("exp", json!(now() - 301)));
    fapi2_security_profile_final_client_test_invalid_missing_exp: "does not say when it ends", "Refused" =>
        refuses("malformed", claim("exp", Value::Null));
    fapi2_security_profile_final_client_test_invalid_missing_aud: "names no client", "Refused" =>
        refuses("audience", claim("aud", Value::Null));
    fapi2_security_profile_final_client_test_invalid_missing_iss: "names no issuer", "Refused" =>
        refuses("malformed", claim("iss", Value::Null));
    fapi2_security_profile_final_client_test_invalid_nonce: "says another nonce", "Refused" =>
        refuses("nonce", claim("nonce", json!("another")));
    fapi2_security_profile_final_client_test_invalid_missing_nonce: "says no nonce", "Refused" =>
        refuses("nonce", claim("nonce", Value::Null));
    fapi2_security_profile_final_client_test_invalid_authorization_response_iss: "names another issuer in its answer", "Refused; the code goes nowhere" =>
        answers("issuer_mismatch", "iss", Some("https://another.example"));
    fapi2_security_profile_final_client_test_remove_authorization_response_iss: "names no issuer in its answer", "The same" =>
        answers("issuer_mismatch", "iss", None);
    fapi2_security_profile_final_client_test_ensure_authorization_response_with_invalid_state_fails: "answers with another state", "The same" =>
        answers("state", "state", Some("another"));
    fapi2_security_profile_final_client_test_ensure_authorization_response_with_invalid_missing_state_fails: "answers without a state", "The same" =>
        answers("state", "state", None);
    fapi2_security_profile_final_client_test_token_endpoint_response_without_expires_in: "does not say how long the access token is good", "Believed; taken to be a minute" =>
        accepts(|twists| {
            twists.given = Some(Box::new(|given| drop(given.as_object_mut().expect("a map").remove("expires_in"))));
        });
    fapi2_security_profile_final_client_test_token_type_case_insensitivity: "writes the token's type otherwise", "Believed" =>
        accepts(|twists| twists.given = Some(Box::new(|given| given["token_type"] = "bEARER".into())));
    fapi2_security_profile_final_client_refresh_token_test: "gives new tokens", "The session goes on" => refreshed("sub", None);
}

async fn sends(name: &str) {
    let stage = accepts(|_| {}).await;
    assert!(stage.hostile.last_pushed().get(name).is_some_and(|value| value.len() >= 43));
}

async fn two_keys() {
    let other = Stage::new().await;
    let mut another = other.hostile.public("another");
    another["kid"] = "another".into();
    refuses("unknown_key", move |twists| {
        twists.keys = Some(Box::new(move |keys| keys["keys"].as_array_mut().expect("a list").push(another.clone())));
        twists.header = Some(Box::new(|header| drop(header.as_object_mut().expect("a map").remove("kid"))));
    })
    .await;
}

async fn unsigned() {
    refuses("algorithm", |twists| {
        twists.header = Some(Box::new(|header| header["alg"] = "none".into()));
        twists.token = Some(Box::new(|token| token.truncate(token.rfind('.').expect("a point") + 1)));
    })
    .await;
}

async fn others_claims(sources: Value) {
    let stage = accepts(move |twists| {
        twists.claims = Some(Box::new(move |claims| {
            claims["_claim_names"] = json!({"name": "src", "email": "src"});
            claims["_claim_sources"] = sources.clone();
        }));
    })
    .await;
    let mut browser = stage.user("acme").await;
    let told = stage.auth(&mut browser).await;
    assert_eq!(told.header("x-auth-email").as_deref(), Some("jo@example.com"), "what the realm says itself");
}

async fn discovered(what: &str) {
    let stage = accepts(|_| {}).await;
    stage.user("acme").await;
    assert_eq!(stage.hostile.asked(&format!("acme/{what}")), 1);
}

async fn mismatch() {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| {
        twists.metadata = Some(Box::new(|said| said["issuer"] = "https://another.example".into()));
    });
    let answer = Browser::new().get(&format!("{}/t/acme", stage.url)).await;
    assert_eq!((answer.status, stage.last().as_str()), (502, "login_refused provider acme"));
    assert_eq!(stage.hostile.asked("acme/par") + stage.hostile.asked("acme/auth"), 0);
}

async fn rotated() {
    let stage = accepts(|_| {}).await;
    stage.hostile.rotate("acme");
    let mut browser = stage.user("acme").await;
    assert!(stage.is_in(&mut browser).await && stage.hostile.asked("acme/certs") == 2);
}

async fn rotated_just_before_signing() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let back = stage.begun(&mut browser, &format!("{}/t/acme", stage.url)).await;
    stage.hostile.rotate("acme");
    browser.get(&back).await;
    assert!(stage.is_in(&mut browser).await);
}

/// A refresh whose ID token has another value in one claim.
async fn refreshed(name: &'static str, value: Option<&'static str>) {
    let stage = Stage::with(Limits { refresh: 1, ..Limits::default() }, false, &[]).await;
    let mut browser = stage.user("acme").await;
    if let Some(value) = value {
        stage.hostile.twist(claim(name, json!(value)));
    }
    let asked = stage.hostile.asked("acme/token");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(stage.is_in(&mut browser).await, value.is_none());
    assert_eq!(stage.hostile.asked("acme/token"), asked + 1);
}

async fn begun_elsewhere() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let asked = "iss=https%3A%2F%2Fanother.example&target_link_uri=https%3A%2F%2Fanother.example%2F&login_hint=x";
    let back = stage.begun(&mut browser, &format!("{}/t/acme?{asked}", stage.url)).await;
    assert_eq!(browser.get(&back).await.location(), "/");
    assert!(stage.is_in(&mut browser).await && stage.hostile.asked("acme/par") == 1);
}

async fn signed_out() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let origin = [("origin", stage.url.as_str())];
    let sent = browser.send("POST", &format!("{}/logout", stage.url), &origin, None).await.location();
    assert!(sent.starts_with(&format!("{}/logout?", stage.hostile.issuer("acme"))), "{sent}");
    assert!(sent.contains("id_token_hint=ey") && sent.contains("post_logout_redirect_uri="), "{sent}");
    assert_eq!(browser.cookie(SESSION), None);
}

async fn back_from_logout(query: &str) {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let page = browser.get(&format!("{}/t/acme/signed-out{query}", stage.url)).await;
    assert_eq!((page.status, page.cookies().len()), (200, 0));
    assert!(stage.is_in(&mut browser).await, "nobody can be logged out by a link");
}

async fn ends(header: &[(&str, Value)], claims: &[(&str, Value)], expected: (u16, bool)) {
    assert_eq!(logout(header, claims).await, expected);
}

async fn as_fapi2_wants() {
    let stage = accepts(|_| {}).await;
    let pushed = stage.hostile.last_pushed();
    assert_eq!((&*pushed["response_type"], &*pushed["code_challenge_method"]), ("code", "S256"));
    assert!(pushed["client_assertion_type"].ends_with("jwt-bearer"));
    assert_eq!((stage.hostile.asked("acme/par"), stage.hostile.asked("acme/token")), (1, 1));
}

/// An answer with one parameter changed or taken out.
async fn answers(reason: &str, name: &'static str, value: Option<&'static str>) {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| {
        twists.answer = Some(Box::new(move |answer| {
            answer.retain(|(known, _)| known != name);
            answer.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }));
    });
    assert_eq!(stage.refuses_login().await, format!("login_refused {reason} acme"));
    assert_eq!(stage.hostile.asked("acme/token"), 0, "the code goes nowhere");
}
