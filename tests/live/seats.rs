//! Named seats hold inside Keycloak: on every way in, somebody without one is refused, and somebody with one let in.

mod people;

use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};

use self::people::{CALLBACK, Entry, Outcome, Person, VERIFIER, challenge, entry, fill_in, go, site, token, users_id};
use crate::server::{connect, live, runtime};
use crate::support::mail::Mails;
use crate::tenants::{Site, put_client};

const NO_SEAT: &str = "You have no seat here.";

/// Whether somebody was refused for want of a seat.
fn refused(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Page(status, page) if (*status == 401 || *status == 403) && page.contains(NO_SEAT))
}

#[test]
fn seats_are_asked_for_on_every_way_in() {
    let mails = Mails::start();
    let site = site("seats", mails.port);
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    runtime().block_on(async {
        with_a_password(&site).await;
        with_a_session_of_another_client(&site).await;
        as_somebody_else(&site).await;
        from_a_provider(&site).await;
        with_a_new_password(&site, &mails).await;
        by_other_grants(&site).await;
        after_the_seat_was_taken_away(&site).await;
    });
    // These ways are closed by the shipped template, and are opened by hand.
    put_client(
        &site.clinic,
        "assistant",
        &json!({"clientId": "assistant", "directAccessGrantsEnabled": true,
            "attributes": {"oauth2.device.authorization.grant.enabled": "true"}}),
    );
    runtime().block_on(async {
        by_password_alone(&site).await;
        at_a_device(&site).await;
    });
    site.remove();
}

async fn with_a_password(site: &Site) {
    let bare = Person::new("bare").enters(&site.clinic, "assistant").await;
    assert!(refused(&bare), "{bare:?}");
    let demo = Person::new("demo").enters(&site.clinic, "assistant").await;
    assert!(matches!(demo, Outcome::Code(_)), "{demo:?}");
    // Clients that are no product's ask for none.
    for user in ["bare", "demo"] {
        let outcome = Person::new(user).enters(&site.clinic, "portal").await;
        assert!(matches!(outcome, Outcome::Code(_)), "{user} {outcome:?}");
        let url = format!("{}/realms/{}/account/", live().url, site.clinic);
        let console = Entry { client: "account-console", redirect: &url, ..entry(&site.clinic, "") };
        let outcome = Person::new(user).enters_by(&console).await;
        assert!(matches!(outcome, Outcome::Code(_)), "{user} {outcome:?}");
    }
}

async fn with_a_session_of_another_client(site: &Site) {
    for (user, has_seat) in [("bare", false), ("demo", true)] {
        let mut person = Person::new(user);
        assert!(matches!(person.enters(&site.clinic, "portal").await, Outcome::Code(_)));
        let quietly = Entry { more: "&prompt=none", ..entry(&site.clinic, "assistant") };
        let silent = go(&mut person.browser, &quietly.url(), CALLBACK).await;
        let asked = go(&mut person.browser, &entry(&site.clinic, "assistant").url(), CALLBACK).await;
        if has_seat {
            assert!(matches!((&silent, &asked), (Outcome::Code(_), Outcome::Code(_))), "{silent:?} {asked:?}");
        } else {
            assert!(matches!(silent, Outcome::Error(_)), "{silent:?}");
            assert!(refused(&asked), "{asked:?}");
        }
    }
}

/// An administrator who takes on a user's session (Keycloak's impersonation).
async fn as_somebody_else(site: &Site) {
    let bearer = people::administrator().await;
    for (user, has_seat) in [("bare", false), ("demo", true)] {
        let mut person = Person::new(user);
        let id = users_id(&site.clinic, user).await;
        let url = format!("{}/admin/realms/{}/users/{id}/impersonation", live().url, site.clinic);
        let headers = [("authorization", bearer.as_str())];
        let answer = person.browser.send("POST", &url, &headers, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let outcome = go(&mut person.browser, &entry(&site.clinic, "assistant").url(), CALLBACK).await;
        assert!(if has_seat { matches!(outcome, Outcome::Code(_)) } else { refused(&outcome) }, "{outcome:?}");
    }
}

/// The users of another realm, which this one takes as its identity provider.
async fn from_a_provider(site: &Site) {
    let through = Entry { more: "&kc_idp_hint=north", ..entry(&site.clinic, "assistant") };
    let first = Person::new("guest").enters_by(&through).await;
    assert!(refused(&first), "the first login: {first:?}");
    let again = Person::new("guest").enters_by(&through).await;
    assert!(refused(&again), "a later one: {again:?}");
    let other = Entry { client: "portal", ..through };
    let elsewhere = Person::new("guest").enters_by(&other).await;
    assert!(matches!(elsewhere, Outcome::Code(_)), "{elsewhere:?}");
    let said = site.told(0, "seat assign CLINIC assistant guest@north.example");
    assert_eq!(said, "guest has a seat of assistant: 2 of 3 seats are taken\n");
    let seated = Person::new("guest").enters_by(&through).await;
    assert!(matches!(seated, Outcome::Code(_)), "{seated:?}");
}

/// Who forgot the password, and opens the link of the mail in the same browser.
async fn with_a_new_password(site: &Site, mails: &Mails) {
    for (user, has_seat) in [("bare", false), ("demo", true)] {
        let mut person = Person::new(user);
        let form = go(&mut person.browser, &entry(&site.clinic, "assistant").url(), CALLBACK).await;
        let forgot = people::link(form.page(), "login-actions/reset-credentials");
        let ask = go(&mut person.browser, &forgot, CALLBACK).await;
        fill_in(&mut person.browser, ask.page(), &[("username", user)], CALLBACK).await;
        let link = mails.link("login-actions/action-token");
        let form = go(&mut person.browser, &link, CALLBACK).await;
        let new = "Another-Horse-10";
        let fields = [("password-new", new), ("password-confirm", new)];
        let set = fill_in(&mut person.browser, form.page(), &fields, CALLBACK).await;
        assert!(!matches!(set, Outcome::Code(_)), "setting a password lets nobody in: {set:?}");
        person.password = new;
        let outcome = person.enters(&site.clinic, "assistant").await;
        assert!(if has_seat { matches!(outcome, Outcome::Code(_)) } else { refused(&outcome) }, "{user} {outcome:?}");
    }
}

/// Ways that the shipped template closes to everybody.
async fn by_other_grants(site: &Site) {
    let registering = entry(&site.clinic, "assistant").url().replace("/auth?", "/registrations?");
    let outcome = go(&mut Person::new("new").browser, &registering, CALLBACK).await;
    assert!(matches!(&outcome, Outcome::Page(400, _)), "{outcome:?}");
    let portal = people::tokens_at(&site.clinic, "demo", "portal").await;
    let subject = portal["access_token"].as_str().expect("a token");
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", "assistant"),
        ("subject_token", subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let itself = [("grant_type", "client_credentials"), ("client_id", "assistant")];
    let password = [
        ("grant_type", "password"),
        ("client_id", "assistant"),
        ("username", "demo"),
        ("password", "Another-Horse-10"),
    ];
    for form in [&exchange[..], &itself[..], &password[..]] {
        let (status, answer) = token(&site.clinic, form).await;
        assert!(matches!(status, 400 | 401) && answer["access_token"].is_null(), "{form:?} {status} {answer}");
    }
}

/// A seat that is taken away with the sessions of its user: no refresh goes on, of an offline token neither.
async fn after_the_seat_was_taken_away(site: &Site) {
    assert!(site.told(0, "seat assign CLINIC assistant late").contains("late has a seat of assistant: 3 of 3"));
    assert!(site.told(0, "seat assign CLINIC assistant late").contains("already"));
    let full = site.told(3, "seat assign CLINIC assistant bare");
    assert!(full.contains("refused: no seat of assistant is free: 3 of 3 seats are taken"), "{full}");
    let listed: Value = serde_json::from_str(&site.told(0, "seat list CLINIC assistant --format json")).expect("JSON");
    let holders = ["demo", "guest", "late"].map(|name| json!({"username": name, "direct": true}));
    let expected = json!({"tenant": "CLINIC", "product": "assistant", "licensed": 3, "holders": holders});
    assert_eq!(listed, expected);
    let tokens = people::tokens_at(&site.clinic, "late", "assistant").await;
    people::allow_offline_tokens(&site.clinic).await;
    let offline = people::tokens_of(&site.clinic, "late", "assistant", "openid+offline_access").await;
    let refresh = async |tokens: &Value| {
        let shown = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("no token: {tokens}"));
        let form = [("grant_type", "refresh_token"), ("client_id", "assistant"), ("refresh_token", shown)];
        token(&site.clinic, &form).await
    };
    let (mut next, mut next_offline) = (refresh(&tokens).await, refresh(&offline).await);
    assert_eq!((next.0, next_offline.0), (200, 200), "{next:?} {next_offline:?}");
    let said = site.told(0, "seat revoke CLINIC assistant late");
    assert_eq!(said, "late has no seat of assistant: 2 of 3 seats are taken\n");
    (next, next_offline) = (refresh(&next.1).await, refresh(&next_offline.1).await);
    for (status, answer) in [next, next_offline] {
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "{answer}");
    }
    let outcome = Person::new("late").enters(&site.clinic, "assistant").await;
    assert!(refused(&outcome), "{outcome:?}");
    assert!(site.told(0, "seat revoke CLINIC assistant late").contains("late had no seat"));
    let unknown = site.told(64, "seat revoke CLINIC assistant nobody");
    assert!(unknown.contains("`CLINIC` has no user `nobody`"), "{unknown}");
    let unlicensed = site.told(64, "seat list CLINIC insights");
    assert!(unlicensed.contains("`CLINIC` has neither a licence for `insights` nor a grant of it"), "{unlicensed}");
}

async fn by_password_alone(site: &Site) {
    for (user, has_seat) in [("bare", false), ("demo", true)] {
        let form = [
            ("grant_type", "password"),
            ("client_id", "assistant"),
            ("username", user),
            ("password", "Another-Horse-10"),
        ];
        let (status, answer) = token(&site.clinic, &form).await;
        assert_eq!(status, if has_seat { 200 } else { 401 }, "{user} {answer}");
        assert_eq!(answer["access_token"].is_string(), has_seat, "{user}");
    }
}

/// A device without a browser (RFC 8628), for which the user logs in elsewhere.
async fn at_a_device(site: &Site) {
    for (user, has_seat) in [("bare", false), ("demo", true)] {
        let form = [("client_id", "assistant"), ("code_challenge", &challenge()), ("code_challenge_method", "S256")];
        let url = format!("{}/realms/{}/protocol/openid-connect/auth/device", live().url, site.clinic);
        let request = reqwest::Client::new().post(url).form(&form).send().await.expect("answered");
        let device: Value = request.json().await.expect("JSON");
        let text = |name: &str| device[name].as_str().unwrap_or_else(|| panic!("{device}")).to_owned();
        let mut person = Person { password: "Another-Horse-10", ..Person::new(user) };
        let form = go(&mut person.browser, &text("verification_uri_complete"), CALLBACK).await;
        let outcome = person.gives_the_password(form.page()).await;
        assert_eq!(refused(&outcome), !has_seat, "{user} {outcome:?}");
        if has_seat {
            fill_in(&mut person.browser, outcome.page(), &[("accept", "Yes")], CALLBACK).await;
        }
        let code = text("device_code");
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "assistant"),
            ("device_code", &code),
            ("code_verifier", VERIFIER),
        ];
        let (_, answer) = token(&site.clinic, &form).await;
        assert_eq!(answer["access_token"].is_string(), has_seat, "{answer}");
    }
}

/// A provider of identities that is in the wrong hands says that somebody there has the address of a user here.
#[test]
fn attack_46_an_address_links_nobody() {
    let site = site("link", 9);
    site.edit("email: guest@north.example", "email: demo@clinic.example");
    site.apply();
    runtime().block_on(async {
        let before = users_id(&site.clinic, "demo").await;
        let through = Entry { more: "&kc_idp_hint=north", ..entry(&site.clinic, "assistant") };
        let outcome = Person::new("guest").enters_by(&through).await;
        assert!(!matches!(outcome, Outcome::Code(_)), "{outcome:?}");
        assert!(outcome.page().contains("already exists"), "{outcome:?}");
        let path = format!("users/{before}/federated-identity");
        let links = connect().await.get(&site.clinic, &path).await.expect("readable");
        assert_eq!(links, Some(json!([])));
        // Whoever has taken an account there over is asked for the password that it has here.
        let mut person = Person::new("guest");
        let asked = person.enters_by(&through).await;
        let linking = fill_in(&mut person.browser, asked.page(), &[("submitAction", "linkAccount")], CALLBACK).await;
        assert!(!matches!(linking, Outcome::Code(_)), "{linking:?}");
        let links = connect().await.get(&site.clinic, &path).await.expect("readable");
        assert_eq!(links, Some(json!([])));
    });
    site.remove();
}

/// Which ways at the client `portal` let somebody in: of `demo` and, through the provider, of `guest`.
async fn ways(site: &Site, known: &mut Known) -> Vec<&'static str> {
    let portal = entry(&site.clinic, "portal");
    let through = Entry { more: "&kc_idp_hint=north", ..portal };
    let fields = [("grant_type", "refresh_token"), ("client_id", "portal"), ("refresh_token", known.refresh.as_str())];
    let refreshed = token(&site.clinic, &fields).await.0 == 200;
    let ways = [
        ("password", matches!(Person::new("demo").tries(&portal).await, Outcome::Code(_))),
        ("session", matches!(go(&mut known.person.browser, &portal.url(), CALLBACK).await, Outcome::Code(_))),
        ("refresh", refreshed),
        ("direct grant", token(&site.clinic, &by_password("demo")).await.0 == 200),
        ("provider", matches!(Person::new("guest").tries(&through).await, Outcome::Code(_))),
    ];
    ways.into_iter().filter(|(_, lets_in)| *lets_in).map(|(way, _)| way).collect()
}

fn by_password(user: &str) -> [(&'static str, &str); 4] {
    [("grant_type", "password"), ("client_id", "portal"), ("username", user), ("password", "Correct-Horse-9")]
}

/// What `demo` has from before.
struct Known {
    person: Person,
    refresh: String,
}

async fn known(site: &Site) -> Known {
    let mut person = Person::new("demo");
    assert!(matches!(person.enters(&site.clinic, "portal").await, Outcome::Code(_)));
    let (_, tokens) = token(&site.clinic, &by_password("demo")).await;
    let refresh = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("no token: {tokens}")).to_owned();
    Known { person, refresh }
}

/// A user, a client, an identity provider or a realm that is disabled: each way that is theirs is shut.
#[test]
fn attack_37_what_is_disabled_is_shut_on_every_way() {
    let site = site("disabled", 9);
    site.apply();
    put_client(&site.clinic, "portal", &json!({"clientId": "portal", "directAccessGrantsEnabled": true}));
    let all = vec!["password", "session", "refresh", "direct grant", "provider"];
    runtime().block_on(async {
        let api = connect().await;
        let user = format!("users/{}", users_id(&site.clinic, "demo").await);
        let clients = api.get(&site.clinic, "clients?clientId=portal").await.expect("readable").expect("there");
        let client = format!("clients/{}", clients[0]["id"].as_str().expect("an id"));
        let provider = "identity-provider/instances/north".to_owned();
        assert_eq!(ways(&site, &mut known(&site).await).await, all);
        for (path, open) in [(user, vec!["provider"]), (client, vec![]), (provider, all[..4].to_vec())] {
            let mut before = known(&site).await;
            let switch = async |on: bool| {
                let mut found = api.get(&site.clinic, &path).await.expect("readable").expect("there");
                found["enabled"] = on.into();
                api.put(&site.clinic, &path, Some(&found)).await.expect("written");
            };
            switch(false).await;
            assert_eq!(ways(&site, &mut before).await, open, "{path}");
            switch(true).await;
        }
        let mut before = known(&site).await;
        people::enable(&site.clinic, false).await;
        assert_eq!(ways(&site, &mut before).await, Vec::<&str>::new());
        people::enable(&site.clinic, true).await;
        assert_eq!(ways(&site, &mut known(&site).await).await, all);
    });
    site.remove();
}
