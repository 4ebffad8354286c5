//! Brands and domains: what manifests may say of them, who inherits what, and what realms are told.

use realmwright::expand::Desired;
use realmwright::keycloak::ReadRealms;
use realmwright::keycloak::memory::MemoryKeycloak;
use serde_json::Value;

use crate::support::World;

const TENANTS: &str = "\
apiVersion: realmwright/v1
kind: Distributor
name: north
resellers:
  - name: seller
    brand:
      primary: '#FFCC00'
      logo: https://cdn.example/seller.svg?v=2
      terms: https://seller.example/terms
    organizations:
      - name: same
      - {name: other, brand: {primary: '#0b5fff', privacy: https://other.example/privacy}}
      - {name: plain, brand: {inherit: false}}
";

fn world() -> World {
    World::new("").with("tenants.yaml", TENANTS)
}

fn attributes(tenant: &Desired) -> String {
    let realm = tenant.state.realm().expect("a realm");
    let shown = |(path, value): (&String, &Value)| {
        let name = path.strip_prefix("attributes.brand.").or_else(|| (path == "loginTheme").then_some("theme"))?;
        Some(format!("{name} {}", value.as_str().unwrap_or_default()))
    };
    realm.fields.iter().filter_map(shown).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_brand_is_that_above_with_what_is_said_of_ones_own() {
    let tenants = world().expand().expect("sound");
    let lines: Vec<String> = tenants.iter().map(|tenant| format!("{}: {}", tenant.name, attributes(tenant))).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    north: 
    seller: logo https://cdn.example/seller.svg?v=2, onPrimary #000000, primary #FFCC00, terms https://seller.example/terms, theme realmwright
    other: logo https://cdn.example/seller.svg?v=2, onPrimary #ffffff, primary #0b5fff, privacy https://other.example/privacy, terms https://seller.example/terms, theme realmwright
    plain: 
    same: logo https://cdn.example/seller.svg?v=2, onPrimary #000000, primary #FFCC00, terms https://seller.example/terms, theme realmwright
    ");
}

#[tokio::test]
async fn a_brand_that_is_taken_out_is_gone_and_the_theme_stays_plain() {
    let api = MemoryKeycloak::new();
    world().apply(&api).await;
    let without =
        world().edit("tenants.yaml", "      - name: same\n", "      - {name: same, brand: {inherit: false}}\n");
    without.apply(&api).await;
    let export = api.export("same").await.expect("readable").expect("there");
    assert_eq!(export["loginTheme"], "realmwright", "omitted means leave alone");
    assert!(export["attributes"].get("brand.primary").is_none(), "{}", export["attributes"]);
}

#[test]
fn what_could_end_a_style_or_an_address_is_refused() {
    let brand = |text: &str| {
        let tenants = format!("apiVersion: realmwright/v1\nkind: Distributor\nname: north\nbrand: {{{text}}}\n");
        World::new("").with("tenants.yaml", tenants).findings()
    };
    insta::assert_snapshot!(brand("primary: '#fff', logo: 'http://cdn.example/logo.svg'"), @r##"
    [wrong-value] tenants.yaml:4:18 `primary` is "#fff", which its pattern does not allow (write a colour as `#rrggbb`)
    [wrong-value] tenants.yaml:4:32 `logo` is "http://cdn.example/logo.svg", which its pattern does not allow (write an address over https, without user, commas, quotes or `#`)
    "##);
    for text in [
        "primary: red",
        "primary: '#123456;}'",
        "logo: 'https://cdn.example/\"onload=x'",
        "image: 'https://cdn.example/);x:url('",
        "terms: 'javascript:alert(1)'",
        "privacy: 'https://me@cdn.example/x'",
    ] {
        assert!(brand(text).contains("[wrong-value]"), "{text}");
    }
}

#[test]
fn a_domain_leads_to_one_tenant() {
    let twice = TENANTS
        .replace("- name: same", "- {name: same, login: {domains: [clinic.example, same.example]}}")
        .replace("{name: plain,", "{name: plain, login: {domains: [clinic.example]},");
    insta::assert_snapshot!(World::new("").with("tenants.yaml", twice).findings(), @"[duplicate-domain] tenants.yaml:11:40 the domain `clinic.example` is listed twice (`plain` lists it already; a domain leads to one tenant)");
    let written = |domain: &str| {
        let tenants =
            format!("apiVersion: realmwright/v1\nkind: Distributor\nname: north\nlogin: {{domains: ['{domain}']}}\n");
        World::new("").with("tenants.yaml", tenants).findings()
    };
    assert_eq!(written("xn--bcher-kva.example"), "");
    for domain in
        ["example", "Clinic.example", "clinic.example.", "a..example", "@clinic.example", "10.0.0.1", "-a.example"]
    {
        assert!(written(domain).contains("[wrong-value]"), "{domain}");
    }
}

#[test]
fn explain_says_whose_word_a_brand_is() {
    let platform = crate::support::PLATFORM;
    let dir = crate::cli::dir(&[("platform.yaml", platform), ("north/tenants.yaml", TENANTS)]);
    let told = crate::cli::realmwright(&dir, &["explain", "other/realm", "--offline", "-q"]);
    let told = crate::cli::shown(&told);
    assert!(told.contains("`brand.terms` of `seller`") && told.contains("`brand.privacy` of `other`"), "{told}");
}

/// What a command says, with a key, for a tenant that lists a domain.
fn asked_for_domains(arguments: &[&str]) -> String {
    let tenants = TENANTS.replace("- name: same", "- {name: same, login: {domains: [clinic.example]}}");
    let dir = crate::cli::dir(&[("platform.yaml", crate::support::PLATFORM), ("north/tenants.yaml", &tenants)]);
    let key = realmwright::keycloak::key::OperatorKey::generate().expect("a key");
    std::fs::write(dir.path().join("operator.pem"), secrecy::ExposeSecret::expose_secret(&key)).expect("a file");
    let told = crate::cli::realmwright(&dir, &[arguments, &["-k", "operator.pem"]].concat());
    crate::cli::shown(&told)
}

#[test]
fn domain_prints_what_proves_it_and_looks_whether_it_is_there() {
    let plain = asked_for_domains(&["domain", "same"]);
    assert!(plain.starts_with("exit 0\n_realmwright.clinic.example. TXT \"realmwright-domain="), "{plain}");
    let dns = crate::support::dns::NameServer::start();
    let server = dns.address.to_string();
    let check = ["domain", "same", "--check", "--resolver", server.as_str()];
    let missing = asked_for_domains(&check);
    assert!(missing.starts_with("exit 1\n") && missing.contains("  ; not there\n"), "{missing}");
    dns.set("_realmwright.clinic.example", Some("realmwright-domain=copied"));
    assert!(asked_for_domains(&check).contains("; holds something else"));
    dns.break_down(true);
    assert!(asked_for_domains(&check).contains("; no answer"));
    insta::assert_snapshot!(asked_for_domains(&["domain", "other"]), @"
    exit 64

    ---
    error: `other` lists no domains
    hint: list them in its manifest: `login: {domains: [clinic.example]}`
    ");
}
