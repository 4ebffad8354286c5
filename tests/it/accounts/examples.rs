//! The guide's own examples, and the rules that `docs/accounts.md` settles.

use serde_json::json;

use super::Books;

/// The tree of "How to read consumptions", with a licence of so many organizations.
fn corvina(limit: i64) -> Books {
    let mut books = Books::new();
    books.root("root", json!({"organizations": limit}));
    books.child("first", "root", json!({}));
    books.child("second", "root", json!({"organizations": 3}));
    books.child("third", "root", json!({"organizations": 2}));
    books.child("grandchild", "third", json!({"organizations": 1}));
    books
}

#[test]
fn four_are_created_and_four_could_be() {
    let books = corvina(13);
    assert_eq!(books.row("root", "organizations"), "L=13 A=8=3+5+0 F=5 E=4");
    assert_eq!(books.row("second", "organizations"), "L=3 A=0=0+0+0 F=3 E=0");
    assert_eq!(books.row("third", "organizations"), "L=2 A=2=1+1+0 F=0 E=1");
    assert_eq!(books.row("grandchild", "organizations"), "L=1 A=0=0+0+0 F=1 E=0");
    assert_eq!(corvina(8).row("root", "organizations"), "L=8 A=8=3+5+0 F=0 E=4");
}

#[test]
fn a_limit_cut_below_what_is_allocated_stops_growth_in_the_whole_pool() {
    let mut books = corvina(8);
    books.does(json!({"do": "issue", "serial": "SMALL", "quantities": {"organizations": 5}, "expiry": 1_000_000}));
    books.does(json!({"do": "redeem", "organization": "root", "serial": "SMALL"}));
    books.does(json!({"do": "revoke", "serial": "L-root"}));
    assert_eq!(books.row("root", "organizations"), "L=5 A=8=3+5+0 F=-3 E=4");

    // The second has three free of its own, and still gets none: no licence backs them.
    let refusal = books.asks(json!({"do": "create", "organization": "new", "parent": "second"})).unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&refusal).unwrap(), @r#"
    {
      "code": "over",
      "organization": "root",
      "resource": "organizations",
      "missing": 3,
      "limit": 5,
      "used": 3,
      "shared": 5,
      "licensed": 0,
      "nearest": null
    }
    "#);
    // Less is always possible, and cures it.
    books.does(json!({"do": "grant", "organization": "second", "grants": {"organizations": 0}}));
    books.does(json!({"do": "delete", "organization": "first"}));
    assert_eq!(books.row("root", "organizations"), "L=5 A=4=2+2+0 F=1 E=3");
    books.does(json!({"do": "create", "organization": "new", "parent": "root"}));
}

#[test]
fn a_child_with_five_organizations_fifteen_devices_fifteen_users_and_thirty_six_months() {
    let mut books = Books::new();
    let grants = json!({"organizations": 5, "devices": 15, "users": 15, "vpn-months": 36});
    books.root("main", json!({"organizations": 10, "devices": 20, "users": 20, "vpn-months": 40}));
    books.child("child", "main", grants.clone());
    assert_eq!(books.row("main", "organizations"), "L=10 A=6=1+5+0 F=4 E=1");
    assert_eq!(books.row("main", "devices"), "L=20 A=15=0+15+0 F=5 E=0");
    assert_eq!(books.row("main", "vpn-months"), "L=40 A=36=0+36+0 F=4 E=0");

    // "If the sub-organization is deleted, resources are returned, except for VPN months already utilized."
    books.does(json!({"do": "use", "organization": "child", "resource": "vpn-months", "amount": 7}));
    books.does(json!({"do": "use", "organization": "child", "resource": "users", "amount": 7}));
    books.does(json!({"do": "delete", "organization": "child"}));
    assert_eq!(books.row("main", "organizations"), "L=10 A=0=0+0+0 F=10 E=0");
    assert_eq!(books.row("main", "users"), "L=20 A=0=0+0+0 F=20 E=0");
    assert_eq!(books.row("main", "vpn-months"), "L=40 A=7=7+0+0 F=33 E=7");
    assert_eq!(books.does(json!({"do": "delete", "organization": "child"})), []);
    assert_eq!(books.refused(json!({"do": "create", "organization": "child", "parent": "main"})), "name-used");
}

#[test]
fn a_shortage_names_the_nearest_organization_that_has_it() {
    let mut books = Books::new();
    books.root("vendor", json!({"organizations": 9, "users": 100}));
    books.child("dist", "vendor", json!({"organizations": 5, "users": 30}));
    books.child("shop", "dist", json!({"organizations": 1, "users": 20}));
    let more = json!({"do": "use", "organization": "shop", "resource": "users", "amount": 27});
    let refusal = books.asks(more.clone()).unwrap_err();
    assert_eq!(refusal.to_string(), "`shop` has not enough of `users`: 7 missing");
    let nearest = |refusal: &realmwright::licence::Refusal| serde_json::to_value(refusal).unwrap()["nearest"].clone();
    assert_eq!(nearest(&refusal), "dist");
    let refusal =
        books.asks(json!({"do": "use", "organization": "shop", "resource": "users", "amount": 60})).unwrap_err();
    assert_eq!(nearest(&refusal), "vendor");
    books.does(json!({"do": "grant", "organization": "shop", "grants": {"users": 27}}));
    books.does(more);
    assert_eq!(
        books.refused(json!({"do": "grant", "organization": "shop", "grants": {"users": 26}})),
        "below-allocated"
    );
}

#[test]
fn counters_burn_the_lot_that_expires_first_and_expiry_takes_the_rest() {
    let mut books = Books::new();
    books.root("acme", json!({}));
    for (serial, expiry) in [("LATE", 900), ("SOON", 500)] {
        books.does(
            json!({"do": "issue", "serial": serial, "quantities": {"vpn-months": 10, "users": 10}, "expiry": expiry}),
        );
        books.does(json!({"do": "redeem", "organization": "acme", "serial": serial}));
    }
    books.does(json!({"do": "use", "organization": "acme", "resource": "vpn-months", "amount": 4}));
    assert_eq!(books.row("acme", "vpn-months"), "L=20 A=4=4+0+0 F=16 E=4");
    books.accounts.advance(499);
    assert_eq!(books.row("acme", "vpn-months"), "L=20 A=4=4+0+0 F=16 E=4");
    books.accounts.advance(500);
    // Six were lost; the four that were used are no overrun.
    assert_eq!(books.row("acme", "vpn-months"), "L=14 A=4=4+0+0 F=10 E=4");
    assert_eq!(books.row("acme", "users"), "L=10 A=0=0+0+0 F=10 E=0");
    assert_eq!(books.accounts.balance("vpn-months").unwrap().breakage, 6);
    // Time does not run backwards.
    books.now = 100;
    assert_eq!(books.refused(json!({"do": "redeem", "organization": "acme", "serial": "NONE"})), "unknown-licence");
    assert_eq!(books.accounts.now(), 500);
}

#[test]
fn a_licence_renews_itself_by_whole_periods_however_often_it_is_looked_at() {
    let mut books = Books::new();
    books.root("acme", json!({}));
    books.does(json!({"do": "issue", "serial": "AUTO", "quantities": {"users": 3}, "expiry": 100, "renewal": 30}));
    let mut often = books.accounts.clone();
    (1..=250).for_each(|at| often.advance(at));
    books.accounts.advance(250);
    assert_eq!(books.accounts, often);
    assert_eq!(books.accounts.licence_view("AUTO").unwrap().expires, 280);
    books.does(json!({"do": "redeem", "organization": "acme", "serial": "AUTO"}));
    assert_eq!(books.row("acme", "users"), "L=3 A=0=0+0+0 F=3 E=0");
}

#[test]
fn a_licence_that_revokes_takes_what_was_taken_into_use_last() {
    let mut books = Books::new();
    books.root("acme", json!({"organizations": 5, "users": 4}));
    books.does(
        json!({"do": "issue", "serial": "MORE", "quantities": {"users": 6}, "expiry": 500, "onExpiry": "revoke"}),
    );
    books.does(json!({"do": "redeem", "organization": "acme", "serial": "MORE"}));
    books.child("ward", "acme", json!({"users": 5}));
    for (organization, amount) in [("ward", 2), ("acme", 3), ("ward", 3), ("acme", 1)] {
        books.does(json!({"do": "use", "organization": organization, "resource": "users", "amount": amount}));
    }
    books.does(json!({"do": "release", "organization": "ward", "resource": "users", "amount": 1}));
    books.now = 500;
    books.accounts.advance(500);
    assert_eq!(books.accounts.violations(), []);
    // Of eight in use, four are left: of those taken last, one was the root's, two the ward's, and one the root's again.
    assert_eq!(books.row("ward", "users"), "L=5 A=2=2+0+0 F=3 E=2");
    assert_eq!(books.row("acme", "users"), "L=4 A=7=2+5+0 F=-3 E=4");
    // Nobody gets more, free as it looks; and what was withdrawn does not come back.
    let more = json!({"do": "use", "organization": "ward", "resource": "users", "amount": 1});
    assert_eq!(books.refused(more.clone()), "over");
    books.does(json!({"do": "renew", "serial": "MORE", "until": 900}));
    assert_eq!(books.row("acme", "users"), "L=10 A=7=2+5+0 F=3 E=4");
    books.does(more);
}

#[test]
fn a_dealer_reserves_what_it_sells_and_gets_gauges_back() {
    let mut books = Books::new();
    books.root("vendor", json!({"organizations": 5, "users": 100, "vpn-months": 10}));
    books.does(json!({"do": "create", "organization": "dealer", "parent": "vendor", "dealer": true,
        "grants": {"users": 50, "vpn-months": 10}}));
    books.does(json!({"do": "create", "organization": "customer", "parent": "vendor", "ownLicences": true}));
    let licence = |serial: &str, users: i64| json!({"do": "issue", "serial": serial, "dealer": "dealer", "quantities": {"users": users, "vpn-months": 4}, "expiry": 500});
    assert_eq!(books.refused(licence("BIG", 51)), "quota");
    books.does(licence("SOLD", 40));
    assert_eq!(books.row("dealer", "users"), "L=50 A=40=0+0+40 F=10 E=0");
    assert_eq!(books.refused(json!({"do": "redeem", "organization": "vendor", "serial": "SOLD"})), "own-issue");
    assert_eq!(
        books.refused(json!({"do": "redeem", "organization": "dealer", "serial": "SOLD"})),
        "on-parents-resources"
    );
    books.does(json!({"do": "redeem", "organization": "customer", "serial": "SOLD"}));
    assert_eq!(books.does(json!({"do": "redeem", "organization": "customer", "serial": "SOLD"})), []);
    books.does(json!({"do": "use", "organization": "customer", "resource": "users", "amount": 12}));
    assert_eq!(books.refused(json!({"do": "delete", "organization": "dealer"})), "live-licence");
    assert_eq!(books.refused(json!({"do": "delete", "organization": "vendor", "cascade": true})), "live-licence");
    books.accounts.advance(500);
    assert_eq!(books.row("dealer", "users"), "L=50 A=0=0+0+0 F=50 E=0");
    assert_eq!(books.row("dealer", "vpn-months"), "L=10 A=4=0+0+4 F=6 E=0");
    assert_eq!(books.row("customer", "users"), "L=0 A=12=12+0+0 F=-12 E=12");
    books.does(json!({"do": "renew", "serial": "SOLD", "until": 900}));
    assert_eq!(books.row("customer", "users"), "L=40 A=12=12+0+0 F=28 E=12");
    assert_eq!(books.row("dealer", "users"), "L=50 A=40=0+0+40 F=10 E=0");
}

#[test]
fn a_device_moves_once_within_ten_minutes_and_only_below_a_common_root() {
    let mut books = Books::new();
    books.root("vendor", json!({"organizations": 5, "devices": 4}));
    books.root("stranger", json!({"devices": 1}));
    books.child("from", "vendor", json!({"devices": 2}));
    books.child("to", "vendor", json!({"devices": 1}));
    books.does(json!({"do": "use", "organization": "from", "resource": "devices", "amount": 2}));
    books.does(json!({"do": "use", "organization": "to", "resource": "devices", "amount": 1}));
    let token = |token: &str| json!({"do": "import-token", "to": "to", "token": token});
    let take = |token: &str, from: &str| json!({"do": "move-device", "from": from, "token": token});
    books.does(token("T1"));
    assert_eq!(books.refused(take("T1", "from")), "quota");
    // What was refused for want of room can be tried again.
    books.now = 599;
    books.does(json!({"do": "release", "organization": "to", "resource": "devices", "amount": 1}));
    assert_eq!(books.refused(take("T1", "stranger")), "other-tree");
    books.does(take("T1", "from"));
    assert_eq!(books.row("from", "devices"), "L=2 A=1=1+0+0 F=1 E=1");
    assert_eq!(books.row("vendor", "devices"), "L=4 A=3=0+3+0 F=1 E=2");
    assert_eq!(books.refused(take("T1", "from")), "token-used");
    books.does(token("T2"));
    books.now = 599 + 600;
    assert_eq!(books.refused(take("T2", "from")), "token-expired");
    assert_eq!(books.refused(token("T2")), "token-repeated");
}

#[test]
fn what_moves_takes_its_free_along_and_leaves_its_history() {
    let mut books = Books::new();
    books.root("vendor", json!({"organizations": 20, "users": 100, "vpn-months": 60}));
    books.child("north", "vendor", json!({"organizations": 4, "users": 30, "vpn-months": 20}));
    books.child("south", "vendor", json!({"organizations": 4, "users": 10, "vpn-months": 10}));
    books.child("shop", "north", json!({"organizations": 1, "users": 10, "vpn-months": 12}));
    books.child("corner", "shop", json!({"users": 4, "vpn-months": 5}));
    for organization in ["shop", "corner"] {
        books.does(json!({"do": "use", "organization": organization, "resource": "vpn-months", "amount": 3}));
    }
    let to = |parent: &str| json!({"do": "move", "organization": "shop", "parent": parent});
    assert_eq!(books.refused(to("corner")), "cycle");
    books.does(to("south"));
    assert_eq!(books.row("north", "vpn-months"), "L=20 A=6=6+0+0 F=14 E=6");
    assert_eq!(books.row("shop", "vpn-months"), "L=6 A=2=0+2+0 F=4 E=0");
    assert_eq!(books.row("corner", "vpn-months"), "L=2 A=0=0+0+0 F=2 E=0");
    assert_eq!(books.row("south", "users"), "L=10 A=10=0+10+0 F=0 E=0");
    assert_eq!(books.row("vendor", "vpn-months"), "L=60 A=30=0+30+0 F=30 E=6");
    books.does(to("vendor"));
    assert_eq!(books.row("south", "organizations"), "L=4 A=0=0+0+0 F=4 E=0");
}

#[test]
fn what_is_not_a_quantity_or_a_name_is_refused_before_anything_else() {
    let mut books = Books::new();
    let used = |amount: i64| json!({"do": "use", "organization": "nobody", "resource": "users", "amount": amount});
    assert_eq!(books.refused(used(-1)), "quantity");
    assert_eq!(books.refused(used(i64::MAX)), "quantity");
    assert_eq!(books.refused(used(1)), "unknown-organization");
    for name in ["", "-a", "a b", "ä", "a/b", "=1+1"] {
        assert_eq!(books.refused(json!({"do": "create", "organization": name, "ownLicences": true})), "name");
    }
    let times = |from: i64, expiry: i64, period: i64| json!({"do": "issue", "serial": "S", "validFrom": from, "expiry": expiry, "renewal": period});
    assert_eq!(books.refused(times(5, 5, 1)), "validity");
    assert_eq!(books.refused(times(0, i64::MAX, 1)), "validity");
    assert_eq!(books.refused(times(0, 5, 0)), "validity");
    // Clocks that jump far ahead end nothing that renews itself.
    books.does(times(0, 5, 1));
    books.accounts.advance(i64::MAX);
    assert_eq!(books.accounts.violations(), []);
}
