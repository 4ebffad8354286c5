//! Protection that is weakened: switches, limits, password policies, and the ways in which users log in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Part, Sort, object, value};
use crate::plan::{Cause, Change, FieldChange};
use crate::state::Kind;

/// When a setting protects less than it did.
#[derive(Debug, Clone, Copy)]
enum Weaker {
    /// At this value.
    At(&'static str),
    /// At this value, and without any.
    Off(&'static str),
    /// At a greater number.
    More,
    /// At a later one of these values.
    Later(&'static [&'static str]),
    /// Where a policy for passwords does not clearly demand all that it did.
    Policy,
    /// At any other value.
    Other,
}

use Weaker::{At, Later, More, Off, Other, Policy};

/// Settings that protect. A trailing `*` stands for any rest.
const PROTECTION: [(Kind, &str, Weaker); 36] = [
    (Kind::Realm, "enabled", At("false")),
    (Kind::Realm, "sslRequired", Later(&["all", "external", "none"])),
    (Kind::Realm, "passwordPolicy", Policy),
    (Kind::Realm, "bruteForceProtected", At("false")),
    (Kind::Realm, "failureFactor", More),
    (Kind::Realm, "verifyEmail", At("false")),
    (Kind::Realm, "duplicateEmailsAllowed", At("true")),
    (Kind::Realm, "registrationAllowed", At("true")),
    (Kind::Realm, "revokeRefreshToken", At("false")),
    (Kind::Realm, "accessTokenLifespan", More),
    (Kind::Realm, "ssoSessionIdleTimeout", More),
    (Kind::Realm, "ssoSessionMaxLifespan", More),
    (Kind::Realm, "eventsEnabled", At("false")),
    (Kind::Realm, "adminEventsEnabled", At("false")),
    (Kind::Realm, "browserSecurityHeaders.*", Other),
    (Kind::Client, "enabled", At("false")),
    (Kind::Client, "publicClient", At("true")),
    (Kind::Client, "directAccessGrantsEnabled", At("true")),
    (Kind::Client, "implicitFlowEnabled", At("true")),
    (Kind::Client, "consentRequired", At("false")),
    (Kind::Client, "fullScopeAllowed", At("true")),
    (Kind::Client, "clientAuthenticatorType", Other),
    (Kind::Client, "attributes.pkce.code.challenge.method", Off("plain")),
    (Kind::Client, "attributes.require.pushed.authorization.requests", Off("false")),
    (Kind::Client, "attributes.jwks.url", Other),
    (Kind::Client, "attributes.jwks.string", Other),
    (Kind::Client, "attributes.saml.client.signature", Off("false")),
    (Kind::IdentityProvider, "trustEmail", At("true")),
    (Kind::IdentityProvider, "config.validateSignature", Off("false")),
    (Kind::IdentityProvider, "config.wantAssertionsSigned", Off("false")),
    (Kind::IdentityProvider, "config.pkceEnabled", Off("false")),
    (Kind::Component, "config.trustEmail", At("true")),
    (Kind::RequiredAction, "enabled", At("false")),
    (Kind::ClientPolicies, "*", Other),
    (Kind::ClientProfiles, "*", Other),
    (Kind::Flow, "*", Other),
];

pub(super) fn protection(change: &Change, note: &mut impl FnMut(Sort, Vec<Part>)) {
    let kind = change.object.kind;
    for field in change.fields.iter().filter(|field| field.cause != Cause::Drift) {
        let FieldChange { path, before, after, .. } = field;
        let is = |name: &str| match name.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => name == path,
        };
        let known = PROTECTION.iter().find(|(of, name, _)| *of == kind && is(name)).map(|(_, _, weaker)| *weaker);
        let known = known.or_else(|| kind.binds_flow(path).then_some(Other));
        let Some(weaker) = known.filter(|weaker| weaker.is(before.as_ref(), after.as_ref())) else { continue };
        let mut what = vec![object(change), Part::Value(path.clone())];
        what.extend(match (weaker, before, after) {
            (_, _, None) => vec![Part::Word("is taken away")],
            (Other, _, Some(Value::Array(_) | Value::Object(_))) => vec![Part::Word("is not what it was")],
            (More | Later(_) | Policy | Other, Some(before), Some(after)) => {
                vec![Part::Word("goes from"), value(before), Part::Word("to"), value(after)]
            }
            (_, _, Some(after)) => vec![Part::Word("becomes"), value(after)],
        });
        note(Sort::Protection, what);
    }
}

impl Weaker {
    fn is(self, before: Option<&Value>, after: Option<&Value>) -> bool {
        let text = |value: Option<&Value>| match value.map(super::text) {
            Some(text) if !text.is_empty() => Some(text),
            _ => None,
        };
        let (before, after) = (text(before), text(after));
        let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<i64>().ok());
        match self {
            At(open) => after.as_deref() == Some(open),
            Off(open) => after.as_deref().is_none_or(|after| after == open),
            More => number(&after) > number(&before),
            Later(values) => {
                let place = |text: &Option<String>| values.iter().position(|value| Some(*value) == text.as_deref());
                place(&after) > place(&before)
            }
            Policy => !is_stronger(&before.unwrap_or_default(), &after.unwrap_or_default()),
            Other => before != after,
        }
    }
}

/// Rules for passwords of which a greater number demands more.
const NUMBERS: [&str; 8] =
    ["length", "digits", "lowerCase", "upperCase", "specialChars", "passwordHistory", "passwordAge", "hashIterations"];

/// True when a policy for passwords demands all that another did, and as much of it or more.
fn is_stronger(before: &str, after: &str) -> bool {
    let after = rules(after);
    rules(before).iter().all(|(name, was)| {
        after.get(name).is_some_and(|is| {
            let numbers = || Some((was.parse::<u64>().ok()?, is.parse::<u64>().ok()?));
            is == was || NUMBERS.contains(name) && numbers().is_some_and(|(was, is)| is >= was)
        })
    })
}

/// The rules of a policy with what stands in their brackets.
fn rules(policy: &str) -> BTreeMap<&str, &str> {
    let rules = policy.split(" and ").map(str::trim).filter(|rule| !rule.is_empty());
    let parts = |rule| {
        let (name, rest): (&str, &str) = str::split_once(rule, '(').unwrap_or((rule, ""));
        (name, rest.strip_suffix(')').unwrap_or(rest))
    };
    rules.map(parts).collect()
}
