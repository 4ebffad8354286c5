//! Accounts of identity providers that are a user's own, and members of organizations.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::manifest::node::{Data, Node};
use crate::state::address::{FEDERATED_IDENTITIES, MEMBERS};

/// The fields of an account.
const ACCOUNT: [&str; 3] = ["identityProvider", "userId", "userName"];

/// What is wrong with these of a realm.
pub(super) fn check(realm: &Node, found: &mut Vec<Diagnostic>) {
    let items = |list: &str| realm.get(list).map(Node::items).unwrap_or_default();
    for user in items("users") {
        let Some(accounts) = user.get(FEDERATED_IDENTITIES) else { continue };
        if matches!(accounts.data, Data::Map(_)) {
            found.push(wrong(accounts, "`federatedIdentities` of a user must be a list"));
        }
        let mut seen = BTreeSet::new();
        for account in accounts.items() {
            for (key, _) in account.entries().iter().filter(|(key, _)| !ACCOUNT.contains(&key.text.as_str())) {
                let message = format!("`{}` is not a field of an account at an identity provider", key.text);
                found.push(
                    Diagnostic::error("unknown-field", key.span, message)
                        .hint(format!("it has {}", ACCOUNT.join(", "))),
                );
            }
            let (provider, id) = (account.get(ACCOUNT[0]).and_then(Node::text), account.get(ACCOUNT[1]));
            match provider {
                Some(provider) if !seen.insert(provider) => {
                    found.push(wrong(
                        account,
                        &format!("a user has two accounts of the provider `{provider}`; Keycloak takes one"),
                    ));
                }
                Some(_) if id.is_some() => {}
                _ => {
                    found.push(wrong(account, "an account needs `identityProvider` and `userId`, the user's id there"))
                }
            }
        }
    }
    for organization in items("organizations") {
        for member in organization.get(MEMBERS).map(Node::items).unwrap_or_default() {
            if member.text().or_else(|| member.get("username")?.text()).is_none() {
                found.push(wrong(member, "a member of an organization is a user's name"));
            }
        }
    }
}

fn wrong(node: &Node, message: &str) -> Diagnostic {
    Diagnostic::error("wrong-value", node.span, message.to_owned())
}
