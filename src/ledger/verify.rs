//! Whether a ledger is what was written: every entry that was changed, is missing or stands elsewhere, by its number.

use std::fmt;

use serde::Serialize;

use super::entry::Entry;
use super::store::{LedgerError, Store};
use super::{Head, PAGE};
use crate::licence::Accounts;

/// Something that is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Finding {
    /// Its text is not what was written.
    Changed {
        /// Its number.
        sequence: u64,
        /// What is wrong.
        reason: String,
    },
    /// Entries are not there.
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// An entry stands where another one stood.
    Reordered {
        /// Where it stands.
        sequence: u64,
        /// Where it was written.
        written: u64,
    },
    /// An entry that follows from what was changed before it, but is not allowed by the law.
    Unlawful {
        /// Its number.
        sequence: u64,
        /// The refusal.
        reason: String,
    },
    /// The last entry is another one than was noted down.
    OtherHead {
        /// The last entry that is there.
        sequence: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { sequence, reason } => write!(formatter, "entry {sequence} was changed: {reason}"),
            Self::Missing { first, last } if first == last => write!(formatter, "entry {first} is missing"),
            Self::Missing { first, last } => write!(formatter, "entries {first} to {last} are missing"),
            Self::Reordered { sequence, written } => {
                write!(formatter, "entry {sequence} was written as entry {written}")
            }
            Self::Unlawful { sequence, reason } => write!(formatter, "entry {sequence} can't have happened: {reason}"),
            Self::OtherHead { sequence } => {
                write!(formatter, "the ledger ends with entry {sequence}, which is not what was noted down")
            }
        }
    }
}

/// Reads a whole ledger: its head, and what is wrong, in order. Whoever can write to the store could cut its end off, or
/// make a whole new chain: `noted` is a head that was written down elsewhere, and has to be in it.
///
/// # Errors
///
/// The store can't be read.
pub async fn verify<S: Store>(store: &mut S, noted: Option<Head>) -> Result<(Head, Vec<Finding>), LedgerError> {
    let mut inspection =
        Inspection { known: noted.is_none_or(|noted| noted == Head::default()), ..Inspection::default() };
    loop {
        let entries = store.after(inspection.head.sequence, PAGE).await?;
        for entry in &entries {
            inspection.inspect(entry);
            inspection.known |= noted == Some(inspection.head);
        }
        if entries.len() < PAGE {
            break;
        }
    }
    if !inspection.known {
        inspection.findings.push(Finding::OtherHead { sequence: inspection.head.sequence });
    }
    Ok((inspection.head, inspection.findings))
}

#[derive(Default)]
struct Inspection {
    head: Head,
    known: bool,
    accounts: Accounts,
    findings: Vec<Finding>,
}

impl Inspection {
    fn inspect(&mut self, entry: &Entry) {
        let (sequence, expected) = (entry.sequence, self.head.sequence + 1);
        if sequence > expected {
            self.findings.push(Finding::Missing { first: expected, last: sequence - 1 });
        } else if entry.previous != self.head.digest && self.head.sequence > 0 {
            // This one is held by its own digest: it is the one before that is another now.
            self.changed(self.head.sequence, "the entry after it was written after another one".into());
        }
        match entry.record() {
            // Once something is wrong, the law can't be held against what follows.
            Ok(record) if self.findings.is_empty() => {
                if let Err(error) = record.replay(&mut self.accounts) {
                    self.findings.push(Finding::Unlawful { sequence, reason: error.to_string() });
                }
            }
            Ok(_) => {}
            Err(reason) => match near(sequence).find(|place| entry.was_written_as(*place)) {
                Some(written) if written != sequence => self.findings.push(Finding::Reordered { sequence, written }),
                _ => self.changed(sequence, reason),
            },
        }
        self.head = Head { sequence, digest: entry.digest };
    }

    fn changed(&mut self, sequence: u64, reason: String) {
        let named = |finding: &Finding| match finding {
            Finding::Changed { sequence: at, .. } | Finding::Reordered { sequence: at, .. } => *at == sequence,
            _ => false,
        };
        if !self.findings.iter().any(named) {
            self.findings.push(Finding::Changed { sequence, reason });
        }
    }
}

/// Places at which an entry may have been written, the nearest first.
fn near(sequence: u64) -> impl Iterator<Item = u64> {
    (0..10_000).flat_map(move |distance| [sequence.saturating_sub(distance), sequence + distance])
}
