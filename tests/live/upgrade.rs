//! A server that is upgraded under realms that are there: what the upgrade does to them is nobody's edit.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::import::Admin;
use crate::server::{script, start_version};

const OLD: &str = "26.4.7";
const KEY: &str = "operator.pem";

/// The program in a directory of manifests, on a server of its own; how it ended, what it printed and said.
pub fn run(dir: &Path, url: &str, key: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_realmwright"))
        .args(arguments)
        .current_dir(dir)
        .env("REALMWRIGHT_SERVER", url)
        .env("REALMWRIGHT_OPERATOR_KEY", key)
        .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
        .env("REALMWRIGHT_ADMIN_PASSWORD", "admin")
        .output()
        .expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn realms_of_26_4_plan_nothing_after_an_upgrade() {
    if std::env::var("KEYCLOAK_VERSION").is_ok_and(|version| version.starts_with("26.4.")) {
        return; // Nothing to upgrade to.
    }
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");
    write("platform.yaml", crate::support::PLATFORM);
    write("north.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: north\n");
    let (url, _) = start_version("upgrade", Some(OLD));
    for arguments in [&["bootstrap"][..], &["apply", "--yes"], &["plan", "--detailed-exitcode"]] {
        let (code, out, err) = run(dir.path(), &url, KEY, arguments);
        assert_eq!(code, Some(0), "{arguments:?}\n{out}\n{err}");
    }
    script("keycloak", "upgrade", "stop", None);
    let (url, user) = start_version("upgrade", None);
    for command in [&["plan", "--detailed-exitcode"][..], &["drift"]] {
        let (code, out, err) = run(dir.path(), &url, KEY, command);
        assert_eq!(code, Some(0), "{command:?}\n{out}\n{err}");
    }
    // An edit of the same list is found, and the plan that repairs it is the last one.
    let admin = Admin::of(&url, &user);
    let scopes = admin.send(reqwest::Method::GET, "/north/client-scopes", &Value::Null).1;
    let find = |name: &str| {
        let mut scopes = scopes.as_array().expect("a list").iter();
        scopes.find(|scope| scope["name"] == name).expect("a scope")["id"].as_str().expect("an id").to_owned()
    };
    find("AuthnContextClassRef");
    let path = format!("/north/default-default-client-scopes/{}", find("offline_access"));
    let path_of_optional = format!("/north/default-optional-client-scopes/{}", find("offline_access"));
    admin.send(reqwest::Method::DELETE, &path_of_optional, &Value::Null);
    let (status, answer) = admin.send(reqwest::Method::PUT, &path, &json!({}));
    assert!(status < 300, "{answer}");
    let (code, out, _) = run(dir.path(), &url, KEY, &["drift"]);
    assert!(code == Some(2) && out.contains("offline_access"), "{out}");
    for arguments in [&["apply", "--yes"][..], &["plan", "--detailed-exitcode"]] {
        let (code, out, err) = run(dir.path(), &url, KEY, arguments);
        assert_eq!(code, Some(0), "{arguments:?}\n{out}\n{err}");
    }
}
