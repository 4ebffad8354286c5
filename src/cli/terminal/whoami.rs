//! `realmwright whoami`

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;
use url::Url;

use super::super::args::Format;
use super::super::exit::{Exit, Hinted};
use super::super::output::Printer;
use super::Meant;
use crate::terminal::{Kept, Login, Realm, TerminalError};

/// `whoami`
#[derive(Debug, Args)]
pub(in super::super) struct Options {
    #[command(flatten)]
    meant: Meant,
    /// Print the access token and nothing else
    #[arg(long, conflicts_with = "format")]
    token: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Says who is logged in, with new tokens where the ones that are kept have ended.
pub(in super::super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let (kept, login) = options.meant.login()?;
    let login = match login.is_due(now()) {
        true => renewed(&kept, options).await?,
        false => login,
    };
    if options.token {
        printer.data(&format!("{}\n", login.access));
        return Ok(Exit::Done);
    }
    let (place, who) = (&login.place, &login.identity);
    match options.format {
        Format::Json => {
            let told = json!({
                "tenant": place.tenant, "label": place.label, "issuer": place.issuer, "broker": login.broker,
                "identity": who, "until": login.until,
            });
            printer.data(&(serde_json::to_string_pretty(&told)? + "\n"));
        }
        Format::Text => {
            let rows = [
                ("tenant", Some(format!("{} ({})", place.tenant, place.label))),
                ("issuer", Some(place.issuer.clone())),
                ("subject", Some(who.subject().to_owned())),
                ("user", who.user().map(str::to_owned)),
                ("name", who.name().map(str::to_owned)),
                ("e-mail", who.email().map(str::to_owned)),
            ];
            let line =
                |(name, value): (&str, Option<String>)| value.map(|value| format!("{name:8} {}\n", shown(&value)));
            printer.data(&rows.into_iter().filter_map(line).collect::<String>());
        }
    }
    Ok(Exit::Done)
}

/// New tokens, got once however many calls want them.
async fn renewed(kept: &Kept, options: &Options) -> anyhow::Result<Login> {
    let _held = kept.lock()?;
    let (_, login) = options.meant.login()?;
    if !login.is_due(now()) {
        return Ok(login);
    }
    let realm = Realm::of(Url::parse(&login.broker)?, login.place.clone()).await?;
    match realm.renewed(&login).await {
        Ok(renewed) => {
            kept.put(&renewed)?;
            Ok(renewed)
        }
        Err(ended @ TerminalError::Ended(_)) => {
            kept.remove(&login)?;
            let hint =
                format!("log in again with `realmwright login {} --broker {}`", login.place.tenant, login.broker);
            Err(Hinted { message: ended.to_string(), hint }.into())
        }
        Err(other) => Err(other.into()),
    }
}

/// A value of a realm's user, who may be called anything, as a terminal can show it.
fn shown(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
