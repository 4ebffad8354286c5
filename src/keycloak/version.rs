//! Which servers are supported.

use super::error::{Fault, KeycloakError};

/// The oldest version that is supported.
const OLDEST: [u32; 3] = [26, 7, 3];

/// Refuses a server of a version that is not supported.
///
/// Supported is 26.7.3 or newer within 26.x. 26.7.1 and 26.7.2 answer every administrative request in time that grows
/// with the number of realms (keycloak/keycloak #51554); before that the rules of `docs/keycloak.md` were not tried.
pub fn check(version: &str) -> Result<(), KeycloakError> {
    let numbers: Vec<u32> = version.split(['.', '-']).map_while(|part| part.parse().ok()).take(3).collect();
    let supported = numbers.len() == 3 && numbers[0] == OLDEST[0] && numbers[..] >= OLDEST[..];
    if supported {
        return Ok(());
    }
    let reason = format!("the server is Keycloak {version}; supported is 26.7.3 or newer within 26.x");
    Err(KeycloakError { method: "GET", path: "/admin/serverinfo".into(), fault: Fault::Unsupported { reason } })
}
