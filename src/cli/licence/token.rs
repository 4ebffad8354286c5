//! Access tokens, checked without asking their server.

use std::path::Path;

use jiff::Timestamp;

use super::file::{Verify, entitled, read};
use crate::cli::args::Format;
use crate::cli::exit::{Exit, Hinted};
use crate::cli::output::Printer;
use crate::cli::{files, ledger};
use crate::seal::{RealmKeys, TokenRefusal};

/// Checks an access token: that its realm signed it, that it is of today, and that what it says of licences is genuine.
pub(super) fn verify(printer: &Printer, options: &Verify, jwks: &Path) -> anyhow::Result<Exit> {
    let (trusted, text) = (options.trusted.read()?, read(&options.file)?);
    let keys = RealmKeys::from_json(&files::named(jwks)?).ok_or_else(|| Hinted {
        message: format!("{}: this is no set of JSON Web Keys", jwks.display()),
        hint: "a realm publishes its own at /realms/NAME/protocol/openid-connect/certs".into(),
    })?;
    match keys.open(&text, &trusted, Timestamp::now().as_second()) {
        Ok(found) => {
            match options.format {
                Format::Text => printer.data(&entitled(&found.entitlement)),
                Format::Json => printer.data(&(serde_json::to_string_pretty(&found.entitlement)? + "\n")),
            }
            printer.say(&format!("it is genuine; the token is good until {}", ledger::instant(found.expires)));
            Ok(Exit::Done)
        }
        Err(refusal) => {
            let hint = match refusal {
                TokenRefusal::UnknownKey => {
                    Some("a realm that has exchanged its keys publishes another set: fetch it again")
                }
                TokenRefusal::Expired => Some("ask for another one"),
                _ => None,
            };
            let message = format!("{}: refused: [{}] {refusal}", options.file.display(), refusal.code());
            printer.error(&message, hint);
            Ok(Exit::Refused)
        }
    }
}
