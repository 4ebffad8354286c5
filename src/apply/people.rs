//! Names of users, which Keycloak changes and keeps by settings of the realm.

use serde_json::json;

use super::realm;
use super::writer::Writer;
use crate::keycloak::{KeycloakError, WriteRealms};
use crate::state::ObjectId;

impl<K: WriteRealms> Writer<'_, K> {
    /// Gives a user its name back. Keycloak takes that only while names may be edited, so the
    /// realm lets them be for this one request.
    pub(super) async fn name_user(&self, id: &ObjectId, path: &str) -> Result<(), KeycloakError> {
        // By now its address may no longer stand for its name.
        let user = self.api.get(self.realm, path).await?.ok_or_else(|| self.missing(id))?;
        if user["username"] == id.key.as_str() {
            return Ok(());
        }
        let name = json!({ "username": id.key });
        let before = realm::read(self.api, self.realm).await?;
        if before["editUsernameAllowed"] == true {
            return self.api.put(self.realm, path, Some(&name)).await;
        }
        let mut open = before.clone();
        open["editUsernameAllowed"] = true.into();
        realm::write(self.api, self.realm, open, false).await?;
        let named = self.api.put(self.realm, path, Some(&name)).await;
        realm::write(self.api, self.realm, before, false).await?;
        named
    }
}
