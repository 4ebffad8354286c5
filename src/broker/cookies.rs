//! The broker's cookies. Each has a name that browsers accept from this very host alone, over TLS, for every path, and out
//! of the reach of scripts (`__Host-Http-`, or `__Host-` where a browser does not know that).

use axum::http::{HeaderMap, HeaderValue, header};

use crate::login::pending::LIFETIME;

/// The session.
pub(super) const SESSION: &str = "__Host-Http-session";

/// The tenant of the last login.
pub(super) const TENANT: &str = "__Host-Http-tenant";

/// A login that was begun; what follows is a part of its state, so that two can be under way.
const LOGIN: &str = "__Host-Http-login-";

/// The longest `Cookie` header that is read.
const LONGEST: usize = 16 * 1024;

/// A year, in seconds.
const YEAR: u64 = 365 * 24 * 3600;

/// The name of the cookie of a login; none for what is no state.
pub(super) fn login(state: &str) -> Option<String> {
    let part =
        state.get(..16).filter(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    Some(format!("{LOGIN}{}", part?))
}

/// A cookie's value. One that is there twice has none: the other may be somebody else's.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.filter(|line| line.len() <= LONGEST).flat_map(|line| line.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(known, _)| *known == name);
    match (named.next(), named.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// Adds what a browser is to keep or forget to an answer.
pub(super) fn add(headers: &mut HeaderMap, cookies: impl IntoIterator<Item = HeaderValue>) {
    cookies.into_iter().for_each(|cookie| {
        headers.append(header::SET_COOKIE, cookie);
    });
}

/// Has a browser keep one: a login for as long as it may take, a session until the browser ends.
pub(super) fn set(name: &str, value: &str) -> Option<HeaderValue> {
    let age = match name {
        SESSION => String::new(),
        TENANT => format!("; Max-Age={YEAR}"),
        _ => format!("; Max-Age={LIFETIME}"),
    };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")).ok()
}

/// Has a browser forget one.
pub(super) fn clear(name: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")).ok()
}
