//! Tampering: what somebody changed by hand of what a realm says of its licences and limits. It is drift like any other, and
//! is put back; no decision rests on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Cause, Change, FieldChange};
use crate::state::sealed::{self, MAPPER, is_entitlement, is_place};
use crate::state::{Kind, ObjectId};

/// A field that was tampered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tampering {
    /// The object that it is of.
    pub object: ObjectId,
    /// Its path; none: the object as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was done.
    pub how: How,
}

/// What was done to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It says something else.
    Changed,
    /// It is gone.
    Removed,
    /// Nobody declared it.
    Added,
    /// No trusted key signed it.
    Forged,
    /// It was signed for another realm.
    OfAnother,
    /// It was signed for another product, or for all of them.
    OfAnotherProduct,
}

impl How {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Changed => "was changed",
            Self::Removed => "was removed",
            Self::Added => "was added, and nobody declared it",
            Self::Forged => "was replaced by what no trusted key signed",
            Self::OfAnother => "was replaced by what was signed for another realm",
            Self::OfAnotherProduct => "was replaced by what was signed for another product",
        }
    }
}

/// What of a tenant's changes takes tampering back.
pub(super) fn found(tenant: &str, changes: &[Change]) -> Vec<Tampering> {
    changes.iter().flat_map(|change| of(tenant, change)).collect()
}

fn of(tenant: &str, change: &Change) -> Vec<Tampering> {
    let by_hand = |cause: Cause| matches!(cause, Cause::Drift | Cause::Both);
    let is_mapper = change.object.kind == Kind::ClientMapper && change.object.owner_and_name().1 == MAPPER;
    if is_mapper && change.action == Action::Create && by_hand(change.cause) {
        return vec![Tampering { object: change.object.clone(), path: None, how: How::Removed }];
    }
    let fields = change.fields.iter().filter(|field| by_hand(field.cause));
    let fields = fields.filter(|field| is_mapper || is_entitlement(&change.object, &field.path));
    let told = |field: &FieldChange| Tampering {
        object: change.object.clone(),
        path: Some(field.path.clone()),
        how: how(tenant, &change.object, field),
    };
    fields.map(told).collect()
}

fn how(tenant: &str, object: &ObjectId, field: &FieldChange) -> How {
    let Some(before) = field.before.as_ref().filter(|before| **before != "") else { return How::Removed };
    if field.after.is_none() {
        return How::Added;
    }
    let wanted = || Some(sealed::statement(field.after.as_ref()?)?.1);
    match sealed::statement(before) {
        None if is_place(object, &field.path) => How::Forged,
        Some((_, found)) if found.sub != tenant => How::OfAnother,
        Some((_, found)) if wanted().is_some_and(|wanted| wanted.product != found.product) => How::OfAnotherProduct,
        _ => How::Changed,
    }
}
