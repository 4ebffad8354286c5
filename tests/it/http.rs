//! What a real connection does when the other side misbehaves. Behaviour of Keycloak itself is for the contract.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use realmwright::keycloak::http::Server;
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::{Birth, Fault, KeycloakError, ReadRealms, WriteRealms};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = r"^/realms/[^/]+/protocol/openid-connect/token$";

/// A server whose login works.
pub async fn mock() -> MockServer {
    let server = MockServer::start().await;
    prepare(&server).await;
    server
}

/// Makes the login at a server work.
async fn prepare(server: &MockServer) {
    let issuer = json!({"issuer": format!("{}/realms/master", server.uri())});
    on(
        server,
        "GET",
        r"^/realms/master/\.well-known/openid-configuration$",
        ResponseTemplate::new(200).set_body_json(issuer),
    )
    .await;
    let token = json!({"access_token": "t", "expires_in": 60});
    Mock::given(method("POST"))
        .and(path_regex(TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .with_priority(9)
        .mount(server)
        .await;
}

/// Gives every realm this export.
pub async fn answer_exports(server: &MockServer, export: Value) {
    on(server, "POST", "partial-export$", ResponseTemplate::new(200).set_body_json(export)).await;
}

/// Answers no export before anybody's patience is over.
pub async fn answer_exports_late(server: &MockServer) {
    on(server, "POST", "partial-export$", ResponseTemplate::new(503).set_delay(Duration::from_secs(100))).await;
}

async fn on(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path_regex(at)).respond_with(answer).mount(server).await;
}

async fn first(server: &MockServer, times: u64, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path_regex(at))
        .respond_with(answer)
        .up_to_n_times(times)
        .with_priority(1)
        .mount(server)
        .await;
}

pub async fn connect(server: &MockServer) -> Server {
    let key = OperatorKey::from_pem(&OperatorKey::generate().expect("a key")).expect("a key");
    Server::connect(&server.uri(), key, None).await.expect("it answers")
}

fn whole() -> Value {
    json!({"realm": "clinic", "clients": [{"clientId": "realmwright-provisioner"}], "roles": {"realm": []}, "clientScopes": [], "components": {}})
}

const EXPORT: &str = r"^/admin/realms/clinic/partial-export$";

async fn sent(server: &MockServer, verb: &str, at: &str) -> usize {
    let requests = server.received_requests().await.expect("recorded");
    requests.iter().filter(|request| request.method.as_str() == verb && request.url.path() == at).count()
}

async fn broken_export(answer: ResponseTemplate) -> KeycloakError {
    let server = mock().await;
    on(&server, "POST", EXPORT, answer).await;
    connect(&server).await.export("clinic").await.expect_err("it is broken")
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let error = broken_export(ResponseTemplate::new(200).set_body_string(r#"{"realm": "clinic", "clients": ["#)).await;
    insta::assert_snapshot!(error.to_string(), @r"POST /admin/realms/clinic/partial-export?exportClients=true&exportGroupsAndRoles=true: the answer can't be used: it breaks off after 32 bytes");
}

#[tokio::test]
async fn html_instead_of_json_is_an_error() {
    let error = broken_export(ResponseTemplate::new(200).set_body_string("<html>hello</html>")).await;
    insta::assert_snapshot!(error.to_string(), @r"POST /admin/realms/clinic/partial-export?exportClients=true&exportGroupsAndRoles=true: the answer can't be used: it is HTML, not JSON; does a proxy stand in between?");
}

#[tokio::test]
async fn an_answer_without_its_parts_is_an_error() {
    let error = broken_export(ResponseTemplate::new(200).set_body_json(json!({"realm": "clinic"}))).await;
    insta::assert_snapshot!(error.to_string(), @r"POST /admin/realms/clinic/partial-export?exportClients=true&exportGroupsAndRoles=true: the answer can't be used: the export is not whole: the realm, its clients, roles, scopes or components are missing");
}

#[tokio::test]
async fn keycloaks_own_words_are_shown() {
    let error = broken_export(ResponseTemplate::new(403).set_body_json(json!({"error": "HTTP 403 Forbidden"}))).await;
    insta::assert_snapshot!(error.to_string(), @r"POST /admin/realms/clinic/partial-export?exportClients=true&exportGroupsAndRoles=true: 403 HTTP 403 Forbidden");
}

#[tokio::test]
async fn a_server_that_is_no_keycloak_is_refused() {
    let server = MockServer::start().await;
    let key = OperatorKey::from_pem(&OperatorKey::generate().expect("a key")).expect("a key");
    let Err(error) = Server::connect(&server.uri(), key, None).await else { panic!("it is no Keycloak") };
    assert_eq!(error.status(), Some(404));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = mock().await;
    first(&server, 1, "POST", EXPORT, ResponseTemplate::new(401)).await;
    on(&server, "POST", EXPORT, ResponseTemplate::new(200).set_body_json(whole())).await;
    let api = connect(&server).await;
    assert_eq!(api.export("clinic").await.expect("readable"), Some(whole()));
    assert_eq!(sent(&server, "POST", "/realms/clinic/protocol/openid-connect/token").await, 2);
}

#[tokio::test]
async fn a_token_that_is_never_good_ends_after_one_renewal() {
    let server = mock().await;
    on(&server, "POST", EXPORT, ResponseTemplate::new(401)).await;
    let error = connect(&server).await.export("clinic").await.expect_err("refused");
    assert_eq!(error.status(), Some(401));
    assert_eq!(sent(&server, "POST", "/admin/realms/clinic/partial-export").await, 2);
}

#[tokio::test]
async fn requests_that_begin_together_ask_for_one_token() {
    let server = mock().await;
    let token = ResponseTemplate::new(200)
        .set_body_json(json!({"access_token": "old", "expires_in": 60}))
        .set_delay(Duration::from_millis(50));
    first(&server, 1, "POST", "^/realms/clinic/protocol/openid-connect/token$", token).await;
    on(&server, "GET", "/roles$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    // The server no longer takes the first token, and says so late: others have another one by then.
    let refused = Mock::given(method("GET")).and(path_regex("/users$")).and(header("Authorization", "Bearer old"));
    let late = |_: &Request| {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        ResponseTemplate::new(401).set_delay(Duration::from_millis(20 * COUNT.fetch_add(1, Ordering::SeqCst)))
    };
    refused.respond_with(late).with_priority(1).mount(&server).await;
    on(&server, "GET", "/users$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    let api = connect(&server).await;
    for (path, tokens) in [("roles", 1), ("users", 2)] {
        let all = futures_util::future::join_all((0..8).map(|_| api.get("clinic", path))).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        assert_eq!(sent(&server, "POST", "/realms/clinic/protocol/openid-connect/token").await, tokens, "{path}");
    }
}

#[tokio::test]
async fn a_token_that_is_no_answer_is_asked_for_again_with_another_assertion() {
    let at = "/realms/clinic/protocol/openid-connect/token";
    let half = r#"{"access_token": "t", "expi"#;
    for (answer, times, good) in [
        (ResponseTemplate::new(200).set_body_string("<html>Sign in to the network</html>"), 1, true),
        (ResponseTemplate::new(200).set_body_string(half), 1, true),
        (ResponseTemplate::new(200).set_body_json(json!({"welcome": "to the network"})), 1, true),
        (ResponseTemplate::new(500), 1, true),
        (ResponseTemplate::new(502), 3, true),
        (ResponseTemplate::new(200).set_body_string(half), 9, false),
        (ResponseTemplate::new(502), 9, false),
    ] {
        let server = mock().await;
        first(&server, times, "POST", &format!("^{at}$"), answer).await;
        on(&server, "GET", "/roles$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
        assert_eq!(connect(&server).await.get("clinic", "roles").await.is_ok(), good);
        let requests = server.received_requests().await.expect("recorded");
        let asked = requests.iter().filter(|request| request.url.path() == at);
        let bodies: std::collections::BTreeSet<&[u8]> = asked.clone().map(|request| &request.body[..]).collect();
        assert!((2..=4).contains(&bodies.len()) && bodies.len() == asked.count(), "{bodies:?}");
    }
}

/// A server at an address, whose login works and which has roles.
async fn at(address: std::net::SocketAddr) -> MockServer {
    let server = MockServer::builder().listener(std::net::TcpListener::bind(address).expect("the port")).start().await;
    prepare(&server).await;
    on(&server, "GET", "/roles$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    on(&server, "POST", "/roles$", ResponseTemplate::new(201)).await;
    server
}

#[tokio::test]
async fn a_server_that_takes_no_connections_for_a_while_is_waited_for() {
    let first = at("127.0.0.1:0".parse().expect("an address")).await;
    let (api, address) = (connect(&first).await, *first.address());
    api.get("clinic", "roles").await.expect("answered");
    drop(first);
    while std::net::TcpStream::connect(address).is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let work = futures_util::future::join_all((0..8).map(|number| {
        let api = &api;
        async move {
            let body = json!({});
            // What was not sent may be sent again, whatever it is.
            if number % 2 == 0 {
                api.get("clinic", "roles").await.map(drop)
            } else {
                api.post("clinic", "roles", &body).await.map(drop)
            }
        }
    }));
    let again = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        at(address).await
    };
    let (done, second) = tokio::join!(work, again);
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(sent(&second, "POST", "/admin/realms/clinic/roles").await, 4);
}

#[tokio::test]
async fn a_gateway_that_has_nobody_behind_it_for_a_while_is_waited_for_by_one() {
    let server = mock().await;
    on(&server, "GET", "/roles$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    let api = connect(&server).await;
    api.get("clinic", "roles").await.expect("answered");
    // More than the attempts of eight requests; the rest is what one asks for them.
    first(&server, 8 * 4 + 3, "GET", "", ResponseTemplate::new(502)).await;
    let done = futures_util::future::join_all((0..8).map(|_| api.get("clinic", "roles"))).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
}

#[tokio::test]
async fn a_server_that_stays_away_is_waited_for_once() {
    let server = at("127.0.0.1:0".parse().expect("an address")).await;
    let api = connect(&server).await.with_patience(Duration::from_millis(800));
    api.get("clinic", "roles").await.expect("answered");
    drop(server);
    let began = std::time::Instant::now();
    let failed = futures_util::future::join_all((0..8).map(|_| api.get("clinic", "roles"))).await;
    assert!(began.elapsed() >= Duration::from_millis(800));
    for failed in failed.into_iter().chain([api.get("clinic", "roles").await]) {
        let error = failed.expect_err("nobody is there");
        assert!(matches!(error.fault, Fault::NoAnswer { unsent: true, .. }), "{error}");
    }
    assert!(began.elapsed() < Duration::from_millis(1600), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says_so() {
    let server = mock().await;
    first(&server, 2, "POST", EXPORT, ResponseTemplate::new(503).insert_header("Retry-After", "0")).await;
    on(&server, "POST", EXPORT, ResponseTemplate::new(200).set_body_json(whole())).await;
    assert!(connect(&server).await.export("clinic").await.expect("readable").is_some());
}

#[tokio::test]
async fn a_creation_is_not_repeated_after_a_gateway_lost_its_answer() {
    let server = mock().await;
    let at = "/admin/realms/clinic/clients";
    on(&server, "POST", "^/admin/realms/clinic/clients$", ResponseTemplate::new(502)).await;
    let error = connect(&server).await.post("clinic", "clients", &json!({})).await.expect_err("not known");
    assert_eq!((error.status(), sent(&server, "POST", at).await), (Some(502), 1));
}

#[tokio::test]
async fn no_realm_is_not_an_error_and_a_foreign_one_is() {
    let server = mock().await;
    let gone = ResponseTemplate::new(404).set_body_json(json!({"error": "Realm does not exist"}));
    first(&server, 1, "POST", "^/realms/clinic/protocol/openid-connect/token$", gone).await;
    let api = connect(&server).await;
    assert_eq!(api.export("clinic").await.expect("answered"), None);
    let refused =
        json!({"error": "invalid_client", "error_description": "Invalid client or Invalid client credentials"});
    first(
        &server,
        1,
        "POST",
        "^/realms/clinic/protocol/openid-connect/token$",
        ResponseTemplate::new(401).set_body_json(refused),
    )
    .await;
    let error = api.export("clinic").await.expect_err("foreign");
    insta::assert_snapshot!(format!("{error}\n{}", error.hint().unwrap_or_default()), @r"
    POST /realms/clinic/protocol/openid-connect/token: the realm `clinic` does not accept the client `realmwright-provisioner`: Invalid client or Invalid client credentials
    either somebody changed the provisioner by hand, or the realm was not made by Realmwright, or the operator key is not the one that it trusts (wrong, or rotated out). Give an administrator's login for this run: --admin-user, and the password in REALMWRIGHT_ADMIN_PASSWORD; `plan` then shows which, and `apply` mends or adopts it
    ");
}

#[tokio::test]
async fn a_wrong_clock_is_told_apart_from_a_wrong_key() {
    let server = mock().await;
    let refused = ResponseTemplate::new(401)
        .set_body_json(json!({"error": "invalid_client", "error_description": "Token is not active"}))
        .insert_header("Date", "Mon, 01 Jan 2024 00:00:00 GMT");
    first(&server, 1, "POST", "^/realms/clinic/protocol/openid-connect/token$", refused).await;
    let error = connect(&server).await.export("clinic").await.expect_err("refused");
    let Fault::Refused { clock_skew: Some(skew), .. } = error.fault else { panic!("{error}") };
    assert!(skew > 0);
    assert!(error.hint().is_some_and(|hint| hint.contains("set the clocks right")));
}

/// Answers as the bootstrap client's requests expect it.
async fn with_lanes(server: &MockServer) {
    on(server, "GET", "^/admin/realms/master/clients$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    on(
        server,
        "GET",
        "^/admin/realms/master/groups$",
        ResponseTemplate::new(200).set_body_json(json!([{"id": "g", "path": "/realmwright-lanes"}])),
    )
    .await;
    let made = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let id = body["clientId"].as_str().expect("an id").to_owned();
        ResponseTemplate::new(201).insert_header("Location", format!("/admin/realms/master/clients/{id}"))
    };
    Mock::given(method("POST")).and(path("/admin/realms/master/clients")).respond_with(made).mount(server).await;
    on(server, "GET", "service-account-user$", ResponseTemplate::new(200).set_body_json(json!({"id": "u"}))).await;
    on(server, "PUT", "^/admin/realms/master/users/u/groups/g$", ResponseTemplate::new(204)).await;
    on(server, "DELETE", "^/admin/realms/master/clients/realmwright-lane-", ResponseTemplate::new(204)).await;
}

#[tokio::test]
async fn lanes_are_replaced_after_some_births_and_removed_at_the_end() {
    let server = mock().await;
    with_lanes(&server).await;
    on(&server, "POST", "^/admin/realms$", ResponseTemplate::new(201)).await;
    let api = connect(&server).await;
    for _ in 0..60 {
        assert_eq!(api.create_realm(&json!({"realm": "clinic"})).await.expect("born"), Birth::Born);
    }
    assert_eq!(sent(&server, "POST", "/admin/realms/master/clients").await, 3);
    api.finish().await.expect("removed");
    let requests = server.received_requests().await.expect("recorded");
    assert_eq!(requests.iter().filter(|request| request.method.as_str() == "DELETE").count(), 3);
    let listing =
        requests.iter().filter(|request| request.method.as_str() == "GET" && request.url.path() == "/admin/realms");
    assert_eq!(listing.count(), 0, "the list of all realms is never asked for");
}

#[tokio::test]
async fn a_lost_answer_to_a_birth_is_looked_up_before_it_is_sent_again() {
    let server = mock().await;
    with_lanes(&server).await;
    first(&server, 1, "POST", "^/admin/realms$", ResponseTemplate::new(504)).await;
    let api = connect(&server).await;
    assert_eq!(api.create_realm(&json!({"realm": "clinic"})).await.expect("born"), Birth::Lost);
    assert_eq!(sent(&server, "POST", "/admin/realms").await, 1);
}

#[tokio::test]
async fn a_conflict_that_is_not_about_the_realm_is_tried_again() {
    let server = mock().await;
    with_lanes(&server).await;
    first(&server, 1, "POST", "^/admin/realms$", ResponseTemplate::new(409)).await;
    on(&server, "POST", "^/admin/realms$", ResponseTemplate::new(201)).await;
    let gone = ResponseTemplate::new(404).set_body_json(json!({"error": "Realm does not exist"}));
    on(&server, "POST", "^/realms/clinic/protocol/openid-connect/token$", gone).await;
    let api = connect(&server).await;
    assert_eq!(api.create_realm(&json!({"realm": "clinic"})).await.expect("born"), Birth::Born);
    assert_eq!(sent(&server, "POST", "/admin/realms").await, 2);
}

#[test]
fn dangerous_versions_are_refused_and_others_are_told_apart() {
    use realmwright::keycloak::version::{Standing, TRIED, Version, check};
    for version in ["26.7.2", "26.7.1", "26.7.0", "26.3.5", "25.0.6", "27.0.0", "999.0.0-SNAPSHOT", "nightly", ""] {
        assert!(check(version).is_err(), "{version}");
    }
    for version in ["26.4.7", "26.5.4", "26.6.4", "26.7.3", "26.7.4", "26.8.0", "26.10.1", "26.7.3.redhat-00001"] {
        assert!(check(version).is_ok(), "{version}");
    }
    assert!(TRIED.iter().all(|version| version.standing() == Standing::Tried));
    assert!(matches!(Version(26, 5, 4).standing(), Standing::Flawed(why) if why.contains("46605")));
    assert!(matches!(Version(26, 4, 15).standing(), Standing::Flawed(why) if why.contains("51554")));
    assert_eq!(Version(26, 4, 16).standing(), Standing::Untried);
    assert_eq!(Version(26, 8, 2).standing(), Standing::Untried);
}

#[tokio::test]
async fn the_master_realm_and_names_that_lead_astray_are_never_sent() {
    let server = mock().await;
    let api = connect(&server).await;
    let before = server.received_requests().await.expect("recorded").len();
    for realm in ["master", "Master", "clinic/../master", "..", "clinic?x=", "clinic#", "%6daster", ""] {
        let refused = |error: KeycloakError| matches!(error.fault, Fault::NotATenant { .. });
        assert!(api.export(realm).await.is_err_and(refused), "{realm}");
        assert!(api.get(realm, "clients").await.is_err_and(refused), "{realm}");
        assert!(api.put(realm, "", Some(&json!({}))).await.is_err_and(refused), "{realm}");
        assert!(api.post(realm, "clients", &json!({})).await.is_err_and(refused), "{realm}");
        assert!(api.delete(realm, "", None).await.is_err_and(refused), "{realm}");
        assert!(api.create_realm(&json!({"realm": realm})).await.is_err_and(refused), "{realm}");
    }
    assert_eq!(server.received_requests().await.expect("recorded").len(), before, "nothing was sent");
}

#[tokio::test]
async fn a_server_that_fails_all_the_time_is_not_asked_again_and_again() {
    let server = mock().await;
    on(&server, "POST", "partial-export$", ResponseTemplate::new(503).insert_header("retry-after", "0")).await;
    let api = connect(&server).await;
    for _ in 0..30 {
        api.export("clinic").await.expect_err("refused");
    }
    let sent = server.received_requests().await.expect("kept");
    let exports = sent.iter().filter(|request| request.url.path().ends_with("partial-export")).count();
    assert!((50..=54).contains(&exports), "{exports}: thirty, and as many again as the budget allows");
}

#[tokio::test]
async fn no_more_realms_are_worked_on_than_the_server_can_do() {
    let server = mock().await;
    on(&server, "GET", "/roles$", ResponseTemplate::new(200).set_body_json(json!([]))).await;
    let api = connect(&server).await;
    api.at_most(3);
    let under_way = std::sync::atomic::AtomicUsize::new(0);
    let most = std::sync::atomic::AtomicUsize::new(0);
    let work = (0..40).map(|_| async {
        use std::sync::atomic::Ordering::SeqCst;
        let _turn = api.turn("clinic").await;
        most.fetch_max(under_way.fetch_add(1, SeqCst) + 1, SeqCst);
        api.get("clinic", "roles").await.expect("answered");
        under_way.fetch_sub(1, SeqCst);
    });
    futures_util::future::join_all(work).await;
    assert_eq!(most.into_inner(), 3);
    let tally = api.tally("clinic").expect("counted");
    // One token for all.
    assert!(tally.requests == 41 && tally.repeats == 0, "{tally:?}");
    assert!(api.tally("clinic").is_none(), "it is told once");
}
