//! `realmwright ledger verify`

use std::str::FromStr;

use clap::Args;
use serde_json::json;

use super::{Book, hinted};
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::output::Printer;
use crate::ledger::{self, Finding, Head};

/// `ledger verify`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    #[command(flatten)]
    book: Book,
    /// A head that was noted down before, as this command prints it: it has to be in the ledger still
    #[arg(long, value_parser = Head::from_str, value_name = "NUMBER:DIGEST")]
    noted: Option<Head>,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Names each entry that is wrong; fails if there is one.
pub(in crate::cli) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut store = options.book.store(false)?;
    let (head, findings) = ledger::verify(&mut store, options.noted).await.map_err(hinted)?;
    match options.format {
        Format::Json => {
            let report = json!({"head": head.to_string(), "findings": findings});
            printer.data(&(serde_json::to_string_pretty(&report)? + "\n"));
        }
        Format::Text => {
            findings.iter().for_each(|finding| printer.data(&format!("{finding}\n")));
            printer.data(&format!("head {head}\n"));
        }
    }
    if findings.is_empty() {
        printer.say(&format!("{} entries, each as it was written", head.sequence));
        return Ok(Exit::Done);
    }
    let (message, hint) = match findings.as_slice() {
        [Finding::Empty] => (
            "the ledger has no entries",
            format!("see that --ledger names the right place; of one that was never written, say so: --noted {head}"),
        ),
        _ => {
            let hint = "restore a backup; whoever can write to the store is to be asked";
            ("the ledger is not what was written", hint.to_owned())
        }
    };
    printer.error(message, Some(&hint));
    Ok(Exit::Failed)
}
