//! Templates: values land in nodes, never in text.

use serde_json::{Value, json};

use crate::support::World;

/// The filled realm of a tenant with these extra keys and this template.
fn realm(template: &str, tenant: &str) -> Result<Value, String> {
    let template = format!("apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\n{template}");
    let tenant = format!("apiVersion: realmwright/v1\nkind: Distributor\nname: north\ntemplate: mine\n{tenant}");
    let world = World::new("").with("mine.yaml", template).with("tenant.yaml", tenant);
    let desired = world.expand().map_err(|_| world.findings())?;
    Ok(realmwright::state::assemble(&desired[0].state))
}

#[test]
fn a_whole_reference_keeps_its_type_and_a_part_becomes_text() {
    let template = "parameters: {n: {type: integer, default: 60}, uris: {type: list, default: [a, b]}}\nrealm:\n  accessTokenLifespan: $(parameters.n)\n  displayName: \"$(tenant.name) has $(parameters.n), not $$(n)\"\n  clients: [{clientId: app, redirectUris: $(parameters.uris)}]\n";
    let realm = realm(template, "").expect("sound");
    assert_eq!(realm["accessTokenLifespan"], 60);
    assert_eq!(realm["displayName"], "north has 60, not $(n)");
    assert_eq!(realm["clients"][0]["redirectUris"], json!(["a", "b"]));
}

#[test]
fn a_value_cannot_escape_its_place() {
    let template = "realm:\n  displayName: \"<$(tenant.label)>\"\n  attributes: {k: $(tenant.label)}\n";
    let label = r#""}, evil: \"$(tenant.name)\n$each(x in users): y: {""#;
    let realm = realm(template, &format!("label: {label}\n")).expect("sound");
    let text = "}, evil: \"$(tenant.name)\n$each(x in users): y: {";
    assert_eq!(realm["attributes"], json!({ "k": text }));
    assert_eq!(realm["displayName"], format!("<{text}>"));
}

#[test]
fn each_repeats_and_if_leaves_out() {
    let template = "realm:\n  attributes:\n    $each(l in licences):\n      s.$(l.serial): $(l.seats)\n    $if(admin):\n      boss: $(admin.email)\n  roles:\n    realm:\n      - $each(l in licences): {name: \"r-$(l.product)\"}\n      - $if(users): {name: has-users}\n";
    let tenant = "licences:\n  - {product: assistant, type: pro, serial: A-1, seats: 1, validUntil: 2027-12-31}\n  - {product: insights, type: pro, serial: I-1, seats: 2, validUntil: 2027-12-31}\n";
    let realm = realm(template, tenant).expect("sound");
    assert_eq!(realm["attributes"], json!({"s.A-1": "1", "s.I-1": "2"}));
    let names: Vec<&Value> =
        realm["roles"]["realm"].as_array().expect("roles").iter().map(|role| &role["name"]).collect();
    assert_eq!(names, ["r-assistant", "r-insights"]);
}

#[test]
fn what_is_not_there_is_named() {
    let template = "realm:\n  displayName: $(tenant.lable)\n  displayNameHtml: $(admin.email)\n  loginTheme: $(admin.email?)\n  attributes: {$loop(x): 1, a: \"$(open\"}\n";
    insta::assert_snapshot!(realm(template, "").expect_err("wrong"), @r"
    [unknown-reference] mine.yaml:5:16 there is no value `tenant.lable` (did you mean `label`?)
    [unknown-reference] mine.yaml:6:20 there is no value `admin.email` (there are tenant, parameters, licences, grants, products, users; `$(admin.email?)` leaves the entry out)
    [template] mine.yaml:8:16 `$loop(x)` is not a directive (the directives are `$each(item in list)` and `$if(value)`)
    [template] mine.yaml:8:32 a `$(` is never closed
    ");
}

#[test]
fn a_secret_cannot_stand_inside_a_text() {
    let template = "parameters: {s: {type: secret}}\nrealm: {displayName: \"x $(parameters.s)\"}\n";
    insta::assert_snapshot!(realm(template, "parameters: {s: env:S}\n").expect_err("wrong"), @r"[template] mine.yaml:5:22 `parameters.s` is a list, a mapping or a secret and can't stand inside a text (let the reference be the whole value)");
    insta::assert_snapshot!(realm(template, "parameters: {s: plain}\n").expect_err("wrong"), @r#"[wrong-parameter] tenant.yaml:5:17 parameter `s` must be a reference to a secret, `env:NAME` or `file:PATH`, not "plain""#);
}

#[test]
fn templates_extend_and_tenants_differ() {
    let base = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: base2\nparameters: {n: {type: integer, default: 1}}\nrealm:\n  accessTokenLifespan: $(parameters.n)\n  eventsListeners: [a, b]\n  clients: [{clientId: one, name: One}, {clientId: two}]\n";
    let mine = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: mine\nextends: base2\nparameters: {n: {type: integer, default: 2}}\nrealm:\n  eventsListeners: [c]\n  clients: [{clientId: one, enabled: false}]\n";
    let tenant = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\ntemplate: mine\nrealm:\n  clients: [{clientId: two, name: Two}, {clientId: three}]\n  eventsListeners: []\n";
    let world = World::new("").with("base.yaml", base).with("mine.yaml", mine).with("tenant.yaml", tenant);
    let realm = realmwright::state::assemble(&world.expand().expect("sound")[0].state);
    assert_eq!(realm["accessTokenLifespan"], 2);
    assert_eq!(realm["eventsListeners"], json!([]));
    let named = |id: &str| {
        realm["clients"].as_array().expect("clients").iter().find(|c| c["clientId"] == id).expect("there").clone()
    };
    assert_eq!(named("one"), json!({"clientId": "one", "name": "One", "enabled": false}));
    assert_eq!((&named("two")["name"], &named("three")["clientId"]), (&json!("Two"), &json!("three")));
}

#[test]
fn a_template_that_extends_itself_or_nothing_is_refused() {
    insta::assert_snapshot!(realm("extends: mine\n", "").expect_err("wrong"), @r"[cycle] mine.yaml:4:10 template `mine` extends itself");
    insta::assert_snapshot!(realm("extends: organisation\n", "").expect_err("wrong"), @r"[unknown-template] mine.yaml:4:10 there is no template `organisation` (did you mean `organization`?)");
}
