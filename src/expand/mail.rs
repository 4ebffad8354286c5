//! A realm's mail settings, of which Keycloak takes none without an address to send from.

use crate::diagnostic::Diagnostic;
use crate::manifest::node::Node;

/// Checks the mail settings of a realm.
pub(super) fn check(realm: &Node, found: &mut Vec<Diagnostic>) {
    let Some(settings) = realm.get("smtpServer").filter(|settings| !settings.entries().is_empty()) else { return };
    let hint = "write `from: no-reply@…`, or take `smtpServer` out";
    let Some(from) = settings.get("from") else {
        let message =
            "`smtpServer` needs the key `from`: Keycloak takes no mail settings without an address to send from";
        found.push(Diagnostic::error("missing-key", settings.span, message).hint(hint));
        return;
    };
    let sound = from.text().and_then(|text| text.split_once('@')).is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    if !sound {
        let message = "`from` of `smtpServer` must be an e-mail address";
        found.push(Diagnostic::error("wrong-type", from.span, message).hint(hint));
    }
}
