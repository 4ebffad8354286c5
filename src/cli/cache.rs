//! What a run leaves for the next one: watermarks of realms that it found as they should be. It is a cache: whatever is wrong
//! with it, and when it is gone, all realms are compared.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::output::Printer;
use super::session::Wanted;
use crate::keycloak::ReadRealms;
use crate::keycloak::key::OperatorKey;
use crate::keycloak::watermarks::{Kept, Moved, Watermarks, seal, unseal};
use crate::plan::{Bookkeeping, Plan, Proof, View, watermark};
use crate::state::State;
use crate::state::applied::hex;

/// Whether what earlier runs found is relied on.
#[derive(Debug, Clone, Args)]
pub(super) struct Caching {
    /// Compare every realm whole, also those in which nothing happened since the last time
    #[arg(long)]
    full: bool,
    /// Hours after which a realm is compared whole again although nothing happened in it
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720), value_name = "HOURS")]
    full_every: u16,
    /// Directory in which runs note which realms they found unchanged; it may be removed at any time. By default realmwright
    /// in $XDG_CACHE_HOME, which is ~/.cache where it is not set
    #[arg(long, env = "REALMWRIGHT_CACHE_DIR", value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Neither use such notes nor leave any
    #[arg(long)]
    no_cache: bool,
}

impl Caching {
    /// For how many hours a comparison is good; 0 where all is to be compared.
    fn hours(&self) -> u16 {
        if self.full { 0 } else { self.full_every }
    }

    /// What may be relied on in a run. To be asked for before what realms are has any part in what is wanted of them.
    pub(super) fn notes(
        &self,
        key: &OperatorKey,
        server: &str,
        view: View,
        wanted: &Wanted,
        accounts: Option<&Bookkeeping>,
    ) -> Notes {
        let Wanted { network, desired, chosen, secrets, .. } = wanted;
        let Some(cache) = self.cache(key, server, &network.environment) else {
            return Notes { cache: None, watermarks: Watermarks::default() };
        };
        // A run that reads no ledger leaves what realms say of licences as it is.
        let ledger = accounts.is_some_and(|accounts| matches!(accounts.proof, Proof::Ledger { .. }));
        let basis = format!("{} {view:?} {ledger} {:?}", env!("CARGO_PKG_VERSION"), network.trusted_keys);
        let whole = desired.iter().filter(|tenant| chosen.as_ref().is_none_or(|chosen| chosen.is_whole(&tenant.name)));
        let digests = whole.map(|tenant| (tenant.name.clone(), watermark::wanted(tenant, secrets, &basis)));
        let now = Timestamp::now().as_second();
        let watermarks = Watermarks::new(cache.read(), digests.collect(), self.hours(), now);
        Notes { cache: Some(cache), watermarks }
    }

    /// The cache of one environment on one server, for whoever has this key; none where there is to be none.
    pub(super) fn cache(&self, key: &OperatorKey, server: &str, environment: &str) -> Option<Cache> {
        let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let usual = || {
            let home = given("HOME").map(|home| home.join(".cache"));
            given("XDG_CACHE_HOME").or(home).or_else(|| given("LOCALAPPDATA")).map(|cache| cache.join("realmwright"))
        };
        let dir = self.cache_dir.clone().or_else(usual).filter(|_| !self.no_cache)?.join("watermarks");
        let place = format!("{server} {environment} {}", key.kid());
        let path = dir.join(format!("{}.json", hex(&Sha256::digest(&place)[..16])));
        Some(Cache { path, place, secret: key.derived_secret("watermarks").ok()? })
    }
}

/// What a run relies on of those before it, and leaves for the next.
pub(super) struct Notes {
    cache: Option<Cache>,
    pub(super) watermarks: Watermarks,
}

impl Notes {
    /// Leaves what was found, before anything is written.
    pub(super) async fn leave(self, printer: &Printer, api: &impl ReadRealms, plan: &Plan, state: &State) {
        if let Some(cache) = self.cache {
            cache.write(printer, self.watermarks.moved(api, plan, state).await);
        }
    }
}

/// The file with the watermarks of one environment on one server.
pub(super) struct Cache {
    path: PathBuf,
    /// What it is about.
    place: String,
    secret: [u8; 32],
}

impl Cache {
    /// The watermarks; none where the file can't be read, or is not as it was written.
    pub(super) fn read(&self) -> Kept {
        let text = fs::read_to_string(&self.path).ok();
        text.and_then(|text| unseal(&self.secret, &self.place, &text)).unwrap_or_default()
    }

    /// Puts in what has moved. Of runs at the same time, the last one's file stays.
    pub(super) fn write(&self, printer: &Printer, moved: Moved) {
        let before = self.read();
        let mut kept = before.clone();
        for (tenant, watermark) in moved {
            match watermark {
                Some(watermark) => drop(kept.insert(tenant, watermark)),
                None => drop(kept.remove(&tenant)),
            }
        }
        if kept == before {
            return;
        }
        if let Err(error) = self.replace(&seal(&self.secret, &self.place, &kept)) {
            // What is there may not say what it should.
            let _ = fs::remove_file(&self.path);
            printer.say(&format!(
                "which realms are unchanged can't be noted in {}, so the next run compares all: {error}",
                self.path.display()
            ));
        }
    }

    /// Writes the file anew: it is there whole or not at all, and only its owner reads it.
    fn replace(&self, text: &str) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        builder.create(dir)?;
        let new = self.path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&new);
        let mut file = options.write(true).create_new(true).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &self.path)
    }
}
