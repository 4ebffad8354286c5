//! Which servers are supported.

/// The oldest version that is supported.
const OLDEST: [u32; 3] = [26, 7, 3];

/// Why a server of this version can't be used; `None` when it can.
///
/// Supported is 26.7.3 or newer within 26.x. 26.7.1 and 26.7.2 answer every administrative request in time that grows
/// with the number of realms (keycloak/keycloak #51554); before that the rules of `docs/keycloak.md` were not tried.
pub fn refused(version: &str) -> Option<String> {
    let numbers: Vec<u32> = version.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    let supported = numbers.len() == 3 && numbers[0] == OLDEST[0] && numbers[..] >= OLDEST[..];
    (!supported).then(|| format!("the server is Keycloak {version}; supported is 26.7.3 or newer within 26.x"))
}
