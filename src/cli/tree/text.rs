//! The tree for a terminal.

use std::fmt::Write;

use super::Labels;
use crate::licence::{Figures, OrganizationView};

/// Width of a bar.
const BAR: i64 = 20;

/// Every organization with a line for each of its resources.
pub(super) fn tree(views: &[OrganizationView], labels: &Labels) -> String {
    let mut out = String::new();
    views.iter().for_each(|view| organization(&mut out, view, labels, 0));
    out
}

fn organization(out: &mut String, view: &OrganizationView, labels: &Labels, depth: usize) {
    let indent = "  ".repeat(depth);
    let said = |name: &str| {
        labels.get(name).map_or_else(|| name.to_owned(), |(label, tier)| format!("{name}  {label}  ({tier})"))
    };
    match view {
        OrganizationView::Open { name, dealer, own_licences, privacy_required, resources, children, .. } => {
            let mut words = vec![if *own_licences { "own licences" } else { "parent's resources" }];
            words.extend(dealer.then_some("dealer"));
            words.extend(privacy_required.then_some("full privacy"));
            let _ = writeln!(out, "{indent}{}  {}", said(name), words.join(", "));
            let width = resources.keys().map(String::len).max().unwrap_or_default();
            let shown = resources.iter().filter(|(_, figures)| **figures != Figures::default());
            for (resource, figures) in shown {
                let _ = writeln!(out, "{indent}    {resource:width$}  {}", row(figures, *dealer));
            }
            children.iter().for_each(|child| organization(out, child, labels, depth + 1));
        }
        OrganizationView::Full { name, consumption } => {
            let _ = writeln!(out, "{indent}{}  full privacy", said(name));
            for (resource, used) in consumption.iter().filter(|(_, used)| used.consumed > 0) {
                let _ = writeln!(
                    out,
                    "{indent}    {resource}  consumes {}, with all below it {}",
                    used.effective, used.consumed
                );
            }
        }
    }
}

/// Allocated of the limit, as a bar and in numbers, and of what it is made.
fn row(figures: &Figures, dealer: bool) -> String {
    let Figures { limit, used, shared, licensed, allocated, free, .. } = *figures;
    let full = if limit > 0 { (allocated * BAR / limit).clamp(0, BAR) } else { 0 };
    let bar: String = (0..BAR).map(|at| if at < full { '#' } else { '.' }).collect();
    let mut line = format!("[{bar}] {allocated}/{limit}  own {used}, shared {shared}");
    if dealer || licensed > 0 {
        let _ = write!(line, ", licensed {licensed}");
    }
    if free < 0 {
        let _ = write!(line, "  over by {}", -free);
    }
    line
}
