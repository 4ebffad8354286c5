//! `realmwright destroy`

mod account;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use self::account::OpenAccount;
use super::args::{Target, Waivers};
use super::exit::{Exit, Hinted, UsageError};
use super::ledger::Book;
use super::ledger::asking::{self, Asker};
use super::output::Printer;
use super::{files, realms, secrets, servers, session};
use crate::apply::quarantine::quarantine;
use crate::diagnostic::did_you_mean;
use crate::expand::protection;
use crate::keycloak::backup::backup;
use crate::keycloak::http::Server;
use crate::keycloak::key::OperatorKey;
use crate::keycloak::{Fleet, WriteRealms, observe};
use crate::manifest::resolve::{Network, resolve};
use crate::plan::Refusal;
use crate::plan::guard::Ending;
use crate::state::{Protection, Quarantine, RealmState};

/// `destroy`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The tenant
    pub(super) tenant: String,
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(super) target: Target,
    /// Delete the realm of a tenant that is in quarantine, for good
    #[arg(long = "final")]
    pub(super) last: bool,
    /// File for the export of the realm; by default TENANT-TIME.export.json in the working directory
    #[arg(long, value_name = "FILE")]
    pub(super) export: Option<PathBuf>,
    /// The ledger in which the tenant's account ends with its realm.
    #[command(flatten)]
    pub(super) book: Book,
    /// Who asks the ledger.
    #[command(flatten)]
    pub(super) asker: Asker,
    /// What is meant although a guard refuses it.
    #[command(flatten)]
    pub(super) meant: Waivers,
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// The servers of some tenants, and what the manifests say.
pub(super) struct Place {
    pub(super) server: Fleet,
    pub(super) network: Network,
}

/// Reads the manifests and connects to the servers of these tenants.
pub(super) async fn place(printer: &Printer, dir: &Path, target: &Target, tenants: &[&str]) -> anyhow::Result<Place> {
    let mut manifests = session::read(printer, dir)?;
    let environment = session::environment(&manifests.set, target.environment.as_deref())?;
    let mut network = resolve(&manifests.set, &environment, &mut manifests.found);
    manifests.report(printer)?;
    servers::recorded(&mut network, dir, None).await?;
    let key = secrets::operator_key(target.operator_key.as_deref())?;
    let connect = connector(printer, target, &key);
    let mut server = servers::reach(target, &network, tenants.iter().copied(), &connect).await?;
    for tenant in tenants {
        servers::find(&mut server, target, &network, tenant, &connect).await?;
    }
    Ok(Place { server, network })
}

/// Connects to one server.
fn connector<'a>(
    printer: &'a Printer,
    target: &'a Target,
    key: &'a OperatorKey,
) -> impl AsyncFn(&str, &str) -> anyhow::Result<Server> {
    async move |name, url| {
        let trace = session::trace_on(printer, name, []);
        session::administrated(Server::connect(url, key.clone(), trace).await?, target)
    }
}

impl Place {
    /// Reaches all servers, as has to be done before a birth.
    pub(super) async fn reach_all(&mut self, printer: &Printer, target: &Target) -> anyhow::Result<()> {
        let key = secrets::operator_key(target.operator_key.as_deref())?;
        servers::reach_others(&mut self.server, &self.network, connector(printer, target, &key)).await
    }

    /// The realm of a tenant, which must belong to this environment.
    pub(super) async fn realm(&self, tenant: &str) -> anyhow::Result<Option<RealmState>> {
        if self.server.is_nowhere(tenant) {
            return Ok(None);
        }
        let found = observe(&self.server, tenant, &Default::default()).await?;
        if let Some(realm) = &found {
            let other = realm.applied().environment().to_owned();
            if let Some(refused) = realms::other_environment(tenant, &other, &self.network.environment) {
                return Err(refused.into());
            }
        }
        Ok(found)
    }

    /// What protects a tenant: the platform, its manifest if it still has one, and what was last applied.
    fn protection(&self, tenant: &str, found: &RealmState) -> Protection {
        let declared = self.network.tenants.iter().find(|other| other.name == tenant);
        let now = match declared {
            Some(declared) => protection(&self.network, declared),
            None => Protection::new(self.network.protected.iter().cloned()),
        };
        now.and(&Protection::of(found))
    }

    /// There is no realm of that name: the name is wrong, or `otherwise` says what to do.
    pub(super) fn no_realm(&self, tenant: &str, otherwise: &str) -> UsageError {
        let names = self.network.tenants.iter().map(|tenant| tenant.name.as_str());
        let hint = match self.is_declared(tenant) {
            true => "it is declared, and was not applied yet: `realmwright apply` makes it".to_owned(),
            false => did_you_mean(tenant, names).unwrap_or_else(|| otherwise.to_owned()),
        };
        UsageError { message: format!("there is no realm `{tenant}`"), hint: Some(hint) }
    }

    pub(super) fn is_declared(&self, tenant: &str) -> bool {
        self.network.tenants.iter().any(|other| other.name == tenant)
    }
}

/// Must be answered with yes, by a person or by `--yes`.
pub(super) fn agreed(printer: &Printer, yes: bool, question: &str) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    if !printer.can_ask() {
        let message = "nobody can be asked here whether to go on".into();
        return Err(UsageError { message, hint: Some("give --yes".into()) }.into());
    }
    let agreed = printer.ask(question);
    if !agreed {
        printer.say("nothing was written");
    }
    Ok(agreed)
}

/// Puts a tenant in quarantine; with `--final`, deletes one whose time there is over.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let tenant = options.tenant.as_str();
    let place = place(printer, &options.dir, &options.target, &[tenant]).await?;
    let account = if options.last { OpenAccount::find(options, &place).await? } else { None };
    let Some(found) = place.realm(tenant).await? else {
        if let Some(account) = account.filter(|_| !place.is_declared(tenant)) {
            return account.end_alone(printer, options.yes).await;
        }
        let mut error = place.no_realm(tenant, "no manifest declares it either; is it another environment's?");
        if options.last {
            let otherwise = error.hint.unwrap_or_default();
            error.hint = Some(format!("if it was deleted before, nothing is left to do; else: {otherwise}"));
        }
        return Err(error.into());
    };
    let ending = Ending {
        tenant,
        realm: &found,
        protection: &place.protection(tenant, &found),
        declared: place.is_declared(tenant),
        now: &Timestamp::now().to_string(),
    };
    let mut refusals = if options.last { ending.deletion() } else { ending.quarantine() };
    let waived =
        |refusal: &Refusal| refusal.waiver().is_some() && options.meant.waivers.iter().any(|w| w.is_for(refusal));
    refusals.retain(|refusal| !waived(refusal));
    if session::refuse(printer, refusals.iter()) {
        return Ok(Exit::Refused);
    }
    if options.last {
        delete(printer, options, &place.server, account).await
    } else {
        shut(printer, options, &place, &found).await
    }
}

/// The first step.
async fn shut(printer: &Printer, options: &Options, place: &Place, found: &RealmState) -> anyhow::Result<Exit> {
    let tenant = options.tenant.as_str();
    let days = place.network.limits.retention_days.value;
    let began = Quarantine::of(found);
    let question = format!(
        "Shut everybody out of the realm `{tenant}`, end its sessions, and keep it for {days} days? It can be restored."
    );
    if !agreed(printer, options.yes, &question)? {
        return Ok(Exit::Failed);
    }
    if began.is_none() {
        save(printer, options, &place.server).await?;
    } else if let Some(path) = &options.export {
        printer.say(&format!("{} was not written: the export was made when the quarantine began", path.display()));
    }
    let now = Timestamp::now();
    let time = |at: Timestamp| at.strftime("%FT%TZ").to_string();
    let until = now.checked_add((i64::from(days) * 24).hours())?;
    let new = Quarantine { by: who(), since: time(now), until: time(until), ..Quarantine::default() };
    let (record, closed) = quarantine(&place.server, tenant, new).await.with_context(|| begun(tenant))?;
    if closed == 0 && began.is_some_and(|record| record.complete) {
        printer.data(&format!("{tenant} is in quarantine since {}, by {}.\n", record.since, record.by));
    } else {
        printer.data(&format!("{tenant} is in quarantine: {} are disabled, all sessions are ended.\n", doors(&record)));
    }
    printer.say(&format!("`realmwright restore {tenant}` opens it again"));
    let out = if place.is_declared(tenant) { ", once the manifests no longer declare it" } else { "" };
    printer.say(&format!("from {} on, `realmwright destroy {tenant} --final` deletes it{out}", record.until));
    Ok(Exit::Done)
}

/// The last step: by the realm's own provisioner. The account goes first: a run that is killed in between is finished by
/// the same command, and what the ledger refuses deletes nothing.
async fn delete(
    printer: &Printer,
    options: &Options,
    server: &Fleet,
    account: Option<OpenAccount<'_>>,
) -> anyhow::Result<Exit> {
    let tenant = options.tenant.as_str();
    if let Some(refused) = account.as_ref().and_then(OpenAccount::refused) {
        return asking::refused(printer, &refused);
    }
    let with = if account.is_some() { "all its users and its account in the ledger" } else { "all its users" };
    if !agreed(printer, options.yes, &format!("Delete the realm `{tenant}` with {with}, for good?"))? {
        return Ok(Exit::Failed);
    }
    let path = save(printer, options, server).await?;
    if let Some(account) = account {
        let exit = account.end(printer).await?;
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    server.delete(tenant, "", None).await.with_context(|| format!("the realm `{tenant}` could not be deleted"))?;
    printer.data(&format!("{tenant} is deleted.\n"));
    printer.say(&format!(
        "`realmwright restore {tenant} --from {}` makes it again, without passwords and secrets",
        path.display()
    ));
    Ok(Exit::Done)
}

fn begun(tenant: &str) -> String {
    format!("the quarantine of `{tenant}` is not finished; the same command goes on with it")
}

/// Writes the export where only its owner may read it, whole or not at all.
async fn save(printer: &Printer, options: &Options, server: &Fleet) -> anyhow::Result<PathBuf> {
    let tenant = options.tenant.as_str();
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let path = options.export.clone().unwrap_or_else(|| PathBuf::from(format!("{tenant}-{now}.export.json")));
    if path.exists() {
        let other = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        if other.is_none_or(|export| export["realm"] != tenant) {
            let message = format!("{} is there already and is no export of {tenant}", path.display());
            return Err(Hinted { message, hint: "give another --export FILE".into() }.into());
        }
    }
    let export = backup(server, tenant).await?.with_context(|| format!("the realm `{tenant}` is gone"))?;
    files::write_private(&path, &(serde_json::to_string_pretty(&export)? + "\n"))?;
    printer.say(&format!(
        "exported to {}: the realm and {}, without passwords, secrets, private keys, sessions and events",
        path.display(),
        counted(people(&export), "user")
    ));
    Ok(path)
}

/// How many users an export has, service accounts aside.
pub(super) fn people(export: &Value) -> usize {
    let users = export["users"].as_array().into_iter().flatten();
    users.filter(|user| user["serviceAccountClientId"].is_null()).count()
}

/// A number of things.
pub(super) fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// What a quarantine shuts, in words.
pub(super) fn doors(record: &Quarantine) -> String {
    let (clients, providers) = (record.clients.len(), record.identity_providers.len());
    format!("{} and {}", counted(clients, "client"), counted(providers, "identity provider"))
}

/// Who does this, as far as the environment tells.
fn who() -> String {
    let known =
        ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".into())
}
