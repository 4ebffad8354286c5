//! `realmwright config show`

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, ValueEnum};
use serde_json::{Value, json};

use super::Config;
use crate::cli::args;
use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::cli::settings::{Form, SETTINGS, Setting};

/// `config show`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// How to print settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Text,
    /// A list of objects.
    Json,
}

/// `config show` takes every setting as an option, so that it can tell what a call would use.
pub(in crate::cli) fn with_settings(root: Command) -> Command {
    let known: Vec<_> = SETTINGS.iter().filter_map(|setting| setting.arg(&root).cloned()).collect();
    let missing = |show: Command| {
        let new = known.into_iter().filter(|arg| !arg.is_global_set());
        new.fold(show, |show, arg| show.arg(arg))
    };
    root.mut_subcommand("config", |config| config.mut_subcommand("show", missing))
}

/// A setting as it is in force.
struct InForce {
    setting: &'static Setting,
    value: Option<String>,
    /// `flag`, `env`, `file` or `default`.
    origin: &'static str,
    /// Which flag, variable, or line of the file.
    place: Option<String>,
}

/// Prints each setting, its value and where that comes from.
pub(in crate::cli) fn run(
    printer: &Printer,
    options: &Options,
    matches: &ArgMatches,
    config: Option<&Config>,
) -> anyhow::Result<Exit> {
    let root = args::command();
    let matches = matches.subcommand().and_then(|(_, config)| config.subcommand()).map_or(matches, |(_, show)| show);
    let rows: Vec<InForce> = SETTINGS.iter().map(|setting| in_force(setting, matches, config, &root)).collect();
    match options.format {
        Format::Text => printer.data(&text(&rows, &root)),
        Format::Json => {
            let rows: Vec<Value> = rows.iter().map(|row| row.json(&root)).collect();
            printer.data(&(serde_json::to_string_pretty(&rows)? + "\n"));
        }
    }
    Ok(Exit::Done)
}

fn in_force(setting: &'static Setting, matches: &ArgMatches, config: Option<&Config>, root: &Command) -> InForce {
    let variable = setting.variable(root);
    if let Form::Secret(name) = setting.form {
        let set = std::env::var_os(name).is_some();
        let origin = if set { "env" } else { "default" };
        return InForce { setting, value: set.then(|| MASK.to_owned()), origin, place: variable.filter(|_| set) };
    }
    let value = matches.get_raw(setting.id).and_then(|mut values| values.next());
    let value = value.map(|value| masked(&value.to_string_lossy()));
    let (origin, place) = match matches.value_source(setting.id) {
        Some(ValueSource::CommandLine) => {
            ("flag", setting.arg(root).and_then(|arg| arg.get_long()).map(|long| format!("--{long}")))
        }
        Some(ValueSource::EnvVariable) => ("env", variable),
        _ => match config.and_then(|config| Some((config, config.values.get(setting.id)?))) {
            Some((config, (_, line))) => ("file", Some(format!("{}:{line}", config.path.display()))),
            None => ("default", None),
        },
    };
    InForce { setting, value: value.filter(|_| origin != "default"), origin, place }
}

/// What is shown instead of a secret.
const MASK: &str = "********";

/// The value without a password that somebody wrote into a URL.
fn masked(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    let hidden = url.password().is_some() && url.set_password(Some(MASK)).is_ok();
    if hidden { url.to_string() } else { text.to_owned() }
}

impl InForce {
    fn json(&self, root: &Command) -> Value {
        let only = || match self.setting.defaults(root).as_slice() {
            [(only, _)] => Some(only.clone()),
            _ => None,
        };
        json!({
            "name": self.setting.name(),
            "value": self.value.clone().or_else(only),
            "origin": self.origin,
            "place": self.place,
            "secret": matches!(self.setting.form, Form::Secret(_)),
            "option": self.setting.arg(root).and_then(|arg| arg.get_long()).map(|long| format!("--{long}")),
            "variable": self.setting.variable(root),
        })
    }
}

fn text(rows: &[InForce], root: &Command) -> String {
    let shown = |row: &InForce| match &row.value {
        Some(value) => value.clone(),
        None if !row.setting.otherwise.is_empty() => format!("({})", row.setting.default_text(root)),
        None => row.setting.default_text(root),
    };
    let cells: Vec<[String; 3]> = rows
        .iter()
        .map(|row| {
            [
                row.setting.name(),
                shown(row),
                [Some(row.origin), row.place.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" "),
            ]
        })
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let lines = cells.iter().map(|[name, value, origin]| format!("{name:first$}  {value:second$}  {origin}\n"));
    lines.collect()
}
