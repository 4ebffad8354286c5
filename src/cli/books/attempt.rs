//! Refused attempts to apply, noted down in the ledger: once, however often the same is refused.

use serde::Serialize;

use super::location;
use crate::cli::ledger::asking::{Asker, Desk};
use crate::cli::ledger::{Book, hinted};
use crate::cli::output::Printer;
use crate::cli::session::{self, Meant};
use crate::ledger::{Ledger, Location};
use crate::licence::{Command, Refusal};
use crate::plan::{Plan, Proof, TenantPlan};
use crate::state::applied::digest;

/// Most reasons that are noted down.
const REASONS: usize = 20;

/// Notes down that guards refused a plan, where it is held against a ledger.
pub(in crate::cli) async fn by_guards(printer: &Printer, plan: &Plan, book: &Book, asker: &Asker) {
    let proof = plan.accounts.as_ref().map(|kept| &kept.proof);
    let named = match (book.given(), proof) {
        (Ok(Some(given)), _) => Some(given.clone()),
        (_, Some(Proof::Ledger { ledger, .. })) => ledger.parse().ok(),
        _ => None,
    };
    let Some(location) = named else { return };
    let refusals = plan.refused().map(|refusal| {
        let place = refusal.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        format!("[{}] {place}{}", refusal.guard, refusal.message)
    });
    // Without what differs each time it is made: when, where the ledger was, and since when a realm is unchanged.
    let tenants: Vec<&TenantPlan> = plan.tenants.iter().filter(|tenant| !tenant.is_empty()).collect();
    let events = plan.accounts.as_ref().map(|kept| &kept.events);
    let what = (&plan.header.environment, &plan.header.server, &plan.header.manifests, tenants, events);
    note(printer, &location, asker, &what, refusals.collect()).await;
}

/// Notes down that what the manifests grant does not add up, if that is why they can't be applied.
pub(in crate::cli) async fn by_manifests(printer: &Printer, meant: &Meant<'_>, book: &Book, asker: &Asker) {
    let Some((network, found)) = session::shortages(meant) else { return };
    let Ok(Some((location, _))) = location(book, network.ledger.as_deref(), meant.dir) else { return };
    let refusals: Vec<String> = found.iter().map(|finding| finding.message.clone()).collect();
    if !refusals.is_empty() {
        note(printer, &location, asker, &network.environment, refusals).await;
    }
}

/// Notes down that the ledger would refuse what a plan asks of it.
pub(super) async fn by_ledger(
    printer: &Printer,
    location: &str,
    asker: &Asker,
    environment: &str,
    refused: &[(Command, Refusal)],
) {
    let Ok(location) = location.parse() else { return };
    let refusals = refused.iter().map(|(_, refusal)| refusal.to_string()).collect();
    note(printer, &location, asker, &(environment, refused), refusals).await;
}

/// That it was refused has been said; whatever goes wrong here is said beside it, and changes nothing of that.
async fn note(printer: &Printer, location: &Location, asker: &Asker, what: &impl Serialize, mut refusals: Vec<String>) {
    let noted = async {
        let actor = asker.name()?;
        let print = digest(&serde_json::to_string(&(what, &refusals))?);
        if refusals.len() > REASONS {
            let more = refusals.len() - REASONS;
            refusals.truncate(REASONS);
            refusals.push(format!("and {more} more"));
        }
        let ledger = Ledger::open(location.store(true)).await.map_err(hinted)?;
        Desk::at(ledger, actor).note(print, Command::Attempt { refusals }).await
    };
    match noted.await {
        Ok(sequence) => printer.say(&format!("the attempt is entry {sequence} of {location}")),
        Err(error) => printer.say(&format!("the attempt was not noted down in {location}: {error}")),
    }
}
