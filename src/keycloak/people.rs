//! Counting the people of a realm: neither service accounts nor the shadows of users who are at home in the realm above it.

use std::collections::BTreeSet;

use super::listing::pages;
use super::{Fault, KeycloakError, ReadRealms, segment};
use crate::state::{Kind, RealmState};

/// How many users a realm has of its own (`GET users/count`, which leaves out service accounts). A user who came in
/// through an identity provider of the realm above, which `upstream` names by its issuer, is counted there.
///
/// # Errors
///
/// The realm can't be read.
pub async fn count(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    upstream: Option<&str>,
) -> Result<u64, KeycloakError> {
    let path = "users/count";
    let all = api.get(realm, path).await?.and_then(|count| count.as_u64()).ok_or_else(|| {
        let fault = Fault::Broken { reason: "it is not a number".into() };
        KeycloakError { method: "GET", path: format!("/admin/realms/{realm}/{path}"), fault }
    })?;
    let mut shadows = BTreeSet::new();
    for alias in trusting(state, upstream) {
        for user in pages(api, realm, &format!("users?briefRepresentation=true&idpAlias={}", segment(alias))).await? {
            shadows.extend(user["id"].as_str().map(str::to_owned));
        }
    }
    Ok(all.saturating_sub(shadows.len() as u64))
}

/// The identity providers that trust the realm above.
fn trusting<'a>(state: &'a RealmState, upstream: Option<&'a str>) -> impl Iterator<Item = &'a str> {
    let trusts = move |issuer: &serde_json::Value| issuer.as_str().is_some_and(|issuer| Some(issuer) == upstream);
    state
        .of_kind(Kind::IdentityProvider)
        .filter(move |(_, provider)| provider.fields.get("config.issuer").is_some_and(trusts))
        .map(|(id, _)| id.key.as_str())
}
