//! The reference of the command line, as Markdown, from the definitions of the commands.

use std::fmt::Write;

use clap::Command;

use super::args;
use super::settings::{SETTINGS, Setting};

/// Columns of the help texts in the reference.
const WIDTH: usize = 100;

/// The text of `docs/cli.md`: every setting, and what `--help` says of every command.
pub fn markdown() -> String {
    let mut root = args::command().term_width(WIDTH);
    root.build();
    let mut out = format!("{INTRODUCTION}{}\n# Commands\n", settings());
    command(&mut out, &mut root);
    out
}

const INTRODUCTION: &str = "\
<!-- Generated from the definitions in src/cli by `make docs`. Do not edit. -->

# The command line

Data goes to standard output, talk to standard error. A reader of the output that goes away is no failure.

Colour and progress only repeat what words say. `auto` means colour on a terminal, unless `NO_COLOR` is set or `TERM` is
`dumb`; `CLICOLOR_FORCE=1` means colour everywhere; `--color` stands above them. Progress is a bar on a terminal and a line
every few seconds elsewhere, where `CI` is set, and where `TERM` is `dumb`; `--no-progress` and `--quiet` leave it out.

# Settings

An option stands above its variable, that above the configuration file, that above what is built in. `realmwright config
show`, with the options that you would give, prints what is in force and where each value comes from.

The configuration file is `realmwright.yaml` in the working directory, or what `--config` or `REALMWRIGHT_CONFIG` names
(an empty name: none). It is one mapping of the keys below. Unknown keys are errors, paths are relative to the file, and
it holds no secrets. A file `realmwright.yaml` at the top of a manifest directory is never read as a manifest.

```yaml
server: https://id.example.com
operatorKey: keys/operator.pem
parallelism: 16
```

| key | option | variable | otherwise |
|---|---|---|---|
";

fn settings() -> String {
    let root = args::command();
    let code = |text: Option<String>| text.map_or_else(String::new, |text| format!("`{text}`"));
    let row = |setting: &Setting| {
        let option = setting.arg(&root).and_then(|arg| arg.get_long()).map(|long| format!("--{long}"));
        let [key, option, variable] = [setting.key(), option, setting.variable(&root)].map(code);
        format!("| {key} | {option} | {variable} | {} |\n", setting.default_text(&root))
    };
    SETTINGS.iter().map(row).collect()
}

fn command(out: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(out, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set()) {
        self::command(out, inner);
    }
}
