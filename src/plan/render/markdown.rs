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

use super::Matter;
use crate::plan::drift::by_hand;
use crate::plan::quarantine::ways;
use crate::plan::review::{Count, Review, TENANT, review, review_by_hand};
use crate::plan::{Plan, Refusal, TenantPlan, View};
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
    let refused = if plan.refused().next().is_some() { ", **refused**" } else { "" };
    let heading = format!("plan for {}{refused}", code(&plan.header.environment));
    let counts = super::counts(plan);
    let mut page = begin(plan, &heading, &counts, Matter::Plan);
    if let Some(placement) = &plan.placement {
        page.push(&super::placement::markdown(placement));
    }
    if let Some(kept) = &plan.accounts {
        page.push(&super::bookkeeping::markdown(kept));
    }
    body(&mut page, plan, Matter::Plan);
    let holds = match plan.header.view {
        View::Provisioner => format!("It can be applied until {}.", html(&plan.header.expires_at)),
        View::Observer => String::new(),
    };
    page.finish("realmwright plan", &end(plan, Matter::Plan, &holds))
}

/// Drift: what was done by hand, and what puts it back. `waiting` tenants wait for other changes.
pub fn drift(drifted: &Plan, waiting: usize) -> String {
    let same = drifted.is_empty() && drifted.opened().next().is_none() && drifted.tampered().next().is_none();
    let none = if same { "no " } else { "" };
    let heading = format!("{none}drift in {}", code(&drifted.header.environment));
    let mut page = begin(drifted, &heading, &super::drift_counts(drifted), Matter::Drift);
    if !drifted.is_empty() {
        page.push(&format!(
            "**What mends it:** `realmwright apply`, or the pipeline's job that applies, run again: it puts back all of \
             this. Write into the manifests first what is meant to stay.{}\n\n",
            unless(drifted)
        ));
    }
    if waiting > 0 {
        let tenants = super::count(waiting, "tenant waits", "tenants wait");
        page.push(&format!("Beside this, {tenants} for changes of the manifests; `realmwright plan` shows them.\n\n"));
    }
    body(&mut page, &by_hand(drifted), Matter::Drift);
    page.finish("realmwright drift", &end(drifted, Matter::Drift, ""))
}

/// That guards refuse what mends it, and what it takes to do it all the same.
fn unless(drifted: &Plan) -> String {
    let guards = by_guard(drifted);
    if guards.is_empty() {
        return String::new();
    }
    let waivers = guards.iter().map(|(guard, refused)| match (refused[0].waiver(), refused.len()) {
        (Some(waiver), 1) => Some(format!(" --waive {waiver}")),
        (waiver, _) => waiver.map(|_| format!(" --waive {guard}")),
    });
    match waivers.collect::<Option<String>>() {
        Some(waivers) => {
            let command = sentence(&format!("realmwright apply{waivers}"));
            format!(" **Guards refuse that** (exit 3); if it is meant: {command}.")
        }
        None => " **Guards refuse that**, as stands above.".into(),
    }
}

/// What guards refuse, by guard.
fn by_guard(plan: &Plan) -> Vec<(&str, Vec<&Refusal>)> {
    let mut guards: Vec<(&str, Vec<&Refusal>)> = Vec::new();
    for refusal in plan.refused() {
        match guards.iter_mut().find(|(guard, _)| *guard == refusal.guard) {
            Some((_, known)) => known.push(refusal),
            None => guards.push((&refusal.guard, vec![refusal])),
        }
    }
    guards
}

/// What stands at the top, whatever else there is: what refuses it, what is not known, the counts.
fn begin(plan: &Plan, heading: &str, counts: &str, matter: Matter) -> Page {
    let (refusals, unread) = (refusals(plan, matter), unread(plan) + &opened(plan));
    let (beside, part) = (super::beside(plan, code), super::part(plan));
    let mut page = Page::new(format!("### Realmwright: {heading}\n\n{refusals}{unread}"));
    page.push(&format!("{counts}{beside}{part}\n\n"));
    page
}

fn body(page: &mut Page, plan: &Plan, matter: Matter) {
    let review = if matter == Matter::Plan { review(plan) } else { review_by_hand(plan) };
    if !plan.is_empty() {
        page.push(&table(&review.counts, matter));
        risks::write(page, plan, &review.risks, matter);
        births::write(page, plan);
        changes::shared(page, plan, &review.shared, matter);
        branches(page, plan, &review, matter);
    } else if plan.tampered().next().is_some() {
        risks::write(page, plan, &review.risks, matter);
    }
    changes::alone(page, plan);
}

/// What it was made from, what was not seen, and how long it holds.
fn end(plan: &Plan, matter: Matter, holds: &str) -> String {
    let header = &plan.header;
    let manifests: String = header.manifests.chars().take(19).collect();
    let made = if matter == Matter::Plan { "Made" } else { "Looked at" };
    let text = format!(
        "{made} {} by Realmwright {} from the manifests {}, for {}.{} {holds}",
        html(&header.created_at),
        html(&header.tool_version),
        html(&manifests),
        html(&super::placement::servers(plan)),
        super::seen(plan, matter),
    );
    format!("<sub>{}</sub>\n", text.trim_end())
}

/// What stands for each tenant's own name in a text, if that stands there.
fn legend(text: &str) -> &'static str {
    if text.contains(TENANT) { "(`<tenant>` stands for the name of each.)\n\n" } else { "" }
}

fn table(counts: &[Count], matter: Matter) -> String {
    let [created, deleted] = if matter == Matter::Plan { ["created", "deleted"] } else { ["added", "removed"] };
    let mut out = format!("| | {created} | changed | {deleted} |\n|---|---:|---:|---:|\n");
    let (realms, others) = counts.split_at(1.min(counts.len()));
    let others = others.iter().filter(|count| count.created + count.changed + count.deleted > 0);
    for Count { name, created, changed, deleted } in realms.iter().chain(others) {
        let deleted = if *deleted > 0 { format!("**{deleted}**") } else { "0".into() };
        let _ = writeln!(out, "| {name} | {created} | {changed} | {deleted} |");
    }
    out + "\n"
}

/// The tenants with changes of their own, below their distributors.
fn branches(page: &mut Page, plan: &Plan, review: &Review, matter: Matter) {
    let work = |index: &usize| !review.own[*index].is_empty() || changes::recorded(&plan.tenants[*index]);
    let indices: Vec<usize> = (0..plan.tenants.len()).filter(work).collect();
    if !indices.is_empty() {
        page.push(if review.shared.is_empty() { "#### Changes\n\n" } else { "#### Changes of single tenants\n\n" });
    }
    let few = indices.len() <= FEW;
    let mut rest = indices.as_slice();
    while let Some(first) = rest.first() {
        let root = root(&plan.tenants[*first]);
        let count = rest.iter().take_while(|index| self::root(&plan.tenants[**index]) == root).count();
        let (branch, next) = rest.split_at(count);
        let part = |index: &usize| {
            let groups = review.shared.iter().filter(|group| group.tenants.contains(index));
            let others = groups.map(|group| group.changes.len()).sum();
            changes::tenant(&plan.tenants[*index], &review.own[*index], others, matter)
        };
        let parts: Vec<String> = branch.iter().map(part).collect();
        let summary = format!("<code>{}</code>: {}", html(root), tenants(branch.len()));
        page.fold(&summary, few, &parts);
        rest = next;
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

/// The realms in quarantine that somebody opened, and the way back.
fn opened(plan: &Plan) -> String {
    let lines: Vec<String> = plan
        .opened()
        .take(NAMES)
        .map(|tenant| {
            let [shut, end] = ways(&tenant.tenant).map(|command| code(&command));
            let (name, what) = (code(&tenant.tenant), code(&super::some(&tenant.opened)));
            format!("- **in quarantine, and opened by hand:** {name}: {what}; {shut} shuts it again, {end} ends its quarantine\n")
        })
        .collect();
    if lines.is_empty() { String::new() } else { lines.concat() + "\n" }
}

/// What guards refuse, before anything else: a guard with the places that it is about, and the way out.
fn refusals(plan: &Plan, matter: Matter) -> String {
    let guards = by_guard(plan);
    let mut out = String::new();
    if !guards.is_empty() {
        let refused = match matter {
            Matter::Plan => "Refused: nothing of this is applied.",
            Matter::Drift => "What mends it is refused: nothing of this is put back.",
        };
        let _ = writeln!(out, "> **{refused}** What is meant all the same is waived by its name.\n>");
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
