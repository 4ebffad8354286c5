//! `realmwright usage`

mod calendar;
mod csv;
mod text;

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;

use self::calendar::Interval;
use super::exit::{Exit, UsageError};
use super::ledger::{Book, day, hinted};
use super::output::Printer;
use super::table::Format;
use crate::diagnostic::did_you_mean;
use crate::ledger::{Answer, Ledger, Record};
use crate::licence::forecast::forecast;
use crate::licence::series::{Bar, Consumed, History, Steps};
use crate::licence::{Accounts, Amount, Time};

/// `usage`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The organization
    organization: String,
    #[command(flatten)]
    book: Book,
    /// Only this resource; can be given several times
    #[arg(long, value_name = "RESOURCE")]
    resource: Vec<String>,
    /// Count what all below it use too, as the tree was at each instant
    #[arg(long)]
    descendants: bool,
    /// The first day; by default, that of --last
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// The last day; by default, today
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// How far back to begin: a number of days, weeks, months or years
    #[arg(long, default_value = "30d", value_parser = calendar::reach, conflicts_with = "from", value_name = "30d|8w|12m|2y")]
    last: jiff::Span,
    /// What is put together into one bar
    #[arg(long, value_enum, default_value = "day")]
    interval: Interval,
    /// List the instants at which something changed, instead of bars
    #[arg(long)]
    changes: bool,
    /// Say what it will be if it goes on so, for so long
    #[arg(long, value_parser = calendar::reach, value_name = "30d|8w|12m|2y")]
    forecast: Option<jiff::Span>,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// What an organization used of one resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    organization: String,
    resource: String,
    counter: bool,
    descendants: bool,
    bars: Vec<Shown>,
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Forecast>,
}

/// A bar, and what was beside it at its end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(flatten)]
    bar: Bar,
    mean: String,
    /// Of the value at the end, or of its change where it is a counter: the organization's own part.
    own: Amount,
    limit: Amount,
    allocated: Amount,
}

impl Shown {
    /// What is drawn: what there was at the end, or what was added.
    fn drawn(&self, counter: bool) -> Amount {
        if counter { self.bar.change } else { self.bar.last }
    }
}

/// An instant at which the value changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    at: Time,
    value: Amount,
    limit: Amount,
    allocated: Amount,
}

/// What will be if it goes on so.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Forecast {
    /// Whether there was enough to foresee anything from.
    possible: bool,
    /// The end of each interval, the one under way first, and the value then.
    values: Vec<Foreseen>,
    /// The end of the first interval at which there would be more than there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    exhausted: Option<Time>,
}

/// A value to come.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Foreseen {
    from: Time,
    to: Time,
    value: Amount,
}

/// Shows what was used over time.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let now = Timestamp::now().as_second();
    let (consumed, accounts) = read(options, now).await?;
    let span = span(options, now)?;
    let chosen = chosen(options, consumed)?;
    let usages: Vec<Usage> =
        chosen.iter().map(|(resource, consumed)| usage(options, resource, consumed, &accounts, span, now)).collect();
    match options.format {
        Format::Text => printer.data(&text::usages(&usages, options)),
        Format::Json => printer.data(&(serde_json::to_string_pretty(&usages)? + "\n")),
        Format::Csv => printer.data(&csv::usages(&usages, options)?),
    }
    Ok(Exit::Done)
}

/// Everything that the ledger knows of the organization, and the accounts now.
async fn read(options: &Options, now: Time) -> anyhow::Result<(BTreeMap<String, Consumed>, Accounts)> {
    let mut history = History::of(&options.organization);
    let mut lawful = Ok(());
    let follow = |record: &Record| {
        if let (Ok(()), Answer::Accepted { events }) = (&lawful, &record.answer) {
            lawful = history.take(record.at, events);
        }
    };
    let ledger = Ledger::open_with(options.book.store(false)?, follow).await.map_err(hinted)?;
    lawful?;
    let known = ledger.accounts();
    if known.account(&options.organization).is_err() {
        let hint = did_you_mean(&options.organization, known.names());
        let message = format!("there is no organization `{}`", options.organization);
        return Err(UsageError { message, hint }.into());
    }
    Ok(history.until(now))
}

/// The first instant and the one after the last.
fn span(options: &Options, now: Time) -> Result<(Time, Time), UsageError> {
    let to = match &options.to {
        Some(day) => day::after(day)?.min(now + 1),
        None => now + 1,
    };
    let from = match &options.from {
        Some(day) => day::from(day)?,
        None => calendar::back(to, options.last),
    };
    if from >= to {
        let message = "there is nothing between the first day and the last".into();
        return Err(UsageError { message, hint: Some("give an earlier --from, or a later --to".into()) });
    }
    if (to - from) / options.interval.seconds() > MOST {
        let message = format!("these are more than {MOST} bars");
        return Err(UsageError { message, hint: Some("give a longer --interval, or fewer days".into()) });
    }
    Ok((from, to))
}

/// Most bars that are shown.
const MOST: i64 = 5_000;

/// The resources that are meant; those of which nothing was ever used or there are left out.
fn chosen(options: &Options, consumed: BTreeMap<String, Consumed>) -> Result<BTreeMap<String, Consumed>, UsageError> {
    if let Some(other) = options.resource.iter().find(|name| !consumed.contains_key(*name)) {
        let hint = did_you_mean(other, consumed.keys().map(String::as_str));
        return Err(UsageError { message: format!("there is no resource `{other}`"), hint });
    }
    let asked = |name: &String| options.resource.contains(name);
    let something = |consumed: &Consumed| *consumed != Consumed::default();
    let meant = |(name, consumed): &(String, Consumed)| {
        if options.resource.is_empty() { something(consumed) } else { asked(name) }
    };
    Ok(consumed.into_iter().filter(meant).collect())
}

fn usage(
    options: &Options,
    resource: &str,
    consumed: &Consumed,
    accounts: &Accounts,
    (from, to): (Time, Time),
    now: Time,
) -> Usage {
    let value = if options.descendants { &consumed.all } else { &consumed.own };
    let counter = accounts.is_counter(resource);
    let bars = calendar::intervals(from, to, options.interval).map(|(from, to)| {
        let (bar, own) = (value.bar(from, to), consumed.own.bar(from, to));
        Shown {
            bar,
            mean: bar.mean(),
            own: if counter { own.change } else { own.last },
            limit: consumed.limit.at(to - 1),
            allocated: consumed.allocated.at(to - 1),
        }
    });
    let change = |point: &crate::licence::series::Point| Change {
        at: point.at,
        value: point.value,
        limit: consumed.limit.at(point.at),
        allocated: consumed.allocated.at(point.at),
    };
    Usage {
        organization: options.organization.clone(),
        resource: resource.to_owned(),
        counter,
        descendants: options.descendants,
        bars: bars.collect(),
        changes: value.changes(from, to).iter().map(change).collect(),
        forecast: options.forecast.map(|ahead| foresee(options, consumed, value, counter, ahead, now)),
    }
}

/// What follows from all whole intervals since it was first used.
fn foresee(
    options: &Options,
    consumed: &Consumed,
    value: &Steps,
    counter: bool,
    ahead: jiff::Span,
    now: Time,
) -> Forecast {
    let begun = calendar::beginning(now, options.interval);
    let first = value.first().map_or(begun, |at| calendar::beginning(at, options.interval));
    let whole = calendar::intervals(first, begun, options.interval).map(|(from, to)| value.bar(from, to));
    let history: Vec<Amount> = whole.map(|bar| if counter { bar.change } else { bar.last }).collect();
    let to_come: Vec<(Time, Time)> =
        calendar::intervals(begun, calendar::ahead(now, ahead), options.interval).collect();
    let Some(values) = forecast(&history, options.interval.season(), to_come.len()) else {
        return Forecast { possible: false, values: Vec::new(), exhausted: None };
    };
    let mut total = value.at(begun - 1);
    let values = to_come.into_iter().zip(values).map(|((from, to), next)| {
        total = if counter { total.saturating_add(next.whole()) } else { next.whole() };
        Foreseen { from, to, value: total }
    });
    let values: Vec<Foreseen> = values.collect();
    // What is shared and sold is not there to be used.
    let elsewhere = if options.descendants { 0 } else { consumed.allocated.at(now) - consumed.own.at(now) };
    let room = consumed.limit.at(now) - elsewhere;
    let exhausted = values.iter().find(|foreseen| foreseen.value > room).map(|foreseen| foreseen.to);
    Forecast { possible: true, values, exhausted }
}

impl ValueEnum for Interval {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Day, Self::Week, Self::Month]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(match self {
            Self::Day => clap::builder::PossibleValue::new("day"),
            Self::Week => clap::builder::PossibleValue::new("week").help("From Monday to Sunday"),
            Self::Month => clap::builder::PossibleValue::new("month"),
        })
    }
}
