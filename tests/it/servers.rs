//! Environments with several servers.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use proptest::prelude::*;
use realmwright::accounting::{Scope, declared, settle};
use realmwright::apply::TenantOutcome;
use realmwright::doctor::Verdict;
use realmwright::doctor::facts::Room;
use realmwright::keycloak::fleet::{Fleet, spread};
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::{Fault, ReadRealms, WriteRealms};
use realmwright::licence::{Accounts, Command};
use realmwright::manifest::resolve::Network;
use realmwright::manifest::servers::{ServerTerms, choose};
use realmwright::plan::{Placement, Plan, render};

use crate::support::{World, carry_out};

const SERVERS: &str = "
  test:
    servers:
      eu-1: {url: https://eu-1.example, capacity: 2}
      eu-2: {url: https://eu-2.example/, capacity: 10}
      own: {url: https://own.example, dedicated: true}
";

const NORTH: &str = "
apiVersion: realmwright/v1
kind: Distributor
name: north
server: eu-1
organizations:
  - name: clinic
  - name: harbour
    server: eu-2
    organizations: [{name: quay}]
  - name: bank
    server: own
    organizations: [{name: branch}]
";

fn world() -> World {
    let world = World::new("{\"keys\":[]}").edit(
        "platform.yaml",
        "environments: {test: {}}",
        &format!("environments: {SERVERS}"),
    );
    world.with("north.yaml", NORTH)
}

/// Three servers in memory, with the tenants where the manifests say.
fn fleet(world: &World) -> Fleet<MemoryKeycloak> {
    let mut fleet = Fleet::of_several(["eu-1", "eu-2", "own"].map(str::to_owned));
    for name in ["eu-1", "eu-2", "own"] {
        fleet.add(name, MemoryKeycloak::new());
    }
    for (tenant, server) in placed(world) {
        fleet.place(&tenant, &server);
    }
    fleet
}

fn placed(world: &World) -> BTreeMap<String, String> {
    let tenants = world.network().tenants;
    tenants.into_iter().filter_map(|tenant| Some((tenant.name, tenant.server?))).collect()
}

fn placement(world: &World, plan: &Plan) -> Placement {
    let identity = |name: &str| (name.to_owned(), format!("https://{name}.example/realms/master"));
    Placement::of(plan, &world.network(), &placed(world), &["eu-1", "eu-2", "own"].map(identity).into())
}

fn realms(fleet: &Fleet<MemoryKeycloak>) -> Vec<(String, Vec<String>)> {
    fleet.members().map(|(name, server)| (name.to_owned(), server.realms())).collect()
}

#[test]
fn a_tenant_is_where_it_or_the_nearest_one_above_it_says_but_a_dedicated_server_is_not_handed_down() {
    let lines: Vec<String> = placed(&world()).iter().map(|(tenant, server)| format!("{tenant} {server}")).collect();
    assert_eq!(lines.join("; "), "bank own; branch eu-1; clinic eu-1; harbour eu-2; north eu-1; quay eu-2");
}

#[test]
fn what_is_wrong_with_servers_is_said_at_its_place() {
    let wrong = world()
        .edit("platform.yaml", "    servers:\n", "    server: https://one.example\n    servers:\n")
        .edit("platform.yaml", "https://eu-2.example/", "https://eu-1.example/")
        .edit("north.yaml", "name: north\nserver: eu-1\n", "name: north\n")
        .edit("north.yaml", "server: eu-2", "server: eu-3")
        .edit("north.yaml", "{name: branch}", "{name: branch, server: own}");
    insta::assert_snapshot!(wrong.findings(), @"
    [duplicate-server] platform.yaml:6:13 `test` has `server` and `servers` (keep `server` where it has one, `servers` where it has several)
    [duplicate-server] platform.yaml:9:19 `eu-1` and `eu-2` are the same server (take one of them out: each realm would be looked for twice there, and its room counted twice)
    [unplaced] north.yaml:4:7 nothing says on which server of `test` `north` is (give it, or one above it, `server` with one of eu-1, eu-2, own; with a `ledger` and `resources`, which remember it, the program places it where most room is)
    [unplaced] north.yaml:6:11 nothing says on which server of `test` `clinic` is (give it, or one above it, `server` with one of eu-1, eu-2, own; with a `ledger` and `resources`, which remember it, the program places it where most room is)
    [unknown-server] north.yaml:8:13 `test` has no server `eu-3` (did you mean `eu-1`?)
    [shared-server] north.yaml:11:13 `bank` is placed on `own`, which is dedicated; so is `branch` (a dedicated server is one tenant's alone: place the others elsewhere, or take `dedicated` out)
    [shared-server] north.yaml:12:44 `branch` is placed on `own`, which is dedicated; so is `bank` (a dedicated server is one tenant's alone: place the others elsewhere, or take `dedicated` out)
    ");
    let one = World::new("{}").with("north.yaml", NORTH);
    let findings = one.findings();
    assert!(findings.contains("[unknown-server] north.yaml:5:9 `test` has no server `eu-1`"), "{findings}");
    let full = world().edit("platform.yaml", "capacity: 2", "capacity: 1");
    assert!(full.expand().is_ok(), "what is there stays there, so it only warns");
}

#[tokio::test]
async fn realms_are_born_where_they_are_placed_and_planning_again_is_empty() {
    let world = world();
    let fleet = fleet(&world);
    world.apply(&fleet).await;
    let there: Vec<String> =
        realms(&fleet).into_iter().map(|(name, realms)| format!("{name}: {}", realms.join(" "))).collect();
    assert_eq!(there.join("; "), "eu-1: branch clinic north; eu-2: harbour quay; own: bank");
}

#[tokio::test]
async fn a_realm_that_is_elsewhere_is_not_made_again() {
    let world = world();
    let mut fleet = fleet(&world);
    world.apply(&fleet).await;
    let world = world.edit("north.yaml", "- name: clinic\n", "- name: clinic\n    server: eu-2\n");
    fleet.place("clinic", "eu-2");
    assert_eq!(fleet.elsewhere("clinic").await.expect("answered"), Some("eu-1"));
    let plan = world.plan(&fleet).await;
    let refusals = placement(&world, &plan).refusals(&BTreeMap::from([("clinic".to_owned(), "eu-1".to_owned())]));
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].guard.as_str(), refusals[0].place.as_deref()), ("other-server", Some("clinic")));
    assert!(refusals[0].waiver().is_none());
    // A plan that was saved before is held by the same rule.
    let before = realms(&fleet);
    let outcome = carry_out(&fleet, &plan).await;
    let [(tenant, TenantOutcome::Failed { error, .. })] = outcome.tenants.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(tenant, "clinic");
    assert_eq!(error.fault, Fault::Elsewhere { server: "eu-1".into() });
    assert_eq!(realms(&fleet), before);
}

#[tokio::test]
async fn no_realm_is_born_before_every_server_was_asked() {
    let mut fleet = Fleet::of_several(["eu-1", "eu-2"].map(str::to_owned));
    fleet.add("eu-1", MemoryKeycloak::new());
    fleet.place("clinic", "eu-1");
    let body = serde_json::json!({"realm": "clinic"});
    let refused = fleet.create_realm(&body).await.expect_err("eu-2 was not asked");
    assert!(refused.to_string().contains("`eu-2` was not asked"), "{refused}");
    let nowhere = fleet.export("harbour").await.expect_err("nobody knows where it is");
    assert_eq!(nowhere.fault, Fault::Unplaced { realm: "harbour".into() });
    assert!(fleet.members().all(|(_, server)| server.requests().is_empty()));
}

#[tokio::test]
async fn plans_say_where_tenants_are_and_refuse_more_than_servers_take() {
    let world = world();
    let fleet = fleet(&world);
    let mut plan = world.plan(&fleet).await;
    let placement = placement(&world, &plan);
    plan.refusals = placement.refusals(&BTreeMap::new());
    plan.placement = Some(placement);
    let text = render::text::plan(&plan);
    let kept = ["test on", "server ", "! refused", "create  clinic", "raise its"];
    let shown: Vec<&str> = text.lines().filter(|line| kept.iter().any(|kept| line.contains(kept))).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    test on eu-1, eu-2, own
      + create  clinic (organization): a realm with 3 clients, 4 client scopes, 12 roles, on eu-1
    server eu-1  0 → 3 of 2 realms  https://eu-1.example
    server eu-2  0 → 2 of 10 realms  https://eu-2.example
    server own   0 → 1 of 1 realms  https://own.example
    ! refused  [full-server] the run: `eu-1` takes 2 realms and has 0; 3 would be born there
        raise its `capacity`, if it bears more, or give the new tenants another `server`
    ");
    let markdown = render::markdown::plan(&plan);
    assert!(markdown.contains("| `eu-1` | 0 → 3 of 2 realms | `https://eu-1.example` |"), "{markdown}");
    assert!(markdown.contains("`clinic` `clinic`, organization below `north`, on `eu-1`"), "{markdown}");
    let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).expect("JSON")).expect("a plan");
    assert_eq!(read, plan);
    // What is there does not count against it.
    plan.refusals.clear();
    carry_out(&fleet, &plan).await;
    let again = world.plan(&fleet).await;
    assert!(again.is_empty());
    assert!(self::placement(&world, &again).refusals(&BTreeMap::new()).is_empty());
}

#[tokio::test]
async fn no_server_waits_for_another() {
    let world = world();
    let fleet = fleet(&world);
    // With one at a time, the only way to get past `clinic` is not to wait for it.
    let tenants = ["clinic", "harbour"];
    let reached = tokio::sync::Notify::new();
    let work = spread(
        &fleet,
        tenants,
        |tenant| *tenant,
        1,
        |tenant| {
            let reached = &reached;
            async move {
                if tenant == "clinic" {
                    reached.notified().await
                } else {
                    reached.notify_one()
                }
                tenant
            }
        },
    );
    let done: Vec<&str> = work.collect().await;
    assert_eq!(done, ["harbour", "clinic"]);
}

#[test]
fn the_doctor_warns_on_the_way_to_capacity() {
    let verdict = |placed, takes, dedicated| {
        let mut facts = crate::doctor::well();
        facts.room = Some(Room { server: "eu-1".into(), placed, takes, dedicated });
        let checks = realmwright::doctor::server::checks(&facts);
        let check = checks.into_iter().find(|check| check.id == "server.room").expect("looked at");
        assert_eq!(check.verdict == Verdict::Ok, check.mends.is_empty());
        check.verdict
    };
    assert_eq!(verdict(79, Some(100), false), Verdict::Ok);
    assert_eq!(verdict(80, Some(100), false), Verdict::Warn);
    assert_eq!(verdict(100, Some(100), false), Verdict::Warn);
    assert_eq!(verdict(101, Some(100), false), Verdict::Fail);
    assert_eq!(verdict(5_000, None, false), Verdict::Ok);
    assert_eq!(verdict(1, Some(1), true), Verdict::Ok);
    assert_eq!(verdict(2, Some(1), true), Verdict::Fail);
}

const COUNTED: &str = "resources: {users: gauge}\n";

/// The same with a ledger that remembers placements, and nothing in the manifests that says them.
fn left_open() -> World {
    let platform =
        format!("{}{COUNTED}", world().sources[0].1).replace("  test:\n", "  test:\n    ledger: sqlite:ledger.db\n");
    let licences = "licences: [{product: assistant, type: t, serial: N-1, seats: 1, validUntil: 2030-12-31, quantities: {organizations: 9, users: 9}}]";
    let north = format!(
        "apiVersion: realmwright/v1\nkind: Distributor\nname: north\n{licences}\norganizations:\n  - {{name: clinic}}\n  - {{name: harbour}}\n"
    );
    World::new("{\"keys\":[]}").with("platform.yaml", platform).with("north.yaml", north)
}

#[test]
fn with_a_ledger_placements_may_be_left_open_and_are_noted_down_once() {
    let world = left_open();
    assert_eq!(world.findings(), "");
    let mut network = world.network();
    assert!(network.placements().is_empty());
    for tenant in &mut network.tenants {
        tenant.server = Some("eu-2".into());
    }
    let mut accounts = Accounts::default();
    let ours = BTreeSet::from(["N-1".to_owned()]);
    let scope = Scope { ours: &ours, chosen: &|name| name != "harbour" };
    let settle = |network: &Network, accounts: &Accounts| {
        settle(&declared(network, &mut Vec::new()).expect("counted"), accounts, &scope, 1_790_000_000)
    };
    let settled = settle(&network, &accounts);
    assert!(settled.refused.is_empty(), "{:?}", settled.refused);
    let placed: Vec<String> =
        settled.events.iter().map(ToString::to_string).filter(|event| event.contains("placed")).collect();
    assert_eq!(placed, ["north placed on eu-2", "clinic placed on eu-2"]);
    for event in &settled.events {
        accounts.execute(1_790_000_000, &event.command()).expect("lawful");
    }
    assert_eq!(accounts.placements().collect::<Vec<_>>(), [("north", "eu-2"), ("clinic", "eu-2")]);
    assert!(settle(&network, &accounts).events.is_empty(), "once");
    // It stays there, whatever manifests say, until somebody has moved it by hand and says so.
    network.tenants.iter_mut().for_each(|tenant| tenant.server = Some("eu-1".into()));
    let refused = settle(&network, &accounts).refused;
    let why: Vec<String> = refused.iter().map(|(_, refusal)| refusal.to_string()).collect();
    assert_eq!(why[1], "the realm of `clinic` is on the server `eu-2`, and stays there");
    let place =
        |from: &str| Command::Place { organization: "clinic".into(), server: "eu-1".into(), from: Some(from.into()) };
    assert!(accounts.execute(1_790_000_000, &place("own")).is_err());
    accounts.execute(1_790_000_000, &place("eu-2")).expect("moved by hand");
    assert_eq!(accounts.server("clinic"), Some("eu-1"));
    // Who is deleted takes no room.
    accounts.execute(1_790_000_000, &Command::Delete { organization: "clinic".into(), cascade: false }).expect("gone");
    assert_eq!(accounts.placements().collect::<Vec<_>>(), [("north", "eu-2")]);
}

fn terms(capacity: Option<u64>, dedicated: bool) -> ServerTerms {
    ServerTerms { url: String::new(), capacity, dedicated }
}

#[test]
fn new_tenants_go_where_most_room_is() {
    let servers = BTreeMap::from([
        ("a".to_owned(), terms(Some(3), false)),
        ("b".to_owned(), terms(Some(4), false)),
        ("own".to_owned(), terms(None, true)),
    ]);
    let placed = BTreeMap::from([("t0".to_owned(), "b".to_owned())]);
    let chosen = choose(&servers, &placed, &BTreeSet::from(["t1", "t2", "t3", "t0"]));
    let chosen: Vec<String> = chosen.iter().map(|(tenant, server)| format!("{tenant} {server}")).collect();
    assert_eq!(chosen.join("; "), "t1 a; t2 b; t3 a");
}

proptest! {
    #[test]
    fn no_server_takes_more_than_it_can_and_nobody_who_is_placed_moves(
        capacities in prop::collection::vec((prop::option::of(0..6u64), any::<bool>()), 1..5),
        placed in prop::collection::vec(0..5usize, 0..12),
        new in prop::collection::btree_set(0..40u8, 0..20),
    ) {
        let name = |at: usize| format!("s{at}");
        let servers: BTreeMap<String, ServerTerms> =
            capacities.iter().enumerate().map(|(at, (capacity, own))| (name(at), terms(*capacity, *own))).collect();
        let placed: BTreeMap<String, String> =
            placed.iter().enumerate().map(|(at, server)| (format!("t{at}"), name(*server))).collect();
        let new: BTreeSet<String> = new.into_iter().map(|number| format!("t{number}")).collect();
        let new: BTreeSet<&str> = new.iter().map(String::as_str).collect();
        let chosen = choose(&servers, &placed, &new);
        prop_assert!(chosen.keys().all(|tenant| new.contains(tenant.as_str()) && !placed.contains_key(tenant)));
        let count = |of: &BTreeMap<String, String>, server: &str| of.values().filter(|on| *on == server).count() as u64;
        let mut left = 0;
        for (server, terms) in &servers {
            let (before, more) = (count(&placed, server), count(&chosen, server));
            prop_assert!(more == 0 || !terms.dedicated);
            prop_assert!(more == 0 || terms.capacity.is_none_or(|capacity| before + more <= capacity));
            if !terms.dedicated {
                left += terms.capacity.map_or(u64::MAX / 8, |capacity| capacity.saturating_sub(before + more));
            }
        }
        let waiting = new.iter().filter(|tenant| !placed.contains_key(**tenant) && !chosen.contains_key(**tenant)).count();
        prop_assert!(waiting == 0 || left == 0, "somebody found no room where there is some");
    }
}
