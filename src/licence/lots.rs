//! Licences in time: what they release, what of it is burned, and what their end takes away.

use super::accounts::{Accounts, LicenceId, OrganizationId, Standing};
use super::resource::ResourceId;
use super::{Amount, Time};

impl Accounts {
    /// Extends what renews itself, and ends what has expired by now. A function of the expiries and the time alone:
    /// being called late, or often, changes nothing.
    pub(super) fn expire(&mut self) {
        while let Some((expiry, id)) = self.expiries.first().copied().filter(|(expiry, _)| *expiry <= self.now) {
            match self.licences[id.0].terms.renewal {
                Some(period) => self.extend(id, renewed(expiry, period, self.now)),
                None => {
                    self.licences[id.0].standing = Standing::Expired;
                    match self.licences[id.0].keeps_counting() {
                        true => {
                            self.expiries.pop_first();
                        }
                        false => self.stop_counting(id),
                    }
                }
            }
        }
    }

    /// When the next licence ends that has no renewal.
    pub(super) fn next_end(&self) -> Option<Time> {
        let ends = |id: LicenceId| self.licences[id.0].terms.renewal.is_none();
        self.expiries.iter().find(|(_, id)| ends(*id)).map(|(expiry, _)| *expiry)
    }

    /// Moves the expiry of a licence, and with it its place among the lots.
    pub(super) fn extend(&mut self, id: LicenceId, until: Time) {
        let licence = &mut self.licences[id.0];
        let (before, redeemed, holder) = (licence.expiry, licence.redeemed, licence.holder);
        licence.expiry = until;
        self.expiries.remove(&(before, id));
        self.expiries.insert((until, id));
        if let Some(holder) = holder {
            let lots = &mut self.at_mut(holder).lots;
            lots.remove(&(before, redeemed, id));
            lots.insert((until, redeemed, id));
        }
    }

    /// Has the quantities of a licence count: at its dealer from the beginning, at its holder once there is one.
    pub(super) fn start_counting(&mut self, id: LicenceId) {
        let licence = &mut self.licences[id.0];
        licence.counts = true;
        let (expiry, dealer) = (licence.expiry, licence.dealer);
        self.expiries.insert((expiry, id));
        if let Some(dealer) = dealer {
            self.at_mut(dealer).live.insert(id);
        }
        self.hold(id);
    }

    /// Adds what a licence releases to the limits of its holder; of counters, what is not burned yet.
    pub(super) fn hold(&mut self, id: LicenceId) {
        let licence = &self.licences[id.0];
        let Some(holder) = licence.holder else { return };
        let (expiry, redeemed) = (licence.expiry, licence.redeemed);
        self.at_mut(holder).lots.insert((expiry, redeemed, id));
        for index in 0..self.licences[id.0].quantities.len() {
            let (resource, amount) = self.licences[id.0].quantities[index];
            self.cell_mut(holder, resource).limit += amount - self.licences[id.0].burned[index];
        }
    }

    /// The end of a licence: gauges go back to the dealer, counters that were not burned are lost.
    pub(super) fn stop_counting(&mut self, id: LicenceId) {
        let licence = &mut self.licences[id.0];
        licence.counts = false;
        let (expiry, redeemed, holder, dealer) = (licence.expiry, licence.redeemed, licence.holder, licence.dealer);
        self.expiries.remove(&(expiry, id));
        for index in 0..self.licences[id.0].quantities.len() {
            let (resource, amount) = self.licences[id.0].quantities[index];
            if let Some(holder) = holder {
                self.cell_mut(holder, resource).limit -= amount - self.licences[id.0].burned[index];
            }
            if let Some(dealer) = dealer.filter(|_| !self.resources.is_counter(resource)) {
                self.cell_mut(dealer, resource).licensed -= amount;
            }
        }
        if let Some(holder) = holder {
            self.at_mut(holder).lots.remove(&(expiry, redeemed, id));
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
        let lots = self.organizations[pool.0].lots.iter();
        for (_, _, id) in lots {
            if amount == 0 {
                return;
            }
            let licence = &mut self.licences[id.0];
            for ((_, quantity), burned) in
                licence.quantities.iter().zip(&mut licence.burned).filter(|((of, _), _)| *of == resource)
            {
                let part = (quantity - *burned).min(amount);
                *burned += part;
                amount -= part;
            }
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
