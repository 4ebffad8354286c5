//! Access tokens that are shown to `/auth` by who asks without a browser.

use std::sync::Arc;

use url::Url;

use super::request::Asked;
use super::{now, seal};
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::proof::{Shown, proven, unbound};
use crate::login::rules;
use crate::login::session::Key;
use crate::login::tenant::Tenant;
use crate::login::token;

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// As it is (RFC 6750).
    Bearer,
    /// With a proof of the key that it is bound to (RFC 9449).
    Dpop,
}

impl Scheme {
    /// What `WWW-Authenticate` says to a token that is not believed.
    pub(super) fn challenge(self) -> &'static str {
        match self {
            Self::Bearer => r#"Bearer error="invalid_token""#,
            Self::Dpop => r#"DPoP error="invalid_token", algs="ES256 ES384 RS256 PS256""#,
        }
    }

    /// The same to one whose user has no seat (RFC 6750 §3.1).
    pub(super) fn without_seat(self) -> &'static str {
        match self {
            Self::Bearer => r#"Bearer error="insufficient_scope""#,
            Self::Dpop => r#"DPoP error="insufficient_scope", algs="ES256 ES384 RS256 PS256""#,
        }
    }
}

impl Asked {
    /// The access token of a request that has one, and how it is shown.
    pub(super) fn token(&self) -> Option<(Scheme, &str)> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        let schemes = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
        let (_, scheme) = schemes.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name))?;
        Some((scheme, token.trim()))
    }

    /// Whose an access token is, if a tenant's realm made it for this audience, and what stands for its session. A realm that is
    /// not a tenant's is not asked.
    pub(super) async fn shown(&self, scheme: Scheme, token: &str) -> Result<(Arc<Tenant>, Identity, Key), Fault> {
        let audience = self.parameter("audience").ok_or(Fault::Audience)?;
        let issuer = token::issuer(token).ok_or(Fault::Malformed)?;
        let tenant = self.served.directory.of_issuer(&issuer).ok_or(Fault::Issuer)?;
        if self.served.directory.of_host(&self.host).is_some_and(|own| own != tenant) {
            return Err(Fault::OtherTenant);
        }
        self.admit(tenant)?;
        let provider = self.broker.providers.of(&tenant.issuer).await?;
        let claims = provider.open(token).await?;
        rules::access_token(&claims, provider.issuer.as_str(), &audience, now())?;
        match scheme {
            Scheme::Bearer => unbound(&claims)?,
            Scheme::Dpop => {
                let (method, url) = self.proxied().ok_or(Fault::Proof)?;
                let proof = self.header("dpop").ok_or(Fault::Proof)?;
                let name = proven(&claims, proof, Shown { method, url: &url, token }, now())?;
                if !self.broker.is_new(&name).await? {
                    return Err(Fault::Replayed);
                }
            }
        }
        let session = claims.sid.as_deref().or(claims.sub.as_deref()).unwrap_or_default();
        Ok((tenant.clone(), Identity::of(&claims), seal::digest(&format!("bearer {issuer} {session}"))))
    }

    /// Method and address of the request that somebody wants to make: as a trusted proxy tells them, else of this one.
    fn proxied(&self) -> Option<(&str, Url)> {
        let (method, path) = match &self.wanted {
            Some(path) => (self.wanted_method.as_deref()?, path.as_str()),
            None => ("GET", self.uri.path()),
        };
        let own = self.origin();
        let url = Url::parse(&format!("{}{path}", own.origin().ascii_serialization())).ok()?;
        (path.starts_with('/') && url.origin() == own.origin()).then_some((method, url))
    }
}
