//! Sessions in the database.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{KEPT, Store, StoreError, key};
use crate::login::session::{Key, Limits};
use crate::state::applied::hex;

/// A session as it is kept. Times are seconds since 1970.
#[derive(Debug, Clone)]
pub struct Row {
    /// Name of its tenant.
    pub tenant: String,
    /// The realm's name of its user.
    pub subject: String,
    /// The session at the realm; empty where it has no name.
    pub sid: String,
    /// Who it is, and the tokens.
    pub sealed: String,
    /// When it began.
    pub began: u64,
    /// When it was last known to be used.
    pub used: u64,
    /// When its tokens were last got.
    pub refreshed: u64,
    /// When its access token ends.
    pub expires: u64,
}

/// For how long whoever gets tokens anew has them alone, in seconds: longer than a realm is waited for.
const CLAIM: u64 = 20;

/// How much longer a session is kept than its idle time, because when it was used is written down with its refreshes only.
const SLACK: u64 = 120;

const COLUMNS: &str = "tenant, subject, sid, sealed, began, used, refreshed, expires";

impl Row {
    fn of(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let time = |column: usize| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
        Ok(Self {
            tenant: row.try_get(0)?,
            subject: row.try_get(1)?,
            sid: row.try_get(2)?,
            sealed: row.try_get(3)?,
            began: time(4)?,
            used: time(5)?,
            refreshed: time(6)?,
            expires: time(7)?,
        })
    }
}

impl Store {
    /// Keeps a new one.
    pub async fn begin(&self, key: &Key, row: &Row) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO broker_session (key, claimed, {COLUMNS}) VALUES ($1, 0, $2, $3, $4, $5, $6, $7, $8, $9)"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(hex(key))
            .bind(row.tenant.clone())
            .bind(row.subject.clone())
            .bind(row.sid.clone())
            .bind(row.sealed.clone())
            .bind(row.began.cast_signed())
            .bind(row.used.cast_signed())
            .bind(row.refreshed.cast_signed())
            .bind(row.expires.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The one of a key.
    pub async fn find(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        let statement = format!("SELECT {COLUMNS} FROM broker_session WHERE key = $1");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(hex(key));
        Ok(query.fetch_optional(&self.pool).await?.as_ref().map(Row::of).transpose()?)
    }

    /// Has this process alone get its tokens anew. None: it is over, another one does, or has done since `refreshed`.
    pub async fn claim(&self, key: &Key, refreshed: u64, now: u64) -> Result<Option<Row>, StoreError> {
        let statement = format!(
            "UPDATE broker_session SET claimed = $1 WHERE key = $2 AND refreshed = $3 AND claimed <= $4 RETURNING {COLUMNS}"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind((now + CLAIM).cast_signed())
            .bind(hex(key))
            .bind(refreshed.cast_signed())
            .bind(now.cast_signed());
        Ok(query.fetch_optional(&self.pool).await?.as_ref().map(Row::of).transpose()?)
    }

    /// Lets others get its tokens, where the realm could not be asked.
    pub async fn unclaim(&self, key: &Key) -> Result<(), StoreError> {
        sqlx::query("UPDATE broker_session SET claimed = 0 WHERE key = $1").bind(hex(key)).execute(&self.pool).await?;
        Ok(())
    }

    /// Keeps its new tokens. False: it is over.
    pub async fn renew(&self, key: &Key, row: &Row) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE broker_session SET sealed = $1, used = $2, refreshed = $3, expires = $4, claimed = 0 WHERE key = $5",
        )
        .bind(row.sealed.clone())
        .bind(row.used.cast_signed())
        .bind(row.refreshed.cast_signed())
        .bind(row.expires.cast_signed())
        .bind(hex(key))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends one, and gives what it was.
    pub async fn end(&self, key: &Key, now: u64) -> Result<Option<Row>, StoreError> {
        let statement = format!("DELETE FROM broker_session WHERE key = $1 RETURNING {COLUMNS}");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(hex(key));
        let row = query.fetch_optional(&self.pool).await?.as_ref().map(Row::of).transpose()?;
        if row.is_some() {
            self.over(&[hex(key)], now).await?;
        }
        Ok(row)
    }

    /// Ends what a logout token of a tenant's realm names: one session of the realm, or all of a user.
    pub async fn end_at_realm(
        &self,
        tenant: &str,
        subject: Option<&str>,
        sid: Option<&str>,
        now: u64,
    ) -> Result<Vec<Key>, StoreError> {
        if subject.is_none() && sid.is_none() {
            return Ok(Vec::new());
        }
        let query = sqlx::query_scalar::<_, String>(
            "DELETE FROM broker_session WHERE tenant = $1 AND ($2 = '' OR sid = $2) AND ($3 = '' OR subject = $3) RETURNING key",
        );
        let query = query
            .bind(tenant.to_owned())
            .bind(sid.unwrap_or_default().to_owned())
            .bind(subject.unwrap_or_default().to_owned());
        let ended = query.fetch_all(&self.pool).await?;
        self.over(&ended, now).await?;
        Ok(ended.iter().filter_map(|text| key(text)).collect())
    }

    /// Gives back the seats of sessions that are over, and tells.
    async fn over(&self, keys: &[String], now: u64) -> Result<(), StoreError> {
        for key in keys {
            sqlx::query("DELETE FROM broker_lease WHERE session = $1").bind(key.clone()).execute(&self.pool).await?;
        }
        self.notice(keys, now).await
    }

    /// Takes out what is over.
    pub async fn sweep(&self, limits: &Limits, now: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM broker_session WHERE began <= $1 OR used <= $2")
            .bind(now.saturating_sub(limits.absolute).cast_signed())
            .bind(now.saturating_sub(limits.idle + SLACK).cast_signed())
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM broker_notice WHERE at < $1")
            .bind(now.saturating_sub(KEPT).cast_signed())
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM broker_shown WHERE at < $1")
            .bind(now.saturating_sub(KEPT).cast_signed())
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM broker_lease WHERE expires <= $1").bind(now.cast_signed()).execute(&self.pool).await?;
        Ok(())
    }
}
