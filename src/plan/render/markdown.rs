//! A plan as a comment on a pull request, for a reviewer in a hurry: how much happens, what is dangerous about it, what
//! is one thing done to many tenants, and the rest by distributor and tenant, folded.
//!
//! No value can break out of its place: values stand in code, of whatever they hold (see `escape`).

mod births;
mod changes;
mod escape;
mod page;
mod risks;

use std::fmt::Write;

use crate::plan::review::{Count, Review, review};
use crate::plan::{Header, Plan, Refusal, TenantPlan, View};
use escape::html;
pub use escape::{code, sentence};
use page::Page;

/// Most refusals that were waived that are listed.
const SHOWN: usize = 12;

/// Most tenants that are named in one place.
const NAMES: usize = 60;

/// So few tenants with changes of their own are shown unfolded.
const FEW: usize = 3;

/// The whole plan.
pub fn plan(plan: &Plan) -> String {
    let review = review(plan);
    let mut page = Page::new(heading(plan));
    page.push(&format!("{}\n\n", super::summary(plan)));
    if !plan.is_empty() {
        page.push(&table(&review.counts));
        risks::write(&mut page, plan, &review.risks);
        births::write(&mut page, plan);
        changes::shared(&mut page, plan, &review.shared);
        branches(&mut page, plan, &review);
    }
    page.finish("realmwright plan", &end(&plan.header))
}

fn heading(plan: &Plan) -> String {
    let refused = if plan.refused().next().is_some() { ", **refused**" } else { "" };
    format!(
        "### Realmwright: plan for {}{refused}\n\n{}{}",
        code(&plan.header.environment),
        refusals(plan),
        unread(plan)
    )
}

/// What it was made from, and how long it holds.
fn end(header: &Header) -> String {
    let manifests: String = header.manifests.chars().take(19).collect();
    let holds = match header.view {
        View::Provisioner => format!("It can be applied until {}.", html(&header.expires_at)),
        View::Observer => "It is for reading: applying plans anew.".to_owned(),
    };
    format!(
        "<sub>Made {} by Realmwright {} from the manifests {}, for {}. {holds}</sub>\n",
        html(&header.created_at),
        html(&header.tool_version),
        html(&manifests),
        html(header.server.trim_end_matches("/realms/master")),
    )
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

/// What guards refuse, before anything else: a guard with the places that it is about, and the way out.
fn refusals(plan: &Plan) -> String {
    let mut guards: Vec<(&str, Vec<&Refusal>)> = Vec::new();
    for refusal in plan.refused() {
        match guards.iter_mut().find(|(guard, _)| *guard == refusal.guard) {
            Some((_, known)) => known.push(refusal),
            None => guards.push((&refusal.guard, vec![refusal])),
        }
    }
    let mut out = String::new();
    if !guards.is_empty() {
        out.push_str(
            "> **Refused: nothing of this is applied.** What is meant all the same is waived by its name.\n>\n",
        );
    }
    for (guard, refused) in guards {
        for refusal in refused.iter().take(FEW) {
            let way_out = match refusal.waiver() {
                Some(waiver) => format!("waived by {}", code(&format!("--waive {waiver}"))),
                None => sentence(&refusal.way_out()),
            };
            let _ = writeln!(out, "> - {}: {}; {way_out}", code(guard), sentence(&super::refusal(refusal)));
        }
        if refused.len() > FEW {
            let all =
                refused[0].waiver().map(|_| format!("; {} waives all of them", code(&format!("--waive {guard}"))));
            let _ = writeln!(out, "> - {} in {} more{}", code(guard), refused.len() - FEW, all.unwrap_or_default());
        }
    }
    let waived: Vec<&Refusal> = plan.refusals.iter().filter(|refusal| refusal.waived).collect();
    for refusal in waived.iter().take(SHOWN) {
        let _ = writeln!(out, "> - waived, {}: {}", code(&refusal.guard), sentence(&super::refusal(refusal)));
    }
    if waived.len() > SHOWN {
        let _ = writeln!(out, "> - and {} more that are waived", waived.len() - SHOWN);
    }
    if out.is_empty() { out } else { out + "\n" }
}
