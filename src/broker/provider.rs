//! What realms say of themselves: their endpoints and keys, fetched once for however many ask at the same time.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use moka::future::Cache;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, DiscoveryError, EndSessionUrl, IssuerUrl, JsonWebKeySet, JsonWebKeySetUrl,
    ProviderMetadata, TokenUrl,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::fetch::{Fetch, FetchError, Within};
use crate::login::fault::Fault;
use crate::login::pushed::request_uri;
use crate::login::token::{Claims, Keys, kid, open};

/// For how long a realm is believed to be as it was.
const FRESH: Duration = Duration::from_secs(600);

/// How often the keys of a realm may be fetched because a token names one that is not known.
const KEYS_EVERY: Duration = Duration::from_secs(30);

/// How soon after they could not be.
const KEYS_AGAIN: Duration = Duration::from_secs(2);

/// How many realms are kept in mind.
const MOST: u64 = 20_000;

/// What is read beside what discovery always has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct More {
    end_session_endpoint: Option<EndSessionUrl>,
    pushed_authorization_request_endpoint: Option<Url>,
    device_authorization_endpoint: Option<Url>,
    revocation_endpoint: Option<Url>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

/// What a realm says of itself.
type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A realm. Of what it says of itself, what is used: it says much, and a broker knows thousands.
pub(crate) struct Provider {
    pub(crate) issuer: IssuerUrl,
    pub(crate) authorization: AuthUrl,
    pub(crate) token: TokenUrl,
    jwks: JsonWebKeySetUrl,
    end_session: Option<EndSessionUrl>,
    pushes: Option<Url>,
    device: Option<Url>,
    revokes: Option<Url>,
    names_itself: bool,
    /// What asks it.
    pub(crate) within: Within,
    keys: RwLock<Keys>,
    /// From when on keys may be fetched again because one is not known.
    again: Mutex<Option<Instant>>,
}

/// All realms that were asked for.
pub(crate) struct Providers {
    fetch: Fetch,
    known: Cache<String, Arc<Provider>>,
}

impl Providers {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let known = Cache::builder().max_capacity(MOST).time_to_live(FRESH).build();
        Ok(Self { fetch: Fetch::new()?, known })
    }

    /// The realm of an issuer, which must be one of the directory's: nothing that a request says is ever asked.
    pub(crate) async fn of(&self, issuer: &str) -> Result<Arc<Provider>, Fault> {
        self.known.try_get_with_by_ref(issuer, Provider::discover(issuer, &self.fetch)).await.map_err(|fault| *fault)
    }
}

impl Provider {
    async fn discover(issuer: &str, fetch: &Fetch) -> Result<Arc<Self>, Fault> {
        let asked = IssuerUrl::new(issuer.to_owned()).map_err(|_| Fault::Provider)?;
        let within = fetch.within(asked.url());
        let metadata = Metadata::discover_async(asked, &within).await.map_err(failed)?;
        let origin = metadata.issuer().url().origin();
        let more = metadata.additional_metadata();
        let endpoints = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(|endpoint| endpoint.url()),
            more.end_session_endpoint.as_ref().map(|endpoint| endpoint.url()),
            more.pushed_authorization_request_endpoint.as_ref(),
            more.device_authorization_endpoint.as_ref(),
            more.revocation_endpoint.as_ref(),
        ];
        if endpoints.into_iter().flatten().any(|endpoint| endpoint.origin() != origin) {
            return Err(Fault::Provider);
        }
        let token = metadata.token_endpoint().cloned().ok_or(Fault::Provider)?;
        if !more.code_challenge_methods_supported.iter().any(|method| method == "S256") {
            return Err(Fault::NoPkce);
        }
        let keys = RwLock::new(keys(metadata.jwks())?);
        let more = more.clone();
        Ok(Arc::new(Self {
            issuer: metadata.issuer().clone(),
            authorization: metadata.authorization_endpoint().clone(),
            token,
            jwks: metadata.jwks_uri().clone(),
            end_session: more.end_session_endpoint,
            pushes: more.pushed_authorization_request_endpoint,
            device: more.device_authorization_endpoint,
            revokes: more.revocation_endpoint,
            names_itself: more.authorization_response_iss_parameter_supported,
            within,
            keys,
            again: Mutex::new(None),
        }))
    }

    /// What a token says that this realm signed.
    pub(crate) async fn open(&self, token: &str) -> Result<Claims, Fault> {
        let kid = match open(token, &self.keys()) {
            Err(Fault::UnknownKey) => kid(token).ok_or(Fault::UnknownKey)?,
            other => return other,
        };
        self.find_key(&kid).await?;
        open(token, &self.keys())
    }

    /// Whether its answers always name it (RFC 9207).
    pub(crate) fn names_itself(&self) -> bool {
        self.names_itself
    }

    /// Where it takes authorization requests before the browser comes (RFC 9126).
    pub(crate) fn pushes(&self) -> Option<&Url> {
        self.pushes.as_ref()
    }

    /// Brings a request to the realm itself, and gives the address that names it: the browser has nothing to read or change
    /// (RFC 9126 §2.1). `proof` is what the client authenticates with.
    pub(crate) async fn pushed(
        &self,
        endpoint: &Url,
        asking: &Url,
        client: &str,
        proof: &[(&str, &str)],
    ) -> Result<Url, Fault> {
        let asked: Vec<(String, String)> = asking.query_pairs().into_owned().collect();
        let asked = asked.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form: Vec<(&str, &str)> = asked.chain(proof.iter().copied()).collect();
        let answer = self.within.post(endpoint, &form).await.map_err(|_| Fault::Provider)?;
        let name = request_uri(answer.status().as_u16(), answer.body())?;
        let mut url = self.authorization.url().clone();
        url.query_pairs_mut().append_pair("client_id", client).append_pair("request_uri", &name);
        Ok(url)
    }

    /// Where it gives codes to devices (RFC 8628).
    pub(crate) fn device(&self) -> Option<&Url> {
        self.device.as_ref()
    }

    /// Where it takes tokens back (RFC 7009).
    pub(crate) fn revokes(&self) -> Option<&Url> {
        self.revokes.as_ref()
    }

    /// Where it ends sessions.
    pub(super) fn end_session(&self) -> Option<&Url> {
        self.end_session.as_ref().map(|endpoint| endpoint.url())
    }

    fn keys(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys anew because one is not known, but not again and again. The new set replaces the old one whole.
    async fn find_key(&self, kid: &str) -> Result<(), Fault> {
        let mut again = self.again.lock().await;
        if self.keys().has(kid) {
            return Ok(());
        }
        if again.is_some_and(|again| Instant::now() < again) {
            return Err(Fault::UnknownKey);
        }
        // Whoever asks may go away meanwhile, so it is said before.
        *again = Some(Instant::now() + KEYS_EVERY);
        let set = JsonWebKeySet::fetch_async(&self.jwks, &self.within).await;
        let found = set.map_err(failed).and_then(|set| keys(&set));
        if found.is_err() {
            *again = Some(Instant::now() + KEYS_AGAIN);
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = found?;
        Ok(())
    }
}

fn keys(set: &JsonWebKeySet<CoreJsonWebKey>) -> Result<Keys, Fault> {
    serde_json::to_value(set).map(|set| Keys::of(&set)).map_err(|_| Fault::Provider)
}

fn failed(_: DiscoveryError<FetchError>) -> Fault {
    Fault::Provider
}
