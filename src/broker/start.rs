//! `GET /t/TENANT`: the begin of a login.

use std::sync::Arc;

use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient};
use openidconnect::{
    ClientId, CsrfToken, EndpointNotSet, EndpointSet, JsonWebKeySet, Nonce, PkceCodeChallenge, RedirectUrl,
};

use super::provider::Provider;
use super::request::Asked;
use super::{Broker, Happened, cookies, now, seal};
use crate::expand::BROKER;
use crate::keycloak::key::ASSERTION_TYPE;
use crate::login::fault::Fault;
use crate::login::pending::Pending;
use crate::login::target::target;
use crate::login::tenant::{Found, Tenant};

/// A client of one realm.
pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointNotSet>;

pub(super) async fn start(asked: Asked) -> Response {
    let tenant = match asked.tenant() {
        Found::Here(tenant) => tenant,
        Found::At(url) => return Redirect::to(&with_back(url, asked.parameter("back"))).into_response(),
        Found::Nobody => return asked.nobody(),
    };
    if let Err(wait) = asked.broker.limiter.begins(asked.address, &tenant.name) {
        let after = [(RETRY_AFTER, (wait.as_secs() + 1).to_string())];
        return (after, asked.login_refused(&tenant, Fault::Rate)).into_response();
    }
    match begin(&asked, &tenant).await {
        Ok(response) => {
            asked.tell(Some(&tenant.name), Happened::LoginBegun);
            response
        }
        Err(fault) => asked.login_refused(&tenant, fault),
    }
}

/// An address with where to go in the end.
pub(super) fn with_back(mut url: url::Url, back: Option<String>) -> String {
    if let Some(back) = back {
        url.query_pairs_mut().append_pair("back", &back);
    }
    url.into()
}

async fn begin(asked: &Asked, tenant: &Arc<Tenant>) -> Result<Response, Fault> {
    asked.admit(tenant)?;
    let broker = &asked.broker;
    let provider = broker.providers.of(&tenant.issuer).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (Some(state), Some(nonce)) = (seal::random(), seal::random()) else { return Err(Fault::Provider) };
    let pending = Pending {
        tenant: tenant.name.clone(),
        state: state.clone(),
        nonce: nonce.clone(),
        verifier: verifier.into_secret(),
        back: asked.parameter("back").and_then(|back| target(&back, &asked.origin())).unwrap_or_else(|| "/".into()),
        at: now(),
    };
    let client = broker.client(&provider, tenant)?;
    let (mut url, ..) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .set_pkce_challenge(challenge)
        .url();
    if let Some(address) = asked.hint(tenant) {
        url.query_pairs_mut().append_pair("login_hint", &address);
    }
    if let Some(endpoint) = provider.pushes() {
        let assertion = broker.assertion(&tenant.issuer)?;
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
        url = provider.pushed(endpoint, &url, BROKER, &proof).await?;
    }
    let name = cookies::login(&pending.state).ok_or(Fault::State)?;
    let sealed = broker.seal.close(&name, &pending).ok_or(Fault::Parameters)?;
    let cookie = cookies::set(&name, &sealed).ok_or(Fault::Parameters)?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response())
}

impl Broker {
    /// The broker as a client of a tenant's realm.
    pub(super) fn client(&self, provider: &Provider, tenant: &Tenant) -> Result<Client, Fault> {
        let back = self.served().directory.addresses().callback(&tenant.name);
        // It verifies no token, and needs no keys for it.
        let client = CoreClient::new(ClientId::new(BROKER.into()), provider.issuer.clone(), JsonWebKeySet::default())
            .set_auth_uri(provider.authorization.clone())
            .set_token_uri(provider.token.clone());
        Ok(client.set_redirect_uri(RedirectUrl::new(back.into()).map_err(|_| Fault::Provider)?))
    }
}
