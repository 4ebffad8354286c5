//! Devices with a name: each a client with a service account in its organization's realm, and counted in the ledger.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::cli::args::Target;
use crate::cli::destroy::{Place, place};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::files;
use crate::cli::ledger::asking::{Asking, done, refused};
use crate::cli::output::Printer;
use crate::expand::observer::key_set;
use crate::keycloak::device::{self, DeviceClient};
use crate::licence::{Command, DEVICES};
use crate::state::Quarantine;
use crate::state::device::stage;

/// A device that is a client.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Name of the device, where the product says that devices are clients of the realm
    #[arg(long, value_parser = name, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Directory with the manifests
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    manifests: PathBuf,
    #[command(flatten)]
    target: Target,
}

fn name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let fits = text.len() <= 100 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(good);
    fits.then(|| text.to_owned()).ok_or_else(|| {
        "a device's name has small letters, digits, `-`, `_` and `.`, at most 100, the first a letter or a digit".into()
    })
}

impl Named {
    /// The realms, once it is sure that devices of an organization are clients.
    async fn place(&self, printer: &Printer, organizations: &[&str]) -> anyhow::Result<Place> {
        let place = place(printer, &self.manifests, &self.target, organizations).await?;
        for organization in organizations {
            let Some(tenant) = place.network.tenants.iter().find(|tenant| tenant.name == *organization) else {
                return Err(place.no_realm(organization, "no manifest declares it").into());
            };
            if !place.network.has_device_clients(tenant) {
                let message = format!("no product of `{organization}` has its devices as clients");
                let hint = "leave --name out, or say `deviceClients: true` of the product in the platform's manifest";
                return Err(UsageError { message, hint: Some(hint.into()) }.into());
            }
            match place.realm(organization).await? {
                None => return Err(place.no_realm(organization, "apply the manifests first").into()),
                Some(realm) if Quarantine::of(&realm).is_some() => {
                    let message = format!("`{organization}` is in quarantine");
                    let hint = format!("`realmwright restore {organization}` opens it again");
                    return Err(UsageError { message, hint: Some(hint) }.into());
                }
                Some(_) => {}
            }
        }
        Ok(place)
    }
}

/// Registers a device: its client is made, disabled; it is counted; it may log in.
pub(super) async fn register(
    printer: &Printer,
    organization: &str,
    asking: &Asking,
    named: &Named,
    name: &str,
    key: &std::path::Path,
) -> anyhow::Result<Exit> {
    let pem = files::named(key)?;
    let jwks = key_set(&pem).ok_or_else(|| UsageError {
        message: format!("{} is not an EC P-256 public key in PEM", key.display()),
        hint: Some(
            "the device makes a key with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY`, \
             and gives what `openssl pkey -in KEY -pubout` prints"
                .into(),
        ),
    })?;
    let Place { server, .. } = &named.place(printer, &[organization]).await?;
    let device = match device::find(server, organization, name).await? {
        Some(there) if there.stage() == stage::RETIRING => {
            let message = format!("`{name}` is being retired");
            let hint = "send the `device retire` that was cut short again first";
            return Err(UsageError { message, hint: Some(hint.into()) }.into());
        }
        Some(there) if there.jwks() != jwks => {
            let message = format!("`{name}` is there already, with another key");
            return Err(UsageError { message, hint: Some("retire it first, or give another name".into()) }.into());
        }
        Some(there) => there,
        None => device::prepare(server, organization, name, &jwks).await?,
    };
    let count = Command::Use { organization: organization.into(), resource: DEVICES.into(), amount: 1 };
    match asking.open().await?.ask_once(counting(&device), count).await? {
        Ok(_) if device.stage() == stage::REGISTERED => Ok(done(printer, &[])),
        Ok(events) => {
            device::admit(server, organization, &device).await.with_context(|| cut_short(name))?;
            Ok(done(printer, &events))
        }
        Err(refusal) => {
            device::remove(server, organization, &device).await.with_context(|| cut_short(name))?;
            refused(printer, &refusal)
        }
    }
}

/// Retires a device: it is shut out, no longer counted, and gone.
pub(super) async fn retire(
    printer: &Printer,
    organization: &str,
    asking: &Asking,
    named: &Named,
    name: &str,
) -> anyhow::Result<Exit> {
    let Place { server, .. } = &named.place(printer, &[organization]).await?;
    let device = there(device::find(server, organization, name).await?, organization, name)?;
    let mut desk = asking.open().await?;
    device::shut(server, organization, &device).await?;
    let free = Command::Release { organization: organization.into(), resource: DEVICES.into(), amount: 1 };
    // A registration that was cut short before it was counted has nothing to give back.
    let answer = match desk.ledger.recorded(&counting(&device)).is_some() {
        true => desk.ask_once(format!("{} retired", counting(&device)), free).await?,
        false => Ok(Vec::new()),
    };
    device::remove(server, organization, &device).await.with_context(|| cut_short(name))?;
    match answer {
        Ok(events) => Ok(done(printer, &events)),
        Err(refusal) => refused(printer, &refusal),
    }
}

/// Moves a device to the organization that wants it: shut out where it was, counted there, let in there.
pub(super) async fn change_place(
    printer: &Printer,
    [from, to]: [&str; 2],
    asking: &Asking,
    named: &Named,
    name: &str,
    token: String,
) -> anyhow::Result<Exit> {
    let Place { server, .. } = &named.place(printer, &[from, to]).await?;
    let (left, arrived) = (device::find(server, from, name).await?, device::find(server, to, name).await?);
    if left.is_none() && arrived.as_ref().is_some_and(|device| device.stage() == stage::REGISTERED) {
        return Ok(done(printer, &[]));
    }
    let left = there(left, from, name)?;
    let arrived = match arrived {
        Some(other) if other.jwks() != left.jwks() => {
            let message = format!("`{to}` has another device `{name}`");
            return Err(UsageError { message, hint: Some("one of them has to get another name first".into()) }.into());
        }
        Some(begun) => begun,
        None => device::prepare(server, to, name, left.jwks()).await?,
    };
    let mut desk = asking.open().await?;
    device::shut(server, from, &left).await.with_context(|| cut_short(name))?;
    match desk.ask_once(counting(&arrived), Command::MoveDevice { from: from.into(), token }).await? {
        Ok(events) => {
            device::admit(server, to, &arrived).await.with_context(|| cut_short(name))?;
            device::remove(server, from, &left).await.with_context(|| cut_short(name))?;
            Ok(done(printer, &events))
        }
        Err(refusal) => {
            device::remove(server, to, &arrived).await?;
            device::admit(server, from, &left).await?;
            refused(printer, &refusal)
        }
    }
}

/// Names the order that counts a registration.
fn counting(device: &DeviceClient) -> String {
    format!("device {}", device.id())
}

fn there(found: Option<DeviceClient>, organization: &str, name: &str) -> Result<DeviceClient, UsageError> {
    found.ok_or_else(|| UsageError {
        message: format!("`{organization}` has no device `{name}`"),
        hint: Some("its realm's clients whose names begin with `device-` are its devices".into()),
    })
}

fn cut_short(name: &str) -> String {
    format!("`{name}` is not done with; the same command goes on with it")
}
