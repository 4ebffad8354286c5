//! Whether a ledger is what was written: every entry that was changed, is missing or stands elsewhere, by its number. Each
//! command is asked for once more, on the accounts as they were before it, so that an answer that was changed is named even
//! where the whole chain was hashed anew.

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
    /// An entry that can't have come about: its command gives another answer there.
    Unlawful {
        /// Its number.
        sequence: u64,
        /// What is wrong.
        reason: String,
    },
    /// A row with a number that no entry has.
    Stray {
        /// The number, below 1.
        sequence: i64,
    },
    /// There is no entry at all, and nobody noted that down.
    Empty,
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
            Self::Stray { sequence } => write!(formatter, "entry {sequence} was never written: the first one is 1"),
            Self::Empty => {
                formatter.write_str("there are no entries: none was ever written here, or all were taken out")
            }
            Self::OtherHead { sequence } => {
                write!(formatter, "the ledger ends with entry {sequence}, which is not what was noted down")
            }
        }
    }
}

/// Reads a whole ledger: its head, and what is wrong, in order. Whoever can write to the store could cut its end off, or
/// make a whole new chain: `noted` is a head that was written down elsewhere, and has to be in it. A ledger without entries is
/// what was written only where that was noted.
///
/// # Errors
///
/// The store can't be read.
pub async fn verify<S: Store>(store: &mut S, noted: Option<Head>) -> Result<(Head, Vec<Finding>), LedgerError> {
    let mut inspection =
        Inspection { known: noted.is_none_or(|noted| noted == Head::default()), ..Inspection::default() };
    let strays = store.strays().await?.into_iter().map(|sequence| Finding::Stray { sequence });
    inspection.findings.extend(strays);
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
    if inspection.head == Head::default() && noted.is_none() {
        inspection.findings.push(Finding::Empty);
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
    /// Whether entries were lost or changed, so that the accounts are not known any more.
    lost: bool,
    findings: Vec<Finding>,
}

impl Inspection {
    fn inspect(&mut self, entry: &Entry) {
        let (sequence, expected) = (entry.sequence, self.head.sequence + 1);
        if sequence > expected {
            self.lose(Finding::Missing { first: expected, last: sequence - 1 });
        } else if entry.previous != self.head.digest && self.head.sequence > 0 {
            // This one is held by its own digest: it is the one before that is another now.
            self.changed(self.head.sequence, "the entry after it was written after another one".into());
        }
        match entry.record() {
            Ok(record) if !self.lost => {
                if let Err(error) = record.replay(&mut self.accounts) {
                    self.findings.push(Finding::Unlawful { sequence, reason: error.to_string() });
                }
            }
            Ok(_) => {}
            Err(reason) => match near(sequence).find(|place| entry.was_written_as(*place)) {
                Some(written) if written != sequence => self.lose(Finding::Reordered { sequence, written }),
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
            self.lose(Finding::Changed { sequence, reason });
        }
    }

    /// Once an entry can't be read as it was written, what follows can't be held against its command.
    fn lose(&mut self, finding: Finding) {
        self.lost = true;
        self.findings.push(finding);
    }
}

/// Places at which an entry may have been written, the nearest first.
fn near(sequence: u64) -> impl Iterator<Item = u64> {
    (0..10_000).flat_map(move |distance| [sequence.saturating_sub(distance), sequence + distance])
}
