//! Shutting a tenant off without losing it, and opening it again.
//!
//! A disabled realm refuses its own provisioner, so the realm stays enabled and every door in it is shut: clients,
//! identity providers, self-registration, password reset and initial access tokens; then all sessions end. What was open
//! is remembered in the realm before anything is shut, so that the same command finishes a run that was killed anywhere.

use serde_json::Value;

use super::realm::{broken, read};
use super::writer::base;
use crate::keycloak::{KeycloakError, ReadRealms, WriteRealms, endpoint};
use crate::plan::quarantine::{SETTINGS, doors};
use crate::state::quarantine::QUARANTINE;
use crate::state::{Kind, ObjectId, Quarantine, RealmState, arrange};

/// Puts a tenant in quarantine, or finishes doing so. `new` is the record of a quarantine that begins now; one that has
/// begun keeps its own. The record as it stands afterwards, and how many doors were shut.
pub async fn quarantine(
    api: &impl WriteRealms,
    realm: &str,
    new: Quarantine,
) -> Result<(Quarantine, usize), KeycloakError> {
    let state = state(api, realm).await?;
    let mut record = Quarantine::of(&state).filter(|record| !record.since.is_empty()).unwrap_or(new);
    let open: Vec<ObjectId> = doors(&state).filter(|(_, enabled)| *enabled).map(|(id, _)| id.clone()).collect();
    let document = read(api, realm).await?;
    let settings: Vec<&str> = SETTINGS.into_iter().filter(|field| document[*field] == true).collect();
    if record.complete && open.is_empty() && settings.is_empty() {
        return Ok((record, 0));
    }
    record.complete = false;
    for id in &open {
        let names = if id.kind == Kind::Client { &mut record.clients } else { &mut record.identity_providers };
        names.insert(id.key.clone());
    }
    record.settings.extend(settings.iter().map(|field| (*field).to_owned()));
    write(api, realm, document, Some(&record), false).await?;
    for id in &open {
        set_enabled(api, realm, &state, id, false).await?;
    }
    for token in api.get(realm, "clients-initial-access").await?.unwrap_or_default().as_array().into_iter().flatten() {
        let id = token["id"].as_str().unwrap_or_default();
        api.delete(realm, &format!("clients-initial-access/{id}"), None).await?;
    }
    // Ends every session, offline ones included, and makes tokens of before worthless, our own as well.
    api.post(realm, "logout-all", &Value::Null).await?;
    record.complete = true;
    let document = read(api, realm).await?;
    write(api, realm, document, Some(&record), false).await?;
    Ok((record, open.len() + settings.len()))
}

/// Opens a tenant again: exactly what the record names. `None`: it is not in quarantine.
pub async fn restore(api: &impl WriteRealms, realm: &str) -> Result<Option<Quarantine>, KeycloakError> {
    let state = state(api, realm).await?;
    let Some(record) = Quarantine::of(&state) else { return Ok(None) };
    if record.since.is_empty() {
        let reason = format!("the attribute {QUARANTINE} does not say what was open; open it by hand");
        return Err(broken(realm, &reason));
    }
    let remembered = |id: &ObjectId| match id.kind {
        Kind::Client => record.clients.contains(&id.key),
        _ => record.identity_providers.contains(&id.key),
    };
    for (id, enabled) in doors(&state) {
        if !enabled && remembered(id) {
            set_enabled(api, realm, &state, id, true).await?;
        }
    }
    let mut document = read(api, realm).await?;
    for field in &record.settings {
        document[field] = true.into();
    }
    write(api, realm, document, None, true).await?;
    Ok(Some(record))
}

async fn state(api: &impl ReadRealms, realm: &str) -> Result<RealmState, KeycloakError> {
    let export = api.export(realm).await?.ok_or_else(|| broken(realm, "there is no such realm"))?;
    Ok(arrange(&export))
}

async fn set_enabled(
    api: &impl WriteRealms,
    realm: &str,
    state: &RealmState,
    id: &ObjectId,
    enabled: bool,
) -> Result<(), KeycloakError> {
    let Some(object) = state.get(id) else { return Ok(()) };
    let mut body = base(id, &object.raw);
    body["enabled"] = enabled.into();
    let own = object.id.as_deref().filter(|_| id.kind == Kind::Client).unwrap_or(&id.key);
    api.put(realm, &endpoint::item(id.kind, "", own), Some(&body)).await
}

async fn write(
    api: &impl WriteRealms,
    realm: &str,
    mut document: Value,
    record: Option<&Quarantine>,
    open: bool,
) -> Result<(), KeycloakError> {
    match (record, document["attributes"].as_object_mut()) {
        (Some(record), Some(attributes)) => {
            attributes.insert(QUARANTINE.into(), record.to_text().into());
        }
        (None, Some(attributes)) => {
            attributes.remove(QUARANTINE);
        }
        _ => {}
    }
    if !open {
        SETTINGS.into_iter().for_each(|field| document[field] = false.into());
    }
    super::realm::write(api, realm, document, false).await
}
