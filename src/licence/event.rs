//! What happened.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::LicenceTerms;
use super::resource::Measure;
use super::{Amount, Time};

/// Something that was accepted. [`super::Accounts`] is the fold of these; each says all that the fold needs, beside the
/// time at which it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Event {
    /// A type of resource is known from now on.
    ResourceDefined {
        /// Its name.
        resource: String,
        /// How it is counted.
        measure: Measure,
    },
    /// An organization was created.
    Created {
        /// Its name.
        organization: String,
        /// The organization above it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
        /// Whether it lives on licences of its own.
        own_licences: bool,
        /// Whether it may issue licences.
        dealer: bool,
        /// What its parent granted it.
        grants: BTreeMap<String, Amount>,
    },
    /// A grant changed.
    Granted {
        /// The child.
        organization: String,
        /// What it is granted of.
        resource: String,
        /// The grant before.
        before: Amount,
        /// The grant from now on.
        after: Amount,
    },
    /// A resource was taken into use.
    Used {
        /// By whom.
        organization: String,
        /// What.
        resource: String,
        /// How much more.
        amount: Amount,
    },
    /// A gauge was given back.
    Released {
        /// By whom.
        organization: String,
        /// What.
        resource: String,
        /// How much less.
        amount: Amount,
    },
    /// The right to issue licences was given or taken.
    DealerSet {
        /// Whose.
        organization: String,
        /// Whether it has the right.
        dealer: bool,
    },
    /// A licence was issued.
    Issued(LicenceTerms),
    /// A licence was redeemed.
    Redeemed {
        /// By whom.
        organization: String,
        /// The licence.
        serial: String,
    },
    /// A licence was ended.
    Revoked {
        /// The licence.
        serial: String,
    },
    /// The expiry of a licence was moved.
    Renewed {
        /// The licence.
        serial: String,
        /// The new expiry.
        until: Time,
    },
    /// An organization was deleted; it had none below it.
    Deleted {
        /// The organization.
        organization: String,
    },
    /// An organization was put under another parent.
    Moved {
        /// The organization.
        organization: String,
        /// The parent that it had.
        from: String,
        /// The parent that it has.
        to: String,
    },
    /// An organization is ready to take a device.
    ImportTokenIssued {
        /// The organization.
        to: String,
        /// The name of the token.
        token: String,
    },
    /// A device was moved.
    DeviceMoved {
        /// From where.
        from: String,
        /// The token, which says where to.
        token: String,
    },
    /// An organization's realm is on a server from now on.
    Placed {
        /// The organization.
        organization: String,
        /// The name of the server.
        server: String,
        /// The name of the one that it was on before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
    /// An organization may hide what is its own, or no longer.
    PrivacyAllowed {
        /// The organization.
        organization: String,
        /// Whether it may.
        allow: bool,
    },
    /// An organization is hidden, or no longer.
    PrivacyRequired {
        /// The organization.
        organization: String,
        /// Whether it is.
        require: bool,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResourceDefined { resource, measure: Measure::Gauge } => write!(f, "{resource} is a gauge"),
            Self::ResourceDefined { resource, measure: Measure::Counter } => write!(f, "{resource} is a counter"),
            Self::Created { organization, parent: None, .. } => write!(f, "{organization} created as a root"),
            Self::Created { organization, parent: Some(parent), own_licences: true, .. } => {
                write!(f, "{organization} created below {parent}, on own licences")
            }
            Self::Created { organization, parent: Some(parent), grants, .. } => {
                write!(f, "{organization} created below {parent}, granted {}", in_words(grants))
            }
            Self::Granted { organization, resource, before, after } => {
                write!(f, "{organization} granted {after} {resource} (was {before})")
            }
            Self::Used { organization, resource, amount } => write!(f, "{organization} uses {amount} {resource} more"),
            Self::Released { organization, resource, amount } => {
                write!(f, "{organization} uses {amount} {resource} less")
            }
            Self::DealerSet { organization, dealer: true } => write!(f, "{organization} became a dealer"),
            Self::DealerSet { organization, dealer: false } => write!(f, "{organization} is no dealer any more"),
            Self::Issued(terms) => {
                let dealer = terms.dealer.as_deref().unwrap_or("the platform");
                write!(f, "licence {} issued by {dealer}: {}", terms.serial, terms.released())
            }
            Self::Redeemed { organization, serial } => write!(f, "licence {serial} redeemed by {organization}"),
            Self::Revoked { serial } => write!(f, "licence {serial} revoked"),
            Self::Renewed { serial, .. } => write!(f, "licence {serial} renewed"),
            Self::Deleted { organization } => write!(f, "{organization} deleted"),
            Self::Moved { organization, from, to } => write!(f, "{organization} moved from {from} to {to}"),
            Self::ImportTokenIssued { to, token } => write!(f, "import token {token} issued by {to}"),
            Self::DeviceMoved { from, token } => write!(f, "device moved from {from} with import token {token}"),
            Self::Placed { organization, server, from: None } => write!(f, "{organization} placed on {server}"),
            Self::Placed { organization, server, from: Some(from) } => {
                write!(f, "{organization} placed on {server}, moved there from {from}")
            }
            Self::PrivacyAllowed { organization, allow } => {
                write!(f, "full privacy {} {organization}", if *allow { "allowed to" } else { "no longer allowed to" })
            }
            Self::PrivacyRequired { organization, require } => {
                write!(f, "full privacy {} by {organization}", if *require { "required" } else { "ended" })
            }
        }
    }
}

/// Quantities as people say them.
pub(super) fn in_words(quantities: &BTreeMap<String, Amount>) -> String {
    match quantities.is_empty() {
        true => "nothing".to_owned(),
        false => {
            quantities.iter().map(|(resource, amount)| format!("{amount} {resource}")).collect::<Vec<_>>().join(", ")
        }
    }
}
