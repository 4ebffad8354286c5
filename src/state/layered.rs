//! Maps that have most of their entries in common with others.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::iter::Peekable;
use std::mem;
use std::ops::RangeFull;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sorted map, used as a [`BTreeMap`] is, that may stand on entries which other maps have too: of thousands of realms,
/// most fields and objects are the same. What is changed becomes its own.
#[derive(Clone)]
pub struct Layered<K, V> {
    /// Of entries with one key, its own counts.
    base: Option<Arc<BTreeMap<K, V>>>,
    own: BTreeMap<K, V>,
}

impl<K: Ord, V> Layered<K, V> {
    /// None yet.
    pub const fn new() -> Self {
        Self { base: None, own: BTreeMap::new() }
    }

    /// Entries that others have too, and its own, of which those count that have the same key.
    pub fn on(base: Arc<BTreeMap<K, V>>, own: BTreeMap<K, V>) -> Self {
        Self { base: Some(base), own }
    }

    /// Those of its entries that stand in the base are shared with it, if all of the base can be.
    #[must_use]
    pub fn sharing(self, base: &Arc<BTreeMap<K, V>>) -> Self
    where
        K: Clone,
        V: Clone + PartialEq,
    {
        if !base.keys().all(|key| self.contains_key(key)) {
            return self;
        }
        let own = self.into_iter().filter(|(key, value)| base.get(key) != Some(value));
        // Collected anew: a map that grew keeps room.
        Self::on(Arc::clone(base), own.collect())
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.own.get(key).or_else(|| self.base.as_ref()?.get(key))
    }

    /// True where it has such a key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        let base = self.base.as_ref().map(|base| base.iter()).unwrap_or_default();
        Iter { base: base.peekable(), own: self.own.iter().peekable() }
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<K: Ord + Clone, V: Clone> Layered<K, V> {
    /// Sets a value; the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let shared = self.base.as_ref().and_then(|base| base.get(&key));
        match shared.filter(|_| !self.own.contains_key(&key)).cloned() {
            Some(shared) => self.own.insert(key, value).or(Some(shared)),
            None => self.own.insert(key, value),
        }
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if !self.own.contains_key(key) {
            let (key, value) = self.base.as_ref()?.get_key_value(key)?;
            self.own.insert(key.clone(), value.clone());
        }
        self.own.get_mut(key)
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.whole().remove(key)
    }

    /// The place of a key.
    pub fn entry(&mut self, key: K) -> btree_map::Entry<'_, K, V> {
        self.whole().entry(key)
    }

    /// The keys in their order, alone.
    pub fn into_keys(self) -> impl Iterator<Item = K> {
        self.into_iter().map(|(key, _)| key)
    }

    /// Keeps those of its entries.
    pub fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
        self.whole().retain(keep);
    }

    /// Takes those of all its entries out.
    pub fn extract_if(&mut self, all: RangeFull, gone: impl FnMut(&K, &mut V) -> bool) -> impl Iterator<Item = (K, V)> {
        self.whole().extract_if(all, gone)
    }

    /// The entries, their values to be changed.
    pub fn iter_mut(&mut self) -> btree_map::IterMut<'_, K, V> {
        self.whole().iter_mut()
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> btree_map::ValuesMut<'_, K, V> {
        self.whole().values_mut()
    }

    /// All entries as its own.
    fn whole(&mut self) -> &mut BTreeMap<K, V> {
        if let Some(base) = self.base.take() {
            let own = mem::replace(&mut self.own, Arc::unwrap_or_clone(base));
            self.own.extend(own);
        }
        &mut self.own
    }
}

/// The entries of a map in the order of their keys.
#[derive(Debug, Clone)]
pub struct Iter<'a, K, V> {
    base: Peekable<btree_map::Iter<'a, K, V>>,
    own: Peekable<btree_map::Iter<'a, K, V>>,
}

impl<'a, K: Ord, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        let (Some((base, _)), Some((own, _))) = (self.base.peek(), self.own.peek()) else {
            return self.base.next().or_else(|| self.own.next());
        };
        match base.cmp(own) {
            Ordering::Less => self.base.next(),
            Ordering::Equal => {
                self.base.next();
                self.own.next()
            }
            Ordering::Greater => self.own.next(),
        }
    }
}

impl<K, V> Default for Layered<K, V> {
    fn default() -> Self {
        Self { base: None, own: BTreeMap::new() }
    }
}

impl<K: Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for Layered<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord, V: PartialEq> PartialEq for Layered<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl<K: Ord, V: Eq> Eq for Layered<K, V> {}

impl<K: Ord, V> From<BTreeMap<K, V>> for Layered<K, V> {
    fn from(own: BTreeMap<K, V>) -> Self {
        Self { base: None, own }
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Layered<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        BTreeMap::from(entries).into()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Layered<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        BTreeMap::from_iter(entries).into()
    }
}

impl<K: Ord, V> Extend<(K, V)> for Layered<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.own.extend(entries);
    }
}

impl<K: Ord + Clone, V: Clone> IntoIterator for Layered<K, V> {
    type Item = (K, V);
    type IntoIter = btree_map::IntoIter<K, V>;

    fn into_iter(mut self) -> Self::IntoIter {
        mem::take(self.whole()).into_iter()
    }
}

impl<'a, K: Ord, V> IntoIterator for &'a Layered<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K: Ord + Clone, V: Clone> IntoIterator for &'a mut Layered<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = btree_map::IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K: Ord + Serialize, V: Serialize> Serialize for Layered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Layered<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}
