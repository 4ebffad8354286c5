//! Realms that could not be read.

use super::{Action, Change, diff};
use crate::state::secret::Secrets;
use crate::state::{Applied, RealmState};

/// The changes of a realm that could not be read: of what is known of it, what is declared otherwise. Without its marker,
/// that counts as done by hand.
pub(super) fn known(desired: &RealmState, observed: &RealmState) -> Vec<Change> {
    let mut declared = RealmState::default();
    for (id, found) in &observed.objects {
        let Some(wanted) = desired.get(id) else { continue };
        let mut wanted = wanted.clone();
        wanted.fields.retain(|path, _| found.fields.contains_key(path));
        declared.objects.insert(id.clone(), wanted.into());
    }
    let mut changes = diff::diff(&declared, observed, &Applied::default(), &Secrets::default()).changes;
    changes.retain(|change| change.action == Action::Update);
    changes
}
