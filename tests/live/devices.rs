//! Devices that are clients of their organization's realm: counted before they get in, shut out before they are not.

use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use secrecy::SecretString;
use serde_json::json;

use crate::accounting::PLATFORM;
use crate::observer::pair;
use crate::server::{live, runtime};
use crate::support::signing_key;
use crate::tenants::{Site, on_server};

/// The platform of the accounts, with devices that are clients.
fn platform() -> String {
    let counted = PLATFORM.replace("resources: {users: gauge}", "resources: {devices: gauge}");
    counted.replace("https://assistant.example/*]", "https://assistant.example/*], deviceClients: true")
}

fn site() -> Site {
    let site = Site::new("devices");
    site.write("platform.yaml", &platform());
    let (private, public) = signing_key();
    site.write("signing.pem", &private);
    site.write("trusted.pem", &public);
    site.write(
        "north/north.yaml",
        &format!(
            "apiVersion: realmwright/v1\nkind: Distributor\nname: {}\nlicences:\n  - {{product: assistant, type: pro, serial: A-1, seats: 9, \
             validUntil: 2999-12-31, quantities: {{organizations: 3, devices: 3}}}}\norganizations:\n  - {{name: {}, grants: {{devices: 2, \
             assistant: 1}}}}\n",
            site.north, site.clinic
        ),
    );
    site.expect(0, &["apply", "--yes", "--actor", "ci"]);
    site
}

/// Whether a device gets a token with its key.
fn gets_in(realm: &str, device: &str, pem: &SecretString) -> bool {
    let key = OperatorKey::from_pem(pem).expect("a key");
    let issuer = format!("{}/realms/{realm}", live().url);
    let now = jiff::Timestamp::now().as_second().cast_unsigned();
    let assertion = key.assertion(device, &issuer, now).expect("signed");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", device),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    let url = format!("{issuer}/protocol/openid-connect/token");
    runtime().block_on(async { reqwest::Client::new().post(url).form(&form).send().await }).expect("answered").status()
        == 200
}

fn left(site: &Site, organization: &str) -> String {
    let said = site.told(0, &format!("resources {organization} --ledger sqlite:ledger.db"));
    said.lines().find(|line| line.contains("devices")).expect("a line").trim().to_owned()
}

const BOOK: &str = "--ledger sqlite:ledger.db --actor app";

#[test]
fn a_device_is_a_client_that_is_counted() {
    let site = site();
    let (clinic, north) = (site.clinic.clone(), site.north.clone());
    let (door, public) = pair();
    site.write("door.pub", &public);
    let register = format!("device register CLINIC --name door --key door.pub {BOOK}");
    let done = site.told(0, &register);
    assert!(done.contains("CLINIC uses 1 devices more"), "{done}");
    assert!(gets_in(&clinic, "device-door", &door));
    assert!(!gets_in(&clinic, "device-door", &pair().0), "another key");
    assert!(site.told(0, &register).contains("it was so already"));
    assert_eq!(left(&site, "CLINIC"), "devices        1 left: 1 of 2 used (own 1, shared 0)");
    // It is no drift, and nothing foreign.
    let plan = site.told(0, "plan --detailed-exitcode");
    assert!(plan.contains("Nothing to do") && !plan.contains("foreign"), "{plan}");

    // Bad input.
    let other = site.told(64, &register.replace("--key door.pub", "--key north/north.yaml"));
    assert!(other.contains("is not an EC P-256 public key in PEM"), "{other}");
    site.write("other.pub", &pair().1);
    assert!(site.told(64, &register.replace("door.pub", "other.pub")).contains("is there already, with another key"));
    assert!(site.told(64, &register.replace("--name door", "--name Door")).contains("small letters"));
    assert!(site.told(64, &register.replace(" --key door.pub", "")).contains("no key of `door` is given"));
    assert!(site.told(64, &format!("device retire CLINIC --name dour {BOOK}")).contains("has no device `dour`"));

    // More than there may be.
    site.told(0, &register.replace("door", "gate").replace("gate.pub", "door.pub"));
    let refused = site.told(3, &register.replace("--name door", "--name lamp"));
    assert!(refused.contains("refused: [quota]"), "{refused}");
    on_server(async |api| {
        let lamp = api.get(&clinic, "clients?clientId=device-lamp").await.expect("answered");
        assert_eq!(lamp, Some(json!([])), "what is not counted is not there");
    });

    // Cut short before it was counted, or after.
    site.told(0, &format!("device retire CLINIC --name gate {BOOK}"));
    assert!(!gets_in(&clinic, "device-gate", &door));
    on_server(async |api| {
        let door =
            api.get(&clinic, "clients?clientId=device-door").await.expect("answered").expect("a list")[0].clone();
        let mut cut = door.clone();
        (cut["enabled"], cut["attributes"]["realmwright.device"]) = (false.into(), "registering".into());
        api.put(&clinic, &format!("clients/{}", door["id"].as_str().expect("an id")), Some(&cut)).await.expect("put");
    });
    site.told(0, &register);
    assert!(gets_in(&clinic, "device-door", &door));
    assert_eq!(left(&site, "CLINIC"), "devices        1 left: 1 of 2 used (own 1, shared 0)");
    assert!(site.told(0, &format!("count {BOOK}")).contains("CLINIC  devices    1 of 2\n"));

    // It moves, with its key.
    let token = site.told(0, &format!("device import-token --to NORTH --signing-key signing.pem {BOOK}"));
    let token = token.lines().find(|line| line.starts_with("ey")).expect("a token");
    let there = format!(
        "device move --from CLINIC --token {token} --name door --accept-data-loss --trusted-keys trusted.pem {BOOK}"
    );
    let moved = site.told(0, &there);
    assert!(moved.contains("device moved from CLINIC with import token"), "{moved}");
    assert!(gets_in(&north, "device-door", &door) && !gets_in(&clinic, "device-door", &door));
    assert_eq!(left(&site, "CLINIC"), "devices        2 left: 0 of 2 used (own 0, shared 0)");
    assert_eq!(left(&site, "NORTH"), "devices        0 left: 3 of 3 used (own 1, shared 2)");
    assert!(site.told(0, &there).contains("it was so already"));

    site.told(0, &format!("device retire NORTH --name door {BOOK}"));
    assert!(!gets_in(&north, "device-door", &door));
    assert_eq!(left(&site, "NORTH"), "devices        1 left: 2 of 3 used (own 0, shared 2)");
    assert!(site.told(0, "ledger verify --ledger sqlite:ledger.db").contains("each as it was written"));
    assert!(site.told(0, "plan --detailed-exitcode").contains("Nothing to do"));
    site.remove();
}
