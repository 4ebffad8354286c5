//! What a realm answers to an authorization request that was pushed (RFC 9126 §2.2).

use serde::Deserialize;

use super::fault::Fault;

/// The longest name of a request that is taken; Keycloak's have 100 characters.
const LONGEST: usize = 512;

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
    expires_in: u64,
}

/// What the browser names the request by. A realm that refuses gets no login: what was pushed is never sent by the browser
/// instead.
pub fn request_uri(status: u16, body: &[u8]) -> Result<String, Fault> {
    if status != 201 {
        return Err(if status >= 500 { Fault::Provider } else { Fault::NotPushed });
    }
    let pushed: Pushed = serde_json::from_slice(body).map_err(|_| Fault::NotPushed)?;
    let Pushed { request_uri, expires_in } = pushed;
    let is_name = request_uri.starts_with("urn:") && request_uri.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || request_uri.len() > LONGEST || expires_in == 0 {
        return Err(Fault::NotPushed);
    }
    Ok(request_uri)
}
