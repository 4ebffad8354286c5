//! Several servers as one: what is asked of a realm goes to the server that the realm is placed on.
//!
//! A realm that is placed nowhere is asked of nobody. Before a birth, all others are asked whether they have a realm of that
//! name: one tenant never has two realms, and a server that does not answer may have the first.

use std::collections::BTreeMap;

use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::http::Server;
use super::key::OperatorKey;
use super::tally::Tally;
use super::{Birth, Fault, KeycloakError, ReadRealms, Turn, WriteRealms};
use crate::seal::TrustedKeys;

/// The servers of an environment, and which realm is on which.
pub struct Fleet<S = Server> {
    members: Vec<(String, S)>,
    /// The place of a realm's server among the members.
    placed: BTreeMap<String, usize>,
    /// Where every realm is, if there is but one server.
    only: bool,
    /// Servers that were not reached.
    unasked: Vec<String>,
}

impl<S> Fleet<S> {
    /// The only server, which has every realm. It needs no name.
    pub fn one(server: S) -> Self {
        Self { members: vec![(String::new(), server)], placed: BTreeMap::new(), only: true, unasked: Vec::new() }
    }

    /// Several servers of these names, none of which was reached yet.
    pub fn of_several(names: impl IntoIterator<Item = String>) -> Self {
        let unasked = names.into_iter().collect();
        Self { members: Vec::new(), placed: BTreeMap::new(), only: false, unasked }
    }

    /// Places a realm on a server; on none, where none that was reached has this name.
    pub fn place(&mut self, realm: &str, server: &str) {
        match self.members.iter().position(|(name, _)| name == server) {
            Some(at) => self.placed.insert(realm.to_owned(), at),
            None => self.placed.remove(realm),
        };
    }

    /// Adds a server that was reached.
    pub fn add(&mut self, name: &str, server: S) {
        self.unasked.retain(|other| other != name);
        self.members.push((name.to_owned(), server));
    }

    /// The servers that were not reached.
    pub fn unasked(&self) -> &[String] {
        &self.unasked
    }

    /// The servers, by name; the only one has none.
    pub fn members(&self) -> impl Iterator<Item = (&str, &S)> {
        self.members.iter().map(|(name, server)| (name.as_str(), server))
    }

    /// The server of a realm.
    ///
    /// # Errors
    ///
    /// The realm is placed nowhere.
    pub fn of(&self, realm: &str) -> Result<&S, KeycloakError> {
        let found = self.at(realm).and_then(|at| self.members.get(at));
        found.map(|(_, server)| server).ok_or_else(|| KeycloakError::unplaced(realm))
    }

    /// The name of a realm's server, where there are several.
    pub fn name_of(&self, realm: &str) -> Option<&str> {
        let (name, _) = self.members.get(self.at(realm)?)?;
        (!self.only).then_some(name)
    }

    /// True for a realm that is placed nowhere, although all servers were reached.
    pub fn is_nowhere(&self, realm: &str) -> bool {
        self.at(realm).is_none() && self.unasked.is_empty()
    }

    fn at(&self, realm: &str) -> Option<usize> {
        if self.only { Some(0) } else { self.placed.get(realm).copied() }
    }
}

impl<S: ReadRealms> Fleet<S> {
    /// Another server that has a realm of this name.
    ///
    /// # Errors
    ///
    /// One of them does not answer, or was not reached: it may have one.
    pub async fn elsewhere(&self, realm: &str) -> Result<Option<&str>, KeycloakError> {
        let own = self.at(realm);
        for (_, (name, server)) in self.members.iter().enumerate().filter(|(at, _)| Some(*at) != own) {
            match server.get(realm, "").await {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(Some(name)),
                Err(error) if error.shuts_out() => return Ok(Some(name)),
                Err(error) => return Err(error),
            }
        }
        match self.unasked.first() {
            None => Ok(None),
            Some(name) => {
                let reason = format!("the server `{name}` was not asked whether it has this realm");
                let fault = Fault::NoAnswer { reason, unsent: true };
                Err(KeycloakError { method: "GET", path: format!("/admin/realms/{realm}"), fault })
            }
        }
    }
}

impl Fleet<Server> {
    /// From now on, works on at most so many realms of each server at a time.
    pub fn at_most(&self, realms: u16) {
        self.members().for_each(|(_, server)| server.at_most(realms));
    }

    /// The operator's key; none where no server was reached.
    pub fn key(&self) -> Option<&OperatorKey> {
        self.members().next().map(|(_, server)| server.key())
    }

    /// How many requests were sent, tokens included.
    pub fn requests(&self) -> u64 {
        self.members().map(|(_, server)| server.requests()).sum()
    }

    /// Removes lanes that killed runs left behind, on all servers; the first error after all were tried.
    ///
    /// # Errors
    ///
    /// A server can't be asked.
    pub async fn sweep(&self) -> Result<(), KeycloakError> {
        let mut swept = Ok(());
        for (_, server) in self.members() {
            swept = swept.and(server.sweep().await);
        }
        swept
    }

    /// Removes the lanes of this run, on all servers; the first error after all were tried.
    ///
    /// # Errors
    ///
    /// A server can't be asked.
    pub async fn finish(&self) -> Result<(), KeycloakError> {
        let mut finished = Ok(());
        for (_, server) in self.members() {
            finished = finished.and(server.finish().await);
        }
        finished
    }

    /// With what a realm refused its provisioner, where an administrator stepped in.
    pub fn stepped_in(&self, realm: &str) -> Option<KeycloakError> {
        self.of(realm).ok()?.stepped_in(realm)
    }
}

impl<S: ReadRealms> ReadRealms for Fleet<S> {
    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        self.of(realm)?.export(realm).await
    }

    async fn turn(&self, realm: &str) -> Turn {
        match self.of(realm) {
            Ok(server) => server.turn(realm).await,
            Err(_) => Turn::default(),
        }
    }

    fn identity(&self) -> &str {
        match self.members.first() {
            Some((_, server)) if self.only => server.identity(),
            _ => "",
        }
    }

    fn number_of(&self, realm: &str) -> usize {
        self.at(realm).unwrap_or_default()
    }

    fn limit(&self) -> Option<usize> {
        self.members().filter_map(|(_, server)| server.limit()).reduce(usize::saturating_add)
    }

    fn tally(&self, realm: &str) -> Option<Tally> {
        self.of(realm).ok()?.tally(realm)
    }

    async fn master(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        self.of(realm)?.master(realm, path).await
    }

    async fn version(&self, realm: &str) -> Result<Option<String>, KeycloakError> {
        self.of(realm)?.version(realm).await
    }

    async fn admin_events(&self, realm: &str, most: usize) -> Result<Option<Value>, KeycloakError> {
        self.of(realm)?.admin_events(realm, most).await
    }

    fn believed(&self) -> Option<&TrustedKeys> {
        self.members().find_map(|(_, server)| server.believed())
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        self.of(realm)?.get(realm, path).await
    }
}

impl<S: WriteRealms> WriteRealms for Fleet<S> {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        let realm = body["realm"].as_str().unwrap_or_default();
        let server = self.of(realm)?;
        if let Some(other) = self.elsewhere(realm).await? {
            let fault = Fault::Elsewhere { server: other.to_owned() };
            return Err(KeycloakError { method: "POST", path: "/admin/realms".into(), fault });
        }
        server.create_realm(body).await
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        self.of(realm)?.post(realm, path, body).await
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.of(realm)?.put(realm, path, body).await
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.of(realm)?.delete(realm, path, body).await
    }
}

/// Works on each realm in its turn ([`ReadRealms::turn`]), at most on so many of each server at a time. What came of each, in
/// any order.
pub fn in_turn<'a, T: 'a, F: Future>(
    api: &'a impl ReadRealms,
    items: impl IntoIterator<Item = T>,
    realm: impl Fn(&T) -> &'a str,
    most: usize,
    work: impl Fn(T) -> F,
) -> impl Stream<Item = F::Output> {
    let items: Vec<(&'a str, T)> = items.into_iter().map(|item| (realm(&item), item)).collect();
    spread(
        api,
        items,
        |(realm, _)| realm,
        most,
        move |(realm, item)| {
            let work = work(item);
            async move {
                let _turn = api.turn(realm).await;
                work.await
            }
        },
    )
}

/// Works on realms, at most so many of each server at a time; no server waits for another. What came of each, in any order.
pub fn spread<'a, T: 'a, F: Future>(
    api: &impl ReadRealms,
    items: impl IntoIterator<Item = T>,
    realm: impl Fn(&T) -> &'a str,
    most: usize,
    work: impl Fn(T) -> F,
) -> impl Stream<Item = F::Output> {
    let mut servers: BTreeMap<usize, Vec<T>> = BTreeMap::new();
    for item in items {
        servers.entry(api.number_of(realm(&item))).or_default().push(item);
    }
    let work = std::sync::Arc::new(work);
    let runs = servers.into_values().map(move |items| {
        let work = work.clone();
        Box::pin(futures_util::stream::iter(items).map(move |item| work(item)).buffer_unordered(most.max(1)))
    });
    futures_util::stream::select_all(runs)
}
