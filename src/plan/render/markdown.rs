//! A plan as a comment on a pull request: the summary first, then each tenant, folded.

use std::fmt::Write;

use super::{because, contents, show, sign, summary};
use crate::plan::{Action, Change, Plan};
use crate::state::Kind;

/// Longest report, in bytes; services that take comments refuse longer ones at 65,536.
const LIMIT: usize = 60_000;

/// The whole plan.
pub fn plan(plan: &Plan) -> String {
    let mut out = format!("### Realmwright: {}\n\n{}\n", plan.header.environment, summary(plan));
    let mut left_out = 0;
    for tenant in plan.tenants.iter().filter(|tenant| !tenant.is_empty()) {
        let mut part = String::new();
        let what = if tenant.is_birth() { "new realm".to_owned() } else { counted(tenant.changes.len()) };
        let _ = write!(
            part,
            "\n<details><summary><b>{}</b> ({}): {what}</summary>\n\n",
            escape(&tenant.tenant),
            tenant.tier
        );
        if let Some(parent) = tenant.path.last() {
            let _ = writeln!(part, "below `{parent}`, label {}\n", code(&tenant.label));
        }
        for change in &tenant.changes {
            self::change(&mut part, change);
        }
        if tenant.changes.is_empty() {
            part.push_str("- only the record of what is declared changes\n");
        }
        for foreign in &tenant.foreign {
            let _ = writeln!(part, "- foreign, left alone: {}", code(&foreign.to_string()));
        }
        part.push_str("\n</details>\n");
        if out.len() + part.len() > LIMIT {
            left_out += 1;
        } else {
            out.push_str(&part);
        }
    }
    if left_out > 0 {
        let _ = write!(out, "\n{left_out} more tenants are left out here for their length; see the plan itself.\n");
    }
    out
}

fn counted(changes: usize) -> String {
    if changes == 1 { "1 change".into() } else { format!("{changes} changes") }
}

fn change(out: &mut String, change: &Change) {
    let (sign, word) = sign(change.action);
    let _ = write!(out, "- `{sign}` {word} {}", code(&change.object.to_string()));
    if change.action == Action::Create && change.object.kind == Kind::Realm {
        let _ = write!(out, ": {}", contents(change));
    }
    if let Some(because) = because(change.cause) {
        let _ = write!(out, " _({because})_");
    }
    out.push('\n');
    for field in &change.fields {
        let _ = writeln!(
            out,
            "  - {}: {} → {}",
            code(&field.path),
            code(&show(field.before.as_ref())),
            code(&show(field.after.as_ref()))
        );
    }
}

/// Text in a code span that it can't leave.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let fence = "`".repeat(1 + text.split(|c| c != '`').map(str::len).max().unwrap_or(0));
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
