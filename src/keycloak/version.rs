//! Which servers are supported, which are known to be bad, and why.
//!
//! A table, so that the program, `realmwright doctor` and `docs/keycloak.md` say the same. A version that is dangerous is
//! refused before anything is written; one that was not tried is worked with, and `doctor` says so.

use std::fmt;
use std::str::FromStr;

use super::error::{Fault, KeycloakError};

/// A version of Keycloak: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32, pub u32);

impl FromStr for Version {
    type Err = ();

    /// `26.7.3`, `26.7.3.redhat-00001`; a snapshot or a nightly build has no number that means anything.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(['.', '-']);
        let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).ok_or(());
        let version = Self(number()?, number()?, number()?);
        if text.contains("SNAPSHOT") { Err(()) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What is known of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The whole test suite passes against it.
    Tried,
    /// Nothing bad is known, and the test suite was not run against it.
    Untried,
    /// It works, with a fault that matters here.
    Flawed(&'static str),
    /// It is refused.
    Refused(&'static str),
}

/// Versions against which the whole suite was run.
pub const TRIED: [Version; 3] = [Version(26, 4, 7), Version(26, 7, 3), Version(26, 7, 4)];

/// What to install instead of a version that is refused.
pub const RECOMMENDED: Version = Version(26, 7, 4);

/// A range of versions, both ends included, and what is known of it.
type Known = (Version, Version, Standing);

const SLOW: &str = "every administrative request takes time that grows with the number of realms (keycloak #51554)";

const MAYBE_SLOW: &str = "if it has the fix of CVE-2026-4629, administrative requests take time that grows with the number \
     of realms; 26.4.16 and 26.6.7 are good again (keycloak #51554)";

const GRANTS: &str = "accounts without the role `admin` of master get 403 when they grant administrative roles (keycloak \
     #43579, #44371); Realmwright's lanes join a group instead, but its provisioner may be refused such a grant";

/// The first row that a version falls into counts.
const KNOWN: [Known; 9] = [
    (
        Version(0, 0, 0),
        Version(26, 3, u32::MAX),
        Standing::Refused("it is older than what the rules of docs/keycloak.md were tried on"),
    ),
    (Version(26, 4, 0), Version(26, 4, 3), Standing::Flawed(GRANTS)),
    (Version(26, 4, 12), Version(26, 4, 15), Standing::Flawed(MAYBE_SLOW)),
    (Version(26, 5, 0), Version(26, 5, 0), Standing::Flawed(GRANTS)),
    (
        Version(26, 5, 4),
        Version(26, 5, 5),
        Standing::Flawed("it starts in time that grows with the square of the number of realms (keycloak #46605)"),
    ),
    (Version(26, 6, 2), Version(26, 6, 6), Standing::Flawed(MAYBE_SLOW)),
    (
        Version(26, 7, 0),
        Version(26, 7, 0),
        Standing::Refused("its migration of the database fails where there are two realms or more (keycloak #51304)"),
    ),
    (Version(26, 7, 1), Version(26, 7, 2), Standing::Refused(SLOW)),
    (
        Version(27, 0, 0),
        Version(u32::MAX, u32::MAX, u32::MAX),
        Standing::Refused("it is newer than what the rules of docs/keycloak.md are known for"),
    ),
];

impl Version {
    /// What is known of it.
    pub fn standing(self) -> Standing {
        let row = KNOWN.iter().find(|(from, to, _)| *from <= self && self <= *to);
        match row {
            Some((_, _, standing)) => *standing,
            None if TRIED.contains(&self) => Standing::Tried,
            None => Standing::Untried,
        }
    }

    /// Whether it checks that tokens for the Admin API carry the client scope `kc-admin-api` (documented, not tried).
    pub fn checks_the_audience(self) -> bool {
        self >= Version(26, 8, 2)
    }
}

/// Refuses a server of a version that is known to be dangerous, or that is none.
pub fn check(version: &str) -> Result<(), KeycloakError> {
    let why = match version.parse::<Version>() {
        Ok(known) => match known.standing() {
            Standing::Refused(why) => why,
            _ => return Ok(()),
        },
        Err(()) => "that is no release",
    };
    let reason = format!("the server is Keycloak {version}, which is refused: {why}");
    Err(KeycloakError { method: "GET", path: "/admin/serverinfo".into(), fault: Fault::Unsupported { reason } })
}
