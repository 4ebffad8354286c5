//! `realmwright ledger backup`, `realmwright ledger restore`

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Book, hinted};
use crate::cli::exit::Exit;
use crate::cli::files;
use crate::cli::output::Printer;
use crate::ledger::{Entry, PAGE, Store, prove, restore as fill};

/// `ledger backup`
#[derive(Debug, Args)]
pub(in crate::cli) struct Backup {
    /// File to write
    file: PathBuf,
    #[command(flatten)]
    book: Book,
}

/// `ledger restore`
#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    /// File that `ledger backup` wrote
    file: PathBuf,
    #[command(flatten)]
    book: Book,
}

/// Writes all entries, one a line, once they are proved.
pub(in crate::cli) async fn backup(printer: &Printer, options: &Backup) -> anyhow::Result<Exit> {
    let mut store = options.book.store(false)?;
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let page = store.after(entries.last().map_or(0, |entry| entry.sequence), PAGE).await.map_err(hinted)?;
        let last = page.len() < PAGE;
        entries.extend(page);
        if last {
            break;
        }
    }
    let head = prove(&entries).map_err(hinted)?;
    let lines = entries.iter().map(|entry| Ok(serde_json::to_string(entry)? + "\n"));
    files::write_private(&options.file, &lines.collect::<serde_json::Result<String>>()?)?;
    printer.say(&format!("{} entries; head {head}", head.sequence));
    Ok(Exit::Done)
}

/// Puts all entries of a backup into an empty ledger, in one transaction.
pub(in crate::cli) async fn restore(printer: &Printer, options: &Restore) -> anyhow::Result<Exit> {
    let name = || format!("can't read {}", options.file.display());
    let file = BufReader::new(std::fs::File::open(&options.file).with_context(name)?);
    let entry = |(number, line): (usize, std::io::Result<String>)| -> anyhow::Result<Entry> {
        let line = line.with_context(name)?;
        serde_json::from_str(&line).with_context(|| format!("{}:{}", options.file.display(), number + 1))
    };
    let entries = file.lines().enumerate().map(entry).collect::<anyhow::Result<Vec<Entry>>>()?;
    let mut store = options.book.store(true)?;
    let head = fill(&mut store, &entries).await.map_err(hinted)?;
    printer.say(&format!("{} entries; head {head}", head.sequence));
    Ok(Exit::Done)
}
