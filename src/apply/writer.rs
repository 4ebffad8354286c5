//! The changes of one realm as requests, with the realm's own provisioner.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::keycloak::{Fault, KeycloakError, WriteRealms, endpoint, segment};
use crate::plan::needs::Link;
use crate::plan::order::{comes_first, comes_with_update};
use crate::plan::{Action, Change, FieldChange, TenantPlan, adopt};
use crate::state::applied::{self, BEGUN, MARKER};
use crate::state::kind::{Class, Put, SERVICE_ACCOUNT_PREFIX, Section};
use crate::state::secret::Secrets;
use crate::state::{Kind, ObjectId, RealmState};

use super::flows::is_retired;
use super::realm;

/// A failed change: the object, if it was one's, and why.
pub(super) type Failed = (Option<ObjectId>, KeycloakError);

/// The one writer of a realm during a run.
pub(super) struct Writer<'a, K> {
    pub(super) api: &'a K,
    pub(super) realm: &'a str,
    pub(super) observed: &'a RealmState,
    pub(super) secrets: &'a Secrets,
    /// Ids of objects that were created or looked up.
    pub(super) ids: BTreeMap<ObjectId, String>,
    /// Objects that the plan creates.
    pub(super) created: BTreeSet<ObjectId>,
    /// Changes made so far.
    pub(super) done: usize,
}

impl<'a, K: WriteRealms> Writer<'a, K> {
    pub(super) fn new(api: &'a K, realm: &'a str, observed: &'a RealmState, secrets: &'a Secrets) -> Self {
        let (ids, created) = (BTreeMap::new(), BTreeSet::new());
        Self { api, realm, observed, secrets, ids, created, done: 0 }
    }

    /// Makes the changes in the order of the plan; references between new objects once all of those exist.
    pub(super) async fn write(&mut self, plan: &TenantPlan) -> Result<(), Failed> {
        let failed = |change: &Change, error| (Some(change.object.clone()), error);
        let of = |action: Action| plan.changes.iter().filter(move |change| change.action == action);
        self.created = of(Action::Create).map(|change| change.object.clone()).collect();
        let realm = plan.changes.iter().find(|change| change.object.kind == Kind::Realm);
        let fields = realm.map(|change| change.fields.as_slice()).unwrap_or_default();
        for change in plan.changes.iter().filter(|change| comes_first(change)) {
            self.change(change).await.map_err(|error| failed(change, error))?;
        }
        // What these refer to may not be there yet; their protocol must be, for new clients to take them.
        for change in of(Action::Update).filter(|change| has_protocol(change) && !comes_first(change)) {
            self.update_fields(change).await.map_err(|error| failed(change, error))?;
        }
        let provisioner = plan.changes.iter().flat_map(adopt::provisioner);
        let created = of(Action::Create).filter(|change| !comes_with_update(change));
        let created: Vec<Change> = provisioner.chain(created.cloned()).collect();
        for change in &created {
            self.create(change).await.map_err(|error| failed(change, error))?;
            self.done += 1;
        }
        for change in &created {
            self.refer(change).await.map_err(|error| failed(change, error))?;
        }
        let later = |change: &&Change| change.action != Action::Create || comes_with_update(change);
        let rest = plan.changes.iter().filter(later).filter(|change| !comes_first(change));
        for change in rest.filter(|change| change.object.kind != Kind::Realm) {
            self.change(change).await.map_err(|error| failed(change, error))?;
        }
        self.write_realm(fields, plan).await.map_err(|error| (Some(ObjectId::realm()), error))
    }

    async fn change(&mut self, change: &Change) -> Result<(), KeycloakError> {
        match change.action {
            Action::Create => {
                self.create(change).await?;
                self.refer(change).await?;
            }
            Action::Update => self.update(change).await?,
            Action::Delete => self.delete(&change.object).await?,
            _ => {}
        }
        self.done += 1;
        Ok(())
    }

    /// Writes the references of a new object.
    async fn refer(&mut self, change: &Change) -> Result<(), KeycloakError> {
        let references = references(change);
        let fields = references.iter().map(|(path, value)| (path.as_str(), None, Some(value)));
        self.link(&change.object, Link::of(&change.object, fields)).await
    }

    async fn create(&mut self, change: &Change) -> Result<(), KeycloakError> {
        let id = &change.object;
        if id.is_service_account() {
            // The server makes it with its client; what else is declared is written to it.
            let own = self.id(id).await?;
            let made = ["username", "enabled", "serviceAccountClientId", "realmRoles", "clientRoles"];
            let mut body = change.document().into_owned();
            body.as_object_mut().into_iter().for_each(|map| map.retain(|field, _| !made.contains(&field.as_str())));
            if body.as_object().is_none_or(Map::is_empty) {
                return Ok(());
            }
            body["username"] = id.key.as_str().into();
            let body = reveal(self.secrets, &body, "PUT", "users")?;
            return self.api.put(self.realm, &endpoint::item(Kind::User, "", &own), Some(&body)).await;
        }
        let mut body = change.document().into_owned();
        match id.kind {
            Kind::Flow => return self.replace_flow(id, &body).await,
            Kind::Authorization => return self.authorize(id, &body).await,
            Kind::Localization => return self.write_texts(id, &body["texts"], &Value::Null).await,
            _ => {}
        }
        if let Some(map) = body.as_object_mut() {
            map.retain(|field, _| !is_linked_later(id.kind, field));
        }
        let owner = self.owner(id).await?;
        self.belong(id, &owner, &mut body);
        self.name_flows(id, &mut body).await?;
        let path = endpoint::collection(id.kind, &owner);
        let body = reveal(self.secrets, &body, "POST", &path)?;
        if id.kind == Kind::SubComponent && self.made_with_its_owner(id, &owner, &body).await? {
            return Ok(());
        }
        if id.kind == Kind::RequiredAction {
            // Registering one takes its provider and name, and no more.
            let brief = json!({"providerId": body["providerId"], "name": body["name"]});
            self.api.post(self.realm, &path, &brief).await?;
            return self.api.put(self.realm, &endpoint::item(id.kind, "", &id.key), Some(&body)).await;
        }
        let made = self.api.post(self.realm, &path, &body).await?;
        if id.kind == Kind::User {
            let own = made.as_deref().unwrap_or_default();
            self.address_user(&endpoint::item(id.kind, "", own), &body).await?;
        }
        if id.kind == Kind::Component {
            self.drop_default_parts(id, made.as_deref().unwrap_or_default()).await?;
        }
        let named = matches!(id.kind, Kind::ClientRole | Kind::RealmRole);
        if let Some(made) = made.filter(|_| !named) {
            self.ids.insert(id.clone(), made);
        }
        if id.kind == Kind::Client && body["serviceAccountsEnabled"] == true {
            self.without_given_scopes(id, &body["defaultClientScopes"]).await?;
        }
        Ok(())
    }

    /// A client with a service account is given the scope `service_account` beside those that its creation names.
    async fn without_given_scopes(&mut self, id: &ObjectId, named: &Value) -> Result<(), KeycloakError> {
        let Some(named) = named.as_array() else { return Ok(()) };
        let own = self.id(id).await?;
        let list = endpoint::client_scopes(&own);
        let found = self.api.get(self.realm, &list).await?.unwrap_or_default();
        for scope in found.as_array().into_iter().flatten().filter(|scope| !named.contains(&scope["name"])) {
            let path = format!("{list}/{}", scope["id"].as_str().unwrap_or_default());
            self.api.delete(self.realm, &path, None).await?;
        }
        Ok(())
    }

    /// Fields come first: by its protocol, a client takes a scope or does not; an organization that is off takes a provider
    /// and switches it off.
    async fn update(&mut self, change: &Change) -> Result<(), KeycloakError> {
        self.update_fields(change).await?;
        let fields = change.fields.iter();
        let fields = fields.map(|f| (f.path.as_str(), f.before.as_ref(), f.after.as_ref()));
        self.link(&change.object, Link::of(&change.object, fields)).await
    }

    async fn update_fields(&mut self, change: &Change) -> Result<(), KeycloakError> {
        let id = &change.object;
        let fields: Vec<&FieldChange> = change.fields.iter().filter(|field| !is_link(id.kind, &field.path)).collect();
        if fields.is_empty() {
            return Ok(());
        }
        let mut raw = self.observed.get(id).map(|object| object.raw.clone()).unwrap_or_default();
        if id.kind.is_single() {
            // What every realm has may not be in an export while it is as Keycloak made it.
            raw = self.api.get(self.realm, &self.item(id).await?).await?.unwrap_or_default();
        }
        let mut body = base(id, &raw);
        if let Some(map) = body.as_object_mut() {
            map.retain(|field, _| !is_link(id.kind, field));
        }
        let owner = self.owner(id).await?;
        self.belong(id, &owner, &mut body);
        let path = self.item(id).await?;
        if id.kind == Kind::User && fields.iter().any(|field| field.path == "username") {
            self.name_user(id, &path).await?;
        }
        for field in fields.into_iter().chain(&change.written_along()) {
            self.set(&mut body, &raw, id.kind, field, &path)?;
        }
        match id.kind {
            Kind::Flow => return self.replace_flow(id, &body).await,
            Kind::Authorization => return self.authorize(id, &body).await,
            Kind::Localization => return self.write_texts(id, &body["texts"], &raw["texts"]).await,
            _ => self.name_flows(id, &mut body).await?,
        }
        self.api.put(self.realm, &path, Some(&body)).await?;
        if id.kind == Kind::User { self.address_user(&path, &body).await } else { Ok(()) }
    }

    /// Puts one changed field into a body, its secret in place. A removed entry of a mapping is left out where PUT
    /// replaces the mapping, and null where it merges.
    fn set(
        &self,
        body: &mut Value,
        raw: &Value,
        kind: Kind,
        field: &FieldChange,
        path: &str,
    ) -> Result<(), KeycloakError> {
        let after = match &field.after {
            Some(after) => Some(reveal(self.secrets, after, "PUT", path)?),
            None => None,
        };
        if kind.class(&field.path).is_some() {
            body[&field.path] = after.unwrap_or_default();
            return Ok(());
        }
        let Some((outer, inner)) = field.path.split_once('.') else { return Ok(()) };
        if !body[outer].is_object() {
            let whole = kind.spec().put == Put::MergesTop;
            body[outer] =
                raw.get(outer).filter(|found| whole && found.is_object()).cloned().unwrap_or_else(|| json!({}));
        }
        let Some(map) = body[outer].as_object_mut() else { return Ok(()) };
        match (after, kind.spec().put) {
            (None, Put::Replaces | Put::MergesTop) => map.remove(inner),
            (after, _) => map.insert(inner.to_owned(), after.unwrap_or_default()),
        };
        Ok(())
    }

    async fn delete(&mut self, id: &ObjectId) -> Result<(), KeycloakError> {
        if id.kind == Kind::Flow && !is_retired(&id.key) {
            return self.retire_flow(id).await;
        }
        if id.kind == Kind::Authorization {
            return self.authorize(id, &json!({"policies": []})).await;
        }
        let path = self.item(id).await?;
        self.api.delete(self.realm, &path, None).await
    }

    /// The realm as it is now, with the changed fields and the marker: PUT replaces the attributes and resets some
    /// fields that it omits. What is read must be the whole realm, and its marker the one that was found: else another
    /// run has been here.
    async fn write_realm(&mut self, fields: &[FieldChange], plan: &TenantPlan) -> Result<(), KeycloakError> {
        let id = ObjectId::realm();
        let links = Link::of(&id, fields.iter().map(|f| (f.path.as_str(), f.before.as_ref(), f.after.as_ref())));
        self.link(&id, links).await?;
        let own: Vec<&FieldChange> = fields.iter().filter(|field| !is_link(Kind::Realm, &field.path)).collect();
        if own.is_empty() && plan.record.is_none() {
            return Ok(());
        }
        let mut document = realm::read(self.api, self.realm).await?;
        if document["attributes"][MARKER].as_str().map(applied::digest) != plan.recorded {
            return Err(realm::broken(self.realm, "another run has written to this realm meanwhile; plan again"));
        }
        document["attributes"].as_object_mut().and_then(|attributes| attributes.remove(BEGUN));
        let raw = document.clone();
        let change = plan.changes.iter().find(|change| change.object == id && !own.is_empty());
        let is_mail = |field: &FieldChange| field.path.starts_with("smtpServer.");
        let mail = own.iter().any(|field| is_mail(field));
        let along = change.map(Change::written_along).unwrap_or_default();
        for field in own.into_iter().chain(along.iter().filter(|field| mail || !is_mail(field))) {
            self.set(&mut document, &raw, Kind::Realm, field, "")?;
        }
        if let Some(record) = &plan.record {
            document["attributes"][MARKER] = record.as_str().into();
        }
        realm::write(self.api, self.realm, document, mail).await?;
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
        let kind = match id.kind.spec().section {
            Section::Within(kind, _) | Section::Owned(_, _, kind) => kind,
            Section::Tree(..) if !owner.is_empty() => id.kind,
            _ if matches!(id.kind, Kind::ClientRole | Kind::Authorization) => Kind::Client,
            _ => return Ok(String::new()),
        };
        let owner = match kind {
            Kind::Client if id.kind == Kind::Authorization => ObjectId::new(kind, &id.key),
            // Named without the type that the key of a component begins with; user federation is what has parts most often.
            Kind::Component => {
                let known = self.observed.of_kind(kind).map(|(other, _)| other).chain(self.ids.keys());
                let known = known.filter(|other| other.kind == kind && other.owner_and_name().1 == owner);
                let known = known.max_by_key(|other| other.key.contains(".UserStorageProvider/"));
                known.cloned().unwrap_or_else(|| ObjectId::new(kind, owner))
            }
            _ => ObjectId::new(kind, owner),
        };
        self.id(&owner).await
    }

    /// Puts into a body what says to whom the object belongs.
    fn belong(&self, id: &ObjectId, owner: &str, body: &mut Value) {
        match id.kind {
            Kind::Component => body["providerType"] = id.owner_and_name().0.into(),
            Kind::SubComponent => body["parentId"] = owner.into(),
            Kind::IdentityProviderMapper => body["identityProviderAlias"] = owner.into(),
            _ => {}
        }
    }

    /// A client names flows by their ids.
    async fn name_flows(&mut self, id: &ObjectId, body: &mut Value) -> Result<(), KeycloakError> {
        let flows = body.get_mut("authenticationFlowBindingOverrides").and_then(Value::as_object_mut);
        for flow in flows.into_iter().flat_map(Map::values_mut).filter(|_| id.kind == Kind::Client) {
            if let Some(alias) = flow.as_str().filter(|alias| !alias.is_empty()) {
                *flow = Box::pin(self.id(&ObjectId::new(Kind::Flow, alias))).await?.into();
            }
        }
        Ok(())
    }

    /// The server's id of an object: as observed, as created, or looked up.
    pub(super) async fn id(&mut self, id: &ObjectId) -> Result<String, KeycloakError> {
        let by_name = [Kind::IdentityProvider, Kind::RequiredAction, Kind::Localization, Kind::Authorization];
        if by_name.contains(&id.kind) || id.kind.is_single() {
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
            Kind::Flow => "authentication/flows".into(),
            Kind::Group => {
                format!("group-by-path{}", id.native_path().split('/').map(segment).collect::<Vec<_>>().join("/"))
            }
            Kind::User if id.is_service_account() => {
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

    pub(super) fn missing(&self, id: &ObjectId) -> KeycloakError {
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

/// What every PUT of an object begins with, from the object as it was read: all of it where PUT replaces, else its name
/// and the fields that PUT resets when they are left out.
pub(super) fn base(id: &ObjectId, raw: &Value) -> Value {
    let spec = id.kind.spec();
    if spec.put == Put::Replaces {
        return raw.clone();
    }
    let carried = spec.carried.iter().filter_map(|field| Some(((*field).to_owned(), raw.get(*field)?.clone())));
    let mut body: Map<String, Value> = carried.collect();
    body.insert(spec.key.to_owned(), id.name().into());
    body.into()
}

fn is_link(kind: Kind, path: &str) -> bool {
    let field = path.split_once('.').map_or(path, |(field, _)| field);
    matches!(kind.class(field), Some(Class::Links | Class::Memberships))
}

/// References of a new object that its creation does not take; a client is created with its scopes.
fn is_linked_later(kind: Kind, path: &str) -> bool {
    is_link(kind, path) && !(kind == Kind::Client && path.ends_with("ClientScopes"))
}

/// The references of a new object that are written once everything is there.
fn references(change: &Change) -> Vec<(String, Value)> {
    let kind = change.object.kind;
    change.created().into_iter().filter(|(path, _)| is_linked_later(kind, path)).collect()
}

/// Whether it changes by which clients a scope is taken.
fn has_protocol(change: &Change) -> bool {
    change.object.kind == Kind::ClientScope && change.fields.iter().any(|field| field.path == "protocol")
}
