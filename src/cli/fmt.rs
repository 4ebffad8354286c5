//! `realmwright fmt`

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::exit::Exit;
use super::files;
use super::output::Printer;
use crate::diagnostic::Diagnostic;
use crate::manifest::Source;
use crate::manifest::format::format;

/// `fmt`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directories and files with manifests. CSV lists are left as they are
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    /// Write nothing; name the files that would change, and exit with 1 if there are any
    #[arg(long)]
    check: bool,
}

/// Lays out manifests in the one way. A file that can't be read is named, and left as it is.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut changed = 0;
    let mut sources = Vec::new();
    let mut found: Vec<Diagnostic> = Vec::new();
    for path in files::yaml(&options.paths)? {
        let text = files::text(&path)?;
        let index = u32::try_from(sources.len()).unwrap_or(u32::MAX);
        match format(index, &text) {
            Ok(new) if new == text => {}
            Ok(new) => {
                changed += 1;
                printer.data(&format!("{}\n", path.display()));
                if !options.check {
                    std::fs::write(&path, new).with_context(|| format!("can't write {}", path.display()))?;
                }
            }
            Err(fault) => found.push(fault),
        }
        sources.push(Source { name: path.display().to_string(), text });
    }
    if !found.is_empty() {
        printer.findings(Path::new("."), &sources, &found);
        printer.error(
            &format!("left as they are, because they can't be laid out: {} of {} files", found.len(), sources.len()),
            None,
        );
        return Ok(Exit::Failed);
    }
    let unsettled = options.check && changed > 0;
    if unsettled {
        printer.error(
            &format!("not laid out: {changed} of {} files", sources.len()),
            Some("run `realmwright fmt` on them"),
        );
    }
    Ok(if unsettled { Exit::Failed } else { Exit::Done })
}
