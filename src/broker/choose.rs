//! `/` and `/t`: the page where somebody says where they work, or sees that they are logged in.

use std::collections::HashMap;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Redirect, Response};

use super::request::Asked;
use super::start::with_back;
use super::{cookies, pages};
use crate::login::target::target;
use crate::login::tenant::Found;

pub(super) async fn choose(asked: Asked) -> Response {
    let directory = &asked.served.directory;
    let back = asked.parameter("back").and_then(|back| target(&back, &asked.origin()));
    if let Some(sent) = asked.parameter("tenant").and_then(|typed| asked.to(&typed, back.clone())) {
        return sent;
    }
    let session = asked.session().await.ok().flatten();
    if let Some((_, session)) = session {
        return pages::home(asked.language, &session);
    }
    if asked.host != directory.addresses().url().authority() {
        return match directory.of_host(&asked.host) {
            Some(tenant) => Redirect::to(&with_back(directory.addresses().entry(&tenant.name), back)).into_response(),
            None => asked.nobody(),
        };
    }
    let last = cookies::value(&asked.headers, cookies::TENANT).map(|step| directory.at(&asked.host, step));
    let last = match last {
        Some(Found::Here(tenant)) => {
            let url = with_back(directory.addresses().entry(&tenant.name), back.clone());
            Some((tenant.label.clone(), url))
        }
        _ => None,
    };
    pages::choose(asked.language, directory.has_domains(), last, back)
}

/// `POST /t`: what was typed, which is in no address, history or log of a proxy.
pub(super) async fn chosen(asked: Asked, form: Result<Form<HashMap<String, String>>, FormRejection>) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let back = form.get("back").and_then(|back| target(back, &asked.origin()));
    let sent = form.get("tenant").and_then(|typed| asked.to(typed, back.clone()));
    sent.unwrap_or_else(|| Redirect::to(&with_back(asked.origin(), back)).into_response())
}

impl Asked {
    /// To the login of the tenant whose name or address somebody typed, if they typed something. Whether there is such a
    /// tenant is not looked at here: a name becomes an address, whatever it is.
    fn to(&self, typed: &str, back: Option<String>) -> Option<Response> {
        let typed = Some(typed.trim()).filter(|typed| !typed.is_empty())?;
        if typed.contains('@') {
            return Some(self.by_address(typed, back));
        }
        let entry = self.served.directory.addresses().entry(&typed.to_lowercase());
        Some(Redirect::to(&with_back(entry, back)).into_response())
    }
}
