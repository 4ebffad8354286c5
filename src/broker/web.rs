//! What browsers, proxies and realms ask, and the headers of every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;

use super::request::Asked;
use super::{Broker, callback, choose, logout, operations, start};
use crate::login::identity;
use crate::login::origin::may_read;

/// The longest body that is read.
const LONGEST: usize = 64 * 1024;

/// How long requests may go on once the broker is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often sessions that are over are taken out.
const SWEEP: Duration = Duration::from_secs(60);

/// Everything that is asked from outside.
pub fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/", get(choose::choose))
        .route("/t", get(choose::choose))
        .route("/t/{tenant}", get(start::start))
        .route("/t/{tenant}/callback", get(callback::callback))
        .route("/t/{tenant}/signed-out", get(logout::signed_out))
        .route("/t/{tenant}/backchannel-logout", post(logout::at_back_channel))
        .route("/auth", get(auth))
        .route("/session", get(session))
        .route("/logout", post(logout::logout))
        .fallback(async |asked: Asked| asked.nobody())
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(middleware::from_fn_with_state(broker.clone(), with_headers))
        .with_state(broker)
}

/// `GET /auth`: for a reverse proxy, whether a request is somebody's, and whose. With `?tenant=NAME`, of that tenant alone.
async fn auth(asked: Asked) -> Response {
    match asked.session().await {
        Ok(Some(session)) if asked.parameter("tenant").is_none_or(|name| name == session.tenant.name) => {
            let told = identity::headers(&session.tenant.name, &session.tenant.issuer, &session.identity);
            let told = told.map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("")))
            });
            (StatusCode::OK, axum::response::AppendHeaders(told)).into_response()
        }
        Ok(_) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// `GET /session`: for an application in the browser, who is logged in.
async fn session(asked: Asked) -> Response {
    let own = asked.origin().origin().ascii_serialization();
    if !may_read(asked.header("origin"), asked.header("sec-fetch-site"), &own) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match asked.session().await {
        Ok(Some(session)) => {
            let limits = asked.broker.sessions().limits();
            Json(json!({
                "tenant": session.tenant.name,
                "label": session.tenant.label,
                "issuer": session.tenant.issuer,
                "identity": &*session.identity,
                "ends": session.ends(&limits),
            }))
            .into_response()
        }
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What every answer says to browsers: keep nothing, tell nobody, frame nothing, run nothing.
async fn with_headers(State(broker): State<Arc<Broker>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let secure = broker.directory.addresses().url().scheme() == "https";
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::CACHE_CONTROL, "no-store");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::CONTENT_SECURITY_POLICY, &broker.policy);
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if secure {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Serves until `stop` ends, then lets requests that are under way end.
pub async fn serve(
    broker: Arc<Broker>,
    public: TcpListener,
    operators: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, _) = tokio::sync::watch::channel(());
    let stopped = || {
        let mut told = told.subscribe();
        async move { drop(told.changed().await) }
    };
    let sweeping = broker.clone();
    let sweeper = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            sweeping.sweep();
        }
    });
    let outside = router(broker.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let outside = axum::serve(public, outside).with_graceful_shutdown(stopped());
    let inside = axum::serve(operators, operations::router(broker.clone())).with_graceful_shutdown(stopped());
    let (outside, inside) = (tokio::spawn(outside.into_future()), tokio::spawn(inside.into_future()));
    stop.await;
    broker.counters.stop();
    drop(told);
    let ended = tokio::time::timeout(GRACE, outside).await;
    inside.abort();
    sweeper.abort();
    match ended {
        Ok(Ok(result)) => result,
        _ => Ok(()),
    }
}
