//! Sessions between the memory of this process and the database: begun, found, ended.

use std::sync::Arc;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::store::Row;
use super::{Broker, cookies, now, seal};
use crate::login::fault::Fault;
use crate::login::identity::Identity;
use crate::login::session::{Key, Session, Tokens};
use crate::login::tenant::Directory;
use crate::state::applied::hex;

/// What is sealed of a session.
#[derive(Serialize, Deserialize)]
struct Sealed {
    issuer: String,
    identity: Identity,
    id: String,
    access: Option<String>,
    refresh: Option<String>,
}

/// Where it is sealed for.
fn place(key: &Key) -> String {
    format!("session {}", hex(key))
}

impl Broker {
    /// A session as it is kept.
    pub(super) fn row(
        &self,
        key: &Key,
        session: &Session,
        tokens: &Tokens,
        sid: Option<&str>,
        used: u64,
    ) -> Result<Row, Fault> {
        let told = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
        let sealed = Sealed {
            issuer: session.tenant.issuer.clone(),
            identity: session.identity.clone(),
            id: tokens.id.expose_secret().to_owned(),
            access: told(&tokens.access),
            refresh: told(&tokens.refresh),
        };
        Ok(Row {
            tenant: session.tenant.name.clone(),
            subject: session.identity.subject().to_owned(),
            sid: sid.unwrap_or_default().to_owned(),
            sealed: self.seal.keep(&place(key), &sealed).ok_or(Fault::Store)?,
            began: session.began,
            used,
            refreshed: session.refreshed,
            expires: session.until,
        })
    }

    /// What is kept of a session, opened. None: its tenant is there no more or has another realm, or no
    /// key that is known sealed it.
    pub(super) fn opened(&self, key: &Key, row: &Row) -> Option<(Session, Tokens)> {
        let Sealed { issuer, identity, id, access, refresh } = self.seal.kept(&place(key), &row.sealed)?;
        let tenant = self.served().directory.named(&row.tenant).filter(|tenant| tenant.issuer == issuer)?.clone();
        let secret = |token: Option<String>| token.map(SecretString::from);
        let (access, refresh) = (secret(access), secret(refresh));
        let tokens = Tokens { id: id.into(), access, refresh, until: row.expires };
        let (began, refreshed, until) = (row.began, row.refreshed, row.expires);
        Some((Session { tenant, identity, began, refreshed, until }, tokens))
    }

    /// Begins one.
    pub(super) async fn begin(
        &self,
        key: Key,
        session: Session,
        tokens: &Tokens,
        sid: Option<&str>,
    ) -> Result<(), Fault> {
        if !self.sessions().has_room() {
            return Err(Fault::Store);
        }
        let row = self.row(&key, &session, tokens, sid, session.began)?;
        self.store.begin(&key, &row).await?;
        self.sessions().learn(key, session, row.used);
        Ok(())
    }

    /// The session of a request's cookie, as it was last seen, if one of these tenants has it.
    pub(super) async fn found(
        &self,
        directory: &Directory,
        headers: &HeaderMap,
    ) -> Result<Option<(Key, Arc<Session>)>, Fault> {
        let Some(key) = cookies::value(headers, cookies::SESSION).map(seal::digest) else { return Ok(None) };
        let known = self.sessions().find(&key, now());
        let session = match known {
            Some(session) => Some(session),
            None => self.load(&key).await?,
        };
        Ok(session.and_then(|session| self.sessions().at(&key, session, directory)).map(|session| (key, session)))
    }

    /// One that another process keeps, or that this one does not know any more.
    pub(super) async fn load(&self, key: &Key) -> Result<Option<Arc<Session>>, Fault> {
        let Some(row) = self.store.find(key).await? else {
            self.sessions().forget(key);
            return Ok(None);
        };
        let opened = self.opened(key, &row).map(|(session, _)| session);
        let opened = opened.filter(|session| !session.is_over(&self.limits, row.used, now()));
        let mut sessions = self.sessions();
        let room = sessions.has_room();
        Ok(opened.filter(|_| room).map(|session| sessions.learn(*key, session, row.used)))
    }

    /// The tokens of one.
    pub(super) async fn tokens(&self, key: &Key) -> Result<Tokens, Fault> {
        let row = self.store.find(key).await?;
        row.and_then(|row| self.opened(key, &row)).map(|(_, tokens)| tokens).ok_or(Fault::State)
    }

    /// Ends one, and gives what it was.
    pub(super) async fn end(&self, key: &Key) -> Result<Option<(Session, Tokens)>, Fault> {
        self.sessions().forget(key);
        let row = self.store.end(key, now()).await?;
        Ok(row.and_then(|row| self.opened(key, &row)))
    }

    /// Ends what a logout token of a tenant's realm names. Says how many.
    pub(super) async fn end_at_realm(
        &self,
        tenant: &str,
        subject: Option<&str>,
        sid: Option<&str>,
    ) -> Result<usize, Fault> {
        let ended = self.store.end_at_realm(tenant, subject, sid, now()).await?;
        let mut sessions = self.sessions();
        ended.iter().for_each(|key| sessions.forget(key));
        Ok(ended.len())
    }

    /// Takes out what is over.
    pub async fn sweep(&self) {
        self.limiter.sweep();
        self.sessions().sweep(now());
        self.once().turn(now());
        // What is left because the database can't be asked goes with the next one.
        let _ = self.store.sweep(&self.limits, now()).await;
    }

    /// Forgets what other processes have changed; it is read anew when it is asked for.
    pub async fn follow(&self) {
        if !self.store.is_shared() {
            return;
        }
        if let Ok(noticed) = self.store.noticed(now()).await {
            for key in &noticed {
                self.sessions().forget(key);
                self.leased.invalidate(key).await;
            }
        }
    }
}
