//! What the ledger has of a tenant that ends.

use jiff::Timestamp;

use super::{Options, Place, agreed};
use crate::cli::books;
use crate::cli::exit::Exit;
use crate::cli::ledger::asking::Desk;
use crate::cli::ledger::hinted;
use crate::cli::output::Printer;
use crate::ledger::Ledger;
use crate::licence::{Command, Refusal};

/// The account of a tenant, in the ledger that is named.
pub(super) struct OpenAccount<'a> {
    desk: Desk<'a>,
    tenant: &'a str,
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
        if ledger.accounts().account(&options.tenant).is_err() {
            return Ok(None);
        }
        Ok(Some(Self { desk: Desk::at(ledger, options.asker.name()?), tenant: &options.tenant }))
    }

    fn deletion(&self) -> Command {
        Command::Delete { organization: self.tenant.to_owned(), cascade: false }
    }

    /// Why the ledger would not delete it.
    pub(super) fn refused(&self) -> Option<Refusal> {
        self.desk.ledger.accounts().clone().execute(Timestamp::now().as_second(), &self.deletion()).err()
    }

    /// Deletes it: what it had goes back to its parent.
    pub(super) async fn end(mut self, printer: &Printer) -> anyhow::Result<Exit> {
        let deletion = self.deletion();
        self.desk.carry_out(printer, deletion).await
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
