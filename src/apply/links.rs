//! References between objects, which Keycloak writes through endpoints of their own: roles in roles, roles and groups
//! of users, scopes of clients and of the realm, and the like.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::realm;
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
        for Link { add, field, target, account } in links {
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
                endpoint::LinkPath::Account(path) if add => {
                    let (account, name) = account.unwrap_or_default();
                    self.api.post(self.realm, &path, &json!({"userId": account, "userName": name})).await?;
                }
                endpoint::LinkPath::Account(path) => self.api.delete(self.realm, &path, None).await?,
                endpoint::LinkPath::Named(path) | endpoint::LinkPath::Member(path) if add => {
                    self.api.post(self.realm, &path, &json!(other)).await?;
                }
                endpoint::LinkPath::Named(path) => {
                    self.api.delete(self.realm, &format!("{path}/{}", segment(&other)), None).await?;
                }
                endpoint::LinkPath::Member(path) => self.let_go(id, &target, &format!("{path}/{other}")).await?,
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

    /// Ends a membership. Keycloak would delete a user whose account belongs to the organization.
    async fn let_go(&self, organization: &ObjectId, user: &ObjectId, path: &str) -> Result<(), KeycloakError> {
        let member = self.api.get(self.realm, path).await?.unwrap_or_default();
        if member["membershipType"] == "MANAGED" {
            let why = format!("{user} belongs to {organization}: Keycloak would delete the user with the membership");
            return Err(realm::broken(self.realm, &why));
        }
        self.api.delete(self.realm, path, None).await
    }
}
