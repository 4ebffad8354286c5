//! Why something was not accepted.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Amount;

/// A command that was refused. Nothing changed.
///
/// Looked for in this order: shape, existence, rules, quota.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the messages say what each is")]
pub enum Refusal {
    // Shape.
    #[error("`{name}` is not a name: letters, digits, `-`, `_` and `.`, at most 128, the first a letter or a digit")]
    Name { name: String },
    #[error("{amount} is not a quantity: 0 to 1000000000000")]
    Quantity { amount: Amount },
    #[error("the licence would end before it begins, or at a time that is out of range")]
    Validity,

    // Existence.
    #[error("there is no organization `{organization}`")]
    UnknownOrganization { organization: String },
    #[error("the organization `{organization}` was deleted")]
    DeletedOrganization { organization: String },
    #[error("there is no resource `{resource}`")]
    UnknownResource { resource: String },
    #[error("there is no licence `{serial}`")]
    UnknownLicence { serial: String },
    #[error("there is no import token `{token}`")]
    UnknownToken { token: String },
    #[error("the name `{organization}` was used before; names are never used again")]
    NameUsed { organization: String },
    #[error("the serial `{serial}` was used before; serials are never used again")]
    SerialUsed { serial: String },
    #[error("the import token `{token}` was issued before")]
    TokenRepeated { token: String },

    // Rules.
    #[error("the resource `{resource}` is a {measure} already", measure = if *.counter { "counter" } else { "gauge" })]
    OtherMeasure { resource: String, counter: bool },
    #[error("a root has no parent whose resources it could live on: it lives on its own licences")]
    RootOnParentsResources,
    #[error("`{organization}` lives on its own licences; nothing is granted to it")]
    OnOwnLicences { organization: String },
    #[error("`{organization}` lives on its parent's resources; it can't redeem licences")]
    OnParentsResources { organization: String },
    #[error("use of organizations is counted from the organizations that there are")]
    CountedFromTree,
    #[error("`{resource}` is a counter: what was used stays used")]
    Counter { resource: String },
    #[error("`{organization}` has {used} of `{resource}` in use, fewer than {amount}")]
    NotInUse { organization: String, resource: String, used: Amount, amount: Amount },
    #[error("`{organization}` is no dealer")]
    NoDealer { organization: String },
    #[error("`{organization}` has issued the licence `{serial}`, which is still valid")]
    LiveLicence { organization: String, serial: String },
    #[error("`{organization}` has organizations below it")]
    HasChildren { organization: String },
    #[error("the licence `{serial}` was redeemed by another organization")]
    AlreadyRedeemed { serial: String },
    #[error("the licence `{serial}` was revoked")]
    Revoked { serial: String },
    #[error("the licence `{serial}` ended with the organization that held it")]
    HolderDeleted { serial: String },
    #[error("the licence `{serial}` has expired")]
    Expired { serial: String },
    #[error("the licence `{serial}` is not valid yet")]
    NotYetValid { serial: String },
    #[error("the licence `{serial}` was issued for `{recipient}` alone")]
    OtherRecipient { serial: String, recipient: String },
    #[error("the licence `{serial}` was issued within the pool of `{organization}` itself")]
    OwnIssue { organization: String, serial: String },
    #[error(
        "the licence `{serial}` would not be valid for longer: a new end lies after the one that it has, and after now"
    )]
    NotLater { serial: String },
    #[error("`{organization}` can't be granted {grant} of `{resource}`: it has allocated {allocated}")]
    BelowAllocated { organization: String, resource: String, grant: Amount, allocated: Amount },
    #[error("`{organization}` is a root and stays one")]
    Root { organization: String },
    #[error("`{organization}` can't be put below itself")]
    Cycle { organization: String },
    #[error("`{organization}` and `{other}` have no root in common")]
    OtherTree { organization: String, other: String },
    #[error("the device is in `{organization}` already")]
    SameOrganization { organization: String },
    #[error("the import token `{token}` was used")]
    TokenUsed { token: String },
    #[error("the import token `{token}` has expired")]
    TokenExpired { token: String },
    #[error("the realm of `{organization}` is on the server `{server}`, and stays there")]
    OtherServer { organization: String, server: String },
    #[error("full privacy was not allowed to `{organization}`")]
    PrivacyNotAllowed { organization: String },
    #[error("full privacy can't be withdrawn while `{organization}` requires it")]
    PrivacyRequired { organization: String },

    // Trust.
    #[error("the {document} can't be believed: {reason}")]
    Untrusted { document: Document, reason: Distrust },

    #[error("the plan was not applied: {}", .because.join("; "))]
    NotApplied { because: Vec<String> },

    // Quota.
    #[error("`{}` has not enough of `{}`: {} missing", .0.organization, .0.resource, .0.missing)]
    Quota(Shortage),
    #[error("`{}` is over its limit of `{}`: {} missing, and nothing in its pool may grow until that is cured", .0.organization, .0.resource, .0.missing)]
    Over(Shortage),
}

/// What is missing, where, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shortage {
    /// The organization whose limit binds.
    pub organization: String,
    /// The resource.
    pub resource: String,
    /// How far what is free would fall below 0.
    pub missing: Amount,
    /// Its limit.
    pub limit: Amount,
    /// What it uses itself, before.
    pub used: Amount,
    /// What it granted to children, before.
    pub shared: Amount,
    /// What it sold, before.
    pub licensed: Amount,
    /// The nearest organization above it, within its pool, that has as much free as is missing.
    pub nearest: Option<String>,
}

/// What somebody presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Document {
    /// A serial.
    Serial,
    /// A licence file.
    LicenceFile,
    /// An import token.
    ImportToken,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Serial => "serial",
            Self::LicenceFile => "licence file",
            Self::ImportToken => "import token",
        })
    }
}

/// Why what somebody presents can't be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distrust {
    /// The check of a serial does not come out.
    #[error("a symbol is wrong, or two changed places")]
    Mistyped,
    /// Not in the form that it should have.
    #[error("it is cut off or was changed")]
    Malformed,
    /// Signed in another way than the one that is accepted.
    #[error("it is not signed with Ed25519")]
    Algorithm,
    /// Signed, as something else.
    #[error("it is something else that was signed")]
    OtherType,
    /// Signed with a key that is not trusted.
    #[error("it is signed with a key that is not trusted")]
    UnknownKey,
    /// The signature is not of this text.
    #[error("the signature is not of this text")]
    Signature,
    /// It says something else than what was issued under its name.
    #[error("another one was issued under its name")]
    OtherContents,
}
