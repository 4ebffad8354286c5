//! The program as its users call it: exit code, standard output and standard error.

use std::process::{Command, Output};

use tempfile::TempDir;

pub fn realmwright(dir: &TempDir, arguments: &[&str]) -> Output {
    realmwright_with(dir, &[], arguments)
}

/// With nothing in its environment but the path and some variables.
pub fn realmwright_with(dir: &TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    command(dir, variables, arguments).output().expect("the program runs")
}

pub fn command(dir: &TempDir, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_realmwright"));
    command
        .args(arguments)
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied());
    command
}

pub fn dir(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    dir
}

pub fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    format!("exit {}\n{}\n---\n{}", output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

pub const TENANT: (&str, &str) = ("north/north.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: north\n");
pub const PLATFORM: (&str, &str) = ("platform.yaml", crate::support::PLATFORM);

#[test]
fn validate_says_what_it_found() {
    let dir = dir(&[PLATFORM, TENANT]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["validate"])), @r"
    exit 0

    ---
    test: 1 distributor, 0 resellers, 0 organizations; environments test
    ");
}

#[test]
fn validate_shows_the_line_and_a_way_out() {
    let dir = dir(&[
        PLATFORM,
        (
            "north/north.yaml",
            "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nlabbel: North\norganizations:\n  - {name: a, parent: b}\n",
        ),
    ]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["validate", "."])), @r"
    exit 1

    ---
    error[unknown-key]: `labbel` is not a key of this Distributor
      --> north/north.yaml:4:1
       |
     4 | labbel: North
       | ^^^^^^
      hint: did you mean `label`?

    error[unknown-key]: `parent` is not a key of an entry of `organizations`
      --> north/north.yaml:6:15
       |
     6 |   - {name: a, parent: b}
       |               ^^^^^^
      hint: its keys are admin, allowFullPrivacy, brand, dealer, environments, grants, label, labels, licences, login, name, organizations, ownLicences, parameters, protected, realm, requireFullPrivacy, server, suspended, template, users, withoutRealm

    2 errors; nothing was planned or written
    ");
}

#[test]
fn wrong_usage_is_64() {
    let dir = dir(&[PLATFORM, TENANT]);
    for arguments in [
        &["validade"][..],
        &[],
        &["validate", "--nope"],
        &["validate", "nowhere"],
        &["plan"],
        &["apply"],
        &["plan", "-k", "key.pem", "-e", "prod"],
    ] {
        let output = realmwright(&dir, arguments);
        let key = arguments.contains(&"key.pem");
        assert_eq!(output.status.code(), Some(if key { 1 } else { 64 }), "{arguments:?}: {}", shown(&output));
    }
}

#[test]
fn no_key_no_file_and_a_wrong_key_have_a_way_out() {
    let dir = dir(&[PLATFORM, TENANT, ("wrong.pem", "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n")]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "--server", "http://127.0.0.1:1"])), @r"
    exit 64

    ---
    error: no operator key is given
    hint: give --operator-key FILE, or set REALMWRIGHT_OPERATOR_KEY or REALMWRIGHT_OPERATOR_KEY_PEM; `realmwright bootstrap` makes one
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-k", "lost.pem"])), @r"
    exit 1

    ---
    error: can't read lost.pem: No such file or directory (os error 2)
    hint: `realmwright bootstrap` makes the operator key where --operator-key names a file that is not there
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-k", "wrong.pem"])), @r"
    exit 1

    ---
    error: the operator key in wrong.pem: this is not a PEM file with an EC P-256 private key in PKCS#8 form
    hint: give the file that `realmwright bootstrap` made, or one of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`
    ");
}

#[test]
fn a_server_that_cannot_be_reached_is_one_clear_error() {
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let dir = dir(&[PLATFORM, TENANT, ("key.pem", secrecy::ExposeSecret::expose_secret(&key))]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-k", "key.pem", "--server", "http://127.0.0.1:1"])), @r"
    exit 1

    ---
    error: GET http://127.0.0.1:1/realms/master/.well-known/openid-configuration: no answer: Connection refused (os error 111)
    hint: is the server running, and is --server its address?
    ");
    for url in ["localhost:8080", "ftp://x", "not a url"] {
        assert_eq!(realmwright(&dir, &["plan", "-k", "key.pem", "--server", url]).status.code(), Some(64), "{url}");
    }
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-k", "key.pem"])), @r"
    exit 64

    ---
    error: no server is known for the environment `test`
    hint: give --server URL, or name it in the platform's manifest
    ");
}

#[test]
fn a_secret_that_cannot_be_read_is_named_where_it_is_written() {
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let tenant = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nusers:\n  - {username: anna, password: file:lost.password}\n  - {username: bert, password: env:NOT_SET}\n";
    let dir = dir(&[PLATFORM, ("north/north.yaml", tenant), ("key.pem", secrecy::ExposeSecret::expose_secret(&key))]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "--yes", "-k", "key.pem", "--server", "http://127.0.0.1:1"])), @r"
    exit 1

    ---
    error[missing-secret]: the secret file:north/lost.password can't be read: ./north/lost.password: No such file or directory (os error 2)
      --> north/north.yaml:5:32
       |
     5 |   - {username: anna, password: file:lost.password}
       |                                ^^^^
      hint: set the variable, or put the file in place; it holds the secret and nothing else

    error[missing-secret]: the secret env:NOT_SET can't be read: the environment variable NOT_SET is not set
      --> north/north.yaml:6:32
       |
     6 |   - {username: bert, password: env:NOT_SET}
       |                                ^^^
      hint: set the variable, or put the file in place; it holds the secret and nothing else

    2 errors; nothing was planned or written
    ");
    assert_eq!(realmwright(&dir, &["validate"]).status.code(), Some(0), "validate reads no secrets");
    std::fs::create_dir_all(dir.path().join("mounted/north")).expect("a directory");
    std::fs::write(dir.path().join("mounted/north/lost.password"), "x\n").expect("a file");
    let output = realmwright_with(
        &dir,
        &[("NOT_SET", "set"), ("REALMWRIGHT_SECRETS_DIR", "mounted")],
        &["apply", "--yes", "-k", "key.pem", "--server", "http://127.0.0.1:1"],
    );
    assert!(shown(&output).contains("Connection refused"), "both secrets are there: {}", shown(&output));
}

#[test]
fn a_file_that_is_no_plan_is_refused() {
    let dir =
        dir(&[PLATFORM, TENANT, ("plan.json", "{\"formatVersion\": 2}"), ("old.json", "{\"formatVersion\": 99}")]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "plan.json"])), @r"
    exit 1

    ---
    error: plan.json is not a plan: missing field `header` at line 1 column 20
    hint: `apply` takes a directory of manifests, or a file that `realmwright plan --out` wrote
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "old.json"])), @r"
    exit 1

    ---
    error: old.json is a plan of a newer form (version 99)
    hint: apply it with the version that made it
    ");
}

#[test]
fn an_expired_plan_is_stale() {
    let plan = realmwright::plan::Plan::new(crate::support::header(), Vec::new());
    let dir = dir(&[("plan.json", &serde_json::to_string(&plan).expect("serialisable"))]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "plan.json"])), @r"
    exit 4

    ---
    error: the plan expired at 2026-01-02T00:00:00Z
    hint: make a new one with `realmwright plan --out`
    ");
}

#[test]
fn a_saved_plan_that_is_not_there_is_named_as_one() {
    let dir = dir(&[PLATFORM, TENANT]);
    for yes in [&["apply", "lost.plan"][..], &["apply", "lost.plan", "--yes"]] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&realmwright(&dir, yes)), @r"
            exit 64

            ---
            error: lost.plan is neither a directory nor a saved plan
            hint: name the directory that holds the manifests, or a file that `realmwright plan --out` wrote
            ");
        }
    }
}

/// Whatever commands there are: each has help, refuses what it does not know, and needs no terminal for either.
#[test]
fn every_command_has_help_and_refuses_what_it_does_not_know() {
    let dir = dir(&[]);
    let reference = realmwright::cli::reference::markdown();
    for command in crate::support::helped() {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = realmwright(&dir, &[command.as_slice(), &["--help"]].concat());
        assert_eq!(help.status.code(), Some(0), "{command:?}");
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        let text: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(reference.contains(text.join("\n").trim_end()), "docs/cli.md has another help of {command:?}");
        let wrong = realmwright(&dir, &[command.as_slice(), &["--no-such-option"]].concat());
        assert_eq!(wrong.status.code(), Some(64), "{command:?}: {}", shown(&wrong));
        assert!(wrong.stdout.is_empty() && !wrong.stderr.is_empty(), "{command:?}");
    }
}

/// Every usage, as help and errors show it alike.
#[test]
fn usage_says_what_is_required_and_no_more() {
    let dir = dir(&[]);
    let mut all = Vec::new();
    for command in crate::support::helped() {
        let usage = |arguments: &[&str], on_stderr: bool| {
            let output =
                realmwright(&dir, &[&command.iter().map(String::as_str).collect::<Vec<_>>(), arguments].concat());
            let text = String::from_utf8_lossy(if on_stderr { &output.stderr } else { &output.stdout }).into_owned();
            text.lines()
                .find_map(|line| line.strip_prefix("Usage: ").map(str::to_owned))
                .unwrap_or_else(|| panic!("{command:?}: {text}"))
        };
        let usual = usage(&["--help"], false);
        // What is given is not what is required.
        assert_eq!(usage(&["--color", "never", "--nope"], true), usual);
        all.push(usual);
    }
    insta::assert_snapshot!(all.join("\n"), @r"
    realmwright [OPTIONS] <COMMAND>
    realmwright validate [OPTIONS] [DIR]
    realmwright check [OPTIONS] --base <REV> --author-scope <DIR> [DIR]
    realmwright plan [OPTIONS] [DIR]
    realmwright apply [OPTIONS] [DIR|FILE]
    realmwright drift [OPTIONS] [DIR]
    realmwright destroy [OPTIONS] <TENANT> [DIR]
    realmwright restore [OPTIONS] <TENANT> [DIR]
    realmwright explain [OPTIONS] <ADDRESS> [DIR]
    realmwright guards [OPTIONS] [DIR]
    realmwright doctor [OPTIONS] [DIR]
    realmwright tree [OPTIONS] [ORGANIZATION]
    realmwright resources [OPTIONS] <ORGANIZATION>
    realmwright usage [OPTIONS] <ORGANIZATION>
    realmwright count [OPTIONS] [DIR]
    realmwright licence [OPTIONS] <COMMAND>
    realmwright licence issue [OPTIONS] --quantity <RESOURCE=AMOUNT> --valid-until <DATE>
    realmwright licence list [OPTIONS] [ORGANIZATION]
    realmwright licence show [OPTIONS] <SERIAL>
    realmwright licence redeem [OPTIONS] --organization <ORG> [SERIAL]
    realmwright licence revoke [OPTIONS] <SERIAL>
    realmwright licence renew [OPTIONS] --until <DATE> <SERIAL>
    realmwright licence verify [OPTIONS] <FILE>
    realmwright device [OPTIONS] <COMMAND>
    realmwright device register [OPTIONS] <ORGANIZATION> [COUNT]
    realmwright device retire [OPTIONS] <ORGANIZATION> [COUNT]
    realmwright device import-token [OPTIONS] --to <ORG>
    realmwright device move [OPTIONS] --from <ORG> --token <TOKEN>
    realmwright seat [OPTIONS] <COMMAND>
    realmwright seat list [OPTIONS] <TENANT> <PRODUCT>
    realmwright seat assign [OPTIONS] <TENANT> <PRODUCT> <USER>
    realmwright seat revoke [OPTIONS] <TENANT> <PRODUCT> <USER>
    realmwright ledger [OPTIONS] <COMMAND>
    realmwright ledger post [OPTIONS] <FILE>
    realmwright ledger log [OPTIONS]
    realmwright ledger verify [OPTIONS]
    realmwright ledger backup [OPTIONS] <FILE>
    realmwright ledger restore [OPTIONS] <FILE>
    realmwright serve [OPTIONS] [DIR]
    realmwright domain [OPTIONS] <TENANT> [DIR]
    realmwright login [OPTIONS] <TENANT>
    realmwright whoami [OPTIONS] [TENANT]
    realmwright logout [OPTIONS] [TENANT]
    realmwright import [OPTIONS] --out <DIR> [REALM]...
    realmwright bootstrap [OPTIONS] [DIR]
    realmwright fmt [OPTIONS] [DIR|FILE]...
    realmwright rotate [OPTIONS] <COMMAND>
    realmwright rotate client-secret [OPTIONS] <TENANT/client/ID> [DIR]
    realmwright rotate operator-key [OPTIONS] <--begin|--finish|--status> [DIR]
    realmwright schema [OPTIONS] [WHICH]
    realmwright completions [OPTIONS] <SHELL>
    realmwright man [OPTIONS] [COMMAND]...
    realmwright config [OPTIONS] <COMMAND>
    realmwright config show [OPTIONS]
    ");
    let given = realmwright(&dir, &["plan", ".", "--detailed-exitcode", "--nope"]);
    assert!(shown(&given).contains("Usage: realmwright plan [OPTIONS] [DIR]"), "{}", shown(&given));
    // And what usage calls optional is: each of these fails for another reason.
    for command in [
        &["validate"][..],
        &["plan"],
        &["apply", "--yes"],
        &["drift"],
        &["guards"],
        &["doctor"],
        &["destroy", "clinic"],
        &["restore", "clinic"],
        &["explain", "clinic"],
        &["bootstrap"],
        &["rotate", "operator-key", "--status"],
        &["rotate", "client-secret", "clinic/client/app"],
        &["check", "--base", "main", "--author-scope", "x"],
    ] {
        let output = realmwright(&dir, command);
        assert!(!shown(&output).contains("required arguments"), "{command:?}: {}", shown(&output));
    }
}

#[test]
fn a_selection_that_cannot_be_used_is_wrong_usage() {
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let plan = realmwright::plan::Plan::new(crate::support::header(), Vec::new());
    let plan = serde_json::to_string(&plan).expect("serialisable");
    let dir = dir(&[PLATFORM, TENANT, ("key.pem", secrecy::ExposeSecret::expose_secret(&key)), ("plan.json", &plan)]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "--select", "tire:reseller"])), @r"
    exit 64

    ---
    error: invalid value 'tire:reseller' for '--select <SELECTOR>': there is no selector `tire:`; did you mean `tier`?

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["drift", "-k", "key.pem", "--exclude", "nroth"])), @r"
    exit 64

    ---
    error: `nroth` matches no tenant; did you mean `north`?
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "plan.json", "--select", "north"])), @r"
    exit 64

    ---
    error: a saved plan is applied as it was saved; nothing can be selected or excluded
    hint: give --select and --exclude to `realmwright plan --out`
    ");
}

#[test]
fn selected_tenants_alone_are_checked_and_the_tree_in_any_case() {
    let tenant = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\norganizations:\n  - {name: good}\n  - {name: bad, realm: {clients: [{clientId: a, fullScope: true}]}}\n";
    let dir = dir(&[PLATFORM, ("north/north.yaml", tenant)]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["validate", "--select", "good"])), @r"
    exit 0

    ---
    test: 1 distributor, 0 resellers, 2 organizations; environments test
    of these, only the realms of good were checked
    ");
    let bad = shown(&realmwright(&dir, &["validate", "--exclude", "good"]));
    assert!(bad.starts_with("exit 1") && bad.contains("error[unknown-field]"), "{bad}");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["validate", "--select", "goood"])), @r"
    exit 64

    ---
    error: `goood` matches no tenant; did you mean `good`?
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["validate", "--select", "good/client/a"])), @r"
    exit 64

    ---
    error: `good/client/a` names objects, and this is about whole tenants; name the tenant alone
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["doctor", "--server", "http://127.0.0.1:1", "--select", "god"])), @r"
    exit 64

    ---
    error: `god` matches no tenant; did you mean `good`?
    ");
}

/// A mock server that answers a run of the program, which must fail; what it said, and what was sent to write.
fn against(export: serde_json::Value) -> (Output, usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(crate::http::mock());
    runtime.block_on(crate::http::answer_exports(&server, export));
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let dir = dir(&[PLATFORM, TENANT, ("key.pem", secrecy::ExposeSecret::expose_secret(&key))]);
    let output = realmwright(&dir, &["apply", "--yes", "-k", "key.pem", "--server", &server.uri()]);
    let requests = runtime.block_on(server.received_requests()).expect("recorded");
    let writes = requests.iter().filter(|request| {
        let path = request.url.path();
        request.method.as_str() != "GET" && !path.ends_with("/token") && !path.ends_with("/partial-export")
    });
    let writes = writes.count();
    (output, writes)
}

#[test]
fn a_server_of_another_version_is_refused_and_nothing_is_written() {
    let (output, writes) = against(serde_json::json!({
        "realm": "north", "clients": [{"clientId": "realmwright-provisioner"}], "roles": {"realm": []}, "clientScopes": [],
        "components": {}, "keycloakVersion": "26.7.1",
    }));
    insta::assert_snapshot!(shown(&output), @r"
    exit 1

    ---
    error: the server is Keycloak 26.7.1, which is refused: every administrative request takes time that grows with the number of realms (keycloak #51554)
    hint: nothing was written; run a version that was tried, 26.7.4 best; `realmwright doctor` says more
    ");
    assert_eq!(writes, 0);
}

#[test]
fn a_realm_that_cannot_be_read_whole_stops_the_run_before_it_writes() {
    let (output, writes) = against(serde_json::json!({"realm": "north", "clients": []}));
    insta::assert_snapshot!(shown(&output), @r"
    exit 1

    ---
    error: north (distributor): POST /admin/realms/north/partial-export?exportClients=true&exportGroupsAndRoles=true: the answer can't be used: the export is not whole: the realm, its clients, roles, scopes or components are missing
    error: 1 of 1 tenants could not be read; no plan was made
    ");
    assert_eq!(writes, 0);
}

#[test]
fn help_and_version_are_data() {
    let dir = dir(&[]);
    for arguments in [&["--help"][..], &["-h"], &["help", "plan"], &["plan", "--help"], &["--version"]] {
        let output = realmwright(&dir, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stderr.is_empty() && !output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn guards_show_their_limits_and_where_those_are_written() {
    let guards = "guards:\n  realm: {deletions: {share: 20}}\n  retentionDays: 90\n";
    let platform = crate::support::PLATFORM
        .replace("{test: {}}", "{test: {guards: {realm: {deletions: {number: 7}}}}, other: {}}");
    let dir = dir(&[("platform.yaml", &format!("{platform}{guards}")), TENANT]);
    let shown_of = |arguments: &[&str]| {
        let text = shown(&realmwright(&dir, arguments));
        text.lines().take(6).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown_of(&["guards", "-e", "test"]), @r"
    exit 0
    realm-deletions
      refuses what deletes many objects of one realm
      limit   20 % (platform.yaml:9) of 10 (default) objects or more, and 7 (platform.yaml:4)
      waive   --waive realm-deletions, or --waive realm-deletions@TENANT
    ");
    insta::assert_snapshot!(shown_of(&["guards", "-e", "other"]), @r"
    exit 0
    realm-deletions
      refuses what deletes many objects of one realm
      limit   20 % (platform.yaml:9) of 10 (default) objects or more, and 25 (default)
      waive   --waive realm-deletions, or --waive realm-deletions@TENANT
    ");
    let output = realmwright(&dir, &["guards", "-e", "test", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let retention = rows.as_array().expect("a list").iter().find(|row| row["name"] == "retention").expect("there");
    assert_eq!(retention["limits"]["retentionDays"], serde_json::json!({"value": 90, "from": "platform.yaml:10"}));
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-e", "test", "--waive", "realm-deletion"])), @r"
    exit 64

    ---
    error: invalid value 'realm-deletion' for '--waive <NAME[@TENANT]>': there is no guard `realm-deletion`; did you mean `realm-deletions`?

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-e", "test", "--waive", "master"])), @r"
    exit 64

    ---
    error: invalid value 'master' for '--waive <NAME[@TENANT]>': the guard `master` can't be waived; it is Keycloak's own

    For more information, try '--help'.
    ");
}

#[test]
fn limits_and_protection_are_checked_as_every_key() {
    let guards =
        "guards:\n  realm: {deletion: {share: 20}}\n  run: {updates: {share: 130}}\nprotected: [client, 'role/*']\n";
    let dir = dir(&[("platform.yaml", &format!("{}{guards}", crate::support::PLATFORM)), TENANT]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["validate"])), @r#"
    exit 1

    ---
    error[unknown-key]: `deletion` is not a key of an entry of `realm`
      --> platform.yaml:9:11
       |
     9 |   realm: {deletion: {share: 20}}
       |           ^^^^^^^^
      hint: did you mean `deletions`?

    error[wrong-value]: `share`: 130 is greater than the maximum of 100
      --> platform.yaml:10:26
        |
     10 |   run: {updates: {share: 130}}
        |                          ^^^^^

    error[wrong-value]: `protected` is "client", which its pattern does not allow
      --> platform.yaml:11:13
        |
     11 | protected: [client, 'role/*']
        |             ^^^^^^
      hint: write an object as `kind/name`, e.g. `client/assistant` or `role/*`, or `realm`

    3 errors; nothing was planned or written
    "#);
}

#[test]
fn a_saved_plan_that_guards_refuse_is_not_applied() {
    let mut plan = realmwright::plan::Plan::new(crate::support::header(), Vec::new());
    plan.header.expires_at = "2999-01-01T00:00:00Z".into();
    plan.refusals = vec![realmwright::plan::Refusal::new("run-deletions", None, "99 of 100 objects would be deleted")];
    let dir = dir(&[("plan.json", &serde_json::to_string(&plan).expect("serialisable"))]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "plan.json"])), @r"
    exit 3

    ---
    error: refused: [run-deletions] 99 of 100 objects would be deleted
    hint: if that is meant: --waive run-deletions
    ");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["apply", "plan.json", "--waive", "run-deletions@clinik"])), @r"
    exit 64

    ---
    error: --waive run-deletions@clinik: the plan has no tenant `clinik`
    ");
    let waived = realmwright(&dir, &["apply", "plan.json", "--waive", "run-deletions"]);
    assert_eq!(waived.status.code(), Some(64), "it goes on, and asks for the key: {}", shown(&waived));
}

#[test]
fn schemas_are_json() {
    let dir = dir(&[]);
    for which in ["manifest", "plan", "events"] {
        let output = realmwright(&dir, &["schema", which]);
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(jsonschema::draft202012::new(&schema).is_ok(), "{which}");
    }
}
