//! `GET /t/TENANT/login.json`: where a tenant's users log in at a terminal.

use axum::response::{IntoResponse, Json, Response};

use super::request::Asked;
use crate::expand::TERMINAL;
use crate::login::place::Place;
use crate::login::tenant::Found;

/// Tells it, where terminals are let in. There is one answer for tenants that are not there and for brokers that let none in.
pub(super) async fn place(asked: Asked) -> Response {
    let tenant = match asked.tenant() {
        Found::Here(tenant) if asked.served.terminals => tenant,
        // Who asks at the main host need not know where the tenant's browsers go.
        Found::At(_) if asked.served.terminals => match asked.tenant_anywhere() {
            Some(tenant) => tenant,
            None => return asked.nobody(),
        },
        _ => return asked.nobody(),
    };
    Json(Place {
        tenant: tenant.name.clone(),
        label: tenant.label.clone(),
        issuer: tenant.issuer.clone(),
        client: TERMINAL.to_owned(),
        audiences: asked.served.audiences.iter().cloned().collect(),
    })
    .into_response()
}
