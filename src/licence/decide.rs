//! The law: which commands are accepted, and what happens then. Looked at in the order shape, existence, rules, quota.

use std::collections::BTreeMap;

use super::accounts::{Accounts, Licence, LicenceId, OrganizationId, Standing};
use super::command::LicenceTerms;
use super::resource::{Measure, ResourceId};
use super::{Amount, Command, Event, LARGEST, ORGANIZATIONS, Refusal, Shortage, Time};

/// The latest time there is: the end of the year 9999.
pub(super) const LATEST: Time = 253_402_300_799;

/// What a step adds to what is allocated, by resource and organization.
pub(super) type Step = BTreeMap<(ResourceId, OrganizationId), Amount>;

type Decision = Result<Vec<Event>, Refusal>;

impl Accounts {
    pub(super) fn decide(&self, command: &Command) -> Decision {
        shape(command)?;
        match command {
            Command::DefineResource { resource, measure } => self.define_resource(resource, *measure),
            Command::Create { organization, parent, own_licences, dealer, grants } => {
                self.create(organization, parent.as_deref(), *own_licences, *dealer, grants)
            }
            Command::Grant { organization, grants } => self.grant(organization, grants),
            Command::Use { organization, resource, amount } => self.change_use(organization, resource, *amount),
            Command::Release { organization, resource, amount } => self.change_use(organization, resource, -*amount),
            Command::Count { organization, resource, amount } => self.count(organization, resource, *amount),
            Command::Dealer { organization, dealer } => self.set_dealer(organization, *dealer),
            Command::Issue(terms) => self.issue(terms),
            Command::Redeem { organization, serial } => self.redeem(organization, serial),
            Command::Revoke { serial } => self.revoke(serial),
            Command::Renew { serial, until } => self.renew(serial, *until),
            Command::Delete { organization, cascade } => self.delete(organization, *cascade),
            Command::Move { organization, parent } => self.move_below(organization, parent),
            Command::ImportToken { to, token } => self.import_token(to, token),
            Command::MoveDevice { from, token } => self.move_device(from, token),
            Command::Present { document, reason } => Err(Refusal::Untrusted { document: *document, reason: *reason }),
            Command::Attempt { refusals } => Err(Refusal::NotApplied { because: refusals.clone() }),
            Command::Place { organization, server, from } => self.place_on(organization, server, from.as_deref()),
            Command::AllowPrivacy { organization, allow } => self.allow_privacy(organization, *allow),
            Command::RequirePrivacy { organization, require } => self.require_privacy(organization, *require),
        }
    }

    fn define_resource(&self, name: &str, measure: Measure) -> Decision {
        match self.resources.find(name) {
            None => Ok(vec![Event::ResourceDefined { resource: name.into(), measure }]),
            Some(id) if self.resources.measure(id) == measure => Ok(vec![]),
            Some(id) => Err(Refusal::OtherMeasure { resource: name.into(), counter: self.resources.is_counter(id) }),
        }
    }

    fn create(
        &self,
        name: &str,
        parent: Option<&str>,
        own_licences: bool,
        dealer: bool,
        grants: &BTreeMap<String, Amount>,
    ) -> Decision {
        if self.names.contains_key(name) {
            return Err(Refusal::NameUsed { organization: name.into() });
        }
        let above = parent.map(|parent| self.organization(parent)).transpose()?;
        let quantities = self.quantities(grants)?;
        if own_licences && !grants.is_empty() {
            return Err(Refusal::OnOwnLicences { organization: name.into() });
        }
        match above {
            None if !own_licences => return Err(Refusal::RootOnParentsResources),
            None => {}
            Some(above) => {
                let mut step: Step =
                    quantities.iter().map(|(resource, amount)| ((*resource, above), *amount)).collect();
                *step.entry((self.resource(ORGANIZATIONS)?, above)).or_default() += 1;
                self.afford(&step)?;
            }
        }
        let grants = grants.iter().filter(|(_, amount)| **amount > 0).map(|(name, amount)| (name.clone(), *amount));
        Ok(vec![Event::Created {
            organization: name.into(),
            parent: parent.map(Into::into),
            own_licences,
            dealer,
            grants: grants.collect(),
        }])
    }

    fn grant(&self, name: &str, grants: &BTreeMap<String, Amount>) -> Decision {
        let id = self.organization(name)?;
        let quantities = self.quantities(grants)?;
        let Some(parent) = self.at(id).parent.filter(|_| !self.at(id).own_licences) else {
            return Err(Refusal::OnOwnLicences { organization: name.into() });
        };
        let (mut step, mut events) = (Step::new(), Vec::new());
        for (resource, after) in quantities {
            let (before, allocated) = (self.cell(id, resource).limit, self.cell(id, resource).allocated());
            let resource_name = self.resources.name(resource);
            if after < allocated {
                return Err(Refusal::BelowAllocated {
                    organization: name.into(),
                    resource: resource_name.into(),
                    grant: after,
                    allocated,
                });
            }
            if after != before {
                step.insert((resource, parent), after - before);
                events.push(Event::Granted {
                    organization: name.into(),
                    resource: resource_name.into(),
                    before,
                    after,
                });
            }
        }
        self.afford(&step)?;
        Ok(events)
    }

    fn change_use(&self, name: &str, resource_name: &str, amount: Amount) -> Decision {
        let (id, resource) = (self.organization(name)?, self.resource(resource_name)?);
        if resource_name == ORGANIZATIONS {
            return Err(Refusal::CountedFromTree);
        }
        let (organization, resource_name) = (name.to_owned(), resource_name.to_owned());
        if amount < 0 {
            let used = self.cell(id, resource).own;
            if self.resources.is_counter(resource) {
                return Err(Refusal::Counter { resource: resource_name });
            }
            if used < -amount {
                return Err(Refusal::NotInUse { organization, resource: resource_name, used, amount: -amount });
            }
            return Ok(vec![Event::Released { organization, resource: resource_name, amount: -amount }]);
        }
        if amount == 0 {
            return Ok(vec![]);
        }
        self.afford(&Step::from([((resource, id), amount)]))?;
        Ok(vec![Event::Used { organization, resource: resource_name, amount }])
    }

    fn count(&self, name: &str, resource_name: &str, amount: Amount) -> Decision {
        let (id, resource) = (self.organization(name)?, self.resource(resource_name)?);
        if self.resources.is_counter(resource) {
            return Err(Refusal::Counter { resource: resource_name.into() });
        }
        self.change_use(name, resource_name, amount - self.cell(id, resource).own)
    }

    fn set_dealer(&self, name: &str, dealer: bool) -> Decision {
        let id = self.organization(name)?;
        if self.at(id).dealer == dealer {
            return Ok(vec![]);
        }
        self.no_live_licence(id)?;
        Ok(vec![Event::DealerSet { organization: name.into(), dealer }])
    }

    fn issue(&self, terms: &LicenceTerms) -> Decision {
        if self.serials.contains_key(&terms.serial) {
            return Err(Refusal::SerialUsed { serial: terms.serial.clone() });
        }
        let dealer = terms.dealer.as_deref().map(|dealer| self.organization(dealer)).transpose()?;
        let quantities = self.quantities(&terms.quantities)?;
        if let Some(dealer) = dealer.filter(|dealer| !self.at(*dealer).dealer) {
            return Err(Refusal::NoDealer { organization: self.at(dealer).name.clone() });
        }
        if terms.expiry <= self.now && terms.renewal.is_none() {
            return Err(Refusal::Expired { serial: terms.serial.clone() });
        }
        if let Some(dealer) = dealer {
            let step: Step = quantities.iter().map(|(resource, amount)| ((*resource, dealer), *amount)).collect();
            self.afford(&step)?;
        }
        Ok(vec![Event::Issued(terms.clone())])
    }

    fn redeem(&self, name: &str, serial: &str) -> Decision {
        let (id, licence) = (self.organization(name)?, self.licence(serial)?);
        let licence = &self.licences[licence.0];
        let serial = || serial.to_owned();
        if licence.holder == Some(id) {
            return Ok(vec![]);
        }
        if !self.at(id).own_licences {
            return Err(Refusal::OnParentsResources { organization: name.into() });
        }
        if licence.holder.is_some() {
            return Err(Refusal::AlreadyRedeemed { serial: serial() });
        }
        if let Some(recipient) = licence.terms.recipient.as_ref().filter(|recipient| *recipient != name) {
            return Err(Refusal::OtherRecipient { serial: serial(), recipient: recipient.clone() });
        }
        match licence.standing {
            Standing::Revoked => return Err(Refusal::Revoked { serial: serial() }),
            Standing::Expired => return Err(Refusal::Expired { serial: serial() }),
            _ => {}
        }
        if licence.terms.valid_from.is_some_and(|from| self.now < from) {
            return Err(Refusal::NotYetValid { serial: serial() });
        }
        if licence.dealer.is_some_and(|dealer| self.pool_root(dealer) == id) {
            return Err(Refusal::OwnIssue { organization: name.into(), serial: serial() });
        }
        Ok(vec![Event::Redeemed { organization: name.into(), serial: serial() }])
    }

    fn revoke(&self, serial: &str) -> Decision {
        let licence = &self.licences[self.licence(serial)?.0];
        match licence.standing {
            Standing::Revoked => Ok(vec![]),
            _ if self.ended_with_holder(licence) => Err(Refusal::HolderDeleted { serial: serial.into() }),
            _ => Ok(vec![Event::Revoked { serial: serial.into() }]),
        }
    }

    fn renew(&self, serial: &str, until: Time) -> Decision {
        let id = self.licence(serial)?;
        let licence = &self.licences[id.0];
        if let Some(dealer) = licence.dealer.map(|dealer| self.at(dealer)).filter(|dealer| dealer.deleted) {
            return Err(Refusal::DeletedOrganization { organization: dealer.name.clone() });
        }
        match licence.standing {
            Standing::Revoked => return Err(Refusal::Revoked { serial: serial.into() }),
            _ if self.ended_with_holder(licence) => return Err(Refusal::HolderDeleted { serial: serial.into() }),
            _ if until <= self.expiry(licence).max(self.now) => {
                return Err(Refusal::NotLater { serial: serial.into() });
            }
            _ => {}
        }
        if let Some(dealer) = licence.dealer.filter(|_| !licence.counts) {
            self.afford(&self.gauges_of(id, dealer))?;
        }
        Ok(vec![Event::Renewed { serial: serial.into(), until }])
    }

    /// Whether whoever redeemed a licence is gone, and with it what the licence could ever count for.
    fn ended_with_holder(&self, licence: &Licence) -> bool {
        licence.holder.is_some_and(|holder| self.at(holder).deleted)
    }

    /// What a dealer has to set aside once more for a licence that counts again: counters were kept aside for ever.
    fn gauges_of(&self, id: LicenceId, dealer: OrganizationId) -> Step {
        let quantities = self.licences[id.0].quantities.iter();
        let gauges = quantities.filter(|(resource, _)| !self.resources.is_counter(*resource));
        gauges.map(|(resource, amount)| ((*resource, dealer), *amount)).collect()
    }

    fn delete(&self, name: &str, cascade: bool) -> Decision {
        let Some(id) = self.names.get(name).copied() else {
            return Err(Refusal::UnknownOrganization { organization: name.into() });
        };
        if self.at(id).deleted {
            return Ok(vec![]);
        }
        if !cascade && !self.at(id).children.is_empty() {
            return Err(Refusal::HasChildren { organization: name.into() });
        }
        let below = self.below(id, true);
        for id in &below {
            self.no_live_licence(*id)?;
        }
        let deleted = |id: &OrganizationId| Event::Deleted { organization: self.at(*id).name.clone() };
        Ok(below.iter().rev().map(deleted).collect())
    }

    fn no_live_licence(&self, id: OrganizationId) -> Result<(), Refusal> {
        match self.at(id).live.first() {
            None => Ok(()),
            Some(licence) => Err(Refusal::LiveLicence {
                organization: self.at(id).name.clone(),
                serial: self.licences[licence.0].terms.serial.clone(),
            }),
        }
    }

    fn move_below(&self, name: &str, parent: &str) -> Decision {
        let (id, to) = (self.organization(name)?, self.organization(parent)?);
        let Some(from) = self.at(id).parent else { return Err(Refusal::Root { organization: name.into() }) };
        if from == to {
            return Ok(vec![]);
        }
        self.common_root(name, id, parent, to)?;
        if self.below(id, true).contains(&to) {
            return Err(Refusal::Cycle { organization: name.into() });
        }
        let mut step = Step::new();
        if !self.at(id).own_licences {
            for resource in self.resources.ids() {
                let left = match self.resources.is_counter(resource) {
                    true => self.cell(id, resource).limit - self.sum_of_use(id, resource, false),
                    false => self.cell(id, resource).limit,
                };
                step.insert((resource, from), -left);
                step.insert((resource, to), left);
            }
        }
        let organizations = self.resource(ORGANIZATIONS)?;
        *step.entry((organizations, from)).or_default() -= 1;
        *step.entry((organizations, to)).or_default() += 1;
        self.afford(&step)?;
        Ok(vec![Event::Moved { organization: name.into(), from: self.at(from).name.clone(), to: parent.into() }])
    }

    fn import_token(&self, to: &str, token: &str) -> Decision {
        self.organization(to)?;
        self.resource(DEVICES)?;
        if self.tokens.contains_key(token) {
            return Err(Refusal::TokenRepeated { token: token.into() });
        }
        Ok(vec![Event::ImportTokenIssued { to: to.into(), token: token.into() }])
    }

    fn move_device(&self, name: &str, token_name: &str) -> Decision {
        let (from, devices) = (self.organization(name)?, self.resource(DEVICES)?);
        let Some(token) = self.tokens.get(token_name) else {
            return Err(Refusal::UnknownToken { token: token_name.into() });
        };
        let to = self.at(token.to);
        if to.deleted {
            return Err(Refusal::DeletedOrganization { organization: to.name.clone() });
        }
        if token.used {
            return Err(Refusal::TokenUsed { token: token_name.into() });
        }
        if self.now >= token.dead {
            return Err(Refusal::TokenExpired { token: token_name.into() });
        }
        if token.to == from {
            return Err(Refusal::SameOrganization { organization: name.into() });
        }
        self.common_root(name, from, &to.name, token.to)?;
        let used = self.cell(from, devices).own;
        if used < 1 {
            let (organization, resource) = (name.into(), DEVICES.into());
            return Err(Refusal::NotInUse { organization, resource, used, amount: 1 });
        }
        self.afford(&Step::from([((devices, from), -1), ((devices, token.to), 1)]))?;
        Ok(vec![Event::DeviceMoved { from: name.into(), token: token_name.into() }])
    }

    fn common_root(&self, name: &str, id: OrganizationId, other: &str, with: OrganizationId) -> Result<(), Refusal> {
        match self.root(id) == self.root(with) {
            true => Ok(()),
            false => Err(Refusal::OtherTree { organization: name.into(), other: other.into() }),
        }
    }

    fn place_on(&self, name: &str, server: &str, moved_from: Option<&str>) -> Decision {
        let placed = |from: Option<&str>| Event::Placed {
            organization: name.into(),
            server: server.into(),
            from: from.map(str::to_owned),
        };
        match self.at(self.organization(name)?).server.as_deref() {
            Some(there) if there == server => Ok(vec![]),
            Some(there) if moved_from == Some(there) => Ok(vec![placed(Some(there))]),
            Some(there) => Err(Refusal::OtherServer { organization: name.into(), server: there.into() }),
            None => Ok(vec![placed(None)]),
        }
    }

    fn allow_privacy(&self, name: &str, allow: bool) -> Decision {
        let at = self.at(self.organization(name)?);
        match (at.privacy_allowed == allow, at.privacy_required) {
            (true, _) => Ok(vec![]),
            (false, true) => Err(Refusal::PrivacyRequired { organization: name.into() }),
            (false, false) => Ok(vec![Event::PrivacyAllowed { organization: name.into(), allow }]),
        }
    }

    fn require_privacy(&self, name: &str, require: bool) -> Decision {
        let at = self.at(self.organization(name)?);
        match (at.privacy_required == require, at.privacy_allowed) {
            (true, _) => Ok(vec![]),
            (false, false) => Err(Refusal::PrivacyNotAllowed { organization: name.into() }),
            (false, true) => Ok(vec![Event::PrivacyRequired { organization: name.into(), require }]),
        }
    }

    /// Whether everybody who gets more allocated by a step has it free afterwards, and their pools too.
    fn afford(&self, step: &Step) -> Result<(), Refusal> {
        for (resource, id) in step.iter().filter(|(_, amount)| **amount > 0).map(|(key, _)| *key) {
            for id in [self.pool_root(id), id] {
                let before = self.cell(id, resource).free();
                let after = before - step.get(&(resource, id)).copied().unwrap_or_default();
                if after < 0 {
                    let shortage = self.shortage(id, resource, -after);
                    return Err(if before < 0 { Refusal::Over(shortage) } else { Refusal::Quota(shortage) });
                }
            }
        }
        Ok(())
    }

    pub(super) fn shortage(&self, id: OrganizationId, resource: ResourceId, missing: Amount) -> Shortage {
        let cell = self.cell(id, resource);
        let mut at = id;
        let mut nearest = None;
        while let (false, Some(parent)) = (self.at(at).own_licences, self.at(at).parent) {
            at = parent;
            if self.cell(at, resource).free() >= missing {
                nearest = Some(self.at(at).name.clone());
                break;
            }
        }
        Shortage {
            organization: self.at(id).name.clone(),
            resource: self.resources.name(resource).to_owned(),
            missing,
            limit: cell.limit,
            used: cell.used(),
            shared: cell.shared,
            licensed: cell.licensed,
            nearest,
        }
    }
}

/// The resource that import tokens move.
pub const DEVICES: &str = "devices";

fn shape(command: &Command) -> Result<(), Refusal> {
    match command {
        Command::DefineResource { resource, .. } => name(resource),
        Command::Create { organization, grants, .. } => {
            name(organization)?;
            grants.values().try_for_each(|amount| quantity(*amount))
        }
        Command::Grant { grants, .. } => grants.values().try_for_each(|amount| quantity(*amount)),
        Command::Use { amount, .. } | Command::Release { amount, .. } | Command::Count { amount, .. } => {
            quantity(*amount)
        }
        Command::Issue(terms) => {
            name(&terms.serial)?;
            terms.recipient.as_deref().map_or(Ok(()), name)?;
            terms.quantities.values().try_for_each(|amount| quantity(*amount))?;
            let times = [Some(terms.expiry), terms.valid_from].into_iter().flatten();
            let in_range = times.into_iter().all(|time| (0..=LATEST).contains(&time))
                && terms.renewal.is_none_or(|period| (1..=LATEST).contains(&period))
                && terms.valid_from.is_none_or(|from| from < terms.expiry);
            in_range.then_some(()).ok_or(Refusal::Validity)
        }
        Command::Renew { until, .. } => (0..=LATEST).contains(until).then_some(()).ok_or(Refusal::Validity),
        Command::ImportToken { token, .. } => name(token),
        Command::Place { server, .. } => name(server),
        _ => Ok(()),
    }
}

fn name(name: &str) -> Result<(), Refusal> {
    let fine = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let first = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    match first && name.len() <= 128 && name.chars().all(fine) {
        true => Ok(()),
        false => Err(Refusal::Name { name: name.chars().take(128).collect() }),
    }
}

fn quantity(amount: Amount) -> Result<(), Refusal> {
    match (0..=LARGEST).contains(&amount) {
        true => Ok(()),
        false => Err(Refusal::Quantity { amount }),
    }
}
