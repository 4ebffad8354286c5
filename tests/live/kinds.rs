//! Every kind of object, made by a birth and made one by one, changed, and removed, against a real server.

use serde_json::{Value, json};

use crate::support::full::content;
use crate::tenants::{Site, export, on_server};
use realmwright::keycloak::ReadRealms;

/// Guards that stand in the way of changing nearly everything at once.
const WAIVED: [&str; 8] = [
    "apply",
    "--yes",
    "--waive=realm-updates",
    "--waive=realm-deletions",
    "--waive=distributor-updates",
    "--waive=distributor-deletions",
    "--waive=run-updates",
    "--waive=run-deletions",
];

fn declare(site: &Site, content: &Value) {
    let template = json!({"apiVersion": "realmwright/v1", "kind": "RealmTemplate", "name": "full", "extends": "organization", "realm": content});
    site.write("full.yaml", &template.to_string().replace("$(", "$$("));
}

fn settled(site: &Site, when: &str) {
    let output = site.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{when}: planning again is not empty\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn every_kind_is_made_one_by_one_changed_and_removed() {
    let site = Site::new("each");
    site.apply();
    declare(&site, &content(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    site.expect(0, &WAIVED);
    settled(&site, "made one by one");
    declare(&site, &content(2));
    site.expect(0, &WAIVED);
    settled(&site, "changed");
    let realm = export(&site.clinic);
    assert_eq!(realm["browserFlow"], "door");
    let flows: Vec<&str> = realm["authenticationFlows"]
        .as_array()
        .expect("flows")
        .iter()
        .filter_map(|flow| flow["alias"].as_str())
        .collect();
    assert!(flows.iter().any(|flow| flow.starts_with("retired ") && flow.ends_with(" door")), "{flows:?}");
    site.edit("    template: full\n", "");
    site.expect(0, &WAIVED);
    settled(&site, "removed");
    site.remove();
}

#[test]
fn every_kind_is_born_and_changed() {
    let site = Site::new("whole");
    declare(&site, &content(1));
    site.edit("    label: Clinic\n", "    label: Clinic\n    template: full\n");
    site.expect(0, &WAIVED);
    settled(&site, "born");
    let organizations =
        on_server(async |api| api.get(&site.clinic, "organizations").await.expect("readable").expect("there"));
    assert_eq!(organizations[0]["alias"], "ward");
    declare(&site, &content(2));
    site.expect(0, &WAIVED);
    settled(&site, "changed");
    site.remove();
}
