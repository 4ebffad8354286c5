//! The token broker.

mod again;
pub mod asvs;
mod attacks;
mod attacks_domains;
mod attacks_odd;
mod caddy;
mod client;
pub mod conformance;
mod flow;
mod hostile;
mod interface;
mod kept;
mod nginx;
mod opened;
mod pages;
mod seats;
mod stage;
mod standing;
mod terminal;
pub mod threats;
mod tokens;
