//! The accounts of the licence tree: the examples of the guide, the rules one by one, and the laws for any history.

mod examples;
mod laws;
mod model;
mod properties;
mod series;

use realmwright::licence::{Accounts, Command, Event, Refusal, Time};
use serde_json::{Value, json};

/// A history that a test tells in the words of the commands.
#[derive(Default)]
pub struct Books {
    pub accounts: Accounts,
    pub now: Time,
}

impl Books {
    /// Resources as most tests have them.
    pub fn new() -> Self {
        let mut books = Self::default();
        for (resource, measure) in [("users", "gauge"), ("devices", "gauge"), ("vpn-months", "counter")] {
            books.does(json!({"do": "define-resource", "resource": resource, "measure": measure}));
        }
        books
    }

    pub fn asks(&mut self, command: Value) -> Result<Vec<Event>, Refusal> {
        let command: Command = serde_json::from_value(command).expect("a command");
        self.accounts.execute(self.now, &command)
    }

    /// What is accepted; and the books are right afterwards.
    pub fn does(&mut self, command: Value) -> Vec<Event> {
        let events = self.asks(command.clone()).unwrap_or_else(|refusal| panic!("{command}: {refusal}"));
        assert_eq!(self.accounts.violations(), []);
        events
    }

    /// What is refused, as its code; nothing changed.
    pub fn refused(&mut self, command: Value) -> String {
        let mut before = self.accounts.clone();
        before.advance(self.now);
        let refusal = self.asks(command.clone()).expect_err(&command.to_string());
        assert_eq!(self.accounts, before);
        serde_json::to_value(&refusal).expect("serialises")["code"].as_str().expect("a code").to_owned()
    }

    /// A root with a licence of these quantities.
    pub fn root(&mut self, name: &str, quantities: Value) {
        self.does(json!({"do": "create", "organization": name, "ownLicences": true, "dealer": true}));
        let serial = format!("L-{name}");
        self.does(json!({"do": "issue", "serial": serial, "quantities": quantities, "expiry": 1_000_000}));
        self.does(json!({"do": "redeem", "organization": name, "serial": serial}));
    }

    pub fn child(&mut self, name: &str, parent: &str, grants: Value) {
        self.does(json!({"do": "create", "organization": name, "parent": parent, "grants": grants}));
    }

    /// `L A F E` of an organization, and U, S, Λ of which A is made.
    pub fn row(&self, organization: &str, resource: &str) -> String {
        let f = self.accounts.figures(organization, resource).expect("figures");
        format!("L={} A={}={}+{}+{} F={} E={}", f.limit, f.allocated, f.used, f.shared, f.licensed, f.free, f.effective)
    }
}
