//! Consumption over time, and what follows from it.

use proptest::prelude::*;
use realmwright::licence::forecast::{Fraction, forecast};
use realmwright::licence::series::{Consumed, History, Point, Steps};
use realmwright::licence::{Accounts, Command, Event, Time};

use super::laws::{RESOURCES, command};

/// What was accepted of a script, and when.
type Log = Vec<(Time, Vec<Event>)>;

fn played(script: &[(i64, Command)]) -> Log {
    let mut accounts = Accounts::default();
    let mut log = Log::new();
    let mut at = 0;
    let defined =
        RESOURCES.map(|(resource, measure)| (0, Command::DefineResource { resource: resource.into(), measure }));
    let root = (
        0,
        Command::Create {
            organization: "o0".into(),
            parent: None,
            own_licences: true,
            dealer: true,
            grants: Default::default(),
        },
    );
    for (passed, command) in defined.into_iter().chain([root]).chain(script.iter().cloned()) {
        at += passed;
        log.extend(accounts.execute(at, &command).ok().map(|events| (at, events)));
    }
    log
}

/// The accounts at an instant, by the definition: all that happened until then, and no more.
fn accounts_at(log: &Log, instant: Time) -> Accounts {
    let mut accounts = Accounts::default();
    for (at, events) in log.iter().filter(|(at, _)| *at <= instant) {
        accounts.advance(*at);
        events.iter().for_each(|event| accounts.replay(*at, event).expect("lawful"));
    }
    accounts.advance(instant);
    accounts
}

fn consumed(log: &Log, organization: &str, until: Time, resource: &str) -> Consumed {
    let mut history = History::of(organization);
    log.iter().for_each(|(at, events)| history.take(*at, events).expect("lawful"));
    history.until(until).0.remove(resource).unwrap_or_default()
}

fn script() -> impl Strategy<Value = Vec<(i64, Command)>> {
    prop::collection::vec((prop_oneof![3 => Just(0), 3 => 1..40i64], command()), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// P17: the table of changes is what there was at each instant, and adds up to the bars, however they are cut.
    #[test]
    fn p17_changes_add_up_to_bars(
        script in script(), organization in 0..9u8, resource in 0..5usize, mut cuts in prop::collection::vec(0..1500i64, 0..6),
    ) {
        let (log, name, resource) = (played(&script), format!("o{organization}"), RESOURCES[resource].0);
        let end = 1500;
        let consumed = consumed(&log, &name, end, resource);
        let truth = |at: Time| accounts_at(&log, at).figures(&name, resource).unwrap_or_default();
        cuts.extend([0, end]);
        cuts.sort_unstable();
        cuts.dedup();
        for at in cuts.iter().copied().chain(consumed.limit.changes(0, end).iter().flat_map(|point| [point.at - 1, point.at])).filter(|at| *at >= 0) {
            let figures = truth(at);
            let found = [consumed.own.at(at), consumed.all.at(at), consumed.limit.at(at), consumed.allocated.at(at)];
            prop_assert_eq!(found, [figures.used, figures.consumed, figures.limit, figures.allocated], "at {}", at);
        }
        for series in [&consumed.own, &consumed.all, &consumed.limit] {
            // Each row differs from the one before.
            let rows = series.changes(Time::MIN, Time::MAX);
            prop_assert!(rows.windows(2).all(|two| two[0].at < two[1].at && two[0].value != two[1].value));
            let whole = series.bar(0, end);
            let bars: Vec<_> = cuts.windows(2).map(|two| series.bar(two[0], two[1])).collect();
            for bar in &bars {
                let values: Vec<i64> = (bar.from..bar.to).map(|at| series.at(at)).collect();
                prop_assert_eq!(bar.sum, values.iter().map(|value| i128::from(*value)).sum::<i128>());
                prop_assert_eq!(Some(&bar.min), values.iter().min());
                prop_assert_eq!(Some(&bar.max), values.iter().max());
                prop_assert_eq!(Some(&bar.last), values.last());
                prop_assert_eq!(bar.change, bar.last - series.at(bar.from - 1));
            }
            prop_assert_eq!(bars.iter().map(|bar| bar.sum).sum::<i128>(), whole.sum);
            prop_assert_eq!(bars.iter().map(|bar| bar.change).sum::<i64>(), whole.change);
            prop_assert_eq!(bars.iter().map(|bar| bar.max).max(), Some(whole.max));
        }
    }

    /// P18: a constant history goes on so, k times the history gives k times the forecast, and there is always an answer.
    #[test]
    fn p18_a_forecast_follows_its_history(history in prop::collection::vec(0..1_000_000i64, 0..80), constant in 0..1_000_000i64, k in 1..1000i64, season in 0..14usize) {
        let flat = vec![constant; history.len()];
        let times: Vec<i64> = history.iter().map(|value| value * k).collect();
        match forecast(&history, season, 20) {
            None => prop_assert!(history.len() < 3),
            Some(values) => {
                prop_assert_eq!(values.len(), 20);
                let scaled = forecast(&times, season, 20).unwrap();
                for (value, scaled) in values.iter().zip(scaled) {
                    prop_assert!(value.denominator > 0);
                    prop_assert_eq!(value.numerator * i128::from(k) * scaled.denominator, scaled.numerator * value.denominator);
                }
                for value in forecast(&flat, season, 20).unwrap() {
                    prop_assert_eq!(value.numerator, i128::from(constant) * value.denominator);
                    prop_assert_eq!(value.whole(), constant);
                }
            }
        }
    }
}

fn wholes(history: &[i64], season: usize, ahead: usize) -> Vec<i64> {
    forecast(history, season, ahead).expect("enough").into_iter().map(Fraction::whole).collect()
}

#[test]
fn what_grows_goes_on_growing_and_seasons_come_back() {
    assert_eq!(wholes(&[10, 12, 14, 16], 7, 3), [18, 20, 22]);
    assert_eq!(wholes(&[16, 10, 4], 7, 3), [0, 0, 0], "never fewer than none");
    assert_eq!(wholes(&[0, 9, 0, 9, 0, 9, 0, 9], 2, 4), wholes(&[0, 9, 0, 9, 0, 9, 0, 9], 2, 4));
    let seasonal = wholes(&[0, 9, 0, 9, 0, 9, 0, 9], 2, 4);
    assert!(seasonal[0] < seasonal[1] && seasonal[2] < seasonal[3], "{seasonal:?}");
    // Of one season alone nobody knows that it comes back.
    let line = wholes(&[5, 5, 5, 9, 5], 4, 2);
    assert_eq!(line, wholes(&[5, 5, 5, 9, 5], 0, 2));
}

#[test]
fn of_one_instant_the_last_counts_and_what_came_back_is_no_change() {
    let points = [(5, 1), (5, 2), (7, 3), (7, 2), (9, 2), (11, 0)];
    let steps = Steps::of(points.map(|(at, value)| Point { at, value }));
    assert_eq!(steps.changes(0, 100), [Point { at: 5, value: 2 }, Point { at: 11, value: 0 }]);
    let bar = steps.bar(4, 8);
    assert_eq!((bar.mean().as_str(), bar.min, bar.max, bar.last, bar.change), ("1.500", 0, 2, 2, 2));
}

/// The limit falls at the instant at which a licence ends, not when somebody looks next.
#[test]
fn a_licence_ends_at_its_instant() {
    let command = |value: serde_json::Value| serde_json::from_value(value).expect("a command");
    let script: Vec<(i64, Command)> = vec![
        (0, command(serde_json::json!({"do": "issue", "serial": "A", "quantities": {"users": 5}, "expiry": 100}))),
        (
            0,
            command(
                serde_json::json!({"do": "issue", "serial": "B", "quantities": {"users": 3}, "expiry": 10, "renewal": 1}),
            ),
        ),
        (1, command(serde_json::json!({"do": "redeem", "organization": "o0", "serial": "A"}))),
        (0, command(serde_json::json!({"do": "redeem", "organization": "o0", "serial": "B"}))),
        (500, command(serde_json::json!({"do": "use", "organization": "o0", "resource": "users", "amount": 2}))),
    ];
    let limit = consumed(&played(&script), "o0", 9_999_999_999, "users").limit;
    assert_eq!(limit.changes(0, Time::MAX), [Point { at: 1, value: 8 }, Point { at: 100, value: 3 }]);
}
