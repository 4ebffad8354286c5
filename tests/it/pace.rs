//! How many realms are worked on at a time: against servers that are made up, whose answers take as long as a queue makes them.

use std::time::Duration;

use proptest::prelude::*;
use realmwright::keycloak::pace::{Kind, Rate, Sign};

/// A server that works on so many requests at a time, each of which takes so many milliseconds.
struct Server {
    cores: f64,
    alone: f64,
}

impl Server {
    fn answer(&self, under_way: usize) -> Duration {
        Duration::from_secs_f64(self.alone * (under_way as f64 / self.cores).max(1.0) / 1000.0)
    }
}

/// The limits while a rate learns from so many answers.
fn learn(rate: &mut Rate, server: &Server, kind: Kind, answers: usize) -> Vec<usize> {
    let mut limits = Vec::new();
    for _ in 0..answers {
        let took = server.answer(rate.limit());
        rate.tell(kind, Sign::Good, took);
        limits.push(rate.limit());
    }
    limits
}

#[test]
fn it_finds_what_a_server_can_do() {
    for (cores, most) in [(2.0, 8), (8.0, 30), (32.0, 100)] {
        let mut rate = Rate::new(256);
        let limits = learn(&mut rate, &Server { cores, alone: 250.0 }, Kind::Birth, 5_000);
        let settled = &limits[4_000..];
        let (least, greatest) = (settled.iter().min().expect("one"), settled.iter().max().expect("one"));
        assert!(*least as f64 >= cores && *greatest <= most, "{cores} cores: {least} to {greatest}");
    }
}

#[test]
fn it_begins_with_three_and_doubles_until_the_server_slows_down() {
    let mut rate = Rate::new(256);
    assert_eq!(rate.limit(), 3);
    let mut limits = learn(&mut rate, &Server { cores: 1000.0, alone: 20.0 }, Kind::Export, 250);
    limits.dedup();
    assert_eq!(limits, [3, 6, 12, 24, 48, 96, 192]);
}

#[test]
fn a_kind_that_is_new_is_learnt_without_a_crowd() {
    let mut rate = Rate::new(64);
    learn(&mut rate, &Server { cores: 1000.0, alone: 10.0 }, Kind::Read, 500);
    assert_eq!(rate.limit(), 64);
    rate.tell(Kind::Birth, Sign::Good, Duration::from_millis(300));
    assert_eq!(rate.limit(), 3);
}

#[test]
fn a_server_that_has_too_much_gets_half_once_for_a_crowd() {
    let mut rate = Rate::new(64);
    learn(&mut rate, &Server { cores: 1000.0, alone: 10.0 }, Kind::Write, 500);
    rate.tell(Kind::Write, Sign::Busy, Duration::from_millis(10));
    assert_eq!(rate.limit(), 32);
    for _ in 0..16 {
        rate.tell(Kind::Write, Sign::Busy, Duration::from_millis(10));
    }
    assert_eq!(rate.limit(), 32, "the rest of that crowd");
    for _ in 0..16 {
        rate.tell(Kind::Write, Sign::Busy, Duration::from_millis(10));
    }
    assert_eq!(rate.limit(), 16);
    for _ in 0..16 {
        rate.tell(Kind::Write, Sign::Conflict, Duration::from_millis(10));
    }
    assert_eq!(rate.limit(), 13);
}

#[test]
fn it_comes_back_by_one_at_a_time() {
    let mut rate = Rate::new(64);
    let server = Server { cores: 1000.0, alone: 10.0 };
    learn(&mut rate, &server, Kind::Read, 500);
    rate.tell(Kind::Read, Sign::Busy, Duration::from_secs(1));
    let mut limits = learn(&mut rate, &server, Kind::Read, 100);
    limits.dedup();
    assert_eq!(limits, [32, 33, 34, 35]);
}

proptest! {
    #[test]
    fn it_stays_within_its_bounds(
        most in 1u16..300,
        answers in prop::collection::vec((0usize..5, 0usize..3, 0u64..5_000), 1..400),
    ) {
        let mut rate = Rate::new(most);
        for (kind, sign, took) in answers {
            let kind = [Kind::Token, Kind::Export, Kind::Read, Kind::Write, Kind::Birth][kind];
            let sign = [Sign::Good, Sign::Conflict, Sign::Busy][sign];
            rate.tell(kind, sign, Duration::from_millis(took));
            prop_assert!((1..=usize::from(most)).contains(&rate.limit()));
        }
    }
}
