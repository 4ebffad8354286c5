//! One operator key follows another: what a run takes for a rotation, and what for a key that was slipped in.

use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::rotation::{both, other_key};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

fn key() -> OperatorKey {
    OperatorKey::from_pem(&OperatorKey::generate().expect("a key")).expect("a key")
}

fn successor(of: &OperatorKey) -> OperatorKey {
    OperatorKey::from_pem(&of.successor().expect("a key")).expect("a key")
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn each_key_knows_the_other_of_a_rotation() {
    let old = key();
    let new = successor(&old);
    let set = both(&old, &new, now()).expect("signed");
    assert_eq!(other_key(&old, &set).as_deref(), Some(new.kid()));
    assert_eq!(other_key(&new, &set).as_deref(), Some(old.kid()));
    assert_eq!(other_key(&key(), &set), None, "a third key has no part in it");
    for single in [old.jwks(), new.jwks(), "", "{}", "{\"keys\":[]}"] {
        assert_eq!(other_key(&old, single), None);
    }
}

#[test]
fn a_key_that_was_slipped_in_is_not_taken_for_one_that_follows() {
    let (old, thief) = (key(), key());
    let new = successor(&old);
    let good: Value = serde_json::from_str(&both(&old, &new, now()).expect("signed")).expect("JSON");
    // The thief endorses both himself, or puts his key under the name that was endorsed, or adds a third.
    let own: Value = serde_json::from_str(&both(&thief, &key(), now()).expect("signed")).expect("JSON");
    let plain: Value = serde_json::from_str(old.jwks()).expect("JSON");
    let mut renamed = good.clone();
    for member in ["x", "y"] {
        renamed["keys"][1][member] = own["keys"][0][member].clone();
    }
    for set in [
        json!({"keys": [plain["keys"][0], own["keys"][0]]}),
        json!({"keys": [good["keys"][0], own["keys"][0]]}),
        json!({"keys": [good["keys"][0], good["keys"][1], own["keys"][0]]}),
        renamed,
    ] {
        assert_eq!(other_key(&old, &set.to_string()), None, "{set}");
    }
}

#[test]
fn a_rotation_ends_by_itself() {
    let (old, new) = (key(), key());
    assert!(other_key(&old, &both(&old, &new, now() - 29 * 86_400).expect("signed")).is_some());
    assert_eq!(other_key(&old, &both(&old, &new, now() - 31 * 86_400).expect("signed")), None);
}

#[test]
fn a_key_that_follows_keeps_the_fingerprints_and_nothing_else() {
    let old = key();
    let new = successor(&old);
    let next = successor(&new);
    let secret = SecretString::from("s3cret");
    assert_ne!(old.kid(), new.kid());
    assert_eq!(old.fingerprint(&secret), new.fingerprint(&secret));
    assert_eq!(old.fingerprint(&secret), next.fingerprint(&secret));
    assert!(new.has_fingerprints_of(&old) && !key().has_fingerprints_of(&old));
    assert_ne!(old.fingerprint(&secret), key().fingerprint(&secret));
    let text = old.successor().expect("a key");
    assert_eq!(text.expose_secret().matches("-----BEGIN").count(), 2);
}
