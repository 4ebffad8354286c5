//! References between objects, which Keycloak writes through endpoints of their own: roles in roles, roles and groups
//! of users, scopes of clients and of the realm, and the like.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::writer::Writer;
use crate::keycloak::{KeycloakError, WriteRealms, endpoint, segment};
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
            let names = |value: Option<&Value>| -> Vec<String> {
                let items = value.and_then(Value::as_array).into_iter().flatten();
                items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
            };
            let (before, after) = (names(before), names(after));
            let link = |add, name: &String| {
                let target = ObjectId::of_reference(id.kind, path, name)?;
                Some(Self { add, field: path.to_owned(), target })
            };
            links.extend(before.iter().filter(|name| !after.contains(name)).filter_map(|name| link(false, name)));
            links.extend(after.iter().filter(|name| !before.contains(name)).filter_map(|name| link(true, name)));
        }
        links.sort();
        links
    }

    /// What is referred to, if the reference is added.
    pub(super) fn added(self) -> Option<ObjectId> {
        self.add.then_some(self.target)
    }
}

impl<K: WriteRealms> Writer<'_, K> {
    /// Adds and removes references of an object.
    pub(super) async fn link(&mut self, id: &ObjectId, links: Vec<Link>) -> Result<(), KeycloakError> {
        if links.is_empty() {
            return Ok(());
        }
        let own = if id.kind == Kind::Realm { String::new() } else { self.id(id).await? };
        // Roles are sent by the list; the others one at a time.
        let mut lists: BTreeMap<(bool, String), Vec<Value>> = BTreeMap::new();
        for Link { add, field, target } in links {
            let other = self.id(&target).await?;
            let (owner, name) = target.owner_and_name();
            let client = match target.kind {
                Kind::ClientRole => self.id(&ObjectId::new(Kind::Client, owner)).await?,
                _ => String::new(),
            };
            match endpoint::link(id.kind, &own, &field, &target, &other, &client) {
                endpoint::LinkPath::Roles(path) => {
                    lists.entry((add, path)).or_default().push(json!({ "id": other, "name": name }));
                }
                endpoint::LinkPath::One(path) if add => self.api.put(self.realm, &path, None).await?,
                endpoint::LinkPath::One(path) => self.api.delete(self.realm, &path, None).await?,
                endpoint::LinkPath::Provider(path) if add => {
                    self.api.post(self.realm, &path, &json!(other)).await?;
                }
                endpoint::LinkPath::Provider(path) => {
                    self.api.delete(self.realm, &format!("{path}/{}", segment(&other)), None).await?;
                }
            }
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
}
