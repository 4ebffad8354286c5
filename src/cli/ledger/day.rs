//! Days on the command line.

use crate::cli::exit::UsageError;
use crate::licence::{Time, day};

/// The first instant of a day.
pub(in crate::cli) fn from(text: &str) -> Result<Time, UsageError> {
    day::beginning(text).ok_or_else(|| wrong(text))
}

/// The first instant after a day.
pub(in crate::cli) fn after(text: &str) -> Result<Time, UsageError> {
    day::end(text).ok_or_else(|| wrong(text))
}

/// The last second of a day.
pub(in crate::cli) fn last(text: &str) -> Result<Time, UsageError> {
    day::last(text).ok_or_else(|| wrong(text))
}

fn wrong(text: &str) -> UsageError {
    UsageError {
        message: format!("`{text}` is not a day"),
        hint: Some("write it as 2027-12-31, or an instant as 2027-12-31T18:00:00Z".into()),
    }
}
