//! A device as a client with a service account, in its organization's realm (`POST clients`, `PUT clients/{id}`).
//!
//! It authenticates with its own key (`private_key_jwt`, RFC 7523); the realm has the public half. The client is there,
//! disabled, before the device is counted, and is counted until it is disabled: nothing gets in uncounted, and whoever is
//! killed in between finds in the realm how far it was.

use serde_json::{Value, json};

use super::{Fault, KeycloakError, ReadRealms, WriteRealms, segment};
use crate::expand::provisioner::service_account_client;
use crate::state::device::{DEVICE, client, stage};

/// A device that is there.
#[derive(Debug)]
pub struct DeviceClient {
    representation: Value,
}

impl DeviceClient {
    /// The server's id of its client: of this registration, and no other.
    pub fn id(&self) -> &str {
        self.representation["id"].as_str().unwrap_or_default()
    }

    /// How far its registration is; see [`stage`].
    pub fn stage(&self) -> &str {
        self.representation["attributes"][DEVICE].as_str().unwrap_or_default()
    }

    /// The public keys that it is known by, as a JSON Web Key Set.
    pub fn jwks(&self) -> &str {
        self.representation["attributes"]["jwks.string"].as_str().unwrap_or_default()
    }
}

/// The device of a name, if there is one.
///
/// # Errors
///
/// The realm can't be read, or a client of that name is no device.
pub async fn find(api: &impl ReadRealms, realm: &str, name: &str) -> Result<Option<DeviceClient>, KeycloakError> {
    let key = client(name).key;
    let path = format!("clients?clientId={}", segment(&key));
    let found = api.get(realm, &path).await?.unwrap_or_default();
    let Some(representation) = found.as_array().and_then(|list| list.iter().find(|one| one["clientId"] == *key)) else {
        return Ok(None);
    };
    if representation["attributes"][DEVICE].is_null() {
        let fault = Fault::Status { status: 409, message: format!("the client `{key}` is there and is no device") };
        return Err(KeycloakError { method: "GET", path: format!("/admin/realms/{realm}/{path}"), fault });
    }
    Ok(Some(DeviceClient { representation: representation.clone() }))
}

/// Makes the client of a device, disabled.
///
/// # Errors
///
/// The realm can't be written.
pub async fn prepare(
    api: &impl WriteRealms,
    realm: &str,
    name: &str,
    jwks: &str,
) -> Result<DeviceClient, KeycloakError> {
    let mut body = service_account_client(&client(name).key, "A device, registered with Realmwright.", jwks);
    body["name"] = name.into();
    body["enabled"] = false.into();
    body["fullScopeAllowed"] = false.into();
    body["attributes"][DEVICE] = stage::REGISTERING.into();
    api.post(realm, "clients", &body).await?;
    let made = find(api, realm, name).await?;
    made.ok_or_else(|| {
        let message = format!("the client of `{name}` was made and is not there");
        KeycloakError { method: "GET", path: realm.into(), fault: Fault::Status { status: 404, message } }
    })
}

/// Lets a device log in, once it is counted.
///
/// # Errors
///
/// The realm can't be written.
pub async fn admit(api: &impl WriteRealms, realm: &str, device: &DeviceClient) -> Result<(), KeycloakError> {
    put(api, realm, device, true, stage::REGISTERED).await
}

/// Shuts a device out, before it is no longer counted.
///
/// # Errors
///
/// The realm can't be written.
pub async fn shut(api: &impl WriteRealms, realm: &str, device: &DeviceClient) -> Result<(), KeycloakError> {
    put(api, realm, device, false, stage::RETIRING).await
}

/// Removes the client of a device.
///
/// # Errors
///
/// The realm can't be written.
pub async fn remove(api: &impl WriteRealms, realm: &str, device: &DeviceClient) -> Result<(), KeycloakError> {
    api.delete(realm, &format!("clients/{}", device.id()), None).await
}

async fn put(
    api: &impl WriteRealms,
    realm: &str,
    device: &DeviceClient,
    enabled: bool,
    stage: &str,
) -> Result<(), KeycloakError> {
    let mut body = device.representation.clone();
    body["enabled"] = json!(enabled);
    body["attributes"][DEVICE] = stage.into();
    api.put(realm, &format!("clients/{}", device.id()), Some(&body)).await
}
