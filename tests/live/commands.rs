//! A walk through every command against a real server: what each says when all is well, and how it exits.

use std::collections::BTreeSet;

use crate::pipelines::git;
use crate::server::live;
use crate::support::{commands, signing_key};
use crate::tenants::Site;

/// A user on a network of its own, and the commands that were used.
struct Walk {
    site: Site,
    used: BTreeSet<Vec<String>>,
}

impl Walk {
    fn new() -> Self {
        let site = Site::new("walk");
        let worker = "    realm: {clients: [{clientId: worker, publicClient: false, serviceAccountsEnabled: true}]}\n    login: {domains: [clinic.example]}\n";
        site.write("north/north.yaml", &(site.tenants() + worker));
        site.write("admin.password", &live().admin.1);
        Self { site, used: BTreeSet::new() }
    }

    /// Runs a command: its exit code and so many first lines of both outputs, without what differs from run to run.
    fn goes(&mut self, lines: usize, line: &str) -> String {
        let (clinic, north) = (self.site.clinic.clone(), self.site.north.clone());
        let line = line.replace("CLINIC", &clinic).replace("ADMIN", &live().admin.0);
        let arguments: Vec<&str> = line.split(' ').collect();
        let own = |command: &&Vec<String>| {
            command.iter().zip(&arguments).all(|(a, b)| a == b) && command.len() <= arguments.len()
        };
        let command = commands().iter().filter(own).max_by_key(|command| command.len()).cloned();
        self.used.insert(command.expect("a command"));
        // How far the work is would be told by the clock.
        let output = self.site.run(&[arguments.as_slice(), &["--no-progress"]].concat());
        let few = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes)
                .replace(&live().url, "URL")
                .replace(&clinic, "CLINIC")
                .replace(&north, "NORTH");
            let all: Vec<&str> = text.lines().collect();
            let cut = (all.len() > lines).then_some("…");
            all.iter().take(lines).copied().chain(cut).map(|line| numbers(line.trim_end()) + "\n").collect::<String>()
        };
        format!("exit {}\n{}---\n{}", output.status.code().unwrap_or(-1), few(&output.stdout), few(&output.stderr))
    }
}

/// `serve` ends when it is told to, and not before; `login` waits for somebody with a browser.
fn serves(walk: &mut Walk) {
    let port = crate::broker::free_port();
    crate::terminal::let_in(&walk.site, port);
    walk.used.extend(["serve", "login"].map(|name| vec![name.to_owned()]));
    let serving = crate::broker::Serving::start(&walk.site, port);
    let said = crate::terminal::logs_in(&walk.site, &serving, &[]);
    assert!(said.ends_with("as demo"), "{said}");
    insta::assert_snapshot!(walk.goes(1, "whoami --state-dir state"), @r"
    exit 0
    tenant CLINIC (Clinic)
    …
    ---
    ");
    insta::assert_snapshot!(walk.goes(1, "logout --state-dir state"), @r"
    exit 0
    ---
    logged out at CLINIC
    ");
    let said = serving.stop();
    walk.site.write("platform.yaml", crate::support::PLATFORM);
    walk.site.apply();
    let said: Vec<&str> = said.lines().map(|line| line.split(" at ").next().unwrap_or_default()).collect();
    assert_eq!(said, ["serving 2 tenants", "stopped"]);
}

/// A line without times, versions, thumbprints, counts that depend on the server's version, and the room of columns.
fn numbers(line: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let time = bare.len() == 20 && bare.ends_with('Z') && bare.contains("-") && bare.contains(':');
        let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
        if time {
            word.replace(bare, "TIME")
        } else if number && (bare.contains('.') || bare.len() > 1) {
            word.replace(bare, "N")
        } else if bare.len() > 60 && bare.contains(':') {
            "HEAD".to_owned()
        } else if word.len() == 43 {
            "THUMBPRINT".to_owned()
        } else {
            word.to_owned()
        }
    };
    let indent = &line[..line.len() - line.trim_start().len()];
    // How many there are depends on what other runs have left on the server.
    let shown = line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    let requests = (0..10).fold(shown, |line, count| line.replace(&format!(" {count} requests,"), " N requests,"));
    indent.to_owned() + &requests
}

#[test]
fn every_command_goes_well_and_says_so() {
    let mut walk = Walk::new();
    insta::assert_snapshot!(walk.goes(3, "bootstrap --admin-user ADMIN --admin-password-file admin.password"), @r"
    exit 0
    ---
    URL (Keycloak N) was prepared before
    ");
    insta::assert_snapshot!(walk.goes(3, "fmt"), @r"
    exit 0
    north/north.yaml
    ---
    ");
    git(walk.site.dir.path(), &["init", "-q"]);
    git(walk.site.dir.path(), &["add", "."]);
    git(walk.site.dir.path(), &["commit", "-qm", "base"]);
    insta::assert_snapshot!(walk.goes(3, "validate"), @r"
    exit 0
    ---
    test: 1 distributor, 0 resellers, 1 organization; environments test
    ");
    insta::assert_snapshot!(walk.goes(3, "check --base HEAD --author-scope north"), @r"
    exit 0
    ---
    test: 1 distributor, 0 resellers, 1 organization; environments test
    no file differs from HEAD
    ");
    insta::assert_snapshot!(walk.goes(9, "plan --out plan.json"), @r"
    exit 0
    test on URL

    + create NORTH (distributor) North: a realm with 3 clients, 4 client scopes, N roles
      + create CLINIC (organization) Clinic: a realm with 5 clients, 5 client scopes, N roles, 1 licence, 2 users

    Plan: 2 realms to create, 0 to change, 0 unchanged.
    ---
    saved to plan.json; apply it with `realmwright apply plan.json`
    ");
    insta::assert_snapshot!(walk.goes(9, "apply plan.json"), @r"
    exit 0
    Applied: 2 realms created, 0 changed in N s with N requests, N realms/s.
    ---
    ");
    insta::assert_snapshot!(walk.goes(3, "seat assign CLINIC assistant boss@clinic.example"), @r"
    exit 0
    boss@clinic.example has a seat of assistant: 2 of 5 seats are taken
    ---
    ");
    insta::assert_snapshot!(walk.goes(4, "seat list CLINIC assistant"), @r"
    exit 0
    CLINIC assistant 2 of 5 seats are taken
      boss@clinic.example
      demo
    ---
    ");
    insta::assert_snapshot!(walk.goes(3, "seat revoke CLINIC assistant boss@clinic.example"), @r"
    exit 0
    boss@clinic.example has no seat of assistant: 1 of 5 seats are taken
    ---
    ");
    insta::assert_snapshot!(walk.goes(3, "drift"), @r"
    exit 0
    No drift: nothing that is managed was changed outside Realmwright; 2 realms are as last applied.
    ---
    ");
    insta::assert_snapshot!(walk.goes(6, "explain CLINIC/client/worker"), @r#"
    exit 0
    CLINIC/client/worker
      clientId = "worker"
          north/north.yaml:20 `realm.clients[0].clientId` of `CLINIC`
          on the server: the same
      publicClient = false
          north/north.yaml:20 `realm.clients[0].publicClient` of `CLINIC`
    …
    ---
    "#);
    insta::assert_snapshot!(walk.goes(4, "guards"), @r"
    exit 0
    realm-deletions
      refuses what deletes many objects of one realm
      limit N % (default) of N (default) objects or more, and N (default)
      waive --waive realm-deletions, or --waive realm-deletions@TENANT
    …
    ---
    ");
    insta::assert_snapshot!(walk.goes(3, "doctor --select CLINIC"), @r"
    exit 0
    URL

    ok server.reachable a Keycloak answers; its master realm is URL/realms/master
    …
    ---
    ");
    assert_eq!(walk.goes(0, "domain CLINIC"), "exit 0\n…\n---\n");
    insta::assert_snapshot!(walk.goes(3, "rotate client-secret CLINIC/client/worker --out worker.secret"), @r"
    exit 0
    ---
    CLINIC/client/worker has a new secret; it is in worker.secret
    ");
    insta::assert_snapshot!(walk.goes(3, "rotate operator-key --status"), @r"
    exit 0
    this key THUMBPRINT
    other key none: no rotation is under way
    realms 0 trust both, 2 this key alone
    ---
    ");
    insta::assert_snapshot!(walk.goes(2, "import CLINIC --out .imported --quiet --format json"), @r#"
    exit 0
    {
      "builtIn": N,
    …
    ---
    "#);
    insta::assert_snapshot!(walk.goes(4, "destroy CLINIC --yes --export clinic.json"), @r"
    exit 0
    CLINIC is in quarantine: 6 clients and 0 identity providers are disabled, all sessions are ended.
    ---
    exported to clinic.json: the realm and 2 users, without passwords, secrets, private keys, sessions and events
    `realmwright restore CLINIC` opens it again
    from TIME on, `realmwright destroy CLINIC --final` deletes it, once the manifests no longer declare it
    ");
    insta::assert_snapshot!(walk.goes(4, "restore CLINIC --yes"), @r"
    exit 0
    CLINIC is open again: 6 clients and 0 identity providers are enabled.
    ---
    its users log in anew: sessions, offline ones too, and initial access tokens do not come back
    `realmwright plan` shows what of it is not as the manifests say
    ");
    insta::assert_snapshot!(walk.goes(2, "config show"), @r"
    exit 0
    environment (the only one of the platform) default
    server URL env REALMWRIGHT_SERVER
    …
    ---
    ");
    insta::assert_snapshot!(walk.goes(3, "schema plan"), @r#"
    exit 0
    {
      "$defs": {
        "Action": {
    …
    ---
    "#);
    insta::assert_snapshot!(walk.goes(1, "completions bash"), @r"
    exit 0
    _realmwright() {
    …
    ---
    ");
    insta::assert_snapshot!(walk.goes(1, "man"), @r"
    exit 0
    .ie \n(.g .ds Aq \(aq
    …
    ---
    ");
    let orders = [
        r#"{"at": 10, "command": {"do": "define-resource", "resource": "users", "measure": "gauge"}}"#,
        r#"{"at": 10, "command": {"do": "define-resource", "resource": "devices", "measure": "gauge"}}"#,
        r#"{"at": 10, "command": {"do": "create", "organization": "acme", "ownLicences": true}}"#,
    ];
    walk.site.write("orders.jsonl", &orders.join("\n"));
    insta::assert_snapshot!(walk.goes(0, "ledger post orders.jsonl --actor anna --ledger sqlite:a.db"), @r"
    exit 0
    …
    ---
    …
    ");
    insta::assert_snapshot!(walk.goes(9, "ledger log --ledger sqlite:a.db"), @r"
    exit 0
         1 TIME anna users is a gauge
         2 TIME anna devices is a gauge
         3 TIME anna acme created as a root
    ---
    ");
    insta::assert_snapshot!(walk.goes(9, "ledger verify --ledger sqlite:a.db"), @r"
    exit 0
    head HEAD
    ---
    3 entries, each as it was written
    ");
    insta::assert_snapshot!(walk.goes(9, "ledger backup b.jsonl --ledger sqlite:a.db"), @r"
    exit 0
    ---
    3 entries; head HEAD
    ");
    insta::assert_snapshot!(walk.goes(9, "ledger restore b.jsonl --ledger sqlite:c.db"), @r"
    exit 0
    ---
    3 entries; head HEAD
    ");
    insta::assert_snapshot!(walk.goes(9, "tree --ledger sqlite:c.db"), @r"
    exit 0
    acme own licences
    ---
    ");
    serves(&mut walk);
    licences(&mut walk);
    let unused: Vec<Vec<String>> = commands().into_iter().filter(|command| !walk.used.contains(command)).collect();
    assert!(unused.is_empty(), "no good run of {unused:?} is shown here");
    walk.site.remove();
}

/// Licences and devices, in the ledger `a.db`.
fn licences(walk: &mut Walk) {
    let (private, public) = signing_key();
    walk.site.write("signing.pem", &private);
    walk.site.write("trusted.pem", &public);
    let asking = "--ledger sqlite:a.db --actor anna";
    let issue = "licence issue --serial AS-1 --quantity organizations=1 --quantity devices=2 --valid-until 2999-12-31 --file a.licence --signing-key signing.pem";
    insta::assert_snapshot!(walk.goes(9, &format!("{issue} {asking}")), @r"
    exit 0
    AS-1
    ---
    licence AS-1
      product none
      type none
      releases 2 devices, 1 organizations
      valid until 2999-12-31
      issued by the platform
    written to a.licence
    ");
    insta::assert_snapshot!(walk.goes(1, "licence verify a.licence --trusted-keys trusted.pem"), @r"
    exit 0
    licence AS-1
    …
    ---
    it is genuine
    ");
    insta::assert_snapshot!(walk.goes(9, "licence show AS-1 --ledger sqlite:a.db"), @r"
    exit 0
    licence AS-1
      product none
      type none
      releases 2 devices, 1 organizations
      valid until 2999-12-31
      issued by the platform
      standing issued
    ---
    ");
    insta::assert_snapshot!(walk.goes(9, &format!("licence redeem AS-1 -o acme --yes {asking}")), @r"
    exit 0
    ---
    licence AS-1
      product none
      type none
      releases 2 devices, 1 organizations
      valid until 2999-12-31
      issued by the platform
      standing issued
    licence AS-1 redeemed by acme
    ");
    insta::assert_snapshot!(walk.goes(9, "licence list acme --ledger sqlite:a.db"), @r"
    exit 0
    licence AS-1
      product none
      type none
      releases 2 devices, 1 organizations
      valid until 2999-12-31
      issued by the platform
      standing redeemed
      held by acme
    ---
    ");
    insta::assert_snapshot!(walk.goes(9, "resources acme --ledger sqlite:a.db"), @r"
    exit 0
    acme own licences
        devices 2 left: 0 of 2 used (own 0, shared 0)
        organizations 1 left: 0 of 1 used (own 0, shared 0)
        users 0 left: 0 of 0 used (own 0, shared 0)
      licence AS-1 2 devices, 1 organizations redeemed until 2999-12-31
    ---
    ");
    insta::assert_snapshot!(walk.goes(2, "usage acme --changes --resource users --ledger sqlite:a.db"), @r"
    exit 0
    acme users alone
      nothing changed
    ---
    ");
    insta::assert_snapshot!(walk.goes(9, &format!("count . {asking}")), @r"
    exit 0
    ---
    nothing was counted: the ledger knows none of these tenants, or neither their users nor their seats
    ");
    insta::assert_snapshot!(walk.goes(9, &format!("device register acme 2 {asking}")), @r"
    exit 0
    ---
    acme uses 2 devices more
    ");
    insta::assert_snapshot!(walk.goes(9, &format!("device retire acme {asking}")), @r"
    exit 0
    ---
    acme uses 1 devices less
    ");
    let quietly = |walk: &Walk, line: &str| {
        let output = walk.site.run(&format!("{line} {asking}").split(' ').collect::<Vec<_>>());
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    let beta = r#"{"command": {"do": "create", "organization": "beta", "parent": "acme", "ownLicences": true}}"#;
    walk.site.write("beta.jsonl", beta);
    quietly(walk, "ledger post beta.jsonl");
    quietly(walk, "licence issue --serial AS-2 --quantity devices=1 --valid-until 2999-12-31");
    quietly(walk, "licence redeem AS-2 -o beta --yes");
    let token = quietly(walk, "device import-token --to beta --signing-key signing.pem");
    insta::assert_snapshot!(walk.goes(0, &format!("device import-token --to acme --signing-key signing.pem {asking}")), @r"
    exit 0
    …
    ---
    …
    ");
    let moved =
        format!("device move --from acme --token {token} --accept-data-loss --trusted-keys trusted.pem {asking}");
    assert_eq!(walk.goes(0, &moved), "exit 0\n---\n…\n");
    insta::assert_snapshot!(walk.goes(9, &format!("licence renew AS-1 --until 3000-12-31 {asking}")), @r"
    exit 0
    ---
    licence AS-1 renewed
    ");
    insta::assert_snapshot!(walk.goes(9, &format!("licence revoke AS-1 {asking}")), @r"
    exit 0
    ---
    licence AS-1 revoked
    ");
}
