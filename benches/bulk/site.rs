//! The network that is onboarded: one distributor, and as many organizations below it as are asked for.

use std::fmt::Write as _;
use std::path::Path;

use realmwright::keycloak::key::OperatorKey;
use secrecy::ExposeSecret;
use tempfile::TempDir;

pub struct Site {
    dir: TempDir,
}

const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: bench
environments: {bench: {}}
products:
  assistant: {label: Assistant, redirectUris: [https://assistant.example/*], roles: [reviewer]}
";

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

    /// Declares so many organizations, whose names end with this.
    pub fn declare(&self, organizations: usize, ending: &str) {
        let mut text = String::from("apiVersion: realmwright/v1\nkind: Distributor\nname: north\norganizations:\n");
        for number in 0..organizations {
            let name = name(number);
            writeln!(text, "  - name: {name}\n    label: Clinic {number}{ending}").unwrap();
            writeln!(text, "    admin: {{email: 'boss@{name}.example', firstName: Bea, lastName: Boss}}").unwrap();
            let serial = format!("serial: A-{number}, seats: 5, validUntil: 2099-12-31, autoRenew: true");
            writeln!(text, "    licences: [{{product: assistant, type: pro, {serial}}}]").unwrap();
        }
        std::fs::write(self.path().join("north.yaml"), text).unwrap();
    }
}

pub fn name(number: usize) -> String {
    format!("clinic-{number:05}")
}
