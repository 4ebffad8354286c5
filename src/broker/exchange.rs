//! `POST /token`: an access token for one audience, for an application in the browser that calls that audience's API itself.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use secrecy::ExposeSecret;
use serde_json::json;

use super::request::Asked;
use super::web::not_now;
use super::{Happened, now};
use crate::expand::{BROKER, audience_scope};
use crate::keycloak::key::ASSERTION_TYPE;
use crate::login::exchange::{ACCESS_TOKEN, Wanted, asked as audience_of, down_scoped, given};
use crate::login::fault::Fault;
use crate::login::origin::is_own;
use crate::login::session::{Key, Session};

/// What a page of another site can't send along without being let (RFC 6454, Fetch §3.2.2): any value.
const CUSTOM: &str = "x-csrf";

/// The kind of grant (RFC 8693 §2.1).
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Exchanges the session's token for one for the audience that the form names (RFC 8693).
pub(super) async fn token(asked: Asked, form: Result<Form<Vec<(String, String)>>, FormRejection>) -> Response {
    if !asked.comes_from(is_own) || asked.header(CUSTOM).is_none() {
        asked.tell(None, Happened::ExchangeRefused(Fault::CrossSite));
        return StatusCode::FORBIDDEN.into_response();
    }
    let (key, session) = match asked.session().await {
        Ok(Some(found)) => found,
        Ok(None) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(fault) => return not_now(fault),
    };
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let exchanged = match audience_of(&form) {
        Ok(audience) => exchange(&asked, (&key, &session), audience).await,
        Err(fault) => Err(fault),
    };
    let tenant = Some(session.tenant.name.as_str());
    match exchanged {
        Ok(answer) => {
            asked.tell(tenant, Happened::Exchanged);
            Json(answer).into_response()
        }
        Err(fault) => {
            asked.tell(tenant, Happened::ExchangeRefused(fault));
            refused(fault)
        }
    }
}

/// The errors of RFC 6749 §5.2 and RFC 8693 §2.2.2. Whether nobody may have a token for an audience, or this user may not, is
/// not told.
fn refused(fault: Fault) -> Response {
    let (status, word) = match fault {
        Fault::Parameters => (StatusCode::BAD_REQUEST, "invalid_request"),
        Fault::Provider | Fault::Store => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        _ => (StatusCode::BAD_REQUEST, "invalid_target"),
    };
    (status, Json(json!({ "error": word }))).into_response()
}

async fn exchange(asked: &Asked, (key, session): (&Key, &Session), audience: &str) -> Result<serde_json::Value, Fault> {
    let broker = &asked.broker;
    let audience = asked.served.audiences.get(audience).ok_or(Fault::Audience)?;
    let own = broker.tokens(key).await?.access.ok_or(Fault::Audience)?;
    let provider = broker.providers.of(&session.tenant.issuer).await?;
    let endpoint = provider.token.url();
    let assertion = broker.assertion(&session.tenant.issuer)?;
    let form = [
        ("grant_type", EXCHANGE),
        ("client_id", BROKER),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion.as_str()),
        ("subject_token", own.expose_secret()),
        ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", ACCESS_TOKEN),
        ("audience", audience),
        ("scope", &audience_scope(audience)),
    ];
    let answer = provider.within.post(endpoint, &form).await.map_err(|_| Fault::Provider)?;
    let token = given(answer.status().as_u16(), answer.body())?;
    let claims = provider.open(&token).await?;
    let wanted = Wanted {
        issuer: provider.issuer.as_str(),
        subject: session.identity.subject(),
        client: BROKER,
        audience,
        lasts: session.until.saturating_sub(session.refreshed),
    };
    down_scoped(&claims, wanted, now())?;
    // A token that was given before may be somebody else's by now.
    let name = format!("{} {}", session.tenant.issuer, claims.jti.as_deref().unwrap_or_default());
    if !broker.is_new(&name).await? {
        return Err(Fault::Replayed);
    }
    let lasts = claims.exp.unwrap_or_default().saturating_sub(now());
    Ok(json!({
        "access_token": token, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": lasts,
    }))
}
