//! What a realm gave for a code or a refresh token, and whether it is believed.

use openidconnect::core::CoreTokenResponse;
use openidconnect::{OAuth2TokenResponse, TokenResponse};

use super::provider::Provider;
use super::{Broker, now};
use crate::expand::BROKER;
use crate::login::fault::Fault;
use crate::login::rules::{self, Parties};
use crate::login::session::Tokens;
use crate::login::token::Claims;

/// The least that an access token is taken to be good for, where the realm does not say.
const SHORTEST: u64 = 60;

/// Whom tokens of this realm are from, and for.
pub(super) fn parties(provider: &Provider) -> Parties<'_> {
    Parties { issuer: provider.issuer.as_str(), client: BROKER }
}

/// The ID token of a response as it was sent, and what it says.
pub(super) async fn id_token(
    provider: &Provider,
    response: &CoreTokenResponse,
) -> Result<Option<(String, Claims)>, Fault> {
    let Some(token) = response.id_token().map(ToString::to_string) else { return Ok(None) };
    let claims = provider.open(&token).await?;
    rules::beside(&claims, response.access_token().secret())?;
    Ok(Some((token, claims)))
}

/// What is kept of a response.
pub(super) fn tokens(broker: &Broker, response: &CoreTokenResponse, id: String) -> Tokens {
    let lasts = response.expires_in().map_or(SHORTEST, |lasts| lasts.as_secs()).min(broker.limits.absolute);
    Tokens {
        id: id.into(),
        access: (!broker.served().audiences.is_empty()).then(|| response.access_token().secret().clone().into()),
        refresh: response.refresh_token().map(|token| token.secret().clone().into()),
        until: now() + lasts,
    }
}
