//! What the database of sessions and concurrent seats has to keep. Each case runs on SQLite and on a real PostgreSQL.

use realmwright::broker::store::{By, Of, Place, Row, Span, Store};
use realmwright::login::lease::{Overflow, Taking, Terms};
use realmwright::login::session::{Key, Limits};
use realmwright::login::tenant::Pool;

/// Lists the cases; `$run!` makes a test of each.
#[macro_export]
macro_rules! session_cases {
    ($run:ident) => {
        $run!(
            what_begins_is_found_until_it_ends,
            one_process_gets_new_tokens,
            a_realm_ends_sessions_by_name_and_by_user,
            others_are_told,
            what_may_be_shown_once,
            what_is_over_is_taken_out,
            seats_are_never_more_than_there_are,
            whoever_loses_a_seat_is_told_of
        );
    };
}

async fn open(place: &Place) -> Store {
    Store::open(place).await.expect("a database")
}

fn key(number: u8) -> Key {
    [number; 32]
}

fn row(subject: &str, sid: &str) -> Row {
    Row {
        tenant: "acme".into(),
        subject: subject.into(),
        sid: sid.into(),
        sealed: "first".into(),
        began: 1000,
        used: 1000,
        refreshed: 1000,
        expires: 1300,
    }
}

pub async fn what_begins_is_found_until_it_ends(place: &Place) {
    let (one, two) = (open(place).await, open(place).await);
    one.begin(&key(1), &row("u1", "s1")).await.expect("kept");
    let found = two.find(&key(1)).await.expect("readable").expect("there");
    assert_eq!((found.subject.as_str(), found.sid.as_str(), found.sealed.as_str()), ("u1", "s1", "first"));
    assert_eq!((found.began, found.expires), (1000, 1300));
    assert!(one.begin(&key(1), &row("u2", "s2")).await.is_err(), "nobody takes another's key");
    assert_eq!(two.end(&key(1), 1001).await.expect("done").expect("there").subject, "u1");
    assert!(one.find(&key(1)).await.expect("readable").is_none());
    assert!(one.end(&key(1), 1001).await.expect("done").is_none());
}

pub async fn one_process_gets_new_tokens(place: &Place) {
    let (one, two) = (open(place).await, open(place).await);
    one.begin(&key(1), &row("u1", "s1")).await.expect("kept");
    let claims = futures_util::future::join_all((0..10).map(|turn| {
        let store = if turn % 2 == 0 { &one } else { &two };
        async move { store.claim(&key(1), 1000, 1060).await.expect("asked").is_some() }
    }));
    assert_eq!(claims.await.iter().filter(|claimed| **claimed).count(), 1);
    let renewed = Row { sealed: "second".into(), used: 1060, refreshed: 1060, expires: 1360, ..row("u1", "s1") };
    assert!(one.renew(&key(1), &renewed).await.expect("kept"));
    assert!(two.claim(&key(1), 1000, 1061).await.expect("asked").is_none(), "these tokens were replaced");
    assert_eq!(two.find(&key(1)).await.expect("readable").expect("there").sealed, "second");
    // Whoever dies with it keeps it for some seconds; who could not ask gives it back.
    assert!(two.claim(&key(1), 1060, 1120).await.expect("asked").is_some());
    assert!(one.claim(&key(1), 1060, 1125).await.expect("asked").is_none());
    assert!(one.claim(&key(1), 1060, 1145).await.expect("asked").is_some());
    one.unclaim(&key(1)).await.expect("done");
    assert!(two.claim(&key(1), 1060, 1146).await.expect("asked").is_some());
    two.end(&key(1), 1146).await.expect("done");
    assert!(!two.renew(&key(1), &renewed).await.expect("asked"), "what ended does not come back");
}

pub async fn a_realm_ends_sessions_by_name_and_by_user(place: &Place) {
    let store = open(place).await;
    for (number, subject, sid) in [(1, "u1", "s1"), (2, "u1", "s2"), (3, "u2", "s3"), (4, "u3", "")] {
        store.begin(&key(number), &row(subject, sid)).await.expect("kept");
    }
    store.begin(&key(5), &Row { tenant: "beta".into(), ..row("u1", "s1") }).await.expect("kept");
    assert_eq!(store.end_at_realm("acme", Some("u2"), Some("s1"), 1001).await.expect("done"), [] as [Key; 0]);
    assert_eq!(store.end_at_realm("acme", Some("u1"), Some("s1"), 1001).await.expect("done"), [key(1)]);
    assert_eq!(store.end_at_realm("acme", Some("u1"), None, 1001).await.expect("done"), [key(2)]);
    assert_eq!(store.end_at_realm("acme", None, Some("s3"), 1001).await.expect("done"), [key(3)]);
    for number in [4, 5] {
        assert!(store.find(&key(number)).await.expect("readable").is_some(), "{number}");
    }
    assert_eq!(store.end_at_realm("acme", None, None, 1001).await.expect("done"), [] as [Key; 0]);
    assert!(store.find(&key(4)).await.expect("readable").is_some(), "who names nobody ends nothing");
}

/// Of several who show the same, one is the first, at whichever broker; long after it is forgotten.
pub async fn what_may_be_shown_once(place: &Place) {
    let (one, two) = (open(place).await, open(place).await);
    let shown = key(7);
    let shows = [one.is_first(&shown, 1000), two.is_first(&shown, 1000), one.is_first(&shown, 1000)];
    let firsts =
        futures_util::future::join_all(shows).await.into_iter().filter(|first| *first.as_ref().expect("asked"));
    assert_eq!(firsts.count(), 1);
    assert!(two.is_first(&key(8), 1000).await.expect("asked"), "another");
    one.sweep(&Limits::default(), 2000).await.expect("swept");
    assert!(!one.is_first(&key(7), 2000).await.expect("asked"));
    one.sweep(&Limits::default(), 10_000).await.expect("swept");
    assert!(one.is_first(&key(7), 10_000).await.expect("asked"));
}

pub async fn others_are_told(place: &Place) {
    let (one, two) = (open(place).await, open(place).await);
    one.begin(&key(1), &row("u1", "s1")).await.expect("kept");
    assert!(two.noticed(1000).await.expect("readable").is_empty());
    one.end(&key(1), 1001).await.expect("done");
    assert_eq!(two.noticed(1002).await.expect("readable"), [key(1)]);
    assert!(two.noticed(1100).await.expect("readable").is_empty(), "long ago");
}

pub async fn what_is_over_is_taken_out(place: &Place) {
    let store = open(place).await;
    let limits = Limits::default();
    for (number, began, used) in [(1, 1_000_000, 1_000_000), (2, 1_000_000, 1_035_000), (3, 1_030_000, 1_030_000)] {
        store.begin(&key(number), &Row { began, used, ..row("u1", "") }).await.expect("kept");
    }
    store.sweep(&limits, 1_000_000 + limits.absolute).await.expect("done");
    for number in [1, 2, 3] {
        assert!(store.find(&key(number)).await.expect("readable").is_none(), "{number}");
    }
    store.begin(&key(4), &Row { began: 1_000_000, used: 1_000_000, ..row("u1", "") }).await.expect("kept");
    store.sweep(&limits, 1_000_000 + limits.idle).await.expect("done");
    assert!(store.find(&key(4)).await.expect("readable").is_some(), "its use may not have been written down yet");
}

fn pool(overflow: Overflow, granted: u64) -> Pool {
    Pool { terms: Terms { overflow, ..Terms::default() }, licensed: Vec::new(), granted }
}

fn span(now: u64) -> Span {
    Span { now, until: now + 120, barred: now + 36_000 }
}

pub async fn seats_are_never_more_than_there_are(place: &Place) {
    let (one, two) = (open(place).await, open(place).await);
    let pool = pool(Overflow::Deny, 7);
    let of = Of { tenant: "acme", product: "assistant", pool: &pool };
    let taken = futures_util::future::join_all((0..40u8).map(|number| {
        let store = if number % 2 == 0 { &one } else { &two };
        async move {
            let subject = format!("u{number}");
            let by = By { session: &key(number), subject: &subject };
            let (taking, _) = store.take(of, by, span(1000)).await.expect("asked");
            (number, matches!(taking, Taking::Taken { .. }))
        }
    }));
    let holders: Vec<u8> = taken.await.into_iter().filter(|(_, taken)| *taken).map(|(number, _)| number).collect();
    assert_eq!(holders.len(), 7, "{holders:?}");
    let ask = async |number: u8, now: u64| {
        let subject = format!("u{number}");
        let by = By { session: &key(number), subject: &subject };
        matches!(one.take(of, by, span(now)).await.expect("asked").0, Taking::Taken { .. })
    };
    let late = (0..40).find(|number| !holders.contains(number)).expect("somebody");
    assert!(!ask(late, 1100).await);
    // One extends its seat; the others lapse, and what ends gives its seat back.
    assert!(ask(holders[0], 1100).await);
    assert!(ask(late, 1121).await);
    for number in holders.iter().skip(1).take(5) {
        assert!(ask(*number, 1121).await);
    }
    assert!(!ask(holders[6], 1121).await);
    one.begin(&key(late), &row("u", "")).await.expect("kept");
    one.end(&key(late), 1122).await.expect("done");
    assert!(ask(holders[6], 1122).await);
}

pub async fn whoever_loses_a_seat_is_told_of(place: &Place) {
    let (one, two) = (open(place).await, open(place).await);
    let pool = pool(Overflow::EvictOldest, 1);
    let of = Of { tenant: "acme", product: "assistant", pool: &pool };
    let by = |number: &'static Key, subject: &'static str| By { session: number, subject };
    let keys: &'static [Key; 2] = &[[1; 32], [2; 32]];
    assert!(matches!(one.take(of, by(&keys[0], "u1"), span(1000)).await.expect("asked").0, Taking::Taken { .. }));
    let (taking, evicted) = one.take(of, by(&keys[1], "u2"), span(1001)).await.expect("asked");
    assert!(matches!(taking, Taking::Taken { .. }) && evicted == [keys[0]]);
    assert_eq!(two.noticed(1002).await.expect("readable"), [keys[0]]);
    assert_eq!(two.take(of, by(&keys[0], "u1"), span(1002)).await.expect("asked").0, Taking::Evicted);
}
