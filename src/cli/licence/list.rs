//! `realmwright licence list`

use clap::Args;

use super::text;
use crate::cli::exit::{Exit, UsageError};
use crate::cli::ledger::{Book, instant};
use crate::cli::output::Printer;
use crate::cli::table::{self, Format};
use crate::diagnostic::did_you_mean;
use crate::licence::{LicenceView, Standing};

/// `licence list`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// Only those that this organization holds or issued, as it sees them
    organization: Option<String>,
    #[command(flatten)]
    book: Book,
    /// Those that can't be used any more: expired, revoked, or ended with their holder
    #[arg(long)]
    expired: bool,
    /// How to print them
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Lists them.
pub(in crate::cli) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let ledger = options.book.now().await?;
    let accounts = ledger.accounts();
    let mut views = match &options.organization {
        None => accounts.licence_views().collect(),
        Some(name) => accounts.licences_of(name).map_err(|refusal| {
            let hint = did_you_mean(name, accounts.names());
            UsageError { message: refusal.to_string(), hint }
        })?,
    };
    views.retain(|view| is_over(view) == options.expired);
    match options.format {
        Format::Text => views.iter().for_each(|view| printer.data(&text(view))),
        Format::Json => printer.data(&(serde_json::to_string_pretty(&views)? + "\n")),
        Format::Csv => printer.data(&csv(&views)?),
    }
    if views.is_empty() {
        printer.say(if options.expired { "no licence has ended" } else { "there is no licence that can be used" });
    }
    Ok(Exit::Done)
}

/// Whether a licence can't be used any more.
pub(in crate::cli) fn is_over(view: &LicenceView) -> bool {
    !matches!(view.standing, Standing::Issued | Standing::Redeemed)
}

/// A row for each licence and resource.
pub(in crate::cli) fn csv(views: &[LicenceView]) -> anyhow::Result<String> {
    let header = [
        "serial",
        "product",
        "type",
        "resource",
        "quantity",
        "used",
        "expires",
        "auto_renew",
        "issued_by",
        "held_by",
        "standing",
    ];
    let rows = views.iter().flat_map(|view| {
        let terms = &view.terms;
        terms.quantities.iter().map(move |(resource, amount)| {
            vec![
                terms.serial.clone(),
                terms.product.clone(),
                terms.licence_type.clone(),
                resource.clone(),
                amount.to_string(),
                view.burned.get(resource).copied().unwrap_or_default().to_string(),
                instant(view.expires),
                terms.renewal.is_some().to_string(),
                terms.dealer.clone().unwrap_or_default(),
                view.holder.clone().unwrap_or_default(),
                view.standing.to_string(),
            ]
        })
    });
    table::csv(&header, rows)
}
