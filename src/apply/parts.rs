//! Kinds whose objects are not written by one request: authorization settings, texts of a locale, and the components
//! that Keycloak adds to a new user federation.

use serde_json::{Map, Value};

use super::writer::Writer;
use crate::keycloak::listing::{list, pages};
use crate::keycloak::{KeycloakError, WriteRealms, endpoint, segment};
use crate::state::permissions::ADMIN_PERMISSIONS;
use crate::state::{Kind, ObjectId};

impl<K: WriteRealms> Writer<'_, K> {
    /// Makes the authorization settings of a client what `wanted` says: each list whole, where it is given. Of admin
    /// permissions, the policies are all that there is.
    pub(super) async fn authorize(&mut self, id: &ObjectId, wanted: &Value) -> Result<(), KeycloakError> {
        let client = self.id(&ObjectId::new(Kind::Client, &id.key)).await?;
        let base = endpoint::collection(Kind::Authorization, &client);
        if id.key == ADMIN_PERMISSIONS {
            return self.write_policies(id, &base, &wanted["policies"]).await;
        }
        let mut settings = self.api.get(self.realm, &base).await?.ok_or_else(|| self.missing(id))?;
        for field in ["allowRemoteResourceManagement", "policyEnforcementMode", "decisionStrategy"] {
            if let Some(value) = wanted.get(field) {
                settings[field] = value.clone();
            }
        }
        self.api.put(self.realm, &base, Some(&settings)).await?;
        // What is referred to comes first and goes last: scopes, resources, policies.
        let parts = [("scopes", "scope"), ("resources", "resource")];
        for (list, part) in parts {
            self.write_parts(&base, part, &wanted[list]).await?;
        }
        self.write_policies(id, &base, &wanted["policies"]).await?;
        for (list, part) in parts.into_iter().rev() {
            let Some(wanted) = wanted.get(list).and_then(Value::as_array) else { continue };
            for found in self.parts(&base, part).await? {
                if !wanted.iter().any(|item| item["name"] == found["name"]) {
                    self.api.delete(self.realm, &format!("{base}/{part}/{}", part_id(&found)), None).await?;
                }
            }
        }
        Ok(())
    }

    async fn write_parts(&mut self, base: &str, part: &str, wanted: &Value) -> Result<(), KeycloakError> {
        let Some(wanted) = wanted.as_array().filter(|list| !list.is_empty()) else { return Ok(()) };
        let found = self.parts(base, part).await?;
        for item in wanted {
            match found.iter().find(|other| other["name"] == item["name"]) {
                Some(other) => {
                    let own = part_id(other);
                    let mut body = item.clone();
                    body[if part == "resource" { "_id" } else { "id" }] = own.into();
                    self.api.put(self.realm, &format!("{base}/{part}/{own}"), Some(&body)).await?;
                }
                None => {
                    self.api.post(self.realm, &format!("{base}/{part}"), item).await?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn parts(&self, base: &str, part: &str) -> Result<Vec<Value>, KeycloakError> {
        pages(self.api, self.realm, &format!("{base}/{part}")).await
    }

    /// Writes the texts of a locale: POST adds and changes, and each that left is deleted.
    pub(super) async fn write_texts(&self, id: &ObjectId, wanted: &Value, found: &Value) -> Result<(), KeycloakError> {
        let path = format!("localization/{}", segment(&id.key));
        let texts: Map<String, Value> = wanted
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, text)| !text.is_null())
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect();
        let gone = wanted
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, text)| text.is_null() && !found[key.as_str()].is_null());
        for (key, _) in gone {
            self.api.delete(self.realm, &format!("{path}/{}", segment(key)), None).await?;
        }
        if !texts.is_empty() {
            self.api.post(self.realm, &path, &texts.into()).await?;
        }
        Ok(())
    }

    /// A new user federation comes with mappers; one that is declared is changed rather than made twice, since
    /// Keycloak would take two of one name.
    pub(super) async fn made_with_its_owner(
        &mut self,
        id: &ObjectId,
        owner: &str,
        body: &Value,
    ) -> Result<bool, KeycloakError> {
        let Some(found) = self.below(owner).await?.into_iter().find(|part| part["name"] == body["name"]) else {
            return Ok(false);
        };
        let own = found["id"].as_str().unwrap_or_default().to_owned();
        self.api.put(self.realm, &endpoint::item(id.kind, "", &own), Some(body)).await?;
        self.ids.insert(id.clone(), own);
        Ok(true)
    }

    /// Removes the mappers that a new user federation came with where others are declared for it.
    pub(super) async fn drop_default_parts(&mut self, id: &ObjectId, own: &str) -> Result<(), KeycloakError> {
        let (_, name) = id.owner_and_name();
        let declared = |part: &ObjectId| part.kind == Kind::SubComponent && part.owner_and_name().0 == name;
        if !self.created.iter().any(declared) {
            return Ok(());
        }
        for part in self.below(own).await? {
            let key = ObjectId::within(Kind::SubComponent, name, part["name"].as_str().unwrap_or_default());
            if !self.created.contains(&key) {
                let own = part["id"].as_str().unwrap_or_default();
                self.api.delete(self.realm, &endpoint::item(Kind::SubComponent, "", own), None).await?;
            }
        }
        Ok(())
    }

    async fn below(&self, owner: &str) -> Result<Vec<Value>, KeycloakError> {
        list(self.api, self.realm, &format!("components?parent={}", segment(owner))).await
    }
}

pub(super) fn part_id(part: &Value) -> &str {
    part["_id"].as_str().or_else(|| part["id"].as_str()).unwrap_or_default()
}
