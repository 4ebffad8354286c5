//! The types that people write. JSON Schema, the reference in `docs/manifest.md` and the checks of keys and
//! types are all derived from them.
//!
//! Omitted means leave alone, an empty list means want none, `null` is refused.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::brand::Brand;
use super::guards::{Guards, Protected};
use super::login::Login;
use super::servers::ServerTerms;
use crate::licence::{Amount, Measure};
use crate::login::lease::{Overflow, Per};

/// The only `apiVersion` there is.
pub const API_VERSION: &str = "realmwright/v1";

/// Names of tenants, products, parameters and environments: lower case, digits, `-` and `_`.
macro_rules! name_pattern {
    () => {
        r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$"
    };
}

/// Names of tenants: what Keycloak allows as the name of a realm.
macro_rules! realm_pattern {
    () => {
        r#"^[^\s.:/?#@!$&()*+,;=\[\]\\%"<>^`{|}~]([^\t\r\n\x00-\x1f:/?#@!$&()*+,;=\[\]\\%"<>^`{|}~]{0,253}[^\s:/?#@!$&()*+,;=\[\]\\%"<>^`{|}~])?$"#
    };
}

/// The stages of a platform and the products that it sells. A manifest directory has exactly one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Platform {
    /// `realmwright/v1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// `Platform`.
    #[schemars(extend("const" = "Platform"))]
    pub kind: String,
    /// Name of the platform, for people.
    pub name: String,
    /// The stages where tenants operate, by name: one Keycloak server each, or several.
    #[schemars(extend("minProperties" = 1, "propertyNames" = {"pattern": name_pattern!()}))]
    pub environments: BTreeMap<String, Environment>,
    /// The products that licences are for, by name. The name becomes the client id of the product's client.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": name_pattern!()}))]
    pub products: BTreeMap<String, Product>,
    /// What is counted down the tree, by name, e.g. `{users: gauge, vpn-months: counter}`; beside it `organizations` and the
    /// seats of each product, by its name. Omitted: nothing.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": name_pattern!()}))]
    pub resources: BTreeMap<String, Measure>,
    /// Limits of the guards: how much a plan may change before it is refused.
    #[serde(default)]
    pub guards: Guards,
    /// What is protected in every tenant's realm, e.g. `[role/*]`: nothing of it is deleted or replaced.
    pub protected: Option<Protected>,
}

/// A stage where tenants operate: development, staging, production.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Environment {
    /// Base URL of its Keycloak server, path prefix included, e.g. `https://id.example.com`. `--server` overrides it.
    #[schemars(regex(pattern = r"^https?://[^\s?#]+$"))]
    pub server: Option<String>,
    /// Its Keycloak servers by name, instead of `server`, where it has several: each tenant says on which it is.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": name_pattern!()}))]
    pub servers: BTreeMap<String, ServerTerms>,
    /// The ledger of its accounts: `sqlite:PATH`, relative to this directory, or `postgres://USER@HOST:PORT/DATABASE` without
    /// a password. `--ledger` overrides it. Omitted: what is granted is proved from the manifests alone.
    #[schemars(regex(pattern = r"^(sqlite:.+|postgres(ql)?://\S+)$"))]
    pub ledger: Option<String>,
    /// The public key of its observer, an EC P-256 key in PEM: every realm gets an account that may read and not write,
    /// for the jobs of pull requests. Omitted: none.
    pub observer_key: Option<String>,
    /// The public keys that what realms say of licences is signed with, Ed25519 in PEM, one after the other: the first is
    /// the one that signs, what the others signed is believed. Omitted: nothing is signed.
    pub trusted_keys: Option<String>,
    /// The token broker through which its tenants' users log in: every realm gets a client for it. Omitted: none.
    pub broker: Option<Broker>,
    /// Limits that differ from the platform's here.
    #[serde(default)]
    pub guards: Guards,
}

/// The token broker of an environment (`realmwright serve`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Broker {
    /// Where browsers reach it, without a path, e.g. `https://login.example.com`. Plain http is for this machine alone.
    #[schemars(regex(pattern = r"^https?://[^\s/?#@*]+$"))]
    pub url: String,
    /// Where they reach it on a host of each tenant's own: `*` stands for the tenant's name, e.g. `https://*.app.example.com`.
    /// A tenant whose name can't be part of a host name stays at `url`. Omitted: all do.
    #[schemars(regex(pattern = r"^https?://\*\.[^\s/?#@*]+$"))]
    pub tenant_url: Option<String>,
    /// The public key that it authenticates with, EC P-256 in PEM. Omitted: one that is derived from the operator key.
    pub key: Option<String>,
    /// Products whose applications may get access tokens of their users (`POST /token`), each for that product alone and for
    /// who has a seat of it. Omitted: none.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether users may log in at a terminal (`realmwright login`): every realm gets a client for it.
    #[serde(default)]
    pub terminals: bool,
}

/// Something that licences are sold for; one client in each realm that is licensed for it. Nothing else brings its client
/// or its roles into a realm, or gives everybody a seat: `validate` refuses it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Product {
    /// Display name.
    pub label: Option<String>,
    /// Where the product's client may be redirected after login.
    pub redirect_uris: Option<Vec<String>>,
    /// Origins that may call the token endpoint from a browser; `+` for those of the redirect URIs.
    pub web_origins: Option<Vec<String>>,
    /// Address of the product's start page.
    pub base_url: Option<String>,
    /// Roles of the product's client beside the seat role.
    #[schemars(inner(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$")))]
    pub roles: Option<Vec<String>>,
    /// Whether each device of an organization that has the product is a client with a service account in its realm
    /// (`realmwright device register --name`).
    pub device_clients: Option<bool>,
    /// Whether its seats are concurrent: a session at the token broker takes one and gives it back. Omitted: they are named,
    /// and held by users who have the product's role `seat`.
    pub concurrent: Option<Concurrent>,
    /// Types of licence that are sold, e.g. `[trial, professional]`. Omitted: any type.
    pub licence_types: Option<Vec<String>>,
    /// What differs in an environment, by its name.
    #[serde(default)]
    pub environments: BTreeMap<String, ProductOverride>,
}

/// Seats that sessions take from what is licensed, and give back when they end.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Concurrent {
    /// What happens where all are taken. Omitted: `deny`.
    #[serde(default)]
    pub overflow: Overflow,
    /// By how many percent more may be taken than are licensed, with `overflow: overage`.
    #[schemars(range(min = 1, max = 1000))]
    pub overage: Option<u32>,
    /// Whether a user takes one seat in all, or one with each session. Omitted: `user`.
    #[serde(default)]
    pub per: Per,
}

/// What differs for a product in one environment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ProductOverride {
    /// Replaces the product's redirect URIs.
    pub redirect_uris: Option<Vec<String>>,
    /// Replaces the product's web origins.
    pub web_origins: Option<Vec<String>>,
    /// Replaces the product's base URL.
    pub base_url: Option<String>,
}

/// The root of a branch: a company that sells through resellers, or to organizations itself. One directory belongs
/// to one distributor.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Distributor {
    /// `realmwright/v1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// `Distributor`.
    #[schemars(extend("const" = "Distributor"))]
    pub kind: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub member: Member,
    /// Its resellers. They may also be documents of their own that name it as `parent`.
    #[serde(default)]
    pub resellers: Vec<NestedReseller>,
    /// Organizations that it serves itself.
    #[serde(default)]
    pub organizations: Vec<NestedOrganization>,
    /// A CSV file with further resellers and organizations, beside this file or below.
    #[schemars(regex(pattern = r"^[^/\\].*\.csv$"))]
    pub csv: Option<String>,
}

/// A company that serves organizations, as a document of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Reseller {
    /// `realmwright/v1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// `Reseller`.
    #[schemars(extend("const" = "Reseller"))]
    pub kind: String,
    /// Name of the distributor or reseller above it.
    pub parent: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub member: Member,
    /// Resellers below it.
    #[serde(default)]
    pub resellers: Vec<NestedReseller>,
    /// Organizations that it serves.
    #[serde(default)]
    pub organizations: Vec<NestedOrganization>,
}

/// A customer, or a part of one, as a document of its own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Organization {
    /// `realmwright/v1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// `Organization`.
    #[schemars(extend("const" = "Organization"))]
    pub kind: String,
    /// Name of the distributor, reseller or organization above it.
    pub parent: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub member: Member,
    /// Organizations below it.
    #[serde(default)]
    pub organizations: Vec<NestedOrganization>,
}

/// A reseller inside the document of its parent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct NestedReseller {
    /// What it says of itself.
    #[serde(flatten)]
    pub member: Member,
    /// Resellers below it.
    #[serde(default)]
    pub resellers: Vec<NestedReseller>,
    /// Organizations that it serves.
    #[serde(default)]
    pub organizations: Vec<NestedOrganization>,
}

/// An organization inside the document of its parent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct NestedOrganization {
    /// What it says of itself.
    #[serde(flatten)]
    pub member: Member,
    /// Organizations below it.
    #[serde(default)]
    pub organizations: Vec<NestedOrganization>,
}

/// What every tenant says of itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Immutable id; becomes the name of the realm. Unique in the whole platform. Choose lower case letters, digits, `-`
    /// and `_`; other names are for realms that have them already.
    #[schemars(regex(pattern = realm_pattern!()))]
    pub name: String,
    /// `true`: it stands in the tree and has no realm of its own. Omitted: it has one.
    #[serde(default)]
    pub without_realm: bool,
    /// The environments where it exists and what differs there. Omitted: those of its parent; a distributor: all.
    pub environments: Option<BTreeMap<String, Settings>>,
    /// What may differ from environment to environment.
    #[serde(flatten)]
    pub settings: Settings,
}

/// What a tenant is like. In `environments`, only what differs there: mappings are merged, users by their name, other
/// lists are replaced.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Settings {
    /// Display name; may change at any time. Omitted: the name.
    pub label: Option<String>,
    /// Labels by which `--select` and `--exclude` find it, e.g. `{region: north}`. Those below it have them too, where
    /// they do not say otherwise. Keycloak never sees them.
    #[serde(default)]
    #[schemars(extend(
        "propertyNames" = {"pattern": name_pattern!()},
        "additionalProperties" = {"type": "string", "minLength": 1, "maxLength": 63}
    ))]
    pub labels: BTreeMap<String, String>,
    /// What its users see when they log in. What it does not say is as it is above it.
    pub brand: Option<Brand>,
    /// Name of the server that its realm is on, where the environment has several. Those below it are there too, where they do
    /// not say otherwise, unless that server is dedicated. A realm never moves: `plan` refuses another one.
    pub server: Option<String>,
    /// The realm template. Omitted: the one named after the tier (`distributor`, `reseller`, `organization`).
    pub template: Option<String>,
    /// Values for the template's parameters. A `secret` parameter takes a reference: `env:NAME` or `file:PATH`.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// The first tenant admin: invited, with required actions and no password.
    pub admin: Option<Admin>,
    /// Further users that the manifests declare. Ordinary users are not declared: tenants manage them.
    #[serde(default)]
    pub users: Vec<User>,
    /// The licences that it holds.
    #[serde(default)]
    pub licences: Vec<Licence>,
    /// How its users get in through the token broker, and who does.
    #[serde(default)]
    pub login: Login,
    /// `true`: nobody logs in at its realm's clients any more, and the token broker says that it is suspended. What it has stays
    /// as it is, and those below it are not touched. Omitted: `false`.
    #[serde(default)]
    pub suspended: bool,
    /// Whether it lives on licences of its own, rather than on what its parent grants it; fixed once it is there. Omitted:
    /// a distributor does, and who lists licences.
    pub own_licences: Option<bool>,
    /// What its parent grants it, by resource: e.g. `{users: 15, vpn-months: 36}`. What it grants to those below it, its
    /// parent has granted on.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = {"type": "integer", "minimum": 0, "maximum": 1_000_000_000_000u64}))]
    pub grants: BTreeMap<String, Amount>,
    /// Whether it may issue licences, out of what it has. Omitted: `false`.
    #[serde(default)]
    pub dealer: bool,
    /// Whether it may hide what is its own, and what is below it, from those above it; they see its name and what it consumes.
    /// Omitted: as it is in the ledger.
    pub allow_full_privacy: Option<bool>,
    /// Whether it does so, where it may. Omitted: as it is in the ledger.
    pub require_full_privacy: Option<bool>,
    /// What is neither deleted nor replaced: a list of object addresses, e.g. `[client/assistant, role/*]`, or `true` for
    /// everything; then the tenant is neither quarantined nor destroyed either. Updates pass.
    pub protected: Option<Protected>,
    /// Differences from the template, in its shape: objects of a list are merged by their name, other lists replaced.
    #[serde(default)]
    pub realm: Map<String, Value>,
}

/// A tenant's first administrator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Admin {
    /// Login name. Omitted: the e-mail address.
    #[schemars(regex(pattern = r"^[^\sA-Z]{1,255}$"))]
    pub username: Option<String>,
    /// Where the invitation goes.
    #[schemars(regex(pattern = r"^[^\s@]+@[^\s@]+$"))]
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
}

/// A user that the manifests declare.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct User {
    /// Login name, lower case.
    #[schemars(regex(pattern = r"^[^\sA-Z]{1,255}$"))]
    pub username: String,
    /// E-mail address.
    #[schemars(regex(pattern = r"^[^\s@]+@[^\s@]+$"))]
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// First password, by reference: `env:NAME` or `file:PATH`. Set when the user is created, never compared again.
    #[schemars(regex(pattern = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"))]
    pub password: Option<String>,
    /// Roles: a realm role by its name, a client's role as `client/role`, e.g. `assistant/seat`.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// The right to use so much of a product for so long.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Licence {
    /// Name of the product.
    pub product: String,
    /// Type of the licence, e.g. `professional`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub licence_type: String,
    /// Serial number; used once in the whole platform.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"))]
    pub serial: String,
    /// Number of named seats.
    #[schemars(range(min = 1))]
    pub seats: u32,
    /// First day of validity (`2026-01-31`). Omitted: valid from the start.
    pub valid_from: Option<String>,
    /// Last day of validity (`2026-12-31`).
    pub valid_until: String,
    /// Whether validity is extended by itself. Omitted: `false`.
    #[serde(default)]
    pub auto_renew: bool,
    /// By how many days, where it is. Omitted: 365.
    #[schemars(range(min = 1, max = 36_500))]
    pub renewal_days: Option<u32>,
    /// What it releases beside the seats, by resource: e.g. `{users: 50, devices: 10}`.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = {"type": "integer", "minimum": 0, "maximum": 1_000_000_000_000u64}))]
    pub quantities: BTreeMap<String, Amount>,
    /// The dealer that issued it, out of what that has. Omitted: the platform.
    pub dealer: Option<String>,
}

/// What a realm contains, with typed parameters.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct RealmTemplate {
    /// `realmwright/v1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// `RealmTemplate`.
    #[schemars(extend("const" = "RealmTemplate"))]
    pub kind: String,
    /// Name by which tenants choose it.
    #[schemars(regex(pattern = name_pattern!()))]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The template that this one changes: parameters and `realm` are merged into that one's.
    pub extends: Option<String>,
    /// The parameters that tenants may set, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// The realm in the shape of Keycloak's RealmRepresentation, with `$(…)`, `$each(…)` and `$if(…)`.
    #[serde(default)]
    pub realm: Map<String, Value>,
}

/// A parameter of a template.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Parameter {
    /// What values it takes.
    #[serde(rename = "type")]
    pub parameter_type: ParameterType,
    /// What it is for.
    pub description: Option<String>,
    /// The value where a tenant gives none. Without one, the tenant must.
    pub default: Option<Value>,
    /// The values allowed. Omitted: any of the type.
    #[serde(rename = "enum")]
    pub allowed: Option<Vec<Value>>,
    /// Least integer allowed.
    pub minimum: Option<i64>,
    /// Greatest integer allowed.
    pub maximum: Option<i64>,
}

/// Types of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParameterType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    List,
    /// An absolute `http` or `https` URL.
    Url,
    /// A reference to a secret: `env:NAME` or `file:PATH`.
    Secret,
}
