//! `realmwright ledger log`

use clap::Args;

use super::{Book, hinted, instant, post};
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::ledger::{Answer, PAGE, Record, Store};

/// `ledger log`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    #[command(flatten)]
    book: Book,
    /// Only entries after this one
    #[arg(long, default_value = "0", value_name = "NUMBER")]
    after: u64,
    /// How to print them; as JSON, one a line
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Prints the entries.
pub(in crate::cli) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut store = options.book.store(false)?;
    let mut after = options.after;
    loop {
        let entries = store.after(after, PAGE).await.map_err(hinted)?;
        for entry in &entries {
            let record = entry.checked().map_err(hinted)?;
            match options.format {
                Format::Json => printer.data(&(post::line(&record)? + "\n")),
                Format::Text => printer.data(&text(&record)),
            }
            after = entry.sequence;
        }
        if entries.len() < PAGE {
            return Ok(Exit::Done);
        }
    }
}

fn text(record: &Record) -> String {
    let head = format!("{:>6}  {}  {}  ", record.sequence, instant(record.at), record.actor);
    match &record.answer {
        Answer::Refused { refusal } => format!("{head}refused: {refusal}\n"),
        Answer::Accepted { events } if events.is_empty() => format!("{head}nothing to do\n"),
        Answer::Accepted { events } => events.iter().map(|event| format!("{head}{event}\n")).collect(),
    }
}
