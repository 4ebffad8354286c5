//! A session's access token exchanged for one that is good for a single audience (RFC 8693), and what that one must be.

use serde::Deserialize;

use super::fault::Fault;
use super::rules::{self, LEEWAY};
use super::token::Claims;

/// The kind of token that is shown and asked for (RFC 8693 §3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a realm gives. A refresh token is not read, so it can't go on to anybody.
#[derive(Deserialize)]
struct Exchanged {
    access_token: String,
    issued_token_type: String,
    token_type: String,
}

/// The audience that a body asks for, as a form: that one parameter and no other, so that nobody takes scopes or tokens of
/// their own to be listened to.
pub fn asked(form: &[(String, String)]) -> Result<&str, Fault> {
    match form {
        [(name, audience)] if name == "audience" && !audience.is_empty() => Ok(audience),
        _ => Err(Fault::Parameters),
    }
}

/// The access token of a realm's answer.
pub fn given(status: u16, body: &[u8]) -> Result<String, Fault> {
    match status {
        200 => {}
        400..=403 => return Err(Fault::Denied),
        _ => return Err(Fault::Provider),
    }
    let said: Exchanged = serde_json::from_slice(body).map_err(|_| Fault::Malformed)?;
    let is_bearer = said.token_type.eq_ignore_ascii_case("Bearer") && said.issued_token_type == ACCESS_TOKEN;
    is_bearer.then_some(said.access_token).ok_or(Fault::Kind)
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The realm's issuer.
    pub issuer: &'a str,
    /// Whose session it is.
    pub subject: &'a str,
    /// Who asks.
    pub client: &'a str,
    /// Whom the token is to be for.
    pub audience: &'a str,
    /// For how many seconds the session's own access token was good.
    pub lasts: u64,
}

/// Whether a token is what was asked for: of the same issuer and subject, for this audience alone, without roles of anybody
/// else's, and good for no longer than the session's own.
pub fn down_scoped(claims: &Claims, wanted: Wanted<'_>, now: u64) -> Result<(), Fault> {
    rules::access_token(claims, wanted.issuer, wanted.audience, now)?;
    if claims.aud.all().len() != 1 || claims.azp.as_deref() != Some(wanted.client) {
        return Err(Fault::Audience);
    }
    if claims.sub.as_deref() != Some(wanted.subject) {
        return Err(Fault::Subject);
    }
    if claims.jti.as_deref().is_none_or(str::is_empty) {
        return Err(Fault::Malformed);
    }
    if claims.exp.is_none_or(|exp| exp > now.saturating_add(wanted.lasts).saturating_add(LEEWAY)) {
        return Err(Fault::Time);
    }
    let others = claims.resource_access.keys().any(|client| client != wanted.audience);
    if others || claims.realm_access.is_some() {
        return Err(Fault::Roles);
    }
    Ok(())
}
