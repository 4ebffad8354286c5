//! `realmwright resources`

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::exit::{Exit, UsageError};
use super::ledger::{Book, Moment, until};
use super::licence::list::is_over;
use super::output::Printer;
use super::table::{self, Format};
use crate::diagnostic::did_you_mean;
use crate::licence::{Accounts, Figures, LicenceView, OrganizationView};

/// `resources`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The organization
    organization: String,
    #[command(flatten)]
    book: Book,
    #[command(flatten)]
    moment: Moment,
    /// Of its licences, those that can't be used any more
    #[arg(long)]
    expired: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// What an organization has, and the licences that it has it from.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Balance {
    name: String,
    own_licences: bool,
    resources: BTreeMap<String, Figures>,
    licences: Vec<LicenceView>,
}

/// Shows what is left to an organization.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let balance = balance(&options.book.at(&options.moment).await?, options)?;
    match options.format {
        Format::Text => printer.data(&text(&balance)),
        Format::Json => printer.data(&(serde_json::to_string_pretty(&balance)? + "\n")),
        Format::Csv => printer.data(&csv(&balance)?),
    }
    Ok(Exit::Done)
}

fn balance(accounts: &Accounts, options: &Options) -> Result<Balance, UsageError> {
    let name = &options.organization;
    let seen = accounts.tree(name, 0).and_then(|view| Ok((view, accounts.licences_of(name)?)));
    let (view, mut licences) = seen.map_err(|refusal| {
        let hint = did_you_mean(name, accounts.names());
        UsageError { message: refusal.to_string(), hint }
    })?;
    licences.retain(|view| view.holder.as_ref() == Some(name) && is_over(view) == options.expired);
    let (own_licences, resources) = match view {
        OrganizationView::Open { own_licences, resources, .. } => (own_licences, resources),
        OrganizationView::Full { .. } => Default::default(),
    };
    Ok(Balance { name: name.clone(), own_licences, resources, licences })
}

fn text(balance: &Balance) -> String {
    let origin = if balance.own_licences { "own licences" } else { "parent's resources" };
    let mut out = format!("{}  {origin}\n", balance.name);
    let width = balance.resources.keys().map(String::len).max().unwrap_or_default();
    for (resource, Figures { limit, used, shared, licensed, allocated, free, .. }) in &balance.resources {
        let licensed = if *licensed > 0 { format!(", licensed {licensed}") } else { String::new() };
        out += &format!(
            "    {resource:width$}  {free} left: {allocated} of {limit} used (own {used}, shared {shared}{licensed})\n"
        );
    }
    for view in &balance.licences {
        let renewal = if view.terms.renewal.is_some() { ", renews itself" } else { "" };
        let (serial, released) = (&view.terms.serial, view.terms.released());
        out += &format!("  licence {serial}  {released}  {} until {}{renewal}\n", view.standing, until(view.expires));
    }
    out
}

fn csv(balance: &Balance) -> anyhow::Result<String> {
    let header = ["organization", "resource", "remaining", "limit", "allocated", "used", "shared", "licensed"];
    let rows = balance.resources.iter().map(|(resource, figures)| {
        let numbers = [figures.free, figures.limit, figures.allocated, figures.used, figures.shared, figures.licensed];
        let words = [balance.name.clone(), resource.clone()];
        words.into_iter().chain(numbers.map(|number| number.to_string())).collect()
    });
    table::csv(&header, rows)
}
