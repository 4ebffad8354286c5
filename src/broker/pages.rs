//! The broker's own pages: few, without scripts, in the language that the browser asks for.

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use url::Url;

use crate::login::fault::Fault;
use crate::login::session::Session;
use crate::login::tenant::Directory;

const STYLE: &str = include_str!("pages/style.css");

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    /// The first of a browser's languages that there is.
    pub(super) fn of(accepted: &str) -> Self {
        let mut asked = accepted.split(',').map(|part| part.trim().split(['-', ';']).next().unwrap_or_default());
        let known = asked.find_map(|code| match code {
            "de" => Some(Self::German),
            "en" => Some(Self::English),
            _ => None,
        });
        known.unwrap_or(Self::English)
    }

    fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

/// What pages say.
struct Words {
    code: &'static str,
    sign_in: &'static str,
    sign_out: &'static str,
    signed_in: &'static str,
    signed_out: &'static str,
    signed_out_text: &'static str,
    organization: &'static str,
    organization_hint: &'static str,
    user: &'static str,
    go_on: &'static str,
    go_on_at: &'static str,
    nobody: &'static str,
    nobody_text: &'static str,
    failed: &'static str,
    failed_text: &'static str,
    shut: &'static str,
    suspended_text: &'static str,
    expired_text: &'static str,
    blocked: &'static str,
    blocked_text: &'static str,
    away: &'static str,
    away_text: &'static str,
    again: &'static str,
    reference: &'static str,
}

const ENGLISH: Words = Words {
    code: "en",
    sign_in: "Sign in",
    sign_out: "Sign out",
    signed_in: "You are signed in",
    signed_out: "You are signed out",
    signed_out_text: "You can close this window.",
    organization: "Organization",
    organization_hint: "The short name of where you work, as your administrator gave it to you.",
    user: "User",
    go_on: "Continue",
    go_on_at: "Continue at",
    nobody: "Nothing is here",
    nobody_text: "Check the name of your organization, or ask your administrator for the address.",
    failed: "The sign-in was not completed",
    failed_text: "It may have taken too long, or have been begun in another window. Begin again.",
    shut: "This organization is closed",
    suspended_text: "It has been suspended. Your administrator knows more.",
    expired_text: "Its licences have expired. Your administrator can renew them.",
    blocked: "You can’t sign in from here",
    blocked_text: "Your organization lets its users in from its own networks only.",
    away: "Sign-in is not possible right now",
    away_text: "Wait a moment, then begin again.",
    again: "Begin again",
    reference: "Reference for your administrator:",
};

const GERMAN: Words = Words {
    code: "de",
    sign_in: "Anmelden",
    sign_out: "Abmelden",
    signed_in: "Sie sind angemeldet",
    signed_out: "Sie sind abgemeldet",
    signed_out_text: "Sie können dieses Fenster schließen.",
    organization: "Organisation",
    organization_hint: "Der Kurzname Ihrer Organisation, wie ihn Ihre Administration Ihnen genannt hat.",
    user: "Benutzer",
    go_on: "Weiter",
    go_on_at: "Weiter bei",
    nobody: "Hier ist nichts",
    nobody_text: "Prüfen Sie den Namen Ihrer Organisation, oder fragen Sie Ihre Administration nach der Adresse.",
    failed: "Die Anmeldung wurde nicht abgeschlossen",
    failed_text: "Vielleicht hat sie zu lange gedauert oder wurde in einem anderen Fenster begonnen. Beginnen Sie neu.",
    shut: "Diese Organisation ist geschlossen",
    suspended_text: "Sie ist gesperrt. Ihre Administration weiß mehr.",
    expired_text: "Ihre Lizenzen sind abgelaufen. Ihre Administration kann sie verlängern.",
    blocked: "Von hier aus ist keine Anmeldung möglich",
    blocked_text: "Ihre Organisation lässt nur Anmeldungen aus ihren eigenen Netzen zu.",
    away: "Eine Anmeldung ist gerade nicht möglich",
    away_text: "Warten Sie einen Augenblick und beginnen Sie neu.",
    again: "Neu beginnen",
    reference: "Angabe für Ihre Administration:",
};

#[derive(Template)]
#[template(path = "choose.html")]
struct Choose {
    words: &'static Words,
    style: &'static str,
    last: Option<(String, String)>,
    back: Option<String>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    words: &'static Words,
    style: &'static str,
    label: &'a str,
    name: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    words: &'static Words,
    style: &'static str,
    title: &'a str,
    text: &'a str,
    link: Option<(&'a str, &'a str)>,
    reference: Option<&'a str>,
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Where do you work? `last` is what this browser chose before, by its label and address.
pub(super) fn choose(language: Language, last: Option<(String, String)>, back: Option<String>) -> Response {
    page(StatusCode::OK, &Choose { words: language.words(), style: STYLE, last, back })
}

/// Who is logged in, and the way out.
pub(super) fn home(language: Language, session: &Session) -> Response {
    let identity = &session.identity;
    let name = identity.name.as_deref().or(identity.user.as_deref());
    let label = &session.tenant.label;
    page(StatusCode::OK, &Home { words: language.words(), style: STYLE, label, name })
}

/// There is no such tenant, or none that may be known of.
pub(super) fn nobody(language: Language) -> Response {
    let words = language.words();
    notice(StatusCode::NOT_FOUND, words, [words.nobody, words.nobody_text], None, None)
}

/// Logged out.
pub(super) fn signed_out(language: Language, again: &Url) -> Response {
    let words = language.words();
    notice(
        StatusCode::OK,
        words,
        [words.signed_out, words.signed_out_text],
        Some((words.sign_in, again.as_str())),
        None,
    )
}

/// A login came to nothing. The page says why only where its user can do something about it.
pub(super) fn failed(language: Language, fault: Fault, again: &Url, reference: &str) -> Response {
    let words = language.words();
    let (status, said) = match fault {
        Fault::Provider | Fault::NoPkce => (StatusCode::BAD_GATEWAY, [words.away, words.away_text]),
        Fault::Suspended => (StatusCode::FORBIDDEN, [words.shut, words.suspended_text]),
        Fault::Expired => (StatusCode::FORBIDDEN, [words.shut, words.expired_text]),
        Fault::Address => (StatusCode::FORBIDDEN, [words.blocked, words.blocked_text]),
        _ => (StatusCode::BAD_REQUEST, [words.failed, words.failed_text]),
    };
    notice(status, words, said, Some((words.again, again.as_str())), Some(reference))
}

fn notice(
    status: StatusCode,
    words: &'static Words,
    [title, text]: [&str; 2],
    link: Option<(&str, &str)>,
    reference: Option<&str>,
) -> Response {
    page(status, &Notice { words, style: STYLE, title, text, link, reference })
}

/// The content security policy of every page. Forms lead to the realms in the end, and browsers hold them to that too.
pub(super) fn policy(directory: &Directory) -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let realms = directory.tenants().filter_map(|tenant| Url::parse(&tenant.issuer).ok());
    let realms: BTreeSet<String> = realms.map(|url| url.origin().ascii_serialization()).collect();
    let own = directory.addresses().origins();
    // One server has all realms of an environment; more than these would be too long for a header.
    let origins = own.into_iter().chain(realms.into_iter().take(16)).collect::<Vec<_>>().join(" ");
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self' {origins}; frame-ancestors 'none'; base-uri 'none'"
    )
}
