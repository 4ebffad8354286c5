//! Lanes: short-lived accounts in master that may create realms and nothing else.
//!
//! Keycloak gives the creator of a realm twenty roles in it, so an account slows down with each realm that it makes. A
//! lane is replaced after some births, removed at the end of the run, and swept by the next one if a run was killed. A
//! lane gets its right by joining a group that `bootstrap` made: that way works on 26.4 and 26.7 alike.

use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;

use super::bootstrap::{BOOTSTRAP, LANES_GROUP, service_account_client};
use super::error::{Fault, KeycloakError};
use super::http::Server;

/// Client ids of lanes begin so.
pub(super) const LANE_PREFIX: &str = "realmwright-lane-";

/// Births after which a lane is replaced.
const BIRTHS: u32 = 25;

/// The lanes of one run.
#[derive(Default)]
pub(super) struct Lanes {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    swept: bool,
    group: Option<String>,
    /// The lane in use: client id, births so far.
    current: Option<(String, u32)>,
    /// Lanes of this run: client id and the server's id.
    made: Vec<(String, String)>,
}

impl Lanes {
    /// A lane for one birth.
    pub(super) async fn take(&self, server: &Server) -> Result<String, KeycloakError> {
        let mut state = self.state.lock().await;
        if !state.swept {
            sweep(server).await?;
            state.swept = true;
        }
        if let Some((name, births)) = &mut state.current
            && *births < BIRTHS
        {
            *births += 1;
            return Ok(name.clone());
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
        state.current = Some((name.clone(), 1));
        Ok(name)
    }

    /// No longer uses a lane that the server does not accept.
    pub(super) async fn drop_lane(&self, name: &str) {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|(current, _)| current == name) {
            state.current = None;
        }
    }

    /// Removes all lanes of this run.
    pub(super) async fn close(&self, server: &Server) -> Result<(), KeycloakError> {
        let mut state = self.state.lock().await;
        state.current = None;
        while let Some((_, id)) = state.made.last() {
            remove(server, id).await?;
            state.made.pop();
        }
        Ok(())
    }
}

async fn create(server: &Server, name: &str) -> Result<String, KeycloakError> {
    let client = service_account_client(name, "Creates realms for one run", server.key().jwks());
    let created = server.master(BOOTSTRAP, Method::POST, "master/clients", Some(&client)).await?;
    let location = created.and_then(|(location, _)| location);
    location
        .and_then(|location| location.rsplit('/').next().map(str::to_owned))
        .ok_or_else(|| broken("POST", "master/clients", "it does not say what was created"))
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
    found[0]["id"].as_str().map(str::to_owned).ok_or_else(|| {
        broken("GET", &path, &format!("master has no group `{LANES_GROUP}`; run `realmwright bootstrap` again"))
    })
}

/// Removes the lanes that killed runs left behind, page by page: the list of all clients of master grows with the realms.
async fn sweep(server: &Server) -> Result<(), KeycloakError> {
    let path = format!("master/clients?clientId={LANE_PREFIX}&search=true&first=0&max=20");
    for _ in 0..100 {
        let found = server.master(BOOTSTRAP, Method::GET, &path, None).await?.map(|(_, list)| list).unwrap_or_default();
        let ids: Vec<&str> = found.as_array().into_iter().flatten().filter_map(|client| client["id"].as_str()).collect();
        if ids.is_empty() {
            break;
        }
        for id in ids {
            remove(server, id).await?;
        }
    }
    Ok(())
}

async fn remove(server: &Server, id: &str) -> Result<(), KeycloakError> {
    server.master(BOOTSTRAP, Method::DELETE, &format!("master/clients/{id}"), None::<&Value>).await.map(|_| ())
}

fn broken(method: &'static str, path: &str, reason: &str) -> KeycloakError {
    KeycloakError { method, path: format!("/admin/realms/{path}"), fault: Fault::Broken { reason: reason.to_owned() } }
}

