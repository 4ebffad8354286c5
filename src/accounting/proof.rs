//! Whether what the manifests grant adds up, if nothing else is known.

use super::{Declared, Organization};
use crate::diagnostic::{Diagnostic, Span};
use crate::licence::{Accounts, Event, ORGANIZATIONS, Shortage, Time};

/// Holds what is declared against the law, at a time. What does not add up is said at every organization and resource.
pub fn prove(declared: &Declared<'_>, now: Time, found: &mut Vec<Diagnostic>) -> Accounts {
    let accounts = accounts(declared, now);
    found.extend(accounts.shortages().iter().map(|shortage| over(declared, shortage, now)));
    accounts
}

/// The accounts as they would be. What can't be, for another reason than that it does not add up, is left out: it was
/// said already.
fn accounts(declared: &Declared<'_>, now: Time) -> Accounts {
    let mut accounts = Accounts::default();
    accounts.advance(now);
    let mut assume = |event: Event| drop(accounts.assume(&event));
    for (resource, measure) in declared.resources.iter().filter(|(resource, _)| **resource != ORGANIZATIONS) {
        assume(Event::ResourceDefined { resource: (*resource).to_owned(), measure: *measure });
    }
    for organization in &declared.organizations {
        assume(Event::Created {
            organization: organization.name().to_owned(),
            parent: organization.parent().map(str::to_owned),
            own_licences: organization.own_licences,
            dealer: organization.tenant.settings.dealer,
            grants: if organization.own_licences { Default::default() } else { organization.grants.clone() },
        });
    }
    for organization in &declared.organizations {
        for terms in &organization.licences {
            assume(Event::Issued(terms.clone()));
            if organization.own_licences && terms.is_valid(now) {
                let (organization, serial) = (organization.name().to_owned(), terms.serial.clone());
                assume(Event::Redeemed { organization, serial });
            }
        }
    }
    accounts.advance(now);
    accounts
}

/// What is missing, why, who has it, and the lines that say so.
fn over(declared: &Declared<'_>, shortage: &Shortage, now: Time) -> Diagnostic {
    let Shortage { organization, resource, missing, limit, used, shared, licensed, nearest } = shortage;
    let own = declared.organization(organization);
    let parts: Vec<String> =
        [(used, "uses", "itself"), (shared, "shares", "with those below it"), (licensed, "has sold", "")]
            .into_iter()
            .filter(|(amount, ..)| **amount > 0)
            .map(|(amount, verb, whom)| format!("{verb} {amount} {whom}").trim_end().to_owned())
            .collect();
    let message = format!("`{organization}` has {limit} `{resource}`, and {}: {missing} missing", parts.join(" and "));
    let on_own = own.is_some_and(|own| own.own_licences);
    let hint = match nearest {
        Some(nearest) => format!("`{nearest}` has {missing} free and can grant them; or lower what is granted below"),
        None if on_own => format!("a licence of {missing} more has to be redeemed; or lower what is granted below"),
        None => "no organization above it has that much free: lower what is granted below, or redeem a licence".into(),
    };
    let lines = lines(declared, shortage, now);
    let at = lines.first().map_or_else(|| own.map_or(Span::default(), |own| own.tenant.span), |(span, _)| *span);
    let code = if licensed > &0 { "oversold" } else { "over-granted" };
    let mut finding = Diagnostic::error(code, at, message).hint(hint);
    finding.also = lines.into_iter().skip(1).collect();
    finding
}

/// Most lines that are named with one shortage.
const LINES: usize = 8;

/// The places that make up a shortage: what takes most first, then where the limit comes from.
fn lines(declared: &Declared<'_>, shortage: &Shortage, now: Time) -> Vec<(Span, String)> {
    let resource = shortage.resource.as_str();
    let mut takes: Vec<(i64, Span, String)> = Vec::new();
    for organization in &declared.organizations {
        let node = &organization.tenant.node;
        if organization.parent() == Some(&shortage.organization) {
            if resource == ORGANIZATIONS {
                takes.push((1, organization.tenant.span, format!("`{}` is one of them", organization.name())));
            }
            if let Some(amount) = organization.grants.get(resource).filter(|amount| **amount > 0) {
                let told = format!("`{}` is granted {amount}", organization.name());
                takes.push((*amount, node.nearest("/grants").key_span(resource), told));
            }
        }
        for (index, terms) in organization.licences.iter().enumerate() {
            if terms.dealer.as_ref() == Some(&shortage.organization)
                && let Some(amount) = terms.quantities.get(resource)
            {
                let told = format!("{amount} were sold to `{}`", organization.name());
                takes.push((*amount, node.nearest(&format!("/licences/{index}")).span, told));
            }
        }
    }
    takes.sort_by_key(|(amount, span, _)| (-amount, *span));
    let left_out = takes.len().saturating_sub(LINES);
    let mut lines: Vec<(Span, String)> = takes.into_iter().take(LINES).map(|(_, span, told)| (span, told)).collect();
    if let Some((_, last)) = lines.last_mut().filter(|_| left_out > 0) {
        *last += &format!(", and {left_out} more");
    }
    lines.extend(declared.organization(&shortage.organization).and_then(|own| limit(own, resource, now)));
    lines
}

/// Where an organization's limit is said.
fn limit(own: &Organization<'_>, resource: &str, now: Time) -> Option<(Span, String)> {
    let node = &own.tenant.node;
    if !own.own_licences {
        let amount = own.grants.get(resource)?;
        return Some((
            node.nearest("/grants").key_span(resource),
            format!("`{}` itself is granted {amount}", own.name()),
        ));
    }
    let releasing = || own.licences.iter().filter(|terms| terms.quantities.contains_key(resource));
    let idle: Vec<&str> = releasing().filter(|terms| !terms.is_valid(now)).map(|terms| terms.serial.as_str()).collect();
    releasing().next()?;
    let idle = if idle.is_empty() { String::new() } else { format!("; not valid now: {}", idle.join(", ")) };
    Some((node.key_span("licences"), format!("the licences of `{}`{idle}", own.name())))
}
