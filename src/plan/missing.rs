//! What Keycloak puts into every realm itself, nobody declared, and somebody removed by hand. It is named and not made
//! again, as what is foreign is named and left alone.

use super::foreign::brings_scopes;
use super::{Action, Change};
use crate::state::kind::Own;
use crate::state::{Applied, Kind, ObjectId, RealmState, defaults};

/// What is missing in a realm, without what is made again by one of the changes.
///
/// Told is only what every realm has, whatever it was born with and by which of the recorded versions: of an object that
/// manifests bring in Keycloak's place, nothing is.
pub(super) fn missing(
    desired: &RealmState,
    observed: &RealmState,
    applied: &Applied,
    changes: &[Change],
) -> Vec<ObjectId> {
    if !defaults::is_known(observed) {
        return Vec::new();
    }
    let world = World { desired, applied };
    let is_there = |id: &ObjectId| observed.get(id).is_some();
    let made = |id: &ObjectId| changes.iter().any(|change| change.object == *id && change.action == Action::Create);
    let absent = defaults::bare_ids().iter().filter(|id| !is_there(id) && !made(id) && world.expects(id));
    let absent: Vec<&ObjectId> = absent.collect();
    let with_owner = |id: &ObjectId| id.owner().is_some_and(|owner| absent.contains(&&owner));
    absent.iter().filter(|id| !with_owner(id)).map(|id| (*id).clone()).collect()
}

struct World<'a> {
    desired: &'a RealmState,
    applied: &'a Applied,
}

impl World<'_> {
    /// Whether Keycloak has put it into the realm, and it is not ours.
    fn expects(&self, id: &ObjectId) -> bool {
        if id.kind.is_newer(&id.key) || self.is_ours(id) {
            return false;
        }
        match id.kind {
            Kind::Component => id.kind.is_own_registration_policy(&id.key),
            Kind::RequiredAction | Kind::RealmRole => true,
            Kind::Client => !self.is_brought(&id.key),
            Kind::ClientMapper | Kind::ClientRole => !self.is_brought(&id.owner_and_name().0),
            Kind::ClientScope | Kind::ScopeMapper => !brings_scopes(self.desired),
            // Others can't be removed, or are replaced in the course of things: keys.
            _ => false,
        }
    }

    fn is_ours(&self, id: &ObjectId) -> bool {
        self.desired.get(id).is_some() || self.applied.fields(id).is_some()
    }

    /// Whether manifests bring this client of Keycloak's; its account pages are two clients, which come and go together.
    fn is_brought(&self, client: &str) -> bool {
        Own::of(client) == Some(Own::Brought) && self.is_ours(&ObjectId::new(Kind::Client, "account"))
    }
}
