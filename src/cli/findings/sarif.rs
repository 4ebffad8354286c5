//! Findings as SARIF 2.1.0 (OASIS), in the part of it that code scanning takes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{also, place, word};
use crate::diagnostic::rule::{RULES, Rule};
use crate::diagnostic::{Diagnostic, Span};
use crate::keycloak::segment;
use crate::manifest::Source;
use crate::state::applied::digest;

/// Most results that GitHub shows of a run; a file with many more is refused. Text and JSON have all.
const RESULTS: usize = 5_000;

/// The findings, errors first, and the rules that they are about.
pub(super) fn sarif(dir: &Path, sources: &[Source], found: &[Diagnostic]) -> Value {
    let mut found: Vec<&Diagnostic> = found.iter().collect();
    found.sort_by_key(|finding| finding.severity);
    found.truncate(RESULTS);
    let broken: Vec<&Rule> =
        RULES.iter().filter(|rule| found.iter().any(|finding| finding.code == rule.code)).collect();
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = found.iter().map(|finding| result(dir, sources, &broken, finding, &mut seen)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "realmwright",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": broken.into_iter().map(rule).collect::<Value>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": format!("{}. {}", rule.what, rule.help)},
        "help": {"text": rule.help, "markdown": rule.help},
        "defaultConfiguration": {"level": "error"},
    })
}

fn result(
    dir: &Path,
    sources: &[Source],
    broken: &[&Rule],
    finding: &Diagnostic,
    seen: &mut BTreeMap<String, usize>,
) -> Value {
    let message = match &finding.hint {
        Some(hint) => format!("{}. {hint}", finding.message),
        None => finding.message.clone(),
    };
    // Code scanning takes no finding without a place: one about the whole input is put into its first file.
    let first = || Diagnostic { span: Some(Span::default()), ..finding.clone() };
    let at = place(dir, sources, finding).or_else(|| place(dir, sources, &first()));
    let (file, line, column) = at.unwrap_or_else(|| ("platform.yaml".into(), 1, 1));
    // What it is known by from run to run: not its line, which moves.
    let print = digest(&format!("{}\0{file}\0{}", finding.code, finding.message));
    let nth = seen.entry(print.clone()).and_modify(|count| *count += 1).or_insert(1);
    let mut result = json!({
        "ruleId": finding.code,
        "level": word(finding.severity),
        "message": {"text": message},
        "locations": [{"physicalLocation": physical((file, line, column))}],
        "partialFingerprints": {"finding/v1": format!("{print}:{nth}")},
    });
    let also: Vec<Value> = also(dir, sources, finding)
        .map(|(at, told)| json!({"physicalLocation": physical(at), "message": {"text": told}}))
        .collect();
    if !also.is_empty() {
        result["relatedLocations"] = also.into();
    }
    if let Some(index) = broken.iter().position(|rule| rule.code == finding.code) {
        result["ruleIndex"] = index.into();
    }
    result
}

fn physical((file, line, column): (String, u32, u32)) -> Value {
    let uri: Vec<String> = file.split('/').map(segment).collect();
    json!({
        "artifactLocation": {"uri": uri.join("/"), "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": line, "startColumn": column},
    })
}
