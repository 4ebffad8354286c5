//! SQLite: a file of its own, in WAL mode, synced at each commit.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::entry::Entry;
use super::sql::{Dialect, SqlStore};

/// A file.
pub struct File {
    path: PathBuf,
    create: bool,
}

/// A ledger in a file.
pub type SqliteStore = SqlStore<File>;

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
        Self::of(File { path: path.to_owned(), create })
    }
}

impl Dialect for File {
    type Database = Sqlite;

    const READ: &'static str =
        "SELECT sequence, at, key, body, previous, digest FROM entry WHERE sequence > ? ORDER BY sequence LIMIT ?";

    const STRAYS: &'static str = "SELECT sequence FROM entry WHERE sequence < 1 ORDER BY sequence";

    const LOCK: &'static [&'static str] = &["BEGIN IMMEDIATE"];

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

    async fn append(connection: &mut SqliteConnection, entries: &[Entry]) -> Result<(), sqlx::Error> {
        for entry in entries {
            sqlx::query("INSERT INTO entry (sequence, at, key, body, previous, digest) VALUES (?, ?, ?, ?, ?, ?)")
                .bind(entry.sequence.cast_signed())
                .bind(entry.at)
                .bind(&entry.key)
                .bind(&entry.body)
                .bind(&entry.previous.0[..])
                .bind(&entry.digest.0[..])
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }
}
