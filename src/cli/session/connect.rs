//! The way to servers: their addresses, who is told of requests, and connections as the provisioner of each realm.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::Wanted;
use crate::cli::args::Target;
use crate::cli::exit::UsageError;
use crate::cli::output::Printer;
use crate::cli::{secrets, servers};
use crate::keycloak::http::{Exchange, Server, Told, Trace};
use crate::keycloak::key::OperatorKey;
use crate::keycloak::mask::Mask;
use crate::keycloak::{Absence, Fleet, KeycloakError, ReadRealms};
use crate::manifest::resolve::Network;
use crate::plan::Plan;
use crate::seal::TrustedKeys;
use crate::state::secret::Secrets;

/// The server's URL: as asked, or as the platform says for the environment.
pub(in crate::cli) fn server_url(target: &Target, network: &Network) -> anyhow::Result<String> {
    if !network.servers.is_empty() {
        let Some(name) = servers::named(target, network)? else {
            let message = format!("the environment `{}` has several servers", network.environment);
            let names = network.servers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(UsageError { message, hint: Some(format!("give --server with one of {names}")) }.into());
        };
        return checked_url(network.servers.get(name).map(|terms| terms.url.clone()).unwrap_or_default());
    }
    let Some(url) = target.server.clone().or_else(|| network.server.clone()) else {
        let message = format!("no server is known for the environment `{}`", network.environment);
        let hint = Some("give --server URL, or name it in the platform's manifest".into());
        return Err(UsageError { message, hint }.into());
    };
    checked_url(url)
}

/// The URL of the server that a tenant's realm is on.
pub(in crate::cli) fn url_of(target: &Target, network: &Network, tenant: &str) -> anyhow::Result<String> {
    if network.servers.is_empty() {
        return server_url(target, network);
    }
    servers::named(target, network)?;
    let placed = network.tenants.iter().find(|other| other.name == tenant).and_then(|other| other.server.as_ref());
    match placed.and_then(|server| network.servers.get(server)) {
        Some(terms) => checked_url(terms.url.clone()),
        None => Err(KeycloakError::unplaced(tenant).into()),
    }
}

/// A server's URL, if it can be one.
pub(in crate::cli) fn checked_url(url: String) -> anyhow::Result<String> {
    let good = url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if good {
        return Ok(url);
    }
    let message = format!("`{url}` is not the URL of a server");
    Err(UsageError { message, hint: Some("write it as https://id.example.com, or http://127.0.0.1:8080".into()) }
        .into())
}

/// Lets the administrator step in whose login is given, if one is.
pub(in crate::cli) fn administrated(server: Server, target: &Target) -> anyhow::Result<Server> {
    Ok(match &target.admin_user {
        Some(user) => server.with_administrator(user.clone(), secrets::password(None, secrets::PASSWORD_VARIABLE)?),
        None => server,
    })
}

/// Told when the server goes away, and of each request when the user wants to see them; with their bodies, if asked, without
/// the known secrets.
pub(in crate::cli) fn trace(printer: &Printer, known: impl IntoIterator<Item = SecretString>) -> Option<Trace> {
    trace_on(printer, "", known)
}

/// The same for one of several servers, which each line names.
pub(in crate::cli) fn trace_on(
    printer: &Printer,
    server: &str,
    known: impl IntoIterator<Item = SecretString>,
) -> Option<Trace> {
    let printer = *printer;
    let on = if server.is_empty() { String::new() } else { format!("{server}: ") };
    let bodies = printer.debug_http.then(|| Mask::knowing(known));
    let told = (printer.verbose || printer.debug_http).then(|| -> Told {
        Box::new(move |exchange| printer.say(&format!("{on}{}", line(exchange, printer.debug_http))))
    });
    Some(Trace { bodies, told, away: Box::new(move |server, absence| printer.say(&waited(server, absence))) })
}

/// What is said of a server that went away.
fn waited(server: &str, absence: Absence<'_>) -> String {
    match absence {
        Absence::Begins(reason, patience) => {
            format!("{server} does not answer ({reason}): waiting for it, up to {} s", patience.as_secs())
        }
        Absence::Ends(after) => format!("{server} answers again, after {:.1} s", after.as_secs_f64()),
        Absence::Lasts(after) => {
            format!("{server} has not answered for {} s, and is not waited for any longer", after.as_secs())
        }
    }
}

fn line(exchange: &Exchange<'_>, whole: bool) -> String {
    let Exchange { method, path, status, took, request, answer } = exchange;
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    if !whole {
        return format!("{status} {method} {path}");
    }
    let body =
        |sign: &str, body: &Option<String>| body.as_ref().map_or(String::new(), |body| format!("\n  {sign} {body}"));
    let took = took.as_millis();
    format!("{status} {method} {path} {took} ms{}{}", body(">", request), body("<", answer))
}

/// Makes sure that each server on which a plan makes realms knows the operator key.
pub(in crate::cli) async fn can_create_realms(server: &Fleet, plan: &Plan) -> Result<(), KeycloakError> {
    let births: BTreeSet<usize> =
        plan.tenants.iter().filter(|tenant| tenant.is_birth()).map(|tenant| server.number_of(&tenant.tenant)).collect();
    for (at, (_, member)) in server.members().enumerate() {
        if births.contains(&at) {
            member.can_create_realms().await?;
        }
    }
    Ok(())
}

/// Connects to one server, as the provisioner of each realm.
pub(super) fn connector<'a>(
    printer: &'a Printer,
    target: &'a Target,
    secrets: &'a Secrets,
    trusted_keys: Option<String>,
    key: &'a OperatorKey,
) -> impl AsyncFn(&str, &str) -> anyhow::Result<Server> {
    async move |name, url| {
        let trace = trace_on(printer, name, secrets.values());
        let server = Server::connect(url, key.clone(), trace).await?;
        administrated(server.believing(trusted(trusted_keys.as_deref())?), target)
    }
}

/// Reaches the servers of those that are meant.
pub(in crate::cli) async fn reach(
    printer: &Printer,
    target: &Target,
    wanted: &Wanted,
    key: &OperatorKey,
) -> anyhow::Result<Fleet> {
    let tenants = wanted.desired.iter().map(|tenant| tenant.name.as_str());
    let connect = connector(printer, target, &wanted.secrets, wanted.network.trusted_keys.clone(), key);
    servers::reach(target, &wanted.network, tenants, connect).await
}

/// The keys whose signatures are believed, where some are named.
pub(in crate::cli) fn trusted(pem: Option<&str>) -> anyhow::Result<Option<TrustedKeys>> {
    Ok(pem.map(TrustedKeys::from_pem).transpose()?)
}
