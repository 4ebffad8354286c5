//! Sessions that outlive a process, and that several brokers know.

use std::path::Path;
use std::time::Duration;

use realmwright::broker::Place;
use realmwright::login::session::Limits;

use super::stage::{Scene, Stage};
use crate::support::browser::Browser;

const SEALS: [&str; 2] =
    ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="];

/// The database in this directory.
pub fn file(dir: &Path) -> Place {
    let url = url::Url::from_file_path(dir.join("sessions.db")).expect("a path").as_str().replacen("file", "sqlite", 1);
    Place::Shared(format!("{url}?mode=rwc").parse().expect("a URL"))
}

/// A broker that keeps its sessions in this file.
pub async fn first(path: &Path, scene: Scene) -> Stage {
    Stage::of(Scene { place: Some(file(path)), ..scene }).await
}

/// Another one for the same browsers, at the same realms.
pub async fn second(path: &Path, first: &Stage, scene: Scene) -> Stage {
    let (outside, beside) = (Some(first.port), Some((first.hostile.clone(), first.pem.clone())));
    Stage::of(Scene { place: Some(file(path)), outside, beside, ..scene }).await
}

/// The browser as it asks the other broker.
pub fn through(browser: &Browser, stage: &Stage) -> Browser {
    browser.through(stage.port)
}

fn seals(keys: &[&str]) -> Scene {
    let limits = Limits { refresh: 1, ..Limits::default() };
    Scene { seals: keys.iter().map(|key| (*key).to_owned()).collect(), limits, ..Scene::default() }
}

#[tokio::test]
async fn a_new_key_that_seals_logs_nobody_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let own = first(dir.path(), seals(&[])).await;
    let browser = own.user("acme").await;
    let before = own.begun(&mut browser.clone(), &format!("{}/t/acme", own.url)).await;
    // The second is started with a key of its own; what the first sealed it opens, and seals anew with the next refresh.
    let next = second(dir.path(), &own, seals(&SEALS[..1])).await;
    assert!(next.is_in(&mut through(&browser, &next)).await);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(next.is_in(&mut through(&browser, &next)).await);
    assert_eq!(next.last(), "refreshed acme");
    // It refreshes nothing, however slow this machine is: what it seals, the last one could open.
    let last = Scene { limits: Limits::default(), ..seals(&[SEALS[1], SEALS[0]]) };
    let last = second(dir.path(), &own, last).await;
    assert!(last.is_in(&mut through(&browser, &last)).await);
    // A login that was begun before ends with the new key too.
    let mut late = Browser::new();
    let begun = own.begun(&mut late, &format!("{}/t/acme", own.url)).await;
    assert_eq!(through(&late, &next).get(&begun).await.status, 303);
    // Sealed with a key that is there no more, nothing is opened; nothing breaks either.
    let other = second(dir.path(), &own, seals(&SEALS[1..])).await;
    assert!(!other.is_in(&mut through(&browser, &other)).await);
    assert_eq!(through(&browser, &other).get(&before).await.status, 400);
}

#[tokio::test]
async fn what_is_kept_is_sealed() {
    let dir = tempfile::tempdir().expect("a directory");
    let stage = first(dir.path(), Scene::default()).await;
    let browser = stage.user("acme").await;
    let name = browser.cookie("__Host-Http-session").expect("a session");
    let kept: Vec<u8> = ["sessions.db", "sessions.db-wal"]
        .iter()
        .filter_map(|file| std::fs::read(dir.path().join(file)).ok())
        .flatten()
        .collect();
    let has = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("acme"), "it is the right file");
    for secret in [name.as_str(), "eyJ", "jo@acme.example", "\"refresh\""] {
        assert!(!has(secret), "{secret} is there to read");
    }
}

#[tokio::test]
async fn attack_28_a_session_that_ended_is_dead_at_every_broker_within_a_second() {
    let dir = tempfile::tempdir().expect("a directory");
    let one = first(dir.path(), Scene::default()).await;
    let two = second(dir.path(), &one, Scene::default()).await;
    let following = two.broker.clone();
    let follower = tokio::spawn(async move {
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            following.follow().await;
        }
    });
    let mut browser = one.user("acme").await;
    let mut there = through(&browser, &two);
    assert!(one.is_in(&mut browser).await && two.is_in(&mut there).await);
    let own = [("origin", one.url.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(browser.clone().send("POST", &format!("{}/logout", one.url), &own, None).await.status, 303);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!two.is_in(&mut there).await && !one.is_in(&mut browser).await);
    follower.abort();
}

#[tokio::test]
async fn attack_06_a_callback_replayed_at_another_broker() {
    let dir = tempfile::tempdir().expect("a directory");
    let one = first(dir.path(), Scene::default()).await;
    let two = second(dir.path(), &one, Scene::default()).await;
    let mut browser = Browser::new();
    let back = one.begun(&mut browser, &format!("{}/t/acme", one.url)).await;
    let mut copy = through(&browser, &two);
    assert_eq!(browser.get(&back).await.status, 303);
    let tokens = one.hostile.asked("acme/token");
    assert_eq!(copy.get(&back).await.status, 400);
    assert_eq!((two.last().as_str(), one.hostile.asked("acme/token")), ("login_refused replayed acme", tokens));
}

#[tokio::test]
async fn attack_35_two_brokers_get_new_tokens_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let scene = || Scene { limits: Limits { refresh: 1, ..Limits::default() }, ..Scene::default() };
    let one = first(dir.path(), scene()).await;
    let two = second(dir.path(), &one, scene()).await;
    let browser = one.user("acme").await;
    assert!(two.is_in(&mut through(&browser, &two)).await);
    for round in 1..=3 {
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let before = one.hostile.asked("acme/token");
        let asks = (0..16).map(|turn| {
            let stage = if turn % 2 == 0 { &one } else { &two };
            let mut browser = through(&browser, stage);
            async move { stage.is_in(&mut browser).await }
        });
        let answers = futures_util::future::join_all(asks).await;
        assert!(answers.iter().all(|answer| *answer), "round {round}: {answers:?}");
        assert_eq!(one.hostile.asked("acme/token") - before, 1, "round {round}");
    }
}

macro_rules! on_sqlite {
    ($($case:ident),+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            let dir = tempfile::tempdir().expect("a directory");
            crate::contract::sessions::$case(&file(dir.path())).await;
        }
    )+};
}

crate::session_cases!(on_sqlite);
