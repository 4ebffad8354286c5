//! The tree for a spreadsheet (RFC 4180).

use super::Labels;
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
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER)?;
    for view in views {
        rows(&mut out, view, labels, "")?;
    }
    Ok(String::from_utf8(out.into_inner()?)?)
}

fn rows(out: &mut csv::Writer<Vec<u8>>, view: &OrganizationView, labels: &Labels, above: &str) -> csv::Result<()> {
    let said = |name: &str| {
        let (label, tier) = labels.get(name).cloned().unwrap_or_default();
        [format!("{above}{name}"), name.to_owned(), harmless(&label), tier]
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
                out.write_record(said(name).iter().chain(&flags).chain([resource]).chain(&numbers))?;
            }
            let above = format!("{above}{name}/");
            children.iter().try_for_each(|child| rows(out, child, labels, &above))
        }
        OrganizationView::Full { name, consumption } => consumption.iter().try_for_each(|(resource, used)| {
            let mut row = said(name).to_vec();
            row.extend(["", "", "full", resource, "", "", "", "", ""].map(str::to_owned));
            row.extend([used.effective.to_string(), used.consumed.to_string()]);
            out.write_record(row)
        }),
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
