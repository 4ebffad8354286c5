//! `realmwright device`

use clap::{Args, Subcommand};
use jiff::Timestamp;

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
    Register(Count),
    /// Retire devices: the organization uses so many fewer
    Retire(Count),
    /// Print a token with which one device can be moved to an organization, once and within ten minutes
    ImportToken(Import),
    /// Move a device to the organization that a token is of
    Move(Move),
}

/// `device register`, `device retire`
#[derive(Debug, Args)]
pub(super) struct Count {
    /// The organization
    organization: String,
    /// How many
    #[arg(default_value = "1", value_parser = clap::value_parser!(i64).range(1..))]
    count: Amount,
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
    asking: Asking,
    #[command(flatten)]
    trusted: Trusted,
}

/// Does it.
pub(super) async fn run(printer: &Printer, command: &Command) -> anyhow::Result<Exit> {
    let devices = |of: &Count| (of.organization.clone(), DEVICES.to_owned(), of.count);
    match command {
        Command::Register(options) => {
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
    let mut desk = options.asking.open().await?;
    let command = match opened {
        Ok(token) => Ask::MoveDevice { from: options.from.clone(), token: token.jti },
        Err(reason) => Ask::Present { document: Document::ImportToken, reason },
    };
    desk.carry_out(printer, command).await
}
