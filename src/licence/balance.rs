//! The books, balanced: every figure once more from its definition, and the laws that hold between them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::accounts::{Accounts, Licence, OrganizationId};
use super::resource::ResourceId;
use super::{Amount, ORGANIZATIONS};

/// Where every unit of a resource is that the platform ever issued: `minted` is the sum of all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// Released by licences of the platform, redeemed or not.
    pub minted: Amount,
    /// In use.
    pub used: Amount,
    /// Free, at all organizations; below 0 where one is over its limit.
    pub free: Amount,
    /// In licences that nobody redeemed yet.
    pub unredeemed: Amount,
    /// Lost by licences that ended.
    pub breakage: Amount,
    /// Counters that were used by organizations on own licences which are deleted.
    pub gone: Amount,
}

/// A law that does not hold: the accounts are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// The law, by its name in `docs/accounts.md`.
    pub law: &'static str,
    /// Where.
    pub organization: Option<String>,
    /// Of what.
    pub resource: String,
    /// What it should be.
    pub expected: Amount,
    /// What it is.
    pub found: Amount,
}

impl Accounts {
    /// By resource, where every unit is.
    pub fn platform(&self) -> BTreeMap<&str, Balance> {
        self.resources.ids().map(|id| (self.resources.name(id), self.balance_of(id))).collect()
    }

    /// Where every unit of a resource is, each figure by itself.
    pub fn balance(&self, resource: &str) -> Option<Balance> {
        Some(self.balance_of(self.resources.find(resource)?))
    }

    fn balance_of(&self, resource: ResourceId) -> Balance {
        let counter = self.resources.is_counter(resource);
        let mut balance = Balance {
            gone: self.gone[resource.0].used,
            breakage: self.gone[resource.0].unclaimed,
            ..Balance::default()
        };
        for id in self.living() {
            balance.used += self.cell(id, resource).used();
            balance.free += self.cell(id, resource).free();
        }
        for licence in &self.licences {
            let (amount, burned) = released(licence, resource);
            if licence.dealer.is_none() {
                balance.minted += amount;
            }
            if licence.counts && licence.holder.is_none() {
                balance.unredeemed += amount;
            }
            // Gauges that a dealer sold go back to it; what else no longer counts is lost.
            if !licence.counts && (counter || licence.dealer.is_none()) {
                balance.breakage += amount - burned;
            }
        }
        balance
    }

    /// Which laws do not hold. There are none, unless the program is wrong.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let [held, issued] = [|licence: &Licence| licence.holder, |licence: &Licence| licence.dealer].map(|whose| {
            let mut by: BTreeMap<OrganizationId, Vec<&Licence>> = BTreeMap::new();
            for licence in &self.licences {
                if let Some(id) = whose(licence) {
                    by.entry(id).or_default().push(licence);
                }
            }
            by
        });
        for resource in self.resources.ids() {
            let mut law = |law, id: Option<OrganizationId>, expected, is| {
                if expected != is {
                    found.push(Violation {
                        law,
                        organization: id.map(|id| self.at(id).name.clone()),
                        resource: self.resources.name(resource).to_owned(),
                        expected,
                        found: is,
                    });
                }
            };
            for id in self.living() {
                self.check_definitions(id, resource, issued.get(&id).map_or(&[], Vec::as_slice), &mut law);
                if self.at(id).own_licences {
                    self.check_pool(id, resource, held.get(&id).map_or(&[], Vec::as_slice), &mut law);
                }
            }
            let balance = self.balance_of(resource);
            let sum = balance.used + balance.free + balance.unredeemed + balance.breakage + balance.gone;
            law("I5 every unit is somewhere", None, balance.minted, sum);
        }
        found
    }

    fn check_definitions(
        &self,
        id: OrganizationId,
        resource: ResourceId,
        issued: &[&Licence],
        law: &mut impl FnMut(&'static str, Option<OrganizationId>, Amount, Amount),
    ) {
        let (organization, cell) = (self.at(id), self.cell(id, resource));
        let children = organization.children.iter();
        let shared = children.filter(|child| !self.at(**child).own_licences);
        let shared = shared.map(|child| self.cell(*child, resource).limit).sum();
        law("S is what the children were granted", Some(id), shared, cell.shared);
        if self.resources.name(resource) == ORGANIZATIONS {
            let children = organization.children.len() as Amount;
            law("U of organizations is the number of children", Some(id), children, cell.used());
        }
        if !self.resources.is_counter(resource) {
            let counting = issued.iter().filter(|licence| licence.counts);
            let licensed = counting.map(|licence| released(licence, resource).0).sum();
            law("Λ is what it sold and still counts", Some(id), licensed, cell.licensed);
        }
        if !organization.own_licences {
            law("I1 who lives on its parent's resources is within its grant", Some(id), 0, cell.free().min(0));
        }
        law(
            "nothing is below 0",
            Some(id),
            0,
            [cell.own, cell.inherited, cell.shared, cell.licensed].into_iter().fold(0, Amount::min),
        );
    }

    fn check_pool(
        &self,
        root: OrganizationId,
        resource: ResourceId,
        held: &[&Licence],
        law: &mut impl FnMut(&'static str, Option<OrganizationId>, Amount, Amount),
    ) {
        let (mut limit, mut unburned) = (0, 0);
        for licence in held {
            let (amount, burned) = released(licence, resource);
            limit += if licence.counts { amount } else { burned };
            unburned += if licence.counts { amount - burned } else { 0 };
        }
        let cell = self.cell(root, resource);
        law("L is what its licences release", Some(root), limit, cell.limit);
        let pool = self.below(root, false);
        let cells = || pool.iter().map(|id| self.cell(*id, resource));
        let (used, free): (Amount, Amount) =
            (cells().map(|cell| cell.used()).sum(), cells().map(|cell| cell.free()).sum());
        let licensed: Amount = cells().map(|cell| cell.licensed).sum();
        law("I3 what a pool has is used, free or sold", Some(root), limit, used + free + licensed);
        let below: Amount = pool
            .iter()
            .filter(|id| **id != root)
            .map(|id| self.cell(*id, resource))
            .map(|cell| cell.free() + cell.licensed)
            .sum();
        law("I2 allocated is used, or free or sold below", Some(root), cell.allocated() - cell.licensed, used + below);
        if self.resources.is_counter(resource) {
            law("what is free of a counter is in lots", Some(root), unburned + cell.unclaimed, free);
        }
    }

    fn living(&self) -> impl Iterator<Item = OrganizationId> {
        (0..self.organizations.len()).map(OrganizationId).filter(|id| !self.at(*id).deleted)
    }
}

/// What a licence releases of a resource, and what of it was burned.
fn released(licence: &Licence, resource: ResourceId) -> (Amount, Amount) {
    let quantities = licence.quantities.iter().zip(&licence.burned);
    let of = quantities.filter(|((of, _), _)| *of == resource);
    of.fold((0, 0), |(amount, burned), ((_, more), gone)| (amount + more, burned + gone))
}
