//! Client profiles and policies, localization and organizations: what says nothing is left out, so that both sides
//! say the same.

use serde_json::{Map, Value, json};

use super::{objects, prune};

pub(super) fn gather(document: &mut Map<String, Value>) {
    for (holder, list, parts) in
        [("clientProfiles", "profiles", ["executors", ""]), ("clientPolicies", "policies", ["conditions", "profiles"])]
    {
        let Some(holder) = document.get_mut(holder).and_then(Value::as_object_mut) else { continue };
        for item in objects(holder, list) {
            for part in objects(item, parts[0]) {
                // Keycloak fails on a provider without one.
                part.entry("configuration").or_insert_with(|| json!({}));
            }
            prune(item, &[("description", json!("")), (parts[0], json!([])), (parts[1], json!([]))]);
        }
    }
    if let Some(texts) = document.get_mut("localizationTexts").and_then(Value::as_object_mut) {
        texts.values_mut().for_each(|texts| *texts = json!({ "texts": texts.take() }));
    }
    for organization in objects(document, "organizations") {
        objects(organization, "domains").for_each(|domain| prune(domain, &[("verified", json!(false))]));
        if let Some(domains) = organization.get_mut("domains").and_then(Value::as_array_mut) {
            super::sort_by(domains, "name");
        }
        for provider in organization.get_mut("identityProviders").and_then(Value::as_array_mut).into_iter().flatten() {
            // An export has whole providers here.
            if let Some(alias) = provider.get("alias").cloned() {
                *provider = alias;
            }
        }
    }
}

pub(super) fn scatter(document: &mut Map<String, Value>) {
    if let Some(texts) = document.get_mut("localizationTexts").and_then(Value::as_object_mut) {
        texts.values_mut().for_each(|wrapped| *wrapped = wrapped["texts"].take());
    }
    for organization in objects(document, "organizations") {
        for provider in organization.get_mut("identityProviders").and_then(Value::as_array_mut).into_iter().flatten() {
            if provider.is_string() {
                *provider = json!({ "alias": provider.take() });
            }
        }
    }
}
