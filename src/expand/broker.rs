//! The client in each realm through which the token broker logs its users in.

use serde_json::{Value, json};

use super::observer::key_set;
use super::provisioner;
use crate::diagnostic::Diagnostic;
use crate::login::address::Addresses;
use crate::manifest::ManifestSet;
use crate::manifest::resolve::Network;
use crate::state::{ObjectId, RealmState, arrange};

/// Client id of the broker, the same in every realm.
pub const BROKER: &str = "realmwright-broker";

/// Leaves the trust of a realm's client of the broker as it was last applied, for a run that does not know the operator's
/// key, from which the broker's is derived.
pub fn trust_as_applied(state: &mut RealmState, observed: &RealmState) {
    provisioner::trust_of_as_applied(BROKER, state, observed);
}

/// A network's broker, as realms know it.
pub(super) struct Broker {
    addresses: Addresses,
    jwks: String,
}

impl Broker {
    /// The one of an environment, if it has one; `derived` is the key set that goes with the operator key.
    pub(super) fn of(set: &ManifestSet, network: &Network, derived: &str, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let broker = network.broker.as_ref()?;
        let at =
            |key: &str| set.platform_node.nearest(&format!("/environments/{}/broker/{key}", network.environment)).span;
        let jwks = match &broker.key {
            Some(pem) => key_set(pem),
            None => Some(derived.to_owned()),
        };
        if jwks.is_none() {
            let hint = "write `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out broker.pem`, and put here what \
                        `openssl pkey -in broker.pem -pubout` prints; or leave it out";
            let message = "the broker's key is not an EC P-256 public key in PEM";
            found.push(Diagnostic::error("wrong-key", at("key"), message).hint(hint));
        }
        match Addresses::new(&broker.url, broker.tenant_url.as_deref()) {
            Ok(addresses) => jwks.map(|jwks| Self { addresses, jwks }),
            Err((key, error)) => {
                let hint = "write it as https://login.example.com; with `tenantUrl`, as https://*.app.example.com";
                let message = format!("`{key}` of the broker: {error}");
                found.push(Diagnostic::error("wrong-url", at(key), message).hint(hint));
                None
            }
        }
    }

    /// Adds its client to a tenant's realm: authorization code with PKCE alone, one address to come back to, no roles but
    /// those that it is told of, and claims of its own, whatever scopes the realm has.
    pub(super) fn add(&self, state: &mut RealmState, tenant: &str) {
        let Self { addresses, jwks } = self;
        let client = json!({
            "clientId": BROKER,
            "name": "Realmwright's broker",
            "description": "Logs the users of applications in",
            "enabled": true,
            "protocol": "openid-connect",
            "publicClient": false,
            "standardFlowEnabled": true,
            "implicitFlowEnabled": false,
            "directAccessGrantsEnabled": false,
            "serviceAccountsEnabled": false,
            "consentRequired": false,
            "frontchannelLogout": false,
            "fullScopeAllowed": false,
            "clientAuthenticatorType": "client-jwt",
            "baseUrl": addresses.entry(tenant).as_str(),
            "redirectUris": [addresses.callback(tenant).as_str()],
            "webOrigins": [],
            "attributes": {
                "use.jwks.string": "true",
                "jwks.string": jwks,
                "token.endpoint.auth.signing.alg": "ES256",
                "pkce.code.challenge.method": "S256",
                "post.logout.redirect.uris": addresses.signed_out(tenant).as_str(),
                "backchannel.logout.url": addresses.backchannel_logout(tenant).as_str(),
                "backchannel.logout.session.required": "true",
            },
            "defaultClientScopes": [],
            "optionalClientScopes": [],
            "protocolMappers": mappers(),
        });
        let added = arrange(&json!({ "clients": [client] }));
        state.objects.extend(added.objects.into_iter().filter(|(id, _)| *id != ObjectId::realm()));
    }
}

/// What its ID tokens say of a user, beside what every one says.
fn mappers() -> Value {
    let mapper = |name: &str, mapper: &str, config: &[(&str, &str)]| {
        let config: serde_json::Map<String, Value> =
            config.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
        json!({"name": name, "protocol": "openid-connect", "protocolMapper": mapper, "config": config})
    };
    let attribute = |name: &str, kind: &str, attribute: &str, claim: &str, json_type: &str| {
        let config = [
            ("user.attribute", attribute),
            ("claim.name", claim),
            ("jsonType.label", json_type),
            ("id.token.claim", "true"),
        ];
        mapper(name, kind, &config)
    };
    json!([
        mapper("sub", "oidc-sub-mapper", &[("access.token.claim", "true"), ("introspection.token.claim", "true")]),
        attribute("username", "oidc-usermodel-attribute-mapper", "username", "preferred_username", "String"),
        mapper("full name", "oidc-full-name-mapper", &[("id.token.claim", "true")]),
        attribute("email", "oidc-usermodel-attribute-mapper", "email", "email", "String"),
        attribute("email verified", "oidc-usermodel-property-mapper", "emailVerified", "email_verified", "boolean"),
    ])
}
