//! Who may change what: a change of a manifest directory, held against what its author's scope allows.
//!
//! An author's scope is a directory of a distributor. In it everything may be written that the distributor decides about
//! its branch; what the vendor grants the distributor may not. Pure: both sides of the change are given as values.

mod files;
mod flows;
mod grants;
mod rights;

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Span};
use crate::expand::Desired;
use crate::manifest::{Entry, ManifestSet, Source, Tier, directory};
pub use files::{Changed, Form, Scope};

/// One side of a change: what a manifest directory says at one time.
pub struct Side<'a> {
    /// Its texts.
    pub sources: &'a [Source],
    /// What they say.
    pub set: &'a ManifestSet,
    /// What every tenant should be, in each environment.
    pub desired: &'a [Desired],
}

impl Side<'_> {
    /// The distributor at the root of each tenant's branch.
    fn roots(&self) -> BTreeMap<&str, &str> {
        let mut roots: BTreeMap<&str, &str> = BTreeMap::new();
        for entry in &self.set.entries {
            let above = entry.parent.as_ref().and_then(|(parent, _)| roots.get(parent.as_str()).copied());
            roots.insert(&entry.name, above.unwrap_or(&entry.name));
        }
        roots
    }

    /// The directory that a place is in.
    fn home(&self, at: Span) -> &str {
        self.sources.get(at.source as usize).map_or("", |source| directory(&source.name))
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.set.entries.iter().find(|entry| entry.name == name)
    }

    /// The distributors whose directory is in a scope.
    fn distributors<'s>(&'s self, scopes: &'s [Scope]) -> impl Iterator<Item = &'s Entry> {
        let distributors = self.set.entries.iter().filter(|entry| entry.tier == Tier::Distributor);
        distributors.filter(|entry| scopes.iter().any(|scope| scope.holds(self.home(entry.span()))))
    }
}

/// What an author whose scope this is may not do, of what was done between two sides. The places are in the sources of
/// `after`, of which `changed` are those that differ.
pub fn check(before: &Side<'_>, after: &Side<'_>, changed: &[Changed], scopes: &[Scope]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    files::check(changed, scopes, &mut found);
    let own: Vec<&str> = before.distributors(scopes).map(|entry| entry.name.as_str()).collect();
    for scope in scopes {
        if !before.distributors(std::slice::from_ref(scope)).any(|_| true) {
            let message = format!("no distributor had its directory in `{}` before this change", scope.name());
            let hint = "the platform team adds a distributor, and then names its directory as the author's scope";
            found.push(Diagnostic::general("scope-without-distributor", message).hint(hint));
        }
    }
    distributors(before, after, scopes, &mut found);
    moves(before, after, &own, &mut found);
    let mut told: Vec<&str> = Vec::new();
    for name in &own {
        if let (Some(was), Some(is)) = (before.entry(name), after.entry(name)) {
            let known = found.len();
            grants::document(was, is, &mut found);
            told.extend((found.len() > known).then_some(*name));
        }
    }
    grants::realms(before, after, &own, &told, &mut found);
    grants::variables(before, after, &own, &mut found);
    rights::check(before, after, &own, scopes, &mut found);
    flows::check(before, after, &own, scopes, &mut found);
    found.sort_by_key(|finding| (finding.span, finding.code));
    found.dedup();
    found
}

/// The distributor at the root of a tenant's branch.
fn root(tenant: &Desired) -> &str {
    tenant.path.first().unwrap_or(&tenant.name)
}

/// Distributors come and go by the platform team's hand.
fn distributors(before: &Side<'_>, after: &Side<'_>, scopes: &[Scope], found: &mut Vec<Diagnostic>) {
    for entry in after.distributors(scopes).filter(|entry| before.entry(&entry.name).is_none()) {
        let message = format!("`{}` is a new distributor", entry.name);
        let hint = "the platform team adds distributors; declare a Reseller or an Organization below your own";
        found.push(Diagnostic::error("new-distributor", entry.span(), message).hint(hint));
    }
    for entry in before.distributors(scopes) {
        if after.entry(&entry.name).is_none_or(|now| now.tier != Tier::Distributor) {
            let message = format!("the distributor `{}` is no longer declared", entry.name);
            let hint = "put its document back; the platform team ends a distributor";
            found.push(Diagnostic::general("removed-distributor", message).hint(hint));
        }
    }
}

/// A tenant stays with its distributor: its realm holds that one's customers.
fn moves(before: &Side<'_>, after: &Side<'_>, own: &[&str], found: &mut Vec<Diagnostic>) {
    let (was, is) = (before.roots(), after.roots());
    for entry in &after.set.entries {
        let (Some(from), Some(to)) = (was.get(entry.name.as_str()), is.get(entry.name.as_str())) else { continue };
        if from != to && (own.contains(from) || own.contains(to)) {
            let at = entry.parent.as_ref().map_or(entry.span(), |(_, span)| *span);
            let message = format!("`{}` moves from the distributor `{from}` to `{to}`", entry.name);
            let hint = "a tenant changes its distributor by the platform team's hand; leave it where it was";
            found.push(Diagnostic::error("moved-tenant", at, message).hint(hint));
        }
    }
}
