//! The reference of the command line, as Markdown, from the definitions of the commands.

use std::fmt::Write;

use clap::Command;

use super::args;

/// Columns of the help texts in the reference.
const WIDTH: usize = 100;

/// The text of `docs/cli.md`: what `--help` says of every command.
pub fn markdown() -> String {
    let mut root = args::command().term_width(WIDTH);
    root.build();
    let mut out = String::from(INTRODUCTION);
    command(&mut out, &mut root);
    out
}

const INTRODUCTION: &str = "\
<!-- Generated from the definitions in src/cli by `make docs`. Do not edit. -->

# The command line

Data goes to standard output, talk to standard error.
";

fn command(out: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(out, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set()) {
        self::command(out, inner);
    }
}
