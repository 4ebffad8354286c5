//! SIGINT and SIGTERM: the first stops a run when it can, the second at once.

use tokio::sync::watch;

use super::exit::Exit;
use super::output::Printer;

/// Told of the first signal.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from here on, until the program ends.
    pub(super) fn listen() -> Self {
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            signal().await;
            tell.send_replace(true);
            signal().await;
            #[allow(clippy::exit, reason = "the user asked twice")]
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
        Self(told)
    }

    /// Waits for the first signal, which may have come already.
    pub(super) async fn came(&self) {
        let _ = self.0.clone().wait_for(|came| *came).await;
    }

    /// What becomes of work that writes nothing; none where a signal came first, which is said.
    pub(super) async fn unless<T>(&self, printer: &Printer, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.came() => {
                printer.say("stopped; nothing was written");
                None
            }
        }
    }
}

/// Carries out a command that writes nothing; it ends when a signal comes.
pub(super) async fn stoppable(
    printer: &Printer,
    work: impl Future<Output = anyhow::Result<Exit>>,
) -> anyhow::Result<Exit> {
    Stop::listen().unless(printer, work).await.unwrap_or(Ok(Exit::Interrupted))
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
