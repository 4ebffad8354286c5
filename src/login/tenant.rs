//! Whose tenant a request is for: by its host and its path, and by nothing that it says beside.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use super::address::Addresses;
use super::brand::Brand;
use super::fault::Fault;
use super::lease::Terms;
use super::standing::{Networks, Period, Shut, Standing};

/// A tenant, as the broker knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// What it is called on screen.
    pub label: String,
    /// The issuer of its realm.
    pub issuer: String,
    /// What it looks like.
    pub brand: Brand,
    /// Domains of its users' addresses of e-mail.
    pub domains: Vec<String>,
    /// Whether its users get in at all.
    pub standing: Standing,
    /// Where they come from.
    pub networks: Networks,
    /// Its products with concurrent seats.
    pub pools: BTreeMap<String, Pool>,
}

/// The concurrent seats of a product at a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// How they are taken.
    pub terms: Terms,
    /// How many its own licences give, and when.
    pub licensed: Vec<(Period, u64)>,
    /// How many the organization above it grants.
    pub granted: u64,
}

impl Tenant {
    /// Whether its users get in from this address at this time. It is asked on every way in, and again whenever somebody who is
    /// in is asked for.
    pub fn admits(&self, address: IpAddr, now: u64) -> Result<(), Fault> {
        match self.standing.shut(now) {
            Some(Shut::Suspended) => Err(Fault::Suspended),
            Some(Shut::Expired) => Err(Fault::Expired),
            None if !self.networks.admit(address) => Err(Fault::Address),
            None => Ok(()),
        }
    }
}

impl Pool {
    /// How many are licensed at this time.
    pub fn licensed(&self, now: u64) -> u64 {
        let own: u64 = self.licensed.iter().filter(|(period, _)| period.has(now)).map(|(_, seats)| seats).sum();
        own.saturating_add(self.granted)
    }
}

/// All tenants, by where they are served.
#[derive(Debug, Clone)]
pub struct Directory {
    addresses: Addresses,
    /// By the one way to write the name in a path.
    by_segment: HashMap<String, Arc<Tenant>>,
    by_issuer: HashMap<String, Arc<Tenant>>,
    by_name: HashMap<String, Arc<Tenant>>,
    /// Host and port that each tenant's users are served at, by its name.
    hosts: HashMap<String, String>,
}

/// How many tenants of a directory are otherwise than in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// How many are there now.
    pub tenants: usize,
    /// How many were not before.
    pub new: usize,
    /// How many were, and are not.
    pub gone: usize,
    /// How many are otherwise.
    pub changed: usize,
}

/// What a host and a step of a path stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A tenant, at its place.
    Here(Arc<Tenant>),
    /// A tenant that is served elsewhere.
    At(Url),
    /// Nobody. Whether there is none, or none that may be known of here, is not told.
    Nobody,
}

impl Directory {
    /// The directory of a broker at these addresses.
    pub fn new(addresses: Addresses, tenants: impl IntoIterator<Item = Tenant>) -> Self {
        let tenants: Vec<Arc<Tenant>> = tenants.into_iter().map(Arc::new).collect();
        let step = |tenant: &Arc<Tenant>| (segment(&addresses.entry(&tenant.name)), tenant.clone());
        let by_segment = tenants.iter().map(step).collect();
        let by_issuer = tenants.iter().map(|tenant| (tenant.issuer.clone(), tenant.clone())).collect();
        let by_name = tenants.iter().map(|tenant| (tenant.name.clone(), tenant.clone())).collect();
        let host = |tenant: &Arc<Tenant>| (tenant.name.clone(), addresses.of(&tenant.name).authority().to_owned());
        let hosts = tenants.iter().map(host).collect();
        Self { addresses, by_segment, by_issuer, by_name, hosts }
    }

    /// Where the broker is.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Every tenant.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.by_segment.values()
    }

    /// What is otherwise than it was before.
    pub fn changes(&self, before: &Self) -> Changes {
        let known = |tenant: &&Arc<Tenant>| before.by_name.contains_key(&tenant.name);
        let gone = |tenant: &&Arc<Tenant>| !self.by_name.contains_key(&tenant.name);
        let changed = |tenant: &&Arc<Tenant>| before.by_name.get(&tenant.name).is_some_and(|other| other != *tenant);
        Changes {
            tenants: self.by_name.len(),
            new: self.by_name.values().filter(|tenant| !known(tenant)).count(),
            gone: before.by_name.values().filter(gone).count(),
            changed: self.by_name.values().filter(changed).count(),
        }
    }

    /// Whether any tenant has domains by which its users find it.
    pub fn has_domains(&self) -> bool {
        self.tenants().any(|tenant| !tenant.domains.is_empty())
    }

    /// Whether this host is the broker's.
    pub fn serves(&self, host: &str) -> bool {
        host == self.addresses.url().authority() || self.addresses.tenant_at(host).is_some()
    }

    /// The tenant whose realm has this issuer.
    pub fn of_issuer(&self, issuer: &str) -> Option<&Arc<Tenant>> {
        self.by_issuer.get(issuer)
    }

    /// The tenant of this name.
    pub fn named(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.by_name.get(name)
    }

    /// The tenant whose own host this is.
    pub fn of_host(&self, host: &str) -> Option<&Arc<Tenant>> {
        let name = self.addresses.tenant_at(host)?;
        self.by_segment.get(name)
    }

    /// Whether a tenant's users are served at this host.
    pub fn is_served_at(&self, host: &str, tenant: &Tenant) -> bool {
        self.hosts.get(&tenant.name).is_some_and(|own| own == host)
    }

    /// The tenant that a step of a path, as it was sent, stands for, wherever it is served.
    pub fn of_step(&self, step: &str) -> Option<&Arc<Tenant>> {
        self.by_segment.get(step)
    }

    /// The tenant that a step of a path, as it was sent, stands for on this host.
    pub fn at(&self, host: &str, step: &str) -> Found {
        let Some(tenant) = self.by_segment.get(step) else { return Found::Nobody };
        if self.is_served_at(host, tenant) {
            return Found::Here(tenant.clone());
        }
        match host == self.addresses.url().authority() {
            true => Found::At(self.addresses.entry(&tenant.name)),
            false => Found::Nobody,
        }
    }
}

/// The last step of a path.
fn segment(url: &Url) -> String {
    url.path().rsplit('/').next().unwrap_or_default().to_owned()
}
