//! A broker with two tenants in front of the hostile provider.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use realmwright::broker::{Broker, Dns, Event, Place, Rates, SealKey, Served, Setup, prover, router};
use realmwright::keycloak::key::OperatorKey;
use realmwright::login::address::Addresses;
use realmwright::login::domain::Prover;
use realmwright::login::proxy::Proxies;
use realmwright::login::session::Limits;
use realmwright::login::tenant::{Directory, Tenant};
use secrecy::SecretString;

use super::hostile::Hostile;
use crate::support::browser::{Answer, Browser};

pub struct Stage {
    pub hostile: Hostile,
    /// Where everybody finds it.
    pub url: String,
    pub port: u16,
    pub broker: Arc<Broker>,
    /// What tells the records of its tenants' domains.
    pub prover: Prover,
    /// The key of the broker.
    pub pem: SecretString,
    /// What was logged: event, reason, tenant.
    events: Arc<Mutex<Vec<String>>>,
}

/// These tenants, with all that a broker may have beside.
pub fn served(directory: Directory) -> Served {
    Served::new(directory, ["assistant", "insights"].map(str::to_owned).into(), true)
}

pub const SESSION: &str = "__Host-Http-session";

/// What differs from a broker with its defaults.
#[derive(Default)]
pub struct Scene {
    pub limits: Limits,
    /// Whether each tenant has a host.
    pub hosts: bool,
    pub proxies: Vec<String>,
    /// The port where browsers reach it through a proxy.
    pub outside: Option<u16>,
    /// The name server that is asked about domains.
    pub dns: Option<SocketAddr>,
    /// What `acme` is like.
    pub acme: Tenant,
    /// Where sessions are kept; by default, with the broker.
    pub place: Option<Place>,
    pub rates: Rates,
    /// Keys that seal before the broker's own.
    pub seals: Vec<String>,
    /// Another broker, whose realms and key this one has.
    pub beside: Option<(Hostile, SecretString)>,
}

impl Stage {
    pub async fn new() -> Self {
        Self::of(Scene::default()).await
    }

    /// The same with a host for each tenant.
    pub async fn with_hosts() -> Self {
        Self::of(Scene { hosts: true, ..Scene::default() }).await
    }

    pub async fn with(limits: Limits, hosts: bool, proxies: &[&str]) -> Self {
        Self::of(Scene {
            limits,
            hosts,
            proxies: proxies.iter().map(|text| (*text).to_owned()).collect(),
            ..Scene::default()
        })
        .await
    }

    /// The same where browsers reach it at another port, through a proxy.
    pub async fn behind(outside: u16, proxies: &[&str]) -> Self {
        Self::of(Scene {
            outside: Some(outside),
            proxies: proxies.iter().map(|text| (*text).to_owned()).collect(),
            ..Scene::default()
        })
        .await
    }

    pub async fn of(scene: Scene) -> Self {
        let Scene { limits, hosts, proxies, outside, dns, acme, place, rates, seals, beside } = scene;
        let (hostile, pem) = match beside {
            Some(beside) => beside,
            None => (Hostile::start().await, OperatorKey::generate().expect("a key")),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("http://localhost:{}", outside.unwrap_or(port));
        let of_tenants = format!("http://*.localhost:{port}");
        let addresses = Addresses::new(&url, hosts.then_some(of_tenants.as_str())).expect("addresses");
        let tenant = |name: &str, label: &str, like: Tenant| Tenant {
            name: name.into(),
            label: label.into(),
            issuer: hostile.issuer(name),
            ..like
        };
        let tenants = [tenant("acme", "Acme & Söhne", acme), tenant("beta", "Beta", Tenant::default())];
        let served = served(Directory::new(addresses, tenants));
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = events.clone();
        let log = Box::new(move |event: &Event<'_>| {
            let (what, reason) = event.what.words();
            let words = [Some(what.to_owned()), reason, event.tenant.map(str::to_owned)];
            told.lock().unwrap().push(words.into_iter().flatten().collect::<Vec<_>>().join(" "));
        });
        let key = OperatorKey::from_pem(&pem).expect("a key");
        let prover = prover(&key).expect("derived");
        let dns = dns.map(|server| Dns::new(Some(server)).expect("a resolver"));
        let proxies = Proxies::new(proxies.iter().map(|network| network.parse().expect("a network")));
        let seals = seals.into_iter().map(|text| SealKey::read(&text.into()).expect("a key"));
        let seals = seals.chain([SealKey::derived(&key).expect("a key")]).collect();
        let place = place.unwrap_or(Place::Own);
        let setup = Setup { served, proxies, limits, rates, dns, key, seals, place, log };
        let broker = Arc::new(Broker::new(setup).await.expect("a broker"));
        let service = router(broker.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { hostile, url, port, broker, pem, prover, events }
    }

    /// Where it is, without hosts of tenants.
    pub fn addresses(&self) -> Addresses {
        Addresses::new(&self.url, None).expect("addresses")
    }

    /// A tenant whose realm the provider has.
    pub fn tenant(&self, name: &str) -> Tenant {
        Tenant { name: name.into(), label: name.into(), issuer: self.hostile.issuer(name), ..Tenant::default() }
    }

    /// Begins a login, and gives what the realm would send the browser back to.
    pub async fn begun(&self, browser: &mut Browser, entry: &str) -> String {
        let sent = browser.get(entry).await.location();
        browser.get(&sent).await.location()
    }

    /// A whole login at the main host.
    pub async fn login(&self, browser: &mut Browser, tenant: &str) -> Answer {
        let back = self.begun(browser, &format!("{}/t/{tenant}", self.url)).await;
        browser.get(&back).await
    }

    /// Somebody who is logged in.
    pub async fn user(&self, tenant: &str) -> Browser {
        let mut browser = Browser::new();
        assert_eq!(self.login(&mut browser, tenant).await.status, 303);
        browser
    }

    pub async fn auth(&self, browser: &mut Browser) -> Answer {
        browser.get(&format!("{}/auth", self.url)).await
    }

    pub async fn is_in(&self, browser: &mut Browser) -> bool {
        self.auth(browser).await.status == 200
    }

    /// Brings an answer of a realm back, which must be refused: no session, one event with the reason.
    pub async fn refuses(&self, browser: &mut Browser, back: &str) -> String {
        self.events.lock().unwrap().clear();
        let answer = browser.get(back).await;
        assert!(matches!(answer.status, 400 | 502), "{}: {}", answer.status, answer.body);
        assert!(!answer.cookies().iter().any(|cookie| cookie.starts_with(SESSION)), "{:?}", answer.cookies());
        assert!(!self.is_in(browser).await);
        self.last()
    }

    /// A login at `acme`, refused for this reason.
    pub async fn refuses_login(&self) -> String {
        let mut browser = Browser::new();
        let back = self.begun(&mut browser, &format!("{}/t/acme", self.url)).await;
        self.refuses(&mut browser, &back).await
    }

    /// The last event of logins and logouts.
    pub fn last(&self) -> String {
        self.events.lock().unwrap().last().cloned().unwrap_or_default()
    }

    pub fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }
}
