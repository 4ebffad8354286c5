//! What is counted: types of resource are data.

use serde::{Deserialize, Serialize};

/// The resource that every tree has: organizations below an organization. A gauge; its use is the number of children.
pub const ORGANIZATIONS: &str = "organizations";

/// How a resource is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Use goes up and down: users, devices, seats. What is given back can be used again.
    Gauge,
    /// Use only grows: months of a network, credits. What is used is gone.
    Counter,
}

/// Where a resource stands in the lists of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ResourceId(pub(super) usize);

/// The types of resource, in the order in which they were defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Catalogue {
    entries: Vec<(String, Measure)>,
}

impl Catalogue {
    pub(super) fn find(&self, name: &str) -> Option<ResourceId> {
        self.entries.iter().position(|(known, _)| known == name).map(ResourceId)
    }

    pub(super) fn name(&self, id: ResourceId) -> &str {
        &self.entries[id.0].0
    }

    pub(super) fn measure(&self, id: ResourceId) -> Measure {
        self.entries[id.0].1
    }

    pub(super) fn is_counter(&self, id: ResourceId) -> bool {
        self.measure(id) == Measure::Counter
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ResourceId> + use<> {
        (0..self.entries.len()).map(ResourceId)
    }

    pub(super) fn counters(&self) -> Vec<ResourceId> {
        self.ids().filter(|id| self.is_counter(*id)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn define(&mut self, name: &str, measure: Measure) {
        self.entries.push((name.to_owned(), measure));
    }
}
