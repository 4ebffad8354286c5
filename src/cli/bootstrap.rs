//! `realmwright bootstrap`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::args::Target;
use super::exit::Exit;
use super::output::Printer;
use super::{files, secrets, session};
use crate::keycloak::Fault;
use crate::keycloak::bootstrap::bootstrap;
use crate::keycloak::key::OperatorKey;
use crate::manifest::resolve::resolve;

/// `bootstrap`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests, to take the server from when --server is not given
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// File with the administrator's password; `-` reads it from standard input. It may be in
    /// REALMWRIGHT_ADMIN_PASSWORD instead
    #[arg(long, value_name = "FILE")]
    pub(super) admin_password_file: Option<PathBuf>,
    /// Replace another operator key that the server was prepared with; realms that exist go on trusting that one alone
    #[arg(long)]
    pub(super) replace_key: bool,
}

/// Prepares a server; makes the operator key if its file is not there yet.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let given = options.target.server.as_ref().map(|server| session::checked_url(server.clone()));
    let url = match given {
        Some(Ok(url)) => url,
        // Not even a directory in which one of its servers could have this name.
        Some(Err(error)) if files::manifests(&options.dir).is_ok_and(|found| found.is_empty()) => return Err(error),
        _ => {
            let mut manifests = session::read(printer, &options.dir)?;
            manifests.report(printer)?;
            let environment = session::environment(&manifests.set, options.target.environment.as_deref())?;
            session::server_url(&options.target, &resolve(&manifests.set, &environment, &mut Vec::new()))?
        }
    };
    let password = secrets::password(options.admin_password_file.as_deref(), secrets::PASSWORD_VARIABLE)?;
    let new = options.target.operator_key.as_deref().filter(|path| !path.exists());
    if let Some(path) = new {
        files::write_key(path, &OperatorKey::generate()?)?;
    }
    let key = secrets::operator_key(options.target.operator_key.as_deref())?;
    let trace = session::trace(printer, []);
    let user = options.target.admin_user.as_deref().unwrap_or("admin");
    let prepared = bootstrap(&url, user, &password, &key, options.replace_key, trace).await;
    if let Some(path) = new {
        let unused = prepared.as_ref().is_err_and(|error| match error.fault {
            Fault::OtherKey | Fault::Unsupported { .. } => true,
            _ => error.path.ends_with("/token"),
        });
        if unused {
            // The server never saw it: a key that is left lying about would be mistaken for one that is needed.
            let _ = std::fs::remove_file(path);
        } else {
            printer.say(&format!("made the operator key {}: keep it safe, it opens every realm", path.display()));
        }
    }
    let done = prepared.with_context(|| format!("can't prepare {url}"))?;
    for step in &done.steps {
        printer.say(step);
    }
    let state = if done.steps.is_empty() { "was prepared before" } else { "is prepared" };
    printer.say(&format!("{url} (Keycloak {}) {state}", done.version));
    Ok(Exit::Done)
}
