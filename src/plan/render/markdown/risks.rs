//! What must not be missed, and what a reviewer need not look for.

use std::fmt::Write;

use super::super::Matter;
use super::escape::code;
use super::{Page, legend, names, tenants};
use crate::plan::Plan;
use crate::plan::risk::{Part, Risk, Sort};

/// Most dangers of one sort that are listed.
const SHOWN: usize = 12;

/// Most tenants that are named beside a danger.
const NAMED: usize = 5;

/// The sorts: their title, and what is said where there are none. What is changed by hand is all of drift.
const SORTS: [(Sort, &str, Option<&str>); 8] = [
    (Sort::Tampering, "Tampered with: what the realm says of its licences", None),
    (Sort::Deletion, "Deleted", Some("nothing is deleted")),
    (Sort::Along, "Put there by others, and deleted along", None),
    (Sort::Licence, "Licences cut", Some("no licence is cut")),
    (Sort::Redirect, "Redirect addresses and origins added", Some("no redirect address is added")),
    (Sort::Right, "Rights given", Some("no right is given")),
    (Sort::Protection, "Protection weakened, or logins changed", Some("no protection is weakened")),
    (Sort::Drift, "Changed by hand, and overwritten now", Some("nothing that was changed by hand is overwritten")),
];

pub(super) fn write(page: &mut Page, plan: &Plan, risks: &[Risk], matter: Matter) {
    let mut out = String::new();
    let mut none = Vec::new();
    for (sort, title, nothing) in SORTS {
        if matter == Matter::Drift && sort == Sort::Drift {
            continue;
        }
        let (title, nothing) = match (sort, matter) {
            (Sort::Licence, Matter::Drift) => ("Licences changed", Some("no licence is changed")),
            _ => (title, nothing),
        };
        let of: Vec<&Risk> = risks.iter().filter(|risk| risk.sort == sort).collect();
        if of.is_empty() {
            none.extend(nothing);
            continue;
        }
        let _ = writeln!(out, "**{title}**\n");
        for risk in of.iter().take(SHOWN) {
            let _ = writeln!(out, "- {} — {}", sentence(&risk.what), place(plan, &risk.tenants));
        }
        if of.len() > SHOWN {
            let _ = writeln!(out, "- and {} more, below", of.len() - SHOWN);
        }
        out.push('\n');
    }
    if !out.is_empty() {
        page.push(&format!("#### Look at these first\n\n{}{out}", legend(&out)));
    }
    // Births have no dangers of these sorts, so where there is nothing else, there is nothing to reassure about.
    if plan.summary.realms_to_change > 0 && !none.is_empty() {
        let word = match (out.is_empty(), matter) {
            (true, Matter::Plan) => "In the realms that change, ",
            (false, Matter::Plan) => "Otherwise, in the realms that change, ",
            (true, Matter::Drift) => "By hand, ",
            (false, Matter::Drift) => "Otherwise, by hand, ",
        };
        page.push(&format!("{word}{}.\n\n", joined(&none)));
    }
}

fn sentence(parts: &[Part]) -> String {
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        let after_value = index > 0 && matches!((&parts[index - 1], part), (Part::Value(_), Part::Value(_)));
        out.push_str(if index == 0 {
            ""
        } else if after_value {
            ", "
        } else {
            " "
        });
        match part {
            // What is wrong with a value at first sight.
            Part::Word(word) if word.starts_with('(') => out.push_str(&format!("**{word}**")),
            Part::Word(word) => out.push_str(word),
            Part::Value(value) => out.push_str(&code(value)),
        }
    }
    out
}

fn place(plan: &Plan, indices: &[usize]) -> String {
    if indices.len() <= NAMED {
        format!("in {}", names(plan, indices))
    } else {
        format!("in **{}**", tenants(indices.len()))
    }
}

fn joined(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
    }
}
