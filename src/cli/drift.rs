//! `realmwright drift`

use clap::Args;

use super::args::{PlanFormat, View};
use super::events::Event;
use super::exit::Exit;
use super::output::Printer;
use super::session;
use super::stop::stoppable;
use crate::plan::TenantPlan;
use crate::plan::drift::drift;
use crate::plan::render;

/// `drift`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// What it is about.
    #[command(flatten)]
    pub(super) view: View,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    pub(super) format: PlanFormat,
    /// Print what happens instead, as it happens: one JSON object a line; `realmwright schema events` describes them
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
}

/// Shows what was changed in Keycloak although no manifest did; exits with 2 when there is such a thing.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let printer = &printer.streaming(options.json);
    let exit = stoppable(printer, look(printer, options)).await?;
    printer.event(&Event::over(exit));
    Ok(exit)
}

async fn look(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let plan = session::look(printer, &options.view, None).await?;
    let (drifted, waiting) = drift(&plan);
    match options.format {
        format if printer.streams() => super::plan::show(printer, &drifted, format)?,
        PlanFormat::Text if drifted.is_empty() && !drifted.tenants.iter().any(is_shown) => {
            printer.data(&format!("{}\n", render::drift_summary(&drifted)))
        }
        PlanFormat::Text => printer.plan(&render::text::drift(&drifted)),
        PlanFormat::Json => super::plan::show(printer, &drifted, options.format)?,
        PlanFormat::Markdown => printer.data(&render::markdown::drift(&drifted, waiting)),
    }
    let missing: Vec<&str> = drifted.tenants.iter().filter(|t| t.is_birth()).map(|t| t.tenant.as_str()).collect();
    if !missing.is_empty() {
        printer.say(&format!("deleted outside Realmwright, or never applied: {}", missing.join(", ")));
    }
    if drifted.summary.realms_quarantined > 0 {
        let names: Vec<&str> =
            drifted.tenants.iter().filter(|t| t.quarantined.is_some()).map(|t| t.tenant.as_str()).collect();
        printer.say(&format!("in quarantine, and left alone: {}", names.join(", ")));
    }
    if waiting > 0 {
        let tenants = if waiting == 1 { "1 tenant waits".to_owned() } else { format!("{waiting} tenants wait") };
        printer.say(&format!("{tenants} for changes of the manifests; `realmwright plan` shows them"));
    }
    if drifted.tenants.iter().any(TenantPlan::is_unknown) {
        return Ok(Exit::Failed);
    }
    let same = drifted.is_empty() && drifted.opened().next().is_none() && drifted.tampered().next().is_none();
    Ok(if same { Exit::Done } else { Exit::Differences })
}

fn is_shown(tenant: &TenantPlan) -> bool {
    tenant.has_foreign() || !tenant.opened.is_empty() || !tenant.tampering.is_empty()
}
