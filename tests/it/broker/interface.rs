//! What the broker is asked, and the description of that.

use std::collections::BTreeSet;

use realmwright::broker::openapi;
use serde_json::Value;

use super::stage::Stage;
use crate::support::browser::Browser;

#[tokio::test]
async fn the_description_and_the_router_name_the_same_operations() {
    let stage = Stage::new().await;
    let described: BTreeSet<(String, String)> =
        openapi::operations().map(|(method, path)| (method, path.to_owned())).collect();
    let paths: BTreeSet<&str> = realmwright::broker::paths().collect();
    assert_eq!(paths, described.iter().map(|(_, path)| path.as_str()).collect());
    for path in paths {
        let url = format!("{}{}", stage.url, path.replace("{tenant}", "acme"));
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let answer = Browser::new().send(method, &url, &[], None).await;
            let is_described = described.contains(&(method.to_owned(), path.to_owned()));
            assert_eq!(answer.status != 405, is_described, "{method} {path}: {}", answer.status);
            if is_described {
                let known = &openapi::document()["paths"][path][method.to_lowercase()]["responses"];
                assert!(
                    known.get(answer.status.to_string()).is_some(),
                    "{method} {path}: {} is not told of",
                    answer.status
                );
            }
        }
    }
}

#[test]
fn the_description_holds_together() {
    let document = openapi::document();
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for operation in operations.as_object().expect("operations").values() {
            assert!(names.insert(operation["operationId"].to_string()), "{operation}");
            let named = |place: &str| {
                let all = operation["parameters"].as_array().into_iter().flatten();
                all.filter(|one| one["in"] == place).filter_map(|one| one["name"].as_str()).collect::<Vec<_>>()
            };
            assert_eq!(named("path").contains(&"tenant"), path.contains("{tenant}"), "{path}");
        }
    }
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|inner| references(inner, found));
            }
            Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 5);
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn answers_are_as_they_are_described() {
    let stage = Stage::new().await;
    let mut browser = stage.user("acme").await;
    let document = openapi::document();
    let keeps = |schema: &str, body: &str| {
        let schema = serde_json::json!({
            "$ref": format!("#/components/schemas/{schema}"), "components": document["components"],
        });
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        let body: Value = serde_json::from_str(body).expect("JSON");
        let wrong: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{schema:?} {wrong:?}");
    };
    keeps("Session", &browser.get(&format!("{}/session", stage.url)).await.body);
    keeps("Place", &browser.get(&format!("{}/t/acme/login.json", stage.url)).await.body);
    let headers = [("origin", stage.url.as_str()), ("x-csrf", "1")];
    for (schema, form) in [("Token", "audience=assistant"), ("Error", "audience=another")] {
        let answer = browser.send("POST", &format!("{}/token", stage.url), &headers, Some(form.into())).await;
        keeps(schema, &answer.body);
    }
}
