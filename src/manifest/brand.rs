//! What manifests say of a tenant's looks, and who inherits what.

use schemars::JsonSchema;
use serde::Deserialize;

use super::node::{Data, Node};
use crate::diagnostic::Span;

/// Addresses of images and documents: https, and nothing that could end them in HTML, in CSS or in a header.
pub(super) const HTTPS: &str = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&*+=:@%/?-]*)?$";

/// What users see when they log in, at the realm (`loginTheme`) and on the pages of the token broker.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Brand {
    /// The colour of buttons and edges, e.g. `#0b5fff`. What is written on it is black or white, whichever is read better.
    #[schemars(regex(pattern = r"^#[0-9a-fA-F]{6}$"))]
    pub primary: Option<String>,
    /// Address of the logo, over https. It is shown 64 pixels high.
    #[schemars(length(max = 500), regex(pattern = HTTPS))]
    pub logo: Option<String>,
    /// Address of the picture beside the login, over https. Only the realm shows it.
    #[schemars(length(max = 500), regex(pattern = HTTPS))]
    pub image: Option<String>,
    /// Address of the terms of use, over https.
    #[schemars(length(max = 500), regex(pattern = HTTPS))]
    pub terms: Option<String>,
    /// Address of the privacy policy, over https.
    #[schemars(length(max = 500), regex(pattern = HTTPS))]
    pub privacy: Option<String>,
    /// `false`: nothing of the brand above it is taken. Omitted: what is not said here is as it is above.
    pub inherit: Option<bool>,
}

/// The brand of a tenant, from that above it and its own.
pub(super) fn of(above: Option<&Node>, node: &Node, span: Span) -> Node {
    let nothing = Node { data: Data::Map(Vec::new()), span };
    let Some(own) = node.get("brand") else { return above.cloned().unwrap_or(nothing) };
    let alone = own.get("inherit").is_some_and(|inherit| inherit.to_value() == false);
    let mut brand = above.filter(|_| !alone).cloned().unwrap_or(nothing);
    brand.span = own.span;
    if let Data::Map(entries) = &mut brand.data {
        for (key, value) in own.entries().iter().filter(|(key, _)| key.text != "inherit") {
            entries.retain(|(known, _)| known.text != key.text);
            entries.push((key.clone(), value.clone()));
        }
    }
    brand
}
