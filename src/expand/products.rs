//! What a licence gives and nothing else may: a product's client with its roles, and so many seats.
//!
//! What a realm should be is looked at whole, however it came about: by a template, a difference of the realm, a user.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::gates;
use crate::diagnostic::{Diagnostic, Span};
use crate::manifest::resolve::{Network, Tenant};
use crate::state::seats::{giving, having, seat};
use crate::state::{Kind, ObjectId, RealmState};

/// A field of an object.
pub(super) type Field = (ObjectId, String);

/// What is wrong with a field.
pub(super) struct Wrong {
    pub code: &'static str,
    pub field: Field,
    pub message: String,
    pub hint: String,
}

/// Checks the realm of one tenant; `places` tells where its fields are written.
pub(super) fn check(
    network: &Network,
    tenant: &Tenant,
    state: &RealmState,
    places: impl FnOnce() -> BTreeMap<Field, Span>,
    found: &mut Vec<Diagnostic>,
) {
    let licensed = tenant.products();
    let mut wrong = Vec::new();
    for (product, terms) in &network.products {
        if licensed.contains(product.as_str()) && terms.concurrent.is_none() {
            wrong.extend(for_everybody(tenant, product, state));
            wrong.extend(too_many(tenant, product, state));
            wrong.extend(gates::around(tenant, product, state));
        } else if !licensed.contains(product.as_str()) {
            wrong.extend(unlicensed(tenant, product, state));
        }
    }
    if wrong.is_empty() {
        return;
    }
    let places = places();
    let told = wrong.into_iter().map(|Wrong { code, field, message, hint }| {
        let at = places.get(&field).copied().unwrap_or(tenant.span);
        Diagnostic::error(code, at, message).hint(hint)
    });
    found.extend(told);
}

/// What brings a product into a realm that has no licence for it.
fn unlicensed(tenant: &Tenant, product: &str, state: &RealmState) -> Vec<Wrong> {
    let client = ObjectId::new(Kind::Client, product);
    let mut wrong = Vec::new();
    let mut note = |id: &ObjectId, path: &str, does: &str| {
        wrong.push(Wrong {
            code: "unlicensed-product",
            field: (id.clone(), path.to_owned()),
            message: format!(
                "{}/{id} {does} `{product}`, which no licence or grant gives `{}`",
                tenant.name, tenant.name
            ),
            hint: "a licence or a grant brings all that belongs to the product: give it one, or take this out".into(),
        });
    };
    // Of the client itself, it goes without saying what belongs to it.
    for (id, object) in state.objects.iter().filter(|(id, _)| state.get(&client).is_none() || !id.is_within(&client)) {
        for (path, value) in &object.fields {
            if (*id == client || id.is_within(&client)) && path == id.kind.spec().key {
                note(id, path, "is of the product");
            } else if id.targets(path, value).iter().any(|target| *target == client || target.is_within(&client)) {
                note(id, path, "gives a role of the product");
            } else if stands_for(product, id.kind, path, value) {
                note(id, path, "hands out what is of the product");
            }
        }
    }
    wrong
}

/// True for a setting of a mapper that is about a product's client or its roles.
fn stands_for(product: &str, kind: Kind, path: &str, value: &Value) -> bool {
    if !matches!(kind, Kind::ClientMapper | Kind::ScopeMapper | Kind::IdentityProviderMapper | Kind::SubComponent) {
        return false;
    }
    let text = match (value, value.as_array().map(Vec::as_slice)) {
        (Value::String(text), _) | (_, Some([Value::String(text)])) => text.replace("\\.", "."),
        _ => return false,
    };
    let below = |text: &str| text.strip_prefix(product).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match path {
        "config.included.client.audience" | "config.included.custom.audience" | "config.client.id" => text == product,
        "config.role" | "config.new.role.name" => text != product && below(&text),
        "config.claim.name" => text.strip_prefix("resource_access.").is_some_and(below),
        "config.claim.value" => text == product || text.contains(&format!("\"{product}\"")),
        _ => false,
    }
}

/// What gives a seat to everybody, however many are licensed.
fn for_everybody(tenant: &Tenant, product: &str, state: &RealmState) -> Vec<Wrong> {
    let roles = giving(state, product);
    let groups = having(state, &roles);
    let default = ObjectId::new(Kind::RealmRole, format!("default-roles-{}", tenant.name));
    let everybodys = if roles.contains(&default) { contained(state, default) } else { BTreeSet::new() };
    // An audience alone lets nobody in.
    let forged = |kind, path: &str, value: &Value| {
        matches!(kind, Kind::ClientMapper | Kind::ScopeMapper)
            && !path.ends_with(".audience")
            && value != product
            && stands_for(product, kind, path, value)
    };
    let mut wrong = Vec::new();
    for (id, object) in &state.objects {
        for (path, value) in &object.fields {
            let targets = id.targets(path, value);
            let by_role = everybodys.contains(id) && targets.contains(&seat(product));
            let by_group = path == "defaultGroups" && targets.iter().any(|target| groups.contains(target));
            if !by_role && !by_group && !forged(id.kind, path, value) {
                continue;
            }
            wrong.push(Wrong {
                code: "seat-for-everybody",
                field: (id.clone(), path.clone()),
                message: format!("{}/{id} gives everybody a seat of `{product}`, whatever is licensed", tenant.name),
                hint: "take it out: seats are given to single users, or to a group that users are put into".into(),
            });
        }
    }
    wrong
}

/// A role and all that it contains.
fn contained(state: &RealmState, role: ObjectId) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::from([role.clone()]);
    let mut open = vec![role];
    while let Some(id) = open.pop() {
        let fields = state.get(&id).into_iter().flat_map(|object| &object.fields);
        let inner: Vec<ObjectId> = fields.flat_map(|(path, value)| id.targets(path, value)).collect();
        open.extend(inner.into_iter().filter(|target| found.insert(target.clone())));
    }
    found
}

/// Declared users who hold more seats than are licensed.
fn too_many(tenant: &Tenant, product: &str, state: &RealmState) -> Option<Wrong> {
    let licences = tenant.settings.licences.iter().filter(|licence| licence.product == product);
    let granted = tenant.settings.grants.get(product).and_then(|amount| u64::try_from(*amount).ok());
    let seats = licences.map(|licence| u64::from(licence.seats)).sum::<u64>() + granted.unwrap_or_default();
    let roles = giving(state, product);
    let groups = having(state, &roles);
    let gives = |path: &str| {
        let target = ObjectId::of_membership(Kind::User, path);
        target.is_some_and(|target| roles.contains(&target) || groups.contains(&target))
    };
    let holds = |fields: &crate::state::Fields| fields.keys().find(|path| gives(path)).cloned();
    let holders: Vec<Field> =
        state.of_kind(Kind::User).filter_map(|(id, user)| Some((id.clone(), holds(&user.fields)?))).collect();
    let field = holders.get(usize::try_from(seats).ok()?)?.clone();
    Some(Wrong {
        code: "too-many-seats",
        field,
        message: format!(
            "{} users of `{}` are declared to hold a seat of `{product}`, and it has {seats}",
            holders.len(),
            tenant.name
        ),
        hint: "raise `seats` of a licence, or what is granted, or take the seat from some of them".into(),
    })
}
