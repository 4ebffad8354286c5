//! `realmwright rotate`

pub(super) mod client_secret;
pub(super) mod operator_key;

use clap::Subcommand;

use super::exit::Exit;
use super::output::Printer;

/// What `rotate` does.
#[derive(Debug, Subcommand)]
pub(super) enum Rotate {
    /// Have Keycloak make a new secret for a client whose secret no manifest declares
    ClientSecret(client_secret::Options),
    /// Let a new operator key follow this one, in steps, both valid meanwhile
    OperatorKey(operator_key::Options),
}

/// Rotates a secret or a key.
pub(super) async fn run(printer: &Printer, what: &Rotate) -> anyhow::Result<Exit> {
    match what {
        Rotate::ClientSecret(options) => client_secret::run(printer, options).await,
        Rotate::OperatorKey(options) => operator_key::run(printer, options).await,
    }
}
