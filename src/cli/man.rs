//! `realmwright man`

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Command};
use clap_mangen::Man;

use super::args;
use super::exit::{Exit, UsageError};
use super::output::Printer;
use crate::diagnostic::did_you_mean;

/// `man`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The command whose page is printed, e.g. `plan`; by default the page of the program
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write the pages of all commands into this directory
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints one manual page, or writes all of them.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut root = args::command().disable_help_subcommand(true);
    root.build();
    if let Some(dir) = &options.out {
        std::fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
        let count = write(dir, &root)?;
        printer.say(&format!("wrote {count} pages to {}", dir.display()));
        return Ok(Exit::Done);
    }
    let mut command = &root;
    for name in &options.command {
        command = command.find_subcommand(name).ok_or_else(|| {
            let known = command.get_subcommands().map(Command::get_name);
            UsageError { message: format!("there is no command `{name}`"), hint: did_you_mean(name, known) }
        })?;
    }
    printer.data(&String::from_utf8(page(command)?)?);
    Ok(Exit::Done)
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).manual("Realmwright").render(&mut page)?;
    Ok(page)
}

fn write(dir: &Path, command: &Command) -> anyhow::Result<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command)?).with_context(|| format!("can't write {}", path.display()))?;
    let shown = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    shown.map(|inner| write(dir, inner)).sum::<anyhow::Result<usize>>().map(|inner| inner + 1)
}
