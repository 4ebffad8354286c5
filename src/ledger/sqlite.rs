//! SQLite: a file of its own, in WAL mode, synced at each commit.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};

use super::Digest;
use super::entry::Entry;
use super::store::{LedgerError, Store};

/// A ledger in a file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    create: bool,
    connection: Option<SqliteConnection>,
}

/// How long a writer waits for its turn.
const WAIT: Duration = Duration::from_secs(30);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS entry (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    key TEXT UNIQUE,
    body TEXT NOT NULL,
    previous BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT";

impl SqliteStore {
    /// The ledger in a file; one that is not there is an error unless it may be made.
    pub fn new(path: &Path, create: bool) -> Self {
        Self { path: path.to_owned(), create, connection: None }
    }

    fn failed(&self, source: sqlx::Error) -> LedgerError {
        LedgerError::Store { store: format!("sqlite:{}", self.path.display()), source }
    }

    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(self.create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(WAIT)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::query(SCHEMA).execute(&mut connection).await?;
        Ok(connection)
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection, LedgerError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await.map_err(|error| self.failed(error))?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), LedgerError> {
        let result = sqlx::query(statement).execute(self.connection().await?).await;
        result.map(|_| ()).map_err(|error| self.failed(error))
    }
}

impl Store for SqliteStore {
    async fn after(&mut self, sequence: u64, most: usize) -> Result<Vec<Entry>, LedgerError> {
        let query = sqlx::query(
            "SELECT sequence, at, key, body, previous, digest FROM entry WHERE sequence > ? ORDER BY sequence LIMIT ?",
        )
        .bind(sequence.cast_signed())
        .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = query.fetch_all(self.connection().await?).await.map_err(|error| self.failed(error))?;
        let entry = |row: &sqlx::sqlite::SqliteRow| -> Result<Entry, sqlx::Error> {
            // Of another length it is no digest, and fits nothing.
            let bytes =
                |column| row.try_get::<Vec<u8>, _>(column).map(|bytes| Digest(bytes.try_into().unwrap_or_default()));
            Ok(Entry {
                sequence: row.try_get::<i64, _>(0)?.cast_unsigned(),
                at: row.try_get(1)?,
                key: row.try_get(2)?,
                body: row.try_get(3)?,
                previous: bytes(4)?,
                digest: bytes(5)?,
            })
        };
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    async fn lock(&mut self) -> Result<(), LedgerError> {
        self.run("BEGIN IMMEDIATE").await
    }

    async fn append(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        for entry in entries {
            let query =
                sqlx::query("INSERT INTO entry (sequence, at, key, body, previous, digest) VALUES (?, ?, ?, ?, ?, ?)")
                    .bind(entry.sequence.cast_signed())
                    .bind(entry.at)
                    .bind(&entry.key)
                    .bind(&entry.body)
                    .bind(&entry.previous.0[..])
                    .bind(&entry.digest.0[..]);
            query.execute(self.connection().await?).await.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), LedgerError> {
        self.run("COMMIT").await
    }

    async fn reset(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Closing rolls back what was not committed; a failure to close leaves nothing that could be done.
            let _ = connection.close().await;
        }
    }
}
