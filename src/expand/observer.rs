//! The service account in each realm that may read and not write, for jobs that show what would be done.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::provisioner;
use crate::diagnostic::Diagnostic;
use crate::manifest::ManifestSet;
use crate::manifest::resolve::Network;
use crate::state::kind::SERVICE_ACCOUNT_PREFIX;
use crate::state::{Kind, ObjectId, RealmState};

/// Client id of the observer, the same in every realm.
pub const OBSERVER: &str = "realmwright-observer";

/// Its roles. With these, reading all that is managed is answered, and every write is refused (`docs/keycloak.md`).
pub const VIEWS: [&str; 6] =
    ["view-authorization", "view-clients", "view-events", "view-identity-providers", "view-realm", "view-users"];

/// The role with which it sees organizations inside realms. Keycloak has it from 26.7 on; a birth that names a role which
/// the server does not know would make one of that name, so it is given only where it is there.
pub const VIEW_ORGANIZATIONS: &str = "view-organizations";

/// Gives the observer, if there is one, the right to see organizations.
pub fn sees_organizations(state: &mut RealmState) {
    if let Some(account) = state.objects.get_mut(&account()) {
        account.fields.insert(seeing(), true.into());
    }
}

/// Whether the observer of a realm may see organizations there.
pub fn may_see_organizations(observed: &RealmState) -> bool {
    observed.get(&account()).is_some_and(|account| account.fields.contains_key(&seeing()))
}

fn account() -> ObjectId {
    ObjectId::new(Kind::User, format!("{SERVICE_ACCOUNT_PREFIX}{OBSERVER}"))
}

/// The field that holds that right.
fn seeing() -> String {
    format!("clientRoles.{}", ObjectId::within(Kind::ClientRole, "realm-management", VIEW_ORGANIZATIONS).key)
}

/// Adds the observer's client and user.
pub(super) fn add(state: &mut RealmState, jwks: &str) {
    let what = ("Realmwright's observer", "Reads this realm to show what would be changed. May not write.");
    provisioner::account(state, OBSERVER, what, jwks, &VIEWS);
}

/// The key set of a network's observer, if it has one.
pub(super) fn jwks(set: &ManifestSet, network: &Network, found: &mut Vec<Diagnostic>) -> Option<String> {
    let pem = network.observer_key.as_ref()?;
    let jwks = key_set(pem);
    if jwks.is_none() {
        let at = set.platform_node.nearest(&format!("/environments/{}/observerKey", network.environment)).span;
        let hint = "write `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out observer.pem`, and put here what \
                    `openssl pkey -in observer.pem -pubout` prints";
        let message = "the observer's key is not an EC P-256 public key in PEM";
        found.push(Diagnostic::error("wrong-key", at, message).hint(hint));
    }
    jwks
}

/// What comes before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480).
const PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// A public key in PEM as a JSON Web Key Set (RFC 7517), in one line; named by its thumbprint (RFC 7638).
pub fn key_set(pem: &str) -> Option<String> {
    let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----")?;
    let (body, _) = rest.split_once("-----END PUBLIC KEY-----")?;
    let der = STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?;
    let coordinates = der.strip_prefix(&PREFIX).filter(|rest| rest.len() == 64)?;
    let (x, y) = coordinates.split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    let kid = URL_SAFE_NO_PAD.encode(thumbprint);
    let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": x, "y": y});
    Some(json!({ "keys": [key] }).to_string())
}
