//! What has endpoints of a shape of its own: groups, organizations, localization, and the documents that every realm has
//! one of.

use serde_json::{Value, json};

use super::{Realm, Refusal};
use crate::state::{Kind, ObjectId};

pub(super) fn missing(what: &str) -> Refusal {
    (404, format!("Could not find {what}"))
}

/// The one document of a kind, by its path.
fn single(segments: &[&str]) -> Option<Kind> {
    Some(match segments {
        ["users", "profile"] => Kind::UserProfile,
        ["client-policies", "profiles"] => Kind::ClientProfiles,
        ["client-policies", "policies"] => Kind::ClientPolicies,
        _ => return None,
    })
}

impl Realm {
    /// `None`: the path is not one of these.
    pub(super) fn get_parts(&self, segments: &[&str]) -> Option<Result<Value, Refusal>> {
        if let Some(kind) = single(segments) {
            return Some(Ok(self.objects.get(&ObjectId::new(kind, "")).cloned().unwrap_or_else(|| json!({}))));
        }
        Some(match segments {
            ["groups", id, "members"] => self.by_id(Kind::Group, id).map(|group| {
                let path = json!(group.native_path());
                let users = self.objects.iter().filter(|(id, _)| id.kind == Kind::User);
                users
                    .filter(|(_, user)| has(&user["groups"], &path))
                    .map(|(_, user)| super::merge::brief_user(user))
                    .collect()
            }),
            ["users", id, "groups"] => self.by_id(Kind::User, id).map(|user| {
                let paths = self.objects[&user]["groups"].as_array().into_iter().flatten();
                let all = self.objects.iter().filter(|(id, _)| id.kind == Kind::Group);
                let known: Vec<(String, Value)> =
                    all.map(|(id, group)| (id.native_path(), group["id"].clone())).collect();
                let id = |path: &Value| known.iter().find(|(own, _)| path == own).map(|(_, id)| id.clone());
                paths.map(|path| json!({ "path": path, "id": id(path) })).collect()
            }),
            ["group-by-path", path @ ..] => {
                self.objects.get(&ObjectId::new(Kind::Group, path.join("/"))).cloned().ok_or_else(|| missing("group"))
            }
            ["organizations", ..] if self.top["organizationsEnabled"] != true => Err(missing("organizations")),
            ["organizations"] => {
                Ok(self.of_kind(Kind::Organization).map(|(_, document)| brief_organization(document)).collect())
            }
            ["organizations", id] => {
                self.by_id(Kind::Organization, id).map(|organization| brief_organization(&self.objects[&organization]))
            }
            ["organizations", "members", id, "organizations"] => self.by_id(Kind::User, id).map(|user| {
                let all = self.of_kind(Kind::Organization).map(|(_, document)| document);
                let own = all.filter(|document| has(&document["members"], &json!(user.key)));
                own.map(brief_organization).collect()
            }),
            ["organizations", id, "members", user] => self.member(id, user),
            ["users", id, "federated-identity"] => self.by_id(Kind::User, id).map(|user| {
                let accounts = self.objects[&user]["federatedIdentities"].as_object().into_iter().flatten();
                accounts.map(|(provider, account)| with_provider(account, provider)).collect()
            }),
            ["identity-provider", "instances"] => Ok(self
                .of_kind(Kind::IdentityProvider)
                .map(|(id, provider)| self.with_organization(&id.key, provider))
                .collect()),
            ["clients", id, "authz", "resource-server", rest @ ..] => self.get_authorization(id, rest),
            _ => return None,
        })
    }

    pub(super) fn post_parts(&mut self, segments: &[&str], body: &Value) -> Option<Result<Option<String>, Refusal>> {
        let name = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        Some(match segments {
            ["groups"] => self.insert(ObjectId::group([&*name("name")]), without_roles(body)).map(Some),
            ["groups", id, "children"] => self.by_id(Kind::Group, id).and_then(|parent| {
                let path = format!("{}/{}", parent.key, ObjectId::group([&*name("name")]).key);
                self.insert(ObjectId::new(Kind::Group, path), without_roles(body)).map(Some)
            }),
            ["identity-provider", "instances", alias, "mappers"] => self
                .insert(ObjectId::within(Kind::IdentityProviderMapper, alias, &name("name")), body.clone())
                .map(Some),
            ["organizations"] if self.top["organizationsEnabled"] != true => Err(missing("organizations")),
            ["organizations"] => self.insert(ObjectId::new(Kind::Organization, name("alias")), body.clone()).map(Some),
            ["organizations", id, "identity-providers"] => {
                self.by_id(Kind::Organization, id).and_then(|organization| {
                    super::merge::change(
                        &mut self.document(&organization)?["identityProviders"],
                        body.as_str().unwrap_or_default(),
                        true,
                    );
                    Ok(None)
                })
            }
            ["organizations", id, "members"] => self.by_id(Kind::Organization, id).and_then(|organization| {
                let user = self.by_id(Kind::User, body.as_str().unwrap_or_default())?.key;
                let members = &mut self.document(&organization)?["members"];
                if has(members, &json!(user)) {
                    return Err((409, "User is already a member of the organization.".into()));
                }
                super::merge::change(members, &user, true);
                Ok(None)
            }),
            ["users", id, "federated-identity", provider] => self.by_id(Kind::User, id).and_then(|user| {
                let account = &mut self.document(&user)?["federatedIdentities"][*provider];
                if !account.is_null() {
                    return Err((409, "User is already linked with provider".into()));
                }
                *account = body.clone();
                Ok(None)
            }),
            ["localization", locale] => {
                let texts = self
                    .objects
                    .entry(ObjectId::new(Kind::Localization, *locale))
                    .or_insert_with(|| json!({"texts": {}}));
                if let (Some(texts), Some(new)) = (texts["texts"].as_object_mut(), body.as_object()) {
                    texts.extend(new.clone());
                }
                Ok(None)
            }
            ["clients", id, "authz", "resource-server", rest @ ..] => {
                self.post_authorization(id, rest, body).map(|()| None)
            }
            _ => return None,
        })
    }

    pub(super) fn put_parts(&mut self, segments: &[&str], body: &Value) -> Option<Result<(), Refusal>> {
        if let Some(kind) = single(segments) {
            self.objects.insert(ObjectId::new(kind, ""), body.clone());
            return Some(Ok(()));
        }
        Some(match segments {
            ["groups", id] => self.by_id(Kind::Group, id).and_then(|group| {
                let document = self.document(&group)?;
                document["description"] = body["description"].clone();
                if body["attributes"].is_object() {
                    document["attributes"] = body["attributes"].clone();
                }
                Ok(())
            }),
            ["default-groups", id] => self.by_id(Kind::Group, id).map(|group| {
                super::merge::change(&mut self.top["defaultGroups"], &group.native_path(), true);
            }),
            ["users", user, "groups", id] => self.join_group(user, id, true),
            ["identity-provider", "instances", _, "mappers", id] => {
                self.by_id(Kind::IdentityProviderMapper, id).and_then(|mapper| {
                    *self.document(&mapper)? = body.clone();
                    Ok(())
                })
            }
            ["organizations", id] => self.by_id(Kind::Organization, id).and_then(|organization| {
                let document = self.document(&organization)?;
                let fields = ["attributes", "identityProviders", "members", "id"];
                let kept = fields.map(|field| document[field].clone());
                *document = body.clone();
                for (field, kept) in fields.into_iter().zip(kept) {
                    if document[field].is_null() {
                        document[field] = kept;
                    }
                }
                Ok(())
            }),
            ["clients", id, "authz", "resource-server", rest @ ..] => self.put_authorization(id, rest, body),
            _ => return None,
        })
    }

    pub(super) fn delete_parts(&mut self, segments: &[&str]) -> Option<Result<(), Refusal>> {
        Some(match segments {
            ["groups", id] => self.by_id(Kind::Group, id).map(|group| {
                let below = format!("{}/", group.key);
                let gone = |id: &ObjectId| id.kind == Kind::Group && (*id == group || id.key.starts_with(&below));
                let paths: Vec<String> = self.objects.keys().filter(|id| gone(id)).map(ObjectId::native_path).collect();
                let ids = self.objects.iter().filter(|(id, _)| gone(id)).map(|(_, group)| group["id"].clone());
                let ids: Vec<Value> = ids.collect();
                self.objects.retain(|id, _| !gone(id));
                ids.iter().filter_map(Value::as_str).for_each(|id| self.forget_in_permissions(id));
                for path in paths {
                    super::merge::change(&mut self.top["defaultGroups"], &path, false);
                    self.objects
                        .values_mut()
                        .for_each(|document| super::merge::drop_name(&mut document["groups"], &path));
                }
            }),
            ["default-groups", id] => self.by_id(Kind::Group, id).map(|group| {
                super::merge::change(&mut self.top["defaultGroups"], &group.native_path(), false);
            }),
            ["users", user, "groups", id] => self.join_group(user, id, false),
            ["identity-provider", "instances", _, "mappers", id] => {
                self.by_id(Kind::IdentityProviderMapper, id).map(|mapper| self.objects.remove(&mapper)).map(|_| ())
            }
            ["organizations", id] => self
                .by_id(Kind::Organization, id)
                .map(|gone| self.objects.remove(&gone))
                .map(|_| self.forget_in_permissions(id)),
            ["organizations", id, "members", user] => self.member(id, user).and_then(|_| {
                let (organization, user) = (self.by_id(Kind::Organization, id)?, self.by_id(Kind::User, user)?);
                super::merge::change(&mut self.document(&organization)?["members"], &user.key, false);
                Ok(())
            }),
            ["users", id, "federated-identity", provider] => self.by_id(Kind::User, id).and_then(|user| {
                let accounts = self.document(&user)?["federatedIdentities"].as_object_mut();
                accounts.and_then(|accounts| accounts.remove(*provider)).map(drop).ok_or_else(|| missing("account"))
            }),
            ["organizations", id, "identity-providers", alias] => {
                self.by_id(Kind::Organization, id).and_then(|organization| {
                    super::merge::change(&mut self.document(&organization)?["identityProviders"], alias, false);
                    Ok(())
                })
            }
            ["localization", locale] => self
                .objects
                .remove(&ObjectId::new(Kind::Localization, *locale))
                .map(|_| ())
                .ok_or_else(|| missing("locale")),
            ["localization", locale, key] => {
                self.document(&ObjectId::new(Kind::Localization, *locale)).map(|document| {
                    document["texts"].as_object_mut().map(|texts| texts.remove(*key));
                })
            }
            ["clients", id, "authz", "resource-server", list, name] => self.delete_authorization(id, list, name),
            _ => return None,
        })
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&ObjectId, &Value)> {
        self.objects.iter().filter(move |(id, _)| id.kind == kind)
    }

    /// A provider names its organization in listings, not in exports.
    fn with_organization(&self, alias: &str, provider: &Value) -> Value {
        let mut shown = provider.clone();
        let mut organizations = self.of_kind(Kind::Organization).map(|(_, document)| document);
        if let Some(organization) =
            organizations.find(|organization| has(&organization["identityProviders"], &json!(alias)))
        {
            shown["organizationId"] = organization["id"].clone();
        }
        shown
    }

    fn member(&self, organization: &str, user: &str) -> Result<Value, Refusal> {
        let organization = &self.objects[&self.by_id(Kind::Organization, organization)?];
        let user = self.by_id(Kind::User, user)?;
        if !has(&organization["members"], &json!(user.key)) {
            return Err(missing("member"));
        }
        let mut shown = super::merge::brief_user(&self.objects[&user]);
        shown["membershipType"] = "UNMANAGED".into();
        Ok(shown)
    }

    fn join_group(&mut self, user: &str, group: &str, add: bool) -> Result<(), Refusal> {
        let path = self.by_id(Kind::Group, group)?.native_path();
        let user = self.by_id(Kind::User, user)?;
        super::merge::change(&mut self.document(&user)?["groups"], &path, add);
        Ok(())
    }
}

fn with_provider(account: &Value, provider: &str) -> Value {
    let mut shown = account.clone();
    shown["identityProvider"] = provider.into();
    shown
}

/// Organizations are listed without their members.
fn brief_organization(document: &Value) -> Value {
    let mut shown = document.clone();
    shown.as_object_mut().into_iter().for_each(|map| drop(map.remove("members")));
    shown
}

fn has(list: &Value, item: &Value) -> bool {
    list.as_array().is_some_and(|list| list.contains(item))
}

/// The roles of a new group are ignored; they have endpoints of their own.
fn without_roles(body: &Value) -> Value {
    let mut group = body.clone();
    group
        .as_object_mut()
        .into_iter()
        .for_each(|map| map.retain(|field, _| !matches!(field.as_str(), "realmRoles" | "clientRoles")));
    group
}
