//! Days, weeks and months, all of them in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::licence::Time;

/// What is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interval {
    Day,
    Week,
    Month,
}

impl Interval {
    /// After how many things come back.
    pub(super) fn season(self) -> usize {
        match self {
            Self::Day => 7,
            Self::Week => 52,
            Self::Month => 12,
        }
    }

    /// How long the shortest is.
    pub(super) fn seconds(self) -> i64 {
        86_400
            * match self {
                Self::Day => 1,
                Self::Week => 7,
                Self::Month => 28,
            }
    }

    fn span(self) -> Span {
        match self {
            Self::Day => Span::new().days(1),
            Self::Week => Span::new().weeks(1),
            Self::Month => Span::new().months(1),
        }
    }
}

/// Reads how long: `30d`, `8w`, `12m`, `2y`.
pub(super) fn reach(text: &str) -> Result<Span, String> {
    let wrong = || "write it as a number with d, w, m or y: 30d, 8w, 12m, 2y".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    if !(1..=10_000).contains(&number) {
        return Err(wrong());
    }
    let span = match unit {
        'd' => Span::new().try_days(number),
        'w' => Span::new().try_weeks(number),
        'm' => Span::new().try_months(number),
        'y' => Span::new().try_years(number),
        _ => return Err(wrong()),
    };
    span.map_err(|_| wrong())
}

fn date(at: Time) -> Date {
    Timestamp::from_second(at).map_or(Date::MAX, |at| at.to_zoned(TimeZone::UTC).date())
}

fn midnight(date: Date) -> Time {
    date.to_zoned(TimeZone::UTC).map_or(Time::MAX, |start| start.timestamp().as_second())
}

/// The day so long before an instant, from its beginning.
pub(super) fn back(at: Time, span: Span) -> Time {
    midnight(date(at).saturating_sub(span))
}

/// The end of the day so long after an instant.
pub(super) fn ahead(at: Time, span: Span) -> Time {
    midnight(date(at).saturating_add(span).saturating_add(Span::new().days(1)))
}

/// The beginning of the interval that an instant is in.
pub(super) fn beginning(at: Time, interval: Interval) -> Time {
    let day = date(at);
    midnight(match interval {
        Interval::Day => day,
        Interval::Week => day.saturating_sub(Span::new().days(i64::from(day.weekday().to_monday_zero_offset()))),
        Interval::Month => day.first_of_month(),
    })
}

/// The intervals between two instants; the first and the last may be cut.
pub(super) fn intervals(from: Time, to: Time, interval: Interval) -> impl Iterator<Item = (Time, Time)> {
    let mut next = from;
    std::iter::from_fn(move || {
        let begin = next;
        if begin >= to {
            return None;
        }
        let after = midnight(date(beginning(begin, interval)).saturating_add(interval.span()));
        // At the end of the calendar nothing comes after.
        next = if after > begin { after } else { to };
        Some((begin, next.min(to)))
    })
}

/// The day of an instant, as people write it.
pub(super) fn day(at: Time) -> String {
    date(at).to_string()
}
