//! The order in which changes are safe.
//!
//! ```text
//! create   component → client scope → mapper → client → mapper → roles → identity provider → user
//! update   the same
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
            _ if change.object.kind == Kind::Realm => (3, rank),
            Action::Create => (0, rank),
            Action::Update => (1, rank),
            Action::Delete => (2, usize::MAX - rank),
            Action::Adopt | Action::Forget => (4, rank),
        };
        (phase, rank, change.object.key.clone())
    });
    changes
}
