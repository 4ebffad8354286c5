//! Licence files: written with the signing key, believed by the trusted ones.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::terms;
use crate::cli::args::Format;
use crate::cli::exit::{Exit, Hinted};
use crate::cli::ledger::signing::Trusted;
use crate::cli::output::Printer;
use crate::cli::{files, ledger};
use crate::licence::{Distrust, Document, Entitlement, Refusal};
use crate::seal::LicenceFile;

/// `licence verify`
#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The licence file, or the text of an entitlement from a realm or a token; with --jwks, a whole access token
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) trusted: Trusted,
    /// File with the keys of the realm that issued an access token, as it publishes them: a JWK set
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// How to print what it says
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: Format,
}

/// The largest licence file, in bytes.
const LARGEST: u64 = 65_536;

/// The text of a licence file.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let about = std::fs::metadata(path).map_err(|error| files::unreadable(path, &error))?;
    if about.len() > LARGEST {
        let message = format!("{} has {} bytes, far more than a licence file", path.display(), about.len());
        return Err(Hinted { message, hint: "give the file that `licence issue --file` wrote".into() }.into());
    }
    let bytes = std::fs::read(path).map_err(|error| files::unreadable(path, &error))?;
    // What is no text is no licence; that it can't be believed is said by who reads it.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a realm or a token says somebody is entitled to.
pub(super) fn entitled(entitlement: &Entitlement) -> String {
    let Entitlement { sub, environment, product, limits, licences, .. } = entitlement;
    let about = product.as_ref().map_or_else(String::new, |product| format!(", for {product}"));
    let limits: Vec<String> = limits.iter().map(|(resource, limit)| format!("{limit} {resource}")).collect();
    let limits = if limits.is_empty() { "none".to_owned() } else { limits.join(", ") };
    let licences: String = licences.iter().map(terms).collect();
    format!("entitlement of {sub} in {environment}{about}\n  limits     {limits}\n{licences}")
}

/// Checks a file on its own: that it can be believed, and is of today.
pub(super) fn verify(printer: &Printer, options: &Verify) -> anyhow::Result<Exit> {
    if let Some(jwks) = &options.jwks {
        return super::token::verify(printer, options, jwks);
    }
    let (keys, text) = (options.trusted.read()?, read(&options.file)?);
    let opened = keys.open::<LicenceFile>(&text);
    if opened == Err(Distrust::OtherType)
        && let Ok(entitlement) = keys.open::<Entitlement>(&text)
    {
        match options.format {
            Format::Text => printer.data(&entitled(&entitlement)),
            Format::Json => printer.data(&(serde_json::to_string_pretty(&entitlement)? + "\n")),
        }
        printer.say("it is genuine");
        return Ok(Exit::Done);
    }
    let licence = match opened {
        Ok(file) => file.licence,
        Err(reason) => {
            let refusal = Refusal::Untrusted { document: Document::LicenceFile, reason };
            let token = matches!(reason, Distrust::Algorithm | Distrust::OtherType);
            let hint = token.then_some("is it an access token? Then give the keys of its realm with --jwks FILE");
            printer.error(&format!("{}: {refusal}", options.file.display()), hint);
            return Ok(Exit::Refused);
        }
    };
    match options.format {
        Format::Text => printer.data(&terms(&licence)),
        Format::Json => printer.data(&(serde_json::to_string_pretty(&licence)? + "\n")),
    }
    let now = Timestamp::now().as_second();
    if licence.renewal.is_none() && licence.expiry <= now {
        printer.error("it is genuine, and has expired", Some("ask whoever issued it; a renewed one is another file"));
        return Ok(Exit::Refused);
    }
    if let Some(from) = licence.valid_from.filter(|from| *from > now) {
        printer.say(&format!("it is genuine; it can be redeemed from {} on", ledger::instant(from)));
        return Ok(Exit::Done);
    }
    printer.say("it is genuine");
    Ok(Exit::Done)
}
