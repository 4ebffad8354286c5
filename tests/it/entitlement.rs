//! What a realm says of licences, signed: what is done about tampering, and that no decision rests on it.

use proptest::prelude::*;
use realmwright::keycloak::memory::MemoryKeycloak;
use realmwright::keycloak::observe::Users;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe};
use realmwright::licence::{Basis, Entitlement, LicenceTerms};
use realmwright::plan::{Plan, drift, guard, plan_tenant, render};
use realmwright::seal::{SigningKey, TrustedKeys};
use realmwright::state::secret::Secrets;
use serde_json::{Value, json};

use crate::plan::{id, world};
use crate::support::{World, signing_key};

const ATTRIBUTE: &str = "realmwright.entitlement";
const MAPPER: &str = "realmwright-entitlement";

fn signed(keys: &(String, String)) -> World {
    world().signed(&keys.1, &keys.0)
}

fn server(trusted: &str) -> MemoryKeycloak {
    let mut api = MemoryKeycloak::new();
    api.trusted = TrustedKeys::from_pem(trusted).ok();
    api
}

async fn realm(api: &MemoryKeycloak, realm: &str) -> Value {
    api.get(realm, "").await.expect("readable").expect("there")
}

async fn attribute(api: &MemoryKeycloak, name: &str) -> Value {
    realm(api, name).await["attributes"][ATTRIBUTE].clone()
}

/// The path of a product's mappers, and the one that brings the claim.
async fn mapper(api: &MemoryKeycloak, product: &str) -> (String, Value) {
    let export = api.export("clinic").await.expect("readable").expect("there");
    let client =
        export["clients"].as_array().into_iter().flatten().find(|client| client["clientId"] == product).expect("there");
    let mappers = client["protocolMappers"].as_array().expect("mappers");
    let mapper = mappers.iter().find(|mapper| mapper["name"] == MAPPER).expect("there");
    (format!("clients/{}/protocol-mappers/models", id(client)), mapper.clone())
}

/// Writes attributes of a realm by hand; null takes one away.
async fn by_hand(api: &MemoryKeycloak, name: &str, attributes: &[(&str, Value)]) {
    let mut document = realm(api, name).await;
    let own = document["attributes"].as_object_mut().expect("a map");
    for (name, value) in attributes {
        match value {
            Value::Null => drop(own.remove(*name)),
            value => drop(own.insert((*name).to_owned(), value.clone())),
        }
    }
    api.put(name, "", Some(&document)).await.expect("written");
}

fn told(plan: &Plan) -> Vec<String> {
    let tampering = plan.tenants.iter().flat_map(|tenant| &tenant.tampering);
    let one = |what: &realmwright::plan::Tampering| {
        let path = what.path.as_ref().map_or_else(String::new, |path| format!(" {path}"));
        format!("{}{path} {}", what.object, what.how.words())
    };
    tampering.map(one).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn tampering_is_named_wherever_drift_is_shown_and_put_back() {
    let (keys, thief) = (signing_key(), signing_key());
    let api = server(&keys.1);
    let before = signed(&keys);
    before.apply(&api).await;
    let old = attribute(&api, "clinic").await;
    let world = before.edit("tenants.yaml", "seats: 5", "seats: 7");
    assert_eq!(told(&world.apply(&api).await), [""; 0], "a change of the manifest is none");
    let now = attribute(&api, "clinic").await;
    let trusted = TrustedKeys::from_pem(&keys.1).expect("keys");
    let mut more = trusted.open::<Entitlement>(text(&now)).expect("genuine");
    more.limits.insert("assistant".into(), 9000);
    let forged = SigningKey::from_pem(&thief.0.clone().into()).expect("a key").sign(&more).expect("signed");
    let forgery = "realm attributes.realmwright.entitlement was replaced by what no trusted key signed";
    for (name, value, expected) in [
        (ATTRIBUTE, json!(forged), forgery),
        (ATTRIBUTE, json!(text(&now)[..text(&now).len() - 2]), forgery),
        (ATTRIBUTE, json!("**********"), forgery),
        (
            ATTRIBUTE,
            attribute(&api, "north").await,
            "realm attributes.realmwright.entitlement was replaced by what was signed for another realm",
        ),
        (
            ATTRIBUTE,
            mapper(&api, "assistant").await.1["config"]["claim.value"].clone(),
            "realm attributes.realmwright.entitlement was replaced by what was signed for another product",
        ),
        (ATTRIBUTE, old, "realm attributes.realmwright.entitlement was changed"),
        (ATTRIBUTE, Value::Null, "realm attributes.realmwright.entitlement was removed"),
        ("licence.A-1.seats", json!("9000"), "realm attributes.licence.A-1.seats was changed"),
        ("licence.A-1.seats", json!("**********"), "realm attributes.licence.A-1.seats was changed"),
        ("licence.FAKE.seats", json!("9000"), "realm attributes.licence.FAKE.seats was added, and nobody declared it"),
    ] {
        by_hand(&api, "clinic", &[(name, value)]).await;
        let plan = world.plan(&api).await;
        assert_eq!(told(&plan), [expected]);
        let drifted = drift::drift(&plan).0;
        for shown in [render::text::plan(&plan), render::text::drift(&drifted)] {
            assert!(shown.contains(&format!("! tampered  {expected}")), "{shown}");
        }
        for shown in [render::markdown::plan(&plan), render::markdown::drift(&drifted, 0)] {
            assert!(shown.contains("**Tampered with"), "{shown}");
        }
        world.apply(&api).await;
        assert_eq!(attribute(&api, "clinic").await, now, "the same is the same text");
    }
}

#[tokio::test]
async fn a_claim_that_was_changed_or_removed_is_named() {
    let keys = signing_key();
    let api = server(&keys.1);
    let world = signed(&keys).edit("tenants.yaml", "        licences:\n", "        licences:\n          - {product: insights, type: pro, serial: I-1, seats: 3, validUntil: 2027-12-31}\n");
    world.apply(&api).await;
    let (path, own) = mapper(&api, "assistant").await;
    let other = mapper(&api, "insights").await.1["config"]["claim.value"].clone();
    let place = format!("{path}/{}", id(&own));
    for (value, how) in
        [(json!("everything"), "what no trusted key signed"), (other, "what was signed for another product")]
    {
        let mut changed = own.clone();
        changed["config"]["claim.value"] = value;
        api.put("clinic", &place, Some(&changed)).await.expect("written");
        let expected =
            format!("client-mapper/assistant/realmwright-entitlement config.claim.value was replaced by {how}");
        assert_eq!(told(&world.plan(&api).await), [expected]);
        world.apply(&api).await;
    }
    api.delete("clinic", &place, None).await.expect("removed");
    assert_eq!(told(&world.plan(&api).await), ["client-mapper/assistant/realmwright-entitlement was removed"]);
    world.apply(&api).await;
}

/// A mapper beside the one that brings what is signed: left alone as all that is foreign, and named as what it is.
#[tokio::test]
async fn a_second_mapper_that_fills_the_claim_is_named() {
    let keys = signing_key();
    let api = server(&keys.1);
    let world = signed(&keys);
    world.apply(&api).await;
    let (path, _) = mapper(&api, "assistant").await;
    let rival = |name: &str, claim: &str| {
        json!({"name": name, "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
            "config": {"claim.name": claim, "claim.value": "everything", "access.token.claim": "true"}})
    };
    for (name, claim) in [("harmless", "entitlements"), ("dotted", "x.entitlement")] {
        api.post("clinic", &path, &rival(name, claim)).await.expect("made");
    }
    assert_eq!(told(&world.plan(&api).await), [""; 0]);
    for (name, claim) in [("rival", "entitlement"), ("within", "entitlement.limits")] {
        api.post("clinic", &path, &rival(name, claim)).await.expect("made");
        let plan = world.plan(&api).await;
        let expected = format!(
            "client-mapper/assistant/{name} config.claim.name fills the claim `entitlement` of tokens too, in place of what is signed"
        );
        assert_eq!(told(&plan), std::slice::from_ref(&expected));
        assert!(plan.is_empty(), "it is left alone");
        let drifted = drift::drift(&plan).0;
        for shown in [render::text::plan(&plan), render::text::drift(&drifted)] {
            assert!(shown.contains(&format!("! tampered  {expected}")), "{shown}");
        }
        assert!(render::text::drift(&drifted).contains("Drift, in what nobody declared alone"));
        for shown in [render::markdown::plan(&plan), render::markdown::drift(&drifted, 0)] {
            assert!(shown.contains("**Tampered with") && shown.contains(name), "{shown}");
        }
        let export = api.export("clinic").await.expect("readable").expect("there");
        let clients = export["clients"].as_array().expect("clients").iter();
        let mappers = clients.filter_map(|client| client["protocolMappers"].as_array()).flatten();
        let made = mappers.clone().find(|mapper| mapper["name"] == name).expect("there");
        api.delete("clinic", &format!("{path}/{}", id(made)), None).await.expect("removed");
    }
    // In a scope, where the product's tokens may have that.
    let scope =
        json!({"name": "more", "protocol": "openid-connect", "protocolMappers": [rival("rival", "entitlement")]});
    api.post("clinic", "client-scopes", &scope).await.expect("made");
    assert_eq!(told(&world.plan(&api).await), [""; 0]);
    let document = api.export("clinic").await.expect("readable").expect("there");
    let named = |list: &str, key: &str, name: &str| {
        id(document[list].as_array().expect("a list").iter().find(|one| one[key] == name).expect("there")).to_owned()
    };
    let (client, scope) = (named("clients", "clientId", "assistant"), named("clientScopes", "name", "more"));
    let assigned = format!("clients/{client}/optional-client-scopes/{scope}");
    api.put("clinic", &assigned, None).await.expect("assigned");
    assert_eq!(
        told(&world.plan(&api).await),
        [
            "client-scope-mapper/more/rival config.claim.name fills the claim `entitlement` of tokens too, in place of what is signed"
        ]
    );
}

/// Keys that were exchanged at once, and in the order that the documents ask for.
#[tokio::test]
async fn a_key_that_is_no_longer_trusted_is_told_from_a_forgery() {
    let (old, new) = (signing_key(), signing_key());
    let mut api = server(&old.1);
    signed(&old).apply(&api).await;
    api.trusted = TrustedKeys::from_pem(&new.1).ok();
    let at_once = signed(&new);
    let plan = at_once.plan(&api).await;
    let said = told(&plan);
    assert!(!said.is_empty());
    for one in said {
        assert!(one.contains("signed with a key that `trustedKeys` does not name any more: keep the old key"), "{one}");
    }
    // Changed as well, it is a forgery.
    let trusted = TrustedKeys::from_pem(&old.1).expect("keys");
    let mut more = trusted.open::<Entitlement>(text(&attribute(&api, "clinic").await)).expect("genuine");
    more.limits.insert("assistant".into(), 9000);
    let forged = SigningKey::from_pem(&old.0.clone().into()).expect("a key").sign(&more).expect("signed");
    by_hand(&api, "clinic", &[(ATTRIBUTE, json!(forged))]).await;
    let said = told(&at_once.plan(&api).await);
    assert!(said.iter().any(|one| one.ends_with("was replaced by what no trusted key signed")), "{said:?}");
    at_once.apply(&api).await;
    assert_eq!(told(&at_once.plan(&api).await), [""; 0]);

    // In order: both are trusted while the new one signs, and nothing of it is tampering.
    let mut api = server(&old.1);
    signed(&old).apply(&api).await;
    let both = new.1.clone() + &old.1;
    api.trusted = TrustedKeys::from_pem(&both).ok();
    let during = world().signed(&both, &new.0);
    assert_eq!(told(&during.plan(&api).await), [""; 0]);
    during.apply(&api).await;
    api.trusted = TrustedKeys::from_pem(&new.1).ok();
    let plan = signed(&new).plan(&api).await;
    assert!(plan.is_empty() && plan.tampered().next().is_none(), "{:?}", told(&plan));
}

/// What is counted before a licence is cut does not depend on what an administrator wrote into the realm.
#[tokio::test]
async fn tampering_hides_no_cut() {
    const TAKEN: &str = "            - {product: insights, type: pro, serial: I-1, seats: 3, validUntil: 2027-12-31}\n";
    let less = |world: World| world.edit("tenants.yaml", "seats: 5", "seats: 1");
    let gone = |world: World| {
        world.edit(
            "tenants.yaml",
            "          - {product: assistant, type: pro, serial: A-1, seats: 5, validUntil: 2027-12-31}\n",
            &TAKEN[2..],
        )
    };
    for (attributes, change) in [
        (vec![("licence.A-1.seats", json!("1"))], less as fn(World) -> World),
        (vec![("licence.A-1.seats", Value::Null)], less),
        (vec![("licence.A-1.product", json!("insights"))], less),
        (vec![("licence.X-9.product", json!("assistant")), ("licence.X-9.seats", json!("900"))], less),
        (vec![("licence.A-1.seats", json!("0"))], gone),
        (vec![("licence.A-1.product", Value::Null)], gone),
        (vec![("licence.A-1.product", Value::Null), ("licence.A-1.seats", Value::Null)], gone),
    ] {
        let api = MemoryKeycloak::new();
        world().apply(&api).await;
        by_hand(&api, "clinic", &attributes).await;
        let desired = change(world()).expand().expect("sound");
        let clinic = desired.iter().find(|tenant| tenant.name == "clinic").expect("there");
        let found = observe(&api, "clinic", &Users::default()).await.expect("readable").expect("there");
        let plan = plan_tenant(clinic, Some(&found), &Secrets::default());
        let cuts = guard::cuts(&plan, &found);
        assert!(cuts.iter().any(|cut| cut.product == "assistant"), "{attributes:?}: {cuts:?}");
    }
}

#[tokio::test]
async fn tampering_makes_no_cut() {
    for seats in [json!("9000"), json!("1"), Value::Null] {
        let api = MemoryKeycloak::new();
        world().apply(&api).await;
        by_hand(&api, "clinic", &[("licence.A-1.seats", seats)]).await;
        let desired = world().expand().expect("sound");
        let clinic = desired.iter().find(|tenant| tenant.name == "clinic").expect("there");
        let found = observe(&api, "clinic", &Users::default()).await.expect("readable").expect("there");
        assert_eq!(guard::cuts(&plan_tenant(clinic, Some(&found), &Secrets::default()), &found), []);
    }
}

#[test]
fn a_template_cannot_say_what_a_realm_is_entitled_to() {
    let attributes = "        realm: {attributes: {realmwright.entitlement: x}}\n        licences:\n";
    let findings = world().edit("tenants.yaml", "        licences:\n", attributes).findings();
    insta::assert_snapshot!(findings, @"[reserved-name] tenants.yaml:11:30 the attribute `realmwright.entitlement` is the tool's own");
}

prop_compose! {
    fn terms()(
        texts in prop::array::uniform3(".{0,12}"),
        quantities in prop::collection::btree_map(".{0,9}", any::<i64>(), 0..4),
        (valid_from, expiry, renewal) in any::<(Option<i64>, i64, Option<i64>)>(),
    ) -> LicenceTerms {
        let [serial, product, licence_type] = texts;
        LicenceTerms { serial, dealer: None, recipient: None, product, licence_type, quantities, valid_from, expiry, renewal, on_expiry: Default::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// P19
    #[test]
    fn an_entitlement_is_read_as_it_was_signed_and_with_no_bit_changed(
        [sub, environment] in prop::array::uniform2(".{0,12}"),
        product in prop::option::of(".{0,12}"),
        licences in prop::collection::vec(terms(), 0..4),
        limits in prop::collection::btree_map(".{0,9}", any::<i64>(), 0..4),
        (own_licences, ledger, at, bit) in (any::<bool>(), any::<bool>(), any::<prop::sample::Index>(), 0u8..8),
    ) {
        let proof = if ledger { Basis::Ledger } else { Basis::Manifests };
        let said = Entitlement { sub, environment, product, proof, own_licences, licences, limits };
        let (private, public) = signing_key();
        let (key, trusted) = (SigningKey::from_pem(&private.into()).unwrap(), TrustedKeys::from_pem(&public).unwrap());
        let text = key.sign(&said).unwrap();
        prop_assert_eq!(trusted.open::<Entitlement>(&text), Ok(said));
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(trusted.open::<Entitlement>(&String::from_utf8_lossy(&bytes)).is_err());
    }
}
