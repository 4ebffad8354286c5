//! Reading a realm as its observer: an account with view roles only, which may not ask for an export.
//!
//! The export's document is put together from GETs. Each row of `READS` is a part of it; to read more, add a row.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::http::{Server, is_whole};
use super::listing::{list, pages};
use super::tally::Tally;
use super::{Fault, KeycloakError, ReadRealms, Turn, segment};
use crate::expand::observer::may_see_organizations;
use crate::seal::TrustedKeys;
use crate::state::{Kind, ObjectId, RealmState};

/// Objects that a realm's observer is not shown: authorization settings are exported only to whoever may write them, the
/// role that shows organizations is not there in every supported version, and one flow of Keycloak's own is in no listing.
/// Nothing is known of them, which is not the same as their absence.
pub fn is_unseen(id: &ObjectId, observed: &RealmState) -> bool {
    match id.kind {
        Kind::Authorization => true,
        Kind::Organization => !may_see_organizations(observed),
        Kind::Flow => id.key == "saml ecp",
        _ => false,
    }
}

/// A connection to one server as the observer of each realm. It has no way to write.
pub struct Observer {
    server: Server,
}

impl Observer {
    pub(super) fn new(server: Server) -> Self {
        Self { server }
    }

    /// Believes what these keys signed.
    #[must_use]
    pub fn believing(self, trusted: Option<TrustedKeys>) -> Self {
        Self { server: self.server.believing(trusted) }
    }
}

impl ReadRealms for Observer {
    async fn turn(&self, realm: &str) -> Turn {
        self.server.turn(realm).await
    }

    fn identity(&self) -> &str {
        self.server.identity()
    }

    fn limit(&self) -> Option<usize> {
        self.server.limit()
    }

    fn tally(&self, realm: &str) -> Option<Tally> {
        self.server.tally(realm)
    }

    fn believed(&self) -> Option<&TrustedKeys> {
        self.server.believed()
    }

    async fn export(&self, realm: &str) -> Result<Option<Value>, KeycloakError> {
        let Some(document) = document(&self.server, realm).await? else { return Ok(None) };
        if !is_whole(realm, &document, true) {
            let reason = "the realm, its clients, roles, scopes or components are missing".into();
            let path = format!("/admin/realms/{realm}");
            return Err(KeycloakError { method: "GET", path, fault: Fault::Broken { reason } });
        }
        Ok(Some(document))
    }

    async fn get(&self, realm: &str, path: &str) -> Result<Option<Value>, KeycloakError> {
        match self.server.get(realm, path).await {
            Err(error) if error.status() == Some(403) && path.starts_with("organizations?") => Ok(Some(json!([]))),
            answer => answer,
        }
    }
}

/// A part of the document: where it belongs, and how it is read.
struct Read {
    /// The fields from the top.
    into: &'static [&'static str],
    /// The path; `{}` stands for what each entry is told by.
    path: &'static str,
    /// What it is read for.
    each: Each,
    /// What is made of it.
    take: Take,
}

/// What a part is read for.
enum Each {
    /// Once.
    Realm,
    /// Every entry of a list, by a field that stands in the path, and by another under which the answer is kept.
    Of(&'static str, &'static str, &'static str),
}

/// What is made of an answer.
enum Take {
    /// As it is.
    Whole,
    /// Its entries, without the secrets that Keycloak shows to whoever may see clients; an export masks them.
    Masked,
    /// The names of its entries.
    Names,
    /// Its entries added to one list, each with the name of what it belongs to in a field.
    Join(&'static str),
}

const fn read(into: &'static [&'static str], path: &'static str, each: Each, take: Take) -> Read {
    Read { into, path, each, take }
}

/// Every part but those that need more than one answer.
static READS: [Read; 12] = [
    read(&["clientScopes"], "client-scopes", Each::Realm, Take::Whole),
    read(&["clients"], "clients", Each::Realm, Take::Masked),
    read(&["roles", "realm"], "roles?briefRepresentation=false", Each::Realm, Take::Whole),
    read(
        &["roles", "client"],
        "clients/{}/roles?briefRepresentation=false",
        Each::Of("clients", "id", "clientId"),
        Take::Whole,
    ),
    read(&["identityProviders"], "identity-provider/instances?briefRepresentation=false", Each::Realm, Take::Whole),
    read(
        &["identityProviderMappers"],
        "identity-provider/instances/{}/mappers",
        Each::Of("identityProviders", "alias", "alias"),
        Take::Join("identityProviderAlias"),
    ),
    read(&["defaultDefaultClientScopes"], "default-default-client-scopes", Each::Realm, Take::Names),
    read(&["defaultOptionalClientScopes"], "default-optional-client-scopes", Each::Realm, Take::Names),
    read(&["requiredActions"], "authentication/required-actions", Each::Realm, Take::Whole),
    read(&["clientProfiles"], "client-policies/profiles", Each::Realm, Take::Whole),
    read(&["clientPolicies"], "client-policies/policies", Each::Realm, Take::Whole),
    read(&["defaultGroups"], "default-groups", Each::Realm, Take::Whole),
];

/// The document that an export would be, but for what only an export has. `None`: there is no such realm.
pub(super) async fn document(api: &impl ReadRealms, realm: &str) -> Result<Option<Value>, KeycloakError> {
    let Some(mut document) = api.get(realm, "").await? else { return Ok(None) };
    for row in &READS {
        part(api, realm, &mut document, row).await?;
    }
    components(api, realm, &mut document).await?;
    composites(api, realm, &mut document).await?;
    accounts(api, realm, &mut document).await?;
    scope_mappings(api, realm, &mut document).await?;
    flows(api, realm, &mut document).await?;
    groups(api, realm, &mut document).await?;
    texts(api, realm, &mut document).await?;
    Ok(Some(document))
}

async fn part(api: &impl ReadRealms, realm: &str, document: &mut Value, row: &Read) -> Result<(), KeycloakError> {
    let (section, key, name) = match row.each {
        Each::Realm => {
            let answer = whole(api, realm, row.path).await?;
            *slot(document, row.into) = match row.take {
                Take::Names => names(&answer),
                Take::Masked => masked(answer),
                _ => answer,
            };
            return Ok(());
        }
        Each::Of(section, key, name) => (section, key, name),
    };
    let entries = document[section].as_array().cloned().unwrap_or_default();
    let mut joined = Vec::new();
    for entry in &entries {
        let path = row.path.replace("{}", &segment(text(&entry[key])));
        let mut answer = whole(api, realm, &path).await?;
        if let Take::Join(field) = row.take {
            for item in answer.as_array_mut().into_iter().flatten() {
                item[field] = entry[name].clone();
                joined.push(item.clone());
            }
        } else {
            slot(document, row.into)[text(&entry[name])] = answer;
        }
    }
    if matches!(row.take, Take::Join(_)) {
        *slot(document, row.into) = joined.into();
    }
    Ok(())
}

/// An answer that must be there: what is gone in the middle of reading is not absent, it was never read.
async fn whole(api: &impl ReadRealms, realm: &str, path: &str) -> Result<Value, KeycloakError> {
    api.get(realm, path).await?.ok_or_else(|| {
        let fault = Fault::Broken { reason: "it is not there; the realm changes while it is read".into() };
        KeycloakError { method: "GET", path: format!("/admin/realms/{realm}/{path}"), fault }
    })
}

fn slot<'a>(document: &'a mut Value, into: &[&str]) -> &'a mut Value {
    into.iter().fold(document, |value, step| {
        if !value.is_object() {
            *value = json!({});
        }
        &mut value[*step]
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn masked(mut list: Value) -> Value {
    for entry in list.as_array_mut().into_iter().flatten().filter(|entry| entry["secret"].is_string()) {
        entry["secret"] = "**********".into();
    }
    list
}

fn names(list: &Value) -> Value {
    list.as_array().into_iter().flatten().map(|entry| entry["name"].clone()).collect()
}

/// Components by their type; those inside others below them.
async fn components(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let all = list(api, realm, "components").await?;
    let top = document["id"].clone();
    *slot(document, &["components"]) = grouped(&all, &top);
    Ok(())
}

fn grouped(all: &[Value], parent: &Value) -> Value {
    let mut groups: Map<String, Value> = Map::new();
    for component in all.iter().filter(|component| component["parentId"] == *parent) {
        let mut component = component.clone();
        component["subComponents"] = grouped(all, &component["id"]);
        let group = groups.entry(text(&component["providerType"]).to_owned()).or_insert_with(|| json!([]));
        group.as_array_mut().into_iter().for_each(|list| list.push(component.clone()));
    }
    Value::Object(groups)
}

/// What roles contain.
async fn composites(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let clients: BTreeMap<String, Value> = document["clients"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|client| (text(&client["id"]).to_owned(), client["clientId"].clone()))
        .collect();
    let roles = &mut document["roles"];
    let mut lists: Vec<&mut Value> = Vec::new();
    for (name, part) in roles.as_object_mut().into_iter().flatten() {
        if name == "client" {
            lists.extend(part.as_object_mut().into_iter().flat_map(|by_client| by_client.values_mut()));
        } else {
            lists.push(part);
        }
    }
    for role in lists.into_iter().filter_map(Value::as_array_mut).flatten().filter(|role| role["composite"] == true) {
        let path = format!("roles-by-id/{}/composites", text(&role["id"]));
        let mut contained = json!({});
        for other in list(api, realm, &path).await? {
            let list = match clients.get(text(&other["containerId"])).filter(|_| other["clientRole"] == true) {
                Some(client) => slot(&mut contained, &["client", text(client)]),
                None => slot(&mut contained, &["realm"]),
            };
            if list.is_null() {
                *list = json!([]);
            }
            list.as_array_mut().into_iter().for_each(|list| list.push(other["name"].clone()));
        }
        role["composites"] = contained;
    }
    Ok(())
}

/// The users of clients' service accounts, with their roles.
async fn accounts(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let clients = document["clients"].as_array().cloned().unwrap_or_default();
    let mut users = Vec::new();
    for client in clients.iter().filter(|client| client["serviceAccountsEnabled"] == true) {
        let path = format!("clients/{}/service-account-user", text(&client["id"]));
        let mut user = whole(api, realm, &path).await?;
        let path = format!("users/{}/role-mappings", text(&user["id"]));
        let mappings = whole(api, realm, &path).await?;
        user["serviceAccountClientId"] = client["clientId"].clone();
        user["realmRoles"] = names(&mappings["realmMappings"]);
        let held = mappings["clientMappings"].as_object().into_iter().flatten();
        user["clientRoles"] = held.map(|(client, held)| (client.clone(), names(&held["mappings"]))).collect();
        users.push(user);
    }
    document["users"] = users.into();
    Ok(())
}

/// The roles that clients and client scopes let into tokens.
async fn scope_mappings(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let (mut own, mut of_clients) = (Vec::new(), json!({}));
    for (section, path, key, field) in
        [("clients", "clients", "clientId", "client"), ("clientScopes", "client-scopes", "name", "clientScope")]
    {
        for holder in document[section].as_array().into_iter().flatten() {
            let mapped = whole(api, realm, &format!("{path}/{}/scope-mappings", text(&holder["id"]))).await?;
            if let Some(roles) = mapped.get("realmMappings") {
                own.push(json!({field: holder[key], "roles": names(roles)}));
            }
            for (client, held) in mapped["clientMappings"].as_object().into_iter().flatten() {
                let list = slot(&mut of_clients, &[client.as_str()]);
                if list.is_null() {
                    *list = json!([]);
                }
                let entry = json!({field: holder[key], "roles": names(&held["mappings"])});
                list.as_array_mut().into_iter().for_each(|list| list.push(entry.clone()));
            }
        }
    }
    document["scopeMappings"] = own.into();
    document["clientScopeMappings"] = of_clients;
    Ok(())
}

/// Flows, those inside others too, and the configurations of their steps.
async fn flows(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let mut flows = list(api, realm, "authentication/flows").await?;
    let mut configs = Vec::new();
    for index in 0..flows.len() {
        let path = format!("authentication/flows/{}/executions", segment(text(&flows[index]["alias"])));
        for step in list(api, realm, &path).await? {
            if let Some(config) = step["authenticationConfig"].as_str() {
                configs.push(whole(api, realm, &format!("authentication/config/{}", segment(config))).await?);
            }
            if let Some(flow) = step["flowId"].as_str() {
                flows.push(whole(api, realm, &format!("authentication/flows/{}", segment(flow))).await?);
            }
        }
    }
    document["authenticationFlows"] = flows.into();
    document["authenticatorConfig"] = configs.into();
    Ok(())
}

/// Groups with those below them.
async fn groups(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let mut all = pages(api, realm, "groups?briefRepresentation=false").await?;
    let mut open: Vec<&mut Value> = all.iter_mut().collect();
    while let Some(group) = open.pop() {
        let below = if group["subGroupCount"].as_u64() == Some(0) {
            Vec::new()
        } else {
            pages(api, realm, &format!("groups/{}/children?briefRepresentation=false", text(&group["id"]))).await?
        };
        group["subGroups"] = below.into();
        open.extend(group["subGroups"].as_array_mut().into_iter().flatten());
    }
    document["groups"] = all.into();
    let paths = document["defaultGroups"].as_array().into_iter().flatten().map(|group| group["path"].clone());
    let paths: Vec<Value> = paths.collect();
    // An export has no such list where there are none.
    document["defaultGroups"] = if paths.is_empty() { Value::Null } else { paths.into() };
    Ok(())
}

/// Texts of the realm's own, by language.
async fn texts(api: &impl ReadRealms, realm: &str, document: &mut Value) -> Result<(), KeycloakError> {
    let mut texts = Map::new();
    for language in list(api, realm, "localization").await? {
        let path = format!("localization/{}", segment(text(&language)));
        texts.insert(text(&language).to_owned(), whole(api, realm, &path).await?);
    }
    document["localizationTexts"] = texts.into();
    Ok(())
}
