//! What the platform issued of each resource, and where every unit of it is.

use std::collections::BTreeMap;

use crate::cli::table::{self, Format};
use crate::licence::Balance;

/// A line for each resource; what was issued is the sum of all that follows.
pub(super) fn shown(balances: &BTreeMap<&str, Balance>, format: Format) -> anyhow::Result<String> {
    match format {
        Format::Text => Ok(text(balances)),
        Format::Json => Ok(serde_json::to_string_pretty(balances)? + "\n"),
        Format::Csv => {
            let header = ["resource", "minted", "used", "free", "unredeemed", "breakage", "gone"];
            let rows = balances.iter().map(|(resource, balance)| {
                let Balance { minted, used, free, unredeemed, breakage, gone } = *balance;
                let numbers = [minted, used, free, unredeemed, breakage, gone].map(|number| number.to_string());
                [(*resource).to_owned()].into_iter().chain(numbers).collect()
            });
            table::csv(&header, rows)
        }
    }
}

fn text(balances: &BTreeMap<&str, Balance>) -> String {
    let width = balances.keys().map(|resource| resource.len()).max().unwrap_or_default();
    let line = |(resource, balance): (&&str, &Balance)| {
        let Balance { minted, used, free, unredeemed, breakage, gone } = balance;
        let gone = if *gone > 0 { format!(", used by organizations that are gone {gone}") } else { String::new() };
        format!(
            "{resource:width$}  {minted} issued: in use {used}, free {free}, not redeemed {unredeemed}, lost {breakage}{gone}\n"
        )
    };
    balances.iter().map(line).collect()
}
