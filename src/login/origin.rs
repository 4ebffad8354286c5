//! Whether a request that changes something, or asks who is there, comes from the broker's own host.

/// Whether it does, by what browsers say of it: `Origin` (RFC 6454) and `Sec-Fetch-Site` (Fetch Metadata). `own` is the
/// origin that was asked. Who says nothing is refused: no browser that is in use does.
pub fn is_own(origin: Option<&str>, fetch_site: Option<&str>, own: &str) -> bool {
    match (fetch_site, origin) {
        // A form of a page that sends no referrer has the origin `null`.
        (Some("same-origin"), None | Some("null")) => true,
        (Some("same-origin") | None, Some(origin)) => origin == own,
        _ => false,
    }
}

/// The same for what only reads: a browser may also be sent there by its user.
pub fn may_read(origin: Option<&str>, fetch_site: Option<&str>, own: &str) -> bool {
    matches!(fetch_site, None | Some("same-origin" | "none")) && origin.is_none_or(|origin| origin == own)
}
