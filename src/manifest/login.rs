//! What manifests say of logins, and what in it can't be.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::Product;
use super::node::Node;
use super::resolve::Tenant;
use crate::diagnostic::Diagnostic;
use crate::login::lease::Overflow;
use crate::login::standing::network;

/// Domains of e-mail addresses (RFC 1035 §2.3.1), with a dot in them.
pub(super) const DOMAIN: &str = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$";

/// How a tenant's users get in through the token broker, and who does.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Login {
    /// Domains of its users' e-mail addresses, e.g. `[clinic.example]`: with such an address the token broker finds it, once
    /// the domain is proved (`realmwright domain`).
    #[serde(default)]
    #[schemars(length(max = 50), inner(length(max = 240), regex(pattern = DOMAIN)))]
    pub domains: Vec<String>,
    /// Networks and addresses that they come from, e.g. `[203.0.113.0/24, "2001:db8::/32"]`. Omitted: any.
    #[schemars(length(min = 1))]
    pub networks: Option<Vec<String>>,
}

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

/// A domain leads to one tenant.
pub(super) fn check_domains(tenants: &[Tenant], found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for tenant in tenants {
        for (index, domain) in tenant.settings.login.domains.iter().enumerate() {
            if let Some(holder) = seen.insert(domain, &tenant.name) {
                let at = tenant.node.nearest(&format!("/login/domains/{index}")).span;
                let message = format!("the domain `{domain}` is listed twice");
                let hint = format!("`{holder}` lists it already; a domain leads to one tenant");
                found.push(Diagnostic::error("duplicate-domain", at, message).hint(hint));
            }
        }
    }
}
