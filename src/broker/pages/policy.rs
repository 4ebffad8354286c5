//! What pages may load and where their forms lead (Content Security Policy Level 3).

use std::borrow::Cow;
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
    /// That of every answer without a brand, which are most.
    plain: String,
}

impl Policy {
    /// That of a directory. Forms lead to the realms in the end, and browsers hold them to that too.
    pub(in crate::broker) fn new(directory: &Directory) -> Self {
        let realms = directory.tenants().filter_map(|tenant| Url::parse(&tenant.issuer).ok());
        let realms: BTreeSet<String> = realms.map(|url| url.origin().ascii_serialization()).collect();
        let own = directory.addresses().origins();
        // One server has all realms of an environment; more than these would be too long for a header.
        let forms = own.into_iter().chain(realms.into_iter().take(16)).collect::<Vec<_>>().join(" ");
        let style = hash(STYLE);
        Self { plain: text(&style, "", "", &forms), style, forms }
    }

    /// The header of a page: with the colours and the logo of the brand that it shows, if it shows one, and of no other.
    pub(in crate::broker) fn of(&self, brand: Option<&Brand>) -> Cow<'_, str> {
        let Some(brand) = brand else { return Cow::Borrowed(&self.plain) };
        let colours = colours(brand).map(|colours| format!(" {}", hash(&colours))).unwrap_or_default();
        let logo = brand.logo.as_ref();
        let logo = logo.map(|logo| format!(" img-src {};", logo.origin().ascii_serialization())).unwrap_or_default();
        text(&self.style, &colours, &logo, &self.forms).into()
    }
}

fn text(style: &str, colours: &str, logo: &str, forms: &str) -> String {
    format!(
        "default-src 'none'; style-src {style}{colours};{logo} form-action 'self' {forms}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// The source that allows this very text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
