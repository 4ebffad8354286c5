//! Exit codes: documented, and never given another meaning.

use crate::plan::Refusal;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or in sync.
    Done,
    /// Failed; what failed was said.
    Failed,
    /// There are differences (`plan --detailed-exitcode`, `drift`).
    Differences,
    /// A guard refused; nothing was written.
    Refused,
    /// The plan is stale; nothing was written.
    Stale,
    /// Some tenants were applied, others not.
    Partly,
    /// The program was called wrongly.
    Usage,
    /// Stopped by a signal.
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Differences => 2,
            Self::Refused => 3,
            Self::Stale => 4,
            Self::Partly => 5,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }
}

/// A call that can't be carried out because of how it was written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct UsageError {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Something that is known well enough to say a way out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Hinted {
    pub(super) message: String,
    pub(super) hint: String,
}

/// The errors were printed already.
#[derive(Debug, thiserror::Error)]
#[error("see above")]
pub(super) struct Reported;

/// A guard refuses what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("[{}] {}", .0.guard, .0.message)]
pub(super) struct Refused(pub(super) Refusal);
