//! Attacks on the way to a tenant by the domain of an e-mail address, and on logins that others began.

use realmwright::login::tenant::{Directory, Tenant};

use super::stage::{Scene, Stage, served};
use crate::support::browser::{Answer, Browser};
use crate::support::dns::NameServer;

/// A broker whose tenant `acme` lists domains, and the name server that it asks.
async fn listed() -> (Stage, NameServer) {
    let dns = NameServer::start();
    let domains = vec!["clinic.example".to_owned(), "unproved.example".to_owned()];
    let acme = Tenant { domains, ..Tenant::default() };
    (Stage::of(Scene { dns: Some(dns.address), acme, ..Scene::default() }).await, dns)
}

/// The same once `clinic.example` is proved.
async fn proved() -> (Stage, NameServer) {
    let (stage, dns) = listed().await;
    dns.set("_realmwright.clinic.example", Some(&stage.prover.text("acme", "clinic.example")));
    stage.broker.prove().await;
    assert_eq!(stage.events(), ["domain_proved acme"]);
    (stage, dns)
}

async fn types(stage: &Stage, browser: &mut Browser, text: &str) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("tenant", text), ("back", "/reports")])
        .finish();
    browser.send("POST", &format!("{}/t", stage.url), &[], Some(body)).await
}

/// What a browser sees of an answer that leads somewhere, and of the page there.
async fn seen(stage: &Stage, text: &str) -> (u16, usize, u16, String) {
    let mut browser = Browser::new();
    let sent = types(stage, &mut browser, text).await;
    let page = browser.get(&format!("{}{}", stage.url, path(&sent.location()))).await;
    (sent.status, sent.headers.len(), page.status, page.body)
}

fn path(url: &str) -> String {
    url.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned())).unwrap_or_default()
}

#[tokio::test]
async fn attack_33_the_domain_as_an_oracle() {
    let (stage, dns) = proved().await;
    let asked = dns.asked();
    let nobody = seen(&stage, "no-such-tenant").await;
    assert_eq!((nobody.0, nobody.2), (303, 404));
    for text in [
        "jo@unlisted.example",
        "jo@unproved.example",
        "jo@evil.example@clinic.example",
        "jo@clinic.example@evil.example",
        "jo@sub.clinic.example",
        "jo@xclinic.example",
        "jo@clinic.example.",
        "@clinic.example",
        "jo@",
        "jo@_realmwright.clinic.example",
    ] {
        assert_eq!(seen(&stage, text).await, nobody, "{text}");
    }
    let ways = ["jo@unlisted.example", "jo@unproved.example"].map(|text| types_location(&stage, text));
    let [unlisted, unproved] = futures_util::future::join_all(ways).await.try_into().expect("two");
    assert_eq!(unlisted, unproved, "they lead to the same place");
    assert_eq!(dns.asked(), asked, "nobody is asked because somebody types something");
    let found = types_location(&stage, " Jo@CLINIC.example ").await;
    assert!(path(&found).starts_with("/t/acme?hint="), "{found}");
}

async fn types_location(stage: &Stage, text: &str) -> String {
    types(stage, &mut Browser::new(), text).await.location()
}

#[tokio::test]
async fn attack_33_proofs_of_somebody_else() {
    let (stage, dns) = listed().await;
    let record = "_realmwright.clinic.example";
    for text in [
        stage.prover.text("beta", "clinic.example"),
        stage.prover.text("acme", "unproved.example"),
        realmwright::login::domain::Prover::new(b"another broker's").text("acme", "clinic.example"),
        "realmwright-domain=".into(),
        String::new(),
    ] {
        dns.set(record, Some(&text));
        stage.broker.prove().await;
        assert!(path(&types_location(&stage, "jo@clinic.example").await).starts_with("/t/@?"), "{text}");
    }
    // The domain itself is no place for it, nor one above it.
    dns.set(record, None);
    let good = stage.prover.text("acme", "clinic.example");
    dns.set("clinic.example", Some(&good));
    dns.set("_realmwright.example", Some(&good));
    stage.broker.prove().await;
    assert!(path(&types_location(&stage, "jo@clinic.example").await).starts_with("/t/@?"));
    assert!(stage.events().is_empty());
}

#[tokio::test]
async fn attack_33_a_lapsed_proof() {
    let (stage, dns) = proved().await;
    dns.break_down(true);
    stage.broker.prove().await;
    let found = types_location(&stage, "jo@clinic.example").await;
    assert!(path(&found).starts_with("/t/acme?"), "a name server that is out of order takes nothing away");
    dns.break_down(false);
    dns.set("_realmwright.clinic.example", None);
    stage.broker.prove().await;
    assert_eq!(stage.last(), "domain_lapsed acme");
    assert!(path(&types_location(&stage, "jo@clinic.example").await).starts_with("/t/@?"));
}

#[tokio::test]
async fn attack_33_the_address_is_for_the_realm_alone() {
    let (stage, _dns) = proved().await;
    let mut browser = Browser::new();
    let found = types(&stage, &mut browser, "jo@clinic.example").await.location();
    // What is sealed is random letters, among which any two may stand beside each other.
    assert!(!found.contains("clinic") && found.contains("back=%2Freports"), "it is sealed: {found}");
    let sent = browser.get(&found).await.location();
    assert!(!sent.contains("clinic"), "{sent}");
    assert_eq!(stage.hostile.pushed(&sent)["login_hint"], "jo@clinic.example");
    // One that was sealed for another tenant, or by nobody, is none.
    for forged in [found.replace("/t/acme", "/t/beta"), format!("{}/t/acme?hint=jo%40clinic.example", stage.url)] {
        let sent = Browser::new().get(&forged).await.location();
        assert!(!stage.hostile.pushed(&sent).contains_key("login_hint"), "{sent}");
    }
    assert!(!stage.events().join(" ").contains("jo"), "{:?}", stage.events());
}

#[tokio::test]
async fn attack_34_a_login_belongs_to_the_browser_that_began_it() {
    let stage = Stage::new().await;
    // The attacker begins a login and has the victim finish it; then asks for what came of it, in every way there is.
    let (mut attacker, mut victim) = (Browser::new(), Browser::new());
    let back = stage.begun(&mut attacker, &format!("{}/t/acme", stage.url)).await;
    assert_eq!(stage.refuses(&mut victim, &back).await, "login_refused state acme");
    assert_eq!(stage.hostile.asked("acme/token"), 0, "the code was not redeemed for the victim");
    let back_at = url::Url::parse(&back).expect("a URL");
    let state = back_at.query_pairs().find(|(name, _)| name == "state").expect("there").1.into_owned();
    let mut nobody = Browser::new();
    for path in ["session", "auth", "t/acme/callback", &format!("t/acme/{state}"), &format!("login/{state}")] {
        for query in ["", &format!("?state={state}"), &format!("?req={state}"), &format!("?id={state}")] {
            let answer = nobody.get(&format!("{}/{path}{query}", stage.url)).await;
            assert!(matches!(answer.status, 400 | 401 | 404), "{path}{query}: {}", answer.status);
            assert!(answer.cookies().iter().all(|cookie| !cookie.contains("session")), "{path}{query}");
        }
    }
    // A cookie of the login under another name, as if one could be looked up by it, opens nothing.
    let place = attacker.cookies.iter().find(|((_, name), _)| name.contains("login-")).expect("a login");
    let ((host, _), sealed) = (place.0.clone(), place.1.clone());
    victim.cookies.insert((host, "__Host-Http-login-AAAAAAAAAAAAAAAA".into()), sealed);
    let other = back.replace(&state, &"A".repeat(43));
    assert_eq!(stage.refuses(&mut victim, &other).await, "login_refused state acme");
    assert!(!stage.is_in(&mut attacker).await);
}

#[tokio::test]
async fn attack_33_a_domain_that_a_tenant_lists_no_more() {
    let (stage, _dns) = proved().await;
    let leads = async || types(&stage, &mut Browser::new(), "jo@clinic.example").await.location();
    assert!(leads().await.contains("/t/acme?"));
    stage.broker.replace(served(Directory::new(stage.addresses(), [stage.tenant("acme"), stage.tenant("beta")])));
    assert!(leads().await.contains("/t/@"), "{}", leads().await);
}
