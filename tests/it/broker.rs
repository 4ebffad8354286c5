//! The token broker.

mod attacks;
mod attacks_domains;
mod client;
mod flow;
mod hostile;
mod kept;
mod nginx;
mod pages;
mod seats;
mod stage;
mod standing;
pub mod threats;
mod tokens;
