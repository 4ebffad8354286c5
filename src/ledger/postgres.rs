//! PostgreSQL: one table, and an advisory lock that writers take for the length of a transaction.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Row};

use super::Digest;
use super::entry::Entry;
use super::store::{LedgerError, Store};

/// A ledger in a database.
#[derive(Debug)]
pub struct PostgresStore {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

/// `realmwri` in ASCII: the lock of writers.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8243098785894298217)";

/// How long a writer waits for its turn, and how long a transaction may do nothing.
const WAIT: &str = "30s";

/// Two that make the table at once would collide in the catalogue; a lock of its own, so that nobody waits for writers.
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(8243098785894298218)";

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS realmwright_entry (
    sequence BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    key TEXT UNIQUE,
    body TEXT NOT NULL,
    previous BYTEA NOT NULL,
    digest BYTEA NOT NULL
)";

impl PostgresStore {
    /// The ledger in a database. Its table is made with the first use.
    pub fn new(options: PgConnectOptions) -> Self {
        // Nobody waits for ever for a writer that hangs.
        let options = options.options([("lock_timeout", WAIT), ("idle_in_transaction_session_timeout", WAIT)]);
        Self { options: options.disable_statement_logging(), connection: None }
    }

    fn failed(&self, source: sqlx::Error) -> LedgerError {
        let database = self.options.get_database().unwrap_or_default();
        let store = format!("postgres://{}:{}/{database}", self.options.get_host(), self.options.get_port());
        LedgerError::Store { store, source }
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let mut transaction = connection.begin().await?;
        sqlx::query(SCHEMA_LOCK).execute(&mut *transaction).await?;
        sqlx::query(SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(connection)
    }

    async fn connection(&mut self) -> Result<&mut PgConnection, LedgerError> {
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

impl Store for PostgresStore {
    async fn after(&mut self, sequence: u64, most: usize) -> Result<Vec<Entry>, LedgerError> {
        let query = sqlx::query(
            "SELECT sequence, at, key, body, previous, digest FROM realmwright_entry WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        )
        .bind(sequence.cast_signed())
        .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let rows = query.fetch_all(self.connection().await?).await.map_err(|error| self.failed(error))?;
        let entry = |row: &sqlx::postgres::PgRow| -> Result<Entry, sqlx::Error> {
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
        self.run("BEGIN").await?;
        self.run(LOCK).await
    }

    async fn append(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        let column = |text: fn(&Entry) -> i64| entries.iter().map(text).collect::<Vec<_>>();
        let query = sqlx::query(
            "INSERT INTO realmwright_entry (sequence, at, key, body, previous, digest)
             SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])",
        )
        .bind(column(|entry| entry.sequence.cast_signed()))
        .bind(column(|entry| entry.at))
        .bind(entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.body.clone()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.previous.0.to_vec()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.digest.0.to_vec()).collect::<Vec<_>>());
        let result = query.execute(self.connection().await?).await;
        result.map(|_| ()).map_err(|error| self.failed(error))
    }

    async fn commit(&mut self) -> Result<(), LedgerError> {
        self.run("COMMIT").await
    }

    async fn reset(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Ends the session, and with it the transaction and the lock.
            let _ = connection.close_hard().await;
        }
    }
}
