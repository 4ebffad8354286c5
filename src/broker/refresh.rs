//! Sessions that are asked for: found, got anew when they are due, once for however many ask, or over.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{RefreshToken, RequestTokenError};
use secrecy::ExposeSecret;

use super::store::Row;
use super::{Broker, Event, Happened, now, verify};
use crate::keycloak::key::ASSERTION_TYPE;
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::rules;
use crate::login::session::{Key, Session, Tokens};

/// What came of asking for new tokens.
enum Renewed {
    With(Tokens, Option<Identity>),
    Refused,
}

/// How long a process waits for another one that gets the same tokens, and how often it looks.
const OTHERS: u32 = 120;
const LOOK: Duration = Duration::from_millis(100);

/// How often new tokens are tried to be kept: the old ones are worth nothing any more.
const TRIES: u32 = 3;

impl Broker {
    /// A session as the realm saw it a minute ago at most. An error is a realm that can't be asked while nothing is known any
    /// more.
    pub(super) async fn session(
        self: &Arc<Self>,
        (key, session): (Key, Arc<Session>),
        request: &str,
    ) -> Result<Option<Arc<Session>>, Fault> {
        if !session.is_due(&self.limits, now()) {
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
            Some(session) if now() >= session.until => Err(Fault::Provider),
            found => Ok(found),
        }
    }

    /// Gets the tokens of a session anew, or learns that another process has.
    async fn renew(&self, key: &Key, request: &str) {
        let session = self.sessions().find(key, now());
        // Who waited in the line before may have done it.
        let Some(session) = session.filter(|session| session.is_due(&self.limits, now())) else { return };
        for _ in 0..OTHERS {
            match self.store.claim(key, session.refreshed, now()).await {
                Ok(Some(row)) => return self.renew_alone(key, &row, request).await,
                Ok(None) => {}
                Err(_) => return self.sessions().postpone(key, now()),
            }
            match self.load(key).await {
                Ok(Some(loaded)) if loaded.refreshed == session.refreshed => tokio::time::sleep(LOOK).await,
                Ok(_) => return,
                Err(_) => break,
            }
        }
        self.sessions().postpone(key, now());
    }

    async fn renew_alone(&self, key: &Key, row: &Row, request: &str) {
        let Some((session, tokens)) = self.opened(key, row) else { return self.sessions().forget(key) };
        let what = match self.renewed(&session, &tokens).await {
            Ok(Renewed::With(tokens, identity)) => {
                let identity = identity.unwrap_or_else(|| session.identity.clone());
                let renewed = Session { identity, refreshed: now(), until: tokens.until, ..session.clone() };
                self.keep(key, renewed, &tokens).await
            }
            Ok(Renewed::Refused) => Happened::RefreshRefused,
            Err(Fault::Provider) => Happened::RefreshFailed,
            // An answer that is not believed is no answer of this realm's.
            Err(_) => Happened::RefreshRefused,
        };
        match what {
            // What is left in the database, where that can't be asked, is refused by the realm once more.
            Happened::RefreshRefused => drop(self.end(key).await),
            Happened::RefreshFailed => {
                self.sessions().postpone(key, now());
                drop(self.store.unclaim(key).await);
            }
            _ => {}
        }
        self.tell(&Event { request, tenant: Some(&session.tenant.name), what });
    }

    /// Keeps new tokens.
    async fn keep(&self, key: &Key, session: Session, tokens: &Tokens) -> Happened {
        let Ok(row) = self.row(key, &session, tokens, None, now()) else { return Happened::RefreshFailed };
        for _ in 0..TRIES {
            match self.store.renew(key, &row).await {
                Ok(true) => {
                    self.sessions().learn(*key, session, row.used);
                    return Happened::Refreshed;
                }
                // Its user has logged out meanwhile.
                Ok(false) => return Happened::RefreshRefused,
                Err(_) => tokio::time::sleep(LOOK).await,
            }
        }
        Happened::RefreshFailed
    }

    async fn renewed(&self, session: &Session, tokens: &Tokens) -> Result<Renewed, Fault> {
        let Some(token) = &tokens.refresh else { return Ok(Renewed::Refused) };
        let tenant = &session.tenant;
        let provider = self.providers.of(&tenant.issuer).await?;
        let client = self.client(&provider, tenant)?;
        let token = RefreshToken::new(token.expose_secret().to_owned());
        let request = client.exchange_refresh_token(&token);
        let request = request
            .add_extra_param("client_assertion_type", ASSERTION_TYPE)
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
                rules::refreshed(&claims, verify::parties(&provider), session.identity.subject(), now())?;
                (token, Some(Identity::of(&claims)))
            }
            None => (tokens.id.expose_secret().to_owned(), None),
        };
        let mut renewed = verify::tokens(self, &response, id);
        renewed.refresh = renewed.refresh.or_else(|| tokens.refresh.clone());
        Ok(Renewed::With(renewed, identity))
    }
}
