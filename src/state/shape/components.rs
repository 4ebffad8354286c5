//! Components inside components become a list of their own that names its owners; the component that wraps the user
//! profile becomes the user profile.

use serde_json::{Map, Value, json};

use super::{objects, prune, text};

/// The type of the component that wraps the user profile.
const PROFILE: &str = "org.keycloak.userprofile.UserProfileProvider";

/// Where it keeps the profile, as the text of a JSON document.
const CONFIG: &str = "kc.user.profile.config";

pub(super) fn gather(document: &mut Map<String, Value>) {
    let mut below = Vec::new();
    if let Some(groups) = document.get_mut("components").and_then(Value::as_object_mut) {
        let profile = groups.remove(PROFILE);
        for component in groups.values_mut().flat_map(|list| list.as_array_mut().into_iter().flatten()) {
            let Some(component) = component.as_object_mut() else { continue };
            let parent = text(component, "name").to_owned();
            for (kind, list) in
                component.remove("subComponents").as_ref().and_then(Value::as_object).into_iter().flatten()
            {
                for sub in list.as_array().into_iter().flatten() {
                    let mut sub = sub.clone();
                    sub["parent"] = parent.as_str().into();
                    sub["providerType"] = kind.as_str().into();
                    below.push(sub);
                }
            }
        }
        let profile = profile.as_ref().and_then(|list| list.pointer(&format!("/0/config/{CONFIG}/0")));
        if let Some(profile) = profile.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok()) {
            let profile: Value = profile;
            document.entry("userProfile").or_insert(profile);
        }
    }
    if !below.is_empty() {
        document.insert("subComponents".into(), below.into());
    }
    if let Some(profile) = document.get_mut("userProfile").and_then(Value::as_object_mut) {
        for attribute in objects(profile, "attributes") {
            prune(
                attribute,
                &[
                    ("multivalued", json!(false)),
                    ("annotations", json!({})),
                    ("validations", json!({})),
                    ("group", json!("")),
                ],
            );
        }
        objects(profile, "groups").for_each(|group| prune(group, &[("annotations", json!({}))]));
    }
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    for sub in document.remove("subComponents").as_ref().and_then(Value::as_array).into_iter().flatten() {
        let (parent, kind) = (&sub["parent"], sub["providerType"].as_str().unwrap_or_default());
        let mut own = sub.clone();
        if let Some(own) = own.as_object_mut() {
            own.retain(|field, _| field != "parent" && field != "providerType");
        }
        let groups = document.get_mut("components").and_then(Value::as_object_mut).into_iter().flatten();
        let mut components = groups.flat_map(|(_, list)| list.as_array_mut().into_iter().flatten());
        if let Some(owner) = components.find(|component| component["name"] == *parent) {
            let list = &mut owner["subComponents"][kind];
            if !list.is_array() {
                *list = json!([]);
            }
            list.as_array_mut().into_iter().for_each(|list| list.push(own.clone()));
        }
    }
    if let Some(profile) = document.remove("userProfile") {
        let components = document.entry("components").or_insert_with(|| json!({}));
        components[PROFILE] =
            json!([{"providerId": "declarative-user-profile", "config": {CONFIG: [profile.to_string()]}}]);
    }
}
