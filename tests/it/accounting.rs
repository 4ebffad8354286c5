//! What manifests grant, held against the law without a ledger.

use realmwright::accounting::{check, declared, prove};
use realmwright::diagnostic::Diagnostic;

use crate::support::World;

const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: test
environments: {test: {}}
products:
  assistant: {label: Assistant, redirectUris: [https://assistant.example/*]}
resources: {organizations: gauge, users: gauge, vpn-months: counter}
";

/// A distributor with what it says of itself, and what stands below it.
fn world(distributor: &str, organizations: &str) -> World {
    let text = format!(
        "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nadmin: {{email: a@north.example}}\n{distributor}\norganizations:\n{organizations}"
    );
    World { sources: vec![("platform.yaml".into(), PLATFORM.into()), ("north.yaml".into(), text)], ..World::default() }
}

const NOW: i64 = 1_790_000_000;

const LICENCES: &str = "licences: [{product: assistant, type: t, serial: N-1, seats: 10, validUntil: 2030-12-31, \
                        quantities: {organizations: 4, users: 50}}]";

/// What is found, each with its places.
fn found(distributor: &str, organizations: &str) -> String {
    let mut found: Vec<Diagnostic> = Vec::new();
    check(&world(distributor, organizations).network(), NOW, &mut found);
    let line = |finding: &Diagnostic| {
        let at = |span: realmwright::diagnostic::Span| format!("{}:{}", span.line, span.column);
        let also = finding.also.iter().map(|(span, told)| format!("\n  {}: {told}", at(*span))).collect::<String>();
        let hint = finding.hint.as_deref().unwrap_or_default();
        format!("{} {finding}{also}\n  {hint}\n", finding.span.map(at).unwrap_or_default())
    };
    found.iter().map(line).collect()
}

#[test]
fn what_adds_up_passes() {
    let below = "- {name: a, grants: {users: 20, organizations: 2, assistant: 3}, organizations: [{name: b, grants: {users: 20}}, {name: c}]}\n- {name: d, grants: {users: 30}}";
    assert_eq!(found(LICENCES, below), "");
    let network = world(LICENCES, below).network();
    let accounts = prove(&declared(&network, &mut Vec::new()).unwrap(), NOW, &mut Vec::new());
    let figures = |name: &str, resource: &str| accounts.figures(name, resource).unwrap();
    assert_eq!((figures("north", "users").shared, figures("north", "users").free), (50, 0));
    assert_eq!((figures("north", "organizations").allocated, figures("north", "organizations").effective), (4, 4));
    assert_eq!((figures("north", "assistant").limit, figures("a", "assistant").limit), (10, 3));
}

#[test]
fn whoever_grants_more_than_there_is_is_told_where_and_who_has_it() {
    let below = "- {name: a, grants: {users: 20}}\n- name: d\n  grants:\n    users: 31\n";
    insta::assert_snapshot!(found(LICENCES, below), @r"
    10:5 [over-granted] `north` has 50 `users`, and shares 51 with those below it: 1 missing
      7:22: `a` is granted 20
      5:1: the licences of `north`
      a licence of 1 more has to be redeemed; or lower what is granted below
    ");
    let below = "- name: a\n  grants: {users: 20, organizations: 1}\n  organizations:\n  - {name: b, grants: {users: 15}}\n  - {name: c, grants: {users: 8}}\n";
    insta::assert_snapshot!(found(LICENCES, below), @r"
    10:12 [over-granted] `a` has 1 `organizations`, and uses 2 itself: 1 missing
      11:12: `c` is one of them
      8:23: `a` itself is granted 1
      `north` has 1 free and can grant them; or lower what is granted below
    10:24 [over-granted] `a` has 20 `users`, and shares 23 with those below it: 3 missing
      11:24: `c` is granted 8
      8:12: `a` itself is granted 20
      `north` has 3 free and can grant them; or lower what is granted below
    ");
    // Nobody above has it.
    let below = below.replace("users: 15", "users: 115");
    insta::assert_snapshot!(found(LICENCES, &below), @r"
    10:12 [over-granted] `a` has 1 `organizations`, and uses 2 itself: 1 missing
      11:12: `c` is one of them
      8:23: `a` itself is granted 1
      `north` has 1 free and can grant them; or lower what is granted below
    10:24 [over-granted] `a` has 20 `users`, and shares 123 with those below it: 103 missing
      11:24: `c` is granted 8
      8:12: `a` itself is granted 20
      no organization above it has that much free: lower what is granted below, or redeem a licence
    ");
}

#[test]
fn a_licence_counts_from_its_day_to_its_day() {
    let below = "- {name: a, grants: {users: 20}}\n";
    assert_eq!(found(&LICENCES.replace("2030-12-31", "2030-12-31, validFrom: 2020-01-01"), below), "");
    let over = "`north` has 0 `users`, and shares 20 with those below it: 20 missing";
    assert!(found(&LICENCES.replace("2030-12-31", "2031-12-31, validFrom: 2031-01-01"), below).contains(over));
    let told = found(&LICENCES.replace("2030-12-31", "2020-12-31"), below);
    assert!(told.contains(over), "{told}");
    assert_eq!(found(&LICENCES.replace("2030-12-31", "2020-12-31, autoRenew: true"), below), "");
}

#[test]
fn a_dealer_sells_what_it_has() {
    let below = |users: i64, dealer: &str| {
        format!(
            "- name: a\n  licences:\n  - {{product: assistant, type: t, serial: A-1, seats: 2, validUntil: 2030-12-31, dealer: {dealer}, quantities: {{users: {users}}}}}\n"
        )
    };
    let dealer = format!("{LICENCES}\ndealer: true");
    assert_eq!(found(&dealer, &below(50, "north")), "");
    insta::assert_snapshot!(found(&dealer, &below(51, "north")), @r"
    10:5 [oversold] `north` has 50 `users`, and has sold 51: 1 missing
      5:1: the licences of `north`
      a licence of 1 more has to be redeemed; or lower what is granted below
    ");
    insta::assert_snapshot!(found(LICENCES, &below(5, "north")), @r"
    9:90 [no-dealer] `north` is no dealer
      give `north` the key `dealer: true`, or take it out for one of the platform
    ");
    insta::assert_snapshot!(found(&dealer, &below(5, "nort")), @r"
    10:90 [no-dealer] there is no organization `nort` here
      did you mean `north`?
    ");
    let own = dealer.replace("serial: N-1", "serial: N-1, dealer: north");
    insta::assert_snapshot!(found(&own, "- {name: a}\n"), @r"
    5:63 [own-issue] `north` is in the pool of `north` itself
      what it has can be granted; a licence has to come from outside
    5:12 [oversold] `north` has 4 `organizations`, and uses 1 itself and has sold 4: 1 missing
      8:10: `a` is one of them
      5:1: the licences of `north`
      a licence of 1 more has to be redeemed; or lower what is granted below
    ");
}

#[test]
fn what_can_not_be_is_said_at_its_place() {
    let faults = "\
- {name: a, grants: {user: 5}}
- {name: b, ownLicences: true, grants: {users: 1}}
- {name: c, ownLicences: false, licences: [{product: assistant, type: t, serial: C-1, seats: 2, validUntil: 2030-12-31}]}
- {name: d, licences: [{product: assistant, type: t, serial: D-1, seats: 2, validUntil: 2030-12-31, quantities: {gold: 1}}]}
";
    insta::assert_snapshot!(found(&format!("{LICENCES}\nownLicences: false"), faults), @r"
    6:1 [root-on-parents-resources] `north` has no parent whose resources it could live on
      take `ownLicences` out; a distributor lives on its own licences
    5:1 [licence-on-parents-resources] `north` lives on its parent's resources, and can't hold licences
      take its licences out, or `ownLicences: false`
    8:22 [unknown-resource] the platform counts no `user`
      did you mean `users`?
    9:32 [granted-on-own-licences] `b` lives on its own licences; nothing is granted to it
      take `grants` out, or its licences
    10:33 [licence-on-parents-resources] `c` lives on its parent's resources, and can't hold licences
      take its licences out, or `ownLicences: false`
    11:114 [unknown-resource] the platform counts no `gold`
      the platform counts assistant, organizations, users, vpn-months
    8:10 [over-granted] `north` has 0 `organizations`, and uses 3 itself: 3 missing
      9:10: `b` is one of them
      10:10: `c` is one of them
      11:10: `d` is one of them
      no organization above it has that much free: lower what is granted below, or redeem a licence
    ");
    let mut world = world("dealer: true", "- {name: a, grants: {users: 5}}\n");
    world.sources[0].1 = PLATFORM.replace("resources:", "#");
    let mut told = Vec::new();
    check(&world.network(), NOW, &mut told);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    [nothing-is-counted] `dealer` is about resources, and the platform counts none
    [nothing-is-counted] `grants` is about resources, and the platform counts none
    ");
}

#[test]
fn organizations_are_counted_where_the_platform_says_so() {
    let five = (0..5).map(|n| format!("- {{name: o{n}}}\n")).collect::<String>();
    insta::assert_snapshot!(found(LICENCES, &five), @r"
    7:10 [over-granted] `north` has 4 `organizations`, and uses 5 itself: 1 missing
      8:10: `o1` is one of them
      9:10: `o2` is one of them
      10:10: `o3` is one of them
      11:10: `o4` is one of them
      5:1: the licences of `north`
      a licence of 1 more has to be redeemed; or lower what is granted below
    ");
    let mut world = world("", &five);
    world.sources[0].1 = PLATFORM.replace("organizations: gauge, ", "");
    let mut found = Vec::new();
    check(&world.network(), NOW, &mut found);
    assert_eq!(found, []);
}

#[test]
fn whoever_has_no_realm_stands_in_the_tree_all_the_same() {
    let below = "- {name: a, withoutRealm: true, grants: {users: 20, organizations: 1}, organizations: [{name: b, grants: {users: 21}}]}\n";
    assert!(found(LICENCES, below).contains("`a` has 20 `users`, and shares 21 with those below it: 1 missing"));
}

#[test]
fn a_list_says_grants_in_a_column() {
    let mut world = world(LICENCES, "");
    world.sources[1].1 = world.sources[1].1.replace("organizations:\n", "csv: list.csv\n");
    let list = "tier,name,grants\norganization,a,users=20 organizations=1\norganization,b,users=31\n";
    world.sources.push(("list.csv".into(), list.into()));
    let mut found = Vec::new();
    check(&world.network(), NOW, &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].span.map(|span| (span.source, span.line)), Some((2, 3)));
}
