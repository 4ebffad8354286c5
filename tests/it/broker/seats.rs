//! Concurrent seats: never more than there are, whoever comes at the same time.

use std::time::Duration;

use proptest::prelude::*;
use realmwright::login::lease::{Lease, Overflow, Per, Taking, Terms};
use realmwright::login::session::Limits;
use realmwright::login::tenant::{Pool, Tenant};

use super::kept::{first, second, through};
use super::stage::{Scene, Stage};
use crate::support::browser::Browser;

fn tenant(terms: Terms, granted: u64) -> Tenant {
    let pool = Pool { terms, licensed: Vec::new(), granted };
    Tenant { pools: [("assistant".to_owned(), pool)].into(), ..Tenant::default() }
}

fn terms(overflow: Overflow) -> Terms {
    Terms { overflow, overage: 50, per: Per::Session }
}

/// The status of who asks for a seat.
async fn asks(stage: &Stage, browser: &mut Browser) -> u16 {
    browser.get(&format!("{}/auth?seat=assistant", stage.url)).await.status
}

#[tokio::test]
async fn attack_44_seat_race() {
    let dir = tempfile::tempdir().expect("a directory");
    let scene = || Scene { acme: tenant(terms(Overflow::Deny), 3), ..Scene::default() };
    let one = first(dir.path(), scene()).await;
    let two = second(dir.path(), &one, scene()).await;
    let mut browsers = Vec::new();
    for _ in 0..8 {
        browsers.push(one.user("acme").await);
    }
    let races = browsers.iter().enumerate().map(|(turn, browser)| {
        let stage = if turn % 2 == 0 { &one } else { &two };
        let mut browser = through(browser, stage);
        let url = format!("{}/auth?seat=assistant", one.url);
        async move { browser.get(&url).await.status }
    });
    let statuses = futures_util::future::join_all(races).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 5, "{statuses:?}");
    // Who is out gives a seat back at once.
    let holder = statuses.iter().position(|status| *status == 200).expect("somebody");
    let waiting = statuses.iter().position(|status| *status == 403).expect("somebody");
    assert_eq!(asks(&one, &mut browsers[waiting].clone()).await, 403);
    let own = [("origin", one.url.as_str()), ("sec-fetch-site", "same-origin")];
    browsers[holder].send("POST", &format!("{}/logout", one.url), &own, None).await;
    assert_eq!(asks(&one, &mut browsers[waiting].clone()).await, 200);
}

#[tokio::test]
async fn attack_44_a_crash_keeps_no_seat() {
    let dir = tempfile::tempdir().expect("a directory");
    let limits = Limits { refresh: 1, ..Limits::default() };
    let scene = || Scene { acme: tenant(terms(Overflow::Deny), 1), limits, ..Scene::default() };
    let stage = first(dir.path(), scene()).await;
    let (mut gone, mut next) = (stage.user("acme").await, stage.user("acme").await);
    assert_eq!((asks(&stage, &mut gone).await, asks(&stage, &mut next).await), (200, 403));
    // Nobody asks for it any more, and it lapses after two refreshes.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((asks(&stage, &mut next).await, asks(&stage, &mut gone).await), (200, 403));
}

#[tokio::test]
async fn whoever_came_first_loses_a_seat_where_that_is_wanted() {
    let stage = Stage::of(Scene { acme: tenant(terms(Overflow::EvictOldest), 2), ..Scene::default() }).await;
    let mut users = [stage.user("acme").await, stage.user("acme").await, stage.user("acme").await];
    for user in &mut users {
        assert_eq!(asks(&stage, user).await, 200);
    }
    let [oldest, second, newest] = &mut users;
    assert_eq!(stage.last(), "seat_lost acme");
    for _ in 0..2 {
        assert_eq!(
            [asks(&stage, oldest).await, asks(&stage, second).await, asks(&stage, newest).await],
            [403, 200, 200]
        );
    }
    assert!(stage.is_in(oldest).await, "it is logged in still");
    let page = [("accept", "text/html")];
    let told = oldest.send("GET", &format!("{}/auth?seat=assistant&else=login", stage.url), &page, None).await;
    assert!(told.status == 403 && told.body.contains("came after you"), "{}", told.body);
    // Another login takes one, from who has had one longest by now.
    stage.login(oldest, "acme").await;
    assert_eq!([asks(&stage, oldest).await, asks(&stage, second).await, asks(&stage, newest).await], [200, 403, 200]);
}

#[tokio::test]
async fn some_more_get_one_where_that_is_wanted_and_it_is_told() {
    let stage = Stage::of(Scene { acme: tenant(terms(Overflow::Overage), 2), ..Scene::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let mut user = stage.user("acme").await;
        statuses.push((asks(&stage, &mut user).await, stage.last()));
    }
    let told = statuses.iter().map(|(status, event)| format!("{status} {event}")).collect::<Vec<_>>().join(", ");
    assert_eq!(
        told,
        "200 logged_in acme, 200 logged_in acme, 200 seat_beyond_licence acme, 403 seat_refused seats_taken acme"
    );
}

#[tokio::test]
async fn a_user_takes_one_seat_however_many_browsers_they_have() {
    let acme = tenant(Terms { per: Per::User, ..Terms::default() }, 1);
    let stage = Stage::of(Scene { acme, ..Scene::default() }).await;
    let (mut one, mut two) = (stage.user("acme").await, stage.user("acme").await);
    assert_eq!((asks(&stage, &mut one).await, asks(&stage, &mut two).await), (200, 200));
    stage.hostile.twist(|twists| twists.claims = Some(Box::new(|claims| claims["sub"] = "somebody-else".into())));
    let mut other = stage.user("acme").await;
    assert_eq!(asks(&stage, &mut other).await, 403);
}

fn lease() -> impl Strategy<Value = Lease> {
    (0..6u8, 0..3u8, 0..20u64, 0..4u64, prop::bool::weighted(0.2)).prop_map(|(session, user, taken, until, evicted)| {
        Lease { session: vec![session], subject: format!("u{user}"), taken, until, evicted }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// After each taking there are no more holders than there may be.
    #[test]
    fn no_more_than_there_are(
        leases in prop::collection::vec(lease(), 0..8),
        (overflow, per) in (0..3u8, any::<bool>()),
        licensed in 0..4u64,
        (session, user) in (0..6u8, 0..3u8),
    ) {
        let overflow = [Overflow::Deny, Overflow::EvictOldest, Overflow::Overage][usize::from(overflow)];
        let terms = Terms { overflow, overage: 50, per: if per { Per::User } else { Per::Session } };
        let mut leases = leases;
        leases.sort_by_key(|lease| lease.session.clone());
        leases.dedup_by_key(|lease| lease.session.clone());
        // A session has one user.
        let subject = leases.iter().find(|l| l.session == [session]).map_or(format!("u{user}"), |l| l.subject.clone());
        let now = 1;
        let holders = |leases: &[Lease]| {
            let live = leases.iter().filter(|lease| !lease.evicted && lease.until > now);
            let mut names: Vec<String> = live
                .map(|lease| match terms.per {
                    Per::User => lease.subject.clone(),
                    Per::Session => format!("{:?}", lease.session),
                })
                .collect();
            names.sort();
            names.dedup();
            names.len() as u64
        };
        let before = holders(&leases);
        match terms.take(&leases, licensed, &[session], &subject, now) {
            Taking::Taken { evicted, .. } => {
                prop_assert!(overflow == Overflow::EvictOldest || evicted.is_empty());
                prop_assert!(!evicted.contains(&vec![session]));
                let mut after: Vec<Lease> =
                    leases.iter().filter(|l| !evicted.contains(&l.session) && l.session != [session]).cloned().collect();
                after.push(Lease { session: vec![session], subject: subject.clone(), taken: 99, until: 9, evicted: false });
                prop_assert!(holders(&after) <= terms.most(licensed).max(before));
                let has_one = |l: &Lease| l.session == [session] || terms.per == Per::User && l.subject == subject;
                let had_one = leases.iter().any(|l| !l.evicted && l.until > now && has_one(l));
                prop_assert!(had_one || holders(&after) <= terms.most(licensed));
            }
            Taking::Refused => prop_assert!(before >= terms.most(licensed)),
            Taking::Evicted => prop_assert!(leases.iter().any(|lease| lease.evicted && lease.session == [session])),
        }
    }
}
