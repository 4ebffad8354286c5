//! A login by a browser on this machine, which comes back to a port of it (RFC 8252 §7.3).

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use openidconnect::PkceCodeChallenge;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::{Login, Realm, TerminalError};
use crate::broker::{now, random};
use crate::login::fault::Fault;
use crate::login::pending::{Answer, LIFETIME, Pending};

/// What a browser brought, and where to say what comes of it.
type Brought = (String, oneshot::Sender<bool>);

impl Realm {
    /// Logs somebody in who opens an address in a browser on this machine, and waits until it comes back.
    pub async fn by_browser(&self, audiences: &[String], told: impl FnOnce(&Url)) -> Result<Login, TerminalError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(TerminalError::NoPort)?;
        let here = listener.local_addr().map_err(TerminalError::NoPort)?;
        let back = format!("http://{here}/callback");
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let secret = || random().ok_or(TerminalError::Refused(Fault::Provider));
        let pending = Pending {
            tenant: self.place.tenant.clone(),
            state: secret()?,
            nonce: secret()?,
            verifier: verifier.into_secret(),
            back,
            at: now(),
        };
        let url = self.address(&pending, &challenge, &Self::scope(audiences)).await.map_err(TerminalError::Refused)?;
        told(&url);
        let (bring, mut brought) = mpsc::channel::<Brought>(4);
        let router = Router::new().route("/callback", get(take)).with_state((here.to_string(), bring));
        let serving = tokio::spawn(axum::serve(listener, router).into_future());
        let login = tokio::time::timeout(Duration::from_secs(LIFETIME), self.answered(&pending, &mut brought)).await;
        // The browser is still to be given its page.
        tokio::time::sleep(Duration::from_millis(200)).await;
        serving.abort();
        login.map_err(|_| TerminalError::Refused(Fault::Late))?
    }

    /// Where the browser begins.
    async fn address(&self, pending: &Pending, challenge: &PkceCodeChallenge, scope: &str) -> Result<Url, Fault> {
        let mut url = self.provider.authorization.url().clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &*self.place.client),
            ("redirect_uri", &*pending.back),
            ("scope", scope),
            ("state", &*pending.state),
            ("nonce", &*pending.nonce),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        match self.provider.pushes() {
            Some(endpoint) => self.provider.pushed(endpoint, &url, &self.place.client, &[]).await,
            None => Ok(url),
        }
    }

    /// The answer to this login. Others are refused and not the end of it: any page can send a browser here.
    async fn answered(&self, pending: &Pending, brought: &mut mpsc::Receiver<Brought>) -> Result<Login, TerminalError> {
        while let Some((query, reply)) = brought.recv().await {
            let accepted = Answer::of(&query).and_then(|answer| {
                let issuer = &self.place.issuer;
                pending.accepts(&answer, &self.place.tenant, issuer, self.provider.names_itself(), now())?;
                Ok(answer)
            });
            let login = match accepted {
                Ok(Answer { code: Some(code), .. }) => self.redeemed(pending, &code).await,
                Ok(Answer { code: None, .. }) => Err(TerminalError::Refused(Fault::Denied)),
                Err(Fault::State | Fault::Parameters) => {
                    let _ = reply.send(false);
                    continue;
                }
                Err(fault) => Err(TerminalError::Refused(fault)),
            };
            let _ = reply.send(login.is_ok());
            return login;
        }
        Err(TerminalError::Refused(Fault::Late))
    }

    async fn redeemed(&self, pending: &Pending, code: &str) -> Result<Login, TerminalError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &*self.place.client),
            ("code", code),
            ("redirect_uri", &*pending.back),
            ("code_verifier", &*pending.verifier),
        ];
        let answer = self.ask(&form).await?;
        self.taken(&answer, Some(&pending.nonce)).await
    }
}

/// Takes what a browser brings, if it was sent to this very address: a name that somebody else leads here is none of ours.
async fn take(
    State((here, bring)): State<(String, mpsc::Sender<Brought>)>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let (reply, came) = oneshot::channel();
    let ours = host == Some(here.as_str()) && bring.send((query.unwrap_or_default(), reply)).await.is_ok();
    let (status, text) = match ours && came.await.unwrap_or_default() {
        true => (StatusCode::OK, "You are logged in at the terminal. This window may be closed."),
        false => (StatusCode::BAD_REQUEST, "This did not log anybody in. The terminal says more."),
    };
    let policy = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    let page =
        format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Login</title><p>{text}</p></html>");
    (status, policy, Html(page)).into_response()
}
