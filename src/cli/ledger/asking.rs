//! How other commands ask the ledger for something, and say what came of it.

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::{Book, hinted};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::output::Printer;
use crate::ledger::{Answer, AnyStore, Cause, Ledger, Order, Record};
use crate::licence::{Command, Document, Event, Refusal};

/// Which ledger, who asks, and under which name.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asking {
    #[command(flatten)]
    book: Book,
    #[command(flatten)]
    asker: Asker,
    /// A name for this request, so that it can be sent again without being done again
    #[arg(long, value_name = "NAME")]
    request: Option<String>,
}

/// Who asks.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asker {
    /// Who asks
    #[arg(long, env = "REALMWRIGHT_ACTOR", value_name = "NAME")]
    actor: Option<String>,
}

impl Asker {
    pub(in crate::cli) fn name(&self) -> Result<&str, UsageError> {
        self.actor.as_deref().ok_or_else(|| UsageError {
            message: "nobody is named as who asks".into(),
            hint: Some("give --actor NAME, or set REALMWRIGHT_ACTOR".into()),
        })
    }
}

/// An open ledger, and how to write to it.
pub(in crate::cli) struct Desk<'a> {
    pub(in crate::cli) ledger: Ledger<AnyStore>,
    actor: &'a str,
    request: Option<&'a str>,
}

impl Asking {
    /// Opens the ledger; it knows what time it is.
    pub(in crate::cli) async fn open(&self) -> anyhow::Result<Desk<'_>> {
        let actor = self.asker.name()?;
        let mut ledger = self.book.open(true).await?;
        ledger.advance(Timestamp::now().as_second());
        Ok(Desk { ledger, actor, request: self.request.as_deref() })
    }
}

impl<'a> Desk<'a> {
    /// At a ledger that is open already.
    pub(in crate::cli) fn at(ledger: Ledger<AnyStore>, actor: &'a str) -> Self {
        Self { ledger, actor, request: None }
    }

    /// What was answered when a request of this name was sent before.
    pub(in crate::cli) fn before(&self) -> Option<&Record> {
        self.ledger.recorded(self.request?)
    }

    /// Asks for all of it, in one transaction; each is answered, the first refusal ends what is asked.
    ///
    /// # Errors
    ///
    /// The ledger can't be written.
    pub(in crate::cli) async fn ask(&mut self, commands: Vec<Command>) -> anyhow::Result<Result<Vec<Event>, Refusal>> {
        let named = |index: usize| match index {
            0 => self.request.map(Into::into),
            _ => self.request.map(|name| format!("{name}.{index}")),
        };
        let orders =
            commands.into_iter().enumerate().map(|(index, command)| self.order(named(index), command)).collect();
        self.submit(orders).await
    }

    /// Asks for one thing under a name of its own: it is done once, however often it is sent.
    ///
    /// # Errors
    ///
    /// The ledger can't be written.
    pub(in crate::cli) async fn ask_once(
        &mut self,
        key: String,
        command: Command,
    ) -> anyhow::Result<Result<Vec<Event>, Refusal>> {
        self.submit(vec![self.order(Some(key), command)]).await
    }

    /// Has something that is always refused noted down, once, as being about a plan of that digest: the number of its entry.
    ///
    /// # Errors
    ///
    /// The ledger can't be written.
    pub(in crate::cli) async fn note(&mut self, plan: String, command: Command) -> anyhow::Result<u64> {
        let cause = Cause { plan: Some(plan.clone()), request: None };
        let order = Order { cause, ..self.order(Some(format!("{plan}:attempt")), command) };
        let records = self.ledger.submit(&[order]).await.map_err(hinted)?;
        Ok(records.first().map(|record| record.sequence).unwrap_or_default())
    }

    fn order(&self, key: Option<String>, command: Command) -> Order {
        let cause = Cause { request: self.request.map(Into::into), ..Cause::default() };
        Order { at: Timestamp::now().as_second(), actor: self.actor.into(), cause, key, command }
    }

    async fn submit(&mut self, orders: Vec<Order>) -> anyhow::Result<Result<Vec<Event>, Refusal>> {
        let mut events = Vec::new();
        for record in self.ledger.submit(&orders).await.map_err(hinted)? {
            match record.answer {
                Answer::Accepted { events: more } => events.extend(more),
                Answer::Refused { refusal } => return Ok(Err(refusal)),
            }
        }
        Ok(Ok(events))
    }

    /// Asks for one thing and says what came of it.
    ///
    /// # Errors
    ///
    /// The ledger can't be written.
    pub(in crate::cli) async fn carry_out(&mut self, printer: &Printer, command: Command) -> anyhow::Result<Exit> {
        Ok(match self.ask(vec![command]).await? {
            Ok(events) => done(printer, &events),
            Err(refusal) => refused(printer, &refusal)?,
        })
    }
}

/// Says what happened.
pub(in crate::cli) fn done(printer: &Printer, events: &[Event]) -> Exit {
    match events.is_empty() {
        true => printer.say("nothing to do: it was so already"),
        false => events.iter().for_each(|event| printer.say(&event.to_string())),
    }
    Exit::Done
}

/// Says what was refused and why.
pub(in crate::cli) fn refused(printer: &Printer, refusal: &Refusal) -> anyhow::Result<Exit> {
    let value = serde_json::to_value(refusal).context("a refusal can't be written")?;
    let code = value["code"].as_str().unwrap_or_default();
    printer.error(&format!("refused: [{code}] {refusal}"), hint(refusal).as_deref());
    Ok(Exit::Refused)
}

/// The way out, where there is one that does not stand in the refusal.
fn hint(refusal: &Refusal) -> Option<String> {
    Some(match refusal {
        Refusal::Quota(shortage) | Refusal::Over(shortage) => match &shortage.nearest {
            Some(nearest) => format!("`{nearest}` has that much free and can grant it"),
            None => format!(
                "of {} it uses {} itself, shares {} and sold {}: redeem a licence, or free some",
                shortage.limit, shortage.used, shortage.shared, shortage.licensed
            ),
        },
        Refusal::UnknownLicence { .. } => {
            "compare it with what you were given; `realmwright licence list` shows all".into()
        }
        Refusal::Expired { serial } => {
            format!("`realmwright licence renew {serial} --until DATE` makes it valid again")
        }
        Refusal::OnParentsResources { .. } => "what it has is granted by its parent".into(),
        Refusal::UnknownResource { .. } => {
            "`realmwright ledger post` makes it known with the command define-resource".into()
        }
        Refusal::Untrusted { document: Document::Serial, .. } => {
            "compare it with what you were given; the attempt was noted down in the ledger".into()
        }
        Refusal::Untrusted { .. } => "the attempt was noted down in the ledger; ask for the document again".into(),
        Refusal::TokenExpired { .. } | Refusal::TokenUsed { .. } => {
            "`realmwright device import-token` at the destination gives another one".into()
        }
        _ => return None,
    })
}
