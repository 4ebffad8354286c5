//! What manifests say of logins, and what in it can't be.

use std::collections::BTreeMap;

use super::document::Product;
use super::node::Node;
use super::resolve::Tenant;
use crate::diagnostic::Diagnostic;
use crate::login::lease::Overflow;
use crate::login::standing::network;

/// Checks the networks that a tenant's users come from.
pub(super) fn check(tenant: &Tenant, found: &mut Vec<Diagnostic>) {
    for (index, text) in tenant.settings.login.networks.iter().flatten().enumerate() {
        let (message, hint) = match network(text) {
            Err(error) => (format!("`{text}`: {error}"), "write it as 203.0.113.0/24 or 2001:db8::/32".to_owned()),
            // Whoever writes a host and a length means one of the two.
            Ok(network) if network.trunc() != network => {
                let (all, one) = (network.trunc(), network.addr());
                (format!("`{text}` is no network"), format!("write {all} for all of it, or {one} for that address"))
            }
            Ok(_) => continue,
        };
        let at = tenant.node.nearest(&format!("/login/networks/{index}")).span;
        found.push(Diagnostic::error("wrong-network", at, message).hint(hint));
    }
}

/// Checks how concurrent seats are taken.
pub(super) fn check_seats(
    products: &BTreeMap<String, Product>,
    nodes: &BTreeMap<String, Node>,
    found: &mut Vec<Diagnostic>,
) {
    for (name, product) in products {
        let (Some(terms), Some(node)) = (&product.concurrent, nodes.get(name)) else { continue };
        let at = |key: &str| node.nearest(&format!("/concurrent/{key}")).span;
        let (at, message, hint) = match (terms.overflow, terms.overage) {
            (Overflow::Overage, None) => {
                let message = "`overflow: overage` does not say by how many percent";
                (at("overflow"), message, "add `overage: 10`, for one more seat with every ten")
            }
            (Overflow::Deny | Overflow::EvictOldest, Some(_)) => {
                let message = "`overage` does nothing without `overflow: overage`";
                (at("overage"), message, "take it out, or add `overflow: overage`")
            }
            _ => continue,
        };
        found.push(Diagnostic::error("wrong-value", at, message).hint(hint));
    }
}
