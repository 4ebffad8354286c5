//! One entry, and the chain that holds entries together.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::store::LedgerError;
use crate::licence::{Accounts, Command, Event, RULES, Refusal, Time};

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its number, from 1 on, without gaps.
    pub sequence: u64,
    /// When it happened.
    pub at: Time,
    /// Who asked.
    pub actor: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Cause::is_empty")]
    pub cause: Cause,
    /// The name of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The rules that it was answered by; see [`RULES`].
    #[serde(default = "first_rules", skip_serializing_if = "is_first")]
    pub rules: u32,
    /// What was asked.
    pub command: Command,
    /// What came of it.
    #[serde(flatten)]
    pub answer: Answer,
}

impl Record {
    /// Asks for it once more: the answer must be the one that was kept. Whatever was kept, what happens to the accounts
    /// is what the command gives.
    pub(super) fn replay(&self, accounts: &mut Accounts) -> Result<(), Unlike> {
        if self.rules != RULES {
            return Err(Unlike::Rules(self.rules));
        }
        let given = Answer::from(accounts.execute(self.at, &self.command));
        if accounts.now() != self.at {
            return Err(Unlike::Time);
        }
        match given == self.answer {
            true => Ok(()),
            false => Err(Unlike::Answer { kept: self.answer.to_string(), given: given.to_string() }),
        }
    }
}

/// The rules of entries that don't name any.
fn first_rules() -> u32 {
    1
}

fn is_first(rules: &u32) -> bool {
    *rules == first_rules()
}

/// Why an entry can't have come about at its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Unlike {
    /// Its command gives another answer.
    #[error("it says: {kept}; its command gives: {given}")]
    Answer {
        /// What it says.
        kept: String,
        /// What it would say.
        given: String,
    },
    /// Its time.
    #[error("its time is before the one of the entry before it, or out of range")]
    Time,
    /// It was answered by rules that are not known here.
    #[error("it was answered by rules {0}, and this program knows rules {RULES}: use the version that wrote it")]
    Rules(u32),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It happened; nothing, where it was so already.
    Accepted {
        /// What happened.
        events: Vec<Event>,
    },
    /// It was refused.
    Refused {
        /// Why.
        refusal: Refusal,
    },
}

impl From<Result<Vec<Event>, Refusal>> for Answer {
    fn from(answer: Result<Vec<Event>, Refusal>) -> Self {
        match answer {
            Ok(events) => Self::Accepted { events },
            Err(refusal) => Self::Refused { refusal },
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { events } if events.is_empty() => formatter.write_str("nothing to do"),
            Self::Accepted { events } => {
                formatter.write_str(&events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::Refused { refusal } => write!(formatter, "refused: {refusal}"),
        }
    }
}

/// Why something was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cause {
    /// The digest of the plan that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The request that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl Cause {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// SHA-256 of an entry and, through the one before it, of all that were before.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest(pub [u8; 32]);

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let byte = |at: usize| text.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let mut digest = Self::default();
        for (at, place) in digest.0.iter_mut().enumerate() {
            *place = byte(at).filter(|_| text.len() == 64).ok_or("a digest has 64 hexadecimal digits")?;
        }
        Ok(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// An entry as it is stored. What it says is kept as the text that was written, so that not a byte can change unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number.
    pub sequence: u64,
    /// When it happened, as in `body`.
    pub at: Time,
    /// The name of the order, as in `body`.
    pub key: Option<String>,
    /// The record as JSON.
    pub body: String,
    /// The digest of the entry before; zeros where there is none.
    pub previous: Digest,
    /// The digest over that, the number and the body.
    pub digest: Digest,
}

impl Entry {
    pub(super) fn new(record: &Record, previous: Digest) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_string(record)?;
        let digest = digest(previous, record.sequence, &body);
        Ok(Self { sequence: record.sequence, at: record.at, key: record.key.clone(), body, previous, digest })
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// It is not what was written.
    pub fn checked(&self) -> Result<Record, LedgerError> {
        self.record().map_err(|reason| LedgerError::Broken { sequence: self.sequence, reason })
    }

    /// What it says, or what about it is not as it was written.
    pub(super) fn record(&self) -> Result<Record, String> {
        if !self.was_written_as(self.sequence) {
            return Err("its digest does not fit".into());
        }
        let record: Record = serde_json::from_str(&self.body).map_err(|error| error.to_string())?;
        match record.sequence == self.sequence && record.at == self.at && record.key == self.key {
            true => Ok(record),
            false => Err("its columns are not what its text says".into()),
        }
    }

    /// Whether it is what was written with a number.
    pub(super) fn was_written_as(&self, sequence: u64) -> bool {
        digest(self.previous, sequence, &self.body) == self.digest
    }
}

/// All parts but the last have a fixed length, so no two entries give the same bytes.
fn digest(previous: Digest, sequence: u64, body: &str) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"realmwright ledger 1\n");
    hash.update(previous.0);
    hash.update(sequence.to_be_bytes());
    hash.update(body.as_bytes());
    Digest(hash.finalize().into())
}
