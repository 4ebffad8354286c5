//! Who is logged in. Tokens stay here; a browser has nothing but the name of its session.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;

use super::identity::Identity;
use super::tenant::Tenant;

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
    pub identity: Arc<Identity>,
    /// The session at the realm.
    pub sid: Option<String>,
    /// Its tokens.
    pub tokens: Tokens,
    /// When it began.
    pub began: u64,
    /// When its tokens were last got.
    pub refreshed: u64,
}

impl Session {
    /// Whether its tokens are to be got anew before it is believed.
    pub fn is_due(&self, limits: &Limits, now: u64) -> bool {
        now.saturating_sub(self.refreshed) >= limits.refresh || now >= self.tokens.until
    }

    /// When it ends in any case.
    pub fn ends(&self, limits: &Limits) -> u64 {
        self.began + limits.absolute
    }
}

/// One that is kept, and when it was last used.
#[derive(Debug)]
struct Kept {
    session: Arc<Session>,
    used: u64,
}

impl Kept {
    fn is_over(&self, limits: &Limits, now: u64) -> bool {
        now >= self.session.ends(limits) || now.saturating_sub(self.used) >= limits.idle
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    limits: Limits,
    all: HashMap<Key, Kept>,
    /// By tenant and the realm's own name of the session.
    by_sid: HashMap<(String, String), Vec<Key>>,
}

impl Sessions {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How long they last.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Begins one; false where there is no room.
    pub fn begin(&mut self, key: Key, session: Session) -> bool {
        if self.all.len() >= self.limits.most {
            return false;
        }
        if let Some(sid) = &session.sid {
            self.by_sid.entry((session.tenant.name.clone(), sid.clone())).or_default().push(key);
        }
        let used = session.began;
        self.all.insert(key, Kept { session: Arc::new(session), used });
        true
    }

    /// One that is not over; it counts as used.
    pub fn find(&mut self, key: &Key, now: u64) -> Option<Arc<Session>> {
        let kept = self.all.get_mut(key)?;
        if kept.is_over(&self.limits, now) {
            self.end(key);
            return None;
        }
        kept.used = kept.used.max(now);
        Some(kept.session.clone())
    }

    /// Gives one its new tokens, if it is there still.
    pub fn refresh(&mut self, key: &Key, tokens: Tokens, identity: Option<Identity>, now: u64) {
        if let Some(kept) = self.all.get_mut(key) {
            let identity = identity.map_or_else(|| kept.session.identity.clone(), Arc::new);
            kept.session = Arc::new(Session { tokens, identity, refreshed: now, ..Session::clone(&kept.session) });
        }
    }

    /// Lets one be as it is for a moment, because its realm can't be asked.
    pub fn postpone(&mut self, key: &Key, now: u64) {
        let refreshed = (now + AGAIN).saturating_sub(self.limits.refresh);
        if let Some(kept) = self.all.get_mut(key).filter(|kept| kept.session.refreshed < refreshed) {
            kept.session = Arc::new(Session { refreshed, ..Session::clone(&kept.session) });
        }
    }

    /// Ends one, and gives what it was.
    pub fn end(&mut self, key: &Key) -> Option<Arc<Session>> {
        let session = self.all.remove(key)?.session;
        if let Some(sid) = &session.sid {
            let place = (session.tenant.name.clone(), sid.clone());
            if let Some(keys) = self.by_sid.get_mut(&place) {
                keys.retain(|other| other != key);
                if keys.is_empty() {
                    self.by_sid.remove(&place);
                }
            }
        }
        Some(session)
    }

    /// Ends what a logout token of a tenant's realm names: one session of the realm, or all of a user. Says how many.
    pub fn end_at_realm(&mut self, tenant: &str, subject: Option<&str>, sid: Option<&str>) -> usize {
        let meant: Vec<Key> = match sid {
            Some(sid) => self.by_sid.get(&(tenant.to_owned(), sid.to_owned())).cloned().unwrap_or_default(),
            None => {
                self.all.iter().filter(|(_, kept)| kept.session.tenant.name == tenant).map(|(key, _)| *key).collect()
            }
        };
        let named = |key: &&Key| {
            let kept = self.all.get(*key);
            kept.is_some_and(|kept| subject.is_none_or(|subject| kept.session.identity.subject == subject))
        };
        let meant: Vec<Key> = meant.iter().filter(named).copied().collect();
        meant.iter().filter_map(|key| self.end(key)).count()
    }

    /// Takes out what is over.
    pub fn sweep(&mut self, now: u64) {
        let over: Vec<Key> =
            self.all.iter().filter(|(_, kept)| kept.is_over(&self.limits, now)).map(|(key, _)| *key).collect();
        over.iter().for_each(|key| drop(self.end(key)));
    }
}
