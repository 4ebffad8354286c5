//! What a server can be asked about itself without writing anything: its clock, the rights of the tool's own accounts,
//! lanes that were left, which realms it has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::bootstrap::{BOOTSTRAP, LANES_GROUP, lanes_group};
use super::error::KeycloakError;
use super::http::Server;
use super::lane::{LANE_PREFIX, is_orphan};
use super::token::Account;
use super::wire::{Body, Repeat, Sending};
use crate::expand::ADMIN_API_SCOPE;

/// How many clients of master are listed at a time: a page of them is cheap where the whole list is not.
const PAGE: usize = 20;

/// How many pages are asked for at most.
const PAGES: usize = 5_000;

/// What the bootstrap client's token says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Roles of the master realm, effective ones.
    pub realm: Vec<String>,
    /// Roles of the client `master-realm`, effective ones.
    pub master: Vec<String>,
    /// Length of the token in bytes.
    pub token_bytes: usize,
    /// Seconds by which the clock here is ahead of the server's, by the time at which the token was issued.
    pub clock_skew: Option<i64>,
}

/// Lanes that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lanes {
    /// Client id and server's id of those that no live run uses.
    pub orphans: Vec<(String, String)>,
    /// How many live runs may use.
    pub in_use: usize,
}

impl Server {
    /// What the bootstrap client may do, as its own token says: the one thing that tells effective roles to an account
    /// that may see nothing else. `None`: the token names no roles.
    pub async fn bootstrap_rights(&self) -> Result<Option<Rights>, KeycloakError> {
        let account = Account { realm: "master".into(), client: BOOTSTRAP.into() };
        let Some(token) = self.token(&account).await? else { return Ok(None) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let token = token.expose_secret();
        let Some(claims) = claims(token) else { return Ok(None) };
        let clock_skew = claims["iat"].as_i64().and_then(|issued| Some(i64::try_from(now).ok()? - issued));
        if claims["realm_access"].is_null() && claims["resource_access"].is_null() {
            return Ok(None);
        }
        Ok(Some(Rights {
            realm: texts(&claims["realm_access"]["roles"]),
            master: texts(&claims["resource_access"]["master-realm"]["roles"]),
            token_bytes: token.len(),
            clock_skew,
        }))
    }

    /// Roles of master that the lanes' group gives; `None`: there is no such group.
    pub async fn lanes_group_roles(&self) -> Result<Option<Vec<String>>, KeycloakError> {
        let found = self.ask(&format!("groups?search={LANES_GROUP}&exact=true")).await?.unwrap_or_default();
        let Some(group) = lanes_group(&found) else { return Ok(None) };
        let roles = self.ask(&format!("groups/{group}/role-mappings/realm")).await?.unwrap_or_default();
        Ok(Some(
            roles.as_array().into_iter().flatten().filter_map(|role| Some(role["name"].as_str()?.into())).collect(),
        ))
    }

    /// Lanes that are there.
    pub async fn lanes_left(&self) -> Result<Lanes, KeycloakError> {
        let mut lanes = Lanes::default();
        let listed = self.each_client(LANE_PREFIX, PAGES, |client| {
            let text = |key: &str| client[key].as_str().unwrap_or_default().to_owned();
            match text("clientId") {
                name if !name.starts_with(LANE_PREFIX) => {}
                name if is_orphan(client) => lanes.orphans.push((name, text("id"))),
                _ => lanes.in_use += 1,
            }
        });
        listed.await?;
        Ok(lanes)
    }

    /// All realms but master, each with the name that it was born with: by the clients that master keeps for them, as
    /// the listing of realms itself costs more with each (`docs/keycloak.md`).
    pub async fn realms(&self) -> Result<BTreeMap<String, String>, KeycloakError> {
        Ok(self.some_realms(PAGES).await?.0)
    }

    /// The same of so many pages of that listing, and whether that was all of it.
    pub async fn some_realms(&self, pages: usize) -> Result<(BTreeMap<String, String>, bool), KeycloakError> {
        let mut realms = BTreeMap::new();
        let whole = self.each_client("-realm", pages, |client| {
            let own = client["clientId"].as_str().and_then(|id| id.strip_suffix("-realm"));
            let own = own.filter(|name| *name != "master" && client["attributes"]["realm_client"] == "true");
            // Renaming a realm renames the client's id, and leaves what it is called.
            let born = client["name"].as_str().and_then(|name| name.strip_suffix(" Realm"));
            realms.extend(own.map(|name| (name.to_owned(), born.unwrap_or(name).to_owned())));
        });
        let whole = whole.await?;
        Ok((realms, whole))
    }

    /// Whether the bootstrap client has the client scope that the Admin API of 26.8.2 asks for.
    pub async fn bootstrap_has_admin_scope(&self) -> Result<bool, KeycloakError> {
        let client = self.ask(&format!("clients?clientId={BOOTSTRAP}")).await?.unwrap_or_default();
        Ok(texts(&client[0]["defaultClientScopes"]).iter().any(|name| name == ADMIN_API_SCOPE))
    }

    /// Login themes that the server has.
    pub async fn login_themes(&self) -> Result<BTreeSet<String>, KeycloakError> {
        let account = Account { realm: "master".into(), client: BOOTSTRAP.into() };
        let sending =
            Sending { method: Method::GET, path: "/admin/serverinfo", body: Body::Nothing, repeat: Repeat::Safe };
        let info = self.call(&account, &sending).await?.map(|reply| reply.body).unwrap_or_default();
        let themes = info["themes"]["login"].as_array().into_iter().flatten();
        Ok(themes.filter_map(|theme| theme["name"].as_str()).map(str::to_owned).collect())
    }

    /// Whether realms of this server have a role to administer them: those that master has for itself are the same.
    pub async fn knows_role(&self, role: &str) -> Result<bool, KeycloakError> {
        let client = self.ask("clients?clientId=master-realm").await?.unwrap_or_default();
        let Some(id) = client[0]["id"].as_str() else { return Ok(false) };
        Ok(self.ask(&format!("clients/{id}/roles/{role}")).await?.is_some())
    }

    /// Each client of master whose id contains this, on so many pages; whether there are no more.
    async fn each_client(&self, part: &str, pages: usize, mut each: impl FnMut(&Value)) -> Result<bool, KeycloakError> {
        for page in 0..pages.min(PAGES) {
            let first = page * PAGE;
            let path = format!("clients?clientId={part}&search=true&first={first}&max={PAGE}");
            let found = self.ask(&path).await?.unwrap_or_default();
            let found = found.as_array().cloned().unwrap_or_default();
            found.iter().for_each(&mut each);
            if found.len() < PAGE {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads something of master: as the administrator whose login was given, who needs no bootstrap client, or as that.
    pub(super) async fn ask(&self, path: &str) -> Result<Option<Value>, KeycloakError> {
        let Some(administrator) = &self.administrator else {
            let answer = self.master(BOOTSTRAP, Method::GET, &format!("master/{path}"), None).await?;
            return Ok(answer.map(|(_, body)| body));
        };
        let path = format!("/admin/realms/master/{path}");
        let sending = Sending { method: Method::GET, path: &path, body: Body::Nothing, repeat: Repeat::Safe };
        Ok(administrator.call(&self.wire, &sending).await?.map(|reply| reply.body))
    }
}

/// The payload of a token, unverified: it is the tool's own, and nothing is decided by it but what to print.
fn claims(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// A list of texts, or a single one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
