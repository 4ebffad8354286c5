//! Reading one realm into a state, in as few requests as its cost allows: one export, and of each
//! declared user what it is and has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::listing::{list, pages};
use super::term::Term;
use super::{KeycloakError, ReadRealms, endpoint, process, segment};
use crate::plan::{TenantPlan, watermark};
use crate::state::address::{FEDERATED_IDENTITIES, MEMBERS};
use crate::state::applied::hash;
use crate::state::kind::{LEASE, RETIRED, SERVICE_ACCOUNT_PREFIX};
use crate::state::permissions::{name_user, unnamed_users};
use crate::state::secret::Secrets;
use crate::state::specs::SPECS;
use crate::state::{Applied, Kind, ObjectId, RealmState, arrange, fields_of, sealed};

/// Which users are read, and what of them takes a request of its own.
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// Each with what finds it where somebody gave it another name: its address, or that name.
    names: BTreeMap<String, BTreeSet<String>>,
    /// Those whose accounts at identity providers are compared.
    federated: BTreeSet<String>,
    /// Those whose organizations are compared.
    members: BTreeSet<String>,
}

impl<const N: usize> From<[String; N]> for Users {
    fn from(names: [String; N]) -> Self {
        Self { names: names.into_iter().map(|name| (name, BTreeSet::new())).collect(), ..Self::default() }
    }
}

impl Users {
    /// An object that is compared, with the paths of its fields.
    fn note<'p>(&mut self, id: &ObjectId, paths: impl IntoIterator<Item = &'p String>) {
        if id.kind == Kind::User {
            self.names.entry(id.key.clone()).or_default();
        }
        for path in paths {
            match ObjectId::of_membership(id.kind, path).map(|target| (target.kind, target.key)) {
                Some((Kind::IdentityProvider, _)) => drop(self.federated.insert(id.key.clone())),
                Some((Kind::User, member)) => {
                    self.names.entry(member.clone()).or_default();
                    self.members.insert(member);
                }
                _ => {}
            }
        }
    }

    /// A field whose value finds a user that has another name.
    fn note_other(&mut self, id: &ObjectId, field: &str, value: Option<&str>) {
        if let (Kind::User, Some(value)) = (id.kind, value) {
            self.names.entry(id.key.clone()).or_default().insert(format!("{field}={}", segment(value)));
        }
    }

    fn note_applied(&mut self, applied: &Applied) {
        for id in applied.objects() {
            self.note(id, applied.fields(id).into_iter().flat_map(|fields| fields.keys()));
        }
    }
}

/// The users that a state declares.
pub fn declared_users(desired: &RealmState) -> Users {
    let mut users = Users::default();
    for (id, object) in &desired.objects {
        users.note(id, object.fields.keys());
        users.note_other(id, "email", object.fields.get("email").and_then(Value::as_str));
    }
    users
}

/// The users that a plan for one realm is about.
pub fn planned_users(plan: &TenantPlan) -> Users {
    let mut users = Users::default();
    for change in &plan.changes {
        users.note(&change.object, change.created().keys().chain(change.fields.iter().map(|field| &field.path)));
        users.note_other(&change.object, "username", change.found_as.as_deref());
    }
    // What is adopted relies on what is recorded of it.
    plan.record.iter().for_each(|record| users.note_applied(&Applied::parse(record)));
    users
}

/// What a realm contains, or `None` when there is no such realm. Of the users, `wanted` and those of the marker are
/// read, and the service accounts.
pub async fn observe(api: &impl ReadRealms, realm: &str, wanted: &Users) -> Result<Option<RealmState>, KeycloakError> {
    let Some(export) = representation(api, realm).await? else { return Ok(None) };
    let mut state = arrange(&export);
    state.unlogged = watermark::unlogged(&export);
    for spec in SPECS.iter().filter(|spec| spec.kind.is_single()) {
        // What Keycloak leaves out of an export while it is as it was made.
        state.objects.entry(ObjectId::new(spec.kind, "")).or_default();
    }
    settle_flows(&mut state);
    settle_lease(&mut state);
    state.settle_upgrades();
    let mut wanted = wanted.clone();
    let applied = state.applied();
    wanted.note_applied(&applied);
    wanted.names.retain(|name, _| !name.starts_with(SERVICE_ACCOUNT_PREFIX));
    for (name, user) in users(api, realm, &state, &applied, &wanted).await? {
        // Keycloak may show another name than the one that it has, and it may have another one than it should.
        let found = arrange(&json!({ "users": [user] })).objects.into_iter().find(|(id, _)| id.kind == Kind::User);
        state.objects.extend(found.map(|(_, user)| (ObjectId::new(Kind::User, name), user)));
    }
    memberships(api, realm, &mut state, &wanted).await?;
    if let Some(keys) = api.believed() {
        sealed::open(&mut state, keys);
    }
    Ok(Some(state))
}

/// A realm's representation: its export, and what no export has.
pub async fn representation(api: &impl ReadRealms, realm: &str) -> Result<Option<Value>, KeycloakError> {
    let Some(mut export) = api.export(realm).await? else { return Ok(None) };
    if export["organizationsEnabled"] == true {
        export["organizations"] = organizations(api, realm).await?.into();
    }
    for id in unnamed_users(&mut export) {
        // Permissions name users by their ids, and no export has those who are not service accounts.
        if let Some(user) = api.get(realm, &format!("users/{}", segment(&id))).await? {
            name_user(&mut export, &id, user["username"].as_str().unwrap_or_default());
        }
    }
    Ok(Some(export))
}

/// The organizations inside a realm, which no export has, with the aliases of their identity providers.
async fn organizations(api: &impl ReadRealms, realm: &str) -> Result<Vec<Value>, KeycloakError> {
    let mut found = pages(api, realm, "organizations?briefRepresentation=false").await?;
    if found.is_empty() {
        return Ok(found);
    }
    let providers = list(api, realm, "identity-provider/instances").await?;
    for organization in &mut found {
        let own = providers.iter().filter(|provider| provider["organizationId"] == organization["id"]);
        organization["identityProviders"] = own.map(|provider| provider["alias"].clone()).collect();
    }
    Ok(found)
}

/// Marks the flows that stepped back as idle when nothing is bound to them and no login that began in them can still
/// be going on.
fn settle_flows(state: &mut RealmState) {
    let longest = ["accessCodeLifespanLogin", "accessCodeLifespanUserAction", "accessCodeLifespan"];
    let seconds = longest.iter().filter_map(|field| state.realm()?.raw.get(*field)?.as_i64()).max().unwrap_or(1800);
    let latest = jiff::Timestamp::now().as_millisecond() - seconds * 1000;
    let mut bound = BTreeSet::new();
    for (id, object) in state.objects.iter().filter(|(id, _)| id.kind != Kind::Flow) {
        let names = object.fields.iter().filter(|(path, _)| id.kind.binds_flow(path));
        bound.extend(names.filter_map(|(_, name)| name.as_str().map(str::to_owned)));
    }
    for (id, flow) in state.objects.iter_mut().filter(|(id, _)| id.kind == Kind::Flow && !bound.contains(&id.key)) {
        let at = id.key.strip_prefix(RETIRED).and_then(|rest| rest.split(' ').next()?.parse::<i64>().ok());
        flow.idle = at.is_some_and(|at| at < latest);
    }
}

/// The lease of somebody who writes is no role of the tenant's, and that of somebody who is gone is removed by the next plan.
/// What only bears its name is a role like any other.
fn settle_lease(state: &mut RealmState) {
    let id = ObjectId::new(Kind::RealmRole, LEASE);
    let Some(role) = state.objects.get_mut(&id) else { return };
    let grants = role.fields.keys().any(|path| path.starts_with("composites."));
    let Some(term) = Term::of(&role.raw).filter(|_| !grants) else { return };
    let now = jiff::Timestamp::now().as_second().unsigned_abs();
    if term.is_over(now) || process::is_gone(&term.holder) {
        role.idle = true;
    } else {
        state.objects.remove(&id);
    }
}

/// The wanted users as they are, with all that they have: by user, whatever roles there are.
async fn users(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    applied: &Applied,
    wanted: &Users,
) -> Result<Vec<(String, Value)>, KeycloakError> {
    let mut found = Vec::new();
    for (name, others) in &wanted.names {
        let path = format!("users?exact=true&username={}", segment(name));
        let mut user = list(api, realm, &path).await?.into_iter().next();
        if let Some(user) = &mut user {
            ask(api, realm, state, user).await?;
        } else if let Some(before) = applied.fields(&ObjectId::new(Kind::User, name)) {
            user = renamed(api, realm, state, others, before).await?;
        }
        let Some(mut user) = user else { continue };
        if wanted.federated.contains(name) {
            let path = endpoint::federated_identities(user["id"].as_str().unwrap_or_default());
            user[FEDERATED_IDENTITIES] = list(api, realm, &path).await?.into();
        }
        found.push((name.clone(), user));
    }
    Ok(found)
}

/// A user that we made and that has another name by now. Keycloak itself renames users where a realm takes their addresses
/// for names. It is told by its address, and by having all that it was given, so that nobody gets anything by taking
/// somebody's address. Of one that is no longer declared, the address is known by its hash alone: it is looked for among
/// all users of the realm, until the next run has removed it or recorded that it is gone.
async fn renamed(
    api: &impl ReadRealms,
    realm: &str,
    state: &RealmState,
    others: &BTreeSet<String>,
    before: &BTreeMap<String, String>,
) -> Result<Option<Value>, KeycloakError> {
    let mut candidates = Vec::new();
    for other in others {
        let found = list(api, realm, &format!("users?exact=true&{other}")).await?;
        candidates.extend(<[Value; 1]>::try_from(found).ok().map(|[user]| user));
    }
    if let Some(address) = before.get("email").filter(|_| others.is_empty()) {
        let has = |user: &Value| hash(&user["email"], &Secrets::default()) == *address;
        candidates.extend(pages(api, realm, "users").await?.into_iter().filter(has));
    }
    let rights = before.keys().filter_map(|path| Some((path, ObjectId::of_membership(Kind::User, path)?)));
    let rights = rights.filter(|(_, of)| of.kind != Kind::IdentityProvider && state.get(of).is_some());
    let rights: Vec<&String> = rights.map(|(path, _)| path).collect();
    for mut user in candidates {
        ask(api, realm, state, &mut user).await?;
        let has = fields_of(Kind::User, &user);
        let by_address = has.get("username") == has.get("email");
        if rights.iter().all(|right| has.contains_key(*right)) && (by_address || !rights.is_empty()) {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// Which organizations the wanted users are in: by user, however many members there are.
async fn memberships(
    api: &impl ReadRealms,
    realm: &str,
    state: &mut RealmState,
    wanted: &Users,
) -> Result<(), KeycloakError> {
    if state.of_kind(Kind::Organization).next().is_none() {
        return Ok(());
    }
    for name in &wanted.members {
        let user = state.get(&ObjectId::new(Kind::User, name)).and_then(|user| user.id.clone());
        let Some(user) = user else { continue };
        for organization in list(api, realm, &endpoint::organizations_of(&user)).await? {
            let id = organization["id"].as_str();
            let mut known = state.objects.iter_mut().filter(|(id, _)| id.kind == Kind::Organization);
            if let Some((_, known)) = known.find(|(_, known)| known.id.as_deref() == id) {
                known.fields.insert(format!("{MEMBERS}.{name}"), true.into());
            }
        }
    }
    Ok(())
}

/// All roles and groups of one user.
async fn ask(api: &impl ReadRealms, realm: &str, state: &RealmState, user: &mut Value) -> Result<(), KeycloakError> {
    let id = user["id"].as_str().unwrap_or_default().to_owned();
    let mappings = api.get(realm, &format!("users/{id}/role-mappings")).await?.unwrap_or_default();
    let names = |list: &Value| -> Vec<Value> {
        list.as_array().into_iter().flatten().map(|role| role["name"].clone()).collect()
    };
    let groups = match state.of_kind(Kind::Group).next() {
        Some(_) => list(api, realm, &format!("users/{id}/groups?first=0&max=1000")).await?,
        None => Vec::new(),
    };
    let named = |id: &Value| state.of_kind(Kind::Group).find(|(_, group)| group.id.as_deref() == id.as_str());
    user["groups"] =
        groups.iter().filter_map(|group| Some(Value::from(format!("/{}", named(&group["id"])?.0.key)))).collect();
    user["realmRoles"] = names(&mappings["realmMappings"]).into();
    let clients = mappings["clientMappings"].as_object().into_iter().flatten();
    user["clientRoles"] =
        clients.map(|(client, mapping)| (client.clone(), Value::Array(names(&mapping["mappings"])))).collect();
    Ok(())
}
