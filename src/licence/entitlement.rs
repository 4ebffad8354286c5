//! What an organization is entitled to, in the form in which its realm and its tokens carry it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Amount, LicenceTerms};

/// The projection of an organization's licences and limits. It holds no time of its own, so that it changes only with what
/// it says; each licence says until when it is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entitlement {
    /// The organization, which is its realm's name.
    pub sub: String,
    /// The environment that it is in.
    pub environment: String,
    /// The product that it is about; all of them, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What it was made from.
    pub proof: Basis,
    /// Whether it lives on licences of its own.
    pub own_licences: bool,
    /// Its licences, by serial. The expiry is the one now, with all renewals so far.
    pub licences: Vec<LicenceTerms>,
    /// By resource, its limit: what its licences release, or what it was granted.
    pub limits: BTreeMap<String, Amount>,
}

/// What an entitlement was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The manifests alone.
    Manifests,
    /// The ledger, with all that was redeemed and revoked.
    Ledger,
}

impl Entitlement {
    /// The part of it that is about one product.
    #[must_use]
    pub fn of_product(&self, product: &str) -> Self {
        let licences = self.licences.iter().filter(|terms| terms.product == product);
        let licences =
            licences.map(|terms| LicenceTerms { quantities: only(&terms.quantities, product), ..terms.clone() });
        Self {
            product: Some(product.to_owned()),
            licences: licences.collect(),
            limits: only(&self.limits, product),
            ..self.clone()
        }
    }
}

fn only(amounts: &BTreeMap<String, Amount>, resource: &str) -> BTreeMap<String, Amount> {
    amounts.iter().filter(|(name, _)| *name == resource).map(|(name, amount)| (name.clone(), *amount)).collect()
}
