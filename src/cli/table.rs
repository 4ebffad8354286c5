//! Tables of figures: how they can be printed, and that no spreadsheet takes a text for a formula.

use clap::ValueEnum;

/// How to print a table of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// A table for a spreadsheet (RFC 4180).
pub(super) fn csv(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> anyhow::Result<String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(header)?;
    for row in rows {
        out.write_record(row.iter().map(|text| harmless(text)))?;
    }
    Ok(String::from_utf8(out.into_inner()?)?)
}

/// A text that no spreadsheet takes for a formula. A negative number is none.
fn harmless(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<i64>().is_err();
    if formula { format!("'{text}") } else { text.to_owned() }
}
