//! Names and addresses of users, which Keycloak changes and keeps by settings of the realm.

use serde_json::{Value, json};

use super::realm;
use super::writer::Writer;
use crate::keycloak::{KeycloakError, WriteRealms};
use crate::state::ObjectId;
use crate::state::applied::NAMING;

/// The action by which a user updates the address.
const UPDATE_EMAIL: &str = "UPDATE_EMAIL";

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
        let mut before = realm::read(self.api, self.realm).await?;
        if before["editUsernameAllowed"] == true {
            return self.api.put(self.realm, path, Some(&name)).await;
        }
        before["editUsernameAllowed"] = false.into();
        let mut open = before.clone();
        open["editUsernameAllowed"] = true.into();
        // A plan shuts it where the run ends before it does.
        open["attributes"][NAMING] = "true".into();
        realm::write(self.api, self.realm, open, false).await?;
        let named = self.api.put(self.realm, path, Some(&name)).await;
        realm::write(self.api, self.realm, before, false).await?;
        named
    }

    /// Gives a user its address where Keycloak left it out without a word: it does so while the user is to update it at
    /// the next login, so that is taken away for this one request.
    pub(super) async fn address_user(&self, path: &str, body: &Value) -> Result<(), KeycloakError> {
        let Some(address) = body["email"].as_str().map(str::to_lowercase) else { return Ok(()) };
        let user = self.api.get(self.realm, path).await?.unwrap_or_default();
        let actions = user["requiredActions"].as_array().cloned().unwrap_or_default();
        if user["email"] == address.as_str() || !actions.iter().any(|action| action == UPDATE_EMAIL) {
            return Ok(());
        }
        let rest: Vec<&Value> = actions.iter().filter(|action| *action != UPDATE_EMAIL).collect();
        let steps = [
            json!({ "requiredActions": rest }),
            json!({"email": address, "emailVerified": user["emailVerified"]}),
            json!({ "requiredActions": actions }),
        ];
        for step in steps {
            self.api.put(self.realm, path, Some(&step)).await?;
        }
        Ok(())
    }
}
