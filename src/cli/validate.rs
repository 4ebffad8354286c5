//! `realmwright validate`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::args::Selecting;
use super::exit::{Exit, UsageError};
use super::findings::{self, Format};
use super::output::Printer;
use super::{files, session};
use crate::accounting;
use crate::diagnostic::{Diagnostic, passable};
use crate::expand::{self, Desired, Trusted};
use crate::manifest::resolve::resolve;
use crate::manifest::{Loaded, ManifestSet, Source, Tier, load};
use crate::plan::select::Selection;
use crate::template::builtin;

/// `validate`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Which tenants' realms are checked; the tree and the form of all documents are checked in any case.
    #[command(flatten)]
    pub(super) selecting: Selecting,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

/// Checks a manifest directory for every environment, offline. Secrets are not read.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let whole = Whole::of(files::manifests(&options.dir)?, &options.selecting.selection(), |realm| realm.name)?;
    findings::print(printer, options.format, &options.dir, &whole.sources, &whole.found, &[]);
    let sound = passable(&whole.found);
    if let Some(set) = whole.set.as_ref().filter(|_| sound) {
        say(printer, set);
        if options.selecting.selection() != Selection::default() {
            let names: BTreeSet<String> = whole.taken.into_iter().collect();
            let checked = match names.len() {
                count @ 6.. => format!("{count} realms were"),
                _ => format!("the realms of {} were", names.into_iter().collect::<Vec<_>>().join(", ")),
            };
            printer.say(&format!("of these, only {checked} checked"));
        }
    }
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

/// What a manifest directory says, for every environment, and what is taken of each realm.
pub(super) struct Whole<T> {
    pub(super) sources: Vec<Source>,
    pub(super) set: Option<ManifestSet>,
    pub(super) taken: Vec<T>,
    pub(super) found: Vec<Diagnostic>,
}

impl<T: Send> Whole<T> {
    /// Reads the sources. A selection counts where it chooses something in any environment.
    pub(super) fn of(
        sources: Vec<Source>,
        selection: &Selection,
        take: impl Fn(Desired) -> T + Sync,
    ) -> Result<Self, UsageError> {
        let now = Timestamp::now().as_second();
        let Loaded { sources, set, diagnostics: mut found } = load(sources, builtin::sources());
        let mut taken = Vec::new();
        let mut unselectable = None;
        let mut checked = false;
        for (set, environment) in
            set.iter().flat_map(|set| set.platform.environments.keys().map(move |name| (set, name)))
        {
            let mut network = resolve(set, environment, &mut found);
            accounting::check(&network, now, &mut found);
            match selection.keep(&mut network) {
                Ok(()) => {
                    checked = true;
                    taken.extend(expand::each(set, &sources, &network, Trusted::default(), &mut found, &take));
                }
                Err(error) => unselectable = Some(error),
            }
        }
        if let Some(error) = unselectable.filter(|_| !checked && passable(&found)) {
            return Err(session::unselectable(error));
        }
        found.sort_by_key(|finding| (finding.span, finding.code));
        found.dedup();
        Ok(Self { sources, set, taken, found })
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
