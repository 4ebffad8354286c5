//! The line that a finding is about, with a mark under the place.

use std::path::Path;

use crate::diagnostic::Span;
use crate::manifest::Source;
use crate::template::builtin::SHIPPED;

/// Widest part of a line that is shown.
const WIDTH: usize = 100;

/// Where a source is, as one would type it from here.
pub(super) fn path(dir: &Path, source: &Source) -> String {
    let plain = dir == Path::new(".") || source.name.starts_with(SHIPPED);
    if plain { source.name.clone() } else { dir.join(&source.name).display().to_string() }
}

/// Place, line and mark, each on a line of its own.
pub(super) fn excerpt(dir: &Path, sources: &[Source], span: Span) -> String {
    let Some(source) = sources.get(span.source as usize) else { return String::new() };
    let column = span.column.max(1) as usize;
    let path = path(dir, source);
    let mut text = format!("  --> {path}:{}:{column}\n", span.line);
    let Some(line) = source.text.lines().nth(span.line.max(1) as usize - 1) else { return text };
    let skipped = if column > WIDTH { column - WIDTH / 2 } else { 0 };
    let shown: String = line.chars().skip(skipped).take(WIDTH).collect();
    let at = column - 1 - skipped;
    let marked = shown.chars().skip(at).take_while(|c| !c.is_whitespace() && *c != ':' && *c != ',').count().max(1);
    let number = span.line.to_string();
    let gutter = " ".repeat(number.len());
    text.push_str(&format!(" {gutter} |\n {number} | {shown}\n {gutter} | {}{}\n", " ".repeat(at), "^".repeat(marked)));
    text
}
