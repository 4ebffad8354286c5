//! `realmwright serve`

mod again;
mod directory;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use ipnet::IpNet;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use tokio::net::TcpListener;

use self::directory::Manifests;
use super::args::Target;
use super::exit::{Exit, UsageError};
use super::ledger::Book;
use super::output::Printer;
use super::{books, files, secrets, stop};
use crate::broker::{Broker, Dns, Event, Happened, Place, Rates, SealKey, Setup, serve};
use crate::keycloak::key::OperatorKey;
use crate::login::proxy::Proxies;
use crate::login::session::Limits;
use crate::login::standing;

/// `serve`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Directory with the manifests
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    target: Target,
    /// PEM file with the broker's private key, whose public half the platform names. The key itself may be in
    /// REALMWRIGHT_BROKER_KEY_PEM instead. By default it is derived from the operator key
    #[arg(long, env = "REALMWRIGHT_BROKER_KEY", value_name = "FILE")]
    broker_key: Option<PathBuf>,
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where it listens for those who operate it: /healthz, /readyz and /metrics
    #[arg(long, default_value = "127.0.0.1:9001", value_name = "ADDRESS:PORT")]
    operations: SocketAddr,
    /// A proxy in front of it, by its address or network, whose X-Forwarded-Host and X-Forwarded-Uri are believed. May be given again
    #[arg(long = "trusted-proxy", value_name = "NETWORK", value_parser = network)]
    trusted_proxies: Vec<IpNet>,
    /// A name server that is asked whether domains are proved, by its address; by default those of the system
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolver: Option<SocketAddr>,
    /// File with a key that sessions and logins under way are sealed with, as `openssl rand -base64 32` writes it. May be given
    /// again: the first seals, what the others sealed before is opened still. By default it is derived from the broker's key
    #[arg(long = "seal-key", value_name = "FILE")]
    seal_keys: Vec<PathBuf>,
    #[command(flatten)]
    book: Book,
    /// Minutes after which a session ends that is not used
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1440), value_name = "MINUTES")]
    idle: u64,
    /// Minutes after which a session ends in any case
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=10080), value_name = "MINUTES")]
    longest: u64,
    /// How many logins may be begun in a minute from one address, or from one network of 64 bits where that is IPv6. Counts where
    /// --trusted-proxy is given, since nobody's address is known without
    #[arg(long, default_value_t = Rates::default().address, value_name = "COUNT")]
    logins_per_address: NonZeroU32,
    /// How many logins may be begun in a minute at one tenant
    #[arg(long, default_value_t = Rates::default().tenant, value_name = "COUNT")]
    logins_per_tenant: NonZeroU32,
}

fn network(text: &str) -> Result<IpNet, String> {
    standing::network(text).map_err(|error| format!("{error}, as 10.0.0.0/8"))
}

/// Serves until it is told to stop.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let Manifests { served, key: named, ledger } = directory::read(printer, &options.dir, &options.target).await?;
    let key = secrets::the_brokers_key(options.broker_key.as_deref(), options.target.operator_key.as_deref())?;
    is_the_one(named.as_deref(), key.jwks())?;
    let limits = Limits { idle: options.idle * 60, absolute: options.longest * 60, ..Limits::default() };
    let directory = served.directory();
    let (url, count) = (directory.addresses().url().clone(), directory.tenants().count());
    let told = *printer;
    let log = Box::new(move |event: &Event<'_>| told.say(&line(event)));
    // There may be domains later.
    let dns = match dns(options.resolver) {
        Err(error) if directory.has_domains() => return Err(error),
        dns => dns.ok(),
    };
    let proxies = Proxies::new(options.trusted_proxies.iter().copied());
    let rates = Rates { address: options.logins_per_address, tenant: options.logins_per_tenant };
    let seals = seals(&key, &options.seal_keys)?;
    let place = place(printer, ledger.as_deref(), options)?;
    let jwks = key.jwks().to_owned();
    let setup = Setup { served, proxies, limits, rates, dns, key, seals, place, log };
    let broker = Arc::new(Broker::new(setup).await?);
    let public = bind(options.listen).await?;
    let operators = bind(options.operations).await?;
    let told = again::Told::listen();
    printer.say(&format!(
        "serving {count} tenants at {url}, listening on {}, for operators on {}; Ctrl-C stops it",
        public.local_addr()?,
        operators.local_addr()?
    ));
    let serving = serve(broker.clone(), public, operators, stop::signal());
    tokio::select! {
        ended = serving => ended?,
        () = again::read(printer, options, &broker, &jwks, told) => {}
    }
    printer.say("stopped");
    Ok(Exit::Done)
}

/// The keys that are given, and the one that follows from the broker's key, with which it began.
fn seals(key: &OperatorKey, files: &[PathBuf]) -> anyhow::Result<Vec<SealKey>> {
    let read = |path: &PathBuf| {
        let text = SecretString::from(files::named(path)?);
        SealKey::read(&text).with_context(|| format!("{} is not used", path.display()))
    };
    let mut seals = files.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
    seals.push(SealKey::derived(key)?);
    Ok(seals)
}

/// Where sessions are kept: in the database of the ledger, if there is one.
fn place(printer: &Printer, ledger: Option<&str>, options: &Options) -> anyhow::Result<Place> {
    match books::location(&options.book, ledger, &options.dir)? {
        Some((location, _)) if location.is_absent() => {
            printer.say(&format!("{location} is not there; sessions end with this process"));
            Ok(Place::Own)
        }
        Some((location, _)) => Ok(Place::Shared(location.url()?)),
        None => Ok(Place::Own),
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("can't listen on {address}"))
}

/// Who is asked for records: the name server that is given, or those of the system.
pub(super) fn dns(resolver: Option<SocketAddr>) -> anyhow::Result<Dns> {
    Dns::new(resolver).context("the system's name servers are not known; name one with --resolver")
}

/// Where the platform names the broker's key, it is this one; with another, no realm would know the broker.
pub(super) fn is_the_one(named: Option<&str>, jwks: &str) -> anyhow::Result<()> {
    if named.is_none_or(|pem| crate::expand::key_set(pem).as_deref() == Some(jwks)) {
        return Ok(());
    }
    let message = "this is not the key that the platform names for the broker".into();
    let hint = "give --broker-key FILE with the private key that belongs to `broker.key`".to_owned();
    Err(UsageError { message, hint: Some(hint) }.into())
}

/// An event as a line of the log.
fn line(event: &Event<'_>) -> String {
    let (what, reason) = event.what.words();
    let mut line = json!({"at": Timestamp::now().to_string(), "event": what, "request": event.request});
    if let Some(tenant) = event.tenant {
        line["tenant"] = tenant.into();
    }
    if let Some(reason) = reason {
        line["reason"] = reason.into();
    }
    if let Happened::LoggedOutAtRealm(count) = event.what {
        line["sessions"] = count.into();
    }
    line.to_string()
}
