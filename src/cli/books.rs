//! The ledger in a run: what it would refuse is found before anything is asked of Keycloak, what it accepts is kept before
//! anything is written there.

pub(super) mod attempt;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use super::exit::{Exit, Reported};
use super::ledger::asking::Asker;
use super::ledger::{Book, hinted};
use super::output::Printer;
use super::session::Wanted;
use crate::accounting::{Declared, Scope, declared, settle};
use crate::diagnostic::{Diagnostic, Span};
use crate::ledger::{AnyStore, Carried, Cause, Head, Ledger, Location, Order};
use crate::licence::{Accounts, Command, Event, Refusal, Shortage};
use crate::plan::{Bookkeeping, Plan, Proof};
use crate::state::applied::digest;

/// How it is proved that what is granted adds up.
#[derive(Clone, Copy)]
pub(super) enum Books<'a> {
    /// From the manifests alone.
    Unread,
    /// Against a ledger, where one is named and there.
    Read(&'a Book),
    /// Against a ledger that will be written to, and is made where it is not there. What it refuses, it remembers.
    Written(&'a Book, &'a Asker),
}

/// How what is declared becomes what the ledger has, none where the platform counts nothing; and, where a ledger was read,
/// the accounts then. What the ledger would refuse is said at the lines that ask for it.
pub(super) async fn bookkeeping(
    printer: &Printer,
    wanted: &Wanted,
    how: Books<'_>,
) -> anyhow::Result<(Option<Bookkeeping>, Option<Accounts>)> {
    let Some(declared) = declared(&wanted.network, &mut Vec::new()) else { return Ok((None, None)) };
    let Some(found) = find(wanted, how).await? else {
        let kept = Bookkeeping { proof: Proof::Manifests, events: Vec::new(), changes: Vec::new() };
        return Ok((Some(kept), None));
    };
    let chosen = |name: &str| wanted.chosen.as_ref().is_none_or(|chosen| chosen.has(name));
    let scope = Scope { ours: &found.ours, chosen: &chosen };
    let settlement = settle(&declared, &found.accounts, &scope, Timestamp::now().as_second());
    if !settlement.refused.is_empty() {
        let told: Vec<Diagnostic> =
            settlement.refused.iter().map(|(command, refusal)| diagnostic(&declared, command, refusal)).collect();
        printer.diagnostics(&wanted.dir, &wanted.sources, &told);
        if let Books::Written(_, asker) = how {
            let environment = &wanted.network.environment;
            attempt::by_ledger(printer, &found.location, asker, environment, &settlement.refused).await;
        }
        return Err(Reported.into());
    }
    let proof = Proof::Ledger { ledger: found.location, head: found.head.to_string() };
    let kept = Bookkeeping { proof, events: settlement.events, changes: settlement.changes };
    Ok((Some(kept), Some(settlement.after)))
}

/// A ledger as it was found.
struct Found {
    location: String,
    accounts: Accounts,
    head: Head,
    ours: BTreeSet<String>,
}

/// Reads the ledger that is named; none where none is, or where the platform names a file that is not at this place.
async fn find(wanted: &Wanted, how: Books<'_>) -> anyhow::Result<Option<Found>> {
    let (book, writes) = match how {
        Books::Unread => return Ok(None),
        Books::Read(book) => (book, false),
        Books::Written(book, _) => (book, true),
    };
    let Some((location, from_platform)) = location(book, wanted.network.ledger.as_deref(), &wanted.dir)? else {
        return Ok(None);
    };
    let text = location.to_string();
    if location.is_absent() && (writes || from_platform) {
        let empty =
            Found { location: text, accounts: Accounts::default(), head: Head::default(), ours: BTreeSet::new() };
        return Ok(writes.then_some(empty));
    }
    let ledger = Ledger::open(location.store(false)).await.map_err(hinted)?;
    let ours = ledger.issued_by_plans().map(str::to_owned).collect();
    Ok(Some(Found { location: text, accounts: ledger.accounts().clone(), head: ledger.head(), ours }))
}

/// The ledger that is given, else the one that the platform names, and whether it is the latter's.
pub(super) fn location(book: &Book, platform: Option<&str>, dir: &Path) -> anyhow::Result<Option<(Location, bool)>> {
    if let Some(given) = book.given()? {
        return Ok(Some((given.clone(), false)));
    }
    Ok(of_platform(platform, dir)?.map(|location| (location, true)))
}

/// The ledger that the platform names. A file is relative to the manifests.
pub(super) fn of_platform(platform: Option<&str>, dir: &Path) -> anyhow::Result<Option<Location>> {
    Ok(match platform.map(str::parse).transpose()? {
        Some(Location::Sqlite(path)) => Some(Location::Sqlite(std::path::absolute(dir.join(path))?)),
        other => other,
    })
}

/// A refusal of the ledger, at the line that asks for it.
fn diagnostic(declared: &Declared<'_>, command: &Command, refusal: &Refusal) -> Diagnostic {
    let at = place(declared, command).unwrap_or_default();
    let message = format!("the ledger refuses it: {refusal}");
    let finding = Diagnostic::error("ledger", at, message);
    match refusal {
        Refusal::Quota(shortage) | Refusal::Over(shortage) => finding.hint(way_out(shortage)),
        Refusal::BelowAllocated { .. } => finding.hint("lower what it uses and has granted on first"),
        Refusal::SerialUsed { .. } => finding.hint(
            "what a licence says is fixed once it is issued, but for how long it is valid: put this back as it was, and \
             declare what is to change as a licence with a serial of its own",
        ),
        Refusal::OtherServer { .. } => finding.hint(
            "put `server` back as it was: a realm never moves by itself; docs/servers.md says how to move one by hand",
        ),
        Refusal::PrivacyNotAllowed { .. } => finding.hint("its parent has to allow it: `allowFullPrivacy: true`"),
        Refusal::OnOwnLicences { .. } | Refusal::OnParentsResources { .. } => {
            finding.hint("what an organization lives on is fixed once it is there")
        }
        _ => finding,
    }
}

fn way_out(shortage: &Shortage) -> String {
    let Shortage { missing, limit, used, shared, licensed, nearest, .. } = shortage;
    let why = format!("of {limit} it uses {used} itself, shares {shared} and sold {licensed}");
    match nearest {
        Some(nearest) => format!("{why}; `{nearest}` has {missing} free and can grant them"),
        None => format!("{why}; redeem a licence, or free some"),
    }
}

/// Where manifests ask for something.
fn place(declared: &Declared<'_>, command: &Command) -> Option<Span> {
    let of = |name: &str| declared.organization(name).map(|organization| organization.tenant);
    let licence = |serial: &str| {
        declared.organizations.iter().find_map(|organization| {
            let at = organization.licences.iter().position(|terms| terms.serial == serial)?;
            Some(organization.tenant.node.nearest(&format!("/licences/{at}/serial")).span)
        })
    };
    match command {
        Command::Grant { organization, grants } => {
            let node = &of(organization)?.node;
            Some(match grants.keys().next().filter(|_| grants.len() == 1) {
                Some(only) => node.nearest("/grants").key_span(only),
                None => node.key_span("grants"),
            })
        }
        Command::Create { organization, .. }
        | Command::Move { organization, .. }
        | Command::Dealer { organization, .. } => of(organization).map(|tenant| tenant.span),
        Command::Place { organization, .. } => Some(of(organization)?.node.nearest("/server").span),
        Command::AllowPrivacy { organization, .. } => Some(of(organization)?.node.key_span("allowFullPrivacy")),
        Command::RequirePrivacy { organization, .. } => Some(of(organization)?.node.key_span("requireFullPrivacy")),
        Command::Issue(terms) => licence(&terms.serial),
        Command::Redeem { serial, .. } | Command::Renew { serial, .. } => licence(serial),
        _ => None,
    }
}

/// Keeps what a plan does to the accounts, all of it or nothing. `Some`: it can't be kept, and nothing may be written.
pub(super) async fn keep(printer: &Printer, plan: &Plan, book: &Book, asker: &Asker) -> anyhow::Result<Option<Exit>> {
    let Some((kept, location)) = meant(plan) else { return Ok(None) };
    let location = book.given()?.cloned().map_or_else(|| location.parse(), Ok)?;
    let print = digest(&(serde_json::to_string(&plan.header)? + &serde_json::to_string(&kept.events)?));
    let cause = Cause { plan: Some(print.clone()), request: None };
    let (at, actor) = (Timestamp::now().as_second(), asker.name()?);
    let order = |(index, event): (usize, &Event)| Order {
        at,
        actor: actor.to_owned(),
        cause: cause.clone(),
        key: Some(format!("{print}:{index}")),
        command: event.command(),
    };
    let orders: Vec<Order> = kept.events.iter().enumerate().map(order).collect();
    let mut ledger: Ledger<AnyStore> = Ledger::open(location.store(true)).await.map_err(hinted)?;
    let why = match ledger.carry_out(&orders, &kept.events).await.map_err(hinted)? {
        Carried::Kept => return Ok(None),
        Carried::Refused(refusal) => refusal.to_string(),
        Carried::Otherwise(event) => format!("this would happen instead of what was planned: {event}"),
    };
    let message = format!("stale: the ledger has moved since the plan was made: {why}; nothing was written");
    printer.error(&message, Some("plan again"));
    Ok(Some(Exit::Stale))
}

/// What a plan does to a ledger.
fn meant(plan: &Plan) -> Option<(&Bookkeeping, &str)> {
    let kept = plan.accounts.as_ref().filter(|kept| !kept.events.is_empty())?;
    match &kept.proof {
        Proof::Ledger { ledger, .. } => Some((kept, ledger)),
        Proof::Manifests => None,
    }
}

/// Makes sure that somebody is named where the ledger will be asked for something.
pub(super) fn somebody_asks(plan: &Plan, asker: &Asker) -> anyhow::Result<()> {
    if meant(plan).is_some() {
        asker.name()?;
    }
    Ok(())
}
