//! Changes as lists: those that many tenants have alike once, the others by tenant.

use std::fmt::Write;

use super::super::delta::{Delta, delta};
use super::super::{because, show, sign};
use super::escape::code;
use super::{Page, names, tenants};
use crate::plan::review::{Shared, TENANT};
use crate::plan::{Action, Change, Plan, TenantPlan};

/// Most fields that are shown of one object.
const FIELDS: usize = 25;

/// So many lines of what many tenants have alike are shown unfolded.
const LINES: usize = 24;

/// Most fields that are shown of an object that is created.
const CREATED: usize = 12;

/// What many tenants have alike.
pub(super) fn shared(page: &mut Page, plan: &Plan, shared: &[Shared]) {
    if shared.is_empty() {
        return;
    }
    page.push("#### The same in many tenants\n\n");
    let work = plan.tenants.iter().filter(|tenant| !tenant.is_empty()).count();
    for group in shared {
        let parts: Vec<String> = group.changes.iter().map(change).collect();
        let count = group.tenants.len();
        let mut heading = format!("**In {} of {work} tenants with changes:**\n\n", count);
        if parts.iter().any(|part| part.contains(TENANT)) {
            let _ = write!(heading, "({} stands for the name of each.)\n\n", code(TENANT));
        }
        page.push(&heading);
        let few = parts.iter().map(|part| part.lines().count()).sum::<usize>() <= LINES;
        if few {
            page.push(&(parts.concat() + "\n"));
        } else {
            page.fold(&counted(group.changes.len()), false, &parts);
        }
        page.fold(&format!("which {}", tenants(count)), false, &[names(plan, &group.tenants) + "\n"]);
    }
}

/// One tenant with the changes that are its own.
pub(super) fn tenant(tenant: &TenantPlan, own: &[Change]) -> String {
    let mut out = format!("**{}** ({})", code(&tenant.tenant), tenant.tier);
    if tenant.label != tenant.tenant {
        let _ = write!(out, " {}", code(&tenant.label));
    }
    if let Some(parent) = tenant.path.last() {
        let _ = write!(out, ", below {}", code(parent));
    }
    let others = tenant.changes.len() - own.len();
    if others > 0 {
        let _ = write!(out, "; beside {} that others have too", counted(others));
    }
    out.push_str("\n\n");
    own.iter().for_each(|change| out.push_str(&self::change(change)));
    if recorded(tenant) {
        out.push_str("- only the record of what is declared changes\n");
    }
    out.push('\n');
    out
}

/// True when nothing but the marker is written.
pub(super) fn recorded(tenant: &TenantPlan) -> bool {
    tenant.changes.is_empty() && tenant.record.is_some()
}

/// What others put there, by tenant.
pub(super) fn foreign(page: &mut Page, plan: &Plan) {
    let lines: Vec<String> = plan
        .tenants
        .iter()
        .filter(|tenant| !tenant.foreign.is_empty())
        .map(|tenant| {
            let shown = tenant.foreign.iter().take(FIELDS).map(|id| code(&id.to_string())).collect::<Vec<_>>();
            let more = tenant.foreign.len().saturating_sub(FIELDS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("- {}: {}{more}\n", code(&tenant.tenant), shown.join(", "))
        })
        .collect();
    page.fold("Foreign objects, left alone", false, &lines);
}

fn counted(changes: usize) -> String {
    if changes == 1 { "1 change".into() } else { format!("{changes} changes") }
}

fn change(change: &Change) -> String {
    let (sign, word) = sign(change.action);
    let mut out = format!("- `{sign}` {word} {}", code(&change.object.to_string()));
    if change.action == Action::Create && change.cause == crate::plan::Cause::Drift {
        out.push_str(" _(removed outside Realmwright)_");
    } else if let Some(because) = because(change.cause) {
        let _ = write!(out, " _({because})_");
    }
    out.push('\n');
    let kind = change.object.kind;
    for field in change.fields.iter().take(FIELDS) {
        let _ = write!(out, "  - {}", code(&field.path));
        match delta(kind, field) {
            Delta::Whole(before, after) => {
                let _ = writeln!(out, ": {} → {}", code(&before), code(&after));
            }
            Delta::Steps(steps) => {
                out.push('\n');
                for step in steps {
                    let sign = if step.sign == ' ' { String::new() } else { format!("`{}` ", step.sign) };
                    let path = if step.path.is_empty() { String::new() } else { format!("{}: ", code(&step.path)) };
                    let texts: Vec<String> = step.texts.iter().map(|text| code(text)).collect();
                    let _ = writeln!(out, "    - {sign}{path}{}", texts.join(" → "));
                }
            }
        }
    }
    let created = change.created();
    for (path, value) in created.iter().take(CREATED) {
        let readable = kind.shows(path, Some(value));
        let value = if readable { show(Some(value)) } else { "(secret)".into() };
        let _ = writeln!(out, "  - {}: {}", code(path), code(&value));
    }
    let (fields, all) = if created.is_empty() { (FIELDS, change.fields.len()) } else { (CREATED, created.len()) };
    if all > fields {
        let _ = writeln!(out, "  - and {} more fields", all - fields);
    }
    out
}
