//! What is made of many tenants at once is what is made of each by itself, however alike they are.

use std::collections::BTreeSet;

use proptest::prelude::*;
use realmwright::diagnostic::Diagnostic;
use realmwright::expand::{Desired, Trusted, expand};
use realmwright::manifest::resolve::{Network, resolve};
use realmwright::manifest::{Loaded, Source, load};
use realmwright::template::builtin;
use serde_json::{Value, json};

use crate::support::PLATFORM;

/// Texts that look like what is in realms, or like one another.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z ]{1,9}",
        1 => prop_oneof![
            Just("assistant"), Just("Assistant"), Just("true"), Just("organization"), Just("north"), Just("."), Just("[\"x\"]"),
            Just("${vault.key}"), Just("tenant-admin"), Just("a.b"), Just("Ünïcode İ"), Just("\u{E000}1\u{E001}"), Just("account"),
            Just("https://assistant.example/*"), Just("$(tenant.name)"), Just("\"assistant\""), Just("ES256"),
        ].prop_map(str::to_owned),
    ]
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cA-C]{1,2}@x\\.example", Just("service-account-assistant@x.example".to_owned())]
}

fn licence() -> impl Strategy<Value = Value> {
    let product = prop_oneof![Just("assistant"), Just("insights")];
    (product, "[a-b.]{1,2}", 1..4u32, any::<bool>(), any::<bool>()).prop_map(|(product, serial, seats, from, renew)| {
        let serial = format!("S{}", serial.replace('.', "-"));
        let mut licence =
            json!({"product": product, "type": "pro", "serial": serial, "seats": seats, "validUntil": "2099-12-31"});
        if from {
            licence["validFrom"] = "2024-01-01".into();
        }
        if renew {
            licence["autoRenew"] = true.into();
        }
        licence
    })
}

prop_compose! {
    fn organization()(
        label in prop::option::of(text()), first in prop::option::of(text()), email in prop::option::of(address()),
        username in prop::option::of("[a-c]{3}|service-account-assistant"), licences in prop::collection::vec(licence(), 0..3),
        user in prop::option::weighted(0.1, address()), overlay in prop::option::weighted(0.1, text()),
        locale in prop::option::weighted(0.1, Just("de")), suspended in prop::bool::weighted(0.1),
        brand in prop::option::weighted(0.2, Just("#123456")), secret in prop::bool::weighted(0.1),
    ) -> Value {
        let mut organization = json!({"licences": licences});
        let mut put = |key: &str, value: Option<Value>| value.into_iter().for_each(|value| organization[key] = value);
        put("label", label.map(Value::from));
        put("suspended", suspended.then(|| true.into()));
        put("brand", brand.map(|primary| json!({"primary": primary})));
        put("realm", overlay.map(|text| json!({"displayNameHtml": text})));
        let mut parameters = json!({});
        locale.into_iter().for_each(|locale| parameters["locale"] = locale.into());
        if secret {
            parameters["password"] = "env:MAIL".into();
        }
        put("parameters", Some(parameters));
        put("users", user.map(|email| json!([{"username": email.to_lowercase(), "email": email, "roles": ["assistant/seat"]}])));
        put("admin", email.map(|email| {
            let mut admin = json!({"email": email});
            first.into_iter().for_each(|first| admin["firstName"] = first.into());
            username.into_iter().for_each(|username| admin["username"] = username.into());
            admin
        }));
        organization
    }
}

/// Templates that put texts where they are names, parts of names, or more than texts.
const TEMPLATES: [&str; 8] = [
    "{}",
    "{attributes: {own: $(tenant.label), both: '$(tenant.name) of $(tenant.parent?)'}}",
    "{clients: [{clientId: app-$(tenant.name), publicClient: true}]}",
    "{roles: {realm: [{name: $(tenant.label)}]}}",
    "{groups: [{name: $(tenant.name), subGroups: [{name: '$(tenant.label)'}]}]}",
    "{users: [{username: $(tenant.label), clientRoles: {account: [view-profile]}}]}",
    "{clients: [{clientId: app, redirectUris: ['https://$(tenant.name).example/*', 'https://a.example/*'], protocolMappers: \
     [{name: own, protocol: openid-connect, protocolMapper: oidc-hardcoded-claim-mapper, config: {claim.name: own, \
     claim.value: $(tenant.label)}}]}]}",
    "{smtpServer: {host: mail.example, from: 'no-reply@$(tenant.name).example', auth: true, user: $(tenant.name), \
     password: $(parameters.password)}, eventsListeners: [jboss-logging, $(tenant.label)]}",
];

struct Set {
    sources: Vec<Source>,
    set: realmwright::manifest::ManifestSet,
    network: Network,
    found: Vec<Diagnostic>,
}

fn set(organizations: &[Value], template: &str) -> Set {
    let named = organizations.iter().enumerate().map(|(number, organization)| {
        let mut organization = organization.clone();
        organization["name"] = format!("clinic-{number}").into();
        organization["template"] = "own".into();
        organization
    });
    let (direct, below): (Vec<_>, Vec<_>) = named.enumerate().partition(|(number, _)| number % 2 == 0);
    let plain = |list: Vec<(usize, Value)>| list.into_iter().map(|(_, organization)| organization).collect::<Vec<_>>();
    let document = json!({
        "apiVersion": "realmwright/v1", "kind": "Distributor", "name": "north", "organizations": plain(direct),
        "resellers": [{"name": "south", "organizations": plain(below)}],
    });
    let template = format!(
        "apiVersion: realmwright/v1\nkind: RealmTemplate\nname: own\nextends: organization\nparameters:\n  password: {{type: \
         secret, default: 'env:OTHER'}}\nrealm: {template}\n"
    );
    let texts = [("platform.yaml", PLATFORM.to_owned()), ("north.yaml", document.to_string()), ("own.yaml", template)];
    let sources = texts.map(|(name, text)| Source { name: name.into(), text }).into();
    let Loaded { sources, set, mut diagnostics } = load(sources, builtin::sources());
    let set = set.expect("a platform");
    let network = resolve(&set, "test", &mut diagnostics);
    Set { sources, set, network, found: diagnostics }
}

impl Set {
    fn made(&self, network: &Network) -> (Vec<Desired>, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let trusted = Trusted { operator: "{}", broker: "{}" };
        let desired = expand(&self.set, &self.sources, network, trusted, &mut found);
        (desired, found)
    }
}

fn lines(found: &[Diagnostic]) -> BTreeSet<String> {
    found.iter().map(|found| format!("{found:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn many_at_once_are_as_each_by_itself(
        organizations in prop::collection::vec(organization(), 2..7), template in prop::sample::select(&TEMPLATES[..]),
    ) {
        let set = set(&organizations, template);
        let (all, found) = set.made(&set.network);
        let mut each_found = Vec::new();
        let mut each = Vec::new();
        for tenant in &set.network.tenants {
            let (desired, found) = set.made(&Network { tenants: vec![tenant.clone()], ..set.network.clone() });
            each_found.extend(found);
            each.extend(desired);
        }
        prop_assert_eq!(lines(&found), lines(&each_found));
        prop_assert_eq!(all.len(), each.len());
        for (at_once, alone) in all.iter().zip(&each) {
            prop_assert_eq!(&at_once.state, &alone.state, "{}", at_once.name);
            prop_assert_eq!(&at_once.secrets, &alone.secrets);
        }
    }
}

/// Were none cast, the property above would hold of nothing.
#[test]
fn most_realms_are_cast() {
    let organization = |number: u32| {
        let licence = json!({"product": "assistant", "type": "pro", "serial": format!("A-{number}"), "seats": number + 1,
            "validUntil": "2099-12-31"});
        json!({"label": format!("Clinic {number}"), "admin": {"email": format!("Boss@{number}.example")}, "licences": [licence]})
    };
    for template in [TEMPLATES[0], TEMPLATES[1], TEMPLATES[7]] {
        let set = set(&(0..6).map(organization).collect::<Vec<_>>(), template);
        assert_eq!(lines(&set.found), BTreeSet::new());
        let (all, found) = set.made(&set.network);
        assert_eq!(lines(&found), BTreeSet::new());
        // Three stand below the distributor and three below the reseller; the first of each three makes the mould.
        for clinics in [["clinic-0", "clinic-2", "clinic-4"], ["clinic-1", "clinic-3", "clinic-5"]] {
            let [_, second, third] =
                clinics.map(|name| all.iter().find(|desired| desired.name == name).expect("there"));
            let common = second
                .state
                .objects
                .iter()
                .filter(|(id, object)| third.state.objects.get(*id).is_some_and(|other| other.is(object)));
            let common = common.count();
            assert!(common > 35, "{common} of {} objects: {template}", second.state.objects.len());
        }
    }
}

/// A network that is shared between threads.
#[test]
fn what_was_made_and_found_of_many_is_in_the_order_of_the_tenants() {
    let organization = |number: u32| match number % 50 {
        7 => json!({"label": format!("Clinic {number}"), "users": [{"username": "x", "roles": ["nobody"]}]}),
        _ => json!({"label": format!("Clinic {number}")}),
    };
    let set = set(&(0..300).map(organization).collect::<Vec<_>>(), TEMPLATES[1]);
    assert_eq!(lines(&set.found), BTreeSet::new());
    let (all, found) = set.made(&set.network);
    let names = set.network.tenants.iter().map(|tenant| &tenant.name);
    assert!(all.iter().map(|desired| &desired.name).eq(names), "{} tenants", all.len());
    assert_eq!(found.len(), 6, "{found:?}");
    let mut each_found = Vec::new();
    for (tenant, desired) in set.network.tenants.iter().zip(&all) {
        let (alone, found) = set.made(&Network { tenants: vec![tenant.clone()], ..set.network.clone() });
        assert_eq!(alone[0].state, desired.state, "{}", desired.name);
        each_found.extend(found);
    }
    let shown = |found: &[Diagnostic]| found.iter().map(|found| format!("{found:?}")).collect::<Vec<_>>();
    assert_eq!(shown(&found), shown(&each_found));
}
