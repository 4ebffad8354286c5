//! The token broker, in front of a real Keycloak.

use realmwright::expand::BROKER;
use realmwright::keycloak::WriteRealms;
use realmwright::keycloak::key::OperatorKey;
use secrecy::ExposeSecret;

use crate::observer::pair;
use crate::server::{live, runtime};
use crate::tenants::{Site, on_server};

fn platform(broker: &str) -> String {
    crate::support::PLATFORM.replace("{test: {}}", &format!("\n  test:\n{broker}"))
}

/// What the token endpoint says to a code that it never gave, asked by the broker's client with this key.
async fn asks(realm: &str, key: &OperatorKey) -> String {
    let issuer = format!("{}/realms/{realm}", live().url);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let assertion = key.assertion(BROKER, &issuer, now).expect("signed");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "never-given"),
        ("redirect_uri", "http://localhost:9000/"),
        ("client_id", BROKER),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
    ];
    let request = reqwest::Client::new().post(format!("{issuer}/protocol/openid-connect/token")).form(&form);
    let answer: serde_json::Value = request.send().await.expect("sent").json().await.expect("JSON");
    answer["error"].as_str().expect("an error").to_owned()
}

#[test]
fn realms_get_a_client_that_takes_the_brokers_key_and_no_other() {
    let site = Site::new("brk");
    site.apply();
    site.write("platform.yaml", &platform("    broker: {url: 'http://localhost:9000'}\n"));
    assert!(site.apply().contains(&format!("client/{BROKER}")), "a realm that is there gets it by an ordinary change");
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let operator = OperatorKey::from_pem(&live().pem).expect("a key");
    let key = operator.for_broker().expect("derived");
    assert_eq!(runtime().block_on(asks(&site.clinic, &key)), "invalid_grant", "it is known, and its code is not");
    assert_eq!(runtime().block_on(asks(&site.clinic, &operator)), "invalid_client");

    // An observer, who can't derive it, takes what was applied.
    let (observer, public) = pair();
    let block = |public: &str| public.lines().map(|line| format!("        {line}\n")).collect::<String>();
    let both = format!("    broker: {{url: 'http://localhost:9000'}}\n    observerKey: |\n{}", block(&public));
    site.write("platform.yaml", &platform(&both));
    site.apply();
    site.write("observer.pem", observer.expose_secret());
    site.expect(0, &["plan", "--detailed-exitcode", "--observer-key", "observer.pem"]);

    // One of its own; and realms that are born with it.
    let (own, public) = pair();
    let with_key = format!("    broker:\n      url: http://localhost:9000\n      key: |\n{}", block(&public));
    site.write("platform.yaml", &platform(&with_key));
    let second = site.clinic.clone() + "-two";
    site.edit("organizations:\n", &format!("organizations:\n  - name: {second}\n"));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    let own = OperatorKey::from_pem(&own).expect("a key");
    for realm in [&site.clinic, &second] {
        assert_eq!(runtime().block_on(asks(realm, &own)), "invalid_grant", "{realm}");
        assert_eq!(runtime().block_on(asks(realm, &key)), "invalid_client", "{realm}");
    }
    on_server(async |api| api.delete(&second, "", None).await.expect("removed"));
    site.remove();
}
