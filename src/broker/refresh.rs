//! Sessions that are asked for: found, got anew when they are due, once for however many ask, or over.

use std::sync::Arc;

use axum::http::HeaderMap;
use openidconnect::core::CoreErrorResponseType;
use openidconnect::{RefreshToken, RequestTokenError};
use secrecy::ExposeSecret;

use super::{Broker, Event, Happened, cookies, now, seal, verify};
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::rules;
use crate::login::session::{Key, Session, Tokens};

/// What came of asking for new tokens.
enum Renewed {
    With(Tokens, Option<Identity>),
    Refused,
}

impl Broker {
    /// The session of a request's cookie, as it was last seen.
    pub(super) fn found(&self, headers: &HeaderMap) -> Option<(Key, Arc<Session>)> {
        let key = seal::digest(cookies::value(headers, cookies::SESSION)?);
        self.sessions().find(&key, now()).map(|session| (key, session))
    }

    /// The same as the realm saw it a minute ago at most. An error is a realm that can't be asked while nothing is known any
    /// more.
    pub(super) async fn session(
        self: &Arc<Self>,
        (key, session): (Key, Arc<Session>),
        request: &str,
    ) -> Result<Option<Arc<Session>>, Fault> {
        let limits = self.sessions().limits();
        if !session.is_due(&limits, now()) {
            return Ok(Some(session));
        }
        // It goes on though the browser that asked goes away: a refresh token that was shown is worth nothing any more.
        let (own, request) = (self.clone(), request.to_owned());
        let renewing = tokio::spawn(async move {
            own.refreshing.get_with(key, own.renew(&key, &request)).await;
            own.refreshing.invalidate(&key).await;
        });
        renewing.await.map_err(|_| Fault::Provider)?;
        let found = self.sessions().find(&key, now());
        match found {
            Some(session) if now() >= session.tokens.until => Err(Fault::Provider),
            found => Ok(found),
        }
    }

    async fn renew(&self, key: &Key, request: &str) {
        let (session, limits) = {
            let mut sessions = self.sessions();
            (sessions.find(key, now()), sessions.limits())
        };
        // Who waited in the line before may have done it.
        let Some(session) = session.filter(|session| session.is_due(&limits, now())) else { return };
        let what = match self.renewed(&session).await {
            Ok(Renewed::With(tokens, identity)) => {
                self.sessions().refresh(key, tokens, identity, now());
                Happened::Refreshed
            }
            Ok(Renewed::Refused) => {
                self.sessions().end(key);
                Happened::RefreshRefused
            }
            Err(Fault::Provider) => {
                self.sessions().postpone(key, now());
                Happened::RefreshFailed
            }
            // An answer that is not believed is no answer of this realm's.
            Err(_) => {
                self.sessions().end(key);
                Happened::RefreshRefused
            }
        };
        self.tell(&Event { request, tenant: Some(&session.tenant.name), what });
    }

    async fn renewed(&self, session: &Session) -> Result<Renewed, Fault> {
        let Some(token) = &session.tokens.refresh else { return Ok(Renewed::Refused) };
        let tenant = &session.tenant;
        let provider = self.providers.of(&tenant.issuer).await?;
        let client = self.client(&provider, tenant)?;
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let request = client.exchange_refresh_token(&token).map_err(|_| Fault::Provider)?;
        let request = request
            .add_extra_param("client_assertion_type", verify::ASSERTION_TYPE)
            .add_extra_param("client_assertion", self.assertion(&tenant.issuer)?);
        let response = match request.request_async(&provider.within).await {
            Ok(response) => response,
            Err(RequestTokenError::ServerResponse(said)) => match said.error() {
                CoreErrorResponseType::Extension(_) => return Err(Fault::Provider),
                _ => return Ok(Renewed::Refused),
            },
            Err(_) => return Err(Fault::Provider),
        };
        let (id, identity) = match verify::id_token(&provider, &response).await? {
            Some((token, claims)) => {
                rules::refreshed(&claims, verify::parties(&provider), &session.identity.subject, now())?;
                (token, Some(Identity::of(&claims)))
            }
            None => (session.tokens.id.expose_secret().to_owned(), None),
        };
        let mut tokens = verify::tokens(self, &response, id);
        tokens.refresh = tokens.refresh.or_else(|| session.tokens.refresh.clone());
        Ok(Renewed::With(tokens, identity))
    }
}
