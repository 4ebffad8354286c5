//! What the broker is for: logging in, being known, logging out.

use realmwright::login::session::Limits;

use super::stage::{SESSION, Stage};
use crate::support::browser::Browser;

#[tokio::test]
async fn a_login_makes_a_session_that_applications_see() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    assert_eq!(stage.auth(&mut browser).await.status, 401);
    let entry = format!("{}/t/acme?back=%2Freports%3Fx%3D1", stage.url);
    let back = stage.begun(&mut browser, &entry).await;
    let landed = browser.get(&back).await;
    assert_eq!((landed.status, landed.location().as_str()), (303, "/reports?x=1"));
    let seen = stage.auth(&mut browser).await;
    assert_eq!(seen.status, 200);
    let issuer = stage.hostile.issuer("acme");
    for (name, value) in [
        ("x-auth-tenant", "acme"),
        ("x-auth-issuer", &issuer),
        ("x-auth-subject", "acme-user"),
        ("x-auth-user", "jo"),
        ("x-auth-name", "Jo M%C3%BCller"),
        ("x-auth-email", "jo@example.com"),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
    }
    let told = browser.get(&format!("{}/session", stage.url)).await;
    let told: serde_json::Value = serde_json::from_str(&told.body).expect("JSON");
    assert_eq!((&told["tenant"], &told["identity"]["subject"]), (&"acme".into(), &"acme-user".into()));
    assert_eq!(stage.events(), ["login_begun acme", "logged_in acme"]);
}

#[tokio::test]
async fn the_browser_sees_nothing_of_a_request_that_was_pushed() {
    let stage = Stage::new().await;
    let mut browser = Browser::new();
    let sent = browser.get(&format!("{}/t/acme", stage.url)).await.location();
    let sent = url::Url::parse(&sent).expect("a URL");
    let names: Vec<String> = sent.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let back = browser.get(sent.as_str()).await.location();
    assert_eq!((browser.get(&back).await.status, stage.hostile.asked("acme/par")), (303, 1));
    assert_eq!(browser.get(sent.as_str()).await.status, 400, "it is good once");
}

#[tokio::test]
async fn a_request_is_pushed_wherever_the_realm_takes_that() {
    let stage = Stage::new().await;
    type Change = fn(&mut serde_json::Value);
    let refusals: [(Change, u16, &str); 4] = [
        (|answer| *answer = serde_json::Value::Null, 400, "not_pushed"),
        (|answer| answer["request_uri"] = "https://evil.example/".into(), 400, "not_pushed"),
        (|answer| answer["request_uri"] = "urn:x\r\ny".into(), 400, "not_pushed"),
        (|answer| answer["expires_in"] = 0.into(), 400, "not_pushed"),
    ];
    for (change, status, reason) in refusals {
        stage.hostile.twist(|twists| twists.pushed = Some(Box::new(change)));
        let answer = Browser::new().get(&format!("{}/t/acme", stage.url)).await;
        assert_eq!((answer.status, stage.last()), (status, format!("login_refused {reason} acme")));
    }
    let stage = Stage::new().await;
    let without = |said: &mut serde_json::Value| {
        drop(said.as_object_mut().expect("a map").remove("pushed_authorization_request_endpoint"));
    };
    stage.hostile.twist(|twists| twists.metadata = Some(Box::new(without)));
    let mut browser = stage.user("acme").await;
    assert!(stage.is_in(&mut browser).await && stage.hostile.asked("acme/par") == 0);
}

#[tokio::test]
async fn a_session_of_one_tenant_is_none_of_another() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let of = |tenant: &str| format!("{}/auth?tenant={tenant}", stage.url);
    assert_eq!(browser.get(&of("acme")).await.status, 200);
    assert_eq!(browser.get(&of("beta")).await.status, 401);
}

#[tokio::test]
async fn logging_out_ends_it_here_and_at_the_realm() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let (mut copy, origin) = (browser.clone(), [("origin", stage.url.as_str())]);
    let sent = browser.send("POST", &format!("{}/logout", stage.url), &origin, None).await;
    let there = url::Url::parse(&sent.location()).expect("a URL");
    assert!(there.as_str().starts_with(&format!("{}/logout?", stage.hostile.issuer("acme"))), "{there}");
    let asked: std::collections::BTreeMap<_, _> = there.query_pairs().into_owned().collect();
    assert_eq!(asked["post_logout_redirect_uri"], format!("{}/t/acme/signed-out", stage.url));
    assert!(asked["id_token_hint"].starts_with("ey"));
    assert_eq!(browser.cookie(SESSION), None);
    assert!(!stage.is_in(&mut copy).await, "a copy of the cookie is worth nothing");
    assert_eq!(browser.get(&asked["post_logout_redirect_uri"]).await.status, 200);
}

#[tokio::test]
async fn each_tenant_may_have_a_host_of_its_own() {
    let stage = Stage::with_hosts().await;
    let own = format!("http://acme.localhost:{}", stage.port);
    let mut browser = Browser::new();
    let moved = browser.get(&format!("{}/t/acme?back=/x", stage.url)).await;
    assert_eq!(moved.location(), format!("{own}/t/acme?back=%2Fx"));
    assert_eq!(browser.get(&format!("{own}/t")).await.location(), format!("{own}/t/acme"));
    let back = stage.begun(&mut browser, &moved.location()).await;
    assert!(back.starts_with(&format!("{own}/t/acme/callback?")), "{back}");
    assert_eq!(browser.get(&back).await.location(), "/x");
    assert_eq!(browser.get(&format!("{own}/auth")).await.status, 200);
    assert_eq!(browser.get(&format!("{own}/t/beta")).await.status, 404);
}

#[tokio::test]
async fn the_page_remembers_where_somebody_works() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let home = browser.get(&format!("{}/", stage.url)).await;
    assert!(home.body.contains("Acme &#38; Söhne") && home.body.contains("Sign out"), "{}", home.body);
    browser.send("POST", &format!("{}/logout", stage.url), &[("origin", stage.url.as_str())], None).await;
    let german = [("accept-language", "fr, de-AT;q=0.8, en;q=0.5")];
    let page = browser.send("GET", &format!("{}/", stage.url), &german, None).await;
    assert!(page.body.contains(r#"lang="de""#) && page.body.contains("Weiter bei Acme"), "{}", page.body);
    let fresh = Browser::new().get(&format!("{}/", stage.url)).await;
    assert!(!fresh.body.contains("Acme"), "nobody else is told whom there is");
    let typed = Browser::new().get(&format!("{}/t?tenant=+ACME+&back=%2Fx", stage.url)).await;
    assert_eq!(typed.location(), format!("{}/t/acme?back=%2Fx", stage.url));
}

#[tokio::test]
async fn sessions_end_when_they_are_not_used_and_in_any_case() {
    let limits = |idle, absolute| Limits { idle, absolute, refresh: 1000, ..Limits::default() };
    let stage = Stage::with(limits(2, 1000), false, &[]).await;
    let mut browser = stage.user("acme").await;
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        assert!(stage.is_in(&mut browser).await, "it is used");
    }
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    assert!(!stage.is_in(&mut browser).await);
    let stage = Stage::with(limits(1000, 2), false, &[]).await;
    let mut browser = stage.user("acme").await;
    assert!(stage.is_in(&mut browser).await);
    tokio::time::sleep(std::time::Duration::from_millis(3100)).await;
    assert!(!stage.is_in(&mut browser).await);
}

#[tokio::test]
async fn a_realm_that_can_not_be_asked_leaves_its_users_in_until_their_tokens_end() {
    let stage = Stage::with(Limits { refresh: 11, ..Limits::default() }, false, &[]).await;
    stage.hostile.access_tokens_last(14);
    let mut browser = stage.user("acme").await;
    stage.hostile.twist(|twists| twists.down = true);
    tokio::time::sleep(std::time::Duration::from_millis(11_100)).await;
    let tokens = stage.hostile.asked("acme/token");
    for _ in 0..5 {
        assert!(stage.is_in(&mut browser).await);
    }
    assert_eq!((stage.hostile.asked("acme/token"), stage.last().as_str()), (tokens + 1, "refresh_failed acme"));
    tokio::time::sleep(std::time::Duration::from_millis(3_500)).await;
    assert_eq!(stage.auth(&mut browser).await.status, 503, "nothing is known any more");
}

#[tokio::test]
async fn a_cold_tenant_costs_one_discovery_and_one_fetch_of_keys() {
    let stage = Stage::new().await;
    let entry = format!("{}/t/acme", stage.url);
    let logins = (0..50).map(|_| async { Browser::new().get(&entry).await.status });
    let statuses = futures_util::future::join_all(logins).await;
    assert!(statuses.iter().all(|status| *status == 303), "{statuses:?}");
    assert_eq!((stage.hostile.asked("acme/discovery"), stage.hostile.asked("acme/certs")), (1, 1));
}

#[tokio::test]
async fn operators_see_numbers_and_no_names() {
    let stage = Stage::new().await;
    stage.user("acme").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let service = realmwright::broker::operations(stage.broker.clone()).into_make_service();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let mut asking = Browser::new();
    assert_eq!(asking.get(&format!("{url}/healthz")).await.status, 200);
    assert_eq!(asking.get(&format!("{url}/readyz")).await.body, "ready\n");
    let numbers = asking.get(&format!("{url}/metrics")).await.body;
    assert!(numbers.contains("realmwright_broker_sessions 1\n"), "{numbers}");
    assert!(numbers.contains(r#"realmwright_broker_events_total{event="logged_in",reason=""} 1"#), "{numbers}");
    for path in ["healthz", "readyz", "metrics"] {
        assert_eq!(asking.get(&format!("{}/{path}", stage.url)).await.status, 404, "{path} is not for everybody");
    }
}

#[tokio::test]
async fn keys_that_could_not_be_fetched_are_fetched_again_soon() {
    let stage = Stage::new().await;
    stage.user("acme").await;
    stage.hostile.rotate("acme");
    stage.hostile.twist(|twists| twists.keys = Some(Box::new(|keys| *keys = "out of order".into())));
    assert_eq!(stage.refuses_login().await, "login_refused provider acme");
    stage.hostile.behave();
    assert_eq!(stage.refuses_login().await, "login_refused unknown_key acme");
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert!(stage.is_in(&mut stage.user("acme").await).await);
    assert_eq!(stage.hostile.asked("acme/certs"), 3);
}
