//! Logins at a terminal: by a code that is typed in a browser elsewhere, or by a browser on this machine. It knows no manifests
//! and no server, only the address of a broker; what it believes stands in [`login`](crate::login).

mod device;
pub mod kept;
mod loopback;
mod realm;

use url::Url;

use crate::login::fault::Fault;
pub use kept::{Kept, Login};
pub use realm::Realm;

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Codes and tokens would be readable on the way.
    #[error("{0} is not asked: plain http is for this machine alone")]
    Plain(Url),
    /// No answer.
    #[error("{0} can't be asked")]
    Unreachable(Url),
    /// Whether there is none, or none that may be known of, is not told.
    #[error("{1} knows no tenant `{0}` whose users log in at terminals")]
    NoTenant(String, Url),
    /// The realm has no such way in.
    #[error("the realm {0} takes no logins by a code")]
    NoDevice(String),
    /// What came back is not believed, or says no.
    #[error("{}", words(*.0))]
    Refused(Fault),
    /// The realm gives no new tokens.
    #[error("the login at `{0}` has ended")]
    Ended(String),
    /// The files in which logins are kept.
    #[error("{0} can't be used: {1}")]
    Kept(std::path::PathBuf, String),
    /// Nobody can be waited for.
    #[error("no port of this machine can be listened on: {0}")]
    NoPort(std::io::Error),
}

fn words(fault: Fault) -> String {
    match fault {
        Fault::Denied => "the login was not allowed".into(),
        Fault::Late => "nobody allowed the login in time".into(),
        Fault::Provider => "the realm gives no answer that can be used".into(),
        other => format!("what was answered is not believed: {}", other.word()),
    }
}
