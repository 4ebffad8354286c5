//! `realmwright validate`

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::files;
use super::findings::{self, Format};
use super::output::Printer;
use crate::diagnostic::{Diagnostic, passable};
use crate::expand::{Desired, expand};
use crate::manifest::resolve::resolve;
use crate::manifest::{Loaded, ManifestSet, Source, Tier, load};
use crate::template::builtin;

/// `validate`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

/// Checks a manifest directory for every environment, offline. Secrets are not read.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let whole = Whole::of(files::manifests(&options.dir)?);
    findings::print(printer, options.format, &options.dir, &whole.sources, &whole.found);
    let sound = passable(&whole.found);
    if let Some(set) = whole.set.as_ref().filter(|_| sound) {
        say(printer, set);
    }
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

/// What a manifest directory says, for every environment.
pub(super) struct Whole {
    pub(super) sources: Vec<Source>,
    pub(super) set: Option<ManifestSet>,
    pub(super) desired: Vec<Desired>,
    pub(super) found: Vec<Diagnostic>,
}

impl Whole {
    pub(super) fn of(sources: Vec<Source>) -> Self {
        let Loaded { sources, set, diagnostics: mut found } = load(sources, builtin::sources());
        let mut desired = Vec::new();
        if let Some(set) = &set {
            for environment in set.platform.environments.keys() {
                let network = resolve(set, environment, &mut found);
                desired.extend(expand(set, &sources, &network, "", &mut found));
            }
        }
        found.sort_by_key(|finding| (finding.span, finding.code));
        found.dedup();
        Self { sources, set, desired, found }
    }
}

/// Says in one line what is there.
pub(super) fn say(printer: &Printer, set: &ManifestSet) {
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
}
