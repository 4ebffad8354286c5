//! `realmwright import`

mod exports;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::args::Target;
use super::exit::{Exit, Hinted, Reported, UsageError};
use super::output::Printer;
use super::progress::Progress;
use super::{files, secrets, session};
use crate::diagnostic::{did_you_mean, passable};
use crate::import::report::{self, Reason};
use crate::import::{Finding, Imported, Options as Import, Placement, Realm, import};
use crate::keycloak::ReadRealms;
use crate::keycloak::http::Server;
use crate::keycloak::key::OperatorKey;
use crate::keycloak::observe::representation;
use crate::manifest::{Loaded, Source, load};
use crate::state::applied::MARKER;
use crate::template::builtin;

/// Name of the report.
const REPORT: &str = "import-report.md";

/// How to print what was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A sentence, and what could not be expressed.
    Text,
    /// The findings, for programs.
    Json,
}

/// `import`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Realms to import; by default all but master
    #[arg(value_name = "REALM", conflicts_with = "from_file")]
    pub(super) realms: Vec<String>,
    /// Exports of realms instead: JSON or YAML, one realm or a list of them, also files of keycloak-config-cli. Of a
    /// directory, its files in the order of their names. Files that name the same realm are united: later ones add, and win
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) from_file: Vec<PathBuf>,
    /// Directory for the manifests; files that are there already are not written over
    #[arg(short, long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// Distributor that the realms are put below
    #[arg(long, default_value = "imported", value_name = "NAME")]
    pub(super) distributor: String,
    /// List of where each realm stands: CSV with the columns realm, tier, parent, label
    #[arg(long, value_name = "FILE")]
    pub(super) map: Option<PathBuf>,
    /// How to print what was imported
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: Format,
    /// Realms to read at a time, at most: how many is found by how the server answers
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(super) parallelism: u16,
}

/// Writes manifests, and a report of what they do not say.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut placement = Placement::below(&options.distributor);
    if let Some(path) = &options.map {
        let text = files::named(path)?;
        placement =
            placement.listed(&text).map_err(|wrong| UsageError { message: wrong.message, hint: Some(wrong.hint) })?;
    }
    let mut findings = Vec::new();
    let (realms, server) = if options.from_file.is_empty() {
        live(printer, options, &mut findings).await?
    } else {
        (exports::read(printer, &options.from_file, &mut findings)?, None)
    };
    if realms.is_empty() {
        let message = "there is no realm to import".into();
        let hint = "realms that are managed already are left out; name one to import it all the same".into();
        return Err(Hinted { message, hint }.into());
    }
    let how = Import {
        platform: "platform".into(),
        environment: options.target.environment.clone().unwrap_or_else(|| "production".into()),
        server,
        with_platform: !options.out.join("platform.yaml").exists(),
    };
    let mut imported = match import(&realms, &placement, &how) {
        Ok(imported) => imported,
        Err(found) => {
            printer.diagnostics(&options.out, &[], &found);
            return Err(Reported.into());
        }
    };
    if imported.realms.is_empty() {
        let each = imported.findings.iter().map(|found| format!("`{}`: {}", found.realm, found.why));
        let each = each.collect::<Vec<_>>().join("; ");
        let message = format!("none of these realms can become a tenant: {each}");
        let hint = "name other realms, or give a file in which the realm has another name".into();
        return Err(Hinted { message, hint }.into());
    }
    imported.findings.extend(findings);
    imported.findings.sort();
    fits(printer, &options.out, &imported)?;
    write(&options.out, &imported)?;
    match options.format {
        Format::Text => {
            for finding in imported.findings.iter().filter(|finding| finding.reason == Reason::NotExpressed) {
                let field = finding.field.as_ref().map_or(String::new(), |field| format!(" {field}"));
                printer.say(&format!("  {}/{}{field}: {}", finding.realm, finding.object, finding.why));
            }
        }
        Format::Json => {
            let report = json!({"realms": imported.realms, "objects": imported.objects, "builtIn": imported.built_in, "findings": imported.findings});
            printer.data(&(serde_json::to_string_pretty(&report)? + "\n"));
        }
    }
    printer.say(&report::summary(&imported));
    printer.say(&format!(
        "see {}; check it with `realmwright plan {}`",
        options.out.join(REPORT).display(),
        options.out.display()
    ));
    Ok(Exit::Done)
}

/// Whether the manifests can stand beside what the directory has already.
fn fits(printer: &Printer, out: &Path, imported: &Imported) -> anyhow::Result<()> {
    let refused = |message: String| UsageError {
        message,
        hint: Some("import into another directory, and move what you want to keep".into()),
    };
    if let Some(path) = imported.files.iter().map(|file| out.join(&file.name)).find(|path| path.exists()) {
        return Err(refused(format!("{} is there already", path.display())).into());
    }
    let mut sources = if out.is_dir() { files::manifests(out)? } else { Vec::new() };
    if sources.is_empty() {
        return Ok(());
    }
    sources.extend(imported.files.iter().map(|file| Source { name: file.name.clone(), text: file.text.clone() }));
    let Loaded { sources, diagnostics, .. } = load(sources, builtin::sources());
    if passable(&diagnostics) {
        return Ok(());
    }
    printer.findings(out, &sources, &diagnostics);
    let what = format!("what was imported does not fit what {} has already; nothing was written", out.display());
    Err(refused(what).into())
}

fn write(out: &Path, imported: &Imported) -> anyhow::Result<()> {
    let report = (REPORT.to_owned(), report::markdown(imported));
    for (name, text) in imported.files.iter().map(|file| (file.name.clone(), file.text.clone())).chain([report]) {
        let path = out.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("can't make {}", parent.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

/// The realms of a server, and its address.
async fn live(
    printer: &Printer,
    options: &Options,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<(Vec<Realm>, Option<String>)> {
    let Some(url) = options.target.server.clone() else {
        let message = "no server is given".into();
        return Err(UsageError { message, hint: Some("give --server URL, or exports with --from-file".into()) }.into());
    };
    let url = session::checked_url(url)?;
    // An administrator needs no operator key to read.
    let key = match (secrets::operator_key(options.target.operator_key.as_deref()), &options.target.admin_user) {
        (Err(_), Some(_)) if options.target.operator_key.is_none() => OperatorKey::from_pem(&OperatorKey::generate()?)?,
        (key, _) => key?,
    };
    let server =
        session::administrated(Server::connect(&url, key, session::trace(printer, [])).await?, &options.target)?;
    let names =
        if options.realms.is_empty() { server.realms().await?.into_keys().collect() } else { options.realms.clone() };
    let progress = Progress::new("reading realms", names.len(), printer.progress());
    let (of_server, of_progress) = (&server, &progress);
    let reads = futures_util::stream::iter(names.iter().map(|name| async move {
        let _turn = of_server.turn(name).await;
        let export = representation(of_server, name).await;
        let users = match &export {
            Ok(Some(_)) => of_server.get(name, "users/count").await.ok().flatten(),
            _ => None,
        };
        of_progress.step(of_server.limit(), export.is_ok());
        (name, export, users)
    }));
    let mut read: Vec<_> = reads.buffered(usize::from(options.parallelism)).collect().await;
    progress.finish();
    let mut realms = Vec::new();
    let mut failed = 0;
    let mut missing = Vec::new();
    for (name, export, users) in read.drain(..) {
        match export {
            Ok(Some(export)) if export["attributes"][MARKER].is_string() && options.realms.is_empty() => {
                printer.say(&format!("{name} is managed already; left out"));
            }
            Ok(Some(representation)) => {
                findings.extend(
                    users
                        .as_ref()
                        .and_then(Value::as_u64)
                        .filter(|count| *count > 0)
                        .map(|count| of_users(name, count)),
                );
                realms.push(Realm { representation, live: true });
            }
            Ok(None) => missing.push(name),
            Err(error) => {
                failed += 1;
                printer.error(&format!("{name}: {error}"), error.hint().as_deref());
            }
        }
    }
    if failed > 0 {
        return Err(Reported.into());
    }
    match missing.first() {
        None => Ok((realms, Some(url))),
        Some(name) => {
            let there = server.realms().await.unwrap_or_default();
            let hint = did_you_mean(name, there.keys().map(String::as_str));
            let hint = hint.unwrap_or_else(|| "without a name, all realms but master are imported".into());
            Err(UsageError { message: format!("there is no realm `{name}` on {url}"), hint: Some(hint) }.into())
        }
    }
}

fn of_users(realm: &str, count: u64) -> Finding {
    let users = if count == 1 { "user is".to_owned() } else { "users are".to_owned() };
    Finding {
        realm: realm.to_owned(),
        object: "user".into(),
        field: None,
        reason: Reason::Left,
        why: format!("{count} {users} not read"),
        hint: Some("users stay as they are; name those that manifests should keep under `users`".into()),
    }
}
