//! Two operator keys at a time, while one follows the other.
//!
//! In a rotation every account trusts a set of both keys, in which each is endorsed with a signature of the other. So a
//! run with either key can tell a rotation that its own key agreed to from a key that somebody slipped in. An endorsement
//! ends after some days: a set that is put back after the rotation is drift.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bootstrap::BOOTSTRAP;
use super::error::{Fault, KeycloakError};
use super::http::Server;
use super::key::{KeyError, OperatorKey};

/// Seconds for which an endorsement holds: as long as a rotation may take.
const LASTS: u64 = 30 * 86_400;

/// The member of a key in a set that holds the other key's endorsement.
const ENDORSEMENT: &str = "realmwright.endorsement";

/// What one key says of another.
#[derive(Serialize, Deserialize)]
struct Endorsement {
    /// The other key, by its thumbprint.
    sub: String,
    exp: u64,
}

/// The set of both keys, each endorsed by the other; `now` in seconds.
pub fn both(one: &OperatorKey, other: &OperatorKey, now: u64) -> Result<String, KeyError> {
    let endorsed = |key: &OperatorKey, by: &OperatorKey| -> Result<Value, KeyError> {
        let mut public = key.public();
        let says = by.sign(&Endorsement { sub: key.kid().to_owned(), exp: now + LASTS })?;
        public[ENDORSEMENT] = says.into();
        Ok(public)
    };
    Ok(json!({ "keys": [endorsed(one, other)?, endorsed(other, one)?] }).to_string())
}

/// The other key of a set in which this key and another follow each other; `None` for any other set.
pub fn other_key(own: &OperatorKey, set: &str) -> Option<String> {
    let set: Value = serde_json::from_str(set).ok()?;
    let [one, other] = set["keys"].as_array()?.as_slice() else { return None };
    let (mine, other) = if one["kid"] == own.kid() { (one, other) } else { (other, one) };
    let plain = own.public();
    let same = ["kid", "x", "y", "kty", "crv"].iter().all(|member| mine[*member] == plain[*member]);
    let says = other[ENDORSEMENT].as_str().filter(|_| same)?;
    let key = DecodingKey::from_ec_components(plain["x"].as_str()?, plain["y"].as_str()?).ok()?;
    let says = jsonwebtoken::decode::<Endorsement>(says, &key, &Validation::new(Algorithm::ES256)).ok()?.claims;
    (other["kid"] == says.sub.as_str() && thumbprint(other).as_deref() == Some(&says.sub)).then_some(says.sub)
}

/// The thumbprint of a public key (RFC 7638): an endorsement is of the key itself, not of its name.
fn thumbprint(key: &Value) -> Option<String> {
    Some(super::key::thumbprint(key["x"].as_str()?, key["y"].as_str()?))
}

impl Server {
    /// The id of the bootstrap client in master and the keys that it trusts, read with that client's own right.
    pub async fn trusted(&self) -> Result<(String, String), KeycloakError> {
        let path = format!("master/clients?clientId={BOOTSTRAP}");
        let found = self.master(BOOTSTRAP, Method::GET, &path, None).await?.map(|(_, list)| list).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let own =
            found.get(0).and_then(|client| Some((text(&client["id"])?, text(&client["attributes"]["jwks.string"])?)));
        own.ok_or_else(|| {
            let fault = Fault::Broken { reason: format!("master has no client `{BOOTSTRAP}` with keys of its own") };
            KeycloakError { method: "GET", path: format!("/admin/realms/{path}"), fault }
        })
    }

    /// Makes the bootstrap client trust a set of keys; it may change itself.
    pub async fn trust(&self, id: &str, set: &str) -> Result<(), KeycloakError> {
        let body = json!({ "clientId": BOOTSTRAP, "attributes": { "jwks.string": set } });
        self.master(BOOTSTRAP, Method::PUT, &format!("master/clients/{id}"), Some(&body)).await.map(|_| ())
    }

    /// Has Keycloak make a new secret for a client. Not repeated when the answer is lost: asking again makes another.
    pub async fn new_client_secret(&self, realm: &str, client: &str) -> Result<SecretString, KeycloakError> {
        let path = format!("/admin/realms/{realm}/clients/{client}/client-secret");
        let made = self.post_in_realm(realm, &path).await?;
        made["value"].as_str().map(|value| value.to_owned().into()).ok_or_else(|| {
            let fault = Fault::Broken { reason: "there is no secret in it".into() };
            KeycloakError { method: "POST", path, fault }
        })
    }
}
