//! Plans that are held against a ledger, and what is counted in realms for it.

use realmwright::keycloak::WriteRealms;
use serde_json::json;

use crate::server::live;
use crate::tenants::{Site, export, on_server};

pub const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: test
environments: {test: {ledger: 'sqlite:ledger.db'}}
products:
  assistant: {label: Assistant, redirectUris: [https://assistant.example/*]}
resources: {users: gauge}
";

/// A distributor with a licence, and a clinic that lives on what it is granted.
fn site() -> Site {
    let site = Site::new("accounts");
    site.write("platform.yaml", PLATFORM);
    let north = format!(
        "apiVersion: realmwright/v1\nkind: Distributor\nname: {}\nlicences:\n  - {{product: assistant, type: pro, serial: A-1, seats: 9, \
         validUntil: 2999-12-31, quantities: {{organizations: 3, users: 50}}}}\norganizations:\n  - name: {}\n    \
         grants: {{users: 30, assistant: 4}}\n",
        site.north, site.clinic
    );
    site.write("north/north.yaml", &north);
    site
}

#[test]
fn a_plan_is_held_against_the_ledger_and_kept_in_it() {
    let site = site();
    // Where the ledger is not, as in the job of a pull request.
    assert!(site.told(0, "plan").contains("what is granted adds up, from the manifests alone"));
    assert!(site.told(64, "apply --yes").contains("nobody is named as who asks"));
    let applied = site.told(0, "apply --yes --actor ci");
    assert!(applied.contains("+ account  CLINIC created below NORTH, granted 4 assistant, 30 users"), "{applied}");
    assert!(applied.contains("~ quota    NORTH users: limit 0 → 50, allocated 0 → 30"), "{applied}");
    // Seats that are granted bring the product, as a licence does.
    let clients = export(&site.clinic)["clients"].to_string();
    assert!(clients.contains(r#""clientId":"assistant""#));
    assert!(site.told(0, "ledger verify --ledger sqlite:ledger.db").contains("each as it was written"));
    let again = site.told(0, "plan --detailed-exitcode");
    assert!(again.contains("against the ledger sqlite:") && again.contains("Nothing to do"), "{again}");

    assert!(site.told(0, "plan --without-ledger").contains("from the manifests alone"));

    // What is in use is known to the ledger alone.
    let used = r#"{"command": {"do": "use", "organization": "CLINIC", "resource": "users", "amount": 25}}"#;
    site.write("use.jsonl", &used.replace("CLINIC", &site.clinic));
    site.told(0, "ledger post use.jsonl --ledger sqlite:ledger.db --actor app");
    site.edit("users: 30", "users: 20");
    site.told(0, "validate");
    let refused = site.told(1, "plan");
    assert!(refused.contains("`CLINIC` can't be granted 20 of `users`: it has allocated 25"), "{refused}");
    assert!(refused.contains("north/north.yaml:8:14"), "{refused}");

    // A saved plan is kept as it was saved, or not at all.
    site.edit("users: 20", "users: 28");
    site.told(0, "plan --out a.plan");
    assert!(site.told(0, "plan --format markdown").contains("30 → 28"));
    site.told(0, "apply a.plan --actor ci");
    let tree = site.told(0, "tree --ledger sqlite:ledger.db");
    assert!(tree.contains("28/50  own 0, shared 28"), "{tree}");
    site.remove();
}

/// What is refused leaves one entry, however often it is tried.
#[test]
fn a_refused_apply_is_noted_down_once() {
    let site = site();
    site.told(0, "apply --yes --actor ci");
    let log = || site.told(0, "ledger log --ledger sqlite:ledger.db");
    let entries = || log().lines().count();
    let begun = entries();
    // By a guard.
    site.write("platform.yaml", &(PLATFORM.to_owned() + "guards: {run: {updates: {number: 0}}}\n"));
    site.edit("    grants", "    label: Clinic\n    grants");
    let tried = || site.told(3, "apply --yes --actor ci");
    let first = tried();
    assert!(first.contains("[run-updates]") && first.contains("the attempt is entry"), "{first}");
    assert!(log().contains("ci  refused: the plan was not applied: [run-updates]"), "{}", log());
    let noted = |said: &str| said.lines().last().map(str::to_owned);
    assert_eq!((noted(&tried()), entries()), (noted(&first), begun + 1));
    site.told(3, "plan --out a.plan");
    let saved = site.told(3, "apply a.plan --actor ci");
    assert!(saved.contains("the attempt is entry"), "{saved}");
    assert_eq!(entries(), begun + 1, "it is the same plan");
    let nobody = site.told(3, "apply --yes");
    assert!(nobody.contains("was not noted down") && nobody.contains("nobody is named as who asks"), "{nobody}");
    // Another plan that is refused is another attempt.
    site.edit("label: Clinic", "label: Another");
    tried();
    assert_eq!(entries(), begun + 2);
    // By the ledger.
    site.write("platform.yaml", PLATFORM);
    let used = r#"{"command": {"do": "use", "organization": "CLINIC", "resource": "users", "amount": 25}}"#;
    site.write("use.jsonl", &used.replace("CLINIC", &site.clinic));
    site.told(0, "ledger post use.jsonl --ledger sqlite:ledger.db --actor app");
    site.edit("users: 30", "users: 20");
    for _ in 0..2 {
        let short = site.told(1, "apply --yes --actor ci");
        assert!(short.contains("can't be granted 20 of `users`") && short.contains("the attempt is entry"), "{short}");
    }
    assert_eq!(entries(), begun + 4);
    // By the manifests alone, which grant more than there is.
    site.edit("users: 20", "users: 200");
    for _ in 0..2 {
        let short = site.told(1, "apply --yes --actor ci");
        assert!(short.contains("150 missing") && short.contains("the attempt is entry"), "{short}");
    }
    assert_eq!(entries(), begun + 5);
    // Whoever only looks leaves nothing.
    site.told(1, "plan");
    assert_eq!(entries(), begun + 5);
    assert!(site.told(0, "ledger verify --ledger sqlite:ledger.db").contains("each as it was written"));
    site.remove();
}

#[test]
fn a_saved_plan_is_stale_where_the_ledger_has_moved() {
    let site = site();
    site.told(0, "apply --yes --actor ci");
    site.edit("users: 30, assistant: 4", "users: 28, assistant: 5");
    site.edit("    grants", "    label: Clinic\n    grants");
    site.told(0, "plan --out a.plan");
    let used = r#"{"command": {"do": "use", "organization": "CLINIC", "resource": "users", "amount": 29}}"#;
    site.write("use.jsonl", &used.replace("CLINIC", &site.clinic));
    site.told(0, "ledger post use.jsonl --ledger sqlite:ledger.db --actor app");
    let before = export(&site.clinic)["displayName"].clone();
    let stale = site.told(4, "apply a.plan --actor ci");
    assert!(stale.contains("the ledger has moved since the plan was made"), "{stale}");
    assert_eq!(export(&site.clinic)["displayName"], before);
    let tree = site.told(0, "tree --ledger sqlite:ledger.db");
    assert!(tree.contains("9  own 0, shared 4"), "nothing of it was kept: {tree}");

    let freed = used.replace("\"use\"", "\"release\"").replace("CLINIC", &site.clinic);
    site.write("use.jsonl", &freed);
    site.told(0, "ledger post use.jsonl --ledger sqlite:ledger.db --actor app");
    site.told(0, "apply a.plan --actor ci");
    assert_eq!(export(&site.clinic)["displayName"], "Clinic");
    // Once more, as after a run that was killed.
    site.told(0, "apply a.plan --actor ci");
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    site.remove();
}

#[test]
fn a_tenants_account_ends_with_its_realm() {
    let site = site();
    site.told(0, "apply --yes --actor ci");
    let declared = std::fs::read_to_string(site.dir.path().join("north/north.yaml")).expect("a file");
    site.write("north/north.yaml", declared.split("organizations:\n").next().expect("a beginning"));
    let realm = site.clinic.clone();
    site.told(0, &format!("destroy {realm} --yes"));
    let last = format!("destroy {realm} --final --yes --waive retention");
    assert!(site.told(64, &last).contains("nobody is named as who asks"));
    let below = r#"{"command": {"do": "create", "organization": "CLINIC-a", "parent": "CLINIC"}}"#;
    site.write("below.jsonl", &below.replace("CLINIC", &realm).replace("}}", r#", "grants": {}}}"#));
    site.told(3, "ledger post below.jsonl --ledger sqlite:ledger.db --actor app");
    site.write(
        "grant.jsonl",
        &r#"{"command": {"do": "grant", "organization": "CLINIC", "grants": {"organizations": 1}}}"#
            .replace("CLINIC", &realm),
    );
    site.told(0, "ledger post grant.jsonl --ledger sqlite:ledger.db --actor app");
    site.told(0, "ledger post below.jsonl --ledger sqlite:ledger.db --actor app");
    let refused = site.told(3, &format!("{last} --actor anna"));
    assert!(refused.contains("refused: [has-children]"), "{refused}");
    assert_eq!(export(&realm)["realm"], realm.as_str(), "it is still there");
    site.write("end.jsonl", &r#"{"command": {"do": "delete", "organization": "CLINIC-a"}}"#.replace("CLINIC", &realm));
    site.told(0, "ledger post end.jsonl --ledger sqlite:ledger.db --actor app");
    let ended = site.told(0, &format!("{last} --actor anna"));
    assert!(ended.contains("CLINIC deleted") && ended.contains("CLINIC is deleted."), "{ended}");
    let tree = site.told(0, "tree --ledger sqlite:ledger.db");
    assert!(!tree.contains("CLINIC") && tree.contains("0/50"), "{tree}");
    let again = site.told(64, &format!("{last} --actor anna"));
    assert!(again.contains("nothing is left to do"), "{again}");
    site.remove();
}

#[test]
fn users_are_counted_where_they_are_at_home() {
    let site = site();
    site.edit("users: 30, assistant: 4", "users: 3, assistant: 1");
    site.told(0, "apply --yes --actor ci");
    let (north, clinic) = (site.north.clone(), site.clinic.clone());
    let upstream = format!("{}/realms/{north}", live().url);
    let provider = json!({"alias": "up", "providerId": "oidc", "enabled": true, "config": {"issuer": upstream,
        "clientId": "c", "authorizationUrl": format!("{upstream}/auth"), "tokenUrl": format!("{upstream}/token")}});
    on_server(async |api| {
        api.post(&clinic, "identity-provider/instances", &provider).await.expect("made");
        for name in ["anna", "bert", "guest"] {
            let user = json!({"username": name, "enabled": name != "bert", "email": format!("{name}@example.com")});
            let id = api.post(&clinic, "users", &user).await.expect("made").expect("an id");
            let (link, away) = (format!("users/{id}/federated-identity/up"), json!({"userId": "7", "userName": name}));
            if name == "guest" {
                api.post(&clinic, &link, &away).await.expect("linked");
            }
        }
    });
    // The guest is at home with the distributor; the provisioner is no user.
    let counted = site.told(0, "count --ledger sqlite:ledger.db --actor ci");
    insta::assert_snapshot!(counted, @r"
    CLINIC  assistant  0 of 1
    CLINIC  users      2 of 3, 0 before
    NORTH  assistant  0 of 9
    NORTH  users      0 of 50
    ");
    assert!(site.told(0, "ledger verify --ledger sqlite:ledger.db").contains("each as it was written"));
    let entries = site.told(0, "ledger log --ledger sqlite:ledger.db").lines().count();
    site.told(0, "count --ledger sqlite:ledger.db --actor ci");
    assert_eq!(site.told(0, "ledger log --ledger sqlite:ledger.db").lines().count(), entries, "it was so already");

    on_server(async |api| {
        for name in ["carl", "dora"] {
            api.post(&clinic, "users", &json!({"username": name, "enabled": true})).await.expect("made");
        }
    });
    insta::assert_snapshot!(site.told(3, "count --ledger sqlite:ledger.db --actor ci"), @r"
    CLINIC  assistant  0 of 1
    CLINIC  users      4 of 3, 2 before
        refused: `CLINIC` has not enough of `users`: 1 missing
    NORTH  assistant  0 of 9
    NORTH  users      0 of 50
    error: refused: 1 of 4 are more than there may be
    hint: grant or license more, or have fewer; the ledger keeps what it had
    ");
    assert!(site.told(0, "resources CLINIC --ledger sqlite:ledger.db").contains("users          1 left"));
    site.remove();
}

/// `examples/licences`, by the commands of its README.
#[test]
fn the_example_of_a_licence_tree_is_applied_and_looked_at() {
    let site = Site::new("tree");
    std::fs::remove_dir_all(site.dir.path().join("north")).expect("removed");
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/licences");
    for file in ["platform.yaml", "distributors/acme/acme.yaml", "distributors/nordlicht/nordlicht.yaml"] {
        site.write(file, &std::fs::read_to_string(example.join(file)).expect("a file"));
    }
    site.told(0, "validate .");
    site.told(0, "apply . --actor anna --yes");
    assert!(site.told(0, "plan . --detailed-exitcode").contains("Nothing to do"));
    let tree = site.told(0, "tree nordlicht --depth 3 --manifests . --ledger sqlite:ledger.db");
    insta::assert_snapshot!(tree, @r"
    nordlicht  Nordlicht Systemhaus  (distributor)  own licences, dealer
        assistant      [#...................] 23/300  own 0, shared 10, licensed 13
        devices        [....................] 4/100  own 0, shared 0, licensed 4
        iot-credits    [....................] 0/50000  own 0, shared 0, licensed 0
        organizations  [###.................] 3/20  own 3, shared 0, licensed 0
        users          [#...................] 52/800  own 0, shared 20, licensed 32
        vpn-months     [###.................] 36/240  own 0, shared 0, licensed 36
      baeckerei-hinrichs  Bäckerei Hinrichs  (organization)  own licences
          assistant      [....................] 0/5  own 0, shared 0
          devices        [....................] 0/4  own 0, shared 0
          users          [....................] 0/12  own 0, shared 0
          vpn-months     [....................] 0/12  own 0, shared 0
      kanzlei-petersen  Kanzlei Petersen  (organization)  own licences
          assistant      [....................] 0/8  own 0, shared 0
          users          [....................] 0/20  own 0, shared 0
          vpn-months     [....................] 0/24  own 0, shared 0
      nordlicht-demo  Demonstrations  (organization)  parent's resources
          assistant      [....................] 0/10  own 0, shared 0
          users          [....................] 0/20  own 0, shared 0
    ");
    let counted = site.told(0, "count . --actor anna --ledger sqlite:ledger.db");
    assert!(counted.contains("acme_uk_london      gateway    0 of 5"), "{counted}");
    insta::assert_snapshot!(site.told(0, "resources acme_uk --ledger sqlite:ledger.db"), @r"
    acme_uk  parent's resources
        assistant      10 left: 70 of 80 used (own 0, shared 70)
        devices        0 left: 30 of 30 used (own 0, shared 30)
        gateway        3 left: 5 of 8 used (own 0, shared 5)
        iot-credits    0 left: 0 of 0 used (own 0, shared 0)
        organizations  0 left: 2 of 2 used (own 2, shared 0)
        users          50 left: 350 of 400 used (own 0, shared 350)
        vpn-months     24 left: 24 of 48 used (own 0, shared 24)
    ");
    site.told(0, "usage acme --descendants --ledger sqlite:ledger.db");
    let names = site.told(0, "tree --depth 9 --format csv --ledger sqlite:ledger.db");
    let names: std::collections::BTreeSet<_> =
        names.lines().skip(1).filter_map(|line| line.split(',').nth(1).map(str::to_owned)).collect();
    assert_eq!(names.len(), 10);
    on_server(async |api| {
        for name in names {
            api.delete(&name, "", None).await.expect("removed");
        }
    });
}

/// Requests beside those to a tenant's realm that a run sends, whatever it works on; none of them returns more, or is dearer, where there are more
/// realms. The listing of realms and that of all clients of master are.
const OF_SERVER: [&str; 10] = [
    "GET /admin/serverinfo",
    "GET /realms/master/.well-known/openid-configuration",
    "POST /realms/master/protocol/openid-connect/token",
    "GET /admin/realms/master/clients?clientId=realmwright",
    "GET /admin/realms/master/clients?clientId=realmwright-lane-&search=true&first=N&max=20",
    "GET /admin/realms/master/groups?search=realmwright-lanes&exact=true",
    "POST /admin/realms/master/clients",
    "GET /admin/realms/master/clients/ID/service-account-user",
    "PUT /admin/realms/master/users/ID/groups/ID",
    "DELETE /admin/realms/master/clients/ID",
];

#[test]
fn no_request_costs_more_with_each_realm() {
    let site = site();
    let mut sent = Vec::new();
    let mut run = |arguments: &[&str]| {
        let output = site.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let requests = said.lines().filter(|line| line.get(3..5).is_some_and(|rest| rest.starts_with(' ')));
        let requests = requests.filter(|line| line.contains(" /")).map(|line| line[4..].to_owned());
        let requests: Vec<String> = requests.collect();
        assert!(!requests.is_empty(), "{said}");
        sent.extend(requests);
    };
    let apply = ["apply", "--yes", "--verbose", "--actor", "ci"];
    run(&apply);
    site.edit("assistant: 4", "assistant: 5");
    run(&apply);
    run(&["plan", "--verbose"]);
    run(&["drift", "--verbose"]);
    for request in &sent {
        let plain = without_ids(request);
        let of_tenant = [&site.clinic, &site.north]
            .iter()
            .any(|realm| plain.contains(&format!("/realms/{realm}/")) || plain.ends_with(&format!("/realms/{realm}")));
        let known = of_tenant || plain == "POST /admin/realms" || OF_SERVER.contains(&plain.as_str());
        assert!(known, "{request}");
    }
    assert!(sent.iter().any(|request| request == "POST /admin/realms"));
    site.remove();
}

/// A request with ids and offsets taken out.
fn without_ids(request: &str) -> String {
    let part = |part: &str| match part {
        part if uuid::Uuid::parse_str(part).is_ok() => "ID".to_owned(),
        part => match part.split_once("first=").and_then(|(before, rest)| Some((before, rest.split_once('&')?.1))) {
            Some((before, rest)) => format!("{before}first=N&{rest}"),
            None => part.to_owned(),
        },
    };
    request.split('/').map(part).collect::<Vec<_>>().join("/")
}
