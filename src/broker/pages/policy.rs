//! What pages may load and where their forms lead (Content Security Policy Level 3).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use url::Url;

use super::{STYLE, colours};
use crate::login::brand::Brand;
use crate::login::tenant::Directory;

/// The policy of a broker's pages.
pub(in crate::broker) struct Policy {
    style: String,
    forms: String,
}

impl Policy {
    /// That of a directory. Forms lead to the realms in the end, and browsers hold them to that too.
    pub(in crate::broker) fn new(directory: &Directory) -> Self {
        let realms = directory.tenants().filter_map(|tenant| Url::parse(&tenant.issuer).ok());
        let realms: BTreeSet<String> = realms.map(|url| url.origin().ascii_serialization()).collect();
        let own = directory.addresses().origins();
        // One server has all realms of an environment; more than these would be too long for a header.
        let forms = own.into_iter().chain(realms.into_iter().take(16)).collect::<Vec<_>>().join(" ");
        Self { style: hash(STYLE), forms }
    }

    /// The header of a page: with the colours and the logo of the brand that it shows, if it shows one, and of no other.
    pub(in crate::broker) fn of(&self, brand: Option<&Brand>) -> String {
        let colours = brand.and_then(colours).map(|colours| format!(" {}", hash(&colours))).unwrap_or_default();
        let logo = brand.and_then(|brand| brand.logo.as_ref());
        let logo = logo.map(|logo| format!(" img-src {};", logo.origin().ascii_serialization())).unwrap_or_default();
        let Self { style, forms } = self;
        format!(
            "default-src 'none'; style-src {style}{colours};{logo} form-action 'self' {forms}; frame-ancestors 'none'; base-uri 'none'"
        )
    }
}

/// The source that allows this very text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
