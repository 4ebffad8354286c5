//! What each event does to the accounts. Whether it may happen was decided before.

use std::collections::{BTreeMap, BTreeSet};

use super::accounts::{Accounts, Cell, Licence, LicenceId, Organization, OrganizationId, Standing, Token};
use super::command::LicenceTerms;
use super::decide::DEVICES;
use super::{Amount, Command, Event, ORGANIZATIONS, Refusal, Time};

type Done = Result<(), Refusal>;

impl Accounts {
    pub(super) fn fold(&mut self, event: &Event) -> Done {
        match event {
            Event::ResourceDefined { resource, measure } => self.define(resource, *measure),
            Event::Created { organization, parent, own_licences, dealer, grants } => {
                self.created(organization, parent.as_deref(), *own_licences, *dealer, grants)?;
            }
            Event::Granted { organization, resource, before, after } => {
                let (id, resource) = (self.organization(organization)?, self.resource(resource)?);
                self.cell_mut(id, resource).limit = *after;
                if let Some(parent) = self.at(id).parent {
                    self.cell_mut(parent, resource).shared += after - before;
                }
            }
            Event::Used { organization, resource, amount } => {
                let (id, resource) = (self.organization(organization)?, self.resource(resource)?);
                match self.resources.is_counter(resource) {
                    true => {
                        self.cell_mut(id, resource).own += amount;
                        self.burn(self.pool_root(id), resource, *amount);
                    }
                    false => self.take(id, resource, *amount),
                }
            }
            Event::Released { organization, resource, amount } => {
                let (id, resource) = (self.organization(organization)?, self.resource(resource)?);
                self.give_back(id, resource, *amount);
            }
            Event::DealerSet { organization, dealer } => {
                let id = self.organization(organization)?;
                self.at_mut(id).dealer = *dealer;
            }
            Event::Issued(terms) => self.issued(terms)?,
            Event::Redeemed { organization, serial } => self.redeemed(organization, serial)?,
            Event::Revoked { serial } => {
                let id = self.licence(serial)?;
                self.end(id, Standing::Revoked);
            }
            Event::Renewed { serial, until } => self.renewed(serial, *until)?,
            Event::Deleted { organization } => self.deleted(organization)?,
            Event::Moved { organization, to, .. } => self.moved(organization, to)?,
            Event::ImportTokenIssued { to, token } => {
                let to = self.organization(to)?;
                self.tokens.insert(token.clone(), Token { to, dead: self.dead_from(), used: false });
            }
            Event::DeviceMoved { from, token } => self.device_moved(from, token)?,
            Event::Placed { organization, server, .. } => {
                let id = self.organization(organization)?;
                self.at_mut(id).server = Some(server.clone());
            }
            Event::PrivacyAllowed { organization, allow } => {
                let id = self.organization(organization)?;
                self.at_mut(id).privacy_allowed = *allow;
            }
            Event::PrivacyRequired { organization, require } => {
                let id = self.organization(organization)?;
                self.at_mut(id).privacy_required = *require;
            }
        }
        Ok(())
    }

    fn created(
        &mut self,
        name: &str,
        parent: Option<&str>,
        own_licences: bool,
        dealer: bool,
        grants: &BTreeMap<String, Amount>,
    ) -> Done {
        let parent = parent.map(|parent| self.organization(parent)).transpose()?;
        let quantities = self.quantities(grants)?;
        let id = OrganizationId(self.organizations.len());
        self.organizations.push(Organization {
            name: name.to_owned(),
            parent,
            own_licences,
            dealer,
            privacy_allowed: false,
            privacy_required: false,
            server: None,
            deleted: false,
            children: BTreeSet::new(),
            cells: vec![Cell::default(); self.resources.len()],
            in_use: vec![Vec::new(); self.resources.len()],
            held: BTreeSet::new(),
            lots: vec![BTreeSet::new(); self.resources.len()],
            live: BTreeSet::new(),
        });
        self.names.insert(name.to_owned(), id);
        for (resource, amount) in quantities {
            self.cell_mut(id, resource).limit = amount;
        }
        if let Some(parent) = parent {
            self.attach(id, parent)?;
        }
        Ok(())
    }

    /// Puts an organization below a parent, which shares with it what it is granted.
    fn attach(&mut self, id: OrganizationId, parent: OrganizationId) -> Done {
        self.place(id, parent, 1)?;
        self.at_mut(parent).children.insert(id);
        self.at_mut(id).parent = Some(parent);
        Ok(())
    }

    /// Takes an organization from its parent, which gets back what it shared with it.
    fn detach(&mut self, id: OrganizationId, parent: OrganizationId) -> Done {
        self.place(id, parent, -1)?;
        self.at_mut(parent).children.remove(&id);
        Ok(())
    }

    fn place(&mut self, id: OrganizationId, parent: OrganizationId, sign: Amount) -> Done {
        if !self.at(id).own_licences {
            for resource in self.resources.ids() {
                let grant = self.cell(id, resource).limit;
                self.cell_mut(parent, resource).shared += sign * grant;
            }
        }
        let organizations = self.resource(ORGANIZATIONS)?;
        self.cell_mut(parent, organizations).own += sign;
        Ok(())
    }

    fn issued(&mut self, terms: &LicenceTerms) -> Done {
        let dealer = terms.dealer.as_deref().map(|dealer| self.organization(dealer)).transpose()?;
        let quantities = self.quantities(&terms.quantities)?;
        let id = LicenceId(self.licences.len());
        self.serials.insert(terms.serial.clone(), id);
        self.licences.push(Licence {
            terms: terms.clone(),
            dealer,
            burned: vec![0; quantities.len()],
            quantities: quantities.clone(),
            expiry: terms.expiry,
            holder: None,
            redeemed: 0,
            standing: Standing::Issued,
            counts: false,
        });
        self.start_counting(id);
        if let Some(dealer) = dealer {
            for (resource, amount) in quantities {
                self.cell_mut(dealer, resource).licensed += amount;
                if self.resources.is_counter(resource) {
                    self.burn(self.pool_root(dealer), resource, amount);
                }
            }
        }
        self.expire();
        Ok(())
    }

    fn redeemed(&mut self, name: &str, serial: &str) -> Done {
        let (holder, id) = (self.organization(name)?, self.licence(serial)?);
        self.redemptions += 1;
        let order = self.redemptions;
        let licence = &mut self.licences[id.0];
        licence.holder = Some(holder);
        licence.redeemed = order;
        licence.standing = Standing::Redeemed;
        self.hold(id);
        Ok(())
    }

    fn end(&mut self, id: LicenceId, standing: Standing) {
        if self.licences[id.0].counts {
            self.stop_counting(id);
        }
        self.licences[id.0].standing = standing;
    }

    fn renewed(&mut self, serial: &str, until: Time) -> Done {
        let id = self.licence(serial)?;
        let licence = &mut self.licences[id.0];
        licence.standing = if licence.holder.is_some() { Standing::Redeemed } else { Standing::Issued };
        if licence.counts {
            self.extend(id, until);
            return Ok(());
        }
        licence.expiry = until;
        let dealer = licence.dealer;
        self.start_counting(id);
        if let Some(dealer) = dealer {
            for (resource, amount) in self.licences[id.0].quantities.clone() {
                if !self.resources.is_counter(resource) {
                    self.cell_mut(dealer, resource).licensed += amount;
                }
            }
        }
        Ok(())
    }

    fn deleted(&mut self, name: &str) -> Done {
        let id = self.organization(name)?;
        for licence in self.at(id).held.clone() {
            self.end(licence, Standing::Closed);
        }
        let (parent, own_licences) = (self.at(id).parent, self.at(id).own_licences);
        if let Some(parent) = parent {
            self.detach(id, parent)?;
        }
        for resource in self.resources.counters() {
            let cell = *self.cell(id, resource);
            match parent.filter(|_| !own_licences) {
                Some(parent) => {
                    let above = self.cell_mut(parent, resource);
                    above.inherited += cell.used();
                    above.licensed += cell.licensed;
                }
                None => {
                    self.gone[resource.0].used += cell.used();
                    self.gone[resource.0].unclaimed += cell.unclaimed;
                }
            }
        }
        let organization = self.at_mut(id);
        organization.deleted = true;
        organization.cells.fill(Cell::default());
        organization.in_use.fill(Vec::new());
        Ok(())
    }

    /// What the pool of an organization used of counters stays with the old parent; all else goes along.
    fn moved(&mut self, name: &str, to: &str) -> Done {
        let (id, to) = (self.organization(name)?, self.organization(to)?);
        let Some(from) = self.at(id).parent else { return Ok(()) };
        let (old_pool, new_pool) = (self.pool_root(from), self.pool_root(to));
        self.detach(id, from)?;
        let members = if self.at(id).own_licences { Vec::new() } else { self.below(id, false) };
        for resource in self.resources.counters() {
            let mut sold = 0;
            // From the leaves up, so that what is below is known.
            let mut used: BTreeMap<OrganizationId, Amount> = BTreeMap::new();
            for member in members.iter().rev() {
                let cell = self.cell_mut(*member, resource);
                sold += cell.licensed;
                let below = used.get(member).copied().unwrap_or_default();
                let total = below + cell.used();
                cell.limit -= total;
                cell.shared -= below;
                (cell.own, cell.inherited) = (0, 0);
                let above = if *member == id { Some(from) } else { self.at(*member).parent };
                if let Some(above) = above {
                    *used.entry(above).or_default() += total;
                }
            }
            self.cell_mut(from, resource).inherited += used.get(&from).copied().unwrap_or_default();
            if old_pool != new_pool {
                self.cell_mut(old_pool, resource).unclaimed += sold;
                self.burn(new_pool, resource, sold);
            }
        }
        self.attach(id, to)
    }

    fn device_moved(&mut self, from: &str, token: &str) -> Done {
        let (from, devices) = (self.organization(from)?, self.resource(DEVICES)?);
        let Some(found) = self.tokens.get_mut(token) else {
            return Err(Refusal::UnknownToken { token: token.to_owned() });
        };
        found.used = true;
        let to = found.to;
        self.give_back(from, devices, 1);
        self.take(to, devices, 1);
        Ok(())
    }
}

impl Event {
    /// The command that gives this event, where it is accepted.
    /// The command that has it happen.
    pub fn command(&self) -> Command {
        match self.clone() {
            Event::ResourceDefined { resource, measure } => Command::DefineResource { resource, measure },
            Event::Created { organization, parent, own_licences, dealer, grants } => {
                Command::Create { organization, parent, own_licences, dealer, grants }
            }
            Event::Granted { organization, resource, after, .. } => {
                Command::Grant { organization, grants: BTreeMap::from([(resource, after)]) }
            }
            Event::Used { organization, resource, amount } => Command::Use { organization, resource, amount },
            Event::Released { organization, resource, amount } => Command::Release { organization, resource, amount },
            Event::DealerSet { organization, dealer } => Command::Dealer { organization, dealer },
            Event::Issued(terms) => Command::Issue(terms),
            Event::Redeemed { organization, serial } => Command::Redeem { organization, serial },
            Event::Revoked { serial } => Command::Revoke { serial },
            Event::Renewed { serial, until } => Command::Renew { serial, until },
            Event::Deleted { organization } => Command::Delete { organization, cascade: false },
            Event::Moved { organization, to, .. } => Command::Move { organization, parent: to },
            Event::ImportTokenIssued { to, token } => Command::ImportToken { to, token },
            Event::DeviceMoved { from, token } => Command::MoveDevice { from, token },
            Event::Placed { organization, server, from } => Command::Place { organization, server, from },
            Event::PrivacyAllowed { organization, allow } => Command::AllowPrivacy { organization, allow },
            Event::PrivacyRequired { organization, require } => Command::RequirePrivacy { organization, require },
        }
    }
}
