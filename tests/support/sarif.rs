//! What findings for code scanning have to be: SARIF 2.1.0 by the schema that OASIS publishes, and within the part of it
//! that GitHub takes.
//!
//! `sarif-schema-2.1.0.json` is that schema, as the crate serde-sarif 0.8.0 (MIT) carries it.

use serde_json::Value;

/// Most results of a run that GitHub shows; it refuses 25,000 and more.
pub const RESULTS: usize = 5_000;

/// Asserts that a log is one that GitHub takes.
pub fn check(log: &Value) {
    // One of its patterns, for a field that is not ours, has a bracket too many, which not every engine takes.
    let schema = include_str!("sarif-schema-2.1.0.json").replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let faults: Vec<String> =
        validator.iter_errors(log).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let runs = log["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    let rules = driver["rules"].as_array().expect("rules");
    for rule in rules {
        let text = |name: &str| rule[name]["text"].as_str().expect("a text");
        assert!(!text("shortDescription").is_empty() && text("shortDescription").chars().count() <= 1024, "{rule}");
        assert!(!text("fullDescription").is_empty() && text("fullDescription").chars().count() <= 1024, "{rule}");
        assert!(!text("help").is_empty(), "{rule}");
        assert!(rule["id"].as_str().is_some_and(|id| !id.is_empty() && id.len() <= 255), "{rule}");
    }
    let results = runs[0]["results"].as_array().expect("results");
    assert!(results.len() <= RESULTS);
    let mut prints = std::collections::BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning"].contains(&result["level"].as_str().expect("a level")), "{result}");
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{result}");
        let places = result["locations"].as_array().expect("places");
        assert_eq!(places.len(), 1, "GitHub shows the first place alone");
        let place = &places[0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        let relative = !uri.starts_with('/') && !uri.contains(':') && !uri.split('/').any(|part| part == "..");
        assert!(relative && !uri.contains([' ', '\\']) && !uri.is_empty(), "{uri} is not relative to the repository");
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{place}");
        let print = result["partialFingerprints"]["finding/v1"].as_str().expect("a fingerprint");
        assert!(prints.insert(print.to_owned()), "two results have the fingerprint {print}");
    }
}
