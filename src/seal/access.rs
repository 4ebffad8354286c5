//! Access tokens: signed by a realm's key, with what the tenant is entitled to in a claim that is signed once more.

use jsonwebtoken::jwk::{JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{TrustedKeys, part};
use crate::licence::{Distrust, Entitlement, Time};

/// What of an access token matters here.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    exp: Time,
    #[serde(default)]
    nbf: Option<Time>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    entitlement: Option<Value>,
}

/// What a token says that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitled {
    /// What its tenant is entitled to.
    pub entitlement: Entitlement,
    /// From when on the token is no longer good.
    pub expires: Time,
}

/// Why an access token does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenRefusal {
    /// No token.
    #[error("it is cut off or was changed")]
    Malformed,
    /// Signed in a way that is not accepted.
    #[error("it is not signed with RS256, PS256, ES256, EdDSA or one of their like")]
    Algorithm,
    /// Signed by somebody else.
    #[error("it is signed with a key that the realm does not have")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature is not of this text")]
    Signature,
    /// An ID token, or something else that the realm signs.
    #[error("it is no access token")]
    OtherType,
    /// Over.
    #[error("it has expired")]
    Expired,
    /// Not yet begun.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It says nothing of it.
    #[error("it has no claim `entitlement`")]
    NoEntitlement,
    /// What it says of it was signed by somebody else, or changed.
    #[error("its entitlement can't be believed: {0}")]
    Entitlement(Distrust),
    /// What it says of it is said of another tenant.
    #[error("its entitlement is that of `{sub}`, and its realm is `{realm}`")]
    OtherRealm {
        /// Whose the entitlement is.
        sub: String,
        /// The realm that issued the token.
        realm: String,
    },
    /// What it says of it is said of another product.
    #[error("its entitlement is about `{product}`, and it was issued for `{client}`")]
    OtherProduct {
        /// What the entitlement is about; `*`: all products.
        product: String,
        /// The client that the token was issued for.
        client: String,
    },
}

impl TokenRefusal {
    /// Its name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown-key",
            Self::Signature => "signature",
            Self::OtherType => "other-type",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::NoEntitlement => "no-entitlement",
            Self::Entitlement(_) => "entitlement",
            Self::OtherRealm { .. } => "other-realm",
            Self::OtherProduct { .. } => "other-product",
        }
    }
}

/// The algorithms that are accepted; none with a shared secret.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The keys of a realm, as it publishes them (RFC 7517).
#[derive(Debug)]
pub struct RealmKeys(JwkSet);

impl RealmKeys {
    /// Reads the text of a JWK set; none where it is something else.
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// What an access token says, at a time: its realm's signature, its times, and the signed claim in it.
    ///
    /// # Errors
    ///
    /// It does not hold.
    pub fn open(&self, text: &str, trusted: &TrustedKeys, now: Time) -> Result<Entitled, TokenRefusal> {
        let claims = self.claims(text.trim())?;
        if !matches!(claims.typ.as_deref(), None | Some("Bearer" | "DPoP")) {
            return Err(TokenRefusal::OtherType);
        }
        if claims.exp <= now {
            return Err(TokenRefusal::Expired);
        }
        if claims.nbf.is_some_and(|from| from > now) {
            return Err(TokenRefusal::NotYetValid);
        }
        let signed = claims.entitlement.as_ref().ok_or(TokenRefusal::NoEntitlement)?;
        let signed = signed.as_str().ok_or(TokenRefusal::Entitlement(Distrust::Malformed))?;
        let entitlement: Entitlement = trusted.open(signed).map_err(TokenRefusal::Entitlement)?;
        let realm = claims.iss.rsplit_once("/realms/").map_or(claims.iss.as_str(), |(_, realm)| realm);
        if entitlement.sub != realm {
            return Err(TokenRefusal::OtherRealm { sub: entitlement.sub, realm: realm.to_owned() });
        }
        if entitlement.product != claims.azp {
            let product = entitlement.product.unwrap_or_else(|| "*".to_owned());
            return Err(TokenRefusal::OtherProduct { product, client: claims.azp.unwrap_or_default() });
        }
        Ok(Entitled { entitlement, expires: claims.exp })
    }

    fn claims(&self, text: &str) -> Result<Claims, TokenRefusal> {
        let header: Value = part(text, 0).ok_or(TokenRefusal::Malformed)?;
        let algorithm = header["alg"].as_str().and_then(|name| name.parse().ok());
        let algorithm: Algorithm = algorithm.filter(|one| ALGORITHMS.contains(one)).ok_or(TokenRefusal::Algorithm)?;
        if !matches!(header["typ"].as_str(), None | Some("JWT" | "at+jwt")) {
            return Err(TokenRefusal::OtherType);
        }
        if !header["crit"].is_null() {
            return Err(TokenRefusal::Malformed);
        }
        let key = header["kid"].as_str().and_then(|kid| self.0.find(kid)).ok_or(TokenRefusal::UnknownKey)?;
        let signs = key.common.public_key_use.as_ref().is_none_or(|for_what| *for_what == PublicKeyUse::Signature);
        let fits = key.common.key_algorithm.is_none_or(|other| other == algorithm.into());
        if !signs || !fits {
            return Err(TokenRefusal::Algorithm);
        }
        let key = DecodingKey::from_jwk(key).map_err(|_| TokenRefusal::Algorithm)?;
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        // Times are looked at where the time is known.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let opened = jsonwebtoken::decode::<Claims>(text, &key, &validation);
        opened.map(|data| data.claims).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenRefusal::Signature,
            jsonwebtoken::errors::ErrorKind::InvalidAlgorithm => TokenRefusal::Algorithm,
            _ => TokenRefusal::Malformed,
        })
    }
}
