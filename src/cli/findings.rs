//! What was found in manifests, in the form that the reader wants: text for people, JSON, SARIF 2.1.0 for code scanning,
//! the annotations of GitHub Actions, and a comment on a pull request.

mod markdown;
mod sarif;

use std::path::{Component, Path};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::output::Printer;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::manifest::Source;
use crate::template::builtin::SHIPPED;

/// How to print what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people, on standard error: each with its line.
    Text,
    /// A list of objects.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// For a pull request.
    Markdown,
}

/// Prints all findings of a run, what is wrong and what is refused; `Text` on standard error, the others as data.
pub(super) fn print(
    printer: &Printer,
    format: Format,
    dir: &Path,
    sources: &[Source],
    wrong: &[Diagnostic],
    refused: &[Diagnostic],
) {
    let found = &*[wrong, refused].concat();
    match format {
        Format::Text if found.is_empty() => {}
        Format::Text => printer.diagnostics(dir, sources, found),
        Format::Json => {
            let all: Value = found.iter().map(|finding| object(dir, sources, finding)).collect();
            printer.data(&pretty(&json!({ "findings": all })));
        }
        Format::Sarif => printer.data(&pretty(&sarif::sarif(dir, sources, found))),
        Format::Github => {
            found.iter().for_each(|finding| printer.data(&annotation(dir, sources, finding)));
        }
        Format::Markdown => printer.data(&markdown::markdown(dir, sources, wrong, refused)),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// File, line and column of a finding.
fn place(dir: &Path, sources: &[Source], finding: &Diagnostic) -> Option<(String, u32, u32)> {
    spot(dir, sources, finding.span?)
}

/// The further places of a finding: file, line, column, and what is said there.
fn also<'a>(
    dir: &Path,
    sources: &[Source],
    finding: &'a Diagnostic,
) -> impl Iterator<Item = ((String, u32, u32), &'a str)> {
    finding.also.iter().filter_map(|(span, told)| Some((spot(dir, sources, *span)?, told.as_str())))
}

/// File, line and column of a place. The file's path is relative to the working directory, without `..` where it can be.
fn spot(dir: &Path, sources: &[Source], span: Span) -> Option<(String, u32, u32)> {
    let source = sources.get(span.source as usize).filter(|source| !source.name.starts_with(SHIPPED))?;
    let here = std::env::current_dir().unwrap_or_default();
    let dir = dir.strip_prefix(&here).unwrap_or(dir);
    let mut parts: Vec<String> = Vec::new();
    for part in dir.join(&source.name).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                parts.pop();
            }
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    let path = parts.join("/").replacen("//", "/", 1);
    Some((path, span.line.max(1), span.column.max(1)))
}

fn object(dir: &Path, sources: &[Source], finding: &Diagnostic) -> Value {
    let mut object = json!({"code": finding.code, "severity": word(finding.severity), "message": finding.message});
    if let Some((file, line, column)) = place(dir, sources, finding) {
        object["file"] = file.into();
        object["line"] = line.into();
        object["column"] = column.into();
    }
    if let Some(hint) = &finding.hint {
        object["hint"] = hint.as_str().into();
    }
    let also: Vec<Value> = also(dir, sources, finding)
        .map(|((file, line, column), told)| json!({"file": file, "line": line, "column": column, "message": told}))
        .collect();
    if !also.is_empty() {
        object["also"] = also.into();
    }
    object
}

/// A workflow command of GitHub Actions.
fn annotation(dir: &Path, sources: &[Source], finding: &Diagnostic) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let at = place(dir, sources, finding)
        .map_or_else(String::new, |(file, line, column)| format!("file={},line={line},col={column},", property(&file)));
    let mut text = finding.message.clone();
    also(dir, sources, finding).for_each(|((file, line, _), told)| text += &format!("\n{file}:{line}: {told}"));
    finding.hint.iter().for_each(|hint| text += &format!("\n{hint}"));
    let message = data(&text);
    format!("::{} {at}title={}::{message}\n", word(finding.severity), property(finding.code))
}
