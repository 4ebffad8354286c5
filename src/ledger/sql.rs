//! What the stores have in common: one connection, made anew after a failure, and entries as rows.

use std::future::Future;

use sqlx::{ColumnIndex, Connection, Database, Decode, Executor, IntoArguments, Row, Type};

use super::Digest;
use super::entry::Entry;
use super::store::{LedgerError, Store};

/// What is special about one database.
pub trait Dialect: Send + Sync {
    /// The database.
    type Database: Database;

    /// Reads entries after the first argument, at most as many as the second says: number, time, key, body, the digest
    /// before and its own.
    const READ: &'static str;

    /// Reads the numbers below 1.
    const STRAYS: &'static str;

    /// Begins a transaction that no other writer can be in.
    const LOCK: &'static [&'static str];

    /// Connects, and makes the table where there is none.
    fn connect(&self) -> impl Future<Output = Result<<Self::Database as Database>::Connection, sqlx::Error>> + Send;

    /// Appends entries.
    fn append(
        connection: &mut <Self::Database as Database>::Connection,
        entries: &[Entry],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// The database, as it is named to people, without a password.
    fn name(&self) -> String;
}

/// A ledger in a database.
pub struct SqlStore<D: Dialect> {
    dialect: D,
    connection: Option<<D::Database as Database>::Connection>,
}

impl<D: Dialect> std::fmt::Debug for SqlStore<D> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("SqlStore").field(&self.dialect.name()).finish()
    }
}

impl<D: Dialect> SqlStore<D> {
    pub(super) fn of(dialect: D) -> Self {
        Self { dialect, connection: None }
    }

    fn failed(&self, source: sqlx::Error) -> LedgerError {
        LedgerError::Store { store: self.dialect.name(), source }
    }

    async fn connection(&mut self) -> Result<&mut <D::Database as Database>::Connection, LedgerError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.dialect.connect().await.map_err(|error| self.failed(error))?,
        };
        Ok(self.connection.insert(connection))
    }
}

impl<D: Dialect> SqlStore<D>
where
    for<'c> &'c mut <D::Database as Database>::Connection: Executor<'c, Database = D::Database>,
    <D::Database as Database>::Arguments: IntoArguments<D::Database>,
{
    async fn run(&mut self, statement: &'static str) -> Result<(), LedgerError> {
        let result = sqlx::query(statement).execute(self.connection().await?).await;
        result.map(|_| ()).map_err(|error| self.failed(error))
    }
}

impl<D: Dialect> Store for SqlStore<D>
where
    for<'c> &'c mut <D::Database as Database>::Connection: Executor<'c, Database = D::Database>,
    <D::Database as Database>::Arguments: IntoArguments<D::Database>,
    usize: ColumnIndex<<D::Database as Database>::Row>,
    i64: Type<D::Database> + for<'r> Decode<'r, D::Database> + for<'q> sqlx::Encode<'q, D::Database>,
    String: Type<D::Database> + for<'r> Decode<'r, D::Database>,
    Vec<u8>: Type<D::Database> + for<'r> Decode<'r, D::Database>,
{
    async fn after(&mut self, sequence: u64, most: usize) -> Result<Vec<Entry>, LedgerError> {
        let query = sqlx::query(D::READ).bind(sequence.cast_signed()).bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = query.fetch_all(self.connection().await?).await.map_err(|error| self.failed(error))?;
        let entry = |row: &<D::Database as Database>::Row| -> Result<Entry, sqlx::Error> {
            // Of another length it is no digest, and fits nothing.
            let digest = |column: usize| {
                row.try_get::<Vec<u8>, _>(column).map(|bytes| Digest(bytes.try_into().unwrap_or_default()))
            };
            Ok(Entry {
                sequence: row.try_get::<i64, _>(0)?.cast_unsigned(),
                at: row.try_get(1)?,
                key: row.try_get(2)?,
                body: row.try_get(3)?,
                previous: digest(4)?,
                digest: digest(5)?,
            })
        };
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    async fn strays(&mut self) -> Result<Vec<i64>, LedgerError> {
        let query = sqlx::query(D::STRAYS);
        let rows = query.fetch_all(self.connection().await?).await.map_err(|error| self.failed(error))?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    async fn lock(&mut self) -> Result<(), LedgerError> {
        for statement in D::LOCK {
            self.run(statement).await?;
        }
        Ok(())
    }

    async fn append(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        let result = D::append(self.connection().await?, entries).await;
        result.map_err(|error| self.failed(error))
    }

    async fn commit(&mut self) -> Result<(), LedgerError> {
        self.run("COMMIT").await
    }

    async fn reset(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Ends the session, and with it the transaction and its locks.
            let _ = connection.close_hard().await;
        }
    }
}
