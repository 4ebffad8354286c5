//! What keeps entries.

use std::future::Future;

use thiserror::Error;

use super::entry::Entry;

/// A place for entries. One connection; a store that failed is connected anew with its next use.
pub trait Store: Send {
    /// Entries after a number, in order, at most so many.
    fn after(&mut self, sequence: u64, most: usize) -> impl Future<Output = Result<Vec<Entry>, LedgerError>> + Send;

    /// Numbers that entries have and that no entry can have: those below 1, in order.
    fn strays(&mut self) -> impl Future<Output = Result<Vec<i64>, LedgerError>> + Send;

    /// Begins a transaction that no other writer can be in.
    fn lock(&mut self) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Appends entries within the transaction.
    fn append(&mut self, entries: &[Entry]) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Ends the transaction: what was appended is kept, whatever fails from then on.
    fn commit(&mut self) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Forgets the transaction and the connection.
    fn reset(&mut self) -> impl Future<Output = ()> + Send;
}

/// Why the ledger can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The store does not answer, or refuses.
    #[error("{store}: {source}")]
    Store {
        /// Which, without its password.
        store: String,
        /// What it said.
        source: sqlx::Error,
    },
    /// An entry is not what was written.
    #[error("entry {sequence} of the ledger: {reason}")]
    Broken {
        /// Its number.
        sequence: u64,
        /// What is wrong.
        reason: String,
    },
    /// An order has the key of another one.
    #[error("the key `{key}` was used for another command, in entry {sequence}")]
    KeyReused {
        /// The key.
        key: String,
        /// Where.
        sequence: u64,
    },
    /// Only an empty ledger can be filled from a backup.
    #[error("the ledger has entries already")]
    NotEmpty,
    /// An entry can't be written as JSON.
    #[error("an entry can't be written: {0}")]
    Json(#[from] serde_json::Error),
}
