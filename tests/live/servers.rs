//! An environment with two servers: realms are born where they are placed, stay there, and no command mistakes one for the
//! other.

use std::process::Command;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::import::Admin;
use crate::server::start;

const KEY: &str = "operator.pem";

/// A directory of manifests and its servers.
struct Site {
    dir: TempDir,
    servers: [(String, (String, String)); 2],
}

impl Site {
    /// Runs a command that must end so; what it printed and said.
    fn expect(&self, code: i32, line: &str) -> (String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(line.split(' '))
            .current_dir(self.dir.path())
            .env_remove("REALMWRIGHT_SERVER")
            .env("REALMWRIGHT_OPERATOR_KEY", KEY)
            .env("REALMWRIGHT_ADMIN_PASSWORD", "admin")
            .output()
            .expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{line}\n{out}\n{err}");
        (out, err)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("a file");
    }

    /// The platform, its second server at an address.
    fn platform(&self, second: &str) {
        let servers = format!(
            "\n  test:\n    servers:\n      eu-1: {{url: \"{}\", capacity: 2}}\n      eu-2: {{url: \"{second}\"}}",
            self.servers[0].0
        );
        self.write("platform.yaml", &crate::support::PLATFORM.replace("{test: {}}", &servers));
    }

    /// Whether each of the servers has a realm.
    fn have(&self, realm: &str) -> [bool; 2] {
        [0, 1].map(|at| {
            let (url, user) = &self.servers[at];
            let (status, _) = Admin::of(url, user).send(Method::GET, &format!("/{realm}"), &Value::Null);
            assert!(matches!(status, 200 | 404), "{status}");
            status == 200
        })
    }
}

fn tenants(clinic: &str) -> String {
    format!(
        "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nserver: eu-1\norganizations:\n  - name: clinic\n    {clinic}\n"
    )
}

#[test]
fn two_servers_have_each_its_realms_and_none_moves() {
    let site =
        Site { dir: tempfile::tempdir().expect("a directory"), servers: [start("servers-1"), start("servers-2")] };
    site.platform(&site.servers[1].0);
    site.write("north.yaml", &tenants("server: eu-2"));
    let (_, said) = site.expect(64, "bootstrap");
    assert!(said.contains("give --server with one of eu-1, eu-2"), "{said}");
    site.expect(0, "bootstrap --server eu-1");
    site.expect(0, "bootstrap --server eu-2");

    let (plan, _) = site.expect(0, "plan --out plan.json");
    assert!(plan.contains("server eu-1  0 → 1 of 2 realms"), "{plan}");
    assert!(plan.contains("server eu-2  0 → 1 realms"), "{plan}");
    site.expect(0, "apply plan.json");
    assert_eq!((site.have("north"), site.have("clinic")), ([true, false], [false, true]));
    site.expect(0, "plan --detailed-exitcode");
    let (drift, _) = site.expect(0, "drift");
    assert!(drift.contains("2 realms"), "{drift}");

    stays(&site);
    each_command(&site);
    is_down(&site);
    ends(&site);
    chooses(&site);
}

/// Nothing leads to a second realm.
fn stays(site: &Site) {
    site.write("north.yaml", &tenants("server: eu-1"));
    let (plan, _) = site.expect(3, "plan");
    assert!(
        plan.contains("[other-server] clinic: it is placed on `eu-1`, and a realm of its name is on `eu-2`"),
        "{plan}"
    );
    site.expect(3, "apply --yes");
    assert_eq!(site.have("clinic"), [false, true]);
    site.write("north.yaml", &tenants("server: eu-2"));
}

/// What looks at one server, or at all of them.
fn each_command(site: &Site) {
    let (plan, _) = site.expect(0, "plan --server eu-2 --format json");
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(plan["placement"]["tenants"], serde_json::json!({"clinic": "eu-2"}));
    site.expect(64, "plan --server http://127.0.0.1:1");
    let (doctor, _) = site.expect(0, "doctor");
    assert!(doctor.contains("1 tenants are placed here, and it takes 2"), "{doctor}");
    assert!(site.servers.iter().all(|(url, _)| doctor.contains(url)), "{doctor}");
    site.expect(0, "explain clinic/realm");
    let (status, said) = site.expect(0, "rotate operator-key --status");
    assert_eq!(status.matches("1 this key alone").count(), 2, "{status}");
    assert!(said.contains("the server `eu-2`:"), "{said}");
    site.expect(0, "destroy clinic --yes --export clinic.json");
    site.expect(0, "restore clinic --yes");
    site.expect(0, "plan --detailed-exitcode");
}

/// While a server does not answer, nothing is born on another one, and the rest goes on.
fn is_down(site: &Site) {
    site.platform("http://127.0.0.1:1");
    let more = tenants("server: eu-2") + "  - name: harbour\n";
    site.write("north.yaml", &more);
    let (_, said) = site.expect(1, "plan --exclude server:eu-2");
    assert!(said.contains("no realm is made before every server has said that it has none of that name"), "{said}");
    site.write("north.yaml", &tenants("server: eu-2"));
    site.expect(0, "drift --exclude server:eu-2");
    site.expect(1, "drift");
    site.platform(&site.servers[1].0);
}

/// With a ledger, the program chooses where the manifests say nothing, and remembers it.
fn chooses(site: &Site) {
    site.platform(&site.servers[1].0);
    let platform = std::fs::read_to_string(site.dir.path().join("platform.yaml")).expect("a file");
    let platform =
        platform.replace("  test:\n", "  test:\n    ledger: sqlite:ledger.db\n") + "resources: {users: gauge}\n";
    let second = format!("{{url: \"{}\"", site.servers[1].0);
    site.write("platform.yaml", &platform.replace(&second, &format!("{second}, capacity: 2")));
    let north = |more: &str| {
        format!(
            "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nlicences: [{{product: assistant, type: t, serial: N-1, \
             seats: 1, validUntil: 2030-12-31, quantities: {{organizations: 9}}}}]\norganizations:\n  - {{name: clinic}}\n{more}"
        )
    };
    // A plan without a ledger would not be remembered.
    site.write("north.yaml", &north("  - {name: harbour}\n"));
    let (_, said) = site.expect(64, "plan --out plan.json");
    assert!(said.contains("is decided with the ledger, and none was read: harbour"), "{said}");
    // Those that are there are found where they are.
    site.write("north.yaml", &north(""));
    site.expect(0, "apply --yes --actor anna");
    let (accounts, _) = site.expect(0, "ledger log --ledger sqlite:ledger.db");
    for place in ["north", "clinic"] {
        assert!(accounts.contains(place), "{accounts}");
    }
    // The new one goes where most room is.
    site.write("north.yaml", &north("  - {name: harbour}\n"));
    let (plan, _) = site.expect(0, "plan --out plan.json");
    for line in ["harbour placed on eu-1", "server eu-1  1 → 2 of 2 realms"] {
        assert!(plan.contains(line), "{line}\n{plan}");
    }
    site.expect(0, "apply plan.json --actor anna");
    assert_eq!(site.have("harbour"), [true, false]);
    site.expect(0, "plan --detailed-exitcode");
    site.expect(0, "drift");
    let (doctor, _) = site.expect(0, "doctor");
    assert!(doctor.contains("2 tenants are placed here, and it takes 2"), "{doctor}");
    // The ledger holds them where they are.
    site.write("north.yaml", &north("  - {name: harbour, server: eu-2}\n"));
    let (_, said) = site.expect(1, "plan");
    assert!(said.contains("the realm of `harbour` is on the server `eu-1`, and stays there"), "{said}");
    // Where no room is left, nobody is born.
    site.write("north.yaml", &north("  - {name: harbour}\n  - {name: quay}\n  - {name: bank}\n"));
    let (_, said) = site.expect(3, "plan");
    assert!(said.contains("1 new tenants find no room: `eu-1` takes 2 and has 2, `eu-2` takes 2 and has 2"), "{said}");
}

/// A tenant that no manifest has any more is found where it is.
fn ends(site: &Site) {
    site.write("north.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nserver: eu-1\n");
    site.expect(0, "destroy clinic --yes");
    site.expect(0, "destroy clinic --final --yes --waive retention@clinic --export last.json");
    assert_eq!(site.have("clinic"), [false, false]);
    site.expect(1, "restore clinic --yes --from last.json");
    site.expect(0, "restore clinic --yes --from last.json --server eu-2");
    assert_eq!(site.have("clinic"), [false, true]);
}
