//! `realmwright tree`

mod csv;
mod platform;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::exit::{Exit, UsageError};
use super::ledger::{Book, Moment};
use super::output::Printer;
use super::session;
use super::table::Format;
use crate::diagnostic::did_you_mean;
use crate::licence::{Accounts, OrganizationView};
use crate::manifest::resolve::resolve;

/// `tree`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The organization to begin with; by default all roots
    organization: Option<String>,
    /// Show instead what the platform issued of each resource, and where it is
    #[arg(long, conflicts_with_all = ["organization", "depth", "manifests"])]
    platform: bool,
    #[command(flatten)]
    book: Book,
    #[command(flatten)]
    moment: Moment,
    /// How many levels below it to show
    #[arg(short, long, default_value = "1", value_name = "LEVELS")]
    depth: usize,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
    /// Directory with the manifests that say labels and tiers; without it, names are shown alone
    #[arg(short, long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    /// The environment; needed when the platform has more than one
    #[arg(short, long, env = "REALMWRIGHT_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,
}

/// What manifests say of an organization: its label and its tier.
type Labels = BTreeMap<String, (String, String)>;

/// Shows who has how much of what, and what became of it.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let labels = labels(printer, options)?;
    let accounts = options.book.at(&options.moment).await?;
    if options.platform {
        printer.data(&platform::shown(&accounts.platform(), options.format)?);
        return Ok(Exit::Done);
    }
    let views = views(&accounts, options)?;
    match options.format {
        Format::Text => printer.data(&text::tree(&views, &labels)),
        Format::Csv => printer.data(&csv::tree(&views, &labels)?),
        Format::Json => {
            let mut values = serde_json::to_value(&views)?;
            values.as_array_mut().into_iter().flatten().for_each(|view| label(view, &labels));
            printer.data(&(serde_json::to_string_pretty(&values)? + "\n"));
        }
    }
    Ok(Exit::Done)
}

fn views(accounts: &Accounts, options: &Options) -> Result<Vec<OrganizationView>, UsageError> {
    let names = match &options.organization {
        Some(name) => vec![name.as_str()],
        None => accounts.roots(),
    };
    let view = |name: &str| {
        accounts.tree(name, options.depth).map_err(|refusal| {
            let near = did_you_mean(name, accounts.names());
            let hint = near.unwrap_or_else(|| "`realmwright tree` without a name shows the roots".into());
            UsageError { message: refusal.to_string(), hint: Some(hint) }
        })
    };
    names.into_iter().map(view).collect()
}

fn labels(printer: &Printer, options: &Options) -> anyhow::Result<Labels> {
    let Some(dir) = &options.manifests else { return Ok(Labels::new()) };
    let mut manifests = session::read(printer, dir)?;
    let environment = session::environment(&manifests.set, options.environment.as_deref())?;
    let network = resolve(&manifests.set, &environment, &mut manifests.found);
    manifests.report(printer)?;
    let said = network.tenants.iter().map(|tenant| {
        let label = tenant.settings.label.clone().unwrap_or_else(|| tenant.name.clone());
        (tenant.name.clone(), (label, tenant.tier.to_string()))
    });
    Ok(said.collect())
}

/// Adds label and tier to an organization and those below it.
fn label(view: &mut Value, labels: &Labels) {
    if let Some((label, tier)) = view["name"].as_str().and_then(|name| labels.get(name)) {
        view["label"] = label.as_str().into();
        view["tier"] = tier.as_str().into();
    }
    view["children"].as_array_mut().into_iter().flatten().for_each(|child| self::label(child, labels));
}
