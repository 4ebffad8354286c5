//! Reading the realms of a network, and saying which of them could not be read.

use std::collections::BTreeMap;

use futures_util::StreamExt;

use super::events::Event;
use super::exit::{Refused, Reported};
use super::output::Printer;
use super::progress::Progress;
use crate::expand::Desired;
use crate::keycloak::fleet::in_turn;
use crate::keycloak::http::Server;
use crate::keycloak::observe::declared_users;
use crate::keycloak::watermarks::Watermarks;
use crate::keycloak::{Fault, Fleet, KeycloakError, ReadRealms, observe};
use crate::plan::{Bookkeeping, Plan, Refusal, guard};
use crate::state::secret::Secrets;
use crate::state::{ObjectId, RealmState, State, applied};

/// How many realms that can't be read are shown with the reason.
const SHOWN: usize = 5;

/// Every realm of the network that exists, whichever of them changed.
pub(super) async fn observe_whole(
    printer: &Printer,
    server: &impl ReadRealms,
    desired: &[Desired],
    parallelism: u16,
) -> anyhow::Result<State> {
    observe_all(printer, server, desired, parallelism, &Watermarks::default(), |_, found| found.lean()).await
}

/// Every realm of the network that exists; of those in which nothing happened by their `watermarks`, only that, and of the
/// others what is to be kept of them. One that can't be read ends the run, after all were tried.
pub(super) async fn observe_all(
    printer: &Printer,
    server: &impl ReadRealms,
    desired: &[Desired],
    parallelism: u16,
    watermarks: &Watermarks,
    keep: impl Fn(&Desired, RealmState) -> RealmState,
) -> anyhow::Result<State> {
    let progress = Progress::new("reading realms", desired.len(), printer.progress());
    let progress_of = &progress;
    let most = usize::from(parallelism);
    let reads = in_turn(
        server,
        desired,
        |tenant| &tenant.name,
        most,
        |tenant| async move {
            let observed = watermarks.observe(server, &tenant.name, &declared_users(&tenant.state)).await;
            let tally = server.tally(&tenant.name);
            printer.event(&Event::read(&tenant.name, &observed, tally.as_ref()));
            progress_of.step(server.limit(), observed.is_ok());
            (tenant, observed)
        },
    );
    let mut state = State::new();
    let mut failed: Vec<(&Desired, KeycloakError)> = Vec::new();
    let mut shut = State::new();
    let mut reads = std::pin::pin!(reads);
    while let Some((tenant, observed)) = reads.next().await {
        match observed {
            Ok(Some(observed)) => {
                state.insert(tenant.name.clone(), keep(tenant, observed));
            }
            Ok(None) => {}
            Err(error) => {
                shut.extend(shut_out(&error).map(|known| (tenant.name.clone(), known)));
                failed.push((tenant, error));
            }
        }
    }
    progress.finish();
    failed.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    if let Some((_, error)) = failed.iter().find(|(_, error)| matches!(error.fault, Fault::Unsupported { .. })) {
        return Err(error.clone().into());
    }
    for (tenant, error) in failed.iter().take(SHOWN) {
        printer.error(&format!("{} ({}): {error}", tenant.name, tenant.tier), error.hint().as_deref());
    }
    if failed.len() > SHOWN {
        let names: Vec<&str> = failed[SHOWN..].iter().map(|(tenant, _)| tenant.name.as_str()).collect();
        printer.error(&format!("and likewise {} more: {}", names.len(), names.join(", ")), None);
    }
    if let Some(reason) = desired.iter().find_map(|tenant| of_another_environment(tenant, &state)) {
        return Err(reason.into());
    }
    if failed.is_empty() {
        return Ok(state);
    }
    let disabled = failed.iter().any(|(_, error)| error.says_disabled());
    let go_on = shut.len() == failed.len() && (disabled || !state.is_empty());
    let verdict = if go_on { "the plan is about the others" } else { "no plan was made" };
    let leave_out = (failed.len() < desired.len()).then_some("--exclude TENANT leaves one out");
    printer.error(&format!("{} of {} tenants could not be read; {verdict}", failed.len(), desired.len()), leave_out);
    state.extend(shut);
    if go_on { Ok(state) } else { Err(Reported.into()) }
}

/// What is known of a realm that shuts out the account which was to read it. Any other error leaves it open whether there
/// is such a realm.
fn shut_out(error: &KeycloakError) -> Option<RealmState> {
    if error.says_disabled() {
        let known = [("enabled".to_owned(), false.into())];
        return Some(RealmState::unread("the realm is disabled, and refuses its own provisioner".into(), known.into()));
    }
    error.shuts_out().then(|| RealmState::unread(error.to_string(), Default::default()))
}

/// A realm that the manifests of another environment made must not become one of this: the server is the wrong one.
fn of_another_environment(tenant: &Desired, state: &State) -> Option<Refused> {
    let applied = state.get(&tenant.name)?.applied();
    other_environment(&tenant.name, applied.environment(), &tenant.environment)
}

/// Refuses a realm whose marker names another environment than the one that is meant.
pub(super) fn other_environment(tenant: &str, found: &str, meant: &str) -> Option<Refused> {
    let other = !found.is_empty() && found != meant;
    let message = || format!("the realm `{tenant}` on this server belongs to the environment `{found}`, not `{meant}`");
    other.then(|| Refused(Refusal::new(guard::OTHER_ENVIRONMENT, Some(tenant), message())))
}

/// Realms that an administrator had to read, and in which nothing is to be mended: their provisioner stays shut out, by what
/// no manifest declares. They are no more in sync than one that could not be read. `false`: there are none.
pub(super) fn stay_shut(server: &Fleet, plan: &Plan, state: &mut State) -> bool {
    let unchanged = plan.tenants.iter().filter(|tenant| tenant.is_empty());
    let shut = unchanged.filter_map(|tenant| Some((tenant.tenant.clone(), server.stepped_in(&tenant.tenant)?)));
    let shut: Vec<_> = shut
        .map(|(realm, error)| {
            let why = format!(
                "what is managed is as declared, and the realm shuts its provisioner out all the same ({error}): look at \
                 its flow for clients, its client policies and its `notBefore`"
            );
            (realm, RealmState::unread(why, Default::default()))
        })
        .collect();
    let any = !shut.is_empty();
    state.extend(shut);
    any
}

/// How many pages of master's clients are looked through for a tenant of which nobody knows whether it had a realm before.
/// Each page costs a server with many realms a quarter of a second, and what is new needs none of them.
const PAGES_OF_UNKNOWN: usize = 10;

/// Looks for realms that are missing among those that have another name than at their birth. One that carries the marker of
/// the missing one is it, renamed by hand: a second one in its place would be empty. Tenants whose account begins with this
/// plan are new, and not looked for.
pub(super) async fn find_renamed(
    printer: &Printer,
    servers: &mut Fleet,
    desired: &[Desired],
    accounts: Option<&Bookkeeping>,
    state: &mut State,
) -> anyhow::Result<()> {
    let begins = |tenant: &Desired| accounts.and_then(|kept| kept.begins(&tenant.name));
    let lost = |tenant: &&Desired| !state.contains_key(&tenant.name) && begins(tenant) != Some(true);
    let lost: BTreeMap<&str, &Desired> = desired.iter().filter(lost).map(|one| (one.name.as_str(), one)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let mut renamed = Vec::new();
    for (place, server) in servers.members() {
        let here = |name: &str| servers.of(name).is_ok_and(|own| std::ptr::eq(own, server));
        let lost: BTreeMap<&str, &Desired> =
            lost.iter().filter(|(name, _)| here(name)).map(|(name, one)| (*name, *one)).collect();
        let found = renamed_on(printer, server, &lost, &begins).await?;
        renamed.extend(found.into_iter().map(|(name, born, found)| (place.to_owned(), name, born, found)));
    }
    for (place, name, born, found) in renamed {
        servers.place(&name, &place);
        state.insert(born, found);
    }
    Ok(())
}

/// Those of the missing ones that are on a server under other names: that name, the one of their birth, and what is there.
async fn renamed_on(
    printer: &Printer,
    server: &Server,
    lost: &BTreeMap<&str, &Desired>,
    begins: impl Fn(&Desired) -> Option<bool>,
) -> anyhow::Result<Vec<(String, String, RealmState)>> {
    let mut renamed = Vec::new();
    if lost.is_empty() {
        return Ok(renamed);
    }
    let known = lost.values().any(|tenant| begins(tenant) == Some(false));
    let (all, whole) = server.some_realms(if known { usize::MAX } else { PAGES_OF_UNKNOWN }).await?;
    if !whole {
        printer.say(
            "not all realms of this server were looked through for missing ones under other names, as nobody knows whether \
             they were there before; a ledger would",
        );
    }
    for (name, born) in all {
        let Some(tenant) = lost.get(born.as_str()).filter(|_| name != born) else { continue };
        let found = match observe(server, &name, &declared_users(&tenant.state)).await {
            Err(error) if error.shuts_out() => None,
            found => found?,
        };
        let was = applied::hash(&born.as_str().into(), &Secrets::default());
        let ours = |found: &RealmState| found.applied().field(&ObjectId::realm(), "realm") == Some(was.as_str());
        match found {
            Some(found) if ours(&found) => renamed.push((name, born, found)),
            _ => printer.say(&format!(
                "the realm `{name}` was born as `{born}`, which is missing, and does not carry its marker: left alone"
            )),
        }
    }
    Ok(renamed)
}
