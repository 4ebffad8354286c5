//! What happens, as it is logged and counted: no token, no address, no name of a user.

use crate::login::fault::Fault;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The request that it happened in, of which the browser is shown the same; or what it is about, where nobody asked.
    pub request: &'a str,
    /// The tenant, where it is known.
    pub tenant: Option<&'a str>,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// A browser was sent to its realm.
    LoginBegun,
    /// A session began.
    LoggedIn,
    /// A login was refused.
    LoginRefused(Fault),
    /// Tokens were got anew.
    Refreshed,
    /// The realm gave no new tokens, and the session ended.
    RefreshRefused,
    /// The realm could not be asked for new tokens.
    RefreshFailed,
    /// A token was exchanged for one of an audience.
    Exchanged,
    /// It was not.
    ExchangeRefused(Fault),
    /// A session ended because its user said so.
    LoggedOut,
    /// So many ended because their realm said so.
    LoggedOutAtRealm(usize),
    /// A logout was refused.
    LogoutRefused(Fault),
    /// A domain of a tenant's is proved; the event names it in place of a request.
    DomainProved,
    /// It is no more.
    DomainLapsed,
    /// The manifests were read again, and it serves whom they name now.
    ManifestsRead,
    /// They can't be used, and it serves whom it served before.
    ManifestsRefused,
    /// A session got no seat.
    SeatRefused(Fault),
    /// A session lost its seat to another one.
    SeatLost,
    /// A session has a seat beyond what is licensed.
    SeatBeyond,
}

impl Happened {
    /// Its word, and the reason if there is one.
    pub fn words(self) -> (&'static str, Option<String>) {
        match self {
            Self::LoginBegun => ("login_begun", None),
            Self::LoggedIn => ("logged_in", None),
            Self::LoginRefused(fault) => ("login_refused", Some(fault.word())),
            Self::Refreshed => ("refreshed", None),
            Self::RefreshRefused => ("refresh_refused", None),
            Self::RefreshFailed => ("refresh_failed", None),
            Self::Exchanged => ("exchanged", None),
            Self::ExchangeRefused(fault) => ("exchange_refused", Some(fault.word())),
            Self::LoggedOut => ("logged_out", None),
            Self::LoggedOutAtRealm(_) => ("logged_out_at_realm", None),
            Self::SeatRefused(fault) => ("seat_refused", Some(fault.word())),
            Self::SeatLost => ("seat_lost", None),
            Self::SeatBeyond => ("seat_beyond_licence", None),
            Self::LogoutRefused(fault) => ("logout_refused", Some(fault.word())),
            Self::ManifestsRead => ("manifests_read", None),
            Self::ManifestsRefused => ("manifests_refused", None),
            Self::DomainProved => ("domain_proved", None),
            Self::DomainLapsed => ("domain_lapsed", None),
        }
    }
}
