//! Licences in time: what they release, what of it is burned, and what their end takes away.

use super::accounts::{Accounts, Licence, LicenceId, Lot, OrganizationId, Standing};
use super::command::Policy;
use super::resource::ResourceId;
use super::{Amount, Time};

impl Accounts {
    /// Ends what has expired by now. A function of the expiries and the time alone: being called late, or often,
    /// changes nothing.
    pub(super) fn expire(&mut self) {
        while let Some(instant) = self.next_end().filter(|instant| *instant <= self.now) {
            // What is withdrawn is seen when all has ended that ends at the same time.
            let mut withdrawing = Vec::new();
            while let Some(id) = self.ends_at(instant) {
                self.expiries.pop_first();
                let licence = &mut self.licences[id.0];
                licence.standing = Standing::Expired;
                if licence.terms.on_expiry == Policy::Revoke {
                    withdrawing.push(id);
                }
                if !licence.keeps_counting() {
                    self.stop_counting(id);
                }
            }
            withdrawing.into_iter().for_each(|id| self.withdraw(id));
        }
    }

    /// When a licence expires, with all its renewals so far. What renews itself is looked up, not written down: nothing
    /// happens to it when its time comes.
    pub(super) fn expiry(&self, licence: &Licence) -> Time {
        match licence.terms.renewal.filter(|_| licence.counts) {
            Some(period) => renewed(licence.expiry, period, self.now),
            None => licence.expiry,
        }
    }

    fn ends_at(&self, instant: Time) -> Option<LicenceId> {
        self.expiries.first().filter(|(expiry, _)| *expiry == instant).map(|(_, id)| *id)
    }

    /// When the next licence ends that has no renewal.
    pub(super) fn next_end(&self) -> Option<Time> {
        self.expiries.first().map(|(expiry, _)| *expiry)
    }

    /// Moves the expiry of a licence, and with it its place among the lots.
    pub(super) fn extend(&mut self, id: LicenceId, until: Time) {
        let before = self.lot(id);
        let licence = &mut self.licences[id.0];
        licence.expiry = until;
        if licence.terms.renewal.is_none() {
            self.expiries.remove(&(before.0, id));
            self.expiries.insert((until, id));
        }
        let (after, holder) = (self.lot(id), self.licences[id.0].holder);
        for lots in holder.map(|holder| &mut self.at_mut(holder).lots).into_iter().flatten() {
            if lots.remove(&before) {
                lots.insert(after);
            }
        }
    }

    /// Its place among the lots.
    fn lot(&self, id: LicenceId) -> Lot {
        let licence = &self.licences[id.0];
        (licence.expiry, licence.redeemed, id)
    }

    /// Has the quantities of a licence count: at its dealer from the beginning, at its holder once there is one.
    pub(super) fn start_counting(&mut self, id: LicenceId) {
        let licence = &mut self.licences[id.0];
        licence.counts = true;
        let (expiry, dealer) = (licence.expiry, licence.dealer);
        if licence.terms.renewal.is_none() {
            self.expiries.insert((expiry, id));
        }
        if let Some(dealer) = dealer {
            self.at_mut(dealer).live.insert(id);
        }
        self.hold(id);
    }

    /// Adds what a licence releases to the limits of its holder; of counters, what is not burned yet.
    pub(super) fn hold(&mut self, id: LicenceId) {
        let Some(holder) = self.licences[id.0].holder else { return };
        let lot = self.lot(id);
        self.at_mut(holder).held.insert(id);
        for index in 0..self.licences[id.0].quantities.len() {
            let (resource, amount) = self.licences[id.0].quantities[index];
            let left = amount - self.licences[id.0].burned[index];
            self.cell_mut(holder, resource).limit += left;
            if left > 0 && self.resources.is_counter(resource) {
                self.at_mut(holder).lots[resource.0].insert(lot);
            }
        }
    }

    /// The end of a licence: gauges go back to the dealer, counters that were not burned are lost.
    pub(super) fn stop_counting(&mut self, id: LicenceId) {
        let (lot, last) = (self.lot(id), self.expiry(&self.licences[id.0]));
        let licence = &mut self.licences[id.0];
        licence.counts = false;
        licence.expiry = last;
        let (holder, dealer) = (licence.holder, licence.dealer);
        self.expiries.remove(&(lot.0, id));
        for index in 0..self.licences[id.0].quantities.len() {
            let (resource, amount) = self.licences[id.0].quantities[index];
            if let Some(holder) = holder {
                self.cell_mut(holder, resource).limit -= amount - self.licences[id.0].burned[index];
                self.at_mut(holder).lots[resource.0].remove(&lot);
            }
            if let Some(dealer) = dealer.filter(|_| !self.resources.is_counter(resource)) {
                self.cell_mut(dealer, resource).licensed -= amount;
            }
        }
        if let Some(holder) = holder {
            self.at_mut(holder).held.remove(&id);
        }
        if let Some(dealer) = dealer {
            self.at_mut(dealer).live.remove(&id);
        }
    }

    /// Burns a counter, out of the lots of the pool: those that expire first, of those the ones redeemed first.
    pub(super) fn burn(&mut self, pool: OrganizationId, resource: ResourceId, mut amount: Amount) {
        let unclaimed = self.cell(pool, resource).unclaimed.min(amount);
        self.cell_mut(pool, resource).unclaimed -= unclaimed;
        amount -= unclaimed;
        self.arrange(pool, resource);
        while let Some(lot) = self.at(pool).lots[resource.0].first().copied().filter(|_| amount > 0) {
            let licence = &mut self.licences[lot.2.0];
            let parts = licence.quantities.iter().zip(&mut licence.burned);
            for ((_, quantity), burned) in parts.filter(|((of, _), _)| *of == resource) {
                let part = (quantity - *burned).min(amount);
                (*burned, amount) = (*burned + part, amount - part);
                if *burned == *quantity {
                    self.organizations[pool.0].lots[resource.0].pop_first();
                }
            }
        }
    }

    /// Puts the lots of a pool that have renewed themselves where they now belong.
    fn arrange(&mut self, pool: OrganizationId, resource: ResourceId) {
        let due = self.at(pool).lots[resource.0].iter().take_while(|(expiry, _, _)| *expiry <= self.now);
        let now = due.map(|(expiry, _, id)| (*id, *expiry, self.expiry(&self.licences[id.0])));
        let renewed: Vec<(LicenceId, Time, Time)> = now.filter(|(_, before, after)| before != after).collect();
        for (id, _, expiry) in renewed {
            self.extend(id, expiry);
        }
    }
}

/// The first expiry after `now`, by whole periods from `expiry` on.
pub(super) fn renewed(expiry: Time, period: Time, now: Time) -> Time {
    let behind = i128::from(now) - i128::from(expiry);
    if behind < 0 {
        return expiry;
    }
    let periods = behind / i128::from(period) + 1;
    Time::try_from(i128::from(expiry) + periods * i128::from(period)).unwrap_or(Time::MAX)
}
