//! Who changed a realm outside Realmwright: the admin events that tell of the objects in which it is not as it should be.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cause, Change, TenantPlan};
use crate::state::{Kind, ObjectId, PROVISIONER, RealmState};

/// How many of the newest admin events of a realm are looked through.
pub const EVENTS: usize = 100;

/// Most people who are named for one object.
const PEOPLE: usize = 3;

/// Who changed what in a realm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authors {
    /// By object, who last changed it first.
    pub of: BTreeMap<ObjectId, Vec<Author>>,
    /// Objects for which nobody is on record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<ObjectId>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Authors {
    /// Nobody is on record for anything.
    pub fn unknown(plan: &TenantPlan, why: impl Into<String>) -> Self {
        Self { unknown: drifted(plan).into_iter().cloned().collect(), why: why.into(), ..Self::default() }
    }
}

/// Somebody who changed an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Author {
    /// The user's name; the id, where nobody knows the name.
    pub user: String,
    /// The realm that the user is of, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// The client with which it was done; its id, where nobody knows the name.
    pub client: String,
    /// From where, as Keycloak recorded it.
    pub address: String,
    /// When (RFC 3339, UTC).
    pub at: String,
}

/// The objects of a tenant that were changed by hand and are put back, or let somebody do more than was declared. Nothing is
/// known of a realm that could not be read.
pub fn drifted(plan: &TenantPlan) -> BTreeSet<&ObjectId> {
    if plan.unread.is_some() || plan.is_birth() {
        return BTreeSet::new();
    }
    let outside = |cause: Cause| matches!(cause, Cause::Drift | Cause::Both);
    let by_hand = |change: &&Change| outside(change.cause) || change.fields.iter().any(|field| outside(field.cause));
    let changed = plan.changes.iter().filter(by_hand).map(|change| &change.object);
    changed.chain(plan.rights.keys()).chain(plan.tampering.iter().map(|tampering| &tampering.object)).collect()
}

/// The same, and what is left alone.
pub fn touched(plan: &TenantPlan) -> BTreeSet<&ObjectId> {
    let left = plan.foreign.iter().chain(&plan.missing).chain(plan.foreign_fields.keys());
    drifted(plan).into_iter().chain(left).collect()
}

/// The admin events, the newest first, that tell of an object: one for each who did it, since the tool itself last wrote it.
pub fn events<'e>(events: &'e [Value], object: &ObjectId, observed: &RealmState) -> Vec<&'e Value> {
    let id_of = |object: &ObjectId| observed.get(object).and_then(|found| found.id.as_deref());
    let tool = id_of(&ObjectId::new(Kind::Client, PROVISIONER));
    let mut found: Vec<&Value> = Vec::new();
    for event in events.iter().filter(|event| tells_of(event, object, observed)) {
        let who = |event: &Value| {
            let details = &event["authDetails"];
            ["realmId", "clientId", "userId", "ipAddress"]
                .map(|name| details[name].as_str().unwrap_or_default().to_owned())
        };
        if tool.is_some() && event["authDetails"]["clientId"].as_str() == tool {
            break;
        }
        if found.len() < PEOPLE && !found.iter().any(|known| who(known) == who(event)) {
            found.push(event);
        }
    }
    found
}

/// Whether an event is about an object, by its path.
fn tells_of(event: &Value, object: &ObjectId, observed: &RealmState) -> bool {
    let path: Vec<&str> =
        event["resourcePath"].as_str().unwrap_or_default().split('/').filter(|part| !part.is_empty()).collect();
    let kind = event["resourceType"].as_str().unwrap_or_default();
    let id_of = |object: &ObjectId| observed.get(object).and_then(|found| found.id.clone());
    let has = |id: Option<String>| id.is_some_and(|id| path.contains(&id.as_str()));
    let (_, name) = object.owner_and_name();
    match object.kind {
        Kind::Realm => path.first().is_none_or(|first| first.starts_with("default-") || *first == "events"),
        Kind::UserProfile => path == ["users", "profile"],
        Kind::Flow => kind.starts_with("AUTH_"),
        Kind::RequiredAction => kind == "REQUIRED_ACTION" && path.contains(&name),
        Kind::RealmRole => path.starts_with(&["roles", &object.key]) || has(id_of(object)),
        Kind::IdentityProvider => path.starts_with(&["identity-provider", "instances", &object.key]) && path.len() == 3,
        Kind::Authorization => path.get(2) == Some(&"authz") && has(object.owner().and_then(|owner| id_of(&owner))),
        Kind::ClientRole if observed.get(object).is_some() => {
            let of_client = has(object.owner().and_then(|owner| id_of(&owner)));
            (of_client && path.get(2..4) == Some(&["roles", name])) || has(id_of(object))
        }
        Kind::Client if observed.get(object).is_some() => {
            let within = path.get(2).is_some_and(|part| matches!(*part, "authz" | "protocol-mappers" | "roles"));
            !within && has(id_of(object))
        }
        // What is gone has no id any more.
        of_kind if observed.get(object).is_none() => {
            event["operationType"] == "DELETE" && resource(of_kind) == Some(kind)
        }
        _ => has(id_of(object)),
    }
}

/// What admin events call objects of a kind.
fn resource(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Client => "CLIENT",
        Kind::ClientRole => "CLIENT_ROLE",
        Kind::ClientMapper | Kind::ScopeMapper => "PROTOCOL_MAPPER",
        Kind::ClientScope => "CLIENT_SCOPE",
        Kind::Component | Kind::SubComponent => "COMPONENT",
        Kind::Group => "GROUP",
        Kind::IdentityProviderMapper => "IDENTITY_PROVIDER_MAPPER",
        Kind::Organization => "ORGANIZATION",
        Kind::User => "USER",
        _ => return None,
    })
}
