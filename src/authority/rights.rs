//! Rights by which somebody could take what the vendor grants: roles of a product that the vendor does not declare, and
//! those of Keycloak's that change clients or the realm itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Scope, Side};
use crate::diagnostic::{Diagnostic, Span};
use crate::expand::Desired;
use crate::expand::origin::places;
use crate::manifest::ManifestSet;
use crate::manifest::resolve::resolve;
use crate::state::permissions::{ADMIN_PERMISSIONS, is_permission};
use crate::state::seats::SEAT;
use crate::state::{Kind, ObjectId};

/// Roles of Keycloak's client `realm-management` whose holders can make a product's client, or licences, by hand.
const POWERS: [&str; 5] = ["realm-admin", "manage-realm", "manage-clients", "create-client", "manage-authorization"];

/// What gives such a right: the object, its field, and what that does.
type Right = (ObjectId, String, String);

/// What gives such a right now, did not before, and is written where the author may write.
pub(super) fn check(before: &Side<'_>, after: &Side<'_>, own: &[&str], scopes: &[Scope], found: &mut Vec<Diagnostic>) {
    let key = |tenant: &Desired| (tenant.name.clone(), tenant.environment.clone());
    let was: BTreeMap<_, _> = before.desired.iter().map(|tenant| (key(tenant), rights(before.set, tenant))).collect();
    for tenant in after.desired.iter().filter(|tenant| own.contains(&super::root(tenant))) {
        let known = was.get(&key(tenant));
        let new: Vec<Right> = rights(after.set, tenant)
            .into_iter()
            .filter(|right| known.is_none_or(|known| !known.contains(right)))
            .collect();
        if new.is_empty() {
            continue;
        }
        let places = written(after, tenant);
        for (id, path, right) in new {
            // What the platform team's templates give is theirs to give.
            let Some(at) =
                places.get(&(id.clone(), path)).filter(|at| scopes.iter().any(|s| s.holds(after.home(**at))))
            else {
                continue;
            };
            let message = format!("{}/{id} {right}, which the vendor decides", tenant.name);
            let hint = "take it out, or ask the platform team: with it, somebody could take what only a licence gives";
            found.push(Diagnostic::error("granted-right", *at, message).hint(hint));
        }
    }
}

fn written(side: &Side<'_>, tenant: &Desired) -> BTreeMap<(ObjectId, String), Span> {
    let network = resolve(side.set, &tenant.environment, &mut Vec::new());
    let declared = network.tenants.iter().find(|other| other.name == tenant.name);
    declared.map(|declared| places(side.set, side.sources, &network, declared)).unwrap_or_default()
}

fn rights(set: &ManifestSet, tenant: &Desired) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for (id, object) in &tenant.state.objects {
        for (path, value) in &object.fields {
            let undeclared = (path == id.kind.spec().key && is_undeclared(set, id))
                .then(|| "is no role that the product has".to_owned());
            let targets = id.targets(path, value).into_iter().chain(mapped(id.kind, path, value));
            let powers = targets.filter(is_power).map(|role| format!("gives `{role}`"));
            let given = undeclared.into_iter().chain(powers).chain(permissions(id, path, value));
            rights.extend(given.map(|right| (id.clone(), path.clone(), right)));
        }
    }
    rights
}

/// True for a role of a product's client that the product does not have.
fn is_undeclared(set: &ManifestSet, id: &ObjectId) -> bool {
    let (client, role) = id.owner_and_name();
    let product = set.platform.products.get(&client).filter(|_| id.kind == Kind::ClientRole);
    product.is_some_and(|product| role != SEAT && !product.roles.iter().flatten().any(|known| known == role))
}

fn is_power(role: &ObjectId) -> bool {
    let (client, name) = role.owner_and_name();
    role.kind == Kind::ClientRole && client == "realm-management" && POWERS.contains(&name)
}

/// The client's role that a mapper gives.
fn mapped(kind: Kind, path: &str, value: &Value) -> Option<ObjectId> {
    let mapper =
        matches!(kind, Kind::IdentityProviderMapper | Kind::SubComponent | Kind::ClientMapper | Kind::ScopeMapper);
    let text = value.as_str().or_else(|| value.get(0)?.as_str()).filter(|_| mapper && path == "config.role")?;
    let (client, role) = text.split_once('.')?;
    Some(ObjectId::within(Kind::ClientRole, client, role))
}

/// The names of admin permissions by which clients may be managed.
fn permissions(id: &ObjectId, path: &str, value: &Value) -> impl Iterator<Item = String> {
    let own = *id == ObjectId::new(Kind::Authorization, ADMIN_PERMISSIONS) && path == "policies";
    let policies = value.as_array().filter(|_| own).into_iter().flatten();
    let manages = |policy: &&Value| {
        let config = &policy["config"];
        is_permission(policy)
            && config["defaultResourceType"] == "Clients"
            && config["scopes"].to_string().contains("manage")
    };
    policies.filter(manages).map(|policy| format!("lets clients be managed by the permission {}", policy["name"]))
}
