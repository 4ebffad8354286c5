//! `realmwright count`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;

use super::args::{SecretFiles, Selecting, Target};
use super::exit::{Exit, UsageError};
use super::ledger::asking::Asker;
use super::ledger::{Book, hinted};
use super::output::Printer;
use super::session::{self, Meant, Wanted};
use super::table::{self, Format};
use super::{books, realms, secrets};
use crate::keycloak::fleet::in_turn;
use crate::keycloak::{Fleet, KeycloakError, people, seats};
use crate::ledger::{Answer, AnyStore, Cause, Ledger, Order};
use crate::licence::{Accounts, Amount, Command, DEVICES, Refusal};
use crate::manifest::resolve::Tenant;
use crate::state::{RealmState, State, device};

/// `count`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    secrets: SecretFiles,
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    book: Book,
    #[command(flatten)]
    asker: Asker,
    /// Realms to read at a time, at most: how many is found by how the server answers
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    parallelism: u16,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// The resource that users are counted as.
const USERS: &str = "users";

/// What was counted of one resource of an organization, and what the ledger says to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    organization: String,
    resource: String,
    counted: Amount,
    /// What the ledger had before.
    before: Amount,
    limit: Amount,
    /// Why the ledger does not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

/// Counts the users, the holders of seats and the devices that are clients, and enters it in the ledger.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let actor = options.asker.name()?;
    let Options { dir, target, secrets, selecting, .. } = options;
    let meant = Meant { dir, target, secrets, selection: selecting.selection(), books: None };
    let mut wanted = session::wanted(printer, &meant, None).await?;
    let Some((location, _)) = books::location(&options.book, wanted.network.ledger.as_deref(), dir)? else {
        let hint = "give --ledger sqlite:PATH, or name one in the platform's environment";
        return Err(UsageError { message: "no ledger is named".into(), hint: Some(hint.into()) }.into());
    };
    let mut ledger = Ledger::open(location.store(false)).await.map_err(hinted)?;
    ledger.advance(Timestamp::now().as_second());
    let key = secrets::operator_key(target.operator_key.as_deref())?;
    // Who is placed nowhere yet has no realm.
    let placed = wanted.network.placements();
    wanted.desired.retain(|tenant| wanted.network.servers.is_empty() || placed.contains_key(&tenant.name));
    let server = session::reach(printer, target, &wanted, &key).await?;
    let state = realms::observe_whole(printer, &server, &wanted.desired, options.parallelism).await?;
    let found = count(&server, &wanted, &state, ledger.accounts(), options.parallelism).await?;
    let counted = enter(&mut ledger, actor, found).await?;
    if counted.is_empty() {
        printer
            .say("nothing was counted: the ledger knows none of these tenants, or neither their users nor their seats");
    }
    match options.format {
        Format::Text => printer.data(&text(&counted)),
        Format::Json => printer.data(&(serde_json::to_string_pretty(&counted)? + "\n")),
        Format::Csv => printer.data(&csv(&counted)?),
    }
    let refused = counted.iter().filter(|counted| counted.refusal.is_some()).count();
    if refused > 0 {
        printer.error(
            &format!("refused: {refused} of {} are more than there may be", counted.len()),
            Some("grant or license more, or have fewer; the ledger keeps what it had"),
        );
        return Ok(Exit::Refused);
    }
    Ok(Exit::Done)
}

/// What there is in the realms of those whom the ledger knows, of the resources that it knows.
async fn count(
    server: &Fleet,
    wanted: &Wanted,
    state: &State,
    accounts: &Accounts,
    parallelism: u16,
) -> anyhow::Result<BTreeMap<(String, String), Amount>> {
    let tenants = wanted.network.tenants.iter().filter_map(|tenant| {
        let known = accounts.account(&tenant.name).ok()?.limits;
        Some((tenant, known, state.get(&tenant.name)?))
    });
    let most = parallelism.into();
    let reads = in_turn(
        server,
        tenants,
        |(tenant, ..)| &tenant.name,
        most,
        |(tenant, known, realm)| async move {
            let mut found = Vec::new();
            if known.contains_key(USERS) {
                found.push((USERS.to_owned(), users(server, tenant, realm, state).await?));
            }
            for product in wanted.network.products.keys().filter(|name| known.contains_key(name.as_str())) {
                found.push((product.clone(), seats::in_use(server, &tenant.name, realm, product).await?));
            }
            if wanted.network.has_device_clients(tenant) && known.contains_key(DEVICES) {
                found.push((DEVICES.to_owned(), device::registered(realm)));
            }
            Ok::<_, KeycloakError>((tenant.name.clone(), found))
        },
    );
    let found: Vec<_> = reads.try_collect().await?;
    let figure =
        |name: &str, (resource, count): (String, u64)| Ok(((name.to_owned(), resource), Amount::try_from(count)?));
    found.into_iter().flat_map(|(name, figures)| figures.into_iter().map(move |one| figure(&name, one))).collect()
}

/// The users of a tenant who are at home there.
async fn users(server: &Fleet, tenant: &Tenant, realm: &RealmState, state: &State) -> Result<u64, KeycloakError> {
    let upstream = match tenant.path.last().filter(|above| state.contains_key(*above)) {
        Some(above) => Some(server.of(above)?.issuer_of(above).await?),
        None => None,
    };
    people::count(server, &tenant.name, realm, upstream.as_deref()).await
}

/// Enters it: fewer first, all in one transaction. What was so already leaves no entry.
async fn enter(
    ledger: &mut Ledger<AnyStore>,
    actor: &str,
    found: BTreeMap<(String, String), Amount>,
) -> anyhow::Result<Vec<Counted>> {
    let at = Timestamp::now().as_second();
    let mut counted = Vec::new();
    for ((organization, resource), amount) in found {
        let figures = ledger.accounts().figures(&organization, &resource)?;
        let (before, limit) = (figures.used, figures.limit);
        counted.push(Counted { organization, resource, counted: amount, before, limit, refusal: None });
    }
    let mut changed: Vec<&mut Counted> = counted.iter_mut().filter(|one| one.counted != one.before).collect();
    changed.sort_by_key(|one| one.counted > one.before);
    let order = |one: &&mut Counted| Order {
        at,
        actor: actor.to_owned(),
        cause: Cause::default(),
        key: None,
        command: Command::Count {
            organization: one.organization.clone(),
            resource: one.resource.clone(),
            amount: one.counted,
        },
    };
    let orders: Vec<Order> = changed.iter().map(order).collect();
    let records = if orders.is_empty() { Vec::new() } else { ledger.submit(&orders).await.map_err(hinted)? };
    for (one, record) in changed.into_iter().zip(records) {
        if let Answer::Refused { refusal } = record.answer {
            one.refusal = Some(refusal);
        }
    }
    Ok(counted)
}

fn text(counted: &[Counted]) -> String {
    let width = |part: fn(&Counted) -> &str| counted.iter().map(|one| part(one).len()).max().unwrap_or_default();
    let (name, resource) = (width(|one| &one.organization), width(|one| &one.resource));
    let line = |one: &Counted| {
        let (before, limit) = (one.before, one.limit);
        let change = if one.counted == before { String::new() } else { format!(", {before} before") };
        let refused = one.refusal.as_ref().map_or(String::new(), |refusal| format!("\n    refused: {refusal}"));
        format!("{:name$}  {:resource$}  {} of {limit}{change}{refused}\n", one.organization, one.resource, one.counted)
    };
    counted.iter().map(line).collect()
}

fn csv(counted: &[Counted]) -> anyhow::Result<String> {
    let rows = counted.iter().map(|one| {
        let refusal = one.refusal.as_ref().map_or(String::new(), ToString::to_string);
        let numbers = [one.counted, one.before, one.limit].map(|number| number.to_string());
        [one.organization.clone(), one.resource.clone()].into_iter().chain(numbers).chain([refusal]).collect()
    });
    table::csv(&["organization", "resource", "counted", "before", "limit", "refusal"], rows)
}
