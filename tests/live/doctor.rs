//! The doctor, on a server of its own: what can be broken is broken, named, and mended just as it says.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{runtime, scratch, start};

struct Clinic {
    dir: tempfile::TempDir,
    url: String,
}

impl Clinic {
    /// A shell command in the manifest directory, with the program and Keycloak's tools in the path.
    fn sh(&self, line: &str) -> (Option<i32>, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_realmwright")).parent().expect("a directory").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all: Vec<PathBuf> = [program, kcadm()].into_iter().chain(std::env::split_paths(&path)).collect();
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(self.dir.path())
            .env("PATH", std::env::join_paths(all).expect("a path"))
            .env("REALMWRIGHT_SERVER", &self.url)
            .env("KEYCLOAK_HOME", scratch().join("doctor/server"))
            .env("REALMWRIGHT_OPERATOR_KEY", "operator.pem")
            .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
            .env("REALMWRIGHT_ADMIN_PASSWORD", "admin")
            .output()
            .expect("a shell");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    }

    fn report(&self) -> (Option<i32>, Value) {
        let (code, said) = self.sh("realmwright doctor --format json");
        (code, serde_json::from_str(&said).unwrap_or_else(|_| panic!("no report: {said}")))
    }

    fn admin(&self, method: &str, path: &str, body: &Value) -> Value {
        let (url, method) = (format!("{}/admin/realms/{path}", self.url), method.parse().expect("a method"));
        let login = format!("{}/realms/master/protocol/openid-connect/token", self.url);
        let form =
            [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "admin"), ("password", "admin")];
        runtime().block_on(async {
            let http = reqwest::Client::new();
            let token: Value = http.post(login).form(&form).send().await.expect("sent").json().await.expect("JSON");
            let token = token["access_token"].as_str().expect("a token").to_owned();
            let answer = http.request(method, url).bearer_auth(token).json(body).send().await.expect("sent");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json().await.unwrap_or_default()
        })
    }

    fn id(&self, path: &str) -> String {
        self.admin("GET", path, &Value::Null)[0]["id"].as_str().expect("an id").to_owned()
    }

    /// Takes a role of a client from a service account.
    fn take(&self, realm: &str, account: &str, client: &str, role: &str) {
        let user = self.id(&format!("{realm}/users?username=service-account-{account}&exact=true"));
        let client = self.id(&format!("{realm}/clients?clientId={client}"));
        let role = self.admin("GET", &format!("{realm}/clients/{client}/roles/{role}"), &Value::Null);
        self.admin("DELETE", &format!("{realm}/users/{user}/role-mappings/clients/{client}"), &json!([role]));
    }

    /// The check has the verdict; its first mend, carried out literally, makes it well.
    fn is_mended(&self, id: &str, verdict: &str) {
        let find = |report: &Value| {
            let checks = report["checks"].as_array().expect("checks");
            checks.iter().find(|check| check["id"] == id).cloned().unwrap_or_default()
        };
        let (code, report) = self.report();
        let check = find(&report);
        let ends = (check["verdict"].as_str(), code);
        assert_eq!(ends, (Some(verdict), Some(i32::from(verdict == "fail"))), "{id}: {report:#}");
        let line = check["mends"][0].as_str().unwrap_or_else(|| panic!("no mend: {check}"));
        let (code, said) = self.sh(line);
        assert_eq!(code, Some(0), "{line}\n{said}");
        let (_, report) = self.report();
        assert_eq!(find(&report)["verdict"], "ok", "{id} after {line}\n{said}\n{report:#}");
    }
}

/// The directory of Keycloak's own tools, in the cache that `keycloak-dev` keeps; nothing where it uses containers.
fn kcadm() -> PathBuf {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    let cache = std::env::var_os("REALMWRIGHT_CACHE").map_or_else(|| cache.join("realmwright"), PathBuf::from);
    let mut found = std::fs::read_dir(cache.join("dist")).into_iter().flatten().flatten();
    let bin = found.find_map(|entry| Some(entry.path().join("bin")).filter(|bin| bin.join("kcadm.sh").exists()));
    bin.unwrap_or_default()
}

#[test]
fn what_is_broken_is_named_and_the_mend_mends_it() {
    let (url, _) = start("doctor");
    let clinic = Clinic { dir: tempfile::tempdir().expect("a directory"), url };
    let write = |name: &str, text: &str| std::fs::write(clinic.dir.path().join(name), text).expect("a file");
    write("platform.yaml", crate::support::PLATFORM);
    write("north.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: north\n");
    for line in ["realmwright bootstrap", "realmwright apply --yes"] {
        let (code, said) = clinic.sh(line);
        assert_eq!(code, Some(0), "{line}: {said}");
    }
    let (code, report) = clinic.report();
    let checks = report["checks"].as_array().expect("checks");
    let odd: Vec<&Value> = checks.iter().filter(|check| check["verdict"] != "ok").map(|check| &check["id"]).collect();
    assert_eq!((code, odd), (Some(0), vec![&json!("26.8.audience")]), "{report:#}");

    // The operator's account may ask for themes. What stands in a container can't be taken out here.
    let home = scratch().join("doctor/server");
    if home.join("themes/realmwright").exists() {
        let (code, said) = clinic.sh(&format!("rm -r {}/themes/realmwright", home.display()));
        assert_eq!(code, Some(0), "{said}");
        write(
            "north.yaml",
            "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nbrand: {primary: '#ffcc00'}\n",
        );
        clinic.sh(&format!("ln -s {}/themes themes", env!("CARGO_MANIFEST_DIR")));
        clinic.is_mended("server.themes", "warn");
        let (code, said) = clinic.sh("realmwright apply --yes");
        assert_eq!(code, Some(0), "{said}");
    }

    clinic.sh("chmod 644 operator.pem");
    clinic.is_mended("key.mode", "warn");
    clinic.take("master", "realmwright", "master-realm", "manage-clients");
    let (_, said) = clinic.sh("realmwright doctor");
    assert!(said.contains("lacks `manage-clients` of master-realm"), "{said}");
    clinic.is_mended("bootstrap.roles", "fail");
    let group = clinic.id("master/groups?search=realmwright-lanes");
    let role = clinic.admin("GET", "master/roles/create-realm", &Value::Null);
    clinic.admin("DELETE", &format!("master/groups/{group}/role-mappings/realm"), &json!([role]));
    clinic.is_mended("lanes.group", "fail");
    let other = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    write("other.pem", secrecy::ExposeSecret::expose_secret(&other));
    let (code, said) = clinic.sh("realmwright doctor -k other.pem");
    let named = ["FAIL  bootstrap.accepted", "FAIL  realm.provisioner", "give that one with --operator-key"];
    assert!(code == Some(1) && named.iter().all(|words| said.contains(words)), "{said}");

    if kcadm().as_os_str().is_empty() {
        return;
    }
    let login = clinic.report().1["kcadmLogin"].as_str().expect("a login").to_owned();
    let (code, said) = clinic.sh(&format!("{login} --password admin"));
    assert_eq!(code, Some(0), "{said}");
    clinic.admin("PUT", "north/events/config", &json!({"adminEventsEnabled": false}));
    clinic.is_mended("realm.events", "warn");
    clinic.take("north", "realmwright-provisioner", "realm-management", "realm-admin");
    clinic.is_mended("realm.roles", "fail");
    // The upgrade to 26.8.2 makes this scope; here somebody else does.
    for realm in ["master", "north"] {
        let scope = json!({"name": "kc-admin-api", "protocol": "openid-connect"});
        clinic.admin("POST", &format!("{realm}/client-scopes"), &scope);
    }
    let (code, said) = clinic.sh("realmwright bootstrap");
    assert!(code == Some(0) && said.contains("kc-admin-api"), "{said}");
    clinic.is_mended("26.8.audience", "warn");
}
