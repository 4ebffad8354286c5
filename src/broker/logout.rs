//! The end of a session: because its user says so, or because its realm does.

use std::collections::HashMap;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;

use super::request::Asked;
use super::{Happened, cookies, now, pages, seal, verify};
use crate::expand::BROKER;
use crate::login::fault::Fault;
use crate::login::origin::is_own;
use crate::login::rules;
use crate::login::session::{Session, Tokens};
use crate::login::tenant::Tenant;

/// `POST /logout`: ends the session here and sends the browser to its realm, which ends its own.
pub(super) async fn logout(asked: Asked) -> Response {
    if !asked.comes_from(is_own) {
        asked.tell(None, Happened::LogoutRefused(Fault::CrossSite));
        return StatusCode::FORBIDDEN.into_response();
    }
    let key = cookies::value(&asked.headers, cookies::SESSION).map(seal::digest);
    let ended = match key {
        // Who can't be logged out is told so, and keeps the cookie to try again.
        Some(key) => match asked.broker.end(&key).await {
            Ok(ended) => ended,
            Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
        None => None,
    };
    let mut headers = HeaderMap::new();
    cookies::add(&mut headers, cookies::clear(cookies::SESSION));
    let next = match &ended {
        Some((session, tokens)) => {
            asked.tell(Some(&session.tenant.name), Happened::LoggedOut);
            at_realm(&asked, session, tokens).await
        }
        None => "/".to_owned(),
    };
    (headers, Redirect::to(&next)).into_response()
}

/// Where the realm ends its session (OpenID Connect RP-Initiated Logout 1.0 §2).
async fn at_realm(asked: &Asked, session: &Session, tokens: &Tokens) -> String {
    let back = asked.served.directory.addresses().signed_out(&session.tenant.name);
    let provider = asked.broker.providers.of(&session.tenant.issuer).await.ok();
    let Some(mut url) = provider.as_ref().and_then(|provider| provider.end_session()).cloned() else {
        return back.into();
    };
    url.query_pairs_mut()
        .append_pair("client_id", BROKER)
        .append_pair("id_token_hint", tokens.id.expose_secret())
        .append_pair("post_logout_redirect_uri", back.as_str());
    url.into()
}

/// `GET /t/TENANT/signed-out`: where the realm sends the browser back to.
pub(super) async fn signed_out(asked: Asked) -> Response {
    match asked.tenant_here() {
        Ok(tenant) => {
            let again = asked.served.directory.addresses().entry(&tenant.name);
            pages::signed_out(asked.language, &tenant, &again)
        }
        Err(nobody) => nobody,
    }
}

/// `POST /t/TENANT/backchannel-logout`: the realm says that a session has ended.
pub(super) async fn at_back_channel(
    asked: Asked,
    form: Result<Form<HashMap<String, String>>, FormRejection>,
) -> Response {
    let tenant = match asked.tenant_here() {
        Ok(tenant) => tenant,
        Err(_) => return StatusCode::NOT_FOUND.into_response(),
    };
    let token = form.ok().and_then(|Form(mut form)| form.remove("logout_token"));
    match end(&asked, &tenant, token).await {
        Ok(count) => {
            asked.tell(Some(&tenant.name), Happened::LoggedOutAtRealm(count));
            StatusCode::OK.into_response()
        }
        Err(fault) => {
            asked.tell(Some(&tenant.name), Happened::LogoutRefused(fault));
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

async fn end(asked: &Asked, tenant: &Tenant, token: Option<String>) -> Result<usize, Fault> {
    let token = token.ok_or(Fault::Parameters)?;
    let provider = asked.broker.providers.of(&tenant.issuer).await?;
    let claims = provider.open(&token).await?;
    rules::logout_token(&claims, verify::parties(&provider), now())?;
    let name = format!("{} {}", tenant.issuer, claims.jti.as_deref().unwrap_or_default());
    if !asked.broker.is_new(&name).await? {
        return Err(Fault::Replayed);
    }
    asked.broker.end_at_realm(&tenant.name, claims.sub.as_deref(), claims.sid.as_deref()).await
}
