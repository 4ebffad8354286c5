//! Whatever is given that can't be used: each is refused with its place and a way out, in time and without a panic.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::cli::{PLATFORM, TENANT, dir, realmwright, realmwright_with, shown};

/// A directory with a platform, a tenant, the key, and one thing more.
fn with(name: &str, text: impl AsRef<[u8]>) -> TempDir {
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    let dir = dir(&[PLATFORM, TENANT, ("key.pem", secrecy::ExposeSecret::expose_secret(&key))]);
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    std::fs::write(path, text).expect("a file");
    dir
}

/// The first finding of `validate`, without its excerpt.
fn validated(dir: &TempDir) -> String {
    let text = shown(&realmwright(dir, &["validate"]));
    let lines = text.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with("exit") || line.starts_with("error") || line.starts_with("-->") || line.starts_with("hint")
    });
    lines.take(4).map(|line| format!("{line}\n")).collect()
}

#[test]
fn files_that_are_no_manifests_are_named_with_a_way_out() {
    insta::assert_snapshot!(validated(&with("north/x.yaml", b"a: b\nc: \xff\xfe\n")), @r"
    exit 1
    error: ./north/x.yaml is not UTF-8 text in line 2
    hint: save it as UTF-8
    ");
    insta::assert_snapshot!(validated(&with("north/x.yaml", vec![b'a'; 17 * 1024 * 1024])), @r"
    exit 1
    error: ./north/x.yaml has 17825792 bytes; a manifest has at most 16777216
    hint: split it, or declare many organizations in a CSV list
    ");
    insta::assert_snapshot!(validated(&with("north/x.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: x\nresellers:\n\t- name: y\n")), @r"
    exit 1
    error[yaml]: this is not YAML that can be read: tabs disallowed within this context (block indentation)
      --> north/x.yaml:5:2
      hint: indent with spaces
    ");
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let again = vec![format!("*a{}", level - 1); 10].join(",");
        bomb += &format!("a{level}: &a{level} [{again}]\n");
    }
    insta::assert_snapshot!(validated(&with("north/x.yaml", bomb)), @r"
    exit 1
    error[yaml]: this YAML is larger than a manifest may be once its anchors are written out
      --> north/x.yaml:6:14
      hint: split it into several files, take anchors out, or declare many organizations in a CSV list
    ");
}

#[test]
fn byte_order_marks_and_line_ends_of_windows_are_read() {
    for text in [format!("\u{feff}{}", TENANT.1), TENANT.1.replace('\n', "\r\n")] {
        let dir = dir(&[PLATFORM, (TENANT.0, &text)]);
        assert_eq!(realmwright(&dir, &["validate"]).status.code(), Some(0), "{text:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_do_not_hold_a_run_up() {
    use std::os::unix::fs::symlink;
    let made = |make: fn(&Path)| {
        let dir = dir(&[PLATFORM, TENANT]);
        make(&dir.path().join("north"));
        validated(&dir)
    };
    insta::assert_snapshot!(made(|north| symlink("..", north.join("up")).expect("a link")), @r"
    exit 1
    error: ./north/up is a link that leads back to a directory above it
    hint: take the link out, or give it a name that begins with a dot
    ");
    insta::assert_snapshot!(made(|north| symlink("nowhere.yaml", north.join("x.yaml")).expect("a link")), @r"
    exit 1
    error: ./north/x.yaml is a link to a file that is not there
    hint: mend the link, or take it out
    ");
    insta::assert_snapshot!(made(|north| {
        assert!(std::process::Command::new("mkfifo").arg(north.join("x.yaml")).status().expect("mkfifo").success());
    }), @r"
    exit 1
    error: ./north/x.yaml is not a file
    hint: a manifest is a plain file; take this out
    ");
    // The same directory twice is no circle, and its tenants are there twice.
    insta::assert_snapshot!(made(|north| symlink("north", north.with_file_name("other")).expect("a link")), @r"
    exit 1
    error[duplicate-name]: two tenants are named `north`
      --> other/north.yaml:3:7
      hint: the other one is the distributor at north/north.yaml:3; names are unique in the platform
    ");
}

#[test]
fn what_stands_twice_is_named_with_the_other_place() {
    insta::assert_snapshot!(validated(&with("other.yaml", PLATFORM.1)), @r"
    exit 1
    error[duplicate-platform]: a manifest directory has one Platform, this is a second one
      --> platform.yaml:1:1
      hint: the first stands at other.yaml:1; take one of them out, or keep the other in a directory of its own
    ");
    insta::assert_snapshot!(validated(&with("south/x.yaml", TENANT.1)), @r"
    exit 1
    error[duplicate-name]: two tenants are named `north`
      --> south/x.yaml:3:7
      hint: the other one is the distributor at north/north.yaml:3; names are unique in the platform
    ");
    let template = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: own\nextends: base\nrealm: {}\n";
    insta::assert_snapshot!(validated(&with("t.yaml", format!("{template}---\n{template}"))), @r"
    exit 1
    error[duplicate-name]: two templates are named `own`
      --> t.yaml:9:7
      hint: the other one stands at t.yaml:1
    ");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let dir = dir(&[PLATFORM, TENANT]);
    let names = ["ENVIRONMENT", "SERVER", "OPERATOR_KEY", "OPERATOR_KEY_PEM", "OBSERVER_KEY", "ADMIN_USER"];
    let names: Vec<String> = names.iter().map(|name| format!("REALMWRIGHT_{name}")).collect();
    let empty: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    insta::assert_snapshot!(shown(&realmwright_with(&dir, &empty, &["plan"])), @r"
    exit 64

    ---
    error: no operator key is given
    hint: give --operator-key FILE, or set REALMWRIGHT_OPERATOR_KEY or REALMWRIGHT_OPERATOR_KEY_PEM; `realmwright bootstrap` makes one
    ");
}

#[test]
fn a_key_that_is_none_says_what_it_is() {
    let plan = |name: &str| {
        let text = format!("-----BEGIN {name}-----\nMFkw\n-----END {name}-----\n");
        let said = shown(&realmwright(&with("other.pem", text), &["plan", "-k", "other.pem"]));
        said.lines().last().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(plan("PUBLIC KEY"), @"hint: it is a public key; give the private one that belongs to it");
    insta::assert_snapshot!(plan("EC PRIVATE KEY"), @"hint: it is in another form; `openssl pkcs8 -topk8 -nocrypt -in FILE` converts it");
    insta::assert_snapshot!(plan("ENCRYPTED PRIVATE KEY"), @"hint: it is encrypted; `openssl pkcs8 -in FILE` decrypts it");
    insta::assert_snapshot!(plan("PRIVATE KEY"), @"hint: give the file that `realmwright bootstrap` made, or one of `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`");
}

#[test]
fn a_plan_is_not_made_for_a_place_where_it_can_not_be_saved() {
    let dir = with("x.txt", "");
    insta::assert_snapshot!(shown(&realmwright(&dir, &["plan", "-k", "key.pem", "--out", "lost/plan.json"])), @r"
    exit 64

    ---
    error: lost is not a directory, so no plan can be saved there
    hint: make it first, or give --out another place
    ");
}

#[test]
fn a_saved_plan_of_elsewhere_says_why_and_what_to_do() {
    let mut plan = realmwright::plan::Plan::new(crate::support::header(), Vec::new());
    plan.header.expires_at = "2999-01-01T00:00:00Z".into();
    let text = serde_json::to_string(&plan).expect("serialisable");
    let apply = |text: &str, arguments: &[&str]| {
        shown(&realmwright(&with("plan.json", text), &[&["apply", "plan.json", "-k", "key.pem"], arguments].concat()))
    };
    insta::assert_snapshot!(apply(&text[..text.len() / 2], &[]), @r"
    exit 1

    ---
    error: plan.json is not a plan: it breaks off
    hint: `apply` takes a directory of manifests, or a file that `realmwright plan --out` wrote
    ");
    insta::assert_snapshot!(apply(&json!({"formatVersion": 99}).to_string(), &[]), @r"
    exit 1

    ---
    error: plan.json is a plan of a newer form (version 99)
    hint: apply it with the version that made it
    ");
    insta::assert_snapshot!(apply(&json!({"formatVersion": 1}).to_string(), &[]), @r"
    exit 1

    ---
    error: plan.json is a plan of an older form (version 1)
    hint: make a new one with `realmwright plan --out`
    ");
    insta::assert_snapshot!(apply(&text, &["-e", "production"]), @r"
    exit 64

    ---
    error: plan.json is for the environment `test`, not `production`
    hint: a saved plan names its environment itself; leave --environment and REALMWRIGHT_ENVIRONMENT out, or plan anew
    ");
}

#[test]
fn what_is_no_export_is_not_imported() {
    let import = |name: &str, text: &str| {
        shown(&realmwright(&with(name, text), &["import", "--from-file", name, "--out", "new"]))
    };
    insta::assert_snapshot!(import("a.yaml", "kind: Platform\n"), @r"
    exit 1

    ---
    error: a.yaml holds something that is no realm: it has no `realm`
    hint: give exports of realms: what the admin console, `kc.sh export` or the Admin API writes
    ");
    insta::assert_snapshot!(import("a.json", "{\"realm\": "), @r"
    exit 1

    ---
    error: a.json is neither JSON nor YAML: EOF while parsing a value at line 1 column 10
    hint: give exports of realms: what the admin console, `kc.sh export` or the Admin API writes
    ");
    let dir = dir(&[]);
    insta::assert_snapshot!(shown(&realmwright(&dir, &["import", "--from-file", "lost.json", "--out", "new"])), @r"
    exit 1

    ---
    error: can't read lost.json: No such file or directory (os error 2)
    hint: is the name right? It is taken from the working directory
    ");
}

#[test]
fn a_realm_that_no_tenant_can_be_and_a_name_without_a_value_are_refused() {
    let import =
        |text: &str| shown(&realmwright(&with("a.json", text), &["import", "--from-file", "a.json", "--out", "new"]));
    insta::assert_snapshot!(import("[{\"realm\": \"master\"}, {\"realm\": \"a b/c\"}]"), @r#"
    exit 1

    ---
    error: none of these realms can become a tenant: `a b/c`: no tenant's name has one of these: : / ? # @ ! $ & ( ) * + , ; = [ ] \ % " < > ^ { | } ~; `master`: it is Keycloak's own, and no tenant's
    hint: name other realms, or give a file in which the realm has another name
    "#);
    insta::assert_snapshot!(import("{\"realm\": \"$(env:NOT_SET_ANYWHERE)\"}"), @r"
    exit 1

    ---
    error: a.json: the realm's name is `$(env:NOT_SET_ANYWHERE)`, which has no value here
    hint: set the variable, or write the name into the file
    ");
    insta::assert_snapshot!(import("{\"realm\": \"shop\", \"enabled\": ${ENABLED}}"), @r"
    exit 1

    ---
    error: a.json is neither JSON nor YAML: expected value at line 1 column 30
    hint: it leaves values open: write each placeholder in quotes, or fill the file first
    ");
}

#[test]
fn a_directory_of_files_becomes_one_realm() {
    let dir = dir(&[
        ("shop/2.yaml", "realm: shop\nloginTheme: plain\n"),
        ("shop/10.yml", "realm: shop\nloginTheme: other\n"),
        ("shop/.hidden.json", "{"),
        ("shop/readme.md", "# a shop"),
        ("last.json", "{\"realm\": \"shop\", \"enabled\": true, \"loginTheme\": \"last\"}"),
        ("empty/readme.md", "# nothing"),
    ]);
    let import =
        |args: &[&str]| shown(&realmwright(&dir, &[&["import", "--out", "new", "--from-file"], args].concat()));
    insta::assert_snapshot!(import(&["empty"]), @r"
    exit 1

    ---
    error: empty holds no JSON or YAML file
    hint: directories below it are not searched: name the one that holds the files
    ");
    insta::assert_snapshot!(import(&["shop", "--from-file", "last.json"]), @r"
    exit 0

    ---
    shop/2.yaml adds to the realm `shop`
    last.json adds to the realm `shop`
    imported 1 object of 1 realm (0 more are as Keycloak makes them), 0 not expressed
    see new/import-report.md; check it with `realmwright plan new`
    ");
    let written = std::fs::read_to_string(dir.path().join("new/imported/shop.yaml")).expect("a manifest");
    assert!(written.contains("loginTheme: last"), "{written}");
}

#[test]
fn an_import_does_not_spoil_what_is_there() {
    let dir = with("north.json", json!({"realm": "north", "enabled": true}).to_string());
    let said = shown(&realmwright(&dir, &["import", "--from-file", "north.json", "--out", "."]));
    insta::assert_snapshot!(said, @r"
    exit 64

    ---
    error[duplicate-name]: two tenants are named `north`
      --> imported/north.yaml:4:7
       |
     4 | name: north
       |       ^^^^^
      hint: the other one is the distributor at north/north.yaml:3; names are unique in the platform

    error: what was imported does not fit what . has already; nothing was written
    hint: import into another directory, and move what you want to keep
    ");
    assert_eq!(realmwright(&dir, &["validate"]).status.code(), Some(0), "the directory is as it was");
}

#[test]
fn a_server_that_is_none_says_what_it_may_be() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(wiremock::MockServer::start());
    let plan = |url: String| {
        let said = shown(&realmwright(&with("x.txt", ""), &["plan", "-k", "key.pem", "--server", &url]));
        said.replace(&server.address().port().to_string(), "PORT")
    };
    insta::assert_snapshot!(plan(server.uri()), @r"
    exit 1

    ---
    error: GET /realms/master/.well-known/openid-configuration: 404 (no words)
    hint: is this a Keycloak? --server is its base URL: the address of the admin console without `/admin`, with the path that `http-relative-path` sets
    ");
    insta::assert_snapshot!(plan(server.uri().replace("http:", "https:")), @r"
    exit 1

    ---
    error: GET https://127.0.0.1:PORT/realms/master/.well-known/openid-configuration: no answer: received corrupt message of type InvalidContentType
    hint: the server speaks no TLS at this address: is it http:// instead of https://?
    ");
}
