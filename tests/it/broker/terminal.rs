//! Logins at a terminal, through a broker, at the hostile provider.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use realmwright::login::fault::Fault;
use realmwright::terminal::{Kept, Login, Realm, TerminalError};
use serde_json::{Value, json};
use url::Url;

use super::hostile::Twists;
use super::stage::Stage;
use crate::support::browser::Browser;

async fn realm(stage: &Stage) -> Realm {
    let broker = Url::parse(&stage.url).expect("a URL");
    Realm::find(&broker, "acme").await.expect("there")
}

/// A login by a code, and what was shown of it.
async fn by_code(stage: &Stage) -> (Result<Login, TerminalError>, Option<String>) {
    let realm = realm(stage).await;
    let told = Mutex::new(None);
    let login = realm.by_device(&[], |waiting| *told.lock().unwrap() = Some(waiting.user_code.clone())).await;
    (login, told.into_inner().unwrap())
}

/// Why a login by a code is refused, and whether a code was shown.
async fn refused(change: impl FnOnce(&mut Twists)) -> (Fault, bool) {
    let stage = Stage::new().await;
    stage.hostile.twist(change);
    match by_code(&stage).await {
        (Err(TerminalError::Refused(fault)), told) => (fault, told.is_some()),
        (Err(other), _) => panic!("{other}"),
        (Ok(_), _) => panic!("believed"),
    }
}

#[tokio::test]
async fn a_terminal_logs_in_by_a_code() {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| {
        twists.poll = Some(Box::new(|count| (count == 0).then_some("authorization_pending")));
    });
    let (login, told) = by_code(&stage).await;
    let login = login.expect("believed");
    assert_eq!((login.identity.user(), told.as_deref()), (Some("jo"), Some("ABCD-EFGH")));
    assert_eq!((&*login.place.tenant, &*login.place.issuer), ("acme", &*stage.hostile.issuer("acme")));
    assert_eq!(stage.hostile.polls().len(), 2);
    // New tokens, for which the old ones are given away.
    let realm = realm(&stage).await;
    let renewed = realm.renewed(&login).await.expect("renewed");
    assert_ne!((&renewed.access, &renewed.refresh), (&login.access, &login.refresh));
    assert!(matches!(realm.renewed(&login).await, Err(TerminalError::Ended(_))), "shown before");
    let another = by_code(&stage).await.0.expect("believed");
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(|claims| claims["at_hash"] = "ungWv48Bz-pBQ".into())));
    let refused = realm.renewed(&another).await;
    assert!(matches!(refused, Err(TerminalError::Refused(Fault::AccessToken))), "of another access token");
    assert!(realm.end(&renewed).await);
    assert!(matches!(realm.renewed(&renewed).await, Err(TerminalError::Ended(_))));
}

#[tokio::test]
async fn a_terminal_logs_in_by_a_browser_on_this_machine() {
    let stage = Stage::new().await;
    let realm = realm(&stage).await;
    let (tell, told) = tokio::sync::oneshot::channel();
    let browsing = async {
        let mut browser = Browser::new();
        let begin: Url = told.await.expect("told");
        assert!(begin.query_pairs().all(|(name, _)| name == "client_id" || name == "request_uri"), "{begin}");
        let back = browser.get(begin.as_str()).await.location();
        let page = Url::parse(&back).expect("a URL");
        assert_eq!((page.host_str(), page.path()), (Some("127.0.0.1"), "/callback"));
        // Any page can send a browser here, or a name that leads to this machine.
        let forged = format!("http://127.0.0.1:{}/callback?code=x&state=forged", page.port().expect("a port"));
        assert_eq!(browser.get(&forged).await.status, 400);
        assert_eq!(browser.get(&back.replace("127.0.0.1", "evil.localhost")).await.status, 400);
        browser.get(&back).await
    };
    let (login, page) = tokio::join!(realm.by_browser(&[], |url| drop(tell.send(url.clone()))), browsing);
    assert_eq!(login.expect("believed").identity.subject(), "acme-user");
    assert!(page.status == 200 && page.body.contains("logged in"), "{}", page.body);
    assert_eq!(page.header("cache-control").as_deref(), Some("no-store"));
}

#[tokio::test]
async fn an_answer_to_a_terminal_is_held_to_what_a_brokers_is() {
    let stage = Stage::new().await;
    let other = stage.hostile.issuer("beta");
    for (name, value, fault) in [
        ("nonce", json!("another"), Fault::Nonce),
        ("iss", json!(other), Fault::Issuer),
        ("aud", json!("realmwright-broker"), Fault::Audience),
    ] {
        stage.hostile.twist(|twists| twists.claims = Some(Box::new(move |claims| claims[name] = value.clone())));
        let realm = realm(&stage).await;
        let (tell, told) = tokio::sync::oneshot::channel::<Url>();
        let browsing = async {
            let mut browser = Browser::new();
            let back = browser.get(told.await.expect("told").as_str()).await.location();
            browser.get(&back).await.status
        };
        let (login, status) = tokio::join!(realm.by_browser(&[], |url| drop(tell.send(url.clone()))), browsing);
        let refused = matches!(login, Err(TerminalError::Refused(why)) if why == fault);
        assert!(refused && status == 400, "{name}");
    }
}

#[tokio::test]
async fn attack_40_over_polling() {
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| twists.poll = Some(Box::new(|count| (count == 0).then_some("slow_down"))));
    let begun = Instant::now();
    assert!(by_code(&stage).await.0.is_ok());
    let polls = stage.hostile.polls();
    assert!(polls[0].duration_since(begun) >= Duration::from_secs(1), "not before the realm wants to be asked");
    assert!(polls[1].duration_since(polls[0]) >= Duration::from_secs(6), "and less often when it says so");
}

#[tokio::test]
async fn attack_40_a_page_on_another_server() {
    for name in ["verification_uri", "verification_uri_complete"] {
        let elsewhere = move |said: &mut Value| said[name] = "https://evil.example/device".into();
        assert_eq!(
            refused(|twists| twists.device = Some(Box::new(elsewhere))).await,
            (Fault::Provider, false),
            "{name}"
        );
    }
    let sequence = |said: &mut Value| said["user_code"] = "\u{1b}]0;x".into();
    assert_eq!(refused(|twists| twists.device = Some(Box::new(sequence))).await, (Fault::Malformed, false));
}

#[tokio::test]
async fn attack_40_the_code_of_another_tenant() {
    // Another realm's token, with its good signature; and one of this realm for somebody else's client.
    let stage = Stage::new().await;
    let claims = stage.hostile.access_claims("beta", "realmwright-terminal");
    let theirs = stage.hostile.sign("beta", &stage.hostile.header("beta"), &claims);
    stage.hostile.twist(|twists| twists.token = Some(Box::new(move |token| *token = theirs.clone())));
    let (login, _) = by_code(&stage).await;
    assert!(matches!(login, Err(TerminalError::Refused(Fault::UnknownKey))));
    let client = |claims: &mut Value| claims["aud"] = "realmwright-broker".into();
    assert_eq!(refused(|twists| twists.claims = Some(Box::new(client))).await.0, Fault::Audience);
    let issuer = |claims: &mut Value| claims["iss"] = "https://evil.example".into();
    assert_eq!(refused(|twists| twists.claims = Some(Box::new(issuer))).await.0, Fault::Issuer);
    // An ID token that came with another access token than the one beside it.
    let given = |claims: &mut Value| claims["at_hash"] = "ungWv48Bz-pBQUDeXa4iIw".into();
    assert_eq!(refused(|twists| twists.claims = Some(Box::new(given))).await.0, Fault::AccessToken);
    let metadata = |said: &mut Value| said["device_authorization_endpoint"] = "https://evil.example/".into();
    let stage = Stage::new().await;
    stage.hostile.twist(|twists| twists.metadata = Some(Box::new(metadata)));
    let found = Realm::find(&Url::parse(&stage.url).expect("a URL"), "acme").await;
    assert!(matches!(found, Err(TerminalError::Refused(Fault::Provider))));
}

#[tokio::test]
async fn attack_40_codes_that_nobody_allowed() {
    for (word, fault) in
        [("access_denied", Fault::Denied), ("expired_token", Fault::Late), ("invalid_grant", Fault::Code)]
    {
        let poll = move |_| Some(word);
        assert_eq!(refused(|twists| twists.poll = Some(Box::new(poll))).await, (fault, true), "{word}");
    }
}

#[tokio::test]
async fn a_broker_tells_where_a_tenants_terminals_log_in_and_nothing_else() {
    let stage = Stage::new().await;
    let place = async |tenant: &str| Browser::new().get(&format!("{}/t/{tenant}/login.json", stage.url)).await;
    let told: Value = serde_json::from_str(&place("acme").await.body).expect("JSON");
    assert_eq!(
        told,
        json!({
            "tenant": "acme", "label": "Acme & Söhne", "issuer": stage.hostile.issuer("acme"),
            "client": "realmwright-terminal", "audiences": ["assistant", "insights"],
        })
    );
    let nobody = place("nobody").await;
    assert_eq!((nobody.status, place("ACME").await.body), (404, nobody.body));
    let broker = Url::parse(&stage.url).expect("a URL");
    assert!(matches!(Realm::find(&broker, "nobody").await, Err(TerminalError::NoTenant(..))));
    let plain = Url::parse("http://login.example.com").expect("a URL");
    assert!(matches!(Realm::find(&plain, "acme").await, Err(TerminalError::Plain(_))), "it is not asked");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_kept_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new().await;
    let login = by_code(&stage).await.0.expect("believed");
    let dir = tempfile::tempdir().expect("a directory");
    let kept = Kept::at(&dir.path().join("state"));
    assert!(kept.all().expect("readable").is_empty());
    kept.put(&login).expect("kept");
    kept.put(&login).expect("kept in place of itself");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let files: Vec<_> =
        std::fs::read_dir(dir.path().join("state")).expect("there").map(|file| file.unwrap().path()).collect();
    assert_eq!((files.len(), mode(&files[0]), mode(&dir.path().join("state"))), (1, 0o600, 0o700));
    assert_eq!(kept.all().expect("readable")[0].access, login.access);
    std::fs::set_permissions(&files[0], std::fs::Permissions::from_mode(0o640)).expect("set");
    let error = kept.all().err().expect("refused").to_string();
    assert!(error.contains("others may read it"), "{error}");
    std::fs::set_permissions(&files[0], std::fs::Permissions::from_mode(0o600)).expect("set");
    kept.remove(&login).expect("removed");
    assert!(kept.all().expect("readable").is_empty());
}
