//! Bulk work against a real Keycloak in production mode on PostgreSQL, beside its floor.
//!
//! `make bench` runs it. The floor is a bare loop that sends the same requests by the same kind of lanes and tokens. Both
//! take turns on the same server, on realms of the same network: those that the floor made are as good as the tool's own.
//! `BENCH_N="10 100"` chooses how many realms are on the server; `KEYCLOAK_URL` takes a server that is there;
//! `BENCH_TERRAFORM` and `BENCH_CONFIG_CLI_JAR` add other tools ([`others`]).

#![allow(clippy::print_stdout, clippy::unwrap_used, unreachable_pub, missing_docs)]

mod floor;
mod network;
mod others;
mod report;
mod site;
mod tool;

use std::ops::Range;
use std::path::Path;
use std::process::Command;

use floor::{Floor, of};
use network::organization;
use others::{ConfigCli, Terraform};
use report::{Row, Spell};
use reqwest::Method;
use serde_json::{Value, json};
use site::Site;
use tool::Tool;

/// How many requests the floor has under way: on two cores more gain nothing.
const LANES: usize = 4;

/// How often tool and floor take turns.
const TURNS: usize = 3;

/// How many realms a run of births has, of which the first pays for its lane.
const BATCH: usize = 40;

/// How many realms are born, or go, one after the other.
const FEW: usize = 5;

/// The one request that shows nearly all of a realm.
const EXPORT: &str = "/partial-export?exportClients=true&exportGroupsAndRoles=true";

const PROVISIONER: &str = "realmwright-provisioner";

struct Bench<'a> {
    site: &'a Site,
    tool: Tool<'a>,
    floor: Floor,
    runtime: tokio::runtime::Runtime,
    /// How many organizations have a realm.
    born: usize,
    rows: Vec<Row>,
}

fn main() {
    let columns = std::env::var("BENCH_N").unwrap_or_else(|_| "10 100 1000".into());
    let columns: Vec<usize> = columns.split_whitespace().map(|n| n.parse().unwrap()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let server = Server::start(root);
    let site = Site::new();
    let key = realmwright::keycloak::key::OperatorKey::from_pem(
        &std::fs::read_to_string(site.path().join("operator.pem")).unwrap().into(),
    );
    let mut bench = Bench {
        site: &site,
        tool: Tool { dir: site.path(), url: &server.url },
        floor: Floor::new(&server.url, key.unwrap()),
        runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
        born: 0,
        rows: Vec::new(),
    };
    site.declare(1, "");
    bench.tool.run(&["bootstrap"], &[0]);
    bench.tool.run(&["apply", "--yes", "--exclude", "tier:organization"], &[0]);
    for n in columns {
        bench.seed(n);
        bench.births(n);
        bench.full(n);
        bench.unchanged(n);
        bench.drift(n);
        bench.change(n);
        bench.template(n);
        bench.removal(n);
        bench.others(n);
        report::write(&bench.rows, root);
    }
    bench.runtime.block_on(bench.floor.finish());
}

impl Bench<'_> {
    fn tell(&mut self, name: &'static str, n: usize, tool: Spell, floor: Spell) {
        let row = Row { name, n, tool, floor: Some(floor) };
        report::print(&row);
        self.rows.push(row);
    }

    fn tell_other(&mut self, name: &'static str, n: usize, tool: Spell) {
        let row = Row { name, n, tool, floor: None };
        report::print(&row);
        self.rows.push(row);
    }

    /// Brings the server to so many realms.
    fn seed(&mut self, n: usize) {
        if n > self.born {
            self.site.declare(n, "");
            self.tool.run(&["apply", "--yes"], &[0]);
            self.born = n;
        }
    }

    /// New tenants, by turns the tool's and the floor's.
    fn births(&mut self, n: usize) {
        let (mut tool, mut floor) = (Spell::default(), Spell::default());
        for _ in 0..TURNS {
            let (mine, others) = (self.born..self.born + BATCH, self.born + BATCH..self.born + 2 * BATCH);
            let bodies = self.bodies(others);
            tool = tool.and(self.tool.measure(&selected(&["apply", "--yes"], mine), "applied", 0));
            let spell =
                self.runtime.block_on(self.floor.each(LANES, &bodies, async |floor, body| floor.birth(body).await));
            floor = floor.and(spell);
            self.born += 2 * BATCH;
        }
        self.tell("birth", n, tool, floor);
    }

    /// What the tool would send for the births of these tenants.
    fn bodies(&self, numbers: Range<usize>) -> Vec<Value> {
        self.site.declare(numbers.end, "");
        let count = numbers.len();
        self.tool.run(&selected(&["plan", "--out", "plan.json"], numbers), &[0]);
        let plan: Value = serde_json::from_slice(&std::fs::read(self.site.path().join("plan.json")).unwrap()).unwrap();
        let tenants = plan["tenants"].as_array().unwrap();
        let bodies: Vec<Value> = tenants.iter().map(|tenant| tenant["changes"][0]["body"].clone()).collect();
        assert!(bodies.len() == count && bodies.iter().all(Value::is_object), "{plan}");
        bodies
    }

    /// What a birth of the shipped template costs beside that of a realm of which nothing is said, by the same lane.
    fn template(&mut self, n: usize) {
        let (mut template, mut bare) = (Spell::default(), Spell::default());
        for turn in 0..TURNS {
            let others = self.born..self.born + FEW;
            let bodies = self.bodies(others.clone());
            let nothing = |number| json!({"realm": format!("bare-{n}-{turn}-{number}"), "enabled": true});
            let nothing: Vec<Value> = others.map(nothing).collect();
            let spell = |bodies: &[Value]| {
                self.runtime.block_on(self.floor.each(1, bodies, async |floor, body| floor.birth(body).await))
            };
            template = template.and(spell(&bodies));
            bare = bare.and(spell(&nothing));
            self.born += FEW;
        }
        self.tell("template", n, template, bare);
    }

    /// The last tenants go, which nothing declares any more: each is exported, and its realm deleted.
    fn removal(&mut self, n: usize) {
        let (mut tool, mut floor) = (Spell::default(), Spell::default());
        let last = self.born - 2 * FEW..self.born;
        self.born = last.start;
        self.site.declare(self.born, "");
        for number in last.step_by(2) {
            let (mine, other) = (organization(number), organization(number + 1));
            tool = tool.and(self.tool.removal(&mine));
            let spell = self.runtime.block_on(self.floor.each(1, &[other], async |floor, realm| {
                let token = floor.token(realm, PROVISIONER).await;
                floor.call(Method::POST, &of(realm, EXPORT), &token, None).await;
                floor.call(Method::DELETE, &of(realm, ""), &token, None).await;
            }));
            floor = floor.and(spell);
        }
        self.tell("removal", n, tool, floor);
    }

    /// Tenants of other tools, of which each has a run of its own: ten, or one where they need most of a minute for it.
    fn others(&mut self, n: usize) {
        let count = if n > 200 { 1 } else { 10 };
        let realms = |tool: &str| -> Vec<String> { (0..count).map(|number| format!("{tool}-{n}-{number}")).collect() };
        let dir = tempfile::tempdir().unwrap();
        if let Some(program) = std::env::var_os("BENCH_TERRAFORM") {
            let terraform = Terraform { program: program.into(), dir: dir.path(), url: self.tool.url };
            terraform.declare(&realms("terraform"));
            let born = terraform.measure(&["apply", "-auto-approve"], count);
            let unchanged = terraform.measure(&["plan", "-detailed-exitcode"], count);
            terraform.measure(&["destroy", "-auto-approve"], count);
            self.tell_other("terraform birth", n, born);
            self.tell_other("terraform unchanged", n, unchanged);
        }
        if let Some(jar) = std::env::var_os("BENCH_CONFIG_CLI_JAR") {
            let tool = ConfigCli { jar: jar.into(), dir: dir.path(), url: self.tool.url };
            tool.declare(&realms("config-cli"));
            let born = tool.measure(count);
            let unchanged = tool.measure(count);
            self.tell_other("config-cli birth", n, born);
            self.tell_other("config-cli unchanged", n, unchanged);
        }
    }

    /// The realms that are measured, when the whole network is looked at.
    fn realms(&self) -> Vec<String> {
        (0..self.born).map(organization).chain(["north".into()]).collect()
    }

    /// What tells whether anything happened in a realm since it was last compared; of those that are named, all that is read
    /// of a realm with one declared user is read besides.
    fn floor_of_reading(&self, look: bool, whole: &[String]) -> Spell {
        self.runtime.block_on(self.floor.each(LANES, &self.realms(), async |floor, realm| {
            let token = floor.token(realm, PROVISIONER).await;
            let get = async |path: &str| floor.call(Method::GET, &of(realm, path), &token, None).await.1;
            if look {
                get("/admin-events?max=5").await;
                get("").await;
            }
            if whole.contains(realm) {
                floor.call(Method::POST, &of(realm, EXPORT), &token, None).await;
                let users = get(&format!("/users?username=boss@{realm}.example&exact=true")).await;
                let users: Value = serde_json::from_slice(&users).unwrap();
                if let Some(id) = users[0]["id"].as_str() {
                    get(&format!("/users/{id}/role-mappings")).await;
                }
            }
        }))
    }

    /// Each realm is compared whole, and leaves its watermark.
    fn full(&mut self, n: usize) {
        let (mut tool, mut floor) = (Spell::default(), Spell::default());
        for _ in 0..turns(n) {
            tool = tool.and(self.tool.measure(&["plan", "--full", "--detailed-exitcode"], "read", 0));
            floor = floor.and(self.floor_of_reading(false, &self.realms()));
        }
        self.tell("full", n, tool, floor);
    }

    /// Nothing happened since.
    fn unchanged(&mut self, n: usize) {
        let (mut tool, mut floor) = (Spell::default(), Spell::default());
        for _ in 0..turns(n) {
            tool = tool.and(self.tool.measure(&["plan", "--detailed-exitcode"], "read", 0));
            floor = floor.and(self.floor_of_reading(true, &[]));
        }
        self.tell("unchanged", n, tool, floor);
    }

    /// Each tenth realm has another name than it should.
    fn drift(&mut self, n: usize) {
        let edited: Vec<String> = (0..self.born).step_by(10).map(organization).collect();
        self.put(&edited, "By hand");
        let tool = self.tool.measure(&["drift"], "read", 2);
        let floor = self.floor_of_reading(true, &edited);
        self.tool.run(&["apply", "--yes"], &[0]);
        self.tell("drift", n, tool, floor);
    }

    fn put(&self, realms: &[String], label: &str) -> Spell {
        self.runtime.block_on(self.floor.each(LANES, realms, async |floor, realm| {
            let token = floor.token(realm, PROVISIONER).await;
            floor.call(Method::PUT, &of(realm, ""), &token, Some(&json!({ "displayName": label }))).await;
        }))
    }

    /// Every organization gets another label.
    fn change(&mut self, n: usize) {
        let realms: Vec<String> = (0..self.born).map(organization).collect();
        let floor = self.put(&realms, "By hand");
        self.site.declare(self.born, " North");
        let tool = self.tool.measure(&["apply", "--yes"], "applied", 0);
        self.site.declare(self.born, "");
        self.tool.run(&["apply", "--yes"], &[0]);
        self.tell("change", n, tool, floor);
    }
}

/// How often a row is measured that reads every realm.
fn turns(n: usize) -> usize {
    if n > 200 { 1 } else { TURNS }
}

/// A command for these tenants alone.
fn selected(command: &[&str], numbers: Range<usize>) -> Vec<String> {
    let select = numbers.flat_map(|number| ["--select".into(), organization(number)]);
    command.iter().map(ToString::to_string).chain(select).collect()
}

/// The server of this run, which ends with it; one that `KEYCLOAK_URL` names is left as it is.
struct Server {
    url: String,
}

impl Server {
    fn start(root: &Path) -> Self {
        if let Ok(url) = std::env::var("KEYCLOAK_URL") {
            return Self { url };
        }
        let state = root.join("target/bench/keycloak");
        let script = root.join("keycloak-dev/keycloak");
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&script);
            command.args(arguments).env("KEYCLOAK_STATE", &state).env("KEYCLOAK_PORT", "0");
            command.env("KEYCLOAK_DB", "postgres").env("KEYCLOAK_MODE", "production");
            command.env("KEYCLOAK_OWNER", std::process::id().to_string());
            command.env("JAVA_OPTS_KC_HEAP", "-Xms512m -Xmx3g");
            assert!(command.status().unwrap().success());
        };
        std::fs::create_dir_all(&state).unwrap();
        run(&["stop", "--purge"]);
        run(&["start"]);
        let env = std::fs::read_to_string(state.join("env")).unwrap();
        let url = env.lines().find_map(|line| line.strip_prefix("KEYCLOAK_URL=")).unwrap().to_owned();
        Self { url }
    }
}
