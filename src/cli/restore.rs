//! `realmwright restore`

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::args::Target;
use super::destroy::{Place, agreed, counted, doors, people, place};
use super::exit::{Exit, Hinted};
use super::output::Printer;
use super::{files, realms};
use crate::apply::quarantine::restore;
use crate::keycloak::backup::rebirth;
use crate::keycloak::{Birth, WriteRealms};
use crate::state::applied::{Applied, MARKER};

/// `restore`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The tenant
    pub(super) tenant: String,
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// Make the realm of a tenant that was deleted again, from the export that `destroy` wrote
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// Opens a tenant that is in quarantine; with `--from`, makes one again that was deleted.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let tenant = options.tenant.as_str();
    let mut place = place(printer, &options.dir, &options.target, &[tenant]).await?;
    let found = place.realm(tenant).await?;
    if let Some(file) = &options.from {
        if found.is_some() {
            let message = format!("the realm `{tenant}` is there");
            return Err(
                Hinted { message, hint: "without --from, a tenant in quarantine is opened again".into() }.into()
            );
        }
        place.reach_all(printer, &options.target).await?;
        return again(printer, options, &place, file).await;
    }
    if found.is_none() {
        let deleted = "if it was deleted: --from FILE, with the export that `destroy` wrote";
        return Err(place.no_realm(tenant, deleted).into());
    }
    if !agreed(printer, options.yes, &format!("Open the realm `{tenant}` again as it was?"))? {
        return Ok(Exit::Failed);
    }
    let opened = restore(&place.server, tenant).await;
    let opened = opened.with_context(|| format!("`{tenant}` is not wholly open; the same command goes on with it"))?;
    match opened {
        None => printer.data(&format!("{tenant} is not in quarantine; nothing was written.\n")),
        Some(record) => {
            printer.data(&format!("{tenant} is open again: {} are enabled.\n", doors(&record)));
            printer
                .say("its users log in anew: sessions, offline ones too, and initial access tokens do not come back");
            next(printer, &place, tenant);
        }
    }
    Ok(Exit::Done)
}

/// Makes a deleted realm again.
async fn again(printer: &Printer, options: &Options, place: &Place, file: &Path) -> anyhow::Result<Exit> {
    let tenant = options.tenant.as_str();
    let text = files::named(file)?;
    let export: Value = serde_json::from_str(&text).map_err(|error| Hinted {
        message: format!("{} is not JSON: {error}", file.display()),
        hint: "give the file that `realmwright destroy` wrote".into(),
    })?;
    if export["realm"] != tenant {
        let message = format!("{} is no export of `{tenant}`", file.display());
        return Err(Hinted { message, hint: "give the file that `realmwright destroy` wrote for it".into() }.into());
    }
    let marker = Applied::parse(export["attributes"][MARKER].as_str().unwrap_or_default());
    if let Some(refused) = realms::other_environment(tenant, marker.environment(), &place.network.environment) {
        return Err(refused.into());
    }
    let users = counted(people(&export), "user");
    let question = format!("Make the realm `{tenant}` again from {}, with {users}?", file.display());
    if !agreed(printer, options.yes, &question)? {
        return Ok(Exit::Failed);
    }
    place.server.sweep().await?;
    let born = place.server.create_realm(&rebirth(&export)).await;
    place.server.finish().await?;
    if born? != Birth::Born {
        anyhow::bail!("a realm `{tenant}` came to be meanwhile; nothing was written to it");
    }
    printer.data(&format!("{tenant} is there again, with {users}.\n"));
    printer.say("nobody has a password yet, and secrets of clients and identity providers are new or missing");
    next(printer, place, tenant);
    Ok(Exit::Done)
}

fn next(printer: &Printer, place: &Place, tenant: &str) {
    if place.is_declared(tenant) {
        printer.say("`realmwright plan` shows what of it is not as the manifests say");
    } else {
        printer.say("no manifest declares it: nothing keeps it as it should be");
    }
}
