//! The tests against a real Keycloak: one server for the whole run, started by `keycloak-dev` unless `KEYCLOAK_URL`
//! names one, and ended with this process.

#![recursion_limit = "256"]
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used, clippy::print_stderr)]

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../support/mod.rs"]
mod support;

mod accounting;
mod births;
mod broker;
mod browser;
mod browser_logins;
mod browser_pages;
mod bulk;
mod commands;
mod devices;
mod doctor;
mod drift;
mod edits;
mod entitlement;
mod exchange;
mod faces;
mod faults;
mod guide;
mod import;
mod kept;
mod kinds;
mod ledger;
mod observer;
mod pictures;
mod pipelines;
mod quarantine;
mod rotation;
mod seats;
mod secrets;
mod server;
mod servers;
mod shut;
mod tenants;
mod terminal;
mod upgrade;
