//! What the manifests of an environment say of the accounts: who is granted how much, and which licences there are.
//!
//! Pure. [`declared()`] reads it out of a network, [`prove`] holds it against the law: whether what is granted adds up at
//! every organization, if nothing but the manifests is known. The law itself is [`licence`](crate::licence)'s.

mod declared;
mod orders;
mod proof;
mod standing;

pub use declared::{Declared, Organization, declared, terms};
pub use orders::{FigureChange, Scope, Settlement, Step, settle};
pub use proof::prove;
pub use standing::{named_seats, pools, standing};

use crate::diagnostic::Diagnostic;
use crate::licence::Time;
use crate::manifest::resolve::Network;

/// Reads a network and proves it, at a time.
pub fn check(network: &Network, now: Time, found: &mut Vec<Diagnostic>) {
    if let Some(declared) = declared(network, found) {
        prove(&declared, now, found);
    }
}
