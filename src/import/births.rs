//! What Keycloak's own import does beside taking a file as it stands, and what it does not take: so that a realm that is
//! born from a manifest ends as the manifest says, and as the file would have made it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::extract::Extracted;
use super::report::Reason;
use super::{Finding, Flat};
use crate::state::kind::{KEY_PROVIDER, SERVICE_ACCOUNT_PREFIX};
use crate::state::{Fields, Kind, ObjectId, defaults};

/// Client scopes that newer versions have, the first version with each, the protocol of the clients that get it, and
/// whether only those with a service account do.
const NEWER_SCOPES: [(&str, (u32, u32), &str, bool); 4] = [
    ("acr", (18, 0), OIDC, false),
    ("basic", (25, 0), OIDC, false),
    ("service_account", (26, 1), OIDC, true),
    ("AuthnContextClassRef", (26, 7), "saml", false),
];

const OIDC: &str = "openid-connect";

/// The lists of client scopes of a client.
const SCOPES: [&str; 2] = ["defaultClientScopes", "optionalClientScopes"];

/// What a component that makes its key itself may say of it: all of them; and those of some providers.
const OF_GENERATED_KEYS: [&str; 4] = ["config.priority", "config.enabled", "config.active", "config.secretSize"];
const OF_SOME: [(&str, &[&str]); 4] = [
    ("rsa", &["config.algorithm", "config.keySize"]),
    ("hmac", &["config.algorithm"]),
    ("ec", &["config.ecdsaEllipticCurveKey", "config.ecdhEllipticCurveKey", "config.ecdhAlgorithm"]),
    ("eddsa", &["config.eddsaEllipticCurveKey"]),
];

/// Makes what a file says of a realm what its birth will make of it.
pub(super) fn complete(one: &mut Extracted, version: Option<&str>, bare: &Flat, findings: &mut Vec<Finding>) {
    let version = version.and_then(parsed);
    // Where nothing is said of it, a realm is born disabled.
    let realm = one.full.entry(ObjectId::realm()).or_default();
    realm.entry("enabled".to_owned()).or_insert(Value::Bool(false));
    obsolete(one, findings);
    newer_scopes(one, version, bare);
    newer_roles(one, version, bare);
    scopes_of_clients(one, version.is_none(), bare);
    older_profile(one, version);
    keys(one, findings);
    policies(one, findings);
    roles_of_policies(one, bare, findings);
    default_role(one, bare);
    referred_roles(one, bare);
    attributes_of_users(one, findings);
    accounts(one, findings);
}

/// `24.0.5`, `9.0.3.redhat-00001`: the first two numbers. Versions of RH-SSO are those of an older Keycloak.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|part| part.parse().ok());
    let found = (numbers.next()??, numbers.next().flatten().unwrap_or(0));
    Some(if version.ends_with(".GA") { (9, 0) } else { found })
}

fn text<'a>(fields: &'a Fields, path: &str) -> &'a str {
    fields.get(path).and_then(Value::as_str).unwrap_or_default()
}

fn protocol(fields: &Fields) -> &str {
    match text(fields, "protocol") {
        "" => OIDC,
        named => named,
    }
}

/// An import from an older version adds the client scopes that came since, without which tokens would lack `sub`.
fn newer_scopes(one: &mut Extracted, version: Option<(u32, u32)>, bare: &Flat) {
    let has = |one: &Extracted, name: &str| one.full.contains_key(&ObjectId::new(Kind::ClientScope, name));
    let Some(version) = version.filter(|_| one.full.keys().any(|id| id.kind == Kind::ClientScope)) else { return };
    for (name, since, of, accounts) in NEWER_SCOPES {
        if version >= since || has(one, name) {
            continue;
        }
        let own = |id: &ObjectId| match id.kind {
            Kind::ClientScope => id.key == name,
            Kind::ScopeMapper => id.owner_and_name().0 == name,
            _ => false,
        };
        for (id, fields) in bare.iter().filter(|(id, _)| own(id)) {
            one.base.insert(id.clone(), fields.clone());
            one.full.insert(id.clone(), fields.clone());
        }
        if accounts {
            continue;
        }
        if let Some(list) =
            one.full.get_mut(&ObjectId::realm()).and_then(|realm| realm.get_mut("defaultDefaultClientScopes"))
        {
            add(list, name);
        }
        for (_, client) in one.full.iter_mut().filter(|(id, _)| id.kind == Kind::Client) {
            let fits = protocol(client) == of && client.get("bearerOnly") != Some(&true.into());
            if let Some(list) = client.get_mut(SCOPES[0]).filter(|_| fits) {
                add(list, name);
            }
        }
    }
}

/// It also adds the roles of an account console that the file brings.
fn newer_roles(one: &mut Extracted, version: Option<(u32, u32)>, bare: &Flat) {
    if version.is_none() || !one.full.contains_key(&ObjectId::new(Kind::Client, "account")) {
        return;
    }
    let comes = |id: &ObjectId| id.kind == Kind::ClientRole && id.owner_and_name().0 == "account";
    for (id, fields) in bare.iter().filter(|(id, _)| comes(id)) {
        if !one.full.contains_key(id) {
            one.full.insert(id.clone(), fields.clone());
            one.base.insert(id.clone(), fields.clone());
        }
    }
}

fn add(list: &mut Value, name: &str) {
    if let Some(items) = list.as_array_mut().filter(|items| !items.iter().any(|item| item == name)) {
        items.push(name.into());
        items.sort_by_key(Value::to_string);
    }
}

/// A client gets no scope of another protocol than its own, and one with a service account gets `service_account`.
fn scopes_of_clients(one: &mut Extracted, built_in: bool, bare: &Flat) {
    let own = one.full.keys().any(|id| id.kind == Kind::ClientScope);
    let of = |id: &ObjectId| one.full.get(id).or_else(|| bare.get(id).filter(|_| built_in || !own));
    let scopes: std::collections::BTreeMap<String, String> = one
        .full
        .keys()
        .chain(bare.keys())
        .filter(|id| id.kind == Kind::ClientScope)
        .filter_map(|id| Some((id.key.clone(), protocol(of(id)?).to_owned())))
        .collect();
    let settings: BTreeSet<String> =
        one.full.keys().filter(|id| id.kind == Kind::Authorization).map(|id| id.key.clone()).collect();
    for (id, client) in one.full.iter_mut().filter(|(id, _)| id.kind == Kind::Client) {
        let speaks = protocol(client).to_owned();
        for list in SCOPES {
            if let Some(items) = client.get_mut(list).and_then(Value::as_array_mut) {
                let fits = |name: &str| scopes.get(name).is_none_or(|scope| *scope == speaks);
                items.retain(|name| fits(name.as_str().unwrap_or_default()));
            }
        }
        if client.get("authorizationServicesEnabled") == Some(&true.into()) || settings.contains(&id.key) {
            // They are switched on where there are settings, and need a service account, which a public client and one
            // that only bears tokens can't have.
            client.remove("publicClient");
            client.remove("bearerOnly");
            ["authorizationServicesEnabled", "serviceAccountsEnabled"]
                .iter()
                .for_each(|switch| drop(client.insert((*switch).to_owned(), true.into())));
        }
        let account = client.get("serviceAccountsEnabled") == Some(&true.into()) && speaks == OIDC;
        let optional = client.get(SCOPES[1]).and_then(Value::as_array);
        let optional = optional.is_some_and(|items| items.iter().any(|item| item == "service_account"));
        if account
            && !optional
            && scopes.contains_key("service_account")
            && let Some(list) = client.get_mut(SCOPES[0])
        {
            add(list, "service_account");
        }
    }
}

/// The scopes that the realm gives a new client in a list: of those names, the ones of its protocol.
pub(super) fn given(one: &mut Extracted, list: &str, names: &[Value]) {
    let speaks = |one: &Extracted, name: &Value| {
        let id = ObjectId::new(Kind::ClientScope, name.as_str().unwrap_or_default());
        one.full.get(&id).map(|scope| protocol(scope).to_owned())
    };
    let clients: Vec<ObjectId> = one.full.keys().filter(|id| id.kind == Kind::Client).cloned().collect();
    for id in clients {
        let Some(client) = one.full.get(&id) else { continue };
        let own = protocol(client);
        let fits = |name: &&Value| speaks(one, name).is_none_or(|scope| scope == own);
        let mut base: Value = names.iter().filter(fits).cloned().collect();
        if list == SCOPES[0] && own == OIDC && client.get("serviceAccountsEnabled") == Some(&true.into()) {
            add(&mut base, "service_account");
        }
        one.base.entry(id).or_default().insert(list.to_owned(), base);
    }
}

/// Before 24, attributes of users needed no profile: an import from there lets them be.
fn older_profile(one: &mut Extracted, version: Option<(u32, u32)>) {
    if version.is_none_or(|version| version >= (24, 0)) {
        return;
    }
    let profile = ObjectId::new(Kind::UserProfile, "");
    let switch = one.full.get_mut(&ObjectId::realm()).and_then(|realm| realm.remove("attributes.userProfileEnabled"));
    if switch.is_some_and(|switch| switch == "true") {
        return;
    }
    let known = one.full.entry(profile.clone()).or_insert_with(|| defaults::new_object(&profile, &Fields::new()));
    known.entry("unmanagedAttributePolicy".to_owned()).or_insert_with(|| "ENABLED".into());
    one.base.insert(profile, Fields::new());
}

/// Settings of components that were given up, and are not shown.
const OBSOLETE: [&str; 5] = [
    "config.consent-required-for-all-mappers",
    "config.changedSyncEnabled",
    "config.allowPasswordAuthentication",
    "config.baseDn",
    "config.updateProfileFirstLogin",
];

fn obsolete(one: &mut Extracted, findings: &mut Vec<Finding>) {
    for (id, fields) in one.full.iter_mut().filter(|(id, _)| id.kind == Kind::Component) {
        for path in OBSOLETE.iter().filter(|path| fields.remove(**path).is_some()) {
            findings.push(Finding::not_expressed(&one.name, id, Some(path), "this Keycloak has no such setting", None));
        }
    }
}

/// A component that makes its key takes none; one that is given its key can't be made without.
fn keys(one: &mut Extracted, findings: &mut Vec<Finding>) {
    let named = |reason: Reason, one: &Extracted, id: &ObjectId| {
        let id = id.to_string();
        findings.iter().any(|found| found.reason == reason && found.realm == one.name && found.object == id)
    };
    let withheld: Vec<ObjectId> = one
        .full
        .keys()
        .filter(|id| id.kind == Kind::Component && id.owner_and_name().0 == KEY_PROVIDER)
        .cloned()
        .collect();
    let withheld: Vec<(ObjectId, bool)> =
        withheld.into_iter().map(|id| (id.clone(), named(Reason::Secret, one, &id))).collect();
    for (id, withheld) in withheld {
        let Some(fields) = one.full.get_mut(&id) else { continue };
        let provider = text(fields, "providerId").to_owned();
        if provider.ends_with("-generated") {
            let own = OF_SOME.iter().filter(|(start, _)| provider.starts_with(start)).flat_map(|(_, paths)| *paths);
            let said: Vec<&&str> = OF_GENERATED_KEYS.iter().chain(own).collect();
            fields.retain(|path, _| !path.starts_with("config.") || said.iter().any(|said| **said == path));
        } else if withheld {
            one.full.remove(&id);
            let why = "it can't be made without its key, which is a secret";
            let hint = "the realm makes keys of its own; to bring this one, give its secrets by `secret` parameters";
            findings.push(Finding::not_expressed(&one.name, &id, None, why, Some(hint.into())));
        }
    }
}

/// Policies in JavaScript that came with a file have not been taken since version 18.
fn policies(one: &mut Extracted, findings: &mut Vec<Finding>) {
    for (id, fields) in one.full.iter_mut().filter(|(id, _)| id.kind == Kind::Authorization) {
        let Some(list) = fields.get_mut("policies").and_then(Value::as_array_mut) else { continue };
        let script = |policy: &Value| policy["type"] == "js";
        let gone: BTreeSet<String> = list
            .iter()
            .filter(|policy| script(policy))
            .filter_map(|policy| policy["name"].as_str().map(str::to_owned))
            .collect();
        list.retain(|policy| !script(policy));
        for applied in list.iter_mut().filter_map(|policy| policy.pointer_mut("/config/applyPolicies")?.as_array_mut())
        {
            applied.retain(|name| !name.as_str().is_some_and(|name| gone.contains(name)));
        }
        for name in gone {
            let why = "Keycloak takes no policies in JavaScript since version 18; what applies it is left without it";
            let hint = "deploy the script as a provider, and name the type that it gives: `script-FILE`";
            findings.push(Finding::not_expressed(
                &one.name,
                id,
                Some(&format!("policies.{name}")),
                why,
                Some(hint.into()),
            ));
        }
    }
}

/// A policy of roles loses those that there are not.
fn roles_of_policies(one: &mut Extracted, bare: &Flat, findings: &mut Vec<Finding>) {
    let known = |name: &str| match name.split_once('/') {
        Some(_) => ObjectId::new(Kind::ClientRole, name),
        None => ObjectId::new(Kind::RealmRole, name),
    };
    let there: BTreeSet<ObjectId> = one.full.keys().chain(bare.keys()).cloned().collect();
    for (id, fields) in one.full.iter_mut().filter(|(id, _)| id.kind == Kind::Authorization) {
        for policy in fields.get_mut("policies").and_then(Value::as_array_mut).into_iter().flatten() {
            let name = policy["name"].as_str().unwrap_or_default().to_owned();
            let Some(roles) = policy.pointer_mut("/config/roles").and_then(Value::as_array_mut) else { continue };
            roles.retain(|role| {
                let role = role["id"].as_str().unwrap_or_default();
                let kept = there.contains(&known(role));
                if !kept {
                    let why = format!("it names the role `{role}`, which the realm does not have");
                    findings.push(Finding::not_expressed(&one.name, id, Some(&format!("policies.{name}")), why, None));
                }
                kept
            });
        }
    }
}

/// Every default role has these two, and those of the account console that Keycloak makes.
fn default_role(one: &mut Extracted, bare: &Flat) {
    let account = ObjectId::new(Kind::Client, "account");
    let brought = one.full.contains_key(&account) && one.wanted().contains_key(&account);
    let id = ObjectId::new(Kind::RealmRole, format!("default-roles-{}", one.name.to_lowercase()));
    let Some(role) = one.full.get_mut(&id) else { return };
    let list = role.entry("composites.realm".to_owned()).or_insert_with(|| json!([]));
    ["offline_access", "uma_authorization"].iter().for_each(|name| add(list, name));
    let path = "composites.client.account";
    if let Some(known) = bare.get(&id).and_then(|role| role.get(path)).filter(|_| !brought) {
        let list = role.entry(path.to_owned()).or_insert_with(|| json!([]));
        known.as_array().into_iter().flatten().filter_map(Value::as_str).for_each(|name| add(list, name));
    }
}

/// Roles that users, groups and scopes have without being listed are made for them.
fn referred_roles(one: &mut Extracted, bare: &Flat) {
    let mut referred = BTreeSet::new();
    for (id, fields) in &one.full {
        for (path, value) in fields {
            referred.extend(ObjectId::of_membership(id.kind, path));
            let composites = path.starts_with("composites.") && !id.key.starts_with("default-roles-");
            for name in value.as_array().into_iter().flatten().filter_map(Value::as_str).filter(|_| !composites) {
                referred.extend(ObjectId::of_reference(id.kind, path, name));
            }
        }
    }
    let wanted = one.wanted();
    for id in referred {
        let owner = ObjectId::new(Kind::Client, id.owner_and_name().0);
        let made_anew = id.kind == Kind::ClientRole && one.full.contains_key(&owner);
        let comes = bare.contains_key(&id) && !wanted.contains_key(&owner);
        if (id.kind == Kind::RealmRole || made_anew) && !comes && !one.full.contains_key(&id) {
            let name = id.owner_and_name().1;
            let known = bare.get(&id).cloned();
            one.full.insert(id.clone(), known.unwrap_or_else(|| Fields::from([("name".to_owned(), name.into())])));
            one.base.insert(id.clone(), Fields::new());
        }
    }
}

/// The user of a service account is there only with its client's switch.
fn accounts(one: &mut Extracted, findings: &mut Vec<Finding>) {
    let has_one = |id: &ObjectId| {
        let client = id.key.strip_prefix(SERVICE_ACCOUNT_PREFIX).unwrap_or_default();
        let found = one.full.iter().find(|(id, _)| id.kind == Kind::Client && id.key.to_lowercase() == client);
        found.is_some_and(|(_, fields)| fields.get("serviceAccountsEnabled") == Some(&true.into()))
    };
    let gone: Vec<ObjectId> = one.full.keys().filter(|id| id.is_service_account() && !has_one(id)).cloned().collect();
    for id in gone {
        one.full.remove(&id);
        let why = "its client has no service account, or is Keycloak's own";
        findings.push(Finding::not_expressed(&one.name, &id, None, why, None));
    }
}

/// Attributes that the user profile does not know are kept out of sight.
fn attributes_of_users(one: &mut Extracted, findings: &mut Vec<Finding>) {
    let profile = one.full.get(&ObjectId::new(Kind::UserProfile, "")).cloned().unwrap_or_default();
    if !matches!(text(&profile, "unmanagedAttributePolicy"), "" | "DISABLED") {
        return;
    }
    let listed = profile.get("attributes").and_then(Value::as_array);
    let mut known: BTreeSet<&str> =
        listed.into_iter().flatten().filter_map(|attribute| attribute["name"].as_str()).collect();
    if one
        .full
        .get(&ObjectId::realm())
        .is_some_and(|realm| realm.get("internationalizationEnabled") == Some(&true.into()))
    {
        known.insert("locale");
    }
    for (id, user) in one.full.iter_mut().filter(|(id, _)| id.kind == Kind::User && !id.is_service_account()) {
        let unknown = |path: &str| path.strip_prefix("attributes.").is_some_and(|name| !known.contains(name));
        let gone: Vec<String> = user.keys().filter(|path| unknown(path)).cloned().collect();
        for path in gone {
            user.remove(&path);
            let why = "the user profile has no such attribute, so Keycloak would keep it out of sight";
            let hint = "declare it in `userProfile`, or set `unmanagedAttributePolicy: ENABLED` there";
            findings.push(Finding::not_expressed(&one.name, id, Some(&path), why, Some(hint.into())));
        }
    }
}
