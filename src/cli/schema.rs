//! `realmwright schema`

use clap::{Args, ValueEnum};

use super::events::Event;
use super::exit::Exit;
use super::output::Printer;
use crate::manifest::schema::{published, schema};
use crate::plan::Plan;

/// The published schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaName {
    /// Of manifests.
    Manifest,
    /// Of saved plans and `plan --format json`.
    Plan,
    /// Of what `--json` prints, one object a line.
    Events,
}

/// `schema`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Which one
    #[arg(value_enum, default_value = "manifest")]
    pub(super) which: SchemaName,
}

/// Prints a JSON Schema (draft 2020-12).
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let schema = match options.which {
        SchemaName::Manifest => published(),
        SchemaName::Plan => schema::<Plan>(),
        SchemaName::Events => schema::<Event<'_>>(),
    };
    printer.data(&(serde_json::to_string_pretty(&schema)? + "\n"));
    Ok(Exit::Done)
}
