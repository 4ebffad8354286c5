//! `realmwright ledger`

pub(super) mod asking;
pub(super) mod copy;
pub(super) mod day;
pub(super) mod log;
pub(super) mod post;
pub(super) mod signing;
pub(super) mod verify;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::exit::{Exit, Hinted, UsageError};
use super::output::Printer;
use crate::ledger::{AnyStore, Ledger, LedgerError, Location, accounts_at};
use crate::licence::{Accounts, Time};

/// What `ledger` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Have commands answered and kept: one JSON object a line, as docs/ledger.md has them
    Post(post::Options),
    /// Show the entries: who asked for what, when, and what came of it
    Log(log::Options),
    /// Check that every entry is what was written
    Verify(verify::Options),
    /// Write all entries into a file
    Backup(copy::Backup),
    /// Fill an empty ledger with the entries of a backup
    Restore(copy::Restore),
}

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct Book {
    /// The ledger: sqlite:PATH, or postgres://USER@HOST:PORT/DATABASE with the password in PGPASSWORD
    #[arg(short, long, env = "REALMWRIGHT_LEDGER", value_name = "LEDGER")]
    ledger: Option<Location>,
}

/// When.
#[derive(Debug, Args)]
pub(super) struct Moment {
    /// As it was at this time: a day, of which the last second counts, or an instant as 2027-12-31T18:00:00Z. By default, now
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

impl Book {
    /// The ledger that is named, if one is.
    pub(super) fn given(&self) -> Result<Option<&Location>, UsageError> {
        match &self.ledger {
            Some(location) if location.has_password() => Err(UsageError {
                message: "the ledger's URL has a password in it, which other programs can see".into(),
                hint: Some("leave it out; give it in PGPASSWORD, or in ~/.pgpass".into()),
            }),
            given => Ok(given.as_ref()),
        }
    }

    /// Its store. A file that is not there may be made by what writes.
    pub(super) fn store(&self, writes: bool) -> Result<AnyStore, UsageError> {
        match self.given()? {
            Some(location) => Ok(location.store(writes)),
            None => Err(UsageError {
                message: "no ledger is named".into(),
                hint: Some("give --ledger sqlite:PATH, or set REALMWRIGHT_LEDGER".into()),
            }),
        }
    }

    /// The accounts in it at a moment, to be looked at.
    pub(super) async fn at(&self, moment: &Moment) -> anyhow::Result<Accounts> {
        match moment.at.as_deref().map(day::last).transpose()? {
            Some(at) => accounts_at(self.store(false)?, at).await.map_err(hinted),
            None => Ok(self.now().await?.into_accounts()),
        }
    }

    /// The accounts in it as they are now, to be looked at.
    pub(super) async fn now(&self) -> anyhow::Result<Ledger<AnyStore>> {
        let mut ledger = self.open(false).await?;
        ledger.advance(Timestamp::now().as_second());
        Ok(ledger)
    }

    /// The accounts in it.
    pub(super) async fn open(&self, writes: bool) -> anyhow::Result<Ledger<AnyStore>> {
        Ledger::open(self.store(writes)?).await.map_err(hinted)
    }
}

/// Does it.
pub(super) async fn run(printer: &Printer, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Post(options) => post::run(printer, options).await,
        Command::Log(options) => log::run(printer, options).await,
        Command::Verify(options) => verify::run(printer, options).await,
        Command::Backup(options) => copy::backup(printer, options).await,
        Command::Restore(options) => copy::restore(printer, options).await,
    }
}

/// An error of the ledger, with its way out.
pub(super) fn hinted(error: LedgerError) -> anyhow::Error {
    let hint = match &error {
        LedgerError::Broken { .. } => "`realmwright ledger verify` names all that is wrong; restore a backup",
        LedgerError::KeyReused { .. } => "give each order a key of its own; send the same one again only to repeat it",
        LedgerError::Store { .. } => "what was not answered may be sent again: orders with a key are done once",
        _ => return error.into(),
    };
    Hinted { message: error.to_string(), hint: hint.into() }.into()
}

/// When something ends, as people say it: the last day on which it is valid, where it ends with that.
pub(super) fn until(end: Time) -> String {
    let text = instant(end);
    let last = text.ends_with("T00:00:00Z").then(|| instant(end - 1)).and_then(|last| Some(last.get(..10)?.to_owned()));
    last.unwrap_or(text)
}

/// An instant as people read it.
pub(super) fn instant(at: Time) -> String {
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}
