//! Bulk runs whose server is started anew, or loses a node, while realms are born.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::faults::{realms, same};
use crate::import::Admin;
use crate::server::{restart, scratch, script, start, started, unique};
use crate::support::proxy::Proxy;
use crate::upgrade;

const KEY: &str = "operator.pem";

/// A network on a server of its own.
struct Bulk {
    dir: TempDir,
    /// The address that the program is told.
    url: String,
    /// A server that stays.
    server: String,
    user: (String, String),
    /// Realms, and the names that stand for them.
    names: Vec<(String, String)>,
}

impl Bulk {
    /// A network that is not born yet, on a server that is prepared for it.
    fn new(url: &str, server: &str, user: (String, String)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("platform.yaml"), crate::support::PLATFORM).expect("a file");
        let bulk = Self { dir, url: url.into(), server: server.into(), user, names: Vec::new() };
        bulk.expect(0, &["bootstrap"], "the start");
        bulk
    }

    /// Another network of so many organizations in place of the one before, which stays where it is.
    fn renew(&mut self, organizations: usize) {
        let name = |number: usize| (unique(&format!("bulk-{number}")), format!("REALM-{number}"));
        self.names = (0..=organizations).map(name).collect();
        let (north, others) = self.names.split_first().expect("a distributor");
        let head = format!("apiVersion: realmwright/v1\nkind: Distributor\nname: {}\norganizations:\n", north.0);
        let one = |(name, label): &(String, String)| {
            format!(
                "  - {{name: {name}, label: {label}, admin: {{email: boss@clinic.example, firstName: Bea, lastName: Boss}}}}\n"
            )
        };
        let text = head + &others.iter().map(one).collect::<String>();
        std::fs::write(self.dir.path().join("north.yaml"), text).expect("a file");
    }

    fn expect(&self, code: i32, arguments: &[&str], after: &str) {
        let (ended, out, err) = upgrade::run(self.dir.path(), &self.url, KEY, arguments);
        assert_eq!(ended, Some(code), "{arguments:?} after {after}\n{out}\n{err}");
    }

    /// Applies, and does something once so many realms are born; how the run ended, and what it said.
    fn apply_and(&self, births: usize, then: impl FnOnce()) -> (Option<i32>, String) {
        let mut run = Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(["apply", "--yes", "--verbose"])
            .current_dir(self.dir.path())
            .env("REALMWRIGHT_SERVER", &self.url)
            .env("REALMWRIGHT_OPERATOR_KEY", KEY)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let lines = BufReader::new(run.stderr.take().expect("standard error")).lines();
        let (tell, told) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(tell.send(line))));
        let (mut said, mut born, mut then) = (String::new(), 0, Some(then));
        for line in told {
            born += usize::from(line == "201 POST /admin/realms");
            said += &(line + "\n");
            if born >= births
                && let Some(then) = then.take()
            {
                then();
            }
        }
        reader.join().expect("all was read");
        assert!(then.is_none(), "fewer than {births} births:\n{said}");
        (run.wait().expect("the program ends").code(), said)
    }

    /// What the run left, the next one finishes; it ends as an undisturbed one does.
    fn is_finished(&self, (code, said): &(Option<i32>, String), end: &Value) {
        assert!(*code == Some(0) || said.contains("error: "), "no clear error ({code:?}):\n{said}");
        if *code != Some(0) {
            self.expect(0, &["apply", "--yes"], said);
        }
        self.expect(0, &["plan", "--detailed-exitcode"], said);
        same(&self.realms(), end, said);
        let path = "/master/clients?clientId=realmwright-lane-&search=true&max=500";
        let lanes = self.admin().send(Method::GET, path, &Value::Null).1;
        assert_eq!(lanes, Value::Array(Vec::new()), "lanes are left after\n{said}");
    }

    fn admin(&self) -> Admin {
        Admin::of(&self.server, &self.user)
    }

    fn realms(&self) -> Value {
        realms(&self.admin(), &self.names)
    }
}

#[test]
fn a_server_that_is_started_anew_while_realms_are_born_costs_no_tenant() {
    let (url, user) = start("restart");
    let mut bulk = Bulk::new(&url, &url, user);
    // More than what is born before the server has stopped.
    bulk.renew(30);
    bulk.expect(0, &["apply", "--yes"], "the start");
    let end = bulk.realms();
    for births in [1, 5] {
        bulk.renew(30);
        let ended = bulk.apply_and(births, || restart("restart", &url));
        assert!(ended.1.contains("waiting for it") && ended.1.contains("answers again"), "{}", ended.1);
        bulk.is_finished(&ended, &end);
    }
}

/// Two nodes, which end with this.
struct Cluster;

impl Drop for Cluster {
    fn drop(&mut self) {
        script("cluster", "cluster", "stop --purge", None);
    }
}

#[test]
#[ignore = "two more servers and a PostgreSQL; `make test-cluster` runs it"]
fn a_node_that_is_killed_while_realms_are_born_costs_no_tenant() {
    script("cluster", "cluster", "start", None);
    let _cluster = Cluster;
    let [(one, user), (two, _)] = ["cluster/one", "cluster/two"].map(started);
    // Neighbouring requests go to different nodes.
    let balancer = Proxy::before(&[&one, &two]);
    let mut bulk = Bulk::new(&balancer.url, &one, user);
    bulk.renew(20);
    bulk.expect(0, &["apply", "--yes"], "the start");
    bulk.expect(0, &["plan", "--detailed-exitcode"], "births on two nodes");
    let end = bulk.realms();
    bulk.renew(20);
    let ended = bulk.apply_and(8, || {
        let leader = std::fs::read_to_string(scratch().join("cluster/two/pid")).expect("a pid");
        let killed = Command::new("kill").args(["-KILL", "--", &format!("-{}", leader.trim())]).status();
        assert!(killed.expect("kill can be run").success(), "the node was gone");
    });
    bulk.is_finished(&ended, &end);
}
