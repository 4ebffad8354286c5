//! The accounts of the licence tree: who was granted how much of what, who uses it, and what is left.
//!
//! Pure. A [`Command`] is accepted, and gives [`Event`]s, or is refused with a [`Refusal`]; [`Accounts`] is the fold of
//! all events, and every figure is read from it. Quantities are integers. Time is an argument.
//!
//! The words, of one organization and one resource:
//!
//! - *limit* L: what it was granted by its parent, or the quantities of the licences that it redeemed;
//! - *used* U: its own use, with the counter use that descendants left behind when they were deleted;
//! - *shared* S: what it granted to children;
//! - *licensed* Λ: what it sold by licences that it issued, as a dealer;
//! - *allocated* A = U + S + Λ, *free* F = L − A;
//! - *pool*: an organization on its own licences, with all descendants that live on their parent's resources, without
//!   another such organization in between;
//! - *effective* E: U of it and of all its descendants.
//!
//! The law: whatever raises A or lowers L by choice leaves F ≥ 0 where it does so. The algebra with its proofs, and the
//! questions that it leaves open, stand in `docs/accounts.md`.

mod accounts;
mod balance;
mod command;
pub mod day;
mod decide;
mod entitlement;
mod event;
mod fold;
pub mod forecast;
mod lots;
mod refusal;
mod resource;
mod serial;
pub mod series;
mod view;
mod withdrawal;

pub use accounts::{Accounts, Figures, Standing, Unlawful};
pub use balance::{Balance, Violation};
pub use command::{Command, LicenceTerms, Policy};
pub use decide::DEVICES;
pub use entitlement::{Basis, Entitlement};
pub use event::Event;
pub use refusal::{Distrust, Document, Refusal, Shortage};
pub use resource::{Measure, ORGANIZATIONS};
pub use serial::Serial;
pub use view::{Account, Consumption, LicenceView, OrganizationView};

/// Seconds since 1970-01-01T00:00:00Z.
pub type Time = i64;

/// A quantity of a resource. Figures that are differences may be negative.
pub type Amount = i64;

/// The largest quantity that one command may name. Far above any use, and far below where sums could overflow.
pub const LARGEST: Amount = 1_000_000_000_000;

/// The rules that commands are answered by, as a number. It is raised with each change by which any command gets another
/// answer than before, so that answers of the past are not taken for wrong ones.
pub const RULES: u32 = 1;

/// How long an import token is good for, in seconds; at the last of them it no longer is.
pub const TOKEN_SECONDS: Time = 600;
