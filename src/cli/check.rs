//! `realmwright check`

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, UsageError};
use super::files;
use super::findings::{self, Format};
use super::git::Repository;
use super::output::Printer;
use super::validate::{self, Whole};
use crate::authority::{self, Changed, Scope, Side};
use crate::diagnostic::{Diagnostic, Span, passable};
use crate::manifest::Source;
use crate::plan::select::Selection;

/// `check`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests, in a git repository
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// The revision that the change is to go into, e.g. origin/main
    #[arg(short, long, value_name = "REV")]
    pub(super) base: String,
    /// A directory that the author may change, relative to the manifest directory; may be given again
    #[arg(short, long, required = true, value_name = "DIR")]
    pub(super) author_scope: Vec<String>,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

/// Checks manifests as `validate` does, and what their author may change. Exits with 1 when the manifests are wrong, and
/// with 3 when they are sound and the author may not do this.
pub(super) fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let scopes = options.author_scope.iter().map(|path| scope(path)).collect::<Result<Vec<_>, _>>()?;
    let repository = Repository::open(&options.dir, &options.base)?;
    let mut after = Whole::of(files::manifests(&options.dir)?, &Selection::default(), |realm| realm)?;
    let changed = changed(&repository, &mut after.sources)?;
    let before = Whole::of(repository.manifests()?, &Selection::default(), |realm| realm)?;
    let refused = match (&before.set, &after.set) {
        (Some(was), Some(is)) => authority::check(
            &Side { sources: &before.sources, set: was, desired: &before.taken },
            &Side { sources: &after.sources, set: is, desired: &after.taken },
            &changed,
            &scopes,
        ),
        (None, _) => {
            let message = format!("`{}` has no manifests that can be read in this directory", options.base);
            vec![Diagnostic::general("no-base", message).hint("name the revision that the change is to go into")]
        }
        (_, None) => Vec::new(),
    };
    findings::print(printer, options.format, &options.dir, &after.sources, &after.found, &refused);
    if !passable(&after.found) {
        return Ok(Exit::Failed);
    }
    if !refused.is_empty() {
        return Ok(Exit::Refused);
    }
    if let Some(set) = &after.set {
        validate::say(printer, set);
    }
    let files = match changed.len() {
        0 => "no file differs".into(),
        1 => "1 file differs".into(),
        count => format!("{count} files differ"),
    };
    let within = if changed.is_empty() { "" } else { ", all within what the author may change" };
    printer.say(&format!("{files} from {}{within}", options.base));
    Ok(Exit::Done)
}

fn scope(path: &str) -> Result<Scope, UsageError> {
    Scope::new(path).ok_or_else(|| UsageError {
        message: format!("`{path}` is not a directory inside the manifest directory"),
        hint: Some("write it relative to the manifest directory, e.g. distributors/acme".into()),
    })
}

/// The files that differ, each with a place; those that are no manifests, or gone, are put beside the sources.
fn changed(repository: &Repository<'_>, sources: &mut Vec<Source>) -> anyhow::Result<Vec<Changed>> {
    let up = "../".repeat(repository.prefix.matches('/').count());
    let mut changed = Vec::new();
    for difference in repository.differences()? {
        let path = match difference.path.strip_prefix(&repository.prefix) {
            Some(inside) => inside.to_owned(),
            None => format!("{up}{}", difference.path),
        };
        let known = sources.iter().position(|source| source.name == path);
        let source = known.unwrap_or_else(|| {
            sources.push(Source { name: path.clone(), text: String::new() });
            sources.len() - 1
        });
        let span = Span { source: u32::try_from(source).unwrap_or(u32::MAX), line: 1, column: 1 };
        changed.push(Changed { path, span, form: difference.form });
    }
    Ok(changed)
}
