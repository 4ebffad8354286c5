//! Gauges in use, in the order in which they were taken into use, and their withdrawal when a licence expires whose policy
//! says so.

use super::Amount;
use super::accounts::{Accounts, LicenceId, OrganizationId};
use super::resource::ResourceId;

/// What was taken into use at once, and is in use still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InUse {
    /// Its place in the order of all uses.
    since: u64,
    amount: Amount,
}

impl Accounts {
    /// Takes a gauge into use.
    pub(super) fn take(&mut self, id: OrganizationId, resource: ResourceId, amount: Amount) {
        self.uses += 1;
        let since = self.uses;
        self.at_mut(id).in_use[resource.0].push(InUse { since, amount });
        self.cell_mut(id, resource).own += amount;
    }

    /// Gives a gauge back that is in use: what was taken last.
    pub(super) fn give_back(&mut self, id: OrganizationId, resource: ResourceId, amount: Amount) {
        self.cell_mut(id, resource).own -= amount;
        let mut left = amount;
        let in_use = &mut self.at_mut(id).in_use[resource.0];
        while let Some(last) = in_use.last_mut() {
            let part = last.amount.min(left);
            (last.amount, left) = (last.amount - part, left - part);
            if last.amount > 0 {
                break;
            }
            in_use.pop();
        }
    }

    /// Withdraws what the pool of a licence's holder uses beyond what it has of the licence's gauges, newest first.
    pub(super) fn withdraw(&mut self, id: LicenceId) {
        let Some(root) = self.licences[id.0].holder else { return };
        let pool = self.below(root, false);
        for (resource, _) in self.licences[id.0].quantities.clone() {
            if self.resources.is_counter(resource) {
                continue;
            }
            let cells = pool.iter().map(|member| self.cell(*member, resource));
            let held: Amount = cells.map(|cell| cell.used() + cell.licensed).sum();
            let mut beyond = held - self.cell(root, resource).limit;
            while let Some((member, newest)) = self.newest(&pool, resource).filter(|_| beyond > 0) {
                let part = newest.amount.min(beyond);
                self.give_back(member, resource, part);
                beyond -= part;
            }
        }
    }

    fn newest(&self, pool: &[OrganizationId], resource: ResourceId) -> Option<(OrganizationId, InUse)> {
        let last = |member: &OrganizationId| Some((*member, *self.at(*member).in_use[resource.0].last()?));
        pool.iter().filter_map(last).max_by_key(|(_, one)| one.since)
    }
}
