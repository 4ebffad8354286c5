//! The network that benches are about, as texts: a platform with one product, and organizations below distributors.

use std::fmt::Write as _;
use std::ops::Range;

/// The platform's manifest.
pub const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: bench
environments: {bench: {}}
products:
  assistant: {label: Assistant, redirectUris: [https://assistant.example/*], roles: [reviewer]}
";

/// The manifest of a distributor with the organizations of these numbers, whose labels end with this.
pub fn distributor(name: &str, organizations: Range<usize>, ending: &str) -> String {
    let mut text = format!("apiVersion: realmwright/v1\nkind: Distributor\nname: {name}\norganizations:\n");
    for number in organizations {
        let name = organization(number);
        writeln!(text, "  - name: {name}\n    label: Clinic {number}{ending}").unwrap();
        writeln!(text, "    admin: {{email: 'boss@{name}.example', firstName: Bea, lastName: Boss}}").unwrap();
        let terms = format!("serial: A-{number}, seats: 5, validUntil: 2099-12-31, autoRenew: true");
        writeln!(text, "    licences: [{{product: assistant, type: pro, {terms}}}]").unwrap();
    }
    text
}

/// The name of an organization, and of its realm.
pub fn organization(number: usize) -> String {
    format!("clinic-{number:05}")
}
