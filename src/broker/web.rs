//! What browsers, proxies and realms ask, and the headers of every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::request::Asked;
use super::start::with_back;
use super::{Broker, callback, choose, domains, exchange, logout, operations, pages, place, start};
use crate::login::fault::Fault;
use crate::login::identity::{self, Identity};
use crate::login::origin::may_read;
use crate::login::target::target;
use crate::login::tenant::Tenant;

/// The longest body that is read.
const LONGEST: usize = 64 * 1024;

/// How long requests may go on once the broker is to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How often sessions that are over are taken out.
const SWEEP: Duration = Duration::from_secs(60);

/// How often other brokers' changes are looked for.
const FOLLOW: Duration = Duration::from_millis(500);

/// What is asked from outside, and who answers.
fn routes() -> Vec<(&'static str, MethodRouter<Arc<Broker>>)> {
    vec![
        ("/", get(choose::choose)),
        ("/t", get(choose::choose).post(choose::chosen)),
        ("/t/{tenant}", get(start::start)),
        ("/t/{tenant}/callback", get(callback::callback)),
        ("/t/{tenant}/login.json", get(place::place)),
        ("/t/{tenant}/signed-out", get(logout::signed_out)),
        ("/t/{tenant}/backchannel-logout", post(logout::at_back_channel)),
        ("/auth", get(auth)),
        ("/session", get(session)),
        ("/token", post(exchange::token)),
        ("/logout", post(logout::logout)),
    ]
}

/// The paths of what is asked from outside.
pub fn paths() -> impl Iterator<Item = &'static str> {
    routes().into_iter().map(|(path, _)| path)
}

/// Everything that is asked from outside.
pub fn router(broker: Arc<Broker>) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, answers)| router.route(path, answers))
        .fallback(async |asked: Asked| asked.nobody())
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(middleware::from_fn_with_state(broker.clone(), with_headers))
        .with_state(broker)
}

/// `GET /auth`: for a reverse proxy, whether a request is somebody's, and whose: by its cookie, or by an access token that is
/// for the audience of `?audience=NAME`. With `?tenant=NAME`, of that tenant alone; with `?seat=PRODUCT`, of who has a seat of
/// the product. Who is nobody learns where the login is; with `?else=login`, a browser that asks for a page is sent there, or
/// told that its user has no seat.
async fn auth(asked: Asked) -> Response {
    let is_meant = |tenant: &Tenant| asked.parameter("tenant").is_none_or(|name| name == tenant.name);
    if let Some((scheme, token)) = asked.token() {
        return match asked.shown(scheme, token).await {
            Ok((tenant, identity, session)) if is_meant(&tenant) => {
                match asked.seat(&tenant, &session, &identity).await {
                    Ok(()) => known(&tenant, &identity),
                    Err(Fault::Store) => not_now(Fault::Store),
                    Err(_) => {
                        (StatusCode::FORBIDDEN, [(header::WWW_AUTHENTICATE, scheme.without_seat())]).into_response()
                    }
                }
            }
            Err(fault @ (Fault::Provider | Fault::Store | Fault::Address | Fault::Suspended | Fault::Expired)) => {
                not_now(fault)
            }
            _ => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, scheme.challenge())]).into_response(),
        };
    }
    match asked.session().await {
        Ok(Some((key, session))) if is_meant(&session.tenant) => {
            match asked.seat(&session.tenant, &key, &session.identity).await {
                Ok(()) => known(&session.tenant, &session.identity),
                // Another login would lead here again.
                Err(fault) if asked.wants_page() => asked.refused(&session.tenant, fault),
                Err(fault) => not_now(fault),
            }
        }
        Ok(_) => {
            asked.to_login().unwrap_or_else(|| (StatusCode::UNAUTHORIZED, [(LOGIN, login(&asked))]).into_response())
        }
        Err(fault @ (Fault::Provider | Fault::Store)) => not_now(fault),
        // The login says why.
        Err(fault) => asked.to_login().unwrap_or_else(|| not_now(fault)),
    }
}

impl Asked {
    /// For a browser that asks for a page, the way to the login, where the proxy wants that.
    fn to_login(&self) -> Option<Response> {
        self.wants_page().then(|| Redirect::to(&login(self)).into_response())
    }

    /// Whether a browser asks for a page, and the proxy gives it what it is answered.
    fn wants_page(&self) -> bool {
        let page = self.header("accept").is_some_and(|accepted| accepted.contains("text/html"));
        page && self.parameter("else").as_deref() == Some("login")
    }
}

/// Somebody is there, and does not get in: 503 where it may be otherwise in a moment, else 403.
pub(super) fn not_now(fault: Fault) -> Response {
    match fault {
        Fault::Provider | Fault::Store => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::FORBIDDEN.into_response(),
    }
}

fn known(tenant: &Tenant, identity: &Identity) -> Response {
    let told = identity::headers(&tenant.name, &tenant.issuer, identity);
    let told = told.map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("")))
    });
    (StatusCode::OK, AppendHeaders(told)).into_response()
}

/// Tells a proxy where to send a browser that is not logged in.
const LOGIN: HeaderName = HeaderName::from_static("x-auth-login");

/// The path of the login, which leads back to what was asked for.
fn login(asked: &Asked) -> String {
    let mut url = match asked.served.directory.of_host(&asked.host) {
        Some(tenant) => asked.served.directory.addresses().entry(&tenant.name),
        None => asked.origin(),
    };
    if url.path() == "/" {
        url.set_path("/t");
    }
    let back = asked.wanted.as_deref().and_then(|wanted| target(wanted, &url));
    let url = with_back(url, back);
    let path = url::Url::parse(&url).map(|url| url[url::Position::BeforePath..].to_owned());
    path.unwrap_or_else(|_| "/t".into())
}

/// `GET /session`: for an application in the browser, who is logged in.
async fn session(asked: Asked) -> Response {
    if !asked.comes_from(may_read) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match asked.session().await {
        Ok(Some((_, session))) => Json(json!({
            "tenant": session.tenant.name,
            "label": session.tenant.label,
            "issuer": session.tenant.issuer,
            "identity": &session.identity,
            "ends": session.ends(&asked.broker.limits),
        }))
        .into_response(),
        Ok(None) => StatusCode::UNAUTHORIZED.into_response(),
        Err(fault) => not_now(fault),
    }
}

/// What every answer says to browsers: keep nothing, tell nobody, frame nothing, run nothing.
async fn with_headers(State(broker): State<Arc<Broker>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let served = broker.served();
    let secure = served.directory.addresses().url().scheme() == "https";
    let policy = served.policy.of(pages::shown(&response));
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
    put(header::CONTENT_SECURITY_POLICY, &policy);
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
    let mut chores = JoinSet::new();
    chores.spawn(again(SWEEP, broker.clone(), async |broker| broker.sweep().await));
    chores.spawn(again(FOLLOW, broker.clone(), async |broker| broker.follow().await));
    chores.spawn(again(domains::EVERY, broker.clone(), async |broker| broker.prove().await));
    let outside = router(broker.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let outside = axum::serve(public, outside).with_graceful_shutdown(stopped());
    let inside = axum::serve(operators, operations::router(broker.clone())).with_graceful_shutdown(stopped());
    let (outside, inside) = (tokio::spawn(outside.into_future()), tokio::spawn(inside.into_future()));
    stop.await;
    broker.counters.stop();
    drop(told);
    let ended = tokio::time::timeout(GRACE, outside).await;
    inside.abort();
    chores.abort_all();
    match ended {
        Ok(Ok(result)) => result,
        _ => Ok(()),
    }
}

/// Does something at once, and then again and again.
async fn again(every: Duration, broker: Arc<Broker>, chore: impl AsyncFn(&Broker)) {
    loop {
        chore(&broker).await;
        tokio::time::sleep(every).await;
    }
}
