//! Concurrent seats: `/auth?seat=PRODUCT` takes one for the session, and keeps it as long as it is asked again.

use std::sync::{Arc, Mutex, PoisonError};

use super::request::Asked;
use super::store::{By, Of, Span};
use super::{Broker, Happened, now};
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::lease::Taking;
use crate::login::session::Key;
use crate::login::tenant::Tenant;

/// How long a seat is kept that nobody asks for again, in times of the interval in which it is extended.
const LAPSES: u64 = 2;

impl Asked {
    /// Whether somebody has a seat of the product that is asked about: a named one, or a concurrent one, which they take. A
    /// seat that is asked for twice, or by no name, nobody has.
    pub(super) async fn seat(&self, tenant: &Tenant, session: &Key, identity: &Identity) -> Result<(), Fault> {
        let mut query = url::form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        if !query.any(|(name, _)| name == "seat") {
            return Ok(());
        }
        let product = self.parameter("seat").ok_or(Fault::NoSeat)?;
        let Some(pool) = tenant.pools.get(&product) else {
            return if identity.has_seat(&product) { Ok(()) } else { Err(Fault::NoSeat) };
        };
        let broker = &self.broker;
        if broker.has_seat(session, &product).await {
            return Ok(());
        }
        let (now, limits) = (now(), broker.limits);
        let span = Span { now, until: now + LAPSES * limits.refresh, barred: now + limits.absolute };
        let of = Of { tenant: &tenant.name, product: &product, pool };
        let (taking, evicted) = broker.store.take(of, By { session, subject: identity.subject() }, span).await?;
        for key in &evicted {
            broker.leased.invalidate(key).await;
            self.tell(Some(&tenant.name), Happened::SeatLost);
        }
        let refused = |fault: Fault| {
            self.tell(Some(&tenant.name), Happened::SeatRefused(fault));
            Err(fault)
        };
        match taking {
            Taking::Refused => refused(Fault::SeatsTaken),
            Taking::Evicted => refused(Fault::SeatLost),
            Taking::Taken { beyond, .. } => {
                if beyond {
                    self.tell(Some(&tenant.name), Happened::SeatBeyond);
                }
                broker.leased.get_with(*session, async { Arc::default() }).await.add(product);
                Ok(())
            }
        }
    }
}

impl Broker {
    /// Whether a session took a seat of this product a moment ago.
    async fn has_seat(&self, session: &Key, product: &str) -> bool {
        self.leased.get(session).await.is_some_and(|leased| leased.holds(product))
    }
}

/// The products of which a session has a seat.
#[derive(Debug, Default)]
pub(super) struct Leased(Mutex<Vec<String>>);

impl Leased {
    fn holds(&self, product: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|held| held == product)
    }

    fn add(&self, product: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(product);
    }
}
