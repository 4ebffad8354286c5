//! A plan as a tree of tenants for a terminal. Each change is one line, each field below it another.

use std::fmt::Write;

use super::{contents, field, sign, summary};
use crate::plan::{Action, Cause, Change, Plan, TenantPlan};

/// The whole plan. Tenants with nothing to do are shown only where others below them have.
pub fn plan(plan: &Plan) -> String {
    let mut out =
        format!("{} on {}\n\n", plan.header.environment, plan.header.server.trim_end_matches("/realms/master"));
    for (index, tenant) in plan.tenants.iter().enumerate() {
        let shown = worth_showing(tenant);
        let below = plan.tenants[index + 1..].iter().take_while(|t| t.path.len() > tenant.path.len());
        if shown || below.clone().any(worth_showing) {
            let indent = "  ".repeat(tenant.path.len());
            let label = if tenant.label == tenant.tenant {
                String::new()
            } else {
                format!("  {}", tenant.label.replace('\n', " "))
            };
            let name = format!("{} ({}){label}", tenant.tenant, tenant.tier);
            match tenant.changes.first().filter(|_| tenant.is_birth()) {
                Some(birth) => {
                    let _ = writeln!(out, "{indent}+ create  {name}: a realm with {}", contents(birth));
                }
                None => {
                    let _ = writeln!(out, "{indent}{name}");
                    self::tenant(&mut out, tenant, &format!("{indent}    "));
                }
            }
        }
    }
    out = out.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    out.push_str(&summary(plan));
    out.push('\n');
    out
}

fn worth_showing(tenant: &TenantPlan) -> bool {
    !tenant.is_empty() || !tenant.foreign.is_empty()
}

fn tenant(out: &mut String, tenant: &TenantPlan, indent: &str) {
    for change in &tenant.changes {
        self::change(out, change, indent);
    }
    if tenant.changes.is_empty() && tenant.record.is_some() {
        let _ = writeln!(out, "{indent}~ record  what is declared has changed its form, the realm has not");
    }
    for foreign in &tenant.foreign {
        let _ = writeln!(out, "{indent}  foreign {foreign}  (left alone)");
    }
}

/// One change and its fields.
fn change(out: &mut String, change: &Change, indent: &str) {
    let (sign, word) = sign(change.action);
    let mut line = format!("{indent}{sign} {word}  {}", change.object);
    if change.action == Action::Create && change.cause == Cause::Drift {
        line.push_str("  (removed outside Realmwright)");
    }
    out.push_str(&line);
    out.push('\n');
    for field in &change.fields {
        let _ = writeln!(out, "{indent}    {}", self::field(field));
    }
}
