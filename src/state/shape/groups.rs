//! References to groups whose names hold a `/`: Keycloak writes their paths without telling that `/` from the one between
//! two names (or, told so at its start, with a `~` before it). Here it is `%2F`, as in their keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::objects;
use crate::state::{Kind, ObjectId};

pub(super) fn gather(document: &mut Map<String, Value>) {
    let mut paths = BTreeMap::new();
    for group in all(document) {
        let (path, native) = (format!("/{}", group.key), group.native_path());
        if path != native {
            let escaped: String = group.key.split('/').map(|step| format!("/{}", step.replace("%2F", "~/"))).collect();
            paths.insert(escaped, path.clone());
            paths.insert(native, path);
        }
    }
    // A path that is also another group's is that one's.
    for plain in all(document) {
        paths.remove(&format!("/{}", plain.key));
    }
    rename(document, &paths);
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    let paths = all(document).into_iter().map(|group| (format!("/{}", group.key), group.native_path()));
    let paths = paths.filter(|(path, native)| path != native).collect();
    rename(document, &paths);
}

fn all(document: &Map<String, Value>) -> Vec<ObjectId> {
    let (mut found, mut open) = (Vec::new(), vec![(Vec::new(), document.get("groups"))]);
    while let Some((above, list)) = open.pop() {
        for group in list.and_then(Value::as_array).into_iter().flatten() {
            let names: Vec<&str> = above.iter().copied().chain(group["name"].as_str()).collect();
            found.push(ObjectId::group(names.iter().copied()));
            open.push((names, group.get("subGroups")));
        }
    }
    found.retain(|group| group.kind == Kind::Group && !group.key.is_empty());
    found
}

/// Puts other paths wherever groups are referred to by theirs.
fn rename(document: &mut Map<String, Value>, paths: &BTreeMap<String, String>) {
    if paths.is_empty() {
        return;
    }
    let put = |slot: &mut Value| {
        if let Some(path) = slot.as_str().and_then(|path| paths.get(path)) {
            *slot = path.as_str().into();
        }
    };
    document.get_mut("defaultGroups").and_then(Value::as_array_mut).into_iter().flatten().for_each(put);
    for user in objects(document, "users") {
        user.get_mut("groups").and_then(Value::as_array_mut).into_iter().flatten().for_each(put);
    }
    let settings = document.get_mut("authorizationSettings").and_then(Value::as_object_mut);
    for settings in settings.into_iter().flat_map(|map| map.values_mut()) {
        for policy in settings["policies"].as_array_mut().into_iter().flatten() {
            let groups = policy.pointer_mut("/config/groups").and_then(Value::as_array_mut);
            groups.into_iter().flatten().filter_map(|group| group.get_mut("path")).for_each(put);
        }
    }
}
