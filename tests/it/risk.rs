//! What a reviewer must not miss, and what guards count of what goes with a deletion.

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::Users;
use realmwright::keycloak::{WriteRealms, observe};
use realmwright::manifest::guards::Limits;
use realmwright::plan::drift::drift;
use realmwright::plan::render::{markdown, text};
use realmwright::plan::review::review;
use realmwright::plan::risk::{Part, Risk};
use realmwright::plan::select::Selection;
use realmwright::plan::{Action, Cause, Change, Plan, Refusal};
use serde_json::{Value, json};

use crate::markdown::{tenant, update};
use crate::plan::{applied, world};
use crate::support::{World, changes, header};

/// The dangers of a plan, a line each.
fn told(plan: &Plan) -> Vec<String> {
    let part = |part: &Part| match part {
        Part::Word(word) => (*word).to_owned(),
        Part::Value(value) => value.clone(),
    };
    let line = |risk: &Risk| format!("{:?}: {}", risk.sort, risk.what.iter().map(part).collect::<Vec<_>>().join(" "));
    review(plan).risks.iter().map(line).collect()
}

fn plan_of(change: Change) -> Plan {
    Plan::new(header(), vec![tenant("clinic", "Clinic", vec![change])])
}

/// What is told of a field that changes; `null` stands for none.
fn change(object: &str, path: &str, before: Value, after: Value, cause: Cause) -> Vec<String> {
    let some = |value: Value| Some(value).filter(|value| !value.is_null());
    let mut change = Change { cause, ..update(object, path, Value::Null, Value::Null) };
    change.fields[0].cause = cause;
    (change.fields[0].before, change.fields[0].after) = (some(before), some(after));
    told(&plan_of(change))
}

/// A table of fields that change, with what is told of each. What a repair takes back is told as that alone.
fn table(rows: &[(&str, &str, Value, Value)]) -> String {
    let mut lines = Vec::new();
    for (object, path, before, after) in rows {
        let of = |cause| change(object, path, before.clone(), after.clone(), cause);
        lines.push(match of(Cause::Manifest).as_slice() {
            [] => format!("- {object} {path} {after}"),
            [one] => one.clone(),
            more => format!("{more:?}"),
        });
        assert_eq!(of(Cause::Drift), [format!("Drift: {object} in {path}")]);
    }
    lines.join("\n")
}

#[test]
fn rights_are_told_whoever_gets_them() {
    let ldap = "component/org.keycloak.storage.UserStorageProvider/ldap";
    let rows = [
        ("role/nurse", "composites.realm", json!(["a"]), json!(["a", "boss"])),
        ("role/default-roles-clinic", "composites.realm", json!([]), json!(["boss"])),
        ("role/nurse", "composites.realm", json!(["a", "boss"]), json!(["a"])),
        ("client-role/app/x", "composites.client.realm-management", json!(null), json!(["realm-admin"])),
        ("group/wards", "realmRoles", json!(["nurse"]), json!(["doctor", "nurse"])),
        ("group/wards", "clientRoles.app", json!(null), json!(["boss"])),
        ("user/anna", "realmRoles.boss", json!(null), json!(true)),
        ("user/anna", "groups./wards", json!(null), json!(true)),
        ("client/app", "scopeMappings.realm", json!(null), json!(["boss"])),
        ("client-scope/wide", "scopeMappings.client.app", json!(null), json!(["boss"])),
        ("realm", "defaultGroups", json!(null), json!(["/wards"])),
        ("identity-provider/corp", "config.tokenUrl", json!("https://a"), json!("http://b")),
        ("identity-provider/corp", "config.signingCertificate", json!("MII"), json!(null)),
        ("identity-provider/corp", "enabled", json!(false), json!(true)),
        ("identity-provider/corp", "displayName", json!("A"), json!("B")),
        (ldap, "config.connectionUrl", json!(["ldaps://a"]), json!(["ldap://b"])),
        ("component/org.keycloak.keys.KeyProvider/x", "config.enabled", json!(["false"]), json!(["true"])),
        ("identity-provider-mapper/corp/m", "config.role", json!("a"), json!("realm-management.realm-admin")),
        ("client-mapper/app/m", "config.role", json!(null), json!("boss")),
    ];
    insta::assert_snapshot!(table(&rows), @r#"
    Right: role/nurse gets role/boss
    Right: role/default-roles-clinic gets role/boss (every user)
    - role/nurse composites.realm ["a"]
    Right: client-role/app/x gets client-role/realm-management/realm-admin (a right to administer the realm)
    Right: group/wards gets role/doctor
    Right: group/wards gets client-role/app/boss
    Right: user/anna gets role/boss
    Right: user/anna gets group/wards
    Right: client/app may carry role/boss
    Right: client-scope/wide may carry client-role/app/boss
    Right: realm puts every new user into group/wards
    Right: identity-provider/corp config.tokenUrl goes from https://a to http://b (not encrypted) (somebody else may vouch for users)
    Right: identity-provider/corp config.signingCertificate is taken away (somebody else may vouch for users)
    Right: users may log in through identity-provider/corp
    - identity-provider/corp displayName "B"
    Right: component/org.keycloak.storage.UserStorageProvider/ldap config.connectionUrl goes from ldaps://a to ldap://b (not encrypted) (somebody else may vouch for users)
    - component/org.keycloak.keys.KeyProvider/x config.enabled ["true"]
    Right: identity-provider-mapper/corp/m gives users realm-management.realm-admin
    Right: client-mapper/app/m puts into tokens boss
    "#);
}

#[test]
fn protection_that_is_weakened_is_told_and_what_is_strengthened_is_not() {
    let policy = || json!("length(8) and digits(1) and notUsername");
    let realm = |path, before, after| ("realm", path, before, after);
    let mut rows = vec![
        realm("duplicateEmailsAllowed", json!(false), json!(true)),
        realm("bruteForceProtected", json!(false), json!(true)),
        realm("sslRequired", json!("all"), json!("external")),
        realm("sslRequired", json!("none"), json!("external")),
        realm("failureFactor", json!(5), json!(500)),
        realm("accessTokenLifespan", json!(300), json!(240)),
        realm("browserSecurityHeaders.xFrameOptions", json!("DENY"), json!("")),
        realm("browserSecurityHeaders.xFrameOptions", json!("DENY"), json!(null)),
        realm("browserFlow", json!("browser"), json!("no otp")),
        ("flow/mine", "executions", json!([{"a": 1}]), json!([{"a": 2}])),
        ("identity-provider/corp", "config.validateSignature", json!("true"), json!(null)),
        ("identity-provider/corp", "config.validateSignature", json!("false"), json!("true")),
        ("client/app", "attributes.pkce.code.challenge.method", json!("S256"), json!("plain")),
        ("client/app", "authenticationFlowBindingOverrides.browser", json!("a"), json!("b")),
        ("client/app", "fullScopeAllowed", json!(false), json!(true)),
        ("required-action/VERIFY_EMAIL", "enabled", json!(true), json!(false)),
        ("client-policies", "policies", json!([1]), json!([])),
    ];
    rows.extend(
        [
            "digits(1) and notUsername and length(12) and notEmail",
            "length(8) and digits(1)",
            "length(8) and digits(0) and notUsername",
            "length and digits(1) and notUsername",
            "",
        ]
        .map(|after| realm("passwordPolicy", policy(), json!(after))),
    );
    rows.push(realm("passwordPolicy", json!("maxLength(64)"), json!("maxLength(128)")));
    rows.push(realm("passwordPolicy", json!(""), json!("length(8)")));
    insta::assert_snapshot!(table(&rows), @r#"
    Protection: realm duplicateEmailsAllowed becomes true
    - realm bruteForceProtected true
    Protection: realm sslRequired goes from all to external
    - realm sslRequired "external"
    Protection: realm failureFactor goes from 5 to 500
    - realm accessTokenLifespan 240
    Protection: realm browserSecurityHeaders.xFrameOptions goes from DENY to 
    Protection: realm browserSecurityHeaders.xFrameOptions is taken away
    Protection: realm browserFlow goes from browser to no otp
    Protection: flow/mine executions is not what it was
    Protection: identity-provider/corp config.validateSignature is taken away
    - identity-provider/corp config.validateSignature "true"
    Protection: client/app attributes.pkce.code.challenge.method becomes plain
    Protection: client/app authenticationFlowBindingOverrides.browser goes from a to b
    Protection: client/app fullScopeAllowed becomes true
    Protection: required-action/VERIFY_EMAIL enabled becomes false
    Protection: client-policies policies is not what it was
    - realm passwordPolicy "digits(1) and notUsername and length(12) and notEmail"
    Protection: realm passwordPolicy goes from length(8) and digits(1) and notUsername to length(8) and digits(1)
    Protection: realm passwordPolicy goes from length(8) and digits(1) and notUsername to length(8) and digits(0) and notUsername
    Protection: realm passwordPolicy goes from length(8) and digits(1) and notUsername to length and digits(1) and notUsername
    Protection: realm passwordPolicy goes from length(8) and digits(1) and notUsername to 
    Protection: realm passwordPolicy goes from maxLength(64) to maxLength(128)
    - realm passwordPolicy "length(8)"
    "#);
}

#[test]
fn seats_that_are_put_back_are_no_cut() {
    let seats = |before: &str, after: &str, cause| {
        change("realm", "attributes.licence.A-1.seats", json!(before), json!(after), cause)
    };
    assert_eq!(seats("9999", "150", Cause::Manifest), ["Licence: A-1 has fewer seats: 9999 → 150"]);
    let told = ["Drift: realm in attributes.licence.A-1.seats"];
    assert_eq!(seats("9999", "150", Cause::Drift), told);
    let mut put_back = update("realm", "attributes.licence.A-1.seats", json!("9999"), json!("150"));
    (put_back.cause, put_back.fields[0].cause) = (Cause::Drift, Cause::Drift);
    let counts = review(&plan_of(put_back)).counts;
    let changed =
        |name: &str| counts.iter().find(|count| count.name == name).map(|count| (count.changed, count.deleted));
    assert_eq!((changed("licences"), changed("seats")), (Some((0, 0)), Some((0, 0))));
}

#[test]
fn seats_that_somebody_gave_by_hand_are_told_as_such() {
    let mut taken = update("realm", "attributes.licence.A-1.seats", json!("9999"), json!("150"));
    (taken.cause, taken.fields[0].cause) = (Cause::Drift, Cause::Drift);
    let report = markdown::drift(&drift(&plan_of(taken)).0, 0);
    assert!(
        report.contains("**Licences changed**\n\n- `A-1` has more seats: `150` → `9999` — in `clinic`"),
        "{report}"
    );
}

/// One field that all have alike is told once, although some tenants have another change beside it.
#[test]
fn what_is_alike_is_told_by_field() {
    let policy = || update("realm", "passwordPolicy", json!("length(8)"), json!("length(9)")).fields;
    let seats = || update("realm", "attributes.licence.A-1.seats", json!("50"), json!("60")).fields;
    let change = |fields| Change { fields, cause: Cause::Manifest, ..update("realm", "x", json!(1), json!(2)) };
    let mut tenants: Vec<_> =
        (0..4).map(|n| tenant(&format!("clinic-{n}"), "Clinic", vec![change(policy())])).collect();
    tenants[2].changes[0].fields.extend(seats());
    let report = markdown::plan(&Plan::new(header(), tenants));
    let (_, end) = report.split_once("#### The same").expect("the same");
    insta::assert_snapshot!(end.rsplit_once("<sub>").expect("an end").0, @r#"
     in many tenants

    **In all 4 tenants that change:**

    - `~` update `realm` _(changed in the manifest and outside Realmwright)_
      - `passwordPolicy`: `"length(8)"` → `"length(9)"`

    <details><summary>which 4 tenants</summary>

    `clinic-0`, `clinic-1`, `clinic-2`, `clinic-3`

    </details>

    #### Changes of single tenants

    <details open><summary><code>root</code>: 1 tenant</summary>

    **`clinic-2`** (organization) `Clinic`, below `root`; beside 1 change that others have too

    - `~` update `realm` _(changed in the manifest and outside Realmwright)_
      - `attributes.licence.A-1.seats`: `"50"` → `"60"`


    </details>
    "#);
}

#[test]
fn users_go_with_the_directory_that_they_came_from() {
    let gone = Change {
        action: Action::Delete,
        fields: Vec::new(),
        ..update("component/org.keycloak.storage.UserStorageProvider/ldap", "x", json!(1), json!(2))
    };
    let told = told(&plan_of(gone));
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("UserStorageProvider/ldap (with all users that came from it)"), "{told:?}");
}

const OWN: &str = "        realm:
          clients:
            - {clientId: portal, protocolMappers: [{name: own, protocol: openid-connect, protocolMapper: oidc-sub-mapper}]}
            - {clientId: machine, serviceAccountsEnabled: true, authorizationServicesEnabled: true}
          roles: {client: {portal: [{name: reader}]}}
          groups: [{name: wards, subGroups: [{name: night}]}, {name: wards-2}]
          clientScopes: [{name: extra, protocol: openid-connect}]
          identityProviders: [{alias: corp, providerId: oidc, config: {tokenUrl: https://corp.example/t, authorizationUrl: https://corp.example/a, clientId: x}}]
        licences:
";

/// A realm with objects of its own, and in them what somebody put there by hand; and the manifests without the objects.
async fn with_others() -> (MemoryKeycloak, World, World) {
    let api = MemoryKeycloak::new();
    let full = world().edit("tenants.yaml", "        licences:\n", OWN);
    full.apply(&api).await;
    let state = observe(&api, "clinic", &Users::default()).await.expect("readable").expect("there");
    let of =
        |address: &str| state.get(&address.parse().expect("an address")).and_then(|it| it.id.clone()).expect("an id");
    let mapper = json!({"name": "by-hand", "protocol": "openid-connect", "protocolMapper": "oidc-sub-mapper"});
    for (path, body) in [
        (format!("clients/{}/roles", of("client/portal")), json!({"name": "by-hand"})),
        (format!("clients/{}/protocol-mappers/models", of("client/portal")), mapper.clone()),
        (format!("client-scopes/{}/protocol-mappers/models", of("client-scope/extra")), mapper),
        (format!("groups/{}/children", of("group/wards")), json!({"name": "by-hand"})),
        (format!("groups/{}/children", of("group/wards-2")), json!({"name": "stays"})),
        (
            "identity-provider/instances/corp/mappers".into(),
            json!({"name": "by-hand", "identityProviderAlias": "corp", "identityProviderMapper": "oidc-user-attribute-idp-mapper"}),
        ),
        (format!("clients/{}/authz/resource-server/scope", of("client/machine")), json!({"name": "by-hand"})),
        ("roles".into(), json!({"name": "stays"})),
    ] {
        api.post("clinic", &path, &body).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let groups = "          groups: [{name: wards-2}]\n";
    let less =
        world().edit("tenants.yaml", "        licences:\n", &format!("        realm:\n{groups}        licences:\n"));
    (api, full, less)
}

#[tokio::test]
async fn what_others_put_into_an_object_goes_with_it_and_is_told_and_counted() {
    let (api, full, less) = with_others().await;
    let before = full.guarded(&api).await;
    assert_eq!((before.is_empty(), before.summary.foreign), (true, 8), "{}", text::plan(&before));
    let all = Limits::from(&json!({"realm": {"deletions": {"share": 0}}}));
    let plan = less.limited(&api, &all).await;
    insta::assert_snapshot!(changes(&plan), @r"
    north (distributor)  North
      east (reseller)
        clinic (organization)  Clinic
            - delete  group/wards
            - delete  group/wards/night
            - delete  identity-provider/corp
            - delete  client-role/portal/reader
            - delete  client-mapper/portal/own
            - delete  client/machine
            - delete  client/portal
            - delete  client-scope/extra
              foreign client-scope-mapper/extra/by-hand  (goes with client-scope/extra)
              foreign client-mapper/portal/by-hand  (goes with client/portal)
              foreign client-role/portal/by-hand  (goes with client/portal)
              foreign role/stays  (left alone)
              foreign identity-provider-mapper/corp/by-hand  (goes with identity-provider/corp)
              foreign group/wards-2/stays  (left alone)
              foreign group/wards/by-hand  (goes with group/wards)
              foreign authorization/machine  (goes with client/machine)

    ! refused  [realm-deletions] clinic: 14 of 61 objects would be deleted (22 %); at most 0 % pass
        if that is meant: --waive realm-deletions@clinic
    ");
    insta::assert_snapshot!(text::plan(&plan).lines().last().unwrap_or_default(), @"Plan: 0 realms to create, 1 to change (8 to delete), 2 unchanged. 2 foreign objects are left alone. 6 foreign objects go with what is deleted. 1 guard refuses it: nothing can be applied.");
    let comment = markdown::plan(&plan);
    let (_, first) = comment.split_once("**Deleted**\n").expect("deletions");
    insta::assert_snapshot!(first.split("\n\n").next().unwrap_or_default(), @r"
    - `client-scope/extra` — in `clinic`
    - `client/machine` — in `clinic`
    - `client/portal` — in `clinic`
    - `group/wards` — in `clinic`
    - `identity-provider/corp` — in `clinic`
    ");
    let (_, end) = comment.split_once("<details><summary>Foreign objects").expect("foreign objects");
    insta::assert_snapshot!(end.rsplit_once("<sub>").expect("an end").0, @r"
     that go with what is deleted</summary>

    - `clinic`: `client-scope-mapper/extra/by-hand` with `client-scope/extra`, `client-mapper/portal/by-hand` with `client/portal`, `client-role/portal/by-hand` with `client/portal`, `identity-provider-mapper/corp/by-hand` with `identity-provider/corp`, `group/wards/by-hand` with `group/wards`, `authorization/machine` with `client/machine`

    </details>

    <details><summary>Foreign objects, left alone</summary>

    - `clinic`: `role/stays`, `group/wards-2/stays`

    </details>
    ");
    less.apply(&api).await;
}

#[tokio::test]
async fn a_part_that_deletes_an_object_tells_what_goes_with_it() {
    let (api, _, less) = with_others().await;
    let portal =
        Selection { select: vec!["clinic/client/portal".parse().expect("a selector")], ..Selection::default() };
    let plan = less.plan_part(&api, &portal).await.expect("selected");
    insta::assert_snapshot!(changes(&plan), @r"
    clinic (organization)  Clinic
        - delete  client-role/portal/reader
        - delete  client-mapper/portal/own
        - delete  client/portal
          foreign client-mapper/portal/by-hand  (goes with client/portal)
          foreign client-role/portal/by-hand  (goes with client/portal)
    ");
}

#[tokio::test]
async fn the_report_of_drift_says_that_a_guard_refuses_its_repair() {
    let (api, world) = applied().await;
    let state = observe(&api, "clinic", &Users::default()).await.expect("readable").expect("there");
    let assistant = state.get(&"client/assistant".parse().expect("an address")).and_then(|it| it.id.clone());
    let change = json!({"clientId": "assistant", "redirectUris": ["https://evil.example/*"]});
    let path = format!("clients/{}", assistant.expect("an id"));
    api.put("clinic", &path, Some(&change)).await.expect("written");
    let strict = Limits::from(&json!({"realm": {"updates": {"share": 0}}, "run": {"updates": {"share": 0}}}));
    let mut plan = world.limited(&api, &strict).await;
    let mends = |plan: &Plan| {
        let report = markdown::drift(&drift(plan).0, 0);
        report.lines().find(|line| line.starts_with("**What mends it:**")).expect("a way").to_owned()
    };
    insta::assert_snapshot!(mends(&plan), @"**What mends it:** `realmwright apply`, or the pipeline's job that applies, run again: it puts back all of this. Write into the manifests first what is meant to stay. **Guards refuse that** (exit 3); if it is meant: `realmwright apply --waive realm-updates@clinic --waive run-updates`.");
    insta::assert_snapshot!(text::drift(&drift(&plan).0).lines().rev().take(6).collect::<Vec<_>>().join("\n"), @r"
    Drift: 1 realm was changed outside Realmwright (1 object changed), 2 realms are as last applied.

        if that is meant: --waive run-updates
    ! refused  [run-updates] the run: 1 of 116 objects would be updated (0 %); at most 0 % pass
        if that is meant: --waive realm-updates@clinic
    ! refused  [realm-updates] clinic: 1 of 46 objects would be updated (2 %); at most 0 % pass
    ");
    for tenant in ["north", "east"] {
        plan.refusals.push(Refusal::new("realm-updates", Some(tenant), "x"));
    }
    assert!(
        mends(&plan).ends_with("`realmwright apply --waive realm-updates --waive run-updates`."),
        "{}",
        mends(&plan)
    );
    plan.refusals.push(Refusal::new("master", Some("master"), "x"));
    assert!(mends(&plan).ends_with("**Guards refuse that**, as stands above."), "{}", mends(&plan));
    plan.refusals.clear();
    assert!(mends(&plan).ends_with("what is meant to stay."));
}
