//! A server that is cut off at one request: nothing reaches it from then on, or one answer is lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{Birth, Fault, KeycloakError, ReadRealms, WriteRealms};
use serde_json::Value;

/// What becomes of a run at one of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Killed before the request was sent.
    Before,
    /// The server acted, and the run is killed before it is answered.
    After,
    /// The server acted and the answer is lost; the run goes on as it can.
    Lost,
}

/// A server that a run reaches until this end comes to its request of this number, from 0 on.
pub struct Cut<'a> {
    inner: &'a MemoryKeycloak,
    requests: AtomicUsize,
    at: usize,
    end: End,
    /// Whether those that read are counted, and cut off, too.
    reads: bool,
}

impl<'a> Cut<'a> {
    pub fn new(inner: &'a MemoryKeycloak, at: usize, end: End) -> Self {
        Self { inner, requests: AtomicUsize::new(0), at, end, reads: true }
    }

    /// The same of those requests alone that write; with `lost`, the server acts on the one of this number.
    pub fn at_write(inner: &'a MemoryKeycloak, at: usize, lost: bool) -> Self {
        Self { reads: false, ..Self::new(inner, at, if lost { End::After } else { End::Before }) }
    }

    /// Whether the end came.
    pub fn came(&self) -> bool {
        self.requests.load(Ordering::SeqCst) > self.at
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T, KeycloakError>>) -> Result<T, KeycloakError> {
        if self.reads { self.send(work).await } else { work.await }
    }

    async fn send<T>(&self, work: impl Future<Output = Result<T, KeycloakError>>) -> Result<T, KeycloakError> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        if number < self.at || (number > self.at && self.end == End::Lost) {
            return work.await;
        }
        if number == self.at && self.end != End::Before {
            work.await?;
        }
        let fault = Fault::NoAnswer { reason: "killed".into(), unsent: false };
        Err(KeycloakError { method: "POST", path: "anywhere".into(), fault })
    }
}

impl ReadRealms for Cut<'_> {
    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        self.read(self.inner.export(realm)).await
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        self.read(self.inner.get(realm, path)).await
    }
}

impl WriteRealms for Cut<'_> {
    async fn create_realm(&self, body: &Value) -> Result<Birth, KeycloakError> {
        self.send(self.inner.create_realm(body)).await
    }

    async fn post(&self, realm: &str, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        self.send(self.inner.post(realm, path, body)).await
    }

    async fn put(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.send(self.inner.put(realm, path, body)).await
    }

    async fn delete(&self, realm: &str, path: &str, body: Option<&Value>) -> Result<(), KeycloakError> {
        self.send(self.inner.delete(realm, path, body)).await
    }
}
