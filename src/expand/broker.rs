//! The client in each realm through which the token broker logs its users in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::observer::key_set;
use super::provisioner;
use super::terminal::{self, TERMINAL};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::login::address::Addresses;
use crate::manifest::ManifestSet;
use crate::manifest::resolve::Network;
use crate::state::seats::{SEAT, seat};
use crate::state::{Kind, ObjectId, RealmState, arrange};

/// Client id of the broker, the same in every realm.
pub const BROKER: &str = "realmwright-broker";

/// Begins the name of a client scope that makes a token one for a product.
const AUDIENCE: &str = "realmwright-audience-";

/// Whether a client scope is one that the broker asks for.
pub fn is_scope(name: &str) -> bool {
    name.starts_with(AUDIENCE)
}

/// The client scope that makes a token one for this product.
pub fn audience_scope(product: &str) -> String {
    format!("{AUDIENCE}{product}")
}

/// Leaves the trust of a realm's client of the broker as it was last applied, for a run that does not know the operator's
/// key, from which the broker's is derived.
pub fn trust_as_applied(state: &mut RealmState, observed: &RealmState) {
    provisioner::trust_of_as_applied(BROKER, state, observed);
}

/// A network's broker, as realms know it.
pub(super) struct Broker {
    addresses: Addresses,
    jwks: String,
    audiences: Vec<String>,
    terminals: bool,
    /// Products that have named seats.
    named: Vec<String>,
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
        for (index, name) in
            broker.audiences.iter().enumerate().filter(|(_, name)| !network.products.contains_key(*name))
        {
            let hint = did_you_mean(name, network.products.keys().map(String::as_str));
            let message = format!("the platform has no product `{name}`");
            let at = at(&format!("audiences/{index}"));
            found.push(Diagnostic::error("unknown-product", at, message).maybe_hint(hint));
        }
        let named = network.products.iter().filter(|(_, product)| product.concurrent.is_none());
        let (audiences, named) = (broker.audiences.clone(), named.map(|(name, _)| name.clone()).collect());
        match Addresses::new(&broker.url, broker.tenant_url.as_deref()) {
            Ok(addresses) => jwks.map(|jwks| Self { addresses, jwks, audiences, terminals: broker.terminals, named }),
            Err((key, error)) => {
                let hint = "write it as https://login.example.com; with `tenantUrl`, as https://*.app.example.com";
                let message = format!("`{key}` of the broker: {error}");
                found.push(Diagnostic::error("wrong-url", at(key), message).hint(hint));
                None
            }
        }
    }

    /// Adds its client to a tenant's realm: authorization code with PKCE alone, by requests that are pushed (RFC 9126), one
    /// address to come back to, and claims of its own, whatever scopes the realm has. Where products of the tenant are
    /// audiences, it may exchange a token for one of theirs (RFC 8693), which has roles of that product alone. Its ID tokens
    /// name the roles of products that it may have, by which it knows who has a named seat.
    pub(super) fn add(&self, state: &mut RealmState, tenant: &str) {
        let Self { addresses, jwks, audiences, terminals, named } = self;
        let here = |products: &'_ [String]| -> Vec<String> {
            products.iter().filter(|product| state.get(&seat(product)).is_some()).cloned().collect()
        };
        let (products, named) = (here(audiences), here(named));
        let client = login_client(
            &products,
            json!({
                "clientId": BROKER,
                "name": "Realmwright's broker",
                "description": "Logs the users of applications in",
                "publicClient": false,
                "clientAuthenticatorType": "client-jwt",
                "baseUrl": addresses.entry(tenant).as_str(),
                "redirectUris": [addresses.callback(tenant).as_str()],
                "attributes": {
                    "use.jwks.string": "true",
                    "jwks.string": jwks,
                    "token.endpoint.auth.signing.alg": "ES256",
                    "pkce.code.challenge.method": "S256",
                    "require.pushed.authorization.requests": "true",
                    "standard.token.exchange.enabled": if products.is_empty() { "false" } else { "true" },
                    "post.logout.redirect.uris": addresses.signed_out(tenant).as_str(),
                    "backchannel.logout.url": addresses.backchannel_logout(tenant).as_str(),
                    "backchannel.logout.session.required": "true",
                },
            }),
        );
        let added = arrange(&json!({
            "clients": std::iter::once(client).chain(terminals.then(|| terminal::client(&products))).collect::<Vec<_>>(),
            "clientScopes": products.iter().map(|product| to_audience(product)).collect::<Vec<_>>(),
            "clientScopeMappings": scope_mappings(state, &products, &named, *terminals),
        }));
        state.objects.extend(added.objects.into_iter().filter(|(id, _)| *id != ObjectId::realm()));
    }
}

/// A client through which users log in with a code and in no other way, with the scopes of these audiences; `own` is what it
/// has beside.
pub(super) fn login_client(audiences: &[String], own: Value) -> Value {
    let mut client = json!({
        "enabled": true,
        "protocol": "openid-connect",
        "standardFlowEnabled": true,
        "implicitFlowEnabled": false,
        "directAccessGrantsEnabled": false,
        "serviceAccountsEnabled": false,
        "consentRequired": false,
        "frontchannelLogout": false,
        "fullScopeAllowed": false,
        "webOrigins": [],
        "defaultClientScopes": [],
        "optionalClientScopes": audiences.iter().map(|product| audience_scope(product)).collect::<Vec<_>>(),
        "protocolMappers": mappers(),
    });
    if let (Value::Object(client), Value::Object(own)) = (&mut client, own) {
        client.extend(own);
    }
    client
}

/// The client scope that makes a token one for a product, with the user's roles of it.
fn to_audience(product: &str) -> Value {
    let audience = [("included.client.audience", product), ("access.token.claim", "true")];
    let roles = [
        ("usermodel.clientRoleMapping.clientId", product),
        ("claim.name", "resource_access.${client_id}.roles"),
        ("jsonType.label", "String"),
        ("multivalued", "true"),
        ("access.token.claim", "true"),
    ];
    json!({
        "name": audience_scope(product),
        "description": format!("An access token for {product}, of who has a seat"),
        "protocol": "openid-connect",
        "attributes": {"include.in.token.scope": "false", "display.on.consent.screen": "false"},
        "protocolMappers": [
            mapper("audience", "oidc-audience-mapper", &audience),
            mapper("roles", "oidc-usermodel-client-role-mapper", &roles),
        ],
    })
}

/// The roles that tokens of the broker may have. A scope that has roles itself is given to nobody who has none of them, so
/// the seat gates the scope of an audience, and the other roles of the product are the client's. So are named seats, of which
/// its ID tokens tell.
fn scope_mappings(state: &RealmState, audiences: &[String], named: &[String], terminals: bool) -> Value {
    let of_product = |product: &str| {
        let is_audience = audiences.iter().any(|audience| audience == product);
        let is_named = named.iter().any(|name| name == product);
        let roles = state.of_kind(Kind::ClientRole).map(|(id, _)| id.owner_and_name());
        let wanted = |name: &str| if name == SEAT { is_named } else { is_audience };
        let own: Vec<&str> =
            roles.filter(|(owner, name)| *owner == product && wanted(name)).map(|(_, name)| name).collect();
        let mut mappings = Vec::new();
        if is_audience {
            mappings.push(json!({"clientScope": audience_scope(product), "roles": [SEAT]}));
        }
        let others: Vec<&str> = own.iter().copied().filter(|name| *name != SEAT).collect();
        let at_terminals = if terminals && is_audience { others } else { Vec::new() };
        let clients = [(BROKER, own), (TERMINAL, at_terminals)].into_iter().filter(|(_, roles)| !roles.is_empty());
        mappings.extend(clients.map(|(client, roles)| json!({"client": client, "roles": roles})));
        (product.to_owned(), mappings.into())
    };
    let all: BTreeSet<&str> = audiences.iter().chain(named).map(String::as_str).collect();
    all.into_iter().map(of_product).collect::<serde_json::Map<_, _>>().into()
}

fn mapper(name: &str, mapper: &str, config: &[(&str, &str)]) -> Value {
    let config: serde_json::Map<String, Value> =
        config.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    json!({"name": name, "protocol": "openid-connect", "protocolMapper": mapper, "config": config})
}

/// What its ID tokens say of a user, beside what every one says.
fn mappers() -> Value {
    let attribute = |name: &str, kind: &str, attribute: &str, claim: &str, json_type: &str| {
        let config = [
            ("user.attribute", attribute),
            ("claim.name", claim),
            ("jsonType.label", json_type),
            ("id.token.claim", "true"),
        ];
        mapper(name, kind, &config)
    };
    let roles = [
        ("claim.name", "resource_access.${client_id}.roles"),
        ("jsonType.label", "String"),
        ("multivalued", "true"),
        ("id.token.claim", "true"),
    ];
    json!([
        mapper("sub", "oidc-sub-mapper", &[("access.token.claim", "true"), ("introspection.token.claim", "true")]),
        attribute("username", "oidc-usermodel-attribute-mapper", "username", "preferred_username", "String"),
        mapper("full name", "oidc-full-name-mapper", &[("id.token.claim", "true")]),
        attribute("email", "oidc-usermodel-attribute-mapper", "email", "email", "String"),
        mapper("seats", "oidc-usermodel-client-role-mapper", &roles),
        attribute("email verified", "oidc-usermodel-property-mapper", "emailVerified", "email_verified", "boolean"),
    ])
}
