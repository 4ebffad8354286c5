//! A plan as a tree of tenants for a terminal. Each change is one line, each field below it another.

use std::fmt::Write;

use super::delta::{Delta, delta};
use super::{Matter, because, clean, contents, drift_summary, placement, sign, summary};
use crate::plan::quarantine::ways;
use crate::plan::{Action, Cause, Change, FieldChange, Plan, Refusal, TenantPlan};
use crate::state::{Kind, ObjectId};

/// Most objects of a tenant whose foreign fields are listed.
const OBJECTS: usize = 20;

/// The whole plan. Tenants with nothing to do are shown only where others below them have.
pub fn plan(plan: &Plan) -> String {
    whole(plan, &summary(plan))
}

/// Drift, as the plan that puts it back.
pub fn drift(drifted: &Plan) -> String {
    whole(drifted, &drift_summary(drifted))
}

fn whole(plan: &Plan, summary: &str) -> String {
    let mut out = format!("{} on {}\n\n", clean(&plan.header.environment), placement::servers(plan));
    for (index, tenant) in plan.tenants.iter().enumerate() {
        let shown = worth_showing(tenant);
        let below = plan.tenants[index + 1..].iter().take_while(|t| t.path.len() > tenant.path.len());
        if shown || below.clone().any(worth_showing) {
            let indent = "  ".repeat(tenant.path.len());
            let label =
                if tenant.label == tenant.tenant { String::new() } else { format!("  {}", clean(&tenant.label)) };
            let name = format!("{} ({}){label}", clean(&tenant.tenant), tenant.tier);
            if tenant.is_birth() {
                let on = placement::on(plan, &tenant.tenant);
                let _ = writeln!(out, "{indent}+ create  {name}: a realm with {}{on}", contents(&tenant.born()));
            } else {
                let _ = writeln!(out, "{indent}{name}");
                self::tenant(&mut out, tenant, &format!("{indent}    "));
            }
        }
    }
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    plan.placement.iter().for_each(|placement| placement::text(&mut out, placement));
    plan.accounts.iter().for_each(|kept| super::bookkeeping::text(&mut out, kept));
    refusals(&mut out, plan);
    out.push_str(summary);
    out.push('\n');
    out
}

/// What guards refuse, and the way out; what was waived.
fn refusals(out: &mut String, plan: &Plan) {
    let refused: Vec<&Refusal> = plan.refused().collect();
    for refusal in &plan.refusals {
        if refused.contains(&refusal) {
            let _ = writeln!(out, "! refused  [{}] {}", refusal.guard, super::refusal(refusal));
            let _ = writeln!(out, "    {}", refusal.way_out());
        } else {
            let _ = writeln!(out, "  waived   [{}] {}", refusal.guard, super::refusal(refusal));
        }
    }
    if !plan.refusals.is_empty() {
        out.push('\n');
    }
}

fn worth_showing(tenant: &TenantPlan) -> bool {
    !tenant.is_empty() || tenant.has_foreign() || !tenant.tampering.is_empty() || tenant.quarantined.is_some()
}

fn tenant(out: &mut String, tenant: &TenantPlan, indent: &str) {
    if let Some(until) = &tenant.quarantined {
        let _ = writeln!(out, "{indent}  in quarantine, kept until {until} at least  (left alone)");
        if !tenant.opened.is_empty() {
            let [shut, end] = ways(&tenant.tenant);
            let _ = writeln!(out, "{indent}! opened  {}", clean(&super::some(&tenant.opened)));
            let _ = writeln!(out, "{indent}    `{shut}` shuts it again; `{end}` ends its quarantine");
        }
    }
    if let Some(why) = &tenant.unread {
        let _ = writeln!(out, "{indent}! unread  {}", clean(why));
    }
    for tampering in &tenant.tampering {
        let what = std::iter::once(tampering.object.to_string()).chain(tampering.path.clone());
        let what = what.collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "{indent}! tampered  {} {}", clean(&what), tampering.how.words());
    }
    if !tenant.missing.is_empty() {
        let names: Vec<String> = tenant.missing.iter().map(ObjectId::to_string).collect();
        let _ =
            writeln!(out, "{indent}! missing  {}  (Keycloak's own, removed by others)", clean(&super::some(&names)));
    }
    for change in &tenant.changes {
        self::change(out, change, indent);
    }
    if tenant.changes.is_empty() && tenant.record.is_some() {
        let _ = writeln!(out, "{indent}~ record  what is declared has changed its form, the realm has not");
    }
    for foreign in &tenant.foreign {
        let with = tenant.going().find(|(id, _)| *id == foreign);
        let fate = with.map_or("left alone".into(), |(_, owner)| format!("goes with {}", clean(&owner.to_string())));
        let _ = writeln!(out, "{indent}  foreign {}  ({fate})", clean(&foreign.to_string()));
    }
    for (object, paths) in tenant.foreign_fields.iter().take(OBJECTS) {
        let fields = clean(&super::some(paths));
        let _ = writeln!(out, "{indent}  foreign {} {fields}  (left alone)", clean(&object.to_string()));
    }
    if let Some(more) = tenant.foreign_fields.len().checked_sub(OBJECTS).filter(|more| *more > 0) {
        let _ = writeln!(out, "{indent}  foreign fields of {more} more objects  (left alone)");
    }
}

/// One change and its fields.
fn change(out: &mut String, change: &Change, indent: &str) {
    let (sign, word) = sign(change.action, Matter::Plan);
    let mut line = format!("{indent}{sign} {word}  {}", clean(&change.object.to_string()));
    if change.action == Action::Create && change.cause == Cause::Drift {
        line.push_str("  (removed outside Realmwright)");
    }
    if change.action == Action::Adopt && change.object.kind == Kind::Realm {
        line.push_str("  (made elsewhere: the marker and the provisioner are written)");
    }
    out.push_str(&line);
    out.push('\n');
    for field in &change.fields {
        self::field(out, change.object.kind, field, &format!("{indent}    "));
    }
}

/// A field on one line, or its entries below it.
fn field(out: &mut String, kind: Kind, field: &FieldChange, indent: &str) {
    let path = clean(&field.path);
    let because = because(field.cause).map(|because| format!("  ({because})")).unwrap_or_default();
    match delta(kind, field) {
        Delta::Whole(before, after) => {
            let _ = writeln!(out, "{indent}{path}  {before} → {after}{because}");
        }
        Delta::Steps(steps) => {
            let _ = writeln!(out, "{indent}{path}{because}");
            for step in steps {
                let at = if step.path.is_empty() { String::new() } else { format!("{}  ", step.path) };
                let _ = writeln!(out, "{indent}  {} {at}{}", step.sign, step.texts.join(" → "));
            }
        }
    }
}
