//! Days as people write them: all of them in UTC, the last one counts.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::cli::exit::UsageError;
use crate::licence::Time;

/// The first instant of a day, or the instant itself.
pub(in crate::cli) fn from(text: &str) -> Result<Time, UsageError> {
    read(text, 0)
}

/// The first instant after a day, or the instant itself.
pub(in crate::cli) fn after(text: &str) -> Result<Time, UsageError> {
    read(text, 1)
}

fn read(text: &str, days: i64) -> Result<Time, UsageError> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_second());
    }
    let day = text.parse::<Date>().and_then(|day| day.checked_add(Span::new().days(days)));
    let start = day.and_then(|day| day.to_zoned(TimeZone::UTC));
    start.map(|start| start.timestamp().as_second()).map_err(|_| UsageError {
        message: format!("`{text}` is not a day"),
        hint: Some("write it as 2027-12-31, or an instant as 2027-12-31T18:00:00Z".into()),
    })
}
