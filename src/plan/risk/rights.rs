//! Rights that are given: roles and groups, what tokens may carry, and who may vouch for users.

use serde_json::Value;

use super::{DIRECTORIES, Part, Sort, given, object, value, wide};
use crate::plan::{Action, Cause, Change, FieldChange};
use crate::state::address::{FEDERATED_IDENTITIES, MEMBERS};
use crate::state::permissions::{ADMIN_PERMISSIONS, is_permission};
use crate::state::{Kind, ObjectId};

pub(super) fn rights(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    vouched(change, note);
    granted(change, note);
    mapped(change, note);
    let kind = change.object.kind;
    let everybody = is_everybodys(&change.object).then_some(Part::Word("(every user)"));
    for (path, before, after) in given(change, &change.created()) {
        let word = match path.split('.').next() {
            Some("composites" | "realmRoles" | "clientRoles" | "groups") => "gets",
            Some("scopeMappings") => "may carry",
            Some(FEDERATED_IDENTITIES) => "lets in an account of",
            Some(MEMBERS) => "takes in",
            Some("defaultGroups") => "puts every new user into",
            _ => continue,
        };
        let membership = ObjectId::of_membership(kind, path);
        let gained: Vec<ObjectId> = if membership.is_some() {
            membership.filter(|_| before != Some(after)).into_iter().collect()
        } else {
            let known = before.and_then(Value::as_array).cloned().unwrap_or_default();
            let names = after.as_array().into_iter().flatten().filter(|name| !known.contains(name));
            names.filter_map(|name| ObjectId::of_reference(kind, path, name.as_str()?)).collect()
        };
        for role in gained.into_iter().filter(|role| !is_everybodys(role)) {
            let rules = role.key.starts_with("realm-management/") && role.kind == Kind::ClientRole;
            let rules = rules.then_some(Part::Word("(a right to administer the realm)"));
            let what = [object(change), Part::Word(word), Part::Value(role.to_string())];
            note(Sort::Right, what.into_iter().chain(everybody.clone()).chain(rules).collect());
        }
    }
}

/// The default roles, which every user has.
fn is_everybodys(role: &ObjectId) -> bool {
    role.kind == Kind::RealmRole && role.key.starts_with("default-roles-")
}

/// Admin permissions that are new, mean something else, or are given to somebody else.
fn granted(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    if change.object != ObjectId::new(Kind::Authorization, ADMIN_PERMISSIONS) {
        return;
    }
    for (_, before, after) in given(change, &change.created()) {
        let known = before.and_then(Value::as_array).cloned().unwrap_or_default();
        for policy in after.as_array().into_iter().flatten().filter(|policy| !known.contains(policy)) {
            let word = if is_permission(policy) { "allow by" } else { "allow whom they mean by" };
            note(Sort::Right, vec![Part::Word("admin permissions"), Part::Word(word), value(&policy["name"])]);
        }
    }
}

/// Settings of mappers that give a role or a group, and what they do with it.
const MAPPED: [(Kind, &str, &str); 8] = [
    (Kind::IdentityProviderMapper, "config.role", "gives users"),
    (Kind::IdentityProviderMapper, "config.group", "puts users into"),
    (Kind::SubComponent, "config.role", "gives users"),
    (Kind::SubComponent, "config.group", "puts users into"),
    (Kind::ClientMapper, "config.role", "puts into tokens"),
    (Kind::ClientMapper, "config.new.role.name", "puts into tokens"),
    (Kind::ScopeMapper, "config.role", "puts into tokens"),
    (Kind::ScopeMapper, "config.new.role.name", "puts into tokens"),
];

fn mapped(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    for (path, _, after) in given(change, &change.created()) {
        let known = MAPPED.iter().find(|(kind, name, _)| *kind == change.object.kind && name == path);
        if let Some((_, _, word)) = known {
            note(Sort::Right, vec![object(change), Part::Word(word), value(after)]);
        }
    }
}

/// Settings that say who vouches for users.
const VOUCHERS: [(Kind, &str); 14] = [
    (Kind::IdentityProvider, "providerId"),
    (Kind::IdentityProvider, "config.authorizationUrl"),
    (Kind::IdentityProvider, "config.tokenUrl"),
    (Kind::IdentityProvider, "config.userInfoUrl"),
    (Kind::IdentityProvider, "config.jwksUrl"),
    (Kind::IdentityProvider, "config.publicKeySignatureVerifier"),
    (Kind::IdentityProvider, "config.issuer"),
    (Kind::IdentityProvider, "config.clientId"),
    (Kind::IdentityProvider, "config.idpEntityId"),
    (Kind::IdentityProvider, "config.singleSignOnServiceUrl"),
    (Kind::IdentityProvider, "config.signingCertificate"),
    (Kind::IdentityProvider, "config.metadataDescriptorUrl"),
    (Kind::Component, "config.connectionUrl"),
    (Kind::Component, "config.usersDn"),
];

/// Identity providers and directories that are new, or others from now on.
fn vouched(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    let id = &change.object;
    if id.kind != Kind::IdentityProvider && !id.key.starts_with(DIRECTORIES) {
        return;
    }
    if change.action == Action::Create && change.cause != Cause::Drift {
        note(Sort::Right, vec![Part::Word("users may log in through the new"), object(change)]);
    }
    for FieldChange { path, before, after, .. } in change.fields.iter().filter(|field| field.cause != Cause::Drift) {
        let after = after.as_ref().map(value);
        let on = matches!(&after, Some(Part::Value(text)) if text == "true");
        if matches!(path.as_str(), "enabled" | "config.enabled") && on {
            note(Sort::Right, vec![Part::Word("users may log in through"), object(change)]);
        } else if VOUCHERS.contains(&(id.kind, path.as_str())) {
            let mut what = vec![object(change), Part::Value(path.clone())];
            match after {
                Some(after) => {
                    let open = if let Part::Value(url) = &after { wide(url) } else { None };
                    match before {
                        Some(before) => what.extend([Part::Word("goes from"), value(before), Part::Word("to"), after]),
                        None => what.extend([Part::Word("becomes"), after]),
                    }
                    what.extend(open.map(Part::Word));
                }
                None => what.push(Part::Word("is taken away")),
            }
            what.push(Part::Word("(somebody else may vouch for users)"));
            note(Sort::Right, what);
        }
    }
}
