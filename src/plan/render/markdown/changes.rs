//! Changes as lists: those that many tenants have alike once, the others by tenant.

use std::fmt::Write;

use super::super::delta::{Delta, delta};
use super::super::{Matter, authors, because, show, sign};
use super::escape::code;
use super::{Page, legend, names, tenants};
use crate::plan::review::Shared;
use crate::plan::{Action, Change, Plan, TenantPlan};
use crate::state::{Fields, ObjectId};
use serde_json::Value;

/// Most fields that are shown of one object.
const FIELDS: usize = 25;

/// So many lines of what many tenants have alike are shown unfolded.
const LINES: usize = 24;

/// Most fields that are shown of an object that is created.
const CREATED: usize = 12;

/// What many tenants have alike.
pub(super) fn shared(page: &mut Page, plan: &Plan, shared: &[Shared], matter: Matter) {
    if shared.is_empty() {
        return;
    }
    page.push("#### The same in many tenants\n\n");
    let work: Vec<usize> =
        (0..plan.tenants.len()).filter(|n| !plan.tenants[*n].is_empty() && !plan.tenants[*n].is_birth()).collect();
    for group in shared {
        let parts: Vec<String> = group.changes.iter().map(|change| self::change(change, matter)).collect();
        let count = group.tenants.len();
        let legend = legend(&parts.concat());
        let others: Vec<usize> = work.iter().filter(|index| !group.tenants.contains(index)).copied().collect();
        let change = if matter == Matter::Plan { "change" } else { "were changed" };
        let which = match others.len() {
            0 => format!("all {count} tenants that {change}"),
            1..=5 => format!("{count} of {} tenants that {change}, not in {}", work.len(), names(plan, &others)),
            _ => format!("{count} of {} tenants that {change}", work.len()),
        };
        page.push(&format!("**In {which}:**\n\n{legend}"));
        let few = parts.iter().map(|part| part.lines().count()).sum::<usize>() <= LINES;
        if few {
            page.push(&(parts.concat() + "\n"));
        } else {
            page.fold(&counted(group.changes.len()), false, &parts);
        }
        page.fold(&format!("which {}", tenants(count)), false, &[names(plan, &group.tenants) + "\n"]);
    }
}

/// One tenant with the changes that are its own; how many it has that others have too.
pub(super) fn tenant(tenant: &TenantPlan, own: &[Change], others: usize, matter: Matter) -> String {
    let mut out = format!("**{}** ({})", code(&tenant.tenant), tenant.tier);
    if tenant.label != tenant.tenant {
        let _ = write!(out, " {}", code(&tenant.label));
    }
    if let Some(parent) = tenant.path.last() {
        let _ = write!(out, ", below {}", code(parent));
    }
    if others > 0 {
        let _ = write!(out, "; beside {} that others have too", counted(others));
    }
    out.push_str("\n\n");
    own.iter().for_each(|change| out.push_str(&self::change(change, matter)));
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

/// What others put there, by tenant, and tenants in quarantine.
pub(super) fn alone(page: &mut Page, plan: &Plan) {
    let going = |tenant: &TenantPlan| -> Vec<String> {
        tenant
            .going()
            .map(|(id, owner)| format!("{} with {}", code(&id.to_string()), code(&owner.to_string())))
            .collect()
    };
    let left = |tenant: &TenantPlan| -> Vec<String> {
        let goes = |id: &&ObjectId| tenant.going().any(|(other, _)| other == *id);
        tenant.foreign.iter().filter(|id| !goes(id)).map(|id| code(&id.to_string())).collect()
    };
    foreign(page, plan, "Foreign objects that go with what is deleted", going);
    foreign(page, plan, "Foreign objects, left alone", left);
    let missing = |tenant: &TenantPlan| tenant.missing.iter().map(|id| code(&id.to_string())).collect();
    foreign(page, plan, "Keycloak's own objects that others removed, not made again", missing);
    let fields = plan.tenants.iter().flat_map(|tenant| tenant.foreign_fields.iter().map(move |entry| (tenant, entry)));
    let lines: Vec<String> = fields
        .map(|(tenant, (object, paths))| {
            let address = code(&format!("{}/{object}", tenant.tenant));
            let shown = paths.iter().take(FIELDS).map(|path| code(path)).collect::<Vec<_>>().join(", ");
            let more = paths.len().saturating_sub(FIELDS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("- {address}: {shown}{more}\n")
        })
        .collect();
    if !lines.is_empty() {
        page.fold("Foreign fields, left alone", false, &lines);
    }
    authors(page, plan);
    let quarantined: Vec<usize> =
        (0..plan.tenants.len()).filter(|index| plan.tenants[*index].quarantined.is_some()).collect();
    if !quarantined.is_empty() {
        page.push(&format!("In quarantine, left alone: {}\n\n", names(plan, &quarantined)));
    }
}

/// Who changed what was changed by hand.
fn authors(page: &mut Page, plan: &Plan) {
    let mut lines = Vec::new();
    for tenant in &plan.tenants {
        for object in tenant.authors.iter().flat_map(|authors| authors.of.keys()) {
            let who = authors::of(tenant, object, code).join("; ");
            lines.push(format!("- {}: {who}\n", code(&format!("{}/{object}", tenant.tenant))));
        }
        let nobody = authors::nobody(tenant, code);
        lines.extend(nobody.map(|objects| format!("- {}: nobody is on record for {objects}\n", code(&tenant.tenant))));
    }
    if !lines.is_empty() {
        page.fold("Who changed it", true, &lines);
    }
}

/// Foreign objects, the first ones of each tenant.
fn foreign(page: &mut Page, plan: &Plan, title: &str, objects: impl Fn(&TenantPlan) -> Vec<String>) {
    let of = plan.tenants.iter().map(|tenant| (tenant, objects(tenant))).filter(|(_, objects)| !objects.is_empty());
    let lines = of.map(|(tenant, objects)| {
        let more = objects.len().saturating_sub(FIELDS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("- {}: {}{more}\n", code(&tenant.tenant), objects[..objects.len().min(FIELDS)].join(", "))
    });
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        page.fold(title, false, &lines);
    }
}

/// The fields that an object is created with, without what its address says already, and what is empty.
fn worth_reading(change: &Change) -> Fields {
    let mut created = change.created();
    let key = &change.object.key;
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let named = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| key.strip_suffix(text).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')))
    };
    created.retain(|_, value| !empty(value) && !named(value));
    created
}

fn counted(changes: usize) -> String {
    if changes == 1 { "1 change".into() } else { format!("{changes} changes") }
}

fn change(change: &Change, matter: Matter) -> String {
    let (sign, word) = sign(change.action, matter);
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
    let created = worth_reading(change);
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
