//! Wrong manifests: each fault one finding with its place and a way out, all of them in one run.

use crate::support::World;

fn world(tenants: &str) -> World {
    World::new("").with("tenants.yaml", tenants)
}

fn distributor(body: &str) -> World {
    world(&format!("apiVersion: realmwright/v1\nkind: Distributor\nname: north\n{body}"))
}

#[test]
fn a_sound_network_has_no_findings() {
    assert_eq!(distributor("label: North\n").findings(), "");
}

#[test]
fn yaml_that_breaks_off_is_one_error_with_its_place() {
    insta::assert_snapshot!(distributor("label: [unclosed\n").findings(), @"[yaml] tenants.yaml:4:8 this is not YAML that can be read: unclosed bracket '['");
}

#[test]
fn unknown_keys_are_all_named_with_what_was_meant() {
    insta::assert_snapshot!(distributor("lable: North\nlicences:\n  - {product: assistant, type: pro, serial: A-1, seets: 5, validUntil: 2027-12-31, colour: red}\n").findings(), @r"
    [unknown-key] tenants.yaml:4:1 `lable` is not a key of this Distributor (did you mean `label`?)
    [unknown-key] tenants.yaml:6:50 `seets` is not a key of an entry of `licences` (did you mean `seats`?)
    [unknown-key] tenants.yaml:6:84 `colour` is not a key of an entry of `licences` (its keys are autoRenew, dealer, product, quantities, renewalDays, seats, serial, type, validFrom, validUntil)
    ");
}

#[test]
fn duplicate_keys_are_refused() {
    insta::assert_snapshot!(distributor("label: North\nlabel: South\n").findings(), @r"[duplicate-key] tenants.yaml:5:1 key `label` stands twice in one mapping (it is first given in line 4; keep one of the two)");
}

#[test]
fn null_is_refused() {
    insta::assert_snapshot!(distributor("label:\nlicences: null\n").findings(), @r"
    [null] tenants.yaml:4:6 `label` is null (leave the key out to leave it alone, or write an empty list to want none)
    [null] tenants.yaml:5:11 `licences` is null (leave the key out to leave it alone, or write an empty list to want none)
    ");
}

#[test]
fn wrong_types_and_values_are_named() {
    insta::assert_snapshot!(distributor("label: 7\nadmin: {email: nobody}\nlicences:\n  - {product: assistant, type: pro, serial: A-1, seats: 0, validUntil: 2027-13-31}\n  - {product: assistant, type: pro, serial: a b, seats: many, validUntil: 2027-12-31}\n").findings(), @r#"
    [wrong-type] tenants.yaml:4:8 `label` must be a text, not 7
    [wrong-value] tenants.yaml:5:16 `email` is "nobody", which its pattern does not allow (write an e-mail address)
    [wrong-value] tenants.yaml:7:57 `seats`: 0 is less than the minimum of 1
    [wrong-value] tenants.yaml:8:45 `serial` is "a b", which its pattern does not allow (it must match ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$)
    [wrong-type] tenants.yaml:8:57 `seats` must be a whole number, not "many"
    "#);
}

#[test]
fn yes_is_not_a_boolean() {
    insta::assert_snapshot!(distributor("licences:\n  - {product: assistant, type: pro, serial: A-1, seats: 1, validUntil: 2027-12-31, autoRenew: yes}\n").findings(), @r#"[wrong-type] tenants.yaml:5:95 `autoRenew` must be true or false, not "yes""#);
}

#[test]
fn an_orphan_is_refused_with_the_name_that_was_meant() {
    let orphan = "apiVersion: realmwright/v1\nkind: Organization\nname: clinic\nparent: nord\n";
    insta::assert_snapshot!(distributor("").with("clinic.yaml", orphan).findings(), @r"[unknown-parent] clinic.yaml:4:9 `clinic` names a parent `nord` that no manifest declares (did you mean `north`?)");
}

#[test]
fn a_circle_of_parents_is_shown() {
    let reseller = |name: &str, parent: &str| {
        format!("apiVersion: realmwright/v1\nkind: Reseller\nname: {name}\nparent: {parent}\n")
    };
    let circle = distributor("")
        .with("a.yaml", reseller("a", "b"))
        .with("b.yaml", reseller("b", "c"))
        .with("c.yaml", reseller("c", "a"));
    insta::assert_snapshot!(circle.findings(), @r"[cycle] a.yaml:4:9 the parents go round in a circle: a → b → c → a (give one of them a parent outside the circle)");
}

#[test]
fn a_reseller_cannot_stand_below_an_organization() {
    let reseller = "apiVersion: realmwright/v1\nkind: Reseller\nname: shop\nparent: clinic\n";
    insta::assert_snapshot!(distributor("organizations: [{name: clinic}]\n").with("shop.yaml", reseller).findings(), @"[wrong-parent] shop.yaml:4:9 a reseller can't stand below the organization `clinic` (organizations stand below organizations, resellers and distributors, resellers below resellers and distributors)");
}

#[test]
fn two_tenants_of_one_name_are_refused() {
    insta::assert_snapshot!(distributor("organizations:\n  - name: clinic\n  - name: clinic\n").findings(), @"[duplicate-name] tenants.yaml:6:11 two tenants are named `clinic` (the other one is the organization at tenants.yaml:5; names are unique in the platform)");
}

#[test]
fn reserved_names_are_refused() {
    insta::assert_snapshot!(distributor("organizations: [{name: master}, {name: shop-realm}, {name: Upper}, {name: ../x}]\n").findings(), @r#"
    [wrong-value] tenants.yaml:4:75 `name` is "../x", which its pattern does not allow (use lower case letters, digits, `-` and `_`; Keycloak forbids `/`, `:`, `?`, `#`, `&` and the like)
    "#);
    insta::assert_snapshot!(distributor("organizations: [{name: master}, {name: shop-realm}]\n").findings(), @r"
    [reserved-name] tenants.yaml:4:24 `master` can't be the name of a tenant: it belongs to Keycloak itself (choose another name; the label may be anything)
    [reserved-name] tenants.yaml:4:40 `shop-realm` is easily taken for one of the clients `<realm>-realm` of Keycloak's master realm (choose another name, unless the realm has it already; the label may be anything)
    ");
}

#[test]
fn a_role_named_admin_is_only_warned_of() {
    let world = distributor("realm: {roles: {realm: [{name: admin}]}}\n");
    assert_eq!(world.findings(), "", "realms that are adopted often have one");
}

#[test]
fn an_insecure_identity_provider_is_refused_where_it_is_written() {
    let body = "realm:\n  identityProviders:\n    - alias: corp\n      providerId: oidc\n      enabled: true\n      config: {tokenUrl: http://id.example/t, authorizationUrl: http://localhost/a}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"[insecure-url] tenants.yaml:9:26 `tokenUrl` of the identity provider `corp` is not https, but the realm requires TLS (sslRequired: external) (write https://id.example/t)");
}

#[test]
fn a_secret_written_out_is_refused() {
    let body = "realm:\n  clients:\n    - {clientId: app, secret: hunter2}\n  smtpServer: {from: a@b.example, password: hunter2}\nusers:\n  - {username: anna, password: hunter2}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r#"[wrong-value] tenants.yaml:9:32 `password` is "hunter2", which its pattern does not allow (secrets are given by reference only: `env:NAME` or `file:PATH`)"#);
}

#[test]
fn a_secret_stands_only_where_it_cannot_be_read_back() {
    let body = "realm:\n  clients:\n    - {clientId: app, secret: hunter2}\n  smtpServer: {from: a@b.example, password: hunter2}\n  displayName: {$secret: env:HOME}\n  displayNameHtml: {$seal: {}}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"
    [plain-secret] tenants.yaml:6:31 `secret` of a client is a secret and can't be written out (declare a parameter of type `secret` and give it a reference, `env:NAME` or `file:PATH`)
    [plain-secret] tenants.yaml:7:45 `smtpServer.password` of a realm is a secret and can't be written out (declare a parameter of type `secret` and give it a reference, `env:NAME` or `file:PATH`)
    [plain-reference] tenants.yaml:8:17 `$secret` can't be written by hand (declare a parameter of type `secret`)
    [plain-reference] tenants.yaml:9:21 `$seal` can't be written by hand (what a tenant is entitled to follows from its licences and grants)
    ");
    let template = "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: open\nparameters: {s: {type: secret}}\nrealm: {attributes: {a: $(parameters.s)}, smtpServer: {from: a@b.example, password: $(parameters.s)}}\n";
    let world = distributor("template: open\nparameters: {s: env:S}\n").with("open.yaml", template);
    insta::assert_snapshot!(world.findings(), @r"[open-secret] tenants.yaml:5:17 a secret can't be put into `attributes` of a realm: everybody could read it");
}

#[test]
fn sections_have_their_shapes() {
    let body = "realm:\n  clients: {a: b}\n  roles: [x]\n  components: {org.keycloak.storage.UserStorageProvider: {name: ldap}}\n  users: [{username: anna, clientRoles: [x], realmRoles: {a: b}}]\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"
    [unknown-object] tenants.yaml:3:7 north/user/anna refers to the client-role `x`, which the realm does not have
    [wrong-type] tenants.yaml:5:12 `clients` must be a list
    [wrong-type] tenants.yaml:6:10 `roles` must be a mapping
    [wrong-type] tenants.yaml:7:58 `org.keycloak.storage.UserStorageProvider` must be a list
    [wrong-type] tenants.yaml:8:41 `clientRoles` of a user must be a mapping
    [wrong-type] tenants.yaml:8:58 `realmRoles` of a user must be a list
    ");
    let body = "realm:\n  clients: [{clientId: realm-management}]\n  roles: {realm: [{name: ..}, {name: boss, composites: {client: {realm-management: [view-userz]}}}]}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"
    [unknown-object] tenants.yaml:3:7 north/role/boss refers to the client-role `realm-management/view-userz`, which the realm does not have
    [reserved-name] tenants.yaml:5:24 the client `realm-management` is Keycloak's own, and the provisioner may not change it (take it out, or name the client otherwise)
    [wrong-name] tenants.yaml:6:26 `..` can't be the name of an entry of `realm`
    ");
}

#[test]
fn a_product_can_not_be_named_like_a_client_of_keycloak() {
    let platform =
        "apiVersion: realmwright/v1\nkind: Platform\nname: test\nenvironments: {test: {}}\nproducts:\n  broker: {}\n";
    let world = distributor("label: X\n").with("platform.yaml", platform);
    insta::assert_snapshot!(world.findings(), @r"[reserved-name] platform.yaml:6:3 `broker` is the name of a client of Keycloak's own (name the product otherwise)");
}

#[test]
fn what_is_not_managed_is_refused() {
    let body = "realm:\n  federatedUsers: []\n  clientz: []\n  id: x\n  enabled: false\n  clients:\n    - {clientId: app, redirectUri: x, defaultRoles: []}\n    - {name: nameless}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"
    [not-managed] tenants.yaml:5:3 `federatedUsers` of a realm is not managed (take it out; see docs/manifest.md for what is managed)
    [unknown-field] tenants.yaml:6:3 `clientz` is not a field of a realm (did you mean `clients`?)
    [not-settable] tenants.yaml:7:3 `id` of a realm is made by the server (take it out)
    [disabled-realm] tenants.yaml:8:12 a realm can't be kept disabled: Keycloak then refuses the provisioner as well (take away what should not be used: clients with `enabled: false`, or licences)
    [unknown-field] tenants.yaml:10:23 `redirectUri` is not a field of a client (did you mean `redirectUris`?)
    [not-managed] tenants.yaml:10:39 `defaultRoles` of a client is not managed (take it out; see docs/manifest.md for what is managed)
    [missing-key] tenants.yaml:11:7 an entry of `clients` needs the key `clientId`
    ");
}

#[test]
fn references_to_what_is_not_there_are_refused() {
    let body = "users:\n  - {username: anna, roles: [tenant-admim, assistant/seat]}\nrealm:\n  clients:\n    - {clientId: app, defaultClientScopes: [basics]}\n  roles:\n    realm: [{name: boss, composites: {realm: [nurse]}}]\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"
    [unknown-object] tenants.yaml:3:7 north/client/app refers to the client-scope `basics`, which the realm does not have (did you mean `basic`?)
    [unknown-object] tenants.yaml:3:7 north/role/boss refers to the role `nurse`, which the realm does not have
    [unknown-object] tenants.yaml:3:7 north/user/anna refers to the client-role `assistant/seat`, which the realm does not have
    [unknown-object] tenants.yaml:3:7 north/user/anna refers to the role `tenant-admim`, which the realm does not have (did you mean `tenant-admin`?)
    [unlicensed-product] tenants.yaml:5:29 north/user/anna gives a role of the product `assistant`, which no licence or grant gives `north` (a licence or a grant brings all that belongs to the product: give it one, or take this out)
    ");
}

#[test]
fn products_serials_and_environments_must_exist() {
    let body = "environments: {tset: {}}\nlicences:\n  - {product: asistant, type: pro, serial: A-1, seats: 1, validUntil: 2027-12-31}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"[unknown-environment] tenants.yaml:4:16 the platform has no environment `tset` (did you mean `test`?)");
    let body = "licences:\n  - {product: assistant, type: pro, serial: A-1, seats: 1, validUntil: 2027-12-31}\norganizations:\n  - name: clinic\n    licences:\n      - {product: assistant, type: pro, serial: A-1, seats: 1, validFrom: 2028-01-01, validUntil: 2027-12-31}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r"
    [duplicate-serial] tenants.yaml:9:49 the serial `A-1` is used twice (`north` holds it already; a serial is used once in the whole platform)
    [wrong-date] tenants.yaml:9:99 the licence `A-1` ends before it begins
    ");
}

#[test]
fn parameters_are_checked_against_their_declaration() {
    let body = "parameters: {accessTokenLifespan: 5, sslRequired: none, passwordPolcy: x, sessionIdleTimeout: long}\n";
    insta::assert_snapshot!(distributor(body).findings(), @r#"
    [wrong-parameter] tenants.yaml:4:35 parameter `accessTokenLifespan` must be at least 30, not 5
    [wrong-parameter] tenants.yaml:4:51 parameter `sslRequired` must be one of ["external","all"], not "none"
    [unknown-parameter] tenants.yaml:4:57 the template `distributor` has no parameter `passwordPolcy` (did you mean `passwordPolicy`?)
    [wrong-parameter] tenants.yaml:4:95 parameter `sessionIdleTimeout` must be a whole number, not "long"
    "#);
}

#[test]
fn one_directory_belongs_to_one_distributor() {
    let other = "apiVersion: realmwright/v1\nkind: Distributor\nname: south\n";
    insta::assert_snapshot!(distributor("").with("south.yaml", other).findings(), @r"[shared-directory] south.yaml:3:7 the distributors `north` and `south` share a directory (give each distributor a directory of its own, so that review rights can follow paths)");
    let home = "apiVersion: realmwright/v1\nkind: Distributor\nname: home\n";
    let stray = "apiVersion: realmwright/v1\nkind: Organization\nname: stray\nparent: north\n";
    insta::assert_snapshot!(distributor("").with("home/home.yaml", home).with("home/stray.yaml", stray).findings(), @r"[foreign-directory] home/stray.yaml:3:7 `stray` belongs to the distributor `north`, but this directory to `home` (move it out of home/)");
}

#[test]
fn a_distributor_has_templates_of_its_own_and_no_others() {
    let template =
        |name: &str| format!("apiVersion: realmwright/v1\nkind: RealmTemplate\nname: {name}\nextends: base\n");
    let tenant = |name: &str, template: &str| {
        format!("apiVersion: realmwright/v1\nkind: Distributor\nname: {name}\ntemplate: {template}\n")
    };
    let world = World::new("")
        .with("a/a.yaml", tenant("a", "mine"))
        .with("a/mine.yaml", template("mine"))
        .with("b/b.yaml", tenant("b", "mine"))
        .with("all.yaml", template("shared"))
        .with("c/c.yaml", tenant("c", "shared"))
        .with("c/base.yaml", "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: organization\n");
    insta::assert_snapshot!(world.findings(), @r"
    [foreign-template] b/b.yaml:4:11 the template `mine` belongs to the distributor `a` (templates for everybody stand outside the directories of distributors)
    [hidden-template] c/base.yaml:1:1 a distributor can't replace the shipped template `organization` (give it another name and let it extend the shipped one)
    ");
}

#[test]
fn a_platform_is_needed_and_one_is_enough() {
    let mut none = distributor("");
    none.sources.remove(0);
    insta::assert_snapshot!(none.findings(), @r"[no-platform] no document of kind Platform was found (add one that names the environments; see `realmwright schema` and docs/manifest.md)");
    insta::assert_snapshot!(distributor("").with("second.yaml", crate::support::PLATFORM).findings(), @"[duplicate-platform] second.yaml:1:1 a manifest directory has one Platform, this is a second one (the first stands at platform.yaml:1; take one of them out, or keep the other in a directory of its own)");
    insta::assert_snapshot!(World::default().findings(), @r"[no-manifests] there is no manifest here (name a directory that holds *.yaml files)");
}

#[test]
fn kinds_and_versions_are_checked() {
    insta::assert_snapshot!(world("apiVersion: realmwright/v2\nkind: Distributor\nname: north\n---\nkind: Distributer\n---\njust: text\n---\n- a list\n").findings(), @r#"
    [wrong-value] tenants.yaml:1:13 `apiVersion` must be "realmwright/v1"
    [unknown-kind] tenants.yaml:5:7 `Distributer` is not a kind of manifest (did you mean `Distributor`?)
    [missing-key] tenants.yaml:7:1 this document has no `kind` (every document begins with `apiVersion: realmwright/v1` and a `kind`: Platform, Distributor, Reseller, Organization, RealmTemplate)
    [missing-key] tenants.yaml:9:1 this document has no `kind` (every document begins with `apiVersion: realmwright/v1` and a `kind`: Platform, Distributor, Reseller, Organization, RealmTemplate)
    "#);
}

#[test]
fn a_list_in_csv_is_a_way_in() {
    let csv = "tier,name,label,parent,admin_email,product,licence_type,serial,seats,valid_until,auto_renew\n\
               reseller,shop,\"Shop, Inc.\",,boss@shop.example,,,,,,\n\
               organization,clinic,Clinic,shop,boss@clinic.example,assistant,pro,A-1,5,2027-12-31,true\n";
    let world = distributor("csv: list.csv\n").with("list.csv", csv);
    assert_eq!(world.findings(), "");
    let desired = world.expand().expect("sound");
    let rows: Vec<String> =
        desired.iter().map(|tenant| format!("{}: {} ({})", tenant.path.join("/"), tenant.name, tenant.label)).collect();
    assert_eq!(rows, [": north (north)", "north: shop (Shop, Inc.)", "north/shop: clinic (Clinic)"]);
}

#[test]
fn faults_of_a_list_have_line_and_column() {
    let csv = "tier,name,label,parent,product,licence_type,serial,seats,valid_until\n\
               reseller,shop,\"Shop, Inc.\",,,,,,\n\
               organisation,clinic,Clinic,shop,,,,,\n\
               organization,Bad/Name,Clinic,shop,,,,,\n\
               organization,few,Clinic\n\
               organization,wrong,Wrong,shop,assistant,pro,A-1,several,2027-12-31\n";
    insta::assert_snapshot!(distributor("csv: list.csv\n").with("list.csv", csv).findings(), @r#"
    [wrong-value] list.csv:3:1 `tier` must be reseller or organization
    [wrong-value] list.csv:4:14 `name` is "Bad/Name", which its pattern does not allow (use lower case letters, digits, `-` and `_`; Keycloak forbids `/`, `:`, `?`, `#`, `&` and the like)
    [csv] list.csv:5:1 this row has 3 fields, the header has 9 (put fields that contain a comma in double quotes)
    [wrong-type] list.csv:6:49 `seats` must be a whole number, not "several"
    "#);
    insta::assert_snapshot!(distributor("csv: list.csv\n").with("list.csv", "tier,nam\nreseller,x\n").findings(), @r"
    [missing-key] list.csv:1:1 the list needs a column `name`
    [unknown-column] list.csv:1:1 `nam` is not a column of this list (did you mean `name`?)
    ");
    insta::assert_snapshot!(distributor("csv: lost.csv\n").findings(), @r"[missing-file] tenants.yaml:4:6 there is no file `lost.csv` (the path is relative to this manifest)");
}

#[test]
fn environments_override_what_differs() {
    let platform = "apiVersion: realmwright/v1\nkind: Platform\nname: p\nenvironments: {a: {}, b: {}}\n";
    let tenants = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\nlabel: North\nenvironments:\n  a: {label: North in A, realm: {accessTokenLifespan: 60}}\norganizations: [{name: clinic}, {name: lab, environments: {b: {}}}]\n";
    let world = World::new("").with("platform.yaml", platform).with("tenants.yaml", tenants);
    insta::assert_snapshot!(world.findings(), @r"[parent-not-in-environment] tenants.yaml:7:60 `lab` is in b, but the organization above it is not (put the parent into that environment too, or take this one out)");
    let world = world.edit("tenants.yaml", ", {name: lab, environments: {b: {}}}", "");
    let desired = world.expand().expect("sound");
    assert_eq!(desired.len(), 2);
    let fields = &desired[0].state.realm().expect("a realm").fields;
    assert_eq!(fields.get("displayName"), Some(&"North in A".into()));
    assert_eq!(fields.get("accessTokenLifespan"), Some(&60.into()));
}

#[test]
fn a_maker_of_keys_takes_what_keycloak_takes() {
    let template = "
apiVersion: realmwright/v1
kind: RealmTemplate
name: keys
extends: organization
realm:
  components:
    org.keycloak.keys.KeyProvider:
      - {name: a, providerId: aes-generated, config: {secretSize: ['64']}}
      - {name: b, providerId: hmac-generated, config: {secretSize: [64], algorithm: HS-256}}
      - {name: c, providerId: rsa-generated, config: {keySize: ['2048'], algorithm: [RS256]}}
      - {name: d, providerId: java-keystore, config: {keySize: ['1']}}
";
    let tenants = "apiVersion: realmwright/v1\nkind: Distributor\nname: north\ntemplate: keys\n";
    let world = World::new("{}").with("keys.yaml", template).with("tenants.yaml", tenants);
    insta::assert_snapshot!(world.findings(), @r"
    [wrong-value] keys.yaml:9:68 `secretSize` of the key provider `aes-generated` can't be `64` (it can be 16, 24, 32)
    [wrong-value] keys.yaml:10:85 `algorithm` of the key provider `hmac-generated` can't be `HS-256` (it can be HS256, HS384, HS512)
    ");
}

/// A name becomes the name of a realm, a part of paths, and a part of names in the realm `master`.
#[test]
fn attack_47_names_that_lead_elsewhere() {
    for name in ["../master", "master", "admin", "Master", "a/b", "a%2Fb", ".", "..", "a\u{0}b", "a?b", "a\nb"] {
        let quoted = serde_json::Value::from(name);
        let found = distributor(&format!("organizations: [{{name: {quoted}}}]\n")).findings();
        assert!(
            found.contains("[wrong-value] tenants.yaml:4:") || found.contains("[reserved-name]"),
            "{name:?} {found}"
        );
        let product = format!("name: test\nenvironments: {{test: {{}}}}\nproducts: {{{quoted}: {{}}}}\n");
        let world =
            World::new("").with("platform.yaml", format!("apiVersion: realmwright/v1\nkind: Platform\n{product}"));
        let may = matches!(name, "master" | "admin");
        assert_eq!(world.findings().is_empty(), may, "{name:?} {}", world.findings());
    }
    // What only warns is shown beside an error.
    let realm = "{realm: elsewhere, roles: {realm: [{name: admin}]}, clients: [{clientId: realm-management}]}";
    let template =
        format!("apiVersion: realmwright/v1\nkind: RealmTemplate\nname: own\nextends: distributor\nrealm: {realm}\n");
    let found =
        distributor("template: own\norganizations: [{name: master-realm}]\n").with("own.yaml", template).findings();
    let codes: Vec<&str> = found.lines().filter_map(|line| line.strip_prefix('[')?.split(']').next()).collect();
    assert_eq!(codes, ["reserved-name", "realm-name", "reserved-name", "reserved-name"], "{found}");
}
