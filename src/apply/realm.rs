//! A realm's own document, read to be changed and written back.

use serde_json::Value;

use crate::keycloak::{Fault, KeycloakError, ReadRealms, WriteRealms};

/// The realm as it is now, and nothing less: what is missing would be taken for removed.
pub(super) async fn read(api: &impl ReadRealms, realm: &str) -> Result<Value, KeycloakError> {
    let document = api.get(realm, "").await?.ok_or_else(|| broken(realm, "there is no such realm"))?;
    if document["realm"] != realm || !document["attributes"].is_object() {
        return Err(broken(realm, "it is not the whole realm"));
    }
    Ok(document)
}

/// Writes it back. Mail settings are left out unless they change: PUT keeps what it omits, but of a login that is
/// switched off it would drop the name and the password.
pub(super) async fn write(
    api: &impl WriteRealms,
    realm: &str,
    mut document: Value,
    mail_changes: bool,
) -> Result<(), KeycloakError> {
    if let Some(map) = document.as_object_mut().filter(|_| !mail_changes) {
        map.remove("smtpServer");
    }
    api.put(realm, "", Some(&document)).await
}

/// Gives a realm another name.
pub(super) async fn rename(api: &impl WriteRealms, realm: &str, name: &str) -> Result<(), KeycloakError> {
    let mut document = read(api, realm).await?;
    document["realm"] = name.into();
    write(api, realm, document, false).await
}

/// An answer that can't be used.
pub(super) fn broken(realm: &str, reason: &str) -> KeycloakError {
    let fault = Fault::Broken { reason: reason.to_owned() };
    KeycloakError { method: "GET", path: format!("/admin/realms/{realm}"), fault }
}
