//! Making, once for a server, the account with which runs make their lanes.
//!
//! The one step that needs an administrator of master. What it makes has no right in any tenant's realm, and of
//! master's own only what lanes need (`docs/keycloak.md`): create-realm, and of `master-realm` the clients and users.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::error::{Fault, KeycloakError};
use super::key::OperatorKey;
use super::rotation::other_key;
use super::token::{Answer, token};
use super::trace::Trace;
use super::version;
use super::wire::{Body, Repeat, Sending, Wire};
use crate::expand::ADMIN_API_SCOPE;
use crate::expand::provisioner::service_account_client;

/// Client id of the bootstrap account in master.
pub const BOOTSTRAP: &str = "realmwright";

/// Group in master whose members may create realms.
pub const LANES_GROUP: &str = "realmwright-lanes";

/// Roles of `master-realm` that making lanes needs.
pub const MASTER_ROLES: [&str; 5] = ["manage-clients", "manage-users", "view-clients", "view-users", "query-clients"];

/// What bootstrapping did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapped {
    /// Version of the server.
    pub version: String,
    /// What was made or changed; empty when all was there.
    pub steps: Vec<String>,
}

/// The lanes' group among what a search gave, which may be groups above one of that name.
pub(super) fn lanes_group(found: &Value) -> Option<String> {
    let mut groups = found.as_array()?.iter();
    let own = groups.find(|group| group["path"].as_str().is_some_and(|path| path == format!("/{LANES_GROUP}")))?;
    own["id"].as_str().map(str::to_owned)
}

/// Makes or mends the bootstrap client, its roles and the lanes' group. Running it again changes nothing. A server that
/// was prepared with another operator key is refused, unless that one is to be replaced: realms that exist go on
/// trusting the old one alone.
pub async fn bootstrap(
    base: &str,
    user: &str,
    password: &SecretString,
    key: &OperatorKey,
    replace: bool,
    trace: Option<Trace>,
) -> Result<Bootstrapped, KeycloakError> {
    let admin = Admin::log_in(base, user, password, trace).await?;
    let info = admin.call(Method::GET, "/admin/serverinfo", None).await?;
    let version = info["systemInfo"]["version"].as_str().unwrap_or("of a version that it does not tell").to_owned();
    version::check(&version)?;
    let mut steps = Vec::new();
    let id = admin.bootstrap_client(key, replace, &mut steps).await?;
    let account = admin.call(Method::GET, &format!("{MASTER}/clients/{id}/service-account-user"), None).await?;
    let account = text(&account["id"]);
    admin.grant_master_roles(&account, &mut steps).await?;
    let create_realm = admin.call(Method::GET, &format!("{MASTER}/roles/create-realm"), None).await?;
    let holder = format!("{MASTER}/users/{account}/role-mappings/realm");
    admin.grant(&holder, vec![create_realm.clone()], "the bootstrap client may create realms", &mut steps).await?;
    admin.admin_api_scope(&id, &mut steps).await?;
    let group = admin.group(&mut steps).await?;
    let holder = format!("{MASTER}/groups/{group}/role-mappings/realm");
    admin
        .grant(&holder, vec![create_realm], &format!("members of {LANES_GROUP} may create realms"), &mut steps)
        .await?;
    Ok(Bootstrapped { version, steps })
}

const MASTER: &str = "/admin/realms/master";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// An administrator of master, for a few requests.
struct Admin {
    wire: Wire,
    token: SecretString,
}

impl Admin {
    async fn log_in(
        base: &str,
        user: &str,
        password: &SecretString,
        trace: Option<Trace>,
    ) -> Result<Self, KeycloakError> {
        let path = "/realms/master/protocol/openid-connect/token";
        let wire = Wire::new(base, trace)?;
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", user),
            ("password", password.expose_secret()),
        ];
        let sending = Sending { method: Method::POST, path, body: Body::Form(&form), repeat: Repeat::Unsafe };
        let reply = wire.send(&sending, None).await.map_err(|failure| failure.error)?;
        match token(&reply.body) {
            Some(Answer::Token(token, _)) => Ok(Self { wire, token }),
            _ => {
                let fault = Fault::Broken { reason: "no access_token in it; is this a Keycloak?".into() };
                Err(KeycloakError { method: "POST", path: path.into(), fault })
            }
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, KeycloakError> {
        let sending = Sending { method, path, body: body.into(), repeat: Repeat::Unsafe };
        self.wire.send(&sending, Some(&self.token)).await.map(|reply| reply.body).map_err(|failure| failure.error)
    }

    async fn client_id(&self, client: &str) -> Result<Option<Value>, KeycloakError> {
        let found = self.call(Method::GET, &format!("{MASTER}/clients?clientId={client}"), None).await?;
        Ok(found.get(0).cloned())
    }

    async fn bootstrap_client(
        &self,
        key: &OperatorKey,
        replace: bool,
        steps: &mut Vec<String>,
    ) -> Result<String, KeycloakError> {
        let wanted =
            service_account_client(BOOTSTRAP, "Makes the short-lived accounts that create tenants' realms", key.jwks());
        match self.client_id(BOOTSTRAP).await? {
            None => {
                self.call(Method::POST, &format!("{MASTER}/clients"), Some(&wanted)).await?;
                steps.push(format!("made the client `{BOOTSTRAP}` in master"));
                let made = self.client_id(BOOTSTRAP).await?.unwrap_or_default();
                Ok(text(&made["id"]))
            }
            Some(found) => {
                let id = text(&found["id"]);
                let keys = &found["attributes"]["jwks.string"];
                let rotating = keys.as_str().is_some_and(|set| other_key(key, set).is_some());
                if *keys != wanted["attributes"]["jwks.string"] && !rotating {
                    if !replace {
                        return Err(KeycloakError { method: "GET", path: MASTER.into(), fault: Fault::OtherKey });
                    }
                    self.call(Method::PUT, &format!("{MASTER}/clients/{id}"), Some(&wanted)).await?;
                    steps.push(format!("gave the client `{BOOTSTRAP}` this operator key"));
                }
                Ok(id)
            }
        }
    }

    async fn grant_master_roles(&self, account: &str, steps: &mut Vec<String>) -> Result<(), KeycloakError> {
        let master = self.client_id("master-realm").await?.unwrap_or_default();
        let master = text(&master["id"]);
        let mut roles = Vec::new();
        for role in MASTER_ROLES {
            roles.push(self.call(Method::GET, &format!("{MASTER}/clients/{master}/roles/{role}"), None).await?);
        }
        let holder = format!("{MASTER}/users/{account}/role-mappings/clients/{master}");
        self.grant(&holder, roles, "the bootstrap client may make and remove clients of master", steps).await
    }

    /// Where master has the client scope that 26.8.2 asks for, the bootstrap client carries it.
    async fn admin_api_scope(&self, client: &str, steps: &mut Vec<String>) -> Result<(), KeycloakError> {
        let scopes = self.call(Method::GET, &format!("{MASTER}/client-scopes"), None).await?;
        let mut scopes = scopes.as_array().into_iter().flatten();
        let Some(scope) = scopes.find(|scope| scope["name"] == ADMIN_API_SCOPE).map(|scope| text(&scope["id"])) else {
            return Ok(());
        };
        let list = format!("{MASTER}/clients/{client}/default-client-scopes");
        let held = self.call(Method::GET, &list, None).await?;
        if !held.as_array().into_iter().flatten().any(|held| held["name"] == ADMIN_API_SCOPE) {
            self.call(Method::PUT, &format!("{list}/{scope}"), None).await?;
            steps.push(format!("gave the bootstrap client the client scope `{ADMIN_API_SCOPE}`"));
        }
        Ok(())
    }

    async fn group(&self, steps: &mut Vec<String>) -> Result<String, KeycloakError> {
        let search = format!("{MASTER}/groups?search={LANES_GROUP}&exact=true");
        if let Some(group) = lanes_group(&self.call(Method::GET, &search, None).await?) {
            return Ok(group);
        }
        self.call(Method::POST, &format!("{MASTER}/groups"), Some(&json!({ "name": LANES_GROUP }))).await?;
        steps.push(format!("made the group `{LANES_GROUP}` in master"));
        let made = self.call(Method::GET, &search, None).await?;
        Ok(lanes_group(&made).unwrap_or_default())
    }

    /// Grants roles to the holder that a role-mappings path names, where it lacks any.
    async fn grant(
        &self,
        holder: &str,
        roles: Vec<Value>,
        what: &str,
        steps: &mut Vec<String>,
    ) -> Result<(), KeycloakError> {
        let held = self.call(Method::GET, holder, None).await?;
        let held: Vec<&Value> = held.as_array().into_iter().flatten().map(|role| &role["name"]).collect();
        let missing: Vec<&Value> = roles.iter().filter(|role| !held.contains(&&role["name"])).collect();
        if !missing.is_empty() {
            self.call(Method::POST, holder, Some(&json!(missing))).await?;
            steps.push(what.to_owned());
        }
        Ok(())
    }
}
