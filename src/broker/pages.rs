//! The broker's own pages: few, without scripts, in the language that the browser asks for, in the brand of the tenant where it
//! is known.

mod policy;
mod words;

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use crate::login::brand::Brand;
use crate::login::fault::Fault;
use crate::login::session::Session;
use crate::login::tenant::Tenant;
pub(super) use policy::Policy;
pub(super) use words::Language;
use words::Words;

const STYLE: &str = include_str!("pages/style.css");

/// What is around every page.
struct Frame {
    words: &'static Words,
    style: &'static str,
    colours: Option<String>,
    tenant: Option<Arc<Tenant>>,
}

impl Frame {
    fn new(language: Language, tenant: Option<&Arc<Tenant>>) -> Self {
        let colours = tenant.and_then(|tenant| colours(&tenant.brand));
        Self { words: language.words(), style: STYLE, colours, tenant: tenant.cloned() }
    }
}

/// The styles of a brand. Colours are the only thing in it.
fn colours(brand: &Brand) -> Option<String> {
    brand.primary.map(|primary| format!(":root{{--act:{primary};--on:{}}}", primary.text()))
}

#[derive(Template)]
#[template(path = "choose.html")]
struct Choose {
    frame: Frame,
    /// Whether addresses of e-mail lead somewhere.
    by_address: bool,
    last: Option<(String, String)>,
    back: Option<String>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame,
    label: &'a str,
    name: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
    link: Option<(&'a str, &'a str)>,
    reference: Option<&'a str>,
}

/// The tenant whose brand an answer shows, for its policy.
#[derive(Clone)]
struct Shown(Arc<Tenant>);

/// The brand that an answer shows.
pub(super) fn shown(response: &Response) -> Option<&Brand> {
    response.extensions().get::<Shown>().map(|Shown(tenant)| &tenant.brand)
}

fn page(status: StatusCode, template: &impl Template, tenant: Option<Arc<Tenant>>) -> Response {
    match template.render() {
        Ok(text) => {
            let mut response = (status, Html(text)).into_response();
            tenant.into_iter().for_each(|tenant| drop(response.extensions_mut().insert(Shown(tenant))));
            response
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Where do you work? `last` is what this browser chose before, by its label and address.
pub(super) fn choose(
    language: Language,
    by_address: bool,
    last: Option<(String, String)>,
    back: Option<String>,
) -> Response {
    page(StatusCode::OK, &Choose { frame: Frame::new(language, None), by_address, last, back }, None)
}

/// Who is logged in, and the way out.
pub(super) fn home(language: Language, session: &Session) -> Response {
    let identity = &session.identity;
    let name = identity.name().or(identity.user());
    let tenant = &session.tenant;
    let home = Home { frame: Frame::new(language, Some(tenant)), label: &tenant.label, name };
    page(StatusCode::OK, &home, Some(tenant.clone()))
}

/// There is no such tenant, or none that may be known of.
pub(super) fn nobody(language: Language) -> Response {
    let words = language.words();
    notice(StatusCode::NOT_FOUND, language, None, [words.nobody, words.nobody_text], None, None)
}

/// Logged out.
pub(super) fn signed_out(language: Language, tenant: &Arc<Tenant>, again: &Url) -> Response {
    let words = language.words();
    let said = [words.signed_out, words.signed_out_text];
    notice(StatusCode::OK, language, Some(tenant), said, Some((words.sign_in, again.as_str())), None)
}

/// A login came to nothing. The page says why only where its user can do something about it.
pub(super) fn failed(language: Language, tenant: &Arc<Tenant>, fault: Fault, again: &Url, reference: &str) -> Response {
    let words = language.words();
    let (status, said) = match fault {
        Fault::Provider | Fault::NoPkce | Fault::Store => (StatusCode::BAD_GATEWAY, [words.away, words.away_text]),
        Fault::Rate => (StatusCode::TOO_MANY_REQUESTS, [words.many, words.many_text]),
        Fault::NoSeat => (StatusCode::FORBIDDEN, [words.no_seat, words.no_seat_text]),
        Fault::SeatsTaken => (StatusCode::FORBIDDEN, [words.taken, words.taken_text]),
        Fault::SeatLost => (StatusCode::FORBIDDEN, [words.taken, words.seat_lost_text]),
        Fault::Suspended => (StatusCode::FORBIDDEN, [words.shut, words.suspended_text]),
        Fault::Expired => (StatusCode::FORBIDDEN, [words.shut, words.expired_text]),
        Fault::Address => (StatusCode::FORBIDDEN, [words.blocked, words.blocked_text]),
        _ => (StatusCode::BAD_REQUEST, [words.failed, words.failed_text]),
    };
    notice(status, language, Some(tenant), said, Some((words.again, again.as_str())), Some(reference))
}

fn notice(
    status: StatusCode,
    language: Language,
    tenant: Option<&Arc<Tenant>>,
    [title, text]: [&str; 2],
    link: Option<(&str, &str)>,
    reference: Option<&str>,
) -> Response {
    page(status, &Notice { frame: Frame::new(language, tenant), title, text, link, reference }, tenant.cloned())
}
