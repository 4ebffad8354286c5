//! `realmwright usage`: consumption over time, as people see it.

use crate::ledger::{File, post, realmwright};

/// The guide's tree grows over a week: three children of the root, and one of the third.
fn week() -> File {
    let file = File::new();
    let day = |number: i64| 1_767_225_600 + number * 86_400;
    let lines = [
        (0, r#"{"do": "define-resource", "resource": "vpn-months", "measure": "counter"}"#),
        (0, r#"{"do": "create", "organization": "root", "ownLicences": true, "dealer": true}"#),
        (
            0,
            r#"{"do": "issue", "serial": "L1", "quantities": {"organizations": 8, "vpn-months": 36}, "expiry": 99999999999}"#,
        ),
        (0, r#"{"do": "redeem", "organization": "root", "serial": "L1"}"#),
        (1, r#"{"do": "create", "organization": "first", "parent": "root"}"#),
        (2, r#"{"do": "create", "organization": "second", "parent": "root", "grants": {"organizations": 3}}"#),
        (
            2,
            r#"{"do": "create", "organization": "third", "parent": "root", "grants": {"organizations": 2, "vpn-months": 10}}"#,
        ),
        (4, r#"{"do": "create", "organization": "grandchild", "parent": "third", "grants": {"organizations": 1}}"#),
        (4, r#"{"do": "use", "organization": "third", "resource": "vpn-months", "amount": 4}"#),
        (5, r#"{"do": "use", "organization": "root", "resource": "vpn-months", "amount": 2}"#),
    ];
    let lines: String = lines
        .iter()
        .map(|(number, command)| format!("{{\"at\": {}, \"command\": {command}}}\n", day(*number)))
        .collect();
    assert_eq!(post(&file, &lines).0, 0);
    file
}

const SPAN: [&str; 4] = ["--from", "2026-01-01", "--to", "2026-01-07"];

fn told(file: &File, arguments: &[&str]) -> String {
    let (code, out, err) = realmwright(file, &[&["usage"], arguments, &SPAN].concat());
    assert_eq!(code, 0, "{err}");
    out
}

#[test]
fn bars_show_own_use_and_that_of_all_below() {
    let file = week();
    insta::assert_snapshot!(told(&file, &["root", "--descendants"]), @r"
    root  organizations  with all below it
      2026-01-01  [....................]  0 used  of 8  mean 0.000, 0 to 0, changed by 0
      2026-01-02  [##..................]  1 used  of 8  mean 1.000, 1 to 1, changed by 1
      2026-01-03  [#######.............]  3 used  of 8  mean 3.000, 3 to 3, changed by 2
      2026-01-04  [#######.............]  3 used  of 8  mean 3.000, 3 to 3, changed by 0
      2026-01-05  [#######+++..........]  4 used  of 8  mean 4.000, 4 to 4, changed by 1
      2026-01-06  [#######+++..........]  4 used  of 8  mean 4.000, 4 to 4, changed by 0
      2026-01-07  [#######+++..........]  4 used  of 8  mean 4.000, 4 to 4, changed by 0

    root  vpn-months  with all below it
      2026-01-01  [....................]  0 added  of 36  mean 0.000, 0 to 0, changed by 0
      2026-01-02  [....................]  0 added  of 36  mean 0.000, 0 to 0, changed by 0
      2026-01-03  [....................]  0 added  of 36  mean 0.000, 0 to 0, changed by 0
      2026-01-04  [....................]  0 added  of 36  mean 0.000, 0 to 0, changed by 0
      2026-01-05  [++++++++++++++++++++]  4 added  of 36  mean 4.000, 4 to 4, changed by 4
      2026-01-06  [##########..........]  2 added  of 36  mean 6.000, 6 to 6, changed by 2
      2026-01-07  [....................]  0 added  of 36  mean 6.000, 6 to 6, changed by 0
    ");
    insta::assert_snapshot!(told(&file, &["root", "--resource", "organizations", "--interval", "week"]), @r"
    root  organizations  alone
      2026-01-01  [#######.............]  3 used  of 8  mean 1.750, 0 to 3, changed by 3
      2026-01-05  [#######.............]  3 used  of 8  mean 3.000, 3 to 3, changed by 0
    ");
}

#[test]
fn the_table_has_the_instants_at_which_something_changed() {
    let file = week();
    insta::assert_snapshot!(told(&file, &["root", "--changes"]), @r"
    root  organizations  alone
      2026-01-02T00:00:00Z           1 used  of 8, 1 allocated
      2026-01-03T00:00:00Z           3 used  of 8, 8 allocated

    root  vpn-months  alone
      2026-01-06T00:00:00Z           2 used  of 36, 12 allocated
    ");
    insta::assert_snapshot!(told(&file, &["root", "--changes", "--descendants", "--format", "csv"]), @r"
    organization,resource,at,value,limit,allocated
    root,organizations,2026-01-02T00:00:00Z,1,8,1
    root,organizations,2026-01-03T00:00:00Z,3,8,8
    root,organizations,2026-01-05T00:00:00Z,4,8,8
    root,vpn-months,2026-01-05T00:00:00Z,4,36,10
    root,vpn-months,2026-01-06T00:00:00Z,6,36,12
    ");
}

/// P16: text, JSON and CSV say the same figures.
#[test]
fn p16_every_form_says_the_same() {
    let file = week();
    let json: serde_json::Value =
        serde_json::from_str(&told(&file, &["root", "--descendants", "--format", "json"])).expect("JSON");
    let (text, csv) =
        (told(&file, &["root", "--descendants"]), told(&file, &["root", "--descendants", "--format", "csv"]));
    let mut rows = csv.lines().skip(1);
    for usage in json.as_array().expect("a list") {
        for bar in usage["bars"].as_array().expect("bars") {
            let row: Vec<&str> = rows.next().expect("a row").split(',').collect();
            let numbers = ["min", "max", "last", "change", "own", "limit", "allocated"].map(|key| bar[key].to_string());
            assert_eq!(row[5..12], numbers.each_ref().map(String::as_str), "{bar}");
            assert_eq!(bar["mean"], row[4]);
            let counter = usage["counter"] == true;
            let drawn = bar[if counter { "change" } else { "last" }].to_string();
            let word = if counter { "added" } else { "used" };
            let line = format!("{drawn} {word}  of {}  mean {}", bar["limit"], row[4]);
            assert!(text.contains(&line), "{line}\n{text}");
        }
    }
    assert_eq!(rows.next(), None);
}

#[test]
fn a_forecast_says_until_when_it_lasts_or_that_nothing_is_known() {
    let file = week();
    let told = |arguments: &[&str]| {
        let (code, out, err) = realmwright(&file, &[&["usage", "root"], arguments].concat());
        assert_eq!(code, 0, "{err}");
        out
    };
    let monthly = told(&["--forecast", "6m", "--interval", "month", "--resource", "organizations"]);
    assert_eq!(monthly.matches("foreseen").count(), 7, "{monthly}");
    assert!(monthly.contains("it lasts") || monthly.contains("all of it is used by"), "{monthly}");
    let (_, out, _) = realmwright(&file, &["usage", "grandchild", "--forecast", "6m", "--resource", "vpn-months"]);
    assert!(out.contains("foreseen") || out.contains("too little history"), "{out}");
}

#[test]
fn bad_input_is_named() {
    let file = week();
    let refused = |arguments: &[&str]| {
        let (code, _, err) = realmwright(&file, &[&["usage"], arguments].concat());
        format!("{code} {err}")
    };
    insta::assert_snapshot!(refused(&["rot"]), @r"
    64 error: there is no organization `rot`
    hint: did you mean `root`?
    ");
    insta::assert_snapshot!(refused(&["root", "--resource", "vpn-month"]), @r"
    64 error: there is no resource `vpn-month`
    hint: did you mean `vpn-months`?
    ");
    insta::assert_snapshot!(refused(&["root", "--from", "2026-02-01", "--to", "2026-01-01"]), @r"
    64 error: there is nothing between the first day and the last
    hint: give an earlier --from, or a later --to
    ");
    insta::assert_snapshot!(refused(&["root", "--from", "0001-01-01"]), @r"
    64 error: these are more than 5000 bars
    hint: give a longer --interval, or fewer days
    ");
    assert!(refused(&["root", "--last", "99999999999999999999d"]).starts_with("64 "));
    assert!(refused(&["root", "--last", "1ü"]).starts_with("64 "));
}
