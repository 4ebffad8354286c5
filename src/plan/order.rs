//! The order in which changes are safe.
//!
//! ```text
//! first    what user attributes are, because Keycloak drops those that it does not know;
//!          users that leave, so that others may take their address
//! create   flow → component → client scope → client → roles → identity provider → group → … → user: see `Kind`
//! update   the same; and users of service accounts, which may be there only once their client's is switched on
//! delete   the other way round
//! realm    last: its write also records what was applied
//! ```
//!
//! Whatever refers to something comes after it on the way up and before it on the way down.

use super::{Action, Change};
use crate::state::Kind;

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

/// True for what others wait for: what user attributes are, and users that leave.
pub fn comes_first(change: &Change) -> bool {
    matches!((change.action, change.object.kind), (Action::Update, Kind::UserProfile) | (Action::Delete, Kind::User))
}

/// True for the user of a service account, which Keycloak makes once its client has one: that may take an update.
pub fn comes_with_update(change: &Change) -> bool {
    change.action == Action::Create && change.object.is_service_account()
}
