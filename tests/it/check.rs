//! `check`: what an author may change; and findings in the forms that other programs read.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{PLATFORM, TENANT, dir, realmwright, shown};
use crate::support::sarif;

const ACME: &str = "\
apiVersion: realmwright/v1
kind: Distributor
name: acme
licences:
  - {product: assistant, type: pro, serial: V-1, seats: 10, validUntil: 2027-12-31}
organizations:
  - name: clinic
    licences:
      - {product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}
";

fn git(dir: &TempDir, arguments: &[&str]) {
    let identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
    let output =
        Command::new("git").arg("-C").arg(dir.path()).args(identity).args(arguments).output().expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with two distributors, below a directory of its own, and a branch to work on.
fn repository() -> TempDir {
    let dir = dir(&[
        ("live/platform.yaml", PLATFORM.1),
        ("live/distributors/acme/acme.yaml", ACME),
        (
            "live/distributors/north/north.yaml",
            &TENANT.1.replace("name: north\n", "name: north\norganizations: [{name: south}]\n"),
        ),
        (".github/workflows/plan.yaml", "on: pull_request\n"),
    ]);
    git(&dir, &["init", "-q"]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-qm", "base"]);
    git(&dir, &["switch", "-qc", "work"]);
    dir
}

fn check(dir: &TempDir, more: &[&str]) -> Output {
    let arguments = ["check", "live", "--base", "main", "--author-scope", "distributors/acme"];
    realmwright(dir, &[&arguments, more].concat())
}

fn write(dir: &TempDir, name: &str, text: &str) {
    let path = dir.path().join("live").join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    std::fs::write(path, text).expect("a file");
}

fn edit(dir: &TempDir, from: &str, to: &str) {
    assert!(ACME.contains(from));
    write(dir, "distributors/acme/acme.yaml", &ACME.replace(from, to));
}

/// The codes that are found, and the way the program ended.
fn codes(output: &Output) -> (i32, Vec<String>) {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(output)));
    let found = report["findings"].as_array().expect("a list").iter();
    let mut codes: Vec<String> = found.map(|finding| finding["code"].as_str().expect("a code").into()).collect();
    codes.sort();
    codes.dedup();
    (output.status.code().expect("a code"), codes)
}

/// What is found when the author does this.
fn refused(change: impl FnOnce(&TempDir)) -> Vec<String> {
    let dir = repository();
    change(&dir);
    let (code, codes) = codes(&check(&dir, &["--format", "json"]));
    assert_eq!(code, if codes.is_empty() { 0 } else { 3 }, "{codes:?}");
    codes
}

#[test]
fn an_author_changes_the_own_branch() {
    let dir = repository();
    insta::assert_snapshot!(shown(&check(&dir, &[])), @r"
    exit 0

    ---
    test: 2 distributors, 0 resellers, 2 organizations; environments test
    no file differs from main
    ");
    edit(&dir, "seats: 5,", "seats: 8,");
    write(
        &dir,
        "distributors/acme/more/new.yaml",
        "apiVersion: realmwright/v1\nkind: Reseller\nname: west\nparent: acme\n",
    );
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-qm", "more"]);
    write(
        &dir,
        "distributors/acme/later.yaml",
        "apiVersion: realmwright/v1\nkind: Organization\nname: late\nparent: west\n",
    );
    insta::assert_snapshot!(shown(&check(&dir, &[])), @r"
    exit 0

    ---
    test: 2 distributors, 1 reseller, 3 organizations; environments test
    3 files differ from main, all within what the author may change
    ");
}

#[test]
fn what_the_base_got_meanwhile_is_not_the_authors() {
    let dir = repository();
    git(&dir, &["switch", "-q", "main"]);
    write(&dir, "platform.yaml", &PLATFORM.1.replace("label: Assistant", "label: Other"));
    git(&dir, &["commit", "-qam", "meanwhile"]);
    git(&dir, &["switch", "-q", "work"]);
    edit(&dir, "seats: 5,", "seats: 8,");
    assert_eq!(codes(&check(&dir, &["--format", "json"])), (0, Vec::new()));
}

#[test]
fn files_of_others_are_left_alone() {
    let one = |codes: Vec<String>| assert_eq!(codes, ["outside-scope"]);
    one(refused(|dir| write(dir, "platform.yaml", &PLATFORM.1.replace("label: Assistant", "label: Mine"))));
    one(refused(|dir| write(dir, "../.github/workflows/plan.yaml", "on: push\n")));
    one(refused(|dir| write(dir, "distributors/acme-2/readme.txt", "x")));
    one(refused(|dir| write(dir, "template.yaml", "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\n")));
}

#[test]
fn a_rename_counts_on_both_sides() {
    let dir = repository();
    git(&dir, &["mv", "live/distributors/north/north.yaml", "live/distributors/acme/n.txt"]);
    git(&dir, &["commit", "-qm", "moved"]);
    assert_eq!(codes(&check(&dir, &["--format", "json"])), (3, vec!["outside-scope".into()]));
}

#[cfg(unix)]
#[test]
fn links_are_refused_committed_or_not() {
    for commit in [false, true] {
        let codes = refused(|dir| {
            let link = dir.path().join("live/distributors/acme/x");
            std::os::unix::fs::symlink("../../platform.yaml", link).expect("a link");
            if commit {
                git(dir, &["add", "."]);
                git(dir, &["commit", "-qm", "link"]);
            }
        });
        assert!(codes.contains(&"link".to_owned()), "{codes:?}");
    }
}

#[test]
fn what_the_vendor_grants_is_not_the_distributors_to_change() {
    let one = |code: &str, codes: Vec<String>| assert_eq!(codes, [code]);
    one("granted", refused(|dir| edit(dir, "seats: 10", "seats: 11")));
    let more = "seats: 10, validUntil: 2027-12-31}\n  - {product: insights, type: x, serial: V-2, seats: 1, validUntil: 2027-12-31}";
    one("granted", refused(|dir| edit(dir, "seats: 10, validUntil: 2027-12-31}", more)));
    one("granted", refused(|dir| edit(dir, "name: acme\n", "name: acme\nenvironments: {test: {licences: []}}\n")));
}

#[test]
fn grants_do_not_come_in_by_another_way() {
    let realm = "realm: {attributes: {licence.V-1.seats: '999'}}\n";
    let codes = refused(|dir| edit(dir, "name: acme\n", &format!("name: acme\n{realm}")));
    assert_eq!(codes, ["granted", "granted-in-realm"]);
    let codes = refused(|dir| {
        edit(dir, "  - name: clinic\n", "  - name: clinic\n    realm: {attributes: {licence.X.serial: X}}\n")
    });
    assert_eq!(codes, ["granted-in-realm"]);
    let template = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\nextends: distributor\nrealm: {attributes: {licence.V-1.seats: '7'}}\n";
    let codes = refused(|dir| {
        write(dir, "distributors/acme/mine.yaml", template);
        edit(dir, "name: acme\n", "name: acme\ntemplate: mine\n");
    });
    assert_eq!(codes, ["granted", "granted-in-realm"]);
    let grant = refused(|dir| {
        edit(dir, "  - name: clinic\n", "  - name: clinic\n    realm: {attributes: {grant.users: '9'}}\n")
    });
    assert_eq!(grant, ["granted-in-realm"]);
    let tier = refused(|dir| {
        edit(dir, "  - name: clinic\n", "  - name: clinic\n    realm: {attributes: {tenant.distributor: north}}\n")
    });
    assert_eq!(tier, ["granted-in-realm"]);
}

/// What an author could make grants with: each refused where the author writes it, with its line.
#[test]
fn rights_to_take_what_the_vendor_grants_are_the_vendors_to_give() {
    let with = |lines: &str| format!("  - name: clinic\n{lines}\n");
    let realm = |text: &str| with(&format!("    realm: {text}"));
    let permission = r#"{adminPermissionsEnabled: true, clients: [{clientId: admin-permissions, authorizationSettings: {policies: [
      {name: p, type: role, config: {roles: [{id: tenant-admin}]}},
      {name: take all, type: scope, config: {defaultResourceType: Clients, resources: [Clients], scopes: [manage, view], applyPolicies: [p]}}]}}]}"#;
    let ways = [
        realm("{roles: {client: {assistant: [{name: premium}]}}}"),
        with("    users: [{username: u, roles: [realm-management/realm-admin]}]"),
        realm(
            "{roles: {realm: [{name: boss, composites: {client: {realm-management: [view-users, manage-clients]}}}]}}",
        ),
        realm("{groups: [{name: g, clientRoles: {realm-management: [create-client]}}]}"),
        realm(
            "{clients: [{clientId: own, serviceAccountsEnabled: true}], users: [{username: service-account-own, serviceAccountClientId: own, clientRoles: {realm-management: [manage-realm]}}]}",
        ),
        realm(
            "{identityProviders: [{alias: i, providerId: oidc, config: {tokenUrl: 'https://i.example/t', authorizationUrl: 'https://i.example/a', clientId: x}}], identityProviderMappers: [{name: m, identityProviderAlias: i, identityProviderMapper: oidc-hardcoded-role-idp-mapper, config: {role: realm-management.realm-admin}}]}",
        ),
        realm(permission),
        realm(
            "{roles: {client: {assistant: [{name: reviewer, description: mine}]}, realm: [{name: boss, composites: {client: {realm-management: [manage-users]}}}]}}",
        ),
    ];
    let found = ways.iter().map(|way| {
        let dir = repository();
        edit(&dir, "  - name: clinic\n", way);
        let said = String::from_utf8(check(&dir, &["--format", "github"]).stdout).expect("text");
        if said.is_empty() { "nothing\n".into() } else { said }
    });
    insta::assert_snapshot!(found.collect::<String>(), @r#"
    ::error file=live/distributors/acme/acme.yaml,line=8,col=49,title=granted-right::clinic/client-role/assistant/premium is no role that the product has, which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    ::error file=live/distributors/acme/acme.yaml,line=8,col=34,title=granted-right::clinic/user/u gives `client-role/realm-management/realm-admin`, which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    ::error file=live/distributors/acme/acme.yaml,line=8,col=95,title=granted-right::clinic/role/boss gives `client-role/realm-management/manage-clients`, which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    ::error file=live/distributors/acme/acme.yaml,line=8,col=65,title=granted-right::clinic/group/g gives `client-role/realm-management/create-client`, which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    ::error file=live/distributors/acme/acme.yaml,line=8,col=173,title=granted-right::clinic/user/service-account-own gives `client-role/realm-management/manage-realm`, which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    ::error file=live/distributors/acme/acme.yaml,line=8,col=294,title=granted-right::clinic/identity-provider-mapper/i/m gives `client-role/realm-management/realm-admin`, which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    ::error file=live/distributors/acme/acme.yaml,line=9,col=51,title=granted-right::clinic/authorization/admin-permissions lets clients be managed by the permission "take all", which the vendor decides%0Atake it out, or ask the platform team: with it, somebody could take what only a licence gives
    nothing
    "#);
}

const ORGANIZATION: &str = "\
apiVersion: realmwright/v1
kind: RealmTemplate
name: organization
extends: base
realm:
  browserFlow: door
  authenticationFlows:
    - {alias: door, providerId: basic-flow, topLevel: true, authenticationExecutions: [{authenticator: auth-cookie, requirement: REQUIRED}]}
";

/// Logins go the way that the vendor's template lays down: whatever an author does about it is refused at its line.
#[test]
fn the_way_in_is_the_vendors_where_its_template_lays_one() {
    let open =
        "{alias: door, authenticationExecutions: [{authenticator: allow-access-authenticator, requirement: REQUIRED}]}";
    let mine = |extends: &str, realm: &str| {
        format!("apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\nextends: {extends}\nrealm: {realm}\n")
    };
    let clinic = |lines: &str| format!("  - name: clinic\n    {lines}\n");
    let ways: [(&str, String, Option<String>); 7] = [
        ("a binding", clinic("realm: {browserFlow: browser}"), None),
        ("what is in the flow", clinic(&format!("realm: {{authenticationFlows: [{open}]}}")), None),
        (
            "a template over the vendor's",
            clinic("template: mine"),
            Some(mine("organization", "{browserFlow: browser}")),
        ),
        ("a template beside the vendor's", clinic("template: mine"), Some(mine("base", "{}"))),
        (
            "a client of a product",
            clinic("realm: {clients: [{clientId: assistant, authenticationFlowBindingOverrides: {browser: browser}}]}"),
            None,
        ),
        (
            "a new tenant",
            format!("  - {{name: late, template: mine}}\n{}", clinic("label: Clinic")),
            Some(mine("base", "{browserFlow: browser}")),
        ),
        (
            "a flow of the author's that the vendor does not speak of",
            clinic(
                "realm: {registrationFlow: own, authenticationFlows: [{alias: own, providerId: basic-flow, topLevel: true, authenticationExecutions: []}]}",
            ),
            None,
        ),
    ];
    let mut said = String::new();
    for (what, lines, template) in ways {
        let dir = repository();
        git(&dir, &["switch", "-q", "main"]);
        write(&dir, "organization.yaml", ORGANIZATION);
        git(&dir, &["add", "."]);
        git(&dir, &["commit", "-qm", "the vendor's way in"]);
        git(&dir, &["switch", "-qc", "more"]);
        edit(&dir, "  - name: clinic\n", &lines);
        template.iter().for_each(|text| write(&dir, "distributors/acme/mine.yaml", text));
        let found = String::from_utf8(check(&dir, &["--format", "github"]).stdout).expect("text");
        said.push_str(&format!("{what}\n{}", if found.is_empty() { "  nothing\n" } else { &found }));
    }
    insta::assert_snapshot!(said, @"
    a binding
    ::error file=live/distributors/acme/acme.yaml,line=8,col=26,title=vendor-flow::`browserFlow` of clinic/realm leads logins another way than the vendor's template does%0Atake it out, or ask the platform team: what a licence gives may be asked for on that way
    what is in the flow
    ::error file=live/distributors/acme/acme.yaml,line=8,col=92,title=vendor-flow::`executions` of clinic/flow/door leads logins another way than the vendor's template does%0Atake it out, or ask the platform team: what a licence gives may be asked for on that way
    a template over the vendor's
    ::error file=live/distributors/acme/mine.yaml,line=5,col=22,title=vendor-flow::`browserFlow` of clinic/realm leads logins another way than the vendor's template does%0Atake it out, or ask the platform team: what a licence gives may be asked for on that way
    a template beside the vendor's
    ::error file=live/distributors/acme/acme.yaml,line=8,col=15,title=vendor-flow::`browserFlow` of clinic/realm leads logins another way than the vendor's template does%0Atake it out, or ask the platform team: what a licence gives may be asked for on that way
    a client of a product
    ::error file=live/distributors/acme/acme.yaml,line=8,col=91,title=vendor-flow::`authenticationFlowBindingOverrides.browser` of clinic/client/assistant leads logins another way than the vendor's template does%0Atake it out, or ask the platform team: what a licence gives may be asked for on that way
    a new tenant
    ::error file=live/distributors/acme/mine.yaml,line=5,col=22,title=vendor-flow::`browserFlow` of late/realm leads logins another way than the vendor's template does%0Atake it out, or ask the platform team: what a licence gives may be asked for on that way
    a flow of the author's that the vendor does not speak of
      nothing
    ");
}

/// What the platform team's templates give, and what was there before, is not the author's doing.
#[test]
fn what_others_wrote_is_not_held_against_an_author() {
    let template = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\nextends: organization\nrealm: {roles: {realm: [{name: boss, composites: {client: {realm-management: [realm-admin]}}}]}}\n";
    let dir = repository();
    git(&dir, &["switch", "-q", "main"]);
    write(&dir, "mine.yaml", template);
    let before = ACME.replace(
        "  - name: clinic\n",
        "  - name: clinic\n    realm: {groups: [{name: g, clientRoles: {realm-management: [manage-realm]}}]}\n",
    );
    write(&dir, "distributors/acme/acme.yaml", &before);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-qm", "the platform's"]);
    git(&dir, &["switch", "-qc", "more"]);
    let after = before.replace("organizations:\n", "organizations:\n  - {name: new, template: mine}\n");
    write(&dir, "distributors/acme/acme.yaml", &after);
    assert_eq!(codes(&check(&dir, &["--format", "json"])), (0, Vec::new()));
}

#[test]
fn distributors_and_tenants_stay_where_they_are() {
    let other = "apiVersion: realmwright/v1\nkind: Distributor\nname: other\n";
    let new = refused(|dir| write(dir, "distributors/acme/sub/other.yaml", other));
    assert_eq!(new, ["new-distributor"]);
    let renamed = refused(|dir| edit(dir, "name: acme", "name: acme-2"));
    assert_eq!(renamed, ["moved-tenant", "new-distributor", "removed-distributor"]);
    let taken = refused(|dir| {
        write(dir, "distributors/north/north.yaml", TENANT.1);
        edit(dir, "  - name: clinic\n", "  - name: south\n  - name: clinic\n");
    });
    assert_eq!(taken, ["moved-tenant", "outside-scope"]);
}

#[test]
fn a_variable_of_the_platform_is_not_taken_into_a_realm() {
    let user = "  - name: clinic\n    users: [{username: u, password: 'env:DEPLOY_TOKEN'}]\n";
    assert_eq!(refused(|dir| edit(dir, "  - name: clinic\n", user)), ["new-variable"]);
}

#[test]
fn wrong_manifests_are_an_error_before_anything_else() {
    let dir = repository();
    edit(&dir, "name: clinic", "nam: clinic");
    let (code, _) = codes(&check(&dir, &["--format", "json"]));
    assert_eq!(code, 1);
}

#[test]
fn a_call_that_cannot_be_answered_says_why() {
    let dir = repository();
    let arguments =
        |base: &'static str, scope: &'static str| ["check", "live", "--base", base, "--author-scope", scope];
    for (arguments, code, word) in [
        (arguments("nothing", "distributors/acme"), 64, "has no revision `nothing`"),
        (arguments("--all", "distributors/acme"), 64, "unexpected argument"),
        (arguments("main", "../.."), 64, "is not a directory inside"),
        (arguments("main", "distributors/none"), 3, "no distributor had its directory in"),
    ] {
        let output = realmwright(&dir, &arguments);
        let said = shown(&output);
        assert!(output.status.code() == Some(code) && said.contains(word), "{said}");
    }
    let outside = crate::cli::dir(&[PLATFORM, TENANT]);
    let output = realmwright(&outside, &["check", "--base", "main", "--author-scope", "north"]);
    let said = shown(&output);
    assert!(output.status.code() == Some(1) && said.contains("is in no repository"), "{said}");
    let output = Command::new(env!("CARGO_BIN_EXE_realmwright"))
        .args(["check", "live", "--base", "main", "--author-scope", "distributors/acme"])
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", "/nowhere")
        .output()
        .expect("the program runs");
    assert!(shown(&output).contains("the command `git` is not there"), "{}", shown(&output));
}

#[test]
fn the_finding_has_its_line_and_a_way_out() {
    let dir = repository();
    edit(&dir, "seats: 10", "seats: 11");
    insta::assert_snapshot!(shown(&check(&dir, &[])), @r"
    exit 3

    ---
    error[granted]: `licences` of the distributor `acme` changes, which the vendor decides
      --> live/distributors/acme/acme.yaml:5:5
       |
     5 |   - {product: assistant, type: pro, serial: V-1, seats: 11, validUntil: 2027-12-31}
       |     ^^^^^^^^
      hint: put it back as it was; resellers and organizations below may be given licences here

    1 error; nothing was planned or written
    ");
    insta::assert_snapshot!(shown(&check(&dir, &["--format", "github"])), @r"
    exit 3
    ::error file=live/distributors/acme/acme.yaml,line=5,col=5,title=granted::`licences` of the distributor `acme` changes, which the vendor decides%0Aput it back as it was; resellers and organizations below may be given licences here
    ---
    ");
}

#[test]
fn sarif_has_what_code_scanning_needs() {
    let dir = repository();
    edit(&dir, "seats: 10", "seats: 11");
    write(&dir, "distributors/north/a b.yaml", "x: 1\n");
    let output = check(&dir, &["--format", "sarif"]);
    let sarif: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    sarif::check(&sarif);
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert!(results.len() >= 3, "{results:#?}");
    let all: Vec<&str> = results
        .iter()
        .filter_map(|r| r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str())
        .collect();
    assert!(all.contains(&"live/distributors/north/a%20b.yaml"), "{all:?}");
    let clean = realmwright(&repository(), &["validate", "live", "--format", "sarif"]);
    let sarif: Value = serde_json::from_slice(&clean.stdout).expect("JSON");
    sarif::check(&sarif);
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
}

/// Every sort of finding that a directory can have at once: more than GitHub shows, without a place, twice alike.
#[test]
fn sarif_is_what_code_scanning_takes_whatever_is_found() {
    let log = |files: &[(&str, &str)], arguments: &[&str]| -> Value {
        let output = realmwright(&dir(files), arguments);
        assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let validate = ["validate", "--format", "sarif"];
    let none = log(&[("a.yaml", TENANT.1)], &validate);
    sarif::check(&none);
    assert_eq!(none["runs"][0]["results"][0]["ruleId"], "no-platform");
    let wrong: String = (0..6_000).map(|n| format!("  - {{name: a{n}, nam: x}}\n")).collect();
    let many = log(&[PLATFORM, ("north/north.yaml", &format!("{}organizations:\n{wrong}", TENANT.1))], &validate);
    sarif::check(&many);
    assert_eq!(many["runs"][0]["results"].as_array().map(Vec::len), Some(sarif::RESULTS));
    // A finding is known again where lines were put before it.
    let print = |text: &str| {
        let log = log(&[PLATFORM, ("north/north.yaml", text)], &validate);
        log["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    let text = format!("{}labbel: x\n", TENANT.1);
    assert_eq!(print(&text), print(&format!("# a line\n\n{text}")));
    assert_ne!(print(&text), print(&text.replace("labbel", "labell")));
}

#[test]
fn every_code_is_a_rule() {
    use realmwright::diagnostic::rule::RULES;
    assert!(RULES.is_sorted_by_key(|rule| rule.code));
    let mut missing = Vec::new();
    crate::layers::each(|_, name, text| {
        for (index, _) in text.match_indices("Diagnostic::") {
            let call = &text[index + 12..];
            if !["error(", "warning(", "general("].iter().any(|start| call.starts_with(start)) {
                continue;
            }
            let Some(code) = call.split('"').nth(1).filter(|_| call.find('"').is_some_and(|at| at < 60)) else {
                continue;
            };
            let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            if is_code && !RULES.iter().any(|rule| rule.code == code) {
                missing.push(format!("{code} ({name})"));
            }
        }
    });
    assert!(missing.is_empty(), "add to the table in src/diagnostic/rule.rs: {missing:?}");
}
