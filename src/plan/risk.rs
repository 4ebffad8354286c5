//! What a reviewer must not miss: deletions, licences that shrink, addresses that logins may lead to, rights that are
//! given, protection that is taken away, and what was changed by hand and gets overwritten.

use std::collections::BTreeMap;

use serde_json::Value;

use super::review::{TENANT, replace_word};
use super::{Action, Cause, Change, FieldChange, Plan, licence};
use crate::state::permissions::{ADMIN_PERMISSIONS, is_permission};
use crate::state::{Fields, Kind, ObjectId};

/// A danger, and the tenants that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// Of which sort.
    pub sort: Sort,
    /// What happens: words and values in turn.
    pub what: Vec<Part>,
    /// Indices of the tenants in the plan. Where they are several, [`TENANT`] stands for the name of each.
    pub tenants: Vec<usize>,
}

/// Sorts of danger, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// An object is removed.
    Deletion,
    /// A licence shrinks, ends earlier or is taken away.
    Licence,
    /// Logins may lead to one more address.
    Redirect,
    /// Somebody gets a right, or somebody else may vouch for users.
    Right,
    /// A protection is switched off.
    Protection,
    /// A change made by hand is overwritten.
    Drift,
}

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Our own words.
    Word(&'static str),
    /// A value, of which nothing is known.
    Value(String),
}

impl Part {
    /// With a name in its value exchanged for another: what many tenants have alike but for their own is one danger.
    fn exchanged(self, from: &str, to: &str) -> Self {
        match self {
            Self::Value(value) => Self::Value(replace_word(&value, from, to)),
            word @ Self::Word(_) => word,
        }
    }
}

type Found = BTreeMap<(Sort, Vec<Part>), Vec<usize>>;

/// The dangers of a plan. Of births there are none: whatever is in a new realm is new.
pub(super) fn risks(plan: &Plan) -> Vec<Risk> {
    let mut found = Found::new();
    for (index, tenant) in plan.tenants.iter().enumerate().filter(|(_, tenant)| !tenant.is_birth()) {
        for change in &tenant.changes {
            let mut note = |sort, what: Vec<Part>| {
                let what = what.into_iter().map(|part| part.exchanged(&tenant.tenant, TENANT)).collect();
                let tenants = found.entry((sort, what)).or_default();
                if tenants.last() != Some(&index) {
                    tenants.push(index);
                }
            };
            deletions(change, &mut note);
            licences(change, &mut note);
            redirects(change, &mut note);
            rights(change, &mut note);
            protection(change, &mut note);
            drift(change, &mut note);
        }
    }
    let own = |what: Vec<Part>, tenants: &[usize]| match tenants {
        [only] => what.into_iter().map(|part| part.exchanged(TENANT, &plan.tenants[*only].tenant)).collect(),
        _ => what,
    };
    let told = |((sort, what), tenants): (_, Vec<usize>)| Risk { sort, what: own(what, &tenants), tenants };
    let mut risks: Vec<Risk> = found.into_iter().map(told).collect();
    risks.sort_by_key(|risk| (risk.sort, std::cmp::Reverse(risk.tenants.len())));
    risks
}

fn object(change: &Change) -> Part {
    Part::Value(change.object.to_string())
}

fn value(value: &Value) -> Part {
    Part::Value(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn deletions(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    if change.action == Action::Delete {
        note(Sort::Deletion, vec![object(change)]);
    }
}

fn licences(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    if change.object.kind != Kind::Realm {
        return;
    }
    for (serial, terms) in licence::changed(&change.fields) {
        let serial = Part::Value(serial.to_owned());
        if let Some((Some(_), None)) = terms.get("serial") {
            note(Sort::Licence, vec![serial, Part::Word("is taken away")]);
            continue;
        }
        for (key, (before, after)) in terms {
            let (Some(before), Some(after)) = (before, after) else { continue };
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (from, to) = (text(before), text(after));
            let word = match key {
                "seats" if to.parse::<u64>().ok() < from.parse::<u64>().ok() => "has fewer seats:",
                "validUntil" if to < from => "ends earlier:",
                "validFrom" if to > from => "begins later:",
                "autoRenew" if to == "false" => "is no longer renewed by itself:",
                "type" | "product" => "is for something else:",
                _ => continue,
            };
            let what = vec![serial.clone(), Part::Word(word), Part::Value(from), Part::Word("→"), Part::Value(to)];
            note(Sort::Licence, what);
        }
    }
}

/// Fields of a client that say where logins may lead, and who may use their tokens from a browser.
const ADDRESSES: [&str; 3] = ["redirectUris", "webOrigins", "attributes.post.logout.redirect.uris"];

/// The addresses in a field's value.
pub(super) fn addresses(path: &str, value: Option<&Value>) -> Vec<String> {
    let list = value.into_iter().flat_map(|value| match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(),
        Value::String(text) => text.split("##").map(str::to_owned).collect(),
        _ => Vec::new(),
    });
    // `+` stands for addresses that are listed elsewhere, `-` for none.
    list.filter(|text| ADDRESSES.contains(&path) && !matches!(text.as_str(), "+" | "-" | "")).collect()
}

/// What a change gives that was not there, by field: what it was and what it becomes. What was taken away by hand and
/// comes back is not given.
fn given<'a>(
    change: &'a Change,
    created: &'a Fields,
) -> impl Iterator<Item = (&'a String, Option<&'a Value>, &'a Value)> {
    let fields = change.fields.iter().filter(|field| field.cause != Cause::Drift);
    let fields = fields.filter_map(|field| Some((&field.path, field.before.as_ref(), field.after.as_ref()?)));
    let created = created.iter().filter(|_| change.cause != Cause::Drift);
    fields.chain(created.map(|(path, after)| (path, None, after)))
}

fn redirects(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    if change.object.kind != Kind::Client {
        return;
    }
    for (path, before, after) in given(change, &change.created()) {
        let known = addresses(path, before);
        for new in addresses(path, Some(after)).into_iter().filter(|address| !known.contains(address)) {
            let wide = wide(&new);
            let mut what = vec![object(change), Part::Word("gets"), Part::Value(new)];
            what.extend(wide.map(Part::Word));
            note(Sort::Redirect, what);
        }
    }
}

/// What is wrong with an address at first sight.
pub(super) fn wide(address: &str) -> Option<&'static str> {
    let host = address.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    if address == "*" || host.contains('*') {
        Some("(any host)")
    } else if address.starts_with("http://")
        && !["localhost", "127.0.0.1", "[::1]"].iter().any(|own| host.starts_with(own))
    {
        Some("(not encrypted)")
    } else {
        None
    }
}

fn rights(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    let kind = change.object.kind;
    if change.action == Action::Create && kind == Kind::IdentityProvider && change.cause != Cause::Drift {
        note(Sort::Right, vec![Part::Word("users may log in through the new"), object(change)]);
    }
    granted(change, note);
    for (path, before, after) in given(change, &change.created()) {
        let gained: Vec<ObjectId> = if matches!(kind, Kind::User | Kind::Group) {
            ObjectId::of_membership(path).filter(|_| before.is_none()).into_iter().collect()
        } else if path.starts_with("composites.") {
            let known = before.and_then(Value::as_array).cloned().unwrap_or_default();
            let names = after.as_array().into_iter().flatten().filter(|role| !known.contains(role));
            let client = path.strip_prefix("composites.client.");
            let id = |name: &str| match client {
                Some(client) => ObjectId::within(Kind::ClientRole, client, name),
                None => ObjectId::new(Kind::RealmRole, name),
            };
            names.filter_map(Value::as_str).map(id).collect()
        } else {
            Vec::new()
        };
        // Every user has the default roles.
        for role in gained.into_iter().filter(|role| !role.key.starts_with("default-roles-")) {
            note(Sort::Right, vec![object(change), Part::Word("gets"), Part::Value(role.to_string())]);
        }
    }
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

/// Settings that protect, and the value at which they do not; `None`: being taken away.
const PROTECTION: [(Kind, &str, Option<&str>); 17] = [
    (Kind::Realm, "bruteForceProtected", Some("false")),
    (Kind::Realm, "sslRequired", Some("none")),
    (Kind::Realm, "verifyEmail", Some("false")),
    (Kind::Realm, "passwordPolicy", None),
    (Kind::Realm, "revokeRefreshToken", Some("false")),
    (Kind::Realm, "registrationAllowed", Some("true")),
    (Kind::Realm, "eventsEnabled", Some("false")),
    (Kind::Realm, "adminEventsEnabled", Some("false")),
    (Kind::Realm, "enabled", Some("false")),
    (Kind::Client, "enabled", Some("false")),
    (Kind::Client, "publicClient", Some("true")),
    (Kind::Client, "directAccessGrantsEnabled", Some("true")),
    (Kind::Client, "implicitFlowEnabled", Some("true")),
    (Kind::Client, "consentRequired", Some("false")),
    (Kind::Client, "attributes.pkce.code.challenge.method", None),
    (Kind::IdentityProvider, "trustEmail", Some("true")),
    (Kind::IdentityProvider, "config.validateSignature", Some("false")),
];

fn protection(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    for FieldChange { path, after, .. } in change.fields.iter().filter(|field| field.cause != Cause::Drift) {
        let known = PROTECTION.iter().find(|(kind, name, _)| *kind == change.object.kind && name == path);
        let Some((_, _, open)) = known else { continue };
        let text = after.as_ref().map(|after| after.as_str().map_or_else(|| after.to_string(), str::to_owned));
        if text.as_deref().filter(|text| !text.is_empty()) == *open {
            let to = value(after.as_ref().unwrap_or(&Value::Null));
            let what = match after {
                Some(_) => vec![object(change), Part::Value(path.clone()), Part::Word("becomes"), to],
                None => vec![object(change), Part::Value(path.clone()), Part::Word("is taken away")],
            };
            note(Sort::Protection, what);
        }
    }
}

fn drift(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    let outside = |cause: Cause| matches!(cause, Cause::Drift | Cause::Both);
    if change.action == Action::Create && outside(change.cause) {
        note(Sort::Drift, vec![object(change), Part::Word("was removed and is made again")]);
    }
    let fields: Vec<Part> = change
        .fields
        .iter()
        .filter(|field| outside(field.cause))
        .map(|field| Part::Value(field.path.clone()))
        .collect();
    if !fields.is_empty() {
        note(Sort::Drift, [vec![object(change), Part::Word("in")], fields].concat());
    }
}
