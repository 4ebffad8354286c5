//! The client in each realm through which a tenant's users log in at a terminal (`realmwright login`).

use serde_json::{Value, json};

use super::broker::login_client;

/// Client id of terminals, the same in every realm.
pub const TERMINAL: &str = "realmwright-terminal";

/// It: public, because what every user has is no secret; by a code that is typed elsewhere (RFC 8628) or a browser that comes
/// back to this machine (RFC 8252), both with PKCE; and with no roles but those of the products that are audiences.
pub(super) fn client(products: &[String]) -> Value {
    login_client(
        products,
        json!({
            "clientId": TERMINAL,
            "name": "Realmwright at a terminal",
            "description": "Logs users in who work at a command line",
            "publicClient": true,
            // Any port of the machine that the browser is on (RFC 8252 §7.3), which Keycloak takes this for.
            "redirectUris": ["http://127.0.0.1/callback"],
            "attributes": {
                "oauth2.device.authorization.grant.enabled": "true",
                "pkce.code.challenge.method": "S256",
                "require.pushed.authorization.requests": "true",
            },
        }),
    )
}
