//! The ledger: what happened to the accounts, kept for ever.
//!
//! Append-only. Each [`Entry`] is one command with its answer, who asked, when and why; it carries the digest of the one
//! before, so that none can be changed, lost or put elsewhere unseen. [`Accounts`] are the fold of all entries; as they are
//! read, each command is asked for once more, and has to give the answer that was kept.
//!
//! Writers take turns: whoever writes holds the store's lock, reads what others wrote since, decides, appends and commits.
//! So any number of instances may work on one store, and every history is one that a single writer could have made.

mod any;
mod entry;
mod postgres;
mod sql;
mod sqlite;
mod store;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub use any::{AnyStore, Location, LocationError};
use entry::Unlike;
pub use entry::{Answer, Cause, Digest, Entry, Record};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
pub use store::{LedgerError, Store};
pub use verify::{Finding, verify};

use crate::licence::{Accounts, Command, Event, RULES, Refusal, Time};

/// A command, with who asks and why.
#[derive(Clone, Debug)]
pub struct Order {
    /// When; see [`Accounts::advance`].
    pub at: Time,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub cause: Cause,
    /// A name for this order, so that it can be sent again without being done again.
    pub key: Option<String>,
    /// What is asked.
    pub command: Command,
}

/// The accounts of a store, as far as they were read.
#[derive(Debug)]
pub struct Ledger<S> {
    store: S,
    accounts: Accounts,
    head: Head,
    /// The orders that had a key, by it.
    keys: BTreeMap<String, Record>,
}

/// What came of planned events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// All happened, now or before.
    Kept,
    /// One is refused; nothing was kept.
    Refused(Refusal),
    /// Something else would happen, as it says; nothing was kept.
    Otherwise(String),
}

/// The last entry that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0 where there is none.
    pub sequence: u64,
    /// Its digest.
    pub digest: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, self.digest)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sequence, digest) = text.split_once(':').ok_or("a head is NUMBER:DIGEST")?;
        let sequence = sequence.parse().map_err(|_| "a head is NUMBER:DIGEST")?;
        Ok(Self { sequence, digest: digest.to_owned().try_into()? })
    }
}

/// Reads entries that are all of a ledger, from the first on: their head.
///
/// # Errors
///
/// An entry is not what was written.
pub fn prove(entries: &[Entry]) -> Result<Head, LedgerError> {
    let mut ledger = Ledger::empty(());
    entries.iter().try_for_each(|entry| ledger.take(entry).map(drop))?;
    Ok(ledger.head)
}

/// Fills an empty store with the entries of another one, in one transaction. The head afterwards.
///
/// # Errors
///
/// The store is not empty or can't be written, or an entry is not what was written: nothing was done.
pub async fn restore<S: Store>(store: &mut S, entries: &[Entry]) -> Result<Head, LedgerError> {
    let head = fill(store, entries).await;
    if head.is_err() {
        store.reset().await;
    }
    head
}

async fn fill<S: Store>(store: &mut S, entries: &[Entry]) -> Result<Head, LedgerError> {
    store.lock().await?;
    if !store.after(0, 1).await?.is_empty() {
        return Err(LedgerError::NotEmpty);
    }
    let head = prove(entries)?;
    store.append(entries).await?;
    store.commit().await?;
    Ok(head)
}

/// The accounts of a store as they were at a time: with all that had happened by then, and without what had expired. Who
/// hides from those above it now is hidden then too. All entries are proved.
///
/// # Errors
///
/// As [`Ledger::open`].
pub async fn accounts_at<S: Store>(store: S, at: Time) -> Result<Accounts, LedgerError> {
    let mut ledger = Ledger::empty(store);
    let mut then = None;
    loop {
        let entries = ledger.page().await?;
        for entry in &entries {
            let record = ledger.proved(entry)?;
            if record.at > at && then.is_none() {
                then = Some(ledger.accounts.clone());
            }
            ledger.fold(&record, entry)?;
        }
        if entries.len() < PAGE {
            break;
        }
    }
    let mut then = then.unwrap_or_else(|| ledger.accounts.clone());
    then.advance(at);
    then.hide_as(&ledger.accounts);
    Ok(then)
}

impl<S> Ledger<S> {
    fn empty(store: S) -> Self {
        Self { store, accounts: Accounts::default(), head: Head::default(), keys: BTreeMap::new() }
    }

    fn answer(&mut self, order: &Order) -> Result<(Record, Entry), LedgerError> {
        let answer = self.accounts.execute(order.at, &order.command).into();
        let record = Record {
            sequence: self.head.sequence + 1,
            // The time that counted.
            at: self.accounts.now(),
            actor: order.actor.clone(),
            cause: order.cause.clone(),
            key: order.key.clone(),
            rules: RULES,
            command: order.command.clone(),
            answer,
        };
        let entry = Entry::new(&record, self.head.digest)?;
        self.keep(&record, entry.digest);
        Ok((record, entry))
    }

    /// Folds in an entry that somebody wrote.
    fn take(&mut self, entry: &Entry) -> Result<Record, LedgerError> {
        let record = self.proved(entry)?;
        self.fold(&record, entry)?;
        Ok(record)
    }

    /// What the next entry says, once its place and its digest are proved.
    fn proved(&self, entry: &Entry) -> Result<Record, LedgerError> {
        let broken = |reason: String| LedgerError::Broken { sequence: entry.sequence, reason };
        if entry.sequence != self.head.sequence + 1 {
            return Err(broken(format!("entry {} is missing", self.head.sequence + 1)));
        }
        if entry.previous != self.head.digest {
            return Err(broken("the entry before it was changed".into()));
        }
        entry.record().map_err(broken)
    }

    fn fold(&mut self, record: &Record, entry: &Entry) -> Result<(), LedgerError> {
        let broken = |error: Unlike| LedgerError::Broken { sequence: entry.sequence, reason: error.to_string() };
        record.replay(&mut self.accounts).map_err(broken)?;
        self.keep(record, entry.digest);
        Ok(())
    }

    fn keep(&mut self, record: &Record, digest: Digest) {
        self.head = Head { sequence: record.sequence, digest };
        if let Some(key) = &record.key {
            self.keys.insert(key.clone(), record.clone());
        }
    }
}

impl<S: Store> Ledger<S> {
    /// Reads the accounts of a store.
    ///
    /// # Errors
    ///
    /// The store can't be read, or an entry is not what was written.
    pub async fn open(store: S) -> Result<Self, LedgerError> {
        Self::open_with(store, |_| {}).await
    }

    /// The same, told of each record on the way.
    ///
    /// # Errors
    ///
    /// As [`Ledger::open`].
    pub async fn open_with(store: S, told: impl FnMut(&Record)) -> Result<Self, LedgerError> {
        let mut ledger = Self::empty(store);
        ledger.read_on(told).await?;
        Ok(ledger)
    }

    /// Only the accounts, as far as they were read.
    pub fn into_accounts(self) -> Accounts {
        self.accounts
    }

    /// The accounts, as far as they were read.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Lets time pass, for looking: nothing is written.
    pub fn advance(&mut self, at: Time) {
        self.accounts.advance(at);
    }

    /// What was answered to the order of a key.
    pub fn recorded(&self, key: &str) -> Option<&Record> {
        self.keys.get(key)
    }

    /// The serials of the licences that plans had issued.
    pub fn issued_by_plans(&self) -> impl Iterator<Item = &str> {
        self.keys.values().filter(|record| record.cause.plan.is_some()).filter_map(|record| match &record.command {
            Command::Issue(terms) => Some(terms.serial.as_str()),
            _ => None,
        })
    }

    /// The last entry that was read.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Reads what others wrote since.
    ///
    /// # Errors
    ///
    /// As [`Ledger::open`].
    pub async fn catch_up(&mut self) -> Result<(), LedgerError> {
        self.read_on(|_| {}).await
    }

    async fn read_on(&mut self, mut told: impl FnMut(&Record)) -> Result<(), LedgerError> {
        loop {
            let entries = self.page().await?;
            for entry in &entries {
                told(&self.take(entry)?);
            }
            if entries.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Entries that were not read yet; fewer than [`PAGE`] are the last.
    async fn page(&mut self) -> Result<Vec<Entry>, LedgerError> {
        self.store.after(self.head.sequence, PAGE).await
    }

    /// Answers orders, in one transaction: either all answers are kept, or none was given. An order whose key was used
    /// for the same command gets the answer of then.
    ///
    /// # Errors
    ///
    /// The store can't be read or written: nothing was done, or what was done is found by sending the same keys again.
    pub async fn submit(&mut self, orders: &[Order]) -> Result<Vec<Record>, LedgerError> {
        match self.try_submit(orders).await {
            Ok(records) => Ok(records),
            Err(error) => {
                self.begin_anew().await;
                Err(error)
            }
        }
    }

    /// What was folded in may not have been kept.
    async fn begin_anew(&mut self) {
        self.store.reset().await;
        (self.accounts, self.head, self.keys) = (Accounts::default(), Head::default(), BTreeMap::new());
    }

    /// Whether an order was accepted before under its key.
    fn is_done(&self, order: &Order) -> bool {
        let before = order.key.as_ref().and_then(|key| self.keys.get(key));
        before.is_some_and(|before| before.command == order.command && matches!(before.answer, Answer::Accepted { .. }))
    }

    async fn try_submit(&mut self, orders: &[Order]) -> Result<Vec<Record>, LedgerError> {
        self.store.lock().await?;
        self.catch_up().await?;
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        for order in orders {
            if let Some(before) = order.key.as_ref().and_then(|key| self.keys.get(key)) {
                if before.command != order.command {
                    return Err(LedgerError::KeyReused {
                        key: order.key.clone().unwrap_or_default(),
                        sequence: before.sequence,
                    });
                }
                records.push(before.clone());
                continue;
            }
            let (record, entry) = self.answer(order)?;
            entries.push(entry);
            records.push(record);
        }
        self.store.append(&entries).await?;
        self.store.commit().await?;
        Ok(records)
    }

    /// Has planned events happen, in one transaction: each order has to give the event of its place. Orders whose keys
    /// were used for the same commands are done already.
    ///
    /// # Errors
    ///
    /// As [`Ledger::submit`].
    pub async fn carry_out(&mut self, orders: &[Order], events: &[Event]) -> Result<Carried, LedgerError> {
        let carried = self.try_carry_out(orders, events).await;
        if !matches!(carried, Ok(Carried::Kept)) {
            self.begin_anew().await;
        }
        carried
    }

    async fn try_carry_out(&mut self, orders: &[Order], events: &[Event]) -> Result<Carried, LedgerError> {
        self.store.lock().await?;
        self.catch_up().await?;
        let mut entries = Vec::new();
        let planned = orders.iter().zip(events);
        for (order, event) in planned.filter(|(order, _)| !self.is_done(order)).collect::<Vec<_>>() {
            let (record, entry) = self.answer(order)?;
            match record.answer {
                Answer::Accepted { events } if events.as_slice() == std::slice::from_ref(event) => entries.push(entry),
                Answer::Accepted { events } => {
                    return Ok(Carried::Otherwise(
                        events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                    ));
                }
                Answer::Refused { refusal } => return Ok(Carried::Refused(refusal)),
            }
        }
        self.store.append(&entries).await?;
        self.store.commit().await?;
        Ok(Carried::Kept)
    }

    /// The store, to be read by itself.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }
}

/// How many entries are read at once.
pub(crate) const PAGE: usize = 5_000;
