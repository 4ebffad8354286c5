//! Who changed what was changed by hand, in words. `quote` makes of what comes from outside what can't look like anything else.

use super::some;
use crate::plan::TenantPlan;
use crate::plan::authors::Author;
use crate::state::ObjectId;

/// Who changed an object, in a sentence each.
pub(super) fn of(tenant: &TenantPlan, object: &ObjectId, quote: fn(&str) -> String) -> Vec<String> {
    let authors = tenant.authors.iter().flat_map(|authors| authors.of.get(object).into_iter().flatten());
    authors.map(|author| sentence(author, quote)).collect()
}

fn sentence(author: &Author, quote: fn(&str) -> String) -> String {
    let Author { user, realm, client, address, at } = author;
    let realm = realm.as_ref().map(|realm| format!(" of {}", quote(realm))).unwrap_or_default();
    // To the minute.
    let at = at.get(..16).unwrap_or(at).replace('T', " ");
    format!("{}{realm}, from {}, {} UTC, with {}", quote(user), quote(address), quote(&at), quote(client))
}

/// For which objects nobody is on record, and why; none where everything has its author.
pub(super) fn nobody(tenant: &TenantPlan, quote: fn(&str) -> String) -> Option<String> {
    let authors = tenant.authors.as_ref().filter(|authors| !authors.unknown.is_empty())?;
    let objects: Vec<String> = authors.unknown.iter().map(|object| quote(&object.to_string())).collect();
    Some(format!("{} ({})", some(&objects), quote(&authors.why)))
}
