//! Explaining: every value has its line, and what the server has instead is named.

use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::declared_users;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe};
use realmwright::manifest::{Loaded, Source, load};
use realmwright::plan::explain::{Explained, explain};
use realmwright::state::ObjectId;
use realmwright::template::builtin;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{dir, realmwright, shown};
use crate::support::World;

const PLATFORM: &str = "\
apiVersion: realmwright/v1
kind: Platform
name: test
environments: {live: {}, test: {}}
products:
  app:
    redirectUris: [https://app.example/*]
    environments:
      test: {redirectUris: [https://test.example/*]}
";
const TEMPLATE: &str = "\
apiVersion: realmwright/v1
kind: RealmTemplate
name: own
parameters:
  color: {type: string, default: blue}
  size: {type: integer, default: 3}
realm:
  enabled: true
  displayName: Realm of $(tenant.label)
  accessTokenLifespan: 60
  attributes: {color: $(parameters.color), size: $(parameters.size)}
  roles: {realm: [{name: member, description: A member}]}
  clients:
    - $each(product in products):
        - {clientId: $(product.name), redirectUris: $(product.redirectUris), webOrigins: []}
  users:
    - {username: service, realmRoles: [member]}
";
const TENANT: &str = "\
apiVersion: realmwright/v1
kind: Distributor
name: north
template: own
parameters: {size: 5}
licences: [{product: app, type: t, serial: A-1, seats: 5, validUntil: 2030-01-01}]
realm: {accessTokenLifespan: 120}
environments:
  test: {label: North (test), realm: {ssoSessionIdleTimeout: 600}}
csv: list.csv
";
const LIST: &str = "tier,name,label,template\norganization,clinic,Clinic,own\n";

fn files() -> TempDir {
    dir(&[("platform.yaml", PLATFORM), ("own.yaml", TEMPLATE), ("north/north.yaml", TENANT), ("north/list.csv", LIST)])
}

#[test]
fn every_layer_has_its_line() {
    let dir = files();
    let explained =
        |address: &str| shown(&realmwright(&dir, &["explain", address, ".", "-e", "test", "--offline", "-q"]));
    insta::assert_snapshot!(explained("north/realm"), @r#"
    exit 0
    north/realm
      accessTokenLifespan = 120
          north/north.yaml:7  `realm.accessTokenLifespan` of `north`
          instead of own.yaml:10  template `own`
      attributes.color = "blue"
          own.yaml:5  default of the parameter `color`, template `own`
          through own.yaml:11  template `own`
      attributes.size = "5"
          north/north.yaml:5  `parameters.size` of `north`
          through own.yaml:11  template `own`
      displayName = "Realm of North (test)"
          north/north.yaml:9  `label` of `north` in test
          through own.yaml:9  template `own`
      enabled = true
          own.yaml:8  template `own`
      realm = "north"
          Realmwright itself
      ssoSessionIdleTimeout = 600
          north/north.yaml:9  `realm.ssoSessionIdleTimeout` of `north` in test
    ---
    "#);
    insta::assert_snapshot!(explained("north/client/app"), @r#"
    exit 0
    north/client/app
      clientId = "app"
          north/north.yaml:6  `licences[0].product` of `north`
          through own.yaml:15  template `own`
      redirectUris = ["https://test.example/*"]
          platform.yaml:9  `products.app.environments.test.redirectUris[0]` of the platform
          through own.yaml:15  template `own`
      webOrigins = []
          own.yaml:15  template `own`
    ---
    "#);
    insta::assert_snapshot!(explained("north/clinic/realm#displayName"), @r#"
    exit 0
    clinic/realm
      displayName = "Realm of Clinic"
          north/list.csv:2  row of `clinic`
          through own.yaml:9  template `own`
    ---
    "#);
    insta::assert_snapshot!(explained("north/user/service"), @r#"
    exit 0
    north/user/service
      realmRoles.member = true
          own.yaml:17  template `own`
      username = "service"
          own.yaml:17  template `own`
    ---
    "#);
    insta::assert_snapshot!(explained("clinic"), @r"
    exit 0
    clinic/client/realmwright-provisioner                Realmwright itself
    clinic/role/member                                   own.yaml
    clinic/user/service                                  own.yaml
    clinic/user/service-account-realmwright-provisioner  Realmwright itself
    clinic/realm                                         north/list.csv, own.yaml
    ---
    ");
}

#[test]
fn json_says_the_same() {
    let output = realmwright(&files(), &["explain", "north#accessTokenLifespan", "-e", "test", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        json,
        json!({"address": "north/realm", "foreign": false, "fields": [{
            "path": "accessTokenLifespan", "value": 120, "server": null,
            "origins": [
                {"place": "north/north.yaml:7", "what": "`realm.accessTokenLifespan` of `north`", "through": null},
                {"place": "own.yaml:10", "what": "template `own`", "through": null},
            ],
        }]})
    );
}

#[test]
fn what_is_not_there_is_wrong_usage_with_a_way_out() {
    let dir = files();
    let explained =
        |address: &str| shown(&realmwright(&dir, &["explain", address, ".", "-e", "test", "--offline", "-q"]));
    insta::assert_snapshot!(explained("nroth/client/app"), @r"
    exit 64

    ---
    error: there is no tenant `nroth` in test
    hint: did you mean `north`?
    ");
    insta::assert_snapshot!(explained("north/clinet/app"), @r"
    exit 64

    ---
    error: there is no tenant `north/clinet/app` in test
    hint: did you mean `clinic`?
    ");
    // Near to the kind `role`; but a tenant was asked for.
    insta::assert_snapshot!(explained("rle"), @r"
    exit 64

    ---
    error: there is no tenant `rle` in test
    ");
    insta::assert_snapshot!(explained("north/client/ap"), @r"
    exit 64

    ---
    error: `north` has no client/ap
    hint: did you mean `client/app`?
    ");
    insta::assert_snapshot!(explained("north/client/app#redirectUri"), @r"
    exit 64

    ---
    error: north/client/app has no field `redirectUri`
    hint: did you mean `redirectUris`?
    ");
    insta::assert_snapshot!(explained("north/client/nothing-like-it"), @r"
    exit 64

    ---
    error: `north` has no client/nothing-like-it
    hint: `realmwright explain north` lists what there is
    ");
}

/// Each declared field of each shipped realm has an origin, but for what the tool adds itself.
#[test]
fn no_field_is_without_an_origin() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/acme");
    let mut sources = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.strip_prefix(&root).expect("below").to_string_lossy().into_owned();
                sources.push(Source { name, text: std::fs::read_to_string(&path).expect("readable") });
            }
        }
    }
    let Loaded { sources, set, .. } = load(sources, builtin::sources());
    let set = set.expect("a platform");
    let network = realmwright::manifest::resolve::resolve(&set, "production", &mut Vec::new());
    let desired = realmwright::expand::expand(
        &set,
        &sources,
        &network,
        realmwright::expand::Trusted { operator: "{}", broker: "{}" },
        &mut Vec::new(),
    );
    let mut without = Vec::new();
    for (tenant, desired) in network.tenants.iter().zip(&desired) {
        let origins = realmwright::expand::origin::origins(&set, &sources, &network, tenant);
        for (id, object) in desired.state.objects.iter().filter(|(id, _)| !id.key.contains("realmwright-provisioner")) {
            let known = |path: &String| origins.get(id).is_some_and(|fields| fields.contains_key(path));
            // The tool's own: the name, and the flow of providers that name none.
            let own = |path: &String| ["realm", "postBrokerLoginFlowAlias"].contains(&path.as_str());
            let unknown = object.fields.keys().filter(|path| !known(path) && !own(path));
            without.extend(unknown.map(|path| format!("{}/{id}#{path}", tenant.name)));
        }
    }
    assert!(desired.len() > 30, "{} tenants", desired.len());
    assert!(without.is_empty(), "{without:#?}");
}

fn on_server(explained: &Explained) -> String {
    let line = |field: &realmwright::plan::explain::Field| {
        format!("{} = {}: {}\n", field.path, field.shown(), field.on_server().unwrap_or_else(|| "not looked at".into()))
    };
    explained.fields.iter().map(line).collect()
}

#[tokio::test]
async fn what_the_server_has_instead_is_named() {
    let world = World::new("{}")
        .with("own.yaml", TEMPLATE)
        .with("north/north.yaml", "apiVersion: realmwright/v1\nkind: Distributor\nname: north\ntemplate: own\n");
    let desired = world.expand().expect("sound").remove(0);
    let realm = ObjectId::realm();
    let look =
        async |api: &MemoryKeycloak| observe(api, "north", &declared_users(&desired.state)).await.expect("readable");
    let lifespan = Some("accessTokenLifespan");
    assert_eq!(on_server(&explain(&desired, None, &realm, lifespan)), "accessTokenLifespan = 60: not looked at\n");
    let none = explain(&desired, Some(None), &realm, lifespan);
    assert_eq!(on_server(&none), "accessTokenLifespan = 60: the realm is not there yet\n");
    let api = MemoryKeycloak::new();
    world.apply(&api).await;
    let mut changed = api.get("north", "").await.expect("readable").expect("there");
    changed["accessTokenLifespan"] = 999.into();
    changed["attributes"]["hand"] = "made".into();
    api.put("north", "", Some(&changed)).await.expect("written");
    let observed = look(&api).await;
    let at = |path| on_server(&explain(&desired, Some(observed.as_ref()), &realm, Some(path)));
    insta::assert_snapshot!(at("accessTokenLifespan"), @"accessTokenLifespan = 60: 999, changed outside Realmwright since it was last applied");
    insta::assert_snapshot!(at("attributes"), @r#"
    attributes.color = "blue": the same
    attributes.size = "3": the same
    attributes.cibaExpiresIn = "120": not declared: Keycloak's default, or set by hand
    attributes.hand = "made": not declared: Keycloak's default, or set by hand
    attributes.oauth2DeviceCodeLifespan = "600": not declared: Keycloak's default, or set by hand
    attributes.parRequestUriLifespan = "60": not declared: Keycloak's default, or set by hand
    attributes.realmwright.applied = "{\"v\":1,\"environment\":\"test\",\"objects\":{\"client/realmwright-provisioner\":{\"attributes.jwk… (1438 characters): not declared: Keycloak's default, or set by hand
    "#);
    api.post("north", "roles", &json!({"name": "legacy"})).await.expect("written");
    let mut observed = look(&api).await.expect("there");
    observed.objects.get_mut(&realm).expect("there").raw["keycloakVersion"] = "26.7.3".into();
    let hand = explain(&desired, Some(Some(&observed)), &realm, Some("attributes.hand"));
    insta::assert_snapshot!(on_server(&hand), @r#"attributes.hand = "made": foreign: nobody declared it, and it is not as Keycloak makes it; left alone"#);
    let legacy = "role/legacy".parse().expect("an address");
    let legacy = explain(&desired, Some(Some(&observed)), &legacy, Some("name"));
    assert!(legacy.foreign);
    insta::assert_snapshot!(on_server(&legacy), @r#"name = "legacy": foreign: nobody declared it, and it is not as Keycloak makes it; left alone"#);
}
