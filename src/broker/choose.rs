//! `GET /` and `GET /t`: the page where somebody says where they work, or sees that they are logged in.

use axum::response::{IntoResponse, Redirect, Response};

use super::request::Asked;
use super::start::with_back;
use super::{cookies, pages};
use crate::login::target::target;
use crate::login::tenant::Found;

pub(super) async fn choose(asked: Asked) -> Response {
    let directory = &asked.broker.directory;
    let back = asked.parameter("back").and_then(|back| target(&back, &asked.origin()));
    // Whether there is such a tenant is not looked at here: what was typed becomes an address, whatever it is.
    if let Some(name) = asked.parameter("tenant").map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty())
    {
        return Redirect::to(&with_back(directory.addresses().entry(&name), back)).into_response();
    }
    let session = asked.session().await.ok().flatten();
    if let Some(session) = session {
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
    pages::choose(asked.language, last, back)
}
