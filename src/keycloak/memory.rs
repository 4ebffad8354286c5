//! A Keycloak in memory, for fast tests and rehearsals: the same traits, and the rules that the tool relies on.
//!
//! Each rule stands in `docs/keycloak.md` and is one case of the contract in `tests/contract`, which runs against this
//! and against a real server. What the contract does not hold, this does not claim.

mod authorization;
mod birth;
mod events;
mod flows;
mod merge;
mod parts;
mod people;
mod rename;
mod routes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::mask::MASK;
use super::{Birth, Fault, KeycloakError, ReadRealms, WriteRealms};
use crate::expand::{ADMIN_API_SCOPE, PROVISIONER};
use crate::seal::TrustedKeys;
use crate::state::arrange::compose;
use crate::state::kind::SERVICE_ACCOUNT_PREFIX;
use crate::state::shape::native;
use crate::state::{Kind, ObjectId};

/// A server with any number of realms.
#[derive(Debug, Default)]
pub struct MemoryKeycloak {
    realms: Mutex<BTreeMap<String, Realm>>,
    requests: Mutex<Vec<Sent>>,
    /// Whether the Admin API asks for the client scope of 26.8.2, as Keycloak documents it.
    rules_of_26_8: AtomicBool,
    /// The keys whose signatures on what realms say of licences are believed.
    pub trusted: Option<TrustedKeys>,
}

/// A request that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// HTTP method.
    pub method: &'static str,
    /// Path below `/admin/realms`.
    pub path: String,
    /// Whether it is one that changes something.
    pub writes: bool,
}

/// A realm: its own document, and those of its objects. All documents are as the Admin API gives them, with ids.
#[derive(Debug, Clone, Default)]
struct Realm {
    top: Value,
    objects: BTreeMap<ObjectId, Value>,
    /// Tokens that let clients register.
    initial_access: Vec<Value>,
    /// By id, those below others included, each with its steps.
    flows: BTreeMap<String, Value>,
    /// Configurations of steps, by id.
    configs: BTreeMap<String, Value>,
    /// Admin events, newest first.
    events: Vec<Value>,
}

/// An error status and its words.
type Refusal = (u16, String);

impl MemoryKeycloak {
    /// An empty server.
    pub fn new() -> Self {
        Self::default()
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<Sent> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the client scope of 26.8.2 in every realm, as the upgrade does by Keycloak's documents (not tried).
    pub fn upgrade(&self) {
        for realm in self.lock().values_mut() {
            let scope = json!({"name": ADMIN_API_SCOPE, "protocol": "openid-connect"});
            let _ = realm.insert(ObjectId::new(Kind::ClientScope, ADMIN_API_SCOPE), scope);
        }
    }

    /// From now on, a provisioner that does not carry that scope gets 401 where its realm has it.
    pub fn enforce_rules_of_26_8(&self) {
        self.rules_of_26_8.store(true, Ordering::Relaxed);
    }

    fn admits(&self, realm: &Realm) -> Result<(), Refusal> {
        let has_scope = realm.objects.contains_key(&ObjectId::new(Kind::ClientScope, ADMIN_API_SCOPE));
        if !has_scope || !self.rules_of_26_8.load(Ordering::Relaxed) {
            return Ok(());
        }
        let own = realm.objects.get(&ObjectId::new(Kind::Client, PROVISIONER));
        let scopes = own.and_then(|own| own["defaultClientScopes"].as_array());
        let carries = scopes.is_some_and(|scopes| scopes.iter().any(|scope| scope == ADMIN_API_SCOPE));
        if carries { Ok(()) } else { Err((401, "HTTP 401 Unauthorized".into())) }
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Names of the realms.
    pub fn realms(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Realm>> {
        self.realms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, method: &'static str, path: &str, writes: bool) {
        let sent = Sent { method, path: path.to_owned(), writes };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
    }

    /// Runs a request on a realm.
    fn on<T>(
        &self,
        method: &'static str,
        realm: &str,
        path: &str,
        work: impl FnOnce(&mut Realm) -> Result<T, Refusal>,
    ) -> Result<T, KeycloakError> {
        let whole = format!("{realm}/{path}");
        self.note(method, &whole, method != "GET");
        let fault =
            |(status, message)| KeycloakError { method, path: whole.clone(), fault: Fault::Status { status, message } };
        match self.lock().get_mut(realm) {
            Some(realm) => {
                let kept = realm.keeps_events();
                let done = self.admits(realm).and_then(|()| work(realm)).map_err(fault)?;
                if kept || realm.keeps_events() {
                    realm.log(method, path);
                }
                Ok(done)
            }
            None => Err(fault((404, "Realm not found.".into()))),
        }
    }
}

impl ReadRealms for MemoryKeycloak {
    fn believed(&self) -> Option<&TrustedKeys> {
        self.trusted.as_ref()
    }

    async fn version(&self, _realm: &str) -> Result<Option<String>, KeycloakError> {
        self.note("GET", "serverinfo", false);
        Ok(Some(VERSION.into()))
    }

    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        self.note("POST", &format!("{realm}/partial-export"), false);
        let realms = self.lock();
        let Some(found) = realms.get(realm) else { return Ok(None) };
        let path = format!("{realm}/partial-export");
        let fault =
            |(status, message)| KeycloakError { method: "POST", path, fault: Fault::Status { status, message } };
        self.admits(found).map_err(fault)?;
        Ok(Some(found.export()))
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        match self.on("GET", realm, path, |realm| realm.get(path)) {
            Err(error) if error.status() == Some(404) => Ok(None),
            other => other.map(Some),
        }
    }
}

impl WriteRealms for MemoryKeycloak {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        self.note("POST", "", true);
        let name = body["realm"].as_str().unwrap_or_default().to_owned();
        let mut realms = self.lock();
        if realms.contains_key(&name) {
            return Ok(Birth::Existed);
        }
        let born = birth::born(body).map_err(|(status, message)| KeycloakError {
            method: "POST",
            path: "/admin/realms".into(),
            fault: Fault::Status { status, message },
        })?;
        realms.insert(name, born);
        Ok(Birth::Born)
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        let made = self.on("POST", realm, path, |realm| realm.post(path, body))?;
        if let Some(realm) = self.lock().get_mut(realm) {
            realm.complete_event(path, made.as_deref().or(body["name"].as_str()));
        }
        Ok(made)
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        let body = body.unwrap_or(&Value::Null);
        self.on("PUT", realm, path, |realm| realm.put(path, body))?;
        let name = body["realm"].as_str().filter(|name| path.is_empty() && *name != realm);
        let mut realms = self.lock();
        if let Some((name, renamed)) = name.and_then(|name| Some((name, realms.remove(realm)?))) {
            realms.insert(name.to_owned(), renamed);
        }
        Ok(())
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        if path.is_empty() {
            self.note("DELETE", realm, true);
            self.lock().remove(realm);
            return Ok(());
        }
        match self.on("DELETE", realm, path, |realm| realm.delete(path, body)) {
            Err(error) if error.status() == Some(404) => Ok(()),
            other => other,
        }
    }
}

impl Realm {
    /// Everything but ordinary users, secrets masked.
    fn export(&self) -> Value {
        let shown = self.objects.iter().filter(|(id, _)| id.kind != Kind::User || id.is_service_account());
        let shown = shown.filter(|(id, _)| id.kind != Kind::Organization);
        let mut export = native(compose(self.top.clone(), shown.map(|(id, document)| (id, document.clone()))));
        self.export_flows(&mut export);
        for client in
            export["clients"].as_array_mut().into_iter().flatten().filter(|client| client["secret"].is_string())
        {
            client["secret"] = MASK.into();
        }
        for provider in export["identityProviders"].as_array_mut().into_iter().flatten() {
            mask(provider);
        }
        export["keycloakVersion"] = VERSION.into();
        export
    }

    /// The object of a kind that has an id.
    fn by_id(&self, kind: Kind, id: &str) -> Result<ObjectId, Refusal> {
        let found = self.objects.iter().find(|(object, document)| object.kind == kind && document["id"] == id);
        found.map(|(object, _)| object.clone()).ok_or_else(|| (404, format!("no {} of this id", kind.name())))
    }

    fn document(&mut self, id: &ObjectId) -> Result<&mut Value, Refusal> {
        self.objects.get_mut(id).ok_or_else(|| (404, format!("{id} is not there")))
    }

    /// Puts an object in, with an id of its own.
    fn insert(&mut self, id: ObjectId, mut document: Value) -> Result<String, Refusal> {
        if self.objects.contains_key(&id) {
            return Err((409, format!("{id} already exists")));
        }
        let given = document["id"].as_str().map(str::to_owned);
        let own = given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        document["id"] = own.clone().into();
        self.objects.insert(id, document);
        Ok(own)
    }

    fn default_role(&self) -> String {
        self.top["defaultRole"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// The user that the server makes for a client with a service account.
    fn service_account(&mut self, client: &str) {
        let name = format!("{SERVICE_ACCOUNT_PREFIX}{client}");
        let user = json!({"username": name, "enabled": true, "emailVerified": false, "serviceAccountClientId": client});
        let _ = self.insert(ObjectId::new(Kind::User, name), user);
    }
}

/// Not the version of a server: it makes less than one does.
const VERSION: &str = "in memory";

/// Seconds since 1970 at which sessions are ended here; any time does.
const NOW: u64 = 1_700_000_000;

fn mask(provider: &mut Value) {
    if provider["config"]["clientSecret"].is_string() {
        provider["config"]["clientSecret"] = MASK.into();
    }
}
