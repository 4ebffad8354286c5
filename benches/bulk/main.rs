//! Bulk work against a real Keycloak in production mode on PostgreSQL, beside its floor.
//!
//! `make bench` runs it. The floor is a bare loop that sends the same requests by the same kind of lanes and tokens. Both
//! take turns on the same server, on realms of the same network: those that the floor made are as good as the tool's own.
//! `BENCH_N="10 100"` chooses how many realms are on the server; `KEYCLOAK_URL` takes a server that is there.

#![allow(clippy::print_stdout, clippy::unwrap_used, unreachable_pub, missing_docs)]

mod floor;
mod report;
mod site;
mod tool;

use std::path::Path;
use std::process::Command;

use floor::{Floor, of};
use report::{Row, Spell};
use reqwest::Method;
use serde_json::{Value, json};
use site::{Site, name};
use tool::Tool;

/// How many requests the floor has under way: on two cores more gain nothing.
const LANES: usize = 4;

/// How often tool and floor take turns.
const TURNS: usize = 3;

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
        bench.unchanged(n);
        bench.drift(n);
        bench.change(n);
        report::write(&bench.rows, root);
    }
    bench.runtime.block_on(bench.floor.finish());
}

impl Bench<'_> {
    fn tell(&mut self, name: &'static str, n: usize, tool: Spell, floor: Spell) {
        let row = Row { name, n, tool, floor };
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
        let batch = (n / 5).clamp(10, 40);
        let (mut tool, mut floor) = (Spell::default(), Spell::default());
        for _ in 0..TURNS {
            let (mine, others) = (self.born..self.born + batch, self.born + batch..self.born + 2 * batch);
            self.site.declare(others.end, "");
            let select = |numbers: std::ops::Range<usize>| -> Vec<String> {
                numbers.flat_map(|number| ["--select".into(), name(number)]).collect()
            };
            let selected = |command: &[&str], numbers| {
                let mut all: Vec<String> = command.iter().map(ToString::to_string).collect();
                all.extend(select(numbers));
                all
            };
            let arguments = selected(&["plan", "--out", "plan.json"], others);
            self.tool.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[0]);
            let plan: Value =
                serde_json::from_slice(&std::fs::read(self.site.path().join("plan.json")).unwrap()).unwrap();
            let bodies: Vec<Value> =
                plan["tenants"].as_array().unwrap().iter().map(|tenant| tenant["changes"][0]["body"].clone()).collect();
            assert!(bodies.len() == batch && bodies.iter().all(Value::is_object), "{plan}");
            let arguments = selected(&["apply", "--yes"], mine);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            tool = tool.and(self.tool.measure(&arguments, "applied", 0));
            let spell =
                self.runtime.block_on(self.floor.each(LANES, &bodies, async |floor, body| floor.birth(body).await));
            floor = floor.and(spell);
            self.born += 2 * batch;
        }
        self.tell("birth", n, tool, floor);
    }

    /// The realms that are measured, when the whole network is looked at.
    fn realms(&self) -> Vec<String> {
        (0..self.born).map(name).chain(["north".into()]).collect()
    }

    /// What is read of a realm that has one declared user.
    fn floor_of_reading(&self) -> Spell {
        self.runtime.block_on(self.floor.each(LANES, &self.realms(), async |floor, realm| {
            let token = floor.token(realm, PROVISIONER).await;
            let path = of(realm, "/partial-export?exportClients=true&exportGroupsAndRoles=true");
            floor.call(Method::POST, &path, &token, None).await;
        }))
    }

    fn unchanged(&mut self, n: usize) {
        let (mut tool, mut floor) = (Spell::default(), Spell::default());
        for _ in 0..if n > 200 { 1 } else { TURNS } {
            tool = tool.and(self.tool.measure(&["plan", "--detailed-exitcode"], "read", 0));
            floor = floor.and(self.floor_of_reading());
        }
        self.tell("unchanged", n, tool, floor);
    }

    /// Each tenth realm has another name than it should.
    fn drift(&mut self, n: usize) {
        let edited: Vec<String> = (0..self.born).step_by(10).map(name).collect();
        self.put(&edited, "By hand");
        let tool = self.tool.measure(&["drift"], "read", 2);
        let floor = self.floor_of_reading();
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
        let realms: Vec<String> = (0..self.born).map(name).collect();
        let floor = self.put(&realms, "By hand");
        self.site.declare(self.born, " North");
        let tool = self.tool.measure(&["apply", "--yes"], "applied", 0);
        self.site.declare(self.born, "");
        self.tool.run(&["apply", "--yes"], &[0]);
        self.tell("change", n, tool, floor);
    }
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
