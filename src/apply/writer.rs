//! The changes of one realm as requests, with the realm's own provisioner.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::expand::SERVICE_ACCOUNT_PREFIX;
use crate::keycloak::{Fault, KeycloakError, WriteRealms, endpoint, segment};
use crate::plan::{Action, Change, FieldChange, TenantPlan};
use crate::state::applied::MARKER;
use crate::state::kind::{Class, Put};
use crate::state::secret::Secrets;
use crate::state::{Kind, ObjectId, RealmState, arrange};

use super::links::Link;

/// A failed change: the object, if it was one's, and why.
pub(super) type Failed = (Option<ObjectId>, KeycloakError);

/// The one writer of a realm during a run.
pub(super) struct Writer<'a, K> {
    pub(super) api: &'a K,
    pub(super) realm: &'a str,
    observed: &'a RealmState,
    secrets: &'a Secrets,
    /// Ids of objects that were created or looked up.
    ids: BTreeMap<ObjectId, String>,
    /// Changes made so far.
    pub(super) done: usize,
}

impl<'a, K: WriteRealms> Writer<'a, K> {
    pub(super) fn new(api: &'a K, realm: &'a str, observed: &'a RealmState, secrets: &'a Secrets) -> Self {
        Self { api, realm, observed, secrets, ids: BTreeMap::new(), done: 0 }
    }

    /// Makes the changes in the order of the plan; references between new objects once all of those exist.
    pub(super) async fn write(&mut self, plan: &TenantPlan) -> Result<(), Failed> {
        let (creations, rest): (Vec<&Change>, Vec<&Change>) =
            plan.changes.iter().partition(|change| change.action == Action::Create);
        for change in &creations {
            self.create(change).await.map_err(|error| (Some(change.object.clone()), error))?;
        }
        for change in creations {
            let created = created_fields(change);
            let links =
                Link::of(&change.object, created.iter().map(|(path, value)| (path.as_str(), None, Some(value))));
            self.link(&change.object, links).await.map_err(|error| (Some(change.object.clone()), error))?;
            self.done += 1;
        }
        for change in rest.iter().filter(|change| change.object.kind != Kind::Realm) {
            match change.action {
                Action::Update => self.update(change).await,
                Action::Delete => self.delete(&change.object).await,
                _ => Ok(()),
            }
            .map_err(|error| (Some(change.object.clone()), error))?;
            self.done += 1;
        }
        let realm = rest.into_iter().find(|change| change.object.kind == Kind::Realm);
        let fields = realm.map(|change| change.fields.as_slice()).unwrap_or_default();
        self.write_realm(fields, plan.record.as_deref()).await.map_err(|error| (Some(ObjectId::realm()), error))
    }

    async fn create(&mut self, change: &Change) -> Result<(), KeycloakError> {
        let id = &change.object;
        if id.kind == Kind::User && id.key.starts_with(SERVICE_ACCOUNT_PREFIX) {
            // The server makes it with its client.
            return self.id(id).await.map(|_| ());
        }
        let mut body = change.body.clone().unwrap_or_default();
        if let Some(map) = body.as_object_mut() {
            map.retain(|field, _| {
                let linked = matches!(id.kind.class(field), Some(Class::Links | Class::Memberships));
                !linked || id.kind == Kind::Client
            });
            if id.kind == Kind::Component {
                map.insert("providerType".into(), id.owner_and_name().0.into());
            }
        }
        let path = endpoint::collection(id.kind, &self.owner(id).await?);
        let body = reveal(self.secrets, &body, "POST", &path)?;
        let made = self.api.post(self.realm, &path, &body).await?;
        let named = matches!(id.kind, Kind::ClientRole | Kind::RealmRole);
        if let Some(made) = made.filter(|_| !named) {
            self.ids.insert(id.clone(), made);
        }
        Ok(())
    }

    async fn update(&mut self, change: &Change) -> Result<(), KeycloakError> {
        let id = &change.object;
        let links = Link::of(id, change.fields.iter().map(|f| (f.path.as_str(), f.before.as_ref(), f.after.as_ref())));
        self.link(id, links).await?;
        let fields: Vec<&FieldChange> = change.fields.iter().filter(|field| !is_link(id.kind, &field.path)).collect();
        if fields.is_empty() {
            return Ok(());
        }
        let spec = id.kind.spec();
        let mut body = match spec.put {
            Put::Merges => json!({ (spec.key): id.key }),
            Put::Replaces => self.observed.get(id).map(|object| object.raw.clone()).unwrap_or_default(),
        };
        for field in fields {
            set(&mut body, id.kind, field, spec.put);
        }
        if id.kind == Kind::Component {
            body["providerType"] = id.owner_and_name().0.into();
        }
        let path = self.item(id).await?;
        let body = reveal(self.secrets, &body, "PUT", &path)?;
        self.api.put(self.realm, &path, Some(&body)).await
    }

    async fn delete(&mut self, id: &ObjectId) -> Result<(), KeycloakError> {
        let path = self.item(id).await?;
        self.api.delete(self.realm, &path, None).await
    }

    /// The realm as it is now, with the changed fields and the marker: PUT replaces the attributes and resets some
    /// fields that it omits.
    async fn write_realm(&mut self, fields: &[FieldChange], record: Option<&str>) -> Result<(), KeycloakError> {
        let id = ObjectId::realm();
        let links = Link::of(&id, fields.iter().map(|f| (f.path.as_str(), f.before.as_ref(), f.after.as_ref())));
        self.link(&id, links).await?;
        let own: Vec<&FieldChange> = fields.iter().filter(|field| !is_link(Kind::Realm, &field.path)).collect();
        if own.is_empty() && record.is_none() {
            return Ok(());
        }
        let mut realm = self.api.get(self.realm, "").await?.ok_or_else(|| self.missing(&id))?;
        for field in own {
            set(&mut realm, Kind::Realm, field, Put::Replaces);
        }
        if let Some(record) = record {
            realm["attributes"][MARKER] = record.into();
        }
        let body = reveal(self.secrets, &realm, "PUT", "")?;
        self.api.put(self.realm, "", Some(&body)).await?;
        self.done += usize::from(!fields.is_empty());
        Ok(())
    }

    async fn item(&mut self, id: &ObjectId) -> Result<String, KeycloakError> {
        let owner = self.owner(id).await?;
        let own = self.id(id).await?;
        Ok(endpoint::item(id.kind, &owner, &own))
    }

    /// The server's id of the object that this one belongs to; empty if it belongs to none.
    async fn owner(&mut self, id: &ObjectId) -> Result<String, KeycloakError> {
        let (owner, _) = id.owner_and_name();
        match id.kind {
            Kind::ClientRole | Kind::ClientMapper => self.id(&ObjectId::new(Kind::Client, owner)).await,
            Kind::ScopeMapper => self.id(&ObjectId::new(Kind::ClientScope, owner)).await,
            _ => Ok(String::new()),
        }
    }

    /// The server's id of an object: as observed, as created, or looked up.
    pub(super) async fn id(&mut self, id: &ObjectId) -> Result<String, KeycloakError> {
        if id.kind == Kind::IdentityProvider {
            return Ok(id.key.clone());
        }
        if let Some(known) = self.ids.get(id).or_else(|| self.observed.get(id)?.id.as_ref()) {
            return Ok(known.clone());
        }
        let (owner, name) = id.owner_and_name();
        let path = match id.kind {
            Kind::RealmRole => format!("roles/{}", segment(&id.key)),
            Kind::ClientRole => {
                let client = Box::pin(self.id(&ObjectId::new(Kind::Client, owner))).await?;
                format!("clients/{client}/roles/{}", segment(name))
            }
            Kind::Client => format!("clients?clientId={}", segment(&id.key)),
            Kind::ClientScope => "client-scopes".into(),
            Kind::User if id.key.starts_with(SERVICE_ACCOUNT_PREFIX) => {
                let client = ObjectId::new(Kind::Client, &id.key[SERVICE_ACCOUNT_PREFIX.len()..]);
                let client = Box::pin(self.id(&client)).await?;
                format!("clients/{client}/service-account-user")
            }
            Kind::User => format!("users?exact=true&username={}", segment(&id.key)),
            _ => return Err(self.missing(id)),
        };
        let found = self.api.get(self.realm, &path).await?.unwrap_or_default();
        let key = id.kind.spec().key;
        let found = match &found {
            Value::Array(list) => list.iter().find(|item| item[key] == id.key.as_str()).cloned().unwrap_or_default(),
            one => one.clone(),
        };
        let known = found["id"].as_str().map(str::to_owned).ok_or_else(|| self.missing(id))?;
        self.ids.insert(id.clone(), known.clone());
        Ok(known)
    }

    fn missing(&self, id: &ObjectId) -> KeycloakError {
        let message = format!("{}/{id} is not there any more", self.realm);
        KeycloakError { method: "GET", path: self.realm.to_owned(), fault: Fault::Status { status: 404, message } }
    }
}

/// A body with its secrets in place.
pub(super) fn reveal(
    secrets: &Secrets,
    body: &Value,
    method: &'static str,
    path: &str,
) -> Result<Value, KeycloakError> {
    secrets.reveal(body).map_err(|reference| KeycloakError {
        method,
        path: path.to_owned(),
        fault: Fault::Secret { reference },
    })
}

fn is_link(kind: Kind, path: &str) -> bool {
    let field = path.split_once('.').map_or(path, |(field, _)| field);
    matches!(kind.class(field), Some(Class::Links | Class::Memberships))
}

/// Puts one changed field into a body. A removed entry of a mapping is left out where PUT replaces, and null where it
/// merges.
fn set(body: &mut Value, kind: Kind, field: &FieldChange, put: Put) {
    let after = field.after.clone();
    if kind.class(&field.path).is_some() {
        body[&field.path] = after.unwrap_or_default();
        return;
    }
    let Some((outer, inner)) = field.path.split_once('.') else { return };
    if !body[outer].is_object() {
        body[outer] = Value::Object(Map::new());
    }
    let Some(map) = body[outer].as_object_mut() else { return };
    match (after, put) {
        (None, Put::Replaces) => map.remove(inner),
        (after, _) => map.insert(inner.to_owned(), after.unwrap_or_default()),
    };
}

/// The fields of a new object, flat again, for those that are written through endpoints of their own.
fn created_fields(change: &Change) -> Vec<(String, Value)> {
    let wrapped = match change.object.kind {
        Kind::RealmRole => json!({ "roles": { "realm": [change.body] } }),
        Kind::ClientRole => json!({ "roles": { "client": { (change.object.owner_and_name().0): [change.body] } } }),
        Kind::User => json!({ "users": [change.body] }),
        // A client is created with its scopes; the others have no references.
        _ => return Vec::new(),
    };
    let state = arrange(&wrapped);
    state.get(&change.object).map(|object| object.fields.clone().into_iter().collect()).unwrap_or_default()
}
