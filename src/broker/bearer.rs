//! Access tokens that are shown to `/auth` by who asks without a browser.

use std::sync::Arc;

use super::now;
use super::request::Asked;
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::rules;
use crate::login::tenant::Tenant;
use crate::login::token;

impl Asked {
    /// The access token of a request that has one.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// Whose an access token is, if a tenant's realm made it for this audience. A realm that is not a tenant's is not asked.
    pub(super) async fn shown(&self, token: &str) -> Result<(Arc<Tenant>, Identity), Fault> {
        let audience = self.parameter("audience").ok_or(Fault::Audience)?;
        let issuer = token::issuer(token).ok_or(Fault::Malformed)?;
        let tenant = self.broker.directory.of_issuer(&issuer).ok_or(Fault::Issuer)?;
        if self.broker.directory.of_host(&self.host).is_some_and(|own| own != tenant) {
            return Err(Fault::OtherTenant);
        }
        self.admit(tenant)?;
        let provider = self.broker.providers.of(&tenant.issuer).await?;
        let claims = provider.open(token).await?;
        rules::access_token(&claims, provider.metadata.issuer().as_str(), &audience, now())?;
        Ok((tenant.clone(), Identity::of(&claims)))
    }
}
