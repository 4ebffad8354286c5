//! Rules that Keycloak announces for 26.8: what would break, and what mends it. Documented, not tried.

use serde_json::Value;

use super::Check;
use super::facts::{Facts, quoted};
use crate::expand::{ADMIN_API_SCOPE, PROVISIONER};
use crate::keycloak::bootstrap::BOOTSTRAP;

/// Every check of what an upgrade would bring.
pub fn checks(facts: &Facts) -> Vec<Check> {
    if facts.rights.is_none() && facts.tenants.is_empty() {
        return Vec::new();
    }
    let checks = [audience(facts), masked(facts), survived()];
    checks.into_iter().map(|check| Check { documented_only: true, ..check }).collect()
}

/// The command that gives the provisioners of realms the scope.
pub fn scope(realms: &[&str]) -> String {
    let realms: Vec<String> = realms.iter().map(|realm| quoted(realm)).collect();
    format!(
        "for r in {}; do kcadm.sh update clients/$(kcadm.sh get clients -r $r -q clientId={PROVISIONER} --fields id \
         --format csv --noquotes)/default-client-scopes/$(kcadm.sh get client-scopes -r $r --fields id,name --format csv \
         --noquotes | sed -n 's/,{ADMIN_API_SCOPE}$//p') -r $r -n -b '{{}}'; done",
        realms.join(" ")
    )
}

/// 26.8.2: the Admin API refuses tokens without its audience.
fn audience(facts: &Facts) -> Check {
    const ID: &str = "26.8.audience";
    let carries = |export: &Value| {
        let mut clients = export["clients"].as_array().into_iter().flatten();
        let own = clients.find(|client| client["clientId"] == PROVISIONER);
        let scopes = own.and_then(|client| client["defaultClientScopes"].as_array()).into_iter().flatten();
        scopes.into_iter().any(|scope| scope == ADMIN_API_SCOPE)
    };
    let lacking: Vec<&str> = facts.exports().filter(|(_, export)| !carries(export)).map(|(realm, _)| realm).collect();
    let master = facts.bootstrap_scope == Some(false);
    if lacking.is_empty() && !master {
        return Check::ok(ID, format!("the accounts that were looked at carry the client scope `{ADMIN_API_SCOPE}`"));
    }
    let mut who = Vec::new();
    who.extend(master.then(|| format!("`{BOOTSTRAP}` of master")));
    who.extend(
        (!lacking.is_empty())
            .then(|| format!("`{PROVISIONER}` of every realm that was looked into ({})", few(&lacking))),
    );
    let says = format!(
        "from 26.8.2 on, the Admin API answers 401 to accounts without the client scope `{ADMIN_API_SCOPE}`; the upgrade \
         makes it in every realm, and gives it to admin-cli and the console alone. Without it: {}",
        who.join(", ")
    );
    let check = Check::warn(ID, says);
    let check = if master { check.mend(format!("{}   # after the upgrade", facts.how.bootstrap())) } else { check };
    if lacking.is_empty() {
        return check;
    }
    // Those that were not looked into are meant too: giving the scope twice is no error.
    let unseen = facts.tenants.len() < facts.all.len();
    let (realms, whose) = match unseen {
        true => (facts.all.iter().map(String::as_str).collect(), ", in every realm of the manifests"),
        false => (lacking, ""),
    };
    check.mend(format!("{}   # after the upgrade{whose}", scope(&realms)))
}

/// 26.8.1: a masked secret is not kept where the token URL changes.
fn masked(facts: &Facts) -> Check {
    const ID: &str = "26.8.masked-secret";
    let mut found = Vec::new();
    for (realm, export) in facts.exports() {
        let providers = export["identityProviders"].as_array().into_iter().flatten();
        let with_secret = providers.filter(|provider| provider["config"]["clientSecret"].is_string());
        found.extend(with_secret.map(|provider| format!("{realm}/{}", provider["alias"].as_str().unwrap_or_default())));
    }
    if found.is_empty() {
        return Check::ok(ID, "no identity provider that was looked at keeps a secret");
    }
    let names: Vec<&str> = found.iter().map(String::as_str).collect();
    Check::warn(
        ID,
        format!(
            "from 26.8.1 on, a new token URL of an identity provider is refused unless its secret is given again: {}",
            few(&names)
        ),
    )
    .mend("change the token URL and the secret in one apply: the manifest's config.clientSecret refers to a new value")
}

fn survived() -> Check {
    Check::ok(
        "26.8.rest",
        "nothing relies on client secrets that view-clients shows (26.8.0), on mapper writes without manage-realm \
         (26.8.2), or on the endpoints that generate keys (deprecated in 26.8.0)",
    )
}

/// The first few names, and how many more.
fn few(names: &[&str]) -> String {
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{shown} and {} more", names.len() - 5) } else { shown }
}
