//! The state that events add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use thiserror::Error;

use super::command::{LicenceTerms, Policy};
use super::decide::LATEST;
use super::resource::{Catalogue, ResourceId};
use super::withdrawal::InUse;
use super::{Amount, Command, Event, Measure, ORGANIZATIONS, Refusal, Shortage, TOKEN_SECONDS, Time};

/// An organization's place in the list of all that there ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OrganizationId(pub(super) usize);

/// A licence's place in the list of all that there ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LicenceId(pub(super) usize);

/// All accounts, at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    pub(super) now: Time,
    pub(super) resources: Catalogue,
    pub(super) organizations: Vec<Organization>,
    pub(super) names: BTreeMap<String, OrganizationId>,
    pub(super) licences: Vec<Licence>,
    pub(super) serials: BTreeMap<String, LicenceId>,
    /// The licences that count and will end, by when; none of those that renew themselves.
    pub(super) expiries: BTreeSet<(Time, LicenceId)>,
    pub(super) redemptions: u64,
    pub(super) uses: u64,
    pub(super) tokens: BTreeMap<String, Token>,
    /// By resource, what left the tree for good with organizations that lived on their own licences.
    pub(super) gone: Vec<Gone>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Organization {
    pub(super) name: String,
    pub(super) parent: Option<OrganizationId>,
    pub(super) own_licences: bool,
    pub(super) dealer: bool,
    pub(super) privacy_allowed: bool,
    pub(super) privacy_required: bool,
    /// The server that its realm is on, once that was decided.
    pub(super) server: Option<String>,
    pub(super) deleted: bool,
    pub(super) children: BTreeSet<OrganizationId>,
    /// By resource.
    pub(super) cells: Vec<Cell>,
    /// By resource, what it has in use of gauges, in the order in which it took it.
    pub(super) in_use: Vec<Vec<InUse>>,
    /// The licences that it redeemed and that count.
    pub(super) held: BTreeSet<LicenceId>,
    /// By resource, those of them of which something of a counter is not burned yet, in the order in which they are.
    pub(super) lots: Vec<BTreeSet<Lot>>,
    /// The licences that it issued and that count.
    pub(super) live: BTreeSet<LicenceId>,
}

/// A licence among those that are burned: by its expiry, as far as that is written down, and the order of redemptions.
pub(super) type Lot = (Time, u64, LicenceId);

/// What an organization has of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// The grant of its parent; or what its licences release, with the burned part of those that no longer count.
    pub(super) limit: Amount,
    pub(super) own: Amount,
    /// Counters that descendants used before they were deleted or moved away.
    pub(super) inherited: Amount,
    pub(super) shared: Amount,
    pub(super) licensed: Amount,
    /// Of a counter, at the root of a pool: what was burned for a dealer that has since moved to another pool. The next
    /// use burns this first.
    pub(super) unclaimed: Amount,
}

impl Cell {
    pub(super) fn used(&self) -> Amount {
        self.own + self.inherited
    }

    pub(super) fn allocated(&self) -> Amount {
        self.used() + self.shared + self.licensed
    }

    pub(super) fn free(&self) -> Amount {
        self.limit - self.allocated()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) used: Amount,
    pub(super) unclaimed: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Licence {
    pub(super) terms: LicenceTerms,
    pub(super) dealer: Option<OrganizationId>,
    pub(super) quantities: Vec<(ResourceId, Amount)>,
    /// Of each quantity, what was burned; nothing of gauges.
    pub(super) burned: Vec<Amount>,
    /// With all renewals that were written down; see [`Accounts::expiry`].
    pub(super) expiry: Time,
    pub(super) holder: Option<OrganizationId>,
    /// Its place in the order of redemptions.
    pub(super) redeemed: u64,
    pub(super) standing: Standing,
    /// Whether its quantities count, at its holder and at its dealer.
    pub(super) counts: bool,
}

impl Licence {
    pub(super) fn keeps_counting(&self) -> bool {
        self.terms.on_expiry == Policy::Maintain && self.holder.is_some()
    }
}

/// What became of a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It can be redeemed, from its beginning on.
    Issued,
    /// Its holder has what it releases.
    Redeemed,
    /// Its time is over.
    Expired,
    /// It was ended before its time.
    Revoked,
    /// The organization that held it was deleted.
    Closed,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issued => "issued",
            Self::Redeemed => "redeemed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Closed => "closed",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) to: OrganizationId,
    pub(super) dead: Time,
    pub(super) used: bool,
}

/// Why an event of the past can't have happened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unlawful {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It says something else than what is accepted here.
    #[error("what is accepted here is something else")]
    Otherwise,
}

/// What an organization has of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// L
    pub limit: Amount,
    /// U
    pub used: Amount,
    /// S
    pub shared: Amount,
    /// Λ
    pub licensed: Amount,
    /// A
    pub allocated: Amount,
    /// F; below 0 where licences ended after they were granted on.
    pub free: Amount,
    /// E: U over its pool, as far as that lies below it.
    pub effective: Amount,
    /// E*: U over all that is below it.
    pub consumed: Amount,
}

impl Default for Accounts {
    fn default() -> Self {
        let mut accounts = Self {
            now: Time::MIN,
            resources: Catalogue::default(),
            organizations: Vec::new(),
            names: BTreeMap::new(),
            licences: Vec::new(),
            serials: BTreeMap::new(),
            expiries: BTreeSet::new(),
            redemptions: 0,
            uses: 0,
            tokens: BTreeMap::new(),
            gone: Vec::new(),
        };
        accounts.define(ORGANIZATIONS, Measure::Gauge);
        accounts
    }
}

impl Accounts {
    /// The latest time that was seen.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets time pass. An earlier time than the latest that was seen counts as that.
    pub fn advance(&mut self, at: Time) {
        self.now = self.now.max(at.min(LATEST));
        self.expire();
    }

    /// Accepts a command or refuses it. What was refused changes nothing.
    pub fn execute(&mut self, at: Time, command: &Command) -> Result<Vec<Event>, Refusal> {
        self.advance(at);
        let events = self.decide(command)?;
        for event in &events {
            self.fold(event)?;
        }
        Ok(events)
    }

    /// Takes an event of the past. It is held against the law once more, so that what was replayed is proved.
    ///
    /// # Errors
    ///
    /// The event would not have been accepted here, or not as it stands.
    pub fn replay(&mut self, at: Time, event: &Event) -> Result<(), Unlawful> {
        self.advance(at);
        if self.decide(&event.command())?.as_slice() != std::slice::from_ref(event) {
            return Err(Unlawful::Otherwise);
        }
        Ok(self.fold(event)?)
    }

    /// Takes an event whether the law allows it or not: what then does not add up, [`Accounts::shortages`] tells.
    ///
    /// # Errors
    ///
    /// It names what is not there.
    pub fn assume(&mut self, event: &Event) -> Result<(), Refusal> {
        self.fold(event)
    }

    /// Whoever has allocated more than it has, by organization and resource.
    pub fn shortages(&self) -> Vec<Shortage> {
        let organizations = self.organizations.iter().enumerate().filter(|(_, organization)| !organization.deleted);
        let cells =
            organizations.flat_map(|(id, _)| self.resources.ids().map(move |resource| (OrganizationId(id), resource)));
        let over = cells.filter(|(id, resource)| self.cell(*id, *resource).free() < 0);
        over.map(|(id, resource)| self.shortage(id, resource, -self.cell(id, resource).free())).collect()
    }

    /// What an organization has of a resource.
    pub fn figures(&self, organization: &str, resource: &str) -> Result<Figures, Refusal> {
        let (id, resource) = (self.organization(organization)?, self.resource(resource)?);
        Ok(self.figures_of(id, resource))
    }

    pub(super) fn figures_of(&self, id: OrganizationId, resource: ResourceId) -> Figures {
        let cell = self.cell(id, resource);
        Figures {
            limit: cell.limit,
            used: cell.used(),
            shared: cell.shared,
            licensed: cell.licensed,
            allocated: cell.allocated(),
            free: cell.free(),
            effective: self.sum_of_use(id, resource, false),
            consumed: self.sum_of_use(id, resource, true),
        }
    }

    /// U of an organization and of those below it: of its pool, or of all.
    pub(super) fn sum_of_use(&self, id: OrganizationId, resource: ResourceId, all: bool) -> Amount {
        self.below(id, all).iter().map(|below| self.cell(*below, resource).used()).sum()
    }

    /// An organization and those below it, those above first: of its pool, or all.
    pub(super) fn below(&self, id: OrganizationId, all: bool) -> Vec<OrganizationId> {
        let mut found = vec![id];
        let mut next = 0;
        while let Some(id) = found.get(next) {
            let children = self.at(*id).children.iter();
            found.extend(children.filter(|child| all || !self.at(**child).own_licences).copied().collect::<Vec<_>>());
            next += 1;
        }
        found
    }

    /// The organization whose licences an organization lives on.
    pub(super) fn pool_root(&self, mut id: OrganizationId) -> OrganizationId {
        while let (false, Some(parent)) = (self.at(id).own_licences, self.at(id).parent) {
            id = parent;
        }
        id
    }

    pub(super) fn root(&self, mut id: OrganizationId) -> OrganizationId {
        while let Some(parent) = self.at(id).parent {
            id = parent;
        }
        id
    }

    pub(super) fn at(&self, id: OrganizationId) -> &Organization {
        &self.organizations[id.0]
    }

    pub(super) fn at_mut(&mut self, id: OrganizationId) -> &mut Organization {
        &mut self.organizations[id.0]
    }

    pub(super) fn cell(&self, id: OrganizationId, resource: ResourceId) -> &Cell {
        &self.at(id).cells[resource.0]
    }

    pub(super) fn cell_mut(&mut self, id: OrganizationId, resource: ResourceId) -> &mut Cell {
        &mut self.at_mut(id).cells[resource.0]
    }

    /// An organization that is there.
    pub(super) fn organization(&self, name: &str) -> Result<OrganizationId, Refusal> {
        let organization = || name.to_owned();
        let Some(id) = self.names.get(name) else {
            return Err(Refusal::UnknownOrganization { organization: organization() });
        };
        match self.at(*id).deleted {
            true => Err(Refusal::DeletedOrganization { organization: organization() }),
            false => Ok(*id),
        }
    }

    pub(super) fn resource(&self, name: &str) -> Result<ResourceId, Refusal> {
        self.resources.find(name).ok_or_else(|| Refusal::UnknownResource { resource: name.to_owned() })
    }

    pub(super) fn licence(&self, serial: &str) -> Result<LicenceId, Refusal> {
        self.serials.get(serial).copied().ok_or_else(|| Refusal::UnknownLicence { serial: serial.to_owned() })
    }

    pub(super) fn quantities(&self, named: &BTreeMap<String, Amount>) -> Result<Vec<(ResourceId, Amount)>, Refusal> {
        named.iter().map(|(name, amount)| Ok((self.resource(name)?, *amount))).collect()
    }

    pub(super) fn define(&mut self, name: &str, measure: Measure) {
        self.resources.define(name, measure);
        self.gone.push(Gone::default());
        for organization in &mut self.organizations {
            organization.cells.push(Cell::default());
            organization.in_use.push(Vec::new());
            organization.lots.push(BTreeSet::new());
        }
    }

    pub(super) fn dead_from(&self) -> Time {
        self.now.saturating_add(TOKEN_SECONDS)
    }
}
