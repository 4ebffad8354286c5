//! A login between its begin and its answer. The browser keeps it, sealed; nothing is kept here.

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// Seconds from the begin of a login within which it must be answered.
pub const LIFETIME: u64 = 600;

/// A login that was begun. It has secrets in it and can't be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    /// The tenant that it was begun at.
    pub tenant: String,
    /// What the answer must bring back.
    pub state: String,
    /// What the ID token must say.
    pub nonce: String,
    /// What redeems the code (RFC 7636).
    pub verifier: String,
    /// Where to go in the end.
    pub back: String,
    /// When it was begun.
    pub at: u64,
}

/// What a browser brings back from the realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The code, or nothing where the realm refused.
    pub code: Option<String>,
    /// The state.
    pub state: String,
    /// The issuer (RFC 9207).
    pub iss: Option<String>,
}

impl Answer {
    /// Reads a query. A parameter that is there twice makes it none: somebody else may have read the other one.
    pub fn of(query: &str) -> Result<Self, Fault> {
        let (mut code, mut state, mut iss, mut error) = (None, None, None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "code" => &mut code,
                "state" => &mut state,
                "iss" => &mut iss,
                "error" => &mut error,
                _ => continue,
            };
            if value.is_empty() || value.len() > 4096 || place.replace(value.into_owned()).is_some() {
                return Err(Fault::Parameters);
            }
        }
        match (state, code.is_some(), error.is_some()) {
            (Some(state), true, false) | (Some(state), false, true) => Ok(Self { code, state, iss }),
            (None, ..) => Err(Fault::State),
            _ => Err(Fault::Parameters),
        }
    }
}

impl Pending {
    /// Whether an answer is the one to this login, at this tenant; `announced` says that the realm always names its issuer.
    pub fn accepts(&self, answer: &Answer, tenant: &str, issuer: &str, announced: bool, now: u64) -> Result<(), Fault> {
        if !same(&self.state, &answer.state) {
            return Err(Fault::State);
        }
        if self.tenant != tenant {
            return Err(Fault::OtherTenant);
        }
        if now.saturating_sub(self.at) > LIFETIME || self.at > now + super::rules::LEEWAY {
            return Err(Fault::Late);
        }
        match &answer.iss {
            Some(iss) if iss == issuer => Ok(()),
            None if !announced => Ok(()),
            _ => Err(Fault::IssuerMismatch),
        }
    }
}

/// Whether two texts are the same, in a time that does not tell how far they are.
fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
