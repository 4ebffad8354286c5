//! Fine-grained admin permissions: who may do what with which users, groups, clients, roles and organizations.
//!
//! Keycloak keeps them as the authorization settings of a client of its own, whose only part that anybody may change are
//! its policies. A permission names what it is for by the server's ids; here by names, so that a manifest can say it.
//! A name that means nothing is never written: older versions of Keycloak would take it for everything of its type.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::address::step;
use super::{Kind, ObjectId};

/// The client of Keycloak's own that has them.
pub const ADMIN_PERMISSIONS: &str = "admin-permissions";

/// What permissions are for, and what they may allow (`AdminPermissionsSchema` of 26.7). A type's own name stands for
/// everything of it.
pub const TYPES: [(&str, &[&str]); 5] = [
    ("Users", &["manage", "view", "impersonate", "map-roles", "manage-group-membership", "reset-password"]),
    (
        "Groups",
        &[
            "manage",
            "view",
            "manage-membership",
            "manage-membership-of-members",
            "manage-members",
            "view-members",
            "impersonate-members",
        ],
    ),
    ("Clients", &["manage", "map-roles", "map-roles-client-scope", "map-roles-composite", "view"]),
    ("Roles", &["map-role", "map-role-client-scope", "map-role-composite"]),
    ("Organizations", &["manage", "view"]),
];

/// True for a permission; other policies say who.
pub fn is_permission(policy: &Value) -> bool {
    policy["type"] == "scope"
}

/// The texts of a list in a policy's configuration.
pub fn texts<'a>(policy: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    policy["config"][field].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The object that a name in a permission for some type stands for. A role of a client is `client/role`; a `/` in the
/// name of a realm's role is written `%2F`.
pub fn target(of_type: &str, name: &str) -> Option<ObjectId> {
    Some(match of_type {
        name_of_all if name_of_all == name => return None,
        "Users" => ObjectId::new(Kind::User, name.to_lowercase()),
        "Groups" => ObjectId::new(Kind::Group, name.strip_prefix('/')?),
        "Clients" => ObjectId::new(Kind::Client, name),
        "Roles" if name.contains('/') => ObjectId::new(Kind::ClientRole, name),
        "Roles" => ObjectId::new(Kind::RealmRole, name.replace("%2F", "/")),
        "Organizations" => ObjectId::new(Kind::Organization, name),
        _ => return None,
    })
}

/// True for the name of a client's role that Keycloak does not find by it: it takes what stands before the first `/` for the
/// client's. It has to be named by its id.
pub fn is_ambiguous(role: &str) -> bool {
    role.matches('/').count() > 1
}

/// The type of permissions that are for an object, and its name in them. `None`: no permission can name it.
fn name(id: &ObjectId) -> Option<(&'static str, String)> {
    let (of_type, name) = match id.kind {
        Kind::User => ("Users", id.key.clone()),
        Kind::Group => ("Groups", format!("/{}", id.key)),
        Kind::Client => ("Clients", id.key.clone()),
        Kind::ClientRole => ("Roles", id.key.clone()),
        Kind::RealmRole => ("Roles", id.key.replace('/', "%2F")),
        Kind::Organization => ("Organizations", id.key.clone()),
        _ => return None,
    };
    (of_type != name).then_some((of_type, name))
}

/// What a policy refers to: what a permission is for, or whom another policy means.
pub fn references(policy: &Value) -> Vec<ObjectId> {
    let of_type = policy["config"]["defaultResourceType"].as_str().unwrap_or_default();
    let entries = |field: &str, key: &str| -> Vec<String> {
        let items = policy["config"][field].as_array().into_iter().flatten();
        items.filter_map(|item| item[key].as_str().or(item.as_str()).map(str::to_owned)).collect()
    };
    let all = |list: Vec<String>, kind: Kind| list.into_iter().map(|name| ObjectId::new(kind, name)).collect();
    match policy["type"].as_str().unwrap_or_default() {
        "scope" => texts(policy, "resources").filter_map(|name| target(of_type, name)).collect(),
        "role" => entries("roles", "id").iter().filter_map(|name| target("Roles", name)).collect(),
        "group" => entries("groups", "path").iter().filter_map(|path| target("Groups", path)).collect(),
        "user" => all(entries("users", "").iter().map(|name| name.to_lowercase()).collect(), Kind::User),
        "client" => all(entries("clients", ""), Kind::Client),
        "client-scope" => all(entries("clientScopes", "id"), Kind::ClientScope),
        _ => Vec::new(),
    }
}

/// What the fields of authorization settings refer to.
pub fn referred(id: &ObjectId, path: &str, value: Option<&Value>) -> Vec<ObjectId> {
    let policies = value.and_then(Value::as_array).into_iter().flatten();
    let own = id.kind == Kind::Authorization && id.key == ADMIN_PERMISSIONS && path == "policies";
    policies.filter(|_| own).flat_map(references).collect()
}

/// Names by type and id: of all objects of a regular document that permissions may be for.
pub(crate) type Names = BTreeMap<(&'static str, String), String>;

/// The names of a regular document's objects.
pub(crate) fn names(document: &Map<String, Value>) -> Names {
    let mut names = Names::new();
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut note = |id: ObjectId, item: &Value| {
        if let (Some((of_type, name)), Some(own)) = (name(&id), item["id"].as_str()) {
            names.insert((of_type, own.to_owned()), name);
        }
    };
    for (field, kind) in [("clients", Kind::Client), ("users", Kind::User), ("organizations", Kind::Organization)] {
        for item in list(document.get(field)) {
            note(ObjectId::new(kind, item[kind.spec().key].as_str().unwrap_or_default()), &item);
        }
    }
    let roles = document.get("roles");
    for item in list(roles.and_then(|roles| roles.get("realm"))) {
        note(ObjectId::new(Kind::RealmRole, item["name"].as_str().unwrap_or_default()), &item);
    }
    for (client, items) in roles.and_then(|roles| roles.get("client")).and_then(Value::as_object).into_iter().flatten()
    {
        for item in list(Some(items)) {
            note(ObjectId::within(Kind::ClientRole, client, item["name"].as_str().unwrap_or_default()), &item);
        }
    }
    let mut open: Vec<(String, Value)> =
        list(document.get("groups")).into_iter().map(|group| (String::new(), group)).collect();
    while let Some((above, group)) = open.pop() {
        let path = format!("{above}{}", step(group["name"].as_str().unwrap_or_default()));
        open.extend(list(group.get("subGroups")).into_iter().map(|below| (format!("{path}/"), below)));
        note(ObjectId::new(Kind::Group, path), &group);
    }
    names
}

/// Settings as they are compared: the policies alone, what permissions are for by name. An id that nothing is known of
/// stays.
pub(crate) fn by_name(settings: &mut Value, names: &Names) {
    let policies = settings["policies"].take();
    *settings = if policies.is_array() { json!({ "policies": policies }) } else { json!({}) };
    for policy in settings["policies"].as_array_mut().into_iter().flatten().filter(|policy| is_permission(policy)) {
        let of_type = &policy["config"]["defaultResourceType"];
        let Some((of_type, _)) = TYPES.iter().find(|(known, _)| of_type == known) else { continue };
        for resource in policy["config"]["resources"].as_array_mut().into_iter().flatten() {
            let id = resource.as_str().unwrap_or_default().to_owned();
            if let Some(name) = names.get(&(*of_type, id)) {
                *resource = name.as_str().into();
            }
        }
    }
}

/// The ids of users that permissions of a representation are for, which are not in it.
pub(crate) fn unnamed_users(representation: &mut Value) -> BTreeSet<String> {
    let users = representation["users"].as_array().into_iter().flatten();
    let known: BTreeSet<String> = users.filter_map(|user| user["id"].as_str().map(str::to_owned)).collect();
    let texts = of_users(representation).filter_map(|text| serde_json::from_str::<Vec<String>>(text.as_str()?).ok());
    texts.flatten().filter(|id| id != "Users" && !known.contains(id)).collect()
}

/// Takes those for organizations out of a representation: a birth makes organizations after permissions, and refuses them.
pub(crate) fn without_organizations(representation: &mut Value) {
    let clients = representation.get_mut("clients").and_then(Value::as_array_mut).into_iter().flatten();
    let own = clients.filter(|client| client["clientId"] == ADMIN_PERMISSIONS);
    let policies = own.filter_map(|client| client.pointer_mut("/authorizationSettings/policies")?.as_array_mut());
    policies.for_each(|list| list.retain(|policy| policy["config"]["defaultResourceType"] != "Organizations"));
}

/// Puts a user's name where permissions of a representation have the id.
pub(crate) fn name_user(representation: &mut Value, id: &str, name: &str) {
    for resources in of_users(representation) {
        let text = resources.as_str().unwrap_or_default();
        *resources = text.replace(&json!(id).to_string(), &json!(name).to_string()).into();
    }
}

/// The texts by which permissions of a representation name users.
fn of_users(representation: &mut Value) -> impl Iterator<Item = &mut Value> {
    let clients = representation.get_mut("clients").and_then(Value::as_array_mut).into_iter().flatten();
    let own = clients.filter(|client| client["clientId"] == ADMIN_PERMISSIONS);
    let policies = own.filter_map(|client| client.pointer_mut("/authorizationSettings/policies")?.as_array_mut());
    let configs = policies.flatten().filter_map(|policy| policy.get_mut("config"));
    configs.filter(|config| config["defaultResourceType"] == "Users").filter_map(|config| config.get_mut("resources"))
}
