//! Tampering: what somebody changed by hand of what a realm says of its licences and limits. It is drift like any other, and
//! is put back; no decision rests on it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Cause, Change, FieldChange};
use crate::licence::Entitlement;
use crate::seal;
use crate::state::sealed::{self, CLAIM, MAPPER, is_entitlement, is_place};
use crate::state::secret::Secrets;
use crate::state::{Applied, Kind, ObjectId, RealmState, applied};

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
    /// It is what was last applied, and the key that it names is no longer trusted.
    OfFormerKey,
    /// It fills the claim that the entitlement has in tokens.
    SameClaim,
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
            Self::OfFormerKey => {
                "is as it was last applied, signed with a key that `trustedKeys` does not name any more: keep the old key there, \
                 below the new one, until everything is signed anew"
            }
            Self::SameClaim => "fills the claim `entitlement` of tokens too, in place of what is signed",
        }
    }
}

/// What of a tenant's changes takes tampering back.
pub(super) fn found(tenant: &str, changes: &[Change], applied: &Applied) -> Vec<Tampering> {
    changes.iter().flat_map(|change| of(tenant, change, applied)).collect()
}

/// Mappers that fill the claim of the entitlement in tokens of a product, beside the one that should: which of them has the
/// last word, Keycloak does not say.
pub(super) fn rivals(desired: &RealmState, observed: &RealmState) -> Vec<Tampering> {
    let named = |id: &ObjectId| id.owner_and_name().1 == MAPPER;
    let ours = desired.of_kind(Kind::ClientMapper).map(|(id, _)| id).filter(|id| named(id));
    let products: BTreeSet<String> = ours.map(|id| id.owner_and_name().0).collect();
    let scopes: BTreeSet<String> = products.iter().flat_map(|product| scopes(observed, product)).collect();
    let fills = |kind: Kind, owners: &BTreeSet<String>| {
        let mappers = observed.of_kind(kind).filter(|(id, mapper)| {
            let wanted = desired.get(id).and_then(|wanted| wanted.fields.get(CLAIM_NAME));
            let found = mapper.fields.get(CLAIM_NAME);
            let name = found.and_then(|name| name.as_str()).unwrap_or_default();
            let ours = kind == Kind::ClientMapper && named(id);
            !ours && wanted != found && owners.contains(&id.owner_and_name().0) && name.split('.').next() == Some(CLAIM)
        });
        mappers.map(|(id, _)| id.clone()).collect::<Vec<_>>()
    };
    let rivals = [fills(Kind::ClientMapper, &products), fills(Kind::ScopeMapper, &scopes)].concat();
    let told = |object| Tampering { object, path: Some(CLAIM_NAME.into()), how: How::SameClaim };
    rivals.into_iter().map(told).collect()
}

/// Where a mapper names the claim that it fills.
const CLAIM_NAME: &str = "config.claim.name";

/// The scopes that a client's tokens may have.
fn scopes(observed: &RealmState, client: &str) -> Vec<String> {
    let Some(client) = observed.get(&ObjectId::new(Kind::Client, client)) else { return Vec::new() };
    let lists = ["defaultClientScopes", "optionalClientScopes"].map(|list| client.fields.get(list)?.as_array());
    lists.into_iter().flatten().flatten().filter_map(|scope| scope.as_str()).map(str::to_owned).collect()
}

fn of(tenant: &str, change: &Change, applied: &Applied) -> Vec<Tampering> {
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
        how: how(tenant, &change.object, field, applied),
    };
    fields.map(told).collect()
}

fn how(tenant: &str, object: &ObjectId, field: &FieldChange, applied: &Applied) -> How {
    let Some(before) = field.before.as_ref().filter(|before| **before != "") else { return How::Removed };
    if field.after.is_none() {
        return How::Added;
    }
    let wanted = || Some(sealed::statement(field.after.as_ref()?)?.1);
    match sealed::statement(before) {
        None if is_of_former_key(object, field, applied) => How::OfFormerKey,
        None if is_place(object, &field.path) => How::Forged,
        Some((_, found)) if found.sub != tenant => How::OfAnother,
        Some((_, found)) if wanted().is_some_and(|wanted| wanted.product != found.product) => How::OfAnotherProduct,
        _ => How::Changed,
    }
}

/// Whether what can't be believed says what was last applied, and was signed with the key that was then.
fn is_of_former_key(object: &ObjectId, field: &FieldChange, applied: &Applied) -> bool {
    let before = field.before.as_ref().and_then(|before| before.as_str());
    let claimed = before.and_then(seal::claimed::<Entitlement>);
    let now = field.after.as_ref().and_then(sealed::statement);
    let other = claimed.filter(|(key, _)| now.is_none_or(|(now, _)| now != key));
    other.is_some_and(|(key, statement)| {
        let hash = applied::hash(&sealed::node(&key, &statement), &Secrets::default());
        applied.field(object, &field.path) == Some(hash.as_str())
    })
}
