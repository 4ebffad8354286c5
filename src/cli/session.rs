//! What the commands that talk to a server share: load → resolve → expand → connect → observe → plan.

mod connect;
mod fit;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use jiff::{Timestamp, ToSpan};

use super::args::{self, SecretFiles, Target, Waivers};
use super::books::Books;
use super::cache::Caching;
use super::exit::{Reported, UsageError};
use super::output::Printer;
use super::{books, files, realms, secrets, servers};
use crate::accounting;
use crate::diagnostic::{Diagnostic, did_you_mean, passable};
use crate::expand::entitlement::{self, Figures};
use crate::expand::{self, Desired, expand};
use crate::keycloak::fleet::in_turn;
use crate::keycloak::http::Server;
use crate::keycloak::key::OperatorKey;
use crate::keycloak::watermarks::Watermarks;
use crate::keycloak::{Fleet, KeycloakError, ReadRealms, authors, seats};
use crate::manifest::resolve::{Network, resolve};
use crate::manifest::{Loaded, ManifestSet, Source, load};
use crate::plan::guard::{self, InUse};
use crate::plan::select::{Chosen, SelectError, Selection};
use crate::plan::{Bookkeeping, Header, Plan, Refusal, TenantPlan, View, part};
use crate::state::State;
use crate::state::applied::digest;
use crate::state::secret::Secrets;
use crate::template::builtin;

use connect::connector;
pub(super) use connect::{
    administrated, can_create_realms, checked_url, reach, server_url, trace, trace_on, trusted, url_of,
};
use fit::{By, Fit};

/// Hours for which a saved plan can be applied.
const PLAN_HOURS: i64 = 24;

/// What the manifests say for one environment.
pub(super) struct Wanted {
    pub(super) dir: PathBuf,
    pub(super) sources: Vec<Source>,
    pub(super) network: Network,
    /// Those that are meant.
    pub(super) desired: Vec<Desired>,
    /// What was chosen of them; none: everything.
    pub(super) chosen: Option<Chosen>,
    pub(super) secrets: Secrets,
    digest: String,
}

/// The servers, and the plan that makes them what the manifests say.
pub(super) struct Session {
    pub(super) server: Fleet,
    pub(super) wanted: Wanted,
    pub(super) plan: Plan,
}

/// A manifest directory as it was read, with what was found so far.
pub(super) struct Manifests {
    pub(super) dir: PathBuf,
    pub(super) sources: Vec<Source>,
    pub(super) set: ManifestSet,
    pub(super) found: Vec<Diagnostic>,
}

/// Reads a manifest directory. Faults are kept, so that later steps can add theirs; without a platform there are none.
pub(super) fn read(printer: &Printer, dir: &Path) -> anyhow::Result<Manifests> {
    let Loaded { sources, set, diagnostics } = load(files::manifests(dir)?, builtin::sources());
    match set {
        Some(set) => Ok(Manifests { dir: dir.to_owned(), sources, set, found: diagnostics }),
        None => {
            printer.diagnostics(dir, &sources, &diagnostics);
            Err(Reported.into())
        }
    }
}

impl Manifests {
    /// Shows everything that was found; errors end the run.
    pub(super) fn report(&mut self, printer: &Printer) -> anyhow::Result<()> {
        self.found.sort_by_key(|d| (d.span, d.code));
        self.found.dedup();
        if !self.found.is_empty() {
            printer.diagnostics(&self.dir, &self.sources, &self.found);
        }
        if passable(&self.found) { Ok(()) } else { Err(Reported.into()) }
    }
}

/// The environment that is meant.
pub(super) fn environment(set: &ManifestSet, asked: Option<&str>) -> anyhow::Result<String> {
    let names = || set.platform.environments.keys().cloned().collect::<Vec<_>>().join(", ");
    match asked {
        Some(name) if set.platform.environments.contains_key(name) => Ok(name.to_owned()),
        Some(name) => {
            let message = format!("the platform has no environment `{name}`");
            Err(UsageError { message, hint: Some(format!("it has {}", names())) }.into())
        }
        None => match set.platform.environments.keys().next().filter(|_| set.platform.environments.len() == 1) {
            Some(only) => Ok(only.clone()),
            None => {
                let message = "the platform has more than one environment; say which".into();
                Err(UsageError { message, hint: Some(format!("give --environment with one of {}", names())) }.into())
            }
        },
    }
}

/// Which manifests are meant, and what of them.
pub(super) struct Meant<'a> {
    pub(super) dir: &'a Path,
    pub(super) target: &'a Target,
    pub(super) secrets: &'a SecretFiles,
    pub(super) selection: Selection,
    /// Whether, and how, it is proved that what is granted adds up.
    pub(super) books: Option<Books<'a>>,
}

/// What the manifests say for the environment that is meant, secrets read if there is a key to tell them apart by.
pub(super) async fn wanted(printer: &Printer, meant: &Meant<'_>, key: Option<&OperatorKey>) -> anyhow::Result<Wanted> {
    let Meant { dir, target, secrets, selection, .. } = meant;
    let mut manifests = read(printer, dir)?;
    let Manifests { sources, set, found, .. } = &mut manifests;
    let environment = environment(set, target.environment.as_deref())?;
    let mut network = resolve(set, &environment, found);
    if passable(found) {
        recorded(&mut network, meant).await?;
    }
    accounting::check(&network, Timestamp::now().as_second(), found);
    let sets = key.map(secrets::public_keys).transpose()?;
    let mut desired = expand(set, sources, &network, secrets::trusted(sets.as_ref()), found);
    let chosen = match passable(found) {
        true => servers::narrowed(selection, target, &network)?.choose(&network).map_err(unselectable)?,
        false => None,
    };
    desired.retain(|tenant| chosen.as_ref().is_none_or(|chosen| chosen.has(&tenant.name)));
    let secrets = match key {
        Some(key) => secrets::read(secrets.secrets_dir.as_deref().unwrap_or(dir), &desired, key, found),
        None => Secrets::unread(),
    };
    manifests.report(printer)?;
    let texts: Vec<String> =
        manifests.sources.iter().map(|source| format!("{}\0{}\0", source.name, source.text)).collect();
    Ok(Wanted {
        dir: dir.to_path_buf(),
        sources: manifests.sources,
        network,
        desired,
        chosen,
        secrets,
        digest: digest(&texts.concat()),
    })
}

/// Places tenants as the ledger says that the run is held against, or else the platform's.
async fn recorded(network: &mut Network, meant: &Meant<'_>) -> anyhow::Result<()> {
    match meant.books {
        Some(Books::Unread) => Ok(()),
        Some(Books::Read(book) | Books::Written(book, _)) => servers::recorded(network, meant.dir, Some(book)).await,
        None => servers::recorded(network, meant.dir, None).await,
    }
}

/// The environment that is meant, and what is taken of each of its tenants and what its realm should be.
pub(super) async fn each<T: Send>(
    printer: &Printer,
    dir: &Path,
    target: &Target,
    take: impl Fn(Desired) -> T + Sync,
) -> anyhow::Result<(Network, Vec<T>)> {
    let mut manifests = read(printer, dir)?;
    let Manifests { sources, set, found, .. } = &mut manifests;
    let environment = environment(set, target.environment.as_deref())?;
    let mut network = resolve(set, &environment, found);
    if passable(found) {
        servers::recorded(&mut network, dir, None).await?;
    }
    accounting::check(&network, Timestamp::now().as_second(), found);
    let taken = expand::each(set, sources, &network, secrets::trusted(None), found, take);
    manifests.report(printer)?;
    Ok((network, taken))
}

/// What of the manifests does not add up, by itself, and the network that it is about; none where they can't be read.
pub(super) fn shortages(meant: &Meant<'_>) -> Option<(Network, Vec<Diagnostic>)> {
    let set = load(files::manifests(meant.dir).ok()?, builtin::sources()).set?;
    let environment = environment(&set, meant.target.environment.as_deref()).ok()?;
    let network = resolve(&set, &environment, &mut Vec::new());
    let mut found = Vec::new();
    accounting::check(&network, Timestamp::now().as_second(), &mut found);
    found.retain(|finding| !passable(std::slice::from_ref(finding)));
    Some((network, found))
}

/// A selection that can't be used.
pub(super) fn unselectable(error: SelectError) -> UsageError {
    UsageError { message: error.to_string(), hint: None }
}

/// The whole way up to the plan.
pub(super) async fn open(
    printer: &Printer,
    meant: &Meant<'_>,
    caching: &Caching,
    parallelism: u16,
) -> anyhow::Result<Session> {
    let target = meant.target;
    let key = secrets::operator_key(target.operator_key.as_deref())?;
    let mut wanted = wanted(printer, meant, Some(&key)).await?;
    let connect = connector(printer, target, &wanted.secrets, wanted.network.trusted_keys.clone(), &key);
    let records = records(&wanted, &meant.books)?;
    servers::decide(&mut wanted.network, &names(&wanted.desired), records, connect).await?;
    let accounts = keep_books(printer, &mut wanted, meant).await?;
    let mut server = reach(printer, target, &wanted, &key).await?;
    server.at_most(parallelism);
    let notes = caching.notes(&key, server.identity(), View::Provisioner, &wanted, accounts.as_ref());
    let fit = Fit::new(&wanted.network, accounts.as_ref(), By::Provisioner(&server));
    let mut state = observed(printer, &server, &wanted, parallelism, &notes.watermarks, fit).await?;
    realms::find_renamed(printer, &mut server, &wanted.desired, accounts.as_ref(), &mut state).await?;
    if has_births(&wanted, &state) {
        let connect = connector(printer, target, &wanted.secrets, wanted.network.trusted_keys.clone(), &key);
        servers::reach_others(&mut server, &wanted.network, connect).await?;
    }
    Fit::new(&wanted.network, accounts.as_ref(), By::Provisioner(&server)).all(&mut wanted.desired, &mut state);
    fit::births(&server, &mut wanted, &state).await?;
    let header = header(&wanted, server.identity(), View::Provisioner)?;
    let mut plan = compare(&server, &wanted, &state, header.clone(), parallelism).await?;
    if realms::stay_shut(&server, &plan, &mut state) {
        plan = compare(&server, &wanted, &state, header, parallelism).await?;
    }
    notes.leave(printer, &server, &plan, &state).await;
    authors::name(&server, &mut plan, &state, parallelism).await;
    can_create_realms(&server, &plan).await?;
    plan.accounts = accounts;
    Ok(Session { server, wanted, plan })
}

/// Every realm of the network that exists, as far as planning needs it.
async fn observed(
    printer: &Printer,
    server: &impl ReadRealms,
    wanted: &Wanted,
    parallelism: u16,
    watermarks: &Watermarks,
    fit: Fit<'_>,
) -> anyhow::Result<State> {
    let settle = |tenant: &Desired, observed| fit.settled(wanted, tenant, observed);
    realms::observe_all(printer, server, &wanted.desired, parallelism, watermarks, settle).await
}

/// Whether it can be remembered where a tenant is: not where the ledger is left aside, and not by a plan that finds none.
fn records(wanted: &Wanted, books: &Option<Books<'_>>) -> anyhow::Result<bool> {
    Ok(match books {
        Some(Books::Unread) => false,
        Some(Books::Read(book)) => books::location(book, wanted.network.ledger.as_deref(), &wanted.dir)?
            .is_some_and(|(location, _)| !location.is_absent()),
        Some(Books::Written(..)) | None => true,
    })
}

fn names(desired: &[Desired]) -> BTreeSet<String> {
    desired.iter().map(|tenant| tenant.name.clone()).collect()
}

/// Whether realms are to be born.
fn has_births(wanted: &Wanted, state: &State) -> bool {
    wanted.desired.iter().any(|tenant| !state.contains_key(&tenant.name))
}

/// The same for who does not write: as the observer of each realm, where there is a key of theirs.
pub(super) async fn look(printer: &Printer, view: &args::View, books: Option<Books<'_>>) -> anyhow::Result<Plan> {
    let args::View { dir, target, secrets, parallelism, .. } = view;
    let (meant, parallelism) =
        (Meant { dir, target, secrets, selection: view.selecting.selection(), books }, *parallelism);
    let Some(key) = secrets::observer_key(view.looking.observer_key.as_deref())? else {
        return Ok(open(printer, &meant, &view.caching, parallelism).await?.plan);
    };
    let mut wanted = wanted(printer, &meant, None).await?;
    let trusted_keys = wanted.network.trusted_keys.clone();
    let connect = async |name: &str, url: &str| {
        let observer = Server::connect_to_look(url, key.clone(), trace_on(printer, name, [])).await?;
        Ok(observer.believing(trusted(trusted_keys.as_deref())?))
    };
    let records = records(&wanted, &meant.books)?;
    servers::decide(&mut wanted.network, &names(&wanted.desired), records, &connect).await?;
    let accounts = keep_books(printer, &mut wanted, &meant).await?;
    let tenants = wanted.desired.iter().map(|tenant| tenant.name.as_str());
    let mut server = servers::reach(target, &wanted.network, tenants, &connect).await?;
    let notes = view.caching.notes(&key, server.identity(), View::Observer, &wanted, accounts.as_ref());
    let fit = Fit::new(&wanted.network, accounts.as_ref(), By::Observer);
    let mut state = observed(printer, &server, &wanted, parallelism, &notes.watermarks, fit).await?;
    if has_births(&wanted, &state) {
        servers::reach_others(&mut server, &wanted.network, &connect).await?;
    }
    fit.all(&mut wanted.desired, &mut state);
    let header = header(&wanted, server.identity(), View::Observer)?;
    let mut plan = compare(&server, &wanted, &state, header, parallelism).await?;
    notes.leave(printer, &server, &plan, &state).await;
    authors::name(&server, &mut plan, &state, parallelism).await;
    Ok(Plan { accounts, ..plan })
}

/// What the ledger says to it, where the run is held against one; and, where what realms say of licences is signed, puts in
/// what they should say.
async fn keep_books(printer: &Printer, wanted: &mut Wanted, meant: &Meant<'_>) -> anyhow::Result<Option<Bookkeeping>> {
    let (kept, ledger) = match meant.books {
        Some(how) => books::bookkeeping(printer, wanted, how).await?,
        None => (None, None),
    };
    let trusted = trusted(wanted.network.trusted_keys.as_deref())?;
    if let Some(keys) = &trusted {
        let figures = match ledger {
            Some(accounts) => Figures::Ledger(accounts),
            None => Figures::of_manifests(&wanted.network, Timestamp::now().as_second()),
        };
        entitlement::project(&mut wanted.desired, &wanted.network, &figures, keys.first());
    }
    Ok(kept)
}

/// What a plan is made from.
pub(super) fn header(wanted: &Wanted, server: &str, view: View) -> anyhow::Result<Header> {
    let now = Timestamp::now();
    Ok(Header {
        tool_version: env!("CARGO_PKG_VERSION").into(),
        environment: wanted.network.environment.clone(),
        server: server.into(),
        directory: std::path::absolute(&wanted.dir)?.display().to_string(),
        manifests: wanted.digest.clone(),
        created_at: now.strftime("%FT%TZ").to_string(),
        expires_at: now.checked_add(PLAN_HOURS.hours())?.strftime("%FT%TZ").to_string(),
        trusted_keys: wanted.network.trusted_keys.clone(),
        view,
    })
}

/// The plan, and what guards say of it.
async fn compare<S: ReadRealms>(
    api: &Fleet<S>,
    wanted: &Wanted,
    state: &State,
    header: Header,
    parallelism: u16,
) -> anyhow::Result<Plan> {
    let mut plan =
        part::plan(header, &wanted.desired, state, &wanted.secrets, wanted.chosen.as_ref()).map_err(unselectable)?;
    let in_use = seats_in_use(api, &plan.tenants, state, parallelism).await?;
    plan.refusals = guard::check(&plan, &wanted.desired, state, &in_use, &wanted.network.limits);
    servers::place(api, &wanted.network, &mut plan).await?;
    Ok(plan)
}

/// Who holds the seats of products that a plan leaves fewer seats of; nobody else is counted.
async fn seats_in_use(
    server: &impl ReadRealms,
    tenants: &[TenantPlan],
    state: &State,
    parallelism: u16,
) -> Result<InUse, KeycloakError> {
    let cuts = tenants.iter().filter_map(|tenant| Some((tenant, state.get(&tenant.tenant)?)));
    let cuts =
        cuts.flat_map(|(tenant, found)| guard::cuts(tenant, found).into_iter().map(move |cut| (tenant, found, cut)));
    let most = parallelism.into();
    let counts = in_turn(
        server,
        cuts,
        |(tenant, ..)| &tenant.tenant,
        most,
        |(tenant, found, cut)| async move {
            let used = seats::in_use(server, &tenant.tenant, found, &cut.product).await?;
            Ok(((tenant.tenant.clone(), cut.product), used))
        },
    );
    counts.try_collect().await
}

/// Waives what is meant; a waiver for a tenant that the plan does not have is a mistake, one that is not needed is said.
pub(super) fn waive(printer: &Printer, plan: &mut Plan, meant: &Waivers) -> anyhow::Result<()> {
    for waiver in &meant.waivers {
        let names = || plan.tenants.iter().map(|tenant| tenant.tenant.as_str());
        if let Some(place) = waiver.place.as_ref().filter(|place| !names().any(|name| name == *place)) {
            let message = format!("--waive {waiver}: the plan has no tenant `{place}`");
            return Err(UsageError { message, hint: did_you_mean(place, names()) }.into());
        }
        if !plan.refusals.iter().any(|refusal| waiver.is_for(refusal)) {
            printer.say(&format!("--waive {waiver} was not needed"));
        }
    }
    plan.waive(&meant.waivers);
    Ok(())
}

/// Whether guards refuse a plan, which is said on standard error.
pub(super) fn refused(printer: &Printer, plan: &Plan) -> bool {
    refuse(printer, plan.refused())
}

/// Says refusals on standard error; false when there are none.
pub(super) fn refuse<'a>(printer: &Printer, refusals: impl Iterator<Item = &'a Refusal>) -> bool {
    let mut any = false;
    for refusal in refusals {
        let place = refusal.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
        printer.error(&format!("refused: [{}] {place}{}", refusal.guard, refusal.message), Some(&refusal.way_out()));
        any = true;
    }
    any
}
