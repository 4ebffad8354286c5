//! Plans for people: as text for a terminal, as Markdown for a pull request. JSON is the plan itself.

mod bookkeeping;
mod delta;
pub mod markdown;
mod placement;
pub mod text;

use serde_json::Value;

use super::part::{Needed, Part};
use super::{Action, Cause, Plan, Refusal, Summary, View};
use crate::licence::Entitlement;
use crate::state::permissions::{ADMIN_PERMISSIONS, is_permission};
use crate::state::sealed::{as_sealed, statement};
use crate::state::secret::{as_reference, sole_reference};
use crate::state::{Kind, ObjectId, RealmState};

/// Longest value that is shown whole.
const WIDTH: usize = 100;

/// Most rights that nobody declared that are named; a plan's JSON has them all.
const RIGHTS: usize = 20;

/// How many of a list of objects are named in a sentence.
const SHOWN: usize = 5;

/// Most foreign fields of an object that are named.
const FIELDS: usize = 12;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matter {
    /// What would be done.
    Plan,
    /// What was done by hand.
    Drift,
}

/// The sign and the word of an action; never the sign alone.
fn sign(action: Action, matter: Matter) -> (&'static str, &'static str) {
    let (sign, word, done) = match action {
        Action::Create => ("+", "create", "added"),
        Action::Update => ("~", "update", "changed"),
        Action::Delete => ("-", "delete", "removed"),
        Action::Adopt => ("=", "adopt", "adopted"),
        Action::Forget => (".", "forget", "forgotten"),
    };
    (sign, if matter == Matter::Plan { word } else { done })
}

/// Why something changes, where it is not the manifest.
fn because(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Manifest => None,
        Cause::Drift => Some("changed outside Realmwright"),
        Cause::Both => Some("changed in the manifest and outside Realmwright"),
        Cause::Adoption => Some("was there before, is managed from now on"),
    }
}

/// A value on one line, cut when it is long.
pub(super) fn show(value: Option<&Value>) -> String {
    let text = match value {
        None => return "(none)".into(),
        Some(value) => match sole_reference(value) {
            Some(reference) => return format!("(secret {})", clean(reference)),
            None => clean(&named(value).to_string()),
        },
    };
    cut(&text)
}

/// A value with the references to secrets in it as words.
fn named(value: &Value) -> Value {
    match (as_reference(value), value) {
        (Some(reference), _) => format!("(secret {reference})").into(),
        (None, sealed) if as_sealed(sealed).is_some() => signed(sealed).into(),
        (None, Value::Array(items)) => items.iter().map(named).collect(),
        (None, Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), named(value))).collect(),
        (None, scalar) => scalar.clone(),
    }
}

/// What a sealed value says, in short.
fn signed(value: &Value) -> String {
    let Some((_, Entitlement { sub, licences, limits, .. })) = statement(value) else { return "(signed)".into() };
    let serials: Vec<&str> = licences.iter().map(|terms| terms.serial.as_str()).collect();
    let limits: Vec<String> =
        limits.iter().filter(|(_, limit)| **limit > 0).map(|(r, limit)| format!("{limit} {r}")).collect();
    let of = |list: String| if list.is_empty() { "none".to_owned() } else { list };
    format!("(signed for {sub}: licences {}; limits {})", of(serials.join(", ")), of(limits.join(", ")))
}

/// A text cut to what a line bears.
fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= WIDTH {
        return text.to_owned();
    }
    format!("{}… ({length} characters)", text.chars().take(WIDTH).collect::<String>())
}

/// Text on one line, without what would make it look like another: control characters, and those that turn the direction
/// of writing or take no room.
fn clean(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if hidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// What a realm is born with, in counts.
fn contents(state: &RealmState) -> String {
    let count = |kind| state.of_kind(kind).count();
    let licences = state.realm().map_or(0, |realm| {
        realm.fields.keys().filter(|path| path.starts_with("attributes.licence.") && path.ends_with(".serial")).count()
    });
    let granted = state.get(&ObjectId::new(Kind::Authorization, ADMIN_PERMISSIONS));
    let granted = granted.and_then(|object| object.fields.get("policies")?.as_array());
    let permissions = granted.map_or(0, |policies| policies.iter().filter(|policy| is_permission(policy)).count());
    let people = state.of_kind(Kind::User).filter(|(id, _)| !id.is_service_account()).count();
    let parts = [
        (count(Kind::Client), "client", "clients"),
        (count(Kind::ClientScope), "client scope", "client scopes"),
        (count(Kind::RealmRole) + count(Kind::ClientRole), "role", "roles"),
        (count(Kind::IdentityProvider), "identity provider", "identity providers"),
        (permissions, "admin permission", "admin permissions"),
        (licences, "licence", "licences"),
        (people, "user", "users"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    parts
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Where a refusal is about, and what.
fn refusal(refusal: &Refusal) -> String {
    match &refusal.place {
        Some(place) => format!("{place}: {}", refusal.message),
        None => format!("the run: {}", refusal.message),
    }
}

/// Something that can be typed, between backticks.
fn quoted(text: &str) -> String {
    format!("`{}`", clean(text).replace('`', "'"))
}

/// What a plan for a part leaves out, and takes in beyond it, in a sentence each.
fn left_out(part: &Part) -> String {
    let options = |option: &str, texts: &[String]| -> Vec<String> {
        texts.iter().map(|text| quoted(&format!("{option} {text}"))).collect()
    };
    let options = [options("--select", &part.select), options("--exclude", &part.exclude)].concat().join(" ");
    let what = match (part.tenants, part.changes) {
        (0, 0) => "nothing".to_owned(),
        (tenants, 0) => count(tenants, "tenant", "tenants"),
        (0, changes) => count(changes, "change", "changes"),
        (tenants, changes) => {
            format!("{}, and {} of the rest", count(tenants, "tenant", "tenants"), count(changes, "change", "changes"))
        }
    };
    let mut text = format!("Left out: {what} ({options}).");
    if !part.needed.is_empty() {
        let address = |one: &Needed, id: &ObjectId| quoted(&format!("{}/{id}", one.tenant));
        let each = |one: &Needed| format!("{} for {}", address(one, &one.object), address(one, &one.by));
        let shown: Vec<String> = part.needed.iter().take(SHOWN).map(each).collect();
        let more = part.needed.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        text.push_str(&format!(" Not selected, but needed: {}{more}.", shown.join(", ")));
    }
    text
}

/// The counts in a sentence, and what is to be known of them.
pub fn summary(plan: &Plan) -> String {
    let refused = plan.refused().count();
    let guards = if refused == 1 { "1 guard refuses".to_owned() } else { format!("{refused} guards refuse") };
    let refused = if refused == 0 { String::new() } else { format!(" {guards} it: nothing can be applied.") };
    format!("{}{}{}{refused}{}", counts(plan), beside(plan, clean), seen(plan, Matter::Plan), part(plan))
}

/// The same of what was changed by hand.
pub fn drift_summary(drifted: &Plan) -> String {
    format!("{}{}{}{}", drift_counts(drifted), beside(drifted, clean), seen(drifted, Matter::Drift), part(drifted))
}

/// A number of something.
pub(crate) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn counts(plan: &Plan) -> String {
    let Summary { realms_to_create, realms_to_change, realms_unchanged, create, update, delete, record, .. } =
        plan.summary;
    if plan.is_empty() {
        return format!("Nothing to do: {} as the manifests say.", count(realms_unchanged, "realm is", "realms are"));
    }
    let inner = [(create, "create"), (update, "update"), (delete, "delete"), (record, "record")];
    let inner = inner.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} to {word}"));
    let inner = inner.collect::<Vec<_>>().join(", ");
    format!(
        "Plan: {} to create, {realms_to_change} to change{}, {realms_unchanged} unchanged.",
        count(realms_to_create, "realm", "realms"),
        if inner.is_empty() { inner } else { format!(" ({inner})") }
    )
}

fn drift_counts(drifted: &Plan) -> String {
    let Summary { realms_to_create, realms_to_change, realms_unchanged, create, update, delete, .. } = drifted.summary;
    let same = count(realms_unchanged, "realm is", "realms are");
    if drifted.is_empty() && drifted.opened().next().is_some() {
        return format!("Drift, in realms in quarantine alone; {same} as last applied.");
    }
    if drifted.is_empty() && drifted.tampered().next().is_some() {
        return format!(
            "Drift, in what nobody declared alone: it is left alone, take it away by hand; {same} as last applied."
        );
    }
    if drifted.is_empty() {
        let part = if drifted.part.is_some() { " in what was selected" } else { "" };
        return format!(
            "No drift{part}: nothing that is managed was changed outside Realmwright; {same} as last applied."
        );
    }
    let mut text = "Drift: ".to_owned();
    if realms_to_change > 0 {
        let inner = [(update, "changed"), (create, "removed"), (delete, "added")];
        let inner = inner.iter().filter(|(count, _)| *count > 0);
        let inner = inner.map(|(number, word)| format!("{} {word}", count(*number, "object", "objects")));
        let realms = count(realms_to_change, "realm was", "realms were");
        let inner = inner.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("{realms} changed outside Realmwright ({inner}), "));
    }
    if realms_to_create > 0 {
        let realms = count(realms_to_create, "realm is", "realms are");
        text.push_str(&format!("{realms} not there (deleted outside Realmwright, or never applied), "));
    }
    format!("{text}{same} as last applied.")
}

/// Names on one line: the first ones.
fn some(paths: &[String]) -> String {
    let shown = paths.iter().take(FIELDS).cloned().collect::<Vec<_>>().join(", ");
    let more = paths.len().saturating_sub(FIELDS);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Rights that nobody declared: they may let a stranger in, so they are named whatever else there is.
fn rights(plan: &Plan, quote: fn(&str) -> String) -> String {
    let users = plan.tenants.iter().flat_map(|tenant| tenant.rights.iter().map(move |entry| (tenant, entry)));
    let all = users.flat_map(|(tenant, (user, paths))| {
        paths
            .iter()
            .map(move |path| (format!("{}/{user}", tenant.tenant), path.split_once('.').map_or("", |(_, name)| name)))
    });
    let all: Vec<String> = all.map(|(user, right)| format!("{} has {}", quote(&user), quote(right))).collect();
    if all.is_empty() {
        return String::new();
    }
    let more = all.len().saturating_sub(RIGHTS);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let listed = all.iter().take(RIGHTS).cloned().collect::<Vec<_>>().join(", ");
    let number = count(all.len(), "right that nobody declared is", "rights that nobody declared are");
    format!(" {number} left alone: {listed}{more}.")
}

/// What is left alone, and what is not known.
fn beside(plan: &Plan, quote: fn(&str) -> String) -> String {
    let Summary { foreign, foreign_fields, missing, realms_quarantined, realms_unread, .. } = plan.summary;
    let mut text = String::new();
    if foreign > 0 {
        text.push_str(&format!(" {} left alone.", count(foreign, "foreign object is", "foreign objects are")));
    }
    let going = plan.tenants.iter().map(|tenant| tenant.going().count()).sum();
    if going > 0 {
        let objects = count(going, "foreign object goes", "foreign objects go");
        text.push_str(&format!(" {objects} with what is deleted."));
    }
    if foreign_fields > 0 {
        let fields = count(foreign_fields, "foreign field is", "foreign fields are");
        text.push_str(&format!(" {fields} left alone."));
    }
    if missing > 0 {
        let objects = count(missing, "object of Keycloak's own is missing", "objects of Keycloak's own are missing");
        text.push_str(&format!(" {objects}."));
    }
    text.push_str(&rights(plan, quote));
    if realms_quarantined > 0 {
        let realms = count(realms_quarantined, "realm in quarantine is", "realms in quarantine are");
        text.push_str(&format!(" {realms} left alone."));
    }
    let opened = plan.opened().count();
    if opened > 0 {
        let realms = count(opened, "of them was", "of them were");
        text.push_str(&format!(" {realms} opened by hand: people can get in."));
    }
    if realms_unread > 0 {
        let realms = count(realms_unread, "realm", "realms");
        text.push_str(&format!(" {realms} could not be read: what else differs there is not known."));
    }
    text
}

/// What an observer does not see.
fn seen(plan: &Plan, matter: Matter) -> &'static str {
    match (plan.header.view, matter) {
        (View::Provisioner, _) => "",
        (View::Observer, Matter::Plan) => {
            " Seen by the observer, who may not write: secrets, the authorization settings of clients, the flow \
             `saml ecp` and, before Keycloak 26.7, organizations inside realms are not compared, whether realms can \
             be created is not tried, and `apply` plans anew."
        }
        (View::Observer, Matter::Drift) => {
            " Seen by the observer: secrets, the authorization settings of clients, the flow `saml ecp` and, before \
             Keycloak 26.7, organizations inside realms are not compared."
        }
    }
}

fn part(plan: &Plan) -> String {
    plan.part.as_ref().map(|part| format!(" {}", left_out(part))).unwrap_or_default()
}
