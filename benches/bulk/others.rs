//! Other tools on the same server, where somebody has them: `BENCH_TERRAFORM` is the path of Terraform, which finds the
//! Keycloak provider by its own configuration, `BENCH_CONFIG_CLI_JAR` that of keycloak-config-cli.
//!
//! Each makes tenants and looks at them again, as a run over all of them. Their realms have a product's client with its
//! roles and an administrator, and little of what the shipped template has besides.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::json;

use super::report::Spell;

/// Terraform, with a directory of its own.
pub struct Terraform<'a> {
    pub program: PathBuf,
    pub dir: &'a Path,
    pub url: &'a str,
}

const RESOURCES: &str = r#"
resource "keycloak_realm" "tenant" {
  for_each     = local.tenants
  realm        = each.key
  display_name = "Clinic ${each.key}"
}
resource "keycloak_openid_client" "assistant" {
  for_each              = local.tenants
  realm_id              = keycloak_realm.tenant[each.key].id
  client_id             = "assistant"
  access_type           = "CONFIDENTIAL"
  standard_flow_enabled = true
  valid_redirect_uris   = ["https://assistant.example/*"]
}
resource "keycloak_role" "seat" {
  for_each  = local.tenants
  realm_id  = keycloak_realm.tenant[each.key].id
  client_id = keycloak_openid_client.assistant[each.key].id
  name      = "seat"
}
resource "keycloak_role" "reviewer" {
  for_each  = local.tenants
  realm_id  = keycloak_realm.tenant[each.key].id
  client_id = keycloak_openid_client.assistant[each.key].id
  name      = "reviewer"
}
resource "keycloak_role" "admin" {
  for_each = local.tenants
  realm_id = keycloak_realm.tenant[each.key].id
  name     = "tenant-admin"
}
resource "keycloak_user" "boss" {
  for_each = local.tenants
  realm_id = keycloak_realm.tenant[each.key].id
  username = "boss@${each.key}.example"
  email    = "boss@${each.key}.example"
}
resource "keycloak_user_roles" "boss" {
  for_each   = local.tenants
  realm_id   = keycloak_realm.tenant[each.key].id
  user_id    = keycloak_user.boss[each.key].id
  role_ids   = [keycloak_role.admin[each.key].id]
  exhaustive = false
}
"#;

impl Terraform<'_> {
    /// Declares these realms.
    pub fn declare(&self, realms: &[String]) {
        let mut text = String::from(
            "terraform {\n  required_providers {\n    keycloak = { source = \"keycloak/keycloak\" }\n  }\n}\n",
        );
        let provider =
            "provider \"keycloak\" {\n  client_id = \"admin-cli\"\n  username = \"admin\"\n  password = \"admin\"\n";
        writeln!(text, "{provider}  url = \"{}\"\n  client_timeout = 300\n}}", self.url).unwrap();
        writeln!(text, "locals {{\n  tenants = toset({})\n}}", json!(realms)).unwrap();
        std::fs::write(self.dir.join("main.tf"), text + RESOURCES).unwrap();
    }

    /// Runs a command over so many realms.
    pub fn measure(&self, arguments: &[&str], realms: usize) -> Spell {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["-no-color", "-input=false"]).current_dir(self.dir);
        timed(command, realms)
    }
}

/// keycloak-config-cli, with the realms of a directory.
pub struct ConfigCli<'a> {
    pub jar: PathBuf,
    pub dir: &'a Path,
    pub url: &'a str,
}

impl ConfigCli<'_> {
    /// Declares these realms, one a file.
    pub fn declare(&self, realms: &[String]) {
        for realm in realms {
            let email = format!("boss@{realm}.example");
            let document = json!({
                "realm": realm, "enabled": true, "displayName": format!("Clinic {realm}"),
                "clients": [{"clientId": "assistant", "redirectUris": ["https://assistant.example/*"], "publicClient": false}],
                "roles": {
                    "realm": [{"name": "tenant-admin"}],
                    "client": {"assistant": [{"name": "seat"}, {"name": "reviewer"}]},
                },
                "users": [{"username": email, "email": email, "enabled": true, "realmRoles": ["tenant-admin"]}],
            });
            std::fs::write(self.dir.join(format!("{realm}.json")), document.to_string()).unwrap();
        }
    }

    /// Imports all of them.
    pub fn measure(&self, realms: usize) -> Spell {
        let mut command = Command::new("java");
        command.arg("-jar").arg(&self.jar).arg(format!("--keycloak.url={}", self.url));
        command.args(["--keycloak.user=admin", "--keycloak.password=admin", "--import.cache.enabled=false"]);
        command.arg(format!("--import.files.locations={}/*.json", self.dir.display()));
        timed(command, realms)
    }
}

/// What a command takes that works on so many realms, each of which has an equal share.
fn timed(mut command: Command, realms: usize) -> Spell {
    let began = Instant::now();
    let output = command.output().unwrap();
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let share = took / u32::try_from(realms).unwrap();
    Spell { took, each: vec![share; realms], ..Spell::default() }
}
