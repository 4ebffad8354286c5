//! Access tokens that are bound to a key of whoever shows them: proofs that they have it (DPoP, RFC 9449).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::fault::Fault;
use super::rules::LEEWAY;
use super::token::{Claims, Keys, parts, verified};

/// For how many seconds a proof is good. Clocks of clients are worse than those of servers.
pub const LIFETIME: u64 = 60;

/// The longest name of a proof that is taken.
const LONGEST: usize = 256;

/// What a proof's header may have: a key, which is looked at only here, and nothing that is to be understood beside.
const HEADER: [&str; 1] = ["jwk"];

/// Members of a key that are private (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[derive(Deserialize)]
struct Proof {
    jti: String,
    htm: String,
    htu: String,
    iat: u64,
    ath: Option<String>,
}

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its address; query and fragment don't count.
    pub url: &'a Url,
    /// The access token beside it.
    pub token: &'a str,
}

/// Whether a token may be shown as it is, without a proof: one that is bound to a key or a certificate may not (RFC 9449
/// §7.1, RFC 8705 §3).
pub fn unbound(claims: &Claims) -> Result<(), Fault> {
    if claims.cnf.is_none() { Ok(()) } else { Err(Fault::Bound) }
}

/// Whether a proof is one for this request and this token (RFC 9449 §4.3). Gives what it is known by, for it is good once.
pub fn proven(claims: &Claims, proof: &str, shown: Shown<'_>, now: u64) -> Result<String, Fault> {
    let bound = claims.cnf.as_ref().and_then(Value::as_object).ok_or(Fault::Bound)?;
    let Some(Value::String(thumbprint)) = bound.get("jkt").filter(|_| bound.len() == 1) else {
        return Err(Fault::Bound);
    };
    let (header, payload) = parts(proof).map_err(|_| Fault::Proof)?;
    if header.typ.as_deref() != Some("dpop+jwt") || header.rest.keys().any(|key| !HEADER.contains(&key.as_str())) {
        return Err(Fault::Proof);
    }
    let key = header.rest.get("jwk").and_then(Value::as_object).ok_or(Fault::Proof)?;
    if key.keys().any(|member| PRIVATE.contains(&member.as_str())) {
        return Err(Fault::Proof);
    }
    let jwk: Jwk = serde_json::from_value(key.clone().into()).map_err(|_| Fault::Proof)?;
    let keys = Keys::of(&json!({"keys": [{"kty": key.get("kty"), "crv": key.get("crv"), "x": key.get("x"),
        "y": key.get("y"), "n": key.get("n"), "e": key.get("e"), "alg": header.alg}]}));
    verified(proof, &header, &keys).map_err(|_| Fault::Proof)?;
    if jwk.thumbprint(ThumbprintHash::SHA256).ok().as_ref() != Some(thumbprint) {
        return Err(Fault::Proof);
    }
    let said: Proof = serde_json::from_slice(&payload).map_err(|_| Fault::Proof)?;
    let is_for = said.htm == shown.method && same_place(&said.htu, shown.url);
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(shown.token));
    if !is_for || said.ath.as_deref() != Some(&hash) || said.jti.is_empty() || said.jti.len() > LONGEST {
        return Err(Fault::Proof);
    }
    if said.iat > now + LEEWAY || now.saturating_sub(said.iat) > LIFETIME {
        return Err(Fault::Time);
    }
    Ok(format!("{thumbprint} {}", said.jti))
}

fn same_place(told: &str, url: &Url) -> bool {
    let bare = |mut url: Url| {
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    Url::parse(told).is_ok_and(|told| bare(told) == bare(url.clone()))
}
