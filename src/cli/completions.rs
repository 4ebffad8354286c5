//! `realmwright completions`

use clap::Args;
use clap_complete::Shell;

use super::args;
use super::exit::Exit;
use super::output::Printer;

/// `completions`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script that completes commands and options in a shell.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    let mut command = args::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    printer.data(&String::from_utf8(script)?);
    Ok(Exit::Done)
}
