//! Concurrent seats in the database: whoever takes one of a pool waits for whoever takes another one of it.

use sqlx::Row as _;

use super::{Store, StoreError, key};
use crate::login::lease::{Lease, Taking};
use crate::login::session::Key;
use crate::login::tenant::Pool;
use crate::state::applied::hex;

/// Whose seats.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// Name of the tenant.
    pub tenant: &'a str,
    /// Name of the product.
    pub product: &'a str,
    /// How many there are.
    pub pool: &'a Pool,
}

/// Who takes one.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// What the session is found by.
    pub session: &'a Key,
    /// Its user.
    pub subject: &'a str,
}

/// From when, and until when, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Now.
    pub now: u64,
    /// When it lapses.
    pub until: u64,
    /// Until when an evicted session is remembered as such.
    pub barred: u64,
}

impl Store {
    /// Takes a seat, or extends it. Whoever loses theirs is told of by its key.
    pub async fn take(&self, of: Of<'_>, by: By<'_>, span: Span) -> Result<(Taking, Vec<Key>), StoreError> {
        let mut transaction = self.pool.begin().await?;
        // The first statement writes the pool's row: so everybody else who wants one of its seats waits here.
        let turn = sqlx::query_scalar::<_, i64>(
            "INSERT INTO broker_pool (tenant, product, turn) VALUES ($1, $2, 1)
             ON CONFLICT (tenant, product) DO UPDATE SET turn = broker_pool.turn + 1 RETURNING turn",
        )
        .bind(of.tenant.to_owned())
        .bind(of.product.to_owned())
        .fetch_one(&mut *transaction)
        .await?;
        let rows = sqlx::query(
            "SELECT session, subject, taken, expires, evicted FROM broker_lease
             WHERE tenant = $1 AND product = $2 AND expires > $3",
        )
        .bind(of.tenant.to_owned())
        .bind(of.product.to_owned())
        .bind(span.now.cast_signed())
        .fetch_all(&mut *transaction)
        .await?;
        let leases = rows.iter().map(|row| {
            Ok(Lease {
                session: row.try_get::<String, _>(0)?.into_bytes(),
                subject: row.try_get(1)?,
                taken: row.try_get::<i64, _>(2)?.cast_unsigned(),
                until: row.try_get::<i64, _>(3)?.cast_unsigned(),
                evicted: row.try_get::<i64, _>(4)? != 0,
            })
        });
        let leases = leases.collect::<Result<Vec<Lease>, sqlx::Error>>()?;
        let own = hex(by.session);
        let licensed = of.pool.licensed(span.now);
        let taking = of.pool.terms.take(&leases, licensed, own.as_bytes(), by.subject, span.now);
        let Taking::Taken { evicted, .. } = &taking else { return Ok((taking, Vec::new())) };
        let evicted: Vec<String> = evicted.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
        for session in &evicted {
            sqlx::query(
                "UPDATE broker_lease SET evicted = 1, expires = $1 WHERE tenant = $2 AND product = $3 AND session = $4",
            )
            .bind(span.barred.cast_signed())
            .bind(of.tenant.to_owned())
            .bind(of.product.to_owned())
            .bind(session.clone())
            .execute(&mut *transaction)
            .await?;
        }
        // What lapsed and was taken again counts from now.
        sqlx::query(
            "INSERT INTO broker_lease (tenant, product, session, subject, taken, expires, evicted)
             VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (tenant, product, session) DO UPDATE SET
             taken = CASE WHEN broker_lease.expires > $7 THEN broker_lease.taken ELSE $5 END, expires = $6, evicted = 0",
        )
        .bind(of.tenant.to_owned())
        .bind(of.product.to_owned())
        .bind(own)
        .bind(by.subject.to_owned())
        .bind(turn)
        .bind(span.until.cast_signed())
        .bind(span.now.cast_signed())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.notice(&evicted, span.now).await?;
        Ok((taking, evicted.iter().filter_map(|text| key(text)).collect()))
    }
}
