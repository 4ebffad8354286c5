//! A representation as objects and fields that manifests may declare, beside those that every realm has.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::report::Reason;
use super::{Finding, Flat, Realm, births, older, secrets};
use crate::expand::{TOOLS, broker};
use crate::state::kind::{Class, KEY_PROVIDER, Own, RETIRED, SERVICE_ACCOUNT_PREFIX, Section};
use crate::state::permissions::ADMIN_PERMISSIONS;
use crate::state::sealed::MAPPER;
use crate::state::shape::TWIN;
use crate::state::specs::SPECS;
use crate::state::{Fields, Kind, ObjectId, arrange, defaults, regular, same};

/// A realm taken apart.
#[derive(Debug, Clone, Default)]
pub struct Extracted {
    /// Its name.
    pub name: String,
    /// What it is called on screen.
    pub label: Option<String>,
    /// All that can be declared of it, defaults included.
    pub full: Flat,
    /// What these objects are where nothing is declared.
    pub base: Flat,
    /// Objects that are written whole, because creation would otherwise leave them out.
    pub whole: BTreeSet<ObjectId>,
    /// How many objects are as Keycloak makes them.
    pub built_in: usize,
    /// Flows that are left alone, because Keycloak masks some of their settings.
    pub masked: BTreeSet<String>,
}

/// Takes a realm apart; what can't be declared is added to the findings.
pub fn extract(realm: &Realm, findings: &mut Vec<Finding>) -> Extracted {
    let mut representation = without_nulls(&realm.representation);
    if !realm.live {
        representation = older::renewed(&representation, findings);
    }
    let name = representation["realm"].as_str().unwrap_or_default().to_owned();
    let state = arrange(&representation);
    let bare = defaults::bare(&name);
    unmanaged_sections(&name, &representation, findings);
    lost(&name, &regular(&representation), &state, findings);
    let mut one = Extracted { name: name.clone(), ..Extracted::default() };
    for (id, object) in &state.objects {
        if is_tool(id) {
            continue;
        }
        if object.raw.get(TWIN).is_some() {
            let why = "it shares its name with another one";
            findings.push(Finding::not_expressed(&name, id, None, why, None));
            continue;
        }
        let base = bare.get(id).cloned().unwrap_or_else(|| defaults::new_object(id, &object.fields));
        if id.kind != Kind::Realm {
            unmanaged_fields(&name, id, &object.raw, findings);
        }
        let fields = declarable(&name, id, &object.fields, findings);
        if id.kind == Kind::Flow && fields.len() < object.fields.len() {
            // Without its steps it would be another flow.
            one.masked.insert(id.key.clone());
            continue;
        }
        one.base.insert(id.clone(), base);
        one.full.insert(id.clone(), fields);
    }
    if let Some(top) = one.full.get_mut(&ObjectId::realm()) {
        top.remove("realm");
        one.label = top.get("displayName").and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    }
    whole_documents(&mut one, &bare);
    without_own_clients(&mut one, &bare, realm.live, findings);
    let version = representation["keycloakVersion"].as_str();
    if !realm.live {
        births::complete(&mut one, version, &bare, findings);
    }
    default_role(&mut one, &bare);
    scopes(&mut one, &bare, realm.live, version.is_some());
    if one.declares_account() {
        one.declare_account();
    }
    for (id, fields) in &one.full {
        let made = bare.contains_key(id) && !one.whole.contains(id) && one.differing(id, fields).is_empty();
        one.built_in += usize::from(made && id.kind != Kind::Realm);
    }
    one
}

impl Extracted {
    /// Whether its manifest declares the account console's client.
    pub fn declares_account(&self) -> bool {
        self.wanted().contains_key(&ObjectId::new(Kind::Client, "account"))
    }

    /// Declares that client, all roles and mappers of it, and the default role, which has some of them: where a birth
    /// brings it, Keycloak makes none of these.
    pub fn declare_account(&mut self) {
        let of_it = |id: &&ObjectId| match id.kind {
            Kind::Client => id.key == "account",
            Kind::ClientRole | Kind::ClientMapper => id.owner_and_name().0 == "account",
            Kind::RealmRole => id.key.starts_with("default-roles-"),
            _ => false,
        };
        if self.full.keys().any(|id| id.kind == Kind::RealmRole && of_it(&id)) {
            self.bring_uma_authorization();
        }
        self.whole.extend(self.full.keys().filter(of_it).cloned());
    }

    /// Declares the role that Keycloak makes last, for what refers to it.
    fn bring_uma_authorization(&mut self) {
        let late = ObjectId::new(Kind::RealmRole, "uma_authorization");
        let known = defaults::bare(&self.name).remove(&late).unwrap_or_default();
        self.base.entry(late.clone()).or_insert_with(|| known.clone());
        self.full.entry(late.clone()).or_insert(known);
        self.whole.insert(late);
    }

    /// Fields of an object that are not what they would be anyway.
    pub fn differing(&self, id: &ObjectId, fields: &Fields) -> Fields {
        let base = self.base.get(id);
        let off = |path: &str, value: &Value| {
            *value == false && base.is_some_and(|base| !base.is_empty() && !base.contains_key(path))
        };
        let keeps =
            |path: &str, value: &Value| !off(path, value) && !same(base.and_then(|base| base.get(path)), Some(value));
        fields
            .iter()
            .filter(|(path, value)| keeps(path, value))
            .map(|(path, value)| (path.clone(), value.clone()))
            .collect()
    }

    /// What its manifest has to say: objects that differ from what they would be anyway, with the fields that differ.
    pub fn wanted(&self) -> Flat {
        let bare = defaults::bare(&self.name);
        let mut wanted = Flat::new();
        for (id, fields) in &self.full {
            let mut kept = self.differing(id, fields);
            if self.whole.contains(id) {
                let new = defaults::new_object(id, fields);
                kept = fields
                    .iter()
                    .filter(|(path, value)| !same(new.get(*path), Some(value)))
                    .map(|(p, v)| (p.clone(), v.clone()))
                    .collect();
            }
            let told = !bare.contains_key(id) || self.whole.contains(id) || id.kind == Kind::Realm;
            if kept.is_empty() && !told || says_nothing(id, &kept) {
                continue;
            }
            kept.extend(fields.iter().filter(|(path, _)| must(id, path, fields)).map(|(p, v)| (p.clone(), v.clone())));
            with_their_groups(id, &mut kept, fields);
            wanted.insert(id.clone(), kept);
        }
        with_owners(&mut wanted);
        wanted
    }

    /// How many objects its manifest declares.
    pub fn declared(&self) -> usize {
        self.wanted().len()
    }
}

/// Where one of the references of a group is declared, all of them are. The two lists of a client's scopes are one group:
/// Keycloak empties the list that is not given beside the other.
pub(super) fn with_their_groups(id: &ObjectId, kept: &mut Fields, all: &Fields) {
    let group = |path: &str| match path.ends_with("ClientScopes") {
        true => "ClientScopes".to_owned(),
        false => path.split('.').next().unwrap_or_default().to_owned(),
    };
    let groups: BTreeSet<String> =
        kept.keys().filter(|path| id.kind.class_of_path(path).is_complete()).map(|path| group(path)).collect();
    kept.extend(all.iter().filter(|(path, _)| groups.contains(&group(path))).map(|(p, v)| (p.clone(), v.clone())));
}

/// True for what must be written even where it is the default. A client's web origins are made up from its redirect
/// URIs where nothing is said of them.
pub(super) fn must(id: &ObjectId, path: &str, fields: &Fields) -> bool {
    let redirects = || fields.get("redirectUris").and_then(Value::as_array).is_some_and(|uris| !uris.is_empty());
    let spoken = || fields.get(path).is_some_and(|protocol| protocol != "openid-connect");
    defaults::always(id, path)
        || match (id.kind, path) {
            (Kind::Client, "webOrigins") => redirects(),
            (Kind::Client, "protocol") => spoken(),
            (Kind::RealmRole, "description") => id.key.starts_with("default-roles-"),
            _ => false,
        }
}

/// The user of a client's service account comes with its client; it is worth a word only for its roles.
fn says_nothing(id: &ObjectId, kept: &Fields) -> bool {
    id.is_service_account()
        && kept.keys().all(|path| matches!(path.as_str(), "username" | "serviceAccountClientId" | "enabled"))
}

/// Objects that belong to another one need it at least by its name.
pub(super) fn with_owners(wanted: &mut Flat) {
    let owners: Vec<ObjectId> = wanted
        .keys()
        .filter_map(|id| match id.kind.spec().section {
            Section::Within(kind, _) => Some(ObjectId::new(kind, id.owner_and_name().0)),
            _ => None,
        })
        .collect();
    for owner in owners {
        let key = owner.kind.spec().key.to_owned();
        let name = Value::from(owner.name());
        wanted.entry(owner).or_default().entry(key).or_insert(name);
    }
}

fn is_tool(id: &ObjectId) -> bool {
    let retired = id.kind == Kind::Flow && id.key.starts_with(RETIRED);
    let scope = matches!(id.kind, Kind::ClientScope | Kind::ScopeMapper) && broker::is_scope(&id.key);
    if retired || scope || (id.kind == Kind::ClientMapper && id.owner_and_name().1 == MAPPER) {
        return true;
    }
    TOOLS.iter().any(|tool| match id.kind {
        Kind::Client => id.key == *tool,
        Kind::User => id.key.strip_prefix(SERVICE_ACCOUNT_PREFIX) == Some(tool),
        _ => id.key.starts_with(&format!("{tool}/")),
    })
}

fn declarable(realm: &str, id: &ObjectId, fields: &Fields, findings: &mut Vec<Finding>) -> Fields {
    let mut kept = Fields::new();
    let account = id.is_service_account();
    for (path, value) in fields {
        if defaults::SERVERS.contains(&path.as_str()) || (account && path.starts_with("realmRoles.default-roles-")) {
            continue;
        }
        if secrets::is_secret(id, path, value) {
            findings.push(Finding {
                realm: realm.to_owned(),
                object: id.to_string(),
                field: Some(path.clone()),
                reason: Reason::Secret,
                why: "a secret is not written out".into(),
                hint: Some(secrets::hint(id, path)),
            });
            continue;
        }
        kept.insert(path_of(id, path), value.clone());
    }
    kept
}

/// Groups of users by their whole path; files also name those at the top without its `/`.
fn path_of(id: &ObjectId, path: &str) -> String {
    match path.strip_prefix("groups.") {
        Some(group) if id.kind == Kind::User && !group.starts_with('/') => format!("groups./{group}"),
        _ => path.to_owned(),
    }
}

/// What is not declared of Keycloak's own clients: one that is kept, and what a file says of any but those that a birth
/// brings, since that is of the server that it came from: a new realm gets its own.
fn without_own_clients(one: &mut Extracted, bare: &Flat, live: bool, findings: &mut Vec<Finding>) {
    let own = |id: &ObjectId| {
        let owner = match id.kind {
            Kind::Client | Kind::Authorization => id.key.clone(),
            _ => id.owner_and_name().0,
        };
        let part = matches!(id.kind, Kind::ClientRole | Kind::ClientMapper | Kind::Authorization);
        match Own::of(&owner) {
            _ if owner == ADMIN_PERMISSIONS => false,
            Some(Own::Kept) => id.kind == Kind::Client || (part && !live),
            Some(Own::Changed) => (id.kind == Kind::Client || part) && !live,
            _ => false,
        }
    };
    let gone: Vec<ObjectId> = one.full.keys().filter(|id| own(id)).cloned().collect();
    for id in gone {
        let Some(fields) = one.full.remove(&id) else { continue };
        let differs: Vec<String> =
            one.differing(&id, &fields).into_keys().filter(|path| *path != id.kind.spec().key).collect();
        if bare.contains_key(&id) && differs.is_empty() {
            one.built_in += 1;
            continue;
        }
        let why = match differs.as_slice() {
            [] => "it belongs to a client that is Keycloak's own".to_owned(),
            paths => format!(
                "it belongs to Keycloak itself and can't be declared; it differs from what a new realm has in {}",
                paths.join(", ")
            ),
        };
        findings.push(Finding::not_expressed(&one.name, &id, None, why, None));
    }
}

/// True for the kinds of which a birth that brings one takes the place of what Keycloak makes.
pub(super) fn is_replaced(kind: Kind) -> bool {
    matches!(kind, Kind::Flow | Kind::Component)
}

/// Of these kinds, one that differs is written whole.
fn whole_documents(one: &mut Extracted, bare: &Flat) {
    let differs = |(id, fields): &(&ObjectId, &Fields)| is_replaced(id.kind) && !one.differing(id, fields).is_empty();
    let mut changed: Vec<ObjectId> = one.full.iter().filter(differs).map(|(id, _)| id.clone()).collect();
    let is_key = |id: &&ObjectId| id.kind == Kind::Component && id.owner_and_name().0 == KEY_PROVIDER;
    if bare.keys().filter(is_key).any(|id| !one.full.contains_key(id)) {
        // Beside some keys, a birth gets Keycloak's own as well, unless it brings one for each use.
        changed.extend(one.full.keys().filter(is_key).cloned());
    }
    for id in changed {
        one.base.insert(id, Fields::new());
    }
}

/// Keycloak makes `uma_authorization` after the roles of a birth, so what refers to it needs it to be brought; the default
/// role as Keycloak makes it does not.
fn default_role(one: &mut Extracted, bare: &Flat) {
    let late = ObjectId::new(Kind::RealmRole, "uma_authorization");
    let refers = |id: &ObjectId, fields: &Fields| {
        let listed = |path: &str, value: &Value| {
            let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.filter_map(|name| ObjectId::of_reference(id.kind, path, name)).any(|target| target == late)
                || ObjectId::of_membership(id.kind, path).as_ref() == Some(&late)
        };
        fields.iter().any(|(path, value)| listed(path, value))
            && !(bare.contains_key(id) && one.differing(id, fields).is_empty())
    };
    if one.full.iter().any(|(id, fields)| refers(id, fields)) {
        one.bring_uma_authorization();
    }
}

/// A realm that brings scopes of its own gets none of the built-in ones, so it must bring those too, with the account
/// console's clients, which would be left without any.
/// A whole export of one has no others.
fn scopes(one: &mut Extracted, bare: &Flat, live: bool, whole_export: bool) {
    let of_scopes = |id: &ObjectId| matches!(id.kind, Kind::ClientScope | Kind::ScopeMapper);
    let account = |id: &ObjectId| match id.kind {
        Kind::Client => id.key == "account" || id.key == "account-console",
        Kind::ClientMapper | Kind::ClientRole => {
            matches!(id.owner_and_name().0.as_str(), "account" | "account-console")
        }
        _ => false,
    };
    let differs = |(id, fields): (&ObjectId, &Fields)| {
        of_scopes(id) && !(bare.contains_key(id) && one.differing(id, fields).is_empty())
    };
    let brings = one.full.keys().any(of_scopes);
    let lacks = || whole_export && brings && bare.keys().any(|id| of_scopes(id) && !one.full.contains_key(id));
    let lists = ["defaultDefaultClientScopes", "defaultOptionalClientScopes"];
    let realm = ObjectId::realm();
    // Beside Keycloak's own scopes, a birth takes none off the realm's lists.
    let of_realm = |flat: &Flat, list: &str| flat.get(&realm).and_then(|fields| fields.get(list)).cloned();
    let shorter = |list: &&str| {
        let said = of_realm(&one.full, list);
        said.is_some() && !same(of_realm(bare, list).as_ref(), said.as_ref())
    };
    let own = one.full.iter().any(differs) || lacks() || (!live && lists.iter().any(shorter));
    if !own {
        return;
    }
    let brought: Vec<ObjectId> = bare.keys().filter(|id| of_scopes(id) || account(id)).cloned().collect();
    for id in brought {
        if live || (whole_export && brings) || one.full.contains_key(&id) {
            continue;
        }
        let fields = bare.get(&id).cloned().unwrap_or_default();
        one.base.insert(id.clone(), fields.clone());
        one.full.insert(id, fields);
    }
    one.whole.extend(one.full.keys().filter(|id| of_scopes(id) || account(id)).cloned());
    for list in lists {
        let known = bare.get(&realm).and_then(|fields| fields.get(list)).cloned();
        if let (Some(base), Some(full)) = (one.base.get_mut(&realm), one.full.get_mut(&realm)) {
            base.remove(list);
            if let (Some(known), false) = (known, live || whole_export) {
                full.entry(list.to_owned()).or_insert(known);
            }
        }
    }
    for (list, given) in [("defaultClientScopes", lists[0]), ("optionalClientScopes", lists[1])] {
        let names = one.full.get(&realm).and_then(|fields| fields.get(given)?.as_array().cloned()).unwrap_or_default();
        births::given(one, list, &names);
    }
}

fn unmanaged_fields(realm: &str, id: &ObjectId, raw: &Value, findings: &mut Vec<Finding>) {
    for (field, value) in raw.as_object().into_iter().flatten() {
        let known = match id.kind.class(field) {
            None => false,
            Some(Class::Unmanaged) => true,
            Some(_) => continue,
        };
        if is_nothing(value) {
            continue;
        }
        let why = if known { "it is not managed" } else { "this Keycloak has no such field" };
        findings.push(Finding::not_expressed(realm, id, Some(field), why, None));
    }
}

/// Parts of the representation that no kind takes: each object of them that a bare realm does not have.
fn unmanaged_sections(realm: &str, representation: &Value, findings: &mut Vec<Finding>) {
    let bare = defaults::representation(realm);
    for (section, value) in representation.as_object().into_iter().flatten() {
        let known = match Kind::Realm.class(section) {
            None => false,
            Some(Class::Unmanaged) => true,
            Some(_) => continue,
        };
        let value = without_ids(value);
        if is_nothing(&value) || bare.get(section).is_some_and(|bare| alike(bare, &value)) {
            continue;
        }
        let why = if known { "it is not managed" } else { "this Keycloak has no such field" };
        match value.as_array() {
            Some(items) => {
                let others = bare[section].as_array().cloned().unwrap_or_default();
                for item in items.iter().filter(|item| !others.iter().any(|other| alike(other, item))) {
                    let name = ["alias", "name", "clientId", "username", "providerId"]
                        .iter()
                        .find_map(|key| item[*key].as_str());
                    let object =
                        name.or(item.as_str()).map_or_else(|| section.clone(), |name| format!("{section}/{name}"));
                    findings.push(Finding::not_expressed(realm, object, None, why, None));
                }
            }
            None => findings.push(Finding::not_expressed(realm, "realm", Some(section), why, None)),
        }
    }
}

/// Equal but for what the older server did not know.
fn alike(bare: &Value, value: &Value) -> bool {
    match (bare, value) {
        (Value::Object(bare), Value::Object(value)) => {
            value.iter().all(|(key, value)| bare.get(key).map_or_else(|| is_nothing(value), |bare| alike(bare, value)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (a, b) => same(Some(a), Some(b)),
    }
}

/// Objects of a list that another one of the same name hides, or that have no name.
fn lost(realm: &str, representation: &Value, state: &crate::state::RealmState, findings: &mut Vec<Finding>) {
    for spec in &SPECS {
        let lists: Vec<&Value> = match spec.section {
            Section::List(name) => representation.get(name).into_iter().collect(),
            Section::Inner(path) => at(representation, path).into_iter().collect(),
            Section::Groups(path) => {
                at(representation, path).and_then(Value::as_object).into_iter().flat_map(Map::values).collect()
            }
            _ => continue,
        };
        let written: usize = lists.iter().map(|list| list.as_array().map_or(0, Vec::len)).sum();
        let read = state.of_kind(spec.kind).count();
        if written > read {
            let why = format!("{} of this kind have no name", written - read);
            findings.push(Finding::not_expressed(realm, spec.name, None, why, None));
        }
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| value.get(step))
}

pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        other => *other == false || same(None, Some(other)),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn without_ids(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| key.as_str() != "id")
            .map(|(key, value)| (key.clone(), without_ids(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_ids).collect(),
        other => other.clone(),
    }
}
