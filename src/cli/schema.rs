//! `realmwright schema`

use super::args::{Schema, SchemaName};
use super::exit::Exit;
use super::output::Printer;
use crate::manifest::schema::{published, schema};
use crate::plan::Plan;

/// Prints a JSON Schema (draft 2020-12).
pub(super) fn run(printer: &Printer, options: &Schema) -> anyhow::Result<Exit> {
    let schema = match options.which {
        SchemaName::Manifest => published(),
        SchemaName::Plan => schema::<Plan>(),
    };
    printer.data(&(serde_json::to_string_pretty(&schema)? + "\n"));
    Ok(Exit::Done)
}
