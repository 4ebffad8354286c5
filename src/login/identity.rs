//! Who somebody is, and how applications are told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::token::Claims;

/// Who is logged in: subject and issuer. The rest is for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The realm's own name of the user. It never changes, and means nothing at another tenant.
    pub subject: String,
    /// Login name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address, where the realm says that it is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The products of which the user has a named seat.
    pub seats: BTreeSet<String>,
}

impl Identity {
    /// The one that an ID token tells of.
    pub fn of(claims: &Claims) -> Self {
        Self {
            subject: claims.sub.clone().unwrap_or_default(),
            user: claims.preferred_username.clone(),
            name: claims.name.clone(),
            email: claims.email.clone().filter(|_| claims.email_verified),
            seats: seats(claims),
        }
    }

    /// Whether the user has a named seat of this product.
    pub fn has_seat(&self, product: &str) -> bool {
        self.seats.contains(product)
    }
}

/// The clients whose role `seat` a token names, which are products.
fn seats(claims: &Claims) -> BTreeSet<String> {
    let has = |roles: &Value| roles["roles"].as_array().is_some_and(|roles| roles.iter().any(|role| role == SEAT));
    let named = claims.resource_access.iter().filter(|(_, roles)| has(roles));
    named.map(|(product, _)| product.clone()).collect()
}

/// The role of a product's client by which its holder has a seat.
pub const SEAT: &str = "seat";

/// Headers that tell applications who somebody is. Every answer has all of them, so that a proxy that copies them
/// overwrites what a client sent.
pub const HEADERS: [&str; 7] =
    ["x-auth-tenant", "x-auth-issuer", "x-auth-subject", "x-auth-user", "x-auth-name", "x-auth-email", "x-auth-seats"];

/// Their values; nothing for what is not known.
pub fn headers(tenant: &str, issuer: &str, identity: &Identity) -> [(&'static str, String); 7] {
    let text = |value: &Option<String>| value.as_deref().map(escaped).unwrap_or_default();
    let [t, i, s, u, n, e, p] = HEADERS;
    // The name of a client may have a comma in it, and must not read as two.
    let seats: Vec<String> = identity.seats.iter().map(|seat| escaped(seat).replace(',', "%2C")).collect();
    [
        (t, escaped(tenant)),
        (i, escaped(issuer)),
        (s, escaped(&identity.subject)),
        (u, text(&identity.user)),
        (n, text(&identity.name)),
        (e, text(&identity.email)),
        (p, seats.join(",")),
    ]
}

/// A value as a header can hold it: what is no visible ASCII, and `%`, is percent-encoded.
fn escaped(value: &str) -> String {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'%';
    if value.bytes().all(plain) {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        match plain(byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
