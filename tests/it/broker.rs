//! The token broker.

mod attacks;
mod client;
mod flow;
mod hostile;
mod stage;
