//! The observer: sees what the provisioner sees, and may write nothing.

use std::collections::BTreeMap;

use realmwright::expand::observer::{VIEW_ORGANIZATIONS, may_see_organizations};
use realmwright::expand::{OBSERVER, key_set};
use realmwright::keycloak::http::Server;
use realmwright::keycloak::key::OperatorKey;
use realmwright::keycloak::observer::is_unseen;
use realmwright::keycloak::{ReadRealms, WriteRealms, observe};
use realmwright::state::RealmState;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::server::{connect, live, runtime};
use crate::tenants::Site;

/// A private key as a file's text, and the public half as `openssl pkey -pubout` prints it.
pub fn pair() -> (SecretString, String) {
    let pem = OperatorKey::generate().expect("a key");
    let key = OperatorKey::from_pem(&pem).expect("a key");
    let jwks: Value = serde_json::from_str(key.jwks()).expect("JSON");
    use base64::Engine;
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let point = |name: &str| url.decode(jwks["keys"][0][name].as_str().expect("text")).expect("base64");
    let prefix = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    let der = [prefix.as_slice(), &point("x"), &point("y")].concat();
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let public = format!("-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n", &body[..64], &body[64..]);
    assert_eq!(key_set(&public).as_deref(), Some(key.jwks()));
    (pem, public)
}

/// A platform whose only environment has an observer.
pub fn platform(public: &str) -> String {
    let key: String = public.lines().map(|line| format!("      {line}\n")).collect();
    crate::support::PLATFORM.replace("{test: {}}", &format!("\n  test:\n    observerKey: |\n{key}"))
}

/// What is there to see beside what the templates make.
const MORE: &str = "    realm:
      clientScopes: [{name: extra, protocol: openid-connect, attributes: {a: b}}]
      roles: {realm: [{name: nurse, attributes: {ward: ['3']}, composites: {realm: [member], client: {assistant: [seat]}}}]}
      identityProviders: [{alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: 'https://id.example/a', tokenUrl: 'https://id.example/t', clientId: c}}]
      clients:
        - {clientId: worker, publicClient: false, serviceAccountsEnabled: true, protocolMappers: [{name: m, protocol: openid-connect, protocolMapper: oidc-sub-mapper, config: {access.token.claim: true}}]}
      users: [{username: service-account-worker, serviceAccountClientId: worker, realmRoles: [nurse]}]
";

/// Objects of every other kind, as somebody puts them there by hand.
async fn by_hand(api: &Server, realm: &str) {
    let post = async |path: &str, body: Value| api.post(realm, path, &body).await.expect("created").unwrap_or_default();
    let ward = post("groups", json!({"name": "ward", "attributes": {"floor": ["3"]}})).await;
    post(&format!("groups/{ward}/children"), json!({"name": "night"})).await;
    let nurse = api.get(realm, "roles/nurse").await.expect("readable").expect("there");
    post(&format!("groups/{ward}/role-mappings/realm"), json!([nurse])).await;
    post(
        "identity-provider/instances/corp/mappers",
        json!({
            "name": "staff", "identityProviderAlias": "corp", "identityProviderMapper": "hardcoded-role-idp-mapper",
            "config": {"syncMode": "INHERIT", "role": "nurse"},
        }),
    )
    .await;
    post("localization/de", json!({"hello": "Hallo"})).await;
    post("clients", json!({
        "clientId": "resource", "publicClient": false, "serviceAccountsEnabled": true, "authorizationServicesEnabled": true,
    }))
    .await;
    post("authentication/flows/browser/copy", json!({"newName": "own browser"})).await;
    let policies = json!({"policies": [{"name": "p", "enabled": true, "conditions": [], "profiles": []}]});
    api.put(realm, "client-policies/policies", Some(&policies)).await.expect("written");
    let mut settings = api.get(realm, "").await.expect("readable").expect("there");
    settings["organizationsEnabled"] = true.into();
    api.put(realm, "", Some(&settings)).await.expect("written");
    post(
        "organizations",
        json!({"name": "org", "alias": "org", "domains": [{"name": "org.example", "verified": false}]}),
    )
    .await;
}

/// Every field by its path; those that are only sent at creation are compared with nothing.
fn fields(state: &RealmState) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (id, object) in state.objects.iter().filter(|(id, _)| !is_unseen(id, state)) {
        all.insert(id.to_string(), Value::Null);
        let compared = object.fields.iter().filter(|(path, _)| !id.kind.class_of_path(path).is_initial());
        all.extend(compared.map(|(path, value)| (format!("{id} {path}"), value.clone())));
    }
    all
}

#[test]
fn an_observer_sees_what_the_provisioner_sees() {
    let (pem, public) = pair();
    let site = Site::new("obs");
    site.edit("    label: Clinic\n", &format!("    label: Clinic\n{MORE}"));
    site.apply();
    // A realm that was made before there was an observer gets it by an ordinary change.
    site.write("observer.pem", pem.expose_secret());
    site.write("platform.yaml", &platform(&public));
    let refused = site.run(&["plan", "--observer-key", "observer.pem"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("observerKey"), "{said}");
    assert!(site.apply().contains("client/realmwright-observer"));
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.expect(0, &["plan", "--detailed-exitcode", "--observer-key", "observer.pem"]);
    let observed = runtime().block_on(async {
        let key = OperatorKey::from_pem(&pem).expect("a key");
        let observer = Server::connect_to_look(&live().url, key, None).await.expect("connected");
        let provisioner = connect().await;
        by_hand(&provisioner, &site.clinic).await;
        let seen = observe(&observer, &site.clinic, &Default::default()).await.expect("readable").expect("there");
        let whole = observe(&provisioner, &site.clinic, &Default::default()).await.expect("readable").expect("there");
        let organization = "organization/org".parse().expect("an address");
        let known = provisioner.knows_role(VIEW_ORGANIZATIONS).await.expect("answered");
        assert_eq!((may_see_organizations(&seen), seen.get(&organization).is_some()), (known, known));
        let state = seen.clone();
        let (seen, whole) = (fields(&seen), fields(&whole));
        let other = |from: &BTreeMap<String, Value>, to: &BTreeMap<String, Value>| -> Vec<String> {
            let differing = from.iter().filter(|(path, value)| to.get(*path) != Some(value));
            differing.map(|(path, value)| format!("{path}: {value}")).collect()
        };
        assert_eq!((other(&seen, &whole), other(&whole, &seen)), (Vec::new(), Vec::new()), "seen, and really there");
        state
    });
    site.edit("seats: 5", "seats: 9");
    site.edit("label: Clinic\n", "label: New\n");
    let mut plans = Vec::new();
    for more in [&["--observer-key", "observer.pem"][..], &[]] {
        let mut plan: Value =
            serde_json::from_str(&site.expect(0, &[&["plan", "--full", "--format", "json"], more].concat()))
                .expect("JSON");
        let header = plan["header"].as_object_mut().expect("a header");
        let view = header.remove("view");
        assert_eq!(view, (!more.is_empty()).then(|| json!("observer")));
        header.remove("createdAt");
        header.remove("expiresAt");
        plan["summary"]["foreign"].take();
        for tenant in plan["tenants"].as_array_mut().expect("tenants") {
            let foreign = tenant["foreign"].as_array_mut();
            foreign.into_iter().for_each(|list| {
                list.retain(|id| !is_unseen(&id.as_str().expect("text").parse().expect("an address"), &observed))
            });
        }
        plans.push(plan);
    }
    assert_eq!(plans[0], plans[1]);
    site.expect(0, &["plan", "--observer-key", "observer.pem", "-o", "seen.json"]);
    let output = site.run(&["apply", "seen.json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("made by an observer"), "{said}");
    site.remove();
}

#[test]
fn an_observer_may_write_nothing() {
    let (pem, public) = pair();
    let site = Site::new("look");
    site.write("platform.yaml", &platform(&public));
    site.apply();
    site.expect(0, &["plan", "--detailed-exitcode"]);
    site.write("observer.pem", pem.expose_secret());
    let before = crate::tenants::admin_events(&site.clinic);
    let key = OperatorKey::from_pem(&pem).expect("a key");
    let token = token(&key, &site.clinic);
    let realm = format!("{}/admin/realms/{}", live().url, site.clinic);
    let http = reqwest::Client::new();
    runtime().block_on(async {
        let get = async |path: &str| -> Value {
            let answer = http.get(format!("{realm}/{path}")).bearer_auth(&token).send().await.expect("answered");
            assert!(answer.status().is_success(), "GET {path}: {}", answer.status());
            answer.json().await.expect("JSON")
        };
        let clients = get("clients").await;
        let own = clients.as_array().expect("clients").iter().find(|c| c["clientId"] == OBSERVER).expect("there");
        let own = own["id"].as_str().expect("an id").to_owned();
        let user = get(&format!("clients/{own}/service-account-user")).await["id"].as_str().expect("an id").to_owned();
        let management = clients.as_array().expect("clients").iter().find(|c| c["clientId"] == "realm-management");
        let management = management.expect("there")["id"].as_str().expect("an id").to_owned();
        let admin = get(&format!("clients/{management}/roles/realm-admin")).await;
        // No birth may make a role that the server does not know.
        let roles = get(&format!("clients/{management}/roles")).await;
        let known = connect().await.knows_role(VIEW_ORGANIZATIONS).await.expect("answered");
        assert_eq!(roles.as_array().expect("roles").iter().any(|role| role["name"] == VIEW_ORGANIZATIONS), known);
        for (method, path, body) in [
            ("PUT", String::new(), json!({"displayName": "x"})),
            ("DELETE", String::new(), Value::Null),
            ("POST", "clients".into(), json!({"clientId": "x"})),
            ("PUT", format!("clients/{own}"), json!({"clientId": OBSERVER, "name": "x"})),
            ("POST", format!("clients/{own}/client-secret"), Value::Null),
            ("POST", "client-scopes".into(), json!({"name": "x"})),
            ("POST", "roles".into(), json!({"name": "x"})),
            ("POST", "groups".into(), json!({"name": "x"})),
            ("POST", "users".into(), json!({"username": "x"})),
            ("PUT", format!("users/{user}"), json!({"firstName": "x"})),
            ("POST", format!("users/{user}/role-mappings/clients/{management}"), json!([admin])),
            ("POST", "identity-provider/instances".into(), json!({"alias": "x", "providerId": "oidc"})),
            (
                "POST",
                "components".into(),
                json!({"name": "x", "providerId": "aes-generated", "providerType": "org.keycloak.keys.KeyProvider"}),
            ),
            (
                "POST",
                "authentication/flows".into(),
                json!({"alias": "x", "providerId": "basic-flow", "topLevel": true}),
            ),
            ("PUT", "users/profile".into(), json!({"attributes": []})),
            ("PUT", "client-policies/policies".into(), json!({"policies": []})),
            ("PUT", "events/config".into(), json!({"eventsEnabled": false})),
            ("POST", "localization/en".into(), json!({"a": "b"})),
            ("POST", "partialImport".into(), json!({"ifResourceExists": "SKIP", "users": []})),
            ("POST", "partial-export?exportClients=true".into(), Value::Null),
            ("POST", "logout-all".into(), Value::Null),
            ("POST", "push-revocation".into(), Value::Null),
        ] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
            let url = if path.is_empty() { realm.clone() } else { format!("{realm}/{path}") };
            let mut request = http.request(method.clone(), url).bearer_auth(&token);
            if !body.is_null() {
                request = request.json(&body);
            }
            let status = request.send().await.expect("answered").status();
            assert_eq!(status.as_u16(), 403, "{method} {path}");
        }
        let anywhere =
            http.post(format!("{}/admin/realms", live().url)).bearer_auth(&token).json(&json!({"realm": "x"}));
        assert!(anywhere.send().await.expect("answered").status().is_client_error());
    });
    assert_eq!(crate::tenants::admin_events(&site.clinic), before, "nothing was written");
    site.remove();
}

#[test]
fn view_roles_show_the_secrets_of_clients() {
    let (pem, public) = pair();
    let site = Site::new("bare");
    site.write("platform.yaml", &platform(&public));
    site.edit("    label: Clinic\n", &format!("    label: Clinic\n{MORE}"));
    site.apply();
    let key = OperatorKey::from_pem(&pem).expect("a key");
    let url = format!("{}/admin/realms/{}/clients?clientId=worker", live().url, site.clinic);
    let token = token(&key, &site.clinic);
    let seen = runtime().block_on(async {
        let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.expect("answered");
        let plain: Value = answer.json().await.expect("JSON");
        let observer = Server::connect_to_look(&live().url, key, None).await.expect("connected");
        let document = observer.export(&site.clinic).await.expect("readable").expect("there");
        (plain[0]["secret"].as_str().expect("a secret").to_owned(), document.to_string())
    });
    assert!(seen.0.len() > 20 && !seen.0.contains('*'));
    assert!(!seen.1.contains(&seen.0), "it is dropped as it is read");
    site.remove();
}

/// A token of a realm's observer.
pub fn token(key: &OperatorKey, realm: &str) -> String {
    let issuer = format!("{}/realms/{realm}", live().url.trim_end_matches('/'));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let assertion = key.assertion(OBSERVER, &issuer, now).expect("signed");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", OBSERVER),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let answer: Value = runtime().block_on(async {
        let url = format!("{issuer}/protocol/openid-connect/token");
        reqwest::Client::new().post(url).form(&form).send().await.expect("answered").json().await.expect("JSON")
    });
    answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
}
