//! References between objects, which Keycloak writes through endpoints of their own: roles in roles, roles and groups
//! of users, scopes of clients and of the realm, and the like.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::writer::Writer;
use crate::keycloak::{KeycloakError, WriteRealms, endpoint, segment};
use crate::plan::needs::Link;
use crate::state::{Kind, ObjectId};

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
