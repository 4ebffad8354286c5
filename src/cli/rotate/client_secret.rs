//! `realmwright rotate client-secret`

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;

use crate::cli::args::{SecretFiles, Target};
use crate::cli::exit::{Exit, Hinted, UsageError};
use crate::cli::output::Printer;
use crate::cli::session::Meant;
use crate::cli::{files, secrets, session};
use crate::diagnostic::did_you_mean;
use crate::expand::{Desired, TOOLS};
use crate::keycloak::http::Server;
use crate::keycloak::{ReadRealms, segment};
use crate::plan::select::Selection;
use crate::state::secret::as_reference;
use crate::state::{Kind, ObjectId};

/// `rotate client-secret`
#[derive(Debug, Args)]
pub(in crate::cli) struct Options {
    /// The client
    #[arg(value_name = "TENANT/client/ID")]
    pub(in crate::cli) client: String,
    /// Directory with the manifests
    #[arg(default_value = ".")]
    pub(in crate::cli) dir: PathBuf,
    /// Where and as whom.
    #[command(flatten)]
    pub(in crate::cli) target: Target,
    /// Where files of secrets are.
    #[command(flatten)]
    pub(in crate::cli) secrets: SecretFiles,
    /// Where to put the new secret: a file that only its owner may read, which it replaces. Otherwise it goes to standard
    /// output, unless that is a terminal
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// Makes a new secret. Everything that can go wrong is looked for before the old one ends.
pub(super) async fn run(printer: &Printer, options: &Options) -> anyhow::Result<Exit> {
    if options.out.is_none() && std::io::stdout().is_terminal() {
        let message = "a secret is not shown on a terminal".into();
        return Err(
            UsageError { message, hint: Some("give --out FILE, or send the output to a program".into()) }.into()
        );
    }
    let (tenant, id) = address(&options.client)?;
    let key = secrets::operator_key(options.target.operator_key.as_deref())?;
    let selection = Selection::default();
    let meant = Meant { dir: &options.dir, target: &options.target, secrets: &options.secrets, selection, books: None };
    let wanted = session::wanted(printer, &meant, Some(&key)).await?;
    let known = wanted.desired.iter().find(|desired| desired.name == tenant);
    let Some(desired) = known else {
        let message = format!("there is no tenant `{tenant}` in {}", wanted.network.environment);
        let hint = did_you_mean(&tenant, wanted.desired.iter().map(|desired| desired.name.as_str()));
        return Err(UsageError { message, hint }.into());
    };
    rotatable(desired, &id)?;
    let url = session::url_of(&options.target, &wanted.network, &tenant)?;
    let server = Server::connect(&url, key, session::trace(printer, wanted.secrets.values())).await?;
    let client = confidential(&server, &tenant, &id).await?;
    let place = options.out.as_deref().map(files::SecretFile::prepare).transpose()?;
    let secret = server.new_client_secret(&tenant, &client).await?;
    match place {
        Some(place) => {
            place.write(&secret)?;
            printer.say(&format!("{tenant}/{id} has a new secret; it is in {}", place.shown()));
        }
        None => {
            printer.data(&format!("{}\n", secret.expose_secret()));
            printer.say(&format!("{tenant}/{id} has a new secret"));
        }
    }
    Ok(Exit::Done)
}

fn address(text: &str) -> anyhow::Result<(String, ObjectId)> {
    let parts = text.split_once('/').and_then(|(tenant, id)| Some((tenant.to_owned(), id.parse::<ObjectId>().ok()?)));
    parts.filter(|(_, id)| id.kind == Kind::Client && !id.key.is_empty()).ok_or_else(|| {
        let message = format!("`{text}` is not the address of a client");
        UsageError { message, hint: Some("write it as TENANT/client/ID, e.g. st-anna/client/worker".into()) }.into()
    })
}

/// Only a client of the manifests whose secret they leave to Keycloak.
fn rotatable(desired: &Desired, id: &ObjectId) -> anyhow::Result<()> {
    let tenant = &desired.name;
    let refused = |message: String, hint: &str| Err(Hinted { message, hint: hint.into() }.into());
    let own = |id: &ObjectId| TOOLS.contains(&id.key.as_str());
    let Some(client) = desired.state.get(id).filter(|_| !own(id)) else {
        let known = desired.state.of_kind(Kind::Client).filter(|(id, _)| !own(id)).map(|(id, _)| id.key.as_str());
        let hint = did_you_mean(&id.key, known).unwrap_or_else(|| {
            format!("rotate it where it is managed; `realmwright explain {tenant}` lists what is declared")
        });
        let message = format!("no manifest declares {tenant}/{id}");
        return Err(UsageError { message, hint: Some(hint) }.into());
    };
    if let Some(reference) = client.fields.get("secret").and_then(as_reference) {
        let message = format!("the secret of {tenant}/{id} is declared: {reference}");
        return refused(message, "change what that holds, then `realmwright apply` writes it");
    }
    if client.fields.get("publicClient").is_some_and(|public| *public == true) {
        return refused(format!("{tenant}/{id} is a public client and has no secret"), "nothing has to be rotated");
    }
    Ok(())
}

/// The server's id of a client that authenticates with a secret. The secret itself is not read.
async fn confidential(server: &Server, realm: &str, id: &ObjectId) -> anyhow::Result<String> {
    let not_yet = |what: String| Hinted { message: what, hint: "`realmwright apply` makes it".into() };
    let export = server.export(realm).await?.ok_or_else(|| not_yet(format!("there is no realm `{realm}` yet")))?;
    let found = export["clients"].as_array().into_iter().flatten().find(|client| client["clientId"] == id.key.as_str());
    let client = found.ok_or_else(|| not_yet(format!("{realm}/{id} is not there")))?;
    let method = client["clientAuthenticatorType"].as_str().unwrap_or_default();
    if client["publicClient"] == true || !method.starts_with("client-secret") {
        let message = format!("{realm}/{id} does not authenticate with a secret ({method})");
        return Err(Hinted { message, hint: "nothing has to be rotated here".into() }.into());
    }
    Ok(segment(client["id"].as_str().unwrap_or_default()))
}
