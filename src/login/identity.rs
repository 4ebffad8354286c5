//! Who somebody is, and how applications are told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::token::Claims;

/// Who is logged in: subject and issuer. The rest is for people to read.
///
/// A broker knows a hundred thousand of them, so each is one text, with the places where its parts end: subject, login name,
/// full name and e-mail address, and behind them the seats. A part that is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Identity {
    text: Box<str>,
    ends: [u32; 4],
}

/// An identity as JSON has it.
#[derive(Serialize, Deserialize)]
struct Parts {
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    seats: BTreeSet<String>,
}

/// What is between two seats: a sign that no name of a product has.
const BETWEEN: char = '\u{1f}';

impl Identity {
    /// The one that an ID token tells of.
    pub fn of(claims: &Claims) -> Self {
        let email = claims.email.as_deref().filter(|_| claims.email_verified);
        let parts = [claims.sub.as_deref(), claims.preferred_username.as_deref(), claims.name.as_deref(), email];
        Self::new(parts.map(Option::unwrap_or_default), seats(claims))
    }

    fn new<'a>(parts: [&str; 4], seats: impl Iterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        let ends = parts.map(|part| {
            text.push_str(part);
            // A token is shorter than 64 KiB, and so is all that it says.
            u32::try_from(text.len()).unwrap_or(u32::MAX)
        });
        // A name that would read as two names is no product's.
        for (place, seat) in seats.filter(|seat| !seat.is_empty() && !seat.contains(BETWEEN)).enumerate() {
            text.extend((place > 0).then_some(BETWEEN));
            text.push_str(seat);
        }
        Self { text: text.into(), ends }
    }

    /// The parts, and the seats with [`BETWEEN`] between them.
    fn parts(&self) -> [&str; 5] {
        let [subject, user, name, email] = self.ends.map(|end| usize::try_from(end).unwrap_or(usize::MAX));
        let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        [part(0, subject), part(subject, user), part(user, name), part(name, email), part(email, self.text.len())]
    }

    /// The realm's own name of the user. It never changes, and means nothing at another tenant.
    pub fn subject(&self) -> &str {
        self.parts()[0]
    }

    /// Login name.
    pub fn user(&self) -> Option<&str> {
        Some(self.parts()[1]).filter(|user| !user.is_empty())
    }

    /// Full name.
    pub fn name(&self) -> Option<&str> {
        Some(self.parts()[2]).filter(|name| !name.is_empty())
    }

    /// E-mail address, where the realm says that it is the user's.
    pub fn email(&self) -> Option<&str> {
        Some(self.parts()[3]).filter(|email| !email.is_empty())
    }

    /// The products of which the user has a named seat.
    pub fn seats(&self) -> impl Iterator<Item = &str> {
        self.parts()[4].split(BETWEEN).filter(|seat| !seat.is_empty())
    }

    /// Whether the user has a named seat of this product.
    pub fn has_seat(&self, product: &str) -> bool {
        self.seats().any(|seat| seat == product)
    }
}

impl From<Parts> for Identity {
    fn from(parts: Parts) -> Self {
        let Parts { subject, user, name, email, seats } = parts;
        let optional = [user, name, email].map(Option::unwrap_or_default);
        let [user, name, email] = optional.each_ref().map(String::as_str);
        Self::new([&subject, user, name, email], seats.iter().map(String::as_str))
    }
}

impl From<Identity> for Parts {
    fn from(identity: Identity) -> Self {
        let own = |part: Option<&str>| part.map(str::to_owned);
        Self {
            subject: identity.subject().to_owned(),
            user: own(identity.user()),
            name: own(identity.name()),
            email: own(identity.email()),
            seats: identity.seats().map(str::to_owned).collect(),
        }
    }
}

/// The clients whose role `seat` a token names, which are products.
fn seats(claims: &Claims) -> impl Iterator<Item = &str> {
    let has = |roles: &Value| roles["roles"].as_array().is_some_and(|roles| roles.iter().any(|role| role == SEAT));
    claims.resource_access.iter().filter(move |(_, roles)| has(roles)).map(|(product, _)| product.as_str())
}

/// The role of a product's client by which its holder has a seat.
pub const SEAT: &str = "seat";

/// Headers that tell applications who somebody is. Every answer has all of them, so that a proxy that copies them
/// overwrites what a client sent.
pub const HEADERS: [&str; 7] =
    ["x-auth-tenant", "x-auth-issuer", "x-auth-subject", "x-auth-user", "x-auth-name", "x-auth-email", "x-auth-seats"];

/// Their values; nothing for what is not known.
pub fn headers(tenant: &str, issuer: &str, identity: &Identity) -> [(&'static str, String); 7] {
    let [t, i, s, u, n, e, p] = HEADERS;
    let [subject, user, name, email, _] = identity.parts().map(escaped);
    // The name of a client may have a comma in it, and must not read as two.
    let seats = identity.seats().map(|seat| escaped(seat).replace(',', "%2C")).collect::<Vec<_>>().join(",");
    [(t, escaped(tenant)), (i, escaped(issuer)), (s, subject), (u, user), (n, name), (e, email), (p, seats)]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).expect("claims")
    }

    #[test]
    fn an_identity_is_what_the_token_says() {
        let text = r#"{"sub": "u1", "preferred_username": "jo", "name": "Jo Müller", "email": "jo@acme.example",
            "resource_access": {"assistant": {"roles": ["seat"]}, "insights": {"roles": ["seat"]}, "other": {"roles": []}}}"#;
        let identity = Identity::of(&claims(text));
        assert_eq!((identity.subject(), identity.user(), identity.name()), ("u1", Some("jo"), Some("Jo Müller")));
        assert_eq!(identity.email(), None, "nobody says that it is the user's");
        assert!(identity.seats().eq(["assistant", "insights"]) && !identity.has_seat("other"));
        let kept = serde_json::to_string(&identity).expect("JSON");
        assert_eq!(kept, r#"{"subject":"u1","user":"jo","name":"Jo Müller","seats":["assistant","insights"]}"#);
        assert_eq!(serde_json::from_str::<Identity>(&kept).expect("the same"), identity);
        let nobody = Identity::of(&claims(r#"{"sub": "u2"}"#));
        assert_eq!((nobody.subject(), nobody.user(), nobody.seats().count()), ("u2", None, 0));
    }

    #[test]
    fn a_client_whose_name_reads_as_two_gives_the_seat_of_neither() {
        let named = |name: &str| format!(r#"{{"sub": "u1", "resource_access": {{"{name}": {{"roles": ["seat"]}}}}}}"#);
        for (name, expected) in [
            ("other,assistant", "other%2Cassistant"),
            (",assistant", "%2Cassistant"),
            (r"other\u001fassistant", ""),
            ("", ""),
        ] {
            let identity = Identity::of(&claims(&named(name)));
            assert!(!identity.has_seat("assistant"), "{name}");
            let [.., (_, told)] = headers("acme", "https://id.example/realms/acme", &identity);
            assert_eq!(told, expected, "{name}");
        }
    }
}
