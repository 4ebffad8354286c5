//! What a plan is made from, and how it is carried out, where neither matters; benches take them too.

use std::time::Duration;

use realmwright::apply::{Holder, Manner, OnStale};
use realmwright::keycloak::process;
use realmwright::plan::{Header, View};

/// How a saved plan is carried out by a process that is gone since.
pub fn manner(parallelism: usize, on_stale: OnStale) -> Manner {
    let name = process::name().replace(&format!("/{}/", std::process::id()), "/0/");
    let holder = Holder { name, is_gone: process::is_gone, patience: Duration::ZERO };
    Manner { parallelism, on_stale, saved: true, holder }
}

pub fn header() -> Header {
    Header {
        trusted_keys: None,
        tool_version: "0.0.0".into(),
        environment: "test".into(),
        server: "memory".into(),
        directory: ".".into(),
        manifests: "sha256:0".into(),
        created_at: "2026-01-01T00:00:00Z".into(),
        expires_at: "2026-01-02T00:00:00Z".into(),
        view: View::default(),
    }
}
