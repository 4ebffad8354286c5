//! Usage for a terminal.

use std::fmt::Write;

use super::{Forecast, Options, Usage, calendar};
use crate::cli::ledger::instant;

/// Width of a bar.
const BAR: i64 = 20;

/// A table for each resource.
pub(super) fn usages(usages: &[Usage], options: &Options) -> String {
    if usages.is_empty() {
        return format!("{} has used nothing, and has nothing\n", options.organization);
    }
    usages.iter().map(|usage| table(usage, options)).collect::<Vec<_>>().join("\n")
}

fn table(usage: &Usage, options: &Options) -> String {
    let whose = if usage.descendants { "with all below it" } else { "alone" };
    let mut out = format!("{}  {}  {whose}\n", usage.organization, usage.resource);
    match options.changes {
        true => changes(&mut out, usage),
        false => bars(&mut out, usage),
    }
    if let Some(forecast) = &usage.forecast {
        foreseen(&mut out, forecast);
    }
    out
}

fn changes(out: &mut String, usage: &Usage) {
    for change in &usage.changes {
        let (at, value, limit) = (instant(change.at), change.value, change.limit);
        let _ = writeln!(out, "  {at}  {value:>10} used  of {limit}, {} allocated", change.allocated);
    }
    if usage.changes.is_empty() {
        out.push_str("  nothing changed\n");
    }
}

/// What is drawn is what there was at the end, or what was added; `#` is the organization's own part, `+` of those below it.
fn bars(out: &mut String, usage: &Usage) {
    let word = if usage.counter { "added" } else { "used" };
    let most = usage.bars.iter().map(|shown| shown.drawn(usage.counter)).max().unwrap_or_default().max(1);
    let scale = match usage.counter {
        true => most,
        false => usage.bars.iter().map(|shown| shown.limit).max().unwrap_or_default().max(most),
    };
    for shown in &usage.bars {
        let drawn = shown.drawn(usage.counter);
        let length = |amount: i64| (i128::from(amount.max(0)) * i128::from(BAR) / i128::from(scale)).min(BAR.into());
        let (own, all) = (length(shown.own.min(drawn)), length(drawn));
        let sign = |at: i64| match i128::from(at) {
            at if at < own => '#',
            at if at < all => '+',
            _ => '.',
        };
        let bar: String = (0..BAR).map(sign).collect();
        let (day, bars) = (calendar::day(shown.bar.from), &shown.bar);
        let _ = writeln!(
            out,
            "  {day}  [{bar}]  {drawn} {word}  of {}  mean {}, {} to {}, changed by {}",
            shown.limit, shown.mean, bars.min, bars.max, bars.change
        );
    }
}

fn foreseen(out: &mut String, forecast: &Forecast) {
    if !forecast.possible {
        out.push_str("  there is too little history to foresee anything from\n");
        return;
    }
    for value in &forecast.values {
        let _ = writeln!(out, "  {}  {} foreseen", calendar::day(value.from), value.value);
    }
    let _ = match forecast.exhausted {
        Some(at) => writeln!(out, "  all of it is used by {}, if it goes on so", calendar::day(at - 1)),
        None => writeln!(out, "  it lasts, if it goes on so"),
    };
}
