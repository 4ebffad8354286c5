//! What was found. Plain values: tests make them up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::keycloak::inquiry::{Lanes, Rights};
use crate::keycloak::version::Version;
use crate::keycloak::{Fault, KeycloakError};

/// An answer, or why there is none.
pub type Asked<T> = Result<T, KeycloakError>;

/// How commands are written for this server.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// The server's URL.
    pub server: String,
    /// The operator key's file; `None`: it is in the environment.
    pub key_file: Option<String>,
}

impl How {
    /// The command that prepares the server.
    pub fn bootstrap(&self) -> String {
        let key = self.key_file.as_ref().map_or(String::new(), |file| format!(" --operator-key {}", quoted(file)));
        format!("realmwright bootstrap --server {}{key}", quoted(&self.server))
    }

    /// The login that every use of `kcadm.sh` needs before.
    pub fn kcadm_login(&self) -> String {
        format!("kcadm.sh config credentials --server {} --realm master --user admin", quoted(&self.server))
    }
}

/// A word for a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The operator key.
#[derive(Debug, Clone, Default)]
pub struct Key {
    /// Where it is: a file, or a variable.
    pub place: String,
    /// Why it can't be used.
    pub problem: Option<String>,
    /// Permissions of its file.
    pub mode: Option<u32>,
}

/// How full one of an environment's servers is, counted from manifests and records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The name of the server.
    pub server: String,
    /// Tenants that are placed there.
    pub placed: u64,
    /// How many it takes; none: any number.
    pub takes: Option<u64>,
    /// Whether it is one tenant's alone.
    pub dedicated: bool,
}

/// One tenant's realm.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name.
    pub realm: String,
    /// Its export, `None` when there is no such realm.
    pub export: Asked<Option<Value>>,
    /// The issuer that the realm names.
    pub issuer: Option<String>,
}

/// All that was found. What could not be asked, because something before it failed, is `None`.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How commands are written.
    pub how: How,
    /// The environment, if manifests name it.
    pub environment: Option<String>,
    /// The issuer of master, by which the server is known.
    pub identity: Asked<String>,
    /// The operator key.
    pub key: Key,
    /// Seconds by which the clock here is ahead of the server's.
    pub clock_skew: Option<i64>,
    /// The slowest answer.
    pub slowest: Duration,
    /// What the bootstrap client may do.
    pub rights: Option<Asked<Option<Rights>>>,
    /// Roles that the lanes' group gives.
    pub group: Option<Asked<Option<Vec<String>>>>,
    /// Lanes that are there.
    pub lanes: Option<Asked<Lanes>>,
    /// How many realms there are beside master.
    pub realms: Option<Asked<usize>>,
    /// Whether the bootstrap client has the client scope that 26.8.2 asks for.
    pub bootstrap_scope: Option<bool>,
    /// How full it is, where the environment has several.
    pub room: Option<Room>,
    /// The realms that were looked into.
    pub tenants: Vec<Tenant>,
    /// All tenants that the manifests name.
    pub all: Vec<String>,
    /// Entries that the server's realm cache holds, as its operator says.
    pub cache_max: Option<u64>,
    /// Login themes that the server has.
    pub themes: Option<Asked<BTreeSet<String>>>,
    /// The login themes of realms that are to have one by their manifests.
    pub chosen_themes: BTreeMap<String, String>,
}

impl Facts {
    /// The server's version: exports name it.
    pub fn version(&self) -> Option<&str> {
        self.exports().find_map(|(_, export)| export["keycloakVersion"].as_str())
    }

    /// What was said of the server's version, where it is refused.
    pub fn unsupported(&self) -> Option<&str> {
        self.tenants.iter().find_map(|tenant| match &tenant.export {
            Err(KeycloakError { fault: Fault::Unsupported { reason }, .. }) => Some(reason.as_str()),
            _ => None,
        })
    }

    /// The same, read.
    pub fn numbers(&self) -> Option<Version> {
        self.version()?.parse().ok()
    }

    /// The realms that could be read.
    pub fn exports(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.tenants.iter().filter_map(|tenant| Some((tenant.realm.as_str(), tenant.export.as_ref().ok()?.as_ref()?)))
    }
}
