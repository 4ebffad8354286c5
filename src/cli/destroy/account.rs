//! What the ledger has of a tenant that ends.

use jiff::Timestamp;

use super::{Options, Place, agreed};
use crate::cli::books;
use crate::cli::exit::Exit;
use crate::cli::ledger::{asking, hinted};
use crate::cli::output::Printer;
use crate::ledger::{Answer, AnyStore, Cause, Ledger, Order};
use crate::licence::{Command, Refusal};

/// The account of a tenant, in the ledger that is named.
pub(super) struct OpenAccount<'a> {
    ledger: Ledger<AnyStore>,
    tenant: &'a str,
    actor: &'a str,
}

impl<'a> OpenAccount<'a> {
    /// None where no ledger is named or there, or where it has no such account (any more).
    pub(super) async fn find(options: &'a Options, place: &Place) -> anyhow::Result<Option<Self>> {
        let found = books::location(&options.book, place.network.ledger.as_deref(), &options.dir)?;
        let Some((location, _)) = found.filter(|(location, from_platform)| !(*from_platform && location.is_absent()))
        else {
            return Ok(None);
        };
        let mut ledger = Ledger::open(location.store(false)).await.map_err(hinted)?;
        ledger.advance(Timestamp::now().as_second());
        if !ledger.accounts().names().any(|name| name == options.tenant) {
            return Ok(None);
        }
        Ok(Some(Self { ledger, tenant: &options.tenant, actor: options.asker.name()? }))
    }

    fn deletion(&self) -> Command {
        Command::Delete { organization: self.tenant.to_owned(), cascade: false }
    }

    /// Why the ledger would not delete it.
    pub(super) fn refused(&self) -> Option<Refusal> {
        self.ledger.accounts().clone().execute(Timestamp::now().as_second(), &self.deletion()).err()
    }

    /// Deletes it: what it had goes back to its parent.
    pub(super) async fn end(mut self, printer: &Printer) -> anyhow::Result<Exit> {
        let order = Order {
            at: Timestamp::now().as_second(),
            actor: self.actor.to_owned(),
            cause: Cause::default(),
            key: None,
            command: self.deletion(),
        };
        for record in self.ledger.submit(&[order]).await.map_err(hinted)? {
            match record.answer {
                Answer::Accepted { events } => asking::done(printer, &events),
                Answer::Refused { refusal } => return asking::refused(printer, &refusal),
            };
        }
        Ok(Exit::Done)
    }

    /// Deletes it where the realm is gone already.
    pub(super) async fn end_alone(self, printer: &Printer, yes: bool) -> anyhow::Result<Exit> {
        let question = format!("The realm `{}` is gone. Delete its account in the ledger, for good?", self.tenant);
        if !agreed(printer, yes, &question)? {
            return Ok(Exit::Failed);
        }
        self.end(printer).await
    }
}
