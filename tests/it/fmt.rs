//! Laying out manifests: the meaning and the comments stay, and doing it twice changes nothing more.

use proptest::prelude::*;
use realmwright::manifest::format::format;

use crate::cli::{dir, realmwright, shown};

#[test]
fn comments_and_blank_lines_stay_and_the_layout_is_one() {
    let text = "\
# yaml-language-server: $schema=../schema.json

# Who they are.
apiVersion:   realmwright/v1
kind: 'Distributor' # the root
name: north


labels: { region: north,size: 'it''s' }
organizations:
- name: clinic   # first
  # its licences
  licences:
      - {product: assistant,   type: t, serial: A-1, seats: 5, validUntil: 2030-01-01}
  realm:
    displayName: >-
      Long text
      over lines
    attributes: &a {note: \"a: b\"}
---
apiVersion: realmwright/v1
kind: Organization
name: other
parent: north
";
    insta::assert_snapshot!(format(0, text).expect("laid out"), @r#"
    # yaml-language-server: $schema=../schema.json

    # Who they are.
    apiVersion: realmwright/v1
    kind: "Distributor" # the root
    name: north

    labels: {region: north, size: 'it''s'}
    organizations:
      - name: clinic # first
        # its licences
        licences:
          - {product: assistant, type: t, serial: A-1, seats: 5, validUntil: 2030-01-01}
        realm:
          displayName: >-
            Long text
            over lines
          attributes: &a {note: "a: b"}
    ---
    apiVersion: realmwright/v1
    kind: Organization
    name: other
    parent: north
    "#);
}

#[test]
fn what_is_no_yaml_is_left_alone() {
    let dir = dir(&[
        ("bad.yaml", "a: [\n"),
        ("good.yaml", "a:   1\n"),
        ("list.csv", "a,  b\n"),
        (".hidden.yaml", "a:   1\n"),
    ]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["fmt", "--check"])), @r"
    exit 1
    good.yaml
    ---
    error[yaml]: this is not YAML that can be read: unclosed bracket '['
      --> bad.yaml:1:4
       |
     1 | a: [
       |    ^

    error: left as they are, because they can't be laid out: 1 of 2 files
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["fmt", "good.yaml"])), @r"
    exit 0
    good.yaml
    ---
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["fmt", "--check", "good.yaml"])), @r"
    exit 0

    ---
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["fmt", "list.csv"])), @r"
    exit 64

    ---
    error: list.csv is neither a directory nor a YAML file
    hint: name directories, and files whose names end in .yaml or .yml
    ");
    assert_eq!(std::fs::read_to_string(dir.path().join("bad.yaml")).expect("there"), "a: [\n");
}

#[test]
fn files_to_lay_out_are_named_and_only_then_written() {
    let dir = dir(&[("a.yaml", "a:   1\n"), ("b/b.yml", "b: 1\n")]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["fmt", "--check"])), @r"
    exit 1
    a.yaml
    ---
    error: not laid out: 1 of 2 files
    hint: run `realmwright fmt` on them
    ");
    assert_eq!(std::fs::read_to_string(dir.path().join("a.yaml")).expect("there"), "a:   1\n");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["fmt"])), @r"
    exit 0
    a.yaml
    ---
    ");
    assert_eq!(std::fs::read_to_string(dir.path().join("a.yaml")).expect("there"), "a: 1\n");
}

#[test]
fn what_ships_is_laid_out() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for dir in ["examples", "realm-templates"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(["fmt", "--check"])
            .arg(root.join(dir))
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    }
}

/// Scalars as people write them: plain, quoted either way, and such as need quotes.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z][a-zA-Z0-9 ._/-]{0,20}[a-z]",
        "'[a-zA-Z0-9 :#,{}*&!%@\\\\\"-]{0,20}'",
        "\"[a-zA-Z0-9 :#,{}*&!%@'-]{0,20}\"",
        "\"[a-z]{0,5}(\\\\n|\\\\t|\\\\\\\\|\\\\\"|\\\\u00e4)[a-z]{0,5}\"",
        "[0-9]{1,5}",
        Just("true".to_owned()),
        Just("2030-01-01".to_owned()),
        Just("file:./x".to_owned()),
        Just("\"\"".to_owned()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-zA-Z0-9.-]{0,12}",
        "'[a-z ]{1,8}'",
        Just("$each(item in products)".to_owned()),
        Just("$(tenant.name)".to_owned())
    ]
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "  # [a-z: {}'#-]{0,20}[a-z]"]
}

fn flow() -> impl Strategy<Value = String> {
    let entries = || prop::collection::vec(("[a-z]{1,8}", "[a-z0-9]{1,12}"), 0..6);
    prop_oneof![
        entries().prop_map(|e| format!(
            "{{ {} }}",
            e.iter().enumerate().map(|(i, (k, v))| format!("{k}{i}: {v}")).collect::<Vec<_>>().join(",  ")
        )),
        entries().prop_map(|e| format!("[{}]", e.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>().join(" , "))),
    ]
}

/// The lines of a block mapping at some depth.
fn block() -> impl Strategy<Value = Vec<String>> {
    let leaf = (key(), prop_oneof![scalar(), flow()], comment())
        .prop_map(|(key, value, comment)| vec![format!("{key}:   {value}{comment}")]);
    leaf.prop_recursive(4, 40, 4, |inner| {
        let indented = |by: usize, lines: &[String]| -> Vec<String> {
            lines
                .iter()
                .map(|line| if line.is_empty() { line.clone() } else { format!("{}{line}", " ".repeat(by)) })
                .collect()
        };
        prop_oneof![
            (key(), comment(), prop::collection::vec(inner.clone(), 1..4), 1..5usize, any::<bool>()).prop_map(
                move |(key, comment, children, by, blank)| {
                    let mut lines = vec![format!("{key}:{comment}")];
                    for (index, child) in children.iter().enumerate() {
                        if blank {
                            lines.push(String::new());
                        }
                        let mut child = child.clone();
                        let (key, rest) = child[0].split_once(':').expect("a key");
                        let key = key.trim_start_matches(['\'', '$']).replace('\'', "");
                        child[0] = format!("k{index}{key}:{rest}");
                        lines.extend(indented(by, &child));
                    }
                    lines
                }
            ),
            (key(), prop::collection::vec(inner, 1..4), 0..3usize).prop_map(move |(key, items, by)| {
                let mut lines = vec![format!("{key}:")];
                for item in items {
                    lines.push(format!("{}# an item", " ".repeat(by)));
                    let item = indented(2, &item);
                    lines.push(format!("{}- {}", " ".repeat(by), item[0].trim_start()));
                    lines.extend(indented(by, &item[1..]));
                }
                lines
            }),
            (
                key(),
                prop::collection::vec("[a-zA-Z0-9 :#'-]{1,30}", 1..4),
                prop_oneof![Just("|"), Just(">-"), Just("|+"), Just(">")]
            )
                .prop_map(move |(key, text, style)| {
                    let mut lines = vec![format!("{key}: {style}")];
                    lines.extend(text.iter().map(|line| format!("    x{line}")));
                    lines
                }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// `format` itself refuses to change what a text says; here it must not have to.
    #[test]
    fn twice_is_once_and_the_meaning_stays(blocks in prop::collection::vec(block(), 1..5), documents in 1..3usize) {
        let mut text = String::new();
        for (index, lines) in blocks.iter().enumerate() {
            if index > 0 && index % documents == 0 {
                text.push_str("---\n");
            }
            text.push_str(&lines.join("\n"));
            text.push('\n');
        }
        // Only what can be read at all is a manifest.
        prop_assume!(!matches!(format(0, &text), Err(fault) if fault.code == "yaml"));
        let once = format(0, &text).map_err(|fault| TestCaseError::fail(format!("{}\n{text}", fault.message)))?;
        prop_assert_eq!(format(0, &once).expect("laid out"), once);
    }
}
