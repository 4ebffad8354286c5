//! `realmwright validate`

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Printer;
use super::session::{self, Manifests};
use crate::expand::expand;
use crate::manifest::Tier;
use crate::manifest::resolve::resolve;

/// `validate`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
}

/// Checks a manifest directory for every environment, offline. Secrets are not read.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut manifests = session::read(printer, &options.dir)?;
    let Manifests { sources, set, found, .. } = &mut manifests;
    for environment in set.platform.environments.keys() {
        let network = resolve(set, environment, found);
        expand(set, sources, &network, "", found);
    }
    manifests.report(printer)?;
    let set = &manifests.set;
    let count = |tier: Tier, one: &str, many: &str| {
        let count = set.entries.iter().filter(|entry| entry.tier == tier).count();
        format!("{count} {}", if count == 1 { one } else { many })
    };
    let environments: Vec<&str> = set.platform.environments.keys().map(String::as_str).collect();
    printer.say(&format!(
        "{}: {}, {}, {}; environments {}",
        set.platform.name,
        count(Tier::Distributor, "distributor", "distributors"),
        count(Tier::Reseller, "reseller", "resellers"),
        count(Tier::Organization, "organization", "organizations"),
        environments.join(", ")
    ));
    Ok(Exit::Done)
}
