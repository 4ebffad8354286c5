//! What the manifests say: whom it serves, and for what. It is replaced whole when they are read again.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use super::pages::Policy;
use super::{Broker, Event, Happened};
use crate::login::tenant::{Changes, Directory};

/// Whom a broker serves, and for what.
pub struct Served {
    pub(super) directory: Directory,
    /// Whom applications may get access tokens for.
    pub(super) audiences: BTreeSet<String>,
    /// Whether users may log in at terminals.
    pub(super) terminals: bool,
    pub(super) policy: Policy,
}

/// What an event names in place of a request.
const MANIFESTS: &str = "manifests";

impl Served {
    /// These tenants, access tokens for these audiences, and terminals or none.
    pub fn new(directory: Directory, audiences: BTreeSet<String>, terminals: bool) -> Self {
        Self { policy: Policy::new(&directory), directory, audiences, terminals }
    }

    /// The tenants, and where the broker is.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
}

impl Broker {
    /// Whom it serves now. A request looks once, so that it has one answer to everything.
    pub(super) fn served(&self) -> Arc<Served> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves these from now on, and says what is otherwise. Sessions go on where their tenant is there still, at the same
    /// realm; whoever is gone or suspended is shut with the next request.
    pub fn replace(&self, served: Served) -> Changes {
        let served = Arc::new(served);
        let before = {
            let mut own = self.served.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *own, served.clone())
        };
        self.tell(&Event { request: MANIFESTS, tenant: None, what: Happened::ManifestsRead });
        served.directory.changes(&before.directory)
    }

    /// Tells that whom it was to serve can't be read, and that it goes on as it was.
    pub fn keep_on(&self) {
        self.tell(&Event { request: MANIFESTS, tenant: None, what: Happened::ManifestsRefused });
    }
}
