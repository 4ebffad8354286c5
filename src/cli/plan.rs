//! `realmwright plan`

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::args::{PlanFormat, View, Waivers};
use super::books::Books;
use super::events::Event;
use super::exit::{Exit, UsageError};
use super::ledger::Book;
use super::output::Printer;
use super::session;
use super::stop::stoppable;
use crate::plan::{self, Plan, TenantPlan, render};

/// `plan`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// What it is about.
    #[command(flatten)]
    pub(super) view: View,
    /// The ledger that it is held against.
    #[command(flatten)]
    pub(super) book: Book,
    /// Prove from the manifests alone that what is granted adds up, as where the ledger can't be reached
    #[arg(long, conflicts_with = "ledger")]
    pub(super) without_ledger: bool,
    /// What is meant although a guard refuses it.
    #[command(flatten)]
    pub(super) meant: Waivers,
    /// Save the plan to a file that `apply` takes
    #[arg(short, long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// How to print the plan
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: PlanFormat,
    /// Print what happens instead, as it happens: one JSON object a line; `realmwright schema events` describes them
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// Exit with 2 when there is something to do
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
}

/// Plans, prints and saves. Sends nothing that writes.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let printer = &printer.streaming(options.json);
    let exit = stoppable(printer, look(printer, options)).await?;
    printer.event(&Event::over(exit));
    Ok(exit)
}

async fn look(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    if let Some(parent) = options.out.as_ref().and_then(|out| out.parent()).filter(|dir| !is_directory(dir)) {
        let message = format!("{} is not a directory, so no plan can be saved there", parent.display());
        return Err(UsageError { message, hint: Some("make it first, or give --out another place".into()) }.into());
    }
    let books = if options.without_ledger { Books::Unread } else { Books::Read(&options.book) };
    let mut plan = session::look(printer, &options.view, Some(books)).await?;
    session::waive(printer, &mut plan, &options.meant)?;
    let plan = &plan;
    show(printer, plan, options.format)?;
    if let Some(path) = &options.out {
        std::fs::write(path, json(plan)?).with_context(|| format!("can't write {}", path.display()))?;
        let meant = if plan.refused().next().is_some() { ", with what it is to waive" } else { "" };
        if plan.header.view == plan::View::Observer {
            printer.say(&format!("saved to {}, for reading: an observer's plan can't be applied", path.display()));
        } else {
            printer.say(&format!("saved to {}; apply it with `realmwright apply {0}`{meant}", path.display()));
        }
    }
    if plan.refused().next().is_some() {
        return Ok(Exit::Refused);
    }
    if plan.tenants.iter().any(TenantPlan::is_unknown) {
        return Ok(Exit::Failed);
    }
    let differs = options.detailed_exitcode && !plan.is_empty();
    Ok(if differs { Exit::Differences } else { Exit::Done })
}

fn is_directory(dir: &Path) -> bool {
    dir.as_os_str().is_empty() || dir.is_dir()
}

/// Prints a plan in a format.
pub(super) fn show(printer: &Printer, plan: &Plan, format: PlanFormat) -> anyhow::Result<()> {
    match format {
        _ if printer.streams() => printer.event(&Event::Planned { plan }),
        PlanFormat::Text => printer.plan(&render::text::plan(plan)),
        PlanFormat::Json => printer.data(&json(plan)?),
        PlanFormat::Markdown => printer.data(&render::markdown::plan(plan)),
    }
    Ok(())
}

fn json(plan: &Plan) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(plan)? + "\n")
}
