//! What becomes of the accounts, for people.

use std::fmt::Write;

use super::clean;
use super::markdown::code;
use crate::accounting::{FigureChange, Step};
use crate::plan::{Bookkeeping, Proof};

/// Most events, and most changes, that are listed for a reviewer.
const SHOWN: usize = 40;

/// How it was proved, in a sentence.
fn proof(proof: &Proof) -> String {
    match proof {
        Proof::Manifests => "from the manifests alone: what was redeemed and used is not known here".into(),
        Proof::Ledger { ledger, head } => {
            let entry = head.split(':').next().unwrap_or_default();
            format!("against the ledger {}, at entry {entry}", clean(ledger))
        }
    }
}

/// As lines for a terminal.
pub(super) fn text(out: &mut String, kept: &Bookkeeping) {
    let _ = writeln!(out, "what is granted adds up, {}", proof(&kept.proof));
    for event in &kept.events {
        let _ = writeln!(out, "    + account  {}", clean(&event.to_string()));
    }
    for change in &kept.changes {
        let _ = writeln!(out, "    ~ quota    {}", clean(&words(change)));
    }
    out.push('\n');
}

fn words(change: &FigureChange) -> String {
    let FigureChange { organization, resource, limit, allocated } = change;
    let step = |name: &str, Step { before, after }: &Step| match before == after {
        true => format!("{name} {after}"),
        false => format!("{name} {before} → {after}"),
    };
    format!("{organization} {resource}: {}, {}", step("limit", limit), step("allocated", allocated))
}

/// As a section for a pull request.
pub(super) fn markdown(kept: &Bookkeeping) -> String {
    let mut out =
        format!("**Accounts**: what is granted adds up, {}.\n\n", super::markdown::sentence(&proof(&kept.proof)));
    if kept.changes.is_empty() {
        return out;
    }
    out.push_str("| organization | resource | limit | allocated |\n|---|---|---|---|\n");
    for FigureChange { organization, resource, limit, allocated } in kept.changes.iter().take(SHOWN) {
        let step = |Step { before, after }: &Step| match before == after {
            true => after.to_string(),
            false => format!("{before} → {after}"),
        };
        let _ =
            writeln!(out, "| {} | {} | {} | {} |", code(organization), code(resource), step(limit), step(allocated));
    }
    if let Some(more) = kept.changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more.");
    }
    let events: Vec<String> = kept
        .events
        .iter()
        .take(SHOWN)
        .map(|event| format!("- {}\n", super::markdown::sentence(&event.to_string())))
        .collect();
    let more = kept.events.len().checked_sub(SHOWN).filter(|more| *more > 0);
    let more = more.map_or_else(String::new, |more| format!("- and {more} more\n"));
    let _ = write!(
        out,
        "\n<details><summary>What the ledger is asked for</summary>\n\n{}{more}\n</details>\n\n",
        events.concat()
    );
    out
}
