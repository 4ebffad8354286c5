//! Tenants whose users don't get in, or not from everywhere: on every way in, and while they are in.

use realmwright::broker::Rates;
use realmwright::login::standing::{Networks, Period, Standing, network};
use realmwright::login::tenant::Tenant;

use super::attacks::shown_at;
use super::hostile::now;
use super::stage::{Scene, Stage};
use crate::support::browser::Browser;

const PROXY: &str = "127.0.0.1/32";

async fn stage(acme: Tenant) -> Stage {
    Stage::of(Scene { acme, proxies: vec![PROXY.into()], ..Scene::default() }).await
}

fn until(until: u64) -> Tenant {
    let licences = vec![Period { from: None, until: Some(until) }];
    Tenant { standing: Standing { suspended: false, licences }, ..Tenant::default() }
}

/// Every way in, and every way on, from an address: statuses of the begin of a login, its end, a session, and a bearer token.
async fn ways(stage: &Stage, inside: &mut Browser, begun: &str, address: &str) -> [u16; 5] {
    let from = [("x-forwarded-for", address)];
    let url = |path: &str| format!("{}{path}", stage.url);
    let start = Browser::new().send("GET", &url("/t/acme"), &from, None).await.status;
    let mut late = Browser::new();
    late.cookies = inside.cookies.clone();
    let ended = late.send("GET", begun, &from, None).await.status;
    let session = inside.send("GET", &url("/auth"), &from, None).await.status;
    let told = inside.send("GET", &url("/session"), &from, None).await.status;
    [start, ended, session, told, shown_at(stage, &from).await]
}

#[tokio::test]
async fn attack_37_a_tenant_that_is_shut() {
    let suspended = Tenant { standing: Standing { suspended: true, licences: Vec::new() }, ..Tenant::default() };
    let closed = stage(suspended).await;
    let answer = Browser::new().get(&format!("{}/t/acme", closed.url)).await;
    assert!(answer.status == 403 && answer.body.contains("suspended"), "{}", answer.body);
    assert_eq!(closed.last(), "login_refused suspended acme");
    assert_eq!(shown_at(&closed, &[]).await, 403);
    assert_eq!(closed.hostile.asked("acme/token"), 0);

    // Somebody is in, and another login has begun, when the licence ends.
    let end = now() + 2;
    let stage = stage(until(end)).await;
    let mut inside = stage.user("acme").await;
    let begun = stage.begun(&mut inside, &format!("{}/t/acme", stage.url)).await;
    assert_eq!(shown_at(&stage, &[]).await, 200);
    while now() < end {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(ways(&stage, &mut inside, &begun, "192.0.2.7").await, [403; 5]);
    let page = inside.get(&format!("{}/t/acme", stage.url)).await;
    assert!(page.body.contains("expired"), "{}", page.body);
    assert_eq!(stage.last(), "login_refused expired acme");
}

#[tokio::test]
async fn a_tenants_users_come_from_its_networks() {
    let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| network(text).expect("a network"));
    let stage = stage(Tenant { networks: Networks::only(networks), ..Tenant::default() }).await;
    let home = [("x-forwarded-for", "192.0.2.7")];
    let mut inside = Browser::new();
    let sent = inside.send("GET", &format!("{}/t/acme", stage.url), &home, None).await.location();
    let back = inside.get(&sent).await.location();
    assert_eq!(inside.send("GET", &back, &home, None).await.status, 303);
    for elsewhere in ["198.51.100.7", "2001:db9::1", "192.0.2.7, 198.51.100.7", "::ffff:198.51.100.7"] {
        let sent = inside.send("GET", &format!("{}/t/acme", stage.url), &home, None).await.location();
        let begun = inside.get(&sent).await.location();
        assert_eq!(ways(&stage, &mut inside, &begun, elsewhere).await, [403; 5], "{elsewhere}");
        assert_eq!(stage.last(), "login_refused address acme");
    }
    for there in ["192.0.2.8", "2001:db8::1", "::ffff:192.0.2.9"] {
        let from = [("x-forwarded-for", there)];
        assert_eq!(inside.send("GET", &format!("{}/auth", stage.url), &from, None).await.status, 200, "{there}");
        assert_eq!(shown_at(&stage, &from).await, 200);
    }
    let garbled = [("x-forwarded-for", "192.0.2.7, who knows")];
    assert_eq!(inside.send("GET", &format!("{}/auth", stage.url), &garbled, None).await.status, 400);
    // A page is led to one that says why.
    let page = [("x-forwarded-for", "198.51.100.7"), ("accept", "text/html")];
    let sent = inside.send("GET", &format!("{}/auth?else=login", stage.url), &page, None).await;
    assert_eq!((sent.status, sent.location().as_str()), (303, "/t"));
}

#[tokio::test]
async fn attack_48_a_flood_of_logins() {
    let few = |address: u32, tenant: u32| Rates {
        address: address.try_into().expect("some"),
        tenant: tenant.try_into().expect("some"),
    };
    let scene = |rates: Rates| Scene { rates, proxies: vec![PROXY.into()], ..Scene::default() };
    let stage = Stage::of(scene(few(2, 5))).await;
    let begin = async |tenant: &str, address: &str| {
        let from = [("x-forwarded-for", address)];
        let answer = Browser::new().send("GET", &format!("{}/t/{tenant}", stage.url), &from, None).await;
        (answer.status, answer.header("retry-after").and_then(|text| text.parse::<u64>().ok()).unwrap_or_default())
    };
    assert_eq!([begin("acme", "192.0.2.1").await.0, begin("acme", "192.0.2.1").await.0], [303, 303]);
    let (status, wait) = begin("acme", "192.0.2.1").await;
    assert!(status == 429 && (1..=60).contains(&wait), "{status} {wait}");
    assert_eq!(stage.last(), "login_refused rate acme");
    assert_eq!(begin("beta", "192.0.2.1").await.0, 429, "it is the address");
    // A subscriber of IPv6 has as many addresses as they like.
    for (address, expected) in [("2001:db8:1:2::1", 303), ("2001:db8:1:2:ffff::2", 303), ("2001:db8:1:2::3", 429)] {
        assert_eq!(begin("acme", address).await.0, expected, "{address}");
    }
    assert_eq!(
        [begin("acme", "192.0.2.3").await.0, begin("acme", "192.0.2.4").await.0],
        [303, 429],
        "five at a tenant"
    );
    assert_eq!(begin("beta", "192.0.2.5").await.0, 303);
    // Nobody's address is known without a proxy that is trusted, and nobody is held to the proxy's.
    let blind = Stage::of(Scene { rates: few(1, 9), ..Scene::default() }).await;
    for _ in 0..3 {
        assert_eq!(Browser::new().get(&format!("{}/t/acme", blind.url)).await.status, 303);
    }
}
