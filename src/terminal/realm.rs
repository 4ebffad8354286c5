//! A tenant's realm, as a terminal asks it.

use std::sync::Arc;

use openidconnect::HttpResponse;
use serde::Deserialize;
use url::Url;

use super::{Login, TerminalError};
use crate::broker::fetch::Fetch;
use crate::broker::now;
use crate::broker::provider::{Provider, Providers};
use crate::expand::audience_scope;
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::place::{Place, is_safe};
use crate::login::rules::{self, Parties};

/// A tenant's realm.
pub struct Realm {
    /// What the broker says of it.
    pub place: Place,
    pub(super) broker: Url,
    pub(super) provider: Arc<Provider>,
}

/// What a realm gives for a code.
#[derive(Deserialize)]
struct Given {
    access_token: String,
    refresh_token: Option<String>,
    id_token: Option<String>,
    expires_in: u64,
}

impl Realm {
    /// The realm of a tenant, which its broker tells.
    pub async fn find(broker: &Url, tenant: &str) -> Result<Self, TerminalError> {
        if !is_safe(broker) {
            return Err(TerminalError::Plain(broker.clone()));
        }
        let unreachable = || TerminalError::Unreachable(broker.clone());
        let mut url = broker.clone();
        url.path_segments_mut().map_err(|()| unreachable())?.clear().extend(["t", tenant, "login.json"]);
        let fetch = Fetch::new().map_err(|_| unreachable())?;
        let answer = fetch.within(broker).get(&url).await.map_err(|_| unreachable())?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Err(TerminalError::NoTenant(tenant.to_owned(), broker.clone())),
            _ => return Err(unreachable()),
        }
        let place = Place::told(answer.body(), tenant).map_err(TerminalError::Refused)?;
        Self::of(broker.clone(), place).await
    }

    /// The realm that somebody logged in at.
    pub async fn of(broker: Url, place: Place) -> Result<Self, TerminalError> {
        let providers = Providers::new().map_err(|_| TerminalError::Unreachable(broker.clone()))?;
        let provider = providers.of(&place.issuer).await.map_err(TerminalError::Refused)?;
        Ok(Self { place, broker, provider })
    }

    /// What a token is asked for: somebody's name, and access for audiences.
    pub(super) fn scope(audiences: &[String]) -> String {
        let scopes = audiences.iter().map(|audience| audience_scope(audience));
        std::iter::once("openid".to_owned()).chain(scopes).collect::<Vec<_>>().join(" ")
    }

    pub(super) async fn ask(&self, form: &[(&str, &str)]) -> Result<HttpResponse, TerminalError> {
        let endpoint = self.provider.token.url();
        let answer = self.provider.within.post(endpoint, form).await;
        answer.map_err(|_| TerminalError::Unreachable(endpoint.clone()))
    }

    /// Who logged in, by an answer of the token endpoint: its ID token must be of this realm, for this client, fresh, and, where
    /// a browser brought the code, of this very login.
    pub(super) async fn taken(&self, answer: &HttpResponse, nonce: Option<&str>) -> Result<Login, TerminalError> {
        let believed = async {
            let given: Given = read(answer, Fault::Code)?;
            let claims = self.provider.open(given.id_token.as_deref().ok_or(Fault::Malformed)?).await?;
            match nonce {
                Some(nonce) => rules::id_token(&claims, self.parties(), nonce, now())?,
                None => rules::id_token_by_code(&claims, self.parties(), now())?,
            }
            rules::beside(&claims, &given.access_token)?;
            Ok(self.login(given, Identity::of(&claims)))
        };
        believed.await.map_err(TerminalError::Refused)
    }

    /// A login with new tokens.
    pub async fn renewed(&self, login: &Login) -> Result<Login, TerminalError> {
        let refresh = login.refresh.as_deref().ok_or_else(|| TerminalError::Ended(self.place.tenant.clone()))?;
        let form = [("grant_type", "refresh_token"), ("client_id", &*self.place.client), ("refresh_token", refresh)];
        let answer = self.ask(&form).await?;
        if matches!(answer.status().as_u16(), 400 | 401) {
            return Err(TerminalError::Ended(self.place.tenant.clone()));
        }
        let believed = async {
            let given: Given = read(&answer, Fault::Provider)?;
            let identity = match given.id_token.as_deref() {
                None => login.identity.clone(),
                Some(token) => {
                    let claims = self.provider.open(token).await?;
                    rules::refreshed(&claims, self.parties(), login.identity.subject(), now())?;
                    rules::beside(&claims, &given.access_token)?;
                    Identity::of(&claims)
                }
            };
            let mut renewed = self.login(given, identity);
            renewed.refresh = renewed.refresh.or_else(|| login.refresh.clone());
            Ok(renewed)
        };
        believed.await.map_err(TerminalError::Refused)
    }

    /// Has the realm end a login (RFC 7009); false where it could not be told.
    pub async fn end(&self, login: &Login) -> bool {
        let (Some(endpoint), Some(refresh)) = (self.provider.revokes(), &login.refresh) else { return false };
        let form = [("client_id", &*self.place.client), ("token", refresh), ("token_type_hint", "refresh_token")];
        self.provider.within.post(endpoint, &form).await.is_ok_and(|answer| answer.status().is_success())
    }

    fn parties(&self) -> Parties<'_> {
        Parties { issuer: &self.place.issuer, client: &self.place.client }
    }

    fn login(&self, given: Given, identity: Identity) -> Login {
        Login {
            broker: self.broker.to_string(),
            place: self.place.clone(),
            identity,
            until: now().saturating_add(given.expires_in),
            access: given.access_token,
            refresh: given.refresh_token,
        }
    }
}

fn read(answer: &HttpResponse, refused: Fault) -> Result<Given, Fault> {
    match answer.status().as_u16() {
        200 => serde_json::from_slice(answer.body()).map_err(|_| Fault::Malformed),
        500.. => Err(Fault::Provider),
        _ => Err(refused),
    }
}
