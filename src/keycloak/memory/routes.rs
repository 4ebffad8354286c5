//! The paths of the Admin API that the tool uses, and what each does to a realm.

use serde_json::{Map, Value, json};

use super::birth::client;
use super::merge::{brief_user, change, check_fields, drop_name, merge, put_realm, without_composites};
use super::{Realm, Refusal, mask};
use crate::state::kind::Class;
use crate::state::{Kind, ObjectId};

/// Where an object is looked for by its id, by the first segment of its path.
fn kind_of(segment: &str) -> Option<Kind> {
    Some(match segment {
        "clients" => Kind::Client,
        "client-scopes" => Kind::ClientScope,
        "components" => Kind::Component,
        "users" => Kind::User,
        "identity-provider" => Kind::IdentityProvider,
        _ => return None,
    })
}

fn unknown(path: &str) -> Refusal {
    (404, format!("the in-memory Keycloak has no {path}"))
}

fn decode(segment: &str) -> String {
    url::form_urlencoded::parse(format!("v={}", segment.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// The segments of a path, and its query.
fn split(path: &str) -> (Vec<String>, Map<String, Value>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query =
        url::form_urlencoded::parse(query.as_bytes()).map(|(key, value)| (key.into_owned(), value.into())).collect();
    (path.split('/').filter(|part| !part.is_empty()).map(decode).collect(), query)
}

/// Which part of a listing is asked for.
fn page(query: &Map<String, Value>) -> (usize, usize) {
    let number = |name: &str| query.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok());
    (number("first").unwrap_or(0), number("max").unwrap_or(100))
}

impl Realm {
    pub(super) fn get(&self, path: &str) -> Result<Value, Refusal> {
        let (segments, query) = split(path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let of_kind = |kind: Kind| self.objects.iter().filter(move |(id, _)| id.kind == kind);
        let one = |id: ObjectId| self.objects.get(&id).cloned().ok_or_else(|| unknown(path));
        if let Some(found) = self.get_parts(&segments) {
            return found;
        }
        match segments.as_slice() {
            ["authentication", rest @ ..] => self.get_flows(rest),
            ["components"] => {
                let parent = query.get("parent").and_then(Value::as_str).unwrap_or_default();
                let below = self.by_id(Kind::Component, parent).map(|owner| owner.owner_and_name().1.to_owned());
                let parts = of_kind(Kind::SubComponent)
                    .filter(|(id, _)| below.as_ref().is_ok_and(|owner| id.owner_and_name().0 == *owner));
                Ok(parts.map(|(_, document)| document.clone()).collect())
            }
            [] => {
                let mut top = self.top.clone();
                if let Some(map) = top.as_object_mut() {
                    map.retain(|name, _| Kind::Realm.class(name) != Some(Class::Links));
                    let mut whole = self.export();
                    for name in ["clientPolicies", "clientProfiles"] {
                        map.insert(name.into(), whole[name].take());
                    }
                }
                Ok(top)
            }
            ["clients"] => {
                let found = of_kind(Kind::Client)
                    .filter(|(id, _)| query.get("clientId").is_none_or(|asked| *asked == id.key.as_str()));
                Ok(found.map(|(_, document)| document.clone()).collect())
            }
            ["admin-events"] => Ok(self.newest_events(page(&query).1)),
            ["clients-initial-access"] => Ok(self.initial_access.clone().into()),
            ["client-scopes"] => Ok(of_kind(Kind::ClientScope).map(|(_, document)| document.clone()).collect()),
            ["users"] => {
                // Service accounts are found by their name alone.
                let found =
                    of_kind(Kind::User).filter(|(id, user)| match (query.get("username"), query.get("email")) {
                        (Some(asked), _) => *asked == id.key.as_str(),
                        (_, Some(asked)) => user["email"] == *asked,
                        _ => !id.is_service_account(),
                    });
                let (first, max) = page(&query);
                Ok(found.skip(first).take(max).map(|(_, document)| brief_user(&self.shown_user(document))).collect())
            }
            ["roles", name] => one(ObjectId::new(Kind::RealmRole, *name)),
            ["groups", id, "members"] => {
                let group = self.by_id(Kind::Group, id)?.native_path();
                let within = |user: &Value| user["groups"].as_array().is_some_and(|list| list.contains(&json!(group)));
                let (first, max) = page(&query);
                let members = of_kind(Kind::User).filter(|(_, user)| within(user)).skip(first).take(max);
                Ok(members.map(|(_, user)| brief_user(user)).collect())
            }
            ["roles", name, "users"] => self.members(&ObjectId::new(Kind::RealmRole, *name), &query),
            ["clients", id, "service-account-user"] => {
                let client = self.by_id(Kind::Client, id)?;
                one(ObjectId::new(Kind::User, format!("service-account-{}", client.key)))
            }
            ["clients", id, "roles", name] => {
                one(ObjectId::within(Kind::ClientRole, &self.by_id(Kind::Client, id)?.key, name))
            }
            ["clients", id, "roles", name, "users"] => {
                let client = self.by_id(Kind::Client, id)?;
                self.members(&ObjectId::within(Kind::ClientRole, &client.key, name), &query)
            }
            ["users", id, "role-mappings"] => {
                let user = &self.objects[&self.by_id(Kind::User, id)?];
                let roles = |list: &Value| -> Value {
                    list.as_array().into_iter().flatten().map(|name| json!({"name": name})).collect()
                };
                let clients = user["clientRoles"].as_object().cloned().unwrap_or_default();
                let clients: Map<String, Value> =
                    clients.iter().map(|(client, list)| (client.clone(), json!({"mappings": roles(list)}))).collect();
                Ok(json!({"realmMappings": roles(&user["realmRoles"]), "clientMappings": clients}))
            }
            ["roles-by-id", id] => one(self.role_by_id(id)?),
            ["identity-provider", "instances", alias] => {
                let mut provider = one(ObjectId::new(Kind::IdentityProvider, *alias))?;
                mask(&mut provider);
                Ok(provider)
            }
            ["users", id] => one(self.by_id(Kind::User, id)?).map(|user| self.shown_user(&user)),
            [kind, id] if kind_of(kind).is_some() => one(self.by_id(kind_of(kind).unwrap_or(Kind::Client), id)?),
            _ => Err(unknown(path)),
        }
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Result<Option<String>, Refusal> {
        let (segments, _) = split(path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let name = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        if let Some(made) = self.post_parts(&segments, body) {
            return made;
        }
        match segments.as_slice() {
            ["logout-all"] => {
                self.top["notBefore"] = super::NOW.into();
                Ok(None)
            }
            ["clients-initial-access"] => {
                let id = uuid::Uuid::new_v4().to_string();
                self.initial_access.push(json!({"id": id, "count": body["count"]}));
                Ok(Some(id))
            }
            ["authentication", rest @ ..] => self.post_flows(rest, body),
            ["clients"] => {
                check_fields(Kind::Client, body)?;
                let mut document = client(self, body.clone());
                for list in ["defaultClientScopes", "optionalClientScopes"] {
                    let protocol = document["protocol"].clone();
                    let known = |name: &Value| {
                        let scope = ObjectId::new(Kind::ClientScope, name.as_str().unwrap_or_default());
                        let speaks = self.objects.get(&scope).map(|scope| &scope["protocol"]);
                        speaks.is_some_and(|speaks| speaks.is_null() || *speaks == protocol)
                    };
                    document[list].as_array_mut().into_iter().for_each(|names| names.retain(known));
                }
                let id = self.insert(ObjectId::new(Kind::Client, name("clientId")), document)?;
                if body["serviceAccountsEnabled"] == true {
                    self.service_account(&name("clientId"));
                }
                Ok(Some(id))
            }
            ["client-scopes"] => self.insert(ObjectId::new(Kind::ClientScope, name("name")), body.clone()).map(Some),
            ["components"] if body["parentId"].is_string() => {
                let parent = self.by_id(Kind::Component, body["parentId"].as_str().unwrap_or_default())?;
                let id = ObjectId::within(Kind::SubComponent, parent.owner_and_name().1, &name("name"));
                self.insert(id, body.clone()).map(Some)
            }
            ["components"] => {
                let id = ObjectId::within(Kind::Component, &name("providerType"), &name("name"));
                self.insert(id, body.clone()).map(Some)
            }
            ["identity-provider", "instances"] => {
                self.insert(ObjectId::new(Kind::IdentityProvider, name("alias")), body.clone())?;
                Ok(Some(name("alias")))
            }
            ["users"] => {
                let mut user = body.clone();
                user["realmRoles"] = json!([self.default_role()]);
                user["clientRoles"] = json!({});
                self.insert_user(user).map(Some)
            }
            ["roles"] => {
                self.insert(ObjectId::new(Kind::RealmRole, name("name")), without_composites(body))?;
                Ok(Some(name("name")))
            }
            ["clients", id, "roles"] => {
                let client = self.by_id(Kind::Client, id)?;
                self.insert(ObjectId::within(Kind::ClientRole, &client.key, &name("name")), without_composites(body))?;
                Ok(Some(name("name")))
            }
            [owner @ ("clients" | "client-scopes"), id, "protocol-mappers", "models"] => {
                let mapper = self.mapper(owner, id, &name("name"))?;
                self.insert(mapper, body.clone()).map(Some)
            }
            _ => self.change_roles(path, &segments, body, true).map(|()| None),
        }
    }

    pub(super) fn put(&mut self, path: &str, body: &Value) -> Result<(), Refusal> {
        let (segments, _) = split(path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let Some(done) = self.put_parts(&segments, body) {
            return done;
        }
        match segments.as_slice() {
            ["authentication", rest @ ..] => self.put_flows(rest, body),
            [] => {
                check_fields(Kind::Realm, body)?;
                put_realm(&mut self.top, body);
                self.admin_permissions();
                Ok(())
            }
            [list @ ("default-default-client-scopes" | "default-optional-client-scopes"), scope] => {
                self.change_scopes(None, list, scope, true)
            }
            ["clients", id, list, scope] if list.ends_with("client-scopes") => {
                self.change_scopes(Some(id), list, scope, true)
            }
            [owner @ ("clients" | "client-scopes"), _, "protocol-mappers", "models", id] => {
                let kind = if *owner == "clients" { Kind::ClientMapper } else { Kind::ScopeMapper };
                let mapper = self.by_id(kind, id)?;
                let mut document = body.clone();
                document["id"] = (*id).into();
                *self.document(&mapper)? = document;
                Ok(())
            }
            ["clients" | "client-scopes", id] => {
                let kind = kind_of(segments[0]).unwrap_or(Kind::Client);
                let object = self.by_id(kind, id)?;
                if object == ObjectId::new(Kind::Client, "realm-management") && body["enabled"] == false {
                    return Err((403, "HTTP 403 Forbidden".into()));
                }
                merge(self.document(&object)?, body, kind);
                let named = body["clientId"].as_str().filter(|name| kind == Kind::Client && *name != object.key);
                if let Some(name) = named {
                    self.rename_client(&object.key, name);
                    return Ok(());
                }
                let account = ObjectId::new(Kind::User, format!("service-account-{}", object.key));
                let switched = kind == Kind::Client && body["serviceAccountsEnabled"] == true;
                if switched && !self.objects.contains_key(&account) {
                    self.service_account(&object.key);
                }
                if kind == Kind::Client && self.objects[&object]["authorizationServicesEnabled"] != true {
                    self.objects.remove(&ObjectId::new(Kind::Authorization, &object.key));
                }
                if kind == Kind::Client && body["serviceAccountsEnabled"] == false {
                    self.objects.remove(&account);
                }
                Ok(())
            }
            ["roles" | "roles-by-id", role] => {
                let role = self.realm_role(segments[0], role)?;
                let document = self.document(&role)?;
                document["description"] = body["description"].clone();
                if body["attributes"].is_object() {
                    document["attributes"] = body["attributes"].clone();
                }
                Ok(())
            }
            ["components", id] => {
                let part = self.by_id(Kind::SubComponent, id);
                let component = part.or_else(|_| self.by_id(Kind::Component, id))?;
                merge(self.document(&component)?, body, component.kind);
                Ok(())
            }
            ["users", id] => {
                let user = self.rename_user(id, body)?;
                let (realm_roles, client_roles) =
                    (self.objects[&user]["realmRoles"].clone(), self.objects[&user]["clientRoles"].clone());
                let document = self.document(&user)?;
                if body["attributes"].is_object() {
                    // The profile's own attributes are among them.
                    for field in Kind::User.spec().carried {
                        document[*field] = Value::Null;
                    }
                }
                let address = document["email"].clone();
                let pending =
                    document["requiredActions"].as_array().is_some_and(|list| list.contains(&json!("UPDATE_EMAIL")));
                merge(document, body, Kind::User);
                if pending {
                    document["email"] = address;
                }
                document["realmRoles"] = realm_roles;
                document["clientRoles"] = client_roles;
                document["username"] = user.key.into();
                Ok(())
            }
            ["identity-provider", "instances", alias] => {
                let document = self.document(&ObjectId::new(Kind::IdentityProvider, *alias))?;
                let kept = document["config"]["clientSecret"].clone();
                let mut new = body.clone();
                if new["config"]["clientSecret"] == crate::keycloak::mask::MASK {
                    new["config"]["clientSecret"] = kept;
                }
                *document = new;
                Ok(())
            }
            _ => Err(unknown(path)),
        }
    }

    pub(super) fn delete(&mut self, path: &str, body: Option<&Value>) -> Result<(), Refusal> {
        let (segments, _) = split(path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        if let Some(done) = self.delete_parts(&segments) {
            return done;
        }
        let gone = match segments.as_slice() {
            ["clients-initial-access", id] => {
                self.initial_access.retain(|token| token["id"] != *id);
                return Ok(());
            }
            ["admin-events"] => {
                self.events.clear();
                return Ok(());
            }
            ["authentication", rest @ ..] => return self.delete_flows(rest),
            ["components", id] if self.by_id(Kind::SubComponent, id).is_ok() => self.by_id(Kind::SubComponent, id)?,
            [list @ ("default-default-client-scopes" | "default-optional-client-scopes"), scope] => {
                return self.change_scopes(None, list, scope, false);
            }
            ["clients", id, list, scope] if list.ends_with("client-scopes") => {
                return self.change_scopes(Some(id), list, scope, false);
            }
            ["clients", _, "protocol-mappers", "models", id] => self.by_id(Kind::ClientMapper, id)?,
            ["client-scopes", _, "protocol-mappers", "models", id] => self.by_id(Kind::ScopeMapper, id)?,
            ["roles" | "roles-by-id", role] => self.realm_role(segments[0], role)?,
            ["identity-provider", "instances", alias] => ObjectId::new(Kind::IdentityProvider, *alias),
            [kind, id] if kind_of(kind).is_some() => self.by_id(kind_of(kind).unwrap_or(Kind::Client), id)?,
            _ => return self.change_roles(path, &segments, body.unwrap_or(&Value::Null), false),
        };
        if gone.kind == Kind::Client && gone.kind.is_built_in(&gone.key) {
            return Err((400, "Could not delete client".into()));
        }
        let id = self.document(&gone)?["id"].as_str().unwrap_or_default().to_owned();
        self.remove(&gone);
        self.forget_in_permissions(&id);
        Ok(())
    }

    /// Removes an object with what belongs to it and every reference to it.
    fn remove(&mut self, gone: &ObjectId) {
        let owned: &[Kind] = match gone.kind {
            Kind::Client => &[Kind::ClientRole, Kind::ClientMapper, Kind::Authorization],
            Kind::Component => &[Kind::SubComponent],
            Kind::IdentityProvider => &[Kind::IdentityProviderMapper],
            Kind::ClientScope => &[Kind::ScopeMapper],
            _ => &[],
        };
        let account = format!("service-account-{}", gone.key);
        self.objects.retain(|id, _| {
            let owner = if id.kind == Kind::Authorization { id.key.clone() } else { id.owner_and_name().0 };
            let belongs = owned.contains(&id.kind)
                && (owner == gone.key || (gone.kind == Kind::Component && owner == gone.owner_and_name().1));
            let serves = gone.kind == Kind::Client && id.kind == Kind::User && id.key == account;
            id != gone && !belongs && !serves
        });
        let (owner, name) = gone.owner_and_name();
        for document in self.objects.values_mut() {
            let lists: &[&[&str]] = match gone.kind {
                Kind::RealmRole => &[&["composites", "realm"], &["realmRoles"], &["scopeMappings", "realm"]],
                Kind::ClientRole => {
                    &[&["composites", "client", &owner], &["clientRoles", &owner], &["scopeMappings", "client", &owner]]
                }
                Kind::ClientScope => &[&["defaultClientScopes"], &["optionalClientScopes"]],
                _ => &[],
            };
            for path in lists {
                if let Some(list) = path.iter().try_fold(&mut *document, |value, step| value.get_mut(*step)) {
                    drop_name(list, name);
                }
            }
            let clients = document.get_mut("composites").and_then(|composites| composites.get_mut("client"));
            if let Some(clients) = clients.and_then(Value::as_object_mut).filter(|_| gone.kind == Kind::Client) {
                clients.remove(&gone.key);
            }
        }
    }

    fn role_by_id(&self, id: &str) -> Result<ObjectId, Refusal> {
        self.by_id(Kind::RealmRole, id).or_else(|_| self.by_id(Kind::ClientRole, id))
    }

    /// A role by its id, or one of the realm by its name.
    fn realm_role(&self, by: &str, role: &str) -> Result<ObjectId, Refusal> {
        let named = ObjectId::new(Kind::RealmRole, role);
        match by {
            "roles-by-id" => self.role_by_id(role),
            _ if self.objects.contains_key(&named) => Ok(named),
            _ => Err((404, "Could not find role".into())),
        }
    }

    fn mapper(&self, owner: &str, id: &str, name: &str) -> Result<ObjectId, Refusal> {
        let (owner, kind) = match owner {
            "clients" => (Kind::Client, Kind::ClientMapper),
            _ => (Kind::ClientScope, Kind::ScopeMapper),
        };
        Ok(ObjectId::within(kind, &self.by_id(owner, id)?.key, name))
    }

    /// Users that have a role directly, a page of them.
    fn members(&self, role: &ObjectId, query: &Map<String, Value>) -> Result<Value, Refusal> {
        if !self.objects.contains_key(role) {
            return Err((404, "Could not find role".into()));
        }
        let (owner, name) = role.owner_and_name();
        let (first, max) = page(query);
        let has = |user: &Value| {
            let list = if role.kind == Kind::RealmRole { &user["realmRoles"] } else { &user["clientRoles"][&owner] };
            list.as_array().is_some_and(|list| list.iter().any(|item| item == name))
        };
        let users = self.objects.iter().filter(|(id, user)| id.kind == Kind::User && has(user));
        Ok(users.skip(first).take(max).map(|(_, user)| brief_user(user)).collect())
    }

    /// Composites of a role, and roles of a user: bodies are lists of roles with their ids.
    fn change_roles(&mut self, path: &str, segments: &[&str], body: &Value, add: bool) -> Result<(), Refusal> {
        let roles: Vec<ObjectId> = body
            .as_array()
            .into_iter()
            .flatten()
            .map(|role| self.role_by_id(role["id"].as_str().unwrap_or_default()))
            .collect::<Result<_, _>>()?;
        let holder = match segments {
            ["roles-by-id", id, "composites"] => self.role_by_id(id)?,
            ["users", id, "role-mappings", ..] => self.by_id(Kind::User, id)?,
            ["groups", id, "role-mappings", ..] => self.by_id(Kind::Group, id)?,
            [owner @ ("clients" | "client-scopes"), id, "scope-mappings", ..] => {
                self.by_id(kind_of(owner).unwrap_or(Kind::Client), id)?
            }
            _ => return Err(unknown(path)),
        };
        let of_user = matches!(holder.kind, Kind::User | Kind::Group);
        let field =
            if matches!(holder.kind, Kind::Client | Kind::ClientScope) { "scopeMappings" } else { "composites" };
        let document = self.document(&holder)?;
        for role in roles {
            let (owner, name) = role.owner_and_name();
            let list = match (of_user, role.kind == Kind::RealmRole) {
                (true, true) => &mut document["realmRoles"],
                (true, false) => &mut document["clientRoles"][owner],
                (false, true) => &mut document[field]["realm"],
                (false, false) => &mut document[field]["client"][owner],
            };
            change(list, name, add);
        }
        Ok(())
    }

    /// Scopes of a client, or of the realm.
    fn change_scopes(&mut self, client: Option<&str>, list: &str, scope: &str, add: bool) -> Result<(), Refusal> {
        let scope = self.by_id(Kind::ClientScope, scope)?.key;
        let document = match client {
            Some(id) => {
                let client = self.by_id(Kind::Client, id)?;
                self.document(&client)?
            }
            None => &mut self.top,
        };
        let field = match list {
            "default-default-client-scopes" => "defaultDefaultClientScopes",
            "default-optional-client-scopes" => "defaultOptionalClientScopes",
            "default-client-scopes" => "defaultClientScopes",
            _ => "optionalClientScopes",
        };
        change(&mut document[field], &scope, add);
        Ok(())
    }
}
