//! The token broker: logs the users of every tenant in at their realm, keeps their tokens, and tells applications behind a
//! reverse proxy who they are.
//!
//! What is believed is decided in [`login`](crate::login); here are the requests, the answers and what is kept between
//! them. Nothing that is logged holds a token, an address or a name of a user.

mod bearer;
mod callback;
mod choose;
mod cookies;
mod domains;
mod event;
mod exchange;
pub(crate) mod fetch;
mod kept;
mod logout;
pub mod openapi;
mod operations;
mod pages;
mod place;
pub(crate) mod provider;
mod rates;
mod refresh;
mod request;
mod seal;
mod seats;
mod served;
mod start;
pub mod store;
mod verify;
mod web;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use moka::future::Cache;

use crate::expand::BROKER;
use crate::keycloak::key::{KeyError, OperatorKey};
use crate::login::domain::{Proofs, Prover};
use crate::login::fault::Fault;
use crate::login::once::Once;
use crate::login::proxy::Proxies;
use crate::login::session::{Key, Limits, Sessions};
pub use domains::{Dns, prover};
pub use event::{Event, Happened};
use operations::Counters;
pub use operations::router as operations;
use provider::Providers;
use rates::Limiter;
pub use rates::Rates;
use seal::Seal;
pub(crate) use seal::random;
pub use seal::{NoSealKey, SealKey};
use seats::Leased;
pub use served::Served;
use store::Store;
pub use store::{Place, StoreError};
pub use web::{paths, router, serve};

/// What the broker is set up with.
pub struct Setup {
    /// Whom it serves, where, and for what.
    pub served: Served,
    /// The proxies in front of it.
    pub proxies: Proxies,
    /// How long sessions last.
    pub limits: Limits,
    /// Who is asked whether domains are proved; nobody: none is.
    pub dns: Option<Dns>,
    /// How many logins may be begun.
    pub rates: Rates,
    /// What it authenticates with.
    pub key: OperatorKey,
    /// What it seals with: the first; what the others sealed is opened.
    pub seals: Vec<SealKey>,
    /// Where sessions are kept.
    pub place: Place,
    /// Who is told of what happens.
    pub log: Box<dyn Fn(&Event<'_>) + Send + Sync>,
}

/// The broker at work.
pub struct Broker {
    served: RwLock<Arc<Served>>,
    proxies: Proxies,
    key: OperatorKey,
    seal: Seal,
    dns: Option<Dns>,
    prover: Prover,
    proofs: RwLock<Proofs>,
    limits: Limits,
    sessions: Mutex<Sessions>,
    store: Store,
    /// The products of which a session has a seat, as it was found lately.
    leased: Cache<Key, Arc<Leased>>,
    providers: Providers,
    /// Sessions whose tokens are being got anew.
    refreshing: Cache<Key, ()>,
    /// What was shown of what may be shown once: states of logins, names of tokens and proofs.
    shown: Mutex<Once>,
    limiter: Limiter,
    counters: Counters,
    log: Box<dyn Fn(&Event<'_>) + Send + Sync>,
}

/// For how many seconds something that was shown is remembered: longer than it is good for.
const REMEMBERED: u64 = 1200;

/// How many of those are remembered.
const MOST_SHOWN: usize = 900_000;

/// How many sessions are remembered beside what is kept of them.
const MOST_BESIDE: u64 = 1_000_000;

impl Broker {
    /// A broker that nobody has asked yet.
    pub async fn new(setup: Setup) -> Result<Self, SetupError> {
        let Setup { served, proxies, limits, rates, dns, key, seals, place, log } = setup;
        Ok(Self {
            seal: Seal::new(&seals)?,
            dns,
            prover: prover(&key)?,
            proofs: RwLock::default(),
            store: Store::open(&place).await?,
            leased: Cache::builder()
                .max_capacity(MOST_BESIDE)
                .time_to_live(Duration::from_secs(limits.refresh))
                .build(),
            providers: Providers::new()?,
            limits,
            sessions: Mutex::new(Sessions::new(limits)),
            refreshing: Cache::builder().max_capacity(MOST_BESIDE).time_to_live(Duration::from_secs(60)).build(),
            shown: Mutex::new(Once::new(REMEMBERED, MOST_SHOWN)),
            limiter: Limiter::new(rates, &proxies),
            counters: Counters::default(),
            served: RwLock::new(Arc::new(served)),
            proxies,
            key,
            log,
        })
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True the first time, for what may be shown once, at whichever of the brokers that keep their sessions together.
    async fn is_new(&self, what: &str) -> Result<bool, Fault> {
        let key = seal::digest(what);
        let is_new_here = self.once().is_new(&key, now());
        Ok(is_new_here && (!self.store.is_shared() || self.store.is_first(&key, now()).await?))
    }

    fn once(&self) -> MutexGuard<'_, Once> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What proves to a realm that the broker asks.
    fn assertion(&self, issuer: &str) -> Result<String, Fault> {
        self.key.assertion(BROKER, issuer, now()).map_err(|_| Fault::Provider)
    }

    fn tell(&self, event: &Event<'_>) {
        self.counters.count(event);
        (self.log)(event);
    }
}

/// Why a broker can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Its key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its sessions can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No HTTP client.
    #[error("no HTTP client can be made: {0}")]
    Client(#[from] reqwest::Error),
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
