//! `realmwright domain`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::args::Format;
use super::exit::{Exit, UsageError};
use super::output::Printer;
use super::session::{self, Manifests};
use super::{secrets, serve};
use crate::broker::prover;
use crate::diagnostic::did_you_mean;
use crate::login::domain::{Answer, record};
use crate::manifest::resolve::resolve;

/// `domain`
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The tenant, by its name
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// Directory with the manifests
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The environment; needed when the platform has more than one
    #[arg(short, long, env = "REALMWRIGHT_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,
    /// PEM file with the operator's private key. The key itself may be in REALMWRIGHT_OPERATOR_KEY_PEM instead
    #[arg(short = 'k', long, env = "REALMWRIGHT_OPERATOR_KEY", value_name = "FILE")]
    operator_key: Option<PathBuf>,
    /// PEM file with the broker's private key, where it has one of its own. The key itself may be in
    /// REALMWRIGHT_BROKER_KEY_PEM instead
    #[arg(long, env = "REALMWRIGHT_BROKER_KEY", value_name = "FILE")]
    broker_key: Option<PathBuf>,
    /// Ask whether the records are there; where one is not, exit with 1
    #[arg(long)]
    check: bool,
    /// The name server that is asked, by its address; by default those of the system
    #[arg(long, value_name = "ADDRESS:PORT", requires = "check")]
    resolver: Option<SocketAddr>,
    /// How to print them
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
}

/// Prints the record that proves each domain of a tenant, as it stands in a zone.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    let mut manifests = session::read(printer, &options.dir)?;
    let environment = session::environment(&manifests.set, options.environment.as_deref())?;
    let Manifests { set, found, .. } = &mut manifests;
    let network = resolve(set, &environment, found);
    manifests.report(printer)?;
    let name = &options.tenant;
    let Some(tenant) = network.tenants.iter().find(|tenant| tenant.name == *name) else {
        let message = format!("there is no tenant `{name}` in {environment}");
        let hint = did_you_mean(name, network.tenants.iter().map(|tenant| tenant.name.as_str()));
        return Err(UsageError { message, hint }.into());
    };
    let domains = &tenant.settings.login.domains;
    if domains.is_empty() {
        let message = format!("`{name}` lists no domains");
        let hint = Some("list them in its manifest: `login: {domains: [clinic.example]}`".to_owned());
        return Err(UsageError { message, hint }.into());
    }
    let key = secrets::the_brokers_key(options.broker_key.as_deref(), options.operator_key.as_deref())?;
    let named = network.broker.as_ref().and_then(|broker| broker.key.as_deref());
    serve::is_the_one(named, key.jwks())?;
    let prover = prover(&key)?;
    let dns = options.check.then(|| serve::dns(options.resolver)).transpose()?;
    let mut rows = Vec::new();
    for domain in domains {
        let text = prover.text(name, domain);
        let state = match &dns {
            None => None,
            Some(dns) => Some(match dns.texts(domain).await {
                Answer::Texts(texts) if texts.contains(&text) => "proved",
                Answer::Texts(texts) if texts.is_empty() => "not there",
                Answer::Texts(_) => "holds something else",
                Answer::Nothing => "no answer",
            }),
        };
        rows.push((domain, format!("{}.", record(domain)), text, state));
    }
    match options.format {
        Format::Json => {
            let row = |(domain, record, text, state): &(&String, String, String, Option<&str>)| {
                let mut row = json!({"domain": domain, "record": record, "type": "TXT", "text": text});
                state.iter().for_each(|state| row["state"] = (*state).into());
                row
            };
            let rows: Vec<_> = rows.iter().map(row).collect();
            printer.data(&(serde_json::to_string_pretty(&rows)? + "\n"));
        }
        Format::Text => {
            for (_, record, text, state) in &rows {
                let state = state.map_or_else(String::new, |state| format!("  ; {state}"));
                printer.data(&format!("{record} TXT \"{text}\"{state}\n"));
            }
        }
    }
    let good = rows.iter().all(|(.., state)| state.is_none_or(|state| state == "proved"));
    Ok(if good { Exit::Done } else { Exit::Failed })
}
