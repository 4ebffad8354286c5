//! `realmwright licence`

mod file;
mod issue;
pub(super) mod list;
mod redeem;
mod token;

use clap::{Args, Subcommand};

use super::exit::{Exit, UsageError};
use super::ledger::asking::{Asking, Desk};
use super::ledger::{Book, day, instant, until};
use super::output::Printer;
use crate::licence::{Accounts, Command as Ask, Distrust, LicenceTerms, LicenceView, Serial};

/// What `licence` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Issue a licence: print its serial and, with --file, write it as a signed file
    Issue(issue::Options),
    /// List licences that can be used; with --expired, the others
    List(list::Options),
    /// Show a licence: what it releases, until when, and what became of it
    Show(Show),
    /// Redeem a licence for an organization, once it was shown what that releases
    Redeem(redeem::Options),
    /// End a licence before its time
    Revoke(Revoke),
    /// Move the expiry of a licence to a later day
    Renew(Renew),
    /// Check a licence file, an entitlement from a realm, or an access token, without a ledger or a server
    Verify(file::Verify),
}

/// `licence show`
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its serial, as it was given or read aloud
    serial: String,
    #[command(flatten)]
    book: Book,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: super::args::Format,
}

/// `licence revoke`
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Its serial
    serial: String,
    #[command(flatten)]
    asking: Asking,
}

/// `licence renew`
#[derive(Debug, Args)]
pub(super) struct Renew {
    /// Its serial
    serial: String,
    #[command(flatten)]
    asking: Asking,
    /// The last day on which it is valid
    #[arg(long, value_name = "DATE")]
    until: String,
}

/// Does it.
pub(super) async fn run(printer: &Printer, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Issue(options) => issue::run(printer, options).await,
        Command::List(options) => list::run(printer, options).await,
        Command::Show(options) => show(printer, options).await,
        Command::Redeem(options) => redeem::run(printer, options).await,
        Command::Revoke(options) => {
            let mut desk = options.asking.open().await?;
            let serial = known(desk.ledger.accounts(), &options.serial);
            presented(printer, &mut desk, serial, |serial| Ask::Revoke { serial }).await
        }
        Command::Renew(options) => {
            let until = day::after(&options.until)?;
            let mut desk = options.asking.open().await?;
            let serial = known(desk.ledger.accounts(), &options.serial);
            presented(printer, &mut desk, serial, |serial| Ask::Renew { serial, until }).await
        }
        Command::Verify(options) => file::verify(printer, options),
    }
}

/// Asks for something about a licence whose serial was typed; a serial that is mistyped is noted down as such.
async fn presented(
    printer: &Printer,
    desk: &mut Desk<'_>,
    serial: Result<String, Distrust>,
    ask: impl FnOnce(String) -> Ask,
) -> anyhow::Result<Exit> {
    let command = match serial {
        Ok(serial) => ask(serial),
        Err(reason) => Ask::Present { document: crate::licence::Document::Serial, reason },
    };
    desk.carry_out(printer, command).await
}

/// A serial as the ledger has it: as it was typed where there is such a one, or in the form that ours have.
fn known(accounts: &Accounts, typed: &str) -> Result<String, Distrust> {
    if accounts.licence_view(typed).is_ok() {
        return Ok(typed.to_owned());
    }
    Ok(Serial::typed(typed)?.map_or_else(|| typed.trim().to_owned(), |serial| serial.to_string()))
}

async fn show(printer: &Printer, options: &Show) -> anyhow::Result<Exit> {
    let ledger = options.book.now().await?;
    let found = known(ledger.accounts(), &options.serial)
        .map_err(|reason| format!("`{}` is not a serial: {reason}", options.serial))
        .and_then(|serial| ledger.accounts().licence_view(&serial).map_err(|refusal| refusal.to_string()));
    let view = found.map_err(|message| {
        let hint = "compare it with what you were given; `realmwright licence list` shows all";
        UsageError { message, hint: Some(hint.into()) }
    })?;
    match options.format {
        super::args::Format::Text => printer.data(&text(&view)),
        super::args::Format::Json => printer.data(&(serde_json::to_string_pretty(&view)? + "\n")),
    }
    Ok(Exit::Done)
}

/// A licence for people, with what became of it.
fn text(view: &LicenceView) -> String {
    let mut lines = terms(&LicenceTerms { expiry: view.expires, ..view.terms.clone() });
    lines += &format!("  standing   {}\n", view.standing);
    if let Some(holder) = &view.holder {
        lines += &format!("  held by    {holder}\n");
    }
    let burned = view.burned.iter().map(|(resource, amount)| format!("{amount} {resource}")).collect::<Vec<_>>();
    if !burned.is_empty() {
        lines += &format!("  used       {}\n", burned.join(", "));
    }
    lines
}

/// What a licence says, for people.
fn terms(terms: &LicenceTerms) -> String {
    let or = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let from = terms.valid_from.map_or_else(String::new, |from| format!("from {} ", instant(from)));
    let renewal = terms.renewal.map_or_else(String::new, |period| match period % DAY {
        0 => format!(", renews itself every {} days", period / DAY),
        _ => format!(", renews itself every {period} seconds"),
    });
    let after = match terms.on_expiry {
        crate::licence::Policy::Restrict => "",
        crate::licence::Policy::Maintain => ", what it released stays",
        crate::licence::Policy::Revoke => ", what is in use beyond the limit then is withdrawn",
    };
    format!(
        "licence {}\n  product    {}\n  type       {}\n  releases   {}\n  valid      {from}until {}{renewal}{after}\n  issued by  {}{}\n",
        terms.serial,
        or(&terms.product, "none"),
        or(&terms.licence_type, "none"),
        terms.released(),
        until(terms.expiry),
        terms.dealer.as_deref().unwrap_or("the platform"),
        terms.recipient.as_ref().map_or_else(String::new, |recipient| format!(", for {recipient} alone")),
    )
}

/// Seconds of a day.
const DAY: i64 = 86_400;
