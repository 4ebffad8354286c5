//! `realmwright ledger post`

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;

use super::asking::Asker;
use super::{Book, hinted};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::output::Printer;
use crate::ledger::{Answer, Cause, Order, Record};
use crate::licence::{Command, Time};

/// `ledger post`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// File with the commands; `-` is standard input
    file: PathBuf,
    #[command(flatten)]
    book: Book,
    #[command(flatten)]
    asker: Asker,
}

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// When, in seconds since 1970; by default now.
    at: Option<Time>,
    /// Its name, so that it can be sent again.
    key: Option<String>,
    #[serde(default)]
    cause: Cause,
    command: Command,
}

/// How many orders are kept by one transaction.
const TOGETHER: usize = 1_000;

/// Answers each command with one line.
pub(in crate::cli) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let actor = options.asker.name()?;
    let orders = orders(&text(options)?, actor, &options.file.display().to_string())?;
    let mut ledger = options.book.open(true).await?;
    let mut refused = 0;
    for some in orders.chunks(TOGETHER) {
        for record in ledger.submit(some).await.map_err(hinted)? {
            refused += usize::from(matches!(record.answer, Answer::Refused { .. }));
            printer.data(&(line(&record)? + "\n"));
        }
    }
    printer.say(&format!("{} of {} accepted", orders.len() - refused, orders.len()));
    Ok(if refused == 0 { Exit::Done } else { Exit::Refused })
}

/// A record as a line; a refusal with its words.
pub(super) fn line(record: &Record) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(record)?;
    if let Answer::Refused { refusal } = &record.answer {
        value["refusal"]["message"] = refusal.to_string().into();
    }
    Ok(value.to_string())
}

fn text(options: &Options) -> anyhow::Result<String> {
    let name = || format!("can't read {}", options.file.display());
    if options.file.as_os_str() != "-" {
        return std::fs::read_to_string(&options.file).with_context(name);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).with_context(name)?;
    Ok(text)
}

/// All orders, or the first line that is none: then nothing is done.
fn orders(text: &str, actor: &str, file: &str) -> anyhow::Result<Vec<Order>> {
    let now = Timestamp::now().as_second();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let order = |(number, line): (usize, &str)| -> anyhow::Result<Order> {
        let Line { at, key, cause, command } = serde_json::from_str(line).map_err(|error| UsageError {
            message: format!("{file}:{}: {}", number + 1, error.to_string().replace("at line 1 column", "at column")),
            hint: Some("nothing was done; docs/ledger.md lists the commands".into()),
        })?;
        Ok(Order { at: at.unwrap_or(now), actor: actor.to_owned(), cause, key, command })
    };
    lines.map(order).collect()
}
