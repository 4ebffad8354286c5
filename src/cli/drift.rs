//! `realmwright drift`

use super::args::{Drift as Options, PlanFormat};
use super::exit::Exit;
use super::output::Printer;
use super::{plan, session};
use crate::plan::drift::drift;

/// Shows what was changed in Keycloak although no manifest did; exits with 2 when there is such a thing.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let session = session::open(printer, &options.dir, &options.target, options.parallelism).await?;
    let (drifted, waiting) = drift(&session.plan);
    if drifted.is_empty() && options.format == PlanFormat::Text {
        printer.data("No drift: nothing that is managed was changed outside Realmwright.\n");
    } else {
        plan::show(printer, &drifted, options.format)?;
    }
    if waiting > 0 {
        let tenants = if waiting == 1 { "1 tenant waits".to_owned() } else { format!("{waiting} tenants wait") };
        printer.say(&format!("{tenants} for changes of the manifests; `realmwright plan` shows them"));
    }
    Ok(if drifted.is_empty() { Exit::Done } else { Exit::Differences })
}
