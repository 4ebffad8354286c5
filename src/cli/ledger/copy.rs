//! `realmwright ledger backup`, `realmwright ledger restore`

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::{Book, hinted};
use crate::cli::exit::{Exit, Hinted};
use crate::cli::files;
use crate::cli::output::Printer;
use crate::ledger::{Entry, PAGE, Store, restore as fill, verify};

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

/// Writes all entries, one a line, once they are known to be right.
pub(in crate::cli) async fn backup(printer: &Printer, options: &Backup) -> anyhow::Result<Exit> {
    let mut store = options.book.store(false)?;
    let (head, findings) = verify(&mut store, None).await.map_err(hinted)?;
    if let Some(finding) = findings.first() {
        let message = format!("the ledger is not what was written: {finding}");
        return Err(Hinted { message, hint: "`realmwright ledger verify` names all that is wrong".into() }.into());
    }
    let (mut text, mut after) = (String::new(), 0);
    while after < head.sequence {
        for entry in store.after(after, PAGE).await.map_err(hinted)? {
            after = entry.sequence;
            text += &serde_json::to_string(&entry)?;
            text.push('\n');
        }
    }
    files::write_private(&options.file, &text)?;
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
