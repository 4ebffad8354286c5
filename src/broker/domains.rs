//! Finding a tenant by the domain of an e-mail address: the domains are looked up from time to time, and never because
//! somebody asks.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use futures_util::StreamExt;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};
use serde::{Deserialize, Serialize};

use super::request::Asked;
use super::start::with_back;
use super::{Broker, Event, Happened, now};
use crate::keycloak::key::{KeyError, OperatorKey};
use crate::login::domain::{Answer, Change, Prover, of_address, record};
use crate::login::pending::LIFETIME;
use crate::login::tenant::Tenant;

/// How often domains are looked up.
pub(super) const EVERY: Duration = Duration::from_secs(600);

/// How many are looked up at a time.
const AT_A_TIME: usize = 8;

/// The parameter that takes an address along to the login.
const HINT: &str = "hint";

/// Who is asked for records.
pub struct Dns(TokioResolver);

impl Dns {
    /// One name server, or those of the system.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, NetError> {
        let mut builder = match server {
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => Resolver::builder_tokio()?,
        };
        // A record that was taken away must not be remembered.
        builder.options_mut().cache_size = 0;
        Ok(Self(builder.build()?))
    }

    /// The texts of a domain's record.
    pub async fn texts(&self, domain: &str) -> Answer {
        match self.0.txt_lookup(format!("{}.", record(domain))).await {
            Ok(found) => {
                let texts = found.answers().iter().filter_map(|record| match &record.data {
                    RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                    _ => None,
                });
                Answer::Texts(texts.collect())
            }
            Err(error) if error.is_no_records_found() => Answer::Texts(Vec::new()),
            Err(_) => Answer::Nothing,
        }
    }
}

/// What tells the texts of the records of a broker with this key.
pub fn prover(key: &OperatorKey) -> Result<Prover, KeyError> {
    key.derived_secret("realmwright broker domains").map(|secret| Prover::new(&secret))
}

/// An address on its way to the login, which only the broker can read.
#[derive(Serialize, Deserialize)]
struct Hint {
    address: String,
    at: u64,
}

impl Broker {
    /// Whether it can ask whether domains are proved.
    pub fn asks_dns(&self) -> bool {
        self.dns.is_some()
    }

    /// Looks every domain up.
    pub async fn prove(&self) {
        let Some(dns) = &self.dns else { return };
        let mut listed: Vec<(Arc<Tenant>, String)> = Vec::new();
        for tenant in self.served().directory.tenants() {
            listed.extend(tenant.domains.iter().map(|domain| (tenant.clone(), domain.clone())));
        }
        let asking = listed.into_iter().map(|(tenant, domain)| async move {
            let answer = dns.texts(&domain).await;
            (tenant, domain, answer)
        });
        let mut answers = futures_util::stream::iter(asking).buffer_unordered(AT_A_TIME);
        while let Some((tenant, domain, answer)) = answers.next().await {
            let change = {
                let mut proofs = self.proofs.write().unwrap_or_else(PoisonError::into_inner);
                proofs.note(&self.prover, &tenant, &domain, &answer, now())
            };
            let what = match change {
                Some(Change::Proved) => Happened::DomainProved,
                Some(Change::Lapsed) => Happened::DomainLapsed,
                None => continue,
            };
            self.tell(&Event { request: &domain, tenant: Some(&tenant.name), what });
        }
    }

    /// The parameter for the login of a tenant that brings an address there.
    fn hint(&self, tenant: &Tenant, address: &str) -> Option<String> {
        self.seal.close(&sealed_for(tenant), &Hint { address: address.to_owned(), at: now() })
    }
}

fn sealed_for(tenant: &Tenant) -> String {
    format!("{HINT} {}", tenant.name)
}

impl Asked {
    /// Sends somebody who typed an address to the login of their tenant. Where the domain is nobody's, or is not proved, to
    /// where nobody is, as it would be for a name that nobody has.
    pub(super) fn by_address(&self, address: &str, back: Option<String>) -> Response {
        let addresses = self.served.directory.addresses();
        let domain = of_address(address);
        let found = domain.as_ref().and_then(|domain| {
            let proofs = self.broker.proofs.read().unwrap_or_else(PoisonError::into_inner);
            proofs.tenant(domain, now()).cloned()
        });
        // What was proved for a tenant that does not list it any more leads nowhere.
        let lists = |tenant: &Arc<Tenant>| domain.as_ref().is_some_and(|domain| tenant.domains.contains(domain));
        let found = found.and_then(|proved| self.served.directory.named(&proved.name)).filter(|tenant| lists(tenant));
        let url = match found {
            Some(tenant) => {
                let mut url = addresses.entry(&tenant.name);
                let hint = self.broker.hint(tenant, address);
                url.query_pairs_mut().extend_pairs(hint.map(|hint| (HINT, hint)));
                url
            }
            // No realm can be called so.
            None => addresses.entry("@"),
        };
        Redirect::to(&with_back(url, back)).into_response()
    }

    /// The address that was typed on the way here, for the login page of the realm.
    pub(super) fn hint(&self, tenant: &Tenant) -> Option<String> {
        let hint: Hint = self.broker.seal.open(&sealed_for(tenant), &self.parameter(HINT)?).ok()?;
        (now().saturating_sub(hint.at) <= LIFETIME).then_some(hint.address)
    }
}
