//! Which store a ledger is in, as people name it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use thiserror::Error;

use super::entry::Entry;
use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::store::{LedgerError, Store};

/// Where a ledger is: `sqlite:PATH`, or `postgres://USER@HOST:PORT/DATABASE`. What the latter leaves out comes from the
/// variables that PostgreSQL's own programs read (`PGPASSWORD`, `PGHOST`, …).
#[derive(Clone, Debug)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A database.
    Postgres {
        /// Where.
        options: Box<PgConnectOptions>,
        /// Whether the URL had a password in it.
        password: bool,
    },
}

/// What is no place for a ledger.
#[derive(Debug, Error)]
pub enum LocationError {
    /// Neither of the two.
    #[error("a ledger is `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`")]
    Unknown,
    /// A URL of PostgreSQL that can't be read.
    #[error("this is no URL of a PostgreSQL database: {0}")]
    Postgres(sqlx::Error),
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.trim_start_matches('/').is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => {
                let password = url::Url::parse(text).is_ok_and(|url| url.password().is_some());
                let options = text.parse().map(Box::new).map_err(LocationError::Postgres)?;
                Ok(Self::Postgres { options, password })
            }
            _ => Err(LocationError::Unknown),
        }
    }
}

impl fmt::Display for Location {
    /// As it can be read again; never with a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::Postgres { options, .. } => {
                let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
                write!(formatter, "postgres://{user}@{host}:{port}/{}", options.get_database().unwrap_or(user))
            }
        }
    }
}

impl Location {
    /// Whether it is a file that is not there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Sqlite(path) if !path.exists())
    }

    /// The store that is there. A file that is not there is an error unless it may be made.
    pub fn store(&self, create: bool) -> AnyStore {
        match self {
            Self::Sqlite(path) => AnyStore::Sqlite(SqliteStore::new(path, create)),
            Self::Postgres { options, .. } => AnyStore::Postgres(Box::new(PostgresStore::new((**options).clone()))),
        }
    }

    /// The database that it is in, as a URL for those who keep something else there.
    pub fn url(&self) -> Result<url::Url, LocationError> {
        match self {
            Self::Sqlite(path) => {
                let path = std::path::absolute(path).ok().and_then(|path| url::Url::from_file_path(path).ok());
                let url = path.and_then(|path| url::Url::parse(&format!("sqlite{}?mode=rw", &path.as_str()[4..])).ok());
                url.ok_or(LocationError::Unknown)
            }
            Self::Postgres { options, .. } => Ok(options.to_url_lossy()),
        }
    }

    /// Whether a password stands in its URL, where other programs can see it.
    pub fn has_password(&self) -> bool {
        matches!(self, Self::Postgres { password: true, .. })
    }
}

/// One of the stores.
#[derive(Debug)]
#[allow(missing_docs, reason = "named after what they hold")]
pub enum AnyStore {
    Sqlite(SqliteStore),
    Postgres(Box<PostgresStore>),
}

impl Store for AnyStore {
    async fn after(&mut self, sequence: u64, most: usize) -> Result<Vec<Entry>, LedgerError> {
        match self {
            Self::Sqlite(store) => store.after(sequence, most).await,
            Self::Postgres(store) => store.after(sequence, most).await,
        }
    }

    async fn strays(&mut self) -> Result<Vec<i64>, LedgerError> {
        match self {
            Self::Sqlite(store) => store.strays().await,
            Self::Postgres(store) => store.strays().await,
        }
    }

    async fn lock(&mut self) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(store) => store.lock().await,
            Self::Postgres(store) => store.lock().await,
        }
    }

    async fn append(&mut self, entries: &[Entry]) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(store) => store.append(entries).await,
            Self::Postgres(store) => store.append(entries).await,
        }
    }

    async fn commit(&mut self) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(store) => store.commit().await,
            Self::Postgres(store) => store.commit().await,
        }
    }

    async fn reset(&mut self) {
        match self {
            Self::Sqlite(store) => store.reset().await,
            Self::Postgres(store) => store.reset().await,
        }
    }
}
