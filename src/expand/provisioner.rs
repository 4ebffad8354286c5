//! The service accounts of the tool in each realm: the provisioner, with which everything after the realm's birth is done,
//! and what it has in common with the observer.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Desired, observer};
use crate::state::kind::{Kind, SERVICE_ACCOUNT_PREFIX};
use crate::state::secret::Secrets;
use crate::state::{ObjectId, RealmState, applied};

pub use crate::state::PROVISIONER;

/// The client scope without which tokens are refused by the Admin API of 26.8.2 and newer (documented, not tried).
/// Servers that do not know it ignore its name in the body of a new client.
pub const ADMIN_API_SCOPE: &str = "kc-admin-api";

/// Adds the provisioner's client and user. It holds `realm-admin`, because fewer roles are no boundary.
pub(super) fn add(state: &mut RealmState, jwks: &str) {
    let what = ("Realmwright", "Keeps this realm as its manifest says. Do not remove.");
    account(state, PROVISIONER, what, jwks, &["realm-admin"]);
}

/// A client whose service account authenticates with a key of that set.
pub(crate) fn service_account_client(name: &str, description: &str, jwks: &str) -> Value {
    json!({
        "clientId": name,
        "description": description,
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
    })
}

/// Adds a client with a service account. It authenticates with `private_key_jwt` (RFC 7523, OpenID Connect Core §9)
/// against the given key set, and holds roles of `realm-management`. Its tokens need no scopes: the Admin API reads roles
/// from the account, not from the token.
pub(super) fn account(state: &mut RealmState, client: &str, what: (&str, &str), jwks: &str, roles: &[&str]) {
    let user = format!("{SERVICE_ACCOUNT_PREFIX}{client}");
    let mut own = service_account_client(client, what.1, jwks);
    own["name"] = what.0.into();
    own["defaultClientScopes"] = json!([]);
    own["optionalClientScopes"] = json!([]);
    let representation = json!({
        "clients": [own],
        "users": [{
            "username": user,
            "enabled": true,
            "serviceAccountClientId": client,
            "clientRoles": {"realm-management": roles},
        }],
    });
    let added = crate::state::arrange(&representation);
    for id in [ObjectId::new(Kind::Client, client), ObjectId::new(Kind::User, user)] {
        if let Some(object) = added.objects.get(&id) {
            state.objects.insert(id, object.clone());
        }
    }
}

/// The field that holds the keys which the provisioner trusts.
const KEYS: &str = "attributes.jwks.string";

/// The keys that a realm's provisioner trusts.
pub fn trusted(state: &RealmState) -> Option<&str> {
    trusted_of(PROVISIONER, state)
}

/// Makes a realm's provisioner trust these keys.
pub fn trust(state: &mut RealmState, jwks: &str) {
    trust_of(PROVISIONER, state, jwks);
}

/// True when the marker says that these very keys were applied.
pub fn is_applied(state: &RealmState, jwks: &str) -> bool {
    is_applied_of(PROVISIONER, state, jwks)
}

/// Leaves the trust of a realm's provisioner as it was last applied, for a run that does not know the operator's key. Keys
/// that nobody applied are left to differ.
pub fn trust_as_applied(state: &mut RealmState, observed: &RealmState) {
    trust_of_as_applied(PROVISIONER, state, observed);
}

/// The same for any of the tool's clients.
pub(super) fn trust_of_as_applied(client: &str, state: &mut RealmState, observed: &RealmState) {
    if let Some(found) = trusted_of(client, observed).filter(|keys| is_applied_of(client, observed, keys)) {
        trust_of(client, state, found);
    }
}

fn trusted_of<'a>(client: &str, state: &'a RealmState) -> Option<&'a str> {
    state.get(&ObjectId::new(Kind::Client, client))?.fields.get(KEYS)?.as_str()
}

fn trust_of(client: &str, state: &mut RealmState, jwks: &str) {
    if let Some(client) = state.objects.get_mut(&ObjectId::new(Kind::Client, client)) {
        client.fields.insert(KEYS.into(), jwks.into());
    }
}

fn is_applied_of(client: &str, state: &RealmState, jwks: &str) -> bool {
    let recorded = state.applied().field(&ObjectId::new(Kind::Client, client), KEYS).map(str::to_owned);
    recorded.is_some_and(|hash| hash == applied::hash(&jwks.into(), &Secrets::default()))
}

/// What is desired, as it fits what the realm's server knows: where a realm has the client scope of 26.8.2, the
/// provisioner carries it, or it would be shut out; where it has the role that shows organizations, the observer has it.
pub fn fitted<'a>(desired: &'a Desired, observed: Option<&RealmState>) -> Cow<'a, Desired> {
    let has = |id: ObjectId| observed.is_some_and(|observed| observed.get(&id).is_some());
    let scope = has(ObjectId::new(Kind::ClientScope, ADMIN_API_SCOPE));
    let role = has(ObjectId::within(Kind::ClientRole, "realm-management", observer::VIEW_ORGANIZATIONS));
    let mut fitted = Cow::Borrowed(desired);
    let client = ObjectId::new(Kind::Client, PROVISIONER);
    if scope && let Some(client) = fitted.to_mut().state.objects.get_mut(&client) {
        client.fields.insert("defaultClientScopes".into(), json!([ADMIN_API_SCOPE]));
    }
    if role && !observer::may_see_organizations(&desired.state) {
        observer::sees_organizations(&mut fitted.to_mut().state);
    }
    fitted
}
