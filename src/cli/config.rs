//! The configuration file: defaults for options, below flags and variables, above what is built in.

pub(super) mod show;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{ArgAction, ArgMatches, Command};
use serde_json::Value;

use super::exit::Exit;
use super::output::Printer;
use super::settings::{Form, SETTINGS, Setting};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::manifest::node::{Data, Key, Node};
use crate::manifest::{Source, yaml};

/// Name of the configuration file that is taken from the working directory. No manifest may have it.
pub(super) const FILE: &str = "realmwright.yaml";

/// What a configuration file says: by the id of the option, the value and its line.
#[derive(Debug, Default)]
pub(super) struct Config {
    path: PathBuf,
    values: BTreeMap<&'static str, (String, u32)>,
}

/// The file that a call is to use, if there is one: as named, or the one in the working directory.
fn place(matches: &ArgMatches) -> Option<(PathBuf, bool)> {
    match matches.get_one::<PathBuf>("config") {
        Some(named) if named.as_os_str().is_empty() => None,
        Some(named) => Some((named.clone(), true)),
        None => Some((PathBuf::from(FILE), false)).filter(|(path, _)| path.is_file()),
    }
}

/// Reads the configuration file of a call. What is wrong with it is said here.
pub(super) fn read(printer: &Printer, matches: &ArgMatches, root: &Command) -> Result<Option<Config>, Exit> {
    let Some((path, named)) = place(matches) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("can't read the configuration file {}: {error}", path.display());
        let hint = named.then_some("--config or REALMWRIGHT_CONFIG names it; an empty name means none");
        printer.error(&message, hint);
        Exit::Usage
    })?;
    let source = Source { name: path.display().to_string(), text };
    let mut found = Vec::new();
    let values = values(&source, &path, root, &mut found);
    if found.is_empty() {
        return Ok(Some(Config { path, values }));
    }
    found.sort_by_key(|fault| fault.span);
    printer.diagnostics(Path::new("."), &[source], &found);
    Err(Exit::Usage)
}

fn values(
    source: &Source,
    path: &Path,
    root: &Command,
    found: &mut Vec<Diagnostic>,
) -> BTreeMap<&'static str, (String, u32)> {
    let mut values = BTreeMap::new();
    let documents = yaml::parse(0, &source.text).unwrap_or_else(|error| {
        found.push(error);
        Vec::new()
    });
    for document in &documents {
        yaml::duplicate_keys(document, found);
        if let Some(kind) = document.entries().iter().find(|(key, _)| key.text == "apiVersion" || key.text == "kind") {
            let message = "this is a manifest, not a configuration file";
            let hint = format!("give the manifest another name than {FILE}");
            found.push(Diagnostic::error("not-a-config", kind.0.span, message).hint(hint));
        } else if !matches!(document.data, Data::Map(_) | Data::Scalar(Value::Null)) {
            found.push(
                Diagnostic::error("wrong-type", document.span, "a configuration file is a mapping of settings")
                    .hint("write `server: https://id.example.com`, one setting a line"),
            );
        } else {
            for (key, value) in document.entries() {
                match setting(key).and_then(|setting| Ok((setting, valid(setting, value, path, root)?))) {
                    Ok((setting, text)) => {
                        values.insert(setting.id, (text, key.span.line));
                    }
                    Err(fault) => found.push(fault),
                }
            }
        }
    }
    values
}

fn setting(key: &Key) -> Result<&'static Setting, Diagnostic> {
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.key().as_ref() == Some(&key.text)) {
        return Ok(setting);
    }
    let message = format!("`{}` is not a setting", key.text);
    let fault = Diagnostic::error("unknown-setting", key.span, message);
    let secret = SETTINGS.iter().find(|setting| setting.name() == key.text).map(|setting| setting.form);
    if let Some(Form::Secret(variable)) = secret {
        // Without its line, which holds the secret.
        let message = format!("`{}` in line {} is a secret, not a setting", key.text, key.span.line);
        let hint = format!("no secret stands in a configuration file; set {variable}");
        return Err(Diagnostic::general("unknown-setting", message).hint(hint));
    }
    let known: Vec<String> = SETTINGS.iter().filter_map(Setting::key).collect();
    let hint = did_you_mean(&key.text, known.iter().map(String::as_str));
    Err(fault.hint(hint.unwrap_or_else(|| format!("the settings are {}", known.join(", ")))))
}

/// The value as the option takes it; the option itself judges it.
fn valid(setting: &Setting, value: &Node, path: &Path, root: &Command) -> Result<String, Diagnostic> {
    let fault = |span: Span, message: String| Diagnostic::error("wrong-value", span, message);
    let text = match &value.data {
        Data::Scalar(Value::Null) => return Err(fault(value.span, "null is refused; leave the setting out".into())),
        Data::Scalar(Value::String(text)) => text.clone(),
        Data::Scalar(other) => other.to_string(),
        _ => return Err(fault(value.span, "a setting has one plain value".into())),
    };
    let text = match setting.form {
        Form::Path if text != "-" => path.parent().unwrap_or(Path::new("")).join(&text).display().to_string(),
        _ => text,
    };
    let Some(arg) = setting.arg(root) else { return Ok(text) };
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        let good = matches!(text.as_str(), "true" | "false");
        return if good { Ok(text) } else { Err(fault(value.span, "it must be true or false".into())) };
    }
    let long = arg.get_long().unwrap_or_default();
    let trial = Command::new("trial").no_binary_name(true).arg(arg.clone());
    match trial.try_get_matches_from([format!("--{long}={text}")]) {
        Ok(_) => Ok(text),
        Err(error) => {
            let said = error.to_string();
            let first = said.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
            Err(fault(value.span, first.split_whitespace().collect::<Vec<_>>().join(" ")))
        }
    }
}

impl Config {
    /// The command line with the file's values as defaults.
    pub(super) fn lay_under(&self, command: Command) -> Command {
        let command = command.mut_args(|arg| match self.values.get(arg.get_id().as_str()) {
            Some((value, _)) => arg.default_value(value.clone()),
            None => arg,
        });
        command.mut_subcommands(|inner| self.lay_under(inner))
    }
}
