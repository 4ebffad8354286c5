//! A map that stands on another is used as any map is.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use realmwright::state::Layered;

type Entries = BTreeMap<u8, u8>;

fn entries() -> impl Strategy<Value = Entries> {
    prop::collection::btree_map(0..12u8, 0..3u8, 0..9)
}

/// Does the same to both, and gives what each says of it.
fn done(what: u8, key: u8, one: &mut Entries, other: &mut Layered<u8, u8>) -> (Option<u8>, Option<u8>) {
    match what {
        0 => (one.insert(key, what), other.insert(key, what)),
        1 => (one.remove(&key), other.remove(&key)),
        2 => {
            let change = |value: &mut u8| std::mem::replace(value, 9);
            (one.get_mut(&key).map(change), other.get_mut(&key).map(change))
        }
        3 => (Some(*one.entry(key).or_insert(4)), Some(*other.entry(key).or_insert(4))),
        4 => {
            let count = |taken: Entries| u8::try_from(taken.len()).ok();
            let (one, other): (Entries, Entries) = (
                one.extract_if(.., |known, _| *known < key).collect(),
                other.extract_if(.., |known, _| *known < key).collect(),
            );
            (count(one), count(other))
        }
        5 => {
            one.retain(|known, value| *known != key && *value != 1);
            other.retain(|known, value| *known != key && *value != 1);
            (None, None)
        }
        6 => {
            one.values_mut().for_each(|value| *value += key);
            other.values_mut().for_each(|value| *value += key);
            (None, None)
        }
        _ => {
            one.extend([(key, 7)]);
            other.extend([(key, 7)]);
            (one.get(&key).copied(), other.get(&key).copied())
        }
    }
}

proptest! {
    #[test]
    fn it_is_used_as_any_map_is(base in entries(), own in entries(), steps in prop::collection::vec((0..8u8, 0..12u8), 0..9)) {
        let shared = Arc::new(base.clone());
        let mut layered = Layered::on(Arc::clone(&shared), own.clone());
        let mut plain: Entries = base.clone().into_iter().chain(own).collect();
        for (what, key) in steps {
            let (one, other) = done(what, key, &mut plain, &mut layered);
            prop_assert_eq!(one, other, "step {} with {}", what, key);
            prop_assert!(layered.iter().eq(&plain) && layered.keys().eq(plain.keys()) && layered.values().eq(plain.values()));
            prop_assert_eq!((layered.len(), layered.is_empty()), (plain.len(), plain.is_empty()));
            prop_assert!((0..12).all(|key| layered.get(&key) == plain.get(&key)));
        }
        prop_assert_eq!(&*shared, &base);
        prop_assert_eq!(serde_json::to_value(&layered).ok(), serde_json::to_value(&plain).ok());
        prop_assert_eq!(&layered, &Layered::from(plain.clone()));
        prop_assert!(layered.into_iter().eq(plain));
    }

    #[test]
    fn what_is_shared_is_the_same(base in entries(), whole in entries()) {
        let shared = Layered::from(whole.clone()).sharing(&Arc::new(base));
        prop_assert!(shared.iter().eq(&whole));
    }
}
