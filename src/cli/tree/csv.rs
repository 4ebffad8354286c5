//! The tree for a spreadsheet (RFC 4180).

use super::Labels;
use crate::cli::table;
use crate::licence::OrganizationView;

const HEADER: [&str; 15] = [
    "path",
    "name",
    "label",
    "tier",
    "dealer",
    "own_licences",
    "privacy",
    "resource",
    "limit",
    "allocated",
    "used",
    "shared",
    "licensed",
    "effective",
    "consumed",
];

/// A row for each organization and resource; what is hidden is empty.
pub(super) fn tree(views: &[OrganizationView], labels: &Labels) -> anyhow::Result<String> {
    let mut found = Vec::new();
    views.iter().for_each(|view| rows(&mut found, view, labels, ""));
    table::csv(&HEADER, found.into_iter())
}

fn rows(out: &mut Vec<Vec<String>>, view: &OrganizationView, labels: &Labels, above: &str) {
    let said = |name: &str| {
        let (label, tier) = labels.get(name).cloned().unwrap_or_default();
        [format!("{above}{name}"), name.to_owned(), label, tier]
    };
    match view {
        OrganizationView::Open { name, dealer, own_licences, privacy_required, resources, children, .. } => {
            let privacy = if *privacy_required { "full" } else { "" };
            let flags = [dealer.to_string(), own_licences.to_string(), privacy.to_owned()];
            for (resource, figures) in resources {
                let numbers = [
                    figures.limit,
                    figures.allocated,
                    figures.used,
                    figures.shared,
                    figures.licensed,
                    figures.effective,
                    figures.consumed,
                ];
                let numbers = numbers.map(|number| number.to_string());
                let words = said(name).into_iter().chain(flags.clone()).chain([resource.clone()]);
                out.push(words.chain(numbers).collect());
            }
            let above = format!("{above}{name}/");
            children.iter().for_each(|child| rows(out, child, labels, &above))
        }
        OrganizationView::Full { name, consumption } => consumption.iter().for_each(|(resource, used)| {
            let mut row = said(name).to_vec();
            row.extend(["", "", "full", resource, "", "", "", "", ""].map(str::to_owned));
            row.extend([used.effective.to_string(), used.consumed.to_string()]);
            out.push(row);
        }),
    }
}
