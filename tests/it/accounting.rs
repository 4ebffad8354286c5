//! What manifests grant, held against the law without a ledger.

use proptest::prelude::*;
use realmwright::accounting::{FigureChange, Scope, Settlement, check, declared, prove, settle};
use realmwright::diagnostic::Diagnostic;
use realmwright::licence::{Accounts, Command, Event};

use realmwright::manifest::resolve::resolve;
use realmwright::manifest::{Source, load};
use realmwright::template::builtin;

use crate::support::World;

const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: test
environments: {test: {}}
products:
  assistant: {label: Assistant, redirectUris: [https://assistant.example/*]}
resources: {users: gauge, vpn-months: counter}
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
fn seats_and_organizations_are_gauges() {
    let mut world = world(LICENCES, "- {name: a}\n");
    world.sources[0].1 = PLATFORM.replace("resources: {", "resources: {organizations: counter, assistant: counter, ");
    let sources = world.sources.iter().map(|(name, text)| Source { name: name.clone(), text: text.clone() });
    let set = load(sources.collect(), builtin::sources()).set.unwrap();
    let mut found = Vec::new();
    resolve(&set, "test", &mut found);
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["[wrong-measure] `assistant` is a gauge", "[wrong-measure] `organizations` is a gauge"]);
}

#[test]
fn organizations_are_counted_too() {
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

/// The accounts of a ledger that holds what is declared, after these commands.
fn ledger(distributor: &str, organizations: &str, commands: &[Command]) -> Accounts {
    let mut accounts = Accounts::default();
    let settlement = settled(distributor, organizations, &accounts, &[]);
    assert_eq!(settlement.refused, []);
    for command in settlement.events.iter().map(Event::command).chain(commands.iter().cloned()) {
        accounts.execute(NOW, &command).unwrap();
    }
    accounts
}

fn settled(distributor: &str, organizations: &str, accounts: &Accounts, ours: &[&str]) -> Settlement {
    let network = world(distributor, organizations).network();
    let declared = declared(&network, &mut Vec::new()).unwrap();
    let ours = ours.iter().map(|serial| (*serial).to_owned()).collect();
    settle(&declared, accounts, &Scope { ours: &ours, chosen: &|_| true }, NOW)
}

/// What happens, what that changes, and what is refused.
fn told(settlement: &Settlement) -> String {
    let events = settlement.events.iter().map(|event| format!("{event}\n"));
    let changes = settlement.changes.iter().map(|change| {
        let FigureChange { organization, resource, limit, allocated } = change;
        let (limit, allocated) = ((limit.before, limit.after), (allocated.before, allocated.after));
        format!("  {organization} {resource} limit {limit:?} allocated {allocated:?}\n")
    });
    let refused = settlement.refused.iter().map(|(_, refusal)| format!("! {refusal}\n"));
    events.chain(changes).chain(refused).collect()
}

const BELOW: &str = "- {name: a, grants: {users: 30}}\n- {name: b, grants: {users: 20}}\n";

#[test]
fn an_empty_ledger_becomes_what_is_declared_and_stays_so() {
    let settlement = settled(LICENCES, BELOW, &Accounts::default(), &[]);
    insta::assert_snapshot!(told(&settlement), @r"
    assistant is a gauge
    users is a gauge
    vpn-months is a counter
    north created as a root
    licence N-1 issued by the platform: 10 assistant, 4 organizations, 50 users
    licence N-1 redeemed by north
    a created below north, granted 30 users
    b created below north, granted 20 users
      a users limit (0, 30) allocated (0, 0)
      b users limit (0, 20) allocated (0, 0)
      north assistant limit (0, 10) allocated (0, 0)
      north organizations limit (0, 4) allocated (0, 2)
      north users limit (0, 50) allocated (0, 50)
    ");
    let again = settled(LICENCES, BELOW, &ledger(LICENCES, BELOW, &[]), &[]);
    assert_eq!((again.events.len(), again.changes.len(), again.refused.len()), (0, 0, 0));
}

#[test]
fn a_grant_moves_only_once_it_is_free() {
    // What `a` gives up, `b` gets; what is declared first needs what is declared last.
    let accounts = ledger(LICENCES, BELOW, &[]);
    let swapped = "- {name: a, grants: {users: 10}}\n- {name: b, grants: {users: 40}}\n";
    insta::assert_snapshot!(told(&settled(LICENCES, swapped, &accounts, &[])), @r"
    a granted 10 users (was 30)
    b granted 40 users (was 20)
      a users limit (30, 10) allocated (0, 0)
      b users limit (20, 40) allocated (0, 0)
    ");
    let swapped = "- {name: a, grants: {users: 45}}\n- {name: b, grants: {users: 5}}\n";
    let settlement = settled(LICENCES, swapped, &accounts, &[]);
    assert_eq!(settlement.refused, []);
    assert_eq!(settlement.events[0].to_string(), "b granted 5 users (was 20)");
}

#[test]
fn what_was_used_can_not_be_granted_away() {
    let used = Command::Use { organization: "a".into(), resource: "users".into(), amount: 25 };
    let accounts = ledger(LICENCES, BELOW, &[used]);
    let less = BELOW.replace("users: 30", "users: 24").replace("users: 20", "users: 26");
    assert_eq!(found(LICENCES, &less), "");
    insta::assert_snapshot!(told(&settled(LICENCES, &less, &accounts, &[])), @r"
    ! `a` can't be granted 24 of `users`: it has allocated 25
    ! `north` has not enough of `users`: 6 missing
    ");
}

#[test]
fn a_licence_that_is_declared_no_more_is_ended_if_a_plan_had_it_issued() {
    let accounts = ledger(LICENCES, BELOW, &[]);
    let other = LICENCES.replace("N-1", "N-2");
    // Where another one took its place, nobody is over on the way.
    insta::assert_snapshot!(told(&settled(&other, BELOW, &accounts, &["N-1"])), @r"
    licence N-2 issued by the platform: 10 assistant, 4 organizations, 50 users
    licence N-2 redeemed by north
    licence N-1 revoked
    ");
    assert!(!told(&settled(&other, BELOW, &accounts, &[])).contains("revoked"));
}

#[test]
fn what_a_licence_says_is_fixed_once_it_is_issued() {
    let accounts = ledger(LICENCES, BELOW, &[]);
    for (old, new) in [
        ("seats: 10", "seats: 11"),
        ("users: 50", "users: 49"),
        ("type: t", "type: u"),
        ("users: 50}", "users: 50}, autoRenew: true"),
    ] {
        let settlement = settled(&LICENCES.replace(old, new), BELOW, &accounts, &[]);
        let refused: Vec<String> = settlement.refused.iter().map(|(_, refusal)| refusal.to_string()).collect();
        assert_eq!(refused, ["the serial `N-1` was used before; serials are never used again"], "{new}");
        assert!(settlement.events.is_empty());
    }
}

#[test]
fn a_licence_is_held_once_and_renewed_by_its_last_day() {
    let accounts = ledger(LICENCES, BELOW, &[]);
    let later = LICENCES.replace("2030-12-31", "2031-12-31");
    assert_eq!(told(&settled(&later, BELOW, &accounts, &[])), "licence N-1 renewed\n");
    let elsewhere = "- name: a\n  licences: [{product: assistant, type: t, serial: N-1, seats: 10, validUntil: 2030-12-31, quantities: {organizations: 4, users: 50}}]\n";
    let settlement = settled("", elsewhere, &accounts, &["N-1"]);
    insta::assert_snapshot!(told(&settlement), @"! `a` lives on its parent's resources; it can't redeem licences");
}

#[test]
fn an_organization_moves_with_what_it_is_granted() {
    let accounts = ledger(LICENCES, BELOW, &[]);
    let moved =
        "- name: b\n  grants: {users: 50, organizations: 1}\n  organizations:\n  - {name: a, grants: {users: 30}}\n";
    insta::assert_snapshot!(told(&settled(LICENCES, moved, &accounts, &[])), @r"
    a granted 0 users (was 30)
    b granted 1 organizations (was 0)
    b granted 50 users (was 20)
    a moved from north to b
    a granted 30 users (was 0)
      b organizations limit (0, 1) allocated (0, 1)
      b users limit (20, 50) allocated (0, 30)
    ");
}

#[test]
fn grants_that_are_left_out_stay_and_what_is_not_chosen_is_left_alone() {
    let accounts = ledger(LICENCES, BELOW, &[]);
    assert_eq!(told(&settled(LICENCES, "- {name: a}\n- {name: b, grants: {users: 20}}\n", &accounts, &[])), "");
    let network = world(LICENCES, "- {name: a, grants: {}}\n- {name: b, grants: {users: 10}}\n").network();
    let declared = declared(&network, &mut Vec::new()).unwrap();
    let scope = Scope { ours: &Default::default(), chosen: &|name| name == "a" };
    assert_eq!(
        settle(&declared, &accounts, &scope, NOW).events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["a granted 0 users (was 30)"]
    );
}

/// Organizations below `north` as a tree: each names its parent by its place, and what share of the parent's users it has.
fn tree(shape: &[(usize, i64)]) -> String {
    // Somebody before it in the list, or the root.
    let parents: Vec<Option<usize>> =
        shape.iter().enumerate().map(|(at, (parent, _))| (parent % (at + 1)).checked_sub(1)).collect();
    let mut users: Vec<i64> = Vec::new();
    let mut left: Vec<i64> = Vec::new();
    let mut root = 50;
    for (at, (_, share)) in shape.iter().enumerate() {
        let from = match parents[at] {
            None => &mut root,
            Some(parent) => &mut left[parent],
        };
        let granted = *from * share / 4;
        *from -= granted;
        users.push(granted);
        left.push(granted);
    }
    let below = |name: Option<usize>| (0..shape.len()).filter(|at| parents[*at] == name).collect::<Vec<_>>();
    fn lines(at: usize, depth: usize, users: &[i64], below: &dyn Fn(Option<usize>) -> Vec<usize>) -> (i64, String) {
        let indent = "  ".repeat(depth);
        let (mut organizations, mut inner) = (0, String::new());
        for child in below(Some(at)) {
            let (more, text) = lines(child, depth + 1, users, below);
            organizations += more + 1;
            inner += &text;
        }
        let mut text = format!(
            "{indent}- name: o{at}\n{indent}  grants: {{users: {}, organizations: {organizations}}}\n",
            users[at]
        );
        if !inner.is_empty() {
            text += &format!("{indent}  organizations:\n{inner}");
        }
        (organizations, text)
    }
    below(None).into_iter().map(|at| lines(at, 0, &users, &below).1).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// P20, of accounts: from any lawful tree to any other there is a lawful way where there is room, and at its end there
    /// is nothing to do.
    #[test]
    fn any_lawful_tree_becomes_any_other(
        before in prop::collection::vec((0usize..9, 0i64..=4), 5),
        after in prop::collection::vec((0usize..9, 0i64..=4), 5..7),
    ) {
        let licences = LICENCES.replace("organizations: 4, users: 50", "organizations: 20, users: 100");
        let (before, after) = (tree(&before), tree(&after));
        prop_assert_eq!(found(&licences, &after), "");
        let mut accounts = ledger(&licences, &before, &[]);
        let settlement = settled(&licences, &after, &accounts, &[]);
        prop_assert!(settlement.refused.is_empty(), "{before}\n{after}\n{}", told(&settlement));
        for event in &settlement.events {
            let happened = accounts.execute(NOW, &event.command());
            prop_assert_eq!(happened.as_deref(), Ok(std::slice::from_ref(event)));
            prop_assert_eq!(accounts.shortages(), []);
        }
        prop_assert_eq!(told(&settled(&licences, &after, &accounts, &[])), "");
    }
}

#[test]
fn full_privacy_is_allowed_by_the_one_and_required_by_the_other() {
    let said = |keys: &str| format!("- {{name: a, grants: {{users: 30}}{keys}}}\n");
    let accounts = ledger(LICENCES, &said(""), &[]);
    let hidden = settled(LICENCES, &said(", allowFullPrivacy: true, requireFullPrivacy: true"), &accounts, &[]);
    insta::assert_snapshot!(told(&hidden), @r"
    full privacy allowed to a
    full privacy required by a
    ");
    let required = settled(LICENCES, &said(", requireFullPrivacy: true"), &accounts, &[]);
    insta::assert_snapshot!(told(&required), @"! full privacy was not allowed to `a`");
    let accounts = ledger(LICENCES, &said(", allowFullPrivacy: true, requireFullPrivacy: true"), &[]);
    // What is left out stays; what is taken back is taken back in the order in which that is lawful.
    assert_eq!(told(&settled(LICENCES, &said(""), &accounts, &[])), "");
    let open = settled(LICENCES, &said(", allowFullPrivacy: false, requireFullPrivacy: false"), &accounts, &[]);
    insta::assert_snapshot!(told(&open), @r"
    full privacy ended by a
    full privacy no longer allowed to a
    ");
    insta::assert_snapshot!(found(LICENCES, &said(", allowFullPrivacy: false, requireFullPrivacy: true")), @r"
    7:59 [privacy-not-allowed] `a` requires full privacy, which is not allowed to it
      allow it with `allowFullPrivacy: true`, or take `requireFullPrivacy` out
    ");
}
