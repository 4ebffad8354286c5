//! The reference of the manifest, as Markdown, from the schemas of the types and the table of kinds.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::CSV_COLUMNS;
use super::schema::{KINDS, of_kind};

/// The text of `docs/manifest.md`.
pub fn markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    for kind in KINDS {
        let Some(schema) = of_kind(kind) else { continue };
        object(&mut out, kind, &schema);
        for (name, inner) in schema["$defs"].as_object().into_iter().flatten() {
            definitions.insert(name.clone(), inner.clone());
        }
    }
    out.push_str("\n# Parts of documents\n");
    for (name, schema) in &definitions {
        object(&mut out, name, schema);
    }
    let _ = write!(out, "\n# CSV lists\n\n{CSV}\n\n`{}`\n", CSV_COLUMNS.join(","));
    out.push_str(TEMPLATES);
    out
}

const INTRODUCTION: &str = "\
<!-- Generated from the types in src/manifest/document.rs by `make docs`. Do not edit. -->

# Manifests

A manifest directory holds YAML documents (`*.yaml`, `*.yml`, several in one file if you like) and CSV lists. Names of
files and directories mean nothing, but for one rule: a directory that holds a `Distributor` belongs to that
distributor, with everything below it.

Every document says `apiVersion: realmwright/v1` and its `kind`. Unknown and duplicate keys are errors. **Omitted means
leave alone, an empty list means want none, `null` is refused.** Begin a file with
`# yaml-language-server: $schema=…/manifest.schema.json` (`realmwright schema > manifest.schema.json`) and your editor
knows all this.

# Kinds
";

const CSV: &str = "\
`csv: FILE` of a `Distributor` names a list, beside its manifest or below. The first line names the columns, in any
order; `tier` (`reseller` or `organization`) and `name` must be there. An empty field is an omitted key; an empty
`parent` is the distributor. A row holds one licence at most. The columns:";

const TEMPLATES: &str = r#"
# What a template may say

The `realm` of a `RealmTemplate`, and the `realm` by which a tenant differs from it, have the shape of Keycloak's
RealmRepresentation. Managed is what a tenant's realm is made of:

- the realm's settings: themes, SMTP, security headers, OTP and WebAuthn policies, events, token lifespans, `attributes`,
  `defaultDefaultClientScopes`, `defaultGroups`, and the bindings of flows;
- `localizationTexts`, each text of a locale by itself;
- `userProfile`, in Keycloak's own form (or as the component that an export wraps it in), written before any user;
- `authenticationFlows` with `authenticatorConfig`, each top-level flow as a whole, and `requiredActions`. A flow that
  changes is built aside and bound, and the old one stays, under a name that begins with `retired`, until no login can be
  in it any more; then a plan removes it. Of built-in flows, requirements and configurations can change, steps can't;
- `components` of any type (key providers, user federation, client registration policies) with their `subComponents`;
- `clientScopes` and `clients`, OIDC and SAML, with `protocolMappers`, `scopeMappings`, `authenticationFlowBindingOverrides`
  (by the flow's alias) and `authorizationSettings`;
- `roles` with composites, `groups` with their roles, and `users` with attributes, roles and groups; where a path names a
  group whose name holds a `/`, that is written `%2F`: the group `in/out` is `/in%2Fout`. Roles and
  groups that such a user has beside the declared ones are named, and left alone. `requiredActions` are given when the user
  is made and not compared later: an action that the user has done is gone, and that is no drift;
- `federatedIdentities` of such users (`{identityProvider: corp, userId: "4711", userName: jo}`, one of each provider) and
  `members` of organizations, by the names of users that are declared. Both are read where they are declared, of each
  user by itself: what such a user has beside them is named, and left alone; of other users nothing is read;
- `identityProviders` with `identityProviderMappers`, `organizations` with domains and providers, `clientProfiles` and
  `clientPolicies`;
- fine-grained admin permissions (`adminPermissionsEnabled: true`), as the `policies` of the client `admin-permissions`.

```yaml
adminPermissionsEnabled: true
clients:
  - clientId: admin-permissions
    authorizationSettings:
      policies:
        - {name: helpdesk, type: role, config: {roles: [{id: helpdesk}]}}
        - name: see the night shift
          type: scope
          config:
            defaultResourceType: Groups                   # Users, Groups, Clients, Roles or (from 26.7 on) Organizations
            resources: [/wards/night]                     # [Groups] for all of them
            scopes: [view, view-members]
            applyPolicies: [helpdesk]
```

Permissions name users by their user name, groups by their path, clients by `clientId`, realm roles by name (a `/` in it
as `%2F`), roles of clients as `client/role`, organizations by alias; all of them must be declared, or be Keycloak's own. A
permission or policy that somebody adds by hand is drift, and with the last word about them all of them go.

Keycloak's own clients `admin-cli`, `broker` and `security-admin-console` are declared by the fields that should differ, and
by further mappers and roles; the rest stays as Keycloak makes it, and they are never deleted. None of them is a way in for
the provisioner, so each may be disabled. `realm-management`, which gives the provisioner its rights, can't be declared.
`account` is brought whole, with `account-console` and its roles, as the shipped templates do, or not at all; without it,
`account-console` is declared like the others. A list of `requiredActions`, of client registration policies or of clients
leaves the others as Keycloak makes them. So does one of key providers, unless it has keys for all that a realm does: for
its `defaultSignatureAlgorithm`, `hmac…` and `aes…`; then they are all its keys, as in the shipped templates, whose births
need not wait for RSA keys. A list of `clientScopes` is all that a realm has, but for `offline_access`.

Anything else is refused. Of users, `credentials`, `requiredActions` and `emailVerified` are sent when the user is made, and
left to others from then on; their consents are theirs. A realm is always named after its tenant and
enabled. The provisioner is added to every realm and can't be left out.

Where a template extends another, and where a tenant differs, mappings are merged, lists of named objects (by
`clientId`, `alias`, `username` or `name`) are merged object by object, and other lists are replaced.

| written | gives |
|---|---|
| `key: $(path)` | the value at the path, with its type |
| `key: text with $(path)` | text |
| `key: $(path?)` | the value, or no key at all where there is no such value |
| `$each(item in path): …` | what is below it, once for each item of a list, put into the mapping or list around it |
| `$if(path): …` | what is below it, where the value is there and neither false nor empty |
| `$$(` | a literal `$(` |

The values: `tenant` (`name`, `label`, `tier`, `parent`, `distributor`, `environment`), `parameters`, `brand` (as in the
manifests, with `onPrimary`, the colour of what is written on `primary`; not there where there is none), `admin`
(`username`, `email`, `firstName`, `lastName`; not there without an admin), `users` (as in the manifest, with
`realmRoles` and `clientRoles`), `licences` (as in the manifest), `grants` (`resource`, `amount`), and `products`, those that there is a licence for
(`name`, `label`, `baseUrl`, `redirectUris`, `webOrigins`, `roles`).

A `secret` parameter takes `env:NAME` (any variable but the tool's own) or `file:PATH` (beside the manifest that names it,
or below), and lands where Keycloak does not show the value again: `secret` of a client, `config.clientSecret` of an
identity provider, `smtpServer.password`, `smtpServer.authTokenClientSecret`, the value of a user's credential, and
`bindCredential`, `privateKey`, `keystorePassword`, `keyPassword` and `secret` in the `config` of a component, as a text or
a list of one; and in attributes and configurations whose name says that they are secrets (`saml.signing.private.key`).
Written out there it is refused. A reference into Keycloak's own vault, `${vault.KEY}`, is no secret and may
be written out where Keycloak looks it up: the SMTP password, the secret of an identity provider, `bindCredential`. Only
`$(` begins a value of a template, `${` does not; `${vault.$(tenant.name)}` is filled inside.

The shipped templates are [`distributor`](../realm-templates/distributor.yaml),
[`reseller`](../realm-templates/reseller.yaml) and [`organization`](../realm-templates/organization.yaml), which all
extend [`base`](../realm-templates/base.yaml). A template of your own may extend them; one of the same name hides the
shipped one. A template in a distributor's directory serves that distributor's tenants alone, and can't hide a shipped
one.
"#;

fn object(out: &mut String, name: &str, schema: &Value) {
    let _ = write!(out, "\n## {name}\n\n{}\n", description(schema));
    if let Some(values) = choices(schema) {
        let _ = write!(out, "\nOne of:\n\n{values}");
        return;
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    out.push_str("\n| key | type | |\n|---|---|---|\n");
    let mut names: Vec<&String> = properties.keys().collect();
    let first = ["apiVersion", "kind", "name", "parent"];
    names.sort_by_key(|name| {
        (first.iter().position(|f| f == name).unwrap_or(first.len()), !required.contains(&name.as_str()))
    });
    for name in names {
        let property = &properties[name];
        let needed = if required.contains(&name.as_str()) { "**required** · " } else { "" };
        let _ = writeln!(out, "| `{name}` | {} | {needed}{} |", type_of(property), description(property));
    }
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

/// The values of an enumeration whose variants are documented.
fn choices(schema: &Value) -> Option<String> {
    let variants = schema["oneOf"].as_array()?;
    let line = |variant: &Value| Some(format!("- `{}`: {}\n", variant["const"].as_str()?, description(variant)));
    variants.iter().map(line).collect()
}

fn type_of(schema: &Value) -> String {
    if let Some(constant) = schema["const"].as_str() {
        return format!("`{constant}`");
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if schema["type"].is_array() {
        return format!("true, false, or list of {}", type_of(&schema["items"]));
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", type_of(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("mapping to {}", type_of(&schema["additionalProperties"]))
        }
        Some("object") => "mapping".into(),
        Some("string") => "text".into(),
        Some(other) => other.into(),
        None => "any".into(),
    }
}
