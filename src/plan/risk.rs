//! What a reviewer must not miss: deletions, licences that shrink, addresses that logins may lead to, rights that are
//! given, protection that is weakened, and what was changed by hand and gets overwritten. What a repair takes back is
//! none of these but the last.

mod protection;
mod rights;

use std::collections::BTreeMap;

use serde_json::Value;

use super::review::{TENANT, replace_word};
use super::{Action, Cause, Change, Plan, TenantPlan, licence};
use crate::state::{Fields, Kind};
use protection::protection;
use rights::rights;

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
    /// Somebody changed what a realm says of its licences.
    Tampering,
    /// An object is removed, with its parts.
    Deletion,
    /// What others put into such an object goes with it.
    Along,
    /// A licence shrinks, ends earlier or is taken away.
    Licence,
    /// Logins may lead to one more address.
    Redirect,
    /// Somebody gets a right, or somebody else may vouch for users.
    Right,
    /// A protection is weakened, or logins go another way.
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

/// The dangers of a plan, or of what was done `by_hand`. Of births there are none: whatever is in a new realm is new.
pub(super) fn risks(plan: &Plan, by_hand: bool) -> Vec<Risk> {
    let mut found = Found::new();
    for (index, tenant) in plan.tenants.iter().enumerate().filter(|(_, tenant)| !tenant.is_birth()) {
        let mut note = |sort, what: Vec<Part>| {
            let what = what.into_iter().map(|part| part.exchanged(&tenant.tenant, TENANT)).collect();
            let tenants = found.entry((sort, what)).or_default();
            if tenants.last() != Some(&index) {
                tenants.push(index);
            }
        };
        for tampering in &tenant.tampering {
            let path = tampering.path.clone().map(Part::Value);
            let what = [Part::Value(tampering.object.to_string())].into_iter().chain(path);
            note(Sort::Tampering, what.chain([Part::Word(tampering.how.words())]).collect());
        }
        deletions(tenant, &mut note);
        for policy in tenant.missing.iter().filter(|id| id.kind.is_own_registration_policy(&id.key)) {
            let why = "was removed by others: clients may be registered that it kept out";
            note(Sort::Protection, vec![Part::Value(policy.to_string()), Part::Word(why)]);
        }
        for change in &tenant.changes {
            licences(change, by_hand, &mut note);
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
    // What something is wrong with at first sight stands before what is done to many.
    risks.sort_by_key(|risk| (risk.sort, !risk.is_marked(), std::cmp::Reverse(risk.tenants.len())));
    risks
}

impl Risk {
    fn is_marked(&self) -> bool {
        self.what.iter().any(|part| matches!(part, Part::Word(word) if word.starts_with('(')))
    }
}

fn object(change: &Change) -> Part {
    Part::Value(change.object.to_string())
}

fn value(value: &Value) -> Part {
    Part::Value(text(value))
}

/// A value as text, without the list around the one entry of a component's setting.
fn text(value: &Value) -> String {
    match (value, value.as_array().map(Vec::as_slice)) {
        (Value::String(text), _) | (_, Some([Value::String(text)])) => text.clone(),
        _ => value.to_string(),
    }
}

/// Components that users come from.
const DIRECTORIES: &str = "org.keycloak.storage.UserStorageProvider/";

fn deletions(tenant: &TenantPlan, note: &mut impl FnMut(Sort, Vec<Part>)) {
    let deleted = || tenant.changes.iter().filter(|change| change.action == Action::Delete);
    for change in deleted().filter(|change| !deleted().any(|other| change.object.is_within(&other.object))) {
        let users = change.object.key.starts_with(DIRECTORIES);
        let with = users.then_some(Part::Word("(with all users that came from it)"));
        note(Sort::Deletion, [object(change)].into_iter().chain(with).collect());
    }
    for (id, owner) in tenant.going() {
        let [id, owner] = [id, owner].map(|id| Part::Value(id.to_string()));
        note(Sort::Along, vec![id, Part::Word("with"), owner]);
    }
}

fn licences(change: &Change, by_hand: bool, note: &mut impl FnMut(Sort, Vec<Part>)) {
    if change.object.kind != Kind::Realm {
        return;
    }
    for (serial, terms) in licence::changed(&change.fields) {
        let serial = Part::Value(serial.to_owned());
        match terms.get("serial") {
            Some((Some(_), None)) => {
                note(Sort::Licence, vec![serial, Part::Word("is taken away")]);
                continue;
            }
            Some((None, Some(_))) if by_hand => note(Sort::Licence, vec![serial.clone(), Part::Word("is new")]),
            _ => {}
        }
        for (key, (before, after)) in terms {
            let (Some(before), Some(after)) = (before, after) else { continue };
            let (from, to) = (text(before), text(after));
            let word = match key {
                "seats" if to.parse::<u64>().ok() < from.parse::<u64>().ok() => "has fewer seats:",
                "validUntil" if to < from => "ends earlier:",
                "validFrom" if to > from => "begins later:",
                "autoRenew" if to == "false" => "is no longer renewed by itself:",
                "type" | "product" => "is for something else:",
                // Nobody gives more by hand.
                "seats" if by_hand => "has more seats:",
                "validUntil" if by_hand => "ends later:",
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
    } else if ["http://", "ldap://"].iter().any(|open| address.starts_with(open))
        && !["localhost", "127.0.0.1", "[::1]"].iter().any(|own| host.starts_with(own))
    {
        Some("(not encrypted)")
    } else {
        None
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
