//! The guide to organizations, walked through on a real server in its own order: what organizations are, how they share
//! resources and live on licences, how devices move, and what was consumed. `docs/guide.md` has the same as a table.

use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::Value;

use crate::accounting::PLATFORM;
use crate::server::{live, runtime};
use crate::support::signing_key;
use crate::tenants::{Site, demo_token, export, on_server};

const LEDGER: &str = "--ledger sqlite:ledger.db";

/// A company, which may sell on; below it one that can create nothing, one with three organizations to create, and one with
/// two, of which it has created one and granted that one the other.
fn site() -> Site {
    let site = Site::new("guide");
    let (private, public) = signing_key();
    site.write("signing.pem", &private);
    site.write("trusted.pem", &public);
    let resources = "resources: {users: gauge, devices: gauge, vpn-months: counter}";
    site.write("platform.yaml", &PLATFORM.replace("resources: {users: gauge}", resources));
    let network = "\
apiVersion: realmwright/v1
kind: Distributor
name: NORTH
label: Acme
dealer: true
licences:
  - {product: assistant, type: enterprise, serial: G-1, seats: 20, validUntil: 2999-12-31,
     quantities: {organizations: 20, users: 100, devices: 40, vpn-months: 120}}
organizations:
  - {name: CLINIC-first}
  - name: CLINIC
    label: My child
    allowFullPrivacy: true
    grants: {organizations: 3, users: 15, devices: 15, vpn-months: 36, assistant: 2}
    realm: {clients: [{clientId: assistant, directAccessGrantsEnabled: true}]}
    users:
      - {username: demo, email: demo@clinic.example, firstName: D, lastName: E, password: 'file:user.password', roles: [assistant/seat]}
  - name: CLINIC-third
    grants: {organizations: 2, devices: 5}
    organizations:
      - {name: CLINIC-grandchild, grants: {organizations: 1}}
";
    site.write("north/north.yaml", &network.replace("NORTH", &site.north).replace("CLINIC", &site.clinic));
    site
}

/// Adds an organization right below the company.
fn add(site: &Site, organization: &str) {
    site.edit("organizations:\n  - {name", &format!("organizations:\n  - {organization}\n  - {{name"));
}

fn has(said: &str, lines: &[&str]) {
    lines.iter().for_each(|line| assert!(said.contains(line), "{line:?} is not in\n{said}"));
}

#[test]
fn the_guide_to_organizations_is_walked_through() {
    let site = site();
    let asks = &format!("{LEDGER} --actor anna");
    let name = |rest: &str| format!("{}-{rest}", site.clinic);
    site.told(0, "apply --yes --actor anna");
    organizations(&site);
    resources(&site, &name("new"), asks);
    label_and_privacy(&site, asks);
    licences(&site, &name("shop"), asks);
    devices(&site, asks);
    consumption(&site);
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    has(&site.told(0, &format!("ledger verify {LEDGER}")), &["each as it was written"]);
    on_server(async |api| {
        for realm in ["first", "third", "grandchild", "shop"].map(name) {
            api.delete(&realm, "", None).await.expect("removed");
        }
    });
    site.remove();
}

/// A hierarchy of organizations, each separate from every other, and the list of them.
fn organizations(site: &Site) {
    let first = site.told(0, &format!("tree NORTH --manifests . {LEDGER}"));
    has(
        &first,
        &[
            "NORTH  Acme  (distributor)  own licences, dealer\n",
            "    organizations  [########............] 8/20  own 3, shared 5, licensed 0\n",
            "  CLINIC  My child  (organization)  parent's resources\n",
            "      vpn-months     [....................] 0/36  own 0, shared 0\n",
        ],
    );
    assert!(!first.contains("grandchild"), "the first level alone: {first}");
    has(&site.told(0, &format!("tree NORTH --depth 2 {LEDGER}")), &["    CLINIC-grandchild  parent's resources"]);
    // As a chart, in numbers, and for spreadsheets.
    let json: Value = serde_json::from_str(&site.told(0, &format!("tree NORTH --format json {LEDGER}"))).expect("JSON");
    assert_eq!(json[0]["resources"]["organizations"]["allocated"], 8);
    has(&site.told(0, &format!("tree NORTH --format csv {LEDGER}")), &["organizations,20,8,3,5,0,4,4\n"]);

    // Who is in one of them is not in another, and is not let in there.
    let token = demo_token(&site.clinic);
    let let_in = |realm: &str| {
        let url = format!("{}/realms/{realm}/protocol/openid-connect/userinfo", live().url);
        runtime().block_on(async {
            let request = reqwest::Client::new().get(url).bearer_auth(&token);
            request.send().await.expect("answered").status().as_u16()
        })
    };
    assert_ne!(let_in(&site.clinic), 401);
    assert_eq!(let_in(&site.north), 401);
    let above = on_server(async |api| api.get(&site.north, "users?username=demo").await.expect("answered"));
    assert_eq!(above, Some(Value::Array(Vec::new())));
}

/// What a parent shares with a child, and gets back.
fn resources(site: &Site, new: &str, asks: &str) {
    add(site, &format!("{{name: {new}, grants: {{organizations: 5, devices: 15, users: 15, vpn-months: 36}}}}"));
    let plan = site.told(0, "plan");
    // One organization for the child itself, and five that it may create.
    has(
        &plan,
        &["NORTH organizations: ", "allocated 8 → 14", "allocated 20 → 35", "allocated 15 → 30", "allocated 36 → 72"],
    );
    site.told(0, "apply --yes --actor anna");
    // Nobody grants more than it has.
    site.edit("{organizations: 5,", "{organizations: 50,");
    let refused = site.told(1, "validate");
    has(&refused, &["north/north.yaml", "organizations", "NORTH"]);
    site.edit("{organizations: 50,", "{organizations: 5,");
    // What it has is counted from its use; the child is deleted, and all comes back but the months that it used.
    let used = r#"{"command": {"do": "use", "organization": "NEW", "resource": "vpn-months", "amount": 4}}"#;
    site.write("use.jsonl", &used.replace("NEW", new));
    site.told(0, &format!("ledger post use.jsonl {asks}"));
    has(
        &site.told(0, &format!("resources {new} {LEDGER}")),
        &["vpn-months     32 left: 4 of 36 used (own 4, shared 0)"],
    );
    let declared = std::fs::read_to_string(site.dir.path().join("north/north.yaml")).expect("a file");
    let without: String = declared.lines().filter(|line| !line.contains(new)).map(|line| format!("{line}\n")).collect();
    site.write("north/north.yaml", &without);
    site.told(0, &format!("destroy {new} --yes"));
    site.told(0, &format!("destroy {new} --final --yes --waive retention --actor anna"));
    has(
        &site.told(0, &format!("resources NORTH {LEDGER}")),
        &[
            "organizations  12 left: 8 of 20 used (own 3, shared 5)",
            "devices        20 left: 20 of 40 used (own 0, shared 20)",
            "vpn-months     80 left: 40 of 120 used (own 4, shared 36)",
        ],
    );
    // Users who are defined, of those that may be.
    let counted = site.told(0, &format!("count {asks}"));
    has(&counted.split_whitespace().collect::<Vec<_>>().join(" "), &["CLINIC users 1 of 15"]);
}

/// What may be changed later: the label, and who hides.
fn label_and_privacy(site: &Site, asks: &str) {
    site.edit("label: My child", "label: Our child");
    site.told(0, "apply --yes --actor anna");
    assert_eq!(export(&site.clinic)["displayName"], "Our child");

    let seen = || site.told(0, &format!("tree NORTH --depth 9 {LEDGER}"));
    has(&seen(), &["  CLINIC  parent's resources\n"]);
    site.edit("allowFullPrivacy: true\n", "allowFullPrivacy: true\n    requireFullPrivacy: true\n");
    site.told(0, "apply --yes --actor anna");
    has(&seen(), &["  CLINIC  full privacy\n", "      users  consumes 1, with all below it 1\n"]);
    has(&site.told(0, &format!("tree CLINIC {LEDGER}")), &["users          [#...................] 1/15"]);
    site.edit("requireFullPrivacy: true", "requireFullPrivacy: false");
    site.told(0, "apply --yes --actor anna");
    has(&seen(), &["  CLINIC  parent's resources\n"]);
    // Only where the parent allows it.
    let hide = r#"{"command": {"do": "require-privacy", "organization": "CLINIC-third", "require": true}}"#;
    site.write("hide.jsonl", &hide.replace("CLINIC", &site.clinic));
    has(&site.told(3, &format!("ledger post hide.jsonl {asks}")), &["privacy-not-allowed"]);
}

/// An organization on licences of its own, which a dealer sells it.
fn licences(site: &Site, shop: &str, asks: &str) {
    add(site, &format!("{{name: {shop}, ownLicences: true}}"));
    site.told(0, "apply --yes --actor anna");
    let issue = |serial: &str| {
        let line = format!(
            "licence issue --dealer NORTH --recipient {shop} --serial {serial} --product assistant --type professional \
             --quantity users=5 --valid-until 2999-12-31 --auto-renew 365 {asks}"
        );
        site.told(0, &line);
    };
    issue("SHOP-1");
    issue("SHOP-2");
    // Its type and expiry are shown once a valid number is entered, and what it releases.
    has(
        &site.told(0, &format!("licence show SHOP-1 {LEDGER}")),
        &["type       professional", "releases   5 users", "until 2999-12-31, renews itself every 365 days"],
    );
    has(&site.told(3, &format!("licence redeem SHOP-9 -o {shop} --yes {asks}")), &["[unknown-licence]"]);
    has(
        &site.told(0, &format!("licence redeem SHOP-1 -o {shop} --yes {asks}")),
        &["releases   5 users", "licence SHOP-1 redeemed by CLINIC-shop"],
    );
    site.told(0, &format!("licence redeem SHOP-2 -o {shop} --yes {asks}"));
    site.told(0, &format!("licence revoke SHOP-2 {asks}"));
    let own = site.told(0, &format!("resources {shop} {LEDGER}"));
    has(
        &own,
        &["users          5 left: 0 of 5 used", "licence SHOP-1  5 users  redeemed until 2999-12-31, renews itself"],
    );
    assert!(!own.contains("SHOP-2"), "{own}");
    has(&site.told(0, &format!("resources {shop} --expired {LEDGER}")), &["licence SHOP-2  5 users  revoked"]);
    has(&site.told(0, &format!("tree NORTH {LEDGER}")), &["own 4, shared 5, licensed 0", "shared 15, licensed 5"]);
    // Who lives on its parent's resources gets more from its parent alone.
    site.told(0, &format!("licence issue --serial MORE-1 --quantity users=5 --valid-until 2999-12-31 {asks}"));
    has(&site.told(3, &format!("licence redeem MORE-1 -o CLINIC --yes {asks}")), &["[on-parents-resources]"]);
}

/// A device moves to whoever prepared to take it.
fn devices(site: &Site, asks: &str) {
    site.told(0, &format!("device register CLINIC 2 {asks}"));
    let printed = site.told(0, &format!("device import-token --to CLINIC-third --signing-key signing.pem {asks}"));
    let token = printed.lines().next().expect("a token");
    let go = format!("device move --from CLINIC --token {token} --trusted-keys trusted.pem {asks}");
    has(&site.told(64, &go), &["what the device recorded is lost when it moves"]);
    site.told(0, &format!("{go} --accept-data-loss"));
    has(&site.told(3, &format!("{go} --accept-data-loss")), &["[token-used]"]);
    has(&site.told(0, &format!("resources CLINIC {LEDGER}")), &["devices        14 left: 1 of 15 used"]);
    has(&site.told(0, &format!("resources CLINIC-third {LEDGER}")), &["devices        4 left: 1 of 5 used"]);
}

/// What was consumed over time, which is not what is allocated.
fn consumption(site: &Site) {
    let read = |options: &str| -> Value {
        let line = format!("usage NORTH --resource organizations --format json {options}{LEDGER}");
        serde_json::from_str(&site.told(0, &line)).expect("JSON")
    };
    let last = |usage: &Value| usage[0]["bars"].as_array().and_then(|bars| bars.last().cloned()).expect("a bar");
    // Four of its own and one further down; the limit is a line of its own, and allocated is what was granted on too.
    let all = last(&read("--descendants "));
    assert_eq!(
        (&all["last"], &all["own"], &all["limit"], &all["allocated"]),
        (&5.into(), &4.into(), &20.into(), &9.into())
    );
    let alone = last(&read(""));
    assert_eq!(alone["last"], 4);
    let changes = site.told(0, &format!("usage NORTH --resource organizations --changes --descendants {LEDGER}"));
    assert!(changes.lines().count() > 2, "{changes}");
    has(
        &site.told(0, &format!("usage NORTH --resource organizations --last 8w --interval week --format csv {LEDGER}")),
        &["organizations"],
    );
    let foreseen = read("--forecast 3m ");
    assert_eq!(foreseen[0]["forecast"]["possible"], false, "there is but one day to foresee anything from");
}
