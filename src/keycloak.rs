//! Keycloak: two traits, of which planning gets the one that can't write.
//!
//! Documents are JSON objects as the Admin REST API has them, unknown fields untouched. [`http`] is a real server,
//! [`memory`] one for tests that keeps the same contract. Paths are relative to `/admin/realms/{realm}/`.

mod administrator;
pub mod authors;
pub mod backup;
pub mod bootstrap;
pub mod device;
pub mod endpoint;
pub mod error;
pub mod fleet;
pub mod http;
pub mod inquiry;
pub mod key;
mod lane;
pub(crate) mod listing;
pub mod mask;
pub mod memory;
pub mod observe;
pub mod observer;
pub mod pace;
pub mod people;
mod presence;
pub mod process;
pub mod rotation;
pub mod seats;
mod tally;
pub mod term;
mod token;
mod trace;
pub mod version;
pub mod watermarks;
mod wire;

use std::future::Future;

use serde_json::Value;

use crate::seal::TrustedKeys;

pub use error::{Fault, KeycloakError};
pub use fleet::Fleet;
pub use observe::observe;
pub use pace::Turn;
pub use presence::Absence;
pub use tally::Tally;

/// What planning may do.
pub trait ReadRealms: Sync {
    /// Everything about a realm in one request: `POST partial-export?exportClients=true&exportGroupsAndRoles=true`.
    /// `None`: there is no such realm.
    fn export(&self, realm: &str) -> impl Future<Output = Result<Option<Value>, KeycloakError>> + Send;

    /// Waits until this realm may be worked on beside others: a server that slows down makes a run wait. By default nobody
    /// waits.
    fn turn(&self, _realm: &str) -> impl Future<Output = Turn> + Send {
        std::future::ready(Turn::default())
    }

    /// Who the server says it is: the issuer of its master realm. Empty where there is not the one.
    fn identity(&self) -> &str {
        ""
    }

    /// The number of the server that a realm is on, where there are several.
    fn number_of(&self, _realm: &str) -> usize {
        0
    }

    /// How many realms are worked on at a time now, where that is found by asking.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// What a realm has cost since it was last asked; nothing where nobody counts.
    fn tally(&self, _realm: &str) -> Option<Tally> {
        None
    }

    /// The keys whose signatures on what realms say of licences are believed.
    fn believed(&self) -> Option<&TrustedKeys> {
        None
    }

    /// The newest admin events of a realm, newest first, at most so many, as the Admin API gives them. `None`: there is no
    /// such realm.
    fn admin_events(
        &self,
        realm: &str,
        most: usize,
    ) -> impl Future<Output = Result<Option<Value>, KeycloakError>> + Send {
        async move { self.get(realm, &format!("admin-events?max={most}")).await }
    }

    /// `GET {path}` of the master realm of this realm's server, where the run has an account that may; `None` when it has not,
    /// or the answer is 404.
    fn master(&self, _realm: &str, _path: &str) -> impl Future<Output = Result<Option<Value>, KeycloakError>> + Send {
        std::future::ready(Ok(None))
    }

    /// The version of the server, as an account in this realm sees it; none where it does not.
    fn version(&self, _realm: &str) -> impl Future<Output = Result<Option<String>, KeycloakError>> + Send {
        std::future::ready(Ok(None))
    }

    /// `GET {path}`; `None` when it answers 404.
    fn get(&self, realm: &str, path: &str) -> impl Future<Output = Result<Option<Value>, KeycloakError>> + Send;
}

/// What applying may do beside.
pub trait WriteRealms: ReadRealms {
    /// `POST /admin/realms`: a realm is born.
    fn create_realm(&self, body: &Value) -> impl Future<Output = Result<Birth, KeycloakError>> + Send;

    /// `POST {path}`; the id of what was created, from the `Location` header.
    fn post(
        &self,
        realm: &str,
        path: &str,
        body: &Value,
    ) -> impl Future<Output = Result<Option<String>, KeycloakError>> + Send;

    /// `PUT {path}`.
    fn put(
        &self,
        realm: &str,
        path: &str,
        body: Option<&Value>,
    ) -> impl Future<Output = Result<(), KeycloakError>> + Send;

    /// `DELETE {path}`; what is gone already counts as deleted.
    fn delete(
        &self,
        realm: &str,
        path: &str,
        body: Option<&Value>,
    ) -> impl Future<Output = Result<(), KeycloakError>> + Send;
}

/// How a birth ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Birth {
    /// The realm is there now.
    Born,
    /// A realm of that name was there before.
    Existed,
    /// A realm of that name is there, and the answer to an attempt to make it was lost: its marker tells who made it.
    Lost,
}

/// The query of the one export that an observation needs.
pub(crate) const EXPORT: &str = "partial-export?exportClients=true&exportGroupsAndRoles=true";

/// One segment of a path, percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
