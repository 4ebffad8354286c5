//! The accounts once more, as slowly and plainly as the algebra says it: nothing is kept that can be computed, and what
//! is asked is whether it adds up *afterwards*.

use std::collections::BTreeMap;

use realmwright::licence::{Command, Figures, LicenceTerms, ORGANIZATIONS, Policy, Time};

#[derive(Clone, Debug, Default)]
pub struct Model {
    pub now: Time,
    pub measures: BTreeMap<String, bool>,
    /// Resources as they were defined: the order in which quotas are looked at.
    pub defined: Vec<String>,
    pub organizations: BTreeMap<String, Organization>,
    pub licences: Vec<Licence>,
    pub tokens: BTreeMap<String, (String, Time, bool)>,
    redeemed: usize,
    /// Every unit of a gauge in use, by organization and resource, in the order in which it was taken.
    in_use: Vec<(String, String)>,
}

#[derive(Clone, Debug, Default)]
pub struct Organization {
    pub parent: Option<String>,
    pub own: bool,
    pub dealer: bool,
    pub deleted: bool,
    allow: bool,
    require: bool,
    server: Option<String>,
    grants: BTreeMap<String, i64>,
    used: BTreeMap<String, i64>,
    inherited: BTreeMap<String, i64>,
    sold_before: BTreeMap<String, i64>,
    unclaimed: BTreeMap<String, i64>,
}

#[derive(Clone, Debug)]
pub struct Licence {
    pub terms: LicenceTerms,
    pub expiry: Time,
    pub holder: Option<String>,
    order: usize,
    ended: Option<&'static str>,
    burned: BTreeMap<String, i64>,
}

/// The code of a refusal; of quotas with the organization, the resource, what is missing and the nearest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No(pub String, pub Option<(String, String, i64, Option<String>)>);

fn no<T>(code: &str) -> Result<T, No> {
    Err(No(code.into(), None))
}

fn get(map: &BTreeMap<String, i64>, key: &str) -> i64 {
    map.get(key).copied().unwrap_or(0)
}

impl Model {
    fn counter(&self, resource: &str) -> bool {
        self.measures[resource]
    }

    fn children(&self, of: &str) -> Vec<&str> {
        let all = self.organizations.iter();
        all.filter(|(_, o)| !o.deleted && o.parent.as_deref() == Some(of)).map(|(name, _)| name.as_str()).collect()
    }

    fn below(&self, of: &str, all: bool) -> Vec<String> {
        let mut found = vec![of.to_owned()];
        for child in self.children(of) {
            if all || !self.organizations[child].own {
                found.extend(self.below(child, all));
            }
        }
        found
    }

    fn pool_root(&self, of: &str) -> String {
        let o = &self.organizations[of];
        if o.own { of.to_owned() } else { self.pool_root(o.parent.as_deref().expect("a parent")) }
    }

    fn root(&self, of: &str) -> String {
        self.organizations[of].parent.as_deref().map_or(of.to_owned(), |parent| self.root(parent))
    }

    fn expired(&self, licence: &Licence) -> bool {
        licence.terms.renewal.is_none() && licence.expiry <= self.now
    }

    /// Whether the quantities of a licence count.
    fn counts(&self, licence: &Licence) -> bool {
        let maintained = licence.terms.on_expiry == Policy::Maintain && licence.holder.is_some();
        licence.ended.is_none() && (!self.expired(licence) || maintained)
    }

    pub fn figures(&self, of: &str, resource: &str) -> Figures {
        let o = &self.organizations[of];
        let own = match resource == ORGANIZATIONS {
            true => self.children(of).len() as i64,
            false => get(&o.used, resource),
        };
        let used = own + get(&o.inherited, resource);
        let granted = |child: &&str| !self.organizations[*child].own;
        let shared = self
            .children(of)
            .iter()
            .filter(|c| granted(c))
            .map(|c| get(&self.organizations[*c].grants, resource))
            .sum();
        let issued = self.licences.iter().filter(|l| l.terms.dealer.as_deref() == Some(of));
        let issued = issued.filter(|l| self.counter(resource) || self.counts(l));
        let licensed = issued.map(|l| get(&l.terms.quantities, resource)).sum::<i64>() + get(&o.sold_before, resource);
        let held = self.licences.iter().filter(|l| l.holder.as_deref() == Some(of));
        let limit = match o.own {
            false => get(&o.grants, resource),
            true => held
                .map(|l| if self.counts(l) { get(&l.terms.quantities, resource) } else { get(&l.burned, resource) })
                .sum(),
        };
        let sum = |all| {
            self.below(of, all)
                .iter()
                .map(|d| {
                    let o = &self.organizations[d];
                    let own =
                        if resource == ORGANIZATIONS { self.children(d).len() as i64 } else { get(&o.used, resource) };
                    own + get(&o.inherited, resource)
                })
                .sum()
        };
        let allocated = used + shared + licensed;
        Figures {
            limit,
            used,
            shared,
            licensed,
            allocated,
            free: limit - allocated,
            effective: sum(false),
            consumed: sum(true),
        }
    }

    fn here(&self, name: &str) -> Result<(), No> {
        match self.organizations.get(name) {
            None => no("unknown-organization"),
            Some(o) if o.deleted => no("deleted-organization"),
            Some(_) => Ok(()),
        }
    }

    fn known(&self, resource: &str) -> Result<(), No> {
        if self.measures.contains_key(resource) { Ok(()) } else { no("unknown-resource") }
    }

    fn licence(&self, serial: &str) -> Result<usize, No> {
        self.licences.iter().position(|l| l.terms.serial == serial).map_or_else(|| no("unknown-licence"), Ok)
    }

    pub fn execute(&mut self, at: Time, command: &Command) -> Result<(), No> {
        self.pass(self.now.max(at));
        let now = self.now;
        for licence in self.licences.iter_mut().filter(|l| l.ended.is_none()) {
            while let (Some(period), true) = (licence.terms.renewal, licence.expiry <= now) {
                licence.expiry += period;
            }
        }
        let mut after = self.clone();
        after.change(command)?;
        self.adds_up(&after)?;
        *self = after;
        Ok(())
    }

    /// Lets time pass, from one licence to the next that withdraws what is in use when it expires.
    fn pass(&mut self, to: Time) {
        let revoking = self.licences.iter().enumerate().filter(|(_, l)| {
            let ends = l.ended.is_none() && l.terms.renewal.is_none() && (self.now + 1..=to).contains(&l.expiry);
            ends && l.terms.on_expiry == Policy::Revoke && l.holder.is_some()
        });
        let mut revoking: Vec<(Time, usize)> = revoking.map(|(index, l)| (l.expiry, index)).collect();
        revoking.sort_unstable();
        for (expiry, index) in revoking {
            self.now = expiry;
            let Licence { terms, holder, .. } = self.licences[index].clone();
            let pool = self.below(&holder.expect("a holder"), false);
            for resource in terms.quantities.keys() {
                if self.counter(resource) {
                    continue;
                }
                let figures = || pool.iter().map(|member| self.figures(member, resource));
                let held: i64 = figures().map(|f| f.used + f.licensed).sum();
                for _ in 0..held - self.figures(&pool[0], resource).limit {
                    let newest = self.in_use.iter().rposition(|(who, what)| pool.contains(who) && what == resource);
                    let Some(newest) = newest else { break };
                    let (who, _) = self.in_use.remove(newest);
                    *self.organizations.get_mut(&who).expect("there").used.entry(resource.clone()).or_default() -= 1;
                }
            }
        }
        self.now = to;
    }

    fn take(&mut self, who: &str, what: &str, amount: i64) {
        for _ in 0..amount {
            self.in_use.push((who.into(), what.into()));
        }
        for _ in amount..0 {
            let newest = self.in_use.iter().rposition(|(by, of)| by == who && of == what).expect("in use");
            self.in_use.remove(newest);
        }
    }

    /// Whether whoever has more allocated after a step has it free after it, and its pool too.
    fn adds_up(&self, after: &Model) -> Result<(), No> {
        for resource in &self.defined {
            for (name, _) in
                after.organizations.iter().filter(|(name, o)| !o.deleted && self.organizations.contains_key(*name))
            {
                if after.figures(name, resource).allocated <= self.figures(name, resource).allocated {
                    continue;
                }
                for binding in [after.pool_root(name), name.clone()] {
                    let left = after.figures(&binding, resource).free;
                    if left < 0 {
                        let over = self.figures(&binding, resource).free < 0;
                        let mut at = binding.clone();
                        let mut nearest = None;
                        while nearest.is_none() && !self.organizations[&at].own {
                            at = self.organizations[&at].parent.clone().expect("a parent");
                            nearest = (self.figures(&at, resource).free >= -left).then(|| at.clone());
                        }
                        let code = if over { "over" } else { "quota" };
                        return Err(No(code.into(), Some((binding, resource.clone(), -left, nearest))));
                    }
                }
            }
        }
        Ok(())
    }

    fn burn(&mut self, pool: &str, resource: &str, amount: i64) {
        let unclaimed = self.organizations.get_mut(pool).expect("there").unclaimed.entry(resource.into()).or_default();
        for _ in 0..amount {
            if *unclaimed > 0 {
                *unclaimed -= 1;
                continue;
            }
            let model = &*self.licences;
            let counts: Vec<bool> = model
                .iter()
                .map(|l| l.ended.is_none() && (l.expiry > self.now || l.terms.on_expiry == Policy::Maintain))
                .collect();
            let left = |l: &Licence| get(&l.terms.quantities, resource) - get(&l.burned, resource);
            let lots = self
                .licences
                .iter_mut()
                .enumerate()
                .filter(|(i, l)| counts[*i] && l.holder.as_deref() == Some(pool) && left(l) > 0);
            // What is refused afterwards may find nothing to burn.
            if let Some((_, lot)) = lots.min_by_key(|(_, l)| (l.expiry, l.order)) {
                *lot.burned.entry(resource.into()).or_default() += 1;
            }
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each command")]
    fn change(&mut self, command: &Command) -> Result<(), No> {
        match command {
            Command::DefineResource { resource, measure } => {
                let counter = *measure == realmwright::licence::Measure::Counter;
                match self.measures.insert(resource.clone(), counter) {
                    Some(before) if before != counter => return no("other-measure"),
                    Some(_) => {}
                    None => self.defined.push(resource.clone()),
                }
            }
            Command::Create { organization, parent, own_licences, dealer, grants } => {
                if self.organizations.contains_key(organization) {
                    return no("name-used");
                }
                parent.iter().try_for_each(|parent| self.here(parent))?;
                grants.keys().try_for_each(|resource| self.known(resource))?;
                if *own_licences && !grants.is_empty() {
                    return no("on-own-licences");
                }
                if parent.is_none() && !own_licences {
                    return no("root-on-parents-resources");
                }
                let new = Organization {
                    parent: parent.clone(),
                    own: *own_licences,
                    dealer: *dealer,
                    grants: grants.clone(),
                    ..Organization::default()
                };
                self.organizations.insert(organization.clone(), new);
            }
            Command::Grant { organization, grants } => {
                self.here(organization)?;
                grants.keys().try_for_each(|resource| self.known(resource))?;
                if self.organizations[organization].own {
                    return no("on-own-licences");
                }
                for (resource, amount) in grants {
                    if *amount < self.figures(organization, resource).allocated {
                        return no("below-allocated");
                    }
                    self.organizations.get_mut(organization).expect("there").grants.insert(resource.clone(), *amount);
                }
            }
            Command::Use { organization, resource, amount } => self.add_use(organization, resource, *amount)?,
            Command::Release { organization, resource, amount } => self.add_use(organization, resource, -*amount)?,
            Command::Count { organization, resource, amount } => {
                self.here(organization)?;
                self.known(resource)?;
                if self.counter(resource) {
                    return no("counter");
                }
                let used = get(&self.organizations[organization].used, resource);
                self.add_use(organization, resource, amount - used)?;
            }
            Command::Dealer { organization, dealer } => {
                self.here(organization)?;
                if self.organizations[organization].dealer != *dealer {
                    self.no_live_licence(organization)?;
                }
                self.organizations.get_mut(organization).expect("there").dealer = *dealer;
            }
            Command::Issue(terms) => {
                if self.licence(&terms.serial).is_ok() {
                    return no("serial-used");
                }
                terms.dealer.iter().try_for_each(|dealer| self.here(dealer))?;
                terms.quantities.keys().try_for_each(|resource| self.known(resource))?;
                if terms.dealer.as_ref().is_some_and(|dealer| !self.organizations[dealer].dealer) {
                    return no("no-dealer");
                }
                if terms.expiry <= self.now && terms.renewal.is_none() {
                    return no("expired");
                }
                let mut expiry = terms.expiry;
                while let (Some(period), true) = (terms.renewal, expiry <= self.now) {
                    expiry += period;
                }
                let counters = self.measures.clone();
                for (resource, amount) in terms.quantities.iter().filter(|(resource, _)| counters[*resource]) {
                    if let Some(dealer) = &terms.dealer {
                        let pool = self.pool_root(dealer);
                        self.burn(&pool, resource, *amount);
                    }
                }
                self.licences.push(Licence {
                    terms: terms.clone(),
                    expiry,
                    holder: None,
                    order: 0,
                    ended: None,
                    burned: BTreeMap::new(),
                });
            }
            Command::Redeem { organization, serial } => self.redeem(organization, serial)?,
            Command::Revoke { serial } => {
                let licence = self.licence(serial)?;
                if self.licences[licence].ended != Some("revoked") {
                    self.holder_lives(licence)?;
                }
                self.licences[licence].ended = Some("revoked");
            }
            Command::Renew { serial, until } => {
                let licence = self.licence(serial)?;
                if let Some(dealer) = self.licences[licence].terms.dealer.clone() {
                    self.here(&dealer)?;
                }
                if let Some(ended) = self.licences[licence].ended {
                    return no(ended);
                }
                self.holder_lives(licence)?;
                if *until <= self.licences[licence].expiry.max(self.now) {
                    return no("not-later");
                }
                self.licences[licence].expiry = *until;
            }
            Command::Delete { organization, cascade } => self.delete(organization, *cascade)?,
            Command::Move { organization, parent } => self.move_below(organization, parent)?,
            Command::ImportToken { to, token } => {
                self.here(to)?;
                self.known("devices")?;
                if self.tokens.contains_key(token) {
                    return no("token-repeated");
                }
                self.tokens.insert(token.clone(), (to.clone(), self.now + 600, false));
            }
            Command::MoveDevice { from, token } => self.move_device(from, token)?,
            Command::Present { .. } => return no("untrusted"),
            Command::Attempt { .. } => return no("not-applied"),
            Command::Place { organization, server, from } => {
                self.here(organization)?;
                let there = &mut self.organizations.get_mut(organization).expect("there").server;
                if there.as_ref().is_some_and(|there| there != server && Some(there) != from.as_ref()) {
                    return no("other-server");
                }
                *there = Some(server.clone());
            }
            Command::AllowPrivacy { organization, allow } => {
                self.here(organization)?;
                let o = self.organizations.get_mut(organization).expect("there");
                if !allow && o.require {
                    return no("privacy-required");
                }
                o.allow = *allow;
            }
            Command::RequirePrivacy { organization, require } => {
                self.here(organization)?;
                let o = self.organizations.get_mut(organization).expect("there");
                if *require && !o.allow {
                    return no("privacy-not-allowed");
                }
                o.require = *require;
            }
        }
        Ok(())
    }

    /// Also one that had expired before its holder was deleted ended with it.
    fn holder_lives(&self, licence: usize) -> Result<(), No> {
        let holder = self.licences[licence].holder.as_ref();
        if holder.is_some_and(|holder| self.organizations[holder].deleted) { no("holder-deleted") } else { Ok(()) }
    }

    fn no_live_licence(&self, dealer: &str) -> Result<(), No> {
        let live = self.licences.iter().any(|l| l.terms.dealer.as_deref() == Some(dealer) && self.counts(l));
        if live { no("live-licence") } else { Ok(()) }
    }

    fn add_use(&mut self, name: &str, resource: &str, amount: i64) -> Result<(), No> {
        self.here(name)?;
        self.known(resource)?;
        if resource == ORGANIZATIONS {
            return no("counted-from-tree");
        }
        if amount < 0 && self.counter(resource) {
            return no("counter");
        }
        if get(&self.organizations[name].used, resource) + amount < 0 {
            return no("not-in-use");
        }
        *self.organizations.get_mut(name).expect("there").used.entry(resource.into()).or_default() += amount;
        if self.counter(resource) {
            let pool = self.pool_root(name);
            self.burn(&pool, resource, amount);
        } else {
            self.take(name, resource, amount);
        }
        Ok(())
    }

    fn redeem(&mut self, name: &str, serial: &str) -> Result<(), No> {
        self.here(name)?;
        let index = self.licence(serial)?;
        let licence = &self.licences[index];
        if licence.holder.as_deref() == Some(name) {
            return Ok(());
        }
        if !self.organizations[name].own {
            return no("on-parents-resources");
        }
        if licence.holder.is_some() {
            return no("already-redeemed");
        }
        if licence.terms.recipient.as_ref().is_some_and(|recipient| recipient != name) {
            return no("other-recipient");
        }
        if let Some(ended) = licence.ended {
            return no(ended);
        }
        if self.expired(licence) {
            return no("expired");
        }
        if licence.terms.valid_from.is_some_and(|from| self.now < from) {
            return no("not-yet-valid");
        }
        if licence.terms.dealer.as_ref().is_some_and(|dealer| self.pool_root(dealer) == name) {
            return no("own-issue");
        }
        self.redeemed += 1;
        let order = self.redeemed;
        let licence = &mut self.licences[index];
        (licence.holder, licence.order) = (Some(name.into()), order);
        Ok(())
    }

    fn delete(&mut self, name: &str, cascade: bool) -> Result<(), No> {
        match self.organizations.get(name) {
            None => return no("unknown-organization"),
            Some(o) if o.deleted => return Ok(()),
            Some(_) => {}
        }
        if !cascade && !self.children(name).is_empty() {
            return no("has-children");
        }
        for below in self.below(name, true) {
            self.no_live_licence(&below)?;
        }
        while let Some(child) = self.children(name).first().map(|child| (*child).to_owned()) {
            self.delete(&child, true)?;
        }
        let o = self.organizations[name].clone();
        for (resource, _) in self.measures.clone().iter().filter(|(_, counter)| **counter) {
            let figures = self.figures(name, resource);
            if let (false, Some(parent)) = (o.own, &o.parent) {
                let parent = self.organizations.get_mut(parent).expect("there");
                *parent.inherited.entry(resource.clone()).or_default() += figures.used;
                *parent.sold_before.entry(resource.clone()).or_default() += figures.licensed;
            }
        }
        for licence in &mut self.licences {
            let lives = licence.expiry > self.now || licence.terms.on_expiry == Policy::Maintain;
            if licence.holder.as_deref() == Some(name) && licence.ended.is_none() && lives {
                licence.ended = Some("holder-deleted");
            }
        }
        self.in_use.retain(|(who, _)| who != name);
        self.organizations.get_mut(name).expect("there").deleted = true;
        Ok(())
    }

    fn move_below(&mut self, name: &str, to: &str) -> Result<(), No> {
        self.here(name)?;
        self.here(to)?;
        let o = self.organizations[name].clone();
        let Some(from) = o.parent else { return no("root") };
        if from == to {
            return Ok(());
        }
        if self.root(name) != self.root(to) {
            return no("other-tree");
        }
        if self.below(name, true).iter().any(|below| below == to) {
            return no("cycle");
        }
        let (old, new) = (self.pool_root(&from), self.pool_root(to));
        let before = self.clone();
        for (resource, _) in self.measures.clone().iter().filter(|(_, counter)| **counter && !o.own) {
            let mut sold = 0;
            for member in before.below(name, false) {
                let figures = before.figures(&member, resource);
                sold += figures.licensed;
                let member = self.organizations.get_mut(&member).expect("there");
                *member.grants.entry(resource.clone()).or_default() -= figures.effective;
                member.used.remove(resource);
                member.inherited.remove(resource);
            }
            let left = before.figures(name, resource).effective;
            *self.organizations.get_mut(&from).expect("there").inherited.entry(resource.clone()).or_default() += left;
            if old != new {
                *self.organizations.get_mut(&old).expect("there").unclaimed.entry(resource.clone()).or_default() +=
                    sold;
                self.burn(&new, resource, sold);
            }
        }
        self.organizations.get_mut(name).expect("there").parent = Some(to.into());
        Ok(())
    }

    fn move_device(&mut self, from: &str, token: &str) -> Result<(), No> {
        self.here(from)?;
        self.known("devices")?;
        let Some((to, dead, used)) = self.tokens.get(token).cloned() else { return no("unknown-token") };
        self.here(&to)?;
        if used {
            return no("token-used");
        }
        if self.now >= dead {
            return no("token-expired");
        }
        if to == from {
            return no("same-organization");
        }
        if self.root(from) != self.root(&to) {
            return no("other-tree");
        }
        if get(&self.organizations[from].used, "devices") < 1 {
            return no("not-in-use");
        }
        self.tokens.get_mut(token).expect("there").2 = true;
        *self.organizations.get_mut(from).expect("there").used.entry("devices".into()).or_default() -= 1;
        *self.organizations.get_mut(&to).expect("there").used.entry("devices".into()).or_default() += 1;
        self.take(from, "devices", -1);
        self.take(&to, "devices", 1);
        Ok(())
    }
}
