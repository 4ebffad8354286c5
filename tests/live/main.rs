//! The tests against a real Keycloak: one server for the whole run, started by `keycloak-dev` unless `KEYCLOAK_URL`
//! names one, and ended with this process.

#![allow(unreachable_pub, missing_docs, clippy::unwrap_used, clippy::print_stderr)]

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../support/mod.rs"]
mod support;

mod kept;
mod observer;
mod server;
mod tenants;
