//! Realms that are born: one line each, with what somebody has to agree to: who it is, which licences, who runs it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::escape::{code, html};
use super::{FEW, Page, legend, names, root, tenants};
use crate::plan::render::contents;
use crate::plan::review::TENANT;
use crate::plan::risk::{addresses, wide};
use crate::plan::{Plan, TenantPlan, licence};
use crate::state::{Kind, ObjectId, RealmState};

/// Most licences and users that are named in one line.
const NAMED: usize = 6;

/// Most addresses that are listed.
const SHOWN: usize = 15;

/// What new realms let in: by sort and value, the tenants. Few tenants first: what is unusual is worth a look.
type Doors = BTreeMap<(&'static str, String), Vec<usize>>;

pub(super) fn write(page: &mut Page, plan: &Plan) {
    let births: Vec<(usize, &TenantPlan, Cow<'_, RealmState>)> = (0..)
        .zip(&plan.tenants)
        .filter(|(_, tenant)| tenant.is_birth())
        .map(|(index, tenant)| (index, tenant, tenant.born()))
        .collect();
    if births.is_empty() {
        return;
    }
    page.push("#### New realms\n\n");
    let mut doors = Doors::new();
    for (index, tenant, state) in &births {
        open(&mut doors, *index, tenant, state);
    }
    page.push(&listed(plan, doors));
    let mut rest = births.as_slice();
    while let Some((_, first, _)) = rest.first() {
        let root = root(first);
        let count = rest.iter().take_while(|(_, tenant, _)| self::root(tenant) == root).count();
        let (branch, next) = rest.split_at(count);
        let lines: Vec<String> = branch.iter().map(|(_, tenant, state)| line(plan, tenant, state)).collect();
        let summary = format!(
            "<code>{}</code>: {}",
            html(root),
            if count == 1 { "1 new realm".into() } else { format!("{count} new realms") }
        );
        page.fold(&summary, births.len() <= FEW, &lines);
        rest = next;
    }
}

/// Notes the addresses that a realm's clients may redirect to, and the identity providers that it trusts.
fn open(doors: &mut Doors, index: usize, tenant: &TenantPlan, state: &RealmState) {
    let mut note = |sort, value: String| {
        let tenants = doors.entry((sort, value)).or_default();
        if tenants.last() != Some(&index) {
            tenants.push(index);
        }
    };
    for (_, client) in state.of_kind(Kind::Client) {
        for address in client.fields.iter().flat_map(|(path, value)| addresses(path, Some(value))) {
            let own = format!("/realms/{}/", tenant.tenant);
            note("redirect", address.replace(&own, &format!("/realms/{TENANT}/")));
        }
    }
    for (id, provider) in state.of_kind(Kind::IdentityProvider) {
        let text = |field: &str| provider.fields.get(field).and_then(|value| value.as_str()).unwrap_or_default();
        let at = ["config.authorizationUrl", "config.singleSignOnServiceUrl", "providerId"].into_iter().map(text);
        note("provider", format!("{} ({})", id.key, at.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")));
    }
}

fn listed(plan: &Plan, doors: Doors) -> String {
    let mut doors: Vec<_> = doors.into_iter().collect();
    doors.sort_by_key(|((sort, _), tenants)| (*sort, tenants.len()));
    let mut out = String::new();
    for (sort, title) in [("provider", "They trust these identity providers"), ("redirect", "Logins may lead to")] {
        let of: Vec<_> = doors.iter().filter(|((found, _), _)| *found == sort).collect();
        if of.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{title}:\n");
        let from = out.len();
        for ((_, value), indices) in of.iter().take(SHOWN) {
            let place = if indices.len() <= FEW { names(plan, indices) } else { tenants(indices.len()) };
            let value = &match indices.as_slice() {
                [only] => value.replace(TENANT, &plan.tenants[*only].tenant),
                _ => value.clone(),
            };
            let wide = wide(value).map(|wide| format!(" **{wide}**")).unwrap_or_default();
            let _ = writeln!(out, "- {}{wide} — {place}", code(value));
        }
        if of.len() > SHOWN {
            let _ = writeln!(out, "- and {} more, each in more tenants", of.len() - SHOWN);
        }
        out.insert_str(from, legend(&out[from..]));
        out.push('\n');
    }
    out
}

fn line(plan: &Plan, tenant: &TenantPlan, state: &RealmState) -> String {
    let mut out = format!("- {} {}, {}", code(&tenant.tenant), code(&tenant.label), tenant.tier);
    if let Some(parent) = tenant.path.last() {
        let _ = write!(out, " below {}", code(parent));
    }
    if let Some(server) = plan.placement.as_ref().and_then(|placement| placement.tenants.get(&tenant.tenant)) {
        let _ = write!(out, ", on {}", code(server));
    }
    let _ = write!(out, ": {}", contents(state));
    out.push('\n');
    let realm = state.realm().map(|realm| realm.fields.clone()).unwrap_or_default();
    let licences = licence::held(&realm);
    for (serial, terms) in licences.iter().take(NAMED) {
        let term = |key: &str| terms.get(key).copied().unwrap_or_default();
        let words =
            format!("{} {}, {} seats until {}", term("product"), term("type"), term("seats"), term("validUntil"));
        let _ = writeln!(out, "  - licence {}: {}", code(serial), code(&words));
    }
    if licences.len() > NAMED {
        let _ = writeln!(out, "  - and {} more licences", licences.len() - NAMED);
    }
    let users: Vec<&ObjectId> =
        state.of_kind(Kind::User).map(|(id, _)| id).filter(|id| !id.is_service_account()).collect();
    for user in users.iter().take(NAMED) {
        let _ = writeln!(out, "  - user {}", code(&user.key));
    }
    if users.len() > NAMED {
        let _ = writeln!(out, "  - and {} more users", users.len() - NAMED);
    }
    out
}
