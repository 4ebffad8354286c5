//! Who is logged in. A browser has nothing but the name of its session; tokens are kept sealed, and are not here.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::identity::Identity;
use super::tenant::{Directory, Tenant};

/// What a session is found by: a digest of its name, so that a copy of the memory is no way in.
pub type Key = [u8; 32];

/// Seconds until a realm that could not be asked is asked again about a session whose tokens are still good.
const AGAIN: u64 = 10;

/// How long sessions last, in seconds, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without being used.
    pub idle: u64,
    /// In any case.
    pub absolute: u64,
    /// How many; beyond that, nobody new gets in.
    pub most: usize,
    /// From one refresh to the next: so long may pass until what changed in the realm is seen.
    pub refresh: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: 30 * 60, absolute: 10 * 60 * 60, most: 200_000, refresh: 60 }
    }
}

/// What a realm gave for a login.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The ID token, which tells the realm at logout whose session ends.
    pub id: SecretString,
    /// The access token, where applications may have it exchanged for one of their own.
    pub access: Option<SecretString>,
    /// What gets new ones.
    pub refresh: Option<SecretString>,
    /// When the access token ends.
    pub until: u64,
}

/// One login.
#[derive(Debug, Clone)]
pub struct Session {
    /// Where.
    pub tenant: Arc<Tenant>,
    /// Who.
    pub identity: Identity,
    /// When it began.
    pub began: u64,
    /// When its tokens were last got.
    pub refreshed: u64,
    /// When its access token ends.
    pub until: u64,
}

impl Session {
    /// Whether its tokens are to be got anew before it is believed.
    pub fn is_due(&self, limits: &Limits, now: u64) -> bool {
        now.saturating_sub(self.refreshed) >= limits.refresh || now >= self.until
    }

    /// When it ends in any case.
    pub fn ends(&self, limits: &Limits) -> u64 {
        self.began + limits.absolute
    }

    /// Whether it is over, where it was last used then.
    pub fn is_over(&self, limits: &Limits, used: u64, now: u64) -> bool {
        now >= self.ends(limits) || now.saturating_sub(used) >= limits.idle
    }
}

/// One that is known, and when it was last used.
#[derive(Debug)]
struct Known {
    session: Arc<Session>,
    used: u64,
}

/// The sessions that this process knows. Others may be kept beside them, and these by other processes too.
#[derive(Debug, Default)]
pub struct Sessions {
    limits: Limits,
    known: HashMap<Key, Known>,
}

impl Sessions {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether there is room for one more.
    pub fn has_room(&self) -> bool {
        self.known.len() < self.limits.most
    }

    /// Learns of one, or of its new tokens; it was last used then.
    pub fn learn(&mut self, key: Key, session: Session, used: u64) -> Arc<Session> {
        let session = Arc::new(session);
        let used = self.known.get(&key).map_or(used, |known| known.used.max(used));
        self.known.insert(key, Known { session: session.clone(), used });
        session
    }

    /// One that is not over; it counts as used.
    pub fn find(&mut self, key: &Key, now: u64) -> Option<Arc<Session>> {
        let known = self.known.get_mut(key)?;
        if known.session.is_over(&self.limits, known.used, now) {
            self.known.remove(key);
            return None;
        }
        known.used = known.used.max(now);
        Some(known.session.clone())
    }

    /// One as its tenant is in a directory; none where that is not there, or has another realm, of which the session is none.
    pub fn at(&mut self, key: &Key, session: Arc<Session>, directory: &Directory) -> Option<Arc<Session>> {
        let tenant = directory.named(&session.tenant.name)?;
        if Arc::ptr_eq(tenant, &session.tenant) {
            return Some(session);
        }
        if tenant.issuer != session.tenant.issuer {
            return None;
        }
        let session = Arc::new(Session { tenant: tenant.clone(), ..Session::clone(&session) });
        if let Some(known) = self.known.get_mut(key) {
            known.session = session.clone();
        }
        Some(session)
    }

    /// Lets one be as it is for a moment, because its realm can't be asked.
    pub fn postpone(&mut self, key: &Key, now: u64) {
        let refreshed = (now + AGAIN).saturating_sub(self.limits.refresh);
        if let Some(known) = self.known.get_mut(key).filter(|known| known.session.refreshed < refreshed) {
            known.session = Arc::new(Session { refreshed, ..Session::clone(&known.session) });
        }
    }

    /// Knows nothing of one any more.
    pub fn forget(&mut self, key: &Key) {
        self.known.remove(key);
    }

    /// Forgets what is over.
    pub fn sweep(&mut self, now: u64) {
        let limits = self.limits;
        self.known.retain(|_, known| !known.session.is_over(&limits, known.used, now));
        self.known.shrink_to_fit();
    }
}
