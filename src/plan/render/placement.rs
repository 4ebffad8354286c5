//! On which servers a plan's tenants are, for people.

use std::fmt::Write;

use super::clean;
use super::markdown::code;
use crate::plan::{Load, Placement, Plan};

/// What a plan is for: its one server by its address, or several by their names.
pub(super) fn servers(plan: &Plan) -> String {
    match &plan.placement {
        None => clean(plan.header.server.trim_end_matches("/realms/master")),
        Some(placement) => placement.servers.keys().map(|name| clean(name)).collect::<Vec<_>>().join(", "),
    }
}

/// Where a tenant is, as the end of a line; nothing where there is one server.
pub(super) fn on(plan: &Plan, tenant: &str) -> String {
    let server = plan.placement.as_ref().and_then(|placement| placement.tenants.get(tenant));
    server.map(|server| format!(", on {}", clean(server))).unwrap_or_default()
}

/// How full the servers are, as lines for a terminal.
pub(super) fn text(out: &mut String, placement: &Placement) {
    let width = placement.servers.keys().map(|name| clean(name).chars().count()).max().unwrap_or_default();
    for (name, load) in &placement.servers {
        let url = clean(load.identity.trim_end_matches("/realms/master"));
        let _ = writeln!(out, "server {:width$}  {}  {url}", clean(name), realms(load));
    }
    out.push('\n');
}

fn realms(load: &Load) -> String {
    let change = match load.births() {
        0 => load.after.to_string(),
        _ => format!("{} → {}", load.before, load.after),
    };
    match load.capacity {
        Some(capacity) => format!("{change} of {capacity} realms"),
        None => format!("{change} realms"),
    }
}

/// The same as a section for a pull request.
pub(super) fn markdown(placement: &Placement) -> String {
    let mut out = "**Servers**\n\n| server | realms | address |\n|---|---|---|\n".to_owned();
    for (name, load) in &placement.servers {
        let url = load.identity.trim_end_matches("/realms/master");
        let _ = writeln!(out, "| {} | {} | {} |", code(name), realms(load), code(url));
    }
    out + "\n"
}
