//! Making an edit, and reading what is said of it.

use std::collections::BTreeSet;

use realmwright::keycloak::http::Server;
use realmwright::keycloak::{ReadRealms, WriteRealms};
use serde_json::Value;

use super::Edit::{self, Delete, Entry, Post, Put, Remove, Set};

/// The path with each `{…}` in it looked up.
async fn resolve(api: &Server, realm: &str, path: &str) -> Result<String, String> {
    let mut path = path.to_owned();
    while let Some(end) = path.find('}') {
        let start = path[..end].rfind('{').expect("a brace");
        let before = path[..start].trim_end_matches('/');
        let parts: Vec<&str> = path[start + 1..end].split('|').collect();
        let (list, find, field) = match parts[..] {
            [find] => (before[before.rfind('{').map_or(0, |at| at + 1)..].to_owned(), find, "id"),
            [list, find, field] => (list.to_owned(), find, field),
            _ => panic!("{path}"),
        };
        let (key, value) = find.split_once('=').expect("a key");
        let found = api.get(realm, &list).await.expect("readable").unwrap_or_default();
        let entry = found.as_array().into_iter().flatten().find(|entry| entry[key] == value);
        let id = entry.and_then(|entry| entry[field].as_str()).ok_or_else(|| format!("{path}: {found}"))?;
        path = format!("{}{id}{}", &path[..start], &path[end + 1..]);
    }
    Ok(path.replace(' ', "%20"))
}

/// The body with what it refers to.
async fn fill(api: &Server, realm: &str, body: &Value) -> Value {
    match body {
        Value::Array(items) => {
            let mut filled = Vec::new();
            for item in items {
                filled.push(Box::pin(fill(api, realm, item)).await);
            }
            Value::Array(filled)
        }
        Value::Object(map) => {
            let path = map.get("$").and_then(Value::as_str);
            match path.and_then(|path| path.split_once('|')) {
                Some(("users/profile", _)) => {
                    let mut profile = api.get(realm, "users/profile").await.expect("readable").expect("there");
                    let attributes = profile["attributes"].as_array_mut().expect("attributes");
                    attributes.retain(|attribute| attribute["name"] != "badge");
                    return profile["attributes"].take();
                }
                _ if path.is_some_and(|path| path.starts_with('{')) => {
                    return resolve(api, realm, path.unwrap_or_default()).await.expect("there").into();
                }
                _ => {}
            }
            if let Some(path) = path {
                let path = resolve(api, realm, path).await.expect("there");
                return api.get(realm, &path).await.expect("readable").expect("there");
            }
            let mut filled = serde_json::Map::new();
            for (key, value) in map {
                filled.insert(key.clone(), Box::pin(fill(api, realm, value)).await);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    }
}

pub(super) async fn make(api: &Server, realm: &str, edit: &Edit) -> Result<(), String> {
    let path = match edit {
        Set(path, ..) | Entry(path, ..) | Post(path, _) | Put(path) | Delete(path) | Remove(path, _) => path,
    };
    let path = resolve(api, realm, path).await?;
    let done = match edit {
        Set(_, pointer, value) => {
            let mut body =
                api.get(realm, &path).await.expect("readable").ok_or_else(|| format!("{path} is not there"))?;
            put_at(&mut body, pointer, fill(api, realm, value).await);
            api.put(realm, &path, Some(&body)).await
        }
        Entry(_, key, name, pointer, value) => {
            let list = api.get(realm, &path).await.expect("readable").unwrap_or_default();
            let entry = list.as_array().into_iter().flatten().find(|entry| entry[*key] == *name);
            let mut entry = entry.unwrap_or_else(|| panic!("{name} is not in {list}")).clone();
            put_at(&mut entry, pointer, value.clone());
            api.put(realm, &path, Some(&entry)).await
        }
        Post(_, body) => api.post(realm, &path, &fill(api, realm, body).await).await.map(drop),
        Put(_) => api.put(realm, &path, None).await,
        Delete(_) => api.delete(realm, &path, None).await,
        Remove(_, body) => api.delete(realm, &path, Some(&fill(api, realm, body).await)).await,
    };
    done.map_err(|error| format!("{path}: {error}"))
}

fn put_at(body: &mut Value, pointer: &str, value: Value) {
    let (outer, field) = pointer.rsplit_once('/').expect("a pointer");
    let outer = body.pointer_mut(outer).unwrap_or_else(|| panic!("no {pointer}"));
    match outer.as_array_mut() {
        Some(list) => list[field.parse::<usize>().expect("an index")] = value,
        None => outer[field] = value,
    }
}

/// What `drift` names: changes, foreign objects, foreign fields, what is missing.
pub fn named(plan: &Value, realm: &str) -> BTreeSet<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let tenant = list(&plan["tenants"]).into_iter().find(|tenant| tenant["tenant"] == realm).expect("the tenant");
    let mut names = BTreeSet::new();
    for change in list(&tenant["changes"]) {
        let object = change["object"].as_str().expect("a name").to_owned();
        match change["action"].as_str() {
            Some("update") => {
                for field in list(&change["fields"]) {
                    names.insert(format!("{object} {}", field["path"].as_str().unwrap_or_default()));
                }
            }
            action => drop(names.insert(format!("{object} {}d", action.unwrap_or_default()))),
        }
    }
    let fields = tenant["foreignFields"].as_object().cloned().unwrap_or_default();
    for (object, paths) in &fields {
        names.extend(list(paths).iter().map(|path| format!("foreign {object} {}", path.as_str().unwrap_or_default())));
    }
    names.extend(list(&tenant["missing"]).iter().map(|id| format!("missing {}", id.as_str().unwrap_or_default())));
    names.extend(list(&tenant["foreign"]).iter().map(|id| format!("foreign {}", id.as_str().unwrap_or_default())));
    names.iter().map(|name| without_id(name)).collect()
}

/// The name without the id by which it is told from others: `directory#0a1b…/username` as `directory#/username`.
fn without_id(name: &str) -> String {
    let Some((before, after)) = name.split_once('#') else { return name.to_owned() };
    format!("{before}#{}", after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_'))
}
