//! What a token must say to be believed, once its signature is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::fault::Fault;
use super::token::Claims;

/// How far two clocks may be apart, in seconds. A token is good until this long after its end, and from this long before
/// its begin; not a second more.
pub const LEEWAY: u64 = 10;

/// How old an ID token or a logout token may be when it comes, in seconds.
const FRESH: u64 = 120;

/// The event of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Whom tokens are from, and for.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The client.
    pub client: &'a str,
}

/// An ID token that answers a login (OpenID Connect Core §3.1.3.7).
pub fn id_token(claims: &Claims, parties: Parties<'_>, nonce: &str, now: u64) -> Result<(), Fault> {
    common(claims, parties, now)?;
    if claims.nonce.as_deref() != Some(nonce) || nonce.is_empty() {
        return Err(Fault::Nonce);
    }
    fresh(claims, now)
}

/// An ID token that came for a device code (RFC 8628 §3.5), which no browser brought: there is no nonce to ask for.
pub fn id_token_by_code(claims: &Claims, parties: Parties<'_>, now: u64) -> Result<(), Fault> {
    common(claims, parties, now)?;
    fresh(claims, now)
}

/// An ID token that came with a refresh (§12.2): of the same issuer and subject; a nonce it need not have.
pub fn refreshed(claims: &Claims, parties: Parties<'_>, subject: &str, now: u64) -> Result<(), Fault> {
    common(claims, parties, now)?;
    if claims.sub.as_deref() != Some(subject) {
        return Err(Fault::Subject);
    }
    fresh(claims, now)
}

/// The access token that came with an ID token, where that says what it hashes to (OpenID Connect Core §3.1.3.8).
pub fn beside(claims: &Claims, access_token: &str) -> Result<(), Fault> {
    let Some(told) = &claims.at_hash else { return Ok(()) };
    let digest = match claims.algorithm.get(2..) {
        Some("384") => Sha384::digest(access_token).to_vec(),
        Some("512") => Sha512::digest(access_token).to_vec(),
        _ => Sha256::digest(access_token).to_vec(),
    };
    let (half, _) = digest.split_at(digest.len() / 2);
    if URL_SAFE_NO_PAD.encode(half) == *told { Ok(()) } else { Err(Fault::AccessToken) }
}

/// A logout token (OpenID Connect Back-Channel Logout 1.0 §2.6).
pub fn logout_token(claims: &Claims, parties: Parties<'_>, now: u64) -> Result<(), Fault> {
    if !matches!(claims.header_type.as_deref(), None | Some("JWT" | "logout+jwt")) {
        return Err(Fault::Header);
    }
    let event = claims.events.as_ref().and_then(|events| events.get(LOGOUT));
    if !event.is_some_and(|event| event.is_object()) || claims.nonce.is_some() {
        return Err(Fault::Kind);
    }
    if claims.sub.is_none() && claims.sid.is_none() {
        return Err(Fault::Subject);
    }
    if claims.jti.as_deref().is_none_or(str::is_empty) {
        return Err(Fault::Malformed);
    }
    issued_by_and_for(claims, parties)?;
    // Some say no end (Keycloak does); one that is said counts.
    if claims.exp.is_some_and(|exp| exp.saturating_add(LEEWAY) <= now) {
        return Err(Fault::Time);
    }
    fresh(claims, now)
}

/// An access token that somebody shows who asks without a browser (RFC 9068 §4, and what Keycloak makes): for this audience.
pub fn access_token(claims: &Claims, issuer: &str, audience: &str, now: u64) -> Result<(), Fault> {
    issued_by_and_for(claims, Parties { issuer, client: audience })?;
    let kind = match claims.header_type.as_deref() {
        Some("at+jwt") => true,
        None | Some("JWT") => match claims.typ.as_deref() {
            Some("Bearer") => true,
            // Keycloak says so of those that are bound to a key.
            Some("DPoP") => claims.cnf.is_some(),
            _ => false,
        },
        _ => false,
    };
    if !kind || claims.events.is_some() {
        return Err(Fault::Kind);
    }
    lasting(claims, now)?;
    let begun = |at: u64| at <= now + LEEWAY;
    if claims.iat.is_none_or(begun) && claims.nbf.is_none_or(begun) { Ok(()) } else { Err(Fault::Time) }
}

/// What is true of every ID token.
fn common(claims: &Claims, parties: Parties<'_>, now: u64) -> Result<(), Fault> {
    issued_by_and_for(claims, parties)?;
    // Nobody else is trusted with it, so nobody else may be an audience of it.
    if claims.azp.as_deref().is_some_and(|azp| azp != parties.client) || claims.aud.all().len() > 1 {
        return Err(Fault::Audience);
    }
    lasting(claims, now)?;
    is_id_token(claims)
}

/// It says of somebody, and is not over.
fn lasting(claims: &Claims, now: u64) -> Result<(), Fault> {
    if claims.sub.as_deref().is_none_or(|sub| sub.is_empty() || sub.len() > 255) {
        return Err(Fault::Subject);
    }
    match claims.exp {
        Some(exp) if exp.saturating_add(LEEWAY) > now => Ok(()),
        _ => Err(Fault::Time),
    }
}

fn issued_by_and_for(claims: &Claims, parties: Parties<'_>) -> Result<(), Fault> {
    if claims.iss.as_deref() != Some(parties.issuer) {
        return Err(Fault::Issuer);
    }
    if !claims.aud.all().iter().any(|one| one == parties.client) {
        return Err(Fault::Audience);
    }
    Ok(())
}

/// Access, refresh and logout tokens are signed with the same key, and are none.
fn is_id_token(claims: &Claims) -> Result<(), Fault> {
    let header = matches!(claims.header_type.as_deref(), None | Some("JWT"));
    let kind = matches!(claims.typ.as_deref(), None | Some("ID"));
    if header && kind && claims.events.is_none() { Ok(()) } else { Err(Fault::Kind) }
}

fn fresh(claims: &Claims, now: u64) -> Result<(), Fault> {
    let begun = |at: u64| at <= now + LEEWAY;
    match claims.iat {
        Some(iat) if begun(iat) && now.saturating_sub(iat) <= FRESH && claims.nbf.is_none_or(begun) => Ok(()),
        _ => Err(Fault::Time),
    }
}
