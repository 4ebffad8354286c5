//! Logins between two calls of the program: a file each, that nobody but its owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TerminalError;
use crate::login::identity::Identity;
use crate::login::place::Place;
use crate::state::applied::hex;

/// Seconds before its end from which on an access token is got anew.
const EARLY: u64 = 20;

/// Somebody's login at a tenant. It has tokens in it and can't be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The broker that told where the realm is.
    pub broker: String,
    /// Where.
    pub place: Place,
    /// Who.
    pub identity: Identity,
    /// When the access token ends.
    pub until: u64,
    /// The access token.
    pub access: String,
    /// What gets new ones.
    pub refresh: Option<String>,
}

impl Login {
    /// Whether its tokens are to be got anew before they are used.
    pub fn is_due(&self, now: u64) -> bool {
        now.saturating_add(EARLY) >= self.until
    }
}

/// The directory in which logins are kept.
#[derive(Debug, Clone)]
pub struct Kept(PathBuf);

impl Kept {
    /// The logins in this directory, which need not be there yet.
    pub fn at(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// Every login, by the name of its tenant.
    pub fn all(&self) -> Result<Vec<Login>, TerminalError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&self.0, &error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&self.0, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                found.push(read(&path)?);
            }
        }
        found.sort_by(|a, b| (&a.place.tenant, &a.broker).cmp(&(&b.place.tenant, &b.broker)));
        Ok(found)
    }

    /// Keeps one, in place of the one before at the same tenant. It is there whole or not at all.
    pub fn put(&self, login: &Login) -> Result<(), TerminalError> {
        let path = self.path(login);
        let new = path.with_extension("new");
        let text = serde_json::to_vec(login).map_err(|error| failed(&path, &error))?;
        let written = self.made().and_then(|()| {
            let _ = fs::remove_file(&new);
            let mut file = private().write(true).create_new(true).open(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        });
        written.map_err(|error| failed(&path, &error))
    }

    /// Forgets one.
    pub fn remove(&self, login: &Login) -> Result<(), TerminalError> {
        let path = self.path(login);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Holds off other calls of the program until this is dropped: a refresh token may be shown once.
    pub fn lock(&self) -> Result<File, TerminalError> {
        let path = self.0.join("lock");
        let locked = self.made().and_then(|()| {
            let file = private().write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|error| failed(&path, &error))
    }

    fn path(&self, login: &Login) -> PathBuf {
        let name = format!("{} {}", login.broker, login.place.tenant);
        self.0.join(format!("{}.json", hex(&Sha256::digest(name)[..16])))
    }

    fn made(&self) -> std::io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.0)
    }
}

fn failed(path: &Path, error: &impl ToString) -> TerminalError {
    TerminalError::Kept(path.to_owned(), error.to_string())
}

/// For files that only their owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn read(path: &Path) -> Result<Login, TerminalError> {
    #[cfg(unix)]
    {
        let mode = fs::metadata(path).map(|meta| std::os::unix::fs::MetadataExt::mode(&meta));
        if mode.map_err(|error| failed(path, &error))? & 0o077 != 0 {
            let why = "others may read it; remove it, and log in again".to_owned();
            return Err(TerminalError::Kept(path.to_owned(), why));
        }
    }
    let text = fs::read(path).map_err(|error| failed(path, &error))?;
    serde_json::from_slice(&text).map_err(|error| failed(path, &error))
}
