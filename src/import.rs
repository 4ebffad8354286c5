//! Realms as manifests: what a live realm or an export contains, as the documents that plan nothing for it.
//!
//! Pure. [`extract`] takes a representation apart and leaves out what every realm of the server has; [`prove`] drops
//! what a plan would not leave alone; [`infer`] finds what realms share; [`write`](documents::write) makes the files. Whatever is dropped on the
//! way is told in a [`Finding`]: nothing is lost in silence.

mod births;
pub mod documents;
pub mod extract;
pub mod infer;
mod older;
pub mod placement;
pub mod prove;
pub mod report;
mod secrets;
pub mod substitute;
pub mod united;
pub mod yaml;

use serde_json::Value;

pub use placement::{Place, Placement};
pub use report::Finding;

use crate::diagnostic::Diagnostic;
use crate::manifest::Source;
pub use crate::state::defaults::Flat;

/// A realm that is to become a manifest.
#[derive(Debug, Clone)]
pub struct Realm {
    /// Its representation: a partial export of a live one, or what a file holds.
    pub representation: Value,
    /// Whether it is there: then what it has is known whole, and the manifest must plan nothing for it.
    pub live: bool,
}

/// Where the manifests are for, and how they begin.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the platform.
    pub platform: String,
    /// The environment.
    pub environment: String,
    /// Its server.
    pub server: Option<String>,
    /// Whether a platform is written; not where one is there already.
    pub with_platform: bool,
}

/// What importing gave.
#[derive(Debug)]
pub struct Imported {
    /// The manifests: paths relative to the directory, and texts.
    pub files: Vec<Source>,
    /// What could not be expressed, and what is left to do.
    pub findings: Vec<Finding>,
    /// Names of the realms.
    pub realms: Vec<String>,
    /// How many objects the manifests declare.
    pub objects: usize,
    /// How many more are as Keycloak makes them, and so need no word.
    pub built_in: usize,
}

/// The manifests of these realms.
pub fn import(realms: &[Realm], placement: &Placement, options: &Options) -> Result<Imported, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let mut extracted = Vec::new();
    for realm in realms {
        let name = realm.representation["realm"].as_str().unwrap_or_default();
        if let Some(why) = unfit(name) {
            let hint = (name != "master").then(|| "rename the realm, or leave it out".to_owned());
            findings.push(Finding::not_expressed(name, "realm", None, why, hint));
            continue;
        }
        let mut one = extract::extract(realm, &mut findings);
        prove::prove(realm, &mut one, &mut findings);
        extracted.push(one);
    }
    if extracted.iter().any(|one| one.declares_account()) {
        // It then stands in the template of all.
        extracted.iter_mut().for_each(extract::Extracted::declare_account);
    }
    let inferred = infer::infer(&extracted);
    let files = documents::write(&extracted, &inferred, placement, options)?;
    findings.sort();
    findings.dedup();
    Ok(Imported {
        files,
        findings,
        objects: extracted.iter().map(|realm| realm.declared()).sum(),
        built_in: extracted.iter().map(|realm| realm.built_in).sum(),
        realms: extracted.into_iter().map(|realm| realm.name).collect(),
    })
}

/// Why a realm's name can't be a tenant's: Keycloak keeps it for itself, or it would lead a path astray.
fn unfit(name: &str) -> Option<&'static str> {
    const FORBIDDEN: &str = ":/?#@!$&()*+,;=[]\\%\"<>^`{|}~";
    let sound = |c: char| !c.is_control() && !FORBIDDEN.contains(c);
    match name {
        "master" => Some("it is Keycloak's own, and no tenant's"),
        "admin" => Some("Keycloak keeps this name for itself"),
        "" => Some("it has no name"),
        _ if name.len() > 255 => Some("no tenant's name is longer than 255 bytes"),
        _ if name.trim() != name || name.starts_with('.') => {
            Some("no tenant's name begins with `.`, or has space around it")
        }
        _ if !name.chars().all(sound) => {
            Some("no tenant's name has one of these: : / ? # @ ! $ & ( ) * + , ; = [ ] \\ % \" < > ^ { | } ~")
        }
        _ => None,
    }
}
