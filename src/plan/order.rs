//! The order in which changes are safe.
//!
//! ```text
//! rules    settings of the realm by which it takes, hides or renames what is written after them
//! first    other rules: what user attributes are, because Keycloak drops those that it does not know; client policies,
//!          which may refuse clients; components, of which one may stand between Keycloak and its users; client scopes,
//!          which a client takes by their protocol; users that leave, so that others may take their address
//! create   flow → component → client scope → client → roles → identity provider → group → … → user: see `Kind`
//! update   the same; and what is there only once its client's switch is on: service accounts, authorization settings
//! delete   the other way round
//! realm    last: its write also records what was applied
//! ```
//!
//! Whatever refers to something comes after it on the way up and before it on the way down.

use serde_json::Value;

use super::{Action, Change, FieldChange};
use crate::state::{Kind, ObjectId};

/// Settings of a realm that decide how users are written.
const OF_USERS: [&str; 5] = [
    "passwordPolicy",
    "registrationEmailAsUsername",
    "editUsernameAllowed",
    "loginWithEmailAllowed",
    "duplicateEmailsAllowed",
];

/// Puts the changes of one realm in order.
pub fn order(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_cached_key(|change| {
        let rank = change.object.kind as usize;
        let (phase, rank) = match change.action {
            _ if change.object.kind == Kind::Realm => (4, rank),
            _ if comes_first(change) => (0, rank),
            Action::Create if !comes_with_update(change) => (1, rank),
            Action::Create | Action::Update => (2, rank),
            Action::Delete => (3, usize::MAX - rank),
            Action::Adopt | Action::Forget => (5, rank),
        };
        (phase, rank, change.object.key.clone())
    });
    changes
}

/// True for settings of a realm that decide what else it takes, and how: written before all else. The switches among
/// them come first only where they are turned on.
pub fn is_rule(field: &FieldChange) -> bool {
    OF_USERS.contains(&field.path.as_str())
        || (field.after == Some(Value::Bool(true))
            && ["organizationsEnabled", "adminPermissionsEnabled"].contains(&field.path.as_str()))
}

/// True for what others wait for: rules that are objects of their own, and users that leave.
pub fn comes_first(change: &Change) -> bool {
    match change.action {
        // Of another protocol, no client takes it. What it refers to anew may not be there yet.
        Action::Update if change.object.kind == Kind::ClientScope => {
            change.fields.iter().all(|field| !change.object.kind.class_of_path(&field.path).is_complete())
        }
        Action::Update => matches!(
            change.object.kind,
            Kind::UserProfile | Kind::ClientProfiles | Kind::ClientPolicies | Kind::Component
        ),
        Action::Delete => change.object.kind == Kind::User,
        _ => false,
    }
}

/// True for what is there only once a switch of its client is on: that may take an update.
pub fn comes_with_update(change: &Change) -> bool {
    let of_client = |(owner, _): (ObjectId, _)| owner.kind == Kind::Client;
    change.action == Action::Create && change.object.switch().is_some_and(of_client)
}
