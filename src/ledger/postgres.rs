//! PostgreSQL: one table, and an advisory lock that writers take for the length of a transaction.

use sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sqlx::{ConnectOptions, Connection};

use super::entry::Entry;
use super::sql::{Dialect, SqlStore};

/// A database.
pub struct Place(PgConnectOptions);

/// A ledger in a database.
pub type PostgresStore = SqlStore<Place>;

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
        Self::of(Place(options.disable_statement_logging()))
    }
}

impl Dialect for Place {
    type Database = Postgres;

    const READ: &'static str = "SELECT sequence, at, key, body, previous, digest FROM realmwright_entry
        WHERE sequence > $1 ORDER BY sequence LIMIT $2";

    const STRAYS: &'static str = "SELECT sequence FROM realmwright_entry WHERE sequence < 1 ORDER BY sequence";

    const LOCK: &'static [&'static str] = &["BEGIN", "SELECT pg_advisory_xact_lock(8243098785894298217)"];

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.0).await?;
        let mut transaction = connection.begin().await?;
        sqlx::query(SCHEMA_LOCK).execute(&mut *transaction).await?;
        sqlx::query(SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(connection)
    }

    async fn append(connection: &mut PgConnection, entries: &[Entry]) -> Result<(), sqlx::Error> {
        let numbers = |of: fn(&Entry) -> i64| entries.iter().map(of).collect::<Vec<_>>();
        let bytes = |of: fn(&Entry) -> Vec<u8>| entries.iter().map(of).collect::<Vec<_>>();
        sqlx::query(
            "INSERT INTO realmwright_entry (sequence, at, key, body, previous, digest) SELECT * FROM
             UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])",
        )
        .bind(numbers(|entry| entry.sequence.cast_signed()))
        .bind(numbers(|entry| entry.at))
        .bind(entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>())
        .bind(entries.iter().map(|entry| entry.body.clone()).collect::<Vec<_>>())
        .bind(bytes(|entry| entry.previous.0.to_vec()))
        .bind(bytes(|entry| entry.digest.0.to_vec()))
        .execute(connection)
        .await?;
        Ok(())
    }

    fn name(&self) -> String {
        let database = self.0.get_database().unwrap_or_default();
        format!("postgres://{}:{}/{database}", self.0.get_host(), self.0.get_port())
    }
}
