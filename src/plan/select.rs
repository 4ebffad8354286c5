//! Selectors: which tenants, and which objects of them, a run is about.
//!
//! ```text
//! clinic                          the tenant of this name
//! nordmed/klinikpartner/st-anna   the same, by its path from the distributor down
//! nordmed/klinikpartner/**        every tenant below
//! tier:organization  distributor:nordmed  label:region=north  label:region  server:eu-1
//! clinic/client/assistant         one object; clinic/client all of a kind
//! ```
//!
//! `*` stands for any text. The first part of an address is a tenant; the first later part that is the name of a kind
//! begins the object.

use std::collections::BTreeMap;
use std::str::FromStr;

use wildmatch::WildMatch;

use super::part::Needed;
use crate::diagnostic::did_you_mean;
use crate::manifest::Tier;
use crate::manifest::resolve::{Network, Tenant};
use crate::state::{Kind, ObjectId};

/// One selector, as it was given and what it means.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    text: String,
    tenants: Tenants,
    objects: Option<Objects>,
}

#[derive(Debug, Clone, PartialEq)]
enum Tenants {
    Tier(Tier),
    Distributor(WildMatch),
    Label(String, Option<WildMatch>),
    Server(WildMatch),
    Name(WildMatch),
    /// From the distributor down; `true`: and everything below the last one, without it.
    Path(Vec<WildMatch>, bool),
}

/// Objects of a kind by their key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Objects {
    kind: Kind,
    key: WildMatch,
}

impl std::fmt::Display for Objects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.key)
    }
}

impl Objects {
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        self.kind == id.kind && self.key.matches(&id.key)
    }
}

/// Why a selector can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Nothing stands where a name is needed.
    #[error("`{0}` names nothing in one of its parts")]
    Empty(String),
    /// There is no such tier.
    #[error("`{0}` is not a tier{hint}", hint = among(.0, &TIERS.map(Tier::name)))]
    Tier(String),
    /// There is no such way to select.
    #[error("there is no selector `{0}:`{hint}", hint = among(.0, &PREFIXES))]
    Prefix(String),
    /// It matches no tenant of the environment.
    #[error("`{selector}` matches no tenant{hint}")]
    NoTenant {
        /// The selector.
        selector: String,
        /// A way out, as a clause.
        hint: String,
    },
    /// It matches no object of the tenants that it names.
    #[error("`{selector}` matches no object{hint}")]
    NoObject {
        /// The selector.
        selector: String,
        /// A way out, as a clause.
        hint: String,
    },
    /// What is selected is excluded as well.
    #[error("nothing is left: everything that is selected is excluded as well")]
    NothingLeft,
    /// Objects are named where tenants are chosen.
    #[error("`{0}` names objects, and this is about whole tenants; name the tenant alone")]
    TenantsOnly(String),
    /// Only a part of a realm that does not exist yet was selected.
    #[error(
        "`{0}` has no realm yet, and a realm is made whole; select the tenant without naming objects, or leave it out with \
         --exclude {0}"
    )]
    Unborn(String),
    /// What is selected can't be done without what is excluded.
    #[error(
        "`{tenant}/{by}` can't be done without `{tenant}/{object}`, which is excluded; don't exclude that one, or exclude both",
        tenant = .0.tenant,
        by = .0.by,
        object = .0.object
    )]
    Excluded(Needed),
}

const PREFIXES: [&str; 4] = ["tier", "distributor", "label", "server"];
const TIERS: [Tier; 3] = [Tier::Distributor, Tier::Reseller, Tier::Organization];

/// A suggestion, or what there is, as a clause.
fn among(written: &str, known: &[&str]) -> String {
    did_you_mean(written, known.iter().copied())
        .map_or_else(|| format!("; there are {}", known.join(", ")), |hint| format!("; {hint}"))
}

impl FromStr for Selector {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let text = text.trim();
        let selector = |tenants, objects| Self { text: text.to_owned(), tenants, objects };
        let empty = || SelectError::Empty(text.to_owned());
        if let Some((prefix, rest)) = text.split_once(':').filter(|(prefix, _)| !prefix.contains('/')) {
            let (name, value) = rest.split_once('=').map_or((rest, None), |(name, value)| (name, Some(value)));
            if rest.is_empty() || name.is_empty() {
                return Err(empty());
            }
            return match prefix {
                "tier" => {
                    let tier = TIERS.into_iter().find(|tier| tier.name() == rest);
                    let tier = tier.ok_or_else(|| SelectError::Tier(rest.to_owned()))?;
                    Ok(selector(Tenants::Tier(tier), None))
                }
                "distributor" => Ok(selector(Tenants::Distributor(WildMatch::new(rest)), None)),
                "label" => Ok(selector(Tenants::Label(name.to_owned(), value.map(WildMatch::new)), None)),
                "server" => Ok(selector(Tenants::Server(WildMatch::new(rest)), None)),
                other => Err(SelectError::Prefix(other.to_owned())),
            };
        }
        let parts: Vec<&str> = text.split('/').collect();
        let object = parts.iter().skip(1).position(|part| Kind::from_name(part).is_some()).map(|at| at + 1);
        let (path, object) = parts.split_at(object.unwrap_or(parts.len()));
        if path.iter().any(|part| part.is_empty()) || matches!(object, [_, ""]) {
            return Err(empty());
        }
        let objects = object.split_first().and_then(|(kind, key)| {
            let key = if key.is_empty() { "*".to_owned() } else { key.join("/") };
            Some(Objects { kind: Kind::from_name(kind)?, key: WildMatch::new(&key) })
        });
        let (path, below) = match path {
            [above @ .., "**"] => (above, true),
            whole => (whole, false),
        };
        let tenants = match path {
            [name] if !below => Tenants::Name(WildMatch::new(name)),
            _ => Tenants::Path(path.iter().map(|part| WildMatch::new(part)).collect(), below),
        };
        Ok(selector(tenants, objects))
    }
}

impl Selector {
    fn has(&self, tenant: &Tenant) -> bool {
        match &self.tenants {
            Tenants::Tier(tier) => tenant.tier == *tier,
            Tenants::Distributor(name) => name.matches(tenant.distributor()),
            Tenants::Label(key, None) => tenant.labels.contains_key(key),
            Tenants::Label(key, Some(value)) => tenant.labels.get(key).is_some_and(|found| value.matches(found)),
            Tenants::Server(name) => tenant.server.as_deref().is_some_and(|server| name.matches(server)),
            Tenants::Name(name) => name.matches(&tenant.name),
            Tenants::Path(path, below) => {
                let names: Vec<&String> = tenant.path.iter().chain([&tenant.name]).collect();
                let long = if *below { names.len() > path.len() } else { names.len() == path.len() };
                long && path.iter().zip(names).all(|(part, name)| part.matches(name))
            }
        }
    }

    /// Its objects and those chosen tenants that it is about, if it names objects and there are such tenants.
    fn of_objects(
        &self,
        network: &Network,
        chosen: &BTreeMap<String, Reach>,
    ) -> Option<(String, Objects, Vec<String>)> {
        let objects = self.objects.clone()?;
        let tenants = network.tenants.iter().filter(|tenant| self.has(tenant) && chosen.contains_key(&tenant.name));
        let tenants: Vec<String> = tenants.map(|tenant| tenant.name.clone()).collect();
        (!tenants.is_empty()).then(|| (self.text.clone(), objects, tenants))
    }

    fn no_tenant(&self, network: &Network) -> SelectError {
        let names = || network.tenants.iter().map(|tenant| tenant.name.as_str());
        let value = self.text.split_once(':').map_or(self.text.as_str(), |(_, value)| value);
        let hint = match &self.tenants {
            Tenants::Tier(_) => None,
            Tenants::Label(..) => {
                let labels = network.tenants.iter().flat_map(|tenant| &tenant.labels);
                let labels: Vec<String> = labels.map(|(key, value)| format!("{key}={value}")).collect();
                did_you_mean(value, labels.iter().map(String::as_str))
            }
            Tenants::Server(_) => did_you_mean(value, network.servers.keys().map(String::as_str)),
            Tenants::Distributor(_) | Tenants::Name(_) => {
                did_you_mean(value.split('/').next().unwrap_or_default(), names())
            }
            Tenants::Path(..) => {
                let strange = |part: &&str| Kind::from_name(part).is_none() && !names().any(|name| name == *part);
                let near = |part: &str| did_you_mean(part, names()).or_else(|| did_you_mean(part, Kind::names()));
                let mut parts = self.text.split('/').filter(strange);
                let first = parts.clone().next();
                let kinds = || Kind::names().collect::<Vec<_>>().join(", ");
                let no_kind =
                    |part| format!("`{part}` is neither a tenant nor a kind of object; kinds are {}", kinds());
                parts.find_map(near).or_else(|| first.map(no_kind))
            }
        };
        let hint = hint.unwrap_or_else(|| format!("the environment `{}` has none such", network.environment));
        SelectError::NoTenant { selector: self.text.clone(), hint: format!("; {hint}") }
    }
}

/// What a run is about: everything that is selected (by nothing: all), less what is excluded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// What is selected.
    pub select: Vec<Selector>,
    /// What is left out of that.
    pub exclude: Vec<Selector>,
}

/// The tenants of a network that a selection chose.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The selectors as they were given: those that select, and those that exclude.
    pub(super) texts: (Vec<String>, Vec<String>),
    /// What is chosen of each tenant.
    pub(super) tenants: BTreeMap<String, Reach>,
    /// How many tenants are left out.
    pub(super) left_out: usize,
    /// The selectors of objects, each of which must match one in one of these tenants.
    pub(super) of_objects: Vec<(String, Objects, Vec<String>)>,
}

/// What is chosen of one tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reach {
    /// Some selector chose all of it.
    whole: bool,
    /// Else these.
    only: Vec<Objects>,
    /// But not these.
    without: Vec<Objects>,
}

impl Reach {
    /// True when nothing of the tenant is left out.
    pub(super) fn is_whole(&self) -> bool {
        self.whole && self.without.is_empty()
    }

    pub(super) fn has(&self, id: &ObjectId) -> bool {
        (self.whole || self.only.iter().any(|objects| objects.has(id))) && !self.excludes(id)
    }

    pub(super) fn excludes(&self, id: &ObjectId) -> bool {
        self.without.iter().any(|objects| objects.has(id))
    }
}

impl Selection {
    /// The tenants that are meant; `None` when nothing was selected or excluded. A selector that matches no tenant is an
    /// error: what somebody named must not silently be left out, or in.
    pub fn choose(&self, network: &Network) -> Result<Option<Chosen>, SelectError> {
        if self.select.is_empty() && self.exclude.is_empty() {
            return Ok(None);
        }
        let all = || self.select.iter().chain(&self.exclude);
        if let Some(idle) = all().find(|selector| !network.tenants.iter().any(|tenant| selector.has(tenant))) {
            return Err(idle.no_tenant(network));
        }
        let mut tenants = BTreeMap::new();
        for tenant in &network.tenants {
            tenants.extend(self.reach(tenant).map(|reach| (tenant.name.clone(), reach)));
        }
        if tenants.is_empty() {
            return Err(SelectError::NothingLeft);
        }
        let texts = |of: &[Selector]| of.iter().map(|selector| selector.text.clone()).collect();
        Ok(Some(Chosen {
            texts: (texts(&self.select), texts(&self.exclude)),
            left_out: network.tenants.len() - tenants.len(),
            of_objects: all().filter_map(|selector| selector.of_objects(network, &tenants)).collect(),
            tenants,
        }))
    }

    /// Keeps of a network the tenants that are meant, for what is about whole tenants.
    pub fn keep(&self, network: &mut Network) -> Result<(), SelectError> {
        if let Some(selector) = self.select.iter().chain(&self.exclude).find(|selector| selector.objects.is_some()) {
            return Err(SelectError::TenantsOnly(selector.text.clone()));
        }
        if let Some(chosen) = self.choose(network)? {
            network.tenants.retain(|tenant| chosen.has(&tenant.name));
        }
        Ok(())
    }

    fn reach(&self, tenant: &Tenant) -> Option<Reach> {
        let of = |selectors: &'_ [Selector]| -> (bool, Vec<Objects>) {
            let matching = || selectors.iter().filter(|selector| selector.has(tenant));
            let whole = matching().any(|selector| selector.objects.is_none());
            (whole, matching().filter_map(|selector| selector.objects.clone()).collect())
        };
        let (mut whole, only) = of(&self.select);
        whole |= self.select.is_empty();
        let (gone, without) = of(&self.exclude);
        (!gone && (whole || !only.is_empty())).then_some(Reach { whole, only, without })
    }
}

impl Chosen {
    /// True when a run is about this tenant.
    pub fn has(&self, tenant: &str) -> bool {
        self.tenants.contains_key(tenant)
    }
}
