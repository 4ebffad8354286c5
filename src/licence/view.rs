//! What is shown of the accounts, and to whom: of an organization that requires full privacy, those above it see its name
//! and what it consumes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::accounts::{Accounts, Figures, Licence, OrganizationId, Standing};
use super::command::LicenceTerms;
use super::event::in_words;
use super::{Amount, Refusal, Time};

/// An organization, as somebody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "privacy", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum OrganizationView {
    /// All there is to see.
    Open {
        /// Its name.
        name: String,
        /// Whether it may issue licences.
        dealer: bool,
        /// Whether it lives on own licences.
        own_licences: bool,
        /// Whether its parent lets it hide.
        privacy_allowed: bool,
        /// Whether it hides from those above it.
        privacy_required: bool,
        /// By resource.
        resources: BTreeMap<String, Figures>,
        /// Those right below it, by name.
        children: Vec<OrganizationView>,
    },
    /// An organization that is hidden from whoever looks.
    Full {
        /// Its name.
        name: String,
        /// By resource, what it uses (E) and what all below it uses with it (E*).
        consumption: BTreeMap<String, Consumption>,
    },
}

/// What an organization consumes of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumption {
    /// E
    pub effective: Amount,
    /// E*
    pub consumed: Amount,
}

/// What an organization is and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The organization above it.
    pub parent: Option<&'a str>,
    /// Whether it lives on own licences.
    pub own_licences: bool,
    /// Whether it may issue licences.
    pub dealer: bool,
    /// By resource, its limit: what it was granted, or what its licences release.
    pub limits: BTreeMap<&'a str, Amount>,
}

/// A licence, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LicenceView {
    /// What it says.
    #[serde(flatten)]
    pub terms: LicenceTerms,
    /// The expiry now, with all renewals so far.
    pub expires: Time,
    /// What became of it.
    pub standing: Standing,
    /// Who redeemed it; of whom that is hidden, the organization that hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// By counter, what was burned; nothing, where that is hidden.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub burned: BTreeMap<String, Amount>,
}

impl Accounts {
    /// The roots of all trees, by name.
    pub fn roots(&self) -> Vec<&str> {
        let roots =
            self.organizations.iter().filter(|organization| organization.parent.is_none() && !organization.deleted);
        let mut names: Vec<&str> = roots.map(|organization| organization.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// All organizations that there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.organizations
            .iter()
            .filter(|organization| !organization.deleted)
            .map(|organization| organization.name.as_str())
    }

    /// The server that an organization's realm is on, where that was noted down.
    pub fn server(&self, organization: &str) -> Option<&str> {
        self.at(self.organization(organization).ok()?).server.as_deref()
    }

    /// The same of every organization that there is.
    pub fn placements(&self) -> impl Iterator<Item = (&str, &str)> {
        let there = self.organizations.iter().filter(|organization| !organization.deleted);
        there.filter_map(|organization| Some((organization.name.as_str(), organization.server.as_deref()?)))
    }

    /// Whether an organization may hide from those above it, and whether it does; neither where there is none.
    pub fn privacy(&self, organization: &str) -> (bool, bool) {
        let at = self.organization(organization).map(|id| self.at(id));
        at.map_or((false, false), |at| (at.privacy_allowed, at.privacy_required))
    }

    /// Whether a resource is known, and a counter.
    pub fn is_counter(&self, resource: &str) -> bool {
        self.resource(resource).is_ok_and(|id| self.resources.is_counter(id))
    }

    /// What an organization is and has, without what it does with that.
    ///
    /// # Errors
    ///
    /// There is none of that name, or none any more.
    pub fn account(&self, organization: &str) -> Result<Account<'_>, Refusal> {
        let organization = self.at(self.organization(organization)?);
        let limits = self.resources.ids().map(|id| (self.resources.name(id), organization.cells[id.0].limit));
        Ok(Account {
            parent: organization.parent.map(|parent| self.at(parent).name.as_str()),
            own_licences: organization.own_licences,
            dealer: organization.dealer,
            limits: limits.collect(),
        })
    }

    /// What every organization has of every resource, and has allocated of it.
    pub fn balances(&self) -> BTreeMap<(&str, &str), (Amount, Amount)> {
        let organizations = self.organizations.iter().filter(|organization| !organization.deleted);
        let cells = organizations.flat_map(|organization| {
            let ids = self.resources.ids();
            ids.map(|id| ((organization.name.as_str(), self.resources.name(id)), &organization.cells[id.0]))
        });
        cells.map(|(key, cell)| (key, (cell.limit, cell.allocated()))).collect()
    }

    /// An organization and what is below it, `depth` levels down, as it sees itself.
    pub fn tree(&self, organization: &str, depth: usize) -> Result<OrganizationView, Refusal> {
        Ok(self.open(self.organization(organization)?, depth))
    }

    fn open(&self, id: OrganizationId, depth: usize) -> OrganizationView {
        let organization = self.at(id);
        let figures = self
            .resources
            .ids()
            .map(|resource| (self.resources.name(resource).to_owned(), self.figures_of(id, resource)));
        let mut children: Vec<OrganizationId> = match depth {
            0 => Vec::new(),
            _ => organization.children.iter().copied().collect(),
        };
        children.sort_by_key(|child| &self.at(*child).name);
        OrganizationView::Open {
            name: organization.name.clone(),
            dealer: organization.dealer,
            own_licences: organization.own_licences,
            privacy_allowed: organization.privacy_allowed,
            privacy_required: organization.privacy_required,
            resources: figures.collect(),
            children: children.into_iter().map(|child| self.below_open(child, depth - 1)).collect(),
        }
    }

    fn below_open(&self, id: OrganizationId, depth: usize) -> OrganizationView {
        if !self.at(id).privacy_required {
            return self.open(id, depth);
        }
        let consumption = self.resources.ids().map(|resource| {
            let Figures { effective, consumed, .. } = self.figures_of(id, resource);
            (self.resources.name(resource).to_owned(), Consumption { effective, consumed })
        });
        OrganizationView::Full { name: self.at(id).name.clone(), consumption: consumption.collect() }
    }

    /// All licences that there ever were, in the order in which they were issued.
    pub fn licence_views(&self) -> impl Iterator<Item = LicenceView> {
        self.licences.iter().map(|licence| self.view(licence))
    }

    /// A licence by its serial.
    pub fn licence_view(&self, serial: &str) -> Result<LicenceView, Refusal> {
        Ok(self.view(&self.licences[self.licence(serial)?.0]))
    }

    /// The licences that an organization holds or issued, as it sees them: of those that are held behind somebody's full
    /// privacy, who hides there, and not what became of them.
    ///
    /// # Errors
    ///
    /// There is no organization of that name, or none any more.
    pub fn licences_of(&self, organization: &str) -> Result<Vec<LicenceView>, Refusal> {
        let id = self.organization(organization)?;
        let of = self.licences.iter().filter(|licence| [licence.holder, licence.dealer].contains(&Some(id)));
        Ok(of.map(|licence| self.view_from(id, licence)).collect())
    }

    /// A licence as an organization sees it.
    fn view_from(&self, viewer: OrganizationId, licence: &Licence) -> LicenceView {
        let view = self.view(licence);
        match licence.holder.and_then(|holder| self.hidden_from(viewer, holder)) {
            None => view,
            Some(hider) => LicenceView { holder: Some(self.at(hider).name.clone()), burned: BTreeMap::new(), ..view },
        }
    }

    /// Who hides an organization from another one: the uppermost that requires full privacy of those that are above it and
    /// not above the other one.
    fn hidden_from(&self, viewer: OrganizationId, of: OrganizationId) -> Option<OrganizationId> {
        let known: Vec<OrganizationId> = self.upwards(viewer).collect();
        let apart = self.upwards(of).take_while(|id| !known.contains(id));
        apart.filter(|id| self.at(*id).privacy_required && *id != of).last()
    }

    /// An organization, and those above it.
    fn upwards(&self, id: OrganizationId) -> impl Iterator<Item = OrganizationId> {
        std::iter::successors(Some(id), |id| self.at(*id).parent)
    }

    /// Has whoever is hidden in other accounts, of the same history, hidden in these too.
    pub fn hide_as(&mut self, other: &Self) {
        for (organization, other) in self.organizations.iter_mut().zip(&other.organizations) {
            organization.privacy_required |= other.privacy_required;
        }
    }

    /// When an import token is dead.
    pub fn token_dies(&self, token: &str) -> Option<Time> {
        self.tokens.get(token).map(|token| token.dead)
    }

    fn view(&self, licence: &Licence) -> LicenceView {
        let burned = licence.quantities.iter().zip(&licence.burned).filter(|(_, burned)| **burned > 0);
        LicenceView {
            terms: licence.terms.clone(),
            expires: self.expiry(licence),
            standing: licence.standing,
            holder: licence.holder.map(|holder| self.at(holder).name.clone()),
            burned: burned
                .map(|((resource, _), burned)| (self.resources.name(*resource).to_owned(), *burned))
                .collect(),
        }
    }
}

impl LicenceTerms {
    /// Whether it can be redeemed at a time, as far as its own words go.
    pub fn is_valid(&self, at: Time) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && (self.expiry > at || self.renewal.is_some())
    }

    /// What it releases, in words.
    pub fn released(&self) -> String {
        in_words(&self.quantities)
    }
}
