//! A plan as a comment on a pull request, for a reviewer in a hurry: how much happens, what is dangerous about it, what
//! is one thing done to many tenants, and the rest by distributor and tenant, folded.
//!
//! No value can break out of its place: values stand in code, of whatever they hold (see `escape`).

mod births;
mod changes;
mod escape;
mod risks;

use std::fmt::Write;

use crate::plan::review::{Count, Review, review};
use crate::plan::{Plan, Refusal, TenantPlan};
use escape::{code, html};

/// Longest report, in bytes; services that take comments refuse longer ones at 65,536.
const LIMIT: usize = 65_536;

/// Kept free for what ends a report.
const RESERVE: usize = 2_048;

/// Most tenants that are named in one place.
const NAMES: usize = 60;

/// So few tenants with changes of their own are shown unfolded.
const FEW: usize = 3;

/// The whole plan.
pub fn plan(plan: &Plan) -> String {
    let review = review(plan);
    let mut page = Page::new();
    page.push(&heading(plan));
    page.push(&refusals(plan));
    page.push(&unread(plan));
    if !plan.is_empty() {
        page.push(&table(&review.counts));
        risks::write(&mut page, plan, &review.risks);
        births::write(&mut page, plan);
        changes::shared(&mut page, plan, &review.shared);
        branches(&mut page, plan, &review);
    }
    page.finish(&plan.header)
}

/// The text so far, which takes a part only where it still fits.
struct Page {
    out: String,
    left_out: usize,
}

impl Page {
    fn new() -> Self {
        Self { out: String::new(), left_out: 0 }
    }

    /// Adds a part whole, or not at all.
    fn push(&mut self, part: &str) -> bool {
        let fits = self.out.len() + part.len() <= LIMIT - RESERVE;
        if fits {
            self.out.push_str(part);
        } else {
            self.left_out += 1;
        }
        fits
    }

    /// Adds folded parts under a line of HTML, as many as fit, with a note about the rest.
    fn fold(&mut self, summary: &str, open: bool, parts: &[String]) {
        let open = if open { " open" } else { "" };
        let mut body = format!("<details{open}><summary>{summary}</summary>\n\n");
        let room = (LIMIT - RESERVE).saturating_sub(self.out.len());
        let mut taken = 0;
        for part in parts {
            // The note and the end of the fold take less than this.
            if body.len() + part.len() + 160 > room {
                break;
            }
            body.push_str(part);
            taken += 1;
        }
        if taken < parts.len() {
            let _ = write!(body, "\n_{} more are left out here for their length._\n", parts.len() - taken);
        }
        body.push_str("\n</details>\n\n");
        let shown = taken > 0 || parts.is_empty();
        // What does not fit is counted by `push`.
        if !shown || (self.push(&body) && taken < parts.len()) {
            self.left_out += 1;
        }
    }

    fn finish(mut self, header: &crate::plan::Header) -> String {
        if self.left_out > 0 {
            self.out.push_str(
                "> **This comment is not the whole plan:** parts were left out for their length. \
                 `realmwright plan` shows all of it.\n\n",
            );
        }
        let manifests: String = header.manifests.chars().take(19).collect();
        let _ = writeln!(
            self.out,
            "<sub>Made {} by Realmwright {} from the manifests {}, for {}. It can be applied until {}.</sub>",
            html(&header.created_at),
            html(&header.tool_version),
            html(&manifests),
            html(header.server.trim_end_matches("/realms/master")),
            html(&header.expires_at)
        );
        self.out
    }
}

fn heading(plan: &Plan) -> String {
    format!("### Realmwright: plan for {}\n\n{}\n\n", code(&plan.header.environment), super::summary(plan))
}

fn table(counts: &[Count]) -> String {
    let mut out = String::from("| | created | changed | deleted |\n|---|---:|---:|---:|\n");
    for Count { name, created, changed, deleted } in counts {
        let deleted = if *deleted > 0 { format!("**{deleted}**") } else { "0".into() };
        let _ = writeln!(out, "| {name} | {created} | {changed} | {deleted} |");
    }
    out + "\n"
}

/// The tenants with changes of their own, below their distributors.
fn branches(page: &mut Page, plan: &Plan, review: &Review) {
    let work = |index: &usize| !review.own[*index].is_empty() || changes::recorded(&plan.tenants[*index]);
    let indices: Vec<usize> = (0..plan.tenants.len()).filter(work).collect();
    let foreign = plan.tenants.iter().any(|tenant| !tenant.foreign.is_empty());
    if !indices.is_empty() {
        page.push(if review.shared.is_empty() { "#### Changes\n\n" } else { "#### Changes of single tenants\n\n" });
    }
    let few = indices.len() <= FEW;
    let mut rest = indices.as_slice();
    while let Some(first) = rest.first() {
        let root = root(&plan.tenants[*first]);
        let count = rest.iter().take_while(|index| self::root(&plan.tenants[**index]) == root).count();
        let (branch, next) = rest.split_at(count);
        let parts: Vec<String> =
            branch.iter().map(|index| changes::tenant(&plan.tenants[*index], &review.own[*index])).collect();
        let summary = format!("<code>{}</code>: {}", html(root), tenants(branch.len()));
        page.fold(&summary, few, &parts);
        rest = next;
    }
    if foreign {
        changes::foreign(page, plan);
    }
}

/// The distributor of a tenant; its own name if it is one.
fn root(tenant: &TenantPlan) -> &str {
    tenant.path.first().unwrap_or(&tenant.tenant)
}

fn tenants(count: usize) -> String {
    if count == 1 { "1 tenant".into() } else { format!("{count} tenants") }
}

/// The names of tenants on one line, those that are too many counted.
fn names(plan: &Plan, indices: &[usize]) -> String {
    let named = indices.iter().take(NAMES).map(|index| code(&plan.tenants[*index].tenant));
    let mut out = named.collect::<Vec<_>>().join(", ");
    if indices.len() > NAMES {
        let _ = write!(out, " and {} more", indices.len() - NAMES);
    }
    out
}

/// The realms that could not be read: nobody may take them for unchanged.
fn unread(plan: &Plan) -> String {
    let unread = plan.tenants.iter().filter_map(|tenant| Some((tenant, tenant.unread.as_deref()?)));
    let lines: Vec<String> = unread
        .take(NAMES)
        .map(|(tenant, why)| format!("- **not read:** {}: {}\n", code(&tenant.tenant), code(why)))
        .collect();
    if lines.is_empty() { String::new() } else { lines.concat() + "\n" }
}

/// What guards refuse, before anything else.
fn refusals(plan: &Plan) -> String {
    let refused: Vec<&Refusal> = plan.refused().collect();
    let mut out = String::new();
    for refusal in &plan.refusals {
        let text = html(&super::refusal(refusal));
        if refused.contains(&refusal) {
            let way_out = match refusal.waiver() {
                Some(waiver) => format!("if that is meant: {}", code(&format!("--waive {waiver}"))),
                None => html(&refusal.way_out()),
            };
            let _ = writeln!(out, "- **refused** by {}: {text}; {way_out}", code(&refusal.guard));
        } else {
            let _ = writeln!(out, "- waived, {}: {text}", code(&refusal.guard));
        }
    }
    if out.is_empty() { out } else { out + "\n" }
}
