//! `realmwright device`

mod client;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use self::client::Named;
use super::exit::{Exit, UsageError};
use super::ledger::asking::{Asking, refused};
use super::ledger::instant;
use super::ledger::signing::{Signing, Trusted};
use super::output::Printer;
use crate::licence::{Amount, Command as Ask, DEVICES, Document, TOKEN_SECONDS};
use crate::seal::ImportToken;

/// What `device` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register devices: the organization uses so many more
    Register(Register),
    /// Retire devices: the organization uses so many fewer
    Retire(Count),
    /// Print a token with which one device can be moved to an organization, once and within ten minutes
    ImportToken(Import),
    /// Move a device to the organization that a token is of
    Move(Move),
}

/// `device register`
#[derive(Debug, Args)]
pub(super) struct Register {
    #[command(flatten)]
    of: Count,
    /// File with the device's public key, EC P-256 in PEM
    #[arg(long, requires = "name", value_name = "FILE")]
    key: Option<PathBuf>,
}

/// What `device register` and `device retire` have in common.
#[derive(Debug, Args)]
pub(super) struct Count {
    /// The organization
    organization: String,
    /// How many
    #[arg(default_value = "1", value_parser = clap::value_parser!(i64).range(1..), conflicts_with = "name")]
    count: Amount,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    asking: Asking,
}

/// `device import-token`
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The organization that takes the device
    #[arg(long, value_name = "ORG")]
    to: String,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    signing: Signing,
}

/// `device move`
#[derive(Debug, Args)]
pub(super) struct Move {
    /// The organization that has the device
    #[arg(long, value_name = "ORG")]
    from: String,
    /// The token that `device import-token` printed at the destination
    #[arg(long, value_name = "TOKEN")]
    token: String,
    /// What the device recorded is lost when it moves: say that this is accepted
    #[arg(long)]
    accept_data_loss: bool,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    trusted: Trusted,
}

/// Does it.
pub(super) async fn run(printer: &Printer, command: &Command) -> anyhow::Result<Exit> {
    let devices = |of: &Count| (of.organization.clone(), DEVICES.to_owned(), of.count);
    match command {
        Command::Register(Register { of: Count { organization, named, asking, .. }, key })
            if let Some(name) = &named.name =>
        {
            let key = key.as_ref().ok_or_else(|| UsageError {
                message: format!("no key of `{name}` is given"),
                hint: Some("give --key FILE: the device's public key, EC P-256 in PEM".into()),
            })?;
            client::register(printer, organization, asking, named, name, key).await
        }
        Command::Retire(Count { organization, named, asking, .. }) if let Some(name) = &named.name => {
            client::retire(printer, organization, asking, named, name).await
        }
        Command::Register(Register { of: options, .. }) => {
            let (organization, resource, amount) = devices(options);
            options.asking.open().await?.carry_out(printer, Ask::Use { organization, resource, amount }).await
        }
        Command::Retire(options) => {
            let (organization, resource, amount) = devices(options);
            options.asking.open().await?.carry_out(printer, Ask::Release { organization, resource, amount }).await
        }
        Command::ImportToken(options) => import_token(printer, options).await,
        Command::Move(options) => move_device(printer, options).await,
    }
}

async fn import_token(printer: &Printer, options: &Import) -> anyhow::Result<Exit> {
    let signer = options.signing.read()?;
    let mut desk = options.asking.open().await?;
    let jti = match desk.before().map(|record| &record.command) {
        Some(Ask::ImportToken { token, .. }) => token.clone(),
        _ => uuid::Uuid::new_v4().to_string(),
    };
    if let Err(refusal) = desk.ask(vec![Ask::ImportToken { to: options.to.clone(), token: jti.clone() }]).await? {
        return refused(printer, &refusal);
    }
    let iat = Timestamp::now().as_second();
    let exp = desk.ledger.accounts().token_dies(&jti).unwrap_or(iat + TOKEN_SECONDS);
    printer.say(&format!("good for one device, until {}", instant(exp)));
    let token = signer.sign(&ImportToken { iat, exp, jti, to: options.to.clone() })?;
    printer.data(&format!("{token}\n"));
    Ok(Exit::Done)
}

async fn move_device(printer: &Printer, options: &Move) -> anyhow::Result<Exit> {
    if !options.accept_data_loss {
        let message = "what the device recorded is lost when it moves".into();
        return Err(UsageError { message, hint: Some("give --accept-data-loss where that is accepted".into()) }.into());
    }
    let opened = options.trusted.read()?.open::<ImportToken>(&options.token);
    if let (Ok(token), Some(name)) = (&opened, &options.named.name) {
        let Move { from, asking, named, .. } = options;
        return client::change_place(printer, [from, &token.to], asking, named, name, token.jti.clone()).await;
    }
    let mut desk = options.asking.open().await?;
    let command = match opened {
        Ok(token) => Ask::MoveDevice { from: options.from.clone(), token: token.jti },
        Err(reason) => Ask::Present { document: Document::ImportToken, reason },
    };
    desk.carry_out(printer, command).await
}
