//! The service account in each realm with which everything after the realm's birth is done.

use serde_json::json;

use crate::state::kind::{Kind, SERVICE_ACCOUNT_PREFIX};
use crate::state::{ObjectId, RealmState};

/// Client id of the provisioner, the same in every realm.
pub const PROVISIONER: &str = "realmwright-provisioner";

/// The client scope without which tokens are refused by the Admin API of 26.8.2 and newer (documented, not tried).
/// Servers that do not know it ignore its name in the body of a new client.
pub const ADMIN_API_SCOPE: &str = "kc-admin-api";

/// Adds the provisioner's client and user. It authenticates with `private_key_jwt` (RFC 7523, OpenID Connect Core §9)
/// against the given key set; it holds `realm-admin`, because fewer roles are no boundary. Its tokens need no scopes:
/// the Admin API reads roles from the account, not from the token.
pub(super) fn add(state: &mut RealmState, jwks: &str) {
    let user = format!("{SERVICE_ACCOUNT_PREFIX}{PROVISIONER}");
    let representation = json!({
        "clients": [{
            "clientId": PROVISIONER,
            "name": "Realmwright",
            "description": "Keeps this realm as its manifest says. Do not remove.",
            "enabled": true,
            "protocol": "openid-connect",
            "publicClient": false,
            "serviceAccountsEnabled": true,
            "standardFlowEnabled": false,
            "implicitFlowEnabled": false,
            "directAccessGrantsEnabled": false,
            "fullScopeAllowed": true,
            "clientAuthenticatorType": "client-jwt",
            "attributes": {
                "use.jwks.string": "true",
                "jwks.string": jwks,
                "token.endpoint.auth.signing.alg": "ES256",
            },
            "defaultClientScopes": [],
            "optionalClientScopes": [],
        }],
        "users": [{
            "username": user,
            "enabled": true,
            "serviceAccountClientId": PROVISIONER,
            "clientRoles": {"realm-management": ["realm-admin"]},
        }],
    });
    let added = crate::state::arrange(&representation);
    for id in [ObjectId::new(Kind::Client, PROVISIONER), ObjectId::new(Kind::User, user)] {
        if let Some(object) = added.objects.get(&id) {
            state.objects.insert(id, object.clone());
        }
    }
}
