//! The realms that files hold.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use super::super::exit::Hinted;
use super::super::files;
use super::super::output::Printer;
use crate::import::substitute::resolve;
use crate::import::united::unite;
use crate::import::{Finding, Realm};
use crate::manifest::parse_texts;

/// What ends the names of files that are taken from a directory.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// Reads them in this order; of a directory, its files by name. Those of one realm are united.
pub(super) fn read(printer: &Printer, paths: &[PathBuf], findings: &mut Vec<Finding>) -> anyhow::Result<Vec<Realm>> {
    let look_up = |name: &str| if name.starts_with("REALMWRIGHT_") { None } else { std::env::var(name).ok() };
    let mut realms: Vec<Value> = Vec::new();
    for path in listed(paths)? {
        let told = path.display();
        for one in documents(&path)? {
            let Some(written) = one["realm"].as_str() else {
                return Err(refused(&path, "holds something that is no realm: it has no `realm`").into());
            };
            let one = resolve(&one, &look_up, findings);
            let Some(name) = one["realm"].as_str() else {
                let message = format!("{told}: the realm's name is `{written}`, which has no value here");
                return Err(Hinted { message, hint: "set the variable, or write the name into the file".into() }.into());
            };
            match realms.iter_mut().find(|known| known["realm"] == name) {
                Some(known) => {
                    printer.say(&format!("{told} adds to the realm `{name}`"));
                    unite(known, one);
                }
                None => realms.push(one),
            }
        }
    }
    Ok(realms.into_iter().map(|representation| Realm { representation, live: false }).collect())
}

/// The files that are meant: those of a directory in the order of their names, hidden ones left out.
fn listed(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let cant = || format!("can't read {}", path.display());
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path).with_context(cant)?.collect();
        let mut found: Vec<PathBuf> = entries.with_context(cant)?.into_iter().map(|entry| entry.path()).collect();
        found.retain(|file| file.is_file() && is_export(file));
        found.sort();
        if found.is_empty() {
            let message = format!("{} holds no JSON or YAML file", path.display());
            return Err(Hinted {
                message,
                hint: "directories below it are not searched: name the one that holds the files".into(),
            }
            .into());
        }
        all.extend(found);
    }
    Ok(all)
}

fn is_export(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && ENDINGS.contains(&ending)
}

fn refused(path: &Path, what: &str) -> Hinted {
    Hinted {
        message: format!("{} {what}", path.display()),
        hint: "give exports of realms: what the admin console, `kc.sh export` or the Admin API writes".into(),
    }
}

/// The realms of a file: one, several documents, or a list.
fn documents(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = files::named(path)?;
    let text = text.trim_start_matches('\u{feff}');
    let documents = match serde_json::from_str::<Value>(text) {
        Ok(value) => vec![value],
        Err(json) => parse_texts(text).map_err(|yaml| {
            let why = if text.trim_start().starts_with(['{', '[']) { json.to_string() } else { yaml.message };
            let mut refused = refused(path, &format!("is neither JSON nor YAML: {why}"));
            if text.contains("$(") || text.contains("${") {
                refused.hint = "it leaves values open: write each placeholder in quotes, or fill the file first".into();
            }
            refused
        })?,
    };
    let each = documents.into_iter().flat_map(|value| match value {
        Value::Array(items) => items,
        one => vec![one],
    });
    Ok(each.collect())
}
