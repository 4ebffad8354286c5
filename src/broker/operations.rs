//! For those who operate it, on a listener of its own: `/healthz`, `/readyz` and `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use super::{Broker, Event};

/// How often what happened.
#[derive(Debug, Default)]
pub(super) struct Counters {
    events: Mutex<BTreeMap<(&'static str, String), u64>>,
    stopping: AtomicBool,
}

impl Counters {
    pub(super) fn count(&self, event: &Event<'_>) {
        let (what, reason) = event.what.words();
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        *events.entry((what, reason.unwrap_or_default())).or_default() += 1;
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// What is asked on that listener.
pub fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(broker)
}

async fn ready(State(broker): State<Arc<Broker>>) -> impl IntoResponse {
    match broker.counters.stopping.load(Ordering::Relaxed) {
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        false => (StatusCode::OK, "ready\n"),
    }
}

async fn metrics(State(broker): State<Arc<Broker>>) -> impl IntoResponse {
    let mut text = String::from(
        "# HELP realmwright_broker_sessions Sessions that are kept.\n# TYPE realmwright_broker_sessions gauge\n",
    );
    let _ = writeln!(text, "realmwright_broker_sessions {}", broker.sessions().len());
    text.push_str(
        "# HELP realmwright_broker_events_total What happened.\n# TYPE realmwright_broker_events_total counter\n",
    );
    let events = broker.counters.events.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for ((what, reason), count) in events {
        let _ = writeln!(text, "realmwright_broker_events_total{{event=\"{what}\",reason=\"{reason}\"}} {count}");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}
