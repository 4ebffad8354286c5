//! The token broker.

mod client;
