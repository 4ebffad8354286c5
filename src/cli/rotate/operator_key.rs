//! `realmwright rotate operator-key`

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{ArgGroup, Args};

use crate::apply::{Manner, OnStale, TenantOutcome, apply};
use crate::cli::args::{SecretFiles, Target};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::output::Printer;
use crate::cli::progress::Progress;
use crate::cli::servers::{self, Site};
use crate::cli::session::{self, Meant, Wanted};
use crate::cli::{apply as applying, files, realms, secrets};
use crate::expand::{PROVISIONER, provisioner};
use crate::keycloak::ReadRealms;
use crate::keycloak::http::Server;
use crate::keycloak::key::OperatorKey;
use crate::keycloak::rotation::{both, other_key};
use crate::plan::select::Selection;
use crate::plan::{Plan, TenantPlan, View, plan_tenant};
use crate::state::{Applied, Kind, ObjectId};

/// `rotate operator-key`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("step").required(true).args(["begin", "finish", "status"])))]
pub(in crate::cli) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(in crate::cli) dir: PathBuf,
    /// Make the server and every realm trust the new key beside this one
    #[arg(long, requires = "new_key")]
    pub(in crate::cli) begin: bool,
    /// With the new key: end the trust in the one before
    #[arg(long)]
    pub(in crate::cli) finish: bool,
    /// Show how far a rotation is; writes nothing
    #[arg(long)]
    pub(in crate::cli) status: bool,
    /// The new key's file; it is made if it is not there
    #[arg(long, value_name = "FILE", conflicts_with_all = ["finish", "status"])]
    pub(in crate::cli) new_key: Option<PathBuf>,
    /// Where and as whom.
    #[command(flatten)]
    pub(in crate::cli) target: Target,
    /// Where files of secrets are.
    #[command(flatten)]
    pub(in crate::cli) secrets: SecretFiles,
    /// Realms to work on at a time, at most: how many is found by how the server answers
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(in crate::cli) parallelism: u16,
}

/// One step of a rotation; each can be repeated until it is done.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let key = secrets::operator_key(options.target.operator_key.as_deref())?;
    let new = options.new_key.as_deref().map(|path| new_key(printer, path, &key)).transpose()?;
    let selection = Selection::default();
    let meant = Meant { dir: &options.dir, target: &options.target, secrets: &options.secrets, selection, books: None };
    let mut wanted = session::wanted(printer, &meant, Some(&key)).await?;
    let all = std::mem::take(&mut wanted.desired);
    let mut exit = Exit::Done;
    for Site { name, url, tenants } in servers::each(&options.target, &wanted.network)? {
        if !name.is_empty() {
            printer.say(&format!("the server `{name}`:"));
        }
        wanted.desired = all.iter().filter(|tenant| tenants.contains(&tenant.name)).cloned().collect();
        let trace = session::trace_on(printer, &name, wanted.secrets.values());
        let server = Server::connect(&url, key.clone(), trace).await?;
        let done = step(printer, options, &server, new.as_ref(), &mut wanted).await?;
        exit = if done == Exit::Done { exit } else { done };
    }
    Ok(exit)
}

/// The step on one server.
async fn step(
    printer: &Printer,
    options: &Options,
    server: &Server,
    new: Option<&OperatorKey>,
    wanted: &mut Wanted,
) -> anyhow::Result<Exit> {
    let (bootstrap, keys) = server.trusted().await?;
    match new {
        Some(new) => begin(printer, options, server, new, wanted, (&bootstrap, &keys)).await,
        None if options.finish => finish(printer, options, server, wanted, (&bootstrap, &keys)).await,
        None => status(printer, options, server, wanted, &keys).await,
    }
}

/// Reads the new key, or makes it with the fingerprints of the old one.
fn new_key(printer: &Printer, path: &Path, old: &OperatorKey) -> anyhow::Result<OperatorKey> {
    if !path.exists() {
        files::write_key(path, &old.successor()?)?;
        printer.say(&format!("made the new operator key {}: keep it safe, it opens every realm", path.display()));
    }
    let new = secrets::operator_key(Some(path))?;
    if new.kid() == old.kid() {
        let message = "--new-key names the key that is in use".into();
        return Err(UsageError { message, hint: Some("name a file that is not there; it is made".into()) }.into());
    }
    if !new.has_fingerprints_of(old) {
        printer
            .say("the new key was not made by --begin: with it, every secret looks changed once and is written again");
    }
    Ok(new)
}

async fn begin(
    printer: &Printer,
    options: &Options,
    server: &Server,
    new: &OperatorKey,
    wanted: &mut Wanted,
    (bootstrap, keys): (&str, &str),
) -> anyhow::Result<Exit> {
    let set = match other_key(server.key(), keys) {
        Some(other) if other == new.kid() => keys.to_owned(),
        Some(other) => anyhow::bail!("another key ({other}) is following this one already; finish that first"),
        None => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let set = both(server.key(), new, now.as_secs())?;
            server.trust(bootstrap, &set).await?;
            printer.say("the server trusts both keys");
            set
        }
    };
    if !align(printer, options, server, wanted, &set).await? {
        printer.say("some realms do not trust the new key yet: run the same command again before it is used there");
        return Ok(Exit::Partly);
    }
    printer.say("every realm trusts both keys; use the new one everywhere, then `realmwright rotate operator-key --finish` with it");
    Ok(Exit::Done)
}

/// Realms first, each by the very key that is to stay, so that none is locked out; master last.
async fn finish(
    printer: &Printer,
    options: &Options,
    server: &Server,
    wanted: &mut Wanted,
    (bootstrap, keys): (&str, &str),
) -> anyhow::Result<Exit> {
    let own = server.key().jwks().to_owned();
    if !align(printer, options, server, wanted, &own).await? {
        printer.say("some realms still trust both keys: run the same command again");
        return Ok(Exit::Partly);
    }
    if keys != own {
        server.trust(bootstrap, &own).await?;
    }
    printer.say("the server and every realm trust this key alone");
    Ok(Exit::Done)
}

async fn status(
    printer: &Printer,
    options: &Options,
    server: &Server,
    wanted: &Wanted,
    keys: &str,
) -> anyhow::Result<Exit> {
    let state = realms::observe_whole(printer, server, &wanted.desired, options.parallelism).await?;
    let own = server.key();
    let (mut alone, mut both, mut unknown, mut unread) = (0, 0, Vec::new(), Vec::new());
    for (realm, found) in &state {
        if found.unread.is_some() {
            unread.push(realm.as_str());
            continue;
        }
        let trusted = provisioner::trusted(found).unwrap_or_default();
        match other_key(own, trusted) {
            Some(_) => both += 1,
            None if trusted == own.jwks() => alone += 1,
            None => unknown.push(realm.as_str()),
        }
    }
    let other = other_key(own, keys);
    let mut text = format!("this key   {}\n", own.kid());
    text += &match &other {
        Some(other) => format!("other key  {other}\n"),
        None => "other key  none: no rotation is under way\n".into(),
    };
    text += &format!("realms     {both} trust both, {alone} this key alone\n");
    if !unknown.is_empty() {
        text += &format!("           {} trust other keys as well: {}\n", unknown.len(), unknown.join(", "));
    }
    if !unread.is_empty() {
        text += &format!("           {} could not be read: {}\n", unread.len(), unread.join(", "));
    }
    printer.data(&text);
    Ok(if unread.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Makes every realm's provisioner trust a set of keys, as a plan of that one object. `false`: not all do.
async fn align(
    printer: &Printer,
    options: &Options,
    server: &Server,
    wanted: &mut Wanted,
    set: &str,
) -> anyhow::Result<bool> {
    let state = realms::observe_whole(printer, server, &wanted.desired, options.parallelism).await?;
    let header = session::header(wanted, server.identity(), View::Provisioner)?;
    let mut tenants = Vec::new();
    let mut shut = 0;
    for desired in &mut wanted.desired {
        provisioner::trust(&mut desired.state, set);
        let Some(found) = state.get(&desired.name) else { continue };
        let mut plan = plan_tenant(desired, Some(found), &wanted.secrets);
        shut += usize::from(plan.quarantined.is_some());
        let whole = Applied::of(&desired.state, &desired.environment, &wanted.secrets);
        only_keys(&mut plan, found.marker(), &found.applied(), &whole);
        tenants.push(plan);
    }
    let plan = Plan::new(header, tenants);
    let work = plan.tenants.iter().filter(|tenant| !tenant.is_empty()).count();
    let progress = Progress::new("keys", work, printer.progress());
    server.at_most(options.parallelism);
    let manner = Manner {
        parallelism: options.parallelism.into(),
        on_stale: OnStale::Object,
        saved: false,
        holder: applying::holder(),
    };
    let outcome = apply(server, &plan, &wanted.secrets, manner, &AtomicBool::new(false), |tenant, outcome| {
        applying::note(tenant, outcome).iter().for_each(|note| progress.note(note));
        progress.step(server.limit(), !matches!(outcome, TenantOutcome::Failed { .. }));
    })
    .await;
    progress.finish();
    if shut > 0 {
        printer.say(&format!("{shut} realms are in quarantine and were left as they are"));
    }
    let good = outcome.count(|outcome| matches!(outcome, TenantOutcome::Changed(_) | TenantOutcome::Unchanged));
    printer.say(&format!("{good} realms changed, {} were so before", plan.tenants.len() - work));
    Ok(good == work && shut == 0)
}

/// Leaves of a tenant's plan what is about the provisioner's keys.
fn only_keys(plan: &mut TenantPlan, written: Option<&str>, before: &Applied, whole: &Applied) {
    let id = ObjectId::new(Kind::Client, PROVISIONER);
    plan.changes.retain(|change| change.object == id);
    plan.foreign.clear();
    plan.missing.clear();
    plan.foreign_fields.clear();
    plan.tampering.clear();
    if plan.quarantined.is_none() && plan.unread.is_none() {
        let marker = Applied::after(before, whole, |object| *object == id).to_text();
        plan.record = (written != Some(marker.as_str())).then_some(marker);
    }
}
