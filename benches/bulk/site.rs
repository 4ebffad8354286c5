//! The directory with the manifests of the network that is onboarded, and the operator's key.

use std::path::Path;

use realmwright::keycloak::key::OperatorKey;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::network::{PLATFORM, distributor};

pub struct Site {
    dir: TempDir,
}

impl Site {
    pub fn new() -> Self {
        let pem = OperatorKey::generate().unwrap();
        let site = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::write(site.path().join("operator.pem"), pem.expose_secret()).unwrap();
        std::fs::write(site.path().join("platform.yaml"), PLATFORM).unwrap();
        site
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Declares so many organizations, whose labels end with this.
    pub fn declare(&self, organizations: usize, ending: &str) {
        std::fs::write(self.path().join("north.yaml"), distributor("north", 0..organizations, ending)).unwrap();
    }
}
