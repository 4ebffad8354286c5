//! Usage for spreadsheets.

use super::{Options, Usage};
use crate::cli::ledger::instant;
use crate::cli::table;

/// One row for each bar, or for each instant at which something changed; then what is foreseen.
pub(super) fn usages(usages: &[Usage], options: &Options) -> anyhow::Result<String> {
    if options.changes {
        let rows = usages.iter().flat_map(|usage| usage.changes.iter().map(move |change| (usage, change)));
        let rows = rows.map(|(usage, change)| {
            let numbers = [change.value, change.limit, change.allocated].map(|number| number.to_string());
            [named(usage).to_vec(), vec![instant(change.at)], numbers.to_vec()].concat()
        });
        return table::csv(&["organization", "resource", "at", "value", "limit", "allocated"], rows);
    }
    let bars = usages.iter().flat_map(|usage| {
        usage.bars.iter().map(move |shown| {
            let bar = shown.bar;
            let numbers = [bar.min, bar.max, bar.last, bar.change, shown.own, shown.limit, shown.allocated];
            let times = [instant(bar.from), instant(bar.to)];
            let numbers = numbers.map(|number| number.to_string()).to_vec();
            [named(usage).to_vec(), times.to_vec(), vec![shown.mean.clone()], numbers, vec![String::new()]].concat()
        })
    });
    let foreseen = usages.iter().flat_map(|usage| {
        usage.forecast.iter().flat_map(|forecast| &forecast.values).map(move |value| {
            let times = [instant(value.from), instant(value.to)];
            [named(usage).to_vec(), times.to_vec(), vec![String::new(); 8], vec![value.value.to_string()]].concat()
        })
    });
    let header = [
        "organization",
        "resource",
        "from",
        "to",
        "mean",
        "min",
        "max",
        "last",
        "change",
        "own",
        "limit",
        "allocated",
        "foreseen",
    ];
    table::csv(&header, bars.chain(foreseen))
}

fn named(usage: &Usage) -> [String; 2] {
    [usage.organization.clone(), usage.resource.clone()]
}
