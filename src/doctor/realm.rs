//! Checks of one realm.

use serde_json::Value;

use super::Check;
use super::facts::{Facts, Tenant, quoted};
use crate::expand::PROVISIONER;
use crate::keycloak::{Fault, KeycloakError};
use crate::plan::quarantine::{opened, ways};
use crate::state::applied::MARKER;
use crate::state::{Applied, Quarantine, arrange};

/// Roles of `realm-management` that suffice where the provisioner has no `realm-admin`.
const ROLES: [&str; 12] = [
    "manage-realm",
    "manage-clients",
    "manage-users",
    "manage-identity-providers",
    "manage-events",
    "manage-authorization",
    "view-realm",
    "view-clients",
    "view-users",
    "view-identity-providers",
    "view-events",
    "view-authorization",
];

/// Mends a realm that shuts out its provisioner, whatever was changed in it.
const APPLY: &str =
    "realmwright apply --admin-user NAME   # with that administrator's password in REALMWRIGHT_ADMIN_PASSWORD";

/// Every check of one realm.
pub fn checks(tenant: &Tenant, facts: &Facts) -> Vec<Check> {
    let export = match &tenant.export {
        Err(error) => return vec![provisioner(&tenant.realm, error, facts)],
        Ok(None) => {
            let says = "there is no such realm yet; `realmwright apply` makes it";
            return vec![Check::ok("realm.provisioner", says).of(&tenant.realm)];
        }
        Ok(Some(export)) => export,
    };
    let checks = [
        Check::ok("realm.provisioner", "the provisioner logs in and reads the realm"),
        roles(&tenant.realm, export),
        marker(export, facts),
        events(&tenant.realm, export),
        issuer(tenant, export),
    ];
    checks.into_iter().chain(quarantine(&tenant.realm, export)).map(|check| check.of(&tenant.realm)).collect()
}

/// Of a realm in quarantine, whether it is still shut.
fn quarantine(realm: &str, export: &Value) -> Option<Check> {
    const ID: &str = "realm.quarantine";
    let state = arrange(export);
    let record = Quarantine::of(&state)?;
    let [shut, end] = ways(&quoted(realm));
    let opened = opened(&state);
    if !opened.is_empty() {
        let says = format!("it is in quarantine since {}, and was opened by hand: {}", record.since, opened.join(", "));
        return Some(
            Check::fail(ID, says)
                .mend(format!("{shut}   # shuts it again"))
                .mend(format!("{end}   # ends its quarantine")),
        );
    }
    if !record.complete {
        return Some(Check::warn(ID, "its quarantine was begun and not finished").mend(shut));
    }
    Some(Check::ok(ID, format!("it is in quarantine since {}, kept until {}, and shut", record.since, record.until)))
}

fn provisioner(realm: &str, error: &KeycloakError, facts: &Facts) -> Check {
    let failed = Check::fail("realm.provisioner", error.to_string()).of(realm);
    match &error.fault {
        Fault::Unsupported { .. } => failed.mend("see server.version"),
        _ if error.says_disabled() => {
            Check::warn("realm.provisioner", "the realm is disabled, so that its provisioner can't log in")
                .of(realm)
                .mend(format!("kcadm.sh update realms/{} -s enabled=true", quoted(realm)))
                .mend(APPLY)
        }
        Fault::Refused { message, .. } if message.contains("not active") || message.contains("in the future") => {
            failed.mend("set the clocks right: see clock.skew")
        }
        Fault::Refused { .. } => failed
            .mend("give the key that the realm was made with: --operator-key")
            .mend(format!(
                "in the console: realm {realm}, Clients, {PROVISIONER}, Keys: JWKS string of this key; a realm without \
                 that client was not made by Realmwright, and its name has to leave the manifests"
            ))
            .mend(APPLY),
        Fault::Status { status: 401, .. } if facts.numbers().is_none_or(|version| version.checks_the_audience()) => {
            failed.mend(super::upgrade::scope(&[realm]))
        }
        Fault::Status { status: 403, .. } => {
            let says =
                format!("it may not export the realm: it lacks `manage-realm` of realm-management at least ({error})");
            Check::fail("realm.roles", says).of(realm).mend(grant(realm, "realm-admin"))
        }
        Fault::Broken { .. } => failed.mend("look into the server's log, and whether a proxy cuts long answers off"),
        _ => failed.mend("run `realmwright doctor` again; if it stays so, look into the server's log"),
    }
}

fn grant(realm: &str, role: &str) -> String {
    format!(
        "kcadm.sh add-roles -r {} --uusername service-account-{PROVISIONER} --cclientid realm-management --rolename {role}",
        quoted(realm)
    )
}

fn roles(realm: &str, export: &Value) -> Check {
    const ID: &str = "realm.roles";
    let account = format!("service-account-{PROVISIONER}");
    let mut users = export["users"].as_array().into_iter().flatten();
    let held =
        users.find(|user| user["username"] == account.as_str()).map(|user| &user["clientRoles"]["realm-management"]);
    let held: Vec<&str> = held.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if held.contains(&"realm-admin") {
        return Check::ok(ID, "the provisioner has realm-admin");
    }
    let missing: Vec<&str> = ROLES.into_iter().filter(|role| !held.contains(role)).collect();
    if missing.is_empty() {
        return Check::warn(ID, "the provisioner has no realm-admin; the roles that it has suffice until an administrative role is to be granted")
            .mend(grant(realm, "realm-admin"));
    }
    let says = format!("the provisioner lacks realm-admin, and of realm-management {}", missing.join(", "));
    Check::fail(ID, says).mend(grant(realm, "realm-admin"))
}

fn marker(export: &Value, facts: &Facts) -> Check {
    const ID: &str = "realm.marker";
    let Some(text) = export["attributes"][MARKER].as_str() else {
        return Check::warn(
            ID,
            format!("the attribute {MARKER} is gone: nothing is known to be ours, and nothing will be pruned"),
        )
        .mend("realmwright apply   # adopts what the manifests declare, and writes the marker anew");
    };
    let applied = Applied::parse(text);
    if applied.is_empty() {
        return Check::warn(ID, format!("the attribute {MARKER} can't be read: nothing is known to be ours"))
            .mend("realmwright apply   # adopts what the manifests declare, and writes the marker anew");
    }
    match &facts.environment {
        Some(own) if !applied.environment().is_empty() && own != applied.environment() => {
            Check::fail(ID, format!("the realm belongs to the environment `{}`, not `{own}`", applied.environment()))
                .mend(format!(
                    "give the server of `{own}` with --server, or --environment {}",
                    quoted(applied.environment())
                ))
        }
        _ => Check::ok(ID, format!("its marker can be read; objects in it: {}", applied.objects().count())),
    }
}

fn events(realm: &str, export: &Value) -> Check {
    const ID: &str = "realm.events";
    if export["adminEventsEnabled"] == true {
        return Check::ok(ID, "admin events are kept: who changed what can be told");
    }
    Check::warn(ID, "admin events are off: who changed what by hand can't be told")
        .mend(format!(
            "kcadm.sh update events/config -r {} -s adminEventsEnabled=true -s adminEventsDetailsEnabled=true",
            quoted(realm)
        ))
        .mend("realmwright apply   # where the template declares adminEventsEnabled, as the shipped ones do")
}

fn issuer(tenant: &Tenant, export: &Value) -> Check {
    const ID: &str = "realm.issuer";
    let own = export["attributes"]["frontendUrl"].as_str().filter(|url| !url.is_empty());
    match (own, &tenant.issuer) {
        (_, None) => Check::warn(ID, "the realm's discovery document could not be read")
            .mend(format!("open /realms/{}/.well-known/openid-configuration of the server", tenant.realm)),
        (None, Some(issuer)) => Check::ok(ID, format!("its issuer is {issuer}")),
        (Some(url), Some(issuer)) if issuer.starts_with(url.trim_end_matches('/')) => {
            Check::ok(ID, format!("its issuer is {issuer}, by its frontendUrl; assertions are addressed to that"))
        }
        (Some(url), Some(issuer)) => Check::warn(ID, format!("its frontendUrl is {url}, its issuer {issuer}"))
            .mend("in the console: Realm settings, General, Frontend URL"),
    }
}
