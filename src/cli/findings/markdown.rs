//! Findings as a comment on a pull request.

use std::fmt::Write;
use std::path::Path;

use super::{also, place, word};
use crate::diagnostic::{Diagnostic, Severity};
use crate::manifest::Source;
use crate::plan::render::markdown::{code, sentence};

/// Most findings that are listed.
const SHOWN: usize = 40;

/// What is wrong with the manifests, and what their author may not do.
pub(super) fn markdown(dir: &Path, sources: &[Source], wrong: &[Diagnostic], refused: &[Diagnostic]) -> String {
    let errors = wrong.iter().filter(|finding| finding.severity == Severity::Error).count();
    let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let verdict = match (errors, refused.len()) {
        (0, 0) => "the manifests are sound".to_owned(),
        (0, changes) => {
            format!("**refused**, {} the author may not make", count(changes, "change that", "changes that"))
        }
        (errors, _) => {
            format!("**failed**, {} in the manifests; nothing was planned", count(errors, "error", "errors"))
        }
    };
    let mut out = format!("### Realmwright: {verdict}\n\n");
    let found = || refused.iter().chain(wrong);
    for finding in found().take(SHOWN) {
        let at = place(dir, sources, finding)
            .map(|(file, line, column)| format!(" at {}", code(&format!("{file}:{line}:{column}"))));
        let hint = finding.hint.as_ref().map(|hint| format!("  \n  way out: {}", sentence(hint)));
        let also: String = also(dir, sources, finding)
            .map(|((file, line, _), told)| {
                format!("  \n  also {}: {}", code(&format!("{file}:{line}")), sentence(told))
            })
            .collect();
        let _ = writeln!(
            out,
            "- {} [{}]{}: {}{also}{}",
            word(finding.severity),
            finding.code,
            at.unwrap_or_default(),
            sentence(&finding.message),
            hint.unwrap_or_default()
        );
    }
    let all = found().count();
    if all > SHOWN {
        let _ = writeln!(out, "- and {} more, in the log", all - SHOWN);
    }
    out
}
