//! `realmwright doctor`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Format, Selecting, Target};
use super::exit::{Exit, UsageError};
use super::output::Printer;
use super::servers::{self, Site};
use super::{files, secrets, session};
use crate::doctor::examine::{Known, examine};
use crate::doctor::facts::{How, Key, Room};
use crate::doctor::{Report, render};
use crate::expand::{Desired, Trusted, each};
use crate::keycloak::http::Server;
use crate::manifest::resolve::{Network, resolve};
use crate::plan::select::Selection;

/// How many realms are looked into where nothing is said.
const SAMPLE: usize = 5;

/// `doctor`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests, whose realms are looked into; with --server it may have none
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// How to print the report
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: Format,
    /// How many realms to look into, spread over the tenants; 0: all. By default 5, or all that are selected
    #[arg(long, value_name = "N")]
    pub(super) sample: Option<usize>,
    /// Which tenants' realms.
    #[command(flatten)]
    pub(super) selecting: Selecting,
    /// What the server's `cache-embedded-realms-max-count` is set to, which it does not tell
    #[arg(long, value_name = "N")]
    pub(super) cache_realms_max: Option<u64>,
}

/// Looks for what may go wrong, and prints the mend of each; writes nothing. Fails when a check failed.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let (network, chosen_themes) = network(printer, options).await?.unzip();
    let chosen_themes = chosen_themes.unwrap_or_default();
    let sites = match (&options.target.server, &network) {
        (_, Some(network)) => servers::each(&options.target, network)?,
        (Some(url), None) => {
            vec![Site { name: String::new(), url: session::checked_url(url.clone())?, tenants: BTreeSet::new() }]
        }
        (None, None) => {
            let message = format!("{} has no manifests, and no server is given", options.dir.display());
            return Err(UsageError { message, hint: Some("give --server URL".into()) }.into());
        }
    };
    let mut reports = Vec::new();
    for site in &sites {
        reports.push(look_at(printer, options, network.as_ref(), &chosen_themes, site).await?);
    }
    match (options.format, reports.as_slice()) {
        (Format::Text, _) => printer.data(&reports.iter().map(render::text).collect::<Vec<_>>().join("\n")),
        (Format::Json, [only]) => printer.data(&(serde_json::to_string_pretty(only)? + "\n")),
        (Format::Json, several) => printer.data(&(serde_json::to_string_pretty(several)? + "\n")),
    }
    Ok(if reports.iter().all(Report::passes) { Exit::Done } else { Exit::Failed })
}

/// Looks at one server, and into some realms that are there.
async fn look_at(
    printer: &Printer,
    options: &Options,
    network: Option<&Network>,
    chosen_themes: &BTreeMap<String, String>,
    site: &Site,
) -> anyhow::Result<Report> {
    let file = options.target.operator_key.as_deref();
    let found = secrets::operator_key(file);
    let known = Known {
        how: How { server: site.url.clone(), key_file: file.map(|file| file.display().to_string()) },
        environment: network.map(|network| network.environment.clone()),
        key: Key {
            place: file.map_or_else(|| secrets::KEY_VARIABLE.to_owned(), |file| file.display().to_string()),
            problem: found.as_ref().err().map(|error| format!("{error:#}")),
            mode: file.and_then(mode),
        },
        realms: realms(network, options, site)?,
        room: room(network, site),
        all: network
            .iter()
            .flat_map(|network| &network.tenants)
            .filter(|tenant| site.tenants.contains(&tenant.name))
            .map(|tenant| tenant.name.clone())
            .collect(),
        cache_max: options.cache_realms_max,
        chosen_themes: chosen_themes.clone(),
    };
    let server = match found {
        Ok(key) => Some(Server::connect(&site.url, key, session::trace_on(printer, &site.name, [])).await),
        Err(_) => None,
    };
    Ok(Report::of(&examine(known, server).await))
}

/// How full a server is by the manifests, where there are several.
fn room(network: Option<&Network>, site: &Site) -> Option<Room> {
    let terms = network?.servers.get(&site.name)?;
    Some(Room {
        server: site.name.clone(),
        placed: network?.placements().values().filter(|server| **server == site.name).count() as u64,
        takes: terms.room(),
        dedicated: terms.dedicated,
    })
}

/// What the manifests say, if there are any, and the login themes that they choose; without a server they have to be there.
async fn network(printer: &Printer, options: &Options) -> anyhow::Result<Option<(Network, BTreeMap<String, String>)>> {
    if options.target.server.is_some() && files::manifests(&options.dir)?.is_empty() {
        return Ok(None);
    }
    let mut manifests = session::read(printer, &options.dir)?;
    let environment = session::environment(&manifests.set, options.target.environment.as_deref())?;
    let mut network = resolve(&manifests.set, &environment, &mut manifests.found);
    manifests.report(printer)?;
    servers::recorded(&mut network, &options.dir, None).await?;
    // What is wrong with realms is for `validate` to say.
    let mut unsaid = Vec::new();
    let theme = |desired: Desired| {
        let theme = desired.state.realm()?.fields.get("loginTheme")?.as_str()?.to_owned();
        Some((desired.name, theme))
    };
    let themes = each(&manifests.set, &manifests.sources, &network, Trusted::default(), &mut unsaid, theme);
    Ok(Some((network, themes.into_iter().flatten().collect())))
}

/// The realms to look into: those that are selected, or some, evenly spread.
fn realms(network: Option<&Network>, options: &Options, site: &Site) -> anyhow::Result<Vec<String>> {
    let selection = options.selecting.selection();
    let everything = selection == Selection::default();
    let Some(network) = network else {
        if everything {
            return Ok(Vec::new());
        }
        let message = format!("{} has no manifests to select from", options.dir.display());
        return Err(UsageError { message, hint: Some("name the directory that holds the manifests".into()) }.into());
    };
    let mut meant = network.clone();
    selection.keep(&mut meant).map_err(session::unselectable)?;
    meant.tenants.retain(|tenant| site.tenants.contains(&tenant.name));
    let names: Vec<String> = meant.tenants.into_iter().map(|tenant| tenant.name).collect();
    let size = match options.sample.unwrap_or(if everything { SAMPLE } else { 0 }) {
        0 => names.len(),
        size => size.min(names.len()),
    };
    Ok((0..size).map(|at| names[at * names.len() / size].clone()).collect())
}

/// Permissions of a file, where there are such.
fn mode(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o7777)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
