//! `realmwright doctor`

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Format, Target};
use super::exit::{Exit, UsageError};
use super::output::Printer;
use super::{files, session};
use crate::doctor::examine::{Known, examine};
use crate::doctor::facts::{How, Key};
use crate::doctor::{Report, render};
use crate::keycloak::http::Server;
use crate::manifest::resolve::{Network, resolve};

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
    /// How many realms to look into, spread over the tenants; 0: all
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(super) sample: usize,
    /// A tenant to look into, instead of a sample; can be given more than once
    #[arg(long = "tenant", value_name = "NAME")]
    pub(super) tenants: Vec<String>,
    /// What the server's `cache-embedded-realms-max-count` is set to, which it does not tell
    #[arg(long, value_name = "N")]
    pub(super) cache_realms_max: Option<u64>,
}

/// Looks for what may go wrong, and prints the mend of each; writes nothing. Fails when a check failed.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let network = network(printer, options)?;
    let url = match (&options.target.server, &network) {
        (Some(url), _) => session::checked_url(url.clone())?,
        (None, Some(network)) => session::server_url(&options.target, network)?,
        (None, None) => {
            let message = format!("{} has no manifests, and no server is given", options.dir.display());
            return Err(UsageError { message, hint: Some("give --server URL".into()) }.into());
        }
    };
    let names: Vec<String> =
        network.iter().flat_map(|network| &network.tenants).map(|tenant| tenant.name.clone()).collect();
    let file = options.target.operator_key.as_deref();
    let found = files::operator_key(file);
    let known = Known {
        how: How { server: url.clone(), key_file: file.map(|file| file.display().to_string()) },
        environment: network.as_ref().map(|network| network.environment.clone()),
        key: Key {
            place: file.map_or_else(|| files::KEY_VARIABLE.to_owned(), |file| file.display().to_string()),
            problem: found.as_ref().err().map(|error| format!("{error:#}")),
            mode: file.and_then(mode),
        },
        realms: chosen(&names, options)?,
        tenants_in_all: names.len(),
        cache_max: options.cache_realms_max,
    };
    let server = match found {
        Ok(key) => Some(Server::connect(&url, key, session::trace(printer, [])).await),
        Err(_) => None,
    };
    let report = Report::of(&examine(known, server).await);
    match options.format {
        Format::Text => printer.data(&render::text(&report)),
        Format::Json => printer.data(&(serde_json::to_string_pretty(&report)? + "\n")),
    }
    Ok(if report.passes() { Exit::Done } else { Exit::Failed })
}

/// What the manifests say, if there are any; without a server they have to be there.
fn network(printer: &Printer, options: &Options) -> anyhow::Result<Option<Network>> {
    if options.target.server.is_some() && files::manifests(&options.dir)?.is_empty() {
        return Ok(None);
    }
    let mut manifests = session::read(printer, &options.dir)?;
    let environment = session::environment(&manifests.set, options.target.environment.as_deref())?;
    let network = resolve(&manifests.set, &environment, &mut manifests.found);
    manifests.report(printer)?;
    Ok(Some(network))
}

/// The realms to look into: those that were named, or some, evenly spread.
fn chosen(names: &[String], options: &Options) -> anyhow::Result<Vec<String>> {
    if let Some(unknown) = options.tenants.iter().find(|asked| !names.contains(asked)) {
        let message = format!("the manifests name no tenant `{unknown}`");
        return Err(UsageError { message, hint: None }.into());
    }
    if !options.tenants.is_empty() {
        return Ok(options.tenants.clone());
    }
    if options.sample == 0 || names.len() <= options.sample {
        return Ok(names.to_vec());
    }
    Ok((0..options.sample).map(|at| names[at * names.len() / options.sample].clone()).collect())
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
