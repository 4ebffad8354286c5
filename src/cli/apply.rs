//! `realmwright apply`

mod outcome;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::args::{PlanFormat, SecretFiles, Selecting, Target, Waivers};
use super::books::{Books, attempt};
use super::cache::Caching;
use super::events::Event;
use super::exit::{Exit, Hinted, UsageError};
use super::ledger::Book;
use super::ledger::asking::Asker;
use super::ledger::signing::Signing;
use super::output::Printer;
use super::progress::Progress;
use super::session::{Meant, Session};
use super::slowest::Slowest;
use super::stop::Stop;
use super::{books, files, plan, secrets, servers, session};
use crate::apply::{Holder, Manner, OnStale, TenantOutcome, apply};
use crate::keycloak::http::Server;
use crate::keycloak::{Fleet, ReadRealms, process, term};
use crate::plan::select::Selection;
use crate::plan::{FORMAT_VERSION, Plan, View};
use crate::seal::SigningKey;
use crate::state::sealed;
use crate::state::secret::{Secrets, references};
pub(super) use outcome::note;
use outcome::{exit, summary};

/// How long removing the lanes may take at the end of a run.
const CLEAN_UP: Duration = Duration::from_secs(60);

/// `apply`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests, or a plan that `plan --out` saved
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    pub(super) what: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// Where files of secrets are.
    #[command(flatten)]
    pub(super) secrets: SecretFiles,
    /// What it is about.
    #[command(flatten)]
    pub(super) selecting: Selecting,
    /// Whether what earlier runs found is relied on.
    #[command(flatten)]
    pub(super) caching: Caching,
    /// The ledger that it is held against.
    #[command(flatten)]
    pub(super) book: Book,
    /// Who asks the ledger.
    #[command(flatten)]
    pub(super) asker: Asker,
    /// What signs what realms say of licences.
    #[command(flatten)]
    pub(super) signing: Signing,
    /// What is meant although a guard refuses it.
    #[command(flatten)]
    pub(super) meant: Waivers,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    /// What to refuse where something has moved since the plan was made
    #[arg(long, value_enum, default_value = "object", value_name = "WHAT")]
    pub(super) on_stale: Stale,
    /// Realms to work on at a time, at most: how many is found by how the server answers
    #[arg(short, long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub(super) parallelism: u16,
    /// Print what happens instead of texts, as it happens: one JSON object a line; `realmwright schema events` describes them
    #[arg(long)]
    pub(super) json: bool,
}

/// What to refuse where something has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Stale {
    /// The object, with what depends on it; the rest is done.
    Object,
    /// Its realm; the others are done.
    Realm,
    /// Everything: all realms are checked before anything is written.
    Run,
}

impl From<Stale> for OnStale {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::Object => Self::Object,
            Stale::Realm => Self::Realm,
            Stale::Run => Self::Run,
        }
    }
}

/// Executes a saved plan, or plans, shows, asks and executes.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let printer = &printer.streaming(options.json);
    let signal = Stop::listen();
    let exit = match signal.unless(printer, prepare(printer, options)).await.transpose()? {
        None => Exit::Interrupted,
        Some(Ready::Over(exit)) => exit,
        Some(Ready::Plan { server, plan, secrets }) => {
            return execute(printer, &server, &plan, &secrets, options, signal).await;
        }
    };
    printer.event(&Event::over(exit));
    Ok(exit)
}

/// What there is to execute, if anything.
enum Ready {
    Plan { server: Box<Fleet>, plan: Box<Plan>, secrets: Secrets },
    Over(Exit),
}

async fn prepare(printer: &Printer, options: &Options) -> anyhow::Result<Ready> {
    if options.what.is_file() {
        if options.selecting.selection() != Selection::default() {
            let message = "a saved plan is applied as it was saved; nothing can be selected or excluded".into();
            let hint = "give --select and --exclude to `realmwright plan --out`";
            return Err(UsageError { message, hint: Some(hint.into()) }.into());
        }
        let mut plan = saved(&options.what, &options.target)?;
        if expired(&plan) {
            printer.error(
                &format!("the plan expired at {}", plan.header.expires_at),
                Some("make a new one with `realmwright plan --out`"),
            );
            return Ok(Ready::Over(Exit::Stale));
        }
        session::waive(printer, &mut plan, &options.meant)?;
        if session::refused(printer, &plan) {
            attempt::by_guards(printer, &plan, &options.book, &options.asker).await;
            return Ok(Ready::Over(Exit::Refused));
        }
        books::somebody_asks(&plan, &options.asker)?;
        let signing = signing(&plan, options)?;
        let (server, mut secrets) = reach(printer, &plan, options).await?;
        signing.into_iter().for_each(|key| secrets.sign_with(key));
        return Ok(Ready::Plan { server: Box::new(server), plan: Box::new(plan), secrets });
    }
    if !options.what.is_dir() {
        let message = format!("{} is neither a directory nor a saved plan", options.what.display());
        let hint = "name the directory that holds the manifests, or a file that `realmwright plan --out` wrote";
        return Err(UsageError { message, hint: Some(hint.into()) }.into());
    }
    let asking = !options.yes;
    if asking && !printer.can_ask() {
        let message = "nobody can be asked here whether to go on".into();
        return Err(UsageError { message, hint: Some("give --yes, or apply a saved plan".into()) }.into());
    }
    let meant = Meant {
        dir: &options.what,
        target: &options.target,
        secrets: &options.secrets,
        selection: options.selecting.selection(),
        books: Some(Books::Written(&options.book, &options.asker)),
    };
    let mut session = match session::open(printer, &meant, &options.caching, options.parallelism).await {
        Ok(session) => session,
        Err(error) => {
            attempt::by_manifests(printer, &meant, &options.book, &options.asker).await;
            return Err(error);
        }
    };
    session::waive(printer, &mut session.plan, &options.meant)?;
    plan::show(printer, &session.plan, PlanFormat::Text)?;
    if session.plan.refused().next().is_some() {
        printer.error("refused by a guard; nothing was written", None);
        attempt::by_guards(printer, &session.plan, &options.book, &options.asker).await;
        return Ok(Ready::Over(Exit::Refused));
    }
    if session.plan.is_empty() {
        // A run that was killed at its very end left nothing else to do.
        sweep(printer, &session.server).await;
        return Ok(Ready::Over(Exit::Done));
    }
    books::somebody_asks(&session.plan, &options.asker)?;
    signing(&session.plan, options)?.into_iter().for_each(|key| session.wanted.secrets.sign_with(key));
    if asking && !agreed(*printer).await {
        printer.say("nothing was written");
        return Ok(Ready::Over(Exit::Failed));
    }
    let Session { server, wanted, plan } = session;
    Ok(Ready::Plan { server: Box::new(server), plan: Box::new(plan), secrets: wanted.secrets })
}

/// Asks whether to go on. In a thread of its own: signals are listened to meanwhile.
async fn agreed(printer: Printer) -> bool {
    tokio::task::spawn_blocking(move || printer.ask("Apply this plan?")).await.unwrap_or(false)
}

/// The key that signs what a plan writes signed, if it does. It has to be the one that the platform names.
fn signing(plan: &Plan, options: &Options) -> anyhow::Result<Option<SigningKey>> {
    let mut keys = Vec::new();
    for change in plan.tenants.iter().flat_map(|tenant| &tenant.changes) {
        change.visit(|value| sealed::keys(value, &mut keys));
    }
    let Some(wanted) = keys.first() else { return Ok(None) };
    let key = options.signing.read()?;
    if key.kid() == *wanted {
        return Ok(Some(key));
    }
    let message = format!("the signing key is {}, and the platform's `trustedKeys` begin with {wanted}", key.kid());
    let hint = "sign with the key whose public half stands first there; to replace it, put the new one first and apply";
    Err(Hinted { message, hint: hint.into() }.into())
}

/// Reads a plan that `plan --out` wrote.
fn saved(path: &Path, target: &Target) -> anyhow::Result<Plan> {
    let text = files::named(path)?;
    let version = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|json| json["formatVersion"].as_u64());
    if let Some(version) = version.filter(|version| *version != u64::from(FORMAT_VERSION)) {
        let (age, hint) = match version > u64::from(FORMAT_VERSION) {
            true => ("a newer", "apply it with the version that made it"),
            false => ("an older", "make a new one with `realmwright plan --out`"),
        };
        let message = format!("{} is a plan of {age} form (version {version})", path.display());
        return Err(Hinted { message, hint: hint.into() }.into());
    }
    let plan: Plan = serde_json::from_str(&text).map_err(|error| Hinted {
        message: format!(
            "{} is not a plan: {}",
            path.display(),
            if error.is_eof() { "it breaks off".into() } else { error.to_string() }
        ),
        hint: "`apply` takes a directory of manifests, or a file that `realmwright plan --out` wrote".into(),
    })?;
    if plan.header.view == View::Observer {
        let message = format!("{} was made by an observer, for reading; it can't be applied", path.display());
        let hint = "plan with the operator key: `realmwright plan --out`, or `apply` with the directory of manifests";
        return Err(Hinted { message, hint: hint.into() }.into());
    }
    if let Some(asked) = target.environment.as_ref().filter(|asked| **asked != plan.header.environment) {
        let message = format!("{} is for the environment `{}`, not `{asked}`", path.display(), plan.header.environment);
        let hint = "a saved plan names its environment itself; leave --environment and REALMWRIGHT_ENVIRONMENT out, or plan anew";
        return Err(UsageError { message, hint: Some(hint.into()) }.into());
    }
    Ok(plan)
}

fn expired(plan: &Plan) -> bool {
    plan.header.expires_at.parse::<Timestamp>().map_or(true, |until| until < Timestamp::now())
}

/// The servers that a saved plan is for, and the secrets that it refers to.
async fn reach(printer: &Printer, plan: &Plan, options: &Options) -> anyhow::Result<(Fleet, Secrets)> {
    let target = &options.target;
    let key = secrets::operator_key(target.operator_key.as_deref())?;
    let mut found = Vec::new();
    for change in plan.tenants.iter().flat_map(|tenant| &tenant.changes) {
        change.visit(|value| references(value, &mut found));
    }
    let directory = options.secrets.secrets_dir.clone().unwrap_or_else(|| PathBuf::from(&plan.header.directory));
    let secrets = secrets::of_plan(&directory, found, &key)?;
    let connect = async |name: &str, identity: &str| {
        let base = identity.trim_end_matches("/realms/master");
        let url = session::checked_url(target.server.clone().unwrap_or_else(|| base.to_owned()))?;
        let server = Server::connect(&url, key.clone(), session::trace_on(printer, name, secrets.values())).await?;
        let trusted = session::trusted(plan.header.trusted_keys.as_deref())?;
        let server = session::administrated(server.believing(trusted), target)?;
        if server.identity() != identity {
            let message = format!("the plan was made for {identity}, this server is {}", server.identity());
            let hint = "a saved plan names its server itself; leave --server and REALMWRIGHT_SERVER out, or plan anew";
            return Err(Hinted { message, hint: hint.into() }.into());
        }
        anyhow::Ok(server)
    };
    let server = match &plan.placement {
        None => Fleet::one(connect("", &plan.header.server).await?),
        Some(placement) => servers::of_plan(plan, placement, connect).await?,
    };
    session::can_create_realms(&server, plan).await?;
    Ok((server, secrets))
}

async fn execute(
    printer: &Printer,
    server: &Fleet,
    plan: &Plan,
    secrets: &Secrets,
    options: &Options,
    signal: Stop,
) -> anyhow::Result<Exit> {
    if let Some(exit) = books::keep(printer, plan, &options.book, &options.asker).await? {
        return Ok(exit);
    }
    forget(printer, server, plan, &options.caching);
    server.at_most(options.parallelism);
    let started = Instant::now();
    let before = server.requests();
    let stop = Arc::new(AtomicBool::new(false));
    let listener = tokio::spawn(stop_at(signal, *printer, stop.clone()));
    sweep(printer, server).await;
    let work = plan.tenants.iter().filter(|tenant| !tenant.is_empty()).count();
    let progress = Progress::new("applying", work, printer.progress());
    let saved = options.what.is_file();
    let manner =
        Manner { parallelism: options.parallelism.into(), on_stale: options.on_stale.into(), saved, holder: holder() };
    let slowest = Slowest::default();
    let outcome = apply(server, plan, secrets, manner, &stop, |tenant, outcome| {
        let tally = server.tally(&tenant.tenant);
        printer.event(&Event::applied(&tenant.tenant, outcome, tally.as_ref()));
        tally.into_iter().for_each(|tally| slowest.note(&tenant.tenant, tally));
        if let Some(note) = note(tenant, outcome) {
            progress.note(&note);
        }
        progress.step(server.limit(), !matches!(outcome, TenantOutcome::Failed { .. }));
    })
    .await;
    progress.finish();
    listener.abort();
    match tokio::time::timeout(CLEAN_UP, server.finish()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => printer
            .say(&format!("the accounts that made the realms could not be removed: {error}; the next run does it")),
        Err(_) => printer.say("the accounts that made the realms could not be removed in time; the next run does it"),
    }
    let exit = exit(&outcome, stop.load(Ordering::Relaxed));
    let (took, requests) = (started.elapsed(), server.requests() - before);
    if printer.streams() {
        printer.event(&Event::ended(exit, &outcome, requests, took));
        return Ok(exit);
    }
    slowest.lines().iter().for_each(|line| printer.say(line));
    printer.data(&summary(&outcome, took, requests));
    Ok(exit)
}

/// Before anything is written, forgets that the realms were unchanged to which that is.
fn forget(printer: &Printer, server: &Fleet, plan: &Plan, caching: &Caching) {
    let cache = server.key().and_then(|key| caching.cache(key, server.identity(), &plan.header.environment));
    let Some(cache) = cache else { return };
    let touched = plan.tenants.iter().filter(|tenant| !tenant.is_empty());
    cache.write(printer, touched.map(|tenant| (tenant.tenant.clone(), None)).collect());
}

/// Removes the accounts that killed runs left behind.
async fn sweep(printer: &Printer, server: &Fleet) {
    if let Err(error) = server.sweep().await {
        printer.say(&format!("accounts of killed runs could not be looked for: {error}"));
    }
}

/// This run, as leases of realms name it.
pub(super) fn holder() -> Holder {
    // As long as a lease of somebody who is gone can last.
    let patience = Duration::from_secs(term::LONGEST);
    Holder { name: process::name(), is_gone: process::is_gone, patience }
}

/// Lets only the realms under way end once a signal has come.
async fn stop_at(signal: Stop, printer: Printer, stop: Arc<AtomicBool>) {
    signal.came().await;
    stop.store(true, Ordering::Relaxed);
    printer.say("stopping after the realms under way; once more to stop at once");
}
