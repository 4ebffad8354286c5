//! `realmwright licence redeem`

use std::path::PathBuf;

use clap::Args;

use super::{file, known, presented, terms, text};
use crate::cli::destroy::agreed;
use crate::cli::exit::Exit;
use crate::cli::ledger::asking::{Asking, Desk, done, refused};
use crate::cli::ledger::signing::Trusted;
use crate::cli::output::Printer;
use crate::licence::{Accounts, Command, Distrust, Document, LicenceTerms};
use crate::seal::LicenceFile;

/// `licence redeem`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// Its serial
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    serial: Option<String>,
    /// The signed file of it, which a ledger that does not know the licence takes in
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    trusted: Trusted,
    #[command(flatten)]
    asking: Asking,
    /// The organization that gets what it releases
    #[arg(short, long, value_name = "ORG")]
    organization: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Shows what would be released, asks, and redeems it.
pub(in crate::cli) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let opened = match &options.file {
        Some(path) => Some(options.trusted.read()?.open::<LicenceFile>(&file::read(path)?).map(|file| file.licence)),
        None => None,
    };
    let mut desk = options.asking.open().await?;
    let typed = options.serial.as_deref().unwrap_or_default();
    let redeem = |serial| Command::Redeem { organization: options.organization.clone(), serial };
    let Some(opened) = opened else {
        let serial = known(desk.ledger.accounts(), typed);
        let view = serial.as_ref().ok().and_then(|serial| desk.ledger.accounts().licence_view(serial).ok());
        if let Some(view) = view
            && !wanted(printer, options, &text(&view))?
        {
            return Ok(Exit::Failed);
        }
        return presented(printer, &mut desk, serial, redeem).await;
    };
    let checked = opened.and_then(|licence| unless_other(desk.ledger.accounts(), licence));
    let licence = match checked {
        Ok(licence) => licence,
        Err(reason) => {
            let command = Command::Present { document: Document::LicenceFile, reason };
            return desk.carry_out(printer, command).await;
        }
    };
    if !wanted(printer, options, &terms(&licence))? {
        return Ok(Exit::Failed);
    }
    take_in(printer, &mut desk, licence, redeem).await
}

fn wanted(printer: &Printer, options: &Options, shown: &str) -> anyhow::Result<bool> {
    printer.say(shown.trim_end());
    agreed(printer, options.yes, &format!("Redeem it for `{}`?", options.organization))
}

/// A licence of a file, unless the ledger knows another one of this serial.
fn unless_other(accounts: &Accounts, licence: LicenceTerms) -> Result<LicenceTerms, Distrust> {
    match accounts.licence_view(&licence.serial) {
        Ok(view) if view.terms != licence => Err(Distrust::OtherContents),
        _ => Ok(licence),
    }
}

/// Redeems the licence of a file, which is issued here first where it is not known yet.
async fn take_in(
    printer: &Printer,
    desk: &mut Desk<'_>,
    licence: LicenceTerms,
    redeem: impl FnOnce(String) -> Command,
) -> anyhow::Result<Exit> {
    let serial = licence.serial.clone();
    let is_known = desk.ledger.accounts().licence_view(&serial).is_ok();
    let issue = (!is_known).then_some(Command::Issue(licence));
    Ok(match desk.ask(issue.into_iter().chain([redeem(serial)]).collect()).await? {
        Ok(events) => done(printer, &events),
        Err(refusal) => refused(printer, &refusal)?,
    })
}
