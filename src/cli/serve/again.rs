//! Reading the manifests again while it serves: when it is told to, by SIGHUP.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::super::exit::UsageError;
use super::super::output::Printer;
use super::directory::{self, Manifests};
use super::{Options, is_the_one};
use crate::broker::{Broker, Served};

/// What it is told by. It listens from here on, so that a signal does not end the program.
pub(super) struct Told(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Told {
    pub(super) fn listen() -> Self {
        #[cfg(unix)]
        return Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok());
        #[cfg(not(unix))]
        return Self();
    }

    /// Waits until it is told; for ever where it can't be.
    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Has the broker serve whom the manifests name whenever it is told to. Where they can't be used, it goes on as it was.
pub(super) async fn read(printer: &Printer, options: &Options, broker: &Arc<Broker>, jwks: &str, mut told: Told) {
    let mut proving: Option<JoinHandle<()>> = None;
    loop {
        told.next().await;
        match served(printer, options, broker, jwks).await {
            Ok(served) => {
                let changes = broker.replace(served);
                printer.say(&format!(
                    "read the manifests again: serving {} tenants, {} new, {} changed, {} gone",
                    changes.tenants, changes.new, changes.changed, changes.gone
                ));
                // Name servers may be slow, and the next signal is not to wait for them.
                let own = broker.clone();
                let before = proving.replace(tokio::spawn(async move { own.prove().await }));
                before.into_iter().for_each(|before| before.abort());
            }
            Err(error) => {
                printer.failure(&error);
                printer.say("the manifests can't be used; serving the tenants of before");
                broker.keep_on();
            }
        }
    }
}

async fn served(printer: &Printer, options: &Options, broker: &Broker, jwks: &str) -> anyhow::Result<Served> {
    let Manifests { served, key, .. } = directory::read(printer, &options.dir, &options.target).await?;
    is_the_one(key.as_deref(), jwks)?;
    if served.directory().has_domains() && !broker.asks_dns() {
        let message = "there are domains now, and the system's name servers are not known".into();
        return Err(UsageError { message, hint: Some("start it anew with --resolver".into()) }.into());
    }
    Ok(served)
}
