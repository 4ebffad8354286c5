//! `realmwright guards`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::args::Format;
use super::exit::Exit;
use super::output::Printer;
use super::session::{self, Manifests};
use crate::manifest::guards::{Limit, Limits, Setting};
use crate::manifest::resolve::resolve;
use crate::manifest::{Source, place};
use crate::plan::guard::{GUARDS, Guard, RETENTION};

/// `guards`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The environment; needed when the platform has more than one
    #[arg(short, long, env = "REALMWRIGHT_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,
    /// How to print them
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Lists each guard: what it refuses, the limit in force and where that is written, how to waive it.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut manifests = session::read(printer, &options.dir)?;
    let environment = session::environment(&manifests.set, options.environment.as_deref())?;
    let Manifests { set, found, .. } = &mut manifests;
    let limits = resolve(set, &environment, found).limits;
    manifests.report(printer)?;
    let rows: Vec<Value> = GUARDS.iter().map(|guard| row(guard, &limits, &manifests.sources)).collect();
    match options.format {
        Format::Json => printer.data(&(serde_json::to_string_pretty(&rows)? + "\n")),
        Format::Text => rows.iter().for_each(|row| printer.data(&text(row))),
    }
    Ok(Exit::Done)
}

/// One guard, with its limits.
fn row(guard: &Guard, limits: &Limits, sources: &[Source]) -> Value {
    let limit = limits.thresholds.iter().find(|limit| guard.counts == Some((limit.scope, limit.counted)));
    let mut row = json!({"name": guard.name, "refuses": guard.refuses});
    match guard.waivable {
        Ok(()) => row["waive"] = format!("--waive {0}, or --waive {0}@TENANT", guard.name).into(),
        Err(way_out) => row["instead"] = way_out.into(),
    }
    if let Some(Limit { share, number, from, .. }) = limit {
        row["limits"] = json!({
            "share": setting(*share, sources),
            "number": setting(*number, sources),
            "from": setting(*from, sources),
        });
    }
    if guard.name == RETENTION {
        row["limits"] = json!({"retentionDays": setting(limits.retention_days, sources)});
    }
    row
}

fn setting<T: Into<Value> + Copy>(setting: Setting<T>, sources: &[Source]) -> Value {
    let value: Value = setting.value.into();
    json!({"value": value, "from": setting.span.map_or_else(|| "default".to_owned(), |span| place(sources, span))})
}

/// The same for people.
fn text(row: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let limit = |name: &str, unit: &str| {
        let setting = &row["limits"][name];
        let value =
            if setting["value"].is_null() { "any number".into() } else { format!("{}{unit}", setting["value"]) };
        format!("{value} ({})", word(&setting["from"]))
    };
    let mut out = format!("{}\n  refuses what {}\n", word(&row["name"]), word(&row["refuses"]));
    if row["limits"]["share"].is_object() {
        out += &format!(
            "  limit   {} of {} objects or more, and {}\n",
            limit("share", " %"),
            limit("from", ""),
            limit("number", "")
        );
    } else if row["limits"].is_object() {
        out += &format!("  limit   {}\n", limit("retentionDays", " days"));
    }
    match row["waive"].as_str() {
        Some(waive) => out += &format!("  waive   {waive}\n\n"),
        None => out += &format!("  never waived: {}\n\n", word(&row["instead"])),
    }
    out
}
