//! The rotation of the operator key, on a server of its own: on a shared one, the realms of other tests would differ for as
//! long as it lasts.

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::import::Admin;
use crate::server::start;

const OLD: &str = "operator.pem";
const NEW: &str = "new.pem";

/// A directory of manifests and its server.
struct Site {
    dir: TempDir,
    url: String,
    user: (String, String),
}

impl Site {
    /// Runs a command that must end so; what it printed and said.
    fn expect(&self, code: i32, key: &str, arguments: &[&str]) -> (String, String) {
        let (ended, out, err) = crate::upgrade::run(self.dir.path(), &self.url, key, arguments);
        assert_eq!(ended, Some(code), "{key}: {arguments:?}\n{out}\n{err}");
        (out, err)
    }

    /// The keys that the provisioner of the distributor's realm has.
    fn keys(&self) -> Value {
        let path = "/north/clients?clientId=realmwright-provisioner";
        Admin::of(&self.url, &self.user).send(Method::GET, path, &Value::Null).1[0].clone()
    }

    fn replace_keys(&self, keys: &Value) {
        let path = format!("/north/clients/{}", self.keys()["id"].as_str().expect("an id"));
        let body = json!({"clientId": "realmwright-provisioner", "attributes": {"jwks.string": keys.to_string()}});
        let (status, answer) = Admin::of(&self.url, &self.user).send(Method::PUT, &path, &body);
        assert!(status < 300, "{answer}");
    }
}

fn set(client: &Value) -> Value {
    serde_json::from_str(client["attributes"]["jwks.string"].as_str().expect("keys")).expect("JSON")
}

#[test]
fn one_operator_key_follows_another_while_both_work() {
    let (url, user) = start("rotation");
    let site = Site { dir: tempfile::tempdir().expect("a directory"), url, user };
    let write = |name: &str, text: &str| std::fs::write(site.dir.path().join(name), text).expect("a file");
    write("platform.yaml", crate::support::PLATFORM);
    write("north.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: north\n");
    site.expect(0, OLD, &["bootstrap"]);
    site.expect(0, OLD, &["apply", "--yes"]);
    let alone = set(&site.keys());

    let begin = ["rotate", "operator-key", "--begin", "--new-key", NEW];
    site.expect(0, OLD, &begin);
    for key in [OLD, NEW] {
        site.expect(0, key, &["plan", "--detailed-exitcode"]);
        site.expect(0, key, &["drift"]);
        let (status, _) = site.expect(0, key, &["rotate", "operator-key", "--status"]);
        assert!(status.contains("1 trust both, 0 this key alone"), "{status}");
    }
    // A realm that lost the new key is found, and the same command again finishes.
    site.replace_keys(&alone);
    let (_, said) = site.expect(1, NEW, &["plan"]);
    assert!(said.contains("does not accept the client"), "{said}");
    site.expect(0, OLD, &begin);
    site.expect(0, NEW, &["plan", "--detailed-exitcode"]);
    // A key that somebody adds is drift, also while two keys are good.
    let mut three = set(&site.keys());
    let third = three["keys"][0].clone();
    three["keys"].as_array_mut().expect("a list").push(third);
    site.replace_keys(&three);
    site.expect(2, OLD, &["drift"]);
    site.expect(0, OLD, &begin);
    // Finished with the old key, the rotation is given up; with the new one, it is done.
    let finish = ["rotate", "operator-key", "--finish"];
    for (stays, goes) in [(OLD, NEW), (NEW, OLD)] {
        site.expect(0, OLD, &begin);
        site.expect(0, stays, &finish);
        site.expect(0, stays, &["plan", "--detailed-exitcode"]);
        let (_, said) = site.expect(1, goes, &["rotate", "operator-key", "--status"]);
        assert!(said.contains("does not accept the client"), "{said}");
    }
}
