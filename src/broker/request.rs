//! A request as the broker sees it: whose host it is for, and by what name the log knows it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::pages::{self, Language};
use super::{Broker, Event, Happened, Served, now, seal};
use crate::login::fault::Fault;
use crate::login::session::{Key, Session};
use crate::login::tenant::{Found, Tenant};

/// A request to one of the broker's hosts.
pub(super) struct Asked {
    pub(super) broker: Arc<Broker>,
    /// Whom it served when the request came.
    pub(super) served: Arc<Served>,
    pub(super) host: String,
    /// Where it comes from.
    pub(super) address: IpAddr,
    pub(super) uri: Uri,
    /// The address that a trusted proxy says was asked for.
    pub(super) wanted: Option<String>,
    /// The method that it says.
    pub(super) wanted_method: Option<String>,
    pub(super) headers: HeaderMap,
    /// Its name in the log.
    pub(super) id: String,
    pub(super) language: Language,
}

impl FromRequestParts<Arc<Broker>> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Response> {
        let served = broker.served();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let all = |name: &str| -> Vec<&str> {
            parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
        };
        let host = broker.proxies.host(peer, &all(header::HOST.as_str()), &all("x-forwarded-host")).map(str::to_owned);
        let language = Language::of(all(header::ACCEPT_LANGUAGE.as_str()).first().copied().unwrap_or_default());
        // Another host's request that came here over the same connection is sent back where it came from.
        let Some(host) = host.filter(|host| served.directory.serves(host)) else {
            return Err(StatusCode::MISDIRECTED_REQUEST.into_response());
        };
        let Some(address) = broker.proxies.client(peer, &all("x-forwarded-for")) else {
            return Err(StatusCode::BAD_REQUEST.into_response());
        };
        let told = |name: &str| match (broker.proxies.trust(peer), &all(name)[..]) {
            (true, [only]) if !only.is_empty() => Some((*only).to_owned()),
            _ => None,
        };
        let (wanted, wanted_method) = (told("x-forwarded-uri"), told("x-forwarded-method"));
        let id = seal::random().and_then(|random| random.get(..12).map(str::to_owned)).unwrap_or_default();
        Ok(Self {
            broker: broker.clone(),
            served,
            host,
            address,
            uri: parts.uri.clone(),
            wanted,
            wanted_method,
            headers: parts.headers.clone(),
            id,
            language,
        })
    }
}

impl Asked {
    /// The tenant that the path names, by its step as it was sent.
    pub(super) fn tenant(&self) -> Found {
        self.served.directory.at(&self.host, self.uri.path().split('/').nth(2).unwrap_or_default())
    }

    /// The same, wherever it is served.
    pub(super) fn tenant_anywhere(&self) -> Option<Arc<Tenant>> {
        self.served.directory.of_step(self.uri.path().split('/').nth(2).unwrap_or_default()).cloned()
    }

    /// The tenant that is served here, or the answer that there is none.
    pub(super) fn tenant_here(&self) -> Result<Arc<Tenant>, Response> {
        match self.tenant() {
            Found::Here(tenant) => Ok(tenant),
            _ => Err(self.nobody()),
        }
    }

    /// The one answer where no tenant is.
    pub(super) fn nobody(&self) -> Response {
        pages::nobody(self.language)
    }

    /// The scheme and host that were asked.
    pub(super) fn origin(&self) -> url::Url {
        let addresses = self.served.directory.addresses();
        let own = self.served.directory.of_host(&self.host).map(|tenant| addresses.of(&tenant.name));
        own.unwrap_or_else(|| addresses.url().clone())
    }

    /// The session of the browser, if it is one of this host. What was taken from another host is none.
    pub(super) async fn session(&self) -> Result<Option<(Key, Arc<Session>)>, Fault> {
        let Some(found) = self.broker.found(&self.served.directory, &self.headers).await? else { return Ok(None) };
        if !self.served.directory.is_served_at(&self.host, &found.1.tenant) {
            return Ok(None);
        }
        self.admit(&found.1.tenant)?;
        let key = found.0;
        Ok(self.broker.session(found, &self.id).await?.map(|session| (key, session)))
    }

    /// Whether a tenant's users get in with this request.
    pub(super) fn admit(&self, tenant: &Tenant) -> Result<(), Fault> {
        tenant.admits(self.address, now())
    }

    /// A parameter of the query; none if it is there twice.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut named = url::form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes())
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned());
        named.next().filter(|_| named.next().is_none())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let only = all.next().filter(|_| all.next().is_none())?;
        only.to_str().ok()
    }

    /// Whether it comes from where it may, by what browsers say of it and the origin that was asked.
    pub(super) fn comes_from(&self, may: fn(Option<&str>, Option<&str>, &str) -> bool) -> bool {
        let own = self.origin().origin().ascii_serialization();
        may(self.header("origin"), self.header("sec-fetch-site"), &own)
    }

    pub(super) fn tell(&self, tenant: Option<&str>, what: Happened) {
        self.broker.tell(&Event { request: &self.id, tenant, what });
    }

    /// A login that came to nothing: the log has the reason, the browser a page without it.
    pub(super) fn login_refused(&self, tenant: &Arc<Tenant>, fault: Fault) -> Response {
        self.tell(Some(&tenant.name), Happened::LoginRefused(fault));
        self.refused(tenant, fault)
    }

    /// The page for who does not get in.
    pub(super) fn refused(&self, tenant: &Arc<Tenant>, fault: Fault) -> Response {
        let again = self.served.directory.addresses().entry(&tenant.name);
        pages::failed(self.language, tenant, fault, &again, &self.id)
    }
}
