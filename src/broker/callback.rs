//! `GET /t/TENANT/callback`: the answer of a realm, and the begin of a session.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use openidconnect::{AuthorizationCode, PkceCodeVerifier, RequestTokenError};

use super::request::Asked;
use super::{Happened, cookies, now, seal, verify};
use crate::keycloak::key::ASSERTION_TYPE;
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::pending::{Answer, Pending};
use crate::login::rules;
use crate::login::session::{Session, Tokens};
use crate::login::tenant::Tenant;

pub(super) async fn callback(asked: Asked) -> Response {
    let tenant = match asked.tenant_here() {
        Ok(tenant) => tenant,
        Err(nobody) => return nobody,
    };
    let answer = Answer::of(asked.uri.query().unwrap_or_default());
    let name = answer.as_ref().ok().and_then(|answer| cookies::login(&answer.state));
    let ended = match answer {
        Ok(answer) => end(&asked, &tenant, &answer).await,
        Err(fault) => Err(fault),
    };
    let mut response = match ended {
        Ok((headers, back)) => (headers, Redirect::to(&back)).into_response(),
        Err(fault) => asked.login_refused(&tenant, fault),
    };
    // However it ended, it was the only answer to this login.
    let spent =
        name.filter(|name| cookies::value(&asked.headers, name).is_some()).and_then(|name| cookies::clear(&name));
    cookies::add(response.headers_mut(), spent);
    response
}

async fn end(asked: &Asked, tenant: &Arc<Tenant>, answer: &Answer) -> Result<(HeaderMap, String), Fault> {
    let broker = &asked.broker;
    let name = cookies::login(&answer.state).ok_or(Fault::State)?;
    let sealed = cookies::value(&asked.headers, &name).ok_or(Fault::State)?;
    let pending: Pending = broker.seal.open(&name, sealed)?;
    let provider = broker.providers.of(&tenant.issuer).await?;
    let issuer = provider.issuer.as_str();
    pending.accepts(answer, &tenant.name, issuer, provider.names_itself(), now())?;
    if !broker.is_new(&pending.state).await? {
        return Err(Fault::Replayed);
    }
    asked.admit(tenant)?;
    let code = answer.code.clone().ok_or(Fault::Denied)?;
    let (session, tokens, sid) = redeem(asked, tenant, &pending, code).await?;
    let key = seal::random().ok_or(Fault::Provider)?;
    // A session that this browser had before, or was given by somebody, is none any more.
    if let Some(before) = cookies::value(&asked.headers, cookies::SESSION).map(seal::digest) {
        broker.end(&before).await?;
    }
    broker.begin(seal::digest(&key), session, &tokens, sid.as_deref()).await?;
    asked.tell(Some(&tenant.name), Happened::LoggedIn);
    let step = asked.served.directory.addresses().entry(&tenant.name);
    let step = step.path().rsplit('/').next().unwrap_or_default();
    let set = [cookies::set(cookies::SESSION, &key), cookies::set(cookies::TENANT, step)];
    let mut headers = HeaderMap::new();
    cookies::add(&mut headers, set.into_iter().flatten());
    Ok((headers, pending.back))
}

/// Redeems a code, and believes the ID token or not. The last is the realm's own name of the session.
async fn redeem(
    asked: &Asked,
    tenant: &Arc<Tenant>,
    pending: &Pending,
    code: String,
) -> Result<(Session, Tokens, Option<String>), Fault> {
    let broker = &asked.broker;
    let provider = broker.providers.of(&tenant.issuer).await?;
    let client = broker.client(&provider, tenant)?;
    let assertion = broker.assertion(&tenant.issuer)?;
    let request = client.exchange_code(AuthorizationCode::new(code));
    let request = request
        .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
        .add_extra_param("client_assertion_type", ASSERTION_TYPE)
        .add_extra_param("client_assertion", assertion);
    let response = request.request_async(&provider.within).await.map_err(|error| match error {
        RequestTokenError::ServerResponse(_) => Fault::Code,
        RequestTokenError::Parse(..) => Fault::Malformed,
        _ => Fault::Provider,
    })?;
    let (token, claims) = verify::id_token(&provider, &response).await?.ok_or(Fault::Malformed)?;
    rules::id_token(&claims, verify::parties(&provider), &pending.nonce, now())?;
    let tokens = verify::tokens(broker, &response, token);
    let session = Session {
        tenant: tenant.clone(),
        identity: Identity::of(&claims),
        began: now(),
        refreshed: now(),
        until: tokens.until,
    };
    Ok((session, tokens, claims.sid))
}
