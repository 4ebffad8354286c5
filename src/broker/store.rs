//! Where sessions and concurrent seats are kept: in a database, so that they outlive the process, and other brokers on the
//! same database know them. What is secret of a session is sealed before it comes here.
//!
//! Statements are written so that SQLite and PostgreSQL both take them. Whoever changes a session that others may know leaves
//! a notice; they look for new ones twice a second.

mod leases;
mod sessions;

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Executor};
use url::Url;

use crate::login::fault::Fault;
use crate::login::session::Key;
use crate::state::applied::hex;
pub use leases::{By, Of, Span};
pub use sessions::Row;

/// Where it is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a file that nobody else sees, and that goes with the process.
    Own,
    /// In a database: `sqlite:` with a path, or a URL of PostgreSQL.
    Shared(Url),
}

/// The database.
#[derive(Debug)]
pub struct Store {
    pool: AnyPool,
    shared: bool,
}

/// Why it could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the sessions' database can't be used: {0}")]
pub struct StoreError(#[from] sqlx::Error);

impl From<StoreError> for Fault {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// For how long a notice is looked for; so far may clocks of brokers be apart.
const NOTICED: u64 = 30;

/// For how long it is kept; and what may be shown once, which is longer than any of it is good for.
const KEPT: u64 = 3600;

/// How long somebody waits for the database.
const WAIT: Duration = Duration::from_secs(5);

const SCHEMA: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS broker_session (
        key TEXT PRIMARY KEY, tenant TEXT NOT NULL, subject TEXT NOT NULL, sid TEXT NOT NULL, sealed TEXT NOT NULL,
        began BIGINT NOT NULL, used BIGINT NOT NULL, refreshed BIGINT NOT NULL, expires BIGINT NOT NULL,
        claimed BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS broker_session_at_realm ON broker_session (tenant, sid)",
    "CREATE TABLE IF NOT EXISTS broker_notice (key TEXT PRIMARY KEY, at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS broker_shown (key TEXT PRIMARY KEY, at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS broker_pool (
        tenant TEXT NOT NULL, product TEXT NOT NULL, turn BIGINT NOT NULL, PRIMARY KEY (tenant, product))",
    "CREATE TABLE IF NOT EXISTS broker_lease (
        tenant TEXT NOT NULL, product TEXT NOT NULL, session TEXT NOT NULL, subject TEXT NOT NULL, taken BIGINT NOT NULL,
        expires BIGINT NOT NULL, evicted BIGINT NOT NULL, PRIMARY KEY (tenant, product, session))",
    "CREATE INDEX IF NOT EXISTS broker_lease_of_session ON broker_lease (session)",
];

impl Store {
    /// Opens it, and makes what is not there yet.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        // SQLite takes an empty name for a file of its own that goes when it is closed.
        let own = || Url::parse("sqlite://").map_err(|error| sqlx::Error::Configuration(error.into()));
        let (url, shared) = match place {
            Place::Own => (own()?, false),
            Place::Shared(url) => (url.clone(), true),
        };
        let is_file = url.scheme() == "sqlite";
        let options = AnyPoolOptions::new()
            // A file has one writer at a time in any case, and one connection never waits for itself.
            .max_connections(if is_file { 1 } else { 8 })
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(WAIT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if is_file {
                        connection.execute("PRAGMA journal_mode = WAL").await?;
                        connection.execute("PRAGMA synchronous = NORMAL").await?;
                        connection.execute("PRAGMA busy_timeout = 5000").await?;
                    }
                    Ok(())
                })
            });
        let pool = options.connect_with(AnyConnectOptions::from_url(&url)?.disable_statement_logging()).await?;
        for statement in SCHEMA {
            // Two that make a table at once collide in PostgreSQL's catalogue; then the other has made it.
            if sqlx::query(statement).execute(&pool).await.is_err() {
                sqlx::query(statement).execute(&pool).await?;
            }
        }
        Ok(Self { pool, shared })
    }

    /// Whether other processes may know its sessions.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// True the first time that anybody asks for this key, at whichever broker, since it was swept out.
    pub async fn is_first(&self, key: &Key, now: u64) -> Result<bool, StoreError> {
        let done = sqlx::query("INSERT INTO broker_shown (key, at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
            .bind(hex(key))
            .bind(now.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Tells other brokers that what they know of sessions is not so any more.
    async fn notice(&self, keys: &[String], now: u64) -> Result<(), StoreError> {
        for key in keys.iter().filter(|_| self.shared) {
            sqlx::query("INSERT INTO broker_notice (key, at) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET at = $2")
                .bind(key.clone())
                .bind(now.cast_signed())
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    /// The sessions of which there was notice lately.
    pub async fn noticed(&self, now: u64) -> Result<Vec<Key>, StoreError> {
        let since = now.saturating_sub(NOTICED).cast_signed();
        let query = sqlx::query_scalar::<_, String>("SELECT key FROM broker_notice WHERE at >= $1").bind(since);
        Ok(query.fetch_all(&self.pool).await?.iter().filter_map(|text| key(text)).collect())
    }
}

/// A session's key from the text, in hexadecimal digits, as which it is kept.
fn key(text: &str) -> Option<Key> {
    let digits = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    digits.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
