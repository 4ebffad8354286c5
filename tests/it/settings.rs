//! Settings: option, variable, file, default, in this order; and what the program makes of its terminal.

use std::process::{Output, Stdio};

use crate::cli::{PLATFORM, TENANT, command, dir, realmwright_with as with, shown};

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const CONFIG: &str = "# of the team\nserver: https://file.example\noperatorKey: keys/o.pem\nparallelism: 16\n";

#[test]
fn each_value_has_its_origin_and_secrets_are_masked() {
    let dir = dir(&[("realmwright.yaml", CONFIG)]);
    let variables =
        [("REALMWRIGHT_SERVER", "https://u:canary@env.example"), ("REALMWRIGHT_OPERATOR_KEY_PEM", "canary")];
    let output = with(&dir, &variables, &["config", "show", "--environment", "live"]);
    insta::assert_snapshot!(shown(&output), @r"
    exit 0
    environment        live                              flag --environment
    server             https://u:********@env.example/   env REALMWRIGHT_SERVER
    operatorKey        keys/o.pem                        file realmwright.yaml:3
    operatorKeyPem     ********                          env REALMWRIGHT_OPERATOR_KEY_PEM
    observerKey        (none)                            default
    observerKeyPem     (none)                            default
    broker             (none)                            default
    stateDir           (~/.local/state/realmwright)      default
    brokerKey          (derived from the operator key)   default
    brokerKeyPem       (none)                            default
    secretsDir         (the directory of the manifests)  default
    adminUser          (none; bootstrap: admin)          default
    adminPasswordFile  (none)                            default
    adminPassword      (none)                            default
    ledger             (none)                            default
    actor              (none)                            default
    signingKey         (none)                            default
    signingKeyPem      (none)                            default
    trustedKeys        (none)                            default
    parallelism        16                                file realmwright.yaml:4
    fullEvery          24                                default
    cacheDir           (~/.cache/realmwright)            default
    noCache            false                             default
    color              auto                              default
    noProgress         false                             default
    ---
    ");
    let output = with(&dir, &variables, &["config", "show", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of =
        |name: &str| rows.as_array().expect("a list").iter().find(|row| row["name"] == name).expect("there").clone();
    assert_eq!(of("parallelism")["place"], "realmwright.yaml:4");
    assert_eq!(of("adminUser")["origin"], "default");
    assert!(!shown(&output).contains("canary"));
}

#[test]
fn an_option_stands_above_its_variable_above_the_file() {
    let dir = dir(&[("realmwright.yaml", CONFIG), ("other/other.yaml", "server: https://other.example\n")]);
    let server = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = with(&dir, variables, &[&["config", "show", "--format", "json"], arguments].concat());
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        rows[1]["value"].as_str().map(str::to_owned)
    };
    let variable = [("REALMWRIGHT_SERVER", "https://env.example")];
    assert_eq!(server(&variable, &["-s", "https://flag.example"]).as_deref(), Some("https://flag.example"));
    assert_eq!(server(&variable, &[]).as_deref(), Some("https://env.example"));
    assert_eq!(server(&[], &[]).as_deref(), Some("https://file.example"));
    assert_eq!(server(&[], &["--config", "other/other.yaml"]).as_deref(), Some("https://other.example"));
    assert_eq!(server(&[("REALMWRIGHT_CONFIG", "other/other.yaml")], &[]).as_deref(), Some("https://other.example"));
    assert_eq!(server(&[("REALMWRIGHT_CONFIG", "")], &[]), None);
}

#[test]
fn the_file_is_used_and_is_no_manifest() {
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let config = "server: http://127.0.0.1:1\noperatorKey: key.pem\n";
    let key = secrecy::ExposeSecret::expose_secret(&key).to_owned();
    let dir = dir(&[PLATFORM, TENANT, ("realmwright.yaml", config), ("key.pem", &key)]);
    let output = with(&dir, &[], &["plan"]);
    assert!(shown(&output).contains("GET http://127.0.0.1:1/realms/master"), "{}", shown(&output));
    assert_eq!(with(&dir, &[], &["validate"]).status.code(), Some(0));
}

#[test]
fn what_is_wrong_with_the_file_has_its_place() {
    let text = "servr: x\nparallelism: 999\nadminPassword: canary\ncolor: [a]\nenvironment:\nserver: a\nserver: b\n";
    let dir = dir(&[("realmwright.yaml", text), ("manifest.yaml", PLATFORM.1)]);
    insta::assert_snapshot!(shown(&with(&dir, &[], &["validate"])), @r"
    exit 64

    ---
    error[unknown-setting]: `adminPassword` in line 3 is a secret, not a setting
      hint: no secret stands in a configuration file; set REALMWRIGHT_ADMIN_PASSWORD

    error[unknown-setting]: `servr` is not a setting
      --> realmwright.yaml:1:1
       |
     1 | servr: x
       | ^^^^^
      hint: did you mean `server`?

    error[wrong-value]: invalid value '999' for '--parallelism <N>': 999 is not in 1..=256
      --> realmwright.yaml:2:14
       |
     2 | parallelism: 999
       |              ^^^

    error[wrong-value]: a setting has one plain value
      --> realmwright.yaml:4:8
       |
     4 | color: [a]
       |        ^^^

    error[wrong-value]: null is refused; leave the setting out
      --> realmwright.yaml:5:12
       |
     5 | environment:
       |            ^

    error[duplicate-key]: key `server` stands twice in one mapping
      --> realmwright.yaml:7:1
       |
     7 | server: b
       | ^^^^^^
      hint: it is first given in line 6; keep one of the two

    6 errors; nothing was planned or written
    ");
    insta::assert_snapshot!(shown(&with(&dir, &[], &["config", "show", "--config", "manifest.yaml"])), @r"
    exit 64

    ---
    error[not-a-config]: this is a manifest, not a configuration file
      --> manifest.yaml:1:1
       |
     1 | apiVersion: realmwright/v1
       | ^^^^^^^^^^
      hint: give the manifest another name than realmwright.yaml

    1 error; nothing was planned or written
    ");
    insta::assert_snapshot!(shown(&with(&dir, &[], &["config", "show", "--config", "lost.yaml"])), @r"
    exit 64

    ---
    error: can't read the configuration file lost.yaml: No such file or directory (os error 2)
    hint: --config or REALMWRIGHT_CONFIG names it; an empty name means none
    ");
    assert_eq!(with(&dir, &[], &["completions", "bash"]).status.code(), Some(0), "completions need no settings");
}

/// Whoever adds a variable has to add its setting.
#[test]
fn every_variable_is_a_setting() {
    let text = realmwright::cli::reference::markdown();
    let (settings, commands) = text.split_once("# Commands").expect("both parts");
    let named: Vec<&str> =
        commands.lines().filter_map(|line| line.trim().strip_prefix("[env: ")?.strip_suffix(']')).collect();
    assert!(named.len() > 10);
    for variable in named {
        assert!(settings.contains(&format!("`{variable}`")), "{variable} is no row of cli/settings.rs");
    }
}

#[test]
fn completions_know_every_command() {
    let dir = dir(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = with(&dir, &[], &["completions", shell]);
        for word in ["bootstrap", "parallelism", "config"] {
            assert!(output.status.success() && out(&output).contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(with(&dir, &[], &["completions", "tcsh"]).status.code(), Some(64));
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let dir = dir(&[]);
    let output = with(&dir, &[], &["man", "--out", "pages"]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    let reference = realmwright::cli::reference::markdown();
    let commands: Vec<&str> = reference.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for command in &commands {
        let page = dir.path().join("pages").join(format!("{}.1", command.replace(' ', "-")));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|_| panic!("{} is missing", page.display()));
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
    assert_eq!(std::fs::read_dir(dir.path().join("pages")).expect("there").count(), commands.len());
    assert!(out(&with(&dir, &[], &["man", "config", "show"])).contains("realmwright-config-show"));
    insta::assert_snapshot!(shown(&with(&dir, &[], &["man", "plna"])), @r"
    exit 64

    ---
    error: there is no command `plna`
    hint: did you mean `plan`?
    ");
}

#[test]
fn colour_is_as_the_surroundings_ask() {
    let dir = dir(&[PLATFORM, ("bad.yaml", "apiVersion: realmwright/v1\nkind: Nothing\n")]);
    let coloured = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = with(&dir, variables, &[&["validate"], arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(shown(&output).contains("error"), "the word is there");
        shown(&output).contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "no terminal");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(coloured(&[], &["--color", "always"]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
}

#[test]
fn a_reader_that_goes_away_is_no_failure_but_a_full_disk_is() {
    let dir = dir(&[]);
    let mut child =
        command(&dir, &[], &["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = command(&dir, &[], &["schema"]).stdout(full).output().expect("runs");
        assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    }
}
