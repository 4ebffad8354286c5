//! The token broker.

mod attacks;
mod client;
mod flow;
mod hostile;
mod nginx;
mod stage;
pub mod threats;
