//! A realm that answers oddly: with texts that can be read in two ways, with keys that are for something else, with answers that
//! lead elsewhere, have no end, or never come.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value, json};

use super::hostile::{Hostile, Twists, now};
use super::stage::Stage;
use crate::support::browser::Browser;

/// What comes of a logout token: the status, and the event.
async fn brought(stage: &Stage, token: &str) -> (u16, String) {
    let url = format!("{}/t/acme/backchannel-logout", stage.url);
    let answer = Browser::new().send("POST", &url, &[], Some(format!("logout_token={token}"))).await;
    (answer.status, stage.last())
}

/// The begin of a login, which must come to nothing.
async fn begins(stage: &Stage) -> (u16, String) {
    let answer = Browser::new().get(&format!("{}/t/acme", stage.url)).await;
    assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());
    (answer.status, stage.last())
}

fn answers(endpoint: &'static str, answer: impl Fn() -> Response + Send + 'static) -> impl FnOnce(&mut Twists) {
    move |twists| twists.raw = Some(Box::new(move |asked| (asked == endpoint).then(&answer)))
}

#[tokio::test]
async fn attack_10_keys_that_are_for_something_else() {
    let cases = [
        ("use", json!("enc")),
        ("alg", json!("ES384")),
        ("alg", json!("RS256")),
        ("alg", json!("HS256")),
        ("crv", json!("P-384")),
        ("crv", json!("secp256k1")),
        ("kty", json!("oct")),
        ("kty", json!("RSA")),
    ];
    for (name, value) in cases {
        let (stage, told) = (Stage::new().await, format!("{name} {value}"));
        stage.hostile.twist(|twists| twists.keys = Some(Box::new(move |keys| keys["keys"][0][name] = value.clone())));
        assert_eq!(stage.refuses_login().await, "login_refused unknown_key acme", "{told}");
    }
    // The same key twice under one name, of which one is another's.
    let stage = Stage::new().await;
    let mut other = stage.hostile.public("beta");
    other["kid"] = stage.hostile.public("acme")["kid"].clone();
    stage.hostile.twist(|twists| {
        twists.keys = Some(Box::new(move |keys| keys["keys"].as_array_mut().expect("keys").push(other.clone())));
    });
    assert_eq!(stage.refuses_login().await, "login_refused unknown_key acme");
}

#[tokio::test]
async fn attack_12_claims_that_stand_there_twice() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let (head, claims) = (stage.hostile.header("acme"), stage.hostile.logout_claims("acme").to_string());
    for (first, second) in [("sub", "\"root\""), ("iss", "\"https://evil.example\""), ("exp", "1"), ("jti", "\"x\"")] {
        let twice = [
            claims.replacen('{', &format!("{{\"{first}\":{second},"), 1),
            format!("{},\"{first}\":{second}}}", &claims[..claims.len() - 1]),
        ];
        for text in twice {
            let token = stage.hostile.sign_text("acme", &head.to_string(), &text);
            assert_eq!(brought(&stage, &token).await, (400, "logout_refused malformed acme".into()), "{text}");
        }
    }
    for more in ["\"alg\":\"none\"", "\"kid\":\"x\"", "\"typ\":\"x\""] {
        let token = stage.hostile.sign_text("acme", &head.to_string().replacen('{', &format!("{{{more},"), 1), &claims);
        assert_eq!(brought(&stage, &token).await, (400, "logout_refused malformed acme".into()), "{more}");
    }
    assert!(stage.is_in(&mut browser).await);
    // The same of an ID token; that it is of no login at all would be found later.
    let twice = claims.replacen('{', "{\"sub\":\"root\",", 1);
    let token = stage.hostile.sign_text("acme", &head.to_string(), &twice);
    stage.hostile.twist(|twists| twists.given = Some(Box::new(move |given| given["id_token"] = token.clone().into())));
    assert_eq!(stage.refuses_login().await, "login_refused malformed acme");
}

#[tokio::test]
async fn attack_12_claims_of_other_kinds() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let (head, good) = (stage.hostile.header("acme"), stage.hostile.logout_claims("acme"));
    let issuer = stage.hostile.issuer("acme");
    for (name, value) in [
        ("iss", json!([issuer, "https://evil.example"])),
        ("iss", json!({"value": issuer})),
        ("aud", json!([["realmwright-broker"]])),
        ("aud", json!({"0": "realmwright-broker"})),
        ("sub", json!(["acme-user"])),
        ("iat", json!("now")),
        ("iat", json!(-1)),
        ("exp", json!(1.5)),
        ("exp", json!(true)),
        ("jti", json!(7)),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        let token = stage.hostile.sign("acme", &head, &claims);
        assert_eq!(brought(&stage, &token).await, (400, "logout_refused malformed acme".into()), "{name} {value}");
    }
    for end in [json!(u64::MAX), json!(u64::MAX - 5)] {
        let mut claims = stage.hostile.logout_claims("acme");
        (claims["exp"], claims["iat"]) = (end.clone(), json!(now() + 3600));
        let token = stage.hostile.sign("acme", &head, &claims);
        assert_eq!(brought(&stage, &token).await, (400, "logout_refused time acme".into()), "{end}");
    }
    assert!(stage.is_in(&mut browser).await);
}

#[tokio::test]
async fn attack_13_tokens_within_tokens() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let (head, claims) = (stage.hostile.header("acme"), stage.hostile.logout_claims("acme"));
    let good = stage.hostile.sign("acme", &head, &claims);
    let nested = {
        let mut head = head.clone();
        head["cty"] = "JWT".into();
        stage.hostile.sign_text("acme", &head.to_string(), &good)
    };
    let parts: Vec<&str> = good.split('.').collect();
    let json = json!({"payload": parts[1], "protected": parts[0], "signature": parts[2]}).to_string();
    let texts = [
        nested,
        stage.hostile.sign_text("acme", &head.to_string(), &json!(good).to_string()),
        format!("{good}.{}", parts[2]),
        format!("{good}.."),
        format!("{}..{}", parts[0], parts[2]),
        format!(".{good}"),
        json,
        format!("{good}%3D%3D"),
        good.replacen('.', "%20.", 1),
        String::new(),
        "..".into(),
    ];
    for text in texts {
        let (status, event) = brought(&stage, &text).await;
        let refused = ["malformed", "signature", "parameters"].map(|why| format!("logout_refused {why} acme"));
        assert!(status == 400 && refused.contains(&event), "{text}: {status} {event}");
    }
    for (name, value) in
        [("crit", json!(["b64"])), ("b64", json!(false)), ("zip", json!("DEF")), ("x5c", json!(["AA"]))]
    {
        let mut head = head.clone();
        head[name] = value;
        let token = stage.hostile.sign("acme", &head, &claims);
        assert_eq!(brought(&stage, &token).await, (400, "logout_refused header acme".into()), "{name}");
    }
    assert!(stage.is_in(&mut browser).await);
    assert_eq!(brought(&stage, &good).await.0, 200, "it was good");
}

#[tokio::test]
async fn attack_14_names_of_keys_that_are_tricks() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let fetched = stage.hostile.asked("acme/certs");
    let (head, claims) = (stage.hostile.header("acme"), stage.hostile.logout_claims("acme"));
    let long = "k".repeat(20_000);
    let own = head["kid"].as_str().expect("a name").to_owned();
    for (kid, reason) in [
        (json!("../../../dev/null"), "unknown_key"),
        (json!("https://evil.example/keys"), "unknown_key"),
        (json!("' OR '1'='1"), "unknown_key"),
        (json!(""), "unknown_key"),
        (json!(long), "unknown_key"),
        (json!(format!("{own}\u{0}")), "unknown_key"),
        (json!(own.to_uppercase()), "unknown_key"),
        (stage.hostile.public("beta")["kid"].clone(), "unknown_key"),
        (json!(0), "malformed"),
        (json!([own]), "malformed"),
        (json!({"kid": own}), "malformed"),
    ] {
        let mut head = head.clone();
        head["kid"] = kid.clone();
        let token = stage.hostile.sign("acme", &head, &claims);
        assert_eq!(brought(&stage, &token).await, (400, format!("logout_refused {reason} acme")), "{kid}");
    }
    assert!(stage.hostile.asked("acme/certs") <= fetched + 1);
    assert!(stage.is_in(&mut browser).await);
}

/// A good discovery document of `acme`, as text.
async fn document(hostile: &Hostile) -> String {
    let url = format!("{}/.well-known/openid-configuration", hostile.issuer("acme"));
    reqwest::get(url).await.expect("answered").text().await.expect("a text")
}

#[tokio::test]
async fn attack_19_documents_that_are_odd() {
    let kept = Hostile::start().await;
    let evil = "https://evil.example/realms/acme";
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 8] = [
        ("another issuer before", |good| good.replacen('{', "{\"issuer\":\"https://evil.example/realms/acme\",", 1)),
        ("another issuer behind", |good| good.replace('}', ",\"issuer\":\"https://evil.example/realms/acme\"}")),
        ("another endpoint behind", |good| good.replace('}', ",\"token_endpoint\":\"https://evil.example/t\"}")),
        ("half of it", |good| good[..good.len() / 2].to_owned()),
        ("a list of it", |good| format!("[{good}]")),
        ("nothing", |_| String::new()),
        ("no end of brackets", |_| "[".repeat(100_000)),
        ("a realm below", |good| good.replace("/realms/acme\"", "/realms/acme/\"")),
    ];
    assert!(document(&kept).await.contains("token_endpoint") && evil.starts_with("https"));
    for (told, change) in changes {
        let stage = Stage::new().await;
        let text = change(&document(&stage.hostile).await);
        let says = move || ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response();
        stage.hostile.twist(answers("discovery", says));
        assert_eq!(begins(&stage).await, (502, "login_refused provider acme".into()), "{told}");
    }
    for status in
        [StatusCode::NO_CONTENT, StatusCode::ACCEPTED, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR]
    {
        let stage = Stage::new().await;
        let text = document(&stage.hostile).await;
        stage.hostile.twist(answers("discovery", move || (status, text.clone()).into_response()));
        assert_eq!(begins(&stage).await, (502, "login_refused provider acme".into()), "{status}");
    }
}

#[tokio::test]
async fn attack_19_endpoints_that_lead_elsewhere() {
    let elsewhere = Hostile::start().await;
    for (endpoint, status) in [("token", 307), ("token", 308), ("token", 303), ("par", 307), ("certs", 302)] {
        let stage = Stage::new().await;
        let to = format!("{}/{endpoint}", elsewhere.issuer("acme"));
        let leads = move || {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [(header::LOCATION, to.clone())]).into_response()
        };
        stage.hostile.twist(answers(endpoint, leads));
        match endpoint {
            "token" => assert!(stage.refuses_login().await.starts_with("login_refused "), "{endpoint} {status}"),
            _ => assert!(matches!(begins(&stage).await.0, 400 | 502), "{endpoint} {status}"),
        }
        let asked: usize = ["token", "par", "certs"].iter().map(|what| elsewhere.asked(&format!("acme/{what}"))).sum();
        assert_eq!(asked, 0, "{endpoint} {status}: code and assertion go nowhere else");
    }
}

#[tokio::test]
async fn attack_48_answers_that_are_none() {
    let cases: [(&str, &str, &str); 5] = [
        ("text/html", "<html>access_token=x</html>", "malformed"),
        ("application/json", "", "malformed"),
        ("application/json", "{\"access_token\":\"x\",\"token_type\":\"Bearer\"}", "malformed"),
        ("application/json", "{\"access_token\":\"x\",\"token_type\":\"Bearer\",\"id_token\":\"x.y.z\"}", "malformed"),
        ("application/json", "{\"error\":\"invalid_grant\",\"access_token\":\"x\"}", "malformed"),
    ];
    for (kind, text, reason) in cases {
        let stage = Stage::new().await;
        stage.hostile.twist(answers("token", move || ([(header::CONTENT_TYPE, kind)], text).into_response()));
        let refused = stage.refuses_login().await;
        let either = [reason, "provider"].map(|why| format!("login_refused {why} acme"));
        assert!(either.contains(&refused), "{kind} {text}: {refused}");
    }
    let stage = Stage::new().await;
    let deep = format!("{{\"id_token\":{}", "[".repeat(200_000));
    stage
        .hostile
        .twist(answers("token", move || ([(header::CONTENT_TYPE, "application/json")], deep.clone()).into_response()));
    assert_eq!(stage.refuses_login().await, "login_refused malformed acme");
    // A token that says of itself that it is good for ever, or shorter than nothing.
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| twists.given = Some(Box::new(|given| given["expires_in"] = u64::MAX.into())));
    let mut browser = stage.user("acme").await;
    assert!(stage.is_in(&mut browser).await);
    stage.hostile.twist(|twists| twists.given = Some(Box::new(|given| given["expires_in"] = (-1).into())));
    assert_eq!(stage.refuses_login().await, "login_refused malformed acme");
}

#[tokio::test]
async fn attack_48_answers_that_never_come() {
    let endless = || {
        let spaces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 16 * 1024]));
        ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(spaces)).into_response()
    };
    let silent = || {
        let nothing = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(nothing)).into_response()
    };
    for endpoint in ["discovery", "certs", "par"] {
        let stage = Stage::new().await;
        stage.hostile.twist(answers(endpoint, endless));
        assert_eq!(begins(&stage).await, (502, "login_refused provider acme".into()), "{endpoint}");
    }
    let begun = std::time::Instant::now();
    let (asked, redeemed) = (Stage::new().await, Stage::new().await);
    asked.hostile.twist(answers("discovery", silent));
    redeemed.hostile.twist(answers("token", silent));
    let (begin, end) = tokio::join!(begins(&asked), redeemed.refuses_login());
    assert_eq!((begin.0, end.as_str()), (502, "login_refused provider acme"));
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "nobody is waited for longer than ten seconds");
}

#[tokio::test]
async fn attack_30_a_name_that_reads_as_two_seats() {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| {
        twists.claims = Some(Box::new(|claims: &mut Value| {
            claims["resource_access"] = json!({"x,insights": {"roles": ["seat"]}, "assistant": {"roles": ["seat"]}});
        }));
    });
    let mut browser = stage.user("acme").await;
    assert_eq!(stage.auth(&mut browser).await.header("x-auth-seats").as_deref(), Some("assistant,x%2Cinsights"));
    let url = format!("{}/auth?seat=insights", stage.url);
    assert_eq!(browser.get(&url).await.status, 403);
}

#[tokio::test]
async fn attack_43_a_realm_sets_no_cookies() {
    let stage = Stage::new().await;
    stage.hostile.twist(answers("token", || {
        let cookie = [(header::SET_COOKIE, "__Host-Http-session=evil; Path=/; Secure"), (header::LOCATION, "/evil")];
        (cookie, Redirect::to("/evil")).into_response()
    }));
    assert!(stage.refuses_login().await.starts_with("login_refused "));
}
