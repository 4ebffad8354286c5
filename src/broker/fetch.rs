//! Requests of the broker to realms: no redirects, no long answers, no long waits.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::http::header::{ACCEPT, CONTENT_TYPE};
use openidconnect::http::{Request, Response};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::{Origin, Url};

/// The longest answer that is read.
const LONGEST: usize = 512 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no answer")]
    Sending(#[from] reqwest::Error),
    #[error("this is not of the realm's server")]
    Elsewhere,
    #[error("the answer is too long")]
    TooLong,
    #[error("the answer is none")]
    Answer(#[from] openidconnect::http::Error),
}

/// The client for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Fetch(reqwest::Client);

impl Fetch {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(10))
            .user_agent(concat!("realmwright/", env!("CARGO_PKG_VERSION")));
        client.build().map(Self)
    }

    /// For requests to one realm: to its origin, and nowhere else.
    pub(crate) fn within(&self, issuer: &Url) -> Within {
        Within { fetch: self.clone(), origin: issuer.origin() }
    }
}

/// Requests to one origin.
#[derive(Debug, Clone)]
pub(crate) struct Within {
    fetch: Fetch,
    origin: Origin,
}

impl Within {
    /// Posts a form to one of the realm's endpoints.
    pub(crate) async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<HttpResponse, FetchError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body.into_bytes())?;
        self.call(request).await
    }

    /// Asks for something at this origin.
    pub(crate) async fn get(&self, url: &Url) -> Result<HttpResponse, FetchError> {
        let request = Request::get(url.as_str()).header(ACCEPT, "application/json").body(Vec::new())?;
        self.call(request).await
    }
}

impl<'c> AsyncHttpClient<'c> for Within {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string()).ok().filter(|url| url.origin() == self.origin);
            let url = url.ok_or(FetchError::Elsewhere)?;
            let request = self.fetch.0.request(parts.method, url).headers(parts.headers).body(body);
            let mut reply = request.send().await?;
            let mut answer = Response::builder().status(reply.status());
            if let Some(headers) = answer.headers_mut() {
                headers.extend(reply.headers().clone());
            }
            let mut body = Vec::new();
            while let Some(chunk) = reply.chunk().await? {
                if body.len() + chunk.len() > LONGEST {
                    return Err(FetchError::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(answer.body(body)?)
        })
    }
}
