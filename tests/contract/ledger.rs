//! What a store of the ledger has to keep. Each case runs on SQLite and on a real PostgreSQL.

use realmwright::ledger::{Answer, Cause, Digest, Finding, Head, Ledger, LedgerError, Order, Store, restore, verify};
use realmwright::licence::Command;
use serde_json::{Value, json};
use sha2::Digest as _;

/// A place for ledgers: a store that many may open, and a way past the program to what it keeps.
pub trait Place: Sync {
    type Store: Store + std::fmt::Debug + 'static;

    /// Connects once more.
    fn store(&self) -> Self::Store;

    /// Runs SQL; `entry` is the table.
    fn sql(&self, statement: &str) -> impl Future<Output = ()> + Send;
}

/// Lists the cases; `$run!` makes a test of each.
#[macro_export]
macro_rules! ledger_cases {
    ($run:ident) => {
        $run!(
            what_was_answered_is_read_again,
            an_order_with_a_key_is_done_once,
            a_writer_that_dies_before_its_commit_leaves_nothing,
            writers_take_turns,
            what_is_changed_is_named,
            what_is_missing_is_named,
            what_is_reordered_is_named,
            what_was_hashed_anew_is_held_against_its_command,
            what_no_ledger_writes_is_named,
            a_ledger_without_entries_is_what_was_written_only_where_that_was_noted,
            a_ledger_cut_short_is_not_what_was_noted,
            a_backup_fills_an_empty_ledger
        );
    };
}

fn order(at: i64, key: Option<&str>, command: Value) -> Order {
    Order {
        at,
        actor: "tests".into(),
        cause: Cause { plan: None, request: Some("r-1".into()) },
        key: key.map(Into::into),
        command: serde_json::from_value::<Command>(command).expect("a command"),
    }
}

/// A root with so many users to grant, in five entries.
async fn begin<P: Place>(place: &P, users: i64) -> Ledger<P::Store> {
    let mut ledger = Ledger::open(place.store()).await.expect("opens");
    let orders = [
        json!({"do": "define-resource", "resource": "users", "measure": "gauge"}),
        json!({"do": "create", "organization": "acme", "ownLicences": true}),
        json!({"do": "issue", "serial": "L1", "quantities": {"users": users}, "expiry": 1_000_000}),
        json!({"do": "redeem", "organization": "acme", "serial": "L1"}),
        json!({"do": "redeem", "organization": "nobody", "serial": "L1"}),
    ];
    let orders = orders.map(|command| order(10, None, command));
    let records = ledger.submit(&orders).await.expect("kept");
    assert!(matches!(records[4].answer, Answer::Refused { .. }));
    ledger
}

fn take(key: &str) -> Order {
    order(20, Some(key), json!({"do": "use", "organization": "acme", "resource": "users", "amount": 1}))
}

async fn findings<P: Place>(place: &P, noted: Option<Head>) -> Vec<Finding> {
    verify(&mut place.store(), noted).await.expect("can be read").1
}

pub async fn what_was_answered_is_read_again<P: Place>(place: &P) {
    let ledger = begin(place, 3).await;
    let again = Ledger::open(place.store()).await.expect("opens");
    assert_eq!(again.head(), ledger.head());
    assert_eq!(again.head().sequence, 5);
    assert_eq!(again.accounts(), ledger.accounts());
    assert_eq!(findings(place, Some(ledger.head())).await, []);
}

pub async fn an_order_with_a_key_is_done_once<P: Place>(place: &P) {
    let mut ledger = begin(place, 3).await;
    let first = ledger.submit(&[take("k1"), take("k2"), take("k1")]).await.expect("kept");
    assert_eq!(first[0], first[2]);
    // Also by somebody else, who did not see it.
    let mut other = Ledger::open(place.store()).await.expect("opens");
    assert_eq!(other.submit(&[take("k2")]).await.expect("kept"), first[1..2]);
    assert_eq!(other.accounts().figures("acme", "users").expect("there").used, 2);
    let reused = order(20, Some("k1"), json!({"do": "delete", "organization": "acme"}));
    let error = other.submit(&[take("k3"), reused]).await.expect_err("another command");
    assert!(matches!(error, LedgerError::KeyReused { sequence: 6, .. }), "{error}");
    // Nothing of that was done, and the ledger goes on.
    assert_eq!(other.submit(&[take("k3")]).await.expect("kept")[0].sequence, 8);
}

pub async fn a_writer_that_dies_before_its_commit_leaves_nothing<P: Place>(place: &P) {
    let mut ledger = begin(place, 3).await;
    let page = ledger.store().after(0, 100).await.expect("read");
    let mut dying = place.store();
    dying.lock().await.expect("its turn");
    let mut entry = page[4].clone();
    (entry.sequence, entry.previous) = (6, entry.digest);
    dying.append(&[entry]).await.expect("appended");
    assert_eq!(place.store().after(5, 100).await.expect("read"), []);
    drop(dying);
    assert_eq!(ledger.submit(&[take("k1")]).await.expect("kept")[0].sequence, 6);
    assert_eq!(findings(place, None).await, []);
}

pub async fn writers_take_turns<P: Place>(place: &P) {
    const WRITERS: usize = 4;
    const EACH: usize = 12;
    begin(place, 30).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = place.store();
        writers.spawn(async move {
            let mut ledger = Ledger::open(store).await.expect("opens");
            let mut answers = Vec::new();
            for number in 0..EACH {
                answers.extend(ledger.submit(&[take(&format!("w{writer}-{number}"))]).await.expect("kept"));
            }
            answers
        });
    }
    let mut accepted = 0;
    let mut sequences = Vec::new();
    while let Some(answers) = writers.join_next().await {
        let answers = answers.expect("no panic");
        // What a writer was told earlier happened earlier.
        assert!(answers.is_sorted_by_key(|record| record.sequence));
        accepted += answers.iter().filter(|record| matches!(record.answer, Answer::Accepted { .. })).count();
        sequences.extend(answers.iter().map(|record| record.sequence));
    }
    // Thirty there are, and thirty were given out, whoever asked first; each order has a place of its own.
    assert_eq!(accepted, 30);
    sequences.sort_unstable();
    assert_eq!(sequences, (6..6 + (WRITERS * EACH) as u64).collect::<Vec<_>>());
    // Reading proves that each answer is what a single writer would have given at that place.
    let ledger = Ledger::open(place.store()).await.expect("lawful");
    assert_eq!(ledger.accounts().figures("acme", "users").expect("there").free, 0);
    assert_eq!(findings(place, Some(ledger.head())).await, []);
}

pub async fn what_is_changed_is_named<P: Place>(place: &P) {
    begin(place, 3).await;
    place.sql("UPDATE entry SET body = REPLACE(body, '\"users\":3', '\"users\":9') WHERE sequence = 3").await;
    let found = findings(place, None).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].to_string(), "entry 3 was changed: its digest does not fit");
    let error = Ledger::open(place.store()).await.expect_err("not what was written");
    assert!(matches!(error, LedgerError::Broken { sequence: 3, .. }), "{error}");
    place.sql("UPDATE entry SET body = REPLACE(body, '\"users\":9', '\"users\":3') WHERE sequence = 3").await;
    place.sql("UPDATE entry SET at = 11 WHERE sequence = 2").await;
    assert_eq!(
        findings(place, None).await[0].to_string(),
        "entry 2 was changed: its columns are not what its text says"
    );
}

pub async fn what_is_missing_is_named<P: Place>(place: &P) {
    begin(place, 3).await;
    place.sql("DELETE FROM entry WHERE sequence IN (2, 3)").await;
    assert_eq!(findings(place, None).await, [Finding::Missing { first: 2, last: 3 }]);
    place.sql("DELETE FROM entry WHERE sequence = 1").await;
    assert_eq!(findings(place, None).await, [Finding::Missing { first: 1, last: 3 }]);
}

pub async fn what_is_reordered_is_named<P: Place>(place: &P) {
    begin(place, 3).await;
    for (from, to) in [(2, 100), (4, 2), (100, 4)] {
        place.sql(&format!("UPDATE entry SET sequence = {to} WHERE sequence = {from}")).await;
    }
    let found = findings(place, None).await;
    let reordered = |sequence, written| found.contains(&Finding::Reordered { sequence, written });
    assert!(reordered(2, 4) && reordered(4, 2), "{found:?}");
}

/// Changes what entries say, and hashes the whole chain anew.
async fn hash_anew<P: Place>(place: &P, change: impl Fn(u64, &mut Value)) {
    let mut store = place.store();
    let mut entries = store.after(0, 100).await.expect("read");
    let mut previous = Digest::default();
    for entry in &mut entries {
        let mut said: Value = serde_json::from_str(&entry.body).expect("JSON");
        change(entry.sequence, &mut said);
        (entry.body, entry.at, entry.previous) = (said.to_string(), said["at"].as_i64().expect("a time"), previous);
        let hash = sha2::Sha256::new().chain_update(b"realmwright ledger 1\n").chain_update(previous.0);
        let hash = hash.chain_update(entry.sequence.to_be_bytes()).chain_update(entry.body.as_bytes());
        entry.digest = Digest(hash.finalize().into());
        previous = entry.digest;
    }
    place.sql("DELETE FROM entry").await;
    store.lock().await.expect("its turn");
    store.append(&entries).await.expect("appended");
    store.commit().await.expect("kept");
}

pub async fn what_was_hashed_anew_is_held_against_its_command<P: Place>(place: &P) {
    let mut ledger = begin(place, 3).await;
    let devices = order(20, None, json!({"do": "define-resource", "resource": "devices", "measure": "gauge"}));
    let child = json!({"do": "create", "organization": "child", "parent": "acme"});
    ledger.submit(&[take("k1"), devices, order(30, None, child)]).await.expect("kept");
    hash_anew(place, |_, _| {}).await;
    assert_eq!(findings(place, Some(ledger.head())).await.len(), 1, "JSON may be written in another way");
    assert_eq!(findings(place, None).await, []);

    // Each change by itself, and what `verify` says of it; it says so again of a ledger that is opened.
    type Change = fn(&mut Value);
    let changes: [(u64, Change, &str); 6] = [
        (6, |said| said["events"] = json!([]), "it says: nothing to do; its command gives: acme uses 1 users more"),
        (
            5,
            |said| said["refusal"]["organization"] = json!("somebody"),
            "it says: refused: there is no organization `somebody`; its command gives: refused: there is no organization `nobody`",
        ),
        (
            5,
            |said| {
                said.as_object_mut().expect("an object").remove("refusal");
                said["events"] = json!([]);
            },
            "it says: nothing to do; its command gives: refused: there is no organization `nobody`",
        ),
        (
            3,
            |said| said["command"]["quantities"]["users"] = json!(9),
            "it says: licence L1 issued by the platform: 3 users; its command gives: licence L1 issued by the platform: 9 users",
        ),
        (8, |said| said["at"] = json!(5), "its time is before the one of the entry before it, or out of range"),
        (
            7,
            |said| said["rules"] = json!(0),
            "it was answered by rules 0, and this program knows rules 1: use the version that wrote it",
        ),
    ];
    let entries = place.store().after(0, 100).await.expect("read");
    for (at, change, said) in changes {
        hash_anew(place, |sequence, said| {
            if sequence == at {
                change(said)
            }
        })
        .await;
        let found: Vec<String> = findings(place, None).await.iter().map(ToString::to_string).collect();
        assert_eq!(found[0], format!("entry {at} can't have happened: {said}"));
        assert_eq!(found.len(), 1, "{found:?}");
        let error = Ledger::open(place.store()).await.expect_err("not what was written");
        assert_eq!(error.to_string(), format!("entry {at} of the ledger: {said}"));
        place.sql("DELETE FROM entry").await;
        restore(&mut place.store(), &entries).await.expect("as it was");
    }
    // Several at once are all named.
    hash_anew(place, |sequence, said| match sequence {
        4 | 6 => said["events"] = json!([]),
        _ => {}
    })
    .await;
    assert_eq!(findings(place, None).await.len(), 2);
}

pub async fn what_no_ledger_writes_is_named<P: Place>(place: &P) {
    let noted = begin(place, 3).await.head();
    for number in [0, -7] {
        place
            .sql(&format!(
                "INSERT INTO entry (sequence, at, key, body, previous, digest) \
                 SELECT {number}, at, NULL, body, previous, digest FROM entry WHERE sequence = 2"
            ))
            .await;
    }
    assert_eq!(findings(place, Some(noted)).await, [Finding::Stray { sequence: -7 }, Finding::Stray { sequence: 0 }]);
    assert_eq!(Finding::Stray { sequence: 0 }.to_string(), "entry 0 was never written: the first one is 1");
}

pub async fn a_ledger_without_entries_is_what_was_written_only_where_that_was_noted<P: Place>(place: &P) {
    assert_eq!(findings(place, None).await, [Finding::Empty]);
    assert_eq!(findings(place, Some(Head::default())).await, []);
    let noted = begin(place, 3).await.head();
    assert_eq!(findings(place, Some(Head::default())).await, []);
    place.sql("DROP TABLE entry").await;
    assert_eq!(findings(place, None).await, [Finding::Empty]);
    assert_eq!(findings(place, Some(noted)).await, [Finding::OtherHead { sequence: 0 }]);
}

pub async fn a_ledger_cut_short_is_not_what_was_noted<P: Place>(place: &P) {
    let noted = begin(place, 3).await.head();
    place.sql("DELETE FROM entry WHERE sequence = 5").await;
    assert_eq!(findings(place, None).await, []);
    assert_eq!(findings(place, Some(noted)).await, [Finding::OtherHead { sequence: 4 }]);
    assert_eq!(findings(place, Some(noted.to_string().parse().expect("a head"))).await.len(), 1);
}

pub async fn a_backup_fills_an_empty_ledger<P: Place>(place: &P) {
    let mut ledger = begin(place, 3).await;
    let entries = ledger.store().after(0, 100).await.expect("read");
    let error = restore(&mut place.store(), &entries).await.expect_err("there are entries");
    assert!(matches!(error, LedgerError::NotEmpty), "{error}");
    place.sql("DELETE FROM entry").await;
    let mut forged = entries.clone();
    forged[2].body = forged[2].body.replace("\"users\":3", "\"users\":9");
    assert!(restore(&mut place.store(), &forged).await.is_err());
    assert_eq!(place.store().after(0, 100).await.expect("read"), []);
    let head = restore(&mut place.store(), &entries).await.expect("filled");
    assert_eq!(head, ledger.head());
    assert_eq!(findings(place, Some(head)).await, []);
}
