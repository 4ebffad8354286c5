//! `realmwright seat`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use super::args::{Format, Target};
use super::destroy::{Place, place};
use super::exit::{Exit, UsageError};
use super::output::Printer;
use crate::accounting::named_seats;
use crate::diagnostic::did_you_mean;
use crate::keycloak::seats::{self, Given, Holder};
use crate::manifest::resolve::Tenant;
use crate::state::seats::SEAT;
use crate::state::{Quarantine, RealmState};

/// What `seat` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show who holds a seat, and how many there are
    List(List),
    /// Give a user a seat, unless all that are licensed are taken
    Assign(Change),
    /// Take a user's seat, and end the user's sessions
    Revoke(Change),
}

/// `seat list`
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    of: Of,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// `seat assign` and `seat revoke`
#[derive(Debug, Args)]
pub(super) struct Change {
    #[command(flatten)]
    of: Of,
    /// The user, by login name or e-mail address
    user: String,
}

/// Seats of what, where.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// The tenant
    tenant: String,
    /// The product
    product: String,
    /// Directory with the manifests
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    manifests: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Does it.
pub(super) async fn run(printer: &Printer, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(List { of, format }) => list(printer, &Seats::open(printer, of).await?, *format).await,
        Command::Assign(Change { of, user }) => assign(printer, &Seats::open(printer, of).await?, user).await,
        Command::Revoke(Change { of, user }) => revoke(printer, &Seats::open(printer, of).await?, user).await,
    }
}

/// The seats of a product in a realm.
struct Seats<'a> {
    of: &'a Of,
    place: Place,
    realm: RealmState,
    licensed: u64,
}

impl<'a> Seats<'a> {
    async fn open(printer: &Printer, of: &'a Of) -> anyhow::Result<Self> {
        let Of { tenant, product, .. } = of;
        let place = place(printer, &of.manifests, &of.target, &[tenant]).await?;
        let Some(declared) = place.network.tenants.iter().find(|other| other.name == *tenant) else {
            return Err(place.no_realm(tenant, "no manifest declares it").into());
        };
        let licensed = licensed(&place, declared, product)?;
        match place.realm(tenant).await? {
            None => Err(place.no_realm(tenant, "apply the manifests first").into()),
            Some(realm) if Quarantine::of(&realm).is_some() => {
                let hint = format!("`realmwright restore {tenant}` opens it again");
                Err(UsageError { message: format!("`{tenant}` is in quarantine"), hint: Some(hint) }.into())
            }
            Some(realm) => Ok(Self { of, place, realm, licensed }),
        }
    }

    async fn user(&self, name: &str) -> anyhow::Result<(String, String)> {
        let tenant = &self.of.tenant;
        Ok(seats::user(&self.place.server, tenant, name).await?.ok_or_else(|| UsageError {
            message: format!("`{tenant}` has no user `{name}`"),
            hint: Some("name somebody by login name or by e-mail address".into()),
        })?)
    }

    /// Whether the manifests give the user a seat, as often as they are applied.
    fn is_declared(&self, user: &str) -> bool {
        let declared = self.place.network.tenants.iter().find(|tenant| tenant.name == self.of.tenant);
        let role = format!("{}/{SEAT}", self.of.product);
        let users = declared.into_iter().flat_map(|tenant| &tenant.settings.users);
        users.into_iter().any(|other| other.username == user && other.roles.contains(&role))
    }
}

/// The seats that a tenant has now, of a product that has named ones.
fn licensed(place: &Place, tenant: &Tenant, product: &str) -> Result<u64, UsageError> {
    let name = &tenant.name;
    let Some(terms) = place.network.products.get(product).filter(|_| tenant.products().contains(product)) else {
        let message = format!("`{name}` has neither a licence for `{product}` nor a grant of it");
        return Err(UsageError { message, hint: did_you_mean(product, tenant.products()) });
    };
    if terms.concurrent.is_some() {
        let message = format!("seats of `{product}` are concurrent: each session takes one, and gives it back");
        return Err(UsageError { message, hint: Some("nobody has to be given one".into()) });
    }
    Ok(named_seats(tenant, product, u64::try_from(Timestamp::now().as_second()).unwrap_or_default()))
}

/// What `seat list` prints for programs.
#[derive(Serialize)]
struct Listing<'a> {
    tenant: &'a str,
    product: &'a str,
    /// How many there may be.
    licensed: u64,
    holders: Vec<Holder>,
}

async fn list(printer: &Printer, seats: &Seats<'_>, format: Format) -> anyhow::Result<Exit> {
    let Of { tenant, product, .. } = seats.of;
    let found = seats::holders(&seats.place.server, tenant, &seats.realm, product).await?;
    let mut holders: Vec<Holder> = found.into_values().collect();
    holders.sort_by(|a, b| a.username.cmp(&b.username));
    let listing = Listing { tenant, product, licensed: seats.licensed, holders };
    match format {
        Format::Json => printer.data(&(serde_json::to_string_pretty(&listing)? + "\n")),
        Format::Text => {
            printer.data(&format!("{tenant}  {product}  {}\n", of_licensed(listing.holders.len() as u64, seats)));
            for holder in &listing.holders {
                let through = if holder.direct { "" } else { "  through a group or another role" };
                printer.data(&format!("  {}{through}\n", holder.username));
            }
        }
    }
    Ok(Exit::Done)
}

async fn assign(printer: &Printer, seats: &Seats<'_>, name: &str) -> anyhow::Result<Exit> {
    let Of { tenant, product, .. } = seats.of;
    let (id, user) = seats.user(name).await?;
    let given = seats::give(&seats.place.server, tenant, &seats.realm, product, &id, seats.licensed).await?;
    let (message, hint) = match given {
        Given::Now(taken) | Given::Before(taken) => {
            let already = if matches!(given, Given::Before(_)) { " already" } else { "" };
            printer.data(&format!("{user} has a seat of {product}{already}: {}\n", of_licensed(taken, seats)));
            return Ok(Exit::Done);
        }
        Given::Full(taken) => (
            format!("refused: no seat of {product} is free: {}", of_licensed(taken, seats)),
            format!("`realmwright seat revoke {tenant} {product} USER` frees one; a licence or a grant gives more"),
        ),
        Given::Contended => (
            format!("refused: others give seats of {product} at this moment, and there are not enough for all"),
            "try again".to_owned(),
        ),
    };
    printer.error(&message, Some(&hint));
    Ok(Exit::Refused)
}

async fn revoke(printer: &Printer, seats: &Seats<'_>, name: &str) -> anyhow::Result<Exit> {
    let Of { tenant, product, .. } = seats.of;
    let server = &seats.place.server;
    let (id, user) = seats.user(name).await?;
    let before = seats::holders(server, tenant, &seats.realm, product).await?;
    if before.get(&id).is_none_or(|holder| holder.direct) {
        // Also of who has none any more: a run that was killed may have left the sessions.
        seats::take(server, tenant, &seats.realm, product, &id).await?;
    }
    let after = seats::holders(server, tenant, &seats.realm, product).await?;
    if after.contains_key(&id) {
        let message = format!("{user} still has a seat of {product}, through a group or another role");
        printer.error(&message, Some("take the user out of that"));
        return Ok(Exit::Failed);
    }
    let none = if before.contains_key(&id) { "has no seat of" } else { "had no seat of" };
    printer.data(&format!("{user} {none} {product}: {}\n", of_licensed(after.len() as u64, seats)));
    if seats.is_declared(&user) {
        printer.say(&format!("the manifests give {user} the role {product}/{SEAT}: the next apply gives it again"));
    }
    Ok(Exit::Done)
}

fn of_licensed(taken: u64, seats: &Seats<'_>) -> String {
    let licensed = seats.licensed;
    let noun = if licensed == 1 { "seat is" } else { "seats are" };
    format!("{taken} of {licensed} {noun} taken")
}
