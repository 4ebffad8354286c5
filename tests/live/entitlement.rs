//! What a realm and its tokens say of licences: signed, so that products can rely on it, and put back where somebody tampers
//! with it.

use realmwright::keycloak::{ReadRealms, WriteRealms};
use realmwright::licence::Entitlement;
use realmwright::seal::TrustedKeys;
use serde_json::{Value, json};

use crate::support::signing_key;
use crate::tenants::{Site, demo_claims, demo_token, export, on_server, published_keys};

fn platform(keys: &[&str]) -> String {
    let keys: String = keys.concat().lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "apiVersion: realmwright/v1\nkind: Platform\nname: test\nenvironments:\n  test:\n    trustedKeys: |\n{keys}products:\n  \
         assistant: {{label: Assistant, redirectUris: [https://assistant.example/*]}}\nresources: {{users: gauge}}\n"
    )
}

/// A distributor with a licence, and a clinic that lives on what it is granted, with a user who can ask for tokens.
fn site(name: &str) -> (Site, String) {
    let site = Site::new(name);
    let (private, public) = signing_key();
    site.write("signing.pem", &private);
    site.write("trusted.pem", &public);
    site.write("platform.yaml", &platform(&[&public]));
    site.write(
        "north/north.yaml",
        &format!(
            "apiVersion: realmwright/v1\nkind: Distributor\nname: {}\nlicences:\n  - {{product: assistant, type: pro, serial: A-1, seats: 9, \
             validUntil: 2999-12-31, quantities: {{organizations: 3, users: 50}}}}\norganizations:\n  - name: {}\n    \
             grants: {{users: 30, assistant: 4}}\n    realm: {{clients: [{{clientId: assistant, directAccessGrantsEnabled: true}}]}}\n    \
             users:\n      - {{username: demo, email: demo@clinic.example, firstName: D, lastName: E, password: 'file:user.password', roles: \
             [assistant/seat]}}\n",
            site.north, site.clinic
        ),
    );
    (site, public)
}

fn attribute(realm: &str) -> String {
    export(realm)["attributes"]["realmwright.entitlement"].as_str().expect("signed").to_owned()
}

/// The claim in a token of the product's client.
fn claim(realm: &str) -> String {
    let claims = demo_claims(realm);
    claims["entitlement"].as_str().unwrap_or_else(|| panic!("{claims}")).to_owned()
}

/// Writes attributes of a realm, as its administrator does.
fn put_attributes(realm: &str, attributes: &[(&str, Option<&str>)]) {
    on_server(async |api| {
        let mut document = api.get(realm, "").await.expect("answered").expect("there");
        for (name, value) in attributes {
            document["attributes"][*name] = json!(value.unwrap_or_default());
        }
        api.put(realm, "", Some(&document)).await.expect("put");
    });
}

#[test]
fn realms_and_tokens_say_signed_what_a_tenant_is_entitled_to() {
    let (site, public) = site("entitled");
    let (clinic, north) = (site.clinic.clone(), site.north.clone());
    let no_key = site.told(64, "apply --yes");
    assert!(no_key.contains("no signing key is given"), "{no_key}");
    site.write("other.pem", &signing_key().0);
    let other = site.told(1, "apply --yes --signing-key other.pem");
    assert!(other.contains("the platform's `trustedKeys` begin with"), "{other}");
    site.told(0, "apply --yes --signing-key signing.pem");
    // Whoever only plans needs no private key.
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));

    let keys = TrustedKeys::from_pem(&public).expect("keys");
    let of_realm: Entitlement = keys.open(&attribute(&north)).expect("authentic");
    assert_eq!((of_realm.sub.as_str(), of_realm.licences[0].serial.as_str()), (north.as_str(), "A-1"));
    assert_eq!(of_realm.limits["users"], 50);
    let of_product: Entitlement = keys.open(&claim(&clinic)).expect("authentic");
    assert_eq!((of_product.sub.as_str(), of_product.product.as_deref()), (clinic.as_str(), Some("assistant")));
    assert_eq!(of_product.limits, [("assistant".to_owned(), 4)].into());
    site.write("claim.jwt", &claim(&clinic));
    let verified = site.told(0, "licence verify claim.jwt --trusted-keys trusted.pem");
    assert!(verified.contains("it is genuine") && verified.contains("4 assistant"), "{verified}");

    // A whole token, with the keys of its realm; those of another realm are none.
    site.write("token.jwt", &demo_token(&clinic));
    site.write("jwks.json", &published_keys(&clinic));
    let whole = "licence verify token.jwt --trusted-keys trusted.pem --jwks jwks.json";
    let verified = site.told(0, whole);
    assert!(
        verified.contains("it is genuine; the token is good until") && verified.contains("4 assistant"),
        "{verified}"
    );
    site.write("jwks.json", &published_keys(&north));
    let refused = site.told(3, whole);
    assert!(refused.contains("refused: [unknown-key]"), "{refused}");

    // More is granted: what is signed follows.
    site.edit("assistant: 4", "assistant: 5");
    let more = site.told(0, "plan --out more.plan");
    assert!(more.contains("realmwright.entitlement") && !more.contains("tampered"), "{more}");
    assert!(!std::fs::read_to_string(site.dir.path().join("more.plan")).expect("a plan").contains("PRIVATE"));
    site.told(64, "apply more.plan");
    site.told(0, "apply more.plan --signing-key signing.pem");
    let of_product: Entitlement = keys.open(&claim(&clinic)).expect("authentic");
    assert_eq!(of_product.limits["assistant"], 5);
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    site.remove();
}

#[test]
fn tampering_is_named_and_put_back() {
    let (site, public) = site("tampered");
    let (clinic, north) = (site.clinic.clone(), site.north.clone());
    site.told(0, "apply --yes --signing-key signing.pem");
    let (own, of_north) = (attribute(&clinic), attribute(&north));
    let repaired = |what: &str| {
        let drift = site.told(2, "drift");
        assert!(drift.contains(what), "{what}\n{drift}");
        let page = site.told(2, "drift --format markdown");
        assert!(page.contains("Tampered with"), "{page}");
        let json: Value = serde_json::from_str(&site.told(2, "drift --format json")).expect("JSON");
        assert!(json["tenants"].to_string().contains("tampering"), "{json}");
        site.told(0, "apply --yes --signing-key signing.pem");
        assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
        assert_eq!(attribute(&clinic), own);
    };
    put_attributes(&north, &[("licence.A-1.seats", Some("999"))]);
    repaired("! tampered  realm attributes.licence.A-1.seats was changed");
    put_attributes(&clinic, &[("licence.X-9.seats", Some("999")), ("licence.X-9.product", Some("assistant"))]);
    repaired("! tampered  realm attributes.licence.X-9.product was added, and nobody declared it");
    put_attributes(&clinic, &[("realmwright.entitlement", None)]);
    repaired("! tampered  realm attributes.realmwright.entitlement was removed");
    put_attributes(&clinic, &[("realmwright.entitlement", Some(&of_north))]);
    repaired("! tampered  realm attributes.realmwright.entitlement was replaced by what was signed for another realm");
    let (head, rest) = own.split_once('.').expect("a header");
    let (_, signature) = rest.split_once('.').expect("a signature");
    use base64::Engine;
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let forged = format!("{head}.{}.{signature}", url.encode(r#"{"sub":"x"}"#));
    put_attributes(&clinic, &[("realmwright.entitlement", Some(&forged))]);
    repaired("! tampered  realm attributes.realmwright.entitlement was replaced by what no trusted key signed");

    // The mapper that brings it into tokens.
    on_server(async |api| {
        let client =
            api.get(&clinic, "clients?clientId=assistant").await.expect("answered").expect("a list")[0].clone();
        let mappers = client["protocolMappers"].as_array().expect("mappers");
        let mapper = mappers.iter().find(|mapper| mapper["name"] == "realmwright-entitlement").expect("the mapper");
        let path = |of: &Value| of["id"].as_str().expect("an id").to_owned();
        let path = format!("clients/{}/protocol-mappers/models/{}", path(&client), path(mapper));
        api.delete(&clinic, &path, None).await.expect("deleted");
    });
    repaired("! tampered  client-mapper/assistant/realmwright-entitlement was removed");
    let keys = TrustedKeys::from_pem(&public).expect("keys");
    assert_eq!(keys.open::<Entitlement>(&claim(&clinic)).expect("authentic").limits["assistant"], 4);

    // Another one beside it, which fills the same claim.
    let rival = json!({"name": "rival", "protocol": "openid-connect", "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": "entitlement", "claim.value": "everything", "jsonType.label": "String", "access.token.claim": "true"}});
    let path = on_server(async |api| {
        let client =
            api.get(&clinic, "clients?clientId=assistant").await.expect("answered").expect("a list")[0].clone();
        let path = format!("clients/{}/protocol-mappers/models", client["id"].as_str().expect("an id"));
        api.post(&clinic, &path, &rival).await.expect("made");
        let mappers = api.get(&clinic, &path).await.expect("answered").expect("a list");
        let made = mappers.as_array().expect("a list").iter().find(|mapper| mapper["name"] == "rival").expect("there");
        format!("{path}/{}", made["id"].as_str().expect("an id"))
    });
    let said =
        "! tampered  client-mapper/assistant/rival config.claim.name fills the claim `entitlement` of tokens too";
    let drift = site.told(2, "drift");
    assert!(drift.contains(said), "{drift}");
    assert!(site.told(0, "plan").contains(said));
    let page = site.told(2, "drift --format markdown");
    assert!(page.contains("Tampered with"), "{page}");
    on_server(async |api| api.delete(&clinic, &path, None).await.expect("taken away"));
    assert!(site.told(0, "drift").contains("No drift"));
    site.remove();
}

#[test]
fn one_signing_key_follows_another() {
    let (site, old) = site("resigned");
    site.told(0, "apply --yes --signing-key signing.pem");
    let (private, new) = signing_key();
    site.write("new.pem", &private);
    // At once, the old one is not known any more, and plans say in which order it is done.
    site.write("platform.yaml", &platform(&[&new]));
    let plan = site.told(2, "plan --detailed-exitcode");
    assert!(plan.contains("! tampered  realm attributes.realmwright.entitlement is as it was last applied"), "{plan}");
    assert!(plan.contains("keep the old key there, below the new one, until everything is signed anew"), "{plan}");
    site.write("platform.yaml", &platform(&[&new, &old]));
    let plan = site.told(2, "plan --detailed-exitcode");
    assert!(plan.contains("realmwright.entitlement") && !plan.contains("tampered"), "{plan}");
    site.told(0, "apply --yes --signing-key new.pem");
    site.write("platform.yaml", &platform(&[&new]));
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    let keys = TrustedKeys::from_pem(&new).expect("keys");
    keys.open::<Entitlement>(&claim(&site.clinic)).expect("authentic");
    site.remove();
}

#[test]
fn what_a_ledger_says_is_signed_and_stays_where_nobody_reads_it() {
    let (site, public) = site("ledgered");
    let clinic = site.clinic.clone();
    let ledger = "--ledger sqlite:ledger.db";
    site.told(0, &format!("apply --yes --signing-key signing.pem --actor ci {ledger}"));
    let keys = TrustedKeys::from_pem(&public).expect("keys");
    let read = |realm: &str| keys.open::<Entitlement>(&attribute(realm)).expect("authentic");
    assert_eq!(read(&clinic).limits["users"], 30);
    // Only the ledger knows of a licence that was sold on the telephone.
    site.told(
        0,
        &format!("licence issue --serial TEL-1 --quantity users=7 --valid-until 2999-12-31 --actor anna {ledger}"),
    );
    site.told(0, &format!("licence redeem TEL-1 -o {} --yes --actor anna {ledger}", site.north));
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    assert!(site.told(0, "drift").contains("No drift"));
    site.told(0, &format!("apply --yes --signing-key signing.pem --actor ci {ledger}"));
    let north = read(&site.north);
    assert_eq!((north.limits["users"], north.licences.len()), (57, 2));
    assert!(site.told(0, &format!("plan --detailed-exitcode {ledger}")).contains("Nothing to do"));
    // Also where it has not been read, it is not taken for tampering; an older one, put back by hand, is.
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    site.remove();
}
