//! `realmwright logout`

use clap::Args;
use url::Url;

use super::super::exit::Exit;
use super::super::output::Printer;
use super::Meant;
use crate::terminal::Realm;

/// `logout`
#[derive(Debug, Args)]
pub(in super::super) struct Options {
    #[command(flatten)]
    meant: Meant,
}

/// Ends a login at the realm and forgets its tokens; these also where the realm can't be told.
pub(in super::super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let (kept, _) = options.meant.login()?;
    let _held = kept.lock()?;
    // Somebody may have got new tokens meanwhile.
    let (_, login) = options.meant.login()?;
    kept.remove(&login)?;
    let realm = Realm::of(Url::parse(&login.broker)?, login.place.clone()).await;
    let ended = match &realm {
        Ok(realm) => realm.end(&login).await,
        Err(_) => false,
    };
    printer.say(&format!("logged out at {}", login.place.tenant));
    if !ended {
        printer.say("the realm could not be told: the session there ends by itself, or where it is ended by its user");
    }
    Ok(Exit::Done)
}
