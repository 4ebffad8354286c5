//! What can be asked of the accounts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::refusal::{Distrust, Document};
use super::resource::Measure;
use super::{Amount, Time};

/// Something that somebody asks for. Who may ask for it is decided elsewhere; whether it adds up is decided here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Command {
    /// Makes a type of resource known. Doing so again is a no-op.
    DefineResource {
        /// Its name.
        resource: String,
        /// How it is counted.
        measure: Measure,
    },
    /// Creates an organization: a root on its own licences, or a child, which takes one organization of its parent's.
    Create {
        /// Its name, never used before.
        organization: String,
        /// The organization above it; without one it is a root.
        #[serde(default)]
        parent: Option<String>,
        /// Whether it lives on licences of its own, rather than on its parent's resources. Fixed for ever.
        #[serde(default)]
        own_licences: bool,
        /// Whether it may issue licences.
        #[serde(default)]
        dealer: bool,
        /// What its parent grants it, by resource; only where it lives on its parent's resources.
        #[serde(default)]
        grants: BTreeMap<String, Amount>,
    },
    /// Sets what an organization is granted by its parent; resources that are not named stay as they are.
    Grant {
        /// The child.
        organization: String,
        /// By resource, the new grant.
        grants: BTreeMap<String, Amount>,
    },
    /// Takes a resource into use.
    Use {
        /// Who uses it.
        organization: String,
        /// What.
        resource: String,
        /// How much more.
        amount: Amount,
    },
    /// Gives back what was in use. Gauges only.
    Release {
        /// Who used it.
        organization: String,
        /// What.
        resource: String,
        /// How much less.
        amount: Amount,
    },
    /// Says how much of a gauge is in use, as counted: `use` or `release` of the difference.
    Count {
        /// Who uses it.
        organization: String,
        /// What.
        resource: String,
        /// How much.
        amount: Amount,
    },
    /// Gives or takes the right to issue licences.
    Dealer {
        /// Whose.
        organization: String,
        /// Whether it has the right.
        dealer: bool,
    },
    /// Issues a licence, by the platform or by a dealer, which reserves its quantities at once.
    Issue(LicenceTerms),
    /// Redeems a licence: its holder's limits grow by its quantities. By its holder again it is a no-op.
    Redeem {
        /// Who redeems it; on own licences.
        organization: String,
        /// The licence.
        serial: String,
    },
    /// Ends a licence before its time. Again it is a no-op.
    Revoke {
        /// The licence.
        serial: String,
    },
    /// Moves the expiry of a licence to a later time. One that has expired counts again from then on.
    Renew {
        /// The licence.
        serial: String,
        /// The new expiry.
        until: Time,
    },
    /// Deletes an organization, which returns everything to its parent but the counters that were used. Again it is a
    /// no-op.
    Delete {
        /// The organization.
        organization: String,
        /// Whether what is below it goes too.
        #[serde(default)]
        cascade: bool,
    },
    /// Puts an organization, with all that is below it, under another parent of the same tree.
    Move {
        /// The organization.
        organization: String,
        /// Its new parent.
        parent: String,
    },
    /// Says that an organization is ready to take a device; what is made good for [`super::TOKEN_SECONDS`], once.
    ImportToken {
        /// The organization that the device goes to.
        to: String,
        /// The name of the token, never used before.
        token: String,
    },
    /// Moves a device to the organization that issued the token.
    MoveDevice {
        /// The organization that has it.
        from: String,
        /// The token.
        token: String,
    },
    /// Notes down that something was presented that can't be believed: always refused, so that the attempt is kept.
    Present {
        /// What it should have been.
        document: Document,
        /// What is wrong with it.
        reason: Distrust,
    },
    /// Notes down that a plan was not applied because it was refused: always refused, so that the attempt is kept.
    Attempt {
        /// What refused it.
        refusals: Vec<String>,
    },
    /// Notes down on which server an organization's realm is. It stays there: again it is a no-op, another one is refused,
    /// unless somebody moved it by hand and says from where.
    Place {
        /// The organization.
        organization: String,
        /// The name of the server.
        server: String,
        /// The name of the server that it was on, where it was moved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
    /// Allows an organization to hide what is its own from those above it, or withdraws that.
    AllowPrivacy {
        /// The organization.
        organization: String,
        /// Whether it may.
        allow: bool,
    },
    /// Has an organization hidden from those above it, or ends that.
    RequirePrivacy {
        /// The organization.
        organization: String,
        /// Whether it wants to.
        require: bool,
    },
}

/// What a licence says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LicenceTerms {
    /// Its serial, never used before.
    pub serial: String,
    /// The dealer that issues it; without one it is the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealer: Option<String>,
    /// The only organization that may redeem it; without one, any may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// Its type, e.g. `enterprise`.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub licence_type: String,
    /// What it releases, by resource.
    #[serde(default)]
    pub quantities: BTreeMap<String, Amount>,
    /// From when on it can be redeemed; without it, at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    /// The first instant at which it is no longer valid.
    pub expiry: Time,
    /// By how many seconds its validity is extended whenever it would expire; without it, it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal: Option<Time>,
    /// Whether what it released goes on counting after it has expired.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_expiry: Policy,
}

/// What the expiry of a licence does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Its quantities no longer count; whoever is over its limit then gets no more.
    #[default]
    Restrict,
    /// Its quantities go on counting; it can no longer be redeemed.
    Maintain,
    /// Its quantities no longer count, and of the gauges in its holder's pool as much use is withdrawn, newest first, as
    /// is more than there is.
    Revoke,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
