//! The ledger in SQLite, and its commands.

use std::path::PathBuf;

use realmwright::ledger::SqliteStore;
use sqlx::{Connection, SqliteConnection};

use crate::contract::ledger::Place;

/// A ledger in a directory of its own.
pub struct File(pub tempfile::TempDir);

impl File {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("ledger.db")
    }
}

impl Place for File {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        SqliteStore::new(&self.path(), true)
    }

    async fn sql(&self, statement: &str) {
        let mut connection = SqliteConnection::connect(self.path().to_str().unwrap()).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

macro_rules! on_sqlite {
    ($($case:ident),+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            crate::contract::ledger::$case(&File::new()).await;
        }
    )+};
}

crate::ledger_cases!(on_sqlite);

/// Runs the program on a ledger: its exit code and what it printed.
pub fn realmwright(file: &File, arguments: &[&str]) -> (i32, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_realmwright"))
        .args(arguments)
        .env_clear()
        .env("REALMWRIGHT_LEDGER", format!("sqlite:{}", file.path().display()))
        .env("REALMWRIGHT_ACTOR", "anna")
        .current_dir(file.0.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub fn post(file: &File, lines: &str) -> (i32, String, String) {
    std::fs::write(file.0.path().join("commands.jsonl"), lines).unwrap();
    realmwright(file, &["ledger", "post", "commands.jsonl"])
}

/// The tree of the guide's example, with a hidden organization.
fn guide() -> File {
    let file = File::new();
    let (code, _, told) = post(
        &file,
        r#"
{"at": 10, "command": {"do": "define-resource", "resource": "users", "measure": "gauge"}}
{"at": 10, "command": {"do": "create", "organization": "root", "ownLicences": true, "dealer": true}}
{"at": 10, "command": {"do": "issue", "serial": "L1", "quantities": {"organizations": 13, "users": 9}, "expiry": 99999999999}}
{"at": 10, "command": {"do": "redeem", "organization": "root", "serial": "L1"}}
{"at": 10, "command": {"do": "create", "organization": "first", "parent": "root"}}
{"at": 10, "command": {"do": "create", "organization": "mychild", "parent": "root", "grants": {"organizations": 3}}}
{"at": 10, "command": {"do": "create", "organization": "third", "parent": "root", "grants": {"organizations": 2, "users": 4}}}
{"at": 10, "command": {"do": "create", "organization": "grandchild", "parent": "third", "grants": {"organizations": 1}}}
{"at": 10, "command": {"do": "use", "organization": "third", "resource": "users", "amount": 2}}
{"at": 10, "command": {"do": "create", "organization": "secret", "parent": "mychild", "grants": {"organizations": 2}}}
{"at": 10, "command": {"do": "allow-privacy", "organization": "mychild", "allow": true}}
{"at": 10, "command": {"do": "require-privacy", "organization": "mychild", "require": true}}
"#,
    );
    assert_eq!((code, told.as_str()), (0, "12 of 12 accepted\n"));
    file
}

#[test]
fn the_tree_shows_used_and_total_with_the_split() {
    let file = guide();
    let (code, tree, _) = realmwright(&file, &["tree", "--depth", "2"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(tree, @r"
    root  own licences, dealer
        organizations  [############........] 8/13  own 3, shared 5, licensed 0
        users          [########............] 4/9  own 0, shared 4, licensed 0
      first  parent's resources
      mychild  full privacy
          organizations  consumes 1, with all below it 1
      third  parent's resources
          organizations  [####################] 2/2  own 1, shared 1
          users          [##########..........] 2/4  own 2, shared 0
        grandchild  parent's resources
            organizations  [....................] 0/1  own 0, shared 0
    ");
    let (_, level, _) = realmwright(&file, &["tree"]);
    assert!(!level.contains("grandchild"), "{level}");
    let (_, csv, _) = realmwright(&file, &["tree", "--format", "csv", "--depth", "9"]);
    insta::assert_snapshot!(csv.lines().filter(|line| line.contains("organizations")).collect::<Vec<_>>().join("\n"), @r"
    root,root,,,true,true,,organizations,13,8,3,5,0,5,5
    root/first,first,,,false,false,,organizations,0,0,0,0,0,0,0
    root/mychild,mychild,,,,,full,organizations,,,,,,1,1
    root/third,third,,,false,false,,organizations,2,2,1,1,0,1,1
    root/third/grandchild,grandchild,,,false,false,,organizations,1,0,0,0,0,0,0
    ");
}

#[test]
fn what_a_hidden_organization_does_below_it_is_not_seen_from_above() {
    let (one, other) = (guide(), guide());
    // Another name, a grant that goes elsewhere, and another tree, of the same consumption.
    let inside = [
        r#"{"at": 20, "command": {"do": "create", "organization": "x", "parent": "secret", "grants": {"organizations": 1}}}"#,
        r#"{"at": 20, "command": {"do": "create", "organization": "y", "parent": "mychild"}}"#,
    ];
    assert_eq!(post(&one, inside[0]).0, 0);
    assert_eq!(post(&other, inside[1]).0, 3);
    assert_eq!(
        post(&other, r#"{"at": 20, "command": {"do": "create", "organization": "y", "parent": "secret"}}"#).0,
        0
    );
    for format in ["text", "json", "csv"] {
        let seen = |file: &File| realmwright(file, &["tree", "root", "--depth", "9", "--format", format]).1;
        assert_eq!(seen(&one), seen(&other));
        assert!(!seen(&one).contains("secret"));
        // From within, all is seen.
        assert!(realmwright(&one, &["tree", "mychild", "--depth", "9", "--format", format]).1.contains("secret"));
    }
}

/// As the rest of P15: whatever an organization may look at, for everybody above the hidden one.
#[test]
fn no_view_from_above_tells_what_a_hidden_organization_does_below_it() {
    let inside = |x: &str, y: &str| {
        let file = guide();
        let before = r#"
{"at": 20, "command": {"do": "define-resource", "resource": "vpn-months", "measure": "counter"}}
{"at": 20, "command": {"do": "issue", "serial": "L2", "quantities": {"users": 2, "vpn-months": 9}, "expiry": 99999999999}}
{"at": 20, "command": {"do": "redeem", "organization": "root", "serial": "L2"}}
{"at": 20, "command": {"do": "issue", "serial": "SOLD", "dealer": "root", "quantities": {"users": 1, "vpn-months": 5}, "expiry": 99999999999}}
{"at": 20, "command": {"do": "issue", "serial": "OVER", "dealer": "root", "quantities": {"vpn-months": 1}, "expiry": 1000}}
{"at": 20, "command": {"do": "issue", "serial": "OTHER", "quantities": {"vpn-months": 5}, "expiry": 99999999999}}
"#;
        let below = format!(
            r#"
{{"at": 30, "command": {{"do": "create", "organization": "{x}", "parent": "secret", "ownLicences": true}}}}
{{"at": 30, "command": {{"do": "create", "organization": "{y}", "parent": "secret", "ownLicences": true}}}}
{{"at": 30, "command": {{"do": "redeem", "organization": "{x}", "serial": "SOLD"}}}}
{{"at": 30, "command": {{"do": "redeem", "organization": "{y}", "serial": "OVER"}}}}
{{"at": 30, "command": {{"do": "redeem", "organization": "{y}", "serial": "OTHER"}}}}
"#
        );
        assert_eq!(post(&file, &(before.to_owned() + &below)).0, 0);
        file
    };
    let (one, other) = (inside("x", "y"), inside("v", "w"));
    let uses = |organization: &str, amount: i64| {
        format!(
            r#"{{"at": 40, "command": {{"do": "use", "organization": "{organization}", "resource": "vpn-months", "amount": {amount}}}}}"#
        )
    };
    assert_eq!(post(&one, &(uses("x", 3) + "\n" + &uses("y", 1))).0, 0);
    assert_eq!(post(&other, &(uses("v", 1) + "\n" + &uses("w", 3))).0, 0);
    let views = [
        "tree root --depth 9",
        "tree root --depth 9 --at 1970-01-01T00:00:35Z",
        "tree --depth 9",
        "resources root",
        "resources root --expired",
        "licence list root",
        "licence list root --expired",
        "usage root --descendants --from 1970-01-01 --to 1970-01-02",
        "usage root --descendants --changes --from 1970-01-01 --to 1970-01-02",
    ];
    for view in views {
        for format in ["text", "json", "csv"] {
            let seen = |file: &File| {
                let arguments: Vec<&str> = view.split(' ').chain(["--format", format]).collect();
                let (code, seen, told) = realmwright(file, &arguments);
                assert_eq!(code, 0, "{view}: {told}");
                seen
            };
            assert_eq!(seen(&one), seen(&other), "{view}, {format}");
            assert!(!seen(&one).contains("secret"), "{view}, {format}");
        }
    }
    // Who sold it sees that it was redeemed, and behind whose door; who holds it sees all of it.
    let held = |viewer: &str| {
        let (_, list, _) = realmwright(&one, &["licence", "list", viewer, "--format", "csv"]);
        list.lines().find(|line| line.contains("SOLD,,,vpn-months")).map(str::to_owned)
    };
    assert_eq!(held("root").unwrap(), "SOLD,,,vpn-months,5,0,5138-11-16T09:46:39Z,false,root,mychild,redeemed");
    assert_eq!(held("x").unwrap(), "SOLD,,,vpn-months,5,3,5138-11-16T09:46:39Z,false,root,x,redeemed");
}

#[test]
fn the_figures_of_a_moment_are_those_of_then() {
    let file = guide();
    let later = r#"
{"at": 90000, "command": {"do": "issue", "serial": "SHORT", "quantities": {"users": 3}, "expiry": 259200}}
{"at": 90000, "command": {"do": "redeem", "organization": "root", "serial": "SHORT"}}
{"at": 400000, "command": {"do": "use", "organization": "root", "resource": "users", "amount": 4}}
{"at": 500000, "command": {"do": "allow-privacy", "organization": "third", "allow": true}}
{"at": 500000, "command": {"do": "require-privacy", "organization": "third", "require": true}}
"#;
    assert_eq!(post(&file, later).0, 0);
    let users = |at: &str| {
        let (code, said, told) = realmwright(&file, &["resources", "root", "--at", at]);
        assert_eq!(code, 0, "{told}");
        said.lines().find(|line| line.contains("users ")).map(|line| line.trim().to_owned()).unwrap()
    };
    assert_eq!(users("1970-01-01"), "users          5 left: 4 of 9 used (own 0, shared 4)");
    assert_eq!(users("1970-01-02"), "users          8 left: 4 of 12 used (own 0, shared 4)");
    // Valid to the end of its last day, and no longer.
    assert_eq!(users("1970-01-03"), "users          8 left: 4 of 12 used (own 0, shared 4)");
    assert_eq!(users("1970-01-04T00:00:00Z"), "users          5 left: 4 of 9 used (own 0, shared 4)");
    assert_eq!(users("1970-01-05T15:06:40Z"), "users          1 left: 8 of 9 used (own 4, shared 4)");
    assert_eq!(users("2999-12-31"), "users          1 left: 8 of 9 used (own 4, shared 4)");
    let licences = |at: &str| realmwright(&file, &["resources", "root", "--at", at, "--expired"]).1;
    assert!(licences("1970-01-04T00:00:00Z").contains("SHORT") && !licences("1970-01-03").contains("SHORT"));
    let (code, _, told) = realmwright(&file, &["resources", "root", "--at", "1970-01-01T00:00:05Z"]);
    assert_eq!((code, told.as_str()), (64, "error: there is no organization `root`\n"));
    // Who hides today is not looked at as it was before.
    let (_, tree, _) = realmwright(&file, &["tree", "--at", "1970-01-02", "--depth", "3"]);
    assert!(tree.contains("third  full privacy") && !tree.contains("grandchild"), "{tree}");
    let (code, _, told) = realmwright(&file, &["tree", "--at", "yesterday"]);
    assert_eq!(code, 64);
    assert!(told.contains("`yesterday` is not a day"), "{told}");
}

#[test]
fn the_platform_sees_where_every_unit_is_that_it_issued() {
    let file = guide();
    let later = r#"
{"at": 20, "command": {"do": "define-resource", "resource": "vpn-months", "measure": "counter"}}
{"at": 20, "command": {"do": "issue", "serial": "L2", "quantities": {"users": 5, "vpn-months": 9}, "expiry": 100}}
{"at": 20, "command": {"do": "issue", "serial": "L3", "quantities": {"users": 7}, "expiry": 99999999999}}
{"at": 20, "command": {"do": "redeem", "organization": "root", "serial": "L2"}}
{"at": 20, "command": {"do": "use", "organization": "root", "resource": "vpn-months", "amount": 4}}
"#;
    assert_eq!(post(&file, later).0, 0);
    let (code, balance, _) = realmwright(&file, &["tree", "--platform"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(balance, @r"
    organizations  13 issued: in use 5, free 8, not redeemed 0, lost 0
    users          21 issued: in use 2, free 7, not redeemed 7, lost 5
    vpn-months     9 issued: in use 4, free 0, not redeemed 0, lost 5
    ");
    let (_, csv, _) = realmwright(&file, &["tree", "--platform", "--format", "csv", "--at", "1970-01-01T00:00:30Z"]);
    insta::assert_snapshot!(csv, @r"
    resource,minted,used,free,unredeemed,breakage,gone
    organizations,13,5,8,0,0,0
    users,21,2,12,7,0,0
    vpn-months,9,4,5,0,0,0
    ");
    let (_, json, _) = realmwright(&file, &["tree", "--platform", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let fields = ["used", "free", "unredeemed", "breakage", "gone"];
    for (resource, balance) in json.as_object().unwrap() {
        let sum: i64 = fields.iter().map(|field| balance[field].as_i64().unwrap()).sum();
        assert_eq!(balance["minted"].as_i64().unwrap(), sum, "{resource}");
    }
    assert_eq!(realmwright(&file, &["tree", "root", "--platform"]).0, 64);
}

#[test]
fn bad_input_is_named_and_nothing_is_done() {
    let file = guide();
    let (code, said, told) = post(
        &file,
        "{\"command\": {\"do\": \"delete\", \"organization\": \"first\"}}\n{\"command\": {\"do\": \"use\", \"organization\": \"first\"}}\n",
    );
    assert_eq!((code, said.as_str()), (64, ""));
    insta::assert_snapshot!(told, @r"
    error: commands.jsonl:2: missing field `resource` at column 51
    hint: nothing was done; docs/ledger.md lists the commands
    ");
    assert_eq!(realmwright(&file, &["ledger", "log", "--after", "12"]).1, "");
    let (code, _, told) = realmwright(&file, &["tree", "thrid"]);
    assert_eq!(code, 64);
    insta::assert_snapshot!(told, @r"
    error: there is no organization `thrid`
    hint: did you mean `third`?
    ");
    let (code, _, told) = realmwright(&file, &["ledger", "verify", "--ledger", "postgres://me:secret@127.0.0.1/db"]);
    assert_eq!(code, 64);
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn a_ledger_is_backed_up_filled_and_proved_by_hand() {
    let file = guide();
    let (code, head, _) = realmwright(&file, &["ledger", "verify"]);
    assert_eq!(code, 0);
    assert_eq!(realmwright(&file, &["ledger", "backup", "b.jsonl"]).0, 0);
    let other = ["--ledger", "sqlite:other.db"];
    assert_eq!(realmwright(&file, &[&["ledger", "restore", "b.jsonl"][..], &other].concat()).0, 0);
    let noted = head.trim().strip_prefix("head ").unwrap();
    let (code, again, _) = realmwright(&file, &[&["ledger", "verify", "--noted", noted][..], &other].concat());
    assert_eq!((code, again), (0, head));
    // Somebody edits it with another program.
    let mut edited = std::fs::read_to_string(file.0.path().join("b.jsonl")).unwrap();
    edited = edited.replacen("\\\"amount\\\":2", "\\\"amount\\\":1", 1);
    std::fs::write(file.0.path().join("b.jsonl"), edited).unwrap();
    let (code, _, told) = realmwright(&file, &["ledger", "restore", "b.jsonl", "--ledger", "sqlite:third.db"]);
    assert_eq!(code, 1);
    assert!(told.contains("entry 9 of the ledger: its digest does not fit"), "{told}");
    let (code, _, told) = realmwright(&file, &[&["ledger", "restore", "b.jsonl"][..], &other].concat());
    assert_eq!(code, 1);
    assert!(told.contains("has entries already"), "{told}");
}

/// So many counters made known, each under a key.
fn many(file: &File, commands: usize) {
    let commands = (0..commands).map(|number| {
        format!(
            r#"{{"at": 20, "key": "k{number}", "command": {{"do": "define-resource", "resource": "r{number}", "measure": "counter"}}}}"#
        )
    });
    std::fs::write(file.0.path().join("many.jsonl"), commands.collect::<Vec<_>>().join("\n")).unwrap();
}

/// Files may grow so far and no further: what was answered is kept, nothing half, and once there is room the rest follows.
#[test]
fn a_full_disk_loses_nothing_that_was_answered() {
    const COMMANDS: usize = 6_000;
    let file = guide();
    many(&file, COMMANDS);
    let kilobytes = |file: &File| std::fs::metadata(file.path()).unwrap().len() / 1024;
    let room = kilobytes(&file) + 900;
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {room}; exec \"$0\" ledger post many.jsonl --actor anna")])
        .arg(env!("CARGO_BIN_EXE_realmwright"))
        .env("REALMWRIGHT_LEDGER", format!("sqlite:{}", file.path().display()))
        .current_dir(file.0.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("what was not answered may be sent again"), "{said}");
    let answered = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert!(answered > 0 && answered < COMMANDS, "{answered}");
    let (code, log, _) = realmwright(&file, &["ledger", "log", "--after", "12"]);
    assert_eq!((code, log.lines().count()), (0, answered));
    assert_eq!(realmwright(&file, &["ledger", "verify"]).0, 0);
    let (code, said, _) = realmwright(&file, &["ledger", "post", "many.jsonl"]);
    assert_eq!((code, said.lines().count()), (0, COMMANDS));
    assert_eq!(realmwright(&file, &["ledger", "log", "--after", "12"]).1.lines().count(), COMMANDS);
}

/// Killed again and again, and sent again: everything that was answered is kept, and everything is done once.
#[test]
fn a_killed_writer_loses_nothing_that_it_answered() {
    use std::io::{BufRead, BufReader, Read};
    const COMMANDS: usize = 6_000;
    let file = guide();
    many(&file, COMMANDS);
    let mut answered = 0;
    for _ in 0..3 {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(["ledger", "post", "many.jsonl", "--actor", "anna", "--ledger"])
            .arg(format!("sqlite:{}", file.path().display()))
            .current_dir(file.0.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        for _ in 0..=answered {
            line.clear();
            answers.read_line(&mut line).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        answers.read_to_string(&mut rest).unwrap();
        // The last line may have been cut off.
        answered += 1 + rest.matches('\n').count();
        let (code, log, _) = realmwright(&file, &["ledger", "log", "--after", "12"]);
        assert_eq!((code, log.lines().count() >= answered), (0, true), "{answered}");
        assert_eq!(realmwright(&file, &["ledger", "verify"]).0, 0);
    }
    let (code, said, _) = realmwright(&file, &["ledger", "post", "many.jsonl"]);
    assert_eq!((code, said.lines().count()), (0, COMMANDS));
    let (_, log, _) = realmwright(&file, &["ledger", "log", "--after", "12"]);
    assert_eq!(log.lines().count(), COMMANDS);
}
