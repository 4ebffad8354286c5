//! What the token broker has to know of a tenant's licences: when it may be used, and how many concurrent seats there are.

use std::collections::{BTreeMap, HashMap};

use crate::licence::day;
use crate::login::lease::Terms;
use crate::login::standing::{Period, Standing};
use crate::login::tenant::Pool;
use crate::manifest::document::Licence;
use crate::manifest::resolve::{Network, Tenant};

/// How a tenant stands among all organizations, by their names ([`Network::organizations`]): by its own licences, or those that
/// the organization above it lives on, which grants it something.
pub fn standing(all: &HashMap<&str, &Tenant>, tenant: &Tenant) -> Standing {
    Standing { suspended: tenant.settings.suspended, licences: periods(all, tenant) }
}

/// Its products with concurrent seats.
pub fn pools(network: &Network, tenant: &Tenant) -> BTreeMap<String, Pool> {
    let pool = |product: &str| {
        let terms = network.products.get(product)?.concurrent.as_ref()?;
        let terms = Terms { overflow: terms.overflow, overage: terms.overage.unwrap_or_default(), per: terms.per };
        Some((product.to_owned(), Pool { terms, ..seats(tenant, product) }))
    };
    tenant.products().into_iter().filter_map(pool).collect()
}

/// How many named seats of a product a tenant has at a time (seconds since 1970): by its licences that are valid then, and by
/// what is granted to it.
pub fn named_seats(tenant: &Tenant, product: &str, now: u64) -> u64 {
    seats(tenant, product).licensed(now)
}

/// The seats of a product that a tenant's licences and grants give, however they are taken.
fn seats(tenant: &Tenant, product: &str) -> Pool {
    let own = tenant.settings.licences.iter().filter(|licence| licence.product == product);
    let licensed = own.filter_map(|licence| Some((period(licence)?, u64::from(licence.seats)))).collect();
    let granted = tenant.settings.grants.get(product).copied().unwrap_or_default();
    Pool { terms: Terms::default(), licensed, granted: u64::try_from(granted).unwrap_or_default() }
}

/// When the licences that it lives on are valid; nothing where it lives on none.
fn periods(all: &HashMap<&str, &Tenant>, tenant: &Tenant) -> Vec<Period> {
    let above = || tenant.path.iter().rev().filter_map(|name| all.get(name.as_str()).copied());
    let granted = tenant.settings.grants.values().any(|amount| *amount > 0);
    let mut holders = std::iter::once(tenant).chain(above().filter(|_| granted));
    let holder = holders.find(|tenant| !tenant.settings.licences.is_empty());
    holder.map(|holder| holder.settings.licences.iter().filter_map(period).collect()).unwrap_or_default()
}

/// When a licence is valid. One that renews itself goes on.
fn period(licence: &Licence) -> Option<Period> {
    let seconds = |time: i64| u64::try_from(time).ok();
    let from = licence.valid_from.as_deref().and_then(day::beginning).and_then(seconds);
    let until = match licence.auto_renew {
        true => None,
        false => Some(day::end(&licence.valid_until).and_then(seconds)?),
    };
    Some(Period { from, until })
}
