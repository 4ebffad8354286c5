//! `realmwright licence issue`

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{DAY, known};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::files;
use crate::cli::ledger::asking::{Asking, Desk, refused};
use crate::cli::ledger::{day, signing::Signing};
use crate::cli::output::Printer;
use crate::licence::{Amount, Command, LicenceTerms, Serial};
use crate::seal::{LicenceFile, SigningKey};

/// `licence issue`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    #[command(flatten)]
    asking: Asking,
    /// The product that it is for
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    product: String,
    /// Its type, e.g. enterprise
    #[arg(long = "type", default_value = "", hide_default_value = true, value_name = "TYPE")]
    licence_type: String,
    /// What it releases; can be given several times
    #[arg(long, required = true, value_parser = quantity, value_name = "RESOURCE=AMOUNT")]
    quantity: Vec<(String, Amount)>,
    /// The first day on which it can be redeemed; by default, today
    #[arg(long, value_name = "DATE")]
    valid_from: Option<String>,
    /// The last day on which it is valid
    #[arg(long, value_name = "DATE")]
    valid_until: String,
    /// Has it renewed by itself, for so many days each time
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    auto_renew: Option<u32>,
    /// Whether what it released goes on counting once it has expired
    #[arg(long, value_enum, default_value = "restrict")]
    on_expiry: Policy,
    /// The dealer that issues it; by default the platform
    #[arg(long, value_name = "ORG")]
    dealer: Option<String>,
    /// The only organization that may redeem it; by default any may
    #[arg(long, value_name = "ORG")]
    recipient: Option<String>,
    /// Its serial; by default a new one
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,
    /// Also write it as a signed file, to be verified and redeemed where there is no connection
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    signing: Signing,
}

/// What the expiry of a licence does.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Policy {
    /// It no longer counts; who is over its limit then gets no more.
    Restrict,
    /// It goes on counting.
    Maintain,
    /// It no longer counts, and what is in use beyond the limit is withdrawn, newest first.
    Revoke,
}

fn quantity(text: &str) -> Result<(String, Amount), String> {
    let (resource, amount) = text.split_once('=').ok_or("write it as RESOURCE=AMOUNT, e.g. users=50")?;
    let amount = amount.trim().parse().map_err(|_| format!("`{amount}` is not a whole number"))?;
    Ok((resource.trim().to_owned(), amount))
}

/// Issues it.
pub(in crate::cli) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let signer = options.file.is_some().then(|| options.signing.read()).transpose()?;
    let mut desk = options.asking.open().await?;
    let terms = wanted(options, &desk)?;
    if let Err(refusal) = desk.ask(vec![Command::Issue(terms.clone())]).await? {
        return refused(printer, &refusal);
    }
    printer.say(super::terms(&terms).trim_end());
    if let (Some(path), Some(signer)) = (&options.file, signer) {
        write(&signer, &terms, path)?;
        printer.say(&format!("written to {}", path.display()));
    }
    printer.data(&format!("{}\n", terms.serial));
    Ok(Exit::Done)
}

fn wanted(options: &Options, desk: &Desk<'_>) -> Result<LicenceTerms, UsageError> {
    let mut quantities = BTreeMap::new();
    for (resource, amount) in &options.quantity {
        if quantities.insert(resource.clone(), *amount).is_some() {
            return Err(UsageError { message: format!("--quantity names `{resource}` twice"), hint: None });
        }
    }
    let expiry = day::after(&options.valid_until)?;
    if expiry <= Timestamp::now().as_second() {
        let message = format!("--valid-until {} has passed", options.valid_until);
        return Err(UsageError { message, hint: Some("a licence is issued for a time to come".into()) });
    }
    Ok(LicenceTerms {
        serial: serial(options, desk)?,
        dealer: options.dealer.clone(),
        recipient: options.recipient.clone(),
        product: options.product.clone(),
        licence_type: options.licence_type.clone(),
        quantities,
        valid_from: options.valid_from.as_deref().map(day::from).transpose()?,
        expiry,
        renewal: options.auto_renew.map(|days| i64::from(days) * DAY),
        on_expiry: match options.on_expiry {
            Policy::Restrict => crate::licence::Policy::Restrict,
            Policy::Maintain => crate::licence::Policy::Maintain,
            Policy::Revoke => crate::licence::Policy::Revoke,
        },
    })
}

/// The one that was asked for, the one that the same request got before, or a new one.
fn serial(options: &Options, desk: &Desk<'_>) -> Result<String, UsageError> {
    if let Some(asked) = &options.serial {
        return known(desk.ledger.accounts(), asked).map_err(|reason| UsageError {
            message: format!("`{asked}` looks like a serial of ours: {reason}"),
            hint: Some("leave --serial out to have a new one made".into()),
        });
    }
    match desk.before().map(|record| &record.command) {
        Some(Command::Issue(terms)) => Ok(terms.serial.clone()),
        _ => {
            Ok(Serial::new(uuid::Uuid::new_v4().as_u128() ^ uuid::Uuid::new_v4().as_u128().rotate_left(64)).to_string())
        }
    }
}

fn write(signer: &SigningKey, terms: &LicenceTerms, path: &std::path::Path) -> anyhow::Result<()> {
    let file = LicenceFile { iat: Timestamp::now().as_second(), licence: terms.clone() };
    let lost = || {
        format!("the licence {} was issued, but its file was not written: send the same --request again", terms.serial)
    };
    let text = signer.sign(&file).with_context(lost)? + "\n";
    files::write_private(path, &text).with_context(lost)
}
