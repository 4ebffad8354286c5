//! `realmwright login`

use clap::Args;
use url::Url;

use super::super::exit::{Exit, UsageError};
use super::super::output::Printer;
use super::super::stop;
use super::Keeping;
use crate::diagnostic::did_you_mean;
use crate::login::device::Waiting;
use crate::terminal::{Login, Realm};

/// `login`
#[derive(Debug, Args)]
pub(in super::super) struct Options {
    /// The tenant, as it is typed in a browser
    tenant: String,
    /// Address of the token broker, as in a browser
    #[arg(long, env = "REALMWRIGHT_BROKER", value_name = "URL")]
    broker: Option<Url>,
    /// Log in with a browser on this machine, instead of by a code that any browser takes. It is opened where somebody sits at
    /// the terminal and CI is not set; the address is printed in any case
    #[arg(long)]
    loopback: bool,
    /// Open no browser, only print the address
    #[arg(long, requires = "loopback")]
    no_browser: bool,
    /// A product whose API is to be called with this login; whoever has no seat of it gets no access. May be given again
    #[arg(long = "audience", value_name = "PRODUCT")]
    audiences: Vec<String>,
    #[command(flatten)]
    keeping: Keeping,
}

/// Logs somebody in, and keeps their tokens.
pub(in super::super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let Some(broker) = &options.broker else {
        let hint = Some("give --broker URL, or set REALMWRIGHT_BROKER".to_owned());
        return Err(UsageError { message: "the address of the token broker is not known".into(), hint }.into());
    };
    let kept = options.keeping.kept()?;
    tokio::select! {
        login = login(printer, broker, options) => {
            let login = login?;
            kept.put(&login)?;
            let who = login.identity.user().unwrap_or(login.identity.subject());
            printer.say(&format!("logged in at {} as {who}", login.place.tenant));
            Ok(Exit::Done)
        }
        () = stop::signal() => {
            printer.say("stopped; nobody was logged in");
            Ok(Exit::Interrupted)
        }
    }
}

async fn login(printer: &Printer, broker: &Url, options: &Options) -> anyhow::Result<Login> {
    let realm = Realm::find(broker, &options.tenant).await?;
    let place = &realm.place;
    if let Some(unknown) = options.audiences.iter().find(|audience| !place.audiences.contains(audience)) {
        let message = format!("`{unknown}` is nothing that terminals get access to");
        let hint = did_you_mean(unknown, place.audiences.iter().map(String::as_str));
        return Err(UsageError { message, hint }.into());
    }
    printer.say(&format!("{} ({}) at {}, as {}", place.label, place.tenant, place.issuer, place.client));
    let opens = !options.no_browser && printer.can_ask() && std::env::var_os("CI").is_none_or(|ci| ci.is_empty());
    let here = |url: &Url| {
        let what = if opens { "a browser opens; where none does, open in one" } else { "open in a browser" };
        printer.say(&format!("{what} on this machine: {url}"));
        if opens {
            open(url.clone());
        }
    };
    let anywhere = |waiting: &Waiting| printer.say(&asks(waiting));
    Ok(match options.loopback {
        true => realm.by_browser(&options.audiences, here).await?,
        false => realm.by_device(&options.audiences, anywhere).await?,
    })
}

/// Opens the user's browser, as the system or `BROWSER` says. One that runs in the terminal is waited for, which must not hold up
/// its coming back; where none opens, the address stands there.
fn open(url: Url) {
    std::thread::spawn(move || webbrowser::open(url.as_str()));
}

/// What somebody is to do. The page shows the code again, so that they see that it is theirs.
fn asks(waiting: &Waiting) -> String {
    let Waiting { user_code, page, page_with_code, .. } = waiting;
    match page_with_code {
        Some(whole) => format!("open in any browser: {whole}\nor open {page} and type {user_code}"),
        None => format!("open in any browser: {page}\nand type {user_code}"),
    }
}
