//! Policies of authorization settings, permissions among them: what is no longer wanted goes, with whatever would change
//! its meaning by that, and the rest is made or changed.
//!
//! Nobody may get in on the way: a policy is never taken out from under a permission that stays, since a permission that
//! asked for two would then ask for one. What is in the way of that is removed first, and made again last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::parts::part_id;
use super::writer::Writer;
use crate::keycloak::{KeycloakError, WriteRealms};
use crate::state::permissions::{ADMIN_PERMISSIONS, is_ambiguous, is_permission, target, texts};
use crate::state::shape::authorization::wrap;
use crate::state::{Kind, ObjectId};

impl<K: WriteRealms> Writer<'_, K> {
    /// Makes the policies of a client what `wanted` says, if it says anything.
    pub(super) async fn write_policies(
        &mut self,
        id: &ObjectId,
        base: &str,
        wanted: &Value,
    ) -> Result<(), KeycloakError> {
        let Some(wanted) = wanted.as_array() else { return Ok(()) };
        let observed = self.observed.get(id).and_then(|object| object.fields.get("policies")?.as_array().cloned());
        let observed = observed.unwrap_or_default();
        let admin = id.key == ADMIN_PERMISSIONS;
        let found = self.parts(base, "policy").await?;
        let there: BTreeMap<&str, &Value> = found.iter().map(|policy| (name(policy), policy)).collect();
        let steps = steps(wanted, &observed, &there.keys().copied().collect(), admin);
        for gone in steps.removed {
            if let Some(policy) = there.get(gone.as_str()) {
                self.api.delete(self.realm, &format!("{base}/policy/{}", part_id(policy)), None).await?;
            }
        }
        for (policy, kept) in steps.written {
            let mut body = policy.clone();
            if admin && is_permission(policy) {
                self.name_resources(&mut body).await?;
            }
            self.name_groups(&mut body).await?;
            self.name_roles(&mut body).await?;
            body.as_object_mut().into_iter().for_each(complete);
            match there.get(name(policy)).filter(|_| kept) {
                Some(other) => {
                    let own = part_id(other);
                    body["id"] = own.into();
                    self.api.put(self.realm, &format!("{base}/policy/{own}"), Some(&body)).await?;
                }
                None => {
                    self.api.post(self.realm, &format!("{base}/policy"), &body).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts the server's ids in place of the paths that Keycloak would not find, those with a `/` in a name.
    async fn name_groups(&mut self, policy: &mut Value) -> Result<(), KeycloakError> {
        let groups = policy.pointer_mut("/config/groups").and_then(Value::as_array_mut);
        for group in groups.into_iter().flatten() {
            let id = group["path"].as_str().and_then(|path| target("Groups", path));
            if let Some(id) = id.filter(|id| id.native_path() != format!("/{}", id.key)) {
                group["id"] = self.id(&id).await?.into();
                group.as_object_mut().into_iter().for_each(|group| drop(group.remove("path")));
            }
        }
        Ok(())
    }

    /// The same for roles of clients with a `/` in their names.
    async fn name_roles(&mut self, policy: &mut Value) -> Result<(), KeycloakError> {
        let roles = policy.pointer_mut("/config/roles").and_then(Value::as_array_mut);
        for role in roles.into_iter().flatten() {
            let Some(name) = role["id"].as_str().filter(|name| is_ambiguous(name)) else { continue };
            let ways = name.match_indices('/').map(|(at, _)| (&name[..at], &name[at + 1..]));
            let ways: Vec<ObjectId> =
                ways.map(|(client, own)| ObjectId::within(Kind::ClientRole, client, own)).collect();
            let there = |id: &&ObjectId| self.created.contains(*id) || self.observed.get(id).is_some();
            let Some(id) = ways.iter().find(there).or(ways.last()) else { continue };
            role["id"] = self.id(id).await?.into();
        }
        Ok(())
    }

    /// Puts the server's ids where an admin permission has names.
    async fn name_resources(&mut self, policy: &mut Value) -> Result<(), KeycloakError> {
        let of_type = policy["config"]["defaultResourceType"].as_str().unwrap_or_default().to_owned();
        for resource in policy["config"]["resources"].as_array_mut().into_iter().flatten() {
            if let Some(object) = target(&of_type, resource.as_str().unwrap_or_default()) {
                let own = self.id(&object).await?;
                if object.kind != Kind::Client {
                    // The id of a client in a permission makes Keycloak lose sight of that client's own settings.
                    *resource = own.into();
                }
            }
        }
        Ok(())
    }
}

/// What is removed by name, and then what is written, each in a safe order; `true`: it is there and stays.
struct Steps<'a> {
    removed: Vec<String>,
    written: Vec<(&'a Value, bool)>,
}

fn steps<'a>(wanted: &'a [Value], observed: &[Value], there: &BTreeSet<&str>, admin: bool) -> Steps<'a> {
    let known = |list: &[Value]| -> BTreeMap<String, Value> {
        list.iter().map(|policy| (name(policy).to_owned(), policy.clone())).collect()
    };
    let (before, after) = (known(observed), known(wanted));
    let same = |name: &str| before.get(name).is_some_and(|found| after.get(name) == Some(found));
    // Keycloak never changes a policy's type, and what a permission was for once it stays for.
    let changes_in_place = |name: &str| match (before.get(name), after.get(name)) {
        (Some(found), Some(wanted)) => found["type"] == wanted["type"] && !(admin && is_permission(wanted)),
        _ => false,
    };
    let mut removed: BTreeSet<String> =
        there.iter().filter(|name| !same(name) && !changes_in_place(name)).map(ToString::to_string).collect();
    loop {
        let refers = |policy: &Value| texts(policy, "applyPolicies").any(|other| removed.contains(other));
        let also: Vec<String> =
            before.iter().filter(|(_, policy)| refers(policy)).map(|(name, _)| name.clone()).collect();
        let before = removed.len();
        removed.extend(also.into_iter().filter(|name| there.contains(name.as_str())));
        if removed.len() == before {
            break;
        }
    }
    let depth = |all: &BTreeMap<String, Value>, name: &str| depth(all, name, 0);
    let mut gone: Vec<String> = removed.iter().cloned().collect();
    gone.sort_by_key(|name| std::cmp::Reverse(depth(&before, name)));
    let kept = |name: &str| there.contains(name) && !removed.contains(name);
    let mut written: Vec<(&Value, bool)> = wanted
        .iter()
        .map(|policy| (policy, kept(name(policy))))
        .filter(|(policy, kept)| !(*kept && same(name(policy))))
        .collect();
    written.sort_by_key(|(policy, _)| depth(&after, name(policy)));
    Steps { removed: gone, written }
}

/// How far a policy is from those that refer to no other.
fn depth(all: &BTreeMap<String, Value>, name: &str, guard: usize) -> usize {
    let Some(policy) = all.get(name).filter(|_| guard < 16) else { return 0 };
    texts(policy, "applyPolicies").map(|other| depth(all, other, guard + 1) + 1).max().unwrap_or(0)
}

fn name(policy: &Value) -> &str {
    policy["name"].as_str().unwrap_or_default()
}

/// A policy as Keycloak takes it: the defaults that the canonical form leaves out, and lists as texts.
fn complete(policy: &mut Map<String, Value>) {
    for (field, value) in [("logic", "POSITIVE"), ("decisionStrategy", "UNANIMOUS")] {
        policy.entry(field).or_insert_with(|| value.into());
    }
    let lists: &[&str] = match policy.get("type").and_then(Value::as_str).unwrap_or_default() {
        "scope" => &["resources", "scopes", "applyPolicies"],
        "resource" => &["resources", "applyPolicies"],
        "aggregate" => &["applyPolicies"],
        _ => &[],
    };
    let config = policy.entry("config").or_insert_with(|| Map::new().into());
    for list in lists.iter().copied() {
        // Keycloak keeps what is left out.
        if config[list].is_null() {
            config[list] = json!([]);
        }
    }
    wrap(policy);
}
