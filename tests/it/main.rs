//! The fast tests: offline, against the in-memory Keycloak and mock servers on loopback.

#![recursion_limit = "256"]
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used, clippy::print_stderr)]

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../support/mod.rs"]
mod support;

mod accounting;
mod accounts;
mod apply;
mod authors;
mod births;
mod broker;
mod check;
mod cli;
mod cut;
mod doctor;
mod entitlement;
mod explain;
mod faces;
mod fmt;
mod foreign;
mod forty;
mod fuzz;
mod generated;
mod guards;
mod http;
mod import;
mod killed;
mod kinds;
mod layered;
mod layers;
mod ledger;
mod licences;
mod manifest;
mod markdown;
mod memory;
mod missing;
mod moulds;
mod observer;
mod pace;
mod permissions;
mod plan;
mod products;
mod properties;
mod quarantine;
mod refusals;
mod repair;
mod report;
mod risk;
mod rotation;
mod seats;
mod secrets;
mod select;
mod servers;
mod settings;
mod shut;
mod signals;
mod stale;
mod standing;
mod template;
mod transport;
mod usage;
mod watermark;
