//! Secrets, keys and saved plans against a real server.

use std::path::Path;
use std::process::{Command, Output};

use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{connect, live, runtime, unique};

const TEMPLATE: &str = "\
apiVersion: realmwright/v1
kind: RealmTemplate
name: sso
extends: organization
parameters: {idp: {type: secret}, smtp: {type: secret}, client: {type: secret}, captcha: {type: secret}, api: {type: secret}}
realm:
  smtpServer: {host: mail.example, from: a@mail.example, auth: 'true', user: u, password: $(parameters.smtp)}
  clients:
    - {clientId: worker, publicClient: false, serviceAccountsEnabled: true}
    - {clientId: declared, publicClient: false, serviceAccountsEnabled: true, secret: $(parameters.client)}
  identityProviders:
    - {alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c, clientSecret: $(parameters.idp)}}
  registrationFlow: sign up
  authenticationFlows:
    - {alias: sign up, providerId: basic-flow, topLevel: true, authenticationExecutions: [
        {authenticator: registration-page-form, requirement: REQUIRED, authenticatorFlow: true, flowAlias: sign up form}]}
    - {alias: sign up form, providerId: form-flow, topLevel: false, authenticationExecutions: [
        {authenticator: registration-user-creation, requirement: REQUIRED},
        {authenticator: registration-recaptcha-action, requirement: REQUIRED, authenticatorConfig: captcha},
        {authenticator: registration-recaptcha-enterprise, requirement: DISABLED, authenticatorConfig: enterprise}]}
  authenticatorConfig:
    - {alias: captcha, config: {site.key: public, secret.key: $(parameters.captcha)}}
    - {alias: enterprise, config: {site.key: public, project.id: p, api.key: $(parameters.api)}}
";

/// One organization below a distributor, with a secret in every place that a template has for one.
struct Site {
    dir: TempDir,
    north: String,
    clinic: String,
}

impl Site {
    fn new(name: &str) -> Self {
        let (north, clinic) = (unique(&format!("{name}-n")), unique(&format!("{name}-c")));
        let site = Self { dir: tempfile::tempdir().expect("a directory"), north, clinic };
        site.write("platform.yaml", crate::support::PLATFORM);
        site.write("sso.yaml", TEMPLATE);
        site.manifest("Clinic");
        site.secrets("one");
        site
    }

    fn manifest(&self, label: &str) {
        let text = format!(
            "apiVersion: realmwright/v1\nkind: Distributor\nname: {}\nlabel: North\norganizations:\n  - name: {}\n    label: {label}\n    \
             template: sso\n    parameters: {{idp: 'file:idp', smtp: 'file:smtp', client: 'file:client', captcha: 'file:captcha', api: 'file:api'}}\n    \
             users:\n      - {{username: demo, email: demo@clinic.example, firstName: D, lastName: E, password: 'file:user'}}\n",
            self.north, self.clinic
        );
        self.write("north.yaml", &text);
    }

    fn secrets(&self, turn: &str) {
        for name in ["idp", "smtp", "client", "user", "captcha", "api"] {
            self.write(name, &format!("CANARY-{turn}-{name}\n"));
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("a file");
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    fn run_in(&self, dir: &Path, key: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_realmwright"))
            .args(arguments)
            .current_dir(dir)
            .env("REALMWRIGHT_SERVER", &live().url)
            .env("REALMWRIGHT_OPERATOR_KEY", key)
            .env("REALMWRIGHT_CACHE_DIR", crate::server::scratch().join("cache"))
            .output()
            .expect("the program runs")
    }

    /// Runs a command that must end so; what it printed and said.
    fn expect(&self, code: i32, key: &Path, arguments: &[&str]) -> (String, String) {
        let output = self.run_in(self.dir.path(), key, arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        (out, err)
    }

    fn remove(self) {
        runtime().block_on(async {
            let api = connect().await;
            for realm in [&self.clinic, &self.north] {
                api.delete(realm, "", None).await.expect("the realm can be removed");
            }
        });
    }
}

fn get(realm: &str, path: &str) -> Value {
    runtime().block_on(async { connect().await.get(realm, path).await.expect("readable").expect("there") })
}

fn client(realm: &str, id: &str) -> Value {
    get(realm, &format!("clients?clientId={id}"))[0].clone()
}

/// What the steps of the realm's registration flow have for a setting.
fn settings(realm: &str, name: &str) -> Vec<String> {
    let steps = get(realm, "authentication/flows/sign%20up/executions");
    let configs = steps.as_array().expect("a list").iter().filter_map(|step| step["authenticationConfig"].as_str());
    let configs = configs.map(|id| get(realm, &format!("authentication/config/{id}")));
    configs.filter_map(|config| config["config"][name].as_str().map(str::to_owned)).collect()
}

#[test]
fn no_artifact_has_a_secret() {
    let site = Site::new("canary");
    let key = live().key_file.clone();
    let mut seen = Vec::new();
    let mut run = |arguments: &[&str]| {
        let (out, err) = site.expect(0, &key, arguments);
        seen.extend([out, err]);
    };
    for turn in ["one", "two"] {
        site.secrets(turn);
        let file = format!("{turn}.plan.json");
        for format in ["text", "json", "markdown"] {
            run(&["--debug-http", "plan", "--format", format, "--out", &file]);
        }
        run(&["-v", "apply", &file]);
        run(&["--debug-http", "apply", "--yes"]);
        run(&["--debug-http", "drift"]);
    }
    assert_eq!(client(&site.clinic, "declared")["secret"], "CANARY-two-client", "the second round wrote it");
    // From 26.7 on Keycloak masks them, and keeps what is written back masked.
    let masks = settings(&site.clinic, "secret.key") == ["**********"];
    if !masks {
        assert_eq!(settings(&site.clinic, "secret.key"), ["CANARY-two-captcha"]);
        assert_eq!(settings(&site.clinic, "api.key"), ["CANARY-two-api"]);
    }
    for file in ["one.plan.json", "two.plan.json"] {
        seen.push(std::fs::read_to_string(site.path(file)).expect("a plan"));
    }
    seen.push(get(&site.clinic, "")["attributes"].to_string());
    let events = get(&site.clinic, "admin-events?max=1000");
    let events = events.as_array().expect("a list");
    assert!(!events.is_empty());
    // Before 26.7 it also writes them into its own events: docs/secrets.md.
    let events = events.iter().filter(|event| masks || event["resourceType"] != "AUTHENTICATOR_CONFIG");
    seen.extend(events.map(ToString::to_string));
    for text in seen {
        let at = text.find("CANARY");
        assert!(at.is_none(), "…{}…", at.map(|at| &text[at.saturating_sub(300)..]).unwrap_or_default());
    }
    site.remove();
}

#[test]
fn components_and_vault_references_are_settled() {
    let site = Site::new("component");
    let key = live().key_file.clone();
    // Keycloak makes another one where it is not Base64 of this many bytes.
    site.write("smtp", "CANARYoneCANARYoneCANA");
    let vault = r"  smtpServer: {host: mail.example, from: a@mail.example, auth: 'true', user: u, password: '${vault.smtp}'}
  identityProviders:
    - {alias: corp, providerId: oidc, enabled: true, config: {authorizationUrl: https://id.example/a, tokenUrl: https://id.example/t, clientId: c, clientSecret: '${vault.idp}'}}
";
    let rest = r"  clients:
    - {clientId: declared, publicClient: false, secret: $(parameters.client)}
  components:
    org.keycloak.storage.UserStorageProvider:
";
    let ldap = |name: &str, credential: &str| {
        format!(
            "      - {{name: {name}, providerId: ldap, config: {{enabled: 'false', vendor: other, connectionUrl: 'ldap://127.0.0.1:1', usersDn: o=x, bindDn: cn=a, \
             bindCredential: {credential}, authType: simple, editMode: READ_ONLY, usernameLDAPAttribute: uid, rdnLDAPAttribute: uid, uuidLDAPAttribute: entryUUID, userObjectClasses: person}}}}\n"
        )
    };
    let (head, _) = TEMPLATE.split_once("  smtpServer").expect("settings");
    let template = |priority: u8, vaulted: &str| {
        let keys = format!(
            "    org.keycloak.keys.KeyProvider:\n      - {{name: own, providerId: hmac-generated, config: {{priority: '{priority}', secretSize: '16', secret: $(parameters.smtp)}}}}\n"
        );
        [
            head,
            vault,
            rest,
            &ldap("plain", "$(parameters.idp)"),
            &ldap("listed", "[$(parameters.idp)]"),
            &ldap("vaulted", vaulted),
            &keys,
        ]
        .concat()
    };
    site.write("sso.yaml", &template(50, "'${vault.ldap}'"));
    site.expect(0, &key, &["apply", "--yes"]);
    site.expect(0, &key, &["plan", "--detailed-exitcode"]);
    let credentials = || {
        let found = get(&site.clinic, "components?type=org.keycloak.storage.UserStorageProvider");
        let list = found.as_array().expect("a list").iter();
        list.map(|one| (one["name"].as_str().unwrap_or_default().to_owned(), one["config"]["bindCredential"].clone()))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let mask = json!(["**********"]);
    assert_eq!(json!(credentials()), json!({"plain": mask, "listed": mask, "vaulted": ["${vault.ldap}"]}));
    assert_eq!(get(&site.clinic, "")["smtpServer"]["password"], "${vault.smtp}");
    assert_eq!(get(&site.clinic, "identity-provider/instances/corp")["config"]["clientSecret"], "${vault.idp}");
    site.secrets("two");
    site.write("smtp", "CANARYtwoCANARYtwoCANA");
    site.write("sso.yaml", &template(60, "['${vault.other}']"));
    let (shown, _) = site.expect(2, &key, &["plan", "--detailed-exitcode"]);
    assert_eq!(shown.matches("bindCredential").count(), 3, "{shown}");
    assert!(
        shown.contains("config.secret") && shown.contains("${vault.other}") && !shown.contains("CANARY"),
        "{shown}"
    );
    site.expect(0, &key, &["apply", "--yes"]);
    site.expect(0, &key, &["plan", "--detailed-exitcode"]);
    site.expect(0, &key, &["drift"]);
    assert_eq!(credentials()["vaulted"], json!(["${vault.other}"]));
    site.remove();
}

#[test]
fn a_saved_plan_is_applied_from_anywhere_and_refused_object_by_object() {
    let site = Site::new("saved");
    let key = live().key_file.clone();
    site.expect(0, &key, &["apply", "--yes"]);
    site.secrets("two");
    site.manifest("Praxis");
    site.expect(0, &key, &["plan", "--out", "p.plan.json"]);
    let own = client(&site.clinic, "declared")["id"].as_str().expect("an id").to_owned();
    runtime().block_on(async {
        let api = connect().await;
        let mut realm = api.get(&site.clinic, "").await.expect("readable").expect("there");
        realm["displayName"] = "By hand".into();
        api.put(&site.clinic, "", Some(&realm)).await.expect("written");
    });
    let plan = site.path("p.plan.json");
    let elsewhere = tempfile::tempdir().expect("a directory");
    let apply = |arguments: &[&str]| {
        let output = site.run_in(elsewhere.path(), &key, arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let secret = || get(&site.clinic, &format!("clients/{own}"))["secret"].clone();
    let (code, said) = apply(&["apply", "--on-stale", "realm", &plan]);
    assert_eq!(code, Some(4), "{said}");
    assert_eq!(secret(), "CANARY-one-client");
    let (code, said) = apply(&["apply", &plan]);
    assert!(code == Some(5) && said.contains("/realm was changed: displayName"), "{said}");
    assert_eq!(secret(), "CANARY-two-client");
    assert_eq!(get(&site.clinic, "")["displayName"], "By hand");
    let (rest, _) = site.expect(0, &key, &["plan"]);
    assert!(rest.contains("0 realms to create, 1 to change (1 to update)") && rest.contains("\"Praxis\""), "{rest}");
    site.expect(0, &key, &["apply", "--yes"]);
    site.expect(0, &key, &["plan", "--detailed-exitcode"]);
    site.remove();
}

#[test]
fn the_secret_of_a_client_is_made_anew_and_not_read() {
    let site = Site::new("rotate");
    let key = live().key_file.clone();
    site.expect(0, &key, &["apply", "--yes"]);
    let before = client(&site.clinic, "worker")["secret"].clone();
    let address = |id: &str| format!("{}/client/{id}", site.clinic);
    site.expect(0, &key, &["rotate", "client-secret", &address("worker"), "--out", "worker.secret"]);
    let written = std::fs::read_to_string(site.path("worker.secret")).expect("a file");
    let now = client(&site.clinic, "worker")["secret"].clone();
    assert!(now != before && now == written.trim_end(), "the file has what the server has");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(site.path("worker.secret")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let (_, said) = site.expect(1, &key, &["rotate", "client-secret", &address("declared"), "--out", "x"]);
    assert!(said.contains("is declared: file:client"), "{said}");
    assert!(!Path::new(&site.path("x")).exists());
    site.expect(64, &key, &["rotate", "client-secret", &address("realmwright-provisioner"), "--out", "x"]);
    site.expect(0, &key, &["plan", "--detailed-exitcode"]);
    site.remove();
}
