//! References between objects, which Keycloak writes through endpoints of their own: roles in roles, roles of users,
//! scopes of clients and of the realm.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::writer::Writer;
use crate::keycloak::{KeycloakError, WriteRealms, endpoint};
use crate::state::{Kind, ObjectId};

/// One reference to add or remove.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    /// Removals come first: a scope must leave one list before it can enter the other.
    add: bool,
    /// The field that lists it.
    field: String,
    /// What is referred to.
    target: ObjectId,
}

impl Link {
    /// The references that change among some fields, given as path, before and after.
    pub(super) fn of<'v>(
        id: &ObjectId,
        fields: impl Iterator<Item = (&'v str, Option<&'v Value>, Option<&'v Value>)>,
    ) -> Vec<Self> {
        let mut links = Vec::new();
        for (path, before, after) in fields {
            if let Some(target) = ObjectId::of_membership(path).filter(|_| id.kind == Kind::User) {
                if before.is_some() != after.is_some() {
                    let field = path.split('.').next().unwrap_or_default().to_owned();
                    links.push(Self { add: after.is_some(), field, target });
                }
                continue;
            }
            let Some((kind, owner)) = targets(id.kind, path) else { continue };
            let names = |value: Option<&Value>| -> Vec<String> {
                let items = value.and_then(Value::as_array).into_iter().flatten();
                items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
            };
            let (before, after) = (names(before), names(after));
            let target = |name: &String| match owner {
                Some(owner) => ObjectId::within(kind, owner, name),
                None => ObjectId::new(kind, name),
            };
            let link = |add, name| Self { add, field: path.to_owned(), target: target(name) };
            links.extend(before.iter().filter(|name| !after.contains(name)).map(|name| link(false, name)));
            links.extend(after.iter().filter(|name| !before.contains(name)).map(|name| link(true, name)));
        }
        links.sort();
        links
    }

    /// What is referred to, if the reference is added.
    pub(super) fn added(self) -> Option<ObjectId> {
        self.add.then_some(self.target)
    }
}

/// What the entries of a list of references are, by the list's path.
fn targets(kind: Kind, path: &str) -> Option<(Kind, Option<&str>)> {
    match kind {
        Kind::RealmRole | Kind::ClientRole if path == "composites.realm" => Some((Kind::RealmRole, None)),
        Kind::RealmRole | Kind::ClientRole => Some((Kind::ClientRole, Some(path.strip_prefix("composites.client.")?))),
        Kind::Client | Kind::Realm if path.ends_with("ClientScopes") => Some((Kind::ClientScope, None)),
        _ => None,
    }
}

impl<K: WriteRealms> Writer<'_, K> {
    /// Adds and removes references of an object.
    pub(super) async fn link(&mut self, id: &ObjectId, links: Vec<Link>) -> Result<(), KeycloakError> {
        if links.is_empty() {
            return Ok(());
        }
        let own = if id.kind == Kind::Realm { String::new() } else { self.id(id).await? };
        // Roles are sent by the list; scopes one at a time.
        let mut lists: BTreeMap<(bool, String), Vec<Value>> = BTreeMap::new();
        for Link { add, field, target } in links {
            let other = self.id(&target).await?;
            let (_, name) = target.owner_and_name();
            let role = json!({ "id": other, "name": name });
            let path = match (id.kind, target.kind) {
                (Kind::User, Kind::RealmRole) => endpoint::realm_roles(&own),
                (Kind::User, _) => {
                    let client = self.id(&ObjectId::new(Kind::Client, target.owner_and_name().0)).await?;
                    endpoint::client_roles(&own, &client)
                }
                (Kind::Client, _) => {
                    self.scope(add, &endpoint::client_scope(&own, &field, &other)).await?;
                    continue;
                }
                (Kind::Realm, _) => {
                    self.scope(add, &endpoint::realm_scope(&field, &other)).await?;
                    continue;
                }
                _ => endpoint::composites(&own),
            };
            lists.entry((add, path)).or_default().push(role);
        }
        for ((add, path), roles) in lists {
            let body = Value::Array(roles);
            if add {
                self.api.post(self.realm, &path, &body).await?;
            } else {
                self.api.delete(self.realm, &path, Some(&body)).await?;
            }
        }
        Ok(())
    }

    async fn scope(&self, add: bool, path: &str) -> Result<(), KeycloakError> {
        if add { self.api.put(self.realm, path, None).await } else { self.api.delete(self.realm, path, None).await }
    }
}
