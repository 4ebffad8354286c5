//! Days as people write them, all of them in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::Time;

/// The first instant of a day. An instant that is written as one stays what it is.
pub fn beginning(text: &str) -> Option<Time> {
    read(text, 0)
}

/// The first instant after a day: that day still counts. An instant that is written as one stays what it is.
pub fn end(text: &str) -> Option<Time> {
    read(text, 1)
}

/// The last second of a day, as of which all of it is over and what ends with it still counts. An instant that is written as
/// one stays what it is.
pub fn last(text: &str) -> Option<Time> {
    match text.parse::<Timestamp>() {
        Ok(instant) => Some(instant.as_second()),
        Err(_) => Some(end(text)? - 1),
    }
}

fn read(text: &str, days: i64) -> Option<Time> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_second());
    }
    let day = text.parse::<Date>().and_then(|day| day.checked_add(Span::new().days(days))).ok()?;
    day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp().as_second())
}
