//! Lanes: short-lived accounts in master that may create realms and nothing else.
//!
//! Keycloak gives the creator of a realm twenty roles in it, so an account slows down with each realm that it makes. A
//! lane is replaced after some births and removed at the end of the run. What a killed run left behind, the next run
//! sweeps: lanes whose process is gone from this machine, and lanes older than any that is still in use. A lane that is
//! removed under a birth makes the server fail in odd ways, so those of other live runs are left alone.
//!
//! A lane gets its right by joining a group that `bootstrap` made: that way works on 26.4 and 26.7 alike.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::bootstrap::{BOOTSTRAP, LANES_GROUP, lanes_group};
use super::error::{Fault, KeycloakError};
use super::http::Server;
use super::process;
use super::wire::{ATTEMPTS, backoff};
use crate::expand::ADMIN_API_SCOPE;
use crate::expand::provisioner::service_account_client;

/// Client ids of lanes begin so.
pub(super) const LANE_PREFIX: &str = "realmwright-lane-";

/// Births after which a lane is replaced.
const BIRTHS: u32 = 25;

/// Age after which a lane is replaced.
const LIFETIME: Duration = Duration::from_secs(300);

/// Age at which a lane can't be in use any more, whoever made it.
const ABANDONED: Duration = Duration::from_secs(900);

/// The lane in use.
struct Lane {
    name: String,
    births: u32,
    since: Instant,
}

/// The lanes of one run.
#[derive(Default)]
pub(super) struct Lanes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    swept: bool,
    group: Option<String>,
    current: Option<Lane>,
    /// Lanes that the server did not accept; the second one ends all births.
    refused: u32,
    /// Lanes of this run: client id and the server's id.
    made: Vec<(String, String)>,
}

impl Lanes {
    /// A lane for one birth.
    pub(super) async fn take(&self, server: &Server) -> Result<String, KeycloakError> {
        self.sweep(server).await?;
        let mut state = self.state.lock().await;
        if let Some(lane) = &mut state.current
            && lane.births < BIRTHS
            && lane.since.elapsed() < LIFETIME
        {
            lane.births += 1;
            return Ok(lane.name.clone());
        }
        let group = match &state.group {
            Some(group) => group.clone(),
            None => find_group(server).await?,
        };
        state.group = Some(group.clone());
        let name = format!("{LANE_PREFIX}{}", uuid::Uuid::now_v7().simple());
        let id = create(server, &name).await?;
        state.made.push((name.clone(), id.clone()));
        admit(server, &id, &group).await?;
        state.current = Some(Lane { name: name.clone(), births: 1, since: Instant::now() });
        Ok(name)
    }

    /// No longer uses a lane that the server does not accept. `Err`: it is not the first one, so it is not by chance.
    pub(super) async fn drop_lane(&self, name: &str) -> Result<(), ()> {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|lane| lane.name == name) {
            state.current = None;
            state.refused += 1;
        }
        if state.refused > 1 { Err(()) } else { Ok(()) }
    }

    /// Removes the lanes that killed runs left behind.
    pub(super) async fn sweep(&self, server: &Server) -> Result<(), KeycloakError> {
        let mut state = self.state.lock().await;
        if !state.swept {
            sweep(server).await?;
            state.swept = true;
        }
        Ok(())
    }

    /// Removes all lanes of this run; the first error after all were tried.
    pub(super) async fn close(&self, server: &Server) -> Result<(), KeycloakError> {
        let mut state = self.state.lock().await;
        state.current = None;
        let mut failed = Ok(());
        for (_, id) in std::mem::take(&mut state.made) {
            failed = remove(server, &id).await.and(failed);
        }
        failed
    }
}

async fn create(server: &Server, name: &str) -> Result<String, KeycloakError> {
    let mut client = service_account_client(name, &owner(), server.key().jwks());
    // Roles are read from the account, so that its tokens need no scope; but 26.8.2 asks for this one, where it exists.
    client["defaultClientScopes"] = json!([ADMIN_API_SCOPE]);
    client["optionalClientScopes"] = json!([]);
    let mut attempt = 1;
    let location = loop {
        match server.master(BOOTSTRAP, Method::POST, "master/clients", Some(&client)).await {
            Err(error) if error.was_lost() && attempt < ATTEMPTS => {
                tokio::time::sleep(backoff(attempt)).await;
                attempt += 1;
                if let Some(id) = find(server, name).await? {
                    return Ok(id);
                }
            }
            created => break created?.and_then(|(location, _)| location),
        }
    };
    match location.and_then(|location| location.rsplit('/').next().map(str::to_owned)) {
        Some(id) => Ok(id),
        None => {
            let found = find(server, name).await?;
            found.ok_or_else(|| broken("POST", "master/clients", "it does not say what was created"))
        }
    }
}

/// The server's id of a lane, if it is there.
async fn find(server: &Server, name: &str) -> Result<Option<String>, KeycloakError> {
    let found = server.master(BOOTSTRAP, Method::GET, &format!("master/clients?clientId={name}"), None).await?;
    Ok(found.and_then(|(_, list)| list[0]["id"].as_str().map(str::to_owned)))
}

async fn admit(server: &Server, id: &str, group: &str) -> Result<(), KeycloakError> {
    let path = format!("master/clients/{id}/service-account-user");
    let user = server.master(BOOTSTRAP, Method::GET, &path, None).await?;
    let user = user.and_then(|(_, user)| user["id"].as_str().map(str::to_owned));
    let user = user.ok_or_else(|| broken("GET", &path, "it has no id"))?;
    server.master(BOOTSTRAP, Method::PUT, &format!("master/users/{user}/groups/{group}"), None).await?;
    Ok(())
}

async fn find_group(server: &Server) -> Result<String, KeycloakError> {
    let path = format!("master/groups?search={LANES_GROUP}&exact=true");
    let found = server.master(BOOTSTRAP, Method::GET, &path, None).await?.map(|(_, list)| list).unwrap_or_default();
    lanes_group(&found).ok_or_else(|| {
        broken("GET", &path, &format!("master has no group `{LANES_GROUP}`; run `realmwright bootstrap` again"))
    })
}

/// Removes the lanes that killed runs left behind, page by page: the list of all clients of master grows with the realms.
async fn sweep(server: &Server) -> Result<(), KeycloakError> {
    let mut kept = 0;
    for _ in 0..100 {
        let path = format!("master/clients?clientId={LANE_PREFIX}&search=true&first={kept}&max=20");
        let found = server.master(BOOTSTRAP, Method::GET, &path, None).await?.map(|(_, list)| list).unwrap_or_default();
        let found = found.as_array().cloned().unwrap_or_default();
        if found.is_empty() {
            break;
        }
        for client in found {
            match client["id"].as_str().filter(|_| is_orphan(&client)) {
                Some(id) => remove(server, id).await?,
                None => kept += 1,
            }
        }
    }
    Ok(())
}

/// Who makes lanes. Kept as the description.
fn owner() -> String {
    format!("Creates realms for the run {}", process::name())
}

/// True for a lane that no live run uses.
pub(super) fn is_orphan(client: &Value) -> bool {
    let name = client["clientId"].as_str().and_then(|name| name.strip_prefix(LANE_PREFIX));
    let Some(id) = name.and_then(|id| uuid::Uuid::parse_str(id).ok()) else { return false };
    let (made, _) = id.get_timestamp().map(|time| time.to_unix()).unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if now.saturating_sub(Duration::from_secs(made)) > ABANDONED {
        return true;
    }
    let owner = client["description"].as_str().and_then(|text| text.rsplit(' ').next());
    owner.is_some_and(process::is_gone)
}

async fn remove(server: &Server, id: &str) -> Result<(), KeycloakError> {
    server.master(BOOTSTRAP, Method::DELETE, &format!("master/clients/{id}"), None::<&Value>).await.map(|_| ())
}

fn broken(method: &'static str, path: &str, reason: &str) -> KeycloakError {
    KeycloakError { method, path: format!("/admin/realms/{path}"), fault: Fault::Broken { reason: reason.to_owned() } }
}
