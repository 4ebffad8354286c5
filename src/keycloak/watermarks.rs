//! Realms in which nothing happened since a run compared them whole: two small requests tell, and no more of them is read.
//!
//! What a watermark is, and when one holds, says [`watermark`]; here it is asked for and made. Its events are read before its
//! realm is, so that a change in between is seen by the next run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::observe::Users;
use super::{KeycloakError, ReadRealms, observe};
use crate::plan::Plan;
use crate::plan::watermark::{self, EVENTS, Seen, Watermark};
use crate::state::{RealmState, State};

/// Watermarks by the tenant that each is about.
pub type Kept = BTreeMap<String, Watermark>;

/// What became of the watermarks of those that a run read whole; none: it has none any more.
pub type Moved = BTreeMap<String, Option<Watermark>>;

/// The watermarks of one run.
#[derive(Debug, Default)]
pub struct Watermarks {
    known: Kept,
    /// Digests of what is wanted, of tenants that may be taken as unchanged.
    wanted: BTreeMap<String, String>,
    /// For how many hours a comparison is good.
    hours: u16,
    /// When the run began, in seconds since 1970.
    now: i64,
    /// Versions of servers, by their number.
    versions: tokio::sync::Mutex<BTreeMap<usize, Option<String>>>,
    /// The newest events of realms that were read whole then.
    seen: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Watermarks {
    /// Those that earlier runs left; `wanted` are the digests of what is wanted of each tenant ([`watermark::wanted`]), and a
    /// tenant without one is read whole. With 0 `hours`, all are.
    pub fn new(known: Kept, wanted: BTreeMap<String, String>, hours: u16, now: i64) -> Self {
        Self { known, wanted, hours, now, ..Self::default() }
    }

    /// What a realm contains ([`observe()`]), or that nothing has changed in it.
    pub async fn observe(
        &self,
        api: &impl ReadRealms,
        realm: &str,
        users: &Users,
    ) -> Result<Option<RealmState>, KeycloakError> {
        let Some(wanted) = self.wanted.get(realm) else { return observe(api, realm, users).await };
        let Ok(events) = api.admin_events(realm, EVENTS).await else { return observe(api, realm, users).await };
        let Some(events) = events else { return Ok(None) };
        let Some(events) = watermark::event_ids(&events) else { return observe(api, realm, users).await };
        if let Some(since) = self.unchanged_since(api, realm, wanted, &events).await {
            return Ok(Some(RealmState::unchanged(since)));
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(realm.to_owned(), events);
        observe(api, realm, users).await
    }

    /// When a realm was compared whole, if nothing has happened in it since. What can't be found out is no reason to fail.
    async fn unchanged_since(
        &self,
        api: &impl ReadRealms,
        realm: &str,
        wanted: &str,
        events: &[String],
    ) -> Option<String> {
        // First what costs no request.
        let known = self.known.get(realm)?;
        let version = self.version(api, realm).await?;
        let mut seen = Seen { events: events.to_vec(), unlogged: known.seen.unlogged.clone() };
        if !known.holds(wanted, &version, &seen, self.now, self.hours) {
            return None;
        }
        seen.unlogged = watermark::unlogged(&api.get(realm, "").await.ok()??)?;
        let since = Timestamp::from_second(known.at).ok()?.strftime("%FT%TZ").to_string();
        known.holds(wanted, &version, &seen, self.now, self.hours).then_some(since)
    }

    /// The version of a realm's server, asked for once.
    async fn version(&self, api: &impl ReadRealms, realm: &str) -> Option<String> {
        let mut versions = self.versions.lock().await;
        if let Some(version) = versions.get(&api.number_of(realm)) {
            return version.clone();
        }
        let version = api.version(realm).await.ok().flatten();
        versions.insert(api.number_of(realm), version.clone());
        version
    }

    /// The watermarks of the realms that were read whole, by what was found there. To be asked for before anything is written.
    pub async fn moved(&self, api: &impl ReadRealms, plan: &Plan, state: &State) -> Moved {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let mut moved = Moved::new();
        let compared = plan.tenants.iter().filter(|tenant| tenant.unchanged_since.is_none());
        for tenant in compared.filter(|tenant| self.wanted.contains_key(&tenant.tenant)) {
            let version = match seen.contains_key(&tenant.tenant) {
                true => self.version(api, &tenant.tenant).await,
                false => None,
            };
            let made = || {
                let observed = state.get(&tenant.tenant).filter(|observed| watermark::is_silent(tenant, observed))?;
                let seen = Seen { events: seen.get(&tenant.tenant)?.clone(), unlogged: observed.unlogged.clone()? };
                let (wanted, server) = (self.wanted.get(&tenant.tenant)?.clone(), version?);
                Some(Watermark { wanted, server, seen, at: self.now })
            };
            moved.insert(tenant.tenant.clone(), made());
        }
        moved
    }
}

/// Watermarks as a text that nobody can change who has not the `secret`; `place` says what they are about.
pub fn seal(secret: &[u8; 32], place: &str, kept: &Kept) -> String {
    let text = serde_json::to_string(kept).unwrap_or_default();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), format!("{place}\0{text}").as_bytes());
    format!("{}\n{text}\n", URL_SAFE_NO_PAD.encode(tag))
}

/// The watermarks in a text, if it is one that [`seal`] made with this secret for this place.
pub fn unseal(secret: &[u8; 32], place: &str, text: &str) -> Option<Kept> {
    let (tag, text) = text.strip_suffix('\n')?.split_once('\n')?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::verify(&key, format!("{place}\0{text}").as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
    serde_json::from_str(text).ok()
}
