//! The fast tests: offline, against the in-memory Keycloak and mock servers on loopback.

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../support/mod.rs"]
mod support;

mod memory;
