//! What is said of an outcome: of tenants that went wrong at once, of all at the end, and the exit code.

use std::time::Duration;

use crate::apply::{Outcome, Refused, TenantOutcome};
use crate::cli::exit::Exit;
use crate::plan::TenantPlan;
use crate::plan::render::count;

/// What is said of a tenant at once: only what went wrong.
pub(in crate::cli) fn note(tenant: &TenantPlan, outcome: &TenantOutcome) -> Option<String> {
    let stale = |refused: &[Refused], rest: &str| {
        let lines: Vec<String> = refused.iter().map(|one| format!("\n  {}/{one}", tenant.tenant)).collect();
        format!(
            "error: stale: {}: moved since the plan was made; {rest}{}\nhint: plan again: a new plan says what is still to do",
            tenant.tenant,
            lines.concat()
        )
    };
    match outcome {
        TenantOutcome::Changed(_) if tenant.unread.is_some() => {
            Some(format!("{}: it can be read again; plan again for what else differs in it", tenant.tenant))
        }
        TenantOutcome::Born
        | TenantOutcome::Changed(_)
        | TenantOutcome::Unchanged
        | TenantOutcome::NotStarted
        | TenantOutcome::Refused => None,
        TenantOutcome::Stale(refused) => Some(stale(refused, "nothing was written to this realm")),
        TenantOutcome::Partly { done, refused } => Some(stale(
            refused,
            &format!("these were refused, the rest was done ({})", count(*done, "change", "changes")),
        )),
        TenantOutcome::Failed { object, error, done, refused } => {
            let object = object.as_ref().map_or(String::new(), |id| format!("/{id}"));
            let hint = error.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
            let failed = format!(
                "error: {}{object}: {error} ({} made before){hint}",
                tenant.tenant,
                count(*done, "change", "changes")
            );
            let stale = (!refused.is_empty()).then(|| stale(refused, "these were refused") + "\n");
            Some(stale.unwrap_or_default() + &failed)
        }
    }
}

pub(super) fn summary(outcome: &Outcome, took: Duration, requests: u64) -> String {
    let born = outcome.count(|o| *o == TenantOutcome::Born);
    let changed = outcome.count(|o| matches!(o, TenantOutcome::Changed(_)));
    let unchanged = outcome.count(|o| *o == TenantOutcome::Unchanged);
    let partly = outcome.count(|o| matches!(o, TenantOutcome::Partly { .. }));
    let failed = outcome.count(|o| matches!(o, TenantOutcome::Failed { .. }));
    let stale = outcome.count(|o| matches!(o, TenantOutcome::Stale(_)));
    let left = outcome.count(|o| *o == TenantOutcome::NotStarted);
    let mut parts = vec![format!("{} created", count(born, "realm", "realms")), format!("{changed} changed")];
    parts.extend((unchanged > 0).then(|| format!("{unchanged} as planned before")));
    parts.extend((partly > 0).then(|| format!("{partly} changed in part")));
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.extend((stale > 0).then(|| format!("{stale} stale")));
    parts.extend((left > 0).then(|| format!("{left} not started")));
    let seconds = took.as_secs_f64();
    let rate = (born + changed + partly) as f64 / seconds.max(0.001);
    format!("Applied: {} in {seconds:.1} s with {requests} requests, {rate:.1} realms/s.\n", parts.join(", "))
}

pub(super) fn exit(outcome: &Outcome, stopped: bool) -> Exit {
    let good =
        |o: &TenantOutcome| matches!(o, TenantOutcome::Born | TenantOutcome::Changed(_) | TenantOutcome::Unchanged);
    let good = outcome.count(good);
    let partly = outcome.count(|o| matches!(o, TenantOutcome::Partly { .. }));
    let failed = outcome.count(|o| matches!(o, TenantOutcome::Failed { .. }));
    let stale = outcome.count(|o| matches!(o, TenantOutcome::Stale(_)));
    if stopped {
        Exit::Interrupted
    } else if good == outcome.tenants.len() {
        Exit::Done
    } else if good + partly > 0 {
        Exit::Partly
    } else if stale > 0 && failed == 0 {
        Exit::Stale
    } else {
        Exit::Failed
    }
}
