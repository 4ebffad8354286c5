//! The client in each realm through which a tenant's users log in at a terminal (`realmwright login`).

use serde_json::{Value, json};

use super::broker::{audience_scope, mappers};

/// Client id of terminals, the same in every realm.
pub const TERMINAL: &str = "realmwright-terminal";

/// It: public, because what every user has is no secret; by a code that is typed elsewhere (RFC 8628) or a browser that comes
/// back to this machine (RFC 8252), both with PKCE; and with no roles but those of the products that are audiences.
pub(super) fn client(products: &[String]) -> Value {
    json!({
        "clientId": TERMINAL,
        "name": "Realmwright at a terminal",
        "description": "Logs users in who work at a command line",
        "enabled": true,
        "protocol": "openid-connect",
        "publicClient": true,
        "standardFlowEnabled": true,
        "implicitFlowEnabled": false,
        "directAccessGrantsEnabled": false,
        "serviceAccountsEnabled": false,
        "consentRequired": false,
        "frontchannelLogout": false,
        "fullScopeAllowed": false,
        // Any port of the machine that the browser is on (RFC 8252 §7.3), which Keycloak takes this for.
        "redirectUris": ["http://127.0.0.1/callback"],
        "webOrigins": [],
        "attributes": {
            "oauth2.device.authorization.grant.enabled": "true",
            "pkce.code.challenge.method": "S256",
            "require.pushed.authorization.requests": "true",
        },
        "defaultClientScopes": [],
        "optionalClientScopes": products.iter().map(|product| audience_scope(product)).collect::<Vec<_>>(),
        "protocolMappers": mappers(),
    })
}
