//! Where a tenant's users log in at a terminal, as the broker tells it.

use serde::{Deserialize, Serialize};
use url::Url;

use super::address::is_loopback;
use super::fault::Fault;

/// The longest text of a broker that is shown.
const LONGEST: usize = 200;

/// A tenant's realm (`GET /t/TENANT/login.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The tenant.
    pub tenant: String,
    /// What it is called on screen.
    pub label: String,
    /// The issuer of its realm.
    pub issuer: String,
    /// The client that terminals are.
    pub client: String,
    /// Whom a terminal may have an access token for.
    #[serde(default)]
    pub audiences: Vec<String>,
}

impl Place {
    /// What a broker says of this tenant. It may be asked over TLS alone, as may the realm that it names; but on this machine.
    pub fn told(body: &[u8], tenant: &str) -> Result<Self, Fault> {
        let place: Self = serde_json::from_slice(body).map_err(|_| Fault::Malformed)?;
        let shown = [&place.label, &place.client].into_iter().chain(&place.audiences);
        if shown.into_iter().any(|text| text.len() > LONGEST || text.chars().any(char::is_control)) {
            return Err(Fault::Malformed);
        }
        if place.tenant != tenant {
            return Err(Fault::OtherTenant);
        }
        match Url::parse(&place.issuer) {
            Ok(issuer) if is_safe(&issuer) => Ok(place),
            _ => Err(Fault::Issuer),
        }
    }
}

/// Whether secrets may be sent to an address.
pub fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}
