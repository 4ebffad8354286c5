//! Killed anywhere: a proxy between the program and the server kills the program at a request, or does to one what networks
//! do. The same command run again finishes the work, and the realms are those of an undisturbed run.

use std::collections::BTreeSet;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use realmwright::keycloak::WriteRealms;
use reqwest::Method;
use serde_json::{Value, json};

use crate::import::Admin;
use crate::server::{connect, live, runtime, unique};
use crate::support::proxy::{At, Fault, Passed, Proxy};
use crate::tenants::Site;

/// A site whose program reaches the server through a proxy.
struct Trial {
    site: Site,
    /// An organization that has nothing of its own.
    small: String,
    proxy: Proxy,
    /// Process ids of its runs.
    runs: Mutex<BTreeSet<String>>,
}

impl Trial {
    fn new(name: &str) -> Self {
        let site = Site::new(name);
        let small = unique(&format!("{name}-s"));
        site.write(NETWORK, &format!("{}  - {{name: {small}, label: Small}}\n", site.tenants()));
        Self { site, small, proxy: Proxy::start(&live().url), runs: Mutex::default() }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.site.dir.path().join(NETWORK)).expect("a manifest")
    }

    /// The manifest with other labels, and with a client, a role and a licence more.
    fn other_text(&self, licence: &str) -> String {
        let clinic = "    label: Clinic two\n    realm:\n      accessTokenLifespan: 90\n      roles: {realm: [{name: nurse}]}\n      \
                      clients: [{clientId: kiosk, publicClient: true, redirectUris: ['https://kiosk.example/*']}]\n";
        let text = self.text().replace("    label: Clinic\n", clinic).replace("label: Small", "label: Smaller");
        let place = text.find("      - {product: assistant").expect("a licence");
        format!("{}      - {licence}\n{}", &text[..place], &text[place..])
    }

    /// Brings the realms to what a manifest says, undisturbed.
    fn brought(&self, text: &str) -> Side {
        self.site.write(NETWORK, text);
        self.expect(0, APPLY, "nothing");
        Side { text: text.to_owned(), passed: self.proxy.passed(), end: self.realms() }
    }

    fn start(&self, line: &str) -> Child {
        let child = Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(line.split(' '))
            .current_dir(self.site.dir.path())
            .env("REALMWRIGHT_SERVER", &self.proxy.url)
            .env("REALMWRIGHT_OPERATOR_KEY", &live().key_file)
            .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        self.proxy.aim(child.id());
        self.runs.lock().expect("not poisoned").insert(child.id().to_string());
        child
    }

    /// Runs a command while this is done to its requests; how it ended, and what it said.
    fn run(&self, line: &str, fault: Option<(At, Fault)>) -> (Option<i32>, String) {
        self.proxy.arm(fault);
        ended(self.start(line))
    }

    /// Runs a command undisturbed, which must end so.
    fn expect(&self, code: i32, line: &str, after: &str) -> String {
        self.proxy.settle();
        let (ended, said) = self.run(line, None);
        assert_eq!(ended, Some(code), "`{line}` after {after}\n{said}");
        said
    }

    /// Applies while this is done to the requests, and once more where that was needed; the realms after it.
    fn through(&self, at: At, fault: Fault) -> Value {
        let what = format!("{fault:?} at {at:?}");
        let numbered = matches!(at, At::Number(_));
        let (code, said) = self.run(APPLY, Some((at, fault)));
        let killed = matches!(fault, Fault::KillBefore | Fault::KillAfter);
        let what = format!("{what} ({:?}):\n{said}\n", self.proxy.passed().last());
        // A run may need a request or two less than the one that was counted.
        assert!(self.proxy.done() > 0 || (numbered && code == Some(0)), "nothing was hit: {what}");
        assert_eq!(code.is_none(), killed && self.proxy.done() > 0, "{what}");
        assert!(killed || code == Some(0) || said.contains("error: "), "no clear error: {what}");
        assert!(!said.contains("panicked") && !said.contains("speaks TLS"), "{what}");
        if code != Some(0) {
            self.expect(0, APPLY, &what);
        }
        self.expect(0, "plan --detailed-exitcode", &what);
        self.no_lane_is_left(&what);
        self.realms()
    }

    /// No account that makes realms outlives its run.
    fn no_lane_is_left(&self, after: &str) {
        let path = "/master/clients?clientId=realmwright-lane-&search=true&max=500";
        let found = Admin::new().send(Method::GET, path, &Value::Null).1;
        let runs = self.runs.lock().expect("not poisoned");
        for lane in found.as_array().expect("a list") {
            let owner = lane["description"].as_str().unwrap_or_default();
            let process = owner.rsplit('/').nth(1).unwrap_or_default();
            assert!(!runs.contains(process), "the lane {} is left after {after}", lane["clientId"]);
        }
    }

    /// The realms, without what the server makes up.
    fn realms(&self) -> Value {
        let names = [(&self.site.north, "NORTH"), (&self.site.clinic, "CLINIC"), (&self.small, "SMALL")];
        realms(&Admin::new(), &names.map(|(realm, name)| (realm.clone(), name.to_owned())))
    }

    fn remove(self) {
        let Self { site, small, .. } = self;
        removed(&[small]);
        site.remove();
    }
}

const APPLY: &str = "apply --yes";

/// One more licence of the same product.
const SECOND: &str = "{product: assistant, type: pro, serial: A-2, seats: 2, validUntil: 2027-12-31}";

/// The manifest of a trial.
const NETWORK: &str = "north/north.yaml";

/// One of two ends that a run can bring the realms to.
struct Side {
    text: String,
    end: Value,
    /// The requests of an undisturbed run to it.
    passed: Vec<Passed>,
}

/// The realms that are there, by the names that stand for theirs; without what the server makes up.
pub fn realms(admin: &Admin, names: &[(String, String)]) -> Value {
    let mut all = json!({});
    for (realm, name) in names {
        let path = format!("/{realm}/partial-export?exportClients=true&exportGroupsAndRoles=true");
        let (status, mut export) = read(admin, &path);
        if status == 404 {
            continue;
        }
        assert_eq!(status, 200, "{export}");
        without_retired(&mut export);
        let users = admin.send(Method::GET, &format!("/{realm}/users?max=100"), &Value::Null).1;
        export["ordinary"] = users.as_array().expect("users").iter().map(|user| given(admin, realm, user)).collect();
        let applied = &mut export["attributes"]["realmwright.applied"];
        *applied = outline(serde_json::from_str(applied.as_str().expect("a marker")).expect("JSON"));
        all[name] = export;
    }
    let text = names.iter().fold(all.to_string(), |text, (realm, name)| text.replace(realm, name));
    made_up(serde_json::from_str(&text).expect("JSON"))
}

/// An export. Keycloak may give a 500 for one that meets what is being removed, such as a lease; a broken realm always does.
fn read(admin: &Admin, path: &str) -> (u16, Value) {
    let mut tries = (0..4).map(|round: u64| {
        std::thread::sleep(Duration::from_millis(round * 500));
        admin.send(Method::POST, path, &Value::Null)
    });
    let first = tries.next().expect("one");
    if first.0 == 500 { tries.find(|(status, _)| *status != 500).unwrap_or(first) } else { first }
}

/// A user with what it was given.
fn given(admin: &Admin, realm: &str, user: &Value) -> Value {
    let mut user = user.clone();
    let id = user["id"].as_str().expect("an id").to_owned();
    let roles = admin.send(Method::GET, &format!("/{realm}/users/{id}/role-mappings"), &Value::Null).1;
    let credentials = admin.send(Method::GET, &format!("/{realm}/users/{id}/credentials"), &Value::Null).1;
    user["roles"] = roles;
    user["credentials"] = credentials.as_array().expect("a list").len().into();
    user
}

/// How a run ended, and all that it said; without a code, it was killed.
fn ended(child: Child) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().expect("the program ends");
    (status.code(), [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
}

fn removed(realms: &[String]) {
    runtime().block_on(async {
        let api = connect().await;
        for realm in realms {
            api.delete(realm, "", None).await.expect("the realm can be removed");
        }
    });
}

/// Without the flows that others have replaced, which stay while somebody may be in them.
fn without_retired(export: &mut Value) {
    for list in ["authenticationFlows", "authenticatorConfig"] {
        let items = export[list].as_array_mut().expect("a list");
        items.retain(|item| !item["alias"].as_str().is_some_and(|alias| alias.starts_with("retired ")));
    }
}

/// Without ids and times, and in an order of its own.
fn made_up(value: Value) -> Value {
    const MADE_UP: [&str; 4] = ["id", "containerId", "createdTimestamp", "client.secret.creation.time"];
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(key, _)| !MADE_UP.contains(&key.as_str()));
            kept.map(|(key, value)| (key, made_up(value))).collect()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(made_up).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        other => other,
    }
}

/// What a marker names, without the hashes: those of what holds a realm's name differ. That they are right, `plan` says.
fn outline(marker: Value) -> Value {
    match marker {
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, outline(value))).collect(),
        _ => Value::Bool(true),
    }
}

/// Where two values differ.
fn differences(at: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().for_each(|key| differences(&format!("{at}/{key}"), &one[key], &other[key], found));
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs.for_each(|(place, (a, b))| differences(&format!("{at}/{place}"), a, b, found));
        }
        _ => found.extend((one != other).then(|| format!("{at}: {one} is not {other}"))),
    }
}

pub fn same(one: &Value, other: &Value, after: &str) {
    let mut found = Vec::new();
    differences("", one, other, &mut found);
    assert!(found.is_empty(), "after {after}\n{}", found.join("\n"));
}

/// So many of the requests of a run, by their numbers from 1 on: the first, the last, and between them, spread, the last
/// ones of each kind.
fn sample(passed: &[Passed], most: usize) -> Vec<usize> {
    let mut kinds = BTreeSet::new();
    let mut chosen: Vec<usize> = (1..=passed.len()).rev().filter(|at| kinds.insert(kind(&passed[at - 1]))).collect();
    let mut others = (1..=passed.len()).filter(|at| !chosen.contains(at)).collect::<Vec<_>>().into_iter();
    chosen.extend(others.by_ref().take(most.saturating_sub(chosen.len())));
    chosen.push(1);
    chosen.sort_unstable();
    chosen.dedup();
    (0..most).map(|step| chosen[step * (chosen.len() - 1) / (most - 1).max(1)]).collect()
}

/// A request without the names and ids in it.
fn kind((method, path): &Passed) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let made = |part: &&str| part.contains('-') && part.chars().any(|c| c.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if made(&part) { "*" } else { part }).collect();
    format!("{method} {}", parts.join("/"))
}

#[test]
fn births_killed_at_any_request_are_finished_by_the_next_run() {
    let undisturbed = Trial::new("killed");
    undisturbed.expect(0, APPLY, "nothing");
    let passed = undisturbed.proxy.passed();
    let end = undisturbed.realms();
    undisturbed.remove();
    for (turn, number) in sample(&passed, 12).into_iter().enumerate() {
        let trial = Trial::new("killed");
        let fault = if turn % 2 == 0 { Fault::KillBefore } else { Fault::KillAfter };
        let realms = trial.through(At::Number(number), fault);
        same(&realms, &end, &format!("{fault:?} at {number}: {:?}", passed[number - 1]));
        trial.remove();
    }
}

#[test]
fn changes_killed_at_any_request_are_finished_by_the_next_run() {
    killed_while_changing(SECOND, 6);
}

#[test]
fn flows_killed_while_they_are_exchanged_are_finished_by_the_next_run() {
    // Another product: who logs in to it needs a seat, which flows ask for.
    killed_while_changing("{product: insights, type: std, serial: I-1, seats: 2, validUntil: 2027-12-31}", 2);
}

/// Kills runs that bring realms there and back, so many times each way. What one way makes, the other removes.
fn killed_while_changing(licence: &str, times: usize) {
    let trial = Trial::new("change");
    let texts = [trial.text(), trial.other_text(licence)];
    // A realm that was once changed shows more than one that was born.
    texts.iter().for_each(|text| drop(trial.brought(text)));
    let sides = texts.map(|text| trial.brought(&text));
    let places: Vec<Vec<usize>> = sides.iter().map(|side| sample(&side.passed, times)).collect();
    for turn in 0..times {
        for (side, places) in sides.iter().zip(&places) {
            let fault = if (turn + places[0]) % 2 == 0 { Fault::KillBefore } else { Fault::KillAfter };
            let what = format!("{fault:?} at {:?}", side.passed[places[turn] - 1]);
            trial.site.write(NETWORK, &side.text);
            same(&trial.through(At::Number(places[turn]), fault), &side.end, &what);
        }
    }
    trial.remove();
}

/// What networks and gateways do.
const DISTURBANCES: [Fault; 10] = [
    Fault::Lost,
    Fault::Reset,
    Fault::Late(Duration::from_millis(300)),
    Fault::Trickle(Duration::from_millis(10)),
    Fault::Half,
    Fault::Page(200),
    Fault::Page(502),
    Fault::Broken,
    Fault::Unavailable,
    Fault::Expired,
];

#[test]
fn births_that_are_disturbed_end_well_or_say_what_failed_and_are_finished_by_the_next_run() {
    let undisturbed = Trial::new("disturb");
    undisturbed.expect(0, APPLY, "nothing");
    let end = undisturbed.realms();
    undisturbed.remove();
    for (turn, fault) in DISTURBANCES.into_iter().enumerate() {
        let trial = Trial::new("disturb");
        let at = At::Every(2 + turn % 4);
        same(&trial.through(at.clone(), fault), &end, &format!("{fault:?} at {at:?}"));
        trial.remove();
    }
}

#[test]
fn changes_that_are_disturbed_end_well_or_say_what_failed_and_are_finished_by_the_next_run() {
    let trial = Trial::new("disturb");
    let texts = [trial.text(), trial.other_text(SECOND)];
    texts.iter().for_each(|text| drop(trial.brought(text)));
    let sides = texts.map(|text| trial.brought(&text));
    for (turn, fault) in DISTURBANCES.into_iter().enumerate() {
        for (side, step) in sides.iter().zip([5 + turn % 3, 17 + turn]) {
            trial.site.write(NETWORK, &side.text);
            let at = At::Every(step);
            same(&trial.through(at.clone(), fault), &side.end, &format!("{fault:?} at {at:?}"));
        }
    }
    trial.remove();
}

#[test]
fn lanes_of_a_run_that_was_killed_at_its_end_are_removed_by_one_that_has_nothing_to_do() {
    let trial = Trial::new("lanes");
    let removing = At::First("DELETE", "/admin/realms/master/clients/".into());
    let (code, said) = trial.run(APPLY, Some((removing, Fault::KillBefore)));
    assert_eq!(code, None, "{said}");
    let said = trial.expect(0, APPLY, "the kill");
    assert!(said.contains("Nothing to do: 3 realms"), "{said}");
    let looked = trial.proxy.passed().iter().any(|(_, path)| path.contains("clients?clientId=realmwright-lane-"));
    assert!(looked, "{:?}", trial.proxy.passed());
    trial.no_lane_is_left("the kill");
    trial.remove();
}

#[test]
fn births_go_on_when_the_answer_to_making_their_lane_is_lost() {
    for fault in [Fault::Lost, Fault::Reset] {
        let trial = Trial::new("lane");
        let making = At::First("POST", "/admin/realms/master/clients".into());
        let (code, said) = trial.run(APPLY, Some((making, fault)));
        assert_eq!((code, trial.proxy.done()), (Some(0), 1), "{fault:?}: {said}");
        trial.no_lane_is_left("the run");
        trial.remove();
    }
}

#[test]
fn a_token_that_runs_out_on_the_way_is_replaced() {
    let trial = Trial::new("expired");
    // Tokens last for two seconds, counted in whole ones; the program takes new ones each second.
    let short = trial.text().replace("    label: Clinic\n", "    label: Clinic\n    realm: {accessTokenLifespan: 2}\n");
    let long = trial.other_text(SECOND).replace("accessTokenLifespan: 90", "accessTokenLifespan: 2");
    trial.brought(&short);
    let end = trial.brought(&long).end;
    for (method, path) in [("POST", "/partial-export"), ("POST", "/clients"), ("PUT", "")] {
        trial.brought(&short);
        trial.site.write(NETWORK, &long);
        let path = format!("/admin/realms/{}{path}", trial.site.clinic);
        let late = (At::First(method, path), Fault::Late(Duration::from_millis(3200)));
        let (code, said) = trial.run("apply --yes --verbose --no-cache", Some(late));
        assert_eq!((code, trial.proxy.done()), (Some(0), 1), "{said}");
        assert!(said.contains("401 "), "no token ran out: {said}");
        trial.expect(0, "plan --detailed-exitcode", "tokens that ran out");
    }
    same(&trial.realms(), &end, "tokens that ran out");
    trial.remove();
}

#[test]
fn a_signal_stops_a_bulk_run_after_what_is_under_way() {
    let trial = Trial::new("signal");
    let names: Vec<String> = (0..30).map(|number| unique(&format!("bulk-{number}"))).collect();
    let more: String = names.iter().map(|name| format!("  - {{name: {name}}}\n")).collect();
    trial.site.write(NETWORK, &(trial.text() + &more));
    for signal in ["-INT", "-TERM"] {
        trial.proxy.arm(None);
        let run = trial.start(APPLY);
        trial.proxy.wait_for(4, "POST", "/admin/realms");
        let sent = Command::new("kill").args([signal, &run.id().to_string()]).status().expect("kill can be run");
        assert!(sent.success(), "the run was over");
        let (code, said) = ended(run);
        assert_eq!(code, Some(130), "{signal}: {said}");
        assert!(said.contains("stopping after the realms under way"), "{signal}: {said}");
        let left = said.split(" not started").next().and_then(|text| text.rsplit(' ').next());
        let left: usize = left.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{signal}: {said}"));
        assert!((1..33).contains(&left), "{signal}: {said}");
        trial.no_lane_is_left(signal);
    }
    trial.expect(0, APPLY, "the signals");
    trial.expect(0, "plan --detailed-exitcode", "the signals");
    trial.no_lane_is_left("the signals");
    removed(&names);
    trial.remove();
}
