//! Devices that are clients: what tells such a client from any other.

use serde_json::Value;

use super::{Fields, Kind, Object, ObjectId, RealmState};

/// The attribute that a device's client carries, with how far its registration is.
pub const DEVICE: &str = "realmwright.device";

/// How far the registration of a device is: it counts and may log in between the first and the last.
pub mod stage {
    /// The client is there, disabled, and not counted yet.
    pub const REGISTERING: &str = "registering";
    /// Counted, and enabled.
    pub const REGISTERED: &str = "registered";
    /// Disabled; then no longer counted, then gone.
    pub const RETIRING: &str = "retiring";
}

/// The client of a device.
pub fn client(name: &str) -> ObjectId {
    ObjectId::new(Kind::Client, format!("device-{name}"))
}

/// Whether a client is a device's: it says so, and can do no more than one.
pub fn is_device(id: &ObjectId, fields: &Fields) -> bool {
    let is = |path: &str, value: &str| fields.get(path).and_then(Value::as_str) == Some(value);
    let flag = |path: &str| fields.get(path).and_then(Value::as_bool).unwrap_or_default();
    let ways_in = ["publicClient", "standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled"];
    id.kind == Kind::Client
        && id.key.starts_with("device-")
        && fields.contains_key(&format!("attributes.{DEVICE}"))
        && is("clientAuthenticatorType", "client-jwt")
        && flag("serviceAccountsEnabled")
        && !ways_in.into_iter().any(flag)
}

/// How many devices of a realm are registered.
pub fn registered(state: &RealmState) -> u64 {
    let stage = format!("attributes.{DEVICE}");
    let counts = |(id, client): &(&ObjectId, &Object)| {
        is_device(id, &client.fields) && client.fields.get(&stage).is_some_and(|at| at == stage::REGISTERED)
    };
    state.of_kind(Kind::Client).filter(counts).count() as u64
}
