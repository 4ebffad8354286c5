//! Asking a server, and nothing but reading it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;

use super::facts::{Asked, Facts, How, Key, Room, Tenant};
use crate::keycloak::ReadRealms;
use crate::keycloak::http::Server;

/// How many realms are asked at a time.
const AT_A_TIME: usize = 8;

/// What is known before the server is asked.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// How commands are written.
    pub how: How,
    /// The environment, if manifests name it.
    pub environment: Option<String>,
    /// The operator key.
    pub key: Key,
    /// The realms to look into.
    pub realms: Vec<String>,
    /// How full the server is, where the environment has several.
    pub room: Option<Room>,
    /// All tenants that the manifests name.
    pub all: Vec<String>,
    /// Entries that the server's realm cache holds, as its operator says.
    pub cache_max: Option<u64>,
    /// The login themes of realms that are to have one by their manifests.
    pub chosen_themes: BTreeMap<String, String>,
}

/// What is found, `server` being the connection, or why there is none; `None` where the key can't be used.
pub async fn examine(known: Known, server: Option<Asked<Server>>) -> Facts {
    let mut facts = Facts {
        how: known.how,
        environment: known.environment,
        identity: Ok(String::new()),
        key: known.key,
        clock_skew: None,
        slowest: Duration::ZERO,
        rights: None,
        group: None,
        lanes: None,
        realms: None,
        bootstrap_scope: None,
        room: known.room,
        tenants: Vec::new(),
        all: known.all,
        cache_max: known.cache_max,
        themes: None,
        chosen_themes: known.chosen_themes,
    };
    let server = match server {
        None => return facts,
        Some(Err(error)) => {
            facts.identity = Err(error);
            return facts;
        }
        Some(Ok(server)) => server,
    };
    facts.identity = Ok(server.identity().to_owned());
    let mut pace = Pace::default();
    let rights = pace.of(server.bootstrap_rights()).await;
    if rights.is_ok() {
        facts.group = Some(pace.of(server.lanes_group_roles()).await);
        facts.lanes = Some(pace.of(server.lanes_left()).await);
        // Many pages: their sum is no answer's time.
        facts.realms = Some(server.realms().await.map(|realms| realms.len()));
        facts.themes = Some(pace.of(server.login_themes()).await);
        facts.bootstrap_scope = pace.of(server.bootstrap_has_admin_scope()).await.ok();
    }
    facts.rights = Some(rights);
    let server = &server;
    let reads = futures_util::stream::iter(known.realms.into_iter().map(|realm| async move {
        let began = Instant::now();
        let export = server.export(&realm).await;
        let took = began.elapsed();
        let issuer = server.issuer_of(&realm).await.ok();
        (Tenant { realm, export, issuer }, took)
    }));
    let found: Vec<(Tenant, Duration)> = reads.buffered(AT_A_TIME).collect().await;
    for (tenant, took) in found {
        pace.slowest = pace.slowest.max(took);
        facts.tenants.push(tenant);
    }
    facts.slowest = pace.slowest;
    // Keycloak itself sends no Date, proxies do; its tokens say when they were issued.
    let issued = facts.rights.as_ref().and_then(|rights| rights.as_ref().ok()?.as_ref()?.clock_skew);
    facts.clock_skew = server.clock_skew().or(issued);
    facts
}

/// Notes the slowest answer.
#[derive(Default)]
struct Pace {
    slowest: Duration,
}

impl Pace {
    async fn of<T>(&mut self, question: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let answer = question.await;
        self.slowest = self.slowest.max(began.elapsed());
        answer
    }
}
