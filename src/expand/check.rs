//! What Keycloak would refuse, or accept and misread, found before any request: with the line that has to change.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{TOOLS, flows, keys, mail, people, permissions, tls};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::manifest::node::{Data, Key, Node};
use crate::state::kind::{Class, Kind, Own, SERVICE_ACCOUNT_PREFIX, Section};
use crate::state::permissions::{ADMIN_PERMISSIONS, referred};
use crate::state::protection::PROTECTED;
use crate::state::quarantine::QUARANTINE;
use crate::state::sealed::ENTITLEMENT;
use crate::state::secret::{SECRET, is_in_vault};
use crate::state::specs::SPECS;
use crate::state::{ObjectId, RealmState, applied, secret_name};

/// Names that Keycloak gives to the roles of its own administration (`org.keycloak.models.AdminRoles`). A tenant's realm
/// may have roles of such names, and many that were made by hand do; a master administrator's account may not change
/// them, the realm's own provisioner may.
const ADMIN_ROLES: [&str; 4] = ["admin", "create-realm", "realm-admin", "impersonation"];

/// Checks the filled realm of one tenant, place by place.
pub(super) fn check(tenant: &str, realm: &Node, found: &mut Vec<Diagnostic>) {
    if let Some(node) = realm.get("realm").filter(|node| node.text() != Some(tenant)) {
        found.push(
            Diagnostic::error("realm-name", node.span, "a template can't name the realm")
                .hint("the realm is named after its tenant"),
        );
    }
    if let Some(node) = realm.get("enabled").filter(|node| node.to_value() != true) {
        found.push(
            Diagnostic::error(
                "disabled-realm",
                node.span,
                "a realm can't be kept disabled: Keycloak then refuses the provisioner as well",
            )
            .hint("take away what should not be used: clients with `enabled: false`, or licences"),
        );
    }
    for own in [applied::MARKER, applied::BEGUN, applied::NAMING, PROTECTED, QUARANTINE, ENTITLEMENT] {
        if realm.get("attributes").is_some_and(|attributes| attributes.get(own).is_some()) {
            let span = realm.nearest("/attributes").key_span(own);
            found.push(Diagnostic::error("reserved-name", span, format!("the attribute `{own}` is the tool's own")));
        }
    }
    objects(Kind::Realm, "realm", std::slice::from_ref(realm), found);
    settings(realm, found);
    mail::check(realm, found);
    for name in LISTS {
        must_be(realm.get(name), name, true, found);
    }
    for name in MAPPINGS {
        must_be(realm.get(name), name, false, found);
    }
    must_be(realm.nearest("/roles").get("realm"), "roles.realm", true, found);
    must_be(realm.nearest("/roles").get("client"), "roles.client", false, found);
    for owner in ["clients", "clientScopes"].iter().flat_map(|name| list(realm.get(name))) {
        must_be(owner.get("protocolMappers"), "protocolMappers", true, found);
    }
    for holder in ["components", "localizationTexts"] {
        for (key, group) in realm.get(holder).map(Node::entries).unwrap_or_default() {
            must_be(Some(group), &key.text, holder == "components", found);
        }
    }
    for (key, group) in realm.nearest("/roles").get("client").map(Node::entries).unwrap_or_default() {
        must_be(Some(group), &key.text, true, found);
    }
    for spec in &SPECS {
        match spec.section {
            Section::Top | Section::Within(..) => {}
            Section::Keyed(name) if spec.kind == Kind::Authorization => {
                for (_, settings) in realm.get(name).map(Node::entries).unwrap_or_default() {
                    objects(spec.kind, name, std::slice::from_ref(settings), found);
                }
            }
            Section::Keyed(_) => {}
            Section::Single(name) => objects(spec.kind, name, realm.get(name).map_or(&[], std::slice::from_ref), found),
            Section::Tree(name, below) => tree(spec.kind, name, below, list(realm.get(name)), found),
            // They stand inside their owners.
            Section::Owned("subComponents", ..) => {}
            Section::List(name) | Section::Owned(name, ..) => objects(spec.kind, name, list(realm.get(name)), found),
            Section::Inner(path) => objects(spec.kind, path[path.len() - 1], list(at(realm, path)), found),
            Section::Groups(path) => {
                for (group, items) in at(realm, path).map(Node::entries).unwrap_or_default() {
                    let named = group.text != PROFILE;
                    objects(spec.kind, &group.text, if named { list(Some(items)) } else { &[] }, found);
                }
            }
        }
    }
    for owner in [Kind::ClientScope, Kind::Client] {
        let Section::List(section) = owner.spec().section else { continue };
        let mapper = if owner == Kind::Client { Kind::ClientMapper } else { Kind::ScopeMapper };
        for item in list(realm.get(section)) {
            objects(mapper, "protocolMappers", list(item.get("protocolMappers")), found);
            let settings = item.get("authorizationSettings").map_or(&[][..], std::slice::from_ref);
            objects(Kind::Authorization, "authorizationSettings", settings, found);
        }
    }
    for component in
        realm.get("components").map(Node::entries).unwrap_or_default().iter().flat_map(|(_, list)| list.items())
    {
        keys::check(component, found);
        for (key, items) in component.get("subComponents").map(Node::entries).unwrap_or_default() {
            objects(Kind::SubComponent, &key.text, list(Some(items)), found);
        }
    }
    flows::check(realm, found);
    permissions::check(realm, found);
    people::check(realm, found);
    for key in at(realm, &["roles"]).map(Node::entries).unwrap_or_default().iter().map(|(key, _)| key) {
        if !matches!(key.text.as_str(), "realm" | "client") {
            found.push(unknown_field(key, "`roles`", ["realm", "client"].into_iter()));
        }
    }
    let ssl = realm.get("sslRequired").and_then(Node::text).unwrap_or("external").to_lowercase();
    for provider in list(realm.get("identityProviders")) {
        tls::identity_provider(&ssl, provider, found);
    }
}

/// The lists at the top.
const LISTS: [&str; 10] = [
    "clients",
    "clientScopes",
    "identityProviders",
    "identityProviderMappers",
    "users",
    "groups",
    "authenticationFlows",
    "authenticatorConfig",
    "requiredActions",
    "organizations",
];

/// The mappings at the top.
const MAPPINGS: [&str; 7] = [
    "roles",
    "components",
    "localizationTexts",
    "authorizationSettings",
    "clientProfiles",
    "clientPolicies",
    "userProfile",
];

/// The component that wraps the user profile; it has no name.
const PROFILE: &str = "org.keycloak.userprofile.UserProfileProvider";

/// Groups, and those below them.
fn tree(kind: Kind, section: &str, below: &str, items: &[Node], found: &mut Vec<Diagnostic>) {
    objects(kind, section, items, found);
    for item in items {
        must_be(item.get(below), below, true, found);
        tree(kind, below, below, list(item.get(below)), found);
    }
}

fn must_be(node: Option<&Node>, name: &str, a_list: bool, found: &mut Vec<Diagnostic>) {
    let Some(node) = node else { return };
    let fits = if a_list { matches!(node.data, Data::List(_)) } else { matches!(node.data, Data::Map(_)) };
    if !fits {
        let wanted = if a_list { "a list" } else { "a mapping" };
        found.push(Diagnostic::error("wrong-type", node.span, format!("`{name}` must be {wanted}")));
    }
}

pub(super) fn list(node: Option<&Node>) -> &[Node] {
    node.map(Node::items).unwrap_or_default()
}

pub(super) fn at<'a>(node: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(node, |node, step| node.get(step))
}

/// Fields, keys and names of the objects of one list.
fn objects(kind: Kind, section: &str, items: &[Node], found: &mut Vec<Diagnostic>) {
    let spec = kind.spec();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for item in items {
        if !matches!(item.data, Data::Map(_)) {
            found.push(Diagnostic::error(
                "wrong-type",
                item.span,
                format!("an entry of `{section}` must be a mapping"),
            ));
            continue;
        }
        for (key, value) in item.entries() {
            field(kind, key, value, found);
        }
        if kind.is_single() || kind == Kind::Authorization {
            continue;
        }
        let Some(name) = item.get(spec.key).and_then(Node::text) else {
            let message = format!("an entry of `{section}` needs the key `{}`", spec.key);
            found.push(Diagnostic::error("missing-key", item.span, message));
            continue;
        };
        let span = item.get(spec.key).map_or(item.span, |node| node.span);
        let owner = match spec.section {
            Section::Owned(_, field, _) => item.get(field).and_then(Node::text).unwrap_or_default(),
            _ => item.get("subType").and_then(Node::text).unwrap_or_default(),
        };
        if !seen.insert((owner, name)) {
            found.push(Diagnostic::error(
                "duplicate-object",
                span,
                format!("`{section}` has two entries named `{name}`"),
            ));
        }
        if matches!(name, "" | "." | "..") {
            found.push(Diagnostic::error(
                "wrong-name",
                span,
                format!("`{name}` can't be the name of an entry of `{section}`"),
            ));
        }
        if kind == Kind::Client && name != ADMIN_PERMISSIONS && Own::of(name) == Some(Own::Kept) {
            let message = format!("the client `{name}` is Keycloak's own, and the provisioner may not change it");
            found.push(
                Diagnostic::error("reserved-name", span, message).hint("take it out, or name the client otherwise"),
            );
        }
        let role = matches!(kind, Kind::RealmRole | Kind::ClientRole);
        if role && ADMIN_ROLES.contains(&name) {
            let message =
                format!("`{name}` is the name of a role of Keycloak's own administration, and easily taken for it");
            found.push(
                Diagnostic::warning("reserved-name", span, message).hint("choose another name, e.g. `tenant-admin`"),
            );
        }
        if kind == Kind::ClientScope && super::broker::is_scope(name) {
            found.push(Diagnostic::error("reserved-name", span, format!("the scope `{name}` is the tool's own")));
        }
        if kind == Kind::Client && TOOLS.contains(&name) {
            found.push(Diagnostic::error("reserved-name", span, format!("the client `{name}` is the tool's own")));
        }
    }
}

fn field(kind: Kind, key: &Key, value: &Node, found: &mut Vec<Diagnostic>) {
    match kind.class(&key.text) {
        None => found.push(unknown_field(key, &kind.one(), kind.settable())),
        Some(Class::Unmanaged | Class::ReadOnly) => {
            let message = format!("`{}` of {} is not managed", key.text, kind.one());
            found.push(
                Diagnostic::error("not-managed", key.span, message)
                    .hint("take it out; see docs/manifest.md for what is managed"),
            );
        }
        Some(Class::Server) => {
            let message = format!("`{}` of {} is made by the server", key.text, kind.one());
            found.push(Diagnostic::error("not-settable", key.span, message).hint("take it out"));
        }
        Some(class) => {
            if let Some(wanted) = shape(class, value).or_else(|| references_shape(&key.text, value)) {
                let message = format!("`{}` of {} must be {wanted}", key.text, kind.one());
                found.push(Diagnostic::error("wrong-type", value.span, message));
            }
            let hidden = secret_paths(kind, class, key, value);
            for (path, value) in &hidden {
                let plain = value.to_value();
                let switch = kind.is_open_secret(path) && is_switch(&plain);
                if value.get(SECRET).is_none() && !switch && !kind.is_vaulted(path, Some(&plain)) {
                    let message = format!("`{path}` of {} is a secret and can't be written out", kind.one());
                    let hint =
                        "declare a parameter of type `secret` and give it a reference, `env:NAME` or `file:PATH`";
                    found.push(Diagnostic::error("plain-secret", value.span, message).hint(hint));
                }
            }
            let nested = class == Class::Nested || (kind == Kind::Flow && key.text == "executions");
            for secret in secrets(value).into_iter().filter(|_| !nested) {
                if !hidden.iter().any(|(_, place)| std::ptr::eq(*place, secret)) {
                    let message =
                        format!("a secret can't be put into `{}` of {}: everybody could read it", key.text, kind.one());
                    found.push(Diagnostic::error("open-secret", secret.span, message));
                }
            }
            if let Data::Scalar(Value::Null) = value.data {
                found.push(
                    Diagnostic::error("null", value.span, format!("`{}` is null", key.text)).hint("leave the key out"),
                );
            }
        }
    }
}

/// What a field of this class must be, when the value is not that.
fn shape(class: Class, value: &Node) -> Option<&'static str> {
    let list = matches!(value.data, Data::List(_));
    let map = matches!(value.data, Data::Map(_));
    match class {
        Class::Set if !list => Some("a list"),
        Class::Texts | Class::Lists if !map => Some("a mapping"),
        Class::Links | Class::Memberships | Class::Nested if !list && !map => Some("a list or a mapping"),
        _ => None,
    }
}

/// The shape of a field that holds references, by its name.
fn references_shape(field: &str, value: &Node) -> Option<&'static str> {
    let map = matches!(value.data, Data::Map(_));
    match field {
        "composites" | "clientRoles" if !map => Some("a mapping"),
        "realmRoles" | "defaultClientScopes" | "optionalClientScopes" | "defaultGroups" if map => Some("a list"),
        "defaultDefaultClientScopes" | "defaultOptionalClientScopes" if map => Some("a list"),
        _ => None,
    }
}

fn secret_paths<'a>(kind: Kind, class: Class, key: &Key, value: &'a Node) -> Vec<(String, &'a Node)> {
    if class == Class::WriteOnly {
        return vec![(key.text.clone(), value)];
    }
    if kind == Kind::User && key.text == "credentials" {
        return value.items().iter().filter_map(|item| Some(("credentials".to_owned(), item.get("value")?))).collect();
    }
    let inner = value.entries().iter().map(|(inner, node)| (format!("{}.{}", key.text, inner.text), node));
    let inner = inner.filter(|(path, _)| kind.class_of_path(path) == Class::WriteOnly);
    // The configuration of a component holds lists; a secret is one text.
    inner
        .map(|(path, node)| (path, if let (Class::Lists, [one]) = (class, node.items()) { one } else { node }))
        .collect()
}

/// A switch is a setting, whatever its name.
fn is_switch(value: &Value) -> bool {
    value.is_boolean() || value == "true" || value == "false"
}

/// Secrets in the settings of authenticators, which Keycloak shows to whoever may read the realm, and this program does
/// not.
fn settings(realm: &Node, found: &mut Vec<Diagnostic>) {
    let mut configs: Vec<&Node> =
        list(realm.get("authenticatorConfig")).iter().filter_map(|config| config.get("config")).collect();
    let mut open: Vec<&Node> = list(realm.get("authenticationFlows")).iter().collect();
    while let Some(flow) = open.pop() {
        for step in list(flow.get("executions")) {
            configs.extend(at(step, &["config", "values"]));
            open.extend(step.get("flow"));
        }
    }
    for (key, value) in configs.into_iter().flat_map(Node::entries) {
        let plain = value.to_value();
        let (secret, reference) = (secret_name::is_secret_setting(&key.text), value.get(SECRET).is_some());
        if secret && !reference && !is_switch(&plain) && !is_in_vault(&plain) {
            let message = format!("`{}` of an authenticator is a secret and can't be written out", key.text);
            let hint = "declare a parameter of type `secret` and give it a reference, `env:NAME` or `file:PATH`";
            found.push(Diagnostic::error("plain-secret", value.span, message).hint(hint));
        }
        if reference && !secret {
            let message =
                format!("a secret can't be put into `{}` of an authenticator: everybody could read it", key.text);
            found.push(Diagnostic::error("open-secret", value.span, message));
        }
    }
}

/// Every secret in a value.
fn secrets(node: &Node) -> Vec<&Node> {
    if node.get(SECRET).is_some() {
        return vec![node];
    }
    let inner = node.items().iter().chain(node.entries().iter().map(|(_, value)| value));
    inner.flat_map(secrets).collect()
}

fn unknown_field<'a>(key: &Key, what: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let hint =
        did_you_mean(&key.text, known).unwrap_or_else(|| "fields are those of Keycloak's representations".into());
    Diagnostic::error("unknown-field", key.span, format!("`{}` is not a field of {what}", key.text)).hint(hint)
}

/// Names that objects use for others which the realm will not have.
pub(super) fn references(tenant: &str, state: &RealmState, span: Span, found: &mut Vec<Diagnostic>) {
    // Keycloak makes `uma_authorization` after the roles of the body, so a body that refers to it must bring it.
    let in_time = |key: &str| key != "uma_authorization";
    let own_account = state.get(&ObjectId::new(Kind::Client, "account")).is_some();
    let exists = |kind: Kind, key: &str| {
        let built_in = match kind {
            Kind::ClientRole => built_in_role(key, own_account),
            _ => kind.is_built_in(key) && in_time(key),
        };
        state.get(&ObjectId::new(kind, key)).is_some() || built_in
    };
    let mut missing = |object: &ObjectId, what: Kind, key: &str, known: bool| {
        if !known {
            let who = if what == Kind::User { "who is not declared" } else { "which the realm does not have" };
            let message = format!("{tenant}/{object} refers to the {} `{key}`, {who}", what.name());
            let names: Vec<&str> = state.of_kind(what).map(|(id, _)| id.key.as_str()).collect();
            let hint = did_you_mean(key, names).or_else(|| (what == Kind::User).then(|| UNDECLARED.to_owned()));
            found.push(Diagnostic::error("unknown-object", span, message).maybe_hint(hint));
        }
    };
    for (id, object) in &state.objects {
        for (path, value) in &object.fields {
            if let Some(target) = ObjectId::of_membership(id.kind, path) {
                let known = match target.kind {
                    Kind::User => user_exists(state, &target),
                    kind => exists(kind, &target.key),
                };
                missing(id, target.kind, &target.key, known);
            }
            for target in referred(id, path, Some(value)) {
                let known = match target.kind {
                    Kind::ClientScope => scope_exists(state, &target.key),
                    Kind::User => user_exists(state, &target),
                    kind => exists(kind, &target.key),
                };
                missing(id, target.kind, &target.key, known);
            }
            if let Some(flow) = value.as_str().filter(|flow| id.kind.binds_flow(path) && !flow.is_empty()) {
                missing(id, Kind::Flow, flow, exists(Kind::Flow, flow));
            }
            for name in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
                let Some(target) = ObjectId::of_reference(id.kind, path, name) else { continue };
                let known = match target.kind {
                    Kind::ClientScope => scope_exists(state, &target.key),
                    kind => exists(kind, &target.key),
                };
                missing(id, target.kind, &target.key, known);
            }
        }
    }
    for id in state.objects.keys() {
        let Section::Owned(_, _, kind) = id.kind.spec().section else { continue };
        let (owner, _) = id.owner_and_name();
        let known = state.of_kind(kind).any(|(other, _)| other.owner_and_name().1 == owner);
        missing(id, kind, &owner, known);
    }
    for (id, _) in state.of_kind(Kind::ClientRole) {
        let (client, _) = id.owner_and_name();
        missing(id, Kind::Client, &client, exists(Kind::Client, &client));
    }
}

/// A role that Keycloak makes with its own clients. A name that is none of them would be made as a new role by a birth.
fn built_in_role(key: &str, own_account: bool) -> bool {
    Kind::ClientRole.is_built_in(key) && !(own_account && key.starts_with("account/"))
}

const UNDECLARED: &str =
    "declare the user, or name a role or a group: anybody may take the name of a user who is not declared";

/// True for a user whose name nobody else can take: one that is declared, or that of a client's service account.
fn user_exists(state: &RealmState, user: &ObjectId) -> bool {
    let client = user.key.strip_prefix(SERVICE_ACCOUNT_PREFIX).map(|client| ObjectId::new(Kind::Client, client));
    let served = client.and_then(|client| state.get(&client)?.fields.get("serviceAccountsEnabled").cloned());
    state.get(user).is_some() || served == Some(true.into())
}

/// A body that brings scopes of its own gets none of the built-in ones, but for `offline_access`.
fn scope_exists(state: &RealmState, name: &str) -> bool {
    let own = state.of_kind(Kind::ClientScope).next().is_some();
    state.get(&ObjectId::new(Kind::ClientScope, name)).is_some()
        || name == "offline_access"
        || (!own && Kind::ClientScope.is_built_in(name))
}
